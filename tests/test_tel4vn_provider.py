"""TEL4VN over real sockets: one life of a campaign under everything the vendor's pages leave open, and under lost replies."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from reconciler.diff import changes
from reconciler.errors import OutcomeUnknown, ReadIncomplete, Rejected, Unauthorized
from reconciler.model import (
    WEEKDAYS,
    Contact,
    FieldChange,
    Key,
    Live,
    LiveContact,
    Person,
    Phone,
    Resource,
    RunState,
    Source,
    Spec,
)
from reconciler.providers.base import Edit, Leaving, Observation, Wanted
from reconciler.providers.tel4vn.provider import Tel4vn
from reconciler.simulator.faults import Faults, Rule
from reconciler.simulator.server import Running, running
from reconciler.simulator.tel4vn import Tel4vn as Simulated
from reconciler.simulator.world import World
from tests.support import SECRETS, DirectWriter, connection, writer

VENDOR = Tel4vn(connection("tel4vn", page_size=40))
WEEK: Any = {day: [["08:30", "17:00"]] for day in WEEKDAYS}
SPEC: dict[str, Any] = {
    "displayName": "Spring renewals 2026",
    "schedule": {"timezone": "Asia/Bangkok", "windows": {**WEEK, "sun": []}},
    "recall": {
        "maxAttempts": 4,
        "after": "30m",
        "outcomes": ["busy", "failed", "no_answer"],
        "priority": "recalls_first",
        "minTalk": "10s",
    },
    "type": "autocall",
    "type_autocall": "autocall_audio",
    "description": "Renewal notices",
    "carrier": "Viettel trunk A",
    "template": "Renewal notice",
    "concurrent_call": 5,
    "ratio": 150,
    "call_timeout": "45s",
    "mode_call": "parralel",
    "network": {"viettel": 5, "mobi": 3},
    "callback_url": "https://hooks.acme.example/cdr",
    "local_start_time": "08:00",
    "hopper": 30,
    "allow_manual_dial": False,
    "extensions": ["101", "102"],
    "closedDays": "zero",
    "lead": {"lead_name": "first"},
}
# Under this one a day without calls cannot be written; a test of its own.
EVERY_SWITCH = [
    (name, value)
    for name, values in Simulated.SWITCHES.items()
    for value in values
    if (name, value) != ("closed_day", "refused")
]
_LISTENING = ExitStack()
pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Site:
    """A tenant, and what it holds behind the API's back."""

    def __init__(self, here: Running, direct: DirectWriter) -> None:
        self.here, self.direct = here, direct
        vendor = here.simulator.vendors["tel4vn"]
        assert isinstance(vendor, Simulated)
        self.vendor = vendor

    def campaign(self, uuid: str) -> dict[str, Any]:
        held: dict[str, Any] = self.vendor.snapshot()["campaigns"][uuid]
        return dict(held)

    def named(self, name: str) -> str:
        (uuid,) = [u for u, row in self.vendor.snapshot()["campaigns"].items() if row["campaign_name"] == name]
        return str(uuid)

    def fail(self, fault: Any, path: str, method: str | None = None, **more: Any) -> None:
        self.here.simulator.faults = Faults([Rule(fault, method=method, path=path, **more)])

    async def see(self, resource: Resource, uuid: str | None = None) -> Observation:
        return await VENDOR.observe(self.direct, [Wanted(resource.name, uuid, resource.spec)])

    async def held(self, live: Live, container: str) -> list[LiveContact]:
        return [contact async for contact in VENDOR.read_contacts(self.direct, live, container)]

    def sent(self) -> list[tuple[str, str]]:
        return [(entry.method, entry.path) for entry in self.here.simulator.log if entry.method != "GET"]


@cache
def simulator() -> Running:
    """One for all tests of this module: starting and stopping it takes longer than most of them."""
    return _LISTENING.enter_context(running(World(credentials=SECRETS, seeded=True)))


