"""A starter repository: one project that is valid as it stands, the CI of both forges, hints for editors. Overwrites nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from reconciler import config
from reconciler.errors import ReconcilerError

_SCHEMAS = ".schemas"
_NAME = "PROJECT-NAME"  # in a template: that of the project
FILES: Mapping[str, str] = {
    "reconciler.yaml": "starter/reconciler.yaml",
    "connections/hanoi.yaml": "starter/connections/hanoi.yaml",
    "shared/office-hours.yaml": "starter/shared/office-hours.yaml",
    "shared/gentle.yaml": "starter/shared/gentle.yaml",
    "shared/renewals.yaml": "starter/shared/renewals.yaml",
    "campaigns/renewals.yaml": "starter/campaigns/renewals.yaml",
    ".gitignore": "starter/gitignore",
    ".pre-commit-config.yaml": "starter/pre-commit-config.yaml",
    "requirements-ci.txt": "starter/requirements-ci.txt",
    ".github/actions/reconciler/action.yml": "github/action.yml",
    ".github/workflows/reconciler-plan.yml": "github/workflows/reconciler-plan.yml",
    ".github/workflows/reconciler-apply.yml": "github/workflows/reconciler-apply.yml",
    ".github/workflows/reconciler-drift.yml": "github/workflows/reconciler-drift.yml",
    ".gitlab-ci.yml": "starter/gitlab-ci.yml",
    ".gitlab/reconciler.yml": "gitlab/templates/reconciler.yml",
}


@dataclass(frozen=True, slots=True)
class Placed:
    """`path`: relative to the repository. `new`: it was not there before and is now."""

    path: str
    new: bool


def templates() -> Path:
    """Inside the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parent
    inside = package / "ci"
    return inside if inside.is_dir() else package.parent / "ci"


def begin(root: Path) -> list[Placed]:
    """Write what is not there yet. Raises ReconcilerError where a file cannot be written; what was written before stays."""
    return [Placed(path, _written(root / path, text)) for path, text in _contents(_project(root))]


def _project(root: Path) -> str:
    """A name for the project, after its folder."""
    words = re.sub(r"[^a-z0-9]+", "-", root.resolve().name.lower()).strip("-")[:63].strip("-")
    return words or "outreach"


def _contents(name: str) -> Iterator[tuple[str, str]]:
    for path, template in FILES.items():
        yield path, (templates() / template).read_text("utf-8").replace(_NAME, name)
    for kind in (*config.kinds(), "Approval"):
        text = json.dumps(config.schema(kind), indent=2, ensure_ascii=False) + "\n"
        yield f"{_SCHEMAS}/{kind.lower()}.schema.json", text


def _written(path: Path, text: str) -> bool:
    if path.exists():
        return False
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise ReconcilerError(f"{path}: cannot be written ({error.strerror}).") from None
    return True
