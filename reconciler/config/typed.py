"""What the schema of a kind says about each scalar: which plain text is a number, which text has a canonical form."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from sys import intern
from typing import Any, Final

from reconciler import units
from reconciler.config.schemas import Schema, schema
from reconciler.model import Json

_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,14})", re.ASCII)
_BOOLEANS: Final = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


@dataclass(frozen=True, slots=True)
class Want:
    """What the nodes below may be besides text: `scalars` types plain text by key, `items` plain text in a list."""

    scalars: Mapping[str, Callable[[str], Json]] = field(default_factory=dict)
    fields: Mapping[str, Want] = field(default_factory=dict)
    items: Want | None = None


@lru_cache(maxsize=1024)
def _integer(text: str) -> Json:
    return int(text) if _INTEGER.fullmatch(text) else text or None


def _boolean(text: str) -> Json:
    return _BOOLEANS.get(text, text or None)


_SCALARS: Final[dict[str, Callable[[str], Json]]] = {"integer": _integer, "boolean": _boolean}


@cache
def want(kind: str) -> Want | None:
    return _want(schema(kind))


def _want(part: Schema) -> Want | None:
    """None where everything below is text, so that reading it costs nothing."""
    children = part.get("properties", {})
    scalars = {name: _SCALARS[kind] for name, child in children.items() for kind in _types(child) if kind in _SCALARS}
    fields = {name: below for name, child in children.items() if (below := _want(child))}
    items = _want(part["items"]) if "items" in part else None
    return Want(scalars, fields, items) if scalars or fields or items else None


def _types(part: Schema) -> Iterator[str]:
    types = part.get("type", [])
    yield from [types] if isinstance(types, str) else types


def share(value: Json) -> Json:
    """The same object for equal texts: thousands of campaigns say the same words."""
    return intern(value) if type(value) is str else value


def _clock(text: str) -> str:
    return text[:5] if text[5:] == ":00" else text


_FORMS: Final[dict[str, Callable[[str], str]]] = {
    "duration": lambda text: units.duration_text(units.seconds(text)),
    "clock": _clock,
}


@dataclass(frozen=True, slots=True)
class Form:
    """How a valid part is written canonically: `text` for a scalar, `unordered` for what is a set."""

    text: Callable[[str], str] | None = None
    unordered: bool = False
    fields: Mapping[str, Form] = field(default_factory=dict)

    def of(self, value: Any) -> Json:
        if self.text is not None:
            return intern(self.text(value))
        return [share(item) for item in sorted(value)] if self.unordered else self.mapping(value)

    def mapping(self, value: dict[str, Any]) -> dict[str, Json]:
        fields = self.fields
        return {key: fields[key].of(item) if key in fields else share(item) for key, item in value.items()}


@cache
def form(kind: str, *path: str) -> Form:
    """The canonical form of a mapping inside `kind`: of its `spec`, or of what is below at `path`."""
    part = schema(kind)["properties"]["spec"]
    for step in path:
        part = part["properties"][step]
    return _form(part) or Form()


def _form(part: Schema) -> Form | None:
    if (text := _FORMS.get(part.get("title", ""))) is not None:
        return Form(text=text)
    if part.get("uniqueItems"):
        return Form(unordered=True)
    fields = {name: below for name, child in part.get("properties", {}).items() if (below := _form(child))}
    return Form(fields=fields) if fields else None
