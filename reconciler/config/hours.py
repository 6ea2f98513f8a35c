"""The windows of a Schedule brought to other hours, in as few edits as that takes. Where the hours come from is decided elsewhere."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from reconciler.config.editing import CannotEdit, Sheet, flow
from reconciler.model import WEEKDAYS, Json

_WINDOWS: Final = ("spec", "windows")
_TIME = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00", re.ASCII)

Span = tuple[str, str]
Week = dict[str, set[Span]]


def windows(wanted: Mapping[str, Json]) -> list[dict[str, Json]]:
    """The windows that say the hours of `wanted`, for a Schedule that is made anew. Raises CannotEdit where nothing can say them."""
    return _spelled(_some(wanted))


def rewrite(sheet: Sheet, document: int, wanted: Mapping[str, Json]) -> None:
    """Let the Schedule in `document` say the hours of `wanted` (`Resource.spec`, windows). Raises CannotEdit where it cannot."""
    missing = _some(wanted)
    entries = _entries(sheet, document)
    leaving = [[day for day in days if span not in missing[day]] for days, span in entries]
    for (days, span), left in zip(entries, leaving, strict=True):
        _said(missing, [day for day in days if day not in left], span)
    idle = [number for number, left in enumerate(leaving) if not _kept(sheet, document, number, entries, left, missing)]
    for window in _spelled(missing):
        sheet.add_item(document, _WINDOWS, flow(window))
    for number in reversed(idle):
        sheet.cut_item(document, _WINDOWS, number)


def _kept(
    sheet: Sheet, document: int, number: int, entries: list[tuple[list[str], Span]], left: list[str], missing: Week
) -> bool:
    """Edit one window; False where nothing of it is left. It moves where all of its days move to the same hours."""
    days = entries[number][0]
    if left != days:
        if left:
            sheet.put(document, (*_WINDOWS, number, "days"), [day for day in days if day not in left])
        return True
    spans = set.intersection(*(missing[day] for day in days))
    if spans:
        _move(sheet, document, number, min(spans))
        _said(missing, days, min(spans))
    return bool(spans)


def _said(missing: Week, days: list[str], span: Span) -> None:
    for day in days:
        missing[day].discard(span)


def _move(sheet: Sheet, document: int, number: int, span: Span) -> None:
    for name, time in zip(("from", "to"), span, strict=True):
        node = sheet.at(document, (*_WINDOWS, number, name))
        if node is None or node.text != time:
            sheet.put(document, (*_WINDOWS, number, name), time)


def _some(wanted: Mapping[str, Json]) -> Week:
    week = _week(wanted)
    if not any(week.values()):
        raise CannotEdit("no day has hours any more, and a schedule has some: stop the campaign instead")
    return week


def _spelled(week: Week) -> list[dict[str, Json]]:
    """One window for all days with the same hours."""
    return [
        {"days": [day for day in WEEKDAYS if span in week[day]], "from": span[0], "to": span[1]}
        for span in sorted(set().union(*week.values()))
    ]


def _week(wanted: Mapping[str, Json]) -> Week:
    week: Week = {}
    for day in WEEKDAYS:
        spans = wanted.get(day)
        week[day] = (
            {(str(span[0]), str(span[1])) for span in spans if isinstance(span, list)}
            if isinstance(spans, list)
            else set()
        )
        for start, end in week[day]:
            if not (_TIME.fullmatch(start) and _TIME.fullmatch(end) and start < end):
                raise CannotEdit(
                    f"{start}-{end} on {day} cannot be declared: a window is of whole minutes and within one day"
                )
    return week


def _entries(sheet: Sheet, document: int) -> list[tuple[list[str], Span]]:
    """As they are written, in order."""
    node = sheet.at(document, _WINDOWS)
    found = []
    for number in range(len(node.items or ()) if node else 0):
        days = sheet.texts(document, (*_WINDOWS, number, "days"))
        edges = [sheet.at(document, (*_WINDOWS, number, name)) for name in ("from", "to")]
        if days is None or any(edge is None or edge.alias or edge.text is None for edge in edges):
            raise CannotEdit("its windows are written by way of aliases: write them out first")
        found.append((days, (str(edges[0] and edges[0].text), str(edges[1] and edges[1].text))))
    if not found:
        raise CannotEdit("its windows are not written out: do it by hand")
    return found
