"""Thulium's campaigns on the wire: every documented sample, byte for byte, and answers that prove less than they seem to."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest

from reconciler.errors import Blocked, Forbidden, NotFound, ReadIncomplete, Rejected, Unauthorized
from reconciler.model import FieldChange, Json, Live, RunState
from reconciler.providers import provider
from reconciler.providers.base import CanDial, HasFamilies, Observation, Reply, TakesContacts, Wanted, capabilities_for
from reconciler.providers.thulium import contacts, replies, wire
from reconciler.providers.thulium.provider import Thulium
from tests.support import body, connection
from tests.thulium import THULIUM, answer, live, resource, sent, wired

pytestmark = pytest.mark.anyio

AGENTS: list[dict[str, Any]] = [  # the vendor's page ends this sample with a brace; a list is meant
    {"login": "jkowalski", "number": "3113", "active": True, "active_in_outbound": True, "agent_id": 12},
    {"login": "anowak", "number": "3422", "active": False, "active_in_outbound": False, "agent_id": 43},
]
STATUSES: list[dict[str, Any]] = [
    {"system_status": "CALL", "status_id": "3", "dictionary_status_id": 2, "name": "Contact needed"},
    {"system_status": "NO_CALL", "status_id": "4", "dictionary_status_id": None, "name": "Not interested"},
]
FULL: dict[str, Any] = {
    "id": "00001",
    "name": "Kampania sprzedażowa 2015",
    "dialer": "preview",
    "active": False,
    "start_date": "2015-10-05",
    "end_date": "2015-10-25",
    "order": 50,
    "parity": 50,
    "parameters": {"caller_id": "123456789", "preview_timeout": 15},
    "group_id": 15,
}
SPEC: dict[str, Json] = {
    "displayName": "Kampania sprzedażowa 2015",
    "dialer": "preview",
    "start_date": "2015-10-05",
    "end_date": "2015-10-25",
    "order": 50,
    "parity": 50,
    "parameters": {"caller_id": "123456789", "preview_timeout": "15s"},
    "group_id": 15,
}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def changes(*names: str) -> list[FieldChange]:
    return [FieldChange((name,), None, "new") for name in names]


# ---- what the vendor is --------------------------------------------------------------------------------------------


def test_is_made_by_name_and_is_all_it_claims_to_be() -> None:
    made = provider(connection("thulium"))
    assert isinstance(made, Thulium)
    for protocol in (CanDial, HasFamilies, TakesContacts):
        assert isinstance(made, protocol)
    table = made.capabilities
    assert (table.create, table.update, table.delete, table.readable, table.dial) == (False, True, True, True, True)
    assert table.known_hosts == ("*.thulium.com",)
    assert table.credentials == (frozenset({"username", "password"}),)


def test_every_rule_names_the_page_it_stands_on() -> None:
    assert all(rule.source.startswith("https://") for rule in wire.CAPABILITIES.fields.values())


def test_calling_hours_attempts_and_creation_are_refused_with_a_reason() -> None:
    assert set(wire.CAPABILITIES.refusals) == {"create", "schedule", "recall"}
    assert "start_date and end_date" in wire.CAPABILITIES.refusals["schedule"]
    assert all(not reason.endswith(".") for reason in wire.CAPABILITIES.refusals.values())


def test_people_of_a_crm_campaign_are_customers() -> None:
    csv = capabilities_for(THULIUM, resource({"kind": "csv"})).contacts
    crm = capabilities_for(THULIUM, resource({"kind": "crm"})).contacts
    assert (csv.key_required, csv.update, csv.fields, csv.dedupes) == (False, True, None, True)
    assert (crm.key_required, crm.update, crm.fields, crm.dedupes) == (True, False, frozenset(), True)
    assert capabilities_for(THULIUM, resource({})) is THULIUM.capabilities


def test_an_end_before_the_start_is_refused() -> None:
    (refusal,) = THULIUM.refusals(resource({"start_date": "2026-06-02", "end_date": "2026-06-01"}))
    assert refusal.path == "end_date"
    assert "2026-06-02" in refusal.message
    assert THULIUM.refusals(resource({"start_date": "2026-06-01", "end_date": "2026-06-01"})) == []
    assert THULIUM.refusals(resource({"start_date": "2026-06-01"})) == []


async def test_a_create_sends_nothing() -> None:
    async with wired() as (router, direct):
        with pytest.raises(Blocked, match="does not document"):
            await THULIUM.create(direct, resource({}), [])
        assert not router.calls


# ---- the declared form ---------------------------------------------------------------------------------------------


def test_the_canonical_form_is_what_a_read_gives_back() -> None:
    declared: dict[str, Json] = {**SPEC, "agents": ["jkowalski", "anowak", "anowak"], "kind": "csv"}
    made = THULIUM.canonical(resource({**declared, "order": "50"}), {})
    assert made.spec == {**SPEC, "agents": ["anowak", "jkowalski"], "kind": "csv"}
    assert THULIUM.canonical(made, {}) == made
    read = wire.from_wire(FULL, None)
    assert {name: made.spec[name] for name in read.spec} == read.spec


KNOWN = wire.references(STATUSES)


def test_statuses_are_references_by_the_field_that_is_sent() -> None:
    assert KNOWN == {"dictionary_status_id=2": "Contact needed", "status_id=4": "Not interested"}


def test_statuses_that_need_an_agent_or_a_time_of_each_person_are_no_choice() -> None:
    special = [{**STATUSES[0], "system_status": word} for word in ("MY_RECORD", "CALL_NO_SOONER_THAN")]
    assert wire.references(special) == {}


@pytest.mark.parametrize("written", ["Contact needed", "2", 2])
def test_an_initial_status_is_found_by_name_or_dictionary_id(written: Json) -> None:
    found = THULIUM.canonical(resource({"initialStatus": written}), {"status/00001": KNOWN}).spec
    assert found["initialStatus"] == {"dictionary_status_id": "2", "name": "Contact needed"}


def test_a_status_outside_the_dictionary_has_its_own_id_only() -> None:
    declared = resource({"initialStatus": "Not interested", "displayName": "spring"}, vendor_id=None)
    found = THULIUM.canonical(declared, {"status/spring": KNOWN})
    assert found.spec["initialStatus"] == {"status_id": "4", "name": "Not interested"}
    assert THULIUM.canonical(found, {"status/spring": KNOWN}) == found


def test_a_status_that_is_not_there_or_there_twice_is_named() -> None:
    with pytest.raises(LookupError, match=r'status "Gone" .* there are "Contact needed", "Not interested"'):
        THULIUM.canonical(resource({"initialStatus": "Gone"}), {"status/00001": KNOWN})
    with pytest.raises(LookupError, match="there are none"):
        THULIUM.canonical(resource({"initialStatus": "Gone"}), {"status/00001": {}})
    twice = {**KNOWN, "status_id=7": "Not interested"}
    with pytest.raises(LookupError, match=r'2 statuses .* are called "Not interested"'):
        THULIUM.canonical(resource({"initialStatus": "Not interested"}), {"status/00001": twice})


def test_an_unread_status_is_never_sent_as_none() -> None:
    unread = THULIUM.canonical(resource({"initialStatus": "Contact needed"}), {}).spec
    assert unread["initialStatus"] == "Contact needed"
    with pytest.raises(Blocked, match="initialStatus"):
        contacts.status_sent(unread)


# ---- campaigns: reading --------------------------------------------------------------------------------------------


async def observed(listing: object, *wanted: Wanted, stats: object = None) -> tuple[Observation, list[str]]:
    async with wired() as (router, direct):
        router.get("/outbounds").respond(json=listing)
        if stats is not None:
            router.get("/outbounds/stats").respond(json=stats)
        router.get("/outbounds/00001/agents").respond(json=AGENTS)
        router.get("/outbounds/00001/statuses").respond(json=STATUSES)
        return await THULIUM.observe(direct, wanted), sent(router)


async def test_the_samples_of_agents_and_statuses_are_read_for_the_wanted_campaign() -> None:
    declared: dict[str, Json] = {"kind": "crm", "agents": ["anowak"], "initialStatus": "Contact needed"}
    seen, requests = await observed([FULL, {**FULL, "id": "00002"}], Wanted("mine", "00001", declared))
    mine, other = seen.live
    assert mine.spec == {**SPEC, "agents": ["anowak", "jkowalski"]}
    assert (mine.vendor_id, mine.run, mine.raw, mine.complete) == ("00001", RunState.STOPPED, declared, True)
    assert (other.vendor_id, other.complete, "agents" in other.spec) == ("00002", False, False)
    assert seen.references == {"status/00001": KNOWN, "status/mine": KNOWN}
    assert requests == [
        "GET /api/outbounds",
        "GET /api/outbounds/00001/agents",
        "GET /api/outbounds/00001/statuses",
    ]


@pytest.mark.parametrize(
    ("declared", "asked"),
    [
        ({"kind": "csv"}, []),
        ({"agents": []}, ["agents"]),
        ({"initialStatus": "Contact needed"}, ["statuses"]),
        ({}, ["agents", "statuses"]),
    ],
)
async def test_agents_and_statuses_are_asked_for_where_they_are_declared_or_everything_is_wanted(
    declared: dict[str, Json], asked: list[str]
) -> None:
    seen, requests = await observed([FULL], Wanted("mine", "00001", declared))
    assert requests == ["GET /api/outbounds", *(f"GET /api/outbounds/00001/{name}" for name in asked)]
    assert ("agents" in seen.live[0].spec, bool(seen.references)) == ("agents" in asked, "statuses" in asked)
    assert seen.live[0].complete


async def test_a_campaign_without_an_id_is_found_by_its_name() -> None:
    seen, _ = await observed([FULL], Wanted(str(FULL["name"]), None))
    assert seen.live[0].complete


async def test_numbers_and_truth_values_may_come_as_text_and_absent_ones_as_empty_text() -> None:
    text = {name: str(int(value)) if isinstance(value, bool) else str(value) for name, value in FULL.items()}
    parameters = {"caller_id": "123456789", "preview_timeout": "15", "predictive_max_calls": "1.5", "own": "x"}
    row = {**text, "parameters": parameters, "group_id": "", "active": "1", "start_date": "2015-10-05 00:00:00"}
    (seen,) = (await observed([row]))[0].live
    expected = {"caller_id": "123456789", "preview_timeout": "15s", "predictive_max_calls": "1.5", "own": "x"}
    assert seen.spec == {**SPEC, "group_id": None, "parameters": expected}
    assert seen.run is RunState.RUNNING


@pytest.mark.parametrize("empty", [[], {}])
async def test_an_empty_map_may_come_as_a_list(empty: Json) -> None:
    (seen,) = (await observed([{**FULL, "parameters": empty}]))[0].live
    assert seen.spec["parameters"] == {}


async def test_a_short_list_leaves_fields_unread_and_the_statistics_say_who_is_active() -> None:
    rows = [{"id": 1, "name": "one"}, {"id": "00002", "name": "two"}]
    stats = [{"id": "00001", "records_count": 1324, "completion_percent": 14.87}]
    seen, requests = await observed(rows, stats=stats)
    assert [(one.vendor_id, one.name, one.spec, one.run) for one in seen.live] == [
        ("00001", "one", {"displayName": "one"}, RunState.RUNNING),
        ("00002", "two", {"displayName": "two"}, RunState.STOPPED),
    ]
    assert requests == ["GET /api/outbounds", "GET /api/outbounds/stats"]


async def test_where_the_statistics_are_refused_the_run_state_is_unknown() -> None:
    async with wired() as (router, direct):
        router.get("/outbounds").respond(json=[{"id": "00001", "name": "one"}])
        router.get("/outbounds/stats").respond(400, json={"errors": [{"message": "id is required", "code": 1}]})
        (seen,) = (await THULIUM.observe(direct, [])).live
    assert seen.run is None


async def test_a_campaign_on_the_removal_queue_says_so() -> None:
    (seen,) = (await observed([{**FULL, "status": "REMOVAL_QUEUED"}]))[0].live
    assert seen.note == "removal queued"


@pytest.mark.parametrize("key", ["result", "outbounds"])
async def test_a_wrapped_list_is_read_to_its_count(key: str) -> None:
    rows = [{**FULL, "id": f"{number:05}"} for number in range(1, 4)]

    def page(request: httpx.Request) -> httpx.Response:
        query = dict(parse_qsl(request.url.query.decode()))
        start = int(query.get("offset", 0))
        return httpx.Response(200, json={"count": "3", key: rows[start : start + 2]})

    async with wired() as (router, direct):
        router.get("/outbounds").mock(side_effect=page)
        seen = await THULIUM.observe(direct, [])
        assert sent(router) == ["GET /api/outbounds", "GET /api/outbounds?limit=100&offset=1"]
    assert [one.vendor_id for one in seen.live] == ["00001", "00002", "00003"]


async def test_a_wrapped_list_without_a_count_ends_with_a_page_that_adds_nothing() -> None:
    seen, requests = await observed({"outbounds": [FULL]})
    assert len(seen.live) == 1
    assert requests == ["GET /api/outbounds", "GET /api/outbounds?limit=100&offset=1"]


@pytest.mark.parametrize(
    "listing",
    [
        None,
        3,
        "text",
        [1],
        ["text"],
        {"errors": [{"message": "no", "code": 1}]},
        {"one": [], "two": []},
        {"count": "many", "result": []},
        [{"name": "no id"}],
        [{**FULL, "order": "high"}],
        [{**FULL, "active": "maybe"}],
    ],
)
async def test_a_list_that_cannot_be_understood_is_no_smaller_world(listing: object) -> None:
    with pytest.raises(ReadIncomplete, match="thulium-test"):
        await observed(listing)


async def test_the_password_goes_out_as_basic_and_nowhere_else() -> None:
    async with wired() as (router, direct):
        router.get("/outbounds").respond(json=[])
        await THULIUM.observe(direct, [])
        headers = router.calls[0].request.headers
    assert headers["Authorization"] == "Basic " + base64.b64encode(b"api_user:api_pass").decode()
    assert THULIUM.auth.login({}) is None
    assert THULIUM.auth.token(Reply(200, b"")) == ""


@pytest.mark.parametrize(("status", "error"), [(401, Unauthorized), (403, Forbidden), (404, NotFound), (400, Rejected)])
async def test_the_sample_of_an_error_is_told_in_the_vendors_words(status: int, error: type[Rejected]) -> None:
    sample = {
        "request_id": "53678450401cf",
        "errors": [
            {"message": "Wrong format of phone number.", "code": 111111},
            {"message": "Duplicated customer name.", "code": 222222},
        ],
    }
    async with wired() as (router, direct):
        router.put("/outbounds/00001").respond(status, json=sample)
        with pytest.raises(error) as raised:
            await THULIUM.stop(direct, live())
    said = str(raised.value)
    assert "PUT /outbounds/{id}" in said
    assert "Wrong format of phone number." in said
    assert "request_id" in said
    assert "Duplicated customer name." in said


# ---- campaigns: changing -------------------------------------------------------------------------------------------


async def test_the_sample_of_an_update_is_sent_with_all_that_was_read() -> None:
    """The page's sample: {"name":"Some new name","active":true,"parameters":{"caller_id":"1234"}}."""
    declared: dict[str, Json] = {"displayName": "Some new name", "parameters": {"caller_id": "1234"}}
    there = Live("09098", "old", {**SPEC, "group_id": None}, RunState.RUNNING)
    async with wired() as (router, direct):
        route = router.put("/outbounds/09098").respond(204)
        fields = [FieldChange(("displayName",), "old", "new"), FieldChange(("parameters", "caller_id"), "1", "1234")]
        after = await THULIUM.update(direct, there, resource(declared, RunState.STOPPED), fields)
        request = route.calls.last.request
        assert body(request) == {
            "name": "Some new name",
            "dialer": "preview",
            "active": True,
            "start_date": "2015-10-05",
            "end_date": "2015-10-25",
            "order": 50,
            "parity": 50,
            "parameters": {"caller_id": "1234", "preview_timeout": 15},
        }
        assert request.headers["Content-Type"] == "application/json; charset=utf-8"
        assert direct.calls[0].repeatable
        assert direct.receipts[0].vendor_id == "09098"
    assert (after.name, after.run) == ("Some new name", RunState.RUNNING)
    assert after.spec == {**there.spec, **declared, "parameters": {"caller_id": "1234", "preview_timeout": "15s"}}


