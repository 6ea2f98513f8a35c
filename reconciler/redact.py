"""The last filter before text leaves the process: masks runs of digits, strips what a vendor could smuggle in."""

from __future__ import annotations

import logging
import re
import traceback

# Seven digits and more, with the separators people and vendors put between them: + ( ) space - . / and %20, %2B.
_DIGITS = re.compile(r"(?:\+|%2B)?\d(?:(?:[\s().\-/]|%20){0,2}\d){6,}", re.IGNORECASE)
# Dates and times of our own output, and the ids that vendors and we give to objects (a uuid, 24 or 32 hexadecimal digits), are no numbers
# of people; masked, an id in a message would be of no use in the command that the message names.
_PLAIN = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?"
    r"|\b[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\b"
    r"|\b(?=\d{0,12}[a-f])[0-9a-f]{24}(?:[0-9a-f]{8})?\b"
)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def mask(text: str) -> str:
    """Replace every run of seven or more digits by `…`, dates and ids of objects excepted."""
    kept: list[str] = []
    position = 0
    for match in _PLAIN.finditer(text):
        kept += [_DIGITS.sub("…", text[position : match.start()]), match.group()]
        position = match.end()
    return "".join([*kept, _DIGITS.sub("…", text[position:])])


def inert(text: str) -> str:
    """Text on one line, without control and direction characters: no escape sequence gets through to a terminal."""
    return " ".join(_CONTROL.sub("", text).split())


def foreign(text: str, limit: int = 200) -> str:
    """Text that somebody else wrote (a vendor's error), made safe to print: one line, no controls, masked, capped."""
    masked = mask(inert(text))
    return masked if len(masked) <= limit else masked[: limit - 1] + "…"


def places(error: BaseException) -> list[str]:
    """Where something we did not foresee went wrong, outermost first: places only, since a message or a value may hold anything."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames[-12:]]


class MaskingFilter(logging.Filter):
    """Masks the finished message and the traceback of every log record that passes a handler."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = mask(record.getMessage()), None
        if record.exc_info:
            record.exc_text = mask(logging.Formatter().formatException(record.exc_info))
            record.exc_info = None
        return True
