"""Suppression lists: read whole or not at all, compared with their age and with what the last apply knew. Nobody is withdrawn here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import numpy as np

from reconciler.contacts.arrow import Texts
from reconciler.contacts.files import Asked
from reconciler.contacts.lookup import NOBODY, grouped
from reconciler.contacts.numbers import REASONS, unknown
from reconciler.contacts.rows import Layout, Reading, written
from reconciler.contacts.source import Part, check_all_there, parts_of
from reconciler.contacts.words import Words, words_of
from reconciler.errors import Blocked, ConfigInvalid, Problem
from reconciler.model import Finding, Severity, SuppressionList
from reconciler.units import counted, duration_text


@dataclass(frozen=True, slots=True)
class Suppressed:
    """Who is on one list today, ascending. `exported`: when the list was made, None for one given inline."""

    declared: SuppressionList
    people: Words = field(repr=False)
    lapsed: int
    exported: datetime | None

    def with_released(self, remembered: bytes) -> Words:
        """Those on the list, and those who were on it at the last apply: a release takes effect with the apply after this one."""
        return grouped(np.concatenate([self.people, words_of(remembered, 2)]))[0] if remembered else self.people


def read_list(declared: SuppressionList, region: str, reading: Reading) -> Suppressed:
    """Everybody on a list. `region`: of the set that it protects. Raises Blocked where any of it cannot be read.

    Raises ConfigInvalid where it is named by an environment variable that is not set.
    """
    try:
        return _read(declared, declared.region or region, reading)
    except ConfigInvalid as error:
        problems = error.problems
    if any(problem.rule == "secret" for problem in problems):
        raise ConfigInvalid(list(problems))
    said = "\n".join(map(str, problems))
    raise Blocked(f"{said}\nA list that cannot be read whole protects nobody, so nothing is sent.")


def findings_of(suppressed: Suppressed, key: str, now: datetime) -> Iterator[Finding]:
    """What is to be said about a list that could be read."""
    declared = suppressed.declared
    name, place = declared.name, str(declared.source)
    age = now - suppressed.exported if suppressed.exported else timedelta()
    if declared.max_age is not None and age.total_seconds() > declared.max_age:
        measured, limit = f"{age.days}d", duration_text(declared.max_age)
        message = f"Suppression list {name} is {measured} old; maxAge is {limit}."
        remedy = "Export it again. Who has refused since then is not on it."
        yield Finding("suppression-stale", Severity.ERROR, message, key, measured, limit, remedy, place)
    if not len(suppressed.people):
        message = f"Suppression list {name} has no rows: it suppresses nobody."
        remedy = "Check that the export is complete."
        yield Finding("suppression-empty", Severity.WARNING, message, key, "0", "", remedy, place)
    if suppressed.lapsed:
        message = f"{counted(suppressed.lapsed, 'entry', 'entries')} of suppression list {name} past `until`: suppressed all the same."
        remedy = "Take a row out of the list to release somebody."
        yield Finding("suppression-until", Severity.INFO, message, key, str(suppressed.lapsed), "", remedy, place)


def _read(declared: SuppressionList, region: str, reading: Reading) -> Suppressed:
    columns = {"phone": declared.columns.phone}
    columns |= {"until": declared.columns.until} if declared.columns.until else {}
    columns |= {"as_of": declared.columns.as_of} if declared.columns.as_of else {}
    owner = f"Suppression list {declared.name}"
    asked = Asked(owner, declared.origin, columns, declared.source, reading.root, reading.environ)
    if wrong := unknown(region):
        raise asked.refused(wrong, "region")
    layout = Layout(region, others=tuple(columns)[1:])
    parts = parts_of(asked)
    sections = [_section(part, layout, reading) for part in parts]
    check_all_there(parts)
    people = grouped(np.concatenate([NOBODY, *(section.people for section in sections)]))[0]
    exports = [section.exported for section in sections if section.exported]
    lapsed = sum(section.lapsed for section in sections)
    return Suppressed(declared, people, lapsed, min(exports, default=None))


@dataclass(slots=True)
class _Section:
    """One file of a list."""

    people: Words
    lapsed: int
    exported: datetime | None


def _section(part: Part, layout: Layout, reading: Reading) -> _Section:
    """Raises ConfigInvalid at the first row that cannot be read."""
    people, lapsed, row = [NOBODY], 0, 0
    newest = None
    for numbers, reasons, texts in written(part, layout):
        moments = {name: _moments(part, row, name, column) for name, column in zip(layout.others, texts, strict=True)}
        if reasons.any():
            first = int(np.flatnonzero(reasons)[0])
            raise _unreadable(part, row + first, f"its number cannot be read ({REASONS[reasons[first] - 1]})")
        people.append(reading.fingerprints.people(numbers))
        lapsed += sum(until is not None and until < reading.now for until in moments.get("until", ()))
        newest = max([moment for moment in (newest, *moments.get("as_of", ())) if moment], default=None)
        row += len(numbers)
    written_at = datetime.fromtimestamp(part.file.stamp[1] / 1e9, UTC) if part.file else None
    return _Section(np.concatenate(people), lapsed, newest or written_at)


def _moments(part: Part, start: int, name: str, column: Texts) -> list[datetime | None]:
    moments = []
    for row in range(len(column.ends) - 1):
        moment = _moment(column.text(row))
        if moment is _UNREADABLE:
            raise _unreadable(part, start + row, f"its {name} is no date. Write it like 2026-06-01")
        moments.append(moment)
    return moments


_UNREADABLE = datetime.min


@lru_cache(maxsize=4096)
def _moment(text: str) -> datetime | None:
    """A date or a time, UTC where it names no zone; nothing for nothing."""
    if not text.strip():
        return None
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return _UNREADABLE
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _unreadable(part: Part, row: int, message: str) -> ConfigInvalid:
    line = part.lines([row])[0]
    advice = "Correct the row or take it out"
    return ConfigInvalid([Problem(part.label, line, 0, f"{part.asked.owner}: {message}. {advice}.", "suppression")])
