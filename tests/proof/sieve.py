"""One pass over all that a run left behind, for thousands of numbers and names at once: unpacked, digits joined, looked up in a set."""

from __future__ import annotations

import re
import unicodedata
from base64 import urlsafe_b64decode
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from urllib.parse import unquote, unquote_plus

# A number as people group it: up to three separators between two digits, never a line's end.
_RUN = re.compile(r"[0-9](?:[ \t\xa0().\-/+]{0,3}[0-9]){7,}")
_SEPARATORS = str.maketrans("", "", " \t\xa0().-/+")
_WORD = re.compile(r"[^\W\d_]{8,}")
# Times, and the hexadecimal ids and hashes of objects and events, are digits by chance; unpacked they are looked at all the same.
_PLAIN = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?|\b(?=\d{0,12}[a-f])[0-9a-f]{16,}\b"
    r"|\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"
)
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{10,}")
_HEX = re.compile(r"[0-9a-fA-F]{14,}")
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
_EDGE = "\0"  # between things that do not belong together; no separator of a number


class Sieve:
    """`numbers`: national significant numbers, of which every other form is made; `words`: names and codes, letters alone, eight at
    least; `secrets`: anything, found as it is. Holds nothing else that looks like them."""

    def __init__(self, numbers: Iterable[str], words: Iterable[str], secrets: Iterable[str]) -> None:
        self.numbers, self.secrets = frozenset(numbers), [secret for secret in secrets if secret]
        self.words = frozenset(_folded(word) for word in words)
        self.lengths = sorted({len(number) for number in self.numbers})
        self.seen: dict[bytes, str] = {}  # each content once
        self.bytes = 0
        self.found: list[str] = []

    def see(self, what: str, content: str | bytes) -> None:
        raw = content.encode() if isinstance(content, str) else content
        digest = sha256(raw).digest()
        if digest in self.seen:
            return
        self.seen[digest] = what
        self.bytes += len(raw)
        for kind, view in views(raw):
            self.found += [f"{what} ({kind}): {hit}" for hit in self.hits(view)]

    def see_folder(self, folder: Path) -> None:
        """Every file below it as it is now, names of files too."""
        for path in folder.rglob("*"):
            self.see(f"name of {path.name}", path.name)
            if path.is_file():
                self.see(f"{len(self.seen)} {path.name}", path.read_bytes())

    def hits(self, view: str) -> Iterator[str]:
        yield from (secret for secret in self.secrets if secret in view)
        words = {_folded(word) for word in _WORD.findall(view)}
        yield from words & self.words
        for run in _RUN.finditer(_PLAIN.sub(_EDGE, view)):
            digits = run.group().translate(_SEPARATORS)
            for length in self.lengths:
                windows = {digits[at : at + length] for at in range(len(digits) - length + 1)}
                yield from windows & self.numbers

    def __len__(self) -> int:
        return len(self.seen)


def views(raw: bytes) -> Iterator[tuple[str, str]]:
    """A content as it is, and with all unpacked that may be packed in it."""
    text = raw.decode("utf-8", "replace")
    yield "as it is", text
    yield "in a URL", f"{unquote(text)}{_EDGE}{unquote_plus(text)}" if "%" in text else ""
    yield "escaped", _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text) if "\\u" in text else ""
    for order in ("utf-16-le", "utf-16-be"):
        yield order, f"{raw.decode(order, 'replace')}{_EDGE}{raw[1:].decode(order, 'replace')}"
    yield "in hexadecimal", _EDGE.join(piece for run in _HEX.findall(text) for piece in _from_hex(run))
    yield "in base64", _EDGE.join(piece for run in _BASE64.findall(text) for piece in _from_base64(run))


def _from_hex(run: str) -> Iterator[str]:
    for start in (0, 1):
        part = run[start:]
        yield bytes.fromhex(part[: len(part) // 2 * 2]).decode("utf-8", "replace")


def _from_base64(run: str) -> Iterator[str]:
    """At each place where the encoding may have begun: what is looked for may start in the middle of what was packed."""
    run = run.replace("+", "-").replace("/", "_")
    for start in range(4):
        part = run[start:]
        part = part[:-1] if len(part) % 4 == 1 else part
        yield urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode("utf-8", "replace")


def _folded(word: str) -> str:
    return unicodedata.normalize("NFC", word).casefold()
