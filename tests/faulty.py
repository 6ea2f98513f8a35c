"""Whole applies under faults: the examples against the simulated vendors on real sockets, time that is skipped instead of waited for."""

from __future__ import annotations

import asyncio
import re
import shutil
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

from reconciler import reconcile
from reconciler.ledger import open_reader
from reconciler.ledger.base import OpenRequest, OpState
from reconciler.model import Report
from reconciler.runs import Options
from reconciler.setup import Setup, load, opened
from tests.office import Office

UNREADABLE = {"conpeek", "intersvyaz"}
LOGINS = ("/v3/auth/token", "/login/", "/login")
WAYS = ("drop", "reset", "500", "503", "408", "429", "truncate", "garbage", "html", "empty", "302")


@dataclass
class SkippingClock:
    """Real time plus what was slept, which takes none."""

    skipped: float = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.skipped)

    def monotonic(self) -> float:
        return time.monotonic() + self.skipped

    async def sleep(self, seconds: float) -> None:
        self.skipped += seconds
        await asyncio.sleep(0)


async def _no_heartbeat(*_: object) -> None:
    """A timer on a clock that skips would race: these runs are far shorter than a lease."""
    await asyncio.Event().wait()


@dataclass(frozen=True, slots=True)
class Write:
    """One write call of a clean apply: the nth of its kind. `path` is a pattern, since ids differ from run to run."""

    vendor: str
    method: str
    path: str
    nth: int

    def rule(self, way: str, when: str) -> dict[str, Any]:
        fault: str | int = int(way) if way.isdigit() else way
        return {
            "vendor": self.vendor, "method": self.method, "path": self.path, "nth": self.nth, "fault": fault, "when": when,
        }  # fmt: skip


@dataclass
class Play:
    """One office, played again and again from the start."""

    office: Office
    clock: SkippingClock = field(default_factory=SkippingClock)
    dialled: dict[str, Counter[str]] = field(default_factory=dict)  # vendor -> whom a clean apply makes dialled

    def begin(self, *faults: Mapping[str, Any]) -> None:
        shutil.rmtree(self.office.root / ".reconciler", ignore_errors=True)
        self.office.here.simulator.reset()
        self.office.faults(*faults)
        self.clock = SkippingClock()

    def apply(self, patience: float = 3600, **options: Any) -> Report:
        setup = self.setup()

        async def go() -> Report:
            async with opened(setup) as sites:
                return await reconcile.apply(setup, sites, Options(settle_timeout=patience, **options))

        with mock.patch("reconciler.runs._heartbeat", _no_heartbeat):
            return asyncio.run(go())

    def setup(self) -> Setup:
        return replace(load(self.office.root, self.office.environ), clock=self.clock)

    def writes(self) -> list[Write]:
        """Every write call of a clean apply, logins apart."""
        self.begin()
        assert self.apply().code == 0
        seen: Counter[tuple[str, str, str]] = Counter()
        found = []
        for call in self.sent():
            path = "^" + re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "[^/]+", re.escape(call.path).replace(r"\-", "-")) + "$"
            seen[call.vendor, call.method, path] += 1
            found.append(Write(call.vendor, call.method, path, seen[call.vendor, call.method, path]))
        self.dialled = {name: Counter(vendor.dials()) for name, vendor in self.office.here.simulator.vendors.items()}
        return found

    def sent(self) -> list[Any]:
        """Every write call that reached a vendor, logins apart."""
        return [call for call in self.office.calls() if call.method != "GET" and call.path not in LOGINS]

    def open(self) -> list[OpenRequest]:
        with closing(self._reader()) as reader:
            return list(reader.open_requests())

    def unfinished(self) -> list[OpState]:
        """Operations that a finished apply may not leave behind (I3)."""
        with closing(self._reader()) as reader:
            states = [OpState(sent.state) for b in reader.bindings().values() for sent in reader.sent(b.identity)]
        return [state for state in states if state in {OpState.PLANNED, OpState.SENT}]

    def claims(self) -> int:
        """How often the ledger was told of a call before it left."""
        with closing(self._reader()) as reader:
            return sum(event.entity.startswith("request ") and event.after == "sent" for event in reader.events())

    def _reader(self) -> Any:
        setup = self.setup()
        return open_reader(setup.repository.project.state, str(setup.root), setup.environ, setup.clock)

    def finish(self) -> None:
        """Apply until nothing is left to do, as the next runs of a job would."""
        for _ in range(4):
            if self.apply().result == "nothing":
                return
        raise AssertionError("four more runs and still something to do")


def check(play: Play, write: Write) -> None:
    """Nobody twice; everybody once, those apart whom only a person can decide about; nothing half done; I5: a claim, at most a call."""
    office = play.office
    assert office.most_dials() <= 1
    assert len(play.sent()) <= play.claims()
    held = {request.key.connection.split("-")[0] for request in play.open()}
    assert held <= UNREADABLE & {write.vendor}, "what can be read is settled by reading"
    assert play.unfinished() == []
    for vendor, dials in play.dialled.items():
        if vendor not in held:
            assert office.here.simulator.vendors[vendor].dials() == dials


def scenarios(writes: list[Write], ways: tuple[str, ...]) -> Iterator[tuple[Write, str, str]]:
    for write in writes:
        for way in ways:
            for when in ("before", "after"):
                yield write, way, when
