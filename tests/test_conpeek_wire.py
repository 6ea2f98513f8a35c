"""Conpeek on the wire: every documented sample that concerns us, byte for byte, and what is refused before anything is sent."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from urllib.parse import parse_qs

import httpx
import msgspec
import pytest
import respx

from reconciler.errors import Blocked, Forbidden, NotFound, OutcomeUnknown, ReadIncomplete, Rejected
from reconciler.model import Contact, Json, Key, Live, LiveContact, Person, Phone, Reference, Resource, Source
from reconciler.providers import provider
from reconciler.providers.base import Edit, HasFamilies, Leaving, Reply, TakesContacts, Wanted, capabilities_for
from reconciler.providers.conpeek import contacts, wire
from reconciler.providers.conpeek.provider import Conpeek
from tests.support import DirectWriter, body, connection, writer

BASE = "https://api-server.cloud.conpeek.com"
CAMPAIGN = "5b7c389fe8df7b60af688989"
REQUEST = "5f4642c4c3b0bf0d6b3f0a11"
ANNOUNCEMENT = "5b7c78389fe80f7b60af688989"
VOICE: dict[str, Json] = {"voice_campaign": CAMPAIGN, "experimental": True}
SMS: dict[str, Json] = {"voice_sms_campaign": CAMPAIGN, "type": "announcement", "announcement_id": ANNOUNCEMENT}
LIST = f"/voice_sms_campaign/{CAMPAIGN}/request_list"
REQUESTS = f"/voice_campaign/{CAMPAIGN}/request"
MARK = "rc-k3f9qa0123456789"
CONPEEK = Conpeek(connection("conpeek"))
pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def resource(spec: Mapping[str, Json], *sets: str) -> Resource:
    key = Key("conpeek-test", "campaign", "spring")
    return Resource(key, "conpeek", spec, Source("spring.yaml", 1), contacts=sets)


def person(number: str, mark: str = MARK, **fields: str) -> Contact:
    return Contact(Person(number.encode()[-16:]), Phone(number), fields, mark=mark)


def live(spec: Mapping[str, Json]) -> Live:
    return Live(CAMPAIGN, "spring", spec)


@asynccontextmanager
async def wired() -> AsyncIterator[tuple[respx.MockRouter, DirectWriter]]:
    router = respx.MockRouter(base_url=BASE)
    async with writer("conpeek", BASE, httpx.MockTransport(router.async_handler)) as direct:
        yield router, direct


def answer(status: int, content: object) -> Reply:
    return Reply(status, json.dumps(content).encode())


async def people_of(direct: DirectWriter, spec: Mapping[str, Json] = VOICE) -> list[LiveContact]:
    return [contact async for contact in CONPEEK.read_contacts(direct, live(spec), CAMPAIGN)]


# ---- what the vendor is -----------------------------------------------------------------------------------------------


def test_is_made_by_name_and_takes_contacts_in_families() -> None:
    made = provider(connection("conpeek"))
    assert isinstance(made, Conpeek)
    assert isinstance(CONPEEK, TakesContacts)
    assert isinstance(CONPEEK, HasFamilies)
    assert made.capabilities.known_hosts == ("*.cloud.conpeek.com",)
    assert made.capabilities.credentials == (frozenset({"apiKey"}),)


def test_a_campaign_can_only_be_pointed_at() -> None:
    table = CONPEEK.capabilities
    assert not any((table.create, table.update, table.delete, table.dial))
    assert {"schedule", "recall", "activation", "create", "update", "delete"} <= table.refusals.keys()
    assert wire.WINDOW in table.refusals["schedule"]
    assert wire.WINDOW in table.refusals["recall"]
    assert all(rule.source for rule in table.fields.values())


@pytest.mark.parametrize(
    ("spec", "can"),
    [
        (SMS, {"add": True, "read": False, "update": False, "withdraw": False}),
        (VOICE, {"add": True, "read": True, "update": True, "withdraw": False}),
        ({"voice_campaign": CAMPAIGN}, {"add": False, "read": True, "update": True, "withdraw": False}),
        ({"voice_campaign": CAMPAIGN, "experimental": False}, {"add": False}),
    ],
)
def test_what_can_be_done_with_people_depends_on_the_family(spec: dict[str, Json], can: dict[str, bool]) -> None:
    rules = capabilities_for(CONPEEK, resource(spec)).contacts
    assert {name: getattr(rules, name) for name in can} == can
    assert not rules.dedupes


def test_a_vendor_without_families_has_one_table() -> None:
    other = provider(connection("intersvyaz"))
    assert capabilities_for(other, resource({})) is other.capabilities


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ({}, "voice_campaign"),
        ({**SMS, "voice_campaign": CAMPAIGN}, "voice_campaign"),
        ({"voice_sms_campaign": CAMPAIGN}, "type"),
        ({**SMS, "type": "fax"}, "type"),
        ({"voice_sms_campaign": CAMPAIGN, "type": "announcement"}, "announcement_id"),
        ({**SMS, "type": "none"}, "announcement_id"),
        ({**SMS, "text": "Witaj"}, "text"),
        ({**SMS, "ssml": "<speak/>"}, "ssml"),
        ({**SMS, "voice_definition_id": "5b3c"}, "voice_definition_id"),
        ({**SMS, "experimental": True}, "experimental"),
        ({**VOICE, "type": "tts"}, "type"),
        ({**VOICE, "custom": {}}, "custom"),
        ({**VOICE, "text": "Witaj"}, "text"),
        ({"voice_campaign": CAMPAIGN}, "contacts"),
    ],
)
def test_what_it_cannot_hold_is_refused_with_its_reason(spec: dict[str, Json], path: str) -> None:
    (refusal,) = CONPEEK.refusals(resource(spec, "may"))
    assert refusal.path == path
    assert refusal.message.endswith(".")


@pytest.mark.parametrize(
    "spec",
    [
        SMS,
        {**SMS, "custom": {"issue_id": "XYZ"}, "displayName": "Wiosna"},
        {"voice_sms_campaign": CAMPAIGN, "type": "tts", "text": "Witaj", "voice_definition_id": "5b3c"},
        {"voice_sms_campaign": CAMPAIGN, "type": "none"},
        VOICE,
    ],
)
def test_what_it_can_hold_is_not_refused(spec: dict[str, Json]) -> None:
    assert CONPEEK.refusals(resource(spec, "may")) == []


def test_a_voice_campaign_without_people_needs_no_opt_in() -> None:
    assert CONPEEK.refusals(resource({"voice_campaign": CAMPAIGN})) == []


async def test_what_cannot_be_done_says_so_and_sends_nothing() -> None:
    async with wired() as (router, direct):
        with pytest.raises(Blocked, match="no documented call that makes a campaign"):
            await CONPEEK.create(direct, resource(VOICE), ())
        with pytest.raises(Blocked, match="changes a campaign"):
            await CONPEEK.update(direct, live(VOICE), resource(VOICE), ())
        with pytest.raises(Blocked, match="deletes a campaign"):
            await CONPEEK.delete(direct, live(VOICE))
        leaving = Leaving(Person(b"p"), LiveContact(REQUEST, Phone("+48987654321")))
        with pytest.raises(Blocked, match="takes somebody out"):
            await CONPEEK.withdraw(direct, live(VOICE), CAMPAIGN, [leaving])
        assert not router.calls


async def test_the_campaign_is_the_container_and_the_declaration_is_canonical() -> None:
    async with wired() as (_, direct):
        assert await CONPEEK.open(direct, live(VOICE), resource(VOICE), "may") == CAMPAIGN
    declared = resource(VOICE)
    assert CONPEEK.canonical(declared, {}) is declared


# ---- who they are -----------------------------------------------------------------------------------------------------


def test_the_key_is_bare_and_there_is_no_login() -> None:
    auth = CONPEEK.auth
    assert auth.login({"apiKey": "k"}) is None
    assert auth.headers({"apiKey": "k"}, "")["Authorization"] == "k"
    with pytest.raises(ValueError, match="no login"):
        auth.token(answer(200, {}))


@pytest.mark.parametrize(
    ("entered", "current", "region", "phone"),
    [
        ("48123123123", None, "PL", "+48123123123"),
        ("+48 123 123 123", None, "PL", "+48123123123"),
        ("0048123123123", None, "DE", "+48123123123"),
        ("123123123", None, "PL", "+48123123123"),
        ("123123123", "48123123123", "DE", "+48123123123"),
        ("123123123", "48999999999", "PL", "+48123123123"),  # another number of the same person
        ("49301234567", "49301234567", "PL", "+49301234567"),
    ],
)
def test_numbers_are_compared_after_normalising(entered: str, current: str | None, region: str, phone: str) -> None:
    row = {"id": REQUEST, "contact_number": entered, "current_contact_number": current}
    assert contacts.contact_of(request(row), region).phone == Phone(phone)


def request(row: object) -> contacts.Request:
    return msgspec.convert(row, contacts.Request)


def test_a_number_goes_out_without_a_plus() -> None:
    assert CONPEEK.wire_phone(Phone("+48123123123")) == "48123123123"


def test_a_request_is_read_with_custom_as_an_object_or_as_text() -> None:
    row = {
        "id": REQUEST,
        "contact_number": "48123123123",
        "name": "Jan",
        "contact_identifier": None,
        "process_not_before": "2026-06-01 10:00:00",
        "priority": 100,
        "contact_try": 1,
        "consultant_try": 0,
        "state": "CLOSED",
        "application_state": "CLOSED",
        "custom": {"issue_id": "XYZ-ABC-01", "count": 3, "rc": MARK},
    }
    read = contacts.contact_of(request(row), "PL")
    window = "2026-06-01 10:00:00"
    assert read.fields == {"issue_id": "XYZ-ABC-01", "count": "3", "name": "Jan", "process_not_before": window}
    assert (read.identifier, read.called, read.closed, read.busy) == (MARK, True, True, False)
    shadowed = {"id": REQUEST, "custom": {"name": "theirs", "note": "theirs"}, "name": None}
    assert contacts.contact_of(request(shadowed), "PL").fields == {"note": "theirs"}
    assert contacts.contact_of(request({**row, "custom": json.dumps(row["custom"])}), "PL") == read
    for foreign in ("{", "[1]", None, 7):
        assert contacts.contact_of(request({**row, "custom": foreign}), "PL").identifier == ""


def test_a_request_in_a_call_is_busy() -> None:
    assert contacts.contact_of(request({"id": REQUEST, "contact_number": "1", "state": "PROCESSING"}), "PL").busy


# ---- E1, reading ------------------------------------------------------------------------------------------------------


async def test_e1_reads_a_page_as_documented() -> None:
    rows = [{"id": REQUEST, "contact_number": "48123123123", "state": "OPEN", "application_state": "NEW"}]
    async with wired() as (router, direct):
        route = router.get(REQUESTS).respond(200, json={"data": rows})
        (read,) = await people_of(direct)
    assert read == LiveContact(REQUEST, Phone("+48123123123"))
    request = route.calls[0].request
    assert request.headers["authorization"] == "conpeek-key"
    assert request.headers["content-type"] == "application/json"
    assert request.url.query == (
        b"limit=1000&offset=0&exclude=%5B%22history%22%2C%22call_history%22%2C%22dialogs%22%5D"
    )
    assert [parse_qs(call.request.url.query.decode())["offset"] for call in route.calls] == [["0"], ["1"]]


async def test_e1_encodes_the_whole_filter() -> None:
    """The page's example leaves `:` and `,` alone; encoded or not, the vendor decodes the same JSON."""
    filters: list[Json] = [
        {"property": "created_date", "operator": "gte", "value": "2021-08-10 00:00:00"},
        {"property": "contact_number", "value": "48123123123&+#"},
    ]
    async with wired() as (router, direct):
        route = router.get(REQUESTS).respond(200, json={"data": []})
        await direct.read(contacts.read_requests(CAMPAIGN, 0, 10, filters))
    query = route.calls[0].request.url.query
    assert b"%7B%22property%22%3A%22created_date%22%2C" in query
    assert b"%26%2B%23" in query
    assert json.loads(parse_qs(query.decode())["filter"][0]) == filters


