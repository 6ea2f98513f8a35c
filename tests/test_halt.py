"""Stop everything: through a held lease, past broken files, per vendor; and a person's word on what nobody can read."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from reconciler.clock import SystemClock
from reconciler.ledger import open_ledger, open_reader
from reconciler.ledger.base import Op, Request
from reconciler.ledger.sql import SqlReader
from reconciler.model import Action, Key, StateStore
from reconciler.writer import SEND_WINDOW
from tests.contract.ledgers import holder
from tests.office import Office, office


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Office]:
    with office(tmp_path) as made:
        assert made.apply().code == 0
        yield made


def store(team: Office) -> StateStore:
    return StateStore(path=str(team.root / ".reconciler" / "state.db"), persistent=True)


def test_halt_stops_what_can_be_stopped_and_names_the_rest(team: Office) -> None:
    result = team.run("halt")
    assert result.code == 0, result.err
    assert "stopped      tel4vn-hanoi/campaign/spring-renewals" in result.out
    assert "stopped      thulium-krakow/campaign/odnowienia" in result.out
    assert "cannot       conpeek-gdansk/campaign/przypomnienie" in result.out
    assert "cannot       intersvyaz-chel/campaign/opros-2030" in result.out
    state = team.here.simulator.vendors["tel4vn"].snapshot()
    assert "Spring renewals 2026" in str(state)
    again = team.run("halt")
    assert again.code == 0 and "0 campaigns stopped" in again.out


def test_halt_takes_the_lease_from_a_run_that_holds_it(team: Office) -> None:
    with closing(open_ledger(store(team), str(team.root), {})) as ledger:
        lease = ledger.acquire(holder("another run"), 600)
        assert team.run("plan").code == 0
        assert team.run("apply", "--auto-approve").code == 7
        result = team.run("halt", "--select", "connection=tel4vn-*")
        assert result.code == 0 and "stopped      tel4vn-hanoi/campaign/spring-renewals" in result.out
        assert "thulium" not in result.out
        from reconciler.errors import LeaseLost

        with pytest.raises(LeaseLost):
            ledger.finish(lease)


def test_halt_looks_again_at_what_a_call_under_way_may_have_started(
    team: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run it was taken from had claimed a start, and the request was still on its way when everything stood."""
    campaign = Key.parse("tel4vn-hanoi/campaign/spring-renewals")
    tel4vn = team.here.simulator.vendors["tel4vn"]
    assert team.run("halt", "--select", "connection=tel4vn-*").code == 0
    with closing(open_ledger(store(team), str(team.root), {})) as ledger:
        lease = ledger.acquire(holder("another run"), 600)
        identity, uuid = ledger.identity(lease, campaign), ledger.bindings()[campaign].vendor_id
        op = Op(b"0123456789abcdef", campaign, identity, Action.START)
        call = "POST /v1/campaign/{campaign_uuid}/run/start"
        ledger.claim(lease, Request("tel4vn-hanoi", campaign, Action.START, call, b"", "rc:k3f9qa", [op], True))
    waited: list[float] = []

    async def late(_: SystemClock, seconds: float) -> None:
        if seconds == SEND_WINDOW:
            waited.append(seconds)
            tel4vn.edit("campaign", uuid, {"active": True, "status": "start"})
        else:
            await asyncio.Event().wait()

    monkeypatch.setattr(SystemClock, "sleep", late)
    result = team.run("halt", "--select", "connection=tel4vn-*")
    assert result.code == 0 and "stopped      tel4vn-hanoi/campaign/spring-renewals" in result.out
    assert waited and not tel4vn.snapshot()["campaigns"][uuid]["active"]


def test_halt_works_beside_a_broken_file(team: Office) -> None:
    team.write(
        "campaigns/broken.yaml", "apiVersion: reconciler/v1\nkind: Campaign\nmetadata: {name: x}\nspec: {nonsense: 1}\n"
    )
    assert team.run("plan").code == 3
    result = team.run("halt")
    assert result.code == 0 and "stopped      tel4vn-hanoi/campaign/spring-renewals" in result.out
    assert "passed over: campaigns/broken.yaml:4" in result.err


