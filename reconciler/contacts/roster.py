"""Who stands in the sources of one campaign today and through which set, by fingerprint. Judges nobody, knows no ledger."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from reconciler.contacts.census import take
from reconciler.contacts.delta import Rows, kept_rows
from reconciler.contacts.fingerprint import WIDTH
from reconciler.contacts.people import PeopleRequest
from reconciler.contacts.words import Words, bytes_of
from reconciler.model import Person


class Entry(NamedTuple):
    """The row of a source that counts for one person. Empty prints: the set has no such column, or nothing stands in it."""

    contacts: str
    key_mac: bytes
    fields_mac: bytes


def roster(request: PeopleRequest) -> dict[Person, Entry]:
    """Everybody once, in the set that a plan would send them with. Suppression is not looked at: they may be at the vendor all the same.

    Raises as census.take does.
    """
    census = take(request)
    taken = np.zeros(len(census.crowd), dtype=np.bool_)
    found: dict[Person, Entry] = {}
    for rows in census.rows:
        kept = kept_rows(rows, taken)
        people = _prints(census.crowd.people(rows.ids[kept]))
        for person, key, fields in zip(people, _column(rows.keys, kept), _column(rows.fields, kept), strict=True):
            found[Person(person)] = Entry(rows.contacts, key, fields)
    return found


def _column(column: Words | None, rows: Rows) -> list[bytes]:
    if column is None:
        return [b""] * len(rows)
    return [print_ if any(print_) else b"" for print_ in _prints(column[rows])]


def _prints(words: Words) -> list[bytes]:
    joined = bytes_of(words)
    return [joined[at : at + WIDTH] for at in range(0, len(joined), WIDTH)]
