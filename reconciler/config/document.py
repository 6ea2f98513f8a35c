"""One parsed document and the places of its nodes, packed small: a repository has thousands. No parsing, no checking."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Final

import msgspec

from reconciler.config.schemas import VENDORS
from reconciler.model import Source

Tree = dict[str, Any]  # text, int, bool, None, lists and mappings of them; typed by the schema of its kind
Path = tuple[str | int, ...]  # into a Tree: ("spec", "windows", 0, "from")

SEPARATOR: Final = "\x00"
MAPPING: Final = "\x01"
SEQUENCE: Final = "\x02"
COLUMN_BITS: Final = 12
LAST_COLUMN: Final = (1 << COLUMN_BITS) - 1  # what is further to the right is said to be here

_encode = msgspec.msgpack.Encoder(order="deterministic").encode
_decode = msgspec.msgpack.Decoder(Tree).decode


class Outline:
    """Which paths a document has, in the order of its nodes. Documents that look alike share one."""

    def __init__(self, signature: str) -> None:
        """`signature`, joined by NUL: per container a mark with its path, then its keys, or the number of its items."""
        self.signature = signature
        self.id = hashlib.blake2b(signature.encode(), digest_size=16).digest()

    @cached_property
    def paths(self) -> dict[str, int]:
        return {path: number for number, path in enumerate(_paths(self.signature))}

    @cached_property
    def fields(self) -> dict[str, int]:
        """The paths of a campaign as its `Resource` names them: without `spec`, `metadata` and the vendor's block."""
        return {name: number for path, number in self.paths.items() if (name := _field(path))}


def _paths(signature: str) -> Iterator[str]:
    prefix, is_mapping = "", True
    for token in signature.split(SEPARATOR):
        if token[:1] in (MAPPING, SEQUENCE):
            prefix, is_mapping = token[1:], token[0] == MAPPING
        elif is_mapping:
            yield prefix + token
        else:
            yield from (f"{prefix}{number}" for number in range(int(token)))


def _field(path: str) -> str:
    top, _, rest = path.partition(".")
    if top not in ("spec", "metadata"):
        return ""
    block, _, below = rest.partition(".")
    return below if block in VENDORS and top == "spec" else rest


@lru_cache(maxsize=4096)
def outline(signature: str) -> Outline:
    return Outline(signature)


def pack(line: int, column: int) -> int:
    """Line and column, counted from 0, in 32 bits: a file that may be read has less than 2**20 lines."""
    return line << COLUMN_BITS | min(column, LAST_COLUMN)


def place(file: str, mark: int) -> Source:
    """A packed place as people count: lines and columns from 1."""
    return Source(file, (mark >> COLUMN_BITS) + 1, (mark & LAST_COLUMN) + 1)


@dataclass(slots=True)
class Document:
    """`marks`: for each path of `outline` the packed places of key and value.

    A document that follows the schema of its kind is `sealed`: its tree is kept packed and unpacked each time it is asked
    for, and `digest` is that of what it says.
    """

    file: str
    start: int
    kind: str
    marks: array[int]
    outline: Outline
    name: str = ""  # metadata.name, empty where it is not said properly
    sealed: msgspec.Raw | None = None
    digest: bytes = b""
    holds_people: bool = False  # rows of contacts are written in the document itself
    _tree: Tree | None = None

    @classmethod
    def read(cls, file: str, start: int, marks: array[int], shape: Outline, tree: Tree) -> Document:
        metadata = tree.get("metadata")
        name = metadata.get("name") if isinstance(metadata, dict) else None
        return cls(file, start, _text(tree.get("kind")), marks, shape, _text(name), _tree=tree)

    @property
    def tree(self) -> Tree:
        return self._tree if self._tree is not None else _decode(self.sealed or b"\x80")

    def seal(self) -> None:
        """To be called once it is known to follow its schema."""
        tree = self.tree
        packed = _encode(tree)
        source = tree["spec"].get("source", {})
        self.holds_people = "inline" in source
        if self.holds_people:
            tree["spec"]["source"] = {**source, "inline": None}
        self.digest = hashlib.sha256(_encode(tree) if self.holds_people else packed).digest()
        self.sealed, self._tree = msgspec.Raw(packed), None

    @property
    def source(self) -> Source:
        return place(self.file, self.start)

    def place_of(self, path: Path, key: bool = True) -> Source:
        """Where the key (or the value) at `path` stands; where there is none, the nearest node above it."""
        parts = [str(part) for part in path]
        while parts:
            number = self.outline.paths.get(".".join(parts))
            if number is not None:
                return place(self.file, self.marks[2 * number + (0 if key else 1)])
            parts.pop()
        return self.source


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


class Places(Mapping[str, Source]):
    """Where the fields of a campaign are written: its own, and those of the schedule and recall policy it names."""

    __slots__ = ("_fields", "_file", "_keys", "_recall", "_schedule")

    def __init__(self, document: Document, schedule: Mapping[str, Source], recall: Mapping[str, Source]) -> None:
        self._file, self._keys, self._fields = document.file, document.marks[::2], document.outline.fields
        self._schedule, self._recall = schedule, recall

    def __getitem__(self, path: str) -> Source:
        top, _, below = path.partition(".")
        if below and top == "schedule":
            return self._schedule[below]
        if below and top == "recall":
            return self._recall[below]
        return place(self._file, self._keys[self._fields[path]])

    def __iter__(self) -> Iterator[str]:
        yield from self._fields
        yield from (f"schedule.{path}" for path in self._schedule)
        yield from (f"recall.{path}" for path in self._recall)

    def __len__(self) -> int:
        return len(self._fields) + len(self._schedule) + len(self._recall)
