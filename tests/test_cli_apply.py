"""Every way in which plan and apply end but well: blocked, stale, unreadable, locked, part way, in doubt, told to stop."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import stamina

from reconciler.clock import SystemClock
from reconciler.ledger import open_ledger
from reconciler.model import StateStore
from reconciler.simulator.faults import Faults, parse
from tests.contract.ledgers import holder
from tests.office import Office, Result, desk, office
from tests.scenario import Canned
from tests.served import eventually

SCENARIOS = Path(__file__).parent / "scenarios"
AGAIN = "Nothing was sent. Plan again: reconciler plan --out FILE"
LEADS = "^/v3/lead/multi$"


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Office]:
    with desk(tmp_path) as made, stamina.set_testing(True, attempts=2):
        yield made


def people(team: Office) -> Path:
    return Path(team.environ["MAY_CSV"])


def faults(team: Office, *rules: dict[str, Any]) -> None:
    team.here.simulator.faults = Faults(parse(list(rules)))


def writes(team: Office) -> list[str]:
    """What reached a vendor and could have changed something."""
    return [f"{e.method} {e.path}" for e in team.calls() if e.method != "GET" and e.path != "/v3/auth/token"]


def refused(result: Result, code: int, *said: str) -> None:
    assert (result.code, result.out, result.err.splitlines()) == (code, "", list(said))


# ---- 4 and 5: what was approved --------------------------------------------------------------------------------------


def test_a_blocked_plan_is_written_and_shown_but_not_applied(team: Office) -> None:
    team.edit("reconciler.yaml", "spec:", "spec:\n  guards: {creates: {max: 0}}")
    planned = team.run("plan", "--out", "plan.json", "--detailed-exitcode")
    assert planned.code == 4 and "It is blocked: apply refuses it as long as the errors above stand." in planned.out
    assert team.run("show", "plan.json").code == 0
    refused(
        team.run("apply", "plan.json"), 4,
        "Blocked; nothing was sent.",
        "  guard-creates  reconciler.yaml:1: 1 create in one plan; the limit is 0.",
        "      If that is meant: raise spec.guards.creates.max in reconciler.yaml, or waive it for a time in reconciler.yaml: "
        'spec.guards.waivers: [{guard: creates, campaign: NAME, reason: "...", until: DATE}].',
    )  # fmt: skip
    assert writes(team) == []


def edit_configuration(team: Office) -> str:
    team.edit("campaigns.yaml", "concurrent_call: 5", "concurrent_call: 6")
    return "  the configuration was edited\n  hanoi/campaign/spring: concurrent_call: planned 5, would now be 6"


def grow_source(team: Office) -> str:
    people(team).write_text(people(team).read_text() + "C4,0900000004,Dung\n")
    return (
        "  the source of hanoi/campaign/spring/contacts/may, a list it names, or what was sent from it changed: 3 rows then, 4 rows now\n"
        "  hanoi/campaign/spring/contacts/may: planned to add 3 contacts, would now add 4 contacts"
    )


def exchange_somebody(team: Office) -> str:
    people(team).write_text(people(team).read_text().replace("0900000003", "0900000007"))
    return (
        "  the source of hanoi/campaign/spring/contacts/may, a list it names, or what was sent from it changed: 3 rows then, 3 rows now\n"
        "  hanoi/campaign/spring/contacts/may: planned to add 3 contacts, would now add 3 contacts"
    )


def take_the_name(team: Office) -> str:
    fields = {"campaign_name": "spring", "type": "autocall"}
    taken = team.here.simulator.vendors["tel4vn"].edit("campaign", None, fields)
    return (
        "  hanoi/campaign/spring: planned to create, would now do nothing\n"
        "  hanoi/campaign/spring/contacts/may: planned to add 3 contacts, would now do nothing\n"
        '  namesake  hanoi/campaign/spring (campaigns.yaml:28): An object called "spring" exists at hanoi and nothing here made it.\n'
        f"      If it is this campaign: reconciler adopt hanoi/campaign/spring {taken}. Else give yours another displayName."
    )


@pytest.mark.parametrize("move", [edit_configuration, grow_source, exchange_somebody, take_the_name])
def test_what_moved_since_the_plan_is_named_and_nothing_is_sent(team: Office, move: Callable[[Office], str]) -> None:
    assert team.run("plan", "--out", "plan.json").code == 0
    how = move(team)
    refused(team.run("apply", "plan.json"), 5, "The plan is stale. Since it was made:", *how.splitlines(), AGAIN)
    assert writes(team) == []


def test_a_click_in_the_panel_makes_a_plan_stale(team: Office) -> None:
    assert team.apply().code == 0
    team.edit("campaigns.yaml", "concurrent_call: 5", "concurrent_call: 6")
    assert team.run("plan", "--out", "plan.json").code == 0
    rows = team.here.simulator.vendors["tel4vn"].snapshot()["campaigns"]
    (uuid,) = (uuid for uuid, row in rows.items() if row["campaign_name"] == "spring")
    team.here.simulator.vendors["tel4vn"].edit("campaign", uuid, {"concurrent_call": 20})
    before = writes(team)
    refused(
        team.run("apply", "plan.json"), 5,
        "The plan is stale. Since it was made:",
        "  hanoi/campaign/spring: concurrent_call: planned 5  ->  6, would now be 20  ->  6",
        AGAIN,
    )  # fmt: skip
    assert writes(team) == before


def test_a_selection_that_names_nothing_any_more_is_stale(team: Office) -> None:
    assert team.run("plan", "--select", "campaign=spring", "--out", "plan.json").code == 0
    team.edit("campaigns.yaml", "metadata: {name: spring}", "metadata: {name: autumn}")
    result = team.run("apply", "plan.json")
    assert result.code == 5 and "'campaign=spring' names no campaign that is declared here." in result.err


def test_other_people_of_the_account_do_not_make_a_plan_stale(team: Office) -> None:
    assert team.run("plan", "--out", "plan.json").code == 0
    team.here.simulator.vendors["tel4vn"].edit("campaign", None, {"campaign_name": "another", "type": "autocall"})
    assert team.run("apply", "plan.json").code == 0


def test_a_plan_expires_after_a_day(team: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    planned = team.run("plan", "--out", "plan.json", "--format", "json").json()
    later = SystemClock().now() + timedelta(hours=24, minutes=1)
    monkeypatch.setattr(SystemClock, "now", lambda self: later)
    refused(team.run("apply", "plan.json"), 5, f"The plan expired at {planned['expiresAt']}. {AGAIN}")
    assert writes(team) == []


CHANGED = "{root}/plan.json: the plan was changed after it was made. Plan again: reconciler plan --out {root}/plan.json"
OLDER = (
    "The ledger is older than the plan (serial 0, the plan saw 7): was it restored from a backup? Bring the newest one back. "
    "Nothing was sent."
)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("changes", 0, "fields", 0, "after"), "summer", CHANGED),
        (("contacts", 0, "added"), 4, CHANGED),
        (("tool", "version"), "0.0.9", f"The plan was made by version 0.0.9, this is 0.1.0. {AGAIN}"),
        (("bound", "lineage"), "another", f"The plan was made with another ledger than the one that is here. {AGAIN}"),
        (("bound", "serial"), 7, OLDER),
    ],
)  # fmt: skip
def test_a_plan_file_that_somebody_edited(team: Office, path: tuple[Any, ...], value: object, said: str) -> None:
    assert team.run("plan", "--out", "plan.json").code == 0
    edited = json.loads((team.root / "plan.json").read_bytes())
    *above, last = path
    part = edited
    for step in above:
        part = part[step]
    part[last] = value
    team.write("plan.json", json.dumps(edited))
    refused(team.run("apply", "plan.json"), 5, said.format(root=team.root))
    assert writes(team) == []


def test_the_plan_of_another_project(team: Office) -> None:
    assert team.run("plan", "--out", "plan.json").code == 0
    team.edit("reconciler.yaml", "{name: acme}", "{name: acne}")
    refused(team.run("apply", "plan.json"), 5, f"The plan is for the project acme, this is acne. {AGAIN}")


def test_a_ledger_that_went_back_in_time(team: Office) -> None:
    state = team.root / ".reconciler" / "state.db"
    assert team.apply().code == 0
    with closing(sqlite3.connect(state)) as db, closing(sqlite3.connect(team.root / "backup.db")) as backup:
        db.backup(backup)
    people(team).write_text(people(team).read_text() + "C4,0900000004,Dung\n")
    assert team.run("apply", "--auto-approve").code == 0
    assert team.run("plan", "--out", "plan.json").code == 0
    for path in state.parent.glob("state.db*"):
        path.unlink()
    (team.root / "backup.db").rename(state)
    result = team.run("apply", "plan.json")
    assert result.code == 5 and "The ledger is older than the plan (serial 1, the plan saw 2)" in result.err


def test_another_contact_key_would_make_everybody_new(team: Office) -> None:
    assert team.apply().code == 0
    team.environ["RECONCILER_CONTACT_KEY"] = "another-key-of-more-than-thirty-two-bytes-in-all"
    for command in (("plan",), ("apply", "--auto-approve")):
        refused(
            team.run(*command), 4,
            "The contact key is not the one this ledger was written with: under it everybody would look new and be called again. "
            "Set the old key back, in contactKey {env: RECONCILER_CONTACT_KEY}; to rotate it, name the old key in formerContactKey as well."
            " Nothing was sent.",
        )  # fmt: skip


# ---- 6: what cannot be read ------------------------------------------------------------------------------------------

READ = "No plan was made, since what cannot be seen must not count as absent. To plan the rest: --exclude connection="
FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "401": ({"fault": 401}, 'answered 401: {"error":"Unauthorized"}'),
    "403": ({"fault": 403}, 'answered 403: {"error":"Forbidden"}'),
    "404": ({"fault": 404}, 'answered 404: {"error":"Not Found"}'),
    "429": ({"fault": 429, "retry_after": 0}, 'answered 429: {"error":"Too Many Requests"}'),
    "500": ({"fault": 500}, 'answered 500: {"error":"Internal Server Error"}'),
    "redirect": ({"fault": 302}, 'answered 302: {"error":"Found"}'),
    "html": ({"fault": "html"}, "a page of HTML instead of the page that the vendor documents"),
    "empty": ({"fault": "empty"}, "an empty answer instead of the page that the vendor documents"),
    "truncated": ({"fault": "truncate", "when": "after"}, "no answer (ClientPayloadError)"),
    "nothing": ({"fault": "drop"}, "no answer (ServerDisconnectedError)"),
    "reset": ({"fault": "reset"}, "no answer (ClientOSError)"),
    "garbage": ({"fault": "garbage"}, "no answer (HttpProcessingError)"),
}
# vendor -> a scenario with an account of it, and what it is called there
ACCOUNTS = {
    "tel4vn": ("schedule-edit", "hanoi"),
    "thulium": ("bound-by-id", "krakow"),
    "conpeek": ("conpeek-voice", "gdansk"),
}


def account(folder: Path, vendor: str) -> AbstractContextManager[Office]:
    """An office with one account of that vendor."""
    scenario = SCENARIOS / ACCOUNTS[vendor][0]
    return office(folder, repository=scenario / "repository", people=scenario / "people")


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("vendor", ACCOUNTS)
def test_a_vendor_that_cannot_be_read_ends_the_plan(tmp_path: Path, vendor: str, fault: str) -> None:
    connection = ACCOUNTS[vendor][1]
    rule, said = FAULTS[fault]
    with account(tmp_path, vendor) as team, stamina.set_testing(True, attempts=2):
        faults(team, {"vendor": vendor, "method": "GET", **rule})
        result = team.run("plan", "--out", "plan.json")
        if (vendor, fault) == ("conpeek", "404"):
            assert result.code == 4 and "gone  gdansk/campaign/sprawy" in result.out
            return
        assert (result.code, result.out) == (6, "")
        assert result.err.startswith(f"{connection} could not be read: {connection}: ")
        assert said in result.err or "was not answered" in result.err
        assert result.err.endswith(f"{READ}{connection}\n")
        assert not (team.root / "plan.json").exists() and writes(team) == []


@pytest.mark.parametrize(
    ("vendor", "path", "page"),
    [
        ("tel4vn", "/v3/campaign", {"data": [], "total": 5, "limit": 500, "offset": 0}),
        ("thulium", "/outbounds", {"count": 5, "result": []}),
    ],
)
def test_a_list_that_never_proves_its_end(tmp_path: Path, vendor: str, path: str, page: dict[str, Any]) -> None:
    connection = ACCOUNTS[vendor][1]
    with account(tmp_path, vendor) as team:
        routers = team.here.simulator._routers
        routers[vendor] = Canned(routers[vendor], "GET", path, 200, json.dumps(page).encode())
        result = team.run("plan", "--out", "plan.json")
        assert result.code == 6 and not (team.root / "plan.json").exists()
        assert "the end of the read could not be proved (0 of 5 rows); nothing was changed" in result.err
        assert result.err.count("nothing was changed") == 1 and connection in result.err


def test_a_refused_key_is_told_as_one(team: Office) -> None:
    team.environ["TEL4VN_API_KEY"] = "a-key-that-is-wrong"
    result = team.run("plan")
    assert result.code == 6 and "hanoi: POST /v3/auth/token: answered 401" in result.err
    assert "a-key-that-is-wrong" not in result.err


def test_the_way_out_of_one_vendor_that_is_down(tmp_path: Path) -> None:
    with office(tmp_path) as team, stamina.set_testing(True, attempts=2):
        faults(team, {"vendor": "thulium", "fault": 500})
        assert team.run("plan").code == 6
        rest = team.run("plan", "--exclude", "connection=thulium-krakow")
        assert rest.code == 0 and "A partial plan (--exclude connection=thulium-krakow)" in rest.out
        assert "3 connections, 3 campaigns" in rest.out


def test_apply_refuses_too_where_the_world_cannot_be_read(team: Office) -> None:
    assert team.run("plan", "--out", "plan.json").code == 0
    faults(team, {"vendor": "tel4vn", "method": "GET", "fault": 500})
    result = team.run("apply", "plan.json", "--format", "json")
    assert result.code == 6 and result.json()["result"] == "blocked" and "could not be read" in result.json()["error"]
    assert writes(team) == []


# ---- 7: the lease ----------------------------------------------------------------------------------------------------


def test_a_held_lease_names_its_holder(team: Office) -> None:
    assert team.apply().code == 0
    store = StateStore(path=str(team.root / ".reconciler" / "state.db"), persistent=True)
    with closing(open_ledger(store, str(team.root), {})) as other:
        lease = other.acquire(holder("run-1"), 60)
        began = time.monotonic()
        result = team.run("apply", "--auto-approve", "--lock-timeout", "1s", "--format", "json")
        assert result.code == 7 and time.monotonic() - began >= 1
        assert result.json()["result"] == "blocked"
        assert "run-1" in result.err and "run-1" in team.run("state", "list").out
        assert team.run("plan").code == 0
        other.release(lease)
    assert team.run("apply", "--auto-approve").code == 0


# ---- 8 and 9: part way ------------------------------------------------------------------------------------------------


def test_one_object_fails_and_the_others_go_on(tmp_path: Path) -> None:
    with office(tmp_path) as team, stamina.set_testing(True, attempts=2):
        faults(team, {"vendor": "thulium", "method": "PUT", "fault": 403})
        result = team.run("apply", "--auto-approve", "--format", "json")
        assert result.code == 8
        status = {(o["key"], o["action"]): (o["status"], o["error"]) for o in result.json()["outcomes"]}
        assert status["thulium-krakow/campaign/odnowienia", "update"] == (
            "rejected", 'thulium-krakow: PUT /outbounds/{id}: answered 403: {"error":"Forbidden"}',
        )  # fmt: skip
        assert status["thulium-krakow/campaign/odnowienia/contacts/umowy", "add_contacts"] == (
            "skipped", "not tried: a step before it, update of thulium-krakow/campaign/odnowienia, was not done",
        )  # fmt: skip
        assert [s for s, _ in status.values()].count("confirmed") == 5
        assert result.json()["result"] == "partial" and result.json()["contacts"]["confirmed"] == 19
        faults(team)
        assert team.run("apply", "--auto-approve").code == 0
        assert team.plan()["changes"] == [] and team.most_dials() == 1


def test_a_lost_answer_that_nobody_can_read_is_in_doubt(tmp_path: Path) -> None:
    with office(tmp_path) as team:
        faults(team, {"vendor": "intersvyaz", "path": "^/api/campaigns$", "fault": "drop", "when": "after"})
        result = team.run("apply", "--auto-approve", "--format", "json", "--settle-timeout", "0s")
        assert result.code == 9 and result.json()["contacts"]["inDoubt"] == 3
        (doubt,) = [o for o in result.json()["outcomes"] if o["status"] == "in_doubt"]
        assert doubt["key"] == "intersvyaz-chel/campaign/opros-2030" and "no answer" in doubt["error"]
        faults(team)
        planned = team.run("plan", "--format", "json").json()
        assert [d["key"] for d in planned["inDoubt"]] == ["intersvyaz-chel/campaign/opros-2030"] and planned[
            "changes"
        ] == []
        assert team.run("apply", "--auto-approve", "--settle-timeout", "0s").code == 9
        assert team.most_dials() == 1


def test_everything_refused_is_code_1(team: Office) -> None:
    faults(team, {"vendor": "tel4vn", "method": "POST", "path": "^/v3/campaign$", "fault": 422})
    result = team.run("apply", "--auto-approve")
    assert result.code == 1 and "Not applied: 0 of 2 steps done" in result.out
    assert "What is left is in the next plan: reconciler plan" in result.out


# ---- asked before, told to stop ----------------------------------------------------------------------------------------


def test_at_a_terminal_the_plan_is_shown_and_somebody_is_asked(team: Office) -> None:
    no = team.run("apply", "--format", "json", typed="n\n")
    assert (no.code, no.json()["result"]) == (0, "nothing") and writes(team) == []
    assert (
        "+ campaign spring" in no.err.replace("\x1b[32m", "").replace("\x1b[0m", "") and "Apply this? [y/N]" in no.err
    )
    assert team.run("apply", typed="").code == 130 and writes(team) == []
    yes = team.run("apply", "--format", "json", typed="y\n")
    assert (yes.code, yes.json()["result"]) == (0, "applied")
    nothing_left = team.run("apply", typed="y\n")
    assert nothing_left.code == 0 and "Apply this?" not in nothing_left.err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains(team: Office, number: signal.Signals) -> None:
    faults(team, {"vendor": "tel4vn", "path": LEADS, "fault": "slow", "seconds": 1, "when": "after"})
    process = team.spawn("apply", "--auto-approve", "--format", "json")
    eventually(lambda: any(entry.path == "/v3/lead/multi" for entry in team.calls()), 30)
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 8, err
    assert "Stopping: what is in flight is finished, nothing new is sent." in err
    report = json.loads(out)
    assert report["result"] == "partial" and report["contacts"] == {
        "confirmed": 1,
        "rejected": 0,
        "inDoubt": 0,
        "alreadyPresent": 0,
    }
    faults(team)
    assert team.run("apply", "--auto-approve").code == 0
    assert team.plan()["changes"] == [] and team.most_dials() == 1


@pytest.mark.parametrize(
    ("numbers", "code"), [((signal.SIGTERM, signal.SIGTERM), 8), ((signal.SIGKILL,), -signal.SIGKILL)]
)
def test_a_run_that_is_cut_off_leaves_a_doubt_and_no_lease(
    team: Office, numbers: tuple[signal.Signals, ...], code: int
) -> None:
    faults(team, {"vendor": "tel4vn", "path": LEADS, "fault": "slow", "seconds": 20, "when": "after"})
    process = team.spawn("apply", "--auto-approve")
    eventually(lambda: any(entry.path == "/v3/lead/multi" for entry in team.calls()), 30)
    for number in numbers:
        os.kill(process.pid, number)
        time.sleep(0.3)
    process.communicate(timeout=10)
    assert process.returncode == code
    faults(team)
    planned = team.run("plan")
    assert "? hanoi/campaign/spring/contacts/may   in doubt since" in planned.out
    after = team.run("apply", "--auto-approve", "--settle-timeout", "0s")
    assert after.code == 0, after.err  # who was sent is found by reading
    assert team.plan()["changes"] == [] and team.most_dials() == 1