async def test_reading_ends_with_a_page_that_adds_nothing_whatever_the_page_size() -> None:
    rows = [{"id": f"{number:024x}", "contact_number": f"4812312{number:04}"} for number in range(25)]

    def page(request: httpx.Request) -> httpx.Response:
        query = parse_qs(request.url.query.decode())
        offset, limit = int(query["offset"][0]), min(int(query["limit"][0]), 10)
        return httpx.Response(200, json={"data": rows[offset : offset + limit]})

    async with wired() as (router, direct):
        router.get(REQUESTS).mock(side_effect=page)
        assert len(await people_of(direct)) == 25


@pytest.mark.parametrize("content", [{}, {"data": {}}, {"data": [1]}, {"data": [{}]}, {"data": [{"id": 7}]}, []])
async def test_a_page_that_is_none_is_an_incomplete_read(content: object) -> None:
    async with wired() as (router, direct):
        router.get(REQUESTS).respond(200, json=content)
        with pytest.raises(ReadIncomplete, match="instead of the page"):
            await people_of(direct)
        with pytest.raises(ReadIncomplete, match="exists was not answered"):
            await CONPEEK.observe(direct, [Wanted("spring", CAMPAIGN, VOICE)])


async def test_a_web_page_is_no_answer() -> None:
    async with wired() as (router, direct):
        router.get(REQUESTS).respond(200, html="<h1>Sign in</h1>")
        with pytest.raises(ReadIncomplete):
            await CONPEEK.observe(direct, [Wanted("spring", CAMPAIGN, VOICE)])


