"""Warns where people are in Git: a source inside the repository, tracked, with numbers in it. Tells none of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from reconciler.config.findings import finding
from reconciler.model import ContactSet, Finding, SuppressionList

_LOOKED_AT: Final = 1 << 16  # bytes from the start of a file: one number is enough
# Seven digits and more, with at most one separator between two: how people write a number, not how they write a date.
_NUMBER = re.compile(rb"(?<![\w.-])\+?\(?\d(?:[ ()/.-]?\d){6,14}(?![\w-])")
_DATE = re.compile(rb"\d{4}-\d\d-\d\d")
_GIT: Final = ("git", "-c", "core.fsmonitor=false", "ls-files", "-z", "--")


def in_the_repository(root: Path, sources: Sequence[ContactSet | SuppressionList]) -> list[Finding]:
    files = {
        origin.origin.file: origin
        for origin in sources
        if isinstance(origin.origin.file, str) and _holds_numbers(Path(origin.origin.file))
    }
    found = [_finding(files[file]) for file in _tracked(root, files)]
    return found + [_finding(source) for source in sources if _inline_numbers(source)]


def _finding(source: ContactSet | SuppressionList) -> Finding:
    kind = "contact set" if isinstance(source, ContactSet) else "suppression list"
    text = f"{kind} {source.name} keeps phone numbers in the repository, where every clone has them for ever."
    return finding("W20", text, source.source)


def _holds_numbers(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return _numbers(stream.read(_LOOKED_AT))
    except OSError:
        return False  # whether a source can be read is asked when it is


def _inline_numbers(source: ContactSet | SuppressionList) -> bool:
    return any(_numbers(value.encode()) for row in source.origin.inline or () for value in row.values())


def _numbers(content: bytes) -> bool:
    return _NUMBER.search(_DATE.sub(b"", content)) is not None


def _tracked(root: Path, files: Iterable[str]) -> Iterator[str]:
    """Those that Git tracks; where there is no Git, all that are in the folder."""
    names = list(files)
    listed = _listed(root, names) if names else None
    yield from (name for name in names if listed is None or name in listed)


def _listed(root: Path, names: list[str]) -> set[str] | None:
    """What `git ls-files` says; None where `root` is no repository or there is no git."""
    import subprocess

    try:
        answer = subprocess.run([*_GIT, *names], cwd=root, capture_output=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    if answer.returncode != 0:
        return None
    return {str(root / name) for name in answer.stdout.decode(errors="surrogateescape").split("\0") if name}
