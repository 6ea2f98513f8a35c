"""Who can be put from the former contact key under the new one, and what of theirs: gathered while sources, lists and vendors are read.

Reads nothing itself and keeps no ledger; numbers stay in memory for as long as this does.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from reconciler.contacts.lookup import NOBODY, Index, Mask, Positions, order_of
from reconciler.contacts.rotation import Rotating
from reconciler.contacts.words import Words

_MANY = 4096  # pieces that are gathered before they are joined


class Seen:
    """A `Witness`: everybody under the former key who came by. `declared`: those of them in a source."""

    def __init__(self) -> None:
        self._met, self._declared = _Numbers(), _Numbers()
        self._keys, self._fields = _Pairs(), _Pairs()

    def met(self, numbers: Words) -> None:
        self._met.add(numbers)

    def read(self, numbers: Words, keys: tuple[Words, Words] | None, fields: tuple[Words, Words] | None) -> None:
        self._declared.add(numbers)
        if keys:
            self._keys.add(*keys)
        if fields:
            self._fields.add(*fields)

    def __len__(self) -> int:
        return len(self._met.all())

    def renewal(self, rotating: Rotating) -> Renewal:
        return Renewal(rotating, self._met.all(), self._declared.all(), self._keys.exchange(), self._fields.exchange())


class Exchange:
    """Fingerprints under the former key -> the same under the new one."""

    def __init__(self, former: Words, new: Words) -> None:
        order = order_of(former)
        self._former, self._new = Index(former[order]), new[order]

    def __len__(self) -> int:
        return len(self._former)

    def find(self, former: Words) -> Positions:
        return self._former.find(former)

    def at(self, positions: Positions) -> Words:
        """What is under the new key there; zeros where the position is -1."""
        found = np.zeros((len(positions), 2), dtype=np.uint64)
        found[positions >= 0] = self._new[positions[positions >= 0]]
        return found

    def knows_new(self, new: Words) -> Mask:
        """Which of a column are under the new key already."""
        known: Mask = self._ordered_new.find(new) >= 0
        return known

    @cached_property
    def _ordered_new(self) -> Index:
        return Index(self._new[order_of(self._new)])


class Renewal:
    """People, keys and fields that were seen."""

    def __init__(self, rotating: Rotating, numbers: Words, declared: Words, keys: Exchange, fields: Exchange) -> None:
        """`numbers` and `declared`: E.164 digits, of everybody seen and of those in a source."""
        former = rotating.former.people(numbers)
        order = order_of(former)
        self.people = Exchange(former, rotating.new.people(numbers))
        self._declared: Mask = np.isin(numbers[order], declared)
        self.keys, self.fields = keys, fields

    def is_declared(self, position: int) -> bool:
        """Whether a source holds the person at that position of `people`; -1 is nobody."""
        return position >= 0 and bool(self._declared[position])


class _Numbers:
    """Distinct numbers, however often they come."""

    def __init__(self) -> None:
        self._pieces: list[Words] = []

    def add(self, numbers: Words) -> None:
        self._pieces.append(np.unique(numbers))
        if len(self._pieces) == _MANY:
            self._pieces = [self.all()]

    def all(self) -> Words:
        return np.unique(np.concatenate([np.empty(0, dtype=np.uint64), *self._pieces]))


class _Pairs:
    def __init__(self) -> None:
        self._former: list[Words] = [NOBODY]
        self._new: list[Words] = [NOBODY]

    def add(self, former: Words, new: Words) -> None:
        """Rows of zeros, which stand for nothing, are left out."""
        filled = former.any(axis=1)
        self._former.append(former[filled])
        self._new.append(new[filled])

    def exchange(self) -> Exchange:
        return Exchange(np.concatenate(self._former), np.concatenate(self._new))
