"""What the tests of TEL4VN share: a declaration, a tenant on a respx router, and what left for it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from copy import deepcopy
from typing import Any

import httpx
import respx

from reconciler.model import WEEKDAYS, Contact, Key, Live, Person, Phone, Resource, Source, Spec
from reconciler.providers.tel4vn import wire
from reconciler.providers.tel4vn.provider import Tel4vn
from tests import tel4vn_samples as samples
from tests.support import DirectWriter, connection, writer

BASE = "https://tenant.tel4vn.example"
TOKEN = "rc:k3f9qa"
UUID = samples.ONE["campaign_uuid"]
ONE = f"/v3/campaign/{UUID}"
LIST_UUID = samples.LEAD["list_uuid"]
VENDOR = Tel4vn(connection("tel4vn"))
NAMES = {
    "carrier": {row["carrier_uuid"]: row["carrier_name"] for row in samples.CARRIERS},
    "template": {row["template_uuid"]: row["template_name"] for row in samples.TEMPLATES},
}
OPEN: Any = {day: [["08:00", "21:00"]] for day in WEEKDAYS}
SCHEDULE: Any = {"timezone": "Asia/Ho_Chi_Minh", "windows": OPEN}
DECLARED: Any = {
    "displayName": "AutocallAudio",
    "schedule": SCHEDULE,
    "recall": {
        "maxAttempts": 4,
        "after": "60s",
        "outcomes": sorted(set(wire.OUTCOMES) - {"answered"}),
        "priority": "new_first",
        "minTalk": "0s",
    },
    "type": "autocall",
    "type_autocall": "autocall_audio",
    "carrier": "Billing",
    "template": "thong_bao_no_cuoc_01",
    "concurrent_call": 5,
    "call_timeout": "60s",
    "mode_call": "direct",
    "network": dict(samples.NETWORK),
    "callback_url": "",
}


def resource(spec: Spec, *sets: str) -> Resource:
    return Resource(Key("tel4vn-test", "campaign", "spring"), "tel4vn", spec, Source("spring.yaml", 1), contacts=sets)


def canonical(spec: Spec) -> Resource:
    return VENDOR.canonical(resource(spec), NAMES)


def person(number: str = "+84349719999", **fields: str) -> Contact:
    return Contact(Person(number.encode()[-16:].rjust(16)), Phone(number), fields)


def campaign(**fields: Any) -> dict[str, Any]:
    return deepcopy({**samples.ONE, **fields})


def live(raw: Mapping[str, Any] = samples.ONE, ours: Spec | None = None) -> Live:
    return wire.live_of(dict(raw), raw["campaign_uuid"], NAMES, ours or {})


@asynccontextmanager
async def wired() -> AsyncIterator[tuple[respx.MockRouter, DirectWriter]]:
    """A tenant whose token call works; everything else is the test's."""
    router = respx.MockRouter(base_url=BASE, assert_all_called=False)
    router.post("/v3/auth/token").respond(json=samples.TOKEN)
    async with writer("tel4vn", BASE, httpx.MockTransport(router.async_handler)) as direct:
        yield router, direct


def sent(router: respx.MockRouter) -> list[tuple[str, str, Any]]:
    """What left beside the login: method, path with query, body."""
    calls = [call.request for call in router.calls if call.request.url.path != "/v3/auth/token"]
    return [(r.method, r.url.raw_path.decode(), json.loads(r.content) if r.content else None) for r in calls]


def answers(*replies: Mapping[str, Any]) -> list[httpx.Response]:
    return [httpx.Response(200, json=reply) for reply in replies]


def refused(status: int, error: object) -> httpx.Response:
    return httpx.Response(status, json={"error": error})
