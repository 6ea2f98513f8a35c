"""Thulium's people on the wire: numbers, records of both kinds of campaign, and one result for each person."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl

import httpx
import msgspec
import pytest

from reconciler.errors import Blocked, OutcomeUnknown, ReadIncomplete
from reconciler.model import Live, LiveContact, Person, Phone
from reconciler.providers.base import Edit, Item, Leaving
from reconciler.providers.thulium import contacts, replies
from reconciler.providers.thulium.provider import Thulium
from tests.support import DirectWriter, body, connection
from tests.thulium import THULIUM, answer, live, person, resource, sent, wired

pytestmark = pytest.mark.anyio

MARK = "rc-k3f9qa0123456789"
RECORD = {
    "record_id": 228,
    "phone_number": "5555",
    "system_status": "NO_CALL",
    "status": "Do not call",
    "status_id": 5,
    "call_date": "2016-10-19 14:02",
    "create_date": "2016-10-18 12:02",
    "next_call_date": "",
    "agent_name": "",
    "agent_login": "",
    "last_note": "Last note for record",
    "identifier": "1234567890",
    "order": "",
}
CUSTOMER = {name: value for name, value in RECORD.items() if name != "identifier"} | {
    "record_id": 47,
    "phone_number": "158433367",
    "customer_id": 441,
}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def people_of(direct: DirectWriter, campaign: Live, maker: Thulium = THULIUM) -> list[LiveContact]:
    return [contact async for contact in maker.read_contacts(direct, campaign, "00001")]


# ---- numbers -------------------------------------------------------------------------------------------------------


def test_polish_numbers_go_out_as_nine_digits_and_foreign_ones_not_at_all() -> None:
    assert THULIUM.wire_phone(Phone("+48333444555")) == "333444555"
    assert THULIUM.wire_phone(Phone("+4833344455")) is None
    assert THULIUM.wire_phone(Phone("+483334445556")) is None
    assert THULIUM.wire_phone(Phone("+4915112345678")) is None


def test_elsewhere_the_international_digits_go_out() -> None:
    assert contacts.wire_phone(Phone("+421905123456"), "SK") == "421905123456"
    assert contacts.live_phone("421905123456", "SK") == Phone("+421905123456")


@pytest.mark.parametrize(
    "text",
    ["333444555", "48333444555", "+48333444555", "+48 333 444 555", "0048333444555", "333-444-555", " +48 333444555"],
)
def test_any_spelling_of_a_number_is_that_number(text: str) -> None:
    assert contacts.live_phone(text, "PL") == Phone("+48333444555")


def test_foreign_and_internal_numbers_equal_nobody_elses() -> None:
    assert contacts.live_phone("+4915112345678", "PL") == Phone("+4915112345678")
    assert contacts.live_phone("5555", "PL") == Phone("+485555")
    assert contacts.live_phone("", "PL") == Phone("+48")


# ---- people: reading -----------------------------------------------------------------------------------------------


async def test_the_sample_of_records_is_read() -> None:
    small = Thulium(connection("thulium", page_size=5))
    async with wired() as (router, direct):
        router.get("/outbounds/00001/records").respond(json={"count": 1, "result": [RECORD]})
        (one,) = await people_of(direct, live(), small)
        assert sent(router) == ["GET /api/outbounds/00001/records?limit=5&offset=0"]
    assert one == LiveContact(
        "228", Phone("+485555"), {"phone_number": "5555"}, "1234567890", called=True, closed=True, busy=False
    )
    assert "5555" not in repr(one)


async def test_the_sample_of_customers_is_read() -> None:
    async with wired() as (router, direct):
        router.get("/crm_outbounds/00001/records").respond(json={"count": 1, "result": [CUSTOMER]})
        (one,) = await people_of(direct, live("crm"))
        assert sent(router) == ["GET /api/crm_outbounds/00001/records?limit=100&offset=0"]
    assert (one.vendor_id, one.phone, one.identifier) == ("47", Phone("+48158433367"), "441")


async def test_a_campaign_being_read_is_of_the_kind_that_was_declared() -> None:
    async with wired() as (router, direct):
        router.get("/crm_outbounds/00001/records").respond(json={"count": 0, "result": []})
        assert await people_of(direct, Live("00001", "spring", raw={"kind": "crm"})) == []


@pytest.mark.parametrize(
    ("status", "call_date", "expected"),
    [
        ("TO_CALL", "", (False, False, False)),
        ("IN_PROGRESS", "", (False, False, True)),
        ("ABANDONED_AFTER_N_TRIES", "2016-10-19 14:02", (True, True, False)),
        ("SOMETHING_NEW", "2016-10-19 14:02", (True, False, False)),
    ],
)
def test_what_a_system_status_means(status: str, call_date: str, expected: tuple[bool, bool, bool]) -> None:
    record = msgspec.convert({**RECORD, "system_status": status, "call_date": call_date}, contacts.Record)
    one = contacts.live_contact(record, "PL")
    assert (one.called, one.closed, one.busy) == expected


async def test_records_are_read_page_by_page_and_never_more_than_a_hundred_at_once() -> None:
    rows = [{**RECORD, "record_id": number, "phone_number": f"5000{number:05}"} for number in range(250)]

    def page(request: httpx.Request) -> httpx.Response:
        query = {name: int(value) for name, value in parse_qsl(request.url.query.decode())}
        assert query["limit"] == 100
        return httpx.Response(200, json={"count": 250, "result": rows[query["offset"] : query["offset"] + 100]})

    async with wired() as (router, direct):
        router.get("/outbounds/00001/records").mock(side_effect=page)
        read = await people_of(direct, live())
        assert len(router.calls) == 3
    assert len({one.phone for one in read}) == 250


@pytest.mark.parametrize(
    "content",
    [
        {"count": 2, "result": [RECORD]},
        {"count": 1, "result": [{"record_id": 1}]},
        {"count": "some", "result": [RECORD]},
        [RECORD, 7],
        "none",
        {"result": "none"},
        {"records": [RECORD]},
    ],
)
async def test_a_read_of_people_that_proves_no_end_is_none(content: object) -> None:
    async with wired() as (router, direct):
        router.get("/outbounds/00001/records").respond(json=content)
        with pytest.raises(ReadIncomplete):
            await people_of(direct, live())


@pytest.mark.parametrize(
    "content", [{"count": 1, "result": [RECORD]}, {"result": [RECORD], "count": "1"}, {"result": [RECORD]}, [RECORD]]
)
async def test_a_list_of_people_may_be_wrapped_or_bare(content: object) -> None:
    async with wired() as (router, direct):
        router.get("/outbounds/00001/records").respond(content=json.dumps(content, indent=1))
        (read,) = await people_of(direct, live())
    assert (read.vendor_id, read.phone, read.identifier) == ("228", Phone("+485555"), "1234567890")


# ---- people: changing ----------------------------------------------------------------------------------------------

ANNA, JAN = "+48111222333", "+48555123321"


async def items(direct: DirectWriter) -> list[Item]:
    return [item for receipt in direct.receipts for item in receipt.items]


async def test_the_sample_of_an_added_record_goes_out_in_a_batch() -> None:
    """The page's sample: {"phone_number": "111222333", "status_id": "3", "record_fields": {...}}; ours carries its mark."""
    declared = resource({"kind": "csv", "initialStatus": {"status_id": "3", "name": "Contact needed"}})
    async with wired() as (router, direct):
        result = {"111222333": {"http_status": 201, "record_id": "231", "status": "ADDED"}}
        route = router.post("/batch/outbounds/00001/records").respond(207, json=result)
        container = await THULIUM.open(direct, live(), declared, "renewals")
        await THULIUM.add(direct, live(), declared, container, [person(ANNA, field1="value1", field2="value2")])
        assert body(route.calls.last.request) == {
            "records": [
                {
                    "phone_number": "111222333",
                    "identifier": MARK,
                    "record_fields": {"field1": "value1", "field2": "value2"},
                    "status_id": "3",
                }
            ]
        }
        assert direct.calls[0].repeatable
        assert direct.people[0] == (person(ANNA).person,)
        assert await items(direct) == [Item("confirmed", "231")]


