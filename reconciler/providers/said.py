"""What a vendor says of a call that went wrong, made safe to print: nobody's data and no key comes back out of it. Pure."""

from __future__ import annotations

import re
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain
from urllib.parse import quote, quote_plus

import msgspec

from reconciler.model import Json
from reconciler.providers.base import Call
from reconciler.redact import foreign

LONGEST_ERROR = 20_000  # bytes of an error that are looked at
_BLOB = re.compile(r"[A-Za-z0-9+/=_%-]{40,}")  # a token, or a whole body packed up: an id is shorter
_PACKED = re.compile(r"[A-Za-z0-9+/_-]{10,}")
LEAST_ID = 1000  # a smaller number in a body is a setting


def said_of(body: bytes, call: Call, secrets: Iterable[str]) -> str:
    """A vendor's words on a call that went wrong: JSON as it is, a page of HTML only named. Masked, one line, capped.

    Whatever the call or `secrets` held may be quoted in it, and is somebody's name, number or key: it goes.
    """
    text = body[:LONGEST_ERROR].decode("utf-8", "replace")
    if text.lstrip()[:1] == "<":
        return "a page of HTML"
    with suppress(msgspec.DecodeError):
        text = msgspec.json.encode(msgspec.json.decode(text)).decode()  # letters as letters, not as escapes
    return foreign(_unpacked(_without(text, chain(_texts(_sent(call)), secrets)))) or "an empty answer"


def _sent(call: Call) -> Json:
    return [call.json, dict(call.form or {}), dict(call.path), [value for _, value in call.query]]


def _texts(value: Json) -> Iterator[str]:
    """Everything in a body that could be about somebody; a text may hold JSON of its own."""
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)
    elif isinstance(value, str):
        yield value
        with suppress(msgspec.DecodeError):
            yield from _texts(msgspec.json.decode(value)) if value[:1] in {"{", "["} else ()
    elif isinstance(value, int) and value >= LEAST_ID:
        yield str(value)


def _without(text: str, said: Iterable[str]) -> str:
    """`text` with each of `said` masked where it stands as a word: as it is, as in a URL, or in base64. One letter is no secret."""
    for value in sorted({value for value in said if len(value) > 1}, key=len, reverse=True):
        for spelling in _spellings(value):
            if spelling in text:
                text = re.sub(rf"(?<!\w){re.escape(spelling)}(?!\w)", "…", text)
    return text


def _unpacked(text: str) -> str:
    """`text` without what is packed into base64, whatever it may be."""
    return _PACKED.sub(lambda word: "…" if _is_packed(word.group()) else word.group(), _BLOB.sub("…", text))


def _is_packed(word: str) -> bool:
    """Whether a word is readable text in base64; of an ordinary word nothing readable comes out."""
    padded = word + "=" * (-len(word) % 4)
    try:
        return urlsafe_b64decode(padded.replace("+", "-").replace("/", "_")).decode().isprintable()
    except ValueError:
        return False


def _spellings(value: str) -> Iterator[str]:
    yield value
    if (quoted := quote(value, safe="")) != value:
        yield from (quoted, quote(value), quote_plus(value))
    yield b64encode(value.encode()).decode().rstrip("=")
    yield urlsafe_b64encode(value.encode()).decode().rstrip("=")