@pytest.mark.parametrize(("status", "error"), [(403, Forbidden), (404, NotFound)])
async def test_e1_errors(status: int, error: type[Exception]) -> None:
    async with wired() as (router, direct):
        router.get(REQUESTS).respond(status)
        with pytest.raises(error):
            await people_of(direct)


async def test_voice_sms_is_never_read() -> None:
    async with wired() as (router, direct):
        with pytest.raises(ReadIncomplete, match="cannot be read"):
            await people_of(direct, SMS)
        assert not router.calls


# ---- observe ----------------------------------------------------------------------------------------------------------


async def test_observe_asks_for_one_request_of_a_voice_campaign_and_nothing_of_voice_sms() -> None:
    async with wired() as (router, direct):
        route = router.get(REQUESTS).respond(200, json={"data": []})
        wanted = [Wanted("spring", CAMPAIGN, VOICE), Wanted("sms", "5b7c", SMS), Wanted("unbound", None, VOICE)]
        seen = await CONPEEK.observe(direct, wanted)
    assert [(found.vendor_id, found.name, found.spec, bool(found.note)) for found in seen.live] == [
        (CAMPAIGN, "spring", VOICE, False),
        ("5b7c", "sms", SMS, True),
    ]
    assert len(route.calls) == 1
    assert parse_qs(route.calls[0].request.url.query.decode())["limit"] == ["1"]


