"""What the leak hunt looks with finds a number, a name or a key however it is written, and nothing where there is nothing."""

from __future__ import annotations

from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256
from urllib.parse import quote, quote_plus
from uuid import uuid4

import pytest

from tests.proof.crowd import Crowd

SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": lambda number: number,
    "national": lambda number: f"tel:0{number[3:]}",
    "with zeros": lambda number: f"00{number[1:]}",
    "spaced": lambda number: f"{number[:3]} {number[3:6]} {number[6:9]} {number[9:]}",
    "grouped": lambda number: f"({number[:3]}) {number[3:6]}-{number[6:8]}.{number[8:10]}/{number[10:]}",
    "in a URL": lambda number: quote(f"q={number[:3]} {number[3:]}", safe=""),
    "in a form": lambda number: quote_plus(f"{number[:3]} {number[3:]}"),
    "hexadecimal": lambda number: f"7{number.encode().hex()}",
    "escaped": lambda number: "".join(f"\\u{ord(letter):04x}" for letter in number),
    "base64, first third": lambda number: b64encode(f"{number} and more".encode()).decode(),
    "base64, second third": lambda number: b64encode(f"x{number}".encode()).decode(),
    "base64, last third": lambda number: urlsafe_b64encode(f"ÿx{number}?".encode()).decode().rstrip("="),
    "user and password": lambda number: b64encode(f"api:{number}:secret".encode()).decode(),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("before", ["", "x", "id=7 "])
def test_the_sieve_finds_a_number_however_it_is_written(spelling: str, before: str) -> None:
    crowd = Crowd(3)
    people = [*crowd.more("PL", 40), *crowd.more("VN", 40)]
    for person in people:
        sieve = crowd.sieve()
        sieve.see("output", f"{before}{SPELLINGS[spelling](person.e164)} and so on")
        assert any(person.national in hit for hit in sieve.found)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-8"])
def test_the_sieve_finds_names_and_keys_in_any_encoding(encoding: str) -> None:
    crowd = Crowd(4)
    for region in ("VN", "PL", "RU", "DE"):
        (person,) = crowd.more(region, 1)
        for told in (
            person.name,
            person.surname.upper(),
            person.code,
            crowd.contact_key,
            crowd.keys["thulium"]["password"],
        ):
            sieve = crowd.sieve()
            sieve.see("output", b"\x01" + f"to {told}, as agreed".encode(encoding))
            assert sieve.found, told


def test_the_sieve_finds_nothing_where_there_is_nothing() -> None:
    crowd = Crowd(5)
    crowd.more("PL", 5000)
    crowd.more("VN", 5000)
    sieve = crowd.sieve()
    lines = (f"{uuid4()} 2026-11-22T12:00:00.{n:06}Z {sha256(bytes(n)).hexdigest()} …" for n in range(5_000))
    sieve.see("output", "\n".join(lines))
    assert sieve.found == []
