"""What `validate` found as workflow commands of GitHub Actions, which shows them at their lines in the pull request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from reconciler.redact import inert
from reconciler.render.rules import Remark
from reconciler.units import counted

SHOWN: Final = 10  # of each level in one step: more are in the log alone
_DATA: Final = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_PROPERTY: Final = {**_DATA, ":": "%3A", ",": "%2C"}


def commands(remarks: Sequence[Remark]) -> str:
    """A line each, and one that says how many there are and whether GitHub shows them all."""
    counts = {level: sum(remark.level == level for remark in remarks) for level in ("error", "warning")}
    told = [counted(count, level) for level, count in counts.items() if count]
    more = [f"{level}s" for level, count in counts.items() if count > SHOWN]
    last = f"{', '.join(told)}." if told else "Valid."
    if more:
        last += (
            f" GitHub shows {SHOWN} {' and as many '.join(more)} of a step at their lines; all of them are in this log."
        )
    return "\n".join([*map(_command, remarks), last]) + "\n"


def _command(remark: Remark) -> str:
    values = {"file": remark.file, "line": remark.line, "col": remark.column, "title": remark.rule}
    given = ",".join(f"{name}={_escaped(inert(str(value)), _PROPERTY)}" for name, value in values.items() if value)
    return f"::{remark.level} {given}::{_escaped(remark.message, _DATA)}"


def _escaped(text: str, marks: dict[str, str]) -> str:
    return "".join(marks.get(character, character) for character in text)
