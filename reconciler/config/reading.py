"""YAML bytes -> documents: libyaml parses, this walk keeps every place and types nothing that the schema does not ask for.

Nothing in a file executes, names a tag, or grows without bound. Finding files and judging documents is done elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import yaml
from yaml._yaml import CParser
from yaml.nodes import MappingNode, Node, ScalarNode

from reconciler.config import yaml_errors
from reconciler.config.document import CONTAINER, SEPARATOR, Document, Tree, outline, packed
from reconciler.config.schemas import KINDS
from reconciler.config.typed import Want, want
from reconciler.config.words import quoted
from reconciler.errors import Problem

MAX_BYTES: Final = 1 << 20
MAX_DEPTH: Final = 50
MAX_EXPANSIONS: Final = 100
_SAFE_NESTING: Final = 500  # the parser recurses in C; fewer opening marks than this cannot exhaust its stack
_CORE: Final = {f"tag:yaml.org,2002:{name}" for name in ("str", "int", "bool", "null", "seq", "map")}
_NOTHING: Final[dict[str, Any]] = {}


class _Parser(CParser):
    def resolve(self, kind: type[Node], value: str | None, implicit: object) -> None:
        """No scalar gets a type from its look."""

    def descend_resolver(self, parent: Node | None, index: object) -> None: ...

    def ascend_resolver(self) -> None: ...


class _GuardedParser(_Parser):
    """For files that could nest deeply: stops before the parser's own recursion does harm."""

    depth = 0

    def descend_resolver(self, parent: Node | None, index: object) -> None:
        self.depth += 1
        if parent is not None and self.depth > MAX_DEPTH + 1:
            raise _Abandoned(parent, "nesting", _TOO_DEEP)

    def ascend_resolver(self) -> None:
        self.depth -= 1


_TOO_DEEP: Final = f"Nested deeper than {MAX_DEPTH} levels; an alias inside its own anchor does that too."


class _Abandoned(Exception):
    """Ends the walk of one file: going on would be unsafe or pointless."""

    def __init__(self, node: Node, rule: str, message: str) -> None:
        self.node, self.rule, self.message = node, rule, message
        super().__init__(message)


