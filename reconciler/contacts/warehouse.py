"""People behind a query of a PostgreSQL database: the declared columns as text, chunk by chunk, out of one snapshot.

The query runs in a transaction that can only read. Nothing that the database says of a row gets into a message.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg
from psycopg.sql import SQL, Composed, Identifier

from reconciler import config
from reconciler.contacts.files import Asked, check_columns
from reconciler.postgresql import address, why_not
from reconciler.redact import foreign

LABEL = "spec.source.sql"
_ROWS_AT_ONCE = 50_000
_SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = '15min'"
_INEXACT = {700: "REAL", 701: "DOUBLE PRECISION", 1700: "NUMERIC"}  # type OIDs: PostgreSQL's pg_type.dat

Connection = psycopg.Connection[tuple[str | None, ...]]


@dataclass(frozen=True, slots=True)
class Warehouse:
    """One query whose columns are known to be there. `place`: database and host, for messages."""

    asked: Asked = field(repr=False)
    place: str
    _url: str = field(repr=False)

    def check(self) -> None:
        """Raises ConfigInvalid where the query or one of its columns cannot be used."""
        with self._snapshot() as db:
            columns = db.execute(SQL("SELECT * FROM {} LIMIT 0").format(self._query())).description or ()
        check_columns(self.asked, LABEL, [column.name for column in columns])
        phone = self.asked.columns["phone"]
        kinds = {column.name: _INEXACT.get(column.type_code) for column in columns}
        if kinds[phone]:
            message = f'{LABEL} has "{phone}" as {kinds[phone]}. A phone number is text: store it as text.'
            raise self.asked.refused(message, "column")

    def chunks(self) -> Iterator[Mapping[str, Sequence[str | None]]]:
        """Our names -> values of some rows. The order depends on the rows alone: read twice, the same.

        Raises ConfigInvalid where the query fails.
        """
        names = list(self.asked.columns)
        chosen = [SQL('{}::text COLLATE "C"').format(Identifier(self.asked.columns[name])) for name in names]
        order = SQL(", ").join(SQL(str(number)) for number in range(1, len(names) + 1))
        query = SQL("SELECT {} FROM {} ORDER BY {}").format(SQL(", ").join(chosen), self._query(), order)
        with self._snapshot() as db, db.cursor("people") as rows:
            rows.execute(query)
            while some := rows.fetchmany(_ROWS_AT_ONCE):
                yield dict(zip(names, map(list, zip(*some, strict=True)), strict=True))

    def _query(self) -> Composed:
        written = self.asked.origin.sql_query.strip().removesuffix(";")
        return SQL("(\n{}\n) AS source").format(_verbatim(written))

    @contextmanager
    def _snapshot(self) -> Iterator[Connection]:
        refused = ""
        try:
            with psycopg.connect(self._url, autocommit=True, prepare_threshold=None) as db:
                db.execute(_SNAPSHOT)
                yield db
        except psycopg.Error as error:
            refused = self._why(error)
        if refused:
            raise self.asked.refused(refused, "sql")

    def _why(self, error: psycopg.Error) -> str:
        """Only errors about the query itself are quoted: others may quote what is in a row."""
        code = error.sqlstate or ""
        if not code and isinstance(error, psycopg.OperationalError):
            return f"the database {self.place} {why_not(error)}"
        if code.startswith("42"):
            return f"the query of {LABEL} is refused by {self.place}: {foreign(error.diag.message_primary or '')}."
        return f"the query of {LABEL} failed at {self.place} ({type(error).__name__}). Run it there by hand to see why."


def _verbatim(text: str) -> SQL:
    """What the declaration says, braces and all."""
    return SQL(text.replace("{", "{{").replace("}", "}}"))


def warehouse(asked: Asked) -> Warehouse:
    """Open a source that is a query. Raises ConfigInvalid where it cannot be used."""
    reference = asked.origin.sql_url
    assert reference is not None, "asked of SQL sources only"
    url = config.reveal(reference, asked.environ, asked.root, used=asked.owner, source=asked.declared)
    try:
        opened = Warehouse(asked, *address(url, "the database"))
    except ValueError as refused:
        raise asked.refused(str(refused), "sql") from None
    opened.check()
    return opened
