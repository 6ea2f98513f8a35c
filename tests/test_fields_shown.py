"""What a read shows of a person, under our names: each vendor's way of holding fields read backwards."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model import Contact, LiveContact, Person, Phone
from reconciler.providers.conpeek import contacts as conpeek
from reconciler.providers.tel4vn import leads
from reconciler.providers.tel4vn.rules import LEAD_FIELDS
from reconciler.providers.thulium import contacts as thulium

PHONE = Phone("+84912345678")
NAMES = ("first_name", "due", "lead_code", "address", "additional", "note")
TEXTS = st.one_of(st.text(max_size=8), st.just('{"due": "5"}'), st.just("12"))
MAPPINGS = st.dictionaries(st.sampled_from([*LEAD_FIELDS, "additional"]), st.sampled_from(NAMES), max_size=4)


def lead(body: dict[str, Any]) -> LiveContact:
    """As it is read again."""
    return leads.contact_of(msgspec.convert({"lead_uuid": "u1", **body}, leads.Lead))


@given(st.dictionaries(st.sampled_from(NAMES), TEXTS), MAPPINGS)
def test_a_lead_shows_what_was_sent_in_it(fields: dict[str, str], mapping: dict[str, str]) -> None:
    names = sorted(fields)
    body = leads.lead_of(Contact(Person(b"1" * 16), PHONE, fields), mapping)
    shown = leads.fields_shown(lead(body), mapping, names)
    assert shown.items() <= fields.items()
    hidden = set(names) - set(shown)
    assert all(mapping.get("additional") == name for name in hidden), "only what fills `additional` beside others"


def test_a_lead_without_what_was_sent_shows_nothing_there() -> None:
    empty = lead({"phone_number": "0912345678", "additional": "a note"})
    assert leads.fields_shown(empty, {"lead_name": "first_name"}, ["due", "first_name", "lead_code"]) == {
        "due": "",
        "first_name": "",
        "lead_code": "",
    }


def test_a_field_in_two_places_is_changed_where_one_of_them_is() -> None:
    read = lead({"phone_number": "0912345678", "lead_name": "An", "lead_code": "Binh"})
    shown = leads.fields_shown(read, {"lead_name": "name", "lead_code": "name"}, ["name"])
    assert shown == {"name": "An\nBinh"}


def test_a_number_in_additional_reads_as_it_was_sent() -> None:
    read = lead({"phone_number": "0912345678", "additional": {"due": 5, "paid": True}})
    assert leads.fields_shown(read, {}, ["due", "paid"]) == {"due": "5", "paid": "true"}


@pytest.mark.parametrize(
    ("row", "shown"),
    [
        ({}, {}),
        ({"record_fields": None}, {}),
        ({"record_fields": []}, {}),
        ({"record_fields": {"due": "5", "name": None}}, {"due": "5", "name": ""}),
        ({"record_fields": {"due": 5}}, {"due": "5", "name": ""}),
    ],
)
def test_thulium_shows_fields_only_where_its_list_has_them(row: dict[str, Any], shown: dict[str, str]) -> None:
    record = msgspec.convert({"record_id": 1, "phone_number": "333444555", **row}, thulium.Record)
    assert thulium.fields_shown(thulium.live_contact(record, "PL"), ["due", "name"]) == shown


@pytest.mark.parametrize(
    ("row", "shown"),
    [
        ({}, {}),  # neither custom nor name: what is not there was not shown
        ({"name": None, "custom": None}, {}),
        ({"name": "An", "custom": {"rc": "rc-1", "due": 5}}, {"name": "An", "due": "5"}),
        ({"name": "An", "custom": '{"rc": "rc-1"}'}, {"name": "An", "due": ""}),
        ({"custom": {"paid": True, "due": "5"}}, {"due": "5"}),
        ({"custom": {"rc": "rc-1", "due": None}}, {"due": ""}),
    ],
)
def test_conpeek_shows_our_own_fields_where_custom_is_kept(row: dict[str, Any], shown: dict[str, str]) -> None:
    request = msgspec.convert({"id": "r1", "contact_number": "48600000001", **row}, conpeek.Request)
    live = conpeek.contact_of(request, "PL")
    assert conpeek.fields_shown(live, ["due", "name", "process_not_before"]) == shown
