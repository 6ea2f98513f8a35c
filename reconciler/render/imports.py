"""What an import did, for standard error and standard output: how much, what was left and why, what to do next."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model.imports import Imported
from reconciler.redact import foreign, inert, mask
from reconciler.units import counted

_MOST = 50  # lines of one kind that are told in full
_PEOPLE = (
    "Whom these campaigns hold already is not declared and stays as it is. Before one of them gets contacts, read docs/import.md: who is "
    "in it already is not known here, and may be sent a second time."
)


def imported_told(done: Imported) -> str:
    """For a person."""
    return "".join(f"{mask(inert(line) if line else line)}\n" for line in _lines(done))


def imported_yaml(done: Imported) -> str:
    """All files as one, to be read or piped."""
    return "---\n".join(done.files.values())


def _lines(done: Imported) -> Iterator[str]:
    what = ", ".join(_made(done)) or "nothing"
    if not done.campaigns:
        yield f"{done.connection}: nothing to import."
    elif done.folder:
        yield f"{done.connection}: {what} written to {done.folder} and bound. The plan over them is empty."
    else:
        yield f"{done.connection}: {what}. Nothing was written or bound: for that, --into DIR."
    if done.declared:
        yield f"{counted(done.declared, 'campaign')} declared or bound already: left as they are."
    yield from _some(
        f'left: "{foreign(one.name, 60)}" ({inert(one.vendor_id)}): {foreign(one.why, 500)}' for one in done.left
    )
    yield from _some(_not_written(done))
    if done.folder and done.campaigns:
        if not done.included:
            yield f"spec.include of reconciler.yaml does not match {done.folder}: add {done.folder}/**/*.yaml, or nobody manages them."
        yield _PEOPLE


def _made(done: Imported) -> Iterator[str]:
    parts = (
        (done.campaigns, "campaign", ""),
        (done.schedules, "schedule", ""),
        (done.recalls, "recall policy", "recall policies"),
    )
    return (counted(count, one, many) for count, one, many in parts if count)


def _not_written(done: Imported) -> Iterator[str]:
    """What is so in several files once."""
    alike: dict[tuple[str, str], list[str]] = {}
    for one in done.unwritten:
        alike.setdefault((one.path, one.why), []).append(one.file)
    for (path, why), files in alike.items():
        where = files[0] if len(files) == 1 else f"{len(files):,} files"
        yield f"not written: {path} ({where}): {foreign(why)}"


def _some(lines: Iterator[str]) -> Iterator[str]:
    """The first of many, and how many more there are."""
    told = list(lines)
    yield from told[:_MOST]
    if len(told) > _MOST:
        yield f"and {len(told) - _MOST:,} more like these; the files say it too."
