"""The people of one planned campaign, handed out: in batches for sending, as fingerprints for withdrawing, as rejected rows.

Numbers and fields are read again from the source when they are asked for; only fingerprints are kept. Who is who, planning.py decided.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reconciler.contacts.arrow import Texts
from reconciler.contacts.delta import Rows
from reconciler.contacts.fingerprint import WIDTH, Fingerprints
from reconciler.contacts.lookup import Index
from reconciler.contacts.numbers import REASONS
from reconciler.contacts.rows import Layout, Numbers, Reasons, written
from reconciler.contacts.sent import SentTable
from reconciler.contacts.source import Part
from reconciler.contacts.words import Words, bytes_of
from reconciler.model import (
    Action,
    Contact,
    ContactDelta,
    ContactSet,
    Finding,
    Key,
    Person,
    Phone,
    Sent,
    SuppressionList,
)


@dataclass(frozen=True, slots=True)
class PeopleRequest:
    """One campaign's people, to be planned together.

    `sets` in declared order. `sent`: what the ledger remembers of the campaign. `region`: the connection's, for sets that name none.
    `accepts`: whether the vendor's form can hold a number, None: any. `withdraws`: whether the vendor can withdraw anybody.
    `key_required`: whether it knows people by `columns.key`. `remembered`: `People.suppressed` as of the last apply.
    `refused`: people who are suppressed everywhere, whatever the lists say. `first`: how many people may have been sent before somebody
    has looked, None: everybody. `protected`: `People.protected` as of the last apply.
    """

    key: Key
    sets: Sequence[ContactSet]
    suppressions: Mapping[str, SuppressionList]
    sent: Iterable[Sent] | SentTable = field(repr=False)
    region: str
    fingerprints: Fingerprints
    root: Path
    environ: Mapping[str, str] = field(repr=False)
    now: datetime
    accepts: Callable[[Phone], bool] | None = None
    withdraws: bool = True
    key_required: bool = False
    remembered: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    refused: Iterable[Person] = field(default=(), repr=False)
    first: int | None = None
    protected: Mapping[str, Sequence[str]] = field(default_factory=dict)


class Reject(NamedTuple):
    """One row that was rejected. `row`: the line of a text file as an editor counts, else counted from 1."""

    contacts: str
    file: str
    row: int
    reason: str


@dataclass(frozen=True, slots=True)
class Chosen:
    """Rows of one set that are to be sent, ascending, with what was planned for each."""

    rows: Rows = field(repr=False)
    people: Words = field(repr=False)
    keys: Words = field(repr=False)
    fields: Words = field(repr=False)
    revisions: NDArray[np.uint32] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Roll:
    """One set as it was read: `starts[i]` is the first row of part i, counted through the set; `rejected` rows and why."""

    declared: ContactSet
    parts: Sequence[Part] = field(repr=False)
    layout: Layout
    starts: Sequence[int]
    size: int
    rejected: Rows = field(repr=False)
    reasons: Reasons = field(repr=False)


@dataclass(frozen=True)
class People:
    """What comes of one campaign's people.

    `deltas`: one per declared set, then one per set that is no longer declared and has people to withdraw. `suppressed`: list and region
    -> who is on it today, to be remembered after an apply and given to the next plan. `departures`: set -> reason -> people.
    `released`: list -> how many were on it at the last apply, and how many of them are not any more. `protected`: set -> the lists that it
    names, as `suppressed` does.
    """

    deltas: tuple[ContactDelta, ...]
    findings: tuple[Finding, ...]
    suppressed: Mapping[str, bytes] = field(repr=False)
    departures: Mapping[str, Mapping[str, int]]
    _fingerprints: Fingerprints = field(repr=False)
    _rolls: Mapping[str, Roll] = field(repr=False)
    _chosen: Mapping[tuple[Action, str], Chosen] = field(repr=False)
    _leaving: Mapping[str, Words] = field(repr=False)
    _rekeyed: Mapping[str, tuple[Words, Words]] = field(repr=False)
    released: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    protected: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def batches(self, action: Action, contacts: str, size: int) -> Iterator[list[Contact]]:
        """The contacts to add or to update, in the order of the source, `size` at a time; they carry no mark.

        Raises ConfigInvalid where the source is not what it was when it was planned.
        """
        chosen = self._chosen.get((action, contacts))
        batch: list[Contact] = []
        for contact in self._contacts(self._rolls[contacts], chosen) if chosen and len(chosen.rows) else ():
            batch.append(contact)
            if len(batch) == size:
                yield batch
                batch = []
        if batch:
            yield batch

    def leaving(self, contacts: str) -> list[Person]:
        """Who is to be withdrawn from a set."""
        return _people(self._leaving[contacts]) if contacts in self._leaving else []

    def rekeyed(self, contacts: str) -> list[tuple[Person, bytes]]:
        """People whose key in the source is another one than the ledger's: the vendor is not told, the ledger is to be."""
        if contacts not in self._rekeyed:
            return []
        people, keys = self._rekeyed[contacts]
        return list(zip(_people(people), _split(keys), strict=True))

    def today(self, contacts: str, wanted: Words) -> Iterator[tuple[int, bytes, Mapping[str, str]]]:
        """Which of `wanted`, ascending, are in the source of a set just now: position, fingerprint of their fields, fields. Reads it again.

        Raises ConfigInvalid where it cannot be read, or changes meanwhile.
        """
        if contacts not in self._rolls:
            return
        index, roll = Index(wanted), self._rolls[contacts]
        for part in roll.parts:
            for numbers, reasons, texts in written(part, roll.layout):
                at = index.find(self._fingerprints.people(numbers))
                for row in np.flatnonzero((at >= 0) & (reasons == 0)).tolist():
                    values = [text.text(row) for text in texts][int(roll.layout.has_key) :]
                    named = dict(zip(roll.layout.fields, values, strict=True))
                    yield int(at[row]), self._fingerprints.fields_of_person(f"+{numbers[row]}", named), named

    @cached_property
    def rejects(self) -> list[Reject]:
        """Every rejected row. Reads text files again to tell the lines."""
        return [reject for roll in self._rolls.values() for reject in _rejects(roll)]

    def _contacts(self, roll: Roll, chosen: Chosen) -> Iterator[Contact]:
        for part, start in zip(roll.parts, roll.starts, strict=True):
            row = start
            for numbers, _, texts in written(part, roll.layout):
                span = slice(*np.searchsorted(chosen.rows, [row, row + len(numbers)]))
                yield from self._chosen_of(part, roll, chosen, span, row, numbers, texts)
                row += len(numbers)

    def _chosen_of(
        self, part: Part, roll: Roll, chosen: Chosen, span: slice, start: int, numbers: Numbers, texts: Sequence[Texts]
    ) -> Iterator[Contact]:
        """The chosen rows of one batch, which begins at row `start`; each is checked against what was planned."""
        rows = chosen.rows[span] - start
        people = self._fingerprints.people(numbers[rows])
        same = np.array_equal(people, chosen.people[span])
        macs = zip(
            _people(people),
            _split(chosen.keys[span]),
            _split(chosen.fields[span]),
            chosen.revisions[span].tolist(),
            strict=True,
        )
        for row, number, (person, key_mac, fields_mac, revision) in zip(
            rows.tolist(), numbers[rows].tolist(), macs, strict=True
        ):
            values = [text.text(row) for text in texts]
            key = values.pop(0) if roll.layout.has_key else ""
            named = dict(zip(roll.layout.fields, values, strict=True))
            if not same or (named and self._fingerprints.fields_of_person(f"+{number}", named) != fields_mac):
                raise part.asked.refused(f"{part.label} is not what was planned. Plan again.", "changed")
            phone, name = Phone(f"+{number}"), roll.declared.name
            yield Contact(person, phone, named, _or_none(fields_mac), _or_none(key_mac), revision, name, key=key)


def _rejects(roll: Roll) -> Iterator[Reject]:
    ends = [*roll.starts[1:], None]
    for part, start, end in zip(roll.parts, roll.starts, ends, strict=True):
        span = slice(*np.searchsorted(roll.rejected, [start, np.iinfo(np.intp).max if end is None else end]))
        rows = (roll.rejected[span] - start).tolist()
        for line, reason in zip(part.lines(rows), roll.reasons[span].tolist(), strict=True):
            yield Reject(roll.declared.name, part.label, line, str(REASONS[reason - 1]))


def _people(words: Words) -> list[Person]:
    return [Person(print_) for print_ in _split(words)]


def _split(words: Words) -> list[bytes]:
    joined = bytes_of(words)
    return [joined[at : at + WIDTH] for at in range(0, len(joined), WIDTH)]


def _or_none(mac: bytes) -> bytes:
    """The ledger writes nothing where there is nothing, not sixteen zeros."""
    return mac if any(mac) else b""