def test_halt_is_journalled_and_one_failure_stops_no_other(team: Office) -> None:
    team.faults({"vendor": "thulium", "method": "PUT", "every": 1, "fault": 403})
    result = team.run("halt")
    assert result.code == 1
    assert "failed       thulium-krakow/campaign/odnowienia" in result.out
    assert "stopped      tel4vn-hanoi/campaign/spring-renewals" in result.out
    with closing(open_reader(store(team), str(team.root), {})) as ledger:
        assert any("stop" in event.reason or "stop" in event.entity for event in ledger.events())


def test_what_was_halted_is_started_by_the_next_plan(team: Office) -> None:
    team.run("halt")
    (change,) = team.plan()["changes"]
    assert (change["action"], change["key"]) == ("start", "tel4vn-hanoi/campaign/spring-renewals")


# ---- resolve -------------------------------------------------------------------------------------------------------


@pytest.fixture
def doubtful(tmp_path: Path) -> Iterator[Office]:
    """The answer to the Intersvyaz create was lost after the vendor had done it."""
    with office(tmp_path) as made:
        made.faults({"vendor": "intersvyaz", "path": "/api/campaigns", "nth": 1, "fault": "drop", "when": "after"})
        result = made.run("apply", "--auto-approve", "--settle-timeout", "0s")
        assert result.code == 9, result.out + result.err
        yield made


def test_what_cannot_be_known_is_held_and_shown_and_blocks_only_itself(doubtful: Office) -> None:
    planned = doubtful.run("plan", "--format", "json").json()
    assert planned["changes"] == []
    (doubt,) = planned["inDoubt"]
    assert (doubt["key"], doubt["verb"], doubt["people"]) == ("intersvyaz-chel/campaign/opros-2030", "create", 3)
    assert doubt["lookFor"].startswith("[rc:") and doubt["lookFor"] in str(
        doubtful.here.simulator.vendors["intersvyaz"].snapshot()
    )
    assert doubtful.run("apply", "--auto-approve", "--settle-timeout", "0s").code == 9
    assert doubtful.run("plan", "--format", "json").json()["inDoubt"][0]["state"] == "held"
    assert "opros-2030" in doubtful.run("resolve").out
    assert doubtful.most_dials() == 1


def test_a_run_that_left_an_account_out_says_nothing_about_it(team: Office) -> None:
    campaign = Key.parse("conpeek-gdansk/campaign/przypomnienie")
    with closing(open_ledger(store(team), str(team.root), {})) as ledger:
        lease = ledger.acquire(holder("killed"), 600)
        op = Op(b"0123456789abcdef", campaign, ledger.identity(lease, campaign), Action.ADD_CONTACTS)
        ledger.claim(lease, Request("conpeek-gdansk", campaign, op.verb, "POST /x", b"", "rc:k3f9qa", [op]))
        ledger.release(lease)
    states = []
    for part in (("--select", "connection=tel4vn-*"), ()):
        assert team.run("plan", *part, "--out", "plan.json").code == 0
        assert team.run("apply", "plan.json", "--settle-timeout", "0s").code == 9
        states.append(team.plan()["inDoubt"][0]["state"])
    assert states == ["in_doubt", "held"]


def test_a_person_says_it_was_applied(doubtful: Office) -> None:
    result = doubtful.run("resolve", "opros-2030", "--applied", "12345", "--reason", "seen in the panel")
    assert result.code == 0, result.err
    assert doubtful.run("resolve").out == "Nothing is in doubt.\n"
    assert doubtful.plan()["changes"] == [] and doubtful.run("apply", "--auto-approve").code == 0
    assert doubtful.most_dials() == 1


