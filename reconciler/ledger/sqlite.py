"""One connection to a ledger kept in SQLite: statements, transactions, and what their failures mean. Opening: sqlite_file.py."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path

from reconciler.clock import Clock
from reconciler.errors import LedgerError
from reconciler.ledger.migrations import SCHEMA_VERSION
from reconciler.ledger.sql import Row

BUSY_SECONDS = 5
_ROWS_AT_ONCE = 500

_WHOLE = ("BEGIN IMMEDIATE", "COMMIT", ("ROLLBACK",))
_PART = ("SAVEPOINT part", "RELEASE part", ("ROLLBACK TO part", "RELEASE part"))

RESTORE = (
    "Do not start with an empty one: it would call everybody again. Restore the file from its backup (`reconciler state backup`"
    " writes one)."
)
_ACCESS = (
    "cannot be opened or written. This user must be allowed to read and write the file and its folder, where SQLite keeps two files"
    " beside it; check the permissions and that the disk is not mounted read-only."
)
_MEANINGS = {
    sqlite3.SQLITE_BUSY: f"is busy: another process has been writing to it for more than {BUSY_SECONDS} s. Nothing was changed;"
    " run again when it is done.",
    sqlite3.SQLITE_FULL: "cannot grow: the disk is full. Nothing was changed; free some space and run again. What was in flight is"
    " then settled first.",
    sqlite3.SQLITE_READONLY: _ACCESS,
    sqlite3.SQLITE_CANTOPEN: _ACCESS,
    sqlite3.SQLITE_PERM: _ACCESS,
    sqlite3.SQLITE_IOERR: "cannot be read or written: the disk reports an error. Nothing more was sent; check the disk, then run"
    " again. What was in flight is then settled first.",
    sqlite3.SQLITE_CORRUPT: f"is damaged. {RESTORE}",
    sqlite3.SQLITE_NOTADB: f"is no SQLite database. {RESTORE} Or let `state.path` name a file that does not exist yet.",
}


@contextmanager
def failures(path: Path) -> Iterator[None]:
    """Turns what SQLite reports inside into a LedgerError that says what to do."""
    try:
        yield
    except sqlite3.Error as error:
        raise meaning(error, path) from error


def meaning(error: sqlite3.Error, path: Path) -> LedgerError:
    # The low byte is the kind; the rest says where in SQLite. Errors of the Python module itself have none.
    kind = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    said = _MEANINGS.get(kind, f"refused a write or cannot be used: {error}. Nothing was changed.")
    return LedgerError(f"The ledger {path} {said}")


class SqliteSession:
    """Session on one connection, used by one thread at a time. The store's clock is this host's."""

    def __init__(self, connection: sqlite3.Connection, path: Path, clock: Clock, version: int = SCHEMA_VERSION) -> None:
        self._db, self._path, self._clock, self.version = connection, path, clock, version
        self._depth = 0
        self._lost: LedgerError | None = None

    def fetch(self, sql: str, *values: object) -> list[Row]:
        try:
            return self._db.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise self._failed(error) from error

    def stream(self, sql: str, *values: object) -> Iterator[Row]:
        with failures(self._path):
            yield from self._db.execute(sql, values)

    def write(self, sql: str, *values: object) -> int:
        try:
            return self._db.execute(sql, values).rowcount
        except sqlite3.Error as error:
            raise self._failed(error) from error

    def write_rows(self, sql: str, rows: Sequence[Row], *values: object) -> int:
        """Many rows in one statement: each statement gives the interpreter lock up once, and gets it back only when a busy loop lets go."""
        changed = 0
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            some = rows[start : start + _ROWS_AT_ONCE]
            marks = ", ".join([f"({', '.join('?' * len(some[0]))})"] * len(some))
            changed += self.write(sql.replace("{rows}", marks), *chain.from_iterable(some), *values)
        return changed

    def load(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> int:
        insert = f"INSERT INTO {table} ({', '.join(columns)}) VALUES {{rows}}"
        left, loaded = iter(rows), 0
        with self.transaction():
            while some := list(islice(left, _ROWS_AT_ONCE)):
                loaded += self.write_rows(insert, some)
        return loaded

    @contextmanager
    def transaction(self) -> Iterator[None]:
        begin, end, undo = _PART if self._depth else _WHOLE
        self._control(begin)
        self._depth += 1
        try:
            yield
            self._control(end)
        except BaseException:
            self._undo(undo)
            raise
        finally:
            self._depth -= 1

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        self.write("BEGIN")
        try:
            yield
        finally:
            self.write("ROLLBACK")

    def now(self) -> float:
        return self._clock.now().timestamp()

    def close(self) -> None:
        self._db.close()

    def _control(self, statement: str) -> None:
        if not self._depth:
            self._lost = None
        elif self._lost:
            raise LedgerError(f"Nothing of this commit was kept. {self._lost}")
        self.write(statement)

    def _failed(self, error: sqlite3.Error) -> LedgerError:
        """After a full disk SQLite rolls the whole transaction back on its own; then nothing of it may go on as if it were there."""
        failure = meaning(error, self._path)
        if self._depth and not self._lost and not self._db.in_transaction:
            self._lost = failure
        return failure

    def _undo(self, statements: Sequence[str]) -> None:
        try:
            if self._db.in_transaction:
                for statement in statements:
                    self._db.execute(statement)
        except sqlite3.Error as error:
            # What cannot be rolled back alone must not be committed by the transaction around it.
            self._lost = meaning(error, self._path)
