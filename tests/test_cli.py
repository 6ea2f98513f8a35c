"""Every command that only looks: help, wrong use, what is invalid, formats, where output goes. Applying: test_cli_apply.py."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import click
import jsonschema
import pytest

from reconciler import __version__, cli, config
from reconciler.planfile import load
from tests.goldens import expect
from tests.office import Office, desk

COMMANDS = Path(__file__).parent.parent / "docs" / "commands.md"
NO_FILE = "No such file or directory"


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Office]:
    with desk(tmp_path) as made:
        yield made


def every_command() -> Iterator[tuple[str, ...]]:
    yield ()
    for name in cli._COMMANDS:
        yield (name,)
        found = import_module(f"reconciler.cli.{cli.module_of(name)}").command
        if isinstance(found, click.Group):
            yield from ((name, below) for below in found.commands)


# ---- help ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", list(every_command()), ids=" ".join)
def test_help_has_examples_of_what_can_be_typed(team: Office, command: tuple[str, ...]) -> None:
    said = team.run(*command, "--help")
    assert (said.code, said.err) == (0, "")
    examples = said.out.partition("\n\n  Examples:\n")[2].splitlines()
    assert examples and all(line.split()[: 1 + len(command)] == ["reconciler", *command] for line in examples)


def test_the_documentation_is_what_help_says(team: Office, pytestconfig: pytest.Config) -> None:
    pages = ["# Commands\n\nWhat `--help` of each command says. Exit codes: the table at the end.\n"]
    for command in every_command():
        name = " ".join(("reconciler", *command))
        pages.append(f"## {name}\n\n```\n{team.run(*command, '--help').out.rstrip()}\n```\n")
    text = "\n".join(pages) + "\n" + EXIT_CODES
    expect(COMMANDS, text, pytestconfig.getoption("--update-goldens"))


EXIT_CODES = """## Exit codes