async def test_a_voice_campaign_that_is_not_there_is_not_observed() -> None:
    async with wired() as (router, direct):
        router.get(REQUESTS).respond(404)
        assert (await CONPEEK.observe(direct, [Wanted("spring", CAMPAIGN, VOICE)])).live == ()


async def test_being_refused_is_not_being_gone() -> None:
    async with wired() as (router, direct):
        router.get(REQUESTS).respond(403)
        with pytest.raises(Forbidden):
            await CONPEEK.observe(direct, [Wanted("spring", CAMPAIGN, VOICE)])


# ---- E2, voice SMS ----------------------------------------------------------------------------------------------------


async def add(direct: DirectWriter, spec: Mapping[str, Json], *people: Contact) -> None:
    await CONPEEK.add(direct, live(spec), resource(spec), CAMPAIGN, people)


async def test_e2_adds_many_as_in_the_sample() -> None:
    async with wired() as (router, direct):
        route = router.post(LIST).respond(200, json={"data": [{"id": "a", "contact_number": "48987654321"}]})
        await add(direct, SMS, person("+48987654321"))
    request = route.calls[0].request
    assert request.headers["authorization"] == "conpeek-key"
    assert request.headers["content-type"].startswith("application/json")
    assert body(request) == {
        "data": [{"contact_number": "48987654321", "custom": {"rc": MARK}}],
        "type": "announcement",
        "announcement_id": ANNOUNCEMENT,
    }
    assert [(item.state, item.vendor_id) for item in direct.receipts[0].items] == [("confirmed", "a")]
    assert direct.people == [(person("+48987654321").person,)]


