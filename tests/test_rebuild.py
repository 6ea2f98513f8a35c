"""The ledger lost and made again over the command line: nobody who is at a vendor is called again, and what cannot be known is held."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from reconciler.ledger.sql_ledger import SqlLedger
from tests import postgres as running
from tests.office import Office, Result, desk, office
from tests.test_cli_state import SPRING, bound_id, path, sendings
from tests.test_ledger_postgres_apply import leased_to, moved_in, run_role
from tests.test_refuse import leads

VOICE = Path(__file__).parent / "scenarios" / "conpeek-voice"
HELD = ("conpeek-gdansk/campaign/przypomnienie/contacts/wizyty", "intersvyaz-chel/campaign/opros-2030")


@pytest.fixture
def four(tmp_path: Path) -> Iterator[Office]:
    """The examples at all four vendors, applied."""
    with office(tmp_path) as made:
        assert made.apply().code == 0
        yield made


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Office]:
    """Three people of one TEL4VN campaign, applied."""
    with desk(tmp_path) as made:
        assert made.apply().code == 0
        yield made


def lose(team: Office) -> None:
    shutil.rmtree(team.root / ".reconciler")


def rebuild(team: Office, *more: str, code: int = 0) -> Result:
    result = team.run("state", "rebuild", "--reason", "the volume is gone", *more)
    assert result.code == code, result.out + result.err
    return result


def add(team: Office, file: str, row: str) -> None:
    target = team.root.parent / "people" / file
    target.write_text(target.read_text() + f"{row}\n")


def drop(team: Office, file: str, row: str) -> None:
    target = team.root.parent / "people" / file
    assert row in target.read_text()
    target.write_text(target.read_text().replace(f"{row}\n", ""))


def lead(team: Office) -> dict[str, Any]:
    leads = team.here.simulator.vendors["tel4vn"].snapshot()["leads"]
    return next({"lead_uuid": uuid, **row} for uuid, row in leads.items() if row["phone_number"] == "0900000001")


def added(team: Office) -> int:
    return sum(delta["added"] for delta in team.plan()["contacts"])


def nothing_to_do(team: Office) -> None:
    plan = team.plan()
    assert plan["changes"] == [], plan["changes"]
    assert {finding["severity"] for finding in plan["findings"]} <= {"info", "warning"}


# ---- all four vendors ----------------------------------------------------------------------------------------------


def test_nobody_is_called_again_at_any_vendor(four: Office) -> None:
    lose(four)
    before = sendings(four)
    assert four.run("apply", "--auto-approve").code == 4
    assert {f["code"] for f in four.plan()["findings"]} >= {"ledger-older"}
    rebuild(four)
    plan = four.plan()
    assert plan["changes"] == []
    assert [doubt["key"] for doubt in plan["inDoubt"]] == list(HELD)
    assert [doubt["people"] for doubt in plan["inDoubt"]] == [4, 3]
    assert four.run("apply", "--auto-approve").code == 9
    assert sendings(four) == before
    assert four.run("state", "verify").code == 0


def test_who_comes_afterwards_is_sent_alone(four: Office) -> None:
    lose(four)
    rebuild(four)
    add(four, "renewals.csv", "C099,0900000088,Moi,HD-099")
    add(four, "umowy.csv", "500000088;Nowy")
    add(four, "wizyty.csv", "+48500000188,2030-06-08")
    add(four, "opros.jsonl", '{"phone": "+79000001088", "name": "Новый"}')
    assert added(four) == 2 + 2  # the last two wait until somebody said what became of the others
    before = sum(vendor.dials().total() for vendor in four.here.simulator.vendors.values())
    result = four.run("apply", "--auto-approve", "--format", "json")
    assert (result.code, result.json()["contacts"]["confirmed"]) == (9, 2), result.out + result.err
    assert sum(vendor.dials().total() for vendor in four.here.simulator.vendors.values()) == before + 2
    assert four.most_dials() == 1


def test_what_it_would_be_is_said_before_anything_is_written(four: Office) -> None:
    lose(four)
    said = four.run("state", "rebuild")
    assert said.code == 0 and not path(four).exists()
    assert said.out.startswith("Nothing was written and nothing was sent.\n")
    for line in (
        "conpeek-gdansk/campaign/przypomnienie: HELD. No call shows what was sent; it may be up to 4 people",
        "reconciler resolve opros-2030 --applied VENDOR-ID --reason TEXT   or   --not-applied. Until then nothing of it is sent.",
        "tel4vn-hanoi/campaign/spring-renewals: bound by its name and the mark [rc:",
        "; 12 people there: 12 of renewals-may\n",
        "thulium-krakow/campaign/odnowienia: bound by its id 00001; 7 people there: 5 of umowy; 2 people in no source",
        "5 people whose fields are not shown",
        "  Who said no (`reconciler refuse`, `state forget`) and is on no suppression list: they look like anybody else now.",
        "To write it: reconciler state rebuild --reason TEXT\n",
    ):
        assert line in said.out, line
    assert "tel4vn-hanoi/campaign/spring-renewals: bound, 12 people\n" in said.err
    done = rebuild(four, "--format", "json").json()
    assert done["written"] is True and done["strangers"] == []
    assert [(one["fate"], sum(one["people"].values())) for one in done["campaigns"]] == [
        ("held", 4),
        ("held", 3),
        ("bound", 12),
        ("bound", 7),
    ]
    assert "rebuilt: the volume is gone" in four.run("state", "history").out


def test_a_person_says_what_became_of_what_nobody_shows(four: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    lose(four)
    rebuild(four)
    told = four.run("plan").out
    assert "create: whether it was sent is not known since the ledger was rebuilt. Look in the panel, then" in told
    waits = four.run("resolve", "opros-2030", "--not-applied", "--reason", "not in the panel")
    assert waits.code == 4 and "Look in the panel again after that" in waits.err
    monkeypatch.setattr("reconciler.resolving.horizon", lambda connection: 0.0)
    before = sendings(four)
    assert four.run("resolve", "przypomnienie", "--applied", "--reason", "it is in the report").code == 0
    assert four.run("resolve", "opros-2030", "--applied", "77", "--reason", "it is in the panel").code == 0
    assert four.run("apply", "--auto-approve").code == 0
    nothing_to_do(four)
    assert sendings(four) == before


def test_what_was_never_sent_is_sent_once_somebody_says_so(four: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    lose(four)
    rebuild(four)
    monkeypatch.setattr("reconciler.resolving.horizon", lambda connection: 0.0)
    for campaign in ("przypomnienie", "opros-2030"):
        assert four.run("resolve", campaign, "--not-applied", "--reason", "neither is in the panel").code == 0
    result = four.run("apply", "--auto-approve", "--format", "json")
    assert (result.code, result.json()["contacts"]["confirmed"]) == (0, 7), result.out + result.err
    nothing_to_do(four)


# ---- one campaign ----------------------------------------------------------------------------------------------------


def test_who_left_the_source_stays_sent(team: Office) -> None:
    team.edit("campaigns.yaml", "mode: mirror", "mode: append")
    drop(team, "may.csv", "C3,0900000003,Chi")
    lose(team)
    said = rebuild(team)
    assert "3 people there: 3 of may; 1 person in no source (kept as sent; by what key, is lost)" in said.out
    nothing_to_do(team)
    add(team, "may.csv", "C3,0900000003,Chi")
    assert added(team) == 0


def test_who_left_a_mirrored_source_is_withdrawn(team: Office) -> None:
    drop(team, "may.csv", "C3,0900000003,Chi")
    lose(team)
    rebuild(team)
    (delta,) = team.plan()["contacts"]
    assert (delta["added"], delta["withdrawn"], delta["unchanged"]) == (0, 1, 2)


def test_somebody_who_was_added_in_the_panel_is_not_called_again_and_not_withdrawn(tmp_path: Path) -> None:
    with office(tmp_path) as four:
        assert four.apply().code == 0
        four.edit("campaigns/odnowienia.yaml", "mode: append", "mode: mirror")
        lose(four)
        rebuild(four)
        plan = four.plan()
        assert plan["changes"] == []
        (strays,) = (finding for finding in plan["findings"] if finding["code"] == "rebuilt-strays")
        assert strays["message"].startswith("2 people were there, and in no source, when the ledger was rebuilt")
        (campaign,) = (c for c in four.here.simulator.vendors["thulium"].snapshot()["campaigns"] if c["id"] == "00001")
        stray = campaign["records"][0]["phone_number"]
        add(four, "umowy.csv", f"+48{stray[-9:]};Obcy")
        assert added(four) == 0


def test_fields_that_are_others_there_are_updated(team: Office) -> None:
    uuid = lead(team)["lead_uuid"]
    team.here.simulator.vendors["tel4vn"].edit("lead", uuid, {"lead_name": "Somebody else"})
    lose(team)
    rebuild(team)
    (delta,) = team.plan()["contacts"]
    assert (delta["added"], delta["updated"], delta["unchanged"]) == (0, 1, 2)


def test_fields_of_the_campaign_that_are_others_there_are_changed(team: Office) -> None:
    team.here.simulator.vendors["tel4vn"].edit("campaign", bound_id(team), {"concurrent_call": 9})
    lose(team)
    rebuild(team)
    (change,) = team.plan()["changes"]
    assert [(field["path"], field["before"], field["after"]) for field in change["fields"]] == [
        (["concurrent_call"], 9, 5)
    ]


def test_somebody_who_is_there_twice_is_an_alarm_and_not_added(team: Office) -> None:
    vendor = team.here.simulator.vendors["tel4vn"]
    vendor.edit("lead", None, {name: lead(team)[name] for name in ("list_uuid", "phone_number")})
    lose(team)
    assert "1 person more than once" in rebuild(team).out
    assert added(team) == 0


def test_an_object_without_a_mark_is_chosen_by_hand(team: Office) -> None:
    vendor_id = bound_id(team)
    team.here.simulator.vendors["tel4vn"].edit("campaign", vendor_id, {"description": "Renewal notices"})
    lose(team)
    said = rebuild(team, code=4)
    assert f"{SPRING}: UNCLEAR, and nothing is rebuilt before you choose" in said.out
    assert "Choose first, then again" in said.out
    assert team.run("adopt", SPRING, vendor_id).code == 0
    assert f"bound by its id {vendor_id}; 3 people there" in rebuild(team).out
    assert added(team) == 0


def test_a_campaign_that_was_renamed_is_found_by_its_former_name(team: Office) -> None:
    team.edit("campaigns.yaml", "metadata: {name: spring}", "metadata: {name: summer, movedFrom: spring}")
    lose(team)
    assert "hanoi/campaign/summer: bound by its name and the mark" in rebuild(team).out
    assert added(team) == 0


def test_a_marked_object_that_is_nothing_declared_is_named(team: Office) -> None:
    team.edit("campaigns.yaml", "metadata: {name: spring}", "metadata: {name: summer}")
    vendor_id = bound_id(team)
    lose(team)
    said = team.run("state", "rebuild").out
    assert "hanoi/campaign/summer: not there; a plan shows what that means" in said
    assert f'hanoi {vendor_id} "spring" [rc:' in said and "reconciler adopt KEY VENDOR-ID, before" in said


def test_a_tombstone_goes_on_to_what_it_says(team: Office) -> None:
    tombstone = (
        "  state: absent\n  reason: over\n  lifecycle: {onRemove: delete}\n  connection: hanoi\n  schedule: hours"
    )
    team.edit("campaigns.yaml", "  connection: hanoi\n  schedule: hours", tombstone)
    lose(team)
    rebuild(team)
    assert [change["action"] for change in team.plan()["changes"]] == ["stop", "delete"]


def test_a_canary_waits_again(tmp_path: Path) -> None:
    with desk(tmp_path) as team:
        team.edit("campaigns.yaml", "activation: stopped", "activation: stopped\n  rollout: {first: 1}")
        assert team.apply().code == 0
        lose(team)
        assert "Which canary was released" in rebuild(team).out
        assert added(team) == 0
        (delta,) = team.plan()["contacts"]
        assert delta["unchanged"] == 1


def test_a_voice_campaign_of_conpeek_is_read_back(tmp_path: Path) -> None:
    with office(tmp_path, repository=VOICE / "repository", people=VOICE / "people") as team:
        team.switch("conpeek", voice_add="open")
        assert team.apply().code == 0
        lose(team)
        rebuild(team)
        nothing_to_do(team)
        assert team.run("apply", "--auto-approve").code == 0
        assert team.most_dials() == 1


def test_an_id_that_is_not_there_is_left_to_the_plan(four: Office) -> None:
    four.edit("campaigns/odnowienia.yaml", 'id: "00001"', 'id: "00009"')
    lose(four)
    assert "odnowienia: not there: thulium-krakow has no campaign 00009; a plan shows" in rebuild(four).out
    assert "gone" in {finding["code"] for finding in four.plan()["findings"]}


# ---- when it may be, and what cuts it short -------------------------------------------------------------------------


def test_a_ledger_that_knows_anything_is_not_rebuilt(team: Office) -> None:
    said = rebuild(team, code=4)
    assert "only one that was lost is rebuilt. Nothing was changed." in said.err
    assert team.run("state", "rebuild").code == 4
    lose(team)
    rebuild(team)
    assert "only one that was lost is rebuilt" in rebuild(team, code=4).err


def test_people_who_cannot_be_read_end_it(team: Office) -> None:
    lose(team)
    team.faults({"vendor": "tel4vn", "method": "GET", "path": "^/v3/lead", "fault": 403})
    said = rebuild(team, code=6)
    assert f"{SPRING}: its people could not be read" in said.err and "Nothing was rebuilt." in said.err
    team.faults()
    rebuild(team)
    assert added(team) == 0


class Killed(BaseException):
    pass


@pytest.mark.parametrize(("name", "earlier"), [("outcome", 3), ("finish", 0)])
def test_killed_at_any_write_it_is_as_empty_as_before_or_done(
    four: Office, monkeypatch: pytest.MonkeyPatch, name: str, earlier: int
) -> None:
    whole, left = getattr(SqlLedger, name), [earlier]

    def dying(*arguments: object) -> object:
        found = whole(*arguments)
        if left[0] == 0:
            raise Killed
        left[0] -= 1
        return found

    lose(four)
    with monkeypatch.context() as patched:
        patched.setattr(SqlLedger, name, dying)
        with pytest.raises(Killed):
            four.run("state", "rebuild", "--reason", "lost")
    with closing(sqlite3.connect(path(four))) as db:
        counts = [db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("binding", "op", "request")]
    assert counts == ([0, 0, 0] if name != "finish" else [5, 27, 5])
    if name != "finish":
        assert four.run("apply", "--auto-approve").code == 4
        rebuild(four)
    assert [doubt["key"] for doubt in four.plan()["inDoubt"]] == list(HELD)
    assert added(four) == 0


def test_killed_while_it_reads(team: Office) -> None:
    lose(team)
    team.faults({"vendor": "tel4vn", "method": "GET", "path": "^/v3/lead", "fault": "slow", "seconds": 20})
    process = team.spawn("state", "rebuild", "--reason", "lost")
    while not any(call.path.startswith("/v3/lead") for call in team.calls("tel4vn")[-1:]):
        assert process.poll() is None
    process.kill()
    process.communicate()
    team.faults()
    rebuild(team)
    nothing_to_do(team)
    assert leads(team).count("0900000001") == 1


def test_a_ledger_in_postgres(tmp_path: Path) -> None:
    server = running.server()
    with desk(tmp_path) as team:
        moved_in(team)
        leased_to(team, run_role(server).tcp)
        assert team.apply().code == 0
        leased_to(team, run_role(server).tcp)
        assert team.plan()["findings"][0]["code"] == "ledger-older"
        rebuild(team)
        nothing_to_do(team)
        add(team, "may.csv", "C4,0900000004,Dung")
        assert team.apply().json()["contacts"]["confirmed"] == 1
        assert team.most_dials() <= 1
