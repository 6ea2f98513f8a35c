"""Fingerprints: the same one by one as in bulk, as the standard says, and telling nothing."""

from __future__ import annotations

import base64
import hashlib
import hmac
import pickle
import re

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC
from hypothesis import given
from hypothesis import strategies as st

from reconciler.contacts.fingerprint import Cmac, Fingerprints
from reconciler.contacts.words import bytes_of, words_of
from reconciler.errors import ConfigInvalid
from reconciler.model import Person
from tests.contacts_support import ANN, BOB, KEY, PRINTS

E164 = st.integers(1, 10**15 - 1)


def standard(key: bytes, message: bytes) -> bytes:
    mac = CMAC(AES(key))
    mac.update(message)
    return mac.finalize()


@given(key=st.binary(min_size=16, max_size=16), words=st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=5))
def test_short_messages_are_aes_cmac(key: bytes, words: list[int]) -> None:
    expected = [standard(key, word.to_bytes(8)) for word in words]
    assert [Cmac(key).of_word(word) for word in words] == expected
    assert bytes_of(Cmac(key).of_words(np.array(words, dtype=np.uint64))) == b"".join(expected)


@given(
    key=st.binary(min_size=16, max_size=16),
    hashes=st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=5),
)
def test_hashes_are_aes_cmac(key: bytes, hashes: list[bytes]) -> None:
    expected = [standard(key, one) for one in hashes]
    assert [Cmac(key).of_hash(one) for one in hashes] == expected
    assert bytes_of(Cmac(key).of_hashes(words_of(b"".join(hashes), 4))) == b"".join(expected)


@given(numbers=st.lists(E164, min_size=1, max_size=20))
def test_people_in_bulk_are_people_one_by_one(numbers: list[int]) -> None:
    one_by_one = [PRINTS.person(f"+{number}") for number in numbers]
    assert bytes_of(PRINTS.people(np.array(numbers, dtype=np.uint64))) == b"".join(one_by_one)


@given(first=E164, second=E164)
def test_two_numbers_never_share_a_fingerprint(first: int, second: int) -> None:
    assert (PRINTS.person(f"+{first}") == PRINTS.person(f"+{second}")) == (first == second)


def test_another_key_makes_another_fingerprint_and_another_check() -> None:
    other = Fingerprints(KEY + b"!")
    assert other.person(ANN) != PRINTS.person(ANN)
    assert other.check() != PRINTS.check()
    assert Fingerprints(KEY).check() == PRINTS.check()
    assert len(PRINTS.check()) == len(PRINTS.person(ANN)) == 16


@pytest.mark.parametrize("number", ["84912345678", "+", "", "+0912345678", "+1234567890123456", "+84 912", "+٣٤٥"])
def test_what_is_no_number_has_no_fingerprint_and_is_not_shown(number: str) -> None:
    with pytest.raises(ValueError, match=re.escape("not an E.164 number")) as failure:
        PRINTS.person(number)
    assert failure.value.args == ("not an E.164 number",)


def test_a_short_contact_key_is_refused_with_a_remedy() -> None:
    with pytest.raises(ConfigInvalid, match=r"fewer than 32 bytes\. Make one with") as failure:
        Fingerprints(b"x" * 31)
    assert "xxx" not in str(failure.value)
    Fingerprints(b"x" * 32)


def test_fields_do_not_depend_on_their_order_and_cannot_be_shifted() -> None:
    assert PRINTS.fields({"a": "1", "b": "2"}) == PRINTS.fields({"b": "2", "a": "1"})
    different = [{}, {"a": "1"}, {"a": ""}, {"a": "1", "b": ""}, {"a": "1:1b"}, {"a1": ""}, {"a": "ż"}, {"a": "z"}]
    assert len({PRINTS.fields(mapping) for mapping in different}) == len(different)


def test_uses_are_kept_apart() -> None:
    text = "48123123123"
    person = PRINTS.person(f"+{text}")
    macs = [person, PRINTS.key(text), PRINTS.fields({"phone": text}), PRINTS.operation("", "", person, 1, text)]
    assert len({bytes(mac) for mac in macs}) == len(macs)
    assert PRINTS.key("") != PRINTS.key(" ")


def test_columns_of_hashes_are_fields_and_keys() -> None:
    values = ["", "K-1", "Đặng"]
    hashes = words_of(b"".join(hashlib.sha256(value.encode()).digest() for value in values), 4)
    assert bytes_of(PRINTS.keys_of(hashes)) == b"".join(map(PRINTS.key, values))
    joined = [b"1:a" + str(len(value.encode())).encode() + b":" + value.encode() for value in values]
    hashes = words_of(b"".join(hashlib.sha256(part).digest() for part in joined), 4)
    assert bytes_of(PRINTS.fields_of(hashes)) == b"".join(PRINTS.fields({"a": value}) for value in values)


def test_an_operation_is_told_by_each_of_its_parts() -> None:
    ann, bob = PRINTS.person(ANN), PRINTS.person(BOB)
    base: tuple[str, str, Person, int, str] = ("conn", "id", ann, 1, "add")
    others: list[tuple[str, str, Person, int, str]] = [
        ("con", "nid", ann, 1, "add"),
        ("conn", "i", ann, 1, "add"),
        ("conn", "id", bob, 1, "add"),
        ("conn", "id", ann, 11, "add"),
        ("conn", "id", ann, 1, "withdraw"),
    ]
    keys = {PRINTS.operation(*parts) for parts in [base, *others]}
    assert len(keys) == 6
    assert PRINTS.operation(*base) in keys
    assert {len(key) for key in keys} == {16}


def test_a_mark_is_short_public_and_stable() -> None:
    op_key = PRINTS.operation("conn", "id", PRINTS.person(ANN), 1, "add")
    assert re.fullmatch(r"rc-[a-z2-7]{16}", PRINTS.mark(op_key))
    assert PRINTS.mark(op_key) == PRINTS.mark(op_key)
    assert PRINTS.mark(op_key) != PRINTS.mark(PRINTS.operation("conn", "id", PRINTS.person(ANN), 2, "add"))


@given(items=st.lists(st.binary(min_size=16, max_size=16), max_size=6, unique=True), data=st.data())
def test_a_digest_is_of_the_set_whatever_its_order(items: list[bytes], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(items))
    assert PRINTS.digest(shuffled) == PRINTS.digest(items) == PRINTS.digest_of(b"".join(sorted(items)))
    assert re.fullmatch(r"hmac-sha256:[0-9a-f]{64}", PRINTS.digest(items))
    assert not items or PRINTS.digest(items[1:]) != PRINTS.digest(items)


def test_the_key_cannot_be_printed_or_pickled() -> None:
    assert repr(PRINTS) == str(PRINTS) == "Fingerprints(•••)"
    with pytest.raises(TypeError, match="never pickled"):
        pickle.dumps(PRINTS)


def test_an_operation_is_an_hmac_and_its_mark_base_32() -> None:
    """By the library's own functions, over the parts one by one."""
    person = PRINTS.person(ANN)
    parts = ("conn", "id", person.hex(), "3", "add")
    said = b"".join(b"%d:%b" % (len(part.encode()), part.encode()) for part in parts)
    op_key = PRINTS.operation("conn", "id", person, 3, "add")
    assert op_key == person[:6] + hmac.digest(PRINTS.operations, said, "sha256")[:10]
    assert PRINTS.mark(op_key) == "rc-" + base64.b32encode(op_key[-10:]).decode().lower()
