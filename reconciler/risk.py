"""How dangerous one field's change is: whether somebody may be called who would not have been, earlier, or more often."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from functools import lru_cache

from reconciler.model import WEEKDAYS, DriftClass, FieldChange, FieldRule, Json, Path, Risk
from reconciler.units import seconds

ORDER = (Risk.SAFE, Risk.COMPLIANCE, Risk.DESTRUCTIVE, Risk.DIALLING)
_CLASSES = tuple(DriftClass)
_DAY = 86_400  # seconds
_FACTOR = re.compile(r"\d+\.\d+", re.ASCII)
_YEARS = range(2025, 2038)  # for which the zone database holds rules beyond doubt


def highest(risks: Iterable[Risk]) -> Risk:
    return max(risks, key=ORDER.index, default=Risk.SAFE)


def worst(classes: Iterable[DriftClass]) -> DriftClass:
    return max(classes, key=_CLASSES.index, default=DriftClass.NEUTRAL)


def rule_for(rules: Mapping[str, FieldRule], path: Path) -> FieldRule | None:
    """The rule of the longest listed prefix of `path`; None where the vendor does not know the field."""
    for length in range(len(path), 0, -1):
        rule = rules.get(".".join(path[:length]))
        if rule is not None:
            return rule
    return None


def of_field(change: FieldChange, rule: FieldRule | None) -> Risk:
    """`dialling` where the change widens whom, when or how often is called, else `safe`."""
    if change.path[0] == "schedule":
        return Risk.DIALLING if _opens(change) else Risk.SAFE
    widens = rule.widens if rule else "any"
    if widens == "never":
        return Risk.SAFE
    return Risk.DIALLING if widens == "any" or _widened(change, widens) else Risk.SAFE


def class_of(change: FieldChange, rules: Mapping[str, FieldRule]) -> DriftClass:
    """What going from `before` to `after` means for people; of a mapping that came or went, the worst of its parts."""
    return worst(map(lambda part: _class_of(part, rule_for(rules, part.path)), _parts(change)))


def _class_of(change: FieldChange, rule: FieldRule | None) -> DriftClass:
    """Restricting is what would widen on the way back."""
    if of_field(change, rule) is Risk.DIALLING:
        return DriftClass.WIDENING
    back = FieldChange(change.path, change.after, change.before)
    return DriftClass.RESTRICTING if of_field(back, rule) is Risk.DIALLING else DriftClass.NEUTRAL


def _parts(change: FieldChange) -> Iterator[FieldChange]:
    before, after = change.before, change.after
    if change.path[0] == "schedule" or not (isinstance(before, dict) or isinstance(after, dict)):
        yield change
        return
    old, new = (value if isinstance(value, dict) else {} for value in (before, after))
    for name in dict.fromkeys((*old, *new)):
        if old.get(name) != new.get(name):
            yield from _parts(FieldChange((*change.path, name), old.get(name), new.get(name)))


def _widened(change: FieldChange, widens: str) -> bool:
    if isinstance(change.before, list) and isinstance(change.after, list):
        return any(value not in change.before for value in change.after)
    if None in (change.before, change.after) and (_is_day(change.before) or _is_day(change.after)):
        return change.after is None  # no first or last day: every day counts
    before, after = _measure(change.before), _measure(change.after)
    if before is None or after is None:
        return True
    return (after > before) == (widens == "up") and before != after


# ---- hours and days ------------------------------------------------------------------------------------------------


def _opens(change: FieldChange) -> bool:
    """Whether a part of a schedule, or a whole one, lets people be called at a time at which nobody was."""
    before, after = change.before, change.after
    match change.path[1:]:
        case ():
            if not (isinstance(before, dict) and isinstance(after, dict)):
                return True  # when it calls without any schedule is not documented
            parts = (FieldChange(("schedule", name), before.get(name), after.get(name)) for name in (*before, *after))
            return any(_opens(part) for part in parts if part.before != part.after)
        case ("timezone",):
            return not _same_clock(str(before), str(after))
        case ("starts",):
            return _widened(change, "down")
        case ("ends",):
            return _widened(change, "up")
        case ("exclude",):
            return not _days_out(before) <= _days_out(after)
    return _beyond(_spans(before), _spans(after))


def _days_out(ranges: Json) -> set[int]:
    found: set[int] = set()
    for one in ranges if isinstance(ranges, list) else ():
        if isinstance(one, dict):
            first, last = (date.fromisoformat(str(one[name])).toordinal() for name in ("from", "to"))
            found.update(range(first, last + 1))
    return found


def _spans(windows: Json) -> list[tuple[int, int]]:
    """The windows of a day, or of all days of a week, in seconds from its begin. One that ends before it starts goes over midnight
    (inferred: what a vendor makes of it is not documented).
    """
    if isinstance(windows, dict):
        days = ((day, windows.get(name)) for day, name in enumerate(WEEKDAYS))
        return [(day * _DAY + start, day * _DAY + end) for day, of_day in days for start, end in _spans(of_day)]
    found = []
    for window in windows if isinstance(windows, list) else ():
        if isinstance(window, list):
            start, end = (_clock(str(edge)) or 0 for edge in window)
            found += [(start, end)] if start <= end else [(start, _DAY), (0, end)]
    return found


def _beyond(before: list[tuple[int, int]], after: list[tuple[int, int]]) -> bool:
    """Whether some of `after` is not within `before`."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(before):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return any(
        start < end and not any(first <= start and end <= last for first, last in merged) for start, end in after
    )


