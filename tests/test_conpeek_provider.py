"""Conpeek over real sockets: the same journey under everything the vendor's pages leave open."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest

from reconciler.errors import Blocked, Forbidden, NotFound, OutcomeUnknown, ReadIncomplete, Unauthorized
from reconciler.model import Contact, Json, Key, Live, LiveContact, Person, Phone, Resource, Source
from reconciler.providers.base import Edit, Wanted
from reconciler.providers.conpeek.provider import Conpeek
from reconciler.simulator.conpeek import Conpeek as Simulated
from reconciler.simulator.faults import Rule
from reconciler.simulator.server import Running, running
from reconciler.simulator.world import World
from tests.support import SECRETS, DirectWriter, connection, writer

VOICE_ID, SMS_ID = "5b7c389fe8df7b60af688989", "5b7c389fe8df7b60af688990"
VOICE: dict[str, Json] = {"voice_campaign": VOICE_ID, "experimental": True}
SMS: dict[str, Json] = {
    "voice_sms_campaign": SMS_ID,
    "type": "announcement",
    "announcement_id": "5b7c78389fe80f7b60af688989",
}
MOMENT, LATER = "2026-06-01 10:00:00", "2026-06-02 10:00:00"
CONPEEK = Conpeek(connection("conpeek"))
EVERY_SWITCH = [
    (name, value)
    for name, values in Simulated.SWITCHES.items()
    for value in values
    if (name, value) != ("voice_add", "404")  # nobody can be added then: a test of its own
]
pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def resource(spec: Mapping[str, Json]) -> Resource:
    return Resource(
        Key("conpeek-test", "campaign", "spring"), "conpeek", spec, Source("spring.yaml", 1), contacts=("may",)
    )


def people(count: int = 3, **last: str) -> list[Contact]:
    """`count` people with numbers nobody else has; the last one with these fields as well."""
    made = [
        Contact(Person(bytes(15) + bytes([n])), Phone(f"+48600000{n:03}"), {"name": f"N{n}"}, mark=f"rc-{n:016}") for n in range(count)
    ]  # fmt: skip
    return [*made[:-1], Contact(made[-1].person, made[-1].phone, {**made[-1].fields, **last}, mark=made[-1].mark)]


class Site:
    """A seeded account and what is asked of it behind the API's back."""

    def __init__(self, here: Running) -> None:
        self.here = here
        self.url = here.base_url("conpeek")
        self.vendor = here.simulator.vendors["conpeek"]

    def requests(self) -> dict[str, dict[str, Any]]:
        """The voice campaign's requests by number."""
        (campaign,) = self.vendor.snapshot()["voice_campaigns"]
        return {request["contact_number"]: request for request in campaign["requests"]}

    def dials(self) -> dict[str, int]:
        """How often each of `people` would be called."""
        return {number: times for number, times in self.vendor.dials().items() if number.startswith("+48600000")}


Make = Callable[..., Site]


@pytest.fixture(scope="module")
def here() -> Iterator[Running]:
    with running(World(credentials=SECRETS, seeded=True)) as simulator:
        yield simulator


@pytest.fixture
def account(here: Running) -> Make:
    """Makes the account anew, with these faults and switches."""

    def made(*faults: Rule, **switches: str) -> Site:
        here.world.faults = faults
        here.simulator.reset()
        here.world.switches = {"conpeek": {"voice_add": "open", **switches}}
        return Site(here)

    return made


async def observe(direct: DirectWriter) -> dict[str, Live]:
    seen = await CONPEEK.observe(direct, [Wanted("spring", VOICE_ID, VOICE), Wanted("sms", SMS_ID, SMS)])
    return {live.vendor_id: live for live in seen.live}


async def read(direct: DirectWriter, campaign: Live, **limits: int) -> dict[Phone, LiveContact]:
    provider = Conpeek(connection("conpeek", **limits))
    rows = [contact async for contact in provider.read_contacts(direct, campaign, campaign.vendor_id)]
    assert len({row.vendor_id for row in rows}) == len(rows)
    return {row.phone: row for row in rows}


