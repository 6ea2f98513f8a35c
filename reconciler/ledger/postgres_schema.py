"""Opening a PostgreSQL ledger: is it there, is it ours, of which version; making its tables, and bringing older ones up to date."""

from __future__ import annotations

from collections.abc import Callable

import psycopg

from reconciler.errors import LedgerError
from reconciler.ledger.migrations import SCHEMA_VERSION, STEPS, check_version
from reconciler.ledger.postgres import PostgresSession
from reconciler.ledger.postgres_address import Connection, Server, server
from reconciler.ledger.postgres_errors import MARK, RIGHTS, failures

OLDEST_SERVER = 14

Now = Callable[[], float]

_TABLES = ", ".join(f"('{table}')" for table in RIGHTS)
_LOOK = f"""SELECT pg_is_in_recovery(), current_setting('server_encoding'), coalesce(current_schema(), ''),
    to_regclass('{MARK}') IS NOT NULL, (SELECT count(*) FROM (VALUES {_TABLES}) AS t (name) WHERE to_regclass(t.name) IS NOT NULL)
""".encode()
_MAKE = f"CREATE TABLE {MARK} (version BIGINT NOT NULL); INSERT INTO {MARK} VALUES (0);"
_ALREADY = (psycopg.errors.DuplicateTable, psycopg.errors.DuplicateFunction, psycopg.errors.UniqueViolation)


def open_for_reading(url: str, now: Now | None = None) -> PostgresSession | None:
    """The ledger as it is at each question; None where there is none yet. `now`: instead of the server's clock."""
    return _opened(url, now, lambda db, there: _version(db, there))


def open_for_writing(url: str, now: Now | None = None) -> PostgresSession:
    """The ledger, made where there is none, and brought up to date."""
    session = _opened(url, now, _up_to_date)
    assert session is not None, "it was just made"
    return session


def _opened(url: str, now: Now | None, version_of: Callable[[Connection, Server], int]) -> PostgresSession | None:
    there = server(url)
    db = there.connect()
    try:
        with failures(there.place):
            version = version_of(db, there)
        if version:
            return PostgresSession(there, db, version, now)
    except BaseException:
        db.close()
        raise
    db.close()
    return None


def _version(db: Connection, there: Server) -> int:
    """Of the ledger in this database; 0 where there is none. Raises LedgerError where it is none of ours, or cannot be used."""
    if db.info.server_version < OLDEST_SERVER * 10_000:
        raise LedgerError(
            f"The ledger {there.place} is kept by PostgreSQL {db.info.server_version // 10_000}; {OLDEST_SERVER} is the oldest."
        )
    ((standby, encoding, schema, ours, found),) = db.execute(_LOOK).fetchall()
    _check_usable(there, standby, encoding, schema)
    if ours:
        version = int(db.execute(f"SELECT version FROM {MARK}".encode()).fetchall()[0][0])
        check_version(version, there.place)
        return version
    if found:
        raise LedgerError(
            f"{there.place} is no ledger: the schema {schema} has tables of another program under the names of ours. Give the ledger a"
            " schema of its own: CREATE SCHEMA ..., then ALTER ROLE ... SET search_path."
        )
    return 0


def _check_usable(there: Server, standby: bool, encoding: str, schema: str) -> None:
    if standby:
        raise LedgerError(
            f"The ledger {there.place} is on a standby, which is behind and cannot be written. Nothing was sent. Let the URL name the"
            " primary."
        )
    if encoding != "UTF8":
        raise LedgerError(
            f"The ledger {there.place} is in a database of encoding {encoding}, which cannot hold every name. Make one with"
            " ENCODING 'UTF8'."
        )
    if not schema:
        raise LedgerError(
            f"The ledger {there.place} has no schema: the search_path of this role names none that exists and that it may use. CREATE"
            " SCHEMA ..., then ALTER ROLE ... SET search_path."
        )


def _up_to_date(db: Connection, there: Server) -> int:
    version = _version(db, there)
    try:
        if not version:
            _migrate(db, _MAKE)
        elif version < SCHEMA_VERSION:
            _migrate(db, f"LOCK TABLE {MARK} IN ACCESS EXCLUSIVE MODE;")
    except _ALREADY:  # another run was faster
        return _version(db, there) or _stop(there)
    except psycopg.errors.InsufficientPrivilege:
        raise LedgerError(
            f"The ledger {there.place} {'is of an older version' if version else 'does not exist yet'}, and this role may not make tables."
            " Let the owner of the schema write to it once, with a URL of its own: docs/ledger.md says how, and what is to be granted then."
        ) from None
    return SCHEMA_VERSION


def _migrate(db: Connection, first: str) -> None:
    """Run the steps that this ledger has not seen: all of them or none, and nobody else meanwhile."""
    with db.transaction():
        db.execute(first.encode())
        version = db.execute(f"SELECT version FROM {MARK}".encode()).fetchall()[0][0]
        for step in STEPS[version:]:
            db.execute(step.postgres.encode())
        db.execute(f"UPDATE {MARK} SET version = {SCHEMA_VERSION}".encode())


def _stop(there: Server) -> int:
    raise LedgerError(f"The ledger {there.place} could not be made: something else was made under its names meanwhile.")