async def test_e2_hands_text_voice_and_custom_parameters_over() -> None:
    ssml = 'Here are <say-as interpret-as="characters">SSML</say-as> samples'
    spec: dict[str, Json] = {
        "voice_sms_campaign": CAMPAIGN,
        "type": "tts",
        "text": "Witaj",
        "voice_definition_id": "5b3c78874fe80f7c60af632189",
        "custom": {"issue_id": "XYZ-ABC-01"},
    }
    async with wired() as (router, direct):
        route = router.post(LIST).respond(200, json={"data": [{}, {}, {}]})
        people = (
            person("+48123123123", "rc-1"),
            person("+48123123124", "rc-2", ssml=ssml, text="", due="12 zł"),
            person("+48123123125", "rc-3", text="Dzień dobry", issue_id="XYZ-ABC-02"),
        )
        await add(direct, spec, *people)
    voice = {"voice_definition_id": "5b3c78874fe80f7c60af632189"}
    assert body(route.calls[0].request) == {
        "type": "tts",
        "data": [
            {"contact_number": "48123123123", "text": "Witaj", **voice, "custom": {"issue_id": "XYZ-ABC-01", "rc": "rc-1"}},
            {"contact_number": "48123123124", "ssml": ssml, **voice, "custom": {"issue_id": "XYZ-ABC-01", "due": "12 zł", "rc": "rc-2"}},
            {"contact_number": "48123123125", "text": "Dzień dobry", **voice, "custom": {"issue_id": "XYZ-ABC-02", "rc": "rc-3"}},
        ],
    }  # fmt: skip


async def test_a_field_called_text_is_a_parameter_where_nothing_is_spoken() -> None:
    async with wired() as (router, direct):
        route = router.post(LIST).respond(200, json={"data": [{}]})
        await add(direct, SMS, person("+48123123123", text="Witaj"))
    (item,) = body(route.calls[0].request)["data"]
    assert item == {"contact_number": "48123123123", "custom": {"text": "Witaj", "rc": MARK}}


async def test_nobody_is_called_to_be_told_nothing() -> None:
    spec: dict[str, Json] = {"voice_sms_campaign": CAMPAIGN, "type": "tts"}
    async with wired() as (router, direct):
        with pytest.raises(Blocked, match="neither text nor ssml"):
            await add(direct, spec, person("+48123123123", text="Witaj"), person("+48123123124"))
        assert not router.calls


NUMBERS = ("48123123123", "48123123124", "48123123125")