@pytest.mark.parametrize(("switch", "value"), EVERY_SWITCH)
async def test_voice_people_are_added_once_read_back_and_moved_whatever_the_vendor_does(
    account: Make, switch: str, value: str
) -> None:
    chosen = people(3, process_not_before=MOMENT)
    site = account(**{switch: value})
    async with writer("conpeek", site.url) as direct:
        live = (await observe(direct))[VOICE_ID]
        await CONPEEK.add(direct, live, resource(VOICE), VOICE_ID, chosen)
        assert [item.state for receipt in direct.receipts for item in receipt.items] == ["confirmed"] * 3
        site.here.world.offset += timedelta(seconds=11)

        there = await read(direct, live)
        assert {contact.phone for contact in chosen} <= there.keys()
        mark = "" if (switch, value) == ("voice_add_custom", "dropped") else chosen[0].mark
        assert there[chosen[0].phone].identifier == mark
        assert there[chosen[2].phone].fields["process_not_before"] == MOMENT

        moved = Contact(chosen[0].person, chosen[0].phone, {"name": "N0", "process_not_before": LATER})
        await CONPEEK.edit(direct, live, VOICE_ID, [Edit(there[moved.phone], moved)])
        site.here.world.offset += timedelta(seconds=11)
        assert site.requests()["48600000000"]["process_not_before"] == LATER
        assert site.requests()["48600000000"]["application_state"] == "RECALL"
    assert site.dials() == {contact.phone.reveal(): 1 for contact in chosen}


async def test_where_nobody_can_be_added_the_vendor_says_so_and_nobody_is_called(account: Make) -> None:
    site = account(voice_add="404")
    async with writer("conpeek", site.url) as direct:
        with pytest.raises(NotFound):
            await CONPEEK.add(direct, Live(VOICE_ID, "spring", VOICE), resource(VOICE), VOICE_ID, people())
    assert site.dials() == {}


async def test_who_can_neither_be_named_nor_found_is_reported_not_sent_again(account: Make) -> None:
    site = account(voice_add_answer="success", voice_add_custom="dropped")
    async with writer("conpeek", site.url) as direct:
        campaign = Live(VOICE_ID, "spring", VOICE)
        with pytest.raises(ReadIncomplete, match="was not set"):
            await CONPEEK.add(direct, campaign, resource(VOICE), VOICE_ID, people(1, process_not_before=MOMENT))
    assert site.dials() == {"+48600000000": 1}


@pytest.mark.parametrize("recall_closed", Simulated.SWITCHES["recall_closed"])
async def test_who_was_called_is_never_put_in_the_queue_again(account: Make, recall_closed: str) -> None:
    chosen = people(1)
    site = account(recall_closed=recall_closed)
    async with writer("conpeek", site.url) as direct:
        live = (await observe(direct))[VOICE_ID]
        await CONPEEK.add(direct, live, resource(VOICE), VOICE_ID, chosen)
        before = (await read(direct, live))[chosen[0].phone]
        site.vendor.edit("call", "+48600000000", {"close_reason": "ANSWERED"})
        moved = Contact(chosen[0].person, chosen[0].phone, {"process_not_before": LATER})
        with pytest.raises(Blocked, match="1 of 1 changes were not made"):
            await CONPEEK.edit(direct, live, VOICE_ID, [Edit(before, moved)])
        after = (await read(direct, live))[chosen[0].phone]
        assert (after.closed, after.called, after.vendor_id) == (True, True, before.vendor_id)
    assert site.dials() == {"+48600000000": 1}


@pytest.mark.parametrize("order", Simulated.SWITCHES["order"])
@pytest.mark.parametrize("page_cap", Simulated.SWITCHES["page_cap"])
@pytest.mark.parametrize("page_size", [7, 1000])
async def test_a_campaign_is_read_to_its_end(account: Make, order: str, page_cap: str, page_size: int) -> None:
    site = account(order=order, page_cap=page_cap)
    for number in range(250):
        site.vendor.edit("request", None, {"voice_campaign_id": VOICE_ID, "contact_number": f"600000{number:03}"})
    async with writer("conpeek", site.url) as direct:
        there = await read(direct, Live(VOICE_ID, "spring", VOICE), page_size=page_size)
    assert len(there) == 252
    assert Phone("+48600000249") in there


