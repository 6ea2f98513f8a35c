"""Thulium over real sockets, against the simulated account: a whole life under every switch, then what each of them changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from reconciler import diff
from reconciler.errors import Forbidden, NotFound, OutcomeUnknown, ReadIncomplete, Rejected
from reconciler.matching import Match
from reconciler.model import Binding, Contact, Json, Live, LiveContact, Resource, RunState, Severity
from reconciler.planner import steps_of
from reconciler.providers.base import Edit, Item, Leaving, Wanted
from reconciler.providers.thulium.provider import Thulium
from reconciler.simulator.faults import Faults, Rule
from reconciler.simulator.server import Running, running
from reconciler.simulator.thulium import Thulium as SimulatedThulium
from reconciler.simulator.world import CREDENTIALS, World
from reconciler.steps import Case
from tests.support import SECRETS, DirectWriter, connection, writer
from tests.thulium import person, resource

pytestmark = pytest.mark.anyio

ANNA, JAN, OLA = "+48500100100", "+48500100101", "+48500100102"
SWITCHES = [(name, value) for name, values in SimulatedThulium.SWITCHES.items() for value in values]
DECLARED: dict[str, Json] = {
    "displayName": "Wiosna",
    "dialer": "progressive",
    "start_date": "2026-06-01",
    "end_date": "2026-06-30",
    "order": 7,
    "parity": 20,
    "parameters": {"caller_id": "221234567", "preview_timeout": "30s", "predictive_max_calls": 3},
    "group_id": 4,
    "agents": ["j.doe", "a.nowak"],
    "kind": "csv",
    "initialStatus": "Do dzwonienia",
}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass
class Site:
    """An account with an empty, stopped CSV campaign 00001 and a CRM campaign 00002 of one customer."""

    here: Running
    thulium: Thulium
    writer: DirectWriter

    def switch(self, **values: str) -> None:
        self.here.world.switches.setdefault("thulium", {}).update(values)

    def edit(self, kind: str, id: str | None, fields: dict[str, Any] | None) -> str:
        return self.here.simulator.vendors["thulium"].edit(kind, id, fields)

    def fail(self, **rule: Any) -> None:
        self.here.simulator.faults = Faults([Rule(vendor="thulium", **rule)])

    def state(self, campaign: int = 0) -> dict[str, Any]:
        found: dict[str, Any] = self.here.simulator.vendors["thulium"].snapshot()["campaigns"][campaign]
        return found

    def dials(self) -> Counter[str]:
        return self.here.simulator.vendors["thulium"].dials()

    async def seen(self, declared: Resource) -> tuple[Live, Resource]:
        """The campaign as it is live, and the declaration in canonical form."""
        wanted = Wanted(declared.name, declared.vendor_id, declared.spec)
        observation = await self.thulium.observe(self.writer, [wanted])
        (live,) = [one for one in observation.live if one.vendor_id == declared.vendor_id]
        return live, self.thulium.canonical(declared, observation.references)

    async def people(self, campaign: Live) -> list[LiveContact]:
        return [one async for one in self.thulium.read_contacts(self.writer, campaign, campaign.vendor_id)]

    async def add(self, campaign: Live, declared: Resource, *people: Contact) -> list[Item]:
        container = await self.thulium.open(self.writer, campaign, declared, "people")
        await self.thulium.add(self.writer, campaign, declared, container, people)
        return list(self.writer.receipts[-1].items)

    async def edited(self, campaign: Live, *people: Contact) -> list[Item]:
        there = {one.phone: one for one in await self.people(campaign)}
        edits = [Edit(there[contact.phone], contact) for contact in people]
        await self.thulium.edit(self.writer, campaign, campaign.vendor_id, edits)
        return list(self.writer.receipts[-1].items)

    async def withdrawn(self, campaign: Live, people: Sequence[LiveContact]) -> list[Item]:
        leaving = [Leaving(person(one.phone.reveal()).person, one) for one in people]
        await self.thulium.withdraw(self.writer, campaign, campaign.vendor_id, leaving)
        return list(self.writer.receipts[-1].items)


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with running(World(credentials={**CREDENTIALS, "thulium": SECRETS["thulium"]})) as made:
        yield made


@pytest.fixture
def here(server: Running) -> Running:
    server.simulator.reset()
    edit = server.simulator.vendors["thulium"].edit
    first = {"name": "Wiosna", "structure": ["name", "due"], "active": False, "order": 50, "parity": 50}
    edit("campaign", None, {**first, "parameters": {"predictive_min_calls": 1.5}})
    edit("campaign", None, {"name": "Badanie", "kind": "crm"})
    for login in ("j.doe", "a.nowak"):
        edit("agent", None, {"login": login})
    edit("customer", None, {"customer_id": "441", "phone_number": "500100100"})
    return server


@asynccontextmanager
async def opened(here: Running, **limits: Any) -> AsyncIterator[Site]:
    async with writer("thulium", here.base_url("thulium"), **limits) as direct:
        yield Site(here, Thulium(connection("thulium", **limits)), direct)


async def converge(site: Site, declared: Resource) -> tuple[Live, Resource]:
    """One plan and apply of the settings, as far as they are the provider's; a second plan would find nothing."""
    live, wanted = await site.seen(declared)
    fields = diff.changes(wanted.spec, live.spec)
    if fields:
        await site.thulium.update(site.writer, live, wanted, fields)
    live, again = await site.seen(declared)
    assert diff.changes(again.spec, diff.believed(live.spec, wanted.spec)) == ()
    assert again.spec == wanted.spec
    return live, wanted


