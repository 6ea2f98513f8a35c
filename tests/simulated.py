"""One simulated vendor, called in memory: what the tests of the vendor modules share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from starlette.routing import Router
from starlette.types import Receive, Scope, Send

from reconciler.simulator.vendor import FIRST_ITEMS, Vendor
from reconciler.simulator.world import World

START = datetime(2026, 6, 1, 8, 0, tzinfo=UTC)


class Simulated:
    """A vendor in a world whose clock stands still until it is moved."""

    def __init__(self, kind: Callable[[World], Vendor], headers: Mapping[str, str]) -> None:
        self.world = World(clock=lambda: START)
        self.vendor = kind(self.world)
        self.headers = headers
        self.first_items: int | None = None
        """What the fault `partial` would leave of a batch."""
        self._router = Router(self.vendor.routes(), redirect_slashes=False)

    def switch(self, **values: str) -> None:
        chosen = self.world.switches.setdefault(self.vendor.name, {})
        for name, value in values.items():
            assert value in self.vendor.SWITCHES[name]
            chosen[name] = value

    def later(self, **time: float) -> None:
        self.world.offset += timedelta(**time)

    def get(self, path: str, **query: Any) -> httpx.Response:
        return self.call("GET", path, params=query or None)

    def call(self, method: str, path: str, body: Any = None, **options: Any) -> httpx.Response:
        """One call; `body` goes out as JSON, `options` are those of httpx."""
        return asyncio.run(self._call(method, path, {"json": body} | {"headers": self.headers} | options))

    async def _call(self, method: str, path: str, options: dict[str, Any]) -> httpx.Response:
        transport = httpx.ASGITransport(self._serve)
        async with httpx.AsyncClient(transport=transport, base_url="http://vendor") as client:
            return await client.request(method, path, **options)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._router({**scope, FIRST_ITEMS: self.first_items}, receive, send)
