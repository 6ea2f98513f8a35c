"""YAML changed in place: one value at a time, every other byte of the file stays. What is to be written is decided elsewhere.

The parser that also reads the repository says where each node begins and ends; ruamel.yaml writes the new value in the quotes of the old
one. Its writer is given single values: of a whole file it keeps comments, but lays the lines out anew.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, SingleQuotedScalarString
from yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from reconciler.config.document import Path
from reconciler.model import Json

_ENDS: Final = (MappingEndEvent, SequenceEndEvent)
_WIDE: Final = 1 << 30  # characters on a line before it would be folded
_QUOTED: Final = {"'": SingleQuotedScalarString, '"': DoubleQuotedScalarString}
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)  # plain in every example of the language
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]")
_PROPERTIES = re.compile(r"(?:[&!][^\s\[\]{},]*\s+)+")  # an anchor or a tag before a value


class CannotEdit(ValueError):
    """Why a value cannot be written where it stands, in a sentence that says what to do."""


@dataclass(frozen=True, slots=True)
class Node:
    """One value as it is written: text[start:end]. `text`: of a scalar its value, of an alias its name."""

    start: int
    end: int
    text: str | None = None
    style: str | None = None
    flow: bool = False
    anchor: str = ""
    alias: bool = False
    items: tuple[Node, ...] | None = None
    entries: tuple[tuple[Node, Node], ...] | None = None

    def below(self) -> tuple[Node, ...]:
        return self.items or tuple(node for entry in self.entries or () for node in entry)

    def get(self, name: str | int) -> Node | None:
        if isinstance(name, int):
            return self.items[name] if self.items is not None and name < len(self.items) else None
        return next((value for key, value in self.entries or () if key.text == name), None)


@dataclass(slots=True)
class Sheet:
    """The text of one YAML file, without a byte order mark. Every edit is made at once; places are looked up in the text as it is then."""

    text: str
    documents: list[Node] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._read()

    def _read(self) -> None:
        try:
            self.documents = list(_documents(self.text))
        except (yaml.YAMLError, StopIteration):
            raise CannotEdit("the file would no longer be YAML") from None

    # ---- looking -------------------------------------------------------------------------------------------------

    def find(self, kind: str, name: str) -> int:
        """Which document declares it. Raises CannotEdit where none can be told to."""
        for number, root in enumerate(self.documents):
            metadata = root.get("metadata")
            said = (root.get("kind"), metadata.get("name") if metadata else None)
            if [node.text if node and not node.alias else None for node in said] == [kind, name]:
                return number
        raise CannotEdit(f"no {kind} {name} is written out in this file")

    def at(self, document: int, path: Path) -> Node | None:
        node: Node | None = self.documents[document]
        for name in path:
            node = node.get(name) if node else None
        return node

    def line(self, document: int, path: Path) -> int:
        """Of the value at `path`, or of the nearest node above it; counted from 1."""
        while (node := self.at(document, path)) is None:
            path = path[:-1]
        return self.text.count("\n", 0, node.start) + 1

    def texts(self, document: int, path: Path) -> list[str] | None:
        """The items of a list of words; None where it is no such list."""
        node = self.at(document, path)
        if node is None or node.items is None or any(item.text is None or item.alias for item in node.items):
            return None
        return [str(item.text) for item in node.items]

    def _owned(self, document: int, path: Path) -> Node | None:
        """The node at `path`. Raises CannotEdit where an edit there would change another place too."""
        node: Node | None = self.documents[document]
        for name in (*path, None):
            if node is None:
                return None
            if node.anchor and node.anchor in _aliases(self.documents[document]):
                raise CannotEdit(f"other places say the same by *{node.anchor}: write it out there first")
            if name is None or node.alias:
                break
            node = node.get(name)
        if node and node.alias and node is not self.at(document, path):
            raise CannotEdit(f"it is written by way of *{node.text}: write it out here first")
        return node

    # ---- editing -------------------------------------------------------------------------------------------------

    def put(self, document: int, path: Path, value: Json, after: str = "") -> None:
        """Let `value` stand at `path`; a key that is missing is added, below the key `after` or as the last."""
        node = self._owned(document, path)
        if node is None:
            self._add_key(document, path, _rendered(value), after)
        elif isinstance(value, list) and node.items and value:
            self._relist(document, path, value)
        else:
            self._replace(node, value)

    def _replace(self, node: Node, value: Json) -> None:
        found = _PROPERTIES.match(self.text, node.start, node.end) if not node.alias else None
        start = found.end() if found else node.start
        end = node.start + len(self.text[node.start : node.end].rstrip())
        gap = "" if node.end > node.start or self.text[node.start - 1 : node.start].isspace() else " "
        self._splice(start, max(start, end), gap + _rendered(value, node.style))

    def drop(self, document: int, path: Path) -> None:
        """Take the key at the end of `path` out, with its value, and what holds nothing then."""
        self._owned(document, path)
        parent = self.at(document, path[:-1])
        if parent is None or not parent.entries or self.at(document, path) is None:
            return
        if len(parent.entries) == 1 and len(path) > 1:
            self.drop(document, path[:-1])
            return
        spans = [Node(key.start, value.end, flow=parent.flow) for key, value in parent.entries]
        number = next(n for n, (key, _) in enumerate(parent.entries) if key.text == path[-1])
        if len(spans) == 1 or (not parent.flow and self._lead(spans[number].start).strip()):
            raise CannotEdit("it cannot be taken out by itself: do it by hand")
        self._cut(spans, number, parent.flow)

    def cut_item(self, document: int, path: Path, number: int) -> None:
        node = self._owned(document, path)
        assert node is not None and node.items is not None
        self._cut(node.items, number, node.flow)

    def add_item(self, document: int, path: Path, rendered: str) -> None:
        """`rendered`: in flow style, as `flow` gives it."""
        node = self._owned(document, path)
        assert node is not None and node.items
        last = node.items[-1]
        if node.flow:
            self._splice(last.end, last.end, f", {rendered}")
        else:
            self._add_line(last, f"{self._lead(node.items[0].start)}{rendered}")

    def copy(self, document: int, name: str) -> int:
        """A second document like this one, under another name, right below it; returns which one that is."""
        root = self.documents[document]
        body = self.text[self._line_start(root.start) : root.end].rstrip()
        end = self._line_end(root.end)
        self._splice(end, end, f"{self._break_before(end)}---{self._newline}{body}{self._newline}")
        self.put(document + 1, ("metadata", "name"), name)
        return document + 1

    def _relist(self, document: int, path: Path, value: Sequence[Json]) -> None:
        words = self.texts(document, path)
        if words is None:
            raise CannotEdit("its items are no plain words: write it by hand")
        wanted = [str(item) for item in value]
        for item in wanted:
            if item not in words:
                self.add_item(document, path, _rendered(item))
        for number in reversed(range(len(words))):
            if words[number] not in wanted:
                self.cut_item(document, path, number)

    def _add_key(self, document: int, path: Path, rendered: str, after: str) -> None:
        parent = self._owned(document, path[:-1])
        if parent is None or not parent.entries:
            raise CannotEdit(f"{'.'.join(map(str, path[:-1]))} is not written here: do it by hand")
        entry = f"{_rendered(str(path[-1]))}: {rendered}"
        key, value = next(((key, value) for key, value in parent.entries if key.text == after), parent.entries[-1])
        if parent.flow:
            self._splice(value.end, value.end, f", {entry}")
        else:
            self._add_line(value, " " * len(self._lead(key.start)) + entry)

    # ---- bytes ---------------------------------------------------------------------------------------------------

    @property
    def _newline(self) -> str:
        return "\r\n" if "\r\n" in self.text else "\n"

    def _splice(self, start: int, end: int, new: str) -> None:
        self.text = self.text[:start] + new + self.text[end:]
        self._read()

    def _line_start(self, at: int) -> int:
        return self.text.rfind("\n", 0, at) + 1

    def _line_end(self, at: int) -> int:
        """Behind the line feed of the line in which something ends at `at`."""
        if self.text[at - 1 : at] == "\n":
            return at
        found = self.text.find("\n", at)
        return len(self.text) if found < 0 else found + 1

    def _lead(self, at: int) -> str:
        """What stands before a node on its line."""
        return self.text[self._line_start(at) : at]

    def _break_before(self, at: int) -> str:
        return "" if self.text[at - 1 : at] == "\n" else self._newline

    def _add_line(self, after: Node, line: str) -> None:
        end = self._line_end(after.end)
        self._splice(end, end, f"{self._break_before(end)}{line}{self._newline}")

    def _cut(self, nodes: Sequence[Node], number: int, flow: bool) -> None:
        node = nodes[number]
        if not flow:
            self._splice(self._line_start(node.start), self._line_end(node.end), "")
        elif number + 1 < len(nodes):
            self._splice(node.start, nodes[number + 1].start, "")
        else:
            before = nodes[number - 1].end if number else node.start
            gap = self.text[before : node.start].replace(",", "", 1)
            self._splice(before, node.end, gap.rstrip(" \t") if gap.strip() else "")


# ---- reading and writing values --------------------------------------------------------------------------------------


def flow(value: dict[str, Json]) -> str:
    """A mapping on one line, its texts quoted as the language's examples quote them: `{days: [mon], from: "09:00"}`."""
    return "{" + ", ".join(f"{name}: {_rendered(item, _style(item))}" for name, item in value.items()) + "}"


