"""Intersvyaz on the wire: the documented sample requests and reply, byte for byte, and what is refused before anything is sent."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

import httpx
import pytest
import respx
import stamina

from reconciler.errors import Blocked, NotFound, NotSent, OutcomeUnknown, Rejected, Unauthorized
from reconciler.model import Contact, Json, Key, Live, Person, Phone, Resource, Source
from reconciler.providers import provider
from reconciler.providers.base import Reply, StartsByItself, TakesContacts, Wanted
from reconciler.providers.http import Account
from reconciler.providers.intersvyaz import wire
from reconciler.providers.intersvyaz.provider import Intersvyaz
from tests.support import DirectWriter, body, connection, writer

BASE = "https://ai-assistant.is74.ru"
INTERSVYAZ = Intersvyaz(connection("intersvyaz"))
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
OFFICE: list[Json] = [["09:00", "17:00"]]
WEEK: dict[str, Json] = {day: OFFICE if day in DAYS[:5] else [] for day in DAYS}
NEVER: dict[str, Json] = {day: [] for day in DAYS}
# 2021-10-06 is a Wednesday
SCHEDULE: dict[str, Json] = {"timezone": "Asia/Yekaterinburg", "starts": "2021-10-06", "windows": WEEK}
SPEC: dict[str, Json] = {
    "displayName": "Обзвон клиентов",
    "project_id": 1,
    "start_block_id": 10,
    "phone_id": 5,
    "scenario_id": 7,
    "description": "Обзвон клиентов для опроса удовлетворенности",
    "periods": {"id": 1, "title": "Однократно"},
    "attempts": {"id": 1, "title": "1"},
    "schedule": SCHEDULE,
    "recall": {"after": "5m"},
}
PERSON = Contact(
    Person(b"0123456789abcdef"), Phone("+79123456789"), {"name": "Иванов Иван", "time": "10:00", "phone": "123456"}
)
CREATED = {"campaign": {"id": 12345}}
pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def resource(**spec: Json) -> Resource:
    key = Key("intersvyaz-test", "campaign", "opros")
    return Resource(key, "intersvyaz", {**SPEC, **spec}, Source("opros.yaml", 1), contacts=("may",))


def without(*names: str) -> Resource:
    return replace(resource(), spec={name: value for name, value in SPEC.items() if name not in names})


def scheduled(**schedule: Json) -> Resource:
    return resource(schedule={**SCHEDULE, **schedule})


@asynccontextmanager
async def wired() -> AsyncIterator[tuple[respx.MockRouter, DirectWriter]]:
    router = respx.MockRouter(base_url=BASE, assert_all_called=False)
    router.post("/login/").respond(200, json={"access_token": "t0k3n"})
    async with writer("intersvyaz", BASE, httpx.MockTransport(router.async_handler)) as direct:
        yield router, direct


# ---- what the vendor is -----------------------------------------------------------------------------------------------


def test_is_made_by_name_starts_by_itself_and_takes_nobody_later() -> None:
    made = provider(connection("intersvyaz"))
    assert isinstance(made, StartsByItself)
    assert not isinstance(made, TakesContacts)
    table = made.capabilities
    assert table.create
    assert not any((table.update, table.delete, table.dial, table.readable, table.can_create_inert))
    assert table.contacts.inside_create
    assert not any((table.contacts.add, table.contacts.read, table.contacts.update, table.contacts.withdraw))
    assert table.known_hosts == ("ai-assistant.is74.ru",)
    assert set(table.credentials) == {frozenset({"token"}), frozenset({"username", "password"})}
    assert all(rule.source and not rule.readable for rule in table.fields.values())


def test_what_the_table_refuses() -> None:
    refused = wire.CAPABILITIES.refusals
    recall = {"recall.maxAttempts", "recall.outcomes", "recall.priority", "recall.minTalk"}
    verbs = {"activation", "update", "delete", "contacts.withdraw"}
    assert verbs | {"schedule.ends", "schedule.exclude"} | recall == refused.keys()
    assert "attempts in the intersvyaz block" in refused["recall.maxAttempts"]


async def test_nothing_is_observed_changed_or_deleted() -> None:
    async with wired() as (router, direct):
        assert (await INTERSVYAZ.observe(direct, [Wanted("opros", "12345", SPEC)])).live == ()
        with pytest.raises(Blocked, match="nothing changes one"):
            await INTERSVYAZ.update(direct, Live("12345", "opros"), resource(), ())
        with pytest.raises(Blocked, match="nothing deletes one"):
            await INTERSVYAZ.delete(direct, Live("12345", "opros"))
        assert not router.calls


# ---- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("declared", "path"),
    [
        (without("project_id"), "project_id"),
        (without("start_block_id"), "start_block_id"),
        (without("phone_id"), "phone_id"),
        (replace(resource(), contacts=()), "contacts"),
        (without("schedule"), "schedule"),
        (resource(schedule={"timezone": "Asia/Yekaterinburg", "windows": WEEK}), "schedule.starts"),
        (scheduled(starts="2021-10-09"), "schedule.windows"),  # a Saturday without hours
        (scheduled(windows={**WEEK, "wed": [["09:00", "12:00"], ["13:00", "17:00"]]}), "schedule.windows"),
        (scheduled(windows={**WEEK, "sat": [["10:00", "12:00"]]}), "schedule.windows"),
        (scheduled(windows={**NEVER, "wed": [["09:00", "24:00"]]}), "schedule.windows"),
        (scheduled(timezone="Europe/Moscow"), "schedule.timezone"),
        (resource(recall={"after": "90s"}), "recall.after"),
    ],
)
def test_what_it_cannot_hold_is_refused_with_its_reason(declared: Resource, path: str) -> None:
    (refusal,) = INTERSVYAZ.refusals(declared)
    assert refusal.path == path
    assert "Intersvyaz" in refusal.message
    assert refusal.message.endswith(".")


def test_all_reasons_come_at_once() -> None:
    declared = replace(resource(recall={"after": "90s"}), contacts=())
    assert [refusal.path for refusal in INTERSVYAZ.refusals(declared)] == ["contacts", "recall.after"]


@pytest.mark.parametrize(
    "declared",
    [
        resource(),
        without("recall", "description", "periods", "attempts", "scenario_id", "displayName"),
        resource(recall={"after": "0s"}),
        resource(recall={}),
        scheduled(windows={**NEVER, "wed": OFFICE}),
        scheduled(timezone="Asia/Tashkent"),  # another name, as far from UTC
    ],
)
def test_what_it_can_hold_is_not_refused(declared: Resource) -> None:
    assert INTERSVYAZ.refusals(declared) == []


# ---- when it starts ---------------------------------------------------------------------------------------------------


def test_it_starts_at_the_window_of_its_date_in_the_schedules_zone() -> None:
    starts = INTERSVYAZ.starts_at(resource())
    assert starts.isoformat() == "2021-10-06T09:00:00+05:00"
    assert starts == datetime(2021, 10, 6, 4, 0, tzinfo=UTC)


# ---- what counts as a change ------------------------------------------------------------------------------------------


def test_canonical_is_what_is_sent() -> None:
    sent = INTERSVYAZ.canonical(without("periods", "attempts"), {}).spec
    assert sent["periods"] == {"id": 1, "title": "Однократно"}
    assert sent["attempts"] == {"id": 1, "title": "1"}
    assert sent["schedule"] == {**SCHEDULE, "windows": {**NEVER, "wed": OFFICE}}
    assert "scenario_id" not in sent


def test_canonical_is_stable_and_sends_the_same() -> None:
    once = INTERSVYAZ.canonical(resource(), {})
    assert INTERSVYAZ.canonical(once, {}) == once
    assert wire.create(once, [PERSON], "rc:k3f9qa").json == wire.create(resource(), [PERSON], "rc:k3f9qa").json
    assert INTERSVYAZ.starts_at(once) == INTERSVYAZ.starts_at(resource())


def test_hours_of_other_days_are_no_change() -> None:
    other = scheduled(windows={**WEEK, "sat": OFFICE})
    assert INTERSVYAZ.canonical(other, {}) == INTERSVYAZ.canonical(resource(), {})


# ---- the body ---------------------------------------------------------------------------------------------------------


async def sent_for(declared: Resource, *people: Contact) -> Mapping[str, Json]:
    async with wired() as (router, direct):
        route = router.post("/api/campaigns").respond(200, json=CREATED)
        await INTERSVYAZ.create(direct, declared, people or (PERSON,))
    return body(route.calls[0].request)


async def test_the_sample_request_and_reply() -> None:
    async with wired() as (router, direct):
        route = router.post("/api/campaigns").respond(200, json=CREATED)
        live = await INTERSVYAZ.create(direct, resource(), [PERSON])
    request = route.calls[0].request
    assert request.url.query == b""
    assert request.headers["authorization"] == "Bearer t0k3n"
    assert request.headers["content-type"].startswith("application/json")
    assert body(request) == {
        "campaign": {
            "project_id": 1,
            "name": "Обзвон клиентов",
            "description": "Обзвон клиентов для опроса удовлетворенности [rc:k3f9qa]",
            "start_block_id": 10,
            "schedule": {
                "date": "2021-10-06",
                "start_time": "09:00",
                "end_time": "17:00",
                "periods": {"id": 1, "title": "Однократно"},
                "attempts": {"id": 1, "title": "1"},
                "interval": "5",
            },
            "state": "Создано",
            "phone_id": 5,
        },
        "phones": [
            {"phone": "+79123456789", "add_data": {"name": "Иванов Иван", "time": "10:00", "phone": "123456"}},
        ],
    }
    assert "Создано".encode() in request.content
    assert (live.vendor_id, live.name, live.complete, dict(live.spec)) == ("12345", "Обзвон клиентов", False, {})
    assert (direct.receipts[0].vendor_id, direct.receipts[0].items) == ("12345", ())
    assert direct.people == [(PERSON.person,)]
    assert not direct.calls[0].repeatable


async def test_the_smallest_declaration_sends_the_first_sample() -> None:
    declared = without("recall", "description", "periods", "attempts", "scenario_id", "displayName")
    schedule: Json = {**SCHEDULE, "windows": {**NEVER, "wed": [["07:30", "19:00"]]}}
    declared = replace(declared, spec={**declared.spec, "schedule": schedule})
    nobody_known = replace(PERSON, fields={})
    assert await sent_for(declared, nobody_known) == {
        "campaign": {
            "project_id": 1,
            "name": "opros",
            "description": "[rc:k3f9qa]",
            "start_block_id": 10,
            "schedule": {
                "date": "2021-10-06",
                "start_time": "07:30",
                "end_time": "19:00",
                "periods": {"id": 1, "title": "Однократно"},
                "attempts": {"id": 1, "title": "1"},
                "interval": "0",
            },
            "state": "Создано",
            "phone_id": 5,
        },
        "phones": [{"phone": "+79123456789", "add_data": {}}],
    }


async def test_other_pairs_go_out_as_declared() -> None:
    sent = await sent_for(resource(attempts={"id": 4, "title": "3"}, periods={"id": 2, "title": "Ежедневно"}))
    campaign = sent["campaign"]
    assert isinstance(campaign, dict)
    assert isinstance(campaign["schedule"], dict)
    assert campaign["schedule"]["attempts"] == {"id": 4, "title": "3"}
    assert campaign["schedule"]["periods"] == {"id": 2, "title": "Ежедневно"}


@pytest.mark.parametrize(
    ("after", "interval"), [("0s", "0"), ("60s", "1"), ("30m", "30"), ("2h", "120"), ("1d", "1440")]
)
async def test_the_interval_is_a_text_of_minutes(after: str, interval: str) -> None:
    campaign = (await sent_for(resource(recall={"after": after})))["campaign"]
    assert isinstance(campaign, dict)
    assert isinstance(campaign["schedule"], dict)
    assert campaign["schedule"]["interval"] == interval


async def test_a_campaign_without_people_is_not_created() -> None:
    async with wired() as (router, direct):
        with pytest.raises(Blocked, match="nobody is left"):
            await INTERSVYAZ.create(direct, resource(), [])
        assert not router.calls


@pytest.mark.parametrize(
    "content", [{}, {"campaign": {}}, {"campaign": {"id": "12345"}}, {"campaign": {"id": True}}, {"id": 1}, [], None]
)
def test_any_other_answer_proves_nothing(content: object) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        wire.created(Reply(200, json.dumps(content).encode()))


@pytest.mark.parametrize(
    ("status", "error"), [(400, Rejected), (422, Rejected), (500, OutcomeUnknown), (504, OutcomeUnknown)]
)
async def test_a_4xx_created_nothing_and_a_5xx_may_have(status: int, error: type[Exception]) -> None:
    async with wired() as (router, direct):
        router.post("/api/campaigns").respond(status, json={"message": "phones: +79123456789"})
        with pytest.raises(error) as raised:
            await INTERSVYAZ.create(direct, resource(), [PERSON])
    assert "9123456789" not in str(raised.value)


def test_a_number_goes_out_as_in_the_sample() -> None:
    assert INTERSVYAZ.wire_phone(Phone("+79123456789")) == "+79123456789"


def test_no_number_or_name_in_a_repr() -> None:
    shown = repr(wire.create(resource(), [PERSON], "rc:k3f9qa"))
    assert "9123456789" not in shown
    assert "Иванов" not in shown


# ---- login ------------------------------------------------------------------------------------------------------------


async def test_login_and_password_are_sent_as_a_form_from_the_platforms_own_origin() -> None:
    async with wired() as (router, direct):
        router.post("/api/campaigns").respond(200, json=CREATED)
        await INTERSVYAZ.create(direct, resource(), [PERSON])
        login = router.calls[0].request
    assert (login.method, login.url.path) == ("POST", "/login/")
    assert login.headers["content-type"] == "application/x-www-form-urlencoded"
    assert (login.headers["origin"], login.headers["referer"]) == (BASE, BASE)
    assert login.content == b"username=login&password=password"
    assert "authorization" not in login.headers


async def test_a_token_from_support_needs_no_login() -> None:
    router = respx.MockRouter(base_url=BASE)
    route = router.post("/api/campaigns").respond(200, json=CREATED)
    transport = httpx.MockTransport(router.async_handler)
    link = connection("intersvyaz")
    async with Account(link, BASE, INTERSVYAZ.auth, {"token": "from-support"}, transport=transport) as account:
        await INTERSVYAZ.create(DirectWriter(account), resource(), [PERSON])
    assert len(router.calls) == 1
    assert route.calls[0].request.headers["authorization"] == "Bearer from-support"


@pytest.mark.parametrize("content", [{}, {"access_token": 7}, []])
async def test_a_login_without_a_token_is_no_login(content: object) -> None:
    router = respx.MockRouter(base_url=BASE)
    router.post("/login/").respond(200, json=content)
    async with writer("intersvyaz", BASE, httpx.MockTransport(router.async_handler)) as direct:
        with pytest.raises(Unauthorized, match="without a token"):
            await INTERSVYAZ.create(direct, resource(), [PERSON])


async def test_a_stale_token_is_refused_before_anything_happens_and_renewed_for_the_next_claim() -> None:
    async with wired() as (router, direct):
        route = router.post("/api/campaigns").mock(side_effect=[httpx.Response(401), httpx.Response(200, json=CREATED)])
        with pytest.raises(Unauthorized):
            await INTERSVYAZ.create(direct, resource(), [PERSON])
        await direct.account.renew()
        assert (await INTERSVYAZ.create(direct, resource(), [PERSON])).vendor_id == "12345"
    assert len(route.calls) == 2


async def test_a_login_that_is_elsewhere_is_told() -> None:
    router = respx.MockRouter(base_url=BASE)
    router.post("/login/").respond(404)
    async with writer("intersvyaz", BASE, httpx.MockTransport(router.async_handler)) as direct:
        with pytest.raises(NotFound, match="/login/"):
            await INTERSVYAZ.create(direct, resource(), [PERSON])


@pytest.mark.parametrize("answered", [500, 429])
async def test_a_login_that_fails_leaves_the_create_unsent_not_in_doubt(answered: int) -> None:
    router = respx.MockRouter(base_url=BASE)
    router.post("/login/").respond(answered)
    with stamina.set_testing(True, attempts=2):
        async with writer("intersvyaz", BASE, httpx.MockTransport(router.async_handler)) as direct:
            with pytest.raises(NotSent, match="could not log in"):
                await INTERSVYAZ.create(direct, resource(), [PERSON])
    assert {call.request.url.path for call in router.calls} == {"/login/"}
