"""Thulium: the calls. How things are spelled is in wire.py and contacts.py, what answers mean in replies.py.

A campaign is made in the panel; here it is read, changed, switched and removed, and people are put in and taken out.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from reconciler.errors import Blocked, ReadIncomplete, Rejected
from reconciler.model import (
    Capabilities,
    Connection,
    Contact,
    FieldChange,
    Json,
    Live,
    LiveContact,
    Phone,
    Resource,
    RunState,
    Spec,
)
from reconciler.providers.base import (
    Accept,
    Auth,
    Call,
    Edit,
    Item,
    Leaving,
    Observation,
    Provider,
    Reader,
    Refusal,
    Reply,
    Wanted,
    Writer,
)
from reconciler.providers.declarable import Declarable
from reconciler.providers.paging import Paged, Row
from reconciler.providers.thulium import contacts, replies, wire

T = TypeVar("T")

AGENT = ("login",)
STATUS = ("status_id", "dictionary_status_id", "system_status", "name")
IN_A_QUERY = 40  # people per batch removal: their numbers stand in the URL, in two spellings each at most


class Basic:
    """HTTP Basic on every call; there is no login."""

    def login(self, secrets: Mapping[str, str]) -> Call | None:
        return None

    def token(self, reply: Reply) -> str:
        return ""

    def headers(self, secrets: Mapping[str, str], token: str) -> dict[str, str]:
        pair = f"{secrets['username']}:{secrets['password']}".encode()
        return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}


class Thulium:
    """One Thulium account. A container of people is the campaign itself."""

    capabilities = wire.CAPABILITIES
    auth: Auth = Basic()

    def __init__(self, connection: Connection) -> None:
        self._name, self._region = connection.name, connection.region
        self._page_size = min(connection.limits.page_size, wire.PAGE_MAX)

    def family(self, resource: Resource) -> Capabilities:
        return wire.family(resource.spec)

    def refusals(self, resource: Resource) -> list[Refusal]:
        return wire.refusals(resource)

    def canonical(self, resource: Resource, references: Mapping[str, Mapping[str, str]]) -> Resource:
        return wire.canonical(resource, references)

    def declarable(self, live: Live) -> Declarable:
        return wire.declarable(live)

    def wire_phone(self, phone: Phone) -> str | None:
        """The number as Thulium takes it; None where it cannot take it. See `contacts.wire_phone`."""
        return contacts.wire_phone(phone, self._region)

    # ---- campaigns -------------------------------------------------------------------------------------------------

    async def observe(self, reader: Reader, wanted: Sequence[Wanted]) -> Observation:
        """There is no call that reads one campaign: all are listed; agents and statuses are read for the wanted ones."""
        listed = await self._listed(reader)
        ids = {one.vendor_id: one for one in wanted if one.vendor_id}
        names = {one.name: one for one in wanted if not one.vendor_id}
        asked = [(live, ids.get(live.vendor_id) or names.get(live.name)) for live in listed]
        read = await asyncio.gather(*(self._complete(reader, live, one) for live, one in asked if one))
        whole = {live.vendor_id: live for live, _ in read}
        references: dict[str, Mapping[str, str]] = {}
        for _, found in read:
            references |= found
        return Observation(tuple(whole.get(live.vendor_id, live) for live in listed), references)

    async def look_again(self, reader: Reader, live: Live, spec: Spec) -> Live | None:
        seen = await self.observe(reader, [Wanted(live.name, live.vendor_id, spec)])
        return next((found for found in seen.live if found.vendor_id == live.vendor_id), None)

    async def _listed(self, reader: Reader) -> list[Live]:
        rows = await self._rows(reader, "/outbounds", "", ("id", "name"))
        silent = any("active" not in row for row in rows)
        running = await self._running(reader) if silent else None
        try:
            return [wire.from_wire(row, running) for row in rows]
        except (ValueError, TypeError):  # its text may quote the list
            raise ReadIncomplete(
                f"{self._name}: a field of the campaign list cannot be read as what PUT has."
            ) from None

    async def _running(self, reader: Reader) -> frozenset[str] | None:
        """The active campaigns, where the list does not say: the statistics are documented to hold those and no others.

        Inferred: "active" is the same there as in PUT. None where the call is refused: its page requires an id, for which its
        path has no place.
        """
        try:
            rows = await self._rows(reader, "/outbounds/stats", "", ("id",))
        except Rejected:
            return None
        return frozenset(map(wire.campaign_id, rows))

    async def _complete(
        self, reader: Reader, live: Live, wanted: Wanted
    ) -> tuple[Live, Mapping[str, Mapping[str, str]]]:
        """Agents and statuses take a call each, for every campaign: asked only where the declaration is about them."""
        spec, references = dict(live.spec), {}
        if not wanted.spec or "agents" in wanted.spec:
            spec["agents"] = wire.agents(await self._rows(reader, "/outbounds/{id}/agents", live.vendor_id, AGENT))
        if not wanted.spec or "initialStatus" in wanted.spec:
            known = wire.references(await self._rows(reader, "/outbounds/{id}/statuses", live.vendor_id, STATUS))
            references = {wire.statuses_of(name): known for name in (live.vendor_id, wanted.name)}
        # `raw` is what no read tells: the kind of the campaign, and what a shorter list leaves out and PUT may reset.
        return replace(live, spec=spec, raw=dict(wanted.spec), complete=True), references

    async def create(self, writer: Writer, resource: Resource, people: Sequence[Contact]) -> Live:
        raise Blocked(f"{resource.key}: {wire.REFUSALS['create']}: make it in the panel. Nothing was sent.")

    async def update(self, writer: Writer, live: Live, resource: Resource, fields: Sequence[FieldChange]) -> Live:
        """Settings in one PUT, agents by what has to come and go; `kind` and `initialStatus` are nothing Thulium is told."""
        changed = {name: resource.spec[name] for change in fields if (name := change.path[0]) in resource.spec}
        spec = wire.merged({**resource.spec, **live.spec}, changed)
        run = live.run
        if changed.keys() & wire.SETTINGS:
            run = run or resource.run
            await self._put(writer, live, spec, run)
        if "agents" in changed:
            await self._set_agents(writer, live, wire.logins(spec))
        return replace(live, name=str(spec.get("displayName", live.name)), spec=spec, run=run)

    async def _put(self, writer: Writer, live: Live, spec: Spec, run: RunState | None) -> None:
        if run is None:
            raise Blocked(
                f"{self._name}: campaign {live.vendor_id}: Thulium does not say whether it is active, and an update that leaves that "
                "open may start it. Write `activation` in the declaration. Nothing was sent."
            )
        body = wire.to_wire(spec, run)
        call = Call("PUT", "/outbounds/{id}", {"id": live.vendor_id}, json=body, repeatable=True)
        await writer.write(call, partial(replies.updated, vendor_id=live.vendor_id))

    async def _set_agents(self, writer: Writer, live: Live, wanted: set[str]) -> None:
        """Only the difference: repeating what is already so is not documented."""
        there = wire.logins(live.spec)
        for template, logins in (
            ("/outbounds/{id}/add_agents", sorted(wanted - there)),
            ("/outbounds/{id}/remove_agents", sorted(there - wanted)),
        ):
            if logins:
                call = Call("POST", template, {"id": live.vendor_id}, json={"logins": [*logins]}, repeatable=True)
                await writer.write(call, partial(replies.agents_set, vendor_id=live.vendor_id))

    async def delete(self, writer: Writer, live: Live) -> None:
        """Put it on the removal queue; recordings are kept, as is the vendor's default."""
        query = [("id[]", live.vendor_id)]
        call = Call("DELETE", "/batch/outbounds", query=query, answers=frozenset({404}), repeatable=True)
        await writer.write(call, partial(replies.queued, vendor_id=live.vendor_id))

    async def start(self, writer: Writer, live: Live) -> Live:
        return await self._switch(writer, live, RunState.RUNNING)

    async def stop(self, writer: Writer, live: Live) -> Live:
        return await self._switch(writer, live, RunState.STOPPED)

    async def _switch(self, writer: Writer, live: Live, run: RunState) -> Live:
        """`active` is the only switch, and a field of the PUT that may reset what it does not hold."""
        await self._put(writer, live, {**live.raw, **live.spec}, run)
        return replace(live, run=run)

    # ---- people ----------------------------------------------------------------------------------------------------

    async def open(self, writer: Writer, campaign: Live, resource: Resource, contacts: str) -> str:
        return campaign.vendor_id

    async def read_contacts(self, reader: Reader, campaign: Live, container: str) -> AsyncIterator[LiveContact]:
        async for row in self._records(campaign, container).rows(reader):
            yield contacts.live_contact(row, self._region)

    def fields_shown(self, campaign: Live, live: LiveContact, names: Sequence[str]) -> Mapping[str, str]:
        return contacts.fields_shown(live, names)

    async def count_contacts(self, reader: Reader, campaign: Live, container: str) -> int | None:
        return await self._records(campaign, container).total(reader)

    def _records(self, campaign: Live, container: str) -> Paged[contacts.Record]:
        what, call = self._asked(self._kind(campaign).records, container, pages=True)
        return Paged(what, call, replies.records, lambda row: str(row.record_id), self._page_size)

    async def add(
        self, writer: Writer, campaign: Live, resource: Resource, container: str, people: Sequence[Contact]
    ) -> None:
        """Safe to repeat: who is there already is not added again."""
        kind, status = contacts.kind_of(resource.spec, self._region), contacts.status_sent(resource.spec)
        for part in _slices(people, self.capabilities.contacts.batch_max):
            records: Json = [{**kind.entry(contact), **status} for contact in part]
            call = Call("POST", f"/batch{kind.records}", {"id": container}, json={"records": records}, repeatable=True)
            accept = _results(kind, [kind.asked(contact) for contact in part], replies.added)
            await writer.write(call, accept, [contact.person for contact in part])

    async def edit(self, writer: Writer, campaign: Live, container: str, people: Sequence[Edit]) -> None:
        """A record keeps its mark: no call changes an identifier. Raises Blocked for a CRM campaign, see `family`."""
        kind = self._kind(campaign)
        if not isinstance(kind, contacts.Numbers):
            raise Blocked(
                f"{self._name}: the fields of a CRM campaign's people are changed in the CRM. Nothing was sent."
            )
        for part in _slices(people, self.capabilities.contacts.batch_max):
            records: Json = [kind.edit(one.live, one.contact.fields) for one in part]
            call = Call("PUT", f"/batch{kind.records}", {"id": container}, json={"records": records}, repeatable=True)
            accept = _results(kind, [kind.there(one.live) for one in part], replies.edited)
            await writer.write(call, accept, [one.contact.person for one in part])

    async def withdraw(self, writer: Writer, campaign: Live, container: str, people: Sequence[Leaving]) -> None:
        """Every record of the number goes, or the customer's one."""
        kind = self._kind(campaign)
        for part in _slices(people, IN_A_QUERY):
            query = [pair for one in part for pair in kind.query(one.live)]
            call = Call("DELETE", f"/batch{kind.records}", {"id": container}, query=query, repeatable=True)
            accept = _results(kind, [kind.there(one.live) for one in part], replies.removed)
            await writer.write(call, accept, [one.person for one in part])

    def _kind(self, campaign: Live) -> contacts.Kind:
        """No read tells it: it is the declared one, which `observe` was told."""
        return contacts.kind_of({**campaign.raw, **campaign.spec}, self._region)

    # ---- reading lists ---------------------------------------------------------------------------------------------

    async def _rows(self, reader: Reader, template: str, campaign: str, keys: Sequence[str]) -> list[Row]:
        """The rows of a list, each with `keys`, of which the first is its name."""
        what, call = self._asked(template, campaign)
        page = partial(replies.page, keys=keys)
        paged = Paged(what, call, page, lambda row: str(row[keys[0]]), self._page_size)
        return [row async for row in paged.rows(reader)]

    def _asked(self, template: str, campaign: str, pages: bool = False) -> tuple[str, Callable[[int, int], Call]]:
        """What a list is called, and how a part of it is asked for. One that is documented without pages is asked for one only
        where it turns out to have them."""

        def call(offset: int, limit: int) -> Call:
            query = [("limit", str(limit)), ("offset", str(offset))] if pages or offset else []
            return Call("GET", template, {"id": campaign}, query)

        return f"{self._name}: GET {template}", call


def _results(kind: contacts.Kind, people: Sequence[Hashable], judge: Callable[[list[Any]], Item]) -> Accept:
    return partial(replies.results, people=people, name=kind.name, judge=judge)


def _slices(people: Sequence[T], most: int) -> Iterator[Sequence[T]]:
    return (people[start : start + most] for start in range(0, len(people), most))


def provider(connection: Connection) -> Provider:
    return Thulium(connection)