async def test_people_entered_in_the_panel_count_as_there(account: Make) -> None:
    site = account()
    async with writer("conpeek", site.url) as direct:
        there = await read(direct, (await observe(direct))[VOICE_ID])
    assert there[Phone("+48987654321")].fields["name"] == "Sprawa z panelu"
    assert there[Phone("+48123123123")].closed  # entered without its country code
    assert there[Phone("+48123123123")].fields["issue_id"] == "XYZ-ABC-01"


# ---- voice SMS --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "states"),
    [
        ("with_id", ["confirmed"] * 3),
        ("without_id", ["confirmed"] * 3),
        ("normalised", ["confirmed"] * 3),
        ("fewer", ["confirmed", "confirmed", "in_doubt"]),
        ("empty", ["in_doubt"] * 3),
    ],
)
async def test_voice_sms_people_are_confirmed_as_far_as_the_answer_goes(
    account: Make, answer: str, states: list[str]
) -> None:
    site = account(sms_answer=answer)
    async with writer("conpeek", site.url) as direct:
        await CONPEEK.add(direct, Live(SMS_ID, "sms", SMS), resource(SMS), SMS_ID, people())
    assert [item.state for item in direct.receipts[0].items] == states
    assert site.dials() == {contact.phone.reveal(): 1 for contact in people()}


async def test_a_batch_that_was_taken_in_part_is_in_doubt_in_part(account: Make) -> None:
    site = account(Rule(fault="partial", path="request_list", items=2))
    async with writer("conpeek", site.url) as direct:
        await CONPEEK.add(direct, Live(SMS_ID, "sms", SMS), resource(SMS), SMS_ID, people())
    assert [item.state for item in direct.receipts[0].items] == ["confirmed", "confirmed", "in_doubt"]
    assert len(site.dials()) == 2


@pytest.mark.parametrize("fault", ["drop", "reset", "garbage", "html", "empty", "truncate", 500])
@pytest.mark.parametrize(("spec", "path"), [(SMS, "request_list"), (VOICE, "/request$")])
async def test_a_lost_answer_is_an_unknown_outcome_and_nothing_is_sent_twice(
    account: Make, fault: Any, spec: dict[str, Json], path: str
) -> None:
    campaign = SMS_ID if spec is SMS else VOICE_ID
    site = account(Rule(fault=fault, method="POST", path=path, when="after"))
    async with writer("conpeek", site.url) as direct:
        with pytest.raises((OutcomeUnknown, ValueError, KeyError, TypeError)):
            await CONPEEK.add(direct, Live(campaign, "spring", spec), resource(spec), campaign, people(1))
    assert site.dials() == {"+48600000000": 1}


# ---- accounts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error_body", Simulated.SWITCHES["error_body"])
@pytest.mark.parametrize(("wrong_key", "error"), [("401", Unauthorized), ("403", Forbidden)])
async def test_a_wrong_key_is_told_and_never_printed(
    account: Make, monkeypatch: pytest.MonkeyPatch, wrong_key: str, error: type[Exception], error_body: str
) -> None:
    site = account(wrong_key=wrong_key, error_body=error_body)
    monkeypatch.setattr(site.here.world, "credentials", {"conpeek": {"apiKey": "another-key"}})
    async with writer("conpeek", site.url) as direct:
        with pytest.raises(error) as raised:
            await observe(direct)
    assert SECRETS["conpeek"]["apiKey"] not in str(raised.value)


async def test_a_campaign_the_account_does_not_have_is_not_seen(account: Make) -> None:
    site = account()
    async with writer("conpeek", site.url) as direct:
        seen = await CONPEEK.observe(direct, [Wanted("spring", "5b7c389fe8df7b60af688988", VOICE)])
    assert seen.live == ()