async def test_a_minimal_sample_is_the_whole_body_where_nothing_else_is_known() -> None:
    declared: dict[str, Json] = {"displayName": "Some new name", "parameters": {"caller_id": "1234"}}
    async with wired() as (router, direct):
        route = router.put("/outbounds/09098").respond(204)
        there = Live("09098", "old", {}, RunState.RUNNING)
        await THULIUM.update(direct, there, resource(declared), changes("displayName", "parameters"))
        assert body(route.calls.last.request) == {
            "name": "Some new name",
            "active": True,
            "parameters": {"caller_id": "1234"},
        }


async def test_a_field_dropped_from_the_declaration_stays_as_it_was_read() -> None:
    async with wired() as (router, direct):
        route = router.put("/outbounds/00001").respond(204)
        there = live(spec={"order": 7, "parity": 9})
        await THULIUM.update(direct, there, resource({"parity": 10}), changes("order", "parity"))
        assert body(route.calls.last.request) == {"order": 7, "parity": 10, "active": False}


async def test_a_factor_that_is_no_whole_number_goes_out_as_a_number() -> None:
    parameters: Json = {"predictive_max_calls": "1.5", "predictive_min_calls": 1, "caller_id": None}
    assert wire.to_wire({"parameters": parameters}, RunState.STOPPED) == {
        "parameters": {"predictive_max_calls": 1.5, "predictive_min_calls": 1},
        "active": False,
    }


