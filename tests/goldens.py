"""Expected files: what changes from run to run is given a name of its own, the rest is compared to the letter."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from itertools import count
from pathlib import Path

_VOLATILE = (
    ("uuid", re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")),
    ("identity", re.compile(r"\b[0-9a-f]{32}\b")),
    ("port", re.compile(r"(?<=127\.0\.0\.1:)\d+\b")),
    ("mark", re.compile(r"(?<=\brc:)[A-Za-z0-9]{6}\b")),
    ("digest", re.compile(r"(?<=\bsha256:)[0-9a-f]{7,64}\b(?:\.\.\.)?|(?<=plan `)[0-9a-f]{12}(?=`)")),
    ("run", re.compile(r'(?<=\brun )[0-9a-f]{16}\b|(?<="run": ")[0-9a-f]{16}(?=")')),
)


class Normaliser:
    """The same volatile thing gets the same name in everything that one of these has read: `<uuid 2>`."""

    def __init__(self, known: dict[str, str] | None = None) -> None:
        """`known`: text -> name, for what the caller can tell, such as a folder."""
        self._names = dict(known or {})
        self._numbers: dict[str, Iterator[int]] = {kind: count(1) for kind, _ in _VOLATILE}

    def __call__(self, text: str) -> str:
        for word, name in self._names.items():
            text = text.replace(word, name)
        for kind, pattern in _VOLATILE:
            text = pattern.sub(partial(self._name, kind), text)
        return text

    def _name(self, kind: str, match: re.Match[str]) -> str:
        if kind in {"port", "digest"}:
            return f"<{kind}>"
        word = match.group()
        return (
            self._names[word]
            if word in self._names
            else self._names.setdefault(word, f"<{kind} {next(self._numbers[kind])}>")
        )


def expect(path: Path, text: str, update: object) -> None:
    """`text` is what stands in `path`; with `update`, which is --update-goldens, it does from now on."""
    if update:
        path.write_text(text, encoding="utf-8")
    assert path.exists(), f"{path} is missing: run pytest --update-goldens, then read what it wrote"
    assert text == path.read_text(encoding="utf-8")
