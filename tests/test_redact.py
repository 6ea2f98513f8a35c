"""The last filter: no number in any spelling, nothing that a terminal would obey."""

from __future__ import annotations

import json
import logging
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.redact import MaskingFilter, foreign, inert, inert_lines, mask, visible


@pytest.mark.parametrize(
    "text",
    [
        "+48500000123",
        "48 500 000 123",
        "(500) 000-123",
        "500.000.123",
        "%2B48500000123",
        "48%20500%20000%20123",
        "phone_number[]=500000123&x=1",
        '{"phone":"0900000001"}',
    ],
)
def test_numbers_are_masked_in_every_spelling(text: str) -> None:
    assert not any(len(run) > 3 for run in "".join(c if c.isdigit() else " " for c in mask(text)).split())


@pytest.mark.parametrize(
    "text", ["2026-06-01 08:00", "since 2026-06-01T08:00:00Z, run 4", "12,431 added", "code 404", "10:30-17:00"]
)
def test_dates_counts_and_hours_stay_readable(text: str) -> None:
    assert mask(text) == text


@pytest.mark.parametrize("text", ["806cd9f5-4321-4a0b-a0a9-a1b133cf64cb", "5b7c389fe8df7b1234567890"])
def test_ids_of_objects_stay_usable(text: str) -> None:
    assert mask(f"reconciler adopt hanoi/campaign/spring {text}.") == f"reconciler adopt hanoi/campaign/spring {text}."


@pytest.mark.parametrize("text", ["480900000001480900000002", "+48500000123-4321-4a0b", "C0900000001"])
def test_what_only_looks_like_an_id_is_masked(text: str) -> None:
    assert "0000" not in mask(text)


@given(st.integers(10**8, 10**14), st.text("abc xyz,;", max_size=5), st.text("abc xyz,;", max_size=5))
def test_no_number_survives_whatever_stands_beside_it(number: int, before: str, after: str) -> None:
    assert str(number) not in mask(f"{before}{number}{after}")
    assert str(number) not in mask(f"2026-06-01 {number}")


def test_what_others_wrote_is_one_line_without_controls_and_short() -> None:
    hostile = "a\x1b[31mred\n\u202enext\u200e  line " + "x" * 500
    said = foreign(hostile)
    assert said.startswith("a[31mred next line") and len(said) == 200
    assert inert("\x00\x07ok\r\n") == "ok"


def test_nothing_is_left_that_cannot_be_seen() -> None:
    for code in range(sys.maxunicode + 1):
        if unicodedata.category(chr(code)) in {"Cc", "Cf", "Cs", "Zl", "Zp"}:
            assert inert(f"a{chr(code)}b") in {"ab", "a b"}, f"U+{code:04X}"


@pytest.mark.parametrize("text", ["Zażółć gęślą jaźń", "Gọi lại khách hàng", "Щёлково, ёж", "50 % · 3 → 4"])
def test_what_people_write_stays_as_it_is(text: str) -> None:
    assert inert(text) == text


@given(st.text())
def test_a_message_keeps_its_lines_and_nothing_else_that_moves(text: str) -> None:
    told = inert_lines(f"  a{text}\n    b").split("\n")
    assert (told[0][:3], told[-1]) == ("  a", "    b") and len(told) == text.count("\n") + 2
    assert all(inert(line) == " ".join(line.split()) for line in told)


@given(st.text())
def test_json_says_the_same_and_shows_all_of_it(text: str) -> None:
    shown = visible(json.dumps(text, ensure_ascii=False))
    assert json.loads(shown) == text
    assert visible(shown) == shown and shown.encode()


def test_log_records_and_tracebacks_are_masked(caplog: pytest.LogCaptureFixture) -> None:
    record = logging.LogRecord("x", logging.ERROR, "f.py", 1, "number %s", ("+48500000123",), None)
    try:
        raise ValueError("+48500000123")
    except ValueError as error:
        record.exc_info = (type(error), error, error.__traceback__)
    assert MaskingFilter().filter(record)
    text = logging.Formatter().format(record)
    assert "500000123" not in text and "ValueError" in text
