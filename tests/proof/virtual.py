"""Processes on one virtual clock: an event loop in which each of them can be frozen or killed between any two steps. Nothing else."""

from __future__ import annotations

import asyncio
from asyncio import events
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from typing import Any, TypeVarTuple, Unpack

Args = TypeVarTuple("Args")
EPOCH = datetime(2026, 6, 1, 8, 0, tzinfo=UTC)  # what the wall shows when a history begins


class Killed(BaseException):
    """What a process that was killed meets wherever it would have an effect: none of its `finally` reaches the world."""


@dataclass(eq=False)
class Process:
    """One run of the tool: its tasks, and whether it still lives."""

    name: str
    dead: bool = False
    frozen_until: float = 0.0
    tasks: list[asyncio.Task[Any]] = field(default_factory=list)
    seams: Any = None  # where it touches the world

    def kill(self) -> None:
        """From now on it does nothing: what it has in memory is unwound without effect, what was not committed never was."""
        self.dead = True
        for task in self.tasks:
            task.cancel()

    def check_alive(self) -> None:
        if self.dead:
            raise Killed(self.name)


PROCESS: ContextVar[Process] = ContextVar("PROCESS")  # whose step is running


def _owner(context: Context | None) -> Process | None:
    return PROCESS.get(None) if context is None else context.get(PROCESS)


class _Task(asyncio.Task[Any]):
    """Hashed by its number, not by its address: sets of tasks are walked in the same order in every replay."""

    number = 0

    def __hash__(self) -> int:
        return self.number


class Loop(asyncio.AbstractEventLoop):
    """Runs one step after another; when none is ready the clock jumps to the next that is due."""

    def __init__(self) -> None:
        self.now = 0.0
        self._ready: deque[tuple[asyncio.Handle, Process | None]] = deque()
        self._later: list[tuple[float, int, asyncio.Handle, Process | None]] = []
        self._count = count(1)

    def run(self, main: Coroutine[Any, Any, Any], process: Process) -> Any:
        """Everything until `main` is done."""
        before = events._get_running_loop()
        events._set_running_loop(self)
        try:
            done = self.spawn(main, process)
            while not done.done():
                self._step()
            return done.result()
        finally:
            events._set_running_loop(before)

    def spawn(self, main: Coroutine[Any, Any, Any], process: Process) -> asyncio.Task[Any]:
        """Start `main` as (a part of) a process."""
        context = Context()
        context.run(PROCESS.set, process)
        return self.create_task(main, context=context)

    def _step(self) -> None:
        if self._ready:
            handle, owner = self._ready.popleft()
        else:
            when, _, handle, owner = heappop(self._later)
            self.now = max(self.now, when)
        if handle.cancelled():
            return
        if owner is not None and owner.frozen_until > self.now and not owner.dead:
            heappush(self._later, (owner.frozen_until, next(self._count), handle, owner))
            return
        handle._run()

    # ---- what asyncio asks of a loop -------------------------------------------------------------------------------

    def time(self) -> float:
        return self.now

    def call_soon(
        self, callback: Callable[[Unpack[Args]], object], *args: *Args, context: Context | None = None
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append((handle, _owner(context)))
        return handle

    def call_later(
        self,
        delay: float,
        callback: Callable[[Unpack[Args]], object],
        *args: *Args,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        return self.call_at(self.now + delay, callback, *args, context=context)

    def call_at(
        self,
        when: float,
        callback: Callable[[Unpack[Args]], object],
        *args: *Args,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        heappush(self._later, (when, next(self._count), handle, _owner(context)))
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """It is skipped when its time comes."""

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, *, name: str | None = None, context: Context | None = None) -> asyncio.Task[Any]:
        task = _Task(coro, loop=self, name=name, context=context)
        task.number = next(self._count)
        owner = _owner(context)
        if owner is not None:
            owner.tasks.append(task)
        return task

    def get_debug(self) -> bool:
        return False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """A task whose failure nobody asked for: of a killed process, or the second failure of several side by side."""


@dataclass(frozen=True)
class VirtualClock:
    """A process's Clock. `skew`: seconds that its wall is ahead of the store's."""

    loop: Loop
    skew: float = 0.0

    def now(self) -> datetime:
        return EPOCH + timedelta(seconds=self.loop.now + self.skew)

    def monotonic(self) -> float:
        return self.loop.now

    async def sleep(self, seconds: float) -> None:
        PROCESS.get().check_alive()
        await asyncio.sleep(seconds)
