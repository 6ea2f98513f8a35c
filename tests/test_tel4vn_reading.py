"""TEL4VN on the wire: logging in, listing and reading, sample by sample, and answers that are none."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.diff import changes
from reconciler.errors import Forbidden, ReadIncomplete, Unauthorized
from reconciler.model import RunState
from reconciler.providers.base import Wanted
from reconciler.providers.tel4vn.provider import Tel4vn
from tests import tel4vn_samples as samples
from tests.support import body, connection
from tests.tel4vn_wired import DECLARED, NAMES, ONE, UUID, VENDOR, answers, canonical, refused, sent, wired

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


# ---- logging in ------------------------------------------------------------------------------------------------------


async def test_a_token_is_fetched_for_the_key_and_sent_as_bearer() -> None:
    async with wired() as (router, direct):
        router.get("/v3/campaign").respond(json=samples.page())
        await VENDOR.observe(direct, [])
        login, read = (call.request for call in router.calls)
        assert (login.method, login.url.path, body(login)) == ("POST", "/v3/auth/token", {"api_key": "tel4vn-key"})
        assert "authorization" not in login.headers
        assert login.headers["content-type"].startswith("application/json")
        assert read.headers["authorization"] == "Bearer a-token"


async def test_a_stale_token_is_renewed_once() -> None:
    async with wired() as (router, direct):
        stale = refused(401, "Unauthorized")
        listing = router.get("/v3/campaign").mock(side_effect=[stale, *answers(samples.page())])
        assert (await VENDOR.observe(direct, [])).live == ()
        assert listing.call_count == 2
        assert sum(call.request.url.path == "/v3/auth/token" for call in router.calls) == 2


@pytest.mark.parametrize("answer", [{}, {"token": ""}, {"token": None}])
async def test_a_login_without_a_token_is_none(answer: dict[str, Any]) -> None:
    async with wired() as (router, direct):
        router.post("/v3/auth/token").respond(json=answer)
        with pytest.raises(Unauthorized):
            await VENDOR.observe(direct, [])


# ---- reading campaigns -----------------------------------------------------------------------------------------------


async def test_the_listing_is_read_to_its_total_and_is_no_more_than_a_listing() -> None:
    async with wired() as (router, direct):
        first = samples.page(samples.EDITED, samples.ONE, limit=2, total=3)
        second = samples.page(samples.ONE, samples.DIALER, limit=2, offset=1, total=3)
        router.get("/v3/campaign").mock(side_effect=answers(first, second))
        seen = await Tel4vn(connection("tel4vn", page_size=2)).observe(direct, [])
        assert [path for _, path, _ in sent(router)] == [
            "/v3/campaign?limit=2&offset=0",
            "/v3/campaign?limit=2&offset=1",
        ]
    assert [entry.name for entry in seen.live] == ["AutocallAudio", "VoiceOTP110", "Campaign Autodialer"]
    assert [entry.run for entry in seen.live] == [RunState.STOPPED] * 3
    assert not any(entry.complete or entry.spec for entry in seen.live)
    assert seen.references == {}


async def test_a_wanted_campaign_is_read_alone_with_its_references() -> None:
    edited = {**samples.EDITED, "schedules": [samples.WEEK]}
    uuid = edited["campaign_uuid"]
    async with wired() as (router, direct):
        router.get("/v3/campaign").respond(json=samples.page(samples.EDITED, samples.ONE))
        router.get(f"/v3/campaign/{uuid}").respond(json=edited)
        router.get("/v3/carrier").respond(json=samples.page(*samples.CARRIERS))
        router.get("/v3/template").respond(json=samples.page(*samples.TEMPLATES))
        seen = await VENDOR.observe(direct, [Wanted("AutocallAudio", None, {"lead": {"lead_name": "first"}})])
        assert sorted(path for _, path, _ in sent(router)) == [
            f"/v3/campaign/{uuid}",
            "/v3/campaign?limit=1000&offset=0",
            "/v3/carrier?limit=1000&offset=0",
            "/v3/template?limit=1000&offset=0",
        ]
    assert seen.references == NAMES
    (whole, entry) = seen.live
    assert (whole.vendor_id, whole.complete, entry.complete) == (uuid, True, False)
    assert changes(canonical(DECLARED).spec, whole.spec) == ()
    assert whole.spec["lead"] == {"lead_name": "first"}
    assert whole.raw == edited


async def test_a_wanted_id_is_asked_for_even_where_it_is_not_listed() -> None:
    async with wired() as (router, direct):
        for path in ("/v3/campaign", "/v3/carrier", "/v3/template"):
            router.get(path).respond(json=samples.page())
        router.get(ONE).respond(json=samples.ONE)
        seen = await VENDOR.observe(direct, [Wanted("VoiceOTP110", UUID)])
    assert [found.vendor_id for found in seen.live] == [UUID]


@pytest.mark.parametrize("status", [400, 404])
async def test_a_wanted_id_that_is_gone_is_just_not_there(status: int) -> None:
    async with wired() as (router, direct):
        for path in ("/v3/campaign", "/v3/carrier", "/v3/template"):
            router.get(path).respond(json={"data": None, "limit": 10, "offset": 0, "total": 0})
        router.get(ONE).mock(return_value=refused(status, "Not Found"))
        assert (await VENDOR.observe(direct, [Wanted("VoiceOTP110", UUID)])).live == ()


async def test_a_campaign_that_may_not_be_read_is_not_taken_for_gone() -> None:
    async with wired() as (router, direct):
        for path in ("/v3/campaign", "/v3/carrier", "/v3/template"):
            router.get(path).respond(json=samples.page())
        router.get(ONE).mock(return_value=refused(403, "Forbidden"))
        with pytest.raises(Forbidden):
            await VENDOR.observe(direct, [Wanted("VoiceOTP110", UUID)])


@pytest.mark.parametrize(
    "strange",
    [
        {**samples.ONE, "campaign_uuid": "another"},
        {**samples.ONE, "active": "yes"},
        {**samples.ONE, "recall_times": None},
        {**samples.ONE, "schedules": [None]},
        [],
        {},
    ],
)
async def test_an_answer_that_is_no_campaign_ends_the_read(strange: Any) -> None:
    async with wired() as (router, direct):
        for path in ("/v3/campaign", "/v3/carrier", "/v3/template"):
            router.get(path).respond(json=samples.page())
        router.get(ONE).respond(json=strange)
        with pytest.raises(ReadIncomplete, match="not the campaign that is documented"):
            await VENDOR.observe(direct, [Wanted("VoiceOTP110", UUID)])


@pytest.mark.parametrize(
    "row",
    [
        {"campaign_uuid": UUID},
        {"campaign_uuid": 1, "campaign_name": "x"},
        {"campaign_uuid": UUID, "campaign_name": "x"},
    ],
)
async def test_a_row_without_its_fields_ends_the_read(row: dict[str, Any]) -> None:
    async with wired() as (router, direct):
        router.get("/v3/campaign").respond(json=samples.page(row))
        with pytest.raises(ReadIncomplete):
            await VENDOR.observe(direct, [])


async def test_a_page_whose_total_is_no_number_ends_the_read() -> None:
    async with wired() as (router, direct):
        router.get("/v3/campaign").respond(json={"data": [], "total": "many"})
        with pytest.raises(ReadIncomplete):
            await VENDOR.observe(direct, [])