@pytest.mark.parametrize("status", [200, 201, 207])
async def test_each_number_of_a_batch_has_its_own_result(status: int) -> None:
    numbers = [f"+4850000000{number}" for number in range(5)]
    results = {
        "500000003": {"status": "FAILED", "http_status": 400, "message": "Call +48 500 000 003 first"},
        "500000001": {"status": "ALREADY_EXISTS", "http_status": 400, "record_id": 100},
        "500000000": {"status": "ADDED"},
        "500000004": {"status": "POSTPONED"},
    }
    async with wired() as (router, direct):
        router.post("/batch/outbounds/00001/records").respond(status, json=results)
        people = [person(number) for number in numbers]
        await THULIUM.add(direct, live(), resource({"kind": "csv"}), "00001", people)
        assert await items(direct) == [
            Item("confirmed"),
            Item("already", "100"),
            Item("in_doubt", said="nothing"),
            Item("rejected", said="Call … first"),
            Item("in_doubt", said="POSTPONED"),
        ]


@pytest.mark.parametrize("spelling", ["48111222333", "+48111222333", "+48 111 222 333"])
def test_results_may_name_a_number_in_another_spelling(spelling: str) -> None:
    kind = contacts.Numbers("PL")
    content = answer({spelling: [{"status": "ADDED", "record_id": 1}]})
    assert replies.results(content, [Phone(ANNA)], kind.name, replies.added).items == (Item("confirmed", "1"),)


