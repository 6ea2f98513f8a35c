"""Processes beside one another: each run is a process of its own, so that its peak memory is its own. Knows no stage."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent


def _nothing() -> None:
    return None


@dataclass(frozen=True, slots=True)
class Contestant:
    """One command. `environ` is added to this process's; `before` is called before every run and not measured."""

    command: Sequence[str]
    cwd: Path = ROOT
    environ: Mapping[str, str] = field(default_factory=dict)
    before: Callable[[], None] = _nothing


@dataclass(frozen=True, slots=True)
class Measured:
    """Median seconds and greatest peak memory of some runs; what the last run printed."""

    seconds: float
    mib: float
    out: str


def worker(module: str, *arguments: object) -> list[str]:
    """A command that runs a part of a benchmark in a process of its own. What it prints with `tell` counts instead of its wall time."""
    return [sys.executable, "-m", f"bench.{module}", *map(str, arguments)]


def tell(seconds: float) -> None:
    """Called by a worker: how long what it is about took, without its preparations."""
    print(json.dumps({"seconds": seconds}))


@contextmanager
def serving(command: Sequence[str]) -> Iterator[str]:
    """A server for as long as the block lasts; yields the line it prints once it listens."""
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def side_by_side(contestants: Mapping[str, Contestant], runs: int) -> dict[str, Measured]:
    """Every contestant in turn, `runs` times after once to warm up; a single run is its own. Raises RuntimeError where one fails."""
    found: dict[str, list[Measured]] = {name: [] for name in contestants}
    for _ in range(runs + 1 if runs > 1 else 1):
        for name, contestant in contestants.items():
            found[name].append(once(contestant))
    return {name: _middle(measured[-runs:]) for name, measured in found.items()}


def _middle(runs: Sequence[Measured]) -> Measured:
    return Measured(statistics.median(run.seconds for run in runs), max(run.mib for run in runs), runs[-1].out)


def once(contestant: Contestant) -> Measured:
    """One run. Raises RuntimeError where it fails."""
    contestant.before()
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        begun = time.perf_counter()
        environ = {**os.environ, **contestant.environ}
        environ.pop("PYTHONDONTWRITEBYTECODE", None)  # programs run from bytecode; the warm-up writes it
        process = subprocess.Popen(contestant.command, cwd=contestant.cwd, env=environ, stdout=out, stderr=err)
        # wait4 and not wait: the operating system's own account of this one process, its peak memory among it.
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if process.returncode:
            raise RuntimeError(f"{' '.join(contestant.command)} ended with {process.returncode}:\n{err.read()[-2000:]}")
        text = out.read()
    return Measured(_told(text) or seconds, usage.ru_maxrss / 1024, text)


def _told(out: str) -> float | None:
    last = out.rstrip().rpartition("\n")[2]
    return float(json.loads(last)["seconds"]) if last.startswith('{"seconds":') else None
