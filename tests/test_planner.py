"""Declared, live and applied -> steps; every value by hand, no mocks."""

from __future__ import annotations

from dataclasses import replace

from reconciler.matching import Match
from reconciler.model import (
    Action,
    Cause,
    ContactRules,
    Doubt,
    FieldChange,
    FieldRule,
    Json,
    Key,
    Lifecycle,
    Risk,
    RunState,
    Source,
)
from reconciler.planner import plan_steps, steps_of
from reconciler.steps import Case
from tests.build import KEY, binding, capabilities, case, delta, live, resource

READ_ONLY = ContactRules(add=True, read=True)
INSIDE = ContactRules(inside_create=True)


def actions(of: Case) -> list[Action]:
    return [change.action for change in steps_of(of).changes]


def codes(of: Case) -> list[str]:
    return [finding.code for finding in steps_of(of).findings]


def test_a_new_campaign_is_created_stopped_filled_and_then_started() -> None:
    wanted = resource({"displayName": "Spring", "ratio": 100}, run=RunState.RUNNING)
    new = case(wanted, deltas=(delta(added=3),))
    assert actions(new) == [Action.CREATE, Action.ADD_CONTACTS, Action.START]
    create, add, start = steps_of(new).changes
    assert create.fields == (FieldChange(("displayName",), None, "Spring"), FieldChange(("ratio",), None, 100))
    assert add.contacts is not None and (add.contacts.count, add.contacts.digest) == (3, "hmac-sha256:added")
    assert str(add.key) == "acme/campaign/spring/contacts/may"
    assert {create.risk, add.risk, start.risk} == {Risk.DIALLING}


def test_run_state_that_is_not_declared_is_left_alone() -> None:
    assert actions(case(resource())) == [Action.CREATE]
    assert actions(case(found=live(run=RunState.RUNNING), bound=binding())) == []


def test_a_vendor_that_cannot_create_says_how_to_go_on() -> None:
    rules = capabilities(create=False, refusals={"create": "its create call is not documented"})
    (finding,) = steps_of(case(capabilities=rules)).findings
    assert finding.code == "cannot-create" and "reconciler adopt acme/campaign/spring" in finding.remedy


def test_only_what_differs_is_updated_and_why_is_told() -> None:
    wanted = resource({"displayName": "Spring", "ratio": 150})
    edited = case(
        wanted, live({"displayName": "Spring", "ratio": 100}), binding({"displayName": "Spring", "ratio": 100})
    )
    (change,) = steps_of(edited).changes
    assert change.fields == (FieldChange(("ratio",), 100, 150, Cause.DECLARED, "campaigns/spring.yaml:10"),)
    assert change.reason == "changed in the declaration" and change.risk is Risk.DIALLING


def test_a_change_of_hours_carries_the_whole_schedule() -> None:
    declared: dict[str, Json] = {"timezone": "Europe/Warsaw", "windows": {"mon": [["09:00", "17:00"]], "tue": []}}
    there: dict[str, Json] = {
        "displayName": "a",
        "schedule": {**declared, "windows": {"mon": [["08:00", "17:00"]], "tue": []}},
    }
    (update,) = steps_of(
        case(resource({"displayName": "a", "schedule": declared}), live(there), binding(there))
    ).changes
    assert [field.path for field in update.fields] == [("schedule", "windows", "mon")] and update.schedule == declared
    other = case(resource({"displayName": "b", "schedule": declared}), live({**there, "schedule": declared}), binding())
    assert [change.schedule for change in steps_of(other).changes] == [None]


def test_a_click_in_the_panel_is_told_apart_from_an_edit() -> None:
    wanted = resource({"ratio": 150})
    drifted = case(wanted, live({"ratio": 300}), binding({"ratio": 150}))
    (change,) = steps_of(drifted).changes
    assert change.reason == "changed at the vendor since the last apply" and change.risk is Risk.SAFE
    both = case(wanted, live({"ratio": 300}), binding({"ratio": 100}))
    assert "and at the vendor" in steps_of(both).changes[0].reason
    assert steps_of(case(wanted, live({"ratio": 1}), binding({}))).changes[0].reason == "bound, never applied"


