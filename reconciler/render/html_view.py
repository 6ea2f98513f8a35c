"""A plan arranged for the HTML report: connections, their campaigns, each with its steps, people and figures. No markup."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from reconciler.model import Action, Change, ContactDelta, FieldChange, Key, Plan, Risk
from reconciler.redact import visible
from reconciler.render import overview, phrases
from reconciler.render.html_figures import Fall, Panel, panels, waterfall
from reconciler.risk import ORDER, highest
from reconciler.units import people

DETAILED = 500  # campaigns with figures and raw fields; the others, the least dangerous, have their sentences
COLUMNS = (*overview.VERBS, "people added", "updated", "withdrawn", "held back")
_PEOPLE = {Action.ADD_CONTACTS: "added", Action.UPDATE_CONTACTS: "updated", Action.WITHDRAW_CONTACTS: "withdrawn"}
_SIGNS = {
    Action.CREATE: "+",
    Action.ADD_CONTACTS: "+",
    Action.DELETE: "−",
    Action.WITHDRAW_CONTACTS: "−",
    Action.START: "▶",
    Action.STOP: "■",
}
_DIALS = {
    Action.START: "calling begins",
    Action.STOP: "calling ends",
    Action.DELETE: "the campaign is gone from the vendor",
}
T = TypeVar("T")
K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Step:
    """One change. `told`: what happens to people or to the run, or nothing; `raw`: (sign, line) per side of a field."""

    change: Change
    sign: str
    verb: str
    told: str
    why: tuple[str, ...]
    edits: tuple[phrases.Edit, ...] = ()
    panels: tuple[Panel, ...] = ()
    raw: tuple[tuple[str, str], ...] = ()

    @property
    def brief(self) -> str:
        """All of it but the figures and the raw fields, in one line."""
        head = " ".join(filter(None, (self.sign, self.verb, self.told)))
        return ". ".join([head, *map(str, self.edits), *(f"why: {one}" for one in self.why), self.change.source])


@dataclass(frozen=True, slots=True)
class Set:
    """What becomes of the rows of one contact set. `left_out`: the reasons, or nothing."""

    name: str
    falls: tuple[Fall, ...]
    left_out: str


@dataclass(frozen=True, slots=True)
class Card:
    """One campaign. `risks` and `verbs` are what the filters look for."""

    number: int
    name: str
    connection: str
    risks: tuple[Risk, ...]
    verbs: tuple[str, ...]
    steps: tuple[Step, ...]
    sets: tuple[Set, ...]
    detailed: bool


@dataclass(frozen=True, slots=True)
class Group:
    """One connection with its campaigns."""

    number: int
    name: str
    cards: tuple[Card, ...]
    risk: Risk
    row: overview.Row

    @property
    def counts(self) -> tuple[int, ...]:
        """As in COLUMNS."""
        row = self.row
        return (*row.verbs.values(), row.added, row.updated, row.withdrawn, row.held)


def groups(plan: Plan, most: int = DETAILED) -> tuple[Group, ...]:
    """Every connection that something changes at, by name; `most` of all campaigns are told in full."""
    campaigns = by(plan.changes, lambda change: change.key.campaign)
    deltas = by(plan.deltas, lambda delta: delta.key.campaign)
    detailed = _most_dangerous(campaigns, most)
    cards = [
        _card(number, key, changes, deltas.get(key, ()) if key in detailed else None)
        for number, (key, changes) in enumerate(campaigns.items(), start=1)
    ]
    there = by(cards, lambda card: card.connection)
    return tuple(
        Group(number, row.connection, tuple(there[row.connection]), _worst(there[row.connection]), row)
        for number, row in enumerate(overview.rows(plan), start=1)
    )


def by(items: Iterable[T], name: Callable[[T], K]) -> dict[K, list[T]]:
    """The items of each name, names in the order in which they come first."""
    found: dict[K, list[T]] = {}
    for item in items:
        found.setdefault(name(item), []).append(item)
    return found


def _most_dangerous(campaigns: Mapping[Key, Sequence[Change]], most: int) -> set[Key]:
    """Those of the highest risk, among them those with most people."""
    if len(campaigns) <= most:
        return set(campaigns)
    return set(sorted(campaigns, key=lambda key: _danger(campaigns[key]), reverse=True)[:most])


def _danger(changes: Sequence[Change]) -> tuple[int, int]:
    risk = highest(change.risk for change in changes)
    return ORDER.index(risk), sum(change.contacts.count for change in changes if change.contacts)


def _worst(cards: Sequence[Card]) -> Risk:
    return highest(risk for card in cards for risk in card.risks)


# ---- one campaign --------------------------------------------------------------------------------------------------


def _card(number: int, key: Key, changes: Sequence[Change], deltas: Sequence[ContactDelta] | None) -> Card:
    """`deltas` is None where it is told in brief."""
    return Card(
        number,
        key.name,
        key.connection,
        tuple(dict.fromkeys(change.risk for change in changes)),
        tuple(dict.fromkeys(change.action.value for change in changes)),
        tuple(_step(change, deltas is not None) for change in changes),
        tuple(Set(delta.key.contacts, waterfall(delta), _left_out(delta)) for delta in deltas or ()),
        deltas is not None,
    )


def _step(change: Change, detailed: bool) -> Step:
    return Step(
        change,
        _SIGNS.get(change.action, "~"),
        change.action.value.replace("_", " "),
        _happens(change),
        tuple(overview.why(change)),
        () if change.action in _DIALS else tuple(phrases.edits(change)),
        panels(change) if detailed else (),
        tuple(line for field in change.fields for line in _raw(field)) if detailed else (),
    )


def _happens(change: Change) -> str:
    """To people or to the run; what happens to fields is told by `edits`."""
    if change.contacts is None:
        return _DIALS.get(change.action, "")
    who = people(change.contacts.count)
    return (
        f"{who} of {change.key.contacts} {_PEOPLE[change.action]}"
        if change.action in _PEOPLE
        else f"{who} sent with it"
    )


def _raw(field: FieldChange) -> Iterable[tuple[str, str]]:
    """As in a diff; a side where nothing is has no line."""
    path = ".".join(field.path)
    for sign, value in (("-", field.before), ("+", field.after)):
        if value is not None:
            yield sign, f"{path}: {visible(json.dumps(value, ensure_ascii=False))}"


def _left_out(delta: ContactDelta) -> str:
    held = f"{delta.held:,} of those unchanged are in doubt or were refused before" if delta.held else ""
    return "  ·  ".join(filter(None, [phrases.left_out(delta), held]))


def told(delta: ContactDelta) -> str:
    """What becomes of the rows of a set, in one line."""
    parts = [f"{delta.rows:,} in the source", f"{delta.added:,} added"]
    parts += [f"{delta.updated:,} updated"] if delta.updated else []
    parts += [f"{delta.withdrawn:,} withdrawn"] if delta.withdrawn else []
    parts += [phrases.still(delta.unchanged, delta.held)]
    return "  ·  ".join([*parts, *filter(None, [phrases.left_out(delta)])])
