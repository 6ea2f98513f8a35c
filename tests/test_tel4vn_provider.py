"""TEL4VN over real sockets: one life of a campaign under every answer to everything the vendor's pages leave open."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from reconciler.diff import changes
from reconciler.errors import Rejected
from reconciler.model import FieldChange, Live, Resource, RunState
from reconciler.providers.base import Edit, Leaving
from reconciler.simulator.tel4vn import Tel4vn as Simulated
from tests.tel4vn_site import VENDOR, Site, created, crowd, listening, person, site

# Under this one a day without calls cannot be written; a test of its own.
EVERY_SWITCH = [
    (name, value)
    for name, values in Simulated.SWITCHES.items()
    for value in values
    if (name, value) != ("closed_day", "refused")
]
pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module", autouse=True)
def _tenant() -> Iterator[None]:
    with listening():
        yield


@pytest.mark.parametrize(("switch", "value"), EVERY_SWITCH)
async def test_a_campaign_lives_and_dies_under_every_answer_to_every_open_question(switch: str, value: str) -> None:
    async with site(**{switch: value}) as here:
        before = here.vendor.snapshot()["campaigns"]
        resource, live = await created(here)
        await assert_as_declared(here, resource, live)
        container = await assert_people_come_and_change(here, resource, live)
        live = await assert_changes_touch_nothing_else(here, resource, live)
        live = await assert_it_dials_and_stops(here, live)
        await assert_it_goes(here, resource, live, container)
        after = here.vendor.snapshot()["campaigns"]
        assert after == before
        assert set(here.vendor.dials().values()) == {1}


async def assert_as_declared(here: Site, resource: Resource, live: Live) -> None:
    """Created inert, whole, marked, and a second look finds nothing to change."""
    assert live.run is RunState.STOPPED
    assert changes(resource.spec, {**resource.spec, **live.spec}) == ()
    stored = here.campaign(live.vendor_id)
    assert stored["description"] == "Renewal notices [rc:k3f9qa]"
    assert len(stored["users"]) == 2
    assert stored["schedules"][0]["sunday_end_time"] == 0
    seen = (await here.see(resource, live.vendor_id)).live
    (again,) = [found for found in seen if found.complete]
    assert (again.vendor_id, again.spec, again.run) == (live.vendor_id, live.spec, RunState.STOPPED)
    assert {found.name for found in seen if not found.complete} == {"Nhac lich hen", "Khao sat hai long"}
    (by_name,) = [found for found in (await here.see(resource)).live if found.complete]
    assert by_name.spec == live.spec


async def assert_people_come_and_change(here: Site, resource: Resource, live: Live) -> str:
    container = await VENDOR.open(here.direct, live, resource, "may")
    assert await VENDOR.open(here.direct, live, resource, "may") == container
    people = crowd(130)
    await VENDOR.add(here.direct, live, resource, container, people)
    await VENDOR.add(here.direct, live, resource, container, [person(900, first="An", lead_code="K1", due="5")])
    held = {contact.phone: contact for contact in await here.held(live, container)}
    assert set(held) == {contact.phone for contact in people} | {person(900).phone}
    assert held[people[7].phone].fields["contract_number"] == "C7"
    last = held[person(900).phone]
    assert (last.fields["lead_name"], last.fields["lead_code"], last.fields["additional"]) == (
        "An",
        "K1",
        '{"due":"5"}',
    )
    await VENDOR.edit(here.direct, live, container, [Edit(last, person(900, first="Binh", due="7"))])
    held = {contact.phone: contact for contact in await here.held(live, container)}
    edited = held[last.phone]
    assert (edited.vendor_id, edited.fields) == (
        last.vendor_id,
        {**last.fields, "lead_name": "Binh", "additional": '{"due":"7"}'},
    )
    await VENDOR.withdraw(here.direct, live, container, [Leaving(person(900).person, last)])
    await VENDOR.withdraw(here.direct, live, container, [Leaving(person(900).person, last)])
    assert [receipt.items[0].state for receipt in here.direct.receipts[-2:]] == ["confirmed", "already"]
    assert len(await here.held(live, container)) == 130
    return container


async def assert_changes_touch_nothing_else(here: Site, resource: Resource, live: Live) -> Live:
    before = here.campaign(live.vendor_id)
    spec: dict[str, Any] = {**resource.spec, "concurrent_call": 7, "network": {"viettel": 6, "mobi": 3}}
    fields = [FieldChange(("concurrent_call",), 5, 7), FieldChange(("network", "viettel"), 5, 6)]
    found = await VENDOR.update(here.direct, live, replace(resource, spec=spec), fields)
    assert changes(spec, {**spec, **found.spec}) == ()
    after = here.campaign(live.vendor_id)
    expected = {**before, "concurrent_call": 7, "network": {**before["network"], "viettel": 6}}
    assert unstamped(after) == unstamped(expected)
    return found


def unstamped(row: dict[str, Any]) -> dict[str, Any]:
    """A stored campaign without what the vendor renews at every write."""
    rows = [{name: value for name, value in each.items() if name != "id"} for each in row["schedules"]]
    return {**row, "schedules": rows, "updated_at": ""}


async def assert_it_dials_and_stops(here: Site, live: Live) -> Live:
    live = await VENDOR.start(here.direct, live)
    assert live.run is RunState.RUNNING
    runs = here.campaign(live.vendor_id)["run_id"]
    assert (await VENDOR.start(here.direct, live)).run is RunState.RUNNING
    assert here.campaign(live.vendor_id)["run_id"] == runs
    live = await VENDOR.stop(here.direct, live)
    assert live.run is RunState.STOPPED
    live = await VENDOR.start(here.direct, live)
    assert live.run is RunState.RUNNING
    assert live.spec["lead"] == {"lead_name": "first"}
    return live


async def assert_it_goes(here: Site, resource: Resource, live: Live, container: str) -> None:
    with pytest.raises(Rejected, match="campaign must be deactive"):
        await VENDOR.delete(here.direct, live)
    await VENDOR.delete(here.direct, await VENDOR.stop(here.direct, live))
    await VENDOR.delete(here.direct, live)
    assert not any(found.complete for found in (await here.see(resource, live.vendor_id)).live)
