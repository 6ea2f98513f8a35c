"""TEL4VN on the wire: every documented sample that concerns us, method, path, query, headers and body; and what is refused before."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from copy import deepcopy
from typing import Any

import httpx
import pytest
import respx
from hypothesis import given
from hypothesis import strategies as st

from reconciler.diff import changes
from reconciler.errors import Forbidden, NotFound, OutcomeUnknown, ReadIncomplete, Rejected, Unauthorized
from reconciler.model import (
    WEEKDAYS,
    Contact,
    FieldChange,
    Json,
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
from reconciler.providers import provider
from reconciler.providers.base import CanDial, Edit, Item, Leaving, Receipt, TakesContacts, Wanted
from reconciler.providers.tel4vn import leads, rules, wire
from reconciler.providers.tel4vn.provider import Tel4vn
from reconciler.units import duration_text
from tests import tel4vn_samples as samples
from tests.support import DirectWriter, body, connection, writer

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
pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


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


# ---- the vendor and its table -----------------------------------------------------------------------------------------


def test_is_made_by_name_dials_and_takes_contacts() -> None:
    made = provider(connection("tel4vn"))
    assert isinstance(made, Tel4vn)
    assert isinstance(made, CanDial)
    assert isinstance(made, TakesContacts)
    table = made.capabilities
    assert (table.credentials, table.known_hosts) == ((frozenset({"apiKey"}),), ())
    assert all((table.create, table.update, table.delete, table.dial, table.delete_needs_stop, table.carries_token))
    assert all(rule.source.startswith("https://") for rule in table.fields.values())
    assert {path for path, rule in table.fields.items() if not rule.readable} == {"extensions", "closedDays", "lead"}
    assert {"schedule.starts", "schedule.ends", "schedule.exclude"} == set(table.refusals)


@pytest.mark.parametrize(
    ("spec", "path", "words"),
    [
        ({"schedule": {**SCHEDULE, "timezone": "Europe/Warsaw"}}, "schedule.timezone", "Europe/Warsaw"),
        ({"schedule": {**SCHEDULE, "timezone": "Asia/Singapore"}}, "schedule.timezone", "+07:00"),
        (
            {"schedule": {**SCHEDULE, "windows": {**OPEN, "mon": [["08:00", "11:00"], ["13:00", "17:00"]]}}},
            "schedule.windows",
            "mon",
        ),
        ({"schedule": {**SCHEDULE, "windows": {**OPEN, "sun": []}}}, "schedule.windows", "sun"),
        ({"recall": {"after": "90s"}}, "recall.after", "whole minutes"),
        ({"description": "Renewals [rc:abc123]"}, "description", "mark"),
    ],
)
def test_what_it_cannot_hold_is_refused_with_a_reason(spec: Spec, path: str, words: str) -> None:
    (refusal,) = VENDOR.refusals(resource(spec))
    assert refusal.path == path
    assert words in refusal.message


@pytest.mark.parametrize(
    "spec",
    [
        DECLARED,
        {},
        {"schedule": {**SCHEDULE, "timezone": "Asia/Bangkok"}},
        {"schedule": {**SCHEDULE, "timezone": "Etc/GMT-7"}},
        {"schedule": {**SCHEDULE, "windows": {**OPEN, "sun": []}}, "closedDays": "zero"},
        {"recall": {"after": "0s"}},
        {"recall": {"maxAttempts": 2}},
        {"recall": {"after": "2h"}},
    ],
)
def test_what_it_can_hold_is_not_refused(spec: Spec) -> None:
    assert VENDOR.refusals(resource(spec)) == []


# ---- numbers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("e164", "on_the_wire"),
    [
        ("+84349719999", "0349719999"),
        ("+84949719066", "0949719066"),
        ("+842873003586", None),
        ("+84249719066", None),
        ("+843497199990", None),
        ("+8434971999", None),
        ("+48600700800", None),
    ],
)
def test_a_number_goes_in_national_form_or_not_at_all(e164: str, on_the_wire: str | None) -> None:
    assert VENDOR.wire_phone(Phone(e164)) == on_the_wire


@pytest.mark.parametrize("text", ["0349719999", "84349719999", "+84349719999", "034 971 99 99"])
def test_every_form_of_a_number_that_is_read_is_the_same_number(text: str) -> None:
    assert leads.live_phone(text) == Phone("+84349719999")


# ---- logging in -------------------------------------------------------------------------------------------------------


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


# ---- reading campaigns ------------------------------------------------------------------------------------------------


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


def test_the_sample_of_a_new_campaign_in_our_words() -> None:
    assert wire.from_wire(samples.ONE, NAMES) == {
        "displayName": "VoiceOTP110",
        "type": "autocall",
        "type_autocall": "autocall_voice_tts",
        "description": "",
        "concurrent_call": 11,
        "ratio": 100,
        "mode_call": "direct",
        "callback_url": "",
        "answer_callback_url": "",
        "hopper": 20,
        "call_center_queue_strategy": "",
        "customer_order": "id",
        "allow_manual_dial": True,
        "allow_search_lead": True,
        "enable_callback_alert": True,
        "enable_encrypt": False,
        "call_timeout": "60s",
        "network": samples.NETWORK,
        "local_start_time": "00:00",
        "local_end_time": "23:59:59",
        "carrier": {"uuid": samples.CARRIER, "name": "Billing"},
        "template": None,
        "schedule": SCHEDULE,
        "recall": {
            "maxAttempts": 1,
            "minTalk": "0s",
            "after": "0s",
            "outcomes": sorted(wire.OUTCOMES),
            "priority": "new_first",
        },
    }


def test_the_sample_of_an_autodialer_in_our_words() -> None:
    spec = wire.from_wire(samples.DIALER, {})
    assert (spec["local_start_time"], spec["local_end_time"]) == ("08:00", "17:30")
    assert (spec["schedule"], spec["carrier"]) == (None, None)
    assert spec["recall"] == {"maxAttempts": 1, "minTalk": "0s", "after": "0s"}


def test_what_the_vendor_knows_and_we_do_not_is_shown_as_it_is() -> None:
    raw = campaign(schedule_recall="hour", priority_recall="vip", recall_status=["busy", "fax"], carrier_name="Old")
    assert wire.from_wire(raw, {})["recall"] == {
        "maxAttempts": 1,
        "minTalk": "0s",
        "outcomes": ["busy", "fax"],
        "priority": "vip",
    }
    assert wire.from_wire(raw, {})["carrier"] == {"uuid": samples.CARRIER, "name": "Old"}


@pytest.mark.parametrize(
    ("active", "status", "run"),
    [
        (True, "stop", RunState.STOPPED),
        (True, "start", RunState.RUNNING),
        (True, "pause", RunState.PAUSED),
        (True, "", RunState.RUNNING),
        (False, "start", RunState.STOPPED),
        (False, "pause", RunState.STOPPED),
        (False, "", RunState.STOPPED),
    ],
)
def test_whether_it_dials(active: bool, status: str, run: RunState) -> None:
    assert wire.run_of(campaign(active=active, status=status)) is run


# ---- there and back ---------------------------------------------------------------------------------------------------

windows = st.tuples(st.integers(0, 1439), st.integers(1, 1440)).filter(lambda pair: pair[0] < pair[1])


def clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


@given(st.lists(st.none() | windows, min_size=7, max_size=7))
def test_a_schedule_comes_back_as_it_was_declared(days: list[tuple[int, int] | None]) -> None:
    week = {day: [[clock(pair[0]), clock(pair[1])]] if pair else [] for day, pair in zip(WEEKDAYS, days, strict=True)}
    declared: Any = {"timezone": rules.ZONE, "windows": week}
    raw = campaign(**wire.to_wire({"schedule": declared}))
    assert wire.from_wire(raw, {})["schedule"] == declared


@given(
    st.fixed_dictionaries(
        {
            "maxAttempts": st.integers(1, 99),
            "after": st.integers(0, 100_000).map(lambda minutes: duration_text(60 * minutes)),
            "outcomes": st.lists(st.sampled_from(sorted(wire.OUTCOMES)), unique=True).map(sorted),
            "priority": st.sampled_from(["new_first", "recalls_first"]),
            "minTalk": st.integers(0, 3600).map(duration_text),
        }
    )
)
def test_a_recall_policy_comes_back_as_it_was_declared(recall: dict[str, Json]) -> None:
    raw = campaign(**wire.to_wire({"recall": recall}))
    assert wire.from_wire(raw, {})["recall"] == recall


def test_an_hour_is_sent_in_minutes_and_a_day_ends_at_its_last_nanosecond() -> None:
    sent_recall = wire.to_wire({"recall": {"after": "1h"}})
    assert sent_recall == {"schedule_recall": "minute", "schedule_recall_duration": 60}
    week = {**OPEN, "sat": [["00:00", "24:00"]]}
    rows: Any = wire.to_wire({"schedule": {**SCHEDULE, "windows": week}})["schedules"]
    assert [rows[0][f"saturday_{edge}_time"] for edge in ("start", "end")] == [0, 86400000000000]
    assert rows[0]["monday_start_time"] == 28800000000000


def test_a_second_row_is_read_as_a_second_window() -> None:
    evening = {name: 18 * 3600 * 10**9 + (9 * 10**9 if "end" in name else 0) for name in samples.WEEK}
    spec: Any = wire.from_wire(campaign(schedules=[evening, samples.WEEK]), {})
    assert spec["schedule"]["windows"]["mon"] == [["08:00", "21:00"], ["18:00", "18:00:09"]]


# ---- the declaration as it will be echoed -----------------------------------------------------------------------------


def test_names_become_ids_and_names() -> None:
    spec = canonical(
        {**DECLARED, "local_start_time": "08:00:00", "local_end_time": "17:30", "description": "May  "}
    ).spec
    assert spec["carrier"] == {"uuid": samples.CARRIER, "name": "Billing"}
    assert spec["template"] == {"uuid": samples.TEMPLATE, "name": "thong_bao_no_cuoc_01"}
    assert (spec["local_start_time"], spec["local_end_time"], spec["description"]) == ("08:00", "17:30", "May")


def test_an_id_becomes_id_and_name_and_a_zone_the_account_s() -> None:
    schedule = {**SCHEDULE, "timezone": "Asia/Bangkok"}
    spec = canonical({"carrier": {"uuid": samples.CARRIER}, "schedule": schedule}).spec
    assert spec == {
        "displayName": "spring",
        "carrier": {"uuid": samples.CARRIER, "name": "Billing"},
        "schedule": SCHEDULE,
    }


@pytest.mark.parametrize(
    ("spec", "names", "words"),
    [
        ({"carrier": "Nobody"}, NAMES, 'carrier "Nobody" does not exist at tel4vn; there are "Billing", "Billing02"'),
        ({"template": "Nobody"}, {}, 'template "Nobody" does not exist at tel4vn; there are none'),
        ({"carrier": "A"}, {"carrier": {"1": "A", "2": "A"}}, '2 carriers are called "A" at tel4vn: write {uuid: ...}'),
        ({"carrier": {"uuid": "x"}}, NAMES, 'no carrier with the uuid "x" exists at tel4vn; there are'),
    ],
)
def test_a_name_that_means_nothing_there_is_said_in_a_sentence(spec: Spec, names: rules.Names, words: str) -> None:
    with pytest.raises(LookupError) as error:
        VENDOR.canonical(resource(spec), names)
    assert words in error.value.args[0]


# ---- creating ---------------------------------------------------------------------------------------------------------


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


# ---- changing ---------------------------------------------------------------------------------------------------------


async def changed(raw: Mapping[str, Any], spec: Spec, fields: Sequence[FieldChange]) -> list[tuple[str, str, Any]]:
    """What an update of `fields` sends to a campaign that reads `raw`."""
    async with wired() as (router, direct):
        router.get(ONE).respond(json=raw)
        router.put(ONE).respond(json={"campaign_uuid": UUID})
        router.put(f"{ONE}/assign_extension").respond(json={"campaign_uuid": UUID, "users": []})
        await VENDOR.update(direct, live(), canonical(spec), fields)
        return sent(router)


def put_of(calls: Sequence[tuple[str, str, Any]]) -> dict[str, Any]:
    (put,) = [sent_body for method, path, sent_body in calls if (method, path) == ("PUT", ONE)]
    return dict(put)


async def test_an_update_sends_back_everything_that_it_does_not_change() -> None:
    raw = campaign(
        status="pause",
        description="Ask Lan  before editing ",
        default_list_uuid="d",
        a_field_of_tomorrow={"x": [1]},
        carrier_name="Billing",
        run_id="r1",
        schedules=[{**samples.ONE["schedules"][0], "monday_end_time": 1}, dict(samples.WEEK)],
    )
    calls = await changed(raw, {"concurrent_call": 7}, [FieldChange(("concurrent_call",), 11, 7)])
    assert [call[:2] for call in calls] == [("GET", ONE), ("PUT", ONE), ("GET", ONE)]
    rows = [{**samples.WEEK, "monday_end_time": 1}, samples.WEEK]
    assert put_of(calls) == {**raw, "concurrent_call": 7, "schedules": rows}


async def test_assignments_travel_back_as_they_were_read() -> None:
    raw = campaign(users=["u1"], groups=["g1"], statuses=None)
    put = put_of(await changed(raw, {"hopper": 30}, [FieldChange(("hopper",), 20, 30)]))
    assert (put["users"], put["groups"], put["statuses"]) == (["u1"], ["g1"], None)
    assert "statuses" in put


@pytest.mark.parametrize(
    ("spec", "field", "expected"),
    [
        (
            {"network": {"viettel": 5}},
            FieldChange(("network", "viettel"), 0, 5),
            {"network": {**samples.NETWORK, "viettel": 5}},
        ),
        (
            {"network": {"viettel": 5}},
            FieldChange(("network",), None, {"viettel": 5}),
            {"network": {**samples.NETWORK, "viettel": 5}},
        ),
        ({"recall": {"maxAttempts": 3}}, FieldChange(("recall", "maxAttempts"), 1, 3), {"recall_times": 2}),
        (
            {"recall": {"after": "0s"}},
            FieldChange(("recall", "after"), "1h", "0s"),
            {"schedule_recall": "after", "schedule_recall_duration": 0},
        ),
        (
            {"recall": {"priority": "recalls_first"}},
            FieldChange(("recall", "priority"), None, "recalls_first"),
            {"priority_recall": "recall"},
        ),
        (
            {"recall": {"outcomes": ["busy"]}},
            FieldChange(("recall", "outcomes"), [], ["busy"]),
            {"recall_status": ["busy"]},
        ),
        (
            {"recall": {"minTalk": "10s"}},
            FieldChange(("recall", "minTalk"), "0s", "10s"),
            {"limit_recall_duration": 10},
        ),
        ({}, FieldChange(("recall", "minTalk"), "10s", None), {"limit_recall_duration": 0}),
        ({}, FieldChange(("callback_url",), "https://a.example", None), {"callback_url": ""}),
        ({"displayName": "Xuan"}, FieldChange(("displayName",), "VoiceOTP110", "Xuan"), {"campaign_name": "Xuan"}),
        ({"call_timeout": "45s"}, FieldChange(("call_timeout",), "60s", "45s"), {"call_timeout": 45}),
        ({"local_end_time": "17:30"}, FieldChange(("local_end_time",), None, "17:30"), {"local_end_time": "17:30:00"}),
        (
            {"local_end_time": "23:59:58"},
            FieldChange(("local_end_time",), None, "23:59:58"),
            {"local_end_time": "23:59:58"},
        ),
        (
            {"carrier": "Billing02"},
            FieldChange(("carrier", "name"), "Billing", "Billing02"),
            {"carrier_uuid": samples.CARRIERS[1]["carrier_uuid"]},
        ),
        ({"allow_manual_dial": False}, FieldChange(("allow_manual_dial",), True, False), {"allow_manual_dial": False}),
    ],
)
async def test_one_changed_field_changes_one_thing(spec: Spec, field: FieldChange, expected: dict[str, Any]) -> None:
    put = put_of(await changed(samples.ONE, spec, [field]))
    rest = {name: value for name, value in samples.ONE.items() if name != "schedules"}
    assert put == {**rest, "schedules": [samples.WEEK], **expected}


async def test_two_fields_of_one_policy_go_together() -> None:
    recall: Json = {"maxAttempts": 3, "after": "30m", "minTalk": "5s"}
    fields = [FieldChange(("recall", "maxAttempts"), 1, 3), FieldChange(("recall", "after"), "0s", "30m")]
    put = put_of(await changed(samples.ONE, {"recall": recall}, fields))
    assert (put["recall_times"], put["schedule_recall"], put["schedule_recall_duration"]) == (2, "minute", 30)
    assert put["limit_recall_duration"] == 0


async def test_a_day_that_changed_sends_the_week_as_declared_in_one_row() -> None:
    week = {**OPEN, "mon": [["09:00", "17:00"]], "sun": []}
    raw = campaign(schedules=[samples.ONE["schedules"][0], samples.WEEK])
    fields = [FieldChange(("schedule", "windows", "mon"), [], [["09:00", "17:00"]])]
    put = put_of(await changed(raw, {"schedule": {**SCHEDULE, "windows": week}, "closedDays": "zero"}, fields))
    nine, five = 32400000000000, 61200000000000
    days = {"monday_start_time": nine, "monday_end_time": five, "sunday_start_time": 0, "sunday_end_time": 0}
    assert put["schedules"] == [{**samples.WEEK, **days}]


@pytest.mark.parametrize(
    ("read", "declared", "expected"),
    [
        (f"Old [{TOKEN}]", "New", f"New [{TOKEN}]"),
        ("Old [rc:OTHER1]", "New", "New [rc:OTHER1]"),
        ("Old", "New", "New"),
        (f"[{TOKEN}]", "New", f"New [{TOKEN}]"),
    ],
)
async def test_a_new_description_keeps_the_mark(read: str, declared: str, expected: str) -> None:
    fields = [FieldChange(("description",), "Old", declared)]
    put = put_of(await changed(campaign(description=read), {"description": declared}, fields))
    assert put["description"] == expected
    assert wire.from_wire(put, {})["description"] == declared


async def test_a_dropped_description_leaves_the_mark_alone() -> None:
    put = put_of(
        await changed(campaign(description=f"Old [{TOKEN}]"), {}, [FieldChange(("description",), "Old", None)])
    )
    assert put["description"] == f"[{TOKEN}]"


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({}, FieldChange(("concurrent_call",), 5, None)),
        ({}, FieldChange(("schedule",), {}, None)),
        ({}, FieldChange(("nowhere",), "x", None)),
        ({"lead": {"lead_name": "x"}}, FieldChange(("lead", "lead_name"), None, "x")),
        ({"closedDays": "zero"}, FieldChange(("closedDays",), None, "zero")),
    ],
)
async def test_what_the_vendor_has_no_place_for_or_keeps_sends_nothing(spec: Spec, field: FieldChange) -> None:
    assert [call[0] for call in await changed(samples.ONE, spec, [field])] == ["GET"]


async def test_changed_extensions_alone_are_assigned_without_a_put() -> None:
    fields = [FieldChange(("extensions",), None, ["101"])]
    calls = await changed(samples.ONE, {"extensions": ["101"]}, fields)
    assert [call[:2] for call in calls] == [("GET", ONE), ("PUT", f"{ONE}/assign_extension"), ("GET", ONE)]


async def test_declared_extensions_are_assigned_again_after_a_put() -> None:
    spec: Spec = {"extensions": ["101"], "hopper": 30}
    calls = await changed(samples.ONE, spec, [FieldChange(("hopper",), 20, 30)])
    assert [call[:2] for call in calls] == [
        ("GET", ONE),
        ("PUT", ONE),
        ("PUT", f"{ONE}/assign_extension"),
        ("GET", ONE),
    ]


async def test_a_name_that_is_taken_is_refused_under_any_status() -> None:
    for status in (400, 409, 422):
        async with wired() as (router, direct):
            router.get(ONE).respond(json=samples.ONE)
            router.put(ONE).mock(return_value=refused(status, "campaign_name is already taken"))
            fields = [FieldChange(("displayName",), "VoiceOTP110", "Xuan")]
            with pytest.raises(Rejected, match="already taken"):
                await VENDOR.update(direct, live(), canonical({"displayName": "Xuan"}), fields)


async def test_an_answer_about_another_campaign_is_not_ours() -> None:
    async with wired() as (router, direct):
        router.get(ONE).respond(json=samples.ONE)
        router.put(ONE).respond(json={"campaign_uuid": "another"})
        with pytest.raises(ValueError, match="another campaign"):
            await VENDOR.update(direct, live(), canonical({"hopper": 30}), [FieldChange(("hopper",), 20, 30)])


# ---- dialling and deleting --------------------------------------------------------------------------------------------


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


# ---- lists ------------------------------------------------------------------------------------------------------------

OURS = {**samples.LIST, "campaign_uuid": UUID, "description": "may [rc:AbCd12]"}


async def test_a_list_is_made_for_a_set_and_carries_its_name_and_our_mark() -> None:
    async with wired() as (router, direct):
        router.get("/v3/list").respond(json=samples.page(samples.PLATFORM_LIST, samples.LIST))
        router.post("/v3/list").respond(json={"created": True, "list_uuid": "0e75bac1-d682-4dae-b3a5-e4a7734ddf15"})
        made = await VENDOR.open(direct, live(), canonical(DECLARED), "may")
        read, post = sent(router)
    assert made == "0e75bac1-d682-4dae-b3a5-e4a7734ddf15"
    assert read[:2] == ("GET", "/v3/list?limit=1000&offset=0")
    assert post == (
        "POST",
        "/v3/list",
        {"campaign_uuid": UUID, "list_name": "AutocallAudio / may (853b76cc)", "description": f"may [{TOKEN}]"},
    )
    assert direct.receipts == [Receipt(made)]


async def test_a_list_that_is_ours_is_found_whatever_it_is_called_now() -> None:
    others = [
        samples.PLATFORM_LIST,
        {**OURS, "list_uuid": "1", "campaign_uuid": "another"},
        {**OURS, "list_uuid": "2", "description": "may"},
        {**OURS, "list_uuid": "3", "description": "june [rc:AbCd12]"},
        OURS,
    ]
    async with wired() as (router, direct):
        router.get("/v3/list").respond(json=samples.page(*others))
        assert await VENDOR.open(direct, live(), canonical(DECLARED), "may") == OURS["list_uuid"]
        assert direct.calls == []


@pytest.mark.parametrize("status", [400, 409, 422])
async def test_a_list_that_exists_is_ours_or_a_namesake(status: int) -> None:
    taken = refused(status, "list_name is exists")
    async with wired() as (router, direct):
        router.post("/v3/list").mock(return_value=taken)
        router.get("/v3/list").mock(side_effect=answers(samples.page(), samples.page(OURS)))
        assert await VENDOR.open(direct, live(), canonical(DECLARED), "may") == OURS["list_uuid"]
        router.get("/v3/list").mock(side_effect=answers(samples.page(), samples.page({**OURS, "description": ""})))
        with pytest.raises(Rejected, match="not ours"):
            await VENDOR.open(direct, live(), canonical(DECLARED), "may")


async def test_another_refusal_of_a_list_is_passed_on() -> None:
    errors = [{"campaign_uuid": "String length must be greater than or equal to 1"}]
    async with wired() as (router, direct):
        router.get("/v3/list").respond(json=samples.page())
        router.post("/v3/list").mock(return_value=refused(400, errors))
        with pytest.raises(Rejected, match="String length"):
            await VENDOR.open(direct, live(), canonical(DECLARED), "may")


@pytest.mark.parametrize("reply", [{"created": True, "list_uuid": ""}, {"created": True, "list_uuid": None}])
async def test_a_list_without_an_id_is_not_a_documented_answer(reply: dict[str, Any]) -> None:
    async with wired() as (router, direct):
        router.get("/v3/list").respond(json=samples.page())
        router.post("/v3/list").respond(json=reply)
        with pytest.raises(ValueError, match="without an id"):
            await VENDOR.open(direct, live(), canonical(DECLARED), "may")


# ---- people -----------------------------------------------------------------------------------------------------------


async def add(
    direct: DirectWriter, people: Sequence[Contact], spec: Spec | None = None, container: str = LIST_UUID
) -> None:
    await VENDOR.add(direct, live(), resource(spec or {}), container, people)


async def test_names_and_contracts_go_in_one_call() -> None:
    people = [
        person("+84949719066", lead_name="Phùng Phùng", contract_number="ABC123"),
        person("+84934567489", lead_name="Luân Luân", contract_number="ABCXYZ"),
    ]
    async with wired() as (router, direct):
        router.post("/v3/lead/multi").respond(json={"message": "success", "total_insert": 2})
        await add(direct, people, container=samples.MULTI["list_uuid"])
        assert sent(router) == [("POST", "/v3/lead/multi", samples.MULTI)]
        assert router.calls[1].request.headers["content-type"].startswith("application/json")
    assert direct.people == [(people[0].person, people[1].person)]
    assert direct.receipts == [Receipt()]


@pytest.mark.parametrize("inserted", [0, 1, 3])
async def test_a_count_that_is_not_everybody_says_nothing_of_anybody(inserted: int) -> None:
    async with wired() as (router, direct):
        router.post("/v3/lead/multi").respond(json={"message": "success", "total_insert": inserted})
        await add(direct, [person("+84949719066"), person("+84934567489")])
    assert direct.receipts == [Receipt(items=(Item("in_doubt"), Item("in_doubt")))]


@pytest.mark.parametrize("reply", [{"message": "success"}, {"total_insert": "2"}, {"total_insert": True}])
async def test_a_count_that_is_none_is_not_a_documented_answer(reply: dict[str, Any]) -> None:
    async with wired() as (router, direct):
        router.post("/v3/lead/multi").respond(json=reply)
        with pytest.raises((KeyError, TypeError)):
            await add(direct, [person()])


@pytest.mark.parametrize("status", [400, 409, 422])
async def test_a_call_that_is_refused_for_one_person_is_made_for_each(status: int) -> None:
    people = [person("+84949719066"), person("+84934567489")]
    async with wired() as (router, direct):
        router.post("/v3/lead/multi").mock(return_value=refused(status, [{"phone_number": "String length"}]))
        taken = refused(status, "phone 0934567489 is duplicate")
        router.post("/v3/lead").mock(side_effect=[*answers({"created": True, "lead_uuid": "l1"}), taken])
        await add(direct, people)
    first, second = direct.receipts
    assert first == Receipt(items=(Item("confirmed", "l1"),))
    assert second.items[0].state == "rejected"
    assert "0934567489" not in second.items[0].said
    assert "duplicate" in second.items[0].said
    assert direct.people[1:] == [(people[0].person,), (people[1].person,)]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refused(404, "Not Found"), NotFound),
        (refused(400, "Not Found"), Rejected),
        (refused(403, "Forbidden"), Forbidden),
        (refused(500, "boom"), OutcomeUnknown),
    ],
)
async def test_a_refusal_that_is_not_about_people_ends_the_step(answer: httpx.Response, error: type[Exception]) -> None:
    async with wired() as (router, direct):
        router.post("/v3/lead/multi").mock(return_value=answer)
        with pytest.raises(error):
            await add(direct, [person(), person("+84934567489")])
        assert len(direct.calls) == 1


async def test_other_fields_go_one_by_one() -> None:
    async with wired() as (router, direct):
        router.post("/v3/lead").respond(json={"created": True, "lead_uuid": samples.LEAD["lead_uuid"]})
        demo = person(lead_name="Demo01", lead_code="DP01")
        await add(direct, [demo])
        sample = {"list_uuid": LIST_UUID, "lead_name": "Demo01", "lead_code": "DP01", "phone_number": "0349719999"}
        assert sent(router) == [("POST", "/v3/lead", sample)]
    assert direct.receipts == [Receipt(items=(Item("confirmed", samples.LEAD["lead_uuid"]),))]
    assert direct.people == [(demo.person,)]


@pytest.mark.parametrize(
    "errors",
    [
        [{"list_uuid": "String length must be greater than or equal to 36"}],
        [
            {"phone_number": "String length must be greater than or equal to 1"},
            {"phone_number": "Does not match pattern '^(84|0[3|5|7|8|9])+([0-9]{8})$'"},
        ],
    ],
)
async def test_the_documented_errors_of_one_lead_reject_that_person(errors: list[dict[str, str]]) -> None:
    async with wired() as (router, direct):
        router.post("/v3/lead").mock(return_value=refused(400, errors))
        await add(direct, [person(lead_code="DP01")])
    (item,) = direct.receipts[0].items
    assert item.state == "rejected"
    assert "String length must be" in item.said


async def test_a_list_that_is_gone_says_nothing_of_the_person() -> None:
    async with wired() as (router, direct):
        router.post("/v3/lead").mock(return_value=refused(400, "Not Found"))
        with pytest.raises(ValueError, match="the list is gone"):
            await add(direct, [person(lead_code="DP01")])


async def test_after_a_failure_no_further_person_is_sent() -> None:
    crowd = [person(f"+8434971{n:04}", lead_code="x") for n in range(9)]
    async with wired() as (router, direct):
        router.post("/v3/lead").mock(return_value=httpx.Response(502))
        with pytest.raises(OutcomeUnknown):
            await Tel4vn(connection("tel4vn", concurrency=2)).add(direct, live(), resource({}), LIST_UUID, crowd)
        assert len(direct.calls) <= 2


async def test_a_number_that_the_vendor_does_not_take_never_leaves() -> None:
    async with wired() as (router, direct):
        with pytest.raises(ValueError, match="does not take"):
            await add(direct, [person("+842873003586")])
        assert sent(router) == []


@pytest.mark.parametrize(
    ("fields", "mapping", "expected"),
    [
        ({}, {}, {}),
        ({"first": "An", "x": "1"}, {"lead_name": "first"}, {"lead_name": "An", "additional": {"x": "1"}}),
        ({"first": "An"}, {"lead_name": "first", "lead_code": "first"}, {"lead_name": "An", "lead_code": "An"}),
        (
            {"lead_name": "An", "full": "Bui An"},
            {"lead_name": "full"},
            {"lead_name": "Bui An", "additional": {"lead_name": "An"}},
        ),
        ({"ward": "5"}, {"lead_name": "absent"}, {"ward": "5"}),
        ({"note": "free text"}, {"additional": "note"}, {"additional": "free text"}),
        (
            {"note": "free text", "x": "1"},
            {"additional": "note"},
            {"additional": {"additional": "free text", "x": "1"}},
        ),
        ({"note": '{"y": "2"}', "x": "1"}, {"additional": "note"}, {"additional": {"y": "2", "x": "1"}}),
        ({"note": "", "x": "1"}, {"additional": "note"}, {"additional": {"x": "1"}}),
        ({"additional": "a"}, {}, {"additional": {"additional": "a"}}),
    ],
)
def test_where_the_fields_of_a_person_go(
    fields: dict[str, str], mapping: dict[str, str], expected: dict[str, Any]
) -> None:
    lead = leads.lead_of(person(**fields), mapping)
    assert lead.pop("phone_number") == "0349719999"
    if isinstance(expected.get("additional"), dict):
        lead["additional"] = json.loads(str(lead["additional"]))
    assert lead == expected


async def test_everybody_on_a_list_is_read() -> None:
    called = {**samples.EDITED_LEAD, "called_count": 2}
    async with wired() as (router, direct):
        router.get("/v3/lead").respond(json=samples.page(samples.LEAD, called))
        found = [contact async for contact in VENDOR.read_contacts(direct, live(), LIST_UUID)]
        assert sent(router) == [("GET", f"/v3/lead?list_uuid={LIST_UUID}&limit=1000&offset=0", None)]
    first, second = found
    assert (first.vendor_id, first.phone, first.called) == (samples.LEAD["lead_uuid"], Phone("+84349719999"), False)
    assert first.fields["contract_number"] == "ABC123"
    assert second.called
    assert "comment" not in second.fields


@pytest.mark.parametrize("row", [{**samples.LEAD, "called_count": "often"}, {"lead_uuid": "x"}])
async def test_a_row_that_is_no_lead_ends_the_read(row: dict[str, Any]) -> None:
    async with wired() as (router, direct):
        router.get("/v3/lead").respond(json=samples.page(row))
        with pytest.raises(ReadIncomplete):
            [contact async for contact in VENDOR.read_contacts(direct, live(), LIST_UUID)]


def test_additional_may_be_read_as_an_object() -> None:
    assert leads.contact_of({**samples.LEAD, "additional": {"x": "1"}}).fields["additional"] == '{"x":"1"}'
    assert leads.contact_of({**samples.LEAD, "additional": None}).fields["additional"] == ""


async def edit(
    contact: Contact, held: LiveContact, spec: Spec | None = None, answer: httpx.Response | None = None
) -> tuple[list[tuple[str, str, Any]], Receipt]:
    path = f"/v3/lead/{held.vendor_id}"
    async with wired() as (router, direct):
        router.put(path).mock(return_value=answer or httpx.Response(200, json={"lead_uuid": held.vendor_id}))
        await VENDOR.edit(direct, live(ours=spec or {}), LIST_UUID, [Edit(held, contact)])
        assert direct.people == [(contact.person,)]
        return sent(router), direct.receipts[0]


async def test_a_lead_is_put_back_as_it_was_read_with_its_new_fields() -> None:
    held = leads.contact_of({**samples.EDITED_LEAD, "lead_name": "Old", "additional": ""})
    calls, receipt = await edit(
        person(held.phone.reveal()[:12], first="TestNe"), held, {"lead": {"lead_name": "first"}}
    )
    ((method, path, put),) = calls
    assert (method, path) == ("PUT", "/v3/lead/307c2fe7-d075-493c-b8d6-b11195caec41")
    assert {**put, "phone_number": "03497191211"} == {**samples.PUT_LEAD, "gender": ""}
    assert put["phone_number"] == "0349719121"
    assert receipt.items == (Item("confirmed", held.vendor_id),)


async def test_a_number_that_stays_is_not_written_another_way() -> None:
    held = leads.contact_of({**samples.LEAD, "phone_number": "84349719999"})
    calls, _ = await edit(person(lead_name="Demo01"), held)
    assert calls[0][2]["phone_number"] == "84349719999"


async def test_keys_of_additional_are_overlaid_one_by_one() -> None:
    held = leads.contact_of({**samples.LEAD, "additional": '{"x":"1","theirs":"t"}'})
    calls, _ = await edit(person(x="2"), held)
    assert json.loads(calls[0][2]["additional"]) == {"x": "2", "theirs": "t"}
    for foreign in ("free text", "[1]"):
        calls, _ = await edit(person(x="2"), leads.contact_of({**samples.LEAD, "additional": foreign}))
        assert json.loads(calls[0][2]["additional"]) == {"x": "2"}


@pytest.mark.parametrize("status", [400, 404, 422])
async def test_a_lead_that_cannot_be_edited_is_said_of_that_person(status: int) -> None:
    held = leads.contact_of(samples.LEAD)
    errors: Any = [{"(root)": "phone_number is required"}]
    _, receipt = await edit(person(lead_name="An"), held, answer=refused(status, errors))
    assert receipt.items[0].state == "rejected"
    assert "phone_number is required" in receipt.items[0].said


async def test_an_answer_about_another_lead_is_not_a_documented_one() -> None:
    with pytest.raises(ValueError, match="another lead"):
        await edit(person(), leads.contact_of(samples.LEAD), answer=httpx.Response(200, json={"lead_uuid": "another"}))


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (httpx.Response(200, json={"lead_uuid": "b9285f8a-4e3c-40f1-aed7-840b1d5e6118"}), "confirmed"),
        (refused(404, "Not Found"), "already"),
        (refused(400, "Not Found"), "already"),
        (refused(422, "lead is in a call"), "rejected"),
    ],
)
async def test_a_person_is_withdrawn_by_deleting_the_lead(answer: httpx.Response, state: str) -> None:
    uuid = "b9285f8a-4e3c-40f1-aed7-840b1d5e6118"
    gone = person()
    async with wired() as (router, direct):
        router.delete(f"/v3/lead/{uuid}").mock(return_value=answer)
        await VENDOR.withdraw(direct, live(), LIST_UUID, [Leaving(gone.person, LiveContact(uuid, gone.phone))])
        assert sent(router) == [("DELETE", f"/v3/lead/{uuid}", None)]
    assert direct.receipts[0].items[0].state == state
    assert direct.people == [(gone.person,)]
