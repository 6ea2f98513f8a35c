"""Commands as processes of their own, forked from a warm one: a tenth of a second each instead of a second of imports.

Run as a module it is the warm process: one JSON line per command on standard input, lines about their beginning and end on standard
output. It has one thread, so that what it forks is whole.
"""

from __future__ import annotations

import gc
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

import phonenumbers

import reconciler
from tests.proof.processes.points import Cut

PATIENCE = 60.0  # seconds until a process that does not end is a failure


@dataclass(frozen=True, slots=True)
class Job:
    """One command. `folder`: where its standard output, error and the points it passed are written."""

    argv: tuple[str, ...]
    root: str
    environ: Mapping[str, str]
    folder: str
    clock: str
    skips: bool = True
    cut: Cut | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended: its exit code, or minus the signal that ended it."""

    code: int
    out: str
    err: str
    passed: tuple[str, ...]

    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(slots=True)
class Running:
    """A command under way."""

    pid: int
    job: Job
    _nursery: Nursery
    _handle: int  # of this process and no other, also when it has ended and its number is somebody else's

    def wait(self) -> Ended:
        code = self._nursery.code_of(self.pid)
        os.close(self._handle)
        return Ended(code, self.said("out"), self.said(), tuple(self.said("passed").splitlines()))

    def said(self, where: str = "err") -> str:
        """Its standard error or output so far; nothing where it ended before it had opened them."""
        path = Path(self.job.folder) / where
        return path.read_text("utf-8") if path.exists() else ""

    def signal(self, number: int) -> None:
        """To one that has ended already: nothing."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._handle, number)

    def frozen(self) -> bool:
        """Wait until it is stopped, or has ended: True where it is stopped."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                state = Path(f"/proc/{self.pid}/stat").read_bytes().rpartition(b")")[2].split()[0]
            except (FileNotFoundError, ProcessLookupError):
                return False
            if state == b"T":
                return True
            if state == b"Z":
                return False
            time.sleep(0.002)
        raise AssertionError("neither stopped nor ended in time")


@dataclass(slots=True)
class Nursery:
    """The client of the warm process."""

    process: subprocess.Popen[str]
    _codes: dict[int, int] = field(default_factory=dict)

    def start(self, job: Job) -> Running:
        Path(job.folder).mkdir()
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(asdict(job)) + "\n")
        self.process.stdin.flush()
        while "pid" not in (line := self._line()):
            self._codes[line["ended"]] = line["code"]
        return Running(line["pid"], job, self, os.pidfd_open(line["pid"]))

    def code_of(self, pid: int) -> int:
        """Wait for the end of a process that was started here."""
        while pid not in self._codes:
            line = self._line()
            self._codes[line["ended"]] = line["code"]
        return self._codes.pop(pid)

    def _line(self) -> dict[str, int]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the warm process has died"
        parsed: dict[str, int] = json.loads(line)
        return parsed


@contextmanager
def nursery() -> Iterator[Nursery]:
    command = [sys.executable, "-m", "tests.proof.processes.nursery"]
    environ = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    root = Path(__file__).parents[3]
    with subprocess.Popen(
        command, cwd=root, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Nursery(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(PATIENCE)


# ---- the warm process ------------------------------------------------------------------------------------------------


def _serve() -> None:
    _warm()
    selector = selectors.DefaultSelector()
    selector.register(0, selectors.EVENT_READ)
    children: dict[int, int] = {}
    waiting = b""
    while True:
        for key, _mask in selector.select():
            if key.fd != 0:
                _tell_end(selector, children, key.fd)
                continue
            received = os.read(0, 65536)
            if not received:
                _end(children)
                return
            *lines, waiting = (waiting + received).split(b"\n")
            for line in lines:
                handle, pid = _begin(json.loads(line))
                children[handle] = pid
                selector.register(handle, selectors.EVENT_READ)


def _warm() -> None:
    """Import all that a command may need, down to what is looked up by country."""
    for module in walk_packages(reconciler.__path__, "reconciler."):
        if not module.name.startswith("reconciler.simulator"):
            import_module(module.name)
    for region in ("PL", "RU", "VN"):
        phonenumbers.is_valid_number(phonenumbers.parse("500000001", region))
    import_module("tests.proof.processes.child")
    threads = len(os.listdir("/proc/self/task"))
    assert threads == 1, f"{threads} threads: what is forked now would lack them"
    gc.collect()
    gc.freeze()


def _begin(job: dict[str, Any]) -> tuple[int, int]:
    pid = os.fork()
    if pid == 0:
        from tests.proof.processes.child import live

        live(job)  # never returns
    _say({"pid": pid})
    return os.pidfd_open(pid), pid


def _tell_end(selector: selectors.BaseSelector, children: dict[int, int], handle: int) -> None:
    selector.unregister(handle)
    os.close(handle)
    pid = children.pop(handle)
    _, status = os.waitpid(pid, 0)
    _say({"ended": pid, "code": os.waitstatus_to_exitcode(status)})


def _end(children: dict[int, int]) -> None:
    for pid in children.values():
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _say(line: dict[str, int]) -> None:
    os.write(1, json.dumps(line).encode() + b"\n")


if __name__ == "__main__":
    _serve()
    os._exit(0)  # the interpreter would tell at length what the libraries leave behind
