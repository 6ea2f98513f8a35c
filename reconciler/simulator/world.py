"""The world a simulated vendor lives in: time, switches, credentials. No vendor's own state, no server."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from .vendor import Vendor

Credentials = Mapping[str, Mapping[str, str]]
"""Vendor -> credential name, as a Connection spells it -> value."""

CREDENTIALS: Credentials = {
    "conpeek": {"apiKey": "conpeek-simulator-key"},
    "thulium": {"username": "api_user", "password": "thulium-simulator-password"},
    "tel4vn": {"apiKey": "tel4vn-simulator-key"},
    "intersvyaz": {
        "token": "intersvyaz-simulator-token",
        "username": "dialog",
        "password": "intersvyaz-simulator-password",
    },
}
"""What the four vendors let in unless told otherwise. Made up: they open nothing but the simulator."""


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class World:
    """Everything around the vendors that a test or a user may set; times are aware."""

    credentials: Credentials = field(default_factory=lambda: CREDENTIALS)
    clock: Callable[[], datetime] = utc_now
    offset: timedelta = timedelta()
    switches: dict[str, dict[str, str]] = field(default_factory=dict)
    """Vendor -> switch -> chosen value; what is left out has its default."""
    latency_ms: float = 0
    tokens: dict[str, set[str]] = field(default_factory=dict)

    def now(self) -> datetime:
        """The vendors' time: the clock, moved by `offset`."""
        return self.clock() + self.offset

    def switch(self, vendor: Vendor, name: str) -> str:
        """The value chosen for one of the vendor's switches, else its default."""
        return self.switches.get(vendor.name, {}).get(name) or vendor.SWITCHES[name][0]

    def issue_token(self, vendor: Vendor) -> str:
        """A new login token that the vendor knows until it is expired."""
        token = secrets.token_urlsafe(32)
        self.tokens.setdefault(vendor.name, set()).add(token)
        return token

    def knows_token(self, vendor: Vendor, token: str) -> bool:
        return token in self.tokens.get(vendor.name, ())

    def expire_tokens(self, vendor: str) -> None:
        """The vendor forgets every token it gave out."""
        self.tokens.pop(vendor, None)
