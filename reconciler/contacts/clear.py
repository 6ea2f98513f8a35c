"""Phone numbers that are clear, as an SQL expression compiled from the phone library's own metadata: millions in a second.

It is silent wherever it is not sure, and the row then goes to numbers.py; so it can only be faster than the library, never different.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from phonenumbers import PhoneMetadata, region_codes_for_country_code
from phonenumbers.phonemetadata import PhoneNumberDesc

from reconciler.contacts.numbers import MOST_DIGITS

# Spaces and the marks that every country uses, a plus only in front; not what a spreadsheet makes of a number.
_CLEAR = r" *\+?\(?[0-9][0-9 ().\-/]*"
_SPREADSHEET = r" *\+?[0-9]+\.0+ *"
_DIGITS = f"""CASE WHEN plainest IS NOT NULL THEN NULL
    WHEN regexp_full_match(phone, '{_CLEAR}') AND NOT regexp_full_match(phone, '{_SPREADSHEET}')
    THEN regexp_replace(phone, '[ ().\\-/]+', '', 'g') END"""
# What means the same to the engine's regular expressions as to Python's, and to SQL.
_PLAIN = re.compile(r"[0-9d\\()\[\]{},|?:*+^$-]*")
_TYPES = (
    "mobile",
    "fixed_line",
    "toll_free",
    "premium_rate",
    "shared_cost",
    "personal_number",
    "voip",
    "pager",
    "uan",
    "voicemail",
)


@dataclass(frozen=True, slots=True)
class _Numbering:
    """One country's numbers, as the library knows them. Patterns are regular expressions over national digits.

    `trunk`: the digit dialled in front inside the country, where it is taken off as it stands. `strips`: what the library may take
    off the front, `abroad`: what it may take for the way out of the country, `leading`: how its numbers begin where several countries
    share a code.
    """

    code: str
    general: str
    lengths: Sequence[int]
    types: Sequence[tuple[Sequence[int], str]]
    trunk: str
    strips: str
    abroad: str
    leading: str


def with_numbers(query: str, region: str) -> str:
    """SQL: `query`, which has a text column `phone`, with a UBIGINT column `number`: its E.164 digits, 0 where that is not clear.

    Clear are numbers of `region`, in the forms +CC N, 00 CC N, trunk N, N and CC N, where N is valid and starts with nothing that the
    library might take off.
    """
    own = _numbering(region)
    if own is None:
        return f"SELECT *, 0::UBIGINT AS number FROM ({query})"
    valid = " AND ".join([*_unambiguous(own, region), *_valid(own)])
    number = f"coalesce(CASE WHEN {valid} THEN TRY_CAST('{own.code}' || national AS UBIGINT) END, 0)"
    query = f"SELECT *, {_plainest(own)} AS plainest FROM ({query})"
    query = f"SELECT *, {_DIGITS} AS digits FROM ({query})"
    query = f"SELECT *, {_national(own)} AS national FROM ({query})"
    return f"SELECT * EXCLUDE (plainest, digits, national), {number} AS number FROM ({query})"


def _plainest(own: _Numbering) -> str:
    """SQL: the national number of a mobile without any marks, NULL for the rest: what most rows are, found in a single match."""
    lengths, pattern = next(iter(_by_lengths(own).items()), ((), ""))
    if len(lengths) != 1:
        return "NULL::VARCHAR"
    front = "|".join(filter(None, [f"\\+{own.code}", own.trunk]))
    home = f" AND NOT {_begins('phone', own.abroad)}" if own.abroad else ""
    return f"CASE WHEN regexp_full_match(phone, '(?:{front})?(?:{pattern})'){home} THEN right(phone, {lengths[0]}) END"


def _national(own: _Numbering) -> str:
    """SQL: what would be the national number."""
    cases = ["WHEN plainest IS NOT NULL THEN plainest"]
    cases += [_after("+" + own.code), "WHEN starts_with(digits, '+') THEN NULL"]
    cases += [_after("00" + own.code)] if own.abroad == "00" else []
    cases += [f"WHEN {_begins('digits', own.abroad)} THEN NULL"] if own.abroad else []
    cases += [_after(own.trunk)] if own.trunk else []
    cases.append(f"WHEN strlen(digits) IN ({_listed(own.lengths)}) THEN digits")
    cases.append(_after(own.code, f" AND NOT regexp_full_match(digits, '{own.general}')"))
    return f"CASE {' '.join(cases)} END"


def _after(prefix: str, condition: str = "") -> str:
    return f"WHEN starts_with(digits, '{prefix}'){condition} THEN substr(digits, {len(prefix) + 1})"


def _begins(column: str, pattern: str) -> str:
    """SQL: whether `column` begins with what `pattern` matches."""
    if pattern.isdigit():
        return f"starts_with({column}, '{pattern}')"
    return f"regexp_matches({column}, '^(?:{pattern})')"


def _unambiguous(own: _Numbering, region: str) -> list[str]:
    """SQL conditions: nothing is left to take off, and no other country of the same code lays claim to the number."""
    regions = list(region_codes_for_country_code(int(own.code)))
    main = _numbering(regions[0])
    stripped = sorted({one.strips for one in (own, main) if one and one.strips})
    conditions = [f"NOT {_begins('national', prefix)}" for prefix in stripped]
    if len(regions) == 1:
        return conditions
    before = [_numbering(other) for other in regions[: regions.index(region)]]
    conditions += [
        f"NOT regexp_matches(national, '^(?:{other.leading})')" for other in before if other and other.leading
    ]
    conditions += [_begins("national", own.leading)] if own.leading else []
    return conditions


def _valid(own: _Numbering) -> list[str]:
    """SQL conditions: it follows the general pattern, and that of one type."""
    one = " OR ".join(
        f"(strlen(national) IN ({_listed(lengths)}) AND regexp_full_match(national, '{pattern}'))"
        for lengths, pattern in _by_lengths(own).items()
    )
    most = MOST_DIGITS - len(own.code)
    short = [f"strlen(national) <= {most}"] if max(own.lengths, default=0) > most else []
    return [*short, f"regexp_full_match(national, '{own.general}')", f"(plainest IS NOT NULL OR {one})"]


def _by_lengths(own: _Numbering) -> dict[tuple[int, ...], str]:
    """The patterns of all types that come in the same lengths, as one; those of mobiles first."""
    types: dict[tuple[int, ...], list[str]] = {}
    for lengths, pattern in own.types:
        types.setdefault(tuple(lengths), []).append(pattern)
    return {lengths: "|".join(dict.fromkeys(patterns)) for lengths, patterns in types.items()}


def _listed(lengths: Sequence[int]) -> str:
    return ", ".join(map(str, lengths))


# ---- the library's metadata ----------------------------------------------------------------------------------------


def _numbering(region: str) -> _Numbering | None:
    """None where the library does not know the region, or says of it what the engine cannot be told."""
    metadata = PhoneMetadata.metadata_for_region(region)
    general = metadata.general_desc if metadata else None
    if metadata is None or general is None:
        return None
    types = [desc for name in _TYPES if (desc := getattr(metadata, name)) is not None]
    numbering = _Numbering(
        code=str(metadata.country_code),
        general=general.national_number_pattern or "",
        lengths=general.possible_length,
        types=[_type(desc, general) for desc in types if desc.national_number_pattern],
        trunk=_trunk(metadata),
        strips=metadata.national_prefix_for_parsing or "",
        abroad=metadata.international_prefix or "",
        leading=metadata.leading_digits or "",
    )
    patterns = [pattern for _, pattern in numbering.types]
    patterns += [numbering.general, numbering.strips, numbering.abroad, numbering.leading]
    return numbering if all(map(_PLAIN.fullmatch, patterns)) else None


def _type(desc: PhoneNumberDesc, general: PhoneNumberDesc) -> tuple[Sequence[int], str]:
    return desc.possible_length or general.possible_length, desc.national_number_pattern or ""


def _trunk(metadata: PhoneMetadata) -> str:
    """The national prefix, where it is taken off as it stands and cannot be taken for a country code."""
    prefix, code = metadata.national_prefix or "", str(metadata.country_code)
    taken_off = (metadata.national_prefix_for_parsing or "").split("|")
    if prefix not in taken_off or metadata.national_prefix_transform_rule:
        return ""
    others = [other for other in taken_off if other != prefix]
    if not all(other.isdigit() and not other.startswith(prefix) for other in others):
        return ""
    apart = not prefix.startswith(code) and not code.startswith(prefix)
    return prefix if apart or prefix == code else ""
