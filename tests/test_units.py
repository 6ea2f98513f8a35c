"""Durations, times of day and shares: what is text has exactly one number, and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler import units


@given(st.integers(0, 10**11))
def test_a_duration_survives_being_written(count: int) -> None:
    assert units.seconds(units.duration_text(count)) == count


@given(st.integers(0, 9_999_999), st.sampled_from("smhd"))
def test_the_canonical_text_is_canonical(count: int, unit: str) -> None:
    canonical = units.duration_text(units.seconds(f"{count}{unit}"))
    assert units.duration_text(units.seconds(canonical)) == canonical


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0s"),
        (45, "45s"),
        (60, "60s"),
        (119, "119s"),
        (120, "2m"),
        (121, "121s"),
        (1800, "30m"),
        (3600, "1h"),
        (5400, "90m"),
        (86400, "1d"),
        (129600, "36h"),
        (604800, "7d"),
    ],
)
def test_the_largest_whole_unit(count: int, text: str) -> None:
    assert units.duration_text(count) == text


@pytest.mark.parametrize(
    "text", ["", "30", "m", "-1m", "1.5h", "030m", "30 m", "30M", "1w", "٣m", "30m\n", "9" * 5000 + "s"]
)
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="no duration"):
        units.seconds(text)


def test_a_duration_is_never_negative() -> None:
    with pytest.raises(ValueError, match="never negative"):
        units.duration_text(-1)


@given(st.integers(0, 1440))
def test_minutes_of_a_day(count: int) -> None:
    assert units.minutes(f"{count // 60:02}:{count % 60:02}") == count


@pytest.mark.parametrize("text", ["", "9:00", "0900", "24:01", "12:60", "١٢:00", "12:00:00", "ab:cd", "+1:00"])
def test_what_is_no_time_of_day(text: str) -> None:
    with pytest.raises(ValueError, match="no time of day"):
        units.minutes(text)


@given(st.integers(0, 9999))
def test_a_share(count: int) -> None:
    assert units.percent(f"{count}%") == count


@pytest.mark.parametrize("text", ["", "%", "10", "1.5%", "-1%", "١%", "10 %"])
def test_what_is_no_share(text: str) -> None:
    with pytest.raises(ValueError, match="no share"):
        units.percent(text)