@pytest.mark.parametrize("content", [[], None, "done", [{"status": "ADDED"}]])
def test_results_that_are_no_map_prove_nothing(content: object) -> None:
    with pytest.raises(TypeError):
        replies.results(answer(content), [Phone(ANNA)], contacts.Numbers("PL").name, replies.added)


@pytest.mark.parametrize("value", ["ADDED", None, [], [{"status": "ADDED"}, {"status": "FAILED"}]])
def test_a_result_of_another_shape_leaves_its_person_in_doubt(value: object) -> None:
    receipt = replies.results(answer({"111222333": value}), [Phone(ANNA)], contacts.Numbers("PL").name, replies.added)
    assert [item.state for item in receipt.items] == ["in_doubt"]


async def test_a_number_that_thulium_cannot_take_stops_before_anything_is_sent() -> None:
    async with wired() as (router, direct):
        people = [person(ANNA), person("+4915112345678")]
        with pytest.raises(Blocked) as raised:
            await THULIUM.add(direct, live(), resource({"kind": "csv"}), "00001", people)
        assert not router.calls
    assert "15112345678" not in str(raised.value)


async def test_a_batch_longer_than_a_hundred_is_split() -> None:
    def all_added(request: httpx.Request) -> httpx.Response:
        numbers = [one["phone_number"] for one in body(request)["records"]]
        return httpx.Response(207, json={number: {"status": "ADDED"} for number in numbers})

    people = [person(f"+4850000{number:04}") for number in range(250)]
    async with wired() as (router, direct):
        router.post("/batch/outbounds/00001/records").mock(side_effect=all_added)
        await THULIUM.add(direct, live(), resource({"kind": "csv"}), "00001", people)
        assert [len(sent) for sent in direct.people] == [100, 100, 50]
        assert {item.state for item in await items(direct)} == {"confirmed"}


async def test_the_sample_of_edited_records() -> None:
    """The page's sample also changes a status and an agent, which are the vendor's to move."""
    edits = [
        Edit(LiveContact("1", Phone(ANNA)), person(ANNA, pole1="wartosc1", pole2="wartosc2")),
        Edit(LiveContact("2", Phone(JAN), {"phone_number": "+48 555 123 321"}), person(JAN, pole1="")),
        Edit(LiveContact("3", Phone("+48500000000")), person("+48500000000", pole1="x")),
        Edit(LiveContact("4", Phone("+48500000001")), person("+48500000001", pole1="x")),
    ]
    result = {
        "111222333": {"http_status": 204},
        "555123321": {"http_status": 400, "message": "Agent not found."},
        "500000001": {"http_status": 500},
    }
    async with wired() as (router, direct):
        route = router.put("/batch/outbounds/00001/records").respond(207, json=result)
        await THULIUM.edit(direct, live(), "00001", edits)
        assert body(route.calls.last.request)["records"][:2] == [
            {"phone_number": "111222333", "record_fields": {"pole1": "wartosc1", "pole2": "wartosc2"}},
            {"phone_number": "+48 555 123 321", "record_fields": {"pole1": ""}},
        ]
        assert route.calls.last.request.url.query == b""
        assert direct.calls[0].repeatable
        assert await items(direct) == [
            Item("confirmed"),
            Item("rejected", said="Agent not found."),
            Item("in_doubt", said="nothing"),
            Item("in_doubt", said="nothing"),
        ]


def leaving(number: str, spelled: str | None = None, customer: str = "") -> Leaving:
    fields = {} if spelled is None else {"phone_number": spelled}
    return Leaving(Person(number.encode()[-16:]), LiveContact("7", Phone(number), fields, customer))


async def test_the_sample_of_removed_records() -> None:
    """The page's sample has the short numbers 441 and 442, and a slash before the query that its address line does not have."""
    result = {
        "441": [
            {"http_status": 200, "record_id": 5235, "status": "REMOVED"},
            {"http_status": 200, "record_id": 5226, "status": "REMOVED"},
        ],
        "442": [{"http_status": 404, "status": "NOT_EXIST"}],
    }
    async with wired() as (router, direct):
        router.delete("/batch/outbounds/00001/records").respond(207, json=result)
        people = [leaving("+48441", "441"), leaving("+48442", "442")]
        await THULIUM.withdraw(direct, live(), "00001", people)
        assert sent(router) == [
            "DELETE /api/batch/outbounds/00001/records?phone_number%5B%5D=441&phone_number%5B%5D=442"
        ]
        assert direct.calls[0].repeatable
        assert await items(direct) == [Item("confirmed"), Item("confirmed")]


