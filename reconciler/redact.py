"""The last filter before text leaves the process: masks runs of digits, strips what a vendor could smuggle in."""

from __future__ import annotations

import json
import logging
import re
import traceback

# Seven digits and more, with the separators people and vendors put between them: + ( ) space - . / and %20, %2B.
_DIGITS = re.compile(r"(?:\+|%2B)?\d(?:(?:[\s().\-/]|%20){0,2}\d){6,}", re.IGNORECASE)
# Dates and times of our own output, and the ids that vendors and we give to objects (a uuid, 24 or 32 hexadecimal digits, a whole digest),
# are no numbers of people; masked, an id in a message would be of no use in the command that the message names.
_PLAIN = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?"
    r"|\b[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\b"
    r"|\b(?=\d{0,12}[a-f])[0-9a-f]{24}(?:[0-9a-f]{8})?\b"
    r"|\bsha256:[0-9a-f]{64}\b"
)
# What a reader cannot see and a terminal, a browser or a parser may obey: control characters, the format characters of Unicode (direction,
# joiners, tags, soft hyphen), variation selectors, fillers that look like nothing, halves of surrogate pairs, what is no character.
_CONTROL = re.compile(
    r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160"
    r"\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufdd0-\ufdef\ufe00-\ufe0f"
    r"\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3"
    r"\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_IN_JSON = re.compile(rf"{_CONTROL.pattern}|[\x85\u2028\u2029]")


def mask(text: str) -> str:
    """Replace every run of seven or more digits by `…`, dates and ids of objects excepted."""
    kept: list[str] = []
    position = 0
    for match in _PLAIN.finditer(text):
        kept += [_DIGITS.sub("…", text[position : match.start()]), match.group()]
        position = match.end()
    return "".join([*kept, _DIGITS.sub("…", text[position:])])


def inert(text: str) -> str:
    """Text on one line, without characters that are not to be seen: no escape sequence, no change of direction gets through."""
    if text.isascii() and text.isprintable() and "  " not in text and text.strip() == text:
        return text  # nearly all of them, at a fraction of the price
    if not (text.isascii() and text.isprintable()):  # most texts are, and it is a quarter of the work
        text = _CONTROL.sub("", text)
    return " ".join(text.split())


def inert_lines(text: str) -> str:
    """As `inert`, of a message whose lines and indentation are our own."""
    return "\n".join(re.sub(r"\s", " ", _CONTROL.sub("", line)) for line in text.split("\n"))


def visible(json_text: str) -> str:
    """JSON with everything that `inert` would take out written as an escape: it says the same, and a terminal obeys none of it."""
    if json_text.isascii() and "\x7f" not in json_text:
        return json_text
    return _IN_JSON.sub(lambda found: json.dumps(found.group())[1:-1], json_text)


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