@pytest.fixture(scope="module", autouse=True)
def _stopped_at_the_end() -> Iterator[None]:
    with _LISTENING:
        yield
    simulator.cache_clear()


@asynccontextmanager
async def site(**switches: str) -> AsyncIterator[Site]:
    """A tenant as it was seeded, with these answers to the open questions."""
    here = simulator()
    here.simulator.reset()
    here.world.switches["tel4vn"] = switches
    async with writer("tel4vn", here.base_url("tel4vn")) as direct:
        yield Site(here, direct)


def declared(spec: Spec | None = None) -> Resource:
    key = Key("tel4vn-test", "campaign", "spring")
    return Resource(key, "tel4vn", SPEC if spec is None else spec, Source("spring.yaml", 1), contacts=("may",))


def person(index: int, **fields: str) -> Contact:
    number = f"+8438{index:07}"
    return Contact(Person(number.encode().rjust(16)), Phone(number), fields)


def crowd(count: int) -> list[Contact]:
    return [person(n, first=f"Person {n}", contract_number=f"C{n}") for n in range(count)]


async def created(here: Site, spec: Spec | None = None) -> tuple[Resource, Live]:
    resource = VENDOR.canonical(declared(spec), (await here.see(declared(spec))).references)
    return resource, await VENDOR.create(here.direct, resource, [])


# ---- one life ---------------------------------------------------------------------------------------------------------


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


# ---- the open questions that need a scene of their own ----------------------------------------------------------------


async def test_a_day_without_calls_that_the_vendor_refuses_is_passed_on() -> None:
    async with site(closed_day="refused") as here:
        with pytest.raises(Rejected, match="sunday"):
            await created(here)
        made = here.campaign(here.named("Spring renewals 2026"))
        assert made["status"] == "stop"
        resource, live = await created(here, {**SPEC, "schedule": {"timezone": "Asia/Bangkok", "windows": WEEK}})
        assert changes(resource.spec, {**resource.spec, **live.spec}) == ()
        assert live.vendor_id == made["campaign_uuid"]


@pytest.mark.parametrize(
    ("switches", "kept"),
    [
        ({}, True),
        ({"put": "keep"}, True),
        ({"read_assignments": "stored"}, True),
        ({"read_assignments": "stored", "put_null_assignments": "cleared"}, True),
        ({"read_assignments": "stored", "put_null_assignments": "cleared", "put": "keep"}, True),
        # Agents that can be neither read nor left alone: only declared `extensions` bring them back.
        ({"put_null_assignments": "cleared"}, False),
    ],
)
async def test_agents_assigned_in_the_panel_stay_where_the_vendor_gives_a_way(
    switches: dict[str, str], kept: bool
) -> None:
    async with site(**switches) as here:
        uuid = here.named("Nhac lich hen")
        before = here.campaign(uuid)
        assert before["users"]
        assert before["groups"]
        (live,) = [found for found in (await here.see(declared({}), uuid)).live if found.complete]
        fields = [FieldChange(("hopper",), 20, 30)]
        live = await VENDOR.update(here.direct, live, declared({"hopper": 30}), fields)
        after = here.campaign(uuid)
        assert ((after["users"], after["groups"]) == (before["users"], before["groups"])) is kept
        assert (after["status"], after["hopper"], live.run) == ("start", 30, RunState.RUNNING)
        assert after["recall_status"] == before["recall_status"]


async def test_declared_extensions_survive_a_put_that_clears_them() -> None:
    async with site(put_null_assignments="cleared") as here:
        resource, live = await created(here)
        users = here.campaign(live.vendor_id)["users"]
        changed = replace(resource, spec={**resource.spec, "hopper": 40})
        await VENDOR.update(here.direct, live, changed, [FieldChange(("hopper",), 30, 40)])
        assert here.campaign(live.vendor_id)["users"] == users
        assert len(users) == 2


async def test_a_campaign_that_is_born_dialling_never_dials() -> None:
    async with site(create_status="start") as here:
        _, live = await created(here)
        assert live.run is RunState.STOPPED
        assert here.campaign(live.vendor_id)["active"] is False
        assert [method for method, _ in here.sent()[1:3]] == ["POST", "PATCH"]


