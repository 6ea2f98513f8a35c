"""One parsed document and the places of its nodes, packed small: a repository has thousands. No parsing, no checking."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Final, TypeAlias

import msgspec

from reconciler.config.schemas import VENDORS
from reconciler.model import Source

Tree = dict[str, Any]  # text, int, bool, None, lists and mappings of them; typed by the schema of its kind
Path = tuple[str | int, ...]  # into a Tree: ("spec", "windows", 0, "from")

SEPARATOR: Final = "\x00"
CONTAINER: Final = "\x01"

_encode = msgspec.msgpack.Encoder(order="deterministic").encode
_decode = msgspec.msgpack.Decoder(Tree).decode


class Outline:
    """Which paths a document has, in the order of its nodes. Documents that look alike share one."""

    def __init__(self, signature: str) -> None:
        """`signature`, joined by NUL: per container its sign and path, then its keys or the numbers of its items."""
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
    prefix = ""
    for token in signature.split(SEPARATOR):
        if token.startswith(CONTAINER):
            prefix = token[1:]
        else:
            yield prefix + token


def _field(path: str) -> str:
    top, _, rest = path.partition(".")
    if top not in ("spec", "metadata"):
        return ""
    block, _, below = rest.partition(".")
    return below if block in VENDORS and top == "spec" else rest


@lru_cache(maxsize=4096)
def outline(signature: str) -> Outline:
    return Outline(signature)


# Numbers of 32 bits of this machine, packed: thousands of documents have some each, and few are ever asked for.
Numbers: TypeAlias = bytes


def packed(numbers: Iterable[int]) -> Numbers:
    return array("I", numbers).tobytes()


def unpacked(numbers: Numbers) -> Sequence[int]:
    return memoryview(numbers).cast("I")


@lru_cache(maxsize=1)  # the documents of one file come one after the other
def lines_of(content: bytes) -> Numbers:
    """How many characters each line has, its line feed apart. A byte order mark is none, nor is it to the parser."""
    return packed(map(len, content.decode("utf-8-sig").split("\n")))


def place(file: str, lines: Numbers, mark: int) -> Source:
    """A character, counted from 0, as people count: lines and columns from 1."""
    lengths, line = unpacked(lines), 0
    while mark > lengths[line] and line < len(lengths) - 1:
        mark -= lengths[line] + 1
        line += 1
    return Source(file, line + 1, mark + 1)


@dataclass(slots=True)
class Document:
    """`marks`: for each path of `outline` the characters at which key and value begin; `start`: that of the document.

    A document that follows the schema of its kind is `sealed`: its tree is kept packed and unpacked each time it is asked
    for, and `digest` is that of what it says.
    """

    file: str
    start: int
    kind: str
    marks: Numbers
    outline: Outline
    name: str = ""  # metadata.name, empty where it is not said properly
    sealed: msgspec.Raw | None = None
    digest: bytes = b""
    holds_people: bool = False  # rows of contacts are written in the document itself
    known_lines: Numbers | None = None
    _content: bytes = b""  # until the lines of it are asked for
    _tree: Tree | None = None

    @classmethod
    def read(cls, file: str, content: bytes, start: int, marks: Numbers, shape: Outline, tree: Tree) -> Document:
        metadata = tree.get("metadata")
        name = metadata.get("name") if isinstance(metadata, dict) else None
        return cls(file, start, _text(tree.get("kind")), marks, shape, _text(name), _content=content, _tree=tree)

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
        self.known_lines, self._content = self.lines, b""

    @property
    def lines(self) -> Numbers:
        return self.known_lines if self.known_lines is not None else lines_of(self._content)

    @property
    def source(self) -> Source:
        return place(self.file, self.lines, self.start)

    def place_of(self, path: Path, key: bool = True) -> Source:
        """Where the key (or the value) at `path` stands; where there is none, the nearest node above it."""
        parts = [str(part) for part in path]
        while parts:
            number = self.outline.paths.get(".".join(parts))
            if number is not None:
                return place(self.file, self.lines, unpacked(self.marks)[2 * number + (0 if key else 1)])
            parts.pop()
        return self.source


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


class Places(Mapping[str, Source]):
    """Where the fields of a campaign are written: its own, and those of the schedule and recall policy it names."""

    __slots__ = ("_fields", "_file", "_lines", "_marks", "_recall", "_schedule")

    def __init__(self, document: Document, schedule: Mapping[str, Source], recall: Mapping[str, Source]) -> None:
        self._file, self._lines, self._marks = document.file, document.lines, document.marks
        self._fields = document.outline.fields
        self._schedule, self._recall = schedule, recall

    def __getitem__(self, path: str) -> Source:
        top, _, below = path.partition(".")
        if below and top == "schedule":
            return self._schedule[below]
        if below and top == "recall":
            return self._recall[below]
        return place(self._file, self._lines, unpacked(self._marks)[2 * self._fields[path]])

    def __iter__(self) -> Iterator[str]:
        yield from self._fields
        yield from (f"schedule.{path}" for path in self._schedule)
        yield from (f"recall.{path}" for path in self._recall)

    def __len__(self) -> int:
        return len(self._fields) + len(self._schedule) + len(self._recall)
