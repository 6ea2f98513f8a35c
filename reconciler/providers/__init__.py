"""The vendors by name. A vendor's modules are imported when a connection to it is used, not before."""

from __future__ import annotations

from importlib import import_module

from reconciler.model import Connection
from reconciler.providers.base import Provider

VENDORS = ("conpeek", "intersvyaz", "tel4vn", "thulium")


def provider(connection: Connection) -> Provider:
    """The provider of one connection: `reconciler.providers.<vendor>.provider.provider(connection)`."""
    if connection.vendor not in VENDORS:
        raise KeyError(connection.vendor)
    module = import_module(f"reconciler.providers.{connection.vendor}.provider")
    made: Provider = module.provider(connection)
    return made