# ---- a whole life under every switch -------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "value"), [pair for pair in SWITCHES if pair != ("permissions", "read")])
async def test_a_whole_life_ends_as_declared_and_calls_nobody_twice(here: Running, name: str, value: str) -> None:
    async with opened(here) as site:
        site.switch(**{name: value})
        live, wanted = await converge(site, resource(DECLARED, RunState.STOPPED))
        assert live.run is RunState.STOPPED
        settings = site.state()["settings"]
        assert (settings["name"], settings["dialer"], settings["order"]) == ("Wiosna", "progressive", 7)
        assert settings["active"] is False
        assert set(site.state()["agents"]) == {"a.nowak", "j.doe"}

        anna, jan = person(ANNA, mark="rc-anna", name="Anna"), person(JAN, mark="rc-jan")
        assert [item.state for item in await site.add(live, wanted, anna, jan)] == ["confirmed", "confirmed"]
        assert [item.state for item in await site.add(live, wanted, anna, jan)] == ["already", "already"]
        there = await site.people(live)
        assert [(one.phone, one.identifier) for one in there] == [(anna.phone, "rc-anna"), (jan.phone, "rc-jan")]
        assert {record["system_status"] for record in site.state()["records"]} == {"TO_CALL"}
        assert [i.state for i in await site.edited(live, replace(anna, fields={"due": "10"}))] == ["confirmed"]
        assert site.state()["records"][0]["record_fields"] == {"name": "Anna", "due": "10"}

        live = await site.thulium.start(site.writer, live)
        assert (await site.seen(wanted))[0].run is RunState.RUNNING
        assert [item.state for item in await site.withdrawn(live, there)] == ["confirmed", "confirmed"]
        assert await site.people(live) == []
        live = await site.thulium.stop(site.writer, live)
        await site.thulium.delete(site.writer, live)
        assert max(site.dials().values()) == 1


async def test_a_user_who_may_only_read_plans_and_cannot_apply(here: Running) -> None:
    async with opened(here) as site:
        site.switch(permissions="read")
        live, wanted = await site.seen(resource(DECLARED))
        with pytest.raises(Forbidden):
            await site.thulium.start(site.writer, live)
        with pytest.raises(Forbidden):
            await site.add(live, wanted, person(ANNA))
        assert site.dials() == Counter()


