"""TEL4VN on the wire: lists and leads, sample by sample."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import httpx
import msgspec
import pytest

from reconciler.errors import Forbidden, NotFound, OutcomeUnknown, ReadIncomplete, Rejected
from reconciler.model import Contact, LiveContact, Phone, Spec
from reconciler.providers.base import Edit, Item, Leaving, Receipt
from reconciler.providers.tel4vn import leads
from reconciler.providers.tel4vn.provider import Tel4vn
from tests import tel4vn_samples as samples
from tests.support import DirectWriter, connection
from tests.tel4vn_wired import (
    DECLARED,
    LIST_UUID,
    TOKEN,
    UUID,
    VENDOR,
    answers,
    canonical,
    live,
    person,
    refused,
    resource,
    sent,
    wired,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


# ---- lists -----------------------------------------------------------------------------------------------------------


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


# ---- people ----------------------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize(
    "row", [{**samples.LEAD, "called_count": "often"}, {**samples.LEAD, "lead_uuid": 7}, {"lead_uuid": "x"}]
)
async def test_a_row_that_is_no_lead_ends_the_read(row: dict[str, Any]) -> None:
    async with wired() as (router, direct):
        router.get("/v3/lead").respond(json=samples.page(row))
        with pytest.raises(ReadIncomplete):
            [contact async for contact in VENDOR.read_contacts(direct, live(), LIST_UUID)]


def lead(row: dict[str, Any]) -> leads.Lead:
    return msgspec.convert(row, leads.Lead)


def test_additional_may_be_read_as_an_object() -> None:
    assert leads.contact_of(lead({**samples.LEAD, "additional": {"x": "1"}})).fields["additional"] == '{"x":"1"}'
    assert leads.contact_of(lead({**samples.LEAD, "additional": None})).fields["additional"] == ""


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
    held = leads.contact_of(lead({**samples.EDITED_LEAD, "lead_name": "Old", "additional": ""}))
    calls, receipt = await edit(
        person(held.phone.reveal()[:12], first="TestNe"), held, {"lead": {"lead_name": "first"}}
    )
    ((method, path, put),) = calls
    assert (method, path) == ("PUT", "/v3/lead/307c2fe7-d075-493c-b8d6-b11195caec41")
    assert {**put, "phone_number": "03497191211"} == {**samples.PUT_LEAD, "gender": ""}
    assert put["phone_number"] == "0349719121"
    assert receipt.items == (Item("confirmed", held.vendor_id),)


async def test_a_number_that_stays_is_not_written_another_way() -> None:
    held = leads.contact_of(lead({**samples.LEAD, "phone_number": "84349719999"}))
    calls, _ = await edit(person(lead_name="Demo01"), held)
    assert calls[0][2]["phone_number"] == "84349719999"


async def test_keys_of_additional_are_overlaid_one_by_one() -> None:
    held = leads.contact_of(lead({**samples.LEAD, "additional": '{"x":"1","theirs":"t"}'}))
    calls, _ = await edit(person(x="2"), held)
    assert json.loads(calls[0][2]["additional"]) == {"x": "2", "theirs": "t"}
    for foreign in ("free text", "[1]"):
        calls, _ = await edit(person(x="2"), leads.contact_of(lead({**samples.LEAD, "additional": foreign})))
        assert json.loads(calls[0][2]["additional"]) == {"x": "2"}


@pytest.mark.parametrize("status", [400, 404, 422])
async def test_a_lead_that_cannot_be_edited_is_said_of_that_person(status: int) -> None:
    held = leads.contact_of(lead(samples.LEAD))
    errors: Any = [{"(root)": "phone_number is required"}]
    _, receipt = await edit(person(lead_name="An"), held, answer=refused(status, errors))
    assert receipt.items[0].state == "rejected"
    assert "phone_number is required" in receipt.items[0].said


async def test_an_answer_about_another_lead_is_not_a_documented_one() -> None:
    with pytest.raises(ValueError, match="another lead"):
        await edit(
            person(), leads.contact_of(lead(samples.LEAD)), answer=httpx.Response(200, json={"lead_uuid": "another"})
        )


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
