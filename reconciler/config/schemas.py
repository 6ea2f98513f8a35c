"""The JSON Schemas of the language: found, joined, compiled. What an error of theirs means in words is in `wording`."""

from __future__ import annotations

import json
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import jsonschema_rs

Schema = dict[str, Any]

KINDS: Final = ("Project", "Connection", "Schedule", "RecallPolicy", "ContactSet", "SuppressionList", "Campaign")
VENDORS: Final = ("conpeek", "thulium", "tel4vn", "intersvyaz")
_ANNOTATIONS: Final = frozenset({"$ref", "title", "description", "examples", "default"})


@lru_cache(maxsize=1)
def folder() -> Path:
    """Inside the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "schemas"
    return inside if inside.is_dir() else package.parent / "schemas"


@cache
def schema(kind: str) -> Schema:
    """The schema of a kind (or of `plan`, `approval`, `drift`) in one piece: every reference to another file replaced by what it names.

    Raises KeyError where there is no such kind. The result is shared: do not change it.
    """
    known = {name.lower(): name.lower() for name in (*KINDS, "plan", "approval", "drift")}
    return _document(folder() / f"{known[kind.lower()]}.schema.json")


@cache
def _document(path: Path) -> Schema:
    raw = json.loads(path.read_bytes())
    joined: Schema = _joined(raw, path, raw)
    joined.pop("$defs", None)
    return joined


def _joined(node: Any, path: Path, root: Any) -> Any:
    if isinstance(node, list):
        return [_joined(item, path, root) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" not in node:
        return {key: _joined(value, path, root) for key, value in node.items()}
    if unexpected := node.keys() - _ANNOTATIONS:
        raise ValueError(f"{path.name}: only annotations may stand beside $ref, not {sorted(unexpected)}")
    return {**_target(node["$ref"], path, root), **{key: value for key, value in node.items() if key != "$ref"}}


def _target(reference: str, path: Path, root: Any) -> Schema:
    file, _, pointer = reference.partition("#")
    if file:
        path = (path.parent / file).resolve()
        root = _raw(path)
    node = root
    for step in pointer.split("/")[1:]:
        node = node[step]
    found: Schema = _joined(node, path, root)
    return found


@cache
def _raw(path: Path) -> Any:
    return json.loads(path.read_bytes())


@cache
def validator(kind: str) -> jsonschema_rs.Draft202012Validator:
    """Says quickly whether a document of `kind` is valid."""
    import jsonschema_rs

    return jsonschema_rs.Draft202012Validator(schema(kind))
