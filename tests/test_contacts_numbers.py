"""Numbers as people write them, each reason for a reject, and the fast path, which may be silent but never say something else."""

from __future__ import annotations

from random import Random

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import COUNTRY_CODES_FOR_NON_GEO_REGIONS, SUPPORTED_REGIONS, PhoneMetadata

from reconciler.contacts.clear import with_numbers
from reconciler.contacts.numbers import Reason, read

# Whatever a set or a connection may name.
REGIONS = sorted(SUPPORTED_REGIONS)
BEYOND = sorted(COUNTRY_CODES_FOR_NON_GEO_REGIONS)  # codes that are no country's


@pytest.mark.parametrize(
    ("text", "region", "digits"),
    [
        ("0912345678", "VN", 84912345678),
        ("912345678", "VN", 84912345678),
        ("84912345678", "VN", 84912345678),
        ("+84 91 234-56-78", "VN", 84912345678),
        ("0084912345678", "VN", 84912345678),
        ("  (091) 234 56 78 ", "VN", 84912345678),
        ("512\u00a0345\u2009678", "PL", 48512345678),
        ("+48 512 345 678", "VN", 48512345678),
        ("8 (912) 345-67-89", "RU", 79123456789),
        ("+7 912 345 67 89", "RU", 79123456789),
        ("06 12345678", "IT", 390612345678),
        ("٠٩١٢٣٤٥٦٧٨", "VN", 84912345678),
        ("＋84912345678", "PL", 84912345678),
        ("06.12.34.56.78", "FR", 33612345678),
    ],
)
def test_ways_of_writing_a_number(text: str, region: str, digits: int) -> None:
    assert read(text, region) == digits


@pytest.mark.parametrize(
    ("text", "region", "reason"),
    [
        ("", "VN", Reason.EMPTY),
        (" \t\u00a0", "VN", Reason.EMPTY),
        ("none", "VN", Reason.NOT_A_NUMBER),
        ("-", "VN", Reason.NOT_A_NUMBER),
        ("+", "VN", Reason.NOT_A_NUMBER),
        ("0912345678 ext 5", "VN", Reason.NOT_A_NUMBER),
        ("1-800-FLOWERS", "US", Reason.NOT_A_NUMBER),
        ("4.8512345678E+10", "PL", Reason.NOT_A_NUMBER),
        ("48512345678.0", "PL", Reason.NOT_A_NUMBER),
        ("512345678.00", "PL", Reason.NOT_A_NUMBER),
        ("0912345678;0912345679", "VN", Reason.NOT_A_NUMBER),
        ("09123+45678", "VN", Reason.NOT_A_NUMBER),
        ("1", "VN", Reason.TOO_SHORT),
        ("091234", "VN", Reason.TOO_SHORT),
        ("+48 512", "VN", Reason.TOO_SHORT),
        ("+48", "VN", Reason.TOO_SHORT),
        ("001", "US", Reason.TOO_SHORT),
        ("0912345678901", "VN", Reason.TOO_LONG),
        ("9" * 30, "VN", Reason.TOO_LONG),
        ("+999 123 456 789", "VN", Reason.NO_COUNTRY),
        ("+1 555 000 0000", "VN", Reason.INVALID_FOR_REGION),
        ("000 000 000", "PL", Reason.INVALID_FOR_REGION),
    ],
)
def test_each_reason(text: str, region: str, reason: Reason) -> None:
    assert read(text, region) is reason


def test_more_digits_than_a_number_may_have_are_too_many() -> None:
    """Germany's plan knows numbers that its code takes beyond fifteen digits."""
    assert read("+49 " + "1" * 14, "DE") is Reason.TOO_LONG


def fast(texts: list[str], region: str) -> list[int]:
    query = with_numbers("SELECT unnest($texts::VARCHAR[]) AS phone", region)
    with duckdb.connect() as engine:
        return [row[0] for row in engine.sql(f"SELECT number FROM ({query})", params={"texts": texts}).fetchall()]