def minutes(windows: Json) -> set[int]:
    """The minutes of a day, or of the days of a week, in which may be called; of a whole schedule as well."""
    if isinstance(windows, dict):
        week = windows.get("windows", windows)
        days = enumerate(week.values()) if isinstance(week, dict) else ()
        return {day * 1440 + minute for day, of_day in days if isinstance(of_day, list) for minute in minutes(of_day)}
    found: set[int] = set()
    for window in windows if isinstance(windows, list) else ():
        if isinstance(window, list):
            found.update(range(_minute(window[0]), _minute(window[1])))
    return found


def _minute(edge: Json) -> int:
    """Of a time of day; seconds, which only a vendor's panel can have set, do not count."""
    hours, minute, *_ = str(edge).split(":")
    return int(hours) * 60 + int(minute)


@lru_cache
def _same_clock(one: str, other: str) -> bool:
    """Whether two zones show the same time all year round; a zone that nobody knows is another one."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        zones = ZoneInfo(one), ZoneInfo(other)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    days = [datetime(year, month, day, 12) for year in _YEARS for month in range(1, 13) for day in (1, 15)]
    return all(zones[0].utcoffset(day) == zones[1].utcoffset(day) for day in days)


# ---- what values can be compared by --------------------------------------------------------------------------------


def _measure(value: Json) -> float | None:
    """A number to compare by: of integers, booleans, durations, days, times of day and factors; None for anything else."""
    if isinstance(value, bool | int):
        return int(value)
    text = str(value)
    if _FACTOR.fullmatch(text):
        return float(text)
    if _is_day(value):
        return date.fromisoformat(text).toordinal()
    try:
        return seconds(text)
    except ValueError:
        return _clock(text)


def _is_day(value: Json) -> bool:
    try:
        return isinstance(value, str) and len(value) == 10 and bool(date.fromisoformat(value))
    except ValueError:
        return False


def _clock(text: str) -> int | None:
    """`08:30` or `08:30:15` in seconds; None where it is no time of day."""
    parts = text.split(":")
    if not 2 <= len(parts) <= 3 or not all(part.isascii() and part.isdigit() for part in parts):
        return None
    return sum(int(part) * unit for part, unit in zip(parts, (3600, 60, 1), strict=False))
