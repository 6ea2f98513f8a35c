"""What the ledger remembers so that fingerprints can run out, and when they do. Changes nothing; who is gone, retention.py finds out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from reconciler.model import Key

if TYPE_CHECKING:  # base.py rests on traces.py, the store on this
    from reconciler.ledger.base import LedgerReader

# Kinds of memory.
SETS = "retention"  # set name -> Declared
UNBOUND = "unbound"  # identity -> since when its campaign is bound to nothing, seconds since 1970; empty: it is bound, or will be
EXPIRED = "expired"  # identity/set -> Expired


@dataclass(frozen=True, slots=True)
class Declared:
    """A contact set as the last apply saw it. `seconds`: its retention, None: for ever. `since`: when one was seen first.

    `gone`: since when the set is declared no more; 0: it is. Moments are in seconds since 1970.
    """

    seconds: int | None
    gone: int = 0
    since: int = 0

    def encoded(self) -> bytes:
        return json.dumps(asdict(self), sort_keys=True).encode()


@dataclass(frozen=True, slots=True)
class Expired:
    """Of how many people of one campaign's set the fingerprints expired, and when the last did, in seconds since 1970."""

    people: int
    at: int

    def encoded(self) -> bytes:
        return json.dumps(asdict(self), sort_keys=True).encode()


@dataclass(frozen=True, slots=True)
class Lapse:
    """Fingerprints of a campaign that is bound to nothing since `unbound`, of one of its sets."""

    key: Key
    identity: str
    unbound: int
    declared: Declared

    @property
    def earliest(self) -> int | None:
        """When the first of them may expire, in seconds since 1970, and all of them where the set is declared no more; None: never."""
        seconds = self.declared.seconds
        return None if seconds is None else max(self.unbound, self.declared.gone, self.declared.since) + seconds


def day(seconds: int) -> str:
    """The date of a moment, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()


def declared_sets(reader: LedgerReader) -> Mapping[str, Declared]:
    return {name: Declared(**json.loads(value)) for name, value in reader.remembered(SETS).items()}


def unbound_since(reader: LedgerReader) -> Mapping[str, int]:
    """Identity -> since when, of the campaigns that are bound to nothing."""
    return {identity: int(value) for identity, value in reader.remembered(UNBOUND).items() if value}


def expired(reader: LedgerReader) -> Mapping[tuple[str, str], Expired]:
    """By identity and set."""
    found = {}
    for name, value in reader.remembered(EXPIRED).items():
        identity, _, contacts = name.partition("/")
        found[identity, contacts] = Expired(**json.loads(value))
    return found


def lapses(reader: LedgerReader) -> list[Lapse]:
    """What is left of campaigns that are bound to nothing, in the order of their keys."""
    unbound, sets = unbound_since(reader), declared_sets(reader)
    return [
        Lapse(key, identity, unbound[identity], sets.get(key.contacts, Declared(None)))
        for key, identity in sorted(reader.reached() if unbound else ())
        if identity in unbound
    ]
