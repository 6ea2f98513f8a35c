"""Schedules and recall policies in the canonical form of `Resource`. They belong to no vendor here."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Final

from reconciler import units
from reconciler.config.document import Document, Path
from reconciler.config.findings import finding
from reconciler.config.typed import form
from reconciler.config.words import Complaints, quoted, suggestion
from reconciler.model import WEEKDAYS, Finding, Json, Source


@dataclass(frozen=True, slots=True)
class Shared:
    """A schedule or a recall policy as every campaign that names it holds it, and where its fields are written."""

    spec: dict[str, Json] = field(default_factory=dict)
    places: dict[str, Source] = field(default_factory=dict)


def schedule(document: Document, complaints: Complaints) -> Shared:
    spec = document.tree["spec"]
    zone(document, ("spec", "timezone"), spec["timezone"], complaints)
    windows = _Windows(document, complaints)
    out: dict[str, Json] = {"timezone": spec["timezone"], "windows": windows.by_day()}
    days = {name: day(document, ("spec", name), spec[name], complaints) for name in ("starts", "ends") if name in spec}
    _in_order(document, ("spec", "ends"), days.get("starts"), days.get("ends"), complaints)
    out |= {name: spec[name] for name in days}
    if "exclude" in spec:
        out["exclude"] = list(_excluded(document, spec["exclude"], complaints))
    places = {path: document.place_of(("spec", path)) for path in out}
    return Shared(out, places | windows.places)


def recall(document: Document, warnings: list[Finding]) -> Shared:
    declared = document.tree["spec"]
    for number, outcome in enumerate(declared.get("outcomes", ())):
        if outcome in _DOUBTFUL:
            code, why = _DOUBTFUL[outcome]
            warnings.append(
                finding(code, f"{outcome} is retried: {why}", document.place_of(("spec", "outcomes", number)))
            )
    spec = form("RecallPolicy").mapping(declared)
    return Shared(spec, {path: document.place_of(("spec", path)) for path in spec})


_DOUBTFUL: Final = {
    "invalid_number": ("W12", "every attempt costs and none succeeds."),
    "blocked": ("W13", "the number is blocked, and another attempt may be unlawful."),
    "answered": ("W14", "who has answered is called again."),
}


def zone(document: Document, path: Path, name: str, complaints: Complaints) -> None:
    if not _is_zone(name):
        hint = suggestion(name, zoneinfo.available_timezones()) or " Write an IANA name, like Europe/Warsaw."
        complaints.at(document, path, "timezone", f"there is no time zone {quoted(name)}.{hint}")


@cache
def _is_zone(name: str) -> bool:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def day(document: Document, path: Path, text: str, complaints: Complaints) -> date | None:
    """The day that `text` names; a complaint and None where the calendar has none."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        complaints.at(document, path, "date", f"the calendar has no day {text}.")
        return None


def _in_order(document: Document, path: Path, first: date | None, last: date | None, complaints: Complaints) -> None:
    if first and last and last < first:
        complaints.at(document, path, "date", f"the last day, {last}, is before the first, {first}.")


def _excluded(document: Document, entries: list[str | dict[str, str]], complaints: Complaints) -> Iterator[Json]:
    """Sorted ranges, both ends inclusive."""
    ranges = []
    for number, entry in enumerate(entries):
        path: Path = ("spec", "exclude", number)
        first, last = (entry, entry) if isinstance(entry, str) else (entry["from"], entry["to"])
        ranges.append((first, last))
        days = [day(document, path, text, complaints) for text in dict.fromkeys((first, last))]
        _in_order(document, path, days[0], days[-1], complaints)
    for first, last in sorted(ranges):
        yield {"from": first, "to": last}


class _Windows:
    """The windows of one schedule, checked against one another."""

    def __init__(self, document: Document, complaints: Complaints) -> None:
        self.document, self.complaints = document, complaints
        self.places: dict[str, Source] = {}
        self._told: set[tuple[int, int]] = set()

    def by_day(self) -> dict[str, Json]:
        """All seven weekdays, each with its windows in order."""
        days: dict[str, list[tuple[str, str, int]]] = {name: [] for name in WEEKDAYS}
        for number, window in enumerate(self.document.tree["spec"]["windows"]):
            start, end = window["from"], window["to"]
            if units.minutes(end) <= units.minutes(start):
                text = f"ends at {end}, not after it starts at {start}: a window does not cross midnight, write two."
                self._complain(number, text)
                continue
            for name in window["days"]:
                days[name].append((start, end, number))
                self.places.setdefault(f"windows.{name}", self._place(number))
        for name, windows in days.items():
            windows.sort()
            self._compare(name, windows)
        return {name: [[start, end] for start, end, _ in windows] for name, windows in days.items()}

    def _compare(self, name: str, windows: list[tuple[str, str, int]]) -> None:
        start, end, one = windows[0] if windows else ("", "", 0)
        for other_start, other_end, other in windows[1:]:
            if other_start <= end and (one, other) not in self._told:
                self._told.add((one, other))
                how = "overlaps" if other_start < end else "touches"
                first = f"the one in line {self._place(one).line} ({start} to {end})"
                text = f"({other_start} to {other_end}) {how} {first} on {name}: write one window from {start} to "
                self._complain(other, text + f"{max(end, other_end)}.")
            if other_end > end:
                start, end, one = other_start, other_end, other

    def _complain(self, number: int, sentence: str) -> None:
        text = f"windows[{number}] {sentence}"
        self.complaints.at(self.document, ("spec", "windows", number), "window", text)

    def _place(self, number: int) -> Source:
        return self.document.place_of(("spec", "windows", number))
