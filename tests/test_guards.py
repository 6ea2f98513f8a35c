"""Limits on what one plan may do."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from reconciler import guards
from reconciler.model import (
    Action,
    Change,
    ContactDelta,
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
}


def project(*waivers: Waiver, **limits: Limit) -> Project:
    place = Source("reconciler.yaml", 1)
    return Project("acme", "/", StateStore(), None, {**LIMITS, **limits}, waivers, place)


def waiver(guard: str, until: date = TODAY, campaign: str = "spring") -> Waiver:
    return Waiver(guard, campaign, "quarterly load", until, Source("reconciler.yaml", 9))


def change(action: Action, name: str = "spring", contacts: str = "") -> Change:
    key = Key("acme", "contacts" if contacts else "campaign", name, contacts)
    return Change(1, action, key, "x.yaml:1", "", Risk.SAFE)


def check(of: Project, *changes: Change, deltas: tuple[ContactDelta, ...] = ()) -> list[Finding]:
    return list(guards.check(of, changes, deltas, TODAY))


def test_what_is_within_the_limits_is_silent() -> None:
    moving = change(Action.ADD_CONTACTS, contacts="may")
    assert check(project(), change(Action.CREATE), moving, deltas=(delta(added=50, sent_before=100),)) == []


def test_a_count_over_its_limit_names_figure_limit_and_way_out() -> None:
    (finding,) = check(project(), change(Action.DELETE))
    assert finding.severity is Severity.ERROR and finding.code == "guard-deletes"
    assert (finding.measured, finding.limit) == ("1 delete", "0")
    assert "spec.guards.deletes in reconciler.yaml" in finding.remedy and "waivers" in finding.remedy


def test_people_are_counted_over_the_whole_plan_and_per_set() -> None:
    moving = change(Action.ADD_CONTACTS, contacts="may")
    (total,) = check(project(), moving, deltas=(delta(added=101),))
    assert total.measured == "101 people"
    (share,) = check(project(), moving, deltas=(delta(added=51, sent_before=100),))
    assert share.measured == "51 %" and share.key == "acme/campaign/spring/contacts/may"


def test_a_percentage_needs_something_to_be_a_part_of() -> None:
    assert check(project(), change(Action.CREATE), deltas=(delta(added=100, sent_before=0),)) == []


def test_percentages_round_against_the_change() -> None:
    moving = change(Action.WITHDRAW_CONTACTS, contacts="may")
    (share,) = check(project(), moving, deltas=(delta(withdrawn=2, sent_before=19),))
    assert share.measured == "11 %"


def test_sets_that_do_not_move_do_not_count() -> None:
    assert check(project(), deltas=(delta(added=500),)) == []


def test_no_limit_is_no_limit() -> None:
    moving = change(Action.ADD_CONTACTS, contacts="may")
    open_ended = project(contactsAdded=Limit(None, None), creates=Limit(None))
    assert check(open_ended, moving, change(Action.CREATE), change(Action.CREATE), deltas=(delta(added=9**9),)) == []


def test_a_waiver_lifts_one_guard_for_one_campaign_and_shows() -> None:
    moving = change(Action.ADD_CONTACTS, contacts="may")
    found = check(project(waiver("contactsAdded")), moving, deltas=(delta(added=5000, sent_before=10),))
    assert [(f.code, f.severity) for f in found] == [("waiver", Severity.WARNING)]
    found = check(project(waiver("deletes")), change(Action.DELETE), change(Action.DELETE, "other"))
    assert [f.code for f in found] == ["waiver", "guard-deletes"]


def test_a_waiver_that_is_not_needed_is_silent() -> None:
    assert check(project(waiver("contactsAdded")), change(Action.CREATE), deltas=(delta(added=5),)) == []


def test_a_waiver_that_ran_out_lifts_nothing() -> None:
    yesterday = TODAY - timedelta(days=1)
    found = check(project(waiver("deletes", yesterday)), change(Action.DELETE))
    assert [f.code for f in found] == ["waiver-ended", "guard-deletes"]


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