def test_what_was_made_again_on_purpose_is_bound_as_that(doubtful: Office) -> None:
    """Else the next plan would take the second creation for missing, and refuse to claim it for ever."""
    doubtful.faults()
    assert doubtful.run("resolve", "opros-2030", "--applied", "12345", "--reason", "seen").code == 0
    doubtful.edit("campaigns/opros.yaml", "project_id: 1", "project_id: 1\n    run: 2")
    doubtful.faults({"vendor": "intersvyaz", "path": "/api/campaigns", "nth": 1, "fault": "drop", "when": "after"})
    assert doubtful.run("apply", "--auto-approve", "--settle-timeout", "0s").code == 9
    assert doubtful.run("resolve", "opros-2030", "--applied", "12346", "--reason", "seen").code == 0
    assert doubtful.plan()["changes"] == []


@pytest.mark.parametrize("word", ["--not-applied", "--resend"])
def test_a_look_into_the_panel_may_be_too_early(doubtful: Office, word: str) -> None:
    result = doubtful.run("resolve", "opros-2030", word, "--reason", "not in the panel")
    assert result.code == 4 and "the vendor may still execute what was sent" in result.err and "[rc:" in result.err
    assert len(doubtful.plan()["inDoubt"]) == 1


def test_a_person_says_it_was_not_applied(doubtful: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SqlReader, "age", lambda reader, request: 3600.0)
    result = doubtful.run("resolve", "opros-2030", "--not-applied", "--reason", "not in the panel")
    assert result.code == 0, result.err
    (change,) = doubtful.plan()["changes"]
    assert (change["action"], change["contacts"]["count"]) == ("create", 3)
    assert doubtful.run("apply", "--auto-approve").code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("opros-2030", "--applied", "--reason", "x"), "--applied VENDOR-ID"),
        (("opros-2030", "--applied", "1", "--not-applied", "--reason", "x"), "exactly one of"),
        (("opros-2030", "--not-applied"), "--reason TEXT"),
        (("nothing", "--not-applied", "--reason", "x"), "is not in doubt. There are: r"),
    ],
)
def test_wrong_words_settle_nothing(doubtful: Office, arguments: tuple[str, ...], message: str) -> None:
    result = doubtful.run("resolve", *arguments)
    assert result.code == 64 and message in result.err
    assert len(doubtful.plan()["inDoubt"]) == 1


# ---- resume --------------------------------------------------------------------------------------------------------


@pytest.fixture
def cut(tmp_path: Path) -> Iterator[Office]:
    """An approved plan whose run lost its machine in the middle of the people."""
    with office(tmp_path) as made:
        assert made.run("plan", "--out", "plan.json").code == 0
        made.faults({"vendor": "tel4vn", "path": "/v3/lead/multi", "nth": 2, "fault": 403})
        result = made.run("apply", "plan.json")
        assert result.code == 8, result.out + result.err
        made.faults()
        yield made


def test_resume_goes_on_with_the_approved_plan(cut: Office) -> None:
    assert cut.run("apply", "plan.json").code == 5
    report = cut.run("apply", "--resume", "--format", "json")
    assert report.code == 0, report.err
    assert {outcome["action"] for outcome in report.json()["outcomes"]} == {"add_contacts", "start"}
    assert cut.plan()["changes"] == [] and cut.most_dials() == 1


def test_resume_by_the_name_of_the_run(cut: Office) -> None:
    assert cut.run("apply", "--resume", "no-such-run").code == 64
    assert cut.run("apply", "plan.json", "--resume").code == 64


@pytest.mark.parametrize("moved", ["configuration", "contact source"])
def test_resume_refuses_what_was_not_approved(cut: Office, moved: str) -> None:
    if moved == "configuration":
        cut.edit("shared/schedules.yaml", '"09:00"', '"08:00"')
    else:
        source = Path(cut.environ["RENEWALS_CSV"])
        source.write_text(source.read_text() + "C900,0900000900,New,HD-900\n")
    result = cut.run("apply", "--resume")
    assert result.code == 5 and moved in result.err
    assert cut.most_dials() == 1


def test_nothing_to_resume(tmp_path: Path) -> None:
    with office(tmp_path) as made:
        result = made.run("apply", "--resume")
        assert result.code == 64 and "No approved plan" in result.err


def test_an_interrupted_first_load_is_not_measured_in_percent(cut: Office) -> None:
    assert cut.run("apply", "--auto-approve").code == 0
    assert cut.most_dials() == 1
