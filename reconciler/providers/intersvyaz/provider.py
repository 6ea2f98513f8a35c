"""Intersvyaz "Dialog": a campaign is created once, with its people, and never seen again. See wire.py for what is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from reconciler.errors import Blocked
from reconciler.model import Capabilities, Connection, Contact, FieldChange, Live, Phone, Resource, Spec
from reconciler.providers.base import Auth, Call, Observation, Reader, Refusal, Reply, Wanted, Writer
from reconciler.providers.intersvyaz import wire

ORIGIN = "https://ai-assistant.is74.ru"


class BearerAuth:
    """A token from support, or one for login and password.

    The book names `/login`; path, form and headers are those of a third-party client of the same platform (inferred).
    """

    def login(self, secrets: Mapping[str, str]) -> Call | None:
        if "token" in secrets:
            return None
        form = {name: secrets[name] for name in ("username", "password")}
        return Call("POST", "/login/", form=form, headers={"Origin": ORIGIN, "Referer": ORIGIN})

    def token(self, reply: Reply) -> str:
        token = reply.json()["access_token"]
        if not isinstance(token, str):
            raise TypeError("a token is a text")
        return token

    def headers(self, secrets: Mapping[str, str], token: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {token or secrets['token']}"}


class Intersvyaz:
    """One account."""

    capabilities: Capabilities = wire.CAPABILITIES
    auth: Auth = BearerAuth()

    def __init__(self, connection: Connection) -> None:
        self._name, self._zone = connection.name, connection.timezone

    def refusals(self, resource: Resource) -> list[Refusal]:
        return wire.refusals(resource, self._zone)

    def canonical(self, resource: Resource, references: Mapping[str, Mapping[str, str]]) -> Resource:
        return wire.canonical(resource)

    def starts_at(self, resource: Resource) -> datetime:
        return wire.starts_at(resource)

    def wire_phone(self, phone: Phone) -> str | None:
        return wire.wire_phone(phone)

    async def observe(self, reader: Reader, wanted: Sequence[Wanted]) -> Observation:
        """Nothing: no documented call shows a campaign."""
        return Observation(())

    async def look_again(self, reader: Reader, live: Live, spec: Spec) -> Live | None:
        return live

    async def create(self, writer: Writer, resource: Resource, people: Sequence[Contact]) -> Live:
        """One call for the campaign and everybody in it. The answer is an id and no more."""
        if not people:
            raise Blocked(
                f"{self._name}: nobody is left to be called, and nobody can be added later. Nothing was sent."
            )
        call = wire.create(resource, people, writer.token)
        receipt = await writer.write(call, wire.created, [contact.person for contact in people])
        return Live(receipt.vendor_id, resource.name, complete=False)

    async def update(self, writer: Writer, live: Live, resource: Resource, fields: Sequence[FieldChange]) -> Live:
        raise self._impossible("update")

    async def delete(self, writer: Writer, live: Live) -> None:
        raise self._impossible("delete")

    def _impossible(self, verb: str) -> Blocked:
        return Blocked(f"{self._name}: {wire.CAPABILITIES.refusals[verb]}. Nothing was sent.")


def provider(connection: Connection) -> Intersvyaz:
    return Intersvyaz(connection)
