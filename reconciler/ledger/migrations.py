"""From the ledger of an older reconciler to that of today: one list of steps for every store. The SQL of each is in schema.py.

A step is never changed once it was released: a ledger out there was made by it. A new ledger goes through all of them. Each store runs
what is missing in one transaction, under a lock, when it is opened for writing; until then it is read as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.errors import LedgerError
from reconciler.ledger import schema

_POSTGRES = (
    ("INTEGER", "BIGINT"),
    ("BLOB", "BYTEA"),
    ("REAL", "DOUBLE PRECISION"),
    ("TEXT", 'TEXT COLLATE "C"'),  # in one order everywhere, that of SQLite
    ("x''", "''"),
    (") STRICT, WITHOUT ROWID;", ");"),
    (") STRICT;", ");"),
)


def for_postgres(script: str) -> str:
    """A script of schema.py in the words of PostgreSQL."""
    for sqlite, postgres in _POSTGRES:
        script = script.replace(sqlite, postgres)
    return script


@dataclass(frozen=True, slots=True)
class Step:
    """What brings a ledger to the next version, in the words of each store."""

    sqlite: str
    postgres: str


STEPS = (
    Step(schema.TABLES + schema.SQLITE_RULES, for_postgres(schema.TABLES) + schema.POSTGRES_RULES),
    Step(schema.HIGH_WATER + schema.SQLITE_HIGH_WATER, for_postgres(schema.HIGH_WATER) + schema.POSTGRES_HIGH_WATER),
    Step(schema.LEFT_AT, for_postgres(schema.LEFT_AT)),
)
SCHEMA_VERSION = len(STEPS)


def statements(script: str) -> Sequence[str]:
    return script.strip().split("\n\n")


def check_version(version: int, place: str) -> None:
    """Raises LedgerError where this reconciler is too old for the ledger at `place`."""
    if not 0 < version <= SCHEMA_VERSION:
        raise LedgerError(
            f"The ledger {place} has schema {version}, this reconciler knows {SCHEMA_VERSION}: it was written by a newer one."
            " Install that version or a later one. Nothing was changed."
        )