async def test_what_thulium_is_not_told_sends_nothing() -> None:
    declared: dict[str, Json] = {"kind": "csv", "initialStatus": {"status_id": "3", "name": "x"}}
    async with wired() as (router, direct):
        after = await THULIUM.update(direct, live(), resource(declared), changes("kind", "initialStatus"))
        assert not router.calls
    assert after.spec == declared


async def test_an_update_never_starts_a_campaign_that_may_be_stopped() -> None:
    unknown = live(run=None)
    async with wired() as (router, direct):
        with pytest.raises(Blocked, match="activation"):
            await THULIUM.update(direct, unknown, resource({"order": 1}), changes("order"))
        assert not router.calls
        route = router.put("/outbounds/00001").respond(204)
        stopped = resource({"order": 1}, RunState.STOPPED)
        after = await THULIUM.update(direct, unknown, stopped, changes("order"))
        assert body(route.calls.last.request)["active"] is False
    assert after.run is RunState.STOPPED


async def test_the_samples_of_agents_send_the_difference_and_nothing_else() -> None:
    there = live(spec={"agents": ["anowak", "old", "stays"]})
    async with wired() as (router, direct):
        router.post("/outbounds/00001/add_agents").respond(201)
        router.post("/outbounds/00001/remove_agents").respond(201)
        after = await THULIUM.update(direct, there, resource({"agents": ["jkowalski", "stays"]}), changes("agents"))
        assert sent(router) == ["POST /api/outbounds/00001/add_agents", "POST /api/outbounds/00001/remove_agents"]
        assert [body(call.request) for call in router.calls] == [
            {"logins": ["jkowalski"]},
            {"logins": ["anowak", "old"]},
        ]
        assert all(call.repeatable for call in direct.calls)
    assert after.spec["agents"] == ["jkowalski", "stays"]