def _style(value: Json) -> str | None:
    return '"' if isinstance(value, str) and ":" in value else None


def _rendered(value: Json, style: str | None = None) -> str:
    """One value in flow style; a text in the quotes of `style`, in quotes of its own where it needs some."""
    if isinstance(value, bool | int):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ", ".join(_rendered(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_rendered(name)}: {_rendered(item)}" for name, item in value.items()) + "}"
    text = str(value)
    if style not in _QUOTED and _DATE.fullmatch(text):
        return text
    kind: Any = DoubleQuotedScalarString if _UNSAFE.search(text) else _QUOTED.get(style or "", str)
    writer, out = YAML(typ="rt"), io.StringIO()
    writer.width, writer.default_flow_style = _WIDE, True
    writer.dump([kind(text)], out)
    return out.getvalue().rstrip("\n")[1:-1]


def _aliases(node: Node) -> set[str]:
    found = {str(node.text)} if node.alias else set()
    return found.union(*map(_aliases, node.below()))


def _documents(text: str) -> Iterator[Node]:
    """The roots of all documents that are mappings, as the events of the parser tell them."""
    events: Iterator[Any] = iter(yaml.parse(text, Loader=yaml.CLoader))
    for event in events:
        if isinstance(event, MappingStartEvent):
            yield _node(text, event, events)


def _node(text: str, event: Any, events: Iterator[Any]) -> Node:
    start, end = event.start_mark.index, event.end_mark.index
    if isinstance(event, AliasEvent):
        return Node(start, end, text=event.anchor, alias=True)
    if isinstance(event, ScalarEvent):
        return Node(start, end, text=event.value, style=event.style, anchor=event.anchor or "")
    below, closing = [], end
    for inner in events:
        if type(inner) in _ENDS:
            closing = inner.end_mark.index
            break
        below.append(_node(text, inner, events))
    end = closing if event.flow_style else max([end, *(node.end for node in below)])
    shape: dict[str, Any] = {"flow": bool(event.flow_style), "anchor": event.anchor or ""}
    if isinstance(event, SequenceStartEvent):
        return Node(start, end, items=tuple(below), **shape)
    pairs = zip(below[::2], below[1::2], strict=True)
    return Node(start, end, entries=tuple((key, _after(text, key, value)) for key, value in pairs), **shape)


def _after(text: str, key: Node, value: Node) -> Node:
    """A value where nothing is written: right behind the colon, not where the parser noticed."""
    if value.start < value.end or value.text:
        return value
    at = text.index(":", key.end) + 1
    return replace(value, start=at, end=at)
