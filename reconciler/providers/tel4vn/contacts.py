"""TEL4VN's lists and leads: a contact set of a campaign is a list of it, a person is a lead. What a campaign holds is in wire.py."""

from __future__ import annotations

from asyncio import gather
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Final, Literal, TypeVar

from reconciler.errors import Forbidden, NotFound, Rejected, Unauthorized
from reconciler.model import Connection, Contact, Json, Live, LiveContact, Phone, Resource
from reconciler.providers.base import DECIDED, Call, Edit, Item, Leaving, Reader, Receipt, Reply, Writer
from reconciler.providers.paging import Page, Paged, Row
from reconciler.providers.tel4vn import leads
from reconciler.providers.tel4vn.rules import CAPABILITIES
from reconciler.providers.tel4vn.wire import mark_of, marked, unmarked
from reconciler.redact import foreign

T = TypeVar("T")
R = TypeVar("R")

# No v3 page prints a status; "already taken" may come as 409 as well as 400 or 422, and is decided before anything is executed.
REFUSES: Final = DECIDED | {409}
# The same for what is said about one lead: a reply to be read, since other people's calls go on.
_ANSWERS: Final = frozenset({400, 409, 422})
_MULTI: Final = frozenset({"phone_number", "lead_name", "contract_number"})


# ---- shared with provider.py ------------------------------------------------------------------------------------------


def is_gone(error: Rejected) -> bool:
    """Whether a refusal says "Not Found", whatever its status: the pages print texts only."""
    return "not found" in error.said.lower()


def paged(
    connection: Connection,
    path: str,
    page: Callable[[Reply], Page[R]],
    identify: Callable[[R], str],
    query: Sequence[tuple[str, str]] = (),
) -> Paged[R]:
    """A paged list, proved by its total. No greatest page is documented."""
    limit = min(connection.limits.page_size, CAPABILITIES.contacts.page_max)

    def call(offset: int, most: int) -> Call:
        return Call("GET", path, query=(*query, ("limit", str(most)), ("offset", str(offset))))

    return Paged(f"{connection.name}: GET {path}", call, page, identify, limit)


def listing(connection: Connection, path: str, *needed: str) -> Paged[Row]:
    """A paged list of rows as they come. `needed`: texts every row has; the first one is its id."""

    def page(reply: Reply) -> Page[Row]:
        body = reply.json()
        rows = body["data"] or []
        if any(not isinstance(row[name], str) for row in rows for name in needed) or type(body["total"]) is not int:
            raise TypeError("a row without its documented fields")
        return Page(rows, body["total"])

    return paged(connection, path, page, lambda row: str(row[needed[0]]))


async def side_by_side(act: Callable[[T], Awaitable[R]], items: Sequence[T], width: int) -> list[R]:
    """`act` on every item, at most `width` at once; results in order. After a failure nothing new begins, and it is raised."""
    waiting = deque(enumerate(items))
    results: dict[int, R] = {}

    async def work() -> None:
        while waiting:
            index, item = waiting.popleft()
            try:
                results[index] = await act(item)
            except BaseException:
                waiting.clear()
                raise

    for ended in await gather(*(work() for _ in range(width)), return_exceptions=True):
        if isinstance(ended, BaseException):
            raise ended
    return [results[index] for index in range(len(items))]


# ---- replies ---------------------------------------------------------------------------------------------------------


def _about_one(uuid: str, reply: Reply) -> Receipt:
    """What a reply about one lead says: done, refused, or not there any more. `uuid`: empty while it is being made."""
    body = reply.json()
    if reply.status < 300:
        if uuid not in ("", body["lead_uuid"]) or not isinstance(body["lead_uuid"], str):
            raise ValueError("an answer about another lead")
        return Receipt(items=(Item("confirmed", body["lead_uuid"]),))
    error = body["error"]
    if not uuid and error == "Not Found":
        raise ValueError("the list is gone, which says nothing about the person")
    return Receipt(items=(Item("rejected", uuid, foreign(str(error))),))


def _about_removal(uuid: str, reply: Reply) -> Receipt:
    receipt = _about_one(uuid, reply)
    return Receipt(items=(Item("already", uuid),)) if receipt.items[0].said == "Not Found" else receipt


def _about_many(count: int, reply: Reply) -> Receipt:
    """Only a number comes back: if it is not everybody, nobody knows who it is."""
    inserted = reply.json()["total_insert"]
    if type(inserted) is not int:
        raise TypeError("a count is a whole number")
    return Receipt() if inserted == count else Receipt(items=(Item("in_doubt"),) * count)


