"""The figures of the HTML report as plain geometry: weeks of calling hours, what becomes of the rows of a contact set. Draws nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from reconciler.model import WEEKDAYS, Change, ContactDelta, FieldChange, Json
from reconciler.render import phrases
from reconciler.risk import minutes

Day = tuple[tuple[str, ...], ...]  # its windows, as they are declared


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of one day, in minutes. `kind`: stays, opens or closes."""

    day: int
    start: int
    length: int
    kind: str


Week = tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Panel:
    """One week to be drawn: its heading, what it shows in words, and its bars."""

    title: str
    told: str
    week: Week


def panels(change: Change) -> tuple[Panel, ...]:
    """The weeks before and after; of what is new the one after; nothing where no hours change."""
    pair = _schedules(change)
    if pair is None:
        return ()
    before, after = pair
    if not before:
        return (Panel("Calling hours", _told(after), _week(after, {}, "opens")),)
    return (
        Panel("Before", _told(before), _week(before, after, "closes")),
        Panel("After", _told(after), _week(after, before, "opens")),
    )


def _schedules(change: Change) -> tuple[Mapping[str, Json], Mapping[str, Json]] | None:
    """The whole schedule before and after; None where neither windows nor time zone change, or the whole is not known."""
    touched = [field for field in change.fields if field.path[0] == "schedule"]
    for field in touched:
        if len(field.path) == 1:
            return _mapping(field.before), _mapping(field.after)
    if not isinstance(change.schedule, dict) or not any(f.path[1] in {"windows", "timezone"} for f in touched):
        return None
    return _earlier(change.schedule, touched), change.schedule


def _earlier(schedule: Mapping[str, Json], touched: Sequence[FieldChange]) -> Mapping[str, Json]:
    """What `schedule` was before these of its fields changed."""
    windows = _windows(schedule)
    for field in touched:
        if field.path[1] == "windows":
            windows = {**windows, field.path[2]: field.before} if len(field.path) == 3 else dict(_mapping(field.before))
    others = {field.path[1]: field.before for field in touched if field.path[1] != "windows"}
    return {**schedule, **others, "windows": windows}


def _mapping(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, dict) else {}


def _windows(schedule: Mapping[str, Json]) -> dict[str, Json]:
    return dict(_mapping(schedule.get("windows")))


def _told(schedule: Mapping[str, Json]) -> str:
    return phrases.hours(dict(schedule)) or "none"


def _week(shown: Mapping[str, Json], other: Mapping[str, Json], else_kind: str) -> Week:
    """The bars of `shown`: what `other` has too stays, the rest is `else_kind`."""
    return _bars(_days(shown), _days(other), else_kind)


def _days(schedule: Mapping[str, Json]) -> tuple[Day, ...]:
    windows = _windows(schedule)
    return tuple(_day(windows.get(day)) for day in WEEKDAYS)


def _day(windows: Json) -> Day:
    return (
        tuple(tuple(map(str, window)) for window in windows if isinstance(window, list))
        if isinstance(windows, list)
        else ()
    )


@lru_cache(maxsize=4096)
def _bars(shown: tuple[Day, ...], other: tuple[Day, ...], else_kind: str) -> Week:
    found: list[Bar] = []
    for day, (mine, theirs) in enumerate(zip(shown, other, strict=True)):
        here, there = _minutes(mine), _minutes(theirs)
        found += (Bar(day, start, length, "stays") for start, length in _runs(here & there))
        found += (Bar(day, start, length, else_kind) for start, length in _runs(here - there))
    return tuple(found)


@lru_cache(maxsize=4096)
def _minutes(windows: Day) -> frozenset[int]:
    try:
        return frozenset(minutes([list(window) for window in windows]))
    except (ValueError, IndexError):
        return frozenset()  # somebody's panel holds what is no time of day


def _runs(minutes_of_day: Iterable[int]) -> Iterable[tuple[int, int]]:
    """(start, length) of every unbroken stretch."""
    start = last = -1
    for minute in sorted(minutes_of_day):
        if minute != last + 1 or last < 0:
            if last >= 0:
                yield start, last + 1 - start
            start = minute
        last = minute
    if last >= 0:
        yield start, last + 1 - start


# ---- people --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fall:
    """One line of a waterfall, counted from 0. `left` and `width` are per cent of the widest; `kind` is its class."""

    line: int
    label: str
    count: int
    left: float
    width: float
    kind: str


def waterfall(delta: ContactDelta) -> tuple[Fall, ...]:
    """The source, what falls away from it in order of precedence, who is added of what is left; who is withdrawn, apart from the rows."""
    whole = max(delta.rows, delta.withdrawn, delta.added, 1)
    steps = [
        ("rejected", sum(delta.rejected.values()), "rejected"),
        ("duplicates", delta.duplicates, "rejected"),
        ("suppressed", sum(delta.suppressed.values()), "suppressed"),
        ("unchanged", delta.unchanged, "unchanged"),
    ]
    steps += [("waiting", delta.waiting, "unchanged")] if delta.waiting else []
    steps += [("updated", delta.updated, "updated")] if delta.updated else []
    bars, rest = [("source", delta.rows, 0, "source")], delta.rows
    for label, count, kind in steps:
        rest = max(0, rest - count)
        bars.append((label, count, rest, kind))
    bars += [("added", delta.added, 0, "added"), ("withdrawn", delta.withdrawn, 0, "withdrawn")]
    return tuple(_fall(line, *bar, whole) for line, bar in enumerate(bars))


def _fall(line: int, label: str, count: int, left: int, kind: str, whole: int) -> Fall:
    """What is there at all can be seen: at least half a per cent wide, inside the figure."""
    width = max(100 * count / whole, 0.5) if count else 0.0
    return Fall(line, label, count, round(min(100 * left / whole, 100 - width), 2), round(width, 2), kind)