async def test_a_record_that_the_panel_wrote_otherwise_goes_too() -> None:
    """The same number may stand there as we wrote it and as somebody imported it; a removal may know only one of them."""
    result = {
        "+48 111 222 333": [{"http_status": 200, "status": "REMOVED"}],
        "111222333": [{"http_status": 404, "status": "NOT_EXIST"}],
    }
    async with wired() as (router, direct):
        router.delete("/batch/outbounds/00001/records").respond(200, json=result)
        await THULIUM.withdraw(direct, live(), "00001", [leaving(ANNA, "+48 111 222 333"), leaving(JAN)])
        assert parse_qsl(router.calls[0].request.url.query.decode()) == [
            ("phone_number[]", "+48 111 222 333"),
            ("phone_number[]", "111222333"),
            ("phone_number[]", "555123321"),
        ]
        assert await items(direct) == [Item("confirmed"), Item("in_doubt")]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["CALL_IN_PROGRESS"], Item("later", said="in a call just now")),
        (["REMOVED", "CALL_IN_PROGRESS"], Item("later", said="in a call just now")),
        (["REMOVED", "REFUSED"], Item("in_doubt", said="REFUSED REMOVED")),
        ([], Item("in_doubt")),
    ],
)
def test_a_removal_is_as_good_as_its_worst_record(words: list[str], expected: Item) -> None:
    assert replies.removed([{"status": word} for word in words]) == expected


async def test_removals_are_sent_some_tens_at_a_time() -> None:
    def all_gone(request: httpx.Request) -> httpx.Response:
        numbers = [value for _, value in parse_qsl(request.url.query.decode())]
        return httpx.Response(207, json={number: [{"status": "REMOVED"}] for number in numbers})

    async with wired() as (router, direct):
        router.delete("/batch/outbounds/00001/records").mock(side_effect=all_gone)
        people = [leaving(f"+4850000{number:04}") for number in range(90)]
        await THULIUM.withdraw(direct, live(), "00001", people)
        assert [len(sent) for sent in direct.people] == [40, 40, 10]
        assert all(len(request) < 2000 for request in sent(router))
        assert {item.state for item in await items(direct)} == {"confirmed"}


async def test_the_sample_of_added_customers() -> None:
    """The page's sample gives each customer a status of its own; a set has one."""
    result = {
        "441": {"http_status": 201, "record_id": 111, "status": "ADDED"},
        "445": {"http_status": 400, "record_id": 100, "status": "ALREADY_EXISTS"},
        "448": {"http_status": 400, "status": "FAILED", "message": "Customer not found."},
    }
    declared = resource({"kind": "crm", "initialStatus": {"status_id": "3", "name": "Contact needed"}})
    people = [person(ANNA, key="441"), person(JAN, key="0445"), person(ANNA, key="448"), person(ANNA, key="x7")]
    async with wired() as (router, direct):
        route = router.post("/batch/crm_outbounds/00001/records").respond(207, json=result)
        await THULIUM.add(direct, live("crm"), declared, "00001", people)
        assert body(route.calls.last.request) == {
            "records": [{"customer_id": key, "status_id": "3"} for key in (441, 445, 448, "x7")]
        }
        assert await items(direct) == [
            Item("confirmed", "111"),
            Item("already", "100"),
            Item("rejected", said="Customer not found."),
            Item("in_doubt", said="nothing"),
        ]


async def test_the_sample_of_removed_customers() -> None:
    result = {
        "441": {"http_status": 200, "record_id": 5235, "status": "REMOVED"},
        "442": {"http_status": 404, "status": "NOT_EXIST"},
    }
    async with wired() as (router, direct):
        router.delete("/batch/crm_outbounds/00001/records").respond(207, json=result)
        people = [leaving(ANNA, customer="441"), leaving(JAN, customer="442")]
        await THULIUM.withdraw(direct, live("crm"), "00001", people)
        assert sent(router) == [
            "DELETE /api/batch/crm_outbounds/00001/records?customer_id%5B%5D=441&customer_id%5B%5D=442"
        ]
        assert await items(direct) == [Item("confirmed"), Item("confirmed")]


async def test_no_number_name_or_secret_is_in_what_goes_wrong() -> None:
    async with wired() as (router, direct):
        said = {"errors": [{"message": "111222333 (+48 111 222 333) is taken", "code": 1}]}
        router.post("/batch/outbounds/00001/records").respond(500, json=said)
        with pytest.raises(OutcomeUnknown) as raised:
            await THULIUM.add(direct, live(), resource({"kind": "csv"}), "00001", [person(ANNA, name="Anna")])
    text = f"{raised.value!r} {raised.value} {direct.calls!r} {direct.receipts!r}"
    for secret in ("111222333", "111 222 333", "Anna", "api_pass"):
        assert secret not in text
