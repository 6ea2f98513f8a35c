"""Somebody clicks in a panel while the plan is being applied: that object stops, the others go on, the code is 5."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler import reconcile
from reconciler.model import Plan, Report
from reconciler.runs import Options
from reconciler.setup import load, opened
from tests.office import Office, office

SPRING, ODNOWIENIA = "tel4vn-hanoi/campaign/spring-renewals", "thulium-krakow/campaign/odnowienia"


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Office]:
    """Two campaigns are there; settings of both, and the people of one, are about to change."""
    with office(tmp_path) as made:
        assert made.apply().code == 0
        made.edit("campaigns/spring-renewals.yaml", "concurrent_call: 5", "concurrent_call: 6")
        made.edit("campaigns/odnowienia.yaml", "order: 20", "order: 30")
        source = Path(made.environ["RENEWALS_CSV"])
        source.write_text(source.read_text() + "C900,0900000900,New,HD-900\n")
        made.here.simulator.log.clear()
        yield made


def apply(team: Office, click: Callable[[Office], object], settle_timeout: float = 0.0) -> Report:
    """Apply what is planned now; the click comes after that plan was agreed to and before its first step."""

    def agreed(_: Plan) -> bool:
        click(team)
        return True

    async def go() -> Report:
        setup = load(team.root, team.environ)
        async with opened(setup) as sites:
            return await reconcile.apply(setup, sites, Options(confirm=agreed, settle_timeout=settle_timeout))

    return asyncio.run(go())


def panel(team: Office, **fields: Any) -> None:
    """In TEL4VN's panel; no field: the campaign is removed."""
    vendor = team.here.simulator.vendors["tel4vn"]
    rows = vendor.snapshot()["campaigns"]
    (uuid,) = (uuid for uuid, row in rows.items() if row["campaign_name"] == "Spring renewals 2026")
    vendor.edit("campaign", uuid, fields or None)


CLICKS: dict[str, tuple[Callable[[Office], object], str]] = {
    "a declared field": (lambda team: panel(team, concurrent_call=20), "concurrent_call was 5, is now 20"),
    "the retries": (lambda team: panel(team, recall_times=9), "recall.maxAttempts was 3, is now 10"),
    "the switch": (lambda team: panel(team, active=False), "it was running, is now stopped"),
    "removed": (panel, "it is gone: Spring renewals 2026 was there when the plan was made"),
}


@pytest.mark.parametrize("how", CLICKS)
def test_what_moved_stops_alone(team: Office, how: str) -> None:
    click, said = CLICKS[how]
    report = apply(team, click)
    assert (report.code, report.result) == (5, "partial")
    by_key = {(str(o.change.key.campaign), o.change.action.value): o for o in report.outcomes}
    assert by_key[ODNOWIENIA, "update"].status == "confirmed"
    update, added = by_key[SPRING, "update"], by_key[SPRING, "add_contacts"]
    assert (update.status, update.stale, update.touched) == ("skipped", True, False)
    assert said in update.error and "reconciler plan" in update.error
    assert (added.status, added.stale) == ("skipped", True)
    assert [call for call in team.calls("tel4vn") if call.method != "GET" and "auth" not in call.path] == []


def test_what_is_not_ours_may_move(team: Office) -> None:
    report = apply(team, lambda team: panel(team, ratio=3))
    assert report.code == 0
    rows = team.here.simulator.vendors["tel4vn"].snapshot()["campaigns"].values()
    (row,) = (row for row in rows if row["campaign_name"] == "Spring renewals 2026")
    assert (row["ratio"], row["concurrent_call"]) == (3, 6)


def test_a_failure_of_another_object_counts_before_what_moved(team: Office) -> None:
    team.faults({"vendor": "thulium", "method": "PUT", "fault": 403})
    assert apply(team, lambda team: panel(team, concurrent_call=20)).code == 1


def test_what_moved_is_not_overwritten_in_a_later_round(team: Office) -> None:
    """A lost answer elsewhere is settled and makes the run plan again: what moved stays as somebody left it."""
    team.faults({"vendor": "thulium", "method": "PUT", "nth": 1, "fault": "drop", "when": "after"})
    report = apply(team, lambda team: panel(team, concurrent_call=20), settle_timeout=60)
    assert {o.change.key.connection: o.status for o in report.outcomes if o.change.action == "update"} == {
        "tel4vn-hanoi": "skipped",
        "thulium-krakow": "confirmed",
    }
    assert report.code == 5
    rows = team.here.simulator.vendors["tel4vn"].snapshot()["campaigns"].values()
    assert 20 in {row["concurrent_call"] for row in rows}


def test_resume_does_not_overwrite_what_moved(team: Office) -> None:
    assert apply(team, lambda team: panel(team, concurrent_call=20)).code == 5
    resumed = team.run("apply", "--resume")
    assert resumed.code == 5 and f"{SPRING}: update is not part of the approved plan" in resumed.err
