"""A ledger that is lost, older than reality or of somebody else: noticed before the first write, and nothing is sent."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.matching import match
from reconciler.model import Key
from tests.build import binding, live, resource
from tests.office import Office, desk, office
from tests.test_cli_state import SPRING, bound_id, ok, path, sendings

VOICE = Path(__file__).parent / "scenarios" / "conpeek-voice"


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Office]:
    with desk(tmp_path) as made:
        yield made


@pytest.fixture
def everybody(tmp_path: Path) -> Iterator[Office]:
    with office(tmp_path) as made:
        yield made


def lose(team: Office) -> None:
    shutil.rmtree(team.root / ".reconciler")


def older(team: Office) -> dict[str, str]:
    """Key -> message of the findings that say so; the same apply is refused before it sends anything."""
    before = sendings(team)
    found = {f["key"]: f["message"] for f in team.plan()["findings"] if f["code"] == "ledger-older"}
    refused = team.run("apply", "--auto-approve")
    assert refused.code == 4 and "Blocked; nothing was sent." in refused.err and "ledger-older" in refused.err
    assert sendings(team) == before
    return found


def test_a_lost_ledger_is_noticed_by_the_mark_on_a_campaign(team: Office) -> None:
    assert team.apply().code == 0
    vendor_id = bound_id(team)
    lose(team)
    told = team.run("plan")
    (message,) = older(team).values()
    assert f'The object called "spring" ({vendor_id}) at hanoi carries the mark [rc:' in message
    assert "ledger empty: nothing was ever applied with it" in told.out
    assert "Bring the newest ledger back. Do not adopt the object" in told.out


def test_so_is_an_old_one_in_its_place(team: Office) -> None:
    shutil.copy(team.root / "campaigns.yaml", team.root.parent)
    team.edit("campaigns.yaml", "metadata: {name: spring}", "metadata: {name: winter}")
    assert team.apply().code == 0
    ok(team, "state", "backup", "../old.db")
    shutil.copy(team.root.parent / "campaigns.yaml", team.root)
    assert team.run("apply", "--auto-approve").code == 0
    lose(team)
    (team.root / ".reconciler").mkdir()
    shutil.copy(team.root.parent / "old.db", path(team))
    assert set(older(team)) == {SPRING}


def test_the_newest_ledger_brought_back_is_fine(team: Office) -> None:
    assert team.apply().code == 0
    ok(team, "state", "backup", "../newest.db")
    lose(team)
    older(team)
    (team.root / ".reconciler").mkdir(exist_ok=True)
    shutil.copy(team.root.parent / "newest.db", path(team))
    assert team.plan()["changes"] == [] and team.run("apply", "--auto-approve").code == 0


def test_people_of_ours_in_campaigns_that_are_made_in_the_panel(everybody: Office) -> None:
    assert everybody.apply().code == 0
    lose(everybody)
    found = older(everybody)
    assert {key.split("/")[0].split("-")[0] for key in found} == {"tel4vn", "thulium"}
    (thulium,) = (key for key in found if key.startswith("thulium"))
    assert "holds people in this campaign (" in found[thulium]
    assert "reconciler adopt thulium-krakow/campaign/odnowienia " in everybody.run("plan").out


def test_where_another_project_put_them_there_adopting_says_so(everybody: Office) -> None:
    assert everybody.apply().code == 0
    lose(everybody)
    (remedy,) = (
        f["remedy"]
        for f in everybody.plan()["findings"]
        if f["key"].startswith("thulium") and f["code"] == "ledger-older"
    )
    command = remedy.partition("reconciler ")[2].split()
    assert everybody.run(*command).code == 0
    assert not [key for key in older(everybody) if key.startswith("thulium")]


def test_a_campaign_that_was_let_go_of_is_not_taken_for_an_older_ledger(everybody: Office) -> None:
    assert everybody.apply().code == 0
    ok(everybody, "state", "rm", "thulium-krakow/campaign/odnowienia", "--reason", "by mistake")
    before = sendings(everybody)
    assert everybody.run("plan").code == 0
    assert everybody.run("apply", "--auto-approve").code == 0
    assert sendings(everybody) == before


def test_people_that_cannot_be_read_leave_it_open_and_no_plan_is_made(everybody: Office) -> None:
    everybody.faults({"vendor": "thulium", "method": "GET", "path": "/records", "fault": 403, "when": "before"})
    told = everybody.run("plan")
    assert (told.code, told.out) == (6, "")
    assert "whether somebody was sent to" in told.err and "before is not known" in told.err


def test_only_the_first_page_is_looked_at(tmp_path: Path) -> None:
    people = tmp_path / "many"
    shutil.copytree(VOICE / "people", people)
    with office(tmp_path, repository=VOICE / "repository", people=people) as voice:
        voice.switch("conpeek", voice_add="open")
        assert voice.apply().code == 0
        lose(voice)
        (message,) = older(voice).values()
        assert "holds people in this campaign (" in message
        voice.edit("campaigns.yaml", "  region: PL\n", "  region: PL\n  limits: {pageSize: 1}\n")
        asked = len(voice.calls())
        assert voice.run("plan").code in {0, 4}
        assert sum(call.method == "GET" for call in voice.calls()[asked:]) <= 3


def test_a_list_of_ours_that_holds_strangers_is_not_filled(team: Office) -> None:
    assert team.apply().code == 0
    vendor_id = bound_id(team)
    lose(team)
    assert team.run("adopt", SPRING, vendor_id).code == 0
    dialled = team.most_dials()
    result = team.run("apply", "--auto-approve")
    assert result.code == 1, result.out
    assert (
        "holds people whom this ledger does not know: it is older than reality, or their fingerprints expired. Nothing was sent to it."
        in result.out
    )
    assert team.most_dials() == dialled == 1


def test_after_rm_a_list_with_people_of_ours_goes_on_being_filled(team: Office) -> None:
    assert team.apply().code == 0
    vendor_id = bound_id(team)
    ok(team, "state", "rm", SPRING, "--reason", "by mistake")
    assert team.run("adopt", SPRING, vendor_id).code == 0
    people = team.root.parent / "people" / "may.csv"
    people.write_text(people.read_text() + "C9,0900000009,New\n")
    assert team.run("apply", "--auto-approve").code == 0
    assert team.most_dials() == 1 and team.plan()["changes"] == []


def test_an_object_that_is_bound_under_another_key_is_not_an_older_ledger() -> None:
    winter = binding(key=Key("acme", "campaign", "winter"), vendor_id="v1")
    found = [live(mark="rc:abc123")]
    matches = match([resource()], {"acme": found}, {winter.key: winter}, {"acme": True}, {}, True)
    refused = matches.pairs[0].refused
    assert refused is not None and refused.code == "namesake"
    assert "reconciler state mv acme/campaign/winter acme/campaign/spring" in refused.remedy


# ---- one ledger, one project ---------------------------------------------------------------------------------------


def test_a_ledger_of_another_project_is_refused(team: Office) -> None:
    assert team.apply().code == 0
    before = sendings(team)
    planned = team.run("plan", "--out", "plan.json")
    assert planned.code == 0
    team.edit("reconciler.yaml", "metadata: {name: acme}", "metadata: {name: bravo}")
    for command in (
        ("plan",),
        ("apply", "plan.json"),
        ("apply", "--auto-approve"),
        ("halt",),
        ("adopt", SPRING, "x"),
        ("state", "rm", SPRING, "--reason", "x"),
        ("state", "mv", SPRING, "hanoi/campaign/x"),
        ("state", "unlock", "--reason", "x"),
        ("state", "migrate", "--to", f"sqlite://{team.root.parent}/elsewhere.db"),
    ):
        refused = team.run(*command)
        assert refused.code == 4 and "This ledger belongs to the project acme, and this is bravo" in refused.err, (
            command
        )
    assert sendings(team) == before
    assert ok(team, "state", "list").count(SPRING) == 2
