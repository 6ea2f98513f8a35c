"""What a drift means for people: every field of the tables, in both directions."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler import risk
from reconciler.model import WEEKDAYS, DriftClass, FieldChange, FieldRule, Json, Path
from reconciler.providers.tel4vn.rules import CAPABILITIES as TEL4VN
from reconciler.providers.thulium.wire import CAPABILITIES as THULIUM
from reconciler.units import duration_text

WIDENING, RESTRICTING, NEUTRAL = DriftClass.WIDENING, DriftClass.RESTRICTING, DriftClass.NEUTRAL
RULES = {**TEL4VN.fields, **THULIUM.fields}


def classed(path: str, before: Json, after: Json) -> DriftClass:
    return risk.class_of(FieldChange(tuple(path.split(".")), before, after), RULES)


@pytest.mark.parametrize(
    ("path", "narrow", "wide"),
    [
        ("schedule.windows.mon", [["10:00", "16:00"]], [["09:00", "17:00"]]),
        ("schedule.windows.mon", [["10:00", "16:00"]], [["10:00", "16:00:30"]]),
        ("schedule.windows.sat", [], [["09:00", "10:00"]]),
        ("schedule.windows.mon", [["09:00", "11:00"], ["12:00", "17:00"]], [["09:00", "17:00"]]),
        ("schedule.windows.mon", [["09:00", "17:00"]], [["09:00", "24:00"], ["00:00", "08:00"]]),
        ("schedule.starts", "2026-06-02", "2026-06-01"),
        ("schedule.starts", "2026-06-02", None),
        ("schedule.ends", "2026-06-01", "2026-06-02"),
        ("schedule.ends", "2026-06-01", None),
        (
            "schedule.exclude",
            [{"from": "2026-06-01", "to": "2026-06-03"}],
            [{"from": "2026-06-02", "to": "2026-06-03"}],
        ),
        ("schedule.exclude", [{"from": "2026-06-01", "to": "2026-06-03"}], None),
        ("recall.maxAttempts", 3, 4),
        ("recall.after", "30m", "0s"),
        ("recall.outcomes", ["busy"], ["busy", "failed"]),
        ("recall.minTalk", "0s", "10s"),
        ("concurrent_call", 5, 6),
        ("ratio", 100, 150),
        ("network.viettel", 5, 9),
        ("local_start_time", "09:00", "08:00"),
        ("local_end_time", "17:00", "17:30"),
        ("hopper", 10, 20),
        ("start_date", "2026-06-02", "2026-06-01"),
        ("end_date", "2026-06-01", "2026-07-01"),
        ("end_date", "2026-06-01", None),
        ("order", 50, 1),
        ("parity", 50, 60),
        ("parameters.preview_timeout", "30s", "10s"),
        ("parameters.predictive_max_calls", "1.5", 2),
        ("agents", ["a"], ["a", "b"]),
    ],
)
def test_one_way_widens_and_the_way_back_restricts(path: str, narrow: Json, wide: Json) -> None:
    assert (classed(path, narrow, wide), classed(path, wide, narrow)) == (WIDENING, RESTRICTING)


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("schedule.windows.mon", [["10:00", "18:00"]], [["08:00", "16:00"]]),
        ("schedule.windows.mon", [["09:00", "17:00"]], [["17:00", "09:00"]]),  # over midnight, as it seems
        ("schedule.timezone", "Asia/Ho_Chi_Minh", "Asia/Tokyo"),
        ("schedule.timezone", "Asia/Ho_Chi_Minh", "Nowhere/Nothing"),
        ("schedule", {"timezone": "Asia/Bangkok", "windows": {}}, None),
        ("recall.outcomes", ["busy"], ["failed"]),
        ("agents", ["a"], ["b"]),
        ("type", "autocall", "manual"),
        ("dialer", "preview", "predictive"),
        ("mode_call", "direct", "serial"),
        ("concurrent_call", 5, None),
        ("nobody_knows_it", 1, 2),
    ],
)
def test_what_is_both_or_cannot_be_told_is_widening(path: str, before: Json, after: Json) -> None:
    assert classed(path, before, after) is classed(path, after, before) is WIDENING


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("displayName", "Spring", "Summer"),
        ("description", "a", ""),
        ("recall.priority", "new_first", "recalls_first"),
        ("customer_order", "id", "name"),
        ("carrier", {"uuid": "1", "name": "A"}, None),
        ("carrier.uuid", "1", "2"),
        ("schedule.timezone", "Asia/Ho_Chi_Minh", "Asia/Bangkok"),
        ("schedule.windows.mon", [["09:00", "17:00"]], [["09:00", "12:00"], ["12:00", "17:00"]]),
        ("schedule.windows.mon", [["09:00", "17:00"]], [["09:00", "17:00"], ["18:00", "18:00"]]),
        ("group_id", 1, 2),
    ],
)
def test_what_nobody_notices_is_neutral(path: str, before: Json, after: Json) -> None:
    assert classed(path, before, after) is classed(path, after, before) is NEUTRAL


def test_of_a_mapping_that_is_gone_the_worst_part_counts() -> None:
    assert classed("parameters", {"caller_id": "1", "preview_timeout": "30s"}, None) is WIDENING
    assert classed("parameters", {"caller_id": "1"}, None) is NEUTRAL
    assert classed("network", {"viettel": 5, "mobi": 5}, {"viettel": 4, "mobi": 5}) is RESTRICTING


def test_a_schedule_as_a_whole_is_its_parts() -> None:
    week: dict[str, Json] = {day: [["09:00", "17:00"]] for day in WEEKDAYS}
    then: Json = {"timezone": "Asia/Bangkok", "windows": week}
    now: Json = {"timezone": "Asia/Ho_Chi_Minh", "windows": {**week, "sun": []}}
    assert (classed("schedule", then, now), classed("schedule", now, then)) == (RESTRICTING, WIDENING)


# ---- as laws -------------------------------------------------------------------------------------------------------

TIMES = st.integers(0, 1439).map(lambda minute: f"{minute // 60:02}:{minute % 60:02}")
DAYS = st.integers(0, 400).map(lambda after: (date(2026, 1, 1) + timedelta(after)).isoformat())
LENGTHS = st.integers(0, 10**6).map(duration_text)
FACTORS = st.one_of(st.integers(0, 9), st.integers(0, 99).map(lambda tenth: f"{tenth // 10}.{tenth % 10}"))
VALUES: dict[str, st.SearchStrategy[Json]] = {
    **dict.fromkeys(
        ("recall.maxAttempts", "concurrent_call", "ratio", "hopper", "order", "parity"), st.integers(0, 500)
    ),
    **dict.fromkeys(("recall.after", "recall.minTalk", "parameters.preview_timeout"), LENGTHS),
    **dict.fromkeys(("local_start_time", "local_end_time"), TIMES),
    **dict.fromkeys(("start_date", "end_date", "schedule.starts", "schedule.ends"), DAYS),
    **dict.fromkeys(("parameters.predictive_max_calls", "parameters.predictive_min_calls"), FACTORS),
}


@st.composite
def one_dimensional(draw: st.DrawFn) -> tuple[str, Json, Json]:
    path = draw(st.sampled_from(sorted(VALUES)))
    return path, draw(VALUES[path]), draw(VALUES[path])


def test_every_field_that_has_a_direction_is_played() -> None:
    known = {name for name, rule in RULES.items() if rule.widens in {"up", "down"}}
    assert known - {"recall.outcomes", "agents", "network"} <= VALUES.keys()


@given(one_dimensional())
def test_restricting_is_widening_on_the_way_back(case: tuple[str, Json, Json]) -> None:
    path, before, after = case
    there, back = classed(path, before, after), classed(path, after, before)
    assert {there, back} in ({WIDENING, RESTRICTING}, {NEUTRAL})
    assert (there is NEUTRAL) == (before == after or float_of(before) == float_of(after))


def float_of(value: Json) -> object:
    """`1.0` and 1 are one factor."""
    return float(value) if isinstance(value, str) and value.count(".") == 1 else value


WINDOWS = st.lists(st.tuples(st.integers(0, 1440), st.integers(0, 1440)).map(sorted), max_size=3).map(
    lambda spans: [[f"{s // 60:02}:{s % 60:02}", f"{e // 60:02}:{e % 60:02}"] for s, e in spans if s < e]
)


@given(WINDOWS, WINDOWS)
def test_hours_widen_exactly_where_a_minute_is_added(before: Json, after: Json) -> None:
    path: Path = ("schedule", "windows", "mon")
    old, new = risk.minutes(before), risk.minutes(after)
    wanted = WIDENING if new - old else RESTRICTING if old - new else NEUTRAL
    assert risk.class_of(FieldChange(path, before, after), {"schedule.windows": FieldRule()}) is wanted
