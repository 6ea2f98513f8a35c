"""A repository as it would be with files that are not part of it yet. Writes nothing."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from reconciler.config import files, linking, schedules
from reconciler.config.loading import Folder, without_collections
from reconciler.config.words import Complaints
from reconciler.errors import ConfigInvalid, Problem
from reconciler.model import Repository, Spec


@dataclass(frozen=True, slots=True)
class Beside:
    """`files`: what is read anyway. `names`: kind -> the names that are taken. `schedules`, `recalls`: name -> canonical form."""

    repository: Repository
    files: frozenset[str]
    names: Mapping[str, frozenset[str]]
    schedules: Mapping[str, Spec]
    recalls: Mapping[str, Spec]
    include: tuple[str, ...]

    def reads(self, paths: Iterable[str]) -> bool:
        """Whether files there would be part of the repository."""
        return all(any(files.matches(pattern, path) for pattern in self.include) for path in paths)


def load_beside(root: Path, texts: Mapping[str, str]) -> Beside:
    """`texts`: path relative to `root` -> YAML, read as if it were a file there; one that is read anyway counts once.

    Raises ConfigInvalid with all problems.
    """
    with without_collections():
        folder = Folder(Path(os.path.abspath(root)))
        folder.read()
        read = frozenset(document.file for document in folder.documents)
        folder.add({file: text for file, text in texts.items() if file not in read})
        repository = linking.link(folder.root, folder.documents, folder.complaints, folder.warnings, folder.complete)
        if repository is None or folder.complaints.found:
            raise ConfigInvalid(folder.complaints.found)
        names: dict[str, set[str]] = {}
        for document in folder.documents:
            names.setdefault(document.kind, set()).add(document.name)
        unheard = Complaints()  # all was said when it was linked
        hours = {d.name: schedules.schedule(d, unheard).spec for d in folder.documents if d.kind == "Schedule"}
        recalls = {d.name: schedules.recall(d, []).spec for d in folder.documents if d.kind == "RecallPolicy"}
        include = next((d.tree["spec"].get("include") for d in folder.documents if d.kind == "Project"), None)
    return Beside(
        repository,
        read,
        {kind: frozenset(taken) for kind, taken in names.items()},
        hours,
        recalls,
        tuple(include or files.EVERYTHING),
    )


def faults(text: str) -> list[Problem]:
    """What the schemas have against a text by itself; nothing is said of what it names."""
    from reconciler.config.loading import problems_of

    return problems_of(text.encode(), "")
