"""Which host a credential may be sent to. `baseUrl` stands in a pull request; without this it would be the way to steal a key."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

from reconciler.errors import Blocked

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def is_loopback(host: str) -> bool:
    try:
        return host in LOOPBACK or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_private(address: str) -> bool:
    """Whether a resolved address is one that no public vendor has."""
    return not ipaddress.ip_address(address.split("%")[0]).is_global


def host_of(url: str) -> str:
    return (urlsplit(url).hostname or "").lower()


def _matches(host: str, pattern: str) -> bool:
    return host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern


def bound_host(connection: str, url: str, known: Iterable[str], allowed: Iterable[str]) -> str:
    """The host of `url`, once it is sure that this connection's key may go there. Raises Blocked.

    `known`: the vendor's own host patterns; `allowed`: RECONCILER_ALLOWED_HOSTS. A leading `*.` stands for any subdomain.
    """
    parts = urlsplit(url)
    host = host_of(url)
    if is_loopback(host) and parts.scheme in {"http", "https"}:
        return host
    if parts.scheme != "https" or not host or parts.username or parts.query or parts.fragment:
        raise Blocked(
            f"{connection}: baseUrl must be https://host[/path], without user, query or fragment. Nothing was sent."
        )
    if any(_matches(host, pattern) for pattern in (*known, *allowed)):
        return host
    raise Blocked(
        f"{connection}: the key of this connection is not sent to {host}: it is no known host of this vendor. If it is right, "
        f"name it in RECONCILER_ALLOWED_HOSTS where the job's environment is set. Nothing was sent."
    )
