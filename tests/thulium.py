"""What the tests of Thulium share: one account behind a router, declarations, people."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
import respx

from reconciler.model import Contact, Json, Key, Live, Person, Phone, Resource, RunState, Source
from reconciler.providers.base import Reply
from reconciler.providers.thulium.provider import Thulium
from tests.support import DirectWriter, connection, writer

BASE = "https://your-system-name.thulium.com/api"
THULIUM = Thulium(connection("thulium"))


def resource(spec: Mapping[str, Json], run: RunState | None = None, vendor_id: str | None = "00001") -> Resource:
    key = Key("thulium-test", "campaign", "spring")
    return Resource(key, "thulium", spec, Source("spring.yaml", 1), run=run, vendor_id=vendor_id)


def person(number: str, key: str = "", mark: str = "rc-k3f9qa0123456789", **fields: str) -> Contact:
    return Contact(Person(f"{number}{key}".encode()[-16:]), Phone(number), fields, mark=mark, key=key)


def live(kind: str = "csv", **more: Any) -> Live:
    return Live("00001", "spring", **{"spec": {"kind": kind}, "run": RunState.STOPPED, **more})


@asynccontextmanager
async def wired(**limits: Any) -> AsyncIterator[tuple[respx.MockRouter, DirectWriter]]:
    router = respx.MockRouter(base_url=BASE)
    async with writer("thulium", BASE, httpx.MockTransport(router.async_handler), **limits) as direct:
        yield router, direct


def sent(router: respx.MockRouter) -> list[str]:
    """Method and path with query of every request, in order."""
    return [f"{call.request.method} {call.request.url.raw_path.decode()}" for call in router.calls]


def answer(content: object, status: int = 207) -> Reply:
    return Reply(status, json.dumps(content).encode())
