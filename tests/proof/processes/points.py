"""The places at which a run can be cut, put around the shipped code from outside, inside of a process that may die of it.

Every ledger call (`before`, `within` its transaction, `after` its commit) and every request (`before`, `sent`, `after` the answer) is
a point with a name; they are counted, and at the one that was asked for the process sends itself a signal.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientResponse

from reconciler.ledger.journal import Journal
from reconciler.ledger.sql_ledger import SqlLedger
from reconciler.providers.http import Account

STEPS = (
    "acquire", "start", "recover", "identity", "claim", "outcome", "bind", "unbind", "applied", "remember", "renew", "release",
    "finish", "unlock",
)  # fmt: skip
ON_THE_WAY = (
    0.03  # seconds that a request is given to reach the vendor before the process is cut with the answer unread
)
_on_the_wire: ContextVar[str] = ContextVar("on_the_wire", default="")
_in_commit: list[str] = []  # what the ledger was told in the commit under way; only the journal's thread uses it


@dataclass(frozen=True, slots=True)
class Cut:
    """Where to cut: at the `nth` point called `name`, or at the nth of all where the name is empty; with which signal."""

    name: str = ""
    nth: int = 1
    signal: int = 9


@dataclass(slots=True)
class Points:
    """The points passed so far, in order."""

    cut: Cut | None
    passed: list[str] = field(default_factory=list)
    _counts: Counter[str] = field(default_factory=Counter)
    committing: threading.RLock = field(
        default_factory=threading.RLock
    )  # who is stopped elsewhere keeps nobody from the ledger
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def here(self, name: str) -> bool:
        """Count one point; whether it is the one."""
        with self._lock:
            self.passed.append(name)
            self._counts[name] += 1
            cut = self.cut
            if cut is None:
                return False
            return (self._counts[name] if cut.name else len(self.passed)) == cut.nth and cut.name in {"", name}

    def reach(self, name: str) -> None:
        if self.here(name):
            self.strike()

    def strike(self) -> None:
        assert self.cut is not None
        with self.committing:  # to this very thread: one that is merely in the process would be stopped a moment later
            signal.pthread_kill(threading.get_ident(), self.cut.signal)


def install(points: Points) -> None:
    """Put the points around the ledger and the wire of this process, for good."""
    for step in STEPS:
        setattr(SqlLedger, step, _told(points, step, getattr(SqlLedger, step)))
    _around_commits(points)
    _around_requests(points)


def _told(points: Points, step: str, plain: Callable[..., Any]) -> Callable[..., Any]:
    def told(self: SqlLedger, *arguments: Any) -> Any:
        value = plain(self, *arguments)
        about = f" {arguments[1].connection} {arguments[1].call}" if step == "claim" else ""
        _in_commit.append(step + about)
        points.reach(f"within {step}{about}")
        return value

    return told


def _around_commits(points: Points) -> None:
    plain = Journal._commit

    def commit(self: Journal, group: Sequence[Any]) -> Any:
        for call in group:
            points.reach(f"before {_step(call.run)}")
        _in_commit.clear()
        with points.committing:
            outcomes = plain(self, group)
        for step in tuple(_in_commit):
            points.reach(f"after {step}")
        return outcomes

    setattr(Journal, "_commit", commit)  # noqa: B010 - a plain assignment to a method is what mypy refuses


def _step(call: Any) -> str:
    """Which step of the ledger a call handed to the journal ends with, from the names in it."""
    return next((name for name in reversed(call.__code__.co_names) if name in STEPS), "remember")


def _around_requests(points: Points) -> None:
    wire, start = Account._wire, ClientResponse.start

    async def wired(self: Account, call: Any, headers: Any) -> Any:
        name = f"{self.connection.name} {call}"
        _on_the_wire.set(name)
        points.reach(f"before {name}")
        try:
            return await wire(self, call, headers)
        finally:
            points.reach(f"after {name}")

    async def started(self: ClientResponse, connection: Any) -> Any:
        if points.here(f"sent {_on_the_wire.get()}"):
            await asyncio.sleep(ON_THE_WAY)
            points.strike()
        return await start(self, connection)

    setattr(Account, "_wire", wired)  # noqa: B010 - as above
    setattr(ClientResponse, "start", started)  # noqa: B010 - as above