| Code | Meaning |
|---|---|
| 0 | done; for `plan`: no matter whether there are changes, unless `--detailed-exitcode` |
| 1 | error: vendor, network, store, bug |
| 2 | `plan` with `--detailed-exitcode`: there are changes |
| 3 | configuration invalid |
| 4 | blocked by a guard or policy |
| 5 | plan is stale: configuration, contact source or live state moved since it was made |
| 6 | live state could not be read completely |
| 7 | lock held by another run |
| 8 | apply stopped part way; the next plan and apply go on |
| 9 | operations with unknown outcome wait for `resolve` |
| 64 | wrong use of the command line |
"""


def test_version(team: Office) -> None:
    assert team.run("--version").out == f"reconciler, version {__version__}\n"


# ---- wrong use -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("", "Usage: reconciler [OPTIONS] COMMAND"),
        ("nope", "No such command 'nope'."),
        ("plan --nope", "No such option '--nope'."),
        ("plan x", "Got unexpected extra argument (x)"),
        ("plan --format pdf", "'pdf' is not one of 'text', 'json', 'markdown', 'html'."),
        ("-C /nowhere plan", f"-C /nowhere: {NO_FILE}."),
        ("plan --select x", "'x': write connection=NAME, campaign=NAME, kind=campaign or label.KEY=VALUE, with *"),
        ("plan --select label.=x", "'label.=x' names no campaign that is declared here."),
        ("plan --exclude campaign=sprong", "'campaign=sprong' names no campaign that is declared here."),
        ("plan --rejects here.csv", "--rejects here.csv: name a file outside the repository."),
        ("apply", "Without a terminal name a plan file or say --auto-approve."),
        ("apply --lock-timeout 5 plan.json", "'5': write a duration with its unit: 30s, 5m, 1h."),
        ("show", "Missing argument 'PLANFILE'."),
        ("adopt spring 1", "'spring' is no key: write CONNECTION/campaign/NAME."),
        ("adopt hanoi/campaign/summer 1", "hanoi/campaign/summer is not declared here. Declare it first, then adopt."),
        ("adopt hanoi/campaign/spring 1", 'hanoi has no campaign with the id 1. There are: 59ed505e-c081-5c48-88ca-0936c4d93070 ("Khao'),
        ("state", "Usage: reconciler state [OPTIONS] COMMAND"),
        ("state show spring", "'spring' is no key: write CONNECTION/campaign/NAME."),
        ("state show hanoi/campaign/spring", "hanoi/campaign/spring is not bound. See: reconciler state list"),
        ("schema Campain", "'Campain' is no kind. There are: Project, Connection, Schedule, RecallPolicy, ContactSet, Supp"),
        ("simulator --port 70000", "70000 is not in the range 0<=x<=65535."),
    ],
)  # fmt: skip
def test_wrong_use_is_64_and_says_what_is_right(team: Office, arguments: str, said: str) -> None:
    result = team.run(*arguments.split())
    assert (result.code, result.out) == (64, "")
    assert said in result.err
    assert not [entry for entry in team.calls() if entry.effect and "token" not in entry.path]


# ---- what is invalid -----------------------------------------------------------------------------------------------

BROKEN = {
    "connection.yaml": ("campaigns.yaml", "vendor: tel4vn", "vendor: tel4vm"),
    "campaign": ("campaigns.yaml", "schedule: hours", "schedule: hour"),
    "window": ("campaigns.yaml", 'to: "17:00"', 'to: "07:00"'),
    "project": ("reconciler.yaml", "spec:\n", "spec:\n  guard: {}\n"),
}
SAID = [
    'campaigns.yaml:5:3  Connection hanoi: vendor must be conpeek, thulium, tel4vn or intersvyaz. Did you mean "tel4vn"?',
    "campaigns.yaml:17:7  Schedule hours: windows[0] ends at 07:00, not after it starts at 09:00: a window does not cross midnight, "
    "write two.",
    'campaigns.yaml:33:3  Campaign spring: schedule "hour" does not exist. Did you mean "hours"?',
    'reconciler.yaml:5:3  Project acme: unknown key "guard" in spec. Did you mean "guards"?',
]


def break_everything(team: Office) -> None:
    for file, old, new in BROKEN.values():
        team.edit(file, old, new)


@pytest.mark.parametrize(
    "command", ["validate", "plan", "apply --auto-approve", "state list", "adopt hanoi/campaign/spring 1"]
)
def test_all_that_is_invalid_is_told_at_once(team: Office, command: str) -> None:
    break_everything(team)
    result = team.run(*command.split())
    assert (result.code, result.out) == (3, "")
    assert result.err.splitlines() == [*SAID, "4 errors. Nothing was sent."]
    assert team.calls() == []


def test_what_is_invalid_as_json(team: Office) -> None:
    break_everything(team)
    result = team.run("validate", "--format", "json")
    assert (result.code, result.err) == (3, "")
    told = result.json()
    assert told["valid"] is False and told["warnings"] == []
    assert [f"{p['file']}:{p['line']}:{p['column']}  {p['message']}" for p in told["problems"]] == SAID
    assert [p["rule"] for p in told["problems"]] == ["choice", "window", "reference", "unknown-key"]


def test_what_is_valid_as_json_with_its_warnings(team: Office) -> None:
    team.edit("campaigns.yaml", "[no_answer, busy]", "[no_answer, invalid_number]")
    told = team.run("validate", "--format", "json").json()
    assert told["valid"] is True and told["problems"] == []
    assert [(w["code"], w["severity"], w["source"]) for w in told["warnings"]] == [
        ("W12", "warning", "campaigns.yaml:25")
    ]
    assert "W12" in team.run("validate").out


def test_validate_needs_no_secret_and_no_network(team: Office) -> None:
    team.environ.clear()
    result = team.run("validate")
    assert (result.code, result.err) == (0, "")
    assert result.out == "acme: 1 connection, 1 campaign, 1 contact set, 0 suppression lists. Valid.\n"
    assert team.calls() == []


def test_plan_and_apply_end_with_3_on_all_that_is_not_set(team: Office) -> None:
    for name in ("TEL4VN_URL", "TEL4VN_API_KEY"):
        team.environ[name] = ""
    for command in (("plan", "--out", "plan.json"), ("apply", "--auto-approve"), ("validate", "--online")):
        result = team.run(*command)
        assert result.code == 3
        assert result.err.splitlines() == [
            f"campaigns.yaml:1:1  Connection hanoi: {what}: the environment variable {name} is not set, or empty: "
            "set it in the environment of this job."
            for what, name in (("apiKey", "TEL4VN_API_KEY"), ("baseUrl", "TEL4VN_URL"))
        ] + ["2 errors. Nothing was sent."]
    assert not (team.root / "plan.json").exists()


def test_validate_online_asks_and_changes_nothing(team: Office) -> None:
    assert team.run("validate", "--online").code == 0
    assert {(entry.method, entry.path) for entry in team.calls() if entry.method != "GET"} == {
        ("POST", "/v3/auth/token")
    }


# ---- where output goes ---------------------------------------------------------------------------------------------


def test_the_directory_can_be_named(team: Office, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    root, team.root = team.root, elsewhere
    assert team.run("validate").code == 3
    assert team.run("-C", str(root), "plan", "--out", "plan.json").code == 0
    assert load(root / "plan.json").project == "acme" and not list(elsewhere.iterdir())


def test_output_can_go_to_a_file(team: Office) -> None:
    shown = team.run("plan", "--out", "plan.json", "--output", "plan.txt")
    assert (shown.code, shown.out) == (0, "")
    assert "Plan: 1 create" in (team.root / "plan.txt").read_text("utf-8")
    assert team.run("show", "plan.json", "--format", "markdown", "--output", "plan.md").out == ""
    assert (team.root / "plan.md").read_text("utf-8").startswith("### reconciler: 1 campaign changes, 3 more people")


@pytest.mark.parametrize("option", ["--out", "--output"])
def test_a_file_that_cannot_be_written_is_no_bug(team: Office, option: str) -> None:
    result = team.run("plan", option, "/nowhere/file")
    assert (result.code, result.out) == (1, "")
    assert result.err == f"/nowhere/file: cannot be written ({NO_FILE}).\n"


def test_standard_output_is_pure_json_where_json_is_asked_for(team: Office) -> None:
    schema = config.schema("plan")
    planned = team.run("plan", "--format", "json", "--out", "plan.json")
    jsonschema.validate(planned.json(), schema)
    assert (
        json.loads((team.root / "plan.json").read_bytes())
        == planned.json()
        == team.run("show", "plan.json", "--format", "json").json()
    )
    applied = team.run("apply", "plan.json", "--format", "json")
    assert applied.json()["result"] == "applied" and "create hanoi/campaign/spring: confirmed" in applied.err
    assert team.run("apply", "--auto-approve", "--format", "json").json()["result"] == "nothing"
    assert team.run("state", "list", "--format", "json").json()["serial"] == 2
    shown = team.run("state", "show", "hanoi/campaign/spring", "--format", "json").json()
    assert shown["people"] == {"confirmed": 3} and shown["lastApplied"]["concurrent_call"] == 5


def test_a_plan_file_is_stable_and_private(team: Office) -> None:
    first, second = (team.run("plan", "--out", name, "--format", "json").json() for name in ("a.json", "b.json"))
    volatile = {"createdAt", "expiresAt"}
    assert {k: v for k, v in first.items() if k not in volatile} == {
        k: v for k, v in second.items() if k not in volatile
    }
    assert (team.root / "a.json").stat().st_mode & 0o777 == 0o600


def test_colours_only_on_a_terminal_and_only_where_wanted(team: Office) -> None:
    assert "\x1b[" in team.run("plan", typed="").out
    assert "\x1b[" not in team.run("--no-color", "plan", typed="").out
    assert "\x1b[" not in team.run("plan").out
    team.environ["NO_COLOR"] = ""
    assert "\x1b[" not in team.run("plan", typed="").out


def test_detailed_exitcode(team: Office) -> None:
    assert team.run("plan").code == 0
    assert team.run("plan", "--detailed-exitcode").code == 2
    assert team.apply().code == 0
    assert team.run("plan", "--detailed-exitcode").code == 0
    team.edit("reconciler.yaml", "spec:", "spec:\n  guards: {contactsAdded: {max: 0}}")
    (team.root.parent / "people" / "may.csv").write_text("id,mobile,name\nC9,0900000009,New\n")
    assert team.run("plan", "--detailed-exitcode").code == 4


def test_show_needs_no_network_no_secret_and_no_repository(team: Office, tmp_path: Path) -> None:
    told = team.run("plan", "--out", "plan.json").out.partition("\nSaved to")[0]
    alone = tmp_path / "alone"
    alone.mkdir()
    (team.root / "plan.json").rename(alone / "plan.json")
    team.root, team.environ = alone, {}
    before = len(team.calls())
    assert team.run("show", "plan.json").out == told
    assert team.run("show", "plan.json", "--format", "markdown").code == 0
    assert len(team.calls()) == before and [path.name for path in alone.iterdir()] == ["plan.json"]


def test_show_of_something_else(team: Office) -> None:
    gone = team.run("show", "gone.json")
    assert (gone.code, gone.err) == (1, f"{team.root}/gone.json: cannot be read ({NO_FILE}).\n")
    team.write("other.json", '{"formatVersion": 2}')
    other = team.run("show", "other.json")
    assert (other.code, other.err) == (
        1,
        f"{team.root}/other.json: this is no plan file of this version. Make one: reconciler plan --out FILE\n",
    )


# ---- the ledger, the schemas, the simulator ------------------------------------------------------------------------


def test_state_before_anything_was_applied(team: Office) -> None:
    assert team.run("state", "list").out == "Nothing was ever applied.\n"
    empty = team.run("state", "list", "--format", "json").json()
    assert (empty["lineage"], empty["serial"], empty["bindings"], empty["holder"]) == ("", 0, [], None)
    assert not (team.root / ".reconciler" / "state.db").exists()


def test_schemas(team: Office) -> None:
    assert tuple(team.run("schema").out.split()) == config.kinds()
    assert team.run("schema", "recallpolicy").json() == config.schema("RecallPolicy")


def test_rejected_rows_by_number_and_reason(team: Office, tmp_path: Path) -> None:
    (tmp_path / "people" / "may.csv").write_text("id,mobile,name\nC1,0900,An\nC2,,Binh\n")
    result = team.run("plan", "--rejects", str(tmp_path / "rejects.csv"))
    assert result.err == "hanoi/campaign/spring: 2 rejected rows\n"
    assert (tmp_path / "rejects.csv").read_text() == (
        "contacts,file,row,reason\nmay,{env: MAY_CSV},2,too_short\nmay,{env: MAY_CSV},3,empty\n"
    )


def test_the_simulator_says_how_to_reach_it_and_stops_when_told() -> None:
    command = [sys.executable, "-c", "from reconciler.cli import main; main()", "simulator", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(4)]
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert lines[0].startswith("# The four vendors, simulated; nobody is called.") and lines[2].startswith(
        "export TEL4VN_URL=http://127.0.0.1:"
    )
    assert (process.returncode, err) == (0, "")


def test_a_simulator_that_cannot_start_says_why(team: Office) -> None:
    port = team.here.url.rpartition(":")[2]
    taken = team.run("simulator", "--port", port)
    assert taken.code == 1 and "The simulator did not start: " in taken.err and "in use" in taken.err
    team.write("faults.yaml", "- {fault: 900}")
    wrong = team.run("simulator", "--port", "0", "--faults", "faults.yaml")
    assert wrong.code == 1 and "faults.yaml" in wrong.err and "[0].fault" in wrong.err