# ---- campaigns -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fields", SimulatedThulium.SWITCHES["outbounds_fields"])
@pytest.mark.parametrize("shape", SimulatedThulium.SWITCHES["outbounds_shape"])
@pytest.mark.parametrize("omitted", SimulatedThulium.SWITCHES["put_omitted"])
@pytest.mark.parametrize("parameters", SimulatedThulium.SWITCHES["put_parameters"])
async def test_whatever_put_does_with_omitted_fields_what_is_declared_stays(
    here: Running, fields: str, shape: str, omitted: str, parameters: str
) -> None:
    async with opened(here) as site:
        site.switch(outbounds_fields=fields, outbounds_shape=shape, put_omitted=omitted, put_parameters=parameters)
        declared = resource(DECLARED, RunState.STOPPED)
        await converge(site, declared)
        live, _ = await site.seen(declared)
        await site.thulium.start(site.writer, live)  # read anew: nothing is known but what was read and declared
        settings = site.state()["settings"]
    assert settings["active"] is True
    assert (settings["order"], settings["parity"], settings["group_id"]) == (7, 20, 4)
    assert (settings["start_date"], settings["end_date"]) == ("2026-06-01", "2026-06-30")
    kept = {"predictive_min_calls": 1.5} if fields != "minimal" or parameters == "merged" else {}
    assert settings["parameters"] == {
        "caller_id": "221234567",
        "preview_timeout": 30,
        "predictive_max_calls": 3,
        **kept,
    }


@pytest.mark.parametrize("fields", ["full", "text"])
async def test_what_nobody_declared_stays_as_it_was_read(here: Running, fields: str) -> None:
    async with opened(here) as site:
        site.switch(outbounds_fields=fields, put_omitted="reset", put_parameters="replaced")
        site.edit("campaign", "00001", {"start_date": "2026-02-01", "parity": 33, "group_id": 9})
        before = site.state()["settings"]
        await converge(site, resource({"order": 3}))
        assert site.state()["settings"] == {**before, "order": 3}


async def test_agents_that_are_right_are_left_alone(here: Running) -> None:
    async with opened(here) as site:
        site.switch(agents_repeat="refused")
        await converge(site, resource({"agents": ["j.doe"]}))
        await converge(site, resource({"agents": ["a.nowak", "j.doe"]}))
        await converge(site, resource({"agents": []}))
        templates = [call.template.rpartition("/")[2] for call in site.writer.calls]
        assert templates == ["add_agents", "add_agents", "remove_agents"]
        assert site.state()["agents"] == {}


async def test_an_agent_who_does_not_exist_is_refused_by_the_vendor(here: Running) -> None:
    async with opened(here) as site:
        with pytest.raises(Rejected, match="Agent does not exist"):
            await converge(site, resource({"agents": ["nobody"]}))


@pytest.mark.parametrize("queued", SimulatedThulium.SWITCHES["queued_campaign"])
async def test_removing_twice_and_removing_what_is_gone_are_success(here: Running, queued: str) -> None:
    async with opened(here) as site:
        site.switch(queued_campaign=queued)
        live, _ = await site.seen(resource(DECLARED))
        await site.thulium.delete(site.writer, live)
        await site.thulium.delete(site.writer, live)
        site.switch(removal_time="0s")
        await site.thulium.delete(site.writer, replace(live, vendor_id="09999"))
        assert len(site.writer.receipts) == 3
        listed = await site.thulium.observe(site.writer, [])
        assert ("00001" in {one.vendor_id for one in listed.live}) == (queued == "listed")


async def test_a_removal_whose_outcome_is_not_told_is_not_taken_for_done(here: Running) -> None:
    async with opened(here) as site:
        live, _ = await site.seen(resource(DECLARED))
        site.fail(method="DELETE", fault="partial", items=0)
        with pytest.raises(ValueError, match="no known result"):
            await site.thulium.delete(site.writer, live)


