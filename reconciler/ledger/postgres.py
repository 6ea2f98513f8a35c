"""A ledger kept in PostgreSQL: statements, transactions, and what becomes of both when the connection breaks. Opening: postgres_schema.py.

Nothing outlives a transaction on the server: no prepared statements, settings, temporary tables or locks, so that a pooler may hand out
another connection for each. What has to hold is set inside, in the message that begins it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from itertools import islice
from typing import Any, TypeVar

import psycopg

from reconciler.errors import LedgerError
from reconciler.ledger.postgres_address import Connection, Server
from reconciler.ledger.postgres_errors import BUSY_SECONDS, STATEMENT_SECONDS, STILL_SECONDS, failures, meaning
from reconciler.ledger.sql import Row

_READ_AT_ONCE = 10_000
_LOADED_AT_ONCE = 10_000  # a slow source must not keep the transaction waiting for longer than it may

_CLOCK = "SELECT extract(epoch FROM clock_timestamp())::float8"
_READING = b"BEGIN READ ONLY; SET LOCAL statement_timeout = '%ds'" % STATEMENT_SECONDS
# The row of the lease is what writers queue for; the clock is read when it is had. Whatever way of committing the server, the database
# or the role asks for is held fast for this transaction, so that a change of the server's settings cannot come between.
_WRITING = b"""BEGIN;
SET LOCAL statement_timeout = '%ds'; SET LOCAL lock_timeout = '%ds'; SET LOCAL idle_in_transaction_session_timeout = '%ds';
SELECT 1 FROM lease FOR UPDATE;
SELECT extract(epoch FROM clock_timestamp())::float8, current_setting('fsync'),
    set_config('synchronous_commit', current_setting('synchronous_commit'), true)
