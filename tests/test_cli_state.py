"""`reconciler state`: what it shows of the ledger and what it does to it, typed as a user would."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import LeaseLost
from reconciler.ledger import open_ledger, open_reader
from reconciler.model import StateStore
from tests.contract.ledgers import holder
from tests.office import Office, desk

SPRING = "hanoi/campaign/spring"
MAY = f"{SPRING}/contacts/may"


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Office]:
    with desk(tmp_path) as made:
        yield made


@pytest.fixture
def team(fresh: Office) -> Office:
    """Spring is made, and its three people are in it."""
    assert fresh.apply().code == 0
    return fresh


def path(team: Office) -> Path:
    return team.root / ".reconciler" / "state.db"


def store(team: Office) -> StateStore:
    return StateStore(path=str(path(team)), persistent=True)


def bound_id(team: Office) -> str:
    shown: str = team.run("state", "show", SPRING, "--format", "json").json()["vendorId"]
    return shown


def ok(team: Office, *arguments: str) -> str:
    result = team.run(*arguments)
    assert (result.code, result.err) == (0, ""), result.err
    return result.out


def sendings(team: Office) -> int:
    """How many calls changed something at a vendor so far."""
    return sum(entry.method != "GET" and "token" not in entry.path for entry in team.calls())


# ---- history and verify --------------------------------------------------------------------------------------------


def test_history_tells_who_did_what_newest_last(team: Office) -> None:
    team.environ["USER"] = "ana"
    assert team.run("apply", "--auto-approve").code == 0
    lines = ok(team, "state", "history").splitlines()
    assert [int(line.split()[0]) for line in lines] == list(range(1, len(lines) + 1))
    assert lines[1].split("  ")[-2].startswith("ledger: - -> ")
    assert f"(create {SPRING}: 1 sent)" in "\n".join(lines)
    assert f"(add_contacts {MAY}: 1 sent)" in "\n".join(lines)
    assert lines[-2].endswith("  ana  ledger: serial 1 -> serial 2  (apply finished)")
    assert ok(team, "state", "history", "--limit", "2").splitlines() == lines[-2:]


def test_history_as_json(team: Office) -> None:
    told = json.loads(ok(team, "state", "history", "--format", "json"))
    assert told["formatVersion"] == 1
    assert [event["seq"] for event in told["events"]] == list(range(1, len(told["events"]) + 1))
    assert set(told["events"][0]) == {"seq", "epoch", "at", "actor", "entity", "before", "after", "reason", "hash"}
    one = json.loads(ok(team, "state", "history", "--limit", "1", "--format", "json"))
    assert one["events"] == told["events"][-1:]


def test_history_of_one_campaign_is_that_of_its_requests_too(team: Office) -> None:
    def entities(*arguments: str) -> list[str]:
        return [e["entity"] for e in json.loads(ok(team, "state", "history", *arguments, "--format", "json"))["events"]]

    everything = entities()
    of_spring = entities(SPRING)
    assert of_spring == [entity for entity in everything if entity.startswith(("request ", SPRING))]
    of_may = entities(MAY)
    assert set(of_may) < set(of_spring) and SPRING not in of_may and MAY in of_may
    assert entities("hanoi/campaign/spr") == []
    assert ok(team, "state", "history", "hanoi/campaign/spr") == ""


def test_history_before_anything_was_applied(fresh: Office) -> None:
    assert ok(fresh, "state", "history") == ""
    assert json.loads(ok(fresh, "state", "history", "--format", "json")) == {"formatVersion": 1, "events": []}
    assert ok(fresh, "state", "verify") == "The audit trail is whole: 0 events.\n"
    assert not path(fresh).exists()


def test_verify_counts_what_is_whole(team: Office) -> None:
    count = len(ok(team, "state", "history").splitlines())
    assert ok(team, "state", "verify") == f"The audit trail is whole: {count} events.\n"
    assert json.loads(ok(team, "state", "verify", "--format", "json")) == {
        "formatVersion": 1, "events": count, "break": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE event SET actor = 'nobody' WHERE seq = 3", "event 3 was changed"),
        ("DELETE FROM event WHERE seq = 4", "event 4 is missing"),
        ("DELETE FROM event WHERE seq > 5", "event 6 is missing, and all after it"),
    ],
)
def test_verify_names_the_first_break_and_what_to_do(team: Office, statement: str, said: str) -> None:
    alter(path(team), "DROP TRIGGER event_stays", "DROP TRIGGER event_is_kept", statement)
    result = team.run("state", "verify")
    assert (result.code, result.err) == (1, "")
    assert result.out.startswith(f"Not as it was written: {said}")
    assert "Apply nothing with it" in result.out
    told = team.run("state", "verify", "--format", "json")
    assert told.code == 1 and told.json()["events"] is None
    assert (told.json()["break"]["seq"], "Apply nothing" in told.json()["break"]["remedy"]) == (
        int(said.split()[1]),
        True,
    )


def alter(file: Path, *statements: str) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as db:
        for statement in statements:
            db.execute(statement)


# ---- unlock --------------------------------------------------------------------------------------------------------


def test_unlock_fences_the_holder_and_says_who_it_was(team: Office) -> None:
    team.environ["USER"] = "ben"
    with closing(open_ledger(store(team), "/project", {})) as ledger:
        lease = ledger.acquire(holder("another-run"), 600)
        assert team.run("apply", "--auto-approve").code == 7
        out = ok(team, "state", "unlock", "--reason", "runner switched off, ask +48 601 234 567")
        who = "run another-run (https://ci.example/job/1) of ana on runner-7, process 4711"
        assert out.startswith(f"Taken from {who}, which had it since {ledger.held_since()}. The epoch is 3 now.")
        with pytest.raises(LeaseLost):
            ledger.finish(lease)
    last = json.loads(ok(team, "state", "history", "--limit", "1", "--format", "json"))["events"][0]
    assert (last["actor"], last["before"], last["reason"]) == ("ben", "another-run", "runner switched off, ask …")
    assert team.run("apply", "--auto-approve").code == 0


def test_unlock_where_nobody_holds_it(team: Office) -> None:
    assert ok(team, "state", "unlock", "--reason", "to be sure").startswith("Nobody held the lease. The epoch is 2 now")
    told = json.loads(ok(team, "state", "unlock", "--reason", "to be sure", "--format", "json"))
    assert told == {"formatVersion": 1, "epoch": 3, "takenFrom": None}


def test_unlock_as_json_and_without_the_contact_key(team: Office) -> None:
    del team.environ["RECONCILER_CONTACT_KEY"]
    with closing(open_ledger(store(team), "/project", {})) as ledger:
        ledger.acquire(holder("another-run"), 600)
        told = json.loads(ok(team, "state", "unlock", "--reason", "gone", "--format", "json"))
        since = ledger.held_since()
    assert told["takenFrom"] == {
        "run": "another-run", "host": "runner-7", "url": "https://ci.example/job/1", "actor": "ana", "since": since,
    }  # fmt: skip


# ---- rm ------------------------------------------------------------------------------------------------------------


def test_rm_forgets_the_object_and_not_whom_it_reached(team: Office) -> None:
    vendor_id, before = bound_id(team), sendings(team)
    out = ok(team, "state", "rm", SPRING, "--reason", "deleted in the panel")
    assert out.startswith(f"{SPRING} is no longer bound to {vendor_id}. The object itself was not touched")
    assert "Whom it reached stays known (3 people)" in out and "It is still declared" in out
    assert sendings(team) == before
    assert SPRING not in ok(team, "state", "list")
    assert "deleted in the panel" in ok(team, "state", "history", SPRING)
    again = team.run("state", "rm", SPRING, "--reason", "twice")
    assert (again.code, again.err) == (64, f"{SPRING} is not bound. See: reconciler state list\n")


def test_after_rm_what_we_made_is_found_again_by_its_mark(team: Office) -> None:
    vendor_id = bound_id(team)
    ok(team, "state", "rm", SPRING, "--reason", "by mistake")
    before = sendings(team)
    assert team.run("apply", "--auto-approve").code == 0
    assert (bound_id(team), sendings(team), team.most_dials()) == (vendor_id, before, 1)


def test_after_rm_a_campaign_that_is_gone_is_made_anew_and_calls_nobody_again(team: Office) -> None:
    vendor_id, before = bound_id(team), sent_people(team)
    delete_in_the_panel(team, vendor_id)
    gone = team.run("plan")
    assert gone.code == 4 and f"reconciler state rm {SPRING} --reason TEXT" in gone.out
    ok(team, "state", "rm", SPRING, "--reason", "deleted in the panel")
    planned = team.plan()
    assert [change["action"] for change in planned["changes"]] == ["create"]
    assert planned["summary"]["contacts"]["unchanged"] == 3
    assert team.run("apply", "--auto-approve").code == 0
    assert bound_id(team) != vendor_id
    assert team.most_dials() == 1 and sent_people(team) == before
    assert team.run("plan", "--detailed-exitcode").code == 0


def test_after_rm_another_object_can_be_adopted_and_nobody_is_called_again(team: Office) -> None:
    ok(team, "state", "rm", SPRING, "--reason", "the other one is meant")
    other = "59ed505e-c081-5c48-88ca-0936c4d93070"
    assert team.run("adopt", SPRING, other).code == 0
    planned = team.plan()
    assert planned["summary"]["contacts"]["added"] == 0 and bound_id(team) == other


def test_rm_of_what_is_no_longer_declared_as_json(team: Office) -> None:
    vendor_id = bound_id(team)
    team.edit("campaigns.yaml", "metadata: {name: spring}", "metadata: {name: summer}")
    told = json.loads(ok(team, "state", "rm", SPRING, "--reason", "let it be", "--format", "json"))
    assert told == {"formatVersion": 1, "key": SPRING, "vendorId": vendor_id, "peopleRemembered": 3, "declared": False}


def test_rm_is_refused_while_something_is_in_doubt(fresh: Office) -> None:
    fresh.faults({"vendor": "tel4vn", "method": "POST", "path": "^/v3/lead", "fault": "drop", "when": "before"})
    assert fresh.run("apply", "--auto-approve", "--settle-timeout", "0s").code == 9
    refused = fresh.run("state", "rm", SPRING, "--reason", "impatient")
    assert refused.code == 4
    assert "(add contacts) is not known yet. Nothing was changed. Settle it first: reconciler resolve r" in refused.err
    assert SPRING in ok(fresh, "state", "list")


def sent_people(team: Office) -> int:
    return sum(entry.method == "POST" and entry.path.startswith("/v3/lead") for entry in team.calls())


def delete_in_the_panel(team: Office, vendor_id: str) -> None:
    team.here.simulator.vendors["tel4vn"].edit("campaign", vendor_id, None)


# ---- mv ------------------------------------------------------------------------------------------------------------


def test_mv_renames_with_sets_and_people(team: Office) -> None:
    vendor_id, before = bound_id(team), sendings(team)
    out = ok(team, "state", "mv", SPRING, "hanoi/campaign/autumn")
    assert out.startswith(f"hanoi/campaign/autumn is now what {SPRING} was: bound to {vendor_id}")
    listed = ok(team, "state", "list")
    assert "hanoi/campaign/autumn/contacts/may" in listed and SPRING not in listed
    team.edit("campaigns.yaml", "metadata: {name: spring}", "metadata: {name: autumn}")
    team.edit("campaigns.yaml", "  connection: hanoi\n", "  connection: hanoi\n  displayName: spring\n")
    assert team.plan()["changes"] == []
    assert team.run("apply", "--auto-approve").code == 0
    assert sendings(team) == before


def test_mv_as_json(team: Office) -> None:
    vendor_id = bound_id(team)
    told = json.loads(ok(team, "state", "mv", SPRING, "hanoi/campaign/autumn", "--format", "json"))
    assert told == {"formatVersion": 1, "from": SPRING, "to": "hanoi/campaign/autumn", "vendorId": vendor_id}


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (f"mv {SPRING} krakow/campaign/spring", 64, "a campaign cannot move from one account to another"),
        (f"mv {MAY} {SPRING}", 64, f"{MAY} is a contact set; it goes with its campaign, {SPRING}."),
        (f"mv hanoi/campaign/x {SPRING}", 64, "hanoi/campaign/x is not bound. See: reconciler state list"),
        (f"mv {SPRING} {SPRING}", 1, f"{SPRING} is bound already: nothing was moved."),
        ("mv spring autumn", 64, "'spring' is no key: write CONNECTION/campaign/NAME."),
        (f"rm {MAY} --reason x", 64, f"{MAY} is a contact set"),
        (f"rm {SPRING}", 64, "Missing option '--reason'"),
        (f"rm {SPRING} --reason=", 64, "say why: it is kept in the ledger."),
        ("unlock", 64, "Missing option '--reason'"),
        ("history --limit 0", 64, "0 is not in the range x>=1"),
        ("history spring", 64, "'spring' is no key"),
    ],
)
def test_wrong_use_changes_nothing(team: Office, arguments: str, code: int, said: str) -> None:
    before = contents(path(team))
    result = team.run("state", *arguments.split())
    assert (result.code, result.out) == (code, "")
    assert said in result.err
    assert contents(path(team)) == before


def contents(file: Path) -> Any:
    """What a ledger says it is, has bound and sent."""
    with closing(open_reader(StateStore(path=str(file), persistent=True), "/project", {})) as reader:
        bindings = dict(reader.bindings())
        people = [list(reader.sent(binding.identity)) for binding in bindings.values()]
        return reader.lineage, bindings, people


@pytest.mark.parametrize("command", ["unlock --reason x", f"rm {SPRING} --reason x", f"mv {SPRING} hanoi/campaign/x"])
def test_nothing_is_made_where_nothing_was_ever_applied(fresh: Office, command: str) -> None:
    result = fresh.run("state", *command.split())
    assert result.code == 64 and result.out == ""
    assert not path(fresh).exists()
