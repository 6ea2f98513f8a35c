"""What the ledger remembers of one campaign's people, as columns that can be searched. The ledger itself is not read here."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from reconciler.contacts.fingerprint import WIDTH
from reconciler.contacts.lookup import Mask, is_ordered, order_of
from reconciler.contacts.words import Words, words_of
from reconciler.model import Sent


class Standing(IntEnum):
    """What a ledger state means for the next plan."""

    NEVER = 0  # claimed at most, proved not executed: to be added as if it had never been
    GONE = 1  # withdrawn by us, with proof: to be added again under the next revision
    THERE = 2
    TWICE = 3  # there, and known to be there more than once: an alarm, and nothing to be added or changed
    UNSURE = 4  # may be there: nothing is done until that is settled
    REFUSED = 5  # not there, and not to be tried again under this number


STANDING = {
    "planned": Standing.NEVER,
    "absent": Standing.NEVER,
    "withdrawn": Standing.GONE,
    "confirmed": Standing.THERE,
    "already": Standing.THERE,
    "duplicated": Standing.TWICE,
    "sent": Standing.UNSURE,
    "in_doubt": Standing.UNSURE,
    "held": Standing.UNSURE,
    "rejected": Standing.REFUSED,
    "abandoned": Standing.REFUSED,
}
HELD = (Standing.TWICE, Standing.UNSURE, Standing.REFUSED)
WITHDRAWABLE = (Standing.THERE, Standing.TWICE)


def stands(standing: NDArray[np.uint8], among: Sequence[Standing]) -> Mask:
    """Which of a column are one of `among`."""
    wanted = np.zeros(len(Standing), dtype=np.bool_)
    wanted[list(among)] = True
    return wanted[standing]


@dataclass(frozen=True, slots=True)
class SentTable:
    """One entry per person, ascending by fingerprint. `sets[owners[i]]` is the contact set that person `i` was sent for.

    `keys` and `fields` are None where the ledger holds none; a row of zeros: none for this person.
    """

    people: Words = field(repr=False)
    standing: NDArray[np.uint8] = field(repr=False)
    revisions: NDArray[np.uint32] = field(repr=False)
    owners: NDArray[np.uint16] = field(repr=False)
    sets: tuple[str, ...]
    keys: Words | None = field(default=None, repr=False)
    fields: Words | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.people)

    def owned_by(self, contacts: str) -> Mask:
        if contacts not in self.sets:
            return np.zeros(len(self), dtype=np.bool_)
        owned: Mask = self.owners == self.sets.index(contacts)
        return owned

    def stands(self, among: Sequence[Standing]) -> Mask:
        return stands(self.standing, among)

    @classmethod
    def of(cls, sent: Iterable[Sent]) -> SentTable:
        """Read the ledger's answer once: one entry per person, in any order."""
        sets: dict[str, int] = {}
        people, keys, fields = bytearray(), bytearray(), bytearray()
        standing, revisions, owners = array("B"), array("I"), array("H")
        for entry in sent:
            people += entry.person
            keys += entry.key_mac.rjust(WIDTH, b"\0")
            fields += entry.fields_mac.rjust(WIDTH, b"\0")
            standing.append(STANDING[entry.state.lower()])
            revisions.append(entry.revision)
            owners.append(sets.setdefault(entry.contacts, len(sets)))
        return cls(
            words_of(people, 2),
            np.frombuffer(standing, dtype=np.uint8),
            np.frombuffer(revisions, dtype=np.uint32),
            np.frombuffer(owners, dtype=np.uint16),
            tuple(sets),
            words_of(keys, 2),
            words_of(fields, 2),
        ).ordered()

    def ordered(self) -> SentTable:
        """The same entries, ascending by person, without columns that are empty."""
        keys, fields = (None if column is None or not column.any() else column for column in (self.keys, self.fields))
        if is_ordered(self.people):
            return replace(self, keys=keys, fields=fields)
        order = order_of(self.people)
        return SentTable(
            self.people[order],
            self.standing[order],
            self.revisions[order],
            self.owners[order],
            self.sets,
            None if keys is None else keys[order],
            None if fields is None else fields[order],
        )
