"""A folder -> its documents, read, judged and linked into a Repository. Every problem of every file is told at once."""

from __future__ import annotations

import contextlib
import gc
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from reconciler.config import files, linking
from reconciler.config.cache import Cache
from reconciler.config.document import Document
from reconciler.config.findings import finding
from reconciler.config.reading import MAX_BYTES, Reader
from reconciler.config.schemas import KINDS, validator
from reconciler.config.words import Complaints, quoted, suggestion
from reconciler.errors import ConfigInvalid, Problem
from reconciler.model import Finding, Repository

API_VERSION: Final = "reconciler/v1"
_THERE_ARE: Final = f" There are {', '.join(KINDS)}."


def load(root: Path) -> Repository:
    """The repository below `root`. Needs no network, secret or environment. Raises ConfigInvalid with all problems."""
    repository, problems = load_sound(root)
    if problems:
        raise ConfigInvalid(list(problems))
    return repository


def load_sound(root: Path) -> tuple[Repository, tuple[Problem, ...]]:
    """What is valid of the repository, and what is wrong with the rest. Raises ConfigInvalid where the project itself is."""
    with without_collections():
        folder = Folder(Path(os.path.abspath(root)))
        folder.read()
        repository = linking.link(folder.root, folder.documents, folder.complaints, folder.warnings, folder.complete)
    if repository is None:
        raise ConfigInvalid(folder.complaints.found)
    return repository, tuple(folder.complaints.found)


@contextlib.contextmanager
def without_collections() -> Iterator[None]:
    """Nothing that is read forms a circle: looking for one among so many new objects would take a third of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class Folder:
    """The documents of one repository while they are read."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.documents: list[Document] = []
        self.warnings: list[Finding] = []
        self.complaints = Complaints()
        self._reader = Reader(self.complaints.found)

    @property
    def complete(self) -> bool:
        """Whether every file could be read to its end: only then is it known what is not declared."""
        return self._reader.complete

    def read(self) -> None:
        if not (self.root / files.PROJECT_FILE).is_file():
            text = (
                "There is no reconciler.yaml in this folder: name another with -C DIR, or begin with reconciler init."
            )
            raise ConfigInvalid([Problem(files.PROJECT_FILE, 0, 0, text, "file")])
        cache = Cache(self.root)  # not kept: it is as large as what was read
        self._read(files.PROJECT_FILE, cache)
        for file in sorted(self._included()):
            self._read(file, cache)
        cache.save()

    def _included(self) -> set[str]:
        project = next((document for document in self.documents if document.kind == "Project"), None)
        patterns = _include(project.tree) if project is not None else None
        if project is None or patterns is None:
            return {file for pattern in files.EVERYTHING for file in files.matching(self.root, pattern)}
        found: set[str] = set()
        for number, pattern in enumerate(patterns):
            place = ("spec", "include", number)
            if files.leaves(self.root, pattern):
                text = (
                    f"include {quoted(pattern)} leaves the repository: name files below reconciler.yaml, without links."
                )
                self.complaints.at(project, place, "include", text)
                self._reader.complete = False
            elif not (matched := files.matching(self.root, pattern)):
                text = f"include {quoted(pattern)} matches no file."
                self.warnings.append(finding("W21", text, project.place_of(place)))
            else:
                found.update(matched)
        return found

    def _read(self, file: str, cache: Cache) -> None:
        try:
            content = files.content(self.root, file, MAX_BYTES)
        except OSError as error:
            self._reader.complete = False
            self.complaints.found.append(Problem(file, 0, 0, f"The file cannot be read: {error.strerror}.", "file"))
            return
        documents = cache.documents(content, file)
        if documents is None:
            documents = self._judged(content, file, cache)
        self.documents += documents

    def add(self, texts: Mapping[str, str]) -> None:
        """Documents of files that are not written yet, or that are not included: path -> YAML."""
        cache = Cache(self.root)  # not saved: what is proposed may never be written
        for file, text in texts.items():
            self.documents += self._judged(text.encode(), file, cache)

    def _judged(self, content: bytes, file: str, cache: Cache) -> list[Document]:
        before = len(self.complaints.found)
        documents = self._reader.documents(content, file)
        for document in documents:
            self._judge(document)
        if len(self.complaints.found) == before:
            cache.keep(content, documents)
        return documents

    def _judge(self, document: Document) -> None:
        tree = document.tree
        if (stranger := _stranger(tree)) is not None:
            path, sentence = stranger
            source = document.place_of(path)
            self.complaints.found.append(Problem(source.file, source.line, source.column, sentence, "kind"))
        elif validator(document.kind).is_valid(tree):
            document.seal()
        else:
            from reconciler.config import wording  # jsonschema is slow to import, and mostly there is nothing to say

            wording.complain(document, self.complaints)


def _include(tree: dict[str, Any]) -> list[str] | None:
    """The patterns, also of a project that is wrong elsewhere: what others keep beside it is none of our business."""
    spec = tree.get("spec")
    patterns = spec.get("include") if isinstance(spec, dict) else None
    return patterns if isinstance(patterns, list) and all(isinstance(item, str) for item in patterns) else None


def _stranger(tree: dict[str, Any]) -> tuple[tuple[str, ...], str] | None:
    """Where and why a document is none of ours, or None."""
    version, kind = tree.get("apiVersion"), tree.get("kind")
    if version != API_VERSION and (kind not in KINDS or version is not None):
        said = f"its apiVersion is {quoted(str(version))}" if version is not None else "it has no apiVersion"
        text = (
            f"This is no document of {API_VERSION}: {said}. If the file is not ours, leave it out with spec.include in "
        )
        return ("apiVersion",), text + f"{files.PROJECT_FILE}."
    if kind in KINDS:
        return None
    if not isinstance(kind, str):
        return ("kind",), f"kind is missing: write one of {', '.join(KINDS)}."
    return ("kind",), f"There is no kind {quoted(kind)}.{suggestion(kind, KINDS) or _THERE_ARE}"


def problems_of(content: bytes, file: str) -> list[Problem]:
    """What is wrong with one file by itself; nothing is said of what it names."""
    folder = Folder(Path())
    for document in folder._reader.documents(content, file):
        folder._judge(document)
    return folder.complaints.found