@pytest.mark.parametrize(
    ("rows", "states", "ids"),
    [
        ([{"id": "a"}, {"id": "b"}, {"id": "c"}], "ccc", ["a", "b", "c"]),
        ([{}, {}, {}], "ccc", ["", "", ""]),
        (
            [{"id": id, "contact_number": n} for id, n in (("c", NUMBERS[2]), ("a", "+" + NUMBERS[0]), ("b", "123123124"))],
            "ccc",
            ["a", "b", "c"],
        ),
        ([{"contact_number": "1"}, {"contact_number": "2"}, {"contact_number": "3"}], "ccc", ["", "", ""]),
        ([{"id": "b", "contact_number": NUMBERS[1]}], "dcd", ["", "b", ""]),
        ([{"id": "b", "contact_number": NUMBERS[1]}] * 3, "dcd", ["", "b", ""]),
        ([{"id": "a"}, {"id": "b"}], "ddd", ["", "", ""]),
        ([], "ddd", ["", "", ""]),
    ],
    ids=["ids", "no-ids", "any-order", "strange-numbers", "one-named", "one-thrice", "fewer-unnamed", "empty"],
)  # fmt: skip
async def test_the_answer_confirms_whom_it_accounts_for(
    rows: list[dict[str, str]], states: str, ids: Sequence[str]
) -> None:
    people = [person(f"+{number}") for number in NUMBERS]
    items = contacts.added_many(people, "PL")(answer(200, {"data": rows})).items
    letters = {"confirmed": "c", "in_doubt": "d"}
    assert "".join(letters[item.state] for item in items) == states
    assert [item.vendor_id for item in items] == ids


@pytest.mark.parametrize("content", [{}, {"data": {}}, {"data": ["a"]}, {"data": [{}, {}]}, {"success": True}, "x"])
def test_any_other_answer_is_no_receipt(content: object) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        contacts.added_many([person("+48123123123")], "PL")(answer(200, content))


@pytest.mark.parametrize(
    ("status", "error"), [(403, Forbidden), (404, NotFound), (400, Rejected), (500, OutcomeUnknown)]
)
async def test_e2_errors(status: int, error: type[Exception]) -> None:
    async with wired() as (router, direct):
        router.post(LIST).respond(status, json={"message": "contact 48123123123"})
        with pytest.raises(error) as raised:
            await add(direct, SMS, person("+48123123123"))
    assert "123123123" not in str(raised.value)


# ---- E5, one into a voice campaign ------------------------------------------------------------------------------------


async def test_e5_adds_one_as_the_third_party_client_does() -> None:
    named = {"name": "Jan Nowak", "contact_identifier": "c-17", "note": "oddzwonić"}
    async with wired() as (router, direct):
        route = router.post(REQUESTS).respond(200, json={"data": {"id": REQUEST}})
        await add(direct, VOICE, person("+48123123123", **named, amount="12"), person("+48123123124", "rc-2", name=""))
    assert [body(call.request) for call in route.calls] == [
        {"data": {"contact_number": "48123123123", **named, "custom": {"amount": "12", "rc": MARK}}},
        {"data": {"contact_number": "48123123124", "custom": {"rc": "rc-2"}}},
    ]
    assert [receipt.items[0].vendor_id for receipt in direct.receipts] == [REQUEST, REQUEST]
    assert [len(people) for people in direct.people] == [1, 1]


@pytest.mark.parametrize(
    ("content", "made"),
    [
        ({"data": {"id": REQUEST}}, REQUEST),
        ({"data": [{"id": REQUEST}]}, REQUEST),
        ({"success": True, "data": {"id": REQUEST}}, REQUEST),
        ({"success": True}, ""),
        ({"success": True, "data": {}}, ""),
    ],
)
def test_e5_answers_that_are_believed(content: object, made: str) -> None:
    (item,) = contacts.added_one(answer(200, content)).items
    assert (item.state, item.vendor_id) == ("confirmed", made)