async def test_a_paused_campaign_is_neither_and_can_be_started() -> None:
    async with site() as here:
        resource, live = await created(here)
        here.vendor.edit("campaign", live.vendor_id, {"status": "pause"})
        (paused,) = [found for found in (await here.see(resource, live.vendor_id)).live if found.complete]
        assert paused.run is RunState.PAUSED
        assert (await VENDOR.start(here.direct, paused)).run is RunState.RUNNING


@pytest.mark.parametrize("second", ["kept", "dropped"])
async def test_a_second_row_of_windows_is_seen_and_replaced_when_the_schedule_is_ours(second: str) -> None:
    async with site(second_schedule=second) as here:
        resource, live = await created(here)
        evening = {f"{day}_{edge}_time": 0 for day in ("monday",) for edge in ("start", "end")}
        evening["monday_start_time"], evening["monday_end_time"] = 18 * 3600 * 10**9, 20 * 3600 * 10**9
        first = here.campaign(live.vendor_id)["schedules"][0]
        here.vendor.edit("campaign", live.vendor_id, {"schedules": [first, evening]})
        (drifted,) = [found for found in (await here.see(resource, live.vendor_id)).live if found.complete]
        fields = changes(resource.spec, {**resource.spec, **drifted.spec})
        assert [change.path for change in fields] == [("schedule", "windows", "mon")]
        assert fields[0].before == [["08:30", "17:00"], ["18:00", "20:00"]]
        mended = await VENDOR.update(here.direct, drifted, resource, fields)
        assert changes(resource.spec, {**resource.spec, **mended.spec}) == ()
        assert len(here.campaign(live.vendor_id)["schedules"]) == 1


@pytest.mark.parametrize(
    ("switches", "states"),
    [
        ({"duplicate_leads": "refused"}, ["confirmed", "rejected", "confirmed"]),
        ({"duplicate_leads": "refused", "taken_code": "409"}, ["confirmed", "rejected", "confirmed"]),
        ({"duplicate_leads": "ignored"}, ["in_doubt"] * 3),
    ],
)
async def test_one_who_is_on_the_list_already_spoils_nobody_else(switches: dict[str, str], states: list[str]) -> None:
    async with site(**switches) as here:
        resource, live = await created(here)
        container = await VENDOR.open(here.direct, live, resource, "may")
        people = crowd(3)
        here.vendor.edit("lead", None, {"list_uuid": container, "phone_number": "0380000001"})
        await VENDOR.add(here.direct, live, resource, container, people)
        told = [item.state for receipt in here.direct.receipts for item in receipt.items]
        assert told == states
        assert len(await here.held(live, container)) == 3
        assert {here.vendor.dials()[contact.phone.reveal()] for contact in people} == {1}


@pytest.mark.parametrize("list_names", ["tenant", "campaign"])
async def test_a_campaign_that_comes_back_gets_a_list_of_its_own(list_names: str) -> None:
    async with site(orphans="kept", list_names=list_names) as here:
        resource, live = await created(here)
        old = await VENDOR.open(here.direct, live, resource, "may")
        await VENDOR.delete(here.direct, await VENDOR.stop(here.direct, live))
        again = await VENDOR.create(here.direct, resource, [])
        assert await VENDOR.open(here.direct, again, resource, "may") not in ("", old)


async def test_a_renamed_campaign_keeps_its_list() -> None:
    async with site() as here:
        resource, live = await created(here)
        container = await VENDOR.open(here.direct, live, resource, "may")
        renamed = replace(resource, spec={**resource.spec, "displayName": "Summer"})
        live = await VENDOR.update(here.direct, live, renamed, [FieldChange(("displayName",), live.name, "Summer")])
        assert live.name == "Summer"
        assert await VENDOR.open(here.direct, live, renamed, "may") == container
        assert await VENDOR.open(here.direct, live, renamed, "june") != container


