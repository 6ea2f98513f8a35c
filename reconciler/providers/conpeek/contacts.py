"""People of Conpeek campaigns on the wire: the calls that read, add and move requests, and what their answers prove. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET

from reconciler.errors import Blocked
from reconciler.model import Contact, Json, LiveContact, Phone, Spec
from reconciler.providers.base import Accept, Call, Item, Receipt, Reply
from reconciler.providers.conpeek.wire import WINDOW
from reconciler.providers.paging import Page, Row

MOMENT = "%Y-%m-%d %H:%M:%S"
MARK = "rc"  # the custom field that carries our token
NAMED = ("name", "contact_identifier", "note")  # what the third-party client sends beside the number
SPOKEN = ("text", "ssml")
OPEN: Json = {"property": "state", "value": ["OPEN"]}

# ---- numbers -------------------------------------------------------------------------------------------------------


def wire_phone(phone: Phone) -> str:
    """Country code and digits without a plus, as in every sample of the vendor."""
    return phone.reveal().removeprefix("+")


def _phone(entered: str, current: str, region: str) -> Phone:
    """The number a request was entered with, made E.164. The vendor keeps what was entered and normalises on use (inferred).

    `current` has the country code; it is believed only where it ends in the number entered, as it may be another number of the same
    person. Nine digits without it are a Polish number in a Polish account.
    """
    digits, current = _digits(entered), _digits(current)
    if entered.lstrip().startswith("+"):
        return Phone("+" + digits)
    if current.endswith(digits):
        return Phone("+" + current)
    return Phone("+48" + digits if region == "PL" and len(digits) == 9 else "+" + digits)


def _digits(number: str) -> str:
    return re.sub(r"\D", "", number).removeprefix("00")


# ---- requests, read ------------------------------------------------------------------------------------------------


def read_requests(campaign: str, offset: int, limit: int, filters: Sequence[Json] = ()) -> Call:
    """One page of a voice campaign's requests.

    The whole JSON goes out as one encoded query component: the page's `encodeURI` leaves `&`, `+` and `#` alone (inferred). There is no
    bound on `created_date`: a clock of ours beside the vendor's would hide who was added last, and they would be added again.
    """
    query = [("limit", str(limit)), ("offset", str(offset))]
    if filters:
        query.append(("filter", _json(list(filters))))
    query.append(("exclude", _json(["history", "call_history", "dialogs"])))
    return Call("GET", "/voice_campaign/{voice_campaign_id}/request", {"voice_campaign_id": campaign}, query)


class Request(msgspec.Struct, frozen=True, gc=False):
    """What is wanted of a request as it is listed: decoding these alone takes a third of the time of all of it."""

    id: str
    contact_number: Any = None
    current_contact_number: Any = None
    custom: Any = None
    name: Any = UNSET
    contact_identifier: Any = UNSET
    note: Any = UNSET
    process_not_before: Any = UNSET
    contact_try: Any = None
    consultant_try: Any = None
    state: Any = None
    application_state: Any = None


class _Listed(msgspec.Struct):
    data: list[Request]


_listed = msgspec.json.Decoder(_Listed).decode


def page_of(reply: Reply) -> Page[Request]:
    """Raises ValueError where the reply is not a list of requests with an id."""
    return Page(_listed(reply.body).data, None)


def contact_of(request: Request, region: str) -> LiveContact:
    """`identifier` is our mark where the request carries one. A closed request is one that is there: it was called."""
    custom = custom_of(request)
    own = {name: getattr(request, name) for name in (*NAMED, WINDOW)}
    named = {name: value for name, value in own.items() if value is not UNSET}
    fields = {
        name: said for name, value in {**custom, **named}.items() if name != MARK and (said := _said(value)) is not None
    }
    return LiveContact(
        vendor_id=request.id,
        phone=_phone(_text(request.contact_number), _text(request.current_contact_number), region),
        fields=fields,
        identifier=_text(custom.get(MARK)),
        called=bool(request.contact_try or request.consultant_try),
        closed="CLOSED" in (request.state, request.application_state),
        busy=request.state == "PROCESSING",
    )


def _said(value: object) -> str | None:
    """A value as it was sent, which was a text; a number that was one reads the same. None for what is none."""
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else None


def fields_shown(live: LiveContact, names: Sequence[str]) -> dict[str, str]:
    """What a request holds under our names. Our own are shown where `custom` is: our mark stands there, or one of them does.

    `process_not_before` is left out: each attempt moves it.
    """
    keeps = bool(live.identifier) or any(name not in (*NAMED, WINDOW) for name in live.fields)
    own = {name: live.fields.get(name, "") for name in names if keeps and name not in (*NAMED, WINDOW)}
    return own | {name: live.fields[name] for name in names if name in NAMED and name in live.fields}


def custom_of(request: Request) -> dict[str, Any]:
    """The custom fields, an object in what is written and JSON in a text in the webhook example; empty where they are neither."""
    custom = request.custom
    if isinstance(custom, str):
        try:
            custom = msgspec.json.decode(custom)
        except msgspec.DecodeError:
            custom = None
    return custom if isinstance(custom, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _json(value: Json) -> str:
    return msgspec.json.encode(value).decode()


# ---- requests, written ---------------------------------------------------------------------------------------------


def add_voice(campaign: str, contact: Contact) -> Call:
    """One person into a voice campaign. The call is known from a third-party client, which sends no `custom` (inferred)."""
    named: dict[str, Json] = {name: contact.fields[name] for name in NAMED if contact.fields.get(name)}
    others = {name: value for name, value in contact.fields.items() if name not in (*NAMED, WINDOW)}
    item: Json = {"contact_number": wire_phone(contact.phone), **named, "custom": {**others, MARK: contact.mark}}
    template = "/voice_campaign/{voice_campaign_id}/request"
    return Call("POST", template, {"voice_campaign_id": campaign}, json={"data": item})


def added_one(reply: Reply) -> Receipt:
    """The real answer of this call is unknown: an object or a list with the new id, and a bare success, are all believed."""
    match reply.json():
        case {"data": {"id": str(made)}} | {"data": [{"id": str(made)}]}:
            return Receipt(items=(Item("confirmed", made),))
        case {"success": True}:
            return Receipt(items=(Item("confirmed"),))
    raise ValueError("neither an id nor a success")


def set_recall(campaign: str, request: str, not_before: str) -> Call:
    """Move an open request to RECALL, not before a moment. The zone is not stated; the filter of the same name is in UTC (inferred).

    Repeating it asks for the same state (inferred), as long as the request is still open.
    """
    template = "/voice_campaign/{voice_campaign_id}/request/{voice_campaign_request_id}/set_recall"
    path = {"voice_campaign_id": campaign, "voice_campaign_request_id": request}
    return Call("POST", template, path, json={WINDOW: not_before}, repeatable=True)


def recalled(reply: Reply) -> Receipt:
    """202 `{"success": true}`: accepted, not done yet."""
    if reply.json()["success"] is not True:
        raise ValueError("no success")
    return Receipt()


def not_before(contact: Contact) -> str:
    """From when this person may be called, empty for at once. Raises Blocked where it is not written as the vendor reads it."""
    moment = contact.fields.get(WINDOW, "")
    try:
        understood = not moment or datetime.strptime(moment, MOMENT).strftime(MOMENT) == moment
    except ValueError:
        understood = False
    if not understood:
        raise Blocked(f"conpeek: a {WINDOW} in the source is not a UTC time such as 2026-06-01 10:00:00.")
    return moment


def movable(live: LiveContact, contact: Contact) -> bool:
    """Whether all that changed is the time to call: nothing else of a request can be changed."""
    others = (name for name in contact.fields if name != WINDOW)
    return bool(not_before(contact)) and all(
        live.fields.get(name, contact.fields[name]) == contact.fields[name] for name in others
    )


def add_sms(campaign: str, spec: Spec, people: Sequence[Contact]) -> Call:
    """A batch into a voice SMS campaign. Raises Blocked where speech is declared and somebody has nothing to be told."""
    body: dict[str, Json] = {"data": [_sms_item(spec, contact) for contact in people], "type": spec["type"]}
    if "announcement_id" in spec:
        body["announcement_id"] = spec["announcement_id"]
    template = "/voice_sms_campaign/{voice_sms_campaign_id}/request_list"
    return Call("POST", template, {"voice_sms_campaign_id": campaign}, json=body)


def _sms_item(spec: Spec, contact: Contact) -> Json:
    declared = spec.get("custom")
    speech = _speech(spec, contact) if spec["type"] == "tts" else {}
    others = {name: value for name, value in contact.fields.items() if not speech or name not in SPOKEN}
    custom: Json = {**(declared if isinstance(declared, dict) else {}), **others, MARK: contact.mark}
    return {"contact_number": wire_phone(contact.phone), **speech, "custom": custom}


def _speech(spec: Spec, contact: Contact) -> dict[str, Json]:
    """A person's own text or SSML, else the campaign's, and the voice."""
    own: dict[str, Json] = {name: contact.fields[name] for name in SPOKEN if contact.fields.get(name)}
    spoken = own or {name: spec[name] for name in SPOKEN if name in spec}
    if not spoken:
        raise Blocked("conpeek: somebody in the source has neither text nor ssml, and the campaign declares none.")
    return {**spoken, **{name: spec[name] for name in ("voice_definition_id",) if name in spec}}


def added_many(people: Sequence[Contact], region: str) -> Accept:
    """Reads the answer to `add_sms`: a list, no more is documented.

    As long as what was sent: everybody is in (inferred), unless it names some of the numbers and not the others. Shorter: in are those
    it names, and of the others nothing is known.
    """

    def accept(reply: Reply) -> Receipt:
        rows = reply.json()["data"]
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise TypeError("data is a list of objects")
        if len(rows) > len(people):
            raise ValueError("more requests than people")
        named = {_added_phone(row, region): row for row in rows if row.get("contact_number")}
        rows_of = [named.get(contact.phone) for contact in people]
        if len(rows) == len(people) and not any(rows_of):
            rows_of = list(
                rows
            )  # no number to go by: taken in the order sent (inferred); nothing is decided by these ids
        return Receipt(items=tuple(_sms_result(row) for row in rows_of))

    return accept


def _added_phone(row: Row, region: str) -> Phone:
    return _phone(_text(row.get("contact_number")), _text(row.get("current_contact_number")), region)


def _sms_result(row: Row | None) -> Item:
    return Item("in_doubt") if row is None else Item("confirmed", _text(row.get("id")))