class Reader:
    """Reads the files of one repository; what is wrong with them is added to `problems`."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        self.complete = True  # False once a file could not be read to its end: then nobody knows what it declares
        self._keys: dict[str, str] = {}

    def documents(self, content: bytes, file: str) -> list[Document]:
        """The documents of one file, empty ones apart. `file`: as it is to be named in messages."""
        if (problem := yaml_errors.unreadable(content, file, MAX_BYTES)) is not None:
            self.problems.append(problem)
            self.complete = False
            return []
        walk = _Walk(file, content, self._keys, self.problems)
        documents = []
        try:
            for node in _nodes(content):
                if (document := walk.document(node)) is not None:
                    documents.append(document)
        except _Abandoned as stop:
            self.complete = False
            walk.complain(stop.node, stop.rule, stop.message)
        except yaml.YAMLError as error:
            self.complete = False
            self.problems.append(yaml_errors.broken(error, content, file))
        return documents


def _nodes(content: bytes) -> Iterator[Node]:
    marks = content.count(b"[") + content.count(b"{") + content.count(b"-") + content.count(b"?")
    parser = _Parser(content) if marks < _SAFE_NESTING else _GuardedParser(content)
    while parser.check_node() and (node := parser.get_node()) is not None:
        yield node


class _Walk:
    """One file: nodes -> trees, with the places of keys and values and the outline gathered on the way."""

    def __init__(self, file: str, content: bytes, keys: dict[str, str], problems: list[Problem]) -> None:
        self.file, self.content, self.keys, self.problems = file, content, keys, problems
        self.marked = b"*" in content or b"!" in content  # without these there is no alias and no tag
        self.seen: set[int] = set()
        self.expansions = 0
        self.entries: list[tuple[Node, Node]] = []
        self.tokens: list[str] = []

    def complain(self, node: Node, rule: str, message: str) -> None:
        mark = node.start_mark
        self.problems.append(Problem(self.file, mark.line + 1, mark.column + 1, message, rule))

    def document(self, root: Node) -> Document | None:
        if type(root) is ScalarNode and not root.value:
            return None
        if type(root) is not MappingNode:
            self.complain(root, "document", "A document is a mapping: apiVersion, kind, metadata and spec, one a line.")
            return None
        self.entries, self.tokens, self.seen = [], [], set()
        if self.marked:
            self.inspect(root)
        kind = _kind(root)
        tree = self.mapping(root, want(kind) if kind in KINDS else None, CONTAINER, 1)
        # Characters, not lines and columns: one number a node is half the work, and few places are ever asked for.
        marks = packed([node.start_mark.index for pair in self.entries for node in pair])
        shape = outline(SEPARATOR.join(self.tokens))
        return Document.read(self.file, self.content, root.start_mark.index, marks, shape, tree)

    def mapping(self, node: MappingNode, wanted: Want | None, path: str, depth: int) -> Tree:
        """`path`: of this mapping, each part followed by a dot, after the sign of a container."""
        out: Tree = {}
        scalars, fields = (wanted.scalars, wanted.fields) if wanted is not None else (_NOTHING, _NOTHING)
        keys, marked, entries = self.keys, self.marked, node.value
        for key_node, value_node in entries:
            if marked:
                self.inspect(key_node)
                self.inspect(value_node)
            try:
                key = keys[key_node.value]
            except (KeyError, TypeError):
                key = self.new_key(key_node)
            if type(value_node) is not ScalarNode:
                out[key] = self.container(value_node, fields.get(key), f"{path}{key}.", depth)
                continue
            value = value_node.value
            if (key in scalars or not value) and value_node.style == "":  # plain: more than text, or nothing written
                value = scalars[key](value) if key in scalars else None
            out[key] = value
        if len(out) != len(entries):
            entries = self.without_duplicates(entries)
        self.tokens.append(path)
        self.tokens.extend(out)
        self.entries.extend(entries)
        return out

    def container(self, node: Node, wanted: Want | None, path: str, depth: int) -> Any:
        if depth >= MAX_DEPTH:
            raise _Abandoned(node, "nesting", _TOO_DEEP)
        if type(node) is MappingNode:
            return self.mapping(node, wanted, path, depth + 1)
        return self.sequence(node, wanted.items if wanted is not None else None, path, depth + 1)

    def sequence(self, node: Node, wanted: Want | None, path: str, depth: int) -> list[Any]:
        out = []
        for number, item in enumerate(node.value):
            if self.marked:
                self.inspect(item)
            if type(item) is not ScalarNode:
                out.append(self.container(item, wanted, f"{path}{number}.", depth))
            else:
                out.append((item.value or None) if item.style == "" else item.value)
        self.tokens.append(path)
        self.tokens.extend(map(str, range(len(out))))
        self.entries.extend([(item, item) for item in node.value])
        return out

    def new_key(self, node: Node) -> str:
        if type(node) is not ScalarNode:
            raise _Abandoned(node, "key", "A key is one word: lists and mappings cannot be keys.")
        if node.value == "<<":
            self.complain(
                node, "merge-key", "Merge keys (<<) are not supported: write the fields out where they belong."
            )
        if any(character < " " for character in node.value):
            raise _Abandoned(node, "key", "A key holds a control character: write it as one word on one line.")
        return self.keys.setdefault(node.value, node.value) if node.value != "<<" else "<<"

    def without_duplicates(self, entries: list[tuple[ScalarNode, Node]]) -> list[tuple[ScalarNode, Node]]:
        first: dict[str, tuple[ScalarNode, Node]] = {}
        for entry in entries:
            other, _ = first.setdefault(entry[0].value, entry)
            if other is not entry[0]:
                where = f"first in line {other.start_mark.line + 1}"
                shown = quoted(other.value)
                self.complain(entry[0], "duplicate-key", f"{shown} is written twice, {where}: keep one.")
        return list(first.values())

    def inspect(self, node: Node) -> None:
        """Counts what aliases expand to, refuses tags, and lets a core tag decide like quotes or their absence."""
        if id(node) in self.seen:
            self.expansions += 1
            if self.expansions > MAX_EXPANSIONS:
                text = f"Aliases expand more than {MAX_EXPANSIONS} times: write the values out."
                raise _Abandoned(node, "alias", text)
        self.seen.add(id(node))
        if node.tag is not None and node.tag not in _CORE:
            shown = quoted(node.tag.replace("tag:yaml.org,2002:", "!!"))
            self.complain(node, "tag", f"The tag {shown} is not supported: nothing in a file executes. Take it out.")
        elif node.tag is not None and type(node) is ScalarNode:
            node.style = "'" if node.tag.endswith(":str") else ""


def _kind(root: MappingNode) -> str:
    for key, value in root.value:
        if key.value == "kind" and type(value) is ScalarNode:
            return str(value.value)
    return ""
