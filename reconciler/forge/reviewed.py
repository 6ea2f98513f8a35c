"""The plan that was reviewed with a merged commit: its artefact found, and shown to be of that commit and unchanged. Applies nothing."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from reconciler import planfile
from reconciler.errors import ForgeError, PlanStale, ReconcilerError
from reconciler.forge.base import Forge, Merged
from reconciler.forge.bodies import artefact
from reconciler.model import Plan

LARGEST = 64 << 20  # bytes of an unpacked plan
_AGAIN = "Nothing was sent. docs/ci.md says how a commit without a reviewed plan is applied."


async def came_in_by(forge: Forge, commit: str) -> Merged:
    """Raises PlanStale where it was no pull request."""
    merged = await forge.merged(commit)
    if merged is None:
        raise PlanStale(
            f"The commit {commit[:7]} came in by no pull request, so nobody reviewed a plan of it. {_AGAIN}"
        )
    return merged


async def reviewed(forge: Forge, merged: Merged, out: Path) -> Plan:
    """Save the newest plan that was made for the head of a pull request.

    Raises PlanStale where there is none: none of its runs kept a plan, or all are of another commit.
    """
    async for archive in forge.archives(merged):
        for name, content in _plans(archive):
            if plan := _bound(name, content, merged.head, out):
                return plan
    raise PlanStale(
        f"No plan is kept for {merged.head[:7]}, the head of pull request {merged.number}: it was never planned here, as one from a fork, "
        f"or the artefact expired. {_AGAIN}"
    )


def _plans(archive: bytes) -> list[tuple[str, bytes]]:
    """The plan files of an artefact, by name without folder. Raises ForgeError where it is no ZIP, or one that would burst."""
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as files:
            chosen = [one for one in files.infolist() if one.filename.endswith(".json") and one.file_size <= LARGEST]
            return [(one.filename.rpartition("/")[2].removesuffix(".json"), files.read(one)) for one in chosen]
    except (zipfile.BadZipFile, RuntimeError) as error:  # broken; encrypted, or packed in a way that is not known
        raise ForgeError(f"The artefact of the plan cannot be unpacked ({type(error).__name__}).") from None


def _bound(name: str, content: bytes, head: str, out: Path) -> Plan | None:
    """The plan, where its name says that it is the one of this commit and digest. It is saved only then."""
    try:
        out.write_bytes(content)
        out.chmod(0o600)
        plan = planfile.load(out)
    except OSError as error:
        raise ReconcilerError(f"{out}: cannot be written ({error.strerror}).") from None
    except ReconcilerError:
        plan = None
    if plan is not None and name == artefact(plan, head):
        return plan
    out.unlink()
    return None
