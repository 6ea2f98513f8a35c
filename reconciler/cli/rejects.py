"""`plan --rejects FILE`: rows that were rejected and why, as CSV for whoever mends the export. Nobody's number is in it."""

from __future__ import annotations

import csv
import io
import os
import stat
from pathlib import Path

from reconciler.cli.common import tell
from reconciler.contacts import Reject
from reconciler.errors import Misuse, ReconcilerError
from reconciler.redact import inert, mask
from reconciler.world import Planned

_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet takes for the start of something to be run


def outside(root: Path, named: str) -> Path:
    """Where the file really is, links followed. Raises Misuse where that is in the repository: it would be committed one day."""
    target = Path(os.path.realpath(named))  # a circle of links is told where it is opened
    repository = _repository(root)
    if any(folder.exists() and folder.samefile(repository) for folder in target.parents):
        raise Misuse(f"--rejects {named}: name a file outside the repository.")
    return target


def _repository(root: Path) -> Path:
    """The folder that Git keeps `root` in; `root` itself where there is no Git. A worktree has a file `.git`."""
    start = Path(os.path.realpath(root))
    return next((folder for folder in (start, *start.parents) if (folder / ".git").exists()), start)


def write(planned: Planned, target: Path) -> None:
    """Every rejected row with its file, its line and its reason, readable by the user alone. Raises ReconcilerError where it cannot."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(["contacts", "file", "row", "reason"])
    for key, people in planned.world.people.items():
        lines.writerows(map(_cells, people.rejects))
        tell(f"{key}: {len(people.rejects)} rejected rows")
    try:
        _keep(target, text.getvalue())
    except OSError as error:
        raise ReconcilerError(f"{target}: cannot be written ({error.strerror}).") from None


def _cells(reject: Reject) -> list[str]:
    """A row; a cell that a spreadsheet would run is quoted for it. A file's name may be somebody's number."""
    told = [mask(inert(reject.contacts)), mask(inert(reject.file)), str(reject.row), reject.reason]
    return [f"'{text}" if text.startswith(_FORMULA) else text for text in told]


def _keep(target: Path, text: str) -> None:
    """Private from the start, also where the file was there with other rights."""
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.fchmod(descriptor, 0o600)
        file.write(text)