async def test_a_change_to_a_campaign_that_is_gone_says_so(here: Running) -> None:
    async with opened(here) as site:
        live, _ = await site.seen(resource(DECLARED))
        with pytest.raises(NotFound, match="Campaign does not exist"):
            await site.thulium.stop(site.writer, replace(live, vendor_id="09999"))


# ---- people --------------------------------------------------------------------------------------------------------


async def test_customers_are_added_read_and_removed_by_their_id(here: Running) -> None:
    declared = resource({"kind": "crm", "initialStatus": 1}, vendor_id="00002")
    async with opened(here) as site:
        live, wanted = await site.seen(declared)
        anna, nobody = person(ANNA, key="441"), person(JAN, key="7")
        assert await site.add(live, wanted, anna, nobody) == [
            Item("confirmed", "1"),
            Item("rejected", said="Customer does not exist"),
        ]
        assert await site.add(live, wanted, anna) == [Item("already", "1")]
        (there,) = await site.people(live)
        assert (there.identifier, there.phone) == ("441", anna.phone)
        assert await site.withdrawn(live, [there]) == [Item("confirmed")]
        assert await site.withdrawn(live, [there]) == [Item("confirmed")]
        assert await site.people(live) == []


@pytest.mark.parametrize("answer", SimulatedThulium.SWITCHES["wrong_family"])
async def test_a_campaign_of_the_other_kind_calls_nobody(here: Running, answer: str) -> None:
    declared = resource({"kind": "csv"}, vendor_id="00002")
    async with opened(here) as site:
        site.switch(wrong_family=answer)
        live, wanted = await site.seen(declared)
        with pytest.raises(Rejected, match="another kind"):
            await site.add(live, wanted, person(ANNA))
        assert site.dials() == Counter()


async def test_several_hundred_people_are_read_in_pages(here: Running) -> None:
    async with opened(here, page_size=1000) as site:
        site.switch(limit_above_100="refused", batch_max="100")
        live, wanted = await site.seen(resource({"kind": "csv"}))
        people = [person(f"+485001{number:05}", mark=f"rc-{number}") for number in range(250)]
        await site.thulium.add(site.writer, live, wanted, "00001", people)
        there = await site.people(live)
        assert {one.phone for one in there} == {contact.phone for contact in people}
        assert set(await site.withdrawn(live, there)) == {Item("confirmed")}
        assert await site.people(live) == []


async def test_somebody_in_a_call_is_asked_about_later(here: Running) -> None:
    async with opened(here) as site:
        live, wanted = await site.seen(resource({"kind": "csv"}))
        await site.add(live, wanted, person(ANNA, mark="rc-1"), person(JAN, mark="rc-2"))
        site.edit("call", "500100100", {})
        there = await site.people(live)
        assert [one.busy for one in there] == [True, False]
        assert [item.state for item in await site.withdrawn(live, there)] == ["later", "confirmed"]
        site.edit("call", "500100100", {"system_status": "NO_CALL"})
        (anna,) = await site.people(live)
        assert (anna.called, anna.closed, anna.busy) == (True, True, False)
        assert await site.withdrawn(live, [anna]) == [Item("confirmed")]


@pytest.mark.parametrize("guard", SimulatedThulium.SWITCHES["duplicate_guard"])
async def test_a_number_imported_in_another_spelling_is_found_and_removed(here: Running, guard: str) -> None:
    async with opened(here) as site:
        site.switch(duplicate_guard=guard)
        live, wanted = await site.seen(resource({"kind": "csv"}))
        await site.add(live, wanted, person(ANNA))
        site.edit("record", None, {"outbound_id": "00001", "phone_number": "+48 500 100 100"})
        there = await site.people(live)
        assert {one.phone for one in there} == {person(ANNA).phone}
        assert await site.withdrawn(live, there[-1:]) == [Item("confirmed")]
        assert await site.people(live) == []


