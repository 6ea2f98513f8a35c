"""One person as a TEL4VN lead and back, and the form of numbers. Pure; the calls are in contacts.py.

Which field of a person goes where: `lead` names the contact field that fills a lead field (`lead: {lead_name: first_name}`); what it does
not name goes to the lead field of its own name where there is one, else under its name into `additional`, as one JSON text. Nothing
of a person is left behind.

A lead has no place for our mark that every way of adding keeps (`/lead/multi` takes a name and a contract number), so the list carries it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from reconciler.model import Contact, Json, LiveContact, Phone, Spec
from reconciler.providers.base import Edit, Reply
from reconciler.providers.paging import Page
from reconciler.providers.tel4vn.rules import LEAD_FIELDS

_EDITED: Final = ("phone_number", *LEAD_FIELDS, "additional")  # beside `lead_uuid`, what the edit page lists
_MOBILE: Final = re.compile(r"\+84([35789][0-9]{8})")


# ---- numbers ----------------------------------------------------------------------------------------------------------


def wire_phone(phone: Phone) -> str | None:
    """The number in national form, 0 and nine digits; None where the rule that the vendor prints refuses it.

    The rule is `^(84|0[3|5|7|8|9])+([0-9]{8})$` (lead/create): as it is written, 84 and +84 forms and landlines fail it.
    """
    match = _MOBILE.fullmatch(phone.reveal())
    return f"0{match[1]}" if match else None


def live_phone(text: str) -> Phone:
    """A number as it was read (0..., 84..., +84..., as whoever typed it) in E.164."""
    digits = re.sub(r"[^0-9]", "", text)
    return Phone(f"+84{digits[1:]}" if digits.startswith("0") else f"+{digits}")


# ---- people ------------------------------------------------------------------------------------------------------------


def mapping_of(spec: Spec) -> dict[str, str]:
    """The `lead` of a declaration: lead field -> the contact field that fills it."""
    mapping = spec.get("lead")
    return {theirs: str(ours) for theirs, ours in mapping.items()} if isinstance(mapping, dict) else {}


def lead_of(contact: Contact, mapping: Mapping[str, str]) -> dict[str, Json]:
    """The body of one person. Raises ValueError for a number that `wire_phone` refuses: it should never have come here."""
    number = wire_phone(contact.phone)
    if number is None:
        raise ValueError("a number that tel4vn does not take")
    named = {theirs: contact.fields[ours] for theirs, ours in mapping.items() if ours in contact.fields}
    rest = {name: value for name, value in contact.fields.items() if name not in mapping.values()}
    own = {name: value for name, value in rest.items() if name in LEAD_FIELDS and name not in named}
    extra = {name: value for name, value in rest.items() if name not in own}
    if extra:
        text = named.pop("additional", "")
        extra = {**(_parsed(text) or {"additional": text} if text else {}), **extra}
        named["additional"] = _text(extra)
    return {"phone_number": number, **own, **named}


def edited(edit: Edit, mapping: Mapping[str, str]) -> dict[str, Json]:
    """The PUT body of a lead: what the edit page lists, as it was read, overlaid; the keys of `additional` one by one.

    A number that stays the same stays as it is written, lest it be taken for another person. What the page does not list (status, call
    counts) is left out, so that a call made meanwhile is not undone. Inferred: an edit leaves alone what it does not mention; even an
    empty `additional` reads back as before in the samples.
    """
    read = edit.live.fields
    new = lead_of(edit.contact, mapping)
    if keys := _parsed(str(new.get("additional", ""))):
        new["additional"] = _text({**_parsed(read.get("additional", "")), **keys})
    if edit.live.phone == edit.contact.phone and "phone_number" in read:
        del new["phone_number"]
    kept = {name: read[name] for name in _EDITED if name in read}
    return {"lead_uuid": edit.live.vendor_id, **kept, **new}


class Lead(msgspec.Struct, frozen=True, gc=False):
    """What is wanted of a lead as it is listed: decoding these alone takes a third of the time of all of it."""

    lead_uuid: str
    phone_number: str
    called_count: int | None = None
    lead_name: Any = None
    lead_code: Any = None
    contract_number: Any = None
    identity_number: Any = None
    identity_issued_at: Any = None
    identity_issued_on: Any = None
    address: Any = None
    province: Any = None
    district: Any = None
    ward: Any = None
    date_of_birth: Any = None
    gender: Any = None
    additional: Any = None


class _Listed(msgspec.Struct):
    data: list[Lead] | None
    total: int


_listed: Final = msgspec.json.Decoder(_Listed).decode


def page(reply: Reply) -> Page[Lead]:
    """Raises ValueError where the reply is no page of leads."""
    body = _listed(reply.body)
    return Page(body.data or [], body.total)


def contact_of(lead: Lead) -> LiveContact:
    """A lead as read: its fields under the vendor's names, `additional` as JSON text (read as text, in call records as an object)."""
    fields = {name: str(value) for name in _EDITED if (value := getattr(lead, name)) is not None}
    extra = lead.additional or ""
    fields["additional"] = extra if isinstance(extra, str) else _text(extra)
    return LiveContact(lead.lead_uuid, live_phone(lead.phone_number), fields, called=(lead.called_count or 0) > 0)


def fields_shown(live: LiveContact, mapping: Mapping[str, str], names: Sequence[str]) -> dict[str, str]:
    """`lead_of` read backwards: what a lead holds under our names.

    A field that fills `additional` as a whole is not shown where others stand in there as well: what was whose cannot be told.
    """
    read = live.fields
    taken = {theirs for theirs, ours in mapping.items() if ours in names}
    own = {name for name in names if name in LEAD_FIELDS and name not in taken} - set(mapping.values())
    extra = [name for name in names if name not in own and name not in mapping.values()]
    inside = _parsed(read.get("additional", ""))
    shown = {name: read.get(name, "") for name in own} | {name: _said(inside.get(name, "")) for name in extra}
    for ours in names:
        places = [theirs for theirs, filled in mapping.items() if filled == ours]
        held = {read.get(theirs, "") for theirs in places}
        if places and not (extra and "additional" in places):
            shown[ours] = held.pop() if len(held) == 1 else "\n".join(sorted(held))
    return shown


def _said(value: Any) -> str:
    return value if isinstance(value, str) else _text(value)


def _text(extra: Any) -> str:
    """Inferred: as text, which is how `additional` is read and how the sample of an edit writes it."""
    return msgspec.json.encode(extra).decode()


def _parsed(text: str) -> dict[str, Any]:
    """The keys of an `additional`; none where it is free text."""
    try:
        found = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return {}
    return found if isinstance(found, dict) else {}
