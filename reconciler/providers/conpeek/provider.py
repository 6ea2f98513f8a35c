"""Conpeek: campaigns that can only be pointed at, people that can be added, read (voice only) and told to wait. See wire.py."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence

from reconciler.errors import Blocked, NotFound, ReadIncomplete
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
    Spec,
)
from reconciler.providers.base import Auth, Call, Edit, Leaving, Observation, Reader, Refusal, Reply, Wanted, Writer
from reconciler.providers.conpeek import contacts, wire
from reconciler.providers.paging import Paged

UNREAD = "cannot be read: Conpeek has no documented call that shows a voice SMS campaign or who is in it"


class KeyAuth:
    """The bare key in `Authorization`. The samples send `Content-Type` on reads too."""

    def login(self, secrets: Mapping[str, str]) -> Call | None:
        return None

    def token(self, reply: Reply) -> str:
        raise ValueError("there is no login")

    def headers(self, secrets: Mapping[str, str], token: str) -> dict[str, str]:
        return {"Authorization": secrets["apiKey"], "Content-Type": "application/json"}


class Conpeek:
    """One account."""

    capabilities: Capabilities = wire.CAPABILITIES
    auth: Auth = KeyAuth()

    def __init__(self, connection: Connection) -> None:
        self._name, self._region = connection.name, connection.region
        self._page_size = connection.limits.page_size

    def family(self, resource: Resource) -> Capabilities:
        return wire.family(resource.spec)

    def refusals(self, resource: Resource) -> list[Refusal]:
        return wire.refusals(resource)

    def canonical(self, resource: Resource, references: Mapping[str, Mapping[str, str]]) -> Resource:
        """As declared: all of it is what our own calls say, none of it is echoed."""
        return resource

    def wire_phone(self, phone: Phone) -> str | None:
        return contacts.wire_phone(phone)

    # ---- campaigns

    async def observe(self, reader: Reader, wanted: Sequence[Wanted]) -> Observation:
        """The wanted ones that are named by id: no call lists campaigns."""
        found = await asyncio.gather(*(self._live(reader, one, one.vendor_id) for one in wanted if one.vendor_id))
        return Observation(tuple(live for live in found if live is not None))

    async def look_again(self, reader: Reader, live: Live, spec: Spec) -> Live | None:
        return await self._live(reader, Wanted(live.name, live.vendor_id, spec), live.vendor_id)

    async def _live(self, reader: Reader, wanted: Wanted, vendor_id: str) -> Live | None:
        if wire.is_sms(wanted.spec):
            return Live(vendor_id, wanted.name, wanted.spec, note=UNREAD)
        try:
            reply = await reader.read(contacts.read_requests(vendor_id, 0, 1))
            contacts.page_of(reply)
        except NotFound:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise ReadIncomplete(
                f"{self._name}: whether voice campaign {vendor_id} exists was not answered."
            ) from error
        return Live(vendor_id, wanted.name, wanted.spec)

    async def create(self, writer: Writer, resource: Resource, people: Sequence[Contact]) -> Live:
        raise self._impossible("create")

    async def update(self, writer: Writer, live: Live, resource: Resource, fields: Sequence[FieldChange]) -> Live:
        raise self._impossible("update")

    async def delete(self, writer: Writer, live: Live) -> None:
        raise self._impossible("delete")

    def _impossible(self, verb: str) -> Blocked:
        return Blocked(f"{self._name}: {wire.REFUSALS[verb]}. Nothing was sent.")

    # ---- people

    async def open(self, writer: Writer, campaign: Live, resource: Resource, contacts: str) -> str:
        return campaign.vendor_id

    async def read_contacts(self, reader: Reader, campaign: Live, container: str) -> AsyncIterator[LiveContact]:
        """All requests of a voice campaign, closed ones included. Raises ReadIncomplete, for voice SMS always."""
        if wire.is_sms(campaign.spec):
            raise ReadIncomplete(f"{self._name}: a voice SMS campaign {UNREAD}.")
        async for request in self._requests(container).rows(reader):
            yield contacts.contact_of(request, self._region)

    def fields_shown(self, campaign: Live, live: LiveContact, names: Sequence[str]) -> Mapping[str, str]:
        return contacts.fields_shown(live, names)

    async def count_contacts(self, reader: Reader, campaign: Live, container: str) -> int | None:
        return None if wire.is_sms(campaign.spec) else await self._requests(container).total(reader)

    def _requests(self, campaign: str, *filters: Json) -> Paged[contacts.Request]:
        return Paged(
            what=f"{self._name}: requests of voice campaign {campaign}",
            call=lambda offset, limit: contacts.read_requests(campaign, offset, limit, filters),
            page=contacts.page_of,
            identify=lambda request: request.id,
            limit=min(self._page_size, wire.PAGE_MAX),
        )

    async def add(
        self, writer: Writer, campaign: Live, resource: Resource, container: str, people: Sequence[Contact]
    ) -> None:
        if wire.is_sms(resource.spec):
            call = contacts.add_sms(container, resource.spec, people)
            await writer.write(call, contacts.added_many(people, self._region), [contact.person for contact in people])
            return
        for contact, moment in [(contact, contacts.not_before(contact)) for contact in people]:
            await self._add_one(writer, container, contact, moment)

    async def _add_one(self, writer: Writer, campaign: str, contact: Contact, moment: str) -> None:
        """Into a voice campaign. Who is to be called later is told so at once: no documented call adds a request that waits."""
        receipt = await writer.write(contacts.add_voice(campaign, contact), contacts.added_one, [contact.person])
        if not moment:
            return
        request = receipt.items[0].vendor_id or await self._find(writer, campaign, contact)
        await writer.write(contacts.set_recall(campaign, request, moment), contacts.recalled)

    async def _find(self, reader: Reader, campaign: str, contact: Contact) -> str:
        """The id of the open request that carries this person's mark."""
        for request in (await self._open_requests(reader, campaign)).values():
            if contacts.custom_of(request).get(contacts.MARK) == contact.mark:
                return request.id
        raise ReadIncomplete(
            f"{self._name}: somebody was added to voice campaign {campaign}, but the answer held no id and the request was not "
            f"found, so its {wire.WINDOW} was not set. Set it in the panel."
        )

    async def _open_requests(self, reader: Reader, campaign: str) -> dict[str, contacts.Request]:
        requests = [request async for request in self._requests(campaign, contacts.OPEN).rows(reader)]
        return {request.id: request for request in requests if request.state == "OPEN"}

    async def edit(self, writer: Writer, campaign: Live, container: str, people: Sequence[Edit]) -> None:
        """Move the open requests whose time to call changed. Raises Blocked after those, where there were others.

        Who is open is read just before: set_recall may open a closed request again, and the person would be called again.
        """
        if wire.is_sms(campaign.spec):
            raise Blocked(f"{self._name}: a voice SMS campaign {UNREAD}. Nothing was sent.")
        movable = [edit for edit in people if contacts.movable(edit.live, edit.contact)]
        open_now = await self._open_requests(writer, container)
        moved = [edit for edit in movable if edit.live.vendor_id in open_now]
        for edit in moved:
            call = contacts.set_recall(container, edit.live.vendor_id, contacts.not_before(edit.contact))
            await writer.write(call, contacts.recalled, [edit.contact.person])
        if len(moved) < len(people):
            raise Blocked(
                f"{self._name}: {len(people) - len(moved)} of {len(people)} changes were not made: all that can be changed of a "
                f"request is its {wire.WINDOW}, and only as long as it is open and not in a call."
            )

    async def withdraw(self, writer: Writer, campaign: Live, container: str, people: Sequence[Leaving]) -> None:
        raise self._impossible("contacts.withdraw")


def provider(connection: Connection) -> Conpeek:
    return Conpeek(connection)
