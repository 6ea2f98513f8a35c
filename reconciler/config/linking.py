"""Documents -> one Repository: names are unique, what is named exists, nothing names itself in a circle."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

from reconciler.config import campaigns, identities, nouns, people, schedules
from reconciler.config.document import Document
from reconciler.config.files import PROJECT_FILE
from reconciler.config.findings import finding
from reconciler.config.schemas import KINDS
from reconciler.config.words import Complaints, quoted, suggestion
from reconciler.model import Finding, Key, Project, Repository, Resource, SharedPart

Register = dict[str, dict[str, Document]]  # kind -> name -> its document, sound or not
_Shared = Literal["Schedule", "RecallPolicy", "ContactSet"]

# Which field of which kind names what, and what that is called in a sentence.
_NAMES: Final = {
    "Campaign": (
        ("connection", "Connection", "connection"),
        ("schedule", "Schedule", "schedule"),
        ("recall", "RecallPolicy", "recall policy"),
        ("contacts", "ContactSet", "contact set"),
    ),
    "ContactSet": (("suppress", "SuppressionList", "suppression list"),),
}


def link(
    root: Path, documents: list[Document], complaints: Complaints, warnings: list[Finding], complete: bool
) -> Repository | None:
    """The Repository, or None where there is no project. It counts only if there are no complaints.

    `complete`: whether every file was read; where not, a missing name may be declared in the part that was not.
    """
    register = _register(documents, complaints)
    sound = {kind: [document for document in register[kind].values() if document.sealed] for kind in KINDS}
    names = _Names(register if complete else None, complaints)
    project = _project(register, root, complaints, complete)
    near = campaigns.Neighbours(
        {document.name: nouns.connection(document, complaints) for document in sound["Connection"]},
        {document.name: schedules.schedule(document, complaints) for document in sound["Schedule"]},
        {document.name: schedules.recall(document, warnings) for document in sound["RecallPolicy"]},
    )
    sets = {document.name: nouns.contact_set(document, root, complaints) for document in sound["ContactSet"]}
    for document in sound["ContactSet"]:
        names.check(document, document.tree["spec"])
    lists = {document.name: nouns.suppression_list(document, root, complaints) for document in sound["SuppressionList"]}
    resources = _campaigns(sound["Campaign"], near, names, identities.Identities(register["Campaign"], complaints))
    warnings += _idle_waivers(project, register)
    warnings += people.in_the_repository(root, [*sets.values(), *lists.values()])
    if project is None:
        return None
    ordered = tuple(sorted(resources, key=lambda resource: (resource.key.connection, resource.key.name)))
    shared = tuple(_shared(register, names.used))
    return Repository(project, near.connections, sets, lists, ordered, _digest(documents), tuple(warnings), shared)


def _register(documents: Iterable[Document], complaints: Complaints) -> Register:
    register: Register = {kind: {} for kind in KINDS}
    for document in documents:
        names = register.get(document.kind)
        if names is None or not document.name:
            continue  # complained about where it was read
        first = names.setdefault(document.name, document)
        if first is not document:
            text = f"the name is taken: it is declared in {first.source} too. Rename one."
            complaints.at(document, ("metadata", "name"), "duplicate-name", text)
    return register


class _Names:
    """Whether what is named exists; asks nothing where not every file could be read."""

    def __init__(self, register: Register | None, complaints: Complaints) -> None:
        self._register, self.complaints = register, complaints
        self.used: dict[tuple[_Shared, str], list[Key]] = {}

    def use(self, campaign: Key, spec: Mapping[str, Any]) -> None:
        """To be remembered: which campaign names what may be shared."""
        fields: tuple[tuple[_Shared, tuple[str, ...]], ...] = (
            ("Schedule", (spec.get("schedule", ""),)),
            ("RecallPolicy", (spec.get("recall", ""),)),
            ("ContactSet", tuple(spec.get("contacts", ()))),
        )
        for kind, names in fields:
            for name in filter(None, names):
                self.used.setdefault((kind, name), []).append(campaign)

    def check(self, document: Document, spec: Mapping[str, Any]) -> None:
        for field, kind, noun in _NAMES[document.kind] if self._register is not None else ():
            named = spec.get(field, ())
            known = self._register[kind] if self._register is not None else {}
            for path, name in [((field,), named)] if isinstance(named, str) else _items(field, named):
                if name not in known:
                    text = f"{noun} {quoted(name)} does not exist.{suggestion(name, known)}"
                    self.complaints.at(document, ("spec", *path), "reference", text)


def _items(field: str, names: Iterable[str]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    yield from (((field, number), name) for number, name in enumerate(names))


def _project(register: Register, root: Path, complaints: Complaints, complete: bool) -> Project | None:
    projects = list(register["Project"].values())
    for document in projects:
        if document.file != PROJECT_FILE:
            text = f"a Project belongs in {PROJECT_FILE}, at the root; there is one per repository."
            complaints.at(document, ("kind",), "project", text)
    ours = [document for document in projects if document.file == PROJECT_FILE]
    for document in ours[1:]:
        complaints.at(
            document, ("kind",), "project", f"there is one Project per repository: {ours[0].source} is one too."
        )
    if not ours and complete:
        text = "There is no Project in this file. Begin it with apiVersion: reconciler/v1 and kind: Project."
        complaints.file(PROJECT_FILE, "project", text)
    return nouns.project(ours[0], root, complaints) if ours and ours[0].sealed else None


def _campaigns(
    documents: list[Document], near: campaigns.Neighbours, names: _Names, known: identities.Identities
) -> list[Resource]:
    """One tree at a time: all of them together would be most of the memory."""
    made = []
    for document in documents:
        tree = document.tree
        names.check(document, tree["spec"])
        known.moved(document, tree["metadata"].get("movedFrom"))
        resource = campaigns.campaign(document, tree, near, names.complaints)
        if resource is not None:
            known.add(document, resource)
            names.use(resource.key, tree["spec"])
            made.append(resource)
    known.check_moves()
    return made


def _shared(register: Register, used: Mapping[tuple[_Shared, str], Sequence[Key]]) -> Iterator[SharedPart]:
    for (kind, name), campaigns_ in sorted(used.items()):
        if name in register[kind]:
            yield SharedPart(kind, name, str(register[kind][name].source), tuple(sorted(campaigns_)))


def _idle_waivers(project: Project | None, register: Register) -> Iterator[Finding]:
    kinds = {"campaign": "Campaign", "contact set": "ContactSet", "suppression list": "SuppressionList"}
    for waiver in project.waivers if project is not None else ():
        for word, name in zip(kinds, (waiver.campaign, waiver.contacts, waiver.suppression), strict=True):
            if name and name not in register[kinds[word]]:
                text = f"a waiver names {word} {quoted(name)}, which is not declared."
                yield finding("W22", text, waiver.source)


def _digest(documents: Iterable[Document]) -> str:
    """Over what the documents say, not over how many files they stand in or in which order."""
    return "sha256:" + hashlib.sha256(b"".join(sorted(document.digest for document in documents))).hexdigest()
