"""TEL4VN: the campaign's calls. How a campaign looks on the wire is in wire.py, what it can hold in rules.py, people in contacts.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from reconciler.errors import ReadIncomplete, Rejected
from reconciler.model import Connection, Contact, FieldChange, Json, Live, Resource, RunState, Spec
from reconciler.providers.base import (
    Auth,
    Call,
    Observation,
    Provider,
    Reader,
    Receipt,
    Refusal,
    Reply,
    Wanted,
    Writer,
)
from reconciler.providers.declarable import Declarable
from reconciler.providers.paging import Paged, Row
from reconciler.providers.tel4vn import rules, wire
from reconciler.providers.tel4vn.contacts import REFUSES, Leads, is_gone, listing, side_by_side
from reconciler.providers.tel4vn.rules import Names
from reconciler.providers.tel4vn.wire import Raw

_ONE = "/v3/campaign/{campaign_uuid}"
_CREATE = ("campaign_name", "type", "type_autocall", "concurrent_call", "template_uuid", "description")


class ApiKey:
    """A token for an API key. Two pages disagree on how long it lasts, so it is renewed when a call is answered 401.

    Source: https://documents.tel4vn.com/api/v3/auth/access_token; every sample sends the token after `Bearer`.
    """

    def login(self, secrets: Mapping[str, str]) -> Call | None:
        return Call("POST", "/v3/auth/token", json={"api_key": secrets["apiKey"]})

    def token(self, reply: Reply) -> str:
        token = reply.json()["token"]
        if not isinstance(token, str) or not token:
            raise ValueError("no token")
        return token

    def headers(self, secrets: Mapping[str, str], token: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {token}"}


class Tel4vn(Leads):
    """One TEL4VN account."""

    capabilities = rules.CAPABILITIES
    auth: Auth = ApiKey()

    def refusals(self, resource: Resource) -> list[Refusal]:
        return list(rules.refusals(resource))

    def canonical(self, resource: Resource, references: Names) -> Resource:
        return wire.canonical(resource, references)

    def declarable(self, live: Live) -> Declarable:
        return rules.declarable(live)

    # ---- reading ---------------------------------------------------------------------------------------------------

    async def observe(self, reader: Reader, wanted: Sequence[Wanted]) -> Observation:
        """The listing of all types, and each wanted campaign read alone: the listing has no schedules.

        A wanted id is asked for even where it is not listed. References are read where something is wanted.
        """
        kinds = rules.REFERENCES if wanted else ()
        lists = [
            listing(self._connection, "/v3/campaign", "campaign_uuid", "campaign_name"),
            *(listing(self._connection, f"/v3/{kind}", f"{kind}_uuid", f"{kind}_name") for kind in kinds),
        ]
        rows, *found = await side_by_side(partial(_all_rows, reader), lists, len(lists))
        names = {
            kind: {row[f"{kind}_uuid"]: row[f"{kind}_name"] for row in of_kind}
            for kind, of_kind in zip(kinds, found, strict=True)
        }
        by_name = {one.name: one.spec for one in wanted if not one.vendor_id}
        asked = {row["campaign_uuid"]: by_name[row["campaign_name"]] for row in rows if row["campaign_name"] in by_name}
        asked |= {one.vendor_id: one.spec for one in wanted if one.vendor_id}
        read = partial(self._read_if_there, reader, names)
        whole = await side_by_side(read, list(asked.items()), self._width)
        listed = [self._entry(row) for row in rows if row["campaign_uuid"] not in asked]
        return Observation((*(live for live in whole if live), *listed), names)

    async def look_again(self, reader: Reader, live: Live, spec: Spec) -> Live | None:
        return await self._read_if_there(reader, rules.names_in(live.spec, spec), (live.vendor_id, spec))

    async def _read_if_there(self, reader: Reader, names: Names, asked: tuple[str, Spec]) -> Live | None:
        try:
            return await self._read(reader, asked[0], names, asked[1])
        except Rejected as refused:
            if is_gone(refused):
                return None
            raise

    async def _read(self, reader: Reader, uuid: str, names: Names, ours: Spec) -> Live:
        """One campaign in full. Raises ReadIncomplete where the answer is none."""
        reply = await reader.read(Call("GET", _ONE, {"campaign_uuid": uuid}))
        try:
            return wire.live_of(reply.json(), uuid, names, ours)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise self._strange() from None  # the cause may quote the answer

    def _entry(self, row: Raw) -> Live:
        try:
            return wire.entry_of(row)
        except KeyError:
            raise self._strange() from None

    def _strange(self) -> ReadIncomplete:
        return ReadIncomplete(
            f"{self._connection.name}: GET {_ONE}: the answer is not the campaign that is documented."
        )

    # ---- changing --------------------------------------------------------------------------------------------------

    async def create(self, writer: Writer, resource: Resource, people: Sequence[Contact]) -> Live:
        """POST what it takes, read the defaults, PUT everything, read again; stopped before and after the PUT where it dials."""
        spec = resource.spec
        uuid = await self._made(writer, resource)
        look = partial(self._read, writer, uuid, rules.names_in(spec), spec)
        live = await self._disarmed(writer, await look())
        careful: dict[str, Json] = {
            "description": "",
            "recall_status": [*map(wire.OUTCOMES.get, wire.CAREFUL_OUTCOMES)],
        }
        await self._put(writer, live.raw, careful | wire.to_wire(spec), writer.token)
        await self._assign(writer, uuid, spec)
        return await self._disarmed(writer, await look())

    async def _made(self, writer: Writer, resource: Resource) -> str:
        """The new campaign's id, or that of our own earlier attempt: the name is refused then, and it carries our mark."""
        fields = wire.to_wire({"description": "", **resource.spec, "displayName": resource.name})
        body = {name: fields[name] for name in _CREATE if name in fields}
        body["description"] = wire.marked(str(body["description"]), writer.token)
        call = Call("POST", "/v3/campaign", json=body, decided=REFUSES, repeatable=True)
        try:
            return (await writer.write(call, partial(_about, ""))).vendor_id
        except Rejected as refused:
            if "campaign_name is already taken" not in refused.said:
                raise
            listed = listing(self._connection, "/v3/campaign", "campaign_uuid", "campaign_name")
            async for row in listed.rows(writer):
                if row["campaign_name"] == resource.name and wire.mark_of(row.get("description")) == writer.token:
                    return str(row["campaign_uuid"])
            said = "a namesake exists there that nothing here made: adopt it, or give this campaign another displayName"
            raise Rejected(self._connection.name, str(call), said, refused.status) from None

    async def update(self, writer: Writer, live: Live, resource: Resource, fields: Sequence[FieldChange]) -> Live:
        """Read it right now, overlay the changed fields, PUT all of it back, read again.

        Whether a PUT keeps assignments that read null is not documented, so declared `extensions` are assigned again after it.
        """
        look = partial(self._read, writer, live.vendor_id, rules.names_in(live.spec, resource.spec), resource.spec)
        now = await look()
        part = wire.changed(resource.spec, fields)
        overlay = wire.to_wire(part)
        if overlay:
            await self._put(writer, now.raw, overlay, wire.mark_of(now.raw.get("description")))
        if overlay or "extensions" in part:
            await self._assign(writer, live.vendor_id, resource.spec)
            now = await look()
        return now

    async def _put(self, writer: Writer, raw: Mapping[str, Json], overlay: Mapping[str, Json], mark: str) -> None:
        uuid = str(raw["campaign_uuid"])
        body = wire.put_body(dict(raw), overlay, mark)
        call = Call("PUT", _ONE, {"campaign_uuid": uuid}, json=body, decided=REFUSES, repeatable=True)
        await writer.write(call, partial(_about, uuid))

    async def _assign(self, writer: Writer, uuid: str, spec: Spec) -> None:
        if "extensions" in spec:
            body: Json = {"extensions": spec["extensions"]}
            call = Call("PUT", f"{_ONE}/assign_extension", {"campaign_uuid": uuid}, json=body, repeatable=True)
            await writer.write(call, partial(_about, uuid))

    async def delete(self, writer: Writer, live: Live) -> None:
        """An active campaign is refused ("campaign must be deactive"): it is stopped in a step of its own before."""
        uuid = live.vendor_id
        try:
            await writer.write(Call("DELETE", _ONE, {"campaign_uuid": uuid}, repeatable=True), partial(_about, uuid))
        except Rejected as refused:
            if not is_gone(refused):
                raise

    # ---- dialling --------------------------------------------------------------------------------------------------

    async def start(self, writer: Writer, live: Live) -> Live:
        """Activate, then run. A campaign that runs once it is active is not run again: what that does is not documented."""
        now = await self._again(writer, live)
        if not now.raw["active"]:
            await self._activate(writer, live.vendor_id, True)
            now = await self._again(writer, live)
        if now.run is RunState.RUNNING:
            return now
        path = {"campaign_uuid": live.vendor_id}
        # Repeatable, since it is sent to a campaign only that was just read as not running.
        call = Call("POST", "/v1/campaign/{campaign_uuid}/run/start", path, json={}, repeatable=True)
        await writer.write(call, partial(_about, live.vendor_id))
        return await self._again(writer, live)

    async def stop(self, writer: Writer, live: Live) -> Live:
        """There is no call that stops or pauses: an inactive campaign does not dial, and no window makes it."""
        await self._activate(writer, live.vendor_id, False)
        return await self._again(writer, live)

    async def _disarmed(self, writer: Writer, live: Live) -> Live:
        """A new campaign reads `stop` in the samples (inferred: always); where it dials, it is stopped before anything else."""
        return live if live.run is RunState.STOPPED else await self.stop(writer, live)

    async def _again(self, reader: Reader, live: Live) -> Live:
        return await self._read(reader, live.vendor_id, rules.names_in(live.spec), live.spec)

    async def _activate(self, writer: Writer, uuid: str, active: bool) -> None:
        body: Json = {"active": active}
        call = Call("PATCH", f"{_ONE}/active", {"campaign_uuid": uuid}, json=body, repeatable=True)
        await writer.write(call, partial(_about, uuid))


async def _all_rows(reader: Reader, paged: Paged[Row]) -> list[Row]:
    return [row async for row in paged.rows(reader)]


def _about(uuid: str, reply: Reply) -> Receipt:
    """Every write to a campaign answers with its id. `uuid`: empty while it is being made."""
    named = reply.json()["campaign_uuid"]
    if not isinstance(named, str) or not named or uuid not in ("", named):
        raise ValueError("an answer about another campaign")
    return Receipt(named)


def provider(connection: Connection) -> Provider:
    return Tel4vn(connection)
