"""The configuration language: YAML with positions and JSON Schema -> a valid, linked Repository. Nothing here calls a vendor.

What is heavy is imported by the function that needs it, so that a command which declares nothing does not wait for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reconciler.errors import Problem
    from reconciler.model import Capabilities, Project, Reference, Repository, Resource, Source


def load(root: Path) -> Repository:
    """The repository below `root`. Needs no network, secret or environment. Raises ConfigInvalid with all problems."""
    from reconciler.config import loading

    return loading.load(root)


def load_sound(root: Path) -> tuple[Repository, tuple[Problem, ...]]:
    """What is valid of the repository, and what is wrong with the rest. Raises ConfigInvalid where the project itself is."""
    from reconciler.config import loading

    return loading.load_sound(root)


def check_capabilities(
    repository: Repository, tables: Mapping[str, Capabilities], family: Callable[[Resource], Capabilities] | None = None
) -> list[Problem]:
    """What is declared but cannot be held. `tables`: vendor -> its capabilities, for every vendor in use.

    `family`: the table of one campaign, where a vendor has campaigns of several kinds.
    """
    from reconciler.config import capabilities

    return capabilities.check(repository, tables, family)


def reveal(
    reference: Reference, environ: Mapping[str, str], root: Path, *, used: str = "", source: Source | None = None
) -> str:
    """The value behind a reference; `used` and `source` say in the message what needs it. Raises ConfigInvalid."""
    from reconciler.config import secrets

    return secrets.reveal(reference, environ, root, used=used, source=source)


def contact_key(project: Project, environ: Mapping[str, str], root: Path | None = None) -> bytes:
    """The key of the fingerprints: at least 32 bytes. Raises ConfigInvalid."""
    from reconciler.config import secrets

    return secrets.contact_key(project, environ, root)


def former_contact_key(project: Project, environ: Mapping[str, str], root: Path | None = None) -> bytes | None:
    """The key before it, while it is rotated; None where none is declared. Raises ConfigInvalid."""
    from reconciler.config import secrets

    return secrets.former_contact_key(project, environ, root)


def approval(path: Path) -> dict[str, Any]:
    """The checked fields of an approval file. Raises Blocked where there is none, ConfigInvalid where it is malformed."""
    from reconciler.config import approvals

    return approvals.read(path)


def kinds() -> tuple[str, ...]:
    """The kinds of documents, as `kind:` spells them."""
    from reconciler.config import schemas

    return schemas.KINDS


def schema(kind: str) -> dict[str, Any]:
    """The JSON Schema of a kind, of `plan`, `approval` or `drift`, in one piece. Raises KeyError. Shared: do not change it."""
    from reconciler.config import schemas

    return schemas.schema(kind)