def test_every_field_says_why_it_changes_and_where_it_is_written() -> None:
    hours: dict[str, Json] = {"timezone": "Europe/Warsaw", "windows": {"mon": [["09:00", "17:00"]]}}
    spec: dict[str, Json] = {"displayName": "spring", "ratio": 150, "limit": 1, "kind": 3, "new": 4, "schedule": hours}
    there: dict[str, Json] = {"displayName": "Old", "ratio": 100, "limit": 9, "kind": 2, "new": 5}
    last: dict[str, Json] = {"displayName": "Old", "ratio": 100, "limit": 1, "kind": 1}
    spring = Source("campaigns/spring.yaml", 10)
    places = dict.fromkeys(("ratio", "limit", "kind", "new", "schedule"), spring)
    places["schedule.windows"] = Source("campaigns/shared.yaml", 3)
    before: dict[str, Json] = {**hours, "windows": {"mon": [["08:00", "17:00"]]}}
    found = case(
        resource(spec, places=places), live({**there, "schedule": before}), binding({**last, "schedule": before})
    )
    (change,) = steps_of(found).changes
    assert {field.path[0]: (field.cause, field.source) for field in change.fields} == {
        "displayName": (Cause.DEFAULT, ""),
        "ratio": (Cause.DECLARED, str(spring)),
        "limit": (Cause.DRIFT, str(spring)),
        "kind": (Cause.BOTH, str(spring)),
        "new": (Cause.FIRST, str(spring)),
        "schedule": (Cause.DECLARED, "campaigns/shared.yaml:3"),
    }
    assert change.reason == "changed in the declaration, and at the vendor since the last apply"
    renamed = case(resource({"displayName": "spring"}, places={}), live(), binding())
    assert steps_of(renamed).changes[0].reason == "not declared, and its default is another one now"


def test_a_dropped_field_is_cleared_only_where_the_vendor_can_be_told() -> None:
    bound = binding({"note": "hello", "ratio": 100})
    dropped = case(resource({}), live({"note": "hello", "ratio": 100}), bound)
    (change,) = steps_of(dropped).changes
    assert change.fields == (FieldChange(("note",), "hello", None, Cause.DECLARED),)


def test_unmanaged_fields_are_sent_at_create_only() -> None:
    wanted = resource({"ratio": 150}, lifecycle=Lifecycle(unmanaged=frozenset({"ratio"})))
    assert actions(case(wanted, live({"ratio": 300}), binding({"ratio": 150}))) == []
    assert actions(case(wanted)) == [Action.CREATE]


def test_what_cannot_be_read_is_compared_with_what_was_applied() -> None:
    rules = capabilities(fields={"extensions": FieldRule(readable=False)})
    wanted = resource({"extensions": ["101"]})
    assert actions(case(wanted, live({}), binding({"extensions": ["101"]}), capabilities=rules)) == []
    assert actions(case(wanted, live({}), binding({"extensions": ["102"]}), capabilities=rules)) == [Action.UPDATE]


def test_an_immutable_field_is_refused() -> None:
    rules = capabilities(fields={"kind": FieldRule(immutable=True)})
    changed = case(resource({"kind": "crm"}), live({"kind": "csv"}), binding({"kind": "csv"}), capabilities=rules)
    assert actions(changed) == [] and codes(changed) == ["immutable"]


def test_a_vendor_that_cannot_update_is_refused() -> None:
    rules = capabilities(update=False)
    assert codes(case(resource({"ratio": 2}), live({"ratio": 1}), binding(), capabilities=rules)) == ["cannot-update"]


