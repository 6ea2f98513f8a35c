"""How a test writes down what it ran and found, for the table of `make chaos`. Renders nothing."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

VARIABLE = "CHAOS_FIGURES"  # the file the figures are appended to; unset: nothing is written
LONG = "CHAOS" in os.environ  # whether the long form is asked for; CHAOS=nightly asks for the longest
NIGHTLY = os.environ.get("CHAOS") == "nightly"


def sized(short: int, long: int, nightly: int | None = None) -> int:
    """How much to run: in `make test`, under `CHAOS=1`, under `CHAOS=nightly` (where None: as in the long form)."""
    if NIGHTLY and nightly is not None:
        return nightly
    return long if LONG else short


def record(layer: str, count: int, unit: str, found: int, note: str = "", seconds: float = 0.0) -> None:
    """Write down that `count` `unit` of `layer` were run and `found` violations found; several calls of one layer add up.

    One write of one line: processes that append at the same time do not mix their lines.
    """
    path = os.environ.get(VARIABLE)
    if not path:
        return
    line = {
        "layer": layer,
        "count": count,
        "unit": unit,
        "found": int(found),
        "note": note,
        "seconds": round(seconds, 2),
    }
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(handle, json.dumps(line, ensure_ascii=False).encode() + b"\n")
    finally:
        os.close(handle)


@dataclass(slots=True)
class Tally:
    """What one layer has run and found so far; it is written down by `recorded` whatever happens."""

    count: int = 0
    found: int = 0
    note: str = ""


@contextmanager
def recorded(layer: str, unit: str) -> Iterator[Tally]:
    """Times the block and records its tally; a block that raises has found one thing at least."""
    tally, begun = Tally(), time.perf_counter()
    try:
        yield tally
    except BaseException:
        tally.found = max(1, tally.found)
        raise
    finally:
        record(layer, tally.count, unit, tally.found, tally.note, time.perf_counter() - begun)
