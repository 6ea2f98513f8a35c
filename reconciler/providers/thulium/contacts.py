"""How Thulium spells people: numbers, and the records of both kinds of campaign. No calls; results are in replies.py."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from reconciler.errors import Blocked
from reconciler.model import Contact, Json, LiveContact, Phone, Spec

CALLING_CODE, NATIONAL_LENGTH = "48", 9  # Poland: `333444555` in every example
RESTING = frozenset({"NO_CALL", "ABANDONED_AFTER_N_TRIES"})  # the dialler leaves these alone; unknown words it may not
STATUS_FIELDS = ("dictionary_status_id", "status_id")

Query = list[tuple[str, str]]


# ---- numbers -------------------------------------------------------------------------------------------------------


def wire_phone(phone: Phone, region: str) -> str | None:
    """The number as this account takes it, frozen: the guard against duplicates may compare it letter by letter.

    In Poland the national number; a foreign one is None, as no page says how to write it. Elsewhere, for which no page
    gives an example, all digits of the international form.
    """
    digits = phone.reveal().removeprefix("+")
    if region != "PL":
        return digits
    national = digits.removeprefix(CALLING_CODE)
    return national if digits.startswith(CALLING_CODE) and len(national) == NATIONAL_LENGTH else None


def live_phone(text: str, region: str) -> Phone:
    """The number behind any spelling. What is too short for one stays distinguishable and equals nobody's number."""
    digits = "".join(char for char in text if char.isdecimal())
    if text.strip().startswith("+"):
        return Phone(f"+{digits}")
    digits = digits.removeprefix("00")
    national = region == "PL" and len(digits) <= NATIONAL_LENGTH
    return Phone(f"+{CALLING_CODE if national else ''}{digits}")


# ---- records -------------------------------------------------------------------------------------------------------


class Record(msgspec.Struct, frozen=True, gc=False):
    """What is wanted of one record of either list: decoding these alone takes a third of the time of all of them."""

    record_id: str | int
    phone_number: str | int
    identifier: Any = ""
    customer_id: Any = msgspec.UNSET
    call_date: Any = ""
    system_status: Any = ""
    record_fields: Any = msgspec.UNSET


def live_contact(row: Record, region: str) -> LiveContact:
    """One record of either list. `fields` holds the number as it stands there and, where the list shows what no page promises,
    `record_fields` as JSON text.

    `identifier` is the record's own, or the customer's id in a CRM campaign. `busy` is inferred: IN_PROGRESS is "being worked on".
    """
    number = str(row.phone_number)
    shown = (
        {"record_fields": msgspec.json.encode(row.record_fields).decode()}
        if isinstance(row.record_fields, dict)
        else {}
    )
    return LiveContact(
        vendor_id=str(row.record_id),
        phone=live_phone(number, region),
        fields={"phone_number": number, **shown},
        identifier=str(row.identifier if row.customer_id is msgspec.UNSET else row.customer_id),
        called=bool(row.call_date),
        closed=row.system_status in RESTING,
        busy=row.system_status == "IN_PROGRESS",
    )


def fields_shown(live: LiveContact, names: Sequence[str]) -> dict[str, str]:
    """Nothing where the list has no `record_fields`, which is what is documented: what was written there cannot be read again."""
    if "record_fields" not in live.fields:
        return {}
    held = msgspec.json.decode(live.fields["record_fields"])
    return {name: "" if held.get(name) is None else str(held[name]) for name in names}


def status_sent(spec: Spec) -> dict[str, Json]:
    """The initial status as records carry it. Raises Blocked where it was never resolved: without it they might be called at once."""
    status = spec.get("initialStatus")
    if status is None:
        return {}
    if not isinstance(status, dict):
        raise Blocked(
            "The statuses of this campaign could not be read, so its initialStatus is not known. Nothing was sent."
        )
    return {name: status[name] for name in STATUS_FIELDS if name in status}


class Kind(Protocol):
    """One of the two kinds of campaign: by what its records are named. `records` is the template of their path."""

    records: str

    def entry(self, contact: Contact) -> dict[str, Json]:
        """One entry of a batch add, without its status."""
        ...

    def name(self, key: str) -> Hashable:
        """Whom a key of the results means."""
        ...

    def asked(self, contact: Contact) -> Hashable:
        """The same of somebody who is sent."""
        ...

    def there(self, live: LiveContact) -> Hashable:
        """The same of somebody who is there."""
        ...

    def query(self, live: LiveContact) -> Query:
        """How a batch removal names somebody."""
        ...


@dataclass(frozen=True, slots=True)
class Numbers(Kind):
    """CSV campaigns: a record is its phone number."""

    region: str
    records = "/outbounds/{id}/records"

    def entry(self, contact: Contact) -> dict[str, Json]:
        number = wire_phone(contact.phone, self.region)
        if number is None:
            raise Blocked("A number of this set cannot be written as Thulium takes it. Nothing was sent.")
        entry: dict[str, Json] = {"phone_number": number, "identifier": contact.mark}
        return {**entry, "record_fields": dict(contact.fields)} if contact.fields else entry

    def edit(self, live: LiveContact, fields: Mapping[str, str]) -> dict[str, Json]:
        """One entry of a batch edit; only the fields that it lists change."""
        return {"phone_number": self._spellings(live)[0], "record_fields": dict(fields)}

    def name(self, key: str) -> Hashable:
        return live_phone(key, self.region)

    def asked(self, contact: Contact) -> Hashable:
        return contact.phone

    def there(self, live: LiveContact) -> Hashable:
        return live.phone

    def query(self, live: LiveContact) -> Query:
        return [("phone_number[]", number) for number in self._spellings(live)]

    def _spellings(self, live: LiveContact) -> list[str]:
        """The number as it stands in the list and as we write it: both may be there, and one may not stand for the other."""
        own = wire_phone(live.phone, self.region)
        return list(dict.fromkeys(number for number in (live.fields.get("phone_number"), own) if number))


@dataclass(frozen=True, slots=True)
class Customers(Kind):
    """CRM campaigns: a record is its customer, whose number and fields are in the CRM."""

    records = "/crm_outbounds/{id}/records"

    def entry(self, contact: Contact) -> dict[str, Json]:
        return {"customer_id": int(contact.key) if contact.key.isdecimal() else contact.key}

    def name(self, key: str) -> Hashable:
        """Whole numbers lose leading zeros, as the vendor prints them as numbers."""
        return str(int(key)) if key.isdecimal() else key

    def asked(self, contact: Contact) -> Hashable:
        return self.name(contact.key)

    def there(self, live: LiveContact) -> Hashable:
        return self.name(live.identifier)

    def query(self, live: LiveContact) -> Query:
        return [("customer_id[]", live.identifier)]


def kind_of(spec: Spec, region: str) -> Kind:
    return Customers() if spec.get("kind") == "crm" else Numbers(region)
