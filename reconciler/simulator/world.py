"""The world the simulated vendors live in: time, switches, credentials, faults. No vendor's own state, no server."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from .faults import Rule
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
    """Everything around the vendors that a test or a user may set; times are aware.

    A reset brings switches, latency, offset, faults and seed back to what the world was made with.
    """

    credentials: Credentials = field(default_factory=lambda: CREDENTIALS)
    clock: Callable[[], datetime] = utc_now
    offset: timedelta = timedelta()
    switches: dict[str, dict[str, str]] = field(default_factory=dict)
    """Vendor -> switch -> chosen value; what is left out has its default."""
    latency_ms: float = 0
    """What every call takes before the vendor works on it."""
    faults: Sequence[Rule] = ()
    seeded: bool = False
    """Start with every vendor's seed instead of empty accounts."""
    tokens: dict[str, dict[str, datetime]] = field(default_factory=dict)
    """Vendor -> login token -> when it was given out."""

    def now(self) -> datetime:
        """The vendors' time: the clock, moved by `offset`."""
        return self.clock() + self.offset

    def set_clock(self, now: datetime) -> None:
        """Let it be `now` (aware); time goes on from there. TypeError for a naive time."""
        self.offset = now - self.clock()

    def switch(self, vendor: Vendor, name: str) -> str:
        """The value chosen for one of the vendor's switches, else its default."""
        return self.switches.get(vendor.name, {}).get(name) or vendor.SWITCHES[name][0]

    def issue_token(self, vendor: Vendor) -> str:
        """A new login token that the vendor knows until it is expired."""
        token = secrets.token_urlsafe(32)
        self.tokens.setdefault(vendor.name, {})[token] = self.now()
        return token

    def knows_token(self, vendor: Vendor, token: str, lifetime: timedelta = timedelta.max) -> bool:
        """Whether the token was issued, not expired by hand, and is at most `lifetime` old."""
        issued = self.tokens.get(vendor.name, {}).get(token)
        return issued is not None and self.now() - issued <= lifetime

    def expire_tokens(self, vendor: str) -> None:
        """The vendor forgets every token it gave out."""
        self.tokens.pop(vendor, None)
