"""Drafts as the text of YAML files, laid out as the examples are: one field a line, so that what is wrong in a line is one field's."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from reconciler.config.beside import faults
from reconciler.config.spelling import spelled
from reconciler.importing.drafting import Draft
from reconciler.model import Json
from reconciler.redact import foreign, mask

SCHEMAS = ".schemas"  # folder of a repository where `init` puts them
_HEAD = ("apiVersion: reconciler/v1",)
_ORIGIN = "# Imported from {connection}, where its id is {vendor_id}."
Lines = list[tuple[str, str]]  # text of a line, and the field that it is about or nothing


def origin(connection: str, vendor_id: str) -> str:
    """For people: what binds a campaign is the ledger, and the id where the language has one."""
    return _ORIGIN.format(connection=connection, vendor_id=foreign(vendor_id))


def campaign(draft: Draft, schemas: str) -> str:
    """The file of one campaign. `schemas`: where its editor finds the schema, relative to it."""
    lines = [hint(schemas, "campaign").rstrip()] if schemas else []
    lines.append(origin(draft.key.connection, draft.live.vendor_id))
    return "\n".join([*lines, *(text for text, _ in _campaign(draft))]) + "\n"


def _campaign(draft: Draft) -> Lines:
    vendor = draft.provider.capabilities.vendor
    lines: Lines = [(text, "") for text in _HEAD]
    lines += [("kind: Campaign", ""), (f"metadata: {{name: {draft.key.name}}}", ""), ("spec:", "")]
    lines.append((f"  connection: {draft.key.connection}", ""))
    if draft.display is not None and draft.display != draft.key.name:
        lines.append((f"  displayName: {spelled(draft.display)}", "displayName"))
    for top in ("schedule", "recall"):
        lines += [(f"  {top}: {draft.named[top]}", "")] if top in draft.named else []
    lines += [(f"  activation: {draft.run}", "")] if draft.run else []
    if draft.unmanaged:
        lines.append(("  lifecycle: {unmanaged: [displayName]}", ""))
    lines += [(f"  # {path}: {_sentence(why)}", "") for path, why in draft.notes.items() if not _in_block(draft, path)]
    lines.append((f"  {vendor}:" if draft.fields else f"  {vendor}: {{}}", ""))
    lines += [(f"    {name}: {spelled(value)}", name) for name, value in draft.fields.items()]
    lines += [(f"    # {path}: {_sentence(why)}", "") for path, why in draft.notes.items() if _in_block(draft, path)]
    return lines


def _in_block(draft: Draft, path: str) -> bool:
    return path.partition(".")[0] not in {"displayName", "schedule", "recall", "activation"}


def _sentence(why: str) -> str:
    return f"not written: {foreign(why).rstrip('.')}."


def schedule(name: str, timezone: str, windows: list[dict[str, Json]]) -> str:
    lines = [*_HEAD, "kind: Schedule", f"metadata: {{name: {name}}}", "spec:", f"  timezone: {timezone}", "  windows:"]
    return "\n".join([*lines, *(f"    - {_window(window)}" for window in windows)]) + "\n"


def _window(window: Mapping[str, Json]) -> str:
    return f'{{days: {spelled(window["days"])}, from: "{window["from"]}", to: "{window["to"]}"}}'


def recall(name: str, policy: Mapping[str, Json]) -> str:
    return "\n".join(text for text, _ in _recall(name, policy)) + "\n"


def _recall(name: str, policy: Mapping[str, Json]) -> Lines:
    lines: Lines = [(text, "") for text in (*_HEAD, "kind: RecallPolicy", f"metadata: {{name: {name}}}", "spec:")]
    return lines + [(f"  {part}: {spelled(value)}", f"recall.{part}") for part, value in policy.items()]


def hint(schemas: str, kind: str) -> str:
    """The line for editors; nothing where the schemas are not at hand."""
    return f"# yaml-language-server: $schema={schemas}/{kind}.schema.json\n" if schemas else ""


def settled(draft: Draft) -> str:
    """Drop what no schema takes, field by field; returns why nothing of it can be declared, or nothing."""
    while wrong := list(_wrong(draft)):
        for path, why in wrong:
            if not path:
                return why
            draft.drop(path, why)
    return ""


def _wrong(draft: Draft) -> Iterator[tuple[str, str]]:
    """Each field that a schema refuses, once, and what it says; no field where it is about the document as a whole."""
    lines = _campaign(draft)
    if draft.recall:
        lines += [("---", ""), *_recall("recall", draft.recall)]
    told: set[str] = set()
    for problem in faults("\n".join(text for text, _ in lines)):
        path = lines[problem.line - 1][1] if problem.line else ""
        if path not in told:
            told.add(path)
            yield path, f"it cannot be declared: {mask(problem.message)}"


def schemas_for(folder: PurePosixPath, root_has: bool) -> str:
    """Where files in `folder` find the schemas of the repository; empty where it holds none."""
    return os.path.relpath(SCHEMAS, folder) if root_has else ""
