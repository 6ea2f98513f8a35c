"""Where a PostgreSQL ledger is and how it is reached: the URL, taken apart and checked; TLS; a connection. No statement of ours.

The URL is a secret, since it may hold a password: it is in no message, no cause and no repr. Host and database may be named.
"""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field

import psycopg
import stamina
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from reconciler.errors import LedgerError
from reconciler.ledger.postgres_errors import no_connection
from reconciler.ledger.sql import Row

Connection = psycopg.Connection[Row]

BACK_SECONDS = 15.0  # how long a server that was there a moment ago may take to come back

_SETTINGS = {
    "application_name": "reconciler",
    "client_encoding": "UTF8",
    "connect_timeout": "10",
    "gssencmode": "disable",  # else it would be tried before TLS, and taken instead of it
    "keepalives": "1",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
    "options": "",  # of PGOPTIONS in the environment nothing is taken over
}
_EXAMPLE = "postgresql://USER:PASSWORD@HOST/DATABASE"


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
        given = {name: str(value) for name, value in conninfo_to_dict(url).items()}
    except psycopg.Error:
        raise LedgerError(f"The URL of the ledger cannot be read. It looks like {_EXAMPLE}; {_ESCAPE}") from None
    _check(given)
    place = f"{given['dbname']} on {given['host']}"
    return Server(place, make_conninfo(**{**given, **_SETTINGS, **_tls(given, place)}))


_ESCAPE = "in a password, what is no letter or digit is written as % and two hexadecimal digits."


def _check(given: Mapping[str, str]) -> None:
    for name, what in {"host": "host", "dbname": "database"}.items():
        if not given.get(name):
            raise LedgerError(f"The URL of the ledger names no {what}. It looks like {_EXAMPLE}.")
    for name in ("options", "service"):
        if name in given:
            raise LedgerError(
                f"The URL of the ledger has `{name}`, which a pooler does not pass on: nothing of the session may depend on it. Set what"
                " it was for at the role: ALTER ROLE ... SET ..."
            )


def _tls(given: Mapping[str, str], place: str) -> Mapping[str, str]:
    """verify-full beside loopback: anything less lets whoever stands between read the ledger and write into it."""
    named = [host for name in ("host", "hostaddr") for host in given.get(name, "").split(",") if host or name == "host"]
    mode = given.get("sslmode", "")
    if all(_is_local(host) for host in named):
        return {"sslmode": mode or "allow"}  # encrypted where the server insists: nobody stands between
    if mode not in {"", "verify-full"}:
        raise LedgerError(
            f"The ledger {place}: the URL says sslmode={mode}, but beside loopback the server has to prove who it is. Take it out"
            " (verify-full is the default) and, where its certificate is of a private authority, add sslrootcert=/path/to/ca.pem."
        )
    # The libpq of a wheel does not know where this machine keeps its roots; Python does.
    roots = given.get("sslrootcert") or ssl.get_default_verify_paths().cafile or "system"
    return {"sslmode": "verify-full", "sslrootcert": roots}


def _is_local(host: str) -> bool:
    """Loopback, or the folder of a socket."""
    try:
        return host == "localhost" or host.startswith(("/", "@")) or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
