"""Who is in a source just now, so that it can be asked whether somebody left it. Counts nothing and judges nobody."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from reconciler.contacts.files import Asked
from reconciler.contacts.lookup import NOBODY, Index, Mask, grouped
from reconciler.contacts.rows import Layout, Reading, fingerprinted
from reconciler.contacts.source import parts_of
from reconciler.contacts.words import Words
from reconciler.model import ContactSet


@dataclass(frozen=True, slots=True)
class Presence:
    """Fingerprints of the numbers and of the keys in one source."""

    people: Index = field(repr=False)
    keys: Index = field(repr=False)

    def holds(self, people: Words, keys: Words) -> Mask:
        """Who is there, under this number or, where the ledger knows their key, under another one. Keys of zeros: none is known."""
        keyed = keys.any(axis=1) & (self.keys.find(keys) >= 0)
        found: Mask = (self.people.find(people) >= 0) | keyed
        return found


def read_presence(declared: ContactSet, region: str, reading: Reading) -> Presence:
    """Everybody in the source, whether or not they could be called. `region`: of numbers that name no country, where the set names none.

    Raises ConfigInvalid where it cannot be read to its end.
    """
    columns = {"phone": declared.columns.phone} | ({"key": declared.columns.key} if declared.columns.key else {})
    owner = f"Contact set {declared.name}"
    asked = Asked(owner, declared.origin, columns, declared.source, reading.root, reading.environ)
    layout = Layout(declared.region or region, bool(declared.columns.key))
    people, keys = [NOBODY], [NOBODY]
    for part in parts_of(asked):
        for batch in fingerprinted(part, layout, reading.fingerprints):
            people.append(batch.people[batch.reasons == 0])
            # While two contact keys are live, the ledger knows a key under either.
            for known in (each for each in (batch.keys, batch.former_keys) if each is not None):
                keys.append(known[known.any(axis=1)])
    return Presence(Index(grouped(np.concatenate(people))[0]), Index(grouped(np.concatenate(keys))[0]))
