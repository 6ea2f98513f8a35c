"""Which changes may call somebody more, earlier or more often."""

from __future__ import annotations

import pytest

from reconciler import risk
from reconciler.model import FieldChange, FieldRule, Json, Risk

DAY: Json = [["09:00", "17:00"]]


@pytest.mark.parametrize(
    ("widens", "before", "after", "expected"),
    [
        ("up", 5, 9, Risk.DIALLING),
        ("up", 9, 5, Risk.SAFE),
        ("down", "30m", "10m", Risk.DIALLING),
        ("down", "30m", "1h", Risk.SAFE),
        ("up", False, True, Risk.DIALLING),
        ("up", ["busy"], ["busy", "failed"], Risk.DIALLING),
        ("up", ["busy", "failed"], ["busy"], Risk.SAFE),
        ("up", None, 5, Risk.DIALLING),
        ("up", "normal", "recall", Risk.DIALLING),
        ("any", 9, 5, Risk.DIALLING),
        ("never", 5, 9, Risk.SAFE),
    ],
)
def test_a_field_widens_in_the_direction_its_rule_says(widens: str, before: Json, after: Json, expected: Risk) -> None:
    rule = FieldRule(widens=widens)  # type: ignore[arg-type]
    assert risk.of_field(FieldChange(("x",), before, after), rule) is expected


def test_an_unknown_field_counts_as_dialling() -> None:
    assert risk.of_field(FieldChange(("x",), 1, 2), None) is Risk.DIALLING


@pytest.mark.parametrize(
    ("after", "expected"),
    [([["08:30", "17:00"]], Risk.DIALLING), ([["10:00", "12:00"]], Risk.SAFE), ([], Risk.SAFE)],
)
def test_hours_widen_where_a_minute_is_added(after: Json, expected: Risk) -> None:
    of_day = FieldChange(("schedule", "windows", "mon"), DAY, after)
    assert risk.of_field(of_day, FieldRule()) is expected
    whole = FieldChange(("schedule",), {"windows": {"mon": DAY}}, {"windows": {"mon": after}})
    assert risk.of_field(whole, FieldRule()) is expected


def test_a_first_schedule_lets_people_be_called() -> None:
    assert risk.of_field(FieldChange(("schedule",), None, {"windows": {"mon": DAY}}), FieldRule()) is Risk.DIALLING


def test_the_longest_rule_wins() -> None:
    rules = {"recall": FieldRule(unset="a"), "recall.after": FieldRule(unset="b")}
    assert risk.rule_for(rules, ("recall", "after", "x")) == rules["recall.after"]
    assert risk.rule_for(rules, ("recall", "other")) == rules["recall"]
    assert risk.rule_for(rules, ("ratio",)) is None


def test_risks_have_an_order() -> None:
    assert risk.highest([]) is Risk.SAFE
    assert risk.highest([Risk.SAFE, Risk.DIALLING, Risk.DESTRUCTIVE]) is Risk.DIALLING


def test_a_window_that_a_panel_set_to_the_second_can_be_compared() -> None:
    change = FieldChange(("schedule", "windows", "mon"), [["09:00", "23:59:59"]], DAY)
    assert risk.of_field(change, None) is Risk.SAFE
