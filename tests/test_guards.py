"""Limits on what one plan may do."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from reconciler import guards
from reconciler.guards import Guards, Moving, Release
from reconciler.model import (
    Action,
    Bounds,
    Change,
    Columns,
    ContactDelta,
    ContactSet,
    ContactSource,
    Finding,
    Key,
    Limit,
    Project,
    Risk,
    Severity,
    Source,
    StateStore,
    Waiver,
)
from tests.build import KEY, delta, resource

TODAY = date(2026, 6, 1)
LIMITS = {
    "creates": Limit(1),
    "deletes": Limit(0),
    "starts": Limit(1),
    "contactsAdded": Limit(100, 50),
    "contactsWithdrawn": Limit(10, 10),
    "suppressionReleased": Limit(100, 50),
}


def project(*waivers: Waiver, **limits: Limit) -> Project:
    place = Source("reconciler.yaml", 1)
    return Project("acme", "/", StateStore(), None, {**LIMITS, **limits}, waivers, place)


def waiver(guard: str, until: date = TODAY, campaign: str = "spring", **more: str) -> Waiver:
    return Waiver(guard, campaign, "quarterly load", until, Source("reconciler.yaml", 9), **more)


def change(action: Action, name: str = "spring", contacts: str = "") -> Change:
    key = Key("acme", "contacts" if contacts else "campaign", name, contacts)
    return Change(1, action, key, "x.yaml:1", "", Risk.SAFE)


def check(of: Project, *changes: Change, deltas: tuple[ContactDelta, ...] = (), managed: int = 0) -> list[Finding]:
    return list(Guards(of, TODAY, managed).check(changes, [Moving(one) for one in deltas]))


MOVING = change(Action.ADD_CONTACTS, contacts="may")
LEAVING = change(Action.WITHDRAW_CONTACTS, contacts="may")


def test_what_is_within_the_limits_is_silent() -> None:
    assert check(project(), change(Action.CREATE), MOVING, deltas=(delta(added=50, sent_before=100),)) == []


def test_a_count_over_its_limit_names_figure_limit_place_and_way_out() -> None:
    (finding,) = check(project(), change(Action.DELETE))
    assert finding.severity is Severity.ERROR and finding.code == "guard-deletes"
    assert (finding.measured, finding.limit) == ("1 delete", "0")
    assert finding.message == "1 delete in one plan; the limit is 0."
    assert finding.remedy == (
        "If that is meant: raise spec.guards.deletes.max in reconciler.yaml, or waive it for a time in reconciler.yaml: "
        'spec.guards.waivers: [{guard: deletes, campaign: NAME, reason: "...", until: DATE}].'
    )


def test_campaigns_are_counted_as_a_share_of_those_managed_too() -> None:
    shares = project(deletes=Limit(None, 10))
    assert check(shares, change(Action.DELETE), managed=10) == []
    (finding,) = check(shares, change(Action.DELETE), managed=9)
    assert (finding.measured, finding.limit) == ("12 %", "10 %")
    assert finding.message == "1 delete in one plan, 12 % of the 9 campaigns managed before; the limit is 10 %."
    assert "spec.guards.deletes.percent" in finding.remedy
    assert check(shares, change(Action.DELETE), managed=0) == []
    lifted = project(waiver("deletes"), deletes=Limit(None, 10))
    assert [f.code for f in check(lifted, change(Action.DELETE), managed=9)] == ["waiver"]


def test_people_are_counted_over_the_whole_plan_and_per_set() -> None:
    (total,) = check(project(), MOVING, deltas=(delta(added=101),))
    assert total.measured == "101 people" and "spec.guards.contactsAdded.max" in total.remedy
    (share,) = check(project(), MOVING, deltas=(delta(added=51, sent_before=100),))
    assert share.measured == "51 %" and share.key == "acme/campaign/spring/contacts/may"
    assert "spec.guards.contactsAdded.percent" in share.remedy and "campaign: spring," in share.remedy
    small, large = delta(added=51, sent_before=100), delta("june", added=40, sent_before=1000)
    (one,) = check(project(), MOVING, change(Action.ADD_CONTACTS, contacts="june"), deltas=(small, large))
    assert one.key == "acme/campaign/spring/contacts/may", "a large set does not hide a small one"


def test_a_percentage_needs_something_to_be_a_part_of() -> None:
    assert check(project(), change(Action.CREATE), deltas=(delta(added=100, sent_before=0),)) == []


def test_a_first_load_that_was_cut_short_may_go_on_but_not_lose_everybody() -> None:
    begun = [Moving(delta(added=90, withdrawn=2, sent_before=10), loaded=False)]
    (finding,) = Guards(project(), TODAY).check([MOVING, LEAVING], begun)
    assert (finding.code, finding.measured) == ("guard-contactsWithdrawn", "20 %")


def test_percentages_round_against_the_change() -> None:
    (share,) = check(project(), LEAVING, deltas=(delta(withdrawn=2, sent_before=19),))
    assert share.measured == "11 %"


def test_a_mirror_of_which_three_percent_are_left_is_stopped_without_bounds() -> None:
    found = check(project(contactsWithdrawn=Limit(1000, 10)), LEAVING, deltas=(delta(withdrawn=97, sent_before=100),))
    assert [(f.code, f.severity, f.measured) for f in found] == [("guard-contactsWithdrawn", Severity.ERROR, "97 %")]


def test_who_is_suppressed_never_waits_for_a_guard_and_many_are_told() -> None:
    refused = [Moving(delta(withdrawn=97, sent_before=100), suppressed=97)]
    (found,) = Guards(project(), TODAY).check([LEAVING], refused)
    assert (found.code, found.severity, found.measured) == ("suppression-withdraws", Severity.WARNING, "97 people")
    few = [Moving(delta(withdrawn=5, sent_before=100), suppressed=5)]
    assert Guards(project(), TODAY).check([LEAVING], few) == ()
    both = [Moving(delta(withdrawn=20, sent_before=100), suppressed=5)]
    assert [f.measured for f in Guards(project(), TODAY).check([LEAVING], both)] == ["15 %", "15 people"]


def test_sets_that_do_not_move_do_not_count() -> None:
    assert check(project(), deltas=(delta(added=500),)) == []


def test_no_limit_is_no_limit() -> None:
    open_ended = project(contactsAdded=Limit(None, None), creates=Limit(None))
    assert check(open_ended, MOVING, change(Action.CREATE), change(Action.CREATE), deltas=(delta(added=9**9),)) == []


def test_a_waiver_lifts_one_guard_for_one_campaign_and_shows() -> None:
    found = check(project(waiver("contactsAdded")), MOVING, deltas=(delta(added=5000, sent_before=10),))
    assert [(f.code, f.severity) for f in found] == [("waiver", Severity.WARNING)]
    assert found[0].message == "Guard contactsAdded is waived for spring until 2026-06-01: quarterly load."
    found = check(project(waiver("deletes")), change(Action.DELETE), change(Action.DELETE, "other"))
    assert [f.code for f in found] == ["waiver", "guard-deletes"]


def test_a_waiver_may_be_for_one_contact_set_alone() -> None:
    both = (delta(added=51, sent_before=100), delta("june", added=51, sent_before=100))
    june = change(Action.ADD_CONTACTS, contacts="june")
    found = check(project(waiver("contactsAdded", contacts="june")), MOVING, june, deltas=both)
    assert [(f.code, f.key) for f in found] == [
        ("waiver", "spring"),
        ("guard-contactsAdded", str(KEY.contact_set("may"))),
    ]
    assert "waived for june of spring" in found[0].message


def test_a_waiver_that_is_not_needed_is_silent() -> None:
    assert check(project(waiver("contactsAdded")), change(Action.CREATE), deltas=(delta(added=5),)) == []


def test_a_waiver_that_ran_out_lifts_nothing() -> None:
    yesterday = TODAY - timedelta(days=1)
    found = check(project(waiver("deletes", yesterday)), change(Action.DELETE))
    assert [f.code for f in found] == ["waiver-ended", "guard-deletes"]


# ---- bounds of a set -----------------------------------------------------------------------------------------------


def bounded(people: int, before: int, *waivers: Waiver, loaded: bool = True, **bounds: int) -> list[Finding]:
    place = Source("campaigns/spring.yaml", 30)
    declared = ContactSet("may", ContactSource(), Columns("phone"), "append", place, bounds=Bounds(**bounds))
    rows = delta(rows=people + 3, rejected={"empty": 1}, duplicates=2, sent_before=before)
    return list(Guards(project(*waivers), TODAY).check([], [Moving(rows, declared, loaded=loaded)]))


def test_a_source_within_its_bounds_is_not_spoken_of() -> None:
    assert bounded(10, 8, min=10, max=10, change=25) == []
    assert bounded(10, 0, change=1) == []


def test_a_first_load_that_was_cut_short_is_no_change() -> None:
    assert bounded(100, 3, change=30, loaded=False) == []


@pytest.mark.parametrize(
    ("people", "before", "bounds", "code", "measured", "limit"),
    [
        (9, 0, {"min": 10}, "bounds-min", "9 people", "10"),
        (11, 0, {"max": 10}, "bounds-max", "11 people", "10"),
        (10, 7, {"change": 42}, "bounds-change", "43 %", "42 %"),
        (3, 100, {"change": 30}, "bounds-change", "97 %", "30 %"),
    ],
)
def test_a_source_beyond_a_bound_is_an_error_that_can_be_waived(
    people: int, before: int, bounds: dict[str, Any], code: str, measured: str, limit: str
) -> None:
    [finding] = bounded(people, before, **bounds)
    assert (finding.code, finding.severity, finding.measured, finding.limit) == (code, Severity.ERROR, measured, limit)
    assert finding.key == "acme/campaign/spring/contacts/may"
    assert finding.source == "campaigns/spring.yaml:30"
    assert (
        f"change spec.bounds.{code.removeprefix('bounds-')} of the set (campaigns/spring.yaml:30), or" in finding.remedy
    )
    assert '[{guard: bounds, campaign: spring, contacts: may, reason: "...", until: DATE}]' in finding.remedy
    [waived] = bounded(people, before, waiver("bounds", contacts="may"), **bounds)
    assert (waived.code, waived.severity) == ("waiver", Severity.WARNING)
    assert [f.code for f in bounded(people, before, waiver("bounds", contacts="june"), **bounds)] == [code]


def test_a_set_that_is_declared_no_more_has_no_bounds() -> None:
    assert check(project(), deltas=(delta(rows=3),)) == []


# ---- suppression lists ---------------------------------------------------------------------------------------------


def released(gone: int, before: int, *waivers: Waiver, limit: Limit = LIMITS["suppressionReleased"]) -> list[Finding]:
    one = Release("refusals", before, gone, "lists.yaml:4")
    return list(Guards(project(*waivers, suppressionReleased=limit), TODAY).check([], [], [one]))


@pytest.mark.parametrize(
    ("gone", "before", "limit", "path", "measured", "most"),
    [(97, 100, Limit(100, 50), "percent", "97 %", "50 %"), (101, 1000, Limit(100, 50), "max", "101 people", "100")],
)
def test_a_list_that_lost_too_many_blocks(
    gone: int, before: int, limit: Limit, path: str, measured: str, most: str
) -> None:
    (found,) = released(gone, before, limit=limit)
    assert (found.code, found.severity) == ("guard-suppressionReleased", Severity.ERROR)
    assert (found.measured, found.limit, found.source) == (measured, most, "lists.yaml:4")
    assert f"{gone} people left suppression list refusals" in found.message and "cut short" in found.remedy
    assert f"spec.guards.suppressionReleased.{path} in reconciler.yaml" in found.remedy
    assert '{guard: suppressionReleased, suppression: refusals, reason: "...", until: DATE}' in found.remedy
    lifted = waiver("suppressionReleased", campaign="", suppression="refusals")
    waived, told = released(gone, before, lifted, limit=limit)
    assert (waived.code, told.code) == (
        "waiver",
        "suppression-released",
    ) and "waived for suppression list refusals until" in waived.message
    other = waiver("suppressionReleased", campaign="", suppression="others")
    assert [f.code for f in released(gone, before, other, limit=limit)] == ["guard-suppressionReleased"]


def test_a_few_who_leave_a_list_are_told() -> None:
    (found,) = released(1, 2)
    assert (found.code, found.severity) == ("suppression-released", Severity.INFO)
    assert found.message == (
        "1 person left suppression list refusals, 50 % of the 2 on it before. They stay suppressed in this apply; the one after it may "
        "add them."
    )


# ---- starts --------------------------------------------------------------------------------------------------------


def test_a_start_needs_half_an_hour() -> None:
    now = datetime(2026, 6, 1, 8, 0, tzinfo=UTC)
    assert guards.too_soon(resource(), now + timedelta(minutes=30), now) is None
    near = guards.too_soon(resource(), now + timedelta(minutes=29), now)
    assert near is not None and near.measured == "29 min" and "is 29 minutes away" in near.message
    past = guards.too_soon(resource(), now - timedelta(days=1), now)
    assert past is not None and "has passed" in past.message


def test_people_inside_a_create_count_as_added() -> None:
    inside = replace(delta(added=101), key=KEY.contact_set("may"))
    (finding,) = check(project(), change(Action.CREATE), deltas=(inside,))
    assert finding.code == "guard-contactsAdded"
