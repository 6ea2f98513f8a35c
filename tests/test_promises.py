"""What is promised, held to over the command line: a plan changes nothing, nobody's data leaves, a key goes to no other host."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import stamina

from reconciler.simulator.world import CREDENTIALS
from tests.leaks import Hunt, Tattler, numbers
from tests.office import CONTACT_KEY, Office, office


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Office]:
    with office(tmp_path) as made, stamina.set_testing(True, attempts=2):
        yield made


# ---- a plan sends nothing that could change anything --------------------------------------------------------------------

UUID = "[0-9a-f-]{36}"
READS = {
    "tel4vn": rf"POST /v3/auth/token|GET /v3/(campaign(/{UUID})?|carrier|template|list|lead)",
    "thulium": r"GET /outbounds(/stats|/[0-9]{5}/(agents|statuses))?|GET /outbounds/[0-9]{5}/records",
    "conpeek": r"GET /voice_campaign/[0-9a-f]{24}/request",
    "intersvyaz": r"POST /login/",
}
LOOKS = (
    ("validate",), ("validate", "--online"), ("plan",), ("plan", "--out", "plan.json"), ("plan", "--format", "json"),
    ("plan", "--format", "markdown"), ("plan", "--select", "connection=t*"), ("plan", "--exclude", "campaign=opros-*"),
    ("plan", "--format", "html"), ("show", "plan.json", "--format", "html"),
    ("show", "plan.json"), ("state", "list"), ("state", "show", "thulium-krakow/campaign/odnowienia"), ("schema", "Campaign"),
)  # fmt: skip


def test_every_call_of_a_command_that_looks_is_a_read_or_a_login(team: Office) -> None:
    team.run("plan")
    assert team.apply().code == 0
    drift(team)
    before, snapshots = len(team.calls()), state(team)
    for command in LOOKS:
        result = team.run(*command)
        assert result.code in {0, 4}, (command, result.err)
    calls = [(entry.vendor, f"{entry.method} {entry.path}") for entry in team.calls()[before:]]
    assert len(calls) > 40
    assert [call for call in calls if not re.fullmatch(READS[call[0]], call[1])] == []
    assert state(team) == snapshots


def drift(team: Office) -> None:
    """Something to plan everywhere: in the panels, in the YAML, among the people."""
    vendors = team.here.simulator.vendors
    (uuid,) = (
        u for u, row in vendors["tel4vn"].snapshot()["campaigns"].items() if row["campaign_name"].startswith("Spring")
    )
    vendors["tel4vn"].edit("campaign", uuid, {"concurrent_call": 50, "active": False})
    vendors["thulium"].edit("campaign", "00001", {"parity": 1})
    for name in ("RENEWALS_CSV", "UMOWY_CSV", "WIZYTY_CSV", "OPROS_JSONL"):
        path = Path(team.environ[name])
        *kept, last = path.read_text("utf-8").splitlines()
        path.write_text("\n".join([*kept, re.sub(r"\d(?=\D*$)", "7", last)]) + "\n", "utf-8")


def state(team: Office) -> dict[str, Any]:
    return {name: vendor.snapshot() for name, vendor in team.here.simulator.vendors.items()}


# ---- nobody's number, name or key in anything that is left behind ---------------------------------------------------------

SOURCES = {  # file -> calling code, header, one row per person as a format of number and name
    "renewals.csv": ("84", "customer_id,mobile,name,contract", "KH-{tail},0{national},{name},HD-{tail}"),
    "umowy.csv": ("48", "telefon,imie", "{national},{name}"),
    "wizyty.csv": ("48", "numer,termin", "+48{national},{name}"),
    "opros.jsonl": ("7", "", '{{"phone": "+7{national}", "name": "{name}"}}'),
}
FIRST = {"renewals.csv": 912345601, "umowy.csv": 501234561, "wizyty.csv": 601234571, "opros.jsonl": 9123456781}
NAMES = (
    "Nguyễn-Văn-Quyết",
    "Świętopełk Ćwiąkała",
    "Ольга Щербакова",
    "Anh & Söhne/GmbH",
    "O'Brien-Kowalska",
    "Trần Thị Hồng Đào",
)


def populate(team: Office, shift: int = 0) -> list[str]:
    """People of our own in every source; returns all of their data, in all forms of their numbers."""
    data = []
    for file, (code, header, row) in SOURCES.items():
        people = [(FIRST[file] + shift + index, name) for index, name in enumerate(NAMES)]
        lines = [row.format(national=number, name=name, tail=str(number)[-5:]) for number, name in people]
        variable = file.upper().replace(".", "_")
        Path(team.environ[variable]).write_text("\n".join([header, *lines]).lstrip() + "\n", "utf-8")
        for number, name in people:
            data += [*numbers(f"+{code}{number}", code), name, f"KH-{str(number)[-5:]}", f"HD-{str(number)[-5:]}"]
    return data


def secrets(team: Office) -> list[str]:
    known = [value for names in CREDENTIALS.values() for name, value in names.items() if name != "username"]
    return [*known, CONTACT_KEY, *(token for tokens in team.here.world.tokens.values() for token in tokens)]


def live(team: Office, hunt: Hunt, *more: tuple[str, ...]) -> list[int]:
    """Run commands and look at all they said and left."""
    codes = []
    for command in more:
        result = team.run(*command)
        codes.append(result.code)
        hunt.see(f"{len(hunt)} stdout of {command}", result.out)
        hunt.see(f"{len(hunt)} stderr of {command}", result.err)
        hunt.see_folder(team.root)
    return codes


REPORTS = (
    ("state", "list"), ("state", "list", "--format", "json"), ("state", "show", "tel4vn-hanoi/campaign/spring-renewals"),
    ("state", "show", "tel4vn-hanoi/campaign/spring-renewals", "--format", "json"), ("resolve",),
)  # fmt: skip
PLANS = (
    ("plan", "--out", "plan.json"), ("plan", "--format", "json", "--output", "rendered.json"),
    ("plan", "--format", "markdown"), ("show", "plan.json", "--format", "json"), ("plan", "--rejects", "../rejects.csv"),
    ("plan", "--format", "html"), ("show", "plan.json", "--format", "html"),
)  # fmt: skip


def test_a_whole_life_leaves_no_trace_of_anybody(team: Office) -> None:
    team.edit("reconciler.yaml", "    creates: {max: 10}", "    contactsWithdrawn: {percent: 100%}")
    team.edit("reconciler.yaml", "percent: 50%", "percent: 200%")
    hunt = Hunt([*populate(team), *populate(team, shift=1), *secrets(team)])
    populate(team)
    codes = live(
        team,
        hunt,
        ("validate",),
        ("validate", "--format", "json"),
        *PLANS,
        ("apply", "plan.json", "--format", "json"),
        *REPORTS,
    )
    assert set(codes) == {0}
    populate(team, shift=1)
    codes = live(team, hunt, ("plan", "--out", "plan.json"), ("apply", "plan.json"), ("plan",), *REPORTS)
    assert set(codes) == {0} and team.most_dials() == 1
    hunt.see("rejects", (team.root.parent / "rejects.csv").read_bytes())
    hunt.forbidden += [token for token in secrets(team) if token not in hunt.forbidden]
    assert hunt.found() == []


@contextmanager
def tattling(team: Office, status: int, always: list[str]) -> Iterator[None]:
    routers = team.here.simulator._routers
    honest = dict(routers)
    routers.update({name: Tattler(router, status, always) for name, router in honest.items()})
    try:
        yield
    finally:
        routers.update(honest)


@pytest.mark.parametrize("status", [200, 400, 403, 422, 429, 500])
def test_a_vendor_that_says_everything_back_is_not_quoted(team: Office, status: int) -> None:
    data = populate(team)
    every_number = [value for value in data if value[-7:].isdigit()]
    hunt = Hunt([*data, *secrets(team)])
    with tattling(team, status, every_number):
        (code,) = live(team, hunt, ("apply", "--auto-approve", "--settle-timeout", "0s"))
        assert code in {1, 8, 9}
        live(team, hunt, ("apply", "--auto-approve", "--settle-timeout", "0s", "--format", "json"), ("plan",), *REPORTS)
    hunt.forbidden += [token for token in secrets(team) if token not in hunt.forbidden]
    assert hunt.found() == []


def test_what_somebody_typed_into_a_panel_is_masked_too(team: Office) -> None:
    number = "+48501234567"
    hunt = Hunt([*numbers(number, "48")])
    vendors = team.here.simulator.vendors
    vendors["thulium"].edit("campaign", "00001", {"name": f"ring {number} now", "parameters": {"caller_id": number}})
    vendors["thulium"].edit("campaign", "00003", {"name": f"\x1b[31mAnna {number[3:]}"})
    vendors["tel4vn"].edit("campaign", None, {"campaign_name": f"0{number[3:]}", "type": "autocall"})
    codes = live(
        team,
        hunt,
        *PLANS,
        ("adopt", "tel4vn-hanoi/campaign/spring-renewals", "nope"),
        ("apply", "plan.json", "--format", "json"),
    )
    assert codes == [0] * len(PLANS) + [64, 0]
    assert hunt.found() == [] and "\x1b" not in team.run("plan").out


SITES_OF_BUGS = {
    "sending": "reconciler.providers.tel4vn.contacts.Leads.add",
    "writing down": "reconciler.writer.StepWriter._request",
    "reading people": "reconciler.contacts.planning._judge",
    "planning": "reconciler.planner.steps_of",
    "rendering": "reconciler.render.text.plan_text",
    "loading": "reconciler.config.linking.link",
}


@pytest.mark.parametrize("place", SITES_OF_BUGS)
def test_a_bug_of_ours_shows_places_and_no_data(team: Office, place: str) -> None:
    data = populate(team)
    hunt = Hunt([*data, *secrets(team)])

    def broken(*arguments: object, **named: object) -> object:
        person, key = data[0], CREDENTIALS["tel4vn"]["apiKey"]
        raise RuntimeError(f"no idea what to do with {person} {data} {key} {team.environ}")

    with mock.patch(SITES_OF_BUGS[place], broken):
        codes = live(team, hunt, ("plan",), ("apply", "--auto-approve"))
        told = team.run("apply", "--auto-approve", "--format", "json")
        hunt.see("report", told.out + told.err)
    assert {1, 8} & {*codes, told.code} and "test_promises.py" in told.out
    assert re.search(r"a bug in reconciler \(RuntimeError\)", told.out)
    assert hunt.found() == []


# ---- a key goes to no other host -------------------------------------------------------------------------------------------

ELSEWHERE = (
    "https://evil.example", "https://evil.example/tel4vn", "http://evil.example", "https://user@evil.example",
    "https://127.0.0.1@evil.example", "https://evil.example#.thulium.com", "https://evil.example?.thulium.com",
    "https://thulium.com.evil.example", "https://evilthulium.com", "https://cloud.conpeek.com.evil.example", "http://127.0.0.1.evil.example",
    "https://ai-assistant.is74.ru.evil.example", "https://xn--thulium-2r.com", "file:///etc/passwd", "//evil.example", "evil.example", "ftp://127.0.0.1",
    "https://169.254.169.254", "https://10.0.0.1", "https://[::ffff:10.0.0.1]",
)  # fmt: skip


@pytest.mark.parametrize("url", ELSEWHERE)
def test_a_base_url_in_a_pull_request_cannot_fetch_the_keys(team: Office, url: str) -> None:
    text = (team.root / "connections.yaml").read_text()
    for vendor in ("TEL4VN", "THULIUM", "CONPEEK", "INTERSVYAZ"):
        (team.root / "connections.yaml").write_text(text.replace(f"{{env: {vendor}_URL}}", f'"{url}"'))
        for command in (("plan",), ("apply", "--auto-approve"), ("validate", "--online")):
            with mock.patch("socket.getaddrinfo", side_effect=AssertionError("a name was looked up")):
                result = team.run(*command)
            assert result.code in {3, 4}, (vendor, command, result.out, result.err)
            assert not [key for key in secrets(team) if key in result.err]
    assert team.calls() == []


def test_a_host_is_allowed_by_the_job_alone(team: Office) -> None:
    team.environ["TEL4VN_URL"] = "https://tel4vn.acme.example"
    told = team.run("plan")
    assert told.code == 4 and told.err == (
        "tel4vn-hanoi: the key of this connection is not sent to tel4vn.acme.example: it is no known host of this vendor. If it is right, "
        "name it in RECONCILER_ALLOWED_HOSTS where the job's environment is set. Nothing was sent.\n"
    )
    team.environ["RECONCILER_ALLOWED_HOSTS"] = "other.example, *.acme.example"
    tried = team.run("plan", "--select", "connection=tel4vn-*")
    assert tried.code == 6 and "could not connect" in tried.err  # allowed, but there is no such host


def test_a_redirect_is_not_followed(team: Office) -> None:
    from reconciler.simulator.faults import Faults, parse

    for status in (301, 302, 303, 307, 308):
        team.here.simulator.faults = Faults(parse([{"fault": status}]))
        before = len(team.calls())
        result = team.run("plan", "--select", "connection=thulium-*")
        assert result.code == 6 and f"answered {status}" in result.err
        assert {entry.path for entry in team.calls()[before:]} == {"/outbounds"}


def test_the_plan_names_the_hosts_it_was_made_against(team: Office) -> None:
    planned: Mapping[str, Any] = team.plan()
    assert planned["bound"]["hosts"] == ["127.0.0.1"]