async def test_the_sample_of_adding_agents_to_a_campaign_without_any() -> None:
    async with wired() as (router, direct):
        route = router.post("/outbounds/00001/add_agents").respond(204)
        await THULIUM.update(direct, live(), resource({"agents": ["anowak", "jkowalski"]}), changes("agents"))
        assert body(route.calls.last.request) == {"logins": ["anowak", "jkowalski"]}
        assert len(router.calls) == 1


async def test_start_and_stop_send_active_with_all_that_is_known() -> None:
    there = Live("00001", "spring", {"displayName": "spring"}, None, raw={"order": 7, "kind": "csv"})
    async with wired() as (router, direct):
        router.put("/outbounds/00001").respond(204)
        started = await THULIUM.start(direct, there)
        stopped = await THULIUM.stop(direct, started)
        assert [body(call.request) for call in router.calls] == [
            {"name": "spring", "order": 7, "active": True},
            {"name": "spring", "order": 7, "active": False},
        ]
    assert (started.run, stopped.run) == (RunState.RUNNING, RunState.STOPPED)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, b""),
        Reply(200, b"<!doctype html><html></html>"),
        answer({"request_id": "1", "errors": [{"message": "no", "code": 1}]}, 200),
    ],
)
def test_an_update_is_not_taken_for_done_on_a_strange_answer(reply: Reply) -> None:
    with pytest.raises(ValueError, match=r".+"):
        replies.updated(reply, "00001")


