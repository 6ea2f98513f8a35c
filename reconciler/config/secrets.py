"""References -> what they refer to, at the moment it is needed and never before. No message repeats a value."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from reconciler.errors import ConfigInvalid, Problem
from reconciler.model import Project, Reference, Source

KEY_BYTES = 32


def reveal(
    reference: Reference, environ: Mapping[str, str], root: Path, *, used: str = "", source: Source | None = None
) -> str:
    """The value; a relative file is below `root`, its last line break is not part of the secret.

    `used` and `source`: what needs it and where that is written, for the message. Raises ConfigInvalid where the variable
    is not set, the file cannot be read, or either is empty.
    """
    if reference.kind == "env":
        value, missing = environ.get(reference.name, ""), "is not set, or empty: set it in the environment of this job."
        what = f"the environment variable {reference.name}"
    else:
        value, missing = _content(root / reference.name), "is missing, unreadable or empty: put the value there."
        what = f"the file {reference.name}"
    if not value:
        _refuse(f"{f'{used}: ' if used else ''}{what} {missing}", source, "secret")
    return value


def _content(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").removesuffix("\n").removesuffix("\r")
    except (OSError, UnicodeDecodeError):
        return ""


def contact_key(project: Project, environ: Mapping[str, str], root: Path | None = None) -> bytes:
    """The key of the fingerprints, as UTF-8. Raises ConfigInvalid where it is not declared, not there or too short."""
    if project.contact_key is None:
        text = "spec.contactKey is missing: people are known by fingerprints under it. Example: contactKey: {env: RECONCILER_CONTACT_KEY}."
        _refuse(text, project.source, "required")
    return _key(project, "contactKey", project.contact_key, environ, root)


def former_contact_key(project: Project, environ: Mapping[str, str], root: Path | None = None) -> bytes | None:
    """The key before it, while it is rotated; None where none is declared. Raises ConfigInvalid as `contact_key` does, and where the
    two are one.
    """
    if project.former_contact_key is None:
        return None
    key = _key(project, "formerContactKey", project.former_contact_key, environ, root)
    if key == contact_key(project, environ, root):
        text = "spec.formerContactKey is the same key as contactKey: a rotation needs a new one in contactKey. "
        _refuse(text + "Make one with: openssl rand -base64 32", project.source, "secret")
    return key


def _key(
    project: Project, name: str, reference: Reference, environ: Mapping[str, str], root: Path | None = None
) -> bytes:
    folder = Path(project.root) if root is None else root
    key = reveal(reference, environ, folder, used=f"spec.{name}", source=project.source).encode()
    if len(key) < KEY_BYTES:
        text = f"spec.{name}: {reference} holds {len(key)} bytes, but at least {KEY_BYTES} are needed. "
        _refuse(text + "Make one with: openssl rand -base64 32", project.source, "secret")
    return key


def _refuse(sentence: str, source: Source | None, rule: str) -> NoReturn:
    place = source or Source("environment", 0, 0)
    raise ConfigInvalid([Problem(place.file, place.line, place.column, sentence, rule)])
