"""The simulated vendors behind one ASGI application: dispatch, request log, latency and faults.

What the vendors do is in their own modules, the control surface in `control.py`, the listening socket in `server.py`.
"""

import asyncio
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass

from starlette.routing import Route, Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .faults import Faults, Rule
from .vendor import FIRST_ITEMS, Fields, Vendor
from .wire import STAND_IN, Reply, Wire, spoil
from .world import World

PREFIXES = {"conpeek": "/conpeek", "thulium": "/thulium/api", "tel4vn": "/tel4vn", "intersvyaz": "/intersvyaz"}
"""Vendor -> what its connection's `baseUrl` ends in."""

CONTROL = "/_sim"

LOGGED_BODY = 4096
"""Bytes of a request body that the log keeps."""


@dataclass(slots=True)
class Entry:
    """One request in the log; it may hold phone numbers, as the simulator is a local test tool."""

    seq: int
    vendor: str
    method: str
    path: str
    query: str
    body: str
    status: int | None = None
    """The vendor's own answer; None as long as it has not done the work."""
    fault: str | int | None = None
    """What the client got instead, or on top."""

    @property
    def effect(self) -> bool:
        """Whether the vendor accepted a write: something may have changed, whatever the client was told."""
        return self.method not in ("GET", "HEAD") and self.status is not None and self.status < 300

    def as_json(self) -> Fields:
        return {name: getattr(self, name) for name in self.__slots__} | {"effect": self.effect}


@dataclass(frozen=True, slots=True)
class Request:
    """A request read to its end, with what is needed to run it now, later, or never."""

    scope: Scope
    body: bytes
    entry: Entry
    router: ASGIApp

    async def run(self, first_items: int | None = None) -> Reply:
        """Let the vendor do the work; the reply it would send."""
        messages: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": self.body, "more_body": False}

        async def send(message: Message) -> None:
            messages.append(message)

        scope = {**self.scope, "path": self.entry.path, "root_path": "", FIRST_ITEMS: first_items}
        await self.router(scope, receive, send)
        start, *parts = messages
        self.entry.status = start["status"]
        return Reply(start["status"], list(start["headers"]), b"".join(part["body"] for part in parts))


class Simulator:
    """The vendors, the log and the faults of one world: an ASGI application, to be run by uvicorn."""

    def __init__(
        self, world: World, vendors: Sequence[Callable[[World], Vendor]], control: Callable[["Simulator"], list[Route]]
    ) -> None:
        self.world = world
        self._makers = tuple(vendors)
        self._start = deepcopy((world.switches, world.latency_ms, world.offset))
        self._control = Router(control(self), redirect_slashes=False)
        self._closing = asyncio.Event()
        self.reset()

    def reset(self) -> None:
        """Back to the start: vendors, log, switches, latency, clock, faults, and nobody logged in."""
        world = self.world
        world.switches, world.latency_ms, world.offset = deepcopy(self._start)
        world.tokens.clear()
        self.faults = Faults(world.faults)
        self.log: list[Entry] = []
        self.vendors = {vendor.name: vendor for vendor in (make(world) for make in self._makers)}
        self._routers = {name: Router(vendor.routes(), redirect_slashes=False) for name, vendor in self.vendors.items()}
        if world.seeded:
            self.seed()

    def seed(self) -> None:
        """Load every vendor's small world."""
        for vendor in self.vendors.values():
            vendor.seed()

    def close(self) -> None:
        """End every wait: slow replies go out at once, late work is never done."""
        self._closing.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if path.startswith(CONTROL):
            await self._control(scope, receive, send)
            return
        for vendor in self._routers:
            if path.startswith(PREFIXES[vendor] + "/"):
                await self._serve(vendor, scope, receive, send)
                return
        await Wire(receive, send).answer(Reply(404, [(b"content-length", b"0")], b""))

    async def _serve(self, vendor: str, scope: Scope, receive: Receive, send: Send) -> None:
        request = self._log(vendor, scope, await _read_body(receive))
        entry, wire = request.entry, Wire(receive, send)
        rule = self.faults.pick(vendor, entry.method, entry.path)
        if self.world.latency_ms:
            await asyncio.sleep(self.world.latency_ms / 1000)
        if rule is None:
            await wire.answer(await request.run())
        else:
            entry.fault = rule.fault
            await self._play(rule, request, wire)

    def _log(self, vendor: str, scope: Scope, body: bytes) -> Request:
        entry = Entry(
            len(self.log) + 1,
            vendor,
            scope["method"],
            scope["path"].removeprefix(PREFIXES[vendor]),
            scope["query_string"].decode("ascii"),
            body[:LOGGED_BODY].decode("utf-8", "replace"),
        )
        self.log.append(entry)
        return Request(scope, body, entry, self._routers[vendor])

    async def _play(self, rule: Rule, request: Request, wire: Wire) -> None:
        match rule.fault:
            case "late":
                await wire.drop()
                if await self._waited(rule.seconds):
                    await request.run()
            case "slow":
                await self._answer_slowly(rule, request, wire)
            case "partial":
                await wire.answer(await request.run(rule.items))
            case _:
                await spoil(rule, await request.run() if rule.when == "after" else STAND_IN, wire)

    async def _answer_slowly(self, rule: Rule, request: Request, wire: Wire) -> None:
        if rule.when == "after":
            reply = await request.run()
            await self._waited(rule.seconds)
        else:
            await self._waited(rule.seconds)
            reply = await request.run()
        await wire.answer(reply)

    async def _waited(self, seconds: float) -> bool:
        """Wait; False where the server closed before the time had passed."""
        try:
            await asyncio.wait_for(self._closing.wait(), seconds)
        except TimeoutError:
            return True
        return False


async def _read_body(receive: Receive) -> bytes:
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body