# ---- lost replies and bad days ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("taken", ["400", "409", "422"])
@pytest.mark.parametrize("fault", ["drop", "reset", 502])
async def test_a_create_whose_reply_is_lost_is_taken_up_by_the_next_one(taken: str, fault: Any) -> None:
    async with site(taken_code=taken) as here:
        here.fail(fault, "^/v3/campaign$", "POST", nth=1, when="after")
        with pytest.raises(OutcomeUnknown):
            await created(here)
        resource, live = await created(here)
        assert changes(resource.spec, {**resource.spec, **live.spec}) == ()
        assert here.named("Spring renewals 2026") == live.vendor_id


async def test_a_namesake_of_somebody_else_is_left_alone() -> None:
    async with site() as here:
        uuid = here.named("Nhac lich hen")
        before = here.campaign(uuid)
        with pytest.raises(Rejected, match="namesake"):
            await created(here, {**SPEC, "displayName": "Nhac lich hen"})
        assert here.campaign(uuid) == before


async def test_a_list_whose_reply_is_lost_is_found_again() -> None:
    async with site() as here:
        resource, live = await created(here)
        here.fail("drop", "^/v3/list$", "POST", nth=1, when="after")
        with pytest.raises(OutcomeUnknown):
            await VENDOR.open(here.direct, live, resource, "may")
        found = await VENDOR.open(here.direct, live, resource, "may")
        assert [u for u, row in here.vendor.snapshot()["lists"].items() if row["campaign_uuid"] == live.vendor_id] == [
            found
        ]


async def test_a_batch_of_which_only_some_went_in_is_in_doubt_as_a_whole() -> None:
    async with site() as here:
        resource, live = await created(here)
        container = await VENDOR.open(here.direct, live, resource, "may")
        here.fail("partial", "^/v3/lead/multi$", items=2)
        await VENDOR.add(here.direct, live, resource, container, crowd(5))
        assert [item.state for item in here.direct.receipts[-1].items] == ["in_doubt"] * 5
        assert len(await here.held(live, container)) == 2


@pytest.mark.parametrize("fault", ["html", "empty"])
async def test_a_listing_that_is_none_ends_the_read(fault: str) -> None:
    async with site() as here:
        here.fail(fault, "^/v3/carrier$", when="after")
        with pytest.raises((ReadIncomplete, OutcomeUnknown)):
            await here.see(declared())


async def test_reads_go_on_after_a_bad_moment_and_a_stale_token() -> None:
    async with site() as here:
        await here.see(declared())
        here.here.world.expire_tokens("tel4vn")
        here.fail(503, "^/v3/campaign$", "GET", nth=1)
        seen = await here.see(declared())
        assert len(seen.live) == 2


async def test_a_stale_token_is_told_to_the_writer_before_anything_is_done() -> None:
    async with site() as here:
        resource, _ = await created(here)
        here.here.world.expire_tokens("tel4vn")
        with pytest.raises(Unauthorized):
            await VENDOR.create(here.direct, replace(resource, spec={**resource.spec, "displayName": "Two"}), [])
        assert len(here.vendor.snapshot()["campaigns"]) == 3


async def test_planning_reads_send_nothing_that_could_change_anything() -> None:
    async with site() as here:
        resource, live = await created(here)
        container = await VENDOR.open(here.direct, live, resource, "may")
        count = len(here.sent())
        await here.see(resource, live.vendor_id)
        await here.held(live, container)
        assert here.sent()[count:] == []


def paths(calls: Sequence[tuple[str, str]]) -> set[str]:
    return {path for _, path in calls}


async def test_no_call_ever_places_a_call() -> None:
    async with site() as here:
        resource, live = await created(here)
        container = await VENDOR.open(here.direct, live, resource, "may")
        await VENDOR.add(here.direct, live, resource, container, crowd(3))
        await VENDOR.start(here.direct, live)
        assert not any("autocall" in path for path in paths(here.sent()))
