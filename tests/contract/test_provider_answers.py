"""A vendor's answers as they may be tomorrow: every object in them has a field that no page knows. Nothing breaks, nothing is lost."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from reconciler.model import RunState
from reconciler.providers.base import Edit, Leaving
from reconciler.simulator.server import Running
from tests.contract.family import Family
from tests.contract.passes import Site, site
from tests.contract.providers import FAMILIES, declaring

pytestmark = pytest.mark.anyio
each_family = pytest.mark.parametrize("family", FAMILIES, ids=str)
LATER: dict[str, Any] = {"x_later": {"of": [2031, None]}}


class Tomorrow(httpx.AsyncBaseTransport):
    """Sockets, and a field more in every object that comes back."""

    def __init__(self) -> None:
        self._today = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await self._today.handle_async_request(request)
        body = await answer.aread()
        try:
            content = json.dumps(with_more(json.loads(body))).encode()
        except ValueError:
            content = body
        return httpx.Response(answer.status_code, content=content)

    async def aclose(self) -> None:
        await self._today.aclose()


def with_more(value: Any) -> Any:
    if isinstance(value, list):
        return [with_more(item) for item in value]
    if isinstance(value, dict):
        return {**{name: with_more(item) for name, item in value.items()}, **LATER}
    return value


@each_family
async def test_a_whole_life_under_answers_with_unknown_fields(here: Running, family: Family) -> None:
    table, chosen = family.table, [family.person(index, family.edit[0]) for index in range(3)]
    async with site(here, family, Tomorrow()) as there:
        container = await there.filled(chosen)
        if table.update:
            await there.settle(declaring(family, "displayName", "Later"))
        if table.contacts.read:
            await people_come_and_go(there, container)
        if table.dial:
            for wanted in (RunState.RUNNING, RunState.STOPPED):
                live = await there.settle(there.applied, run=wanted)
                assert live is not None and live.run is wanted
        if table.delete:
            await there.provider.delete(there.direct, there.seen)
        assert all(there.vendor.dials()[contact.phone.reveal()] == 1 for contact in chosen)


async def people_come_and_go(there: Site, container: str) -> None:
    family, rules = there.family, there.family.table.contacts
    rows = {row.phone: row for row in await there.read(container)}
    one, other = family.person(0, family.edit[1]), family.person(1)
    if rules.update:
        await there.takes.edit(there.direct, there.seen, container, [Edit(rows[one.phone], one)])
        assert family.edit[1].items() <= there.held()[one.phone.reveal()].items()
    if rules.withdraw:
        await there.takes.withdraw(there.direct, there.seen, container, [Leaving(other.person, rows[other.phone])])
        assert other.phone.reveal() not in there.held()


@pytest.mark.parametrize("family", [family for family in FAMILIES if family.whole], ids=str)
async def test_what_an_update_replaces_as_a_whole_goes_back_with_its_unknown_fields(
    here: Running, family: Family
) -> None:
    """Where a write replaces the object, a field that we do not know would be lost if it did not go back."""
    async with site(here, family) as there:
        await there.settle(family.base)
        there.vendor.edit("campaign", there.id, {"x_later": 7, "users": ["somebody"]})
        since = len(here.simulator.log)
        await there.settle(declaring(family, "displayName", "Later"))
        replaced = [json.loads(entry.body) for entry in there.sent(since) if entry.method == "PUT"]
        assert [body["x_later"] for body in replaced] == [7]
        assert there.stored()[0]["x_later"] == 7
        assert there.stored()[0]["users"] == ["somebody"]
