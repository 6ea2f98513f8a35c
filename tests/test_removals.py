"""What a delete means: all records go, once; until the vendor has done it plans say so; a name that comes back calls nobody again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.office import Office, desk, office

KEY = "thulium-krakow/campaign/odnowienia"
TOMBSTONE = "  state: absent\n  reason: season over\n  lifecycle: {onRemove: delete}\n"


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Office]:
    """The Thulium campaign of the examples, with five people of ours, under a tombstone."""
    with office(tmp_path) as made:
        for name in ("opros", "przypomnienie", "spring-renewals"):
            (made.root / "campaigns" / f"{name}.yaml").unlink()
        assert made.apply().code == 0
        made.edit("reconciler.yaml", "  guards:", "  guards:\n    deletes: {max: 1}")
        bury(made)
        yield made


def bury(team: Office) -> None:
    team.edit(
        "campaigns/odnowienia.yaml", "  connection: thulium-krakow\n", f"  connection: thulium-krakow\n{TOMBSTONE}"
    )


def removals(team: Office) -> int:
    return sum(call.method == "DELETE" for call in team.calls("thulium"))


def queued(team: Office) -> list[dict[str, Any]]:
    return [finding for finding in team.plan()["findings"] if finding["code"] == "removal-queued"]


def test_the_plan_says_who_goes_with_it_and_that_it_is_queued(team: Office) -> None:
    (delete,) = (change for change in team.plan()["changes"] if change["action"] == "delete")
    assert delete["reason"] == (
        "state: absent (season over); all its records go with it: 5 people sent to it and whoever else is in it; "
        "thulium only queues the removal"
    )


def test_later_plans_say_that_it_is_queued_and_do_it_no_second_time(team: Office) -> None:
    assert team.run("apply", "--auto-approve").code == 0
    for _ in range(2):
        (finding,) = queued(team)
        assert (finding["key"], finding["severity"]) == (KEY, "info")
        assert finding["message"].startswith("Removal queued: thulium-krakow was told on ")
        plan = team.plan()
        assert plan["changes"] == [] and "00001" not in {one["vendorId"] for one in plan["unmanaged"]}
        assert team.run("apply", "--auto-approve").code == 0
    assert removals(team) == 1
    (row,) = (one for one in team.run("drift", "--format", "json").json()["unmanaged"] if one["vendorId"] == "00001")
    assert row["note"].startswith("removal queued since ")


def test_the_tombstone_may_go_and_it_is_not_offered_to_be_adopted(team: Office) -> None:
    assert team.run("apply", "--auto-approve").code == 0
    for path in (team.root / "campaigns").iterdir():
        path.unlink()
    plan = team.plan()
    assert "00001" not in {one["vendorId"] for one in plan["unmanaged"]}
    assert [finding["key"] for finding in queued(team)] == [KEY]


def test_one_that_runs_while_it_waits_is_a_warning(team: Office) -> None:
    assert team.run("apply", "--auto-approve").code == 0
    vendor = team.here.simulator.vendors["thulium"]
    vendor._account.campaigns["00001"].settings["active"] = True  # type: ignore[attr-defined]  # nothing else starts it then
    (finding,) = queued(team)
    assert finding["severity"] == "warning" and finding["message"].endswith("It is running all the same.")


def test_once_it_is_gone_nothing_is_said_and_its_id_may_be_used_again(team: Office) -> None:
    assert team.run("apply", "--auto-approve").code == 0
    team.here.world.offset += timedelta(hours=3)
    assert queued(team) == []
    assert team.run("apply", "--auto-approve").code == 0
    assert "memory removed/thulium-krakow/00001" in team.run("state", "history").out
    before = team.run("state", "history").out
    assert team.run("apply", "--auto-approve").code == 0
    assert team.run("state", "history").out.count("memory removed/") == before.count("memory removed/") == 2


def test_a_vendor_that_hides_what_is_on_its_way_out_is_not_asked_again_either(team: Office) -> None:
    team.switch("thulium", queued_campaign="hidden")
    assert team.run("apply", "--auto-approve").code == 0
    assert queued(team) == [] and team.plan()["changes"] == []
    assert team.run("apply", "--auto-approve").code == 0
    assert removals(team) == 1


def test_declared_again_while_it_waits_it_is_refused(team: Office) -> None:
    assert team.run("apply", "--auto-approve").code == 0
    team.edit("campaigns/odnowienia.yaml", TOMBSTONE, "")
    plan = team.plan()
    assert plan["changes"] == []
    assert {"gone", "removal-queued"} <= {finding["code"] for finding in plan["findings"]}


def test_what_is_adopted_all_the_same_is_told_no_more(team: Office) -> None:
    assert team.run("apply", "--auto-approve").code == 0
    team.edit("campaigns/odnowienia.yaml", TOMBSTONE, "")
    assert team.run("adopt", KEY, "00001").code == 0
    assert queued(team) == []


# ---- a name that comes back ------------------------------------------------------------------------------------------


def test_a_campaign_that_is_declared_again_after_its_delete_calls_nobody_again(tmp_path: Path) -> None:
    with desk(tmp_path) as team:
        assert team.apply().code == 0
        team.edit("reconciler.yaml", "spec:\n", "spec:\n  guards: {deletes: {max: 1}}\n")
        team.edit("campaigns.yaml", "  connection: hanoi\n", f"  connection: hanoi\n{TOMBSTONE}")
        assert team.run("apply", "--auto-approve").code == 0
        team.edit("campaigns.yaml", TOMBSTONE, "")
        plan = team.plan()
        (finding,) = (one for one in plan["findings"] if one["code"] == "reached-before")
        assert finding["message"].startswith("3 people were sent with the campaign that had this name before")
        assert [change["action"] for change in plan["changes"]] == ["create"]
        people = team.root.parent / "people" / "may.csv"
        people.write_text(people.read_text() + "C4,0900000004,Dung\n")
        result = team.apply()
        assert (result.code, result.json()["contacts"]["confirmed"]) == (0, 1)
        assert team.plan()["changes"] == []
        assert team.most_dials() <= 1


def test_a_rename_that_skips_one_is_told_before_everybody_is_called(tmp_path: Path) -> None:
    with desk(tmp_path) as team:
        assert team.apply().code == 0
        team.edit("campaigns.yaml", "metadata: {name: spring}", "metadata: {name: autumn, movedFrom: summer}")
        (finding,) = (one for one in team.plan()["findings"] if one["code"] == "moved-from-nowhere")
        assert finding["remedy"].startswith(
            "If it had yet another name: reconciler state mv OLD hanoi/campaign/autumn."
        )
        assert team.run("state", "mv", "hanoi/campaign/spring", "hanoi/campaign/autumn").code == 0
        plan = team.plan()
        assert "moved-from-nowhere" not in {one["code"] for one in plan["findings"]}
        assert sum(delta["added"] for delta in plan["contacts"]) == 0
