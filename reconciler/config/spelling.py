"""Values as a file that is made anew writes them: plain where nothing can be mistaken, else quoted. Files that exist are in editing.py."""

from __future__ import annotations

import re
from typing import Final

from reconciler.model import Json
from reconciler.redact import inert

_PLAIN = re.compile(r"[^\W\d_](?:[\w ./+-]*[\w./+-])?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)  # plain in every example of the language
_DURATION = re.compile(r"[0-9]+[smhd]", re.ASCII)
_WEB = re.compile(r"https?://[\w./-]+", re.ASCII)
_WORDS: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})  # to some parser no text
_SHORT: Final = {"\n": "\\n", "\t": "\\t", '"': '\\"', "\\": "\\\\"}


def spelled(value: Json) -> str:
    """One value on one line. Nobody can hide anything in it: what is not to be seen is written as an escape."""
    if isinstance(value, bool | int):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ", ".join(map(spelled, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{spelled(name)}: {spelled(item)}" for name, item in value.items()) + "}"
    text = str(value)
    if _DATE.fullmatch(text) or _DURATION.fullmatch(text) or _WEB.fullmatch(text):
        return text
    if _PLAIN.fullmatch(text) and text.isprintable() and inert(text) == text and text.lower() not in _WORDS:
        return text
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(letter: str) -> str:
    if letter in _SHORT:
        return _SHORT[letter]
    if letter == " " or (letter.isprintable() and inert(letter) == letter):
        return letter
    code = ord(letter)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
