"""Which contact keys a ledger goes by, and who is still known under the former one while two are live. No key is kept, only its check.

What may be done with the keys at hand is said in rotation.py, who is re-keyed in rekeying.py. Only `operations` is a sub-key: no
fingerprint of a person follows from it (docs/decisions/0002-fingerprints.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from reconciler.model import Key, Person

if TYPE_CHECKING:  # the contract as a whole, which this is a part of
    from reconciler.ledger.base import Lease, LedgerReader, Op, OpState

# Kinds of memory.
KEYS = "contact-key"  # CURRENT, FORMER, RETIRED, OPERATIONS, SINCE, MOVED
PEOPLE = "former-people"  # number of a chunk -> the fingerprints of its people under the former key, joined, ascending over all chunks

CURRENT, FORMER, RETIRED, OPERATIONS, SINCE, MOVED = "current", "former", "retired", "operations", "since", "moved"
CHUNK = 8192  # people that are re-keyed in one commit
_WIDTH = 16  # bytes of one fingerprint


@dataclass(frozen=True, slots=True)
class LiveKeys:
    """Checks of the contact keys; empty where there is none. `retired`: of all that were rotated out, joined.

    `operations`: the sub-key of operations where it is not the current key's own. `since`: the epoch in which the rotation began.
    `moved`: how many people were re-keyed in it.
    """

    current: bytes
    former: bytes = b""
    retired: bytes = b""
    operations: bytes = field(default=b"", repr=False)
    since: int = 0
    moved: int = 0

    def is_retired(self, check: bytes) -> bool:
        return check in {self.retired[at : at + _WIDTH] for at in range(0, len(self.retired), _WIDTH)}


@dataclass(frozen=True, slots=True)
class Claimed:
    """One operation with a person as it stands in the ledger. `connection` and `epoch`: of the request that claimed it last."""

    op: Op
    state: OpState
    connection: str
    epoch: int


@dataclass(frozen=True, slots=True)
class Rekeyed:
    """What re-keying came to. `moved`: people under the new key now; those who stay under the former one, by why they do.

    `unseen`: their number is in no source, list or vendor that was read; `waiting`: something of theirs is in doubt; `keyed`: the value
    of `columns.key` that they were sent with is in no source. `unread`: campaigns whose people could not be read at the vendor.
    `finished`: the former key is not needed any more.
    """

    moved: int = 0
    unseen: int = 0
    waiting: int = 0
    keyed: int = 0
    unread: tuple[Key, ...] = ()
    finished: bool = False

    @property
    def left(self) -> int:
        return self.unseen + self.waiting + self.keyed


@dataclass(frozen=True, slots=True)
class Moving:
    """One commit of a rotation: `ops` by the key they have so far; `left`: who of the chunk stays under the former contact key."""

    chunk: str
    ops: Mapping[bytes, Op] = field(repr=False)
    left: bytes = field(repr=False)
    people: int


class RotationReader(Protocol):
    def people(self) -> Iterator[Person]:
        """Everybody whom an operation names, some more than once."""
        ...

    def claims(self, first: Person, last: Person) -> Sequence[Claimed]:
        """Every operation with a person from `first` to `last`, both included."""
        ...


class RotationKeeper(Protocol):
    def begin_rotation(self, lease: Lease, keys: LiveKeys, people: bytes) -> None:
        """Two keys are live from here on: `keys.current` and `keys.former`, under which are `people`, joined and ascending."""
        ...

    def rekey(self, lease: Lease, moving: Moving) -> None:
        """Give operations another key and their people other fingerprints. Raises LedgerError where one of them is open or not there."""
        ...

    def finish_rotation(self, lease: Lease) -> None:
        """The former key is refused from here on. Raises LedgerError where somebody is still under it."""
        ...


def live_keys(reader: LedgerReader) -> LiveKeys:
    kept = reader.remembered(KEYS)
    return LiveKeys(
        kept.get(CURRENT, reader.key_check),
        kept.get(FORMER, b""),
        kept.get(RETIRED, b""),
        kept.get(OPERATIONS, b""),
        int(kept.get(SINCE, b"0")),
        int(kept.get(MOVED, b"0")),
    )


def former_people(reader: LedgerReader) -> Mapping[str, bytes]:
    """Chunk -> who is under the former key, in the order of the chunks; nothing with one key."""
    return {name: value for name, value in reader.remembered(PEOPLE).items() if value}


def chunks(people: bytes) -> Mapping[str, bytes]:
    """`people` as they are kept."""
    size = CHUNK * _WIDTH
    return {f"{at // size:08}": people[at : at + size] for at in range(0, len(people), size)}