async def test_a_duplicated_number_cannot_be_edited_and_goes_as_a_whole(here: Running) -> None:
    async with opened(here) as site:
        live, _ = await site.seen(resource({"kind": "csv"}))
        for _ in range(2):
            site.edit("record", None, {"outbound_id": "00001", "phone_number": "500100100"})
        assert await site.edited(live, person(ANNA, name="x")) == [
            Item("rejected", said="The phone number is duplicated")
        ]
        there = await site.people(live)
        assert await site.withdrawn(live, there[:1]) == [Item("confirmed")]
        assert await site.people(live) == []


async def test_an_unknown_field_is_told_person_by_person(here: Running) -> None:
    async with opened(here) as site:
        live, wanted = await site.seen(resource({"kind": "csv"}))
        said = await site.add(live, wanted, person(ANNA, mark="rc-1", shoe="38"), person(JAN, mark="rc-2"))
        assert said == [Item("rejected", said="Unknown record field: shoe"), Item("confirmed", "1")]


async def test_a_status_that_keeps_people_out_of_the_queue_calls_nobody(here: Running) -> None:
    async with opened(here) as site:
        live, wanted = await site.seen(resource({"kind": "csv", "initialStatus": "Nie dzwonić"}))
        assert await site.add(live, wanted, person(ANNA)) == [Item("confirmed", "1")]
        assert site.dials()[ANNA] == 0


@pytest.mark.parametrize("fault", ["drop", "reset", "garbage", "truncate", "html", "empty", 500, 302])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_lost_answer_is_repeated_without_calling_twice(here: Running, fault: str | int, when: str) -> None:
    async with opened(here) as site:
        live, wanted = await site.seen(resource({"kind": "csv"}))
        people = [person(ANNA, mark="rc-1"), person(JAN, mark="rc-2")]
        site.fail(method="POST", path="batch", nth=1, fault=fault, when=when)
        with pytest.raises((OutcomeUnknown, ValueError)):
            await site.add(live, wanted, *people)
        states = {item.state for item in await site.add(live, wanted, *people)}
        assert states == ({"already"} if when == "after" else {"confirmed"})
        assert site.dials() == {ANNA: 1, JAN: 1}


async def test_a_batch_done_in_part_leaves_the_rest_in_doubt(here: Running) -> None:
    async with opened(here) as site:
        live, wanted = await site.seen(resource({"kind": "csv"}))
        people = [person(number, mark=f"rc-{number[-1]}") for number in (ANNA, JAN, OLA)]
        site.fail(method="POST", nth=1, fault="partial", items=1)
        assert [item.state for item in await site.add(live, wanted, *people)] == ["confirmed", "in_doubt", "in_doubt"]
        assert [item.state for item in await site.add(live, wanted, *people)] == ["already", "confirmed", "confirmed"]
        assert max(site.dials().values()) == 1


async def test_a_read_survives_passing_faults_and_never_shrinks_the_world(here: Running) -> None:
    async with opened(here) as site:
        live, wanted = await site.seen(resource({"kind": "csv"}))
        await site.add(live, wanted, person(ANNA))
        site.fail(method="GET", nth=1, fault=500)
        assert len(await site.people(live)) == 1
        for lasting in ("html", "empty"):
            site.fail(method="GET", fault=lasting)
            with pytest.raises(ReadIncomplete):
                await site.people(live)


# ---- the planner's view --------------------------------------------------------------------------------------------


async def test_a_kind_is_taken_up_at_first_and_cannot_be_changed_later(here: Running) -> None:
    async with opened(here) as site:
        live, wanted = await site.seen(resource({"kind": "csv"}))
        first = steps_of(Case(Match(wanted, live), site.thulium.capabilities))
        assert first.changes == ()
        assert first.findings == ()
        binding = Binding(wanted.key, "0" * 32, "00001", wanted.spec)
        later = replace(wanted, spec={"kind": "crm"})
        second = steps_of(Case(Match(later, live, binding), site.thulium.capabilities))
        assert [(finding.code, finding.severity) for finding in second.findings] == [("immutable", Severity.ERROR)]
        assert steps_of(Case(Match(wanted, live, binding), site.thulium.capabilities)).changes == ()