class Leads:
    """The part of the provider that deals with people. A container is a list."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def wire_phone(self, phone: Phone) -> str | None:
        """The number as TEL4VN takes it; None where it cannot take it. Pure."""
        return leads.wire_phone(phone)

    async def open(self, writer: Writer, campaign: Live, resource: Resource, contacts: str) -> str:
        """The list of a set: the one of this campaign whose description is the set's name and a mark of ours, whoever renamed what.

        A list cannot be renamed, and its name is unique in the campaign or in the account (both are possible), so the name says
        which campaign object it belongs to. Raises Rejected where the name is taken by a list that is not ours.
        """
        if found := await self._list_of(writer, campaign, contacts):
            return found
        name = f"{resource.name} / {contacts} ({campaign.vendor_id[:8]})"
        body: Json = {
            "campaign_uuid": campaign.vendor_id,
            "list_name": name,
            "description": marked(contacts, writer.token),
        }
        # Repeatable, since the name is refused a second time.
        call = Call("POST", "/v3/list", json=body, decided=REFUSES, repeatable=True)
        try:
            return (await writer.write(call, lambda reply: Receipt(_uuid(reply, "list_uuid")))).vendor_id
        except Rejected as refused:
            if "list_name is exists" not in refused.said:
                raise
            if found := await self._list_of(writer, campaign, contacts):
                return found
            said = "a list of this name exists and is not ours: delete or rename it in the panel"
            raise Rejected(self._connection.name, str(call), said, refused.status) from None

    async def _list_of(self, reader: Reader, campaign: Live, contacts: str) -> str | None:
        return next(
            (list_uuid for name, list_uuid in await self.containers(reader, campaign) if name == contacts), None
        )

    async def containers(self, reader: Reader, campaign: Live) -> list[tuple[str, str]]:
        """See `HasContainers`. By campaign, so the platform's default lists, which belong to another domain and to no campaign, are
        never among them."""
        lists = listing(self._connection, "/v3/list", "list_uuid", "campaign_uuid", "description")
        return [
            (unmarked(row["description"]), str(row["list_uuid"]))
            async for row in lists.rows(reader)
            if row["campaign_uuid"] == campaign.vendor_id and mark_of(row["description"])
        ]

    async def read_contacts(self, reader: Reader, campaign: Live, container: str) -> AsyncIterator[LiveContact]:
        """See `TakesContacts.read_contacts`."""
        async for lead in self._leads(container).rows(reader):
            yield leads.contact_of(lead)

    def fields_shown(self, campaign: Live, live: LiveContact, names: Sequence[str]) -> Mapping[str, str]:
        return leads.fields_shown(live, leads.mapping_of(campaign.spec), names)

    async def count_contacts(self, reader: Reader, campaign: Live, container: str) -> int | None:
        return await self._leads(container).total(reader)

    def _leads(self, container: str) -> Paged[leads.Lead]:
        query = (("list_uuid", container),)
        return paged(self._connection, "/v3/lead", leads.page, lambda lead: lead.lead_uuid, query)

    async def add(
        self, writer: Writer, campaign: Live, resource: Resource, container: str, people: Sequence[Contact]
    ) -> None:
        """All in one call where it takes their fields, and one by one where it does not or where it refuses them as a whole.

        One bad number may spoil a whole call, and no greatest size of one is documented: both are refusals, after which nothing of
        the call was executed. Each person is then answered alone.
        """
        bodies = [leads.lead_of(contact, leads.mapping_of(resource.spec)) for contact in people]
        if all(map(_MULTI.issuperset, bodies)) and await self._added_at_once(writer, container, people, bodies):
            return
        pairs = list(zip(people, bodies, strict=True))
        await side_by_side(partial(self._add_one, writer, container), pairs, self._width)

    async def _added_at_once(
        self, writer: Writer, container: str, people: Sequence[Contact], bodies: Sequence[dict[str, Json]]
    ) -> bool:
        rows: list[Json] = [{**lead, "after_day": 0} for lead in bodies]
        call = Call("POST", "/v3/lead/multi", json={"list_uuid": container, "data": rows}, decided=REFUSES)
        try:
            await writer.write(call, partial(_about_many, len(bodies)), [contact.person for contact in people])
        except (Unauthorized, Forbidden, NotFound):
            raise
        except Rejected as refused:
            if is_gone(refused):
                raise
            return False
        return True

    async def _add_one(self, writer: Writer, container: str, pair: tuple[Contact, dict[str, Json]]) -> None:
        contact, lead = pair
        call = Call("POST", "/v3/lead", json={"list_uuid": container, **lead}, answers=_ANSWERS)
        await writer.write(call, partial(_about_one, ""), [contact.person])

    async def edit(self, writer: Writer, campaign: Live, container: str, people: Sequence[Edit]) -> None:
        """One PUT a person; the campaign's spec carries the `lead` mapping of its declaration."""
        await side_by_side(partial(self._edit_one, writer, leads.mapping_of(campaign.spec)), people, self._width)

    async def _edit_one(self, writer: Writer, mapping: Mapping[str, str], edit: Edit) -> None:
        uuid = edit.live.vendor_id
        call = _lead("PUT", uuid, leads.edited(edit, mapping))
        await writer.write(call, partial(_about_one, uuid), [edit.contact.person])

    async def withdraw(self, writer: Writer, campaign: Live, container: str, people: Sequence[Leaving]) -> None:
        """One DELETE a person; one who is gone already is withdrawn."""
        await side_by_side(partial(self._withdraw_one, writer), people, self._width)

    async def _withdraw_one(self, writer: Writer, leaving: Leaving) -> None:
        uuid = leaving.live.vendor_id
        await writer.write(_lead("DELETE", uuid), partial(_about_removal, uuid), [leaving.person])

    @property
    def _width(self) -> int:
        return self._connection.limits.concurrency


def _lead(method: Literal["PUT", "DELETE"], uuid: str, body: Json = None) -> Call:
    path = {"lead_uuid": uuid}
    return Call(method, "/v3/lead/{lead_uuid}", path, json=body, answers=_ANSWERS | {404}, repeatable=True)


def _uuid(reply: Reply, name: str) -> str:
    """The id that a reply names. Raises where there is none."""
    uuid = reply.json()[name]
    if not isinstance(uuid, str) or not uuid:
        raise ValueError("an answer without an id")
    return uuid