@pytest.mark.parametrize(
    "content", [{}, {"success": False}, {"success": 1}, {"data": []}, {"data": {"id": 7}}, [], None]
)
def test_e5_answers_that_prove_nothing(content: object) -> None:
    with pytest.raises(ValueError, match="neither"):
        contacts.added_one(answer(200, content))


async def test_who_is_to_be_called_later_is_told_so_at_once() -> None:
    moment = "2026-06-01 10:00:00"
    async with wired() as (router, direct):
        router.post(REQUESTS).respond(200, json={"data": {"id": REQUEST}})
        recall = router.post(f"{REQUESTS}/{REQUEST}/set_recall").respond(202, json={"success": True})
        await add(direct, VOICE, person("+48123123123", process_not_before=moment))
    assert [str(call) for call in direct.calls] == [
        "POST /voice_campaign/{voice_campaign_id}/request",
        "POST /voice_campaign/{voice_campaign_id}/request/{voice_campaign_request_id}/set_recall",
    ]
    assert body(recall.calls[0].request) == {"process_not_before": moment}
    assert direct.people[1] == ()


async def test_a_request_added_without_an_id_is_found_by_its_mark() -> None:
    rows = [
        {"id": "other", "contact_number": "48123123123", "state": "OPEN", "custom": "{}"},
        {"id": REQUEST, "contact_number": "48123123123", "state": "OPEN", "custom": json.dumps({"rc": MARK})},
    ]
    async with wired() as (router, direct):
        router.post(REQUESTS).respond(200, json={"success": True})
        read = router.get(REQUESTS).respond(200, json={"data": rows})
        recall = router.post(f"{REQUESTS}/{REQUEST}/set_recall").respond(202, json={"success": True})
        await add(direct, VOICE, person("+48123123123", process_not_before="2026-06-01 10:00:00"))
    assert recall.called
    query = parse_qs(read.calls[0].request.url.query.decode())
    assert json.loads(query["filter"][0]) == [{"property": "state", "value": ["OPEN"]}]


async def test_a_request_that_cannot_be_found_is_said_aloud() -> None:
    async with wired() as (router, direct):
        router.post(REQUESTS).respond(200, json={"success": True})
        router.get(REQUESTS).respond(200, json={"data": [{"id": REQUEST, "state": "OPEN", "custom": {}}]})
        with pytest.raises(ReadIncomplete, match="was not set") as raised:
            await add(direct, VOICE, person("+48123123123", process_not_before="2026-06-01 10:00:00"))
    assert "123123123" not in str(raised.value)


@pytest.mark.parametrize(
    "moment", ["tomorrow", "2026-05-07", "2026-6-1 10:00:00", "2026-06-01T10:00:00", "48123123123"]
)
async def test_a_time_the_vendor_cannot_read_stops_before_anybody_is_added(moment: str) -> None:
    async with wired() as (router, direct):
        with pytest.raises(Blocked, match="not a UTC time") as raised:
            await add(direct, VOICE, person("+48123123123"), person("+48123123124", process_not_before=moment))
        assert not router.calls
    assert moment not in str(raised.value)


# ---- E3, set_recall ---------------------------------------------------------------------------------------------------


def edit(request: str = REQUEST, held: Mapping[str, str] | None = None, **fields: str) -> Edit:
    return Edit(LiveContact(request, Phone("+48123123123"), held or {}), person("+48123123123", **fields))


def open_row(request: str, state: str = "OPEN") -> dict[str, str]:
    return {"id": request, "contact_number": "48123123123", "state": state}


async def test_e3_moves_an_open_request_as_in_the_sample() -> None:
    async with wired() as (router, direct):
        router.get(REQUESTS).respond(200, json={"data": [open_row(REQUEST)]})
        route = router.post(f"{REQUESTS}/{REQUEST}/set_recall").respond(202, json={"success": True})
        changed = edit(held={"name": "Jan"}, name="Jan", amount="12", process_not_before="2019-01-01 10:00:00")
        await CONPEEK.edit(direct, live(VOICE), CAMPAIGN, [changed])
    assert body(route.calls[0].request) == {"process_not_before": "2019-01-01 10:00:00"}
    assert direct.people == [(changed.contact.person,)]
    assert direct.calls[0].repeatable


