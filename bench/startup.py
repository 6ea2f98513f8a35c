"""Start-up: what a command costs before it does anything, beside an interpreter that imports click and nothing else."""

from __future__ import annotations

import sys
from pathlib import Path

from bench.measure import ROOT, Contestant, Measured, side_by_side
from bench.table import Row

RUNS = 15
MOST = 1.5
_EXAMPLE = ROOT / "examples/campaigns"


def rows(runs: int = RUNS) -> list[Row]:
    program = str(Path(sys.executable).parent / "reconciler")
    commands = {
        "click": [sys.executable, "-c", "import click"],
        "reconciler --version": [program, "--version"],
        "reconciler --help": [program, "--help"],
        "reconciler validate, the examples": [program, "validate"],
    }
    measured = side_by_side({name: Contestant(command, _EXAMPLE) for name, command in commands.items()}, runs)
    rival = measured.pop("click")
    return [_row(work, ours, rival) for work, ours in measured.items()]


def _row(work: str, ours: Measured, rival: Measured) -> Row:
    return Row(
        "start-up",
        work,
        1000 * ours.seconds,
        "ms",
        1000 * rival.seconds,
        "python -c 'import click'",
        most_ratio=MOST if "--" in work else None,
        mib=ours.mib,
        rival_mib=rival.mib,
    )
