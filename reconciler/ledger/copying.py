"""One ledger into another, whatever stores them: table by table in one commit, proved equal before it. Who may do so: custody.py."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import msgspec

from reconciler.errors import LedgerError
from reconciler.ledger.chain import Break, verify
from reconciler.ledger.migrations import SCHEMA_VERSION
from reconciler.ledger.sql import Row, Session, SqlReader

# Every table and column but the lease's holder, which stays where it is; what is referred to comes before what refers to it.
TABLES: Mapping[str, tuple[str, ...]] = {
    "scope": ("id", "identity", "contacts", "verb", "campaign"),
    "request": (
        "id", "epoch", "run", "connection", "scope_id", "call", "token", "body_mac", "repeatable", "state", "claimed_at",
        "decided_at", "http_status", "evidence",
    ),
    "op": (
        "request_id", "place", "op_key", "scope_id", "person", "revision", "state", "attempt", "vendor_id", "key_mac",
        "fields_mac", "left_at",
    ),
    "binding": ("key", "identity", "vendor_id", "last_applied", "protect", "run", "bound_at"),
    "memory": ("name", "value"),
    "event": ("seq", "epoch", "at", "actor", "entity", "before", "after", "reason", "hash"),
}  # fmt: skip
_REMEMBER = "INSERT INTO memory (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
STACK = ("lineage", "serial", "key_check", "high_water_seq", "high_water_hash")


@dataclass(slots=True)
class Part:
    """One table: how many rows, and the sum of their SHA-256, which is the same in whatever order a store hands them out."""

    name: str
    rows: int = 0
    _sum: int = field(default=0, repr=False)

    @property
    def digest(self) -> str:
        return f"{self._sum:064x}"

    def passing(self, rows: Iterable[Row]) -> Iterator[Row]:
        """The same rows, counted in."""
        for row in rows:
            self.rows += 1
            self._sum = (self._sum + int.from_bytes(hashlib.sha256(msgspec.msgpack.encode(row)).digest())) % (1 << 256)
            yield row


@dataclass(frozen=True, slots=True)
class Copied:
    """What a copy holds."""

    lineage: str
    serial: int
    parts: tuple[Part, ...]


def copy(source: Session, target: Session, memory: Mapping[str, bytes]) -> Copied:
    """All of `source` as of one moment, whoever writes to it meanwhile, into `target`, in one commit; there `memory` comes on top.

    Raises LedgerError where `target` is not as new, where the audit trail is not whole, or where the copy is not equal.
    """
    if source.version < SCHEMA_VERSION:
        raise LedgerError(
            "The ledger was written by an older reconciler: the next apply brings it up to date, then it can be copied."
        )
    with source.snapshot(), target.transaction():
        _check_new(target)
        parts = tuple(_load(source, target, name) for name in TABLES)
        stack = source.fetch(f"SELECT {', '.join(STACK)} FROM stack")
        target.write(f"UPDATE stack SET {', '.join(f'{column} = ?' for column in STACK)}", *stack[0])
        target.write("UPDATE lease SET epoch = ?", source.fetch("SELECT epoch FROM lease")[0][0])
        _check_equal(parts, target, stack)
        for name, value in memory.items():
            target.write(_REMEMBER, name, value)
    return Copied(stack[0][0], stack[0][1], parts)


def _load(source: Session, target: Session, name: str) -> Part:
    part, columns = Part(name), TABLES[name]
    target.load(name, columns, part.passing(_rows(source, name)))
    return part


def _rows(session: Session, name: str) -> Iterator[Row]:
    # The trail is read back and checked in its order; the order of the rest is the store's affair.
    order = " ORDER BY seq" if name == "event" else ""
    return session.stream(f"SELECT {', '.join(TABLES[name])} FROM {name}{order}")


def _check_new(target: Session) -> None:
    used = target.fetch("SELECT lineage FROM stack")[0][0] or target.fetch("SELECT 1 FROM event LIMIT 1")
    if used:
        raise LedgerError(
            "There is a ledger already where this one was to be copied to. Nothing was changed. Name a place that is empty; where it"
            " is a copy that was never finished, delete it first."
        )


def _check_equal(parts: Iterable[Part], target: Session, stack: list[Row]) -> None:
    for part in parts:
        there = Part(part.name)
        for _ in there.passing(_rows(target, part.name)):
            pass
        if there != part:
            raise LedgerError(
                f"The copy is not equal: table {part.name} has {part.rows:,} rows here and {there.rows:,} there, or others. It was"
                " given up; the ledger is as it was."
            )
    trail = verify(SqlReader(target))
    if isinstance(trail, Break) or target.fetch(f"SELECT {', '.join(STACK)} FROM stack") != stack:
        raise LedgerError(
            f"The audit trail is not whole ({trail}): what cannot be proved is not copied. Nothing was changed. See:"
            " reconciler state verify"
        )
