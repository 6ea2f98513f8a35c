"""The long run: every file of proofs after the other, on all cores, and one table of what was run and found."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.proof.figures import VARIABLE

HERE = Path(__file__).parent
ROOT = HERE.parent.parent


@dataclass(frozen=True, slots=True)
class Row:
    """One layer: how much was run, what was found, seconds on the wall."""

    layer: str
    count: int
    unit: str
    found: int
    seconds: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class Stage:
    """One file of tests, played. `failed`: whether anything in it did, a violation or not."""

    name: str
    rows: Sequence[Row]
    seconds: float
    failed: bool


def files(only: str = "") -> list[Path]:
    """Every file of tests in this folder, then those elsewhere that write down a figure; `only`: with this in their name."""
    others = [path for path in (ROOT / "tests").rglob("test_*.py") if HERE not in path.parents]
    recording = [path for path in others if "tests.proof.figures" in path.read_text("utf-8")]
    return [path for path in [*sorted(HERE.rglob("test_*.py")), *sorted(recording)] if only in path.name]


def play(path: Path, long: str) -> Stage:
    """One file in a pytest of its own. `long`: what CHAOS is set to, "" for the short form."""
    with tempfile.TemporaryDirectory() as folder:
        figures = Path(folder) / "figures"
        environ = {**os.environ, VARIABLE: str(figures)} | ({"CHAOS": long} if long else {})
        command = [sys.executable, "-m", "pytest", "-n", "auto", str(path.relative_to(ROOT))]
        begun = time.perf_counter()
        code = subprocess.run(command, cwd=ROOT, env=environ, check=False, stdout=sys.stderr).returncode
        seconds = time.perf_counter() - begun
        lines = figures.read_text("utf-8").splitlines() if figures.exists() else []
    return Stage(path.name, rows([json.loads(line) for line in lines], seconds), seconds, code != 0)


def rows(lines: Iterable[Mapping[str, Any]], seconds: float) -> list[Row]:
    """The lines of one file added up by layer; its wall time goes to each layer by the time its tests took."""
    layers: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for line in lines:
        layers.setdefault((line["layer"], line["unit"]), []).append(line)
    spent = {key: sum(line["seconds"] for line in of) for key, of in layers.items()}
    whole = sum(spent.values()) or 1.0
    return [_row(key, of, seconds * spent[key] / whole) for key, of in layers.items()]


def _row(key: tuple[str, str], lines: Sequence[Mapping[str, Any]], seconds: float) -> Row:
    count, found = (sum(line[name] for line in lines) for name in ("count", "found"))
    notes = {line["note"] for line in lines} - {""}
    return Row(key[0], count, key[1], found, seconds, notes.pop() if len(notes) == 1 else "")


def table(stages: Sequence[Stage]) -> str:
    """Markdown; what failed without a figure of its own stands below."""
    lines = ["| layer | run | found | seconds |", "|---|---|---|---|"]
    for row in (row for stage in stages for row in stage.rows):
        note = f" ({row.note})" if row.note else ""
        lines.append(f"| {row.layer} | {row.count:,} {row.unit}{note} | {row.found} | {row.seconds:,.0f} |")
    lines.append(
        f"| together | | {sum(row.found for s in stages for row in s.rows)} | {sum(s.seconds for s in stages):,.0f} |"
    )
    lines += [f"\n**{stage.name} failed**" for stage in stages if stage.failed]
    return "\n".join(lines) + "\n"


def failed(stages: Sequence[Stage]) -> bool:
    return any(stage.failed or any(row.found for row in stage.rows) for stage in stages)