async def test_a_closed_request_is_never_opened_again_and_the_others_are_moved() -> None:
    moment = "2026-06-01 10:00:00"
    async with wired() as (router, direct):
        rows = [open_row(REQUEST), open_row("ringing", "PROCESSING"), open_row("closed", "CLOSED")]
        router.get(REQUESTS).respond(200, json={"data": rows})
        route = router.post(path__regex=r".*/set_recall$").respond(202, json={"success": True})
        people = [edit(request, process_not_before=moment) for request in ("closed", "ringing", "gone", REQUEST)]
        with pytest.raises(Blocked, match="3 of 4 changes were not made"):
            await CONPEEK.edit(direct, live(VOICE), CAMPAIGN, people)
    assert [call.request.url.path for call in route.calls] == [f"{REQUESTS}/{REQUEST}/set_recall"]


@pytest.mark.parametrize(
    "changed",
    [
        edit(held={"name": "Jan"}, name="Ewa", process_not_before="2026-06-01 10:00:00"),
        edit(held={"process_not_before": "2026-06-01 10:00:00"}, name="Jan"),
        edit(process_not_before=""),
    ],
    ids=["another-field", "no-time", "time-gone"],
)
async def test_nothing_but_the_time_to_call_can_be_changed(changed: Edit) -> None:
    async with wired() as (router, direct):
        router.get(REQUESTS).respond(200, json={"data": [open_row(REQUEST)]})
        with pytest.raises(Blocked, match="1 of 1 changes were not made"):
            await CONPEEK.edit(direct, live(VOICE), CAMPAIGN, [changed])
    assert not direct.calls


async def test_voice_sms_people_cannot_be_changed() -> None:
    async with wired() as (router, direct):
        with pytest.raises(Blocked, match="cannot be read"):
            await CONPEEK.edit(direct, live(SMS), CAMPAIGN, [edit(process_not_before="2026-06-01 10:00:00")])
        assert not router.calls


@pytest.mark.parametrize("content", [{}, {"success": False}, []])
def test_set_recall_is_accepted_by_a_success_alone(content: object) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        contacts.recalled(answer(202, content))


@pytest.mark.parametrize(("status", "error"), [(403, Forbidden), (404, NotFound)])
async def test_e3_errors(status: int, error: type[Exception]) -> None:
    async with wired() as (router, direct):
        router.get(REQUESTS).respond(200, json={"data": [open_row(REQUEST)]})
        router.post(f"{REQUESTS}/{REQUEST}/set_recall").respond(status)
        with pytest.raises(error):
            await CONPEEK.edit(direct, live(VOICE), CAMPAIGN, [edit(process_not_before="2026-06-01 10:00:00")])


# ---- nothing leaks ----------------------------------------------------------------------------------------------------


def test_no_number_name_or_key_in_a_repr() -> None:
    someone = person("+48123123123", name="Jan Nowak")
    link = connection("conpeek")
    assert isinstance(link.credentials["apiKey"], Reference)
    shown = "".join(
        repr(thing)
        for thing in (
            contacts.add_voice(CAMPAIGN, someone),
            contacts.add_sms(CAMPAIGN, SMS, [someone]),
            contacts.set_recall(CAMPAIGN, REQUEST, "2026-06-01 10:00:00"),
            contacts.contact_of(request({"id": REQUEST, "contact_number": "48123123123", "name": "Jan Nowak"}), "PL"),
        )
    )
    assert "123123123" not in shown
    assert "Nowak" not in shown
    assert wire.CAPABILITIES.vendor == "conpeek"
