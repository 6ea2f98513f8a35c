"""Two contact keys at once: whoever the ledger knows under the former one is known by it, everybody else by the new one.

Reads no ledger: who is known under the former key is asked for once, when it is needed first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Protocol

import numpy as np

from reconciler.contacts.fingerprint import Fingerprints
from reconciler.contacts.lookup import Index, Mask, grouped
from reconciler.contacts.words import Words, words_of
from reconciler.model import Person


class Witness(Protocol):
    """Who wants to know of everybody that is known under the former key, as they come by."""

    def met(self, numbers: Words) -> None:
        """`numbers`: E.164 digits as integers."""
        ...

    def read(self, numbers: Words, keys: tuple[Words, Words] | None, fields: tuple[Words, Words] | None) -> None:
        """Rows of a source: all `keys`, and the `fields` of those with one of `numbers`, under the former and under the new key."""
        ...


class Rotating(Fingerprints):
    """What is derived from two contact keys. A person has one fingerprint: the former, as long as the ledger knows that one.

    Their fields go with the person. Values of `columns.key` are always under the new key; `Translation` puts the ledger's there too.
    Operations stay under the sub-key they are under: it tells nothing about anybody (docs/decisions/0002-fingerprints.md).
    """

    def __init__(
        self, key: bytes, former: Fingerprints, operations: bytes, known: Callable[[], bytes], moved: int = 0
    ) -> None:
        """`known`: the joined fingerprints of everybody whom the ledger knows under the former key. `moved`: `LiveKeys.moved` before."""
        super().__init__(key, operations)
        self.former, self.new = former, Fingerprints(key, operations)
        self.witness: Witness | None = None
        self.moved = moved
        self._load = known

    @cached_property
    def known(self) -> Index:
        """Everybody under the former key."""
        return Index(grouped(words_of(self._load(), 2))[0])

    def person(self, e164: str) -> Person:
        former = self.former.person(e164)
        if not self._is_known(former):
            return self.new.person(e164)
        if self.witness is not None:
            self.witness.met(np.array([int(e164[1:])], dtype=np.uint64))
        return former

    def people(self, numbers: Words) -> Words:
        former = self.former.people(numbers)
        known = self.known.find(former) >= 0
        if self.witness is not None:
            self.witness.met(numbers[known])
        people: Words = np.where(known[:, np.newaxis], former, self.new.people(numbers))
        return people

    def under_former(self, numbers: Words) -> Mask:
        """Which of a column of numbers are known under the former key."""
        return self.known.find(self.former.people(numbers)) >= 0

    def fields_of_person(self, e164: str, mapping: Mapping[str, str]) -> bytes:
        owner = self.former if self._is_known(self.former.person(e164)) else self.new
        return owner.fields(mapping)

    def _is_known(self, person: Person) -> bool:
        return bool(self.known.find(words_of(person, 2))[0] >= 0)


class Translation:
    """The ledger's fingerprints of `columns.key` put under the new key, as far as the sources show what they stand for.

    Somebody under the new key may have a value that somebody under the former one has; only in one form are the two the same.
    """

    def __init__(self, keys: Words) -> None:
        different, self._groups = grouped(keys)
        self._index, self._translated = Index(different), different.copy()

    def learn(self, former: Words, new: Words) -> None:
        at = self._index.find(former)
        self._translated[at[at >= 0]] = new[at >= 0]

    def keys(self) -> Words:
        translated: Words = self._translated[self._groups]
        return translated
