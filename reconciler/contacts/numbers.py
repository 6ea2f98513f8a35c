"""Phone numbers as people write them -> E.164, or the reason why not: by the phone library, one at a time. Reads no source."""

from __future__ import annotations

import re
from enum import StrEnum

from phonenumbers import (
    SUPPORTED_REGIONS,
    NumberParseException,
    PhoneNumber,
    ValidationResult,
    format_number,
    is_possible_number_with_reason,
    is_valid_number,
    parse,
)
from phonenumbers import PhoneNumberFormat as Form

MOST_DIGITS = 15  # of an E.164 number


class Reason(StrEnum):
    """Why a row is rejected. The values are part of the plan."""

    EMPTY = "empty"
    NOT_A_NUMBER = "not_a_number"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    NO_COUNTRY = "no_country"
    INVALID_FOR_REGION = "invalid_for_region"
    NOT_DIALABLE_HERE = "not_dialable_here"  # a number, but not one that this vendor's form can hold
    NO_KEY = "no_key"  # the vendor knows people by a key, and the row has none


REASONS = tuple(Reason)

# Digits of any script and what is put between them. Letters would be read as a keypad's or as an extension: nobody gets called by guess.
_WRITTEN = re.compile(
    r"[(\s]*[+＋]?[\d\s().\[\]/~\-\u00ad\u2010-\u2015\u200b\u2060\u2212\u30fc\uff0d-\uff0f\u3000（）［］]*\Z"
)
_DECIMAL = re.compile(r"\s*\+?\d+\.0+\s*\Z")  # a spreadsheet's number: its last zeros are not dialled
_MISTAKEN = {"UK": "GB", "EL": "GR"}  # codes that are in use elsewhere
_RAISED = {
    NumberParseException.INVALID_COUNTRY_CODE: Reason.NO_COUNTRY,
    NumberParseException.NOT_A_NUMBER: Reason.TOO_SHORT,  # that it is written in digits is known by then
    NumberParseException.TOO_SHORT_AFTER_IDD: Reason.TOO_SHORT,
    NumberParseException.TOO_SHORT_NSN: Reason.TOO_SHORT,
    NumberParseException.TOO_LONG: Reason.TOO_LONG,
}
_IMPOSSIBLE = {
    ValidationResult.INVALID_COUNTRY_CODE: Reason.NO_COUNTRY,
    ValidationResult.TOO_SHORT: Reason.TOO_SHORT,
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: Reason.TOO_SHORT,
    ValidationResult.TOO_LONG: Reason.TOO_LONG,
}


def unknown(region: str) -> str:
    """What is wrong with a region that a declaration names; empty where it has numbers, or where none is named."""
    if not region or region in SUPPORTED_REGIONS:
        return ""
    meant = f' Write "{_MISTAKEN[region]}".' if region in _MISTAKEN else ""
    return f'region "{region}" has no phone numbers of its own.{meant}'


def read(text: str, region: str) -> int | Reason:
    """The digits of the E.164 number as an integer. `region`: the country of numbers that name none."""
    if not text.strip():
        return Reason.EMPTY
    if not _WRITTEN.match(text) or _DECIMAL.match(text) or not any(map(str.isdigit, text)):
        return Reason.NOT_A_NUMBER
    try:
        number = parse(" ".join(text.split()), region)
    except NumberParseException as error:
        reason = _RAISED[error.error_type]
    else:
        return _judged(number)
    return reason


def _judged(number: PhoneNumber) -> int | Reason:
    digits = format_number(number, Form.E164)[1:]
    if len(digits) > MOST_DIGITS:
        return Reason.TOO_LONG
    if is_valid_number(number):
        return int(digits)
    return _IMPOSSIBLE.get(is_possible_number_with_reason(number), Reason.INVALID_FOR_REGION)
