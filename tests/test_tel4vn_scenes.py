"""TEL4VN over real sockets: the open questions that need a scene of their own, lost replies and bad days."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from reconciler.diff import changes
from reconciler.errors import OutcomeUnknown, ReadIncomplete, Rejected, Unauthorized
from reconciler.model import FieldChange, RunState
from tests.tel4vn_site import SPEC, VENDOR, WEEK, created, crowd, declared, listening, site

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module", autouse=True)
def _tenant() -> Iterator[None]:
    with listening():
        yield


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
