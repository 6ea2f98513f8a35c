"""What several tests share: connections, an opened account, and a writer that journals nothing but remembers what it sent."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx

from reconciler.model import Connection, Limits, Person, Reference, Source
from reconciler.providers import provider
from reconciler.providers.base import Accept, Call, Receipt, Reply
from reconciler.providers.http import Account

SECRETS: dict[str, dict[str, str]] = {
    "tel4vn": {"apiKey": "tel4vn-key"},
    "thulium": {"username": "api_user", "password": "api_pass"},
    "conpeek": {"apiKey": "conpeek-key"},
    "intersvyaz": {"username": "login", "password": "password"},
}
ZONES = {
    "tel4vn": "Asia/Ho_Chi_Minh",
    "thulium": "Europe/Warsaw",
    "conpeek": "Europe/Warsaw",
    "intersvyaz": "Asia/Yekaterinburg",
}
REGIONS = {"tel4vn": "VN", "thulium": "PL", "conpeek": "PL", "intersvyaz": "RU"}


def connection(vendor: str, **limits: Any) -> Connection:
    return Connection(
        name=f"{vendor}-test",
        vendor=vendor,
        base_url="http://127.0.0.1:1",
        credentials={name: Reference("env", name.upper()) for name in SECRETS[vendor]},
        timezone=ZONES[vendor],
        region=REGIONS[vendor],
        source=Source("connections.yaml", 1),
        limits=Limits(**limits),
    )


class DirectWriter:
    """A Writer without a ledger: sends once, reads the receipt, remembers both."""

    token = "rc:k3f9qa"

    def __init__(self, account: Account) -> None:
        self.account = account
        self.calls: list[Call] = []
        self.receipts: list[Receipt] = []
        self.people: list[tuple[Person, ...]] = []

    async def read(self, call: Call) -> Reply:
        return await self.account.read(call)

    async def write(self, call: Call, accept: Accept, people: Sequence[Person] = ()) -> Receipt:
        self.calls.append(call)
        self.people.append(tuple(people))
        async with self.account.turn():
            receipt = accept(await self.account.send(call))
        self.receipts.append(receipt)
        return receipt


@asynccontextmanager
async def writer(
    vendor: str, base_url: str, transport: httpx.AsyncBaseTransport | None = None, **limits: Any
) -> AsyncIterator[DirectWriter]:
    """An opened account of `vendor` at `base_url`; hand a respx router in as `httpx.MockTransport(router.async_handler)`."""
    link = connection(vendor, **limits)
    async with Account(link, base_url, provider(link).auth, SECRETS[vendor], transport=transport) as account:
        yield DirectWriter(account)


def body(request: httpx.Request) -> Mapping[str, Any]:
    parsed: Mapping[str, Any] = json.loads(request.content)
    return parsed
