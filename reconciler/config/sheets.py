"""The YAML files of a repository while they are edited: each edit whole or not at all, each file replaced at once."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path as File

from reconciler.config.document import Path
from reconciler.config.editing import CannotEdit, Sheet
from reconciler.config.loading import problems_of
from reconciler.errors import ReconcilerError

_MARK = "\ufeff"  # of the byte order: no part of the text, and kept


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in a document, wherever its line will be in the end."""

    file: str
    kind: str
    name: str
    path: Path


@dataclass(slots=True)
class Sheets:
    """`root`: the repository's folder, below which all files are named."""

    root: File
    _open: dict[str, Sheet] = field(default_factory=dict)
    _on_disk: dict[str, str] = field(default_factory=dict)
    _marks: dict[str, str] = field(default_factory=dict)
    _at_first: dict[str, str] = field(default_factory=dict)

    def sheet(self, file: str) -> Sheet:
        """Raises CannotEdit where it cannot be read."""
        if file not in self._open:
            try:
                text = (self.root / file).read_bytes().decode("utf-8")
            except (OSError, UnicodeDecodeError):
                raise CannotEdit(f"{file} cannot be read") from None
            self._at_first[file] = self._on_disk[file] = text.removeprefix(_MARK)
            self._marks[file] = _MARK if text.startswith(_MARK) else ""
            self._open[file] = Sheet(self._on_disk[file])
        return self._open[file]

    def edit(self, file: str, change: Callable[[Sheet], None]) -> None:
        """Raises CannotEdit where the change cannot be made, or the file would say what the language does not allow."""
        sheet = self.sheet(file)
        change(sheet)
        problems = problems_of(sheet.text.encode(), file)
        if problems:
            raise CannotEdit(f"it cannot be declared: {problems[0].message}")

    def texts(self) -> Mapping[str, str]:
        return {file: sheet.text for file, sheet in self._open.items()}

    def back_to(self, texts: Mapping[str, str]) -> None:
        """Let the files say what they said when `texts` was taken."""
        for file, sheet in list(self._open.items()):
            text = texts.get(file, self._at_first[file])
            if sheet.text != text:
                self._open[file] = Sheet(text)

    @contextmanager
    def whole(self) -> Iterator[None]:
        """All edits within, or none of them where one raises CannotEdit."""
        before = self.texts()
        try:
            yield
        except CannotEdit:
            self.back_to(before)
            raise

    def line(self, spot: Spot) -> str:
        """`campaigns/spring.yaml:14`."""
        sheet = self.sheet(spot.file)
        return f"{spot.file}:{sheet.line(sheet.find(spot.kind, spot.name), spot.path)}"

    def save(self) -> None:
        """Bring the files to what they say here. Raises ReconcilerError where one cannot be written; then none of them is."""
        before = dict(self._on_disk)
        try:
            for file, sheet in self._open.items():
                self._write(file, sheet.text)
        except OSError as error:
            for name, text in before.items():
                with suppress(OSError):
                    self._write(name, text)
            raise ReconcilerError(f"{file} cannot be written ({error.strerror}): the files are as they were.") from None

    def _write(self, file: str, text: str) -> None:
        if text != self._on_disk[file]:
            _replace((self.root / file).resolve(), (self._marks[file] + text).encode())
            self._on_disk[file] = text


def _replace(target: File, content: bytes) -> None:
    """A reader sees the old file or the new one, never a part."""
    handle, name = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=target.parent)
    try:
        with open(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, target.stat().st_mode & 0o7777)
        os.replace(name, target)
    except BaseException:
        File(name).unlink(missing_ok=True)
        raise
