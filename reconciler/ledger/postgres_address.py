"""Where a PostgreSQL ledger is and how it is reached: the URL, taken apart and checked; TLS; a connection. No statement of ours.

The URL is a secret, since it may hold a password: it is in no message, no cause and no repr. Host and database may be named.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import psycopg
import stamina

from reconciler.errors import LedgerError
from reconciler.ledger.postgres_errors import no_connection
from reconciler.ledger.sql import Row
from reconciler.postgresql import address

Connection = psycopg.Connection[Row]

BACK_SECONDS = 15.0  # how long a server that was there a moment ago may take to come back


@dataclass(frozen=True, slots=True)
class Server:
    """`place`: database and host, for messages."""

    place: str
    _url: str = field(repr=False)

    def connect(self) -> Connection:
        """Raises LedgerError, saying why not."""
        try:
            return self._connect()
        except psycopg.Error as error:
            raise no_connection(error, self.place) from None

    def reconnect(self) -> Connection:
        """As `connect`, but a server that is being restarted is waited for."""
        attempts = stamina.retry_context(
            on=psycopg.OperationalError, timeout=BACK_SECONDS, attempts=None, wait_initial=0.1, wait_max=1.0
        )
        try:
            for attempt in attempts:
                with attempt:
                    return self._connect()
        except psycopg.Error as error:
            raise no_connection(error, self.place) from None
        raise AssertionError("the last attempt returns or raises")  # pragma: no cover - for the type checker

    def _connect(self) -> Connection:
        return psycopg.connect(self._url, autocommit=True, prepare_threshold=None)


def server(url: str) -> Server:
    """Raises LedgerError where the URL cannot be read, or asks for less than a verified connection."""
    try:
        return Server(*address(url, "the ledger"))
    except ValueError as refused:
        raise LedgerError(str(refused)) from None
