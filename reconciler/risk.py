"""How dangerous one field's change is: whether somebody may be called who would not have been, earlier, or more often."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.model import FieldChange, FieldRule, Json, Path, Risk
from reconciler.units import seconds

ORDER = (Risk.SAFE, Risk.COMPLIANCE, Risk.DESTRUCTIVE, Risk.DIALLING)


def highest(risks: Iterable[Risk]) -> Risk:
    return max(risks, key=ORDER.index, default=Risk.SAFE)


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
        return Risk.DIALLING if minutes(change.after) - minutes(change.before) else Risk.SAFE
    widens = rule.widens if rule else "any"
    if widens == "never":
        return Risk.SAFE
    return Risk.DIALLING if widens == "any" or _widened(change, widens) else Risk.SAFE


def _widened(change: FieldChange, widens: str) -> bool:
    if isinstance(change.before, list) and isinstance(change.after, list):
        return any(value not in change.before for value in change.after)
    before, after = _measure(change.before), _measure(change.after)
    if before is None or after is None:
        return True
    return (after > before) == (widens == "up")


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


def _measure(value: Json) -> int | None:
    """A number to compare by: of integers, booleans and durations; None for anything else."""
    if isinstance(value, bool | int):
        return int(value)
    try:
        return seconds(str(value))
    except ValueError:
        return None