""" % (STATEMENT_SECONDS, BUSY_SECONDS, STILL_SECONDS)

_NOT_DURABLE = (
    "would lose commits in a crash of the server: synchronous_commit or fsync is off. A claim that is lost is a second call to somebody."
    " Nothing was sent. Switch both on: ALTER ROLE ... SET synchronous_commit = on."
)
_COMMIT_IN_DOUBT = (
    "went away while a commit was being confirmed: whether it was kept is not known. What it claimed was not sent; of what was sent"
    " the outcome may be missing. The next `reconciler apply` settles both, and nobody is called again before."
)
_TYPES = {bytes: "bytea", str: "text", int: "bigint", float: "float8"}

Value = TypeVar("Value")


class PostgresSession:
    """Session on one connection, used by one thread at a time; a second one is opened for streams. `now`: instead of the server's clock."""

    def __init__(self, server: Server, db: Connection, version: int, now: Callable[[], float] | None) -> None:
        self._server, self._db, self.version, self._now = server, db, version, now
        self._idle: list[Connection] = []  # for streams: none of them may end with somebody else's transaction
        self._depth = 0
        # Of each transaction within the outermost: the savepoint it goes back to, -1 before its first statement; and all that are set.
        self._marks: list[int] = []
        self._savepoints: list[int] = []
        self._lost: LedgerError | None = None
        self._began: tuple[float, float] | None = None  # the transaction: by the server's clock, and by ours
        self._closed = False

    def fetch(self, sql: str, *values: object) -> list[Row]:
        if self._depth:
            return self._run(_translated(sql), values).fetchall()
        return self._between(lambda db: _read(db, _translated(sql), values))

    def write(self, sql: str, *values: object) -> int:
        return self._run(_translated(sql), values).rowcount

    def write_rows(self, sql: str, rows: Sequence[Row], *values: object) -> int:
        """One array a column: four times as fast as one value at a time, and without a temporary table."""
        if not rows:
            return 0
        columns = [list(column) for column in zip(*rows, strict=True)]
        arrays = ", ".join(f"%b::{_type(column)}[]" for column in columns)
        names = ", ".join(f"column{number}" for number in range(1, len(columns) + 1))
        source = f"SELECT * FROM unnest({arrays}) AS rows ({names})".encode()
        return self._run(_translated(sql).replace(b"VALUES {rows}", source), (*columns, *values)).rowcount

    def load(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> int:
        statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN".encode()
        left, loaded = iter(rows), 0
        with self.transaction():
            while some := list(islice(left, _LOADED_AT_ONCE)):
                self._copy(statement, some)
                loaded += len(some)
        return loaded

    def _copy(self, statement: bytes, rows: Sequence[Row]) -> None:
        try:
            for before in self._savepoint():
                self._db.execute(before)
            with self._db.cursor().copy(statement) as copy:
                for row in rows:
                    copy.write_row(row)
        except psycopg.Error as error:
            raise self._failed(error) from None

    def stream(self, sql: str, *values: object) -> Iterator[Row]:
        if self._depth:
            with failures(self._server.place):
                for before in self._savepoint():
                    self._db.execute(before)
                yield from _walk(self._db, _translated(sql), values)
            return
        with self._apart() as db:
            yield from _walk(db, _translated(sql), values)

    @contextmanager
    def _apart(self) -> Iterator[Connection]:
        """A connection in a transaction for one stream, whose reader may leave it half way, and write meanwhile."""
        self._check_open()
        db = self._ready()
        try:
            with failures(self._server.place):
                yield db
                db.execute(b"COMMIT")
            self._idle.append(db)
        except BaseException:
            db.close()
            raise

    def _ready(self) -> Connection:
        while self._idle:
            with suppress(psycopg.Error):  # it was idle for long, and may have gone
                db = self._idle.pop()
                db.execute(_READING)
                return db
            db.close()
        db = self._server.connect()
        db.execute(_READING)
        return db

    def now(self) -> float:
        if self._now:
            return self._now()
        if self._depth and self._began:
            began, then = self._began
            return began + time.monotonic() - then
        return float(self.fetch(_CLOCK)[0][0])

    def close(self) -> None:
        self._closed = True
        for db in (self._db, *self._idle):
            db.close()

    # ---- transactions --------------------------------------------------------------------------------------------------

    @contextmanager
    def transaction(self) -> Iterator[None]:
        if self._depth:
            self._check_kept()
        else:
            self._lost, self._marks, self._savepoints = None, [], []
            self._between(self._begin)
        self._depth += 1
        self._marks.append(0 if self._depth == 1 else -1)
        try:
            yield
            self._end()
        except BaseException:
            self._undo()
            raise
        finally:
            self._marks.pop()
            self._depth -= 1

    def _savepoint(self) -> Sequence[bytes]:
        """What to say before the next statement, so that the transactions that began since the last one can be undone alone.

        Those that begin at the same point share it, and it is given up when the next one is needed: two messages less for each.
        """
        if not self._marks or self._marks[-1] >= 0:
            return ()
        mark = self._marks.index(-1)
        left = [number for number in self._savepoints if number >= mark]
        self._savepoints = [number for number in self._savepoints if number < mark] + [mark]
        self._marks[mark:] = [mark] * (len(self._marks) - mark)
        return [*(b"RELEASE part%d" % number for number in left[:1]), b"SAVEPOINT part%d" % mark]

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        self._between(lambda db: db.execute(b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"))
        self._began = self._lost = None
        self._depth += 1
        try:
            yield
        finally:
            self._undo()
            self._depth -= 1

    def _begin(self, db: Connection) -> None:
        answers = db.execute(_WRITING)
        while answers.nextset():
            pass
        clock, *durable = answers.fetchall()[0]
        if "off" in durable:
            db.execute(b"ROLLBACK")
            raise LedgerError(f"The ledger {self._server.place} {_NOT_DURABLE}")
        self._began = (clock, time.monotonic())

    def _end(self) -> None:
        self._check_kept()
        if self._depth > 1:
            return
        try:
            said = self._db.execute(b"COMMIT").statusmessage
        except psycopg.Error as error:
            if self._db.closed:
                raise LedgerError(f"The ledger {self._server.place} {_COMMIT_IN_DOUBT}") from None
            raise meaning(error, self._server.place) from None
        if said != "COMMIT":  # the server answers ROLLBACK where a statement had failed
            raise LedgerError(f"The ledger {self._server.place}: nothing of this commit was kept.")

    def _undo(self) -> None:
        mark = self._marks[-1] if self._marks else 0
        try:
            if not self._db.closed and mark >= 0:
                self._db.execute(b"ROLLBACK TO part%d" % mark if mark else b"ROLLBACK")
                self._savepoints = [number for number in self._savepoints if number <= mark]
        except psycopg.Error as error:
            # What cannot be rolled back alone must not be committed by the transaction around it.
            self._lost = self._lost or meaning(error, self._server.place)
            self._db.close()

    def _check_kept(self) -> None:
        if self._lost:
            raise LedgerError(f"Nothing of this commit was kept. {self._lost}")

    def _run(self, sql: bytes, values: Sequence[object]) -> psycopg.Cursor[Row]:
        self._check_open()
        before = self._savepoint()
        try:
            if not before:
                return self._db.execute(sql, values)
            with self._db.pipeline():  # one journey for all of it
                for statement in before:
                    self._db.execute(statement)
                return self._db.execute(sql, values)
        except psycopg.Error as error:
            raise self._failed(error) from None

    def _failed(self, error: psycopg.Error) -> LedgerError:
        """A transaction ends with its connection: nothing of it may go on as if it were there."""
        failure = meaning(error, self._server.place)
        if self._db.closed and not self._lost:
            self._lost = failure
        return failure

    # ---- between transactions ------------------------------------------------------------------------------------------

    def _between(self, act: Callable[[Connection], Value]) -> Value:
        """`act`, where nothing was written yet: once more on a new connection if the old one turns out to be gone."""
        self._check_open()
        for patient in (True, False):
            try:
                if self._db.closed:
                    self._db = self._server.reconnect()
                return act(self._db)
            except psycopg.Error as error:
                with suppress(psycopg.Error):
                    self._db.execute(b"ROLLBACK")
                if not (patient and self._db.closed):
                    raise meaning(error, self._server.place) from None
        raise AssertionError("the second time returns or raises")  # pragma: no cover - for the type checker

    def _check_open(self) -> None:
        if self._closed:
            raise LedgerError(f"The ledger {self._server.place} cannot be used any more: it was closed.")


def _read(db: Connection, sql: bytes, values: Sequence[object]) -> list[Row]:
    db.execute(_READING)
    rows = db.execute(sql, values).fetchall()
    db.execute(b"COMMIT")
    return rows


def _walk(db: Connection, sql: bytes, values: Sequence[object]) -> Iterator[Row]:
    """The rows of a query through a cursor on the server, which ends with the transaction."""
    name = b"walk_%d" % time.monotonic_ns()
    db.execute(b"DECLARE %s NO SCROLL CURSOR FOR " % name + sql, values)
    reading: Any = db.cursor(binary=True)
    while rows := reading.execute(b"FETCH %d FROM %s" % (_READ_AT_ONCE, name)).fetchall():
        yield from rows
    db.execute(b"CLOSE " + name)


@lru_cache(maxsize=256)
def _translated(sql: str) -> bytes:
    return sql.replace("%", "%%").replace("?", "%s").encode()


def _type(column: Sequence[object]) -> str:
    """What the values of a column are. A column of nothing is one of fingerprints: only objects have none."""
    value = next((value for value in column if value is not None), b"")
    return next(name for kind, name in _TYPES.items() if isinstance(value, kind))
