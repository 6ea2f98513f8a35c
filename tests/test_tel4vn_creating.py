"""TEL4VN on the wire: a campaign made by POST and PUT, stopped where it is born dialling, switched and deleted."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from reconciler.diff import changes
from reconciler.errors import NotFound, Rejected
from reconciler.model import RunState, Spec
from tests import tel4vn_samples as samples
from tests.support import body
from tests.tel4vn_wired import (
    DECLARED,
    ONE,
    TOKEN,
    UUID,
    VENDOR,
    answers,
    campaign,
    canonical,
    live,
    refused,
    sent,
    wired,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


# ---- creating --------------------------------------------------------------------------------------------------------


async def test_a_campaign_is_posted_read_put_whole_and_read_again() -> None:
    made = campaign(campaign_name="AutocallAudio", description=f"[{TOKEN}]", concurrent_call=5)
    async with wired() as (router, direct):
        router.post("/v3/campaign").respond(json={"campaign_uuid": UUID, "created": True})
        put = router.put(ONE).respond(json={"campaign_uuid": UUID})
        router.get(ONE).mock(
            side_effect=lambda _: httpx.Response(200, json=body(put.calls[0].request) if put.called else made)
        )
        found = await VENDOR.create(direct, canonical(DECLARED), [])
        calls = sent(router)
    assert [call[:2] for call in calls] == [("POST", "/v3/campaign"), ("GET", ONE), ("PUT", ONE), ("GET", ONE)]
    assert calls[0][2] == {
        "campaign_name": "AutocallAudio",
        "type": "autocall",
        "concurrent_call": 5,
        "template_uuid": samples.TEMPLATE,
        "description": f"[{TOKEN}]",
        "type_autocall": "autocall_audio",
    }
    # What the page's own PUT sends, for our campaign; beside it every field that was read and that the sample leaves out.
    mine = {
        "campaign_uuid": UUID,
        "description": f"[{TOKEN}]",
        "created_at": made["created_at"],
        "updated_at": made["updated_at"],
    }
    expected = {**made, **samples.PUT, **mine, **dict.fromkeys(("users", "groups", "statuses"))}
    recalls = ("recall_status",)
    assert {k: v for k, v in calls[2][2].items() if k not in recalls} == {
        k: v for k, v in expected.items() if k not in recalls
    }
    assert sorted(calls[2][2]["recall_status"]) == sorted(samples.EIGHT)
    assert (found.vendor_id, found.run) == (UUID, RunState.STOPPED)
    assert changes(canonical(DECLARED).spec, found.spec) == ()
    assert found.spec["description"] == ""
    assert [receipt.vendor_id for receipt in direct.receipts] == [UUID, UUID]
    assert all(call.repeatable for call in direct.calls)


async def test_a_create_never_leaves_the_recalled_outcomes_to_the_vendor() -> None:
    async with wired() as (router, direct):
        router.post("/v3/campaign").respond(json={"campaign_uuid": UUID, "created": True})
        router.get(ONE).respond(json=samples.ONE)
        router.put(ONE).respond(json={"campaign_uuid": UUID})
        await VENDOR.create(direct, canonical({"type": "manual", "description": "May"}), [])
        _, _, put, _ = sent(router)
    assert put[2]["recall_status"] == ["busy", "congestion", "failed", "no-answered", "not-available", "voicemail"]
    assert put[2]["description"] == f"May [{TOKEN}]"
    assert put[2]["carrier_uuid"] == samples.CARRIER


async def test_an_autodialer_answers_with_more_ids_and_is_left_inactive_as_it_was() -> None:
    uuid = samples.DIALER["campaign_uuid"]
    reply = {
        "call_center_queue_uuid": "ed9c141b-2699-4ad4-beee-15fd4e2ef630",
        "campaign_uuid": uuid,
        "created": True,
        "dialplan_uuid": "07f87476-90e0-4786-b697-1cb84dd0d24c",
    }
    users = [{"extension": "102", "user_uuid": "93b8984b-7a10-4b57-b6fc-6f767d94ea1b"}]
    async with wired() as (router, direct):
        router.post("/v3/campaign").respond(json=reply)
        router.get(f"/v3/campaign/{uuid}").respond(json=samples.DIALER)
        router.put(f"/v3/campaign/{uuid}").respond(json={"campaign_uuid": uuid})
        router.put(f"/v3/campaign/{uuid}/assign_extension").respond(json={"campaign_uuid": uuid, "users": users})
        spec: Spec = {
            "type": "autodialer",
            "ratio": 100,
            "local_start_time": "08:00",
            "extensions": ["102", "103", "101"],
        }
        await VENDOR.create(direct, canonical(spec), [])
        _, _, put, assign, _ = sent(router)
    assert (put[2]["local_start_time"], put[2]["call_center_queue_strategy"], put[2]["schedules"]) == (
        "08:00:00",
        "ring-all",
        None,
    )
    assert assign == ("PUT", f"/v3/campaign/{uuid}/assign_extension", {"extensions": ["102", "103", "101"]})


async def test_a_campaign_that_is_born_dialling_is_stopped_before_anything_else() -> None:
    async with wired() as (router, direct):
        router.post("/v3/campaign").respond(json={"campaign_uuid": UUID, "created": True})
        armed, safe = campaign(status="start"), campaign(status="start", active=False)
        router.get(ONE).mock(side_effect=answers(armed, safe, armed, safe))
        router.put(ONE).respond(json={"campaign_uuid": UUID})
        router.patch(f"{ONE}/active").respond(json={"active": False, "campaign_uuid": UUID})
        found = await VENDOR.create(direct, canonical(DECLARED), [])
        calls = sent(router)
    assert [call[0] for call in calls] == ["POST", "GET", "PATCH", "GET", "PUT", "GET", "PATCH", "GET"]
    assert calls[2][1:] == (f"{ONE}/active", {"active": False})
    assert (calls[4][2]["active"], calls[4][2]["status"]) == (False, "start")
    assert found.run is RunState.STOPPED


@pytest.mark.parametrize("status", [400, 409, 422])
async def test_our_own_earlier_attempt_is_bound(status: int) -> None:
    ours = campaign(campaign_name="AutocallAudio", description=f"Spring [{TOKEN}]")
    other = campaign(campaign_uuid="x", campaign_name="AutocallAudi")
    async with wired() as (router, direct):
        router.post("/v3/campaign").mock(return_value=refused(status, "campaign_name is already taken"))
        router.get("/v3/campaign").respond(json=samples.page(other, ours))
        router.get(ONE).respond(json=ours)
        router.put(ONE).respond(json={"campaign_uuid": UUID})
        found = await VENDOR.create(direct, canonical(DECLARED), [])
    assert found.vendor_id == UUID
    assert [receipt.vendor_id for receipt in direct.receipts] == [UUID]


@pytest.mark.parametrize("description", ["", "Spring", "Spring [rc:zzzzzz]", None])
async def test_a_namesake_is_not_taken_over(description: str | None) -> None:
    theirs = campaign(campaign_name="AutocallAudio", description=description)
    async with wired() as (router, direct):
        router.post("/v3/campaign").mock(return_value=refused(409, "campaign_name is already taken"))
        router.get("/v3/campaign").respond(json=samples.page(theirs))
        with pytest.raises(Rejected, match="namesake"):
            await VENDOR.create(direct, canonical(DECLARED), [])


async def test_a_field_error_is_passed_on_in_the_vendor_s_words() -> None:
    text = 'type must be one of the following: "autodialer", "autocall", "inbound", "manual"'
    async with wired() as (router, direct):
        router.post("/v3/campaign").mock(return_value=refused(400, [{"type": text}]))
        with pytest.raises(Rejected, match="type must be one of"):
            await VENDOR.create(direct, canonical(DECLARED), [])
        assert len(sent(router)) == 1


@pytest.mark.parametrize("reply", [{"created": True}, {"campaign_uuid": ""}, {"campaign_uuid": 7}])
async def test_a_created_campaign_without_an_id_is_not_a_documented_answer(reply: dict[str, Any]) -> None:
    async with wired() as (router, direct):
        router.post("/v3/campaign").respond(json=reply)
        with pytest.raises((ValueError, KeyError)):
            await VENDOR.create(direct, canonical(DECLARED), [])


# ---- dialling and deleting -------------------------------------------------------------------------------------------


async def test_a_campaign_is_activated_where_it_has_to_be_then_run() -> None:
    run = f"/v1/campaign/{UUID}/run/start"
    inactive, stopped, running = campaign(active=False), campaign(), campaign(status="start", run_id="r")
    for reads, expected in (
        ((inactive, stopped, running), [("PATCH", f"{ONE}/active", {"active": True}), ("POST", run, {})]),
        ((stopped, running), [("POST", run, {})]),
        ((campaign(status="pause"), running), [("POST", run, {})]),
        ((running,), []),
        ((campaign(active=False, status="start"), running), [("PATCH", f"{ONE}/active", {"active": True})]),
    ):
        async with wired() as (router, direct):
            router.get(ONE).mock(side_effect=answers(*reads))
            router.patch(f"{ONE}/active").respond(json={"active": True, "campaign_uuid": UUID})
            router.post(run).respond(json={"campaign_uuid": UUID})
            found = await VENDOR.start(direct, live())
            assert [call for call in sent(router) if call[0] != "GET"] == expected
            assert found.run is RunState.RUNNING


async def test_a_stop_is_a_deactivation_and_keeps_what_is_known() -> None:
    async with wired() as (router, direct):
        router.patch(f"{ONE}/active").respond(json={"active": False, "campaign_uuid": UUID})
        router.get(ONE).respond(json=campaign(active=False, status="start"))
        found = await VENDOR.stop(direct, live(ours={"lead": {"lead_name": "first"}}))
        assert sent(router)[0] == ("PATCH", f"{ONE}/active", {"active": False})
    assert found.run is RunState.STOPPED
    assert found.spec["lead"] == {"lead_name": "first"}
    assert found.spec["carrier"] == {"uuid": samples.CARRIER, "name": "Billing"}


async def test_a_missing_campaign_cannot_be_switched() -> None:
    async with wired() as (router, direct):
        router.patch(f"{ONE}/active").mock(return_value=refused(404, "Not Found"))
        with pytest.raises(NotFound):
            await VENDOR.stop(direct, live())


@pytest.mark.parametrize(
    "answer", [httpx.Response(200, json={"campaign_uuid": UUID}), refused(404, "Not Found"), refused(400, "Not Found")]
)
async def test_a_deleted_campaign_is_gone_however_it_went(answer: httpx.Response) -> None:
    async with wired() as (router, direct):
        router.delete(ONE).mock(return_value=answer)
        await VENDOR.delete(direct, live())
        assert sent(router) == [("DELETE", ONE, None)]


async def test_an_active_campaign_is_not_deleted() -> None:
    async with wired() as (router, direct):
        router.delete(ONE).mock(return_value=refused(400, "campaign must be deactive"))
        with pytest.raises(Rejected, match="campaign must be deactive"):
            await VENDOR.delete(direct, live())