def test_stop_comes_first_and_start_last() -> None:
    stop = case(
        resource({"ratio": 2}, run=RunState.STOPPED), live({"ratio": 1}, run=RunState.RUNNING), binding(),
        deltas=(delta(added=1),),
    )  # fmt: skip
    assert actions(stop) == [Action.STOP, Action.UPDATE, Action.ADD_CONTACTS]
    start = case(resource({"ratio": 2}, run=RunState.RUNNING), live({"ratio": 1}), binding(), deltas=(delta(added=1),))
    assert actions(start) == [Action.UPDATE, Action.ADD_CONTACTS, Action.START]


def test_a_paused_campaign_is_neither_running_nor_stopped() -> None:
    paused = live(run=RunState.PAUSED)
    assert actions(case(resource(run=RunState.STOPPED), paused, binding())) == [Action.STOP]
    (change,) = steps_of(case(resource(run=RunState.RUNNING), paused, binding())).changes
    assert change.action is Action.START and change.fields == (FieldChange(("activation",), "paused", "running"),)


def test_people_leave_before_people_come_over_all_sets() -> None:
    deltas = (delta("may", added=2, withdrawn=1), delta("june", updated=3, withdrawn=1))
    moving = case(found=live(), bound=binding(), deltas=deltas)
    assert [(c.action, c.key.contacts) for c in steps_of(moving).changes] == [
        (Action.WITHDRAW_CONTACTS, "may"),
        (Action.WITHDRAW_CONTACTS, "june"),
        (Action.UPDATE_CONTACTS, "june"),
        (Action.ADD_CONTACTS, "may"),
    ]


def test_what_a_vendor_cannot_do_with_people_is_said() -> None:
    deltas = (delta(updated=2, withdrawn=1),)
    why = {"may": {"suppressed": 1}, "june": {"suppressed": 1, "left_source": 1}}
    rules = capabilities(contacts=READ_ONLY)
    stuck = case(found=live(), bound=binding(), deltas=deltas, capabilities=rules, departures=why)
    assert actions(stuck) == [] and codes(stuck) == ["cannot-withdraw", "cannot-edit"]
    said = steps_of(stuck).findings[0].message
    assert said.endswith("1 person there may still be called (2 on a suppression list, 1 left the source).")


def test_steps_of_one_campaign_form_a_chain_and_campaigns_do_not_wait_for_each_other() -> None:
    other = resource(key=Key("acme", "campaign", "autumn"))
    changes, unchanged, _ = plan_steps([case(deltas=(delta(added=1),)), case(other), case_unchanged()])
    assert [(change.id, change.key.name, change.depends_on) for change in changes] == [
        (1, "autumn", ()),
        (2, "spring", ()),
        (3, "spring", (2,)),
    ]
    assert unchanged == (Key("acme", "campaign", "winter"),)


def case_unchanged() -> Case:
    key = Key("acme", "campaign", "winter")
    return case(resource(key=key), live(), binding(key=key))


def test_an_object_in_doubt_gets_no_new_work_and_is_not_called_unchanged() -> None:
    doubt = Doubt("r1", str(KEY), "create", "", "", 0, "in_doubt", "", "")
    changes, unchanged, findings = plan_steps([case(doubts=(doubt,))])
    assert (changes, unchanged, findings) == ((), (), ())


# ---- tombstones ----------------------------------------------------------------------------------------------------


def tombstone(on_remove: str, **more: object) -> Case:
    lifecycle = Lifecycle(on_remove=on_remove, protect=bool(more.pop("protect", False)))  # type: ignore[arg-type]
    wanted = resource(absent="season over", lifecycle=lifecycle)
    run = RunState.RUNNING if more.pop("running", False) else RunState.STOPPED
    rules = capabilities(**more)
    return case(wanted, live(run=run), binding(), capabilities=rules)


def test_a_tombstone_does_what_on_remove_says_in_steps_that_can_be_seen() -> None:
    assert actions(tombstone("retain")) == []
    assert actions(tombstone("stop", running=True)) == [Action.STOP]
    assert actions(tombstone("delete")) == [Action.DELETE]
    assert actions(tombstone("delete", running=True)) == [Action.STOP, Action.DELETE]
    assert actions(tombstone("delete", delete_needs_stop=True)) == [Action.STOP, Action.DELETE]
    assert steps_of(tombstone("delete")).changes[0].reason == (
        "state: absent (season over); all its records go with it: whoever is in it"
    )


