"""What PostgreSQL's failures mean to a user, and the rights that a role needs. No connection, and no word of an address or a secret.

Codes: PostgreSQL documentation, appendix A.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from reconciler.errors import LedgerError
from reconciler.postgresql import why_not
from reconciler.redact import foreign

BUSY_SECONDS = 20
STATEMENT_SECONDS = 60
STILL_SECONDS = 10

MARK = "reconciler_ledger"
# What a run may do: it adds to the trail and changes nothing in it, and it makes and drops no table.
RIGHTS = {
    MARK: "SELECT",
    "event": "SELECT, INSERT",
    "stack": "SELECT, UPDATE",
    "lease": "SELECT, UPDATE",
    "request": "SELECT, INSERT, UPDATE",
    "op": "SELECT, INSERT, UPDATE",
    "scope": "SELECT, INSERT, UPDATE",
    "binding": "SELECT, INSERT, UPDATE, DELETE",
    "memory": "SELECT, INSERT, UPDATE",
}

RESTORE = "Do not start with an empty one: it would call everybody again. Restore the database from its backup."
_GONE = (
    "went away in the middle: the server was stopped or restarted, or the connection to it broke. Nothing more was sent; run again when"
    " it is back. What was in flight is then settled first."
)
_READ_ONLY = "cannot be written: the server is a standby, or its transactions are read-only. Nothing was sent. Name the primary in the URL."
_MEANINGS = {
    "25006": _READ_ONLY,
    "25P03": f"was let go: this process stood still in the middle of a write for more than {STILL_SECONDS} s, and the server undid it."
    " Run again.",
    "3F000": "has no schema: the search_path of this role names none that it may use. The owner of the database can set it: ALTER ROLE"
    " ... SET search_path.",
    "42P01": f"is not all there: a table is missing, or this role no longer finds it by its search_path. {RESTORE}",
    "53100": "cannot grow: the disk of the server is full. Nothing was changed; free some space and run again. What was in flight is"
    " then settled first.",
    "55P03": f"is busy: another process has been writing to it for more than {BUSY_SECONDS} s. Nothing was changed; run again when it is"
    " done.",
    "57014": f"is too slow: one statement took more than {STATEMENT_SECONDS} s. Nothing of it was kept; see what keeps the server busy, and"
    " run again.",
    "57P01": _GONE,
    "57P02": _GONE,
    "58030": "cannot be read or written: the disk of the server reports an error. Nothing more was sent.",
    "XX001": f"is damaged. {RESTORE}",
    "XX002": f"is damaged. {RESTORE}",
}


@contextmanager
def failures(place: str) -> Iterator[None]:
    """Turns what PostgreSQL reports inside into a LedgerError that says what to do."""
    try:
        yield
    except psycopg.Error as error:
        raise meaning(error, place) from None


def meaning(error: psycopg.Error, place: str) -> LedgerError:
    """`place`: the database and its host. The cause is left out where this is raised: it may quote values."""
    code = error.sqlstate or ""
    if code == "42501":
        return LedgerError(f"The ledger {place} {_forbidden(error.diag.message_primary or '')}")
    lost = _GONE if code.startswith("08") or (not code and isinstance(error, psycopg.OperationalError)) else ""
    said = _MEANINGS.get(code) or lost or _refused(error)
    return LedgerError(f"The ledger {place} {said}")


def _refused(error: psycopg.Error) -> str:
    text = foreign(error.diag.message_primary or type(error).__name__)
    return f"refused a write or cannot be used: {text}. Nothing was changed."


def _forbidden(text: str) -> str:
    named = re.search(r"(\w+)$", text)
    what = named[1] if named else ""
    if text.startswith("permission denied for schema"):
        return f"may not be used by this role: GRANT USAGE ON SCHEMA {what} TO ... (docs/ledger.md lists all it needs)."
    if what in RIGHTS:
        return (
            f"may not be used by this role: GRANT {RIGHTS[what]} ON {what} TO ... (docs/ledger.md lists all it needs)."
        )
    return f"may not be used by this role: {foreign(text)}. docs/ledger.md lists the rights that it needs."


def no_connection(error: psycopg.Error, place: str) -> LedgerError:
    """Why none could be opened."""
    return LedgerError(f"The ledger {place} {why_not(error)}")
