"""What a provider is: a translator between our vocabulary and one vendor's wire. No diffing, printing, retrying, ledger.

Reader and Writer are apart, so that planning code cannot write: `plan` is only ever handed a Reader. The Writer is the applier's; it
makes the claim durable before the call leaves and the outcome durable after, so a provider cannot send anything unjournalled.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal, Protocol, TypeGuard, runtime_checkable

import msgspec

from reconciler.model import (
    Capabilities,
    Contact,
    FieldChange,
    Json,
    Live,
    LiveContact,
    Person,
    Phone,
    Resource,
    Spec,
)

# Statuses that mean "looked at and refused": nothing was executed (protocol.md, "Classifying one write call").
DECIDED = frozenset({400, 401, 403, 404, 405, 413, 415, 422})


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request. `template` is what may be logged ("/v3/lead/{lead_uuid}"); `path` fills it, percent-encoded when sent.

    `decided`: the statuses by which this vendor says that it did not execute the call. `answers`: statuses beside 2xx that are a reply
    to be read (a 404 that means "already gone"). `repeatable`: by id, or de-duplicated by the vendor: a second one changes nothing.
    """

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    template: str
    path: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Sequence[tuple[str, str]] = field(default=(), repr=False)
    json: Json = field(default=None, repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    decided: frozenset[int] = DECIDED
    answers: frozenset[int] = frozenset()
    repeatable: bool = False

    def __str__(self) -> str:
        return f"{self.method} {self.template}"


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: bytes = field(repr=False)

    def json(self) -> Any:
        """The body as JSON. Raises ValueError (msgspec.DecodeError is one) where it is none."""
        return msgspec.json.decode(self.body)


@dataclass(frozen=True, slots=True)
class Item:
    """What one accepted reply says about one person. `later`: the vendor asks to try again (in a call just now)."""

    state: Literal["confirmed", "already", "rejected", "in_doubt", "later"]
    vendor_id: str = ""
    said: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What one accepted reply proves. `items` stand in the order of the people sent; empty: everybody is confirmed."""

    vendor_id: str = ""
    items: tuple[Item, ...] = ()


Accept = Callable[
    [Reply], Receipt
]  # raises ValueError, KeyError or TypeError where the reply is not what is documented


class Reader(Protocol):
    async def read(self, call: Call) -> Reply:
        """Send a GET, again on everything transient. Raises VendorError; NotFound and Forbidden are types of it."""
        ...


class Writer(Reader, Protocol):
    """Handed to a provider for one step of one object."""

    @property
    def token(self) -> str:
        """The short mark of this step, `rc:k3f9qa`, for a place where a person or a read can find it again."""
        ...

    async def write(self, call: Call, accept: Accept, people: Sequence[Person] = ()) -> Receipt:
        """Claim, send once, classify, record the outcome; then return what `accept` read from the reply.

        `people`: whose contacts the call carries, in order. Raises Rejected where the vendor refused, OutcomeUnknown where the outcome
        is not known (it is then in doubt and this object stops).
        """
        ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """One object a read is for: by vendor id where one is known, else by the vendor's name for it.

    `spec`: the canonical declaration, or what was applied last where nothing is declared any more. A vendor with several families
    of campaigns tells by it which one an id belongs to, and holds some of it in no place but our own calls. What takes a call of its
    own to read may be left out where `spec` does not name it; an empty `spec` asks for everything.
    """

    name: str
    vendor_id: str | None
    spec: Spec = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Observation:
    """All campaigns of an account: `complete` Live for the wanted ones, a listing entry for the others.

    `references`: kind ("carrier", "template", "status") -> vendor id -> name, for names that specs mention.
    """

    live: tuple[Live, ...]
    references: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refusal:
    """What this vendor cannot hold: dotted path of the field and why, in a sentence for users."""

    path: str
    message: str


class UnknownName(LookupError):
    """A name in a declaration that means nothing at the vendor, or more than one thing. `path`: of the field that holds it."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(message)
        self.path = path


class Auth(Protocol):
    """How an account proves who it is. Holds no secret: they come in, by the names of `credentials`."""

    def login(self, secrets: Mapping[str, str]) -> Call | None:
        """The call that fetches a token; None where there is none to fetch."""
        ...

    def token(self, reply: Reply) -> str: ...

    def headers(self, secrets: Mapping[str, str], token: str) -> dict[str, str]: ...


class Provider(Protocol):
    """One vendor, seen through one connection. Constructed with the Connection alone; keeps no state."""

    capabilities: Capabilities
    auth: Auth

    def wire_phone(self, phone: Phone) -> str | None:
        """The number in this vendor's form; None where it cannot take it. Pure."""
        ...

    def refusals(self, resource: Resource) -> list[Refusal]:
        """What of a declaration this vendor cannot hold beyond the capability table. Pure, offline."""
        ...

    def canonical(self, resource: Resource, references: Mapping[str, Mapping[str, str]]) -> Resource:
        """The declaration as this vendor will echo it back, names of references resolved. Pure.

        Raises UnknownName where a named reference does not exist or is ambiguous.
        """
        ...

    async def observe(self, reader: Reader, wanted: Sequence[Wanted]) -> Observation:
        """Read every campaign of the account to a proven end. Raises ReadIncomplete where the end cannot be proved."""
        ...

    async def look_again(self, reader: Reader, live: Live, spec: Spec) -> Live | None:
        """One campaign as it is now, as `observe` showed it as `live`; None where it is gone. `spec`: the canonical declaration.

        A vendor that shows nothing answers `live`.
        """
        ...

    async def create(self, writer: Writer, resource: Resource, people: Sequence[Contact]) -> Live:
        """Create it, not dialling; `people` only where contacts go inside. Returns what the vendor says, not what we asked."""
        ...

    async def update(self, writer: Writer, live: Live, resource: Resource, fields: Sequence[FieldChange]) -> Live:
        """Bring `fields` to what `resource` says (`after` None: to the rule's `unset`); every other field stays as it was read."""
        ...

    async def delete(self, writer: Writer, live: Live) -> None:
        """Remove it; already gone is success."""
        ...


@runtime_checkable
class HasFamilies(Protocol):
    """Providers whose campaigns are of several kinds that can do different things with people."""

    def family(self, resource: Resource) -> Capabilities:
        """The capability table as it is for this campaign. Pure."""
        ...


def capabilities_for(provider: Provider, resource: Resource) -> Capabilities:
    """What the vendor can do for one declared campaign: its family's table where it has families, else the vendor's."""
    return provider.family(resource) if _has_families(provider) else provider.capabilities


def _has_families(provider: Provider) -> TypeGuard[HasFamilies]:
    return _is_family_kind(type(provider))


@lru_cache
def _is_family_kind(kind: type) -> bool:
    """Asked once of a class: what a protocol wants is looked up anew each time, and every campaign is asked."""
    return issubclass(kind, HasFamilies)


@runtime_checkable
class CanDial(Protocol):
    """Providers whose capabilities say `dial`."""

    async def start(self, writer: Writer, live: Live) -> Live: ...

    async def stop(self, writer: Writer, live: Live) -> Live: ...


@runtime_checkable
class StartsByItself(Protocol):
    """Providers whose campaigns begin to dial at a time of their own, whatever we do afterwards."""

    def starts_at(self, resource: Resource) -> datetime:
        """When a created campaign dials first; aware."""
        ...


@dataclass(frozen=True, slots=True)
class Edit:
    """One person whose fields change: who they are live, and what they are to be."""

    live: LiveContact
    contact: Contact


@dataclass(frozen=True, slots=True)
class Leaving:
    """One person to be withdrawn."""

    person: Person
    live: LiveContact


@runtime_checkable
class TakesContacts(Protocol):
    """Providers whose contact rules say `add`. A container is where a set lives: a list at TEL4VN, else the campaign itself."""

    async def open(self, writer: Writer, campaign: Live, resource: Resource, contacts: str) -> str:
        """The container's vendor id for the set named `contacts`, created where the vendor has such a thing and it is missing."""
        ...

    def read_contacts(self, reader: Reader, campaign: Live, container: str) -> AsyncIterator[LiveContact]:
        """Everybody in the container, called and closed ones included, to a proven end. Raises ReadIncomplete."""
        ...

    async def count_contacts(self, reader: Reader, campaign: Live, container: str) -> int | None:
        """How many the vendor says are in the container; None where it does not say. Raises ReadIncomplete."""
        ...

    async def add(
        self, writer: Writer, campaign: Live, resource: Resource, container: str, people: Sequence[Contact]
    ) -> None: ...

    async def edit(self, writer: Writer, campaign: Live, container: str, people: Sequence[Edit]) -> None: ...

    async def withdraw(self, writer: Writer, campaign: Live, container: str, people: Sequence[Leaving]) -> None: ...


@runtime_checkable
class HasContainers(Protocol):
    """Providers whose contact rules name a container."""

    async def containers(self, reader: Reader, campaign: Live) -> Sequence[tuple[str, str]]:
        """The set's name, as it stands there, and the vendor id of every container of a campaign that carries a mark of ours."""
        ...


@runtime_checkable
class ShowsFields(Protocol):
    """Providers whose reads of people show some of the fields that were sent."""

    def fields_shown(self, campaign: Live, live: LiveContact, names: Sequence[str]) -> Mapping[str, str]:
        """What a contact holds under each of our `names`, empty where it holds nothing; a name that this read does not show is left
        out. `campaign`: its spec is the canonical declaration. Pure.
        """
        ...
