"""How a PostgreSQL server is reached: a URL taken apart and checked, TLS, and why a connection was refused. No statement.

The URL is a secret, since it may hold a password: it is in no message, no cause and no repr. Host and database may be named.
"""

from __future__ import annotations

import ipaddress
import re
import ssl
from collections.abc import Mapping

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

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
# While a connection is opened there is no code, only what the server says; it says it in English unless it was told otherwise.
_REFUSALS = {
    "authentication failed|no password supplied|no pg_hba|role .* does not exist|not permitted to log in|no such user": "does not let"
    " this user in: check the name and the password in the URL, and that the server allows them from this machine (pg_hba.conf).",
    "database .* does not exist|no such database": "does not exist: create it, or correct its name in the URL.",
    "permission denied for database": "may not be connected to by this user. Its owner can allow it: GRANT CONNECT ON DATABASE ... TO"
    " ...",
    "certificate|SSL|TLS": "does not prove who it is, or speaks no TLS. The name in the URL must be the one in the server's certificate,"
    " and the authority that signed it must be known here; a private one is named in the URL: sslrootcert=/path/to/ca.pem. Nothing was"
    " sent to it, the password included.",
    "too many|remaining connection slots": "has no connection left: raise max_connections, or put a pooler before it.",
    "starting up|shutting down|in recovery mode": "is just starting or stopping. Run again in a moment.",
    "": "cannot be reached: check host and port in the URL, that the server runs, and that this machine may connect to it.",
}


def address(url: str, what: str) -> tuple[str, str]:
    """Database and host, for messages, and how to connect. `what`: whose URL it is, "the ledger".

    Raises ValueError, in words for a user, where the URL cannot be read or asks for less than a verified connection.
    """
    try:
        given = {name: str(value) for name, value in conninfo_to_dict(url).items()}
    except psycopg.Error:
        raise ValueError(f"The URL of {what} cannot be read. It looks like {_EXAMPLE}; {_ESCAPE}") from None
    _check(given, what)
    place = f"{given['dbname']} on {given['host']}"
    return place, make_conninfo(**{**given, **_SETTINGS, **_tls(given, what, place)})


def why_not(error: psycopg.Error) -> str:
    """Why no connection could be opened, after the words "the ledger renewals on db.example"."""
    text = str(error)
    return next(words for pattern, words in _REFUSALS.items() if re.search(pattern, text))


_ESCAPE = "in a password, what is no letter or digit is written as % and two hexadecimal digits."


def _check(given: Mapping[str, str], what: str) -> None:
    for name, what in {"host": "host", "dbname": "database"}.items():
        if not given.get(name):
            raise ValueError(f"The URL of {what} names no {what}. It looks like {_EXAMPLE}.")
    for name in ("options", "service"):
        if name in given:
            raise ValueError(
                f"The URL of {what} has `{name}`, which a pooler does not pass on: nothing of the session may depend on it. Set what"
                " it was for at the role: ALTER ROLE ... SET ..."
            )


def _tls(given: Mapping[str, str], what: str, place: str) -> Mapping[str, str]:
    """verify-full beside loopback: anything less lets whoever stands between read the ledger and write into it."""
    named = [host for name in ("host", "hostaddr") for host in given.get(name, "").split(",") if host or name == "host"]
    mode = given.get("sslmode", "")
    if all(_is_local(host) for host in named):
        return {"sslmode": mode or "allow"}  # encrypted where the server insists: nobody stands between
    if mode not in {"", "verify-full"}:
        raise ValueError(
            f"{what[:1].upper()}{what[1:]} {place}: the URL says sslmode={mode}, but beside loopback the server has to prove who it is."
            " Take it out (verify-full is the default) and, if a private authority signed its certificate, add sslrootcert=/path/to/ca.pem."
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
