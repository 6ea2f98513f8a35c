"""One live value written where it is declared: in the campaign, or in the schedule or recall policy that it names. Judges nothing.

What others name too is changed only where all of them are the same at the vendor; else a copy is made for those who differ.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from reconciler.config.editing import CannotEdit, Sheet
from reconciler.config.hours import rewrite
from reconciler.config.sheets import Sheets, Spot
from reconciler.drift import Bound, Seen
from reconciler.model import FieldChange, Json, Key, Path, Repository, Resource
from reconciler.risk import rule_for

KINDS = {"schedule": "Schedule", "recall": "RecallPolicy"}  # field of a campaign -> the kind that it names
_LONGEST = 63  # characters of a name
_OUTSIDE = frozenset({"displayName", "activation"})  # of a campaign, beside the vendor's block
_HALVES = frozenset({"uuid", "name"})  # of a reference

Written = Mapping[Key, tuple[Callable[[Path], Spot], str]]
"""Of each campaign: where a field of it was written, and what else was done for that, in words or empty."""


@dataclass(frozen=True, slots=True)
class Wish:
    """One campaign that is to be declared as it is. `declared`: as its vendor echoes it."""

    bound: Bound
    declared: Resource
    changes: tuple[FieldChange, ...]

    @property
    def key(self) -> Key:
        return self.bound.applied.key

    @property
    def file(self) -> str:
        return self.declared.source.file

    @property
    def name(self) -> str:
        return self.declared.key.name


def by_target(changes: Sequence[FieldChange]) -> Iterator[tuple[str, tuple[FieldChange, ...]]]:
    """What is written together, by the field at the top: all of a schedule or recall policy, both halves of a reference."""
    groups: dict[Path, list[FieldChange]] = {}
    for change in changes:
        whole = change.path[0] in KINDS or _is_half(change.path)
        groups.setdefault(change.path[:1] if whole else change.path, []).append(change)
    return ((path[0], tuple(group)) for path, group in groups.items())


def _is_half(path: Path) -> bool:
    return len(path) > 1 and path[-1] in _HALVES


# ---- in the campaign itself ----------------------------------------------------------------------------------------


def write_own(sheets: Sheets, seen: Seen, wish: Wish, top: str) -> Written:
    """Raises CannotEdit."""
    change, vendor = wish.changes[0], wish.declared.vendor
    place: Path = ("spec", top) if top in _OUTSIDE else ("spec", vendor, *change.path)
    rule = rule_for(wish.bound.rules.fields, change.path)
    value = None if rule and change.after == rule.unset else change.after  # what is set where nothing is declared
    references = seen.observed[wish.key.connection].references
    if top in references or _is_half(change.path):
        place, value = ("spec", vendor, top), _reference(wish, top, references.get(top, {}))

    def edit(sheet: Sheet) -> None:
        document = sheet.find("Campaign", wish.name)
        if value is None:
            sheet.drop(document, place)
        elif isinstance(value, dict) and sheet.at(document, (*place, "uuid")):
            sheet.put(document, (*place, "uuid"), value["uuid"])
        else:
            sheet.put(document, place, value, "connection")

    sheets.edit(wish.file, edit)
    return {wish.key: (lambda path: Spot(wish.file, "Campaign", wish.name, place), "")}


def _reference(wish: Wish, top: str, known: Mapping[str, str]) -> Json:
    """By name where that is written and means one thing only, else by its id."""
    live = wish.bound.live.spec.get(top) if wish.bound.live else None
    if not isinstance(live, dict):
        return live
    written = wish.bound.declared.spec.get(top) if wish.bound.declared else None
    return reference(live, known, isinstance(written, str))


def reference(held: Mapping[str, Json], known: Mapping[str, str], by_name: bool) -> Json:
    """What a campaign names (`held`: uuid and name), as it is written. `known`: everything of its kind, id -> name."""
    alone = list(known.values()).count(str(held["name"])) == 1
    return held["name"] if by_name and alone else {"uuid": held["uuid"]}


# ---- in what it names ----------------------------------------------------------------------------------------------


def named(sheets: Sheets, wish: Wish, top: str) -> str:
    """The schedule or recall policy that a campaign names. Raises CannotEdit where that is not written out."""
    sheet = sheets.sheet(wish.file)
    node = sheet.at(sheet.find("Campaign", wish.name), ("spec", top))
    if node is None or not node.text or node.alias:
        raise CannotEdit(f"which {top} it has is not written out: do that first")
    return node.text


def write_shared(sheets: Sheets, repository: Repository, top: str, name: str, wishes: Sequence[Wish]) -> Written:
    """In place where everybody who names it is the same at the vendor; else a copy for those who differ. Raises CannotEdit."""
    kind = KINDS[top]
    part = next(one for one in repository.shared if (one.kind, one.name) == (kind, name))
    file = part.source.rpartition(":")[0]
    alike: dict[str, list[Wish]] = {}
    for wish in wishes:
        alike.setdefault(json.dumps([[*change.path, change.after] for change in wish.changes]), []).append(wish)
    if len(alike) == 1 and {wish.declared.key for wish in wishes} >= set(part.campaigns):
        sheets.edit(file, lambda sheet: _fill(sheet, sheet.find(kind, name), wishes[0]))
        return {wish.key: (partial(_spot, file, kind, name), "") for wish in wishes}
    places: dict[Key, tuple[Callable[[Path], Spot], str]] = {}
    for group in alike.values():
        ours = {wish.name for wish in group}
        others = ", ".join(key.name for key in part.campaigns if key.name not in ours)
        made = _free_name(repository, kind, f"{name}-{group[0].name}")
        note = f"{kind} {made} was made for it, since {name} is named by {others} too, which are not so at the vendor"
        sheets.edit(file, partial(_copy, kind=kind, name=name, made=made, wish=group[0]))
        for wish in group:
            sheets.edit(wish.file, partial(_point, campaign=wish.name, top=top, made=made))
            places[wish.key] = (partial(_spot, file, kind, made), note)
    return places


def _free_name(repository: Repository, kind: str, wanted: str) -> str:
    taken = {one.name for one in repository.shared if one.kind == kind}
    made = wanted[: _LONGEST - 3].rstrip("-")
    return next(one for one in (made, *(f"{made}-{number}" for number in range(2, 99))) if one not in taken)


def _copy(sheet: Sheet, kind: str, name: str, made: str, wish: Wish) -> None:
    _fill(sheet, sheet.copy(sheet.find(kind, name), made), wish)


def _point(sheet: Sheet, campaign: str, top: str, made: str) -> None:
    sheet.put(sheet.find("Campaign", campaign), ("spec", top), made)


def _fill(sheet: Sheet, document: int, wish: Wish) -> None:
    """Bring a Schedule or a RecallPolicy to what is live."""
    if any(change.after is None for change in wish.changes):
        raise CannotEdit("the vendor shows none, and what that means cannot be declared")
    if wish.changes[0].path[0] == "recall":
        for change in wish.changes:
            sheet.put(document, ("spec", *change.path[1:]), change.after)
        return
    schedule = wish.bound.live.spec.get("schedule") if wish.bound.live else None
    windows = schedule.get("windows") if isinstance(schedule, dict) else None
    if not isinstance(windows, dict) or any(change.path[1:2] != ("windows",) for change in wish.changes):
        raise CannotEdit("only hours can be taken over: write the rest by hand")
    rewrite(sheet, document, windows)


def _spot(file: str, kind: str, name: str, path: Path) -> Spot:
    return Spot(file, kind, name, ("spec", *path[1:2]))