def test_the_fast_path_takes_the_plain_forms() -> None:
    texts = ["0912345678", "912345678", "84912345678", "+84912345678", "0084912345678", "(091) 234-56.78"]
    assert fast(texts, "VN") == [84912345678] * 6
    assert fast(["512345678", "+48 512 345 678"], "PL") == [48512345678] * 2
    assert fast(["89123456789", "79123456789", "9123456789"], "RU") == [79123456789] * 3
    assert fast(["(212) 555-0123", "1 212 555 0123"], "US") == [12125550123] * 2


def test_the_fast_path_leaves_the_rest_to_the_library() -> None:
    assert fast(["", "abc", "0912345678.0", "+48512345678", "091234", "0912345678 x"], "VN") == [0] * 6
    assert fast(["0912345678"], "ZZ") == [0]
    assert fast(["+5491123456789"], "AR") == [0]  # what may be taken off the front there may be nothing


def examples(metadata: PhoneMetadata | None) -> list[str]:
    assert metadata is not None
    kinds = (
        "general_desc",
        "mobile",
        "fixed_line",
        "toll_free",
        "premium_rate",
        "shared_cost",
        "personal_number",
        "voip",
        "pager",
        "uan",
    )
    found = [getattr(metadata, kind) for kind in (*kinds, "voicemail")]
    return [desc.example_number for desc in found if desc and desc.example_number]


def drawn(region: str, chance: Random) -> tuple[str, list[str]]:
    """Digits near an example of a region's, with what may stand in front of them."""
    metadata = PhoneMetadata.metadata_for_region(region)
    assert metadata is not None
    code, trunk = str(metadata.country_code), metadata.national_prefix or ""
    fronts = [
        "",
        f"+{code}",
        f"00{code}",
        trunk,
        code,
        "+",
        "00",
        code + trunk,
        f"+{code}{trunk}",
        "0",
        "8",
        "810",
        "011",
    ]
    return varied(chance.choice(examples(metadata)), chance), fronts


def beyond(chance: Random) -> tuple[str, list[str]]:
    """The same of a code that is no country's."""
    code = chance.choice(BEYOND)
    digits = varied(chance.choice(examples(PhoneMetadata.metadata_for_nongeo_region(code))), chance)
    return digits, ["", f"+{code}", f"00{code}", f"011{code}", f"810{code}", str(code)]


def varied(example: str, chance: Random) -> str:
    """Digits changed, cut or added."""
    digits = list(example)
    for _ in range(chance.choice((0, 0, 1, 2, 6))):
        digits[chance.randrange(len(digits))] = chance.choice("0123456789")
    return "".join(digits)[: chance.choice((99, 99, 99, -1))] + chance.choice(("", "", "", "7"))


def written(region: str, chance: Random) -> str:
    """A number of the region's, of another one's or of none, with whatever may stand in front, and marks in between."""
    which = chance.random()
    if which < 0.1:
        digits, fronts = beyond(chance)
    else:
        digits, fronts = drawn(region if which < 0.8 else chance.choice(REGIONS), chance)
    text = chance.choice(fronts) + digits
    for _ in range(chance.choice((0, 0, 1, 3))):
        place = chance.randint(0, len(text))
        text = text[:place] + chance.choice(" ().-/") + text[place:]
    return text + chance.choice(("", "", "", "", "", ".0", ".000", " "))


@pytest.mark.parametrize("region", REGIONS)
@settings(max_examples=1, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_the_fast_path_agrees_with_the_library(region: str, seed: int) -> None:
    chance = Random(seed)
    texts = [written(region, chance) for _ in range(120)]
    for text, found in zip(texts, fast(texts, region), strict=True):
        assert found in (0, read(text, region)), f"{region}: {text!r}"


@pytest.mark.parametrize("code", BEYOND)
def test_a_number_that_is_no_countrys_is_read_wherever_it_stands(code: int) -> None:
    (example, *_) = examples(PhoneMetadata.metadata_for_nongeo_region(code))
    assert {read(f"+{code} {example}", region) for region in ("VN", "PL", "US", "")} == {int(f"{code}{example}")}
