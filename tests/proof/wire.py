"""The way to the vendors and back, where everything can go wrong. What has left is the vendor's, whatever becomes of the process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import Context, ContextVar
from dataclasses import dataclass
from random import Random
from typing import Any

import httpx

from reconciler.model import Limits, Settle
from reconciler.providers.base import Call
from tests.proof.desks import Desk
from tests.proof.virtual import PROCESS, Loop, Process

CALL: ContextVar[Call] = ContextVar("CALL")  # what `Account.send` was asked to send
CARRYING = ("/v3/lead", "/v3/lead/multi", "/records", "/request_list", "/api/campaigns")  # calls that add people
LOGINS = ("/v3/auth/token", "/login/")
_BROKEN = (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError)
_REFUSED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_SPOILT = (b"\x16\x03\x01", b"<html></html>", b"", b'{"success": true')
_STATUSES = (500, 500, 502, 503, 408, 302, 410, 429, 429, 429)


@dataclass
class Weather:
    """How much goes wrong in a history: the shares of writes, of reads and of commits that something happens to.

    `aimed`: of the writes, only those are hit that carry people.
    """

    random: Random
    writes: float = 0.0
    reads: float = 0.0
    slow_store: float = 0.0
    aimed: bool = False

    def calm(self) -> None:
        self.writes = self.reads = self.slow_store = 0.0


@dataclass(frozen=True, slots=True)
class Doom:
    """What happens to a process at the nth time that it comes by a point. `freeze` 0: it is killed there."""

    point: str
    nth: int
    freeze: float = 0.0


class Seams:
    """The places where a process touches the world, and what befalls it there."""

    def __init__(self, process: Process, loop: Loop, weather: Weather, watch: Any, dooms: list[Doom]) -> None:
        self.process, self.watch = process, watch
        self._loop, self._weather, self._dooms = loop, weather, dooms
        self._passed: dict[str, int] = {}

    def pass_by(self, point: str, longest: float = 1e9) -> bool:
        """Whether the process died here, or is frozen from its next step on, for `longest` seconds at most."""
        nth = self._passed[point] = self._passed.get(point, 0) + 1
        for doom in self._dooms:
            if (doom.point, doom.nth) == (point, nth) and not self.process.dead:
                if doom.freeze:
                    self.process.frozen_until = self._loop.now + min(doom.freeze, longest)
                    self.watch.say(f"frozen at {point} for {min(doom.freeze, longest):.0f} s")
                else:
                    self.watch.say(f"killed at {point}")
                    self.process.kill()
                return True
        return False

    def commit_takes(self) -> float:
        random = self._weather.random
        slow = random.random() < self._weather.slow_store
        return random.uniform(3, 9) if slow else random.uniform(0.001, 0.005)

    def committed(self) -> None:
        self.pass_by("claimed" if self.watch.committed() else "committed")


class Wire(httpx.AsyncBaseTransport):
    """One process's connection to one account."""

    def __init__(self, desk: Desk, seams: Seams, weather: Weather, loop: Loop, limits: Limits, settle: Settle) -> None:
        self._desk, self._seams, self._weather, self._loop = desk, seams, weather, loop
        self._timeout, self._late = float(limits.timeout), float(settle.late_max)
        self._decided_429 = limits.rate_limit_before_execution
        self._random = weather.random

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        PROCESS.get().check_alive()
        if request.method == "GET" or request.url.path.endswith(LOGINS):
            return await self._read(request)
        return await self._write(request)

    # ---- reads and logins ------------------------------------------------------------------------------------------

    async def _read(self, request: httpx.Request) -> httpx.Response:
        await self._pass(0.01, 0.1)
        if self._random.random() < self._weather.reads:
            way = self._random.randrange(4)
            if way == 0:
                raise self._random.choice(_BROKEN)("lost", request=request)
            if way == 1:
                await self._pass(self._timeout, self._timeout)
                raise httpx.ReadTimeout("slow", request=request)
            if way == 2:
                return httpx.Response(self._random.choice(_STATUSES))
            return httpx.Response(200, content=self._random.choice(_SPOILT))
        status, body = self._desk.ask(request)
        self._seams.watch.has_read(self._desk.vendor.name, request)
        await self._pass(0.01, 0.1)
        return httpx.Response(status, content=body)

    # ---- writes ----------------------------------------------------------------------------------------------------

    async def _write(self, request: httpx.Request) -> httpx.Response:
        call, began = CALL.get(), self._loop.now
        # Between the last look at the clock and the socket there is no step where anything else could come in between: what is not
        # promised is a freeze just here that is longer than the horizon.
        if self._seams.pass_by("leaving", 2 * self._timeout):
            await self._pass(0.0, 0.0)
        row = self._seams.watch.leaving(self._desk.vendor.name, call, request)
        way = self._way(request)
        self._seams.watch.say(f"{call} as {row}: {way}")
        # What the protocol assumes of a vendor: nothing is executed later than this.
        last = began + 2 * self._timeout + self._late
        response: httpx.Response = await _WAYS[way](self, request, row, last)
        return response

    def _way(self, request: httpx.Request) -> str:
        spared = self._weather.aimed and not (request.url.path.endswith(CARRYING) or "/v3/lead/" in request.url.path)
        if spared or self._random.random() >= self._weather.writes:
            return "answered"
        return self._random.choices(list(_WAYS), _WEIGHTS)[0]

    async def _answered(self, request: httpx.Request, row: str, last: float) -> httpx.Response:
        status, body = await self._executed(request, row, self._random.uniform(0.01, 0.3))
        return httpx.Response(status, content=body)

    async def _slow(self, request: httpx.Request, row: str, last: float) -> httpx.Response:
        status, body = await self._executed(request, row, self._random.uniform(0.5, 0.9) * self._timeout)
        return httpx.Response(status, content=body)

    async def _not_sent(self, request: httpx.Request, row: str, last: float) -> httpx.Response:
        error = self._random.choice(_REFUSED)
        await self._pass(0.0, self._timeout if error is not httpx.ConnectError else 0.1)
        raise error("never left", request=request)

    async def _lost(self, request: httpx.Request, row: str, last: float) -> httpx.Response:
        return await self._broken(request)

    async def _unheard(self, request: httpx.Request, row: str, last: float) -> httpx.Response:
        await self._executed(request, row, self._random.uniform(0.01, 0.3))
        return await self._broken(request)

    async def _executed_late(self, request: httpx.Request, row: str, last: float) -> httpx.Response:
        longest = last - self._loop.now
        delay = longest - 0.5 if self._random.random() < 0.4 else self._random.uniform(0, longest)
        self._leave(request, row, max(delay, 0.0))
        return await self._broken(request)

    async def _status(self, request: httpx.Request, row: str, last: float) -> httpx.Response:
        status = self._random.choice((*_STATUSES, 401))
        never = status == 401 or (status == 429 and self._decided_429)
        if not never and self._random.random() < 0.5:
            await self._executed(request, row, 0.1)
        await self._pass(0.01, 0.3)
        return httpx.Response(status, headers={"Retry-After": "2"} if self._random.random() < 0.5 else {})

    async def _spoiled(self, request: httpx.Request, row: str, last: float) -> httpx.Response:
        body = b'{"success": true, "data": []}'
        if self._random.random() < 0.6:
            _, body = await self._executed(request, row, 0.1)
        spoilt = self._random.choice((*_SPOILT, b"[]", body[: len(body) // 2]))
        await self._pass(0.01, 0.3)
        return httpx.Response(200, content=spoilt)

    async def _partial(self, request: httpx.Request, row: str, last: float) -> httpx.Response:
        """Some items of a batch only, which the answer shows; that of a create with its people would not."""
        if request.url.path.endswith("/api/campaigns"):
            return await self._answered(request, row, last)
        status, body = await self._executed(request, row, 0.1, self._random.randrange(3))
        return httpx.Response(status, content=body)

    # ---- shared ----------------------------------------------------------------------------------------------------

    async def _pass(self, least: float, most: float) -> None:
        """Time goes by on the wire; a frozen process sees its answer later."""
        await asyncio.sleep(self._random.uniform(least, most))
        PROCESS.get().check_alive()

    async def _executed(
        self, request: httpx.Request, row: str, delay: float, first_items: int | None = None
    ) -> tuple[int, bytes]:
        replies = self._leave(request, row, delay, first_items)
        self._seams.pass_by("sent")
        await self._pass(delay + 0.001, delay + 0.3)
        self._seams.pass_by("executed")
        await self._pass(0.0, 0.0)
        return replies[0]

    def _leave(
        self, request: httpx.Request, row: str, delay: float, first_items: int | None = None
    ) -> list[tuple[int, bytes]]:
        """From here on it is on its way, whatever becomes of the process. What the vendor will have answered, once it has."""
        replies: list[tuple[int, bytes]] = []
        watch, desk = self._seams.watch, self._desk

        def execute() -> None:
            with watch.effects_of(desk, row):
                replies.append(desk.ask(request, first_items))

        self._loop.call_later(delay, execute, context=Context())
        return replies

    async def _broken(self, request: httpx.Request) -> httpx.Response:
        if self._random.random() < 0.4:
            await self._pass(self._timeout, self._timeout)
            raise httpx.ReadTimeout("no answer", request=request)
        await self._pass(0.01, 0.3)
        self._seams.pass_by("executed")
        raise self._random.choice(_BROKEN)("no answer", request=request)


_WAYS: dict[str, Callable[[Wire, httpx.Request, str, float], Any]] = {
    "answered": Wire._answered,
    "slow": Wire._slow,
    "not sent": Wire._not_sent,
    "lost": Wire._lost,
    "unheard": Wire._unheard,
    "late": Wire._executed_late,
    "status": Wire._status,
    "spoiled": Wire._spoiled,
    "partial": Wire._partial,
}
_WEIGHTS = (0, 1, 2, 2, 2, 3, 4, 2, 2)
