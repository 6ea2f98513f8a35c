"""Fields in the words of people who run calls: hours and weekdays, attempts, what joins and leaves a set. Knows no layout."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from reconciler.model import WEEKDAYS, Action, Change, ContactDelta, FieldChange, Json, Spec
from reconciler.redact import inert
from reconciler.risk import minutes
from reconciler.units import counted

_LABELS = {
    ("displayName",): "name",
    ("schedule", "timezone"): "time zone",
    ("schedule", "starts"): "first day",
    ("schedule", "ends"): "last day",
    ("schedule", "exclude"): "closed on",
    ("recall", "maxAttempts"): "attempts",
    ("recall", "after"): "next attempt",
    ("recall", "outcomes"): "tried again on",
    ("recall", "priority"): "order",
    ("recall", "minTalk"): "shortest talk",
}


def field_lines(change: Change) -> list[tuple[str, str]]:
    """(label, what happens) per field, windows of several days in one line."""
    windows = [field for field in change.fields if field.path[:2] == ("schedule", "windows")]
    others = [field for field in change.fields if field not in windows and not _has_name(field, change.fields)]
    new = change.action is Action.CREATE
    zone = zone_of(change.schedule)
    lines = [_window_line(days, fields[0], zone) for days, fields in _by_edit(windows)]
    first = ("displayName", "schedule", "recall")
    others.sort(key=lambda field: first.index(field.path[0]) if field.path[0] in first else len(first))
    return lines + [line for field in others for line in _field(field, new)]


def applied_lines(spec: Spec) -> list[tuple[str, str]]:
    """(label, value) of everything that one object was given."""
    return [line for name, value in spec.items() for line in _field(FieldChange((name,), None, value), True)]


def _field(field: FieldChange, new: bool) -> Iterable[tuple[str, str]]:
    if field.path == ("schedule",):
        yield "calling hours", _arrow(hours(field.before), hours(field.after), new) + _per_week(field)
    elif field.path == ("recall",) and isinstance(field.after, dict):
        before = field.before if isinstance(field.before, dict) else {}
        for name, value in field.after.items():
            yield from _field(FieldChange(("recall", name), before.get(name), value), new)
    else:
        yield label(field.path), _value_change(field, new)


def label(path: Sequence[str]) -> str:
    return _LABELS.get(tuple(path), inert(" ".join(part for part in path if part != "name")))


def _value_change(field: FieldChange, new: bool) -> str:
    before, after = field.before, field.after
    if isinstance(before, list) and isinstance(after, list):
        joined = [f"+ {told(item)}" for item in after if item not in before]
        left = [f"- {told(item)}" for item in before if item not in after]
        return "  ".join([*joined, *left]) or "in another order"
    return _arrow(_say(field.path, before), _say(field.path, after), new)


def _arrow(before: str, after: str, new: bool) -> str:
    return after if new else f"{before or 'nothing'}  ->  {after or 'unset'}"


def _say(path: Sequence[str], value: Json) -> str:
    match tuple(path), value:
        case (_, None):
            return ""
        case (("recall", "maxAttempts"), int()):
            return f"up to {value} attempt{'s' if value != 1 else ''}"
        case (("recall", "after"), str()):
            return "at once" if value == "0s" else f"after {duration(inert(value))}"
        case (("recall", "priority"), str()):
            return inert(value).replace("_", " ")
    return told(value)


def told(value: Json) -> str:
    """Any value, for a reader."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        name = value.get("name") or value.get("title")
        return told(name) if name else ", ".join(f"{inert(key)} {told(item)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(told(item) for item in value) or "nobody"
    if value is None:
        return "nothing"
    return duration(inert(str(value))) or '""'


_UNITS = {"s": "s", "m": "min", "h": "h", "d": "days"}


def duration(text: str) -> str:
    """`30m` as `30 min`; anything else as it is."""
    number, unit = text[:-1], text[-1:]
    return f"{number} {_UNITS[unit]}" if number.isdigit() and unit in _UNITS else text


def _has_name(field: FieldChange, fields: Sequence[FieldChange]) -> bool:
    """A reference's uuid, where its name is told as well."""
    return field.path[-1] == "uuid" and any(f.path == (*field.path[:-1], "name") for f in fields)


# ---- hours ---------------------------------------------------------------------------------------------------------


def _by_edit(fields: Sequence[FieldChange]) -> Iterable[tuple[list[str], list[FieldChange]]]:
    """Days whose windows change in the same way, together."""
    groups: dict[str, tuple[list[str], list[FieldChange]]] = {}
    for field in fields:
        days, group = groups.setdefault(f"{field.before}{field.after}", ([], []))
        days.append(field.path[-1])
        group.append(field)
    return groups.values()


def _window_line(days: list[str], field: FieldChange, zone: str) -> tuple[str, str]:
    text = f"{day_range(days)} {spans(field.before)}  ->  {spans(field.after)} {zone}".rstrip()
    return "calling hours", text + _per_week(field, len(days))


def _per_week(field: FieldChange, days: int = 1) -> str:
    if field.before is None:
        return ""
    tenths = _tenths(field, days)
    return f"   {'+' if tenths > 0 else '-'}{_hours_told(tenths)}" if tenths else ""


def _tenths(field: FieldChange, days: int) -> int:
    """Of an hour, by which a week has more hours than before."""
    return (_minutes(field.after) - _minutes(field.before)) * days * 10 // 60


def _minutes(windows: Json) -> int:
    """How many there are of a day, or of a whole schedule; none in what is no time of day, as a panel may hold."""
    if isinstance(windows, list):
        return _of_day(tuple(tuple(map(str, window)) if isinstance(window, list) else () for window in windows))
    try:
        return len(minutes(windows))
    except (ValueError, IndexError):
        return 0


@lru_cache(maxsize=4096)
def _of_day(windows: tuple[tuple[str, ...], ...]) -> int:
    try:
        return len(minutes([list(window) for window in windows]))
    except (ValueError, IndexError):
        return 0


def _hours_told(tenths: int) -> str:
    return f"{abs(tenths) // 10}" + (f".{abs(tenths) % 10}" if tenths % 10 else "") + " h a week"


def hours(schedule: Json) -> str:
    """A whole schedule: `mon-fri 09:00-17:00, sat 10:00-14:00 Europe/Warsaw`."""
    if not isinstance(schedule, dict):
        return ""
    windows = schedule.get("windows")
    groups: dict[str, list[str]] = {}
    for day, of_day in windows.items() if isinstance(windows, dict) else ():
        groups.setdefault(spans(of_day), []).append(day)
    told_days = [f"{day_range(days)} {text}" for text, days in groups.items() if text != "closed"]
    extra = [f"{word} {schedule[name]}" for name, word in (("starts", "from"), ("ends", "until")) if schedule.get(name)]
    return inert(" ".join([", ".join(told_days), str(schedule.get("timezone", "")), *extra]))


def spans(windows: Json) -> str:
    if not isinstance(windows, list) or not windows:
        return "closed"
    return " and ".join(inert("-".join(map(str, window))) for window in windows if isinstance(window, list))


def day_range(days: Sequence[str]) -> str:
    """`every day`, `mon-fri`, `mon, wed`."""
    if set(days) == set(WEEKDAYS):
        return "every day"
    if len(days) > 2 and "".join(days) in "".join(WEEKDAYS):
        return f"{days[0]}-{days[-1]}"
    return inert(", ".join(days))


# ---- people --------------------------------------------------------------------------------------------------------


def people_line(verb: str, count: int, delta: ContactDelta | None) -> str:
    """`12,431 added  ·  118 suppressed (internal-refusals)  ·  3 rejected (too short)  ·  40 duplicates  ·  88,204 unchanged`."""
    parts = [f"{count:,} {verb}"]
    if delta is not None and verb == "added":
        parts += [left_out(delta)] if left_out(delta) else []
        parts += [still(delta.unchanged, delta.held)] if delta.unchanged else []
    return "  ·  ".join(parts)


def left_out(delta: ContactDelta) -> str:
    """Rows of a source that come to nothing, with the reasons; empty where there are none."""
    parts = [*_left_out("suppressed", delta.suppressed), *_left_out("rejected", delta.rejected)]
    parts += [counted(delta.duplicates, "duplicate")] if delta.duplicates else []
    parts += [f"{delta.waiting:,} waiting for the canary"] if delta.waiting else []
    return "  ·  ".join(parts)


def ledger_told(lineage: str, serial: int) -> str:
    """Which ledger it was, and how far: where an older or an empty one was put in its place, here it can be seen."""
    return f"ledger {lineage}, serial {serial}" if lineage else "ledger empty: nothing was ever applied with it"


def still(unchanged: int, held: int) -> str:
    """Who stays as they are; `held` of them because they are in doubt, or because the vendor refused them before."""
    return f"{unchanged:,} unchanged" + (f" ({held:,} of them in doubt or refused before)" if held else "")


def _left_out(word: str, counts: Mapping[str, int]) -> list[str]:
    total = sum(counts.values())
    if not total:
        return []
    reasons = ", ".join(
        inert(reason).replace("_", " ") + (f" {count:,}" if len(counts) > 1 else "") for reason, count in counts.items()
    )
    return [f"{total:,} {word} ({reasons})"]


# ---- sentences -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Edit:
    """One thing that changes, in the parts of a sentence. `before` is empty where `after` tells it all."""

    label: str
    before: str
    after: str
    effect: str = ""

    def __str__(self) -> str:
        """`calling hours: Mon-Fri 09:00-20:00 becomes 10:00-19:00 Europe/Warsaw, 10 h a week less`."""
        told = f"{self.before} becomes {self.after}" if self.before else self.after
        return f"{self.label}: {told}" + (f", {self.effect}" if self.effect else "")


def edits(change: Change) -> list[Edit]:
    """What `field_lines` tells, to be laid out as sentences."""
    windows = [field for field in change.fields if _is_day(field)]
    others = [field for field in change.fields if not _is_day(field) and not _has_name(field, change.fields)]
    zone = zone_of(change.schedule)
    found = [_window_edit(days, fields[0], zone) for days, fields in _by_edit(windows)]
    return found + [edit for field in others for edit in _edits(field, change.action is Action.CREATE)]


def _is_day(field: FieldChange) -> bool:
    return len(field.path) == 3 and field.path[:2] == ("schedule", "windows")


def zone_of(schedule: Json) -> str:
    """Its time zone, or nothing."""
    return inert(str(schedule.get("timezone") or "")) if isinstance(schedule, dict) else ""


def _window_edit(days: list[str], field: FieldChange, zone: str) -> Edit:
    told_days = day_range(days)
    told_days = told_days.capitalize() if told_days == "every day" else told_days.title()
    before = f"{told_days} {spans(field.before)}"
    after = f"{spans(field.after)} {zone}".strip() if field.after else spans(field.after)
    return Edit("calling hours", before, after, _weekly(field, len(days)))


def _edits(field: FieldChange, new: bool) -> Iterable[Edit]:
    before, after = field.before, field.after
    if field.path == ("schedule",):
        yield Edit("calling hours", "" if new else hours(before) or "nothing", hours(after) or "unset", _weekly(field))
    elif field.path == ("schedule", "windows"):
        yield from _edits(FieldChange(("schedule",), {"windows": before}, {"windows": after}), new)
    elif field.path == ("recall",) and isinstance(after, dict):
        there = before if isinstance(before, dict) else {}
        for name, value in after.items():
            yield from _edits(FieldChange(("recall", name), there.get(name), value), new)
    elif new or (isinstance(before, list) and isinstance(after, list)):
        yield Edit(label(field.path), "", _value_change(field, new))
    else:
        yield Edit(label(field.path), _say(field.path, before) or "nothing", _say(field.path, after) or "unset")


def _weekly(field: FieldChange, days: int = 1) -> str:
    """`10 h a week less`; of a schedule that is new `56 h a week`."""
    tenths = _tenths(field, days)
    if not tenths:
        return ""
    return _hours_told(tenths) + ("" if field.before is None else " more" if tenths > 0 else " less")
