"""Text with a unit and the number behind it: durations, times of day, shares, counts of things. No dates, no clock."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(0|[1-9][0-9]{0,11})([smhd])", re.ASCII)
_SHORT: Final = 120  # below this a duration is read more easily in seconds: 90s, not 1m and a half


@lru_cache(maxsize=1024)
def seconds(text: str) -> int:
    """`"30m"` -> 1800. Raises ValueError where `text` is no duration."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no duration: write a number and a unit, like 45s, 30m, 1h or 7d")
    return int(match[1]) * _SECONDS[match[2]]


@lru_cache(maxsize=1024)
def duration_text(count: int) -> str:
    """The canonical text of `count` seconds: `"45s"` below two minutes, else the largest whole unit: `"30m"`, `"7d"`."""
    if count < 0:
        raise ValueError(f"{count} seconds: a duration is never negative")
    for unit in "dhm":
        if count >= _SHORT and count % _SECONDS[unit] == 0:
            return f"{count // _SECONDS[unit]}{unit}"
    return f"{count}s"


def minutes(text: str) -> int:
    """`"08:30"` -> 510, `"24:00"` -> 1440. Raises ValueError where `text` is no time of day."""
    hours, colon, rest = text.partition(":")
    if not (colon and text.isascii() and len(hours) == len(rest) == 2 and hours.isdigit() and rest.isdigit()):
        raise ValueError(f'{text!r} is no time of day: write it like "09:00"')
    count = int(hours) * 60 + int(rest)
    if int(rest) > 59 or count > 1440:
        raise ValueError(f"{text!r} is no time of day: a day ends at 24:00")
    return count


def counted(count: int, one: str, many: str = "") -> str:
    """`1 person`, `12,431 people`; `many` is `one` with an s unless told."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def people(count: int) -> str:
    return counted(count, "person", "people")


def percent(text: str) -> int:
    """`"10%"` -> 10. Raises ValueError where `text` is no whole percentage."""
    if not (text.endswith("%") and text.isascii() and text[:-1].isdigit()):
        raise ValueError(f"{text!r} is no share: write a whole percentage, like 10%")
    return int(text[:-1])