def test_what_is_protected_or_cannot_be_deleted_stays() -> None:
    assert codes(tombstone("delete", protect=True)) == ["protected"]
    assert codes(tombstone("delete", delete=False)) == ["cannot-delete"]


def test_what_is_gone_or_queued_for_removal_needs_nothing() -> None:
    gone = resource(absent="over", lifecycle=Lifecycle(on_remove="delete"))
    assert actions(case(gone, None, binding())) == []
    assert actions(case(gone, live(note="removal queued"), binding())) == []


# ---- created once --------------------------------------------------------------------------------------------------


def once(**more: object) -> Case:
    rules = capabilities(readable=False, update=False, dial=False, contacts=INSIDE)
    wanted = resource(more.pop("spec", None), create_run=more.pop("run", 1))  # type: ignore[arg-type]
    return case(wanted, None, binding() if more.pop("bound", True) else None, capabilities=rules, **more)


def test_everybody_goes_into_the_create_call() -> None:
    (create,) = steps_of(once(bound=False, deltas=(delta(added=3), delta("june", added=2)))).changes
    assert create.contacts is not None and create.contacts.count == 5


def test_created_once_and_unchanged_is_no_change() -> None:
    assert steps_of(once()).changes == () and codes(once()) == ["ledger-only"]


def test_created_once_and_edited_is_an_error_that_names_run() -> None:
    finding, _ = steps_of(once(spec={"displayName": "Other"})).findings
    assert finding.code == "create-once" and "raise `run` to 2" in finding.remedy
    assert codes(once(spec={})) == ["create-once", "ledger-only"]


def test_created_once_and_grown_sends_nobody() -> None:
    grown = once(deltas=(delta(added=4),))
    assert steps_of(grown).changes == () and codes(grown) == ["grown", "ledger-only"]


def test_a_raised_run_creates_again_and_says_how_many_are_called_twice() -> None:
    again = once(run=2, deltas=(delta(added=4),), called=3)
    assert actions(again) == [Action.CREATE]
    finding, _ = steps_of(again).findings
    assert "up to 3 people would be called twice" in finding.message
    (finding, _) = steps_of(once(run=2, deltas=(delta(added=1),), called=3)).findings
    assert "up to 1 person would be called twice" in finding.message


# ---- what the reader has to know -----------------------------------------------------------------------------------


def test_an_id_in_the_yaml_is_named_as_the_bond() -> None:
    named = Case(Match(resource({"ratio": 1}), live({"ratio": 2}), None, "bound by id 00001"), capabilities())
    assert steps_of(named).changes[0].reason == "bound by id 00001, never applied"


def test_a_move_and_a_lost_protection_are_said_though_nothing_changes() -> None:
    moved = case(resource(), live(), binding(key=Key("acme", "campaign", "old")))
    assert actions(moved) == [] and codes(moved) == ["moved"]
    bare = case(resource(), live(), binding(protect=True))
    assert actions(bare) == [] and codes(bare) == ["unprotected"]
    assert codes(case(resource(lifecycle=Lifecycle(protect=True)), live(), binding(protect=True))) == []


def test_people_steps_say_why_and_what_is_made_for_them() -> None:
    both = delta(added=1, withdrawn=3)
    rules = capabilities(contacts=ContactRules(add=True, withdraw=True, container="list"))
    departures = {"may": {"suppressed": 1, "left_source": 2}}
    first = case(found=live(), bound=binding(), deltas=(both,), departures=departures, capabilities=rules)
    assert [change.reason for change in steps_of(first).changes] == [
        "1 on a suppression list, 2 left the source",
        "in source, never sent; a list is made for them",
    ]
    later = replace(first, opened=frozenset({"may"}))
    assert steps_of(later).changes[1].reason == "in source, never sent"