def test_an_update_with_a_body_and_empty_answers_about_agents_are_done() -> None:
    assert replies.updated(answer({"id": "00001"}, 200), "00001").vendor_id == "00001"
    assert replies.agents_set(Reply(200, b""), "00001").vendor_id == "00001"
    assert replies.agents_set(answer([], 201), "00001").vendor_id == "00001"
    with pytest.raises(ValueError, match="malformed"):
        replies.agents_set(Reply(200, b"<html>"), "00001")


REMOVALS = [
    {"http_status": 200, "id": "00001", "status": "REMOVAL_QUEUED"},
    {"http_status": 404, "id": "00002", "status": "NOT_EXIST"},
    {"http_status": 400, "id": "00003", "status": "ALREADY_QUEUED"},
]


async def test_the_sample_of_removed_campaigns() -> None:
    """The page's sample also asks for the recordings to be deleted; they are kept."""
    async with wired() as (router, direct):
        router.delete("/batch/outbounds").respond(207, json=REMOVALS)
        await THULIUM.delete(direct, live())
        assert sent(router) == ["DELETE /api/batch/outbounds?id%5B%5D=00001"]
        assert direct.calls[0].repeatable


@pytest.mark.parametrize("vendor_id", ["00001", "00002", "00003"])
def test_each_word_of_the_sample_of_removed_campaigns_is_success(vendor_id: str) -> None:
    assert replies.queued(answer(REMOVALS), vendor_id).vendor_id == vendor_id


async def test_a_removal_answered_404_as_a_whole_is_gone() -> None:
    async with wired() as (router, direct):
        router.delete("/batch/outbounds").respond(404, json={"errors": [{"message": "none", "code": 1}]})
        await THULIUM.delete(direct, live())
        assert direct.receipts[0].vendor_id == "00001"


@pytest.mark.parametrize(
    "content",
    [[], REMOVALS[1:], [{**REMOVALS[0], "status": "FAILED"}], {"errors": []}, {"errors": [{"message": "no"}]}, ["x"]],
)
def test_a_removal_is_not_taken_for_done_without_its_word(content: object) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        replies.queued(answer(content), "00001")
