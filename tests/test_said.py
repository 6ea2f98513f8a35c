"""A vendor's words on an error: of what we told it nothing comes back, in whatever spelling."""

from __future__ import annotations

from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest

from reconciler.model import Json
from reconciler.providers.base import Call
from reconciler.providers.said import said_of

NAME, NUMBER, KEY, NOTE = "Иван Ёлкин", "+48500000123", "s3cr3t/k+y", "owes 12 Zł & more"
BODY: Json = {"phones": [{"phone": NUMBER, "add_data": {"name": NAME, "note": NOTE, "customer": 48217, "attempts": 3}}]}
CALL = Call(
    "POST", "/x/{id}", {"id": "id-of-somebody"}, [("phone_number[]", NUMBER)], json=BODY, form={"username": "agnieszka"}
)


def said(text: str, call: Call = CALL) -> str:
    return said_of(text.encode(), call, [KEY, ""])


SPELLINGS: list[Callable[[str], str]] = [
    str,
    quote,
    quote_plus,
    lambda text: quote(text, safe=""),
    lambda text: b64encode(text.encode()).decode(),
    lambda text: urlsafe_b64encode(text.encode()).decode(),
]


@pytest.mark.parametrize("spell", SPELLINGS)
@pytest.mark.parametrize("value", [NAME, NUMBER, KEY, NOTE, "id-of-somebody", "agnieszka"])
def test_what_was_sent_is_not_said_back(value: str, spell: Callable[[str], str]) -> None:
    told = said(f'{{"error": "not valid: {spell(value)}, try again"}}')
    assert spell(value).rstrip("=") not in told and value not in told
    assert "try again" in told


def test_letters_may_be_escaped_and_json_be_inside_a_text() -> None:
    assert said('{"error":"\\u0418\\u0432\\u0430\\u043d \\u0401\\u043b\\u043a\\u0438\\u043d"}') == '{"error":"…"}'
    nested = Call("PUT", "/x", json={"additional": '{"street": "Rue des Lilas", "list": ["[", 5]}'})
    assert said("Rue des Lilas is unknown, [ too", nested) == "… is unknown, [ too"


def test_ids_of_people_go_and_settings_stay() -> None:
    assert said("customer 48217: attempts 3 is too few") == "customer …: attempts 3 is too few"


def test_what_is_packed_goes_whole_and_an_id_stays() -> None:
    assert said(f"got {b64encode(str(BODY).encode()).decode()} at 853b76cc-bffb-4d1b-9f9e-19b1a0fe7894") == (
        "got … at 853b76cc-bffb-4d1b-9f9e-19b1a0fe7894"
    )


def test_a_number_packed_in_another_spelling_goes_and_words_stay() -> None:
    packed = b64encode(b"0500000123").decode()
    words = "UnprocessableEntity InvalidPhoneNumber campaign_name_taken concurrent-call-limit 12 of 13"
    assert said(f"{words} {packed}") == f"{words} …=="


def test_only_words_go() -> None:
    call = Call("POST", "/v3/campaign", json={"campaign_name": "name", "x": "a", "type": "camp"})
    assert said("campaign_name is already taken", call) == "campaign_name is already taken"


def test_pages_and_nothing_are_named() -> None:
    assert said("  <html>") == "a page of HTML"
    assert said("") == "an empty answer"
    assert len(said("x " * 50_000)) == 200
