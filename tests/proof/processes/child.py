"""What a forked process does: be the command line in a repository, on a shared clock, with points at which it can be cut."""

from __future__ import annotations

import asyncio
import os
import sys
import traceback
from pathlib import Path
from typing import Any, NoReturn

import stamina

from reconciler import cli, ledger, runs
from reconciler.clock import SystemClock
from tests.proof.processes.clock import SharedClock
from tests.proof.processes.points import Cut, Points, install

QUICK_LOOK = 0.05  # seconds between two looks at a held lease


def live(job: dict[str, Any]) -> NoReturn:
    code = 70
    try:
        points = Points(Cut(**job["cut"]) if job["cut"] else None)
        folder = Path(job["folder"])
        _move_in(job, folder)
        _set_clock(SharedClock(Path(job["clock"]), job["skips"]), job["skips"])
        stamina.set_testing(True, attempts=3)
        install(points)
        code = cli._run()
        (folder / "passed").write_text("\n".join(points.passed), "utf-8")
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)  # never back into the warm process's own loop


def _move_in(job: dict[str, Any], folder: Path) -> None:
    for number, name in ((1, "out"), (2, "err")):
        handle = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(handle, number)
        os.close(handle)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.environ.clear()
    os.environ.update(job["environ"])
    os.chdir(job["root"])
    sys.argv = ["reconciler", *job["argv"]]


def _set_clock(clock: SharedClock, skips: bool) -> None:
    """Whoever asks the system's clock asks the shared one. A timer on a clock that skips would race, so then there is none."""
    setattr(SystemClock, "now", lambda self: clock.now())  # noqa: B010 - a plain assignment is what mypy refuses
    setattr(SystemClock, "monotonic", lambda self: clock.monotonic())  # noqa: B010 - as above
    setattr(SystemClock, "sleep", lambda self, seconds: clock.sleep(seconds))  # noqa: B010 - as above
    setattr(ledger, "_simulated", lambda _: lambda: clock.now().timestamp())  # noqa: B010 - as above
    runs.LOCK_RETRY = QUICK_LOOK
    if skips:
        setattr(runs, "_heartbeat", _no_heartbeat)  # noqa: B010 - as above


async def _no_heartbeat(*_: object) -> None:
    await asyncio.Event().wait()
