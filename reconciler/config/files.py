"""Which files make up a repository, and their bytes. What they say is read elsewhere."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

PROJECT_FILE: Final = "reconciler.yaml"
EVERYTHING: Final = ("**/*.yaml", "**/*.yml")
_WILDCARD = re.compile(r"[*?]")
_CHUNK: Final = 1 << 14  # nearly every file fits; asking for the largest allowed costs a mebibyte of memory each time


def leaves(root: Path, pattern: str) -> bool:
    """Whether an include pattern names anything outside the repository, be it by way of a link."""
    prefix, _ = _split(pattern)
    return not _inside(root, prefix) or ".." in pattern.split("/") or pattern.startswith("/") or "\\" in pattern


def _inside(root: Path, path: str) -> bool:
    return (root / path).resolve().is_relative_to(root.resolve())


def matching(root: Path, pattern: str) -> list[str]:
    """The files that a pattern matches, sorted, relative to `root` with `/`, without reconciler.yaml.

    `*` and `?` stay within a name; `**` matches any number of folders, none included. What is hidden is left out unless
    the pattern begins with that folder; links to folders are not followed.
    """
    prefix, rest = _split(pattern)
    matches = re.compile(_expression(rest)).fullmatch
    start = f"{prefix}/" if prefix else ""
    found = (start + path for path in _below(os.path.join(root, prefix), "") if matches(path))
    return sorted(path for path in found if path != PROJECT_FILE)


def matches(pattern: str, path: str) -> bool:
    """Whether a file that is there would be one of `matching`; `path`: relative to the root, nothing of it hidden."""
    prefix, rest = _split(pattern)
    start = f"{prefix}/" if prefix else ""
    return path.startswith(start) and re.fullmatch(_expression(rest), path.removeprefix(start)) is not None


def _split(pattern: str) -> tuple[str, list[str]]:
    """The folders before the first wildcard, and the parts from there on; at least the last part stays."""
    parts = [part for part in pattern.split("/") if part not in ("", ".")]
    fixed = next((number for number, part in enumerate(parts[:-1]) if _WILDCARD.search(part)), max(len(parts) - 1, 0))
    return "/".join(parts[:fixed]), parts[fixed:]


def _expression(parts: list[str]) -> str:
    """A path as a regular expression."""
    folders = ["(?:[^/]+/)*" if part == "**" else _one(part) + "/" for part in parts[:-1]]
    return "".join([*folders, *("(?:[^/]+/)*[^/]+" if part == "**" else _one(part) for part in parts[-1:])])


def _one(part: str) -> str:
    return "".join({"*": "[^/]*", "?": "[^/]"}.get(letter) or re.escape(letter) for letter in part)


def _below(folder: str, prefix: str) -> Iterator[str]:
    """Paths of all visible files below `folder`, relative to it; nothing where it cannot be listed."""
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _below(entry.path, f"{prefix}{entry.name}/")
        elif entry.is_file():
            yield prefix + entry.name


def content(root: Path, file: str, limit: int) -> bytes:
    """The bytes of a file, at most one more than `limit`. Raises OSError where it cannot be read or leaves `root`."""
    path = os.path.join(root, file)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        if not os.path.islink(path):
            raise
        if not _inside(root, file):
            raise PermissionError(errno.EPERM, "it is a link that leaves the repository") from None
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        start = os.read(descriptor, _CHUNK)
        if len(start) < _CHUNK:
            return start
        with open(descriptor, "rb", closefd=False) as rest:
            return start + rest.read(limit + 1 - _CHUNK)
    finally:
        os.close(descriptor)
