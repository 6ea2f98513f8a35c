"""What is wrong with a document, in sentences: jsonschema finds it, this says it. Imported only when there is something.

No sentence repeats a value that may be a secret or a person: only keys, choices and schema texts are quoted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import jsonschema
from jsonschema.exceptions import ValidationError

from reconciler.config.document import Document, Path, Tree
from reconciler.config.schemas import Schema, schema, validator
from reconciler.config.words import Complaints, field, quoted, suggestion

Said = tuple[Path, str, str]  # path, rule, sentence

_FORMATS: Final = {
    "duration": "is no duration: write a number and a unit, like 45s, 30m or 7d.",
    "share": "is no share: write a whole percentage, like 10%.",
    "time": 'is no time of day: write it like "09:00".',
    "clock": 'is no time of day: write it like "09:00" or "09:00:30".',
    "date": "is no date: write year, month and day, like 2026-06-01.",
    "name": "is no name: use lower-case letters, digits and dashes, and begin and end with a letter or a digit.",
    "region": "is no region: write two capital letters, like VN.",
    "url": "is no address: write it from https:// on.",
    "variable": "is no name of an environment variable: use letters, digits and underscores.",
    "path": "is no known kind of source: name a .csv, .parquet or .jsonl file.",
}
_UNITS: Final = {
    "duration": "is a bare number: write a unit: 30s, 30m, 7d.",
    "share": "is a bare number: write a unit: 10%.",
}
_SECRET: Final = "must be a reference, {env: NAME} or {file: path}: a secret is never written into a file."


@dataclass(frozen=True, slots=True)
class _Fault:
    """One error of jsonschema: `keyword` of `schema` wants `wanted`, and `instance` at `path` is not that."""

    path: Path
    keyword: str
    wanted: Any
    instance: Any
    schema: Schema

    @property
    def title(self) -> str:
        return str(self.schema.get("title", ""))

    @property
    def example(self) -> str:
        examples = self.schema.get("examples")
        return f" Example: {_flow(examples[0])}." if examples else ""


def complain(document: Document, complaints: Complaints) -> None:
    """Everything that the schema of its kind has against `document`; at least one thing."""
    tree = document.tree
    faults = [_fault(error) for error in jsonschema.Draft202012Validator(schema(document.kind)).iter_errors(tree)]
    mistyped = {fault.path for fault in faults if fault.keyword == "type"}
    said = [
        saying
        for fault in faults
        if fault.keyword == "type" or fault.path not in mistyped  # the rest follows from the wrong type
        for saying in _said(fault)
    ]
    for path, rule, sentence in said or _line_breaks(document.kind, tree):
        complaints.at(document, path, rule, sentence)


def _line_breaks(kind: str, tree: Tree) -> Iterator[Said]:
    """All that the two validators disagree about: jsonschema's patterns let a line break at the end of a text through."""
    for error in validator(kind).iter_errors(tree):
        path = tuple(error.instance_path)
        yield path, "format", f"{field(path)} ends in a line break: write it on one line."


def _fault(error: ValidationError) -> _Fault:
    schema_part = error.schema if isinstance(error.schema, dict) else {}
    return _Fault(tuple(error.absolute_path), str(error.validator), error.validator_value, error.instance, schema_part)


def _said(fault: _Fault) -> Iterator[Said]:
    if fault.keyword == "additionalProperties":
        yield from _unknown_keys(fault)
    elif fault.keyword == "required":
        yield from _missing_keys(fault)
    else:
        rule, say = _SENTENCES.get(fault.keyword, ("invalid", _does_not_fit))
        yield fault.path, rule, f"{field(fault.path)} {say(fault)}"


def _unknown_keys(fault: _Fault) -> Iterator[Said]:
    known = list(fault.schema.get("properties", {}))
    where = f" in {field(fault.path)}" if fault.path else ""
    for key in fault.instance:
        if key not in known:
            hint = suggestion(key, known) or (f" It takes {_listed(known)}." if len(known) <= 8 else "")
            yield (*fault.path, key), "unknown-key", f"unknown key {quoted(key)}{where}.{hint}"


def _missing_keys(fault: _Fault) -> Iterator[Said]:
    for key in fault.wanted:
        if key not in fault.instance:
            examples = fault.schema.get("properties", {}).get(key, {}).get("examples")
            example = f" Example: {key}: {_flow(examples[0])}." if examples else ""
            yield fault.path, "required", f"{field((*fault.path, key))} is missing.{example}"


def _wrong_type(fault: _Fault) -> str:
    wanted = fault.wanted if isinstance(fault.wanted, list) else [fault.wanted]
    if fault.title == "secret":
        return _SECRET
    if fault.instance is None:
        return f"has no value: write one, or take the line out.{fault.example}"
    if wanted == ["integer"] and isinstance(fault.instance, str) and fault.instance.isdigit():
        return "is a whole number: write it without quotes and leading zeros."
    choice = " or ".join(_TYPES[name] for name in wanted)
    return f"must be {choice}.{fault.example}"


def _wrong_pattern(fault: _Fault) -> str:
    if fault.title in _UNITS and fault.instance.isdigit():
        return _UNITS[fault.title]
    return _FORMATS.get(fault.title) or _does_not_fit(fault)


def _wrong_choice(fault: _Fault) -> str:
    choices = [str(choice) for choice in fault.wanted]
    hint = suggestion(fault.instance, choices) if isinstance(fault.instance, str) else ""
    return f"must be {_listed(choices, 'or')}.{hint}"


def _does_not_fit(fault: _Fault) -> str:
    description = fault.schema.get("description", "see the documentation of this field")
    return f"does not fit: {description.rstrip('.')}.{fault.example}"


def _comment(fault: _Fault) -> str:
    return f"does not fit: {fault.schema.get('$comment', 'too much or too little is given')}."


def _dependent(fault: _Fault) -> str:
    key, needed = next(
        (key, needed)
        for key, needs in fault.wanted.items()
        for needed in needs
        if key in fault.instance and needed not in fault.instance
    )
    return f"has {key} but not {needed}: the two go together."


_TYPES: Final = {
    "string": "text",
    "integer": "a whole number",
    "boolean": "true or false",
    "object": "a mapping (key: value)",
    "array": "a list",
}
_SENTENCES: Final[dict[str, tuple[str, Callable[[_Fault], str]]]] = {
    "type": ("type", _wrong_type),
    "pattern": ("format", _wrong_pattern),
    "enum": ("choice", _wrong_choice),
    "const": ("choice", lambda fault: f"must be {fault.wanted}."),
    "minimum": ("range", lambda fault: f"must be at least {fault.wanted}."),
    "maximum": ("range", lambda fault: f"must be at most {fault.wanted}."),
    "minLength": ("empty", lambda fault: "is empty: write a text, or take the line out."),
    "maxLength": ("range", lambda fault: f"is longer than {fault.wanted} characters."),
    "minItems": ("empty", lambda fault: f"is empty: it needs an entry.{fault.example}"),
    "uniqueItems": ("duplicate", lambda fault: "names the same thing twice."),
    "minProperties": ("shape", _comment),
    "maxProperties": ("shape", _comment),
    "oneOf": ("shape", _comment),
    "dependentRequired": ("required", _dependent),
}


def _listed(words: list[str], last: str = "and") -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"


def _flow(value: Any) -> str:
    """A value as it would be written in YAML, on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) and not value.strip("0123456789:.") else str(value)
