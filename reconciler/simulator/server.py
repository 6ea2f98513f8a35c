"""The simulator on a loopback port: blocking for the command line, in a thread of its own for tests and demos."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import uvicorn

from .app import build_app
from .simulation import PREFIXES, Simulator
from .world import World

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Running:
    """A simulator that listens."""

    url: str
    world: World
    simulator: Simulator

    def base_url(self, vendor: str) -> str:
        """What a connection to this vendor has as its `baseUrl`."""
        return self.url + PREFIXES[vendor]


class _Server(uvicorn.Server):
    """uvicorn that says when it listens and lets no waiting fault hold up its end."""

    def __init__(self, simulator: Simulator, listening: Callable[[], None]) -> None:
        # h11: the one HTTP protocol of uvicorn that needs nothing installed beside it, so every user gets the same.
        # Idle connections outlive any pool's, so that a connection is closed by a fault and by nothing else.
        super().__init__(
            uvicorn.Config(
                simulator,
                http="h11",
                loop="asyncio",
                ws="none",
                lifespan="off",
                interface="asgi3",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_keep_alive=600,
            )
        )
        self._simulator = simulator
        self._listening = listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._listening()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._simulator.close()
        await super().shutdown(sockets)


def serve(port: int, world: World, listening: Callable[[Running], None]) -> None:
    """Serve until SIGINT or SIGTERM; port 0 takes a free one. OSError where the port is taken.

    `listening` is called once requests are answered.
    """
    simulator = build_app(world)
    with _listener(port) as endpoint, contextlib.suppress(KeyboardInterrupt):
        here = Running(_url(endpoint), world, simulator)
        _Server(simulator, lambda: listening(here)).run(sockets=[endpoint])


@contextlib.contextmanager
def running(world: World | None = None) -> Iterator[Running]:
    """A simulator on a free port for as long as the block lasts."""
    simulator = build_app(world or World())
    started = threading.Event()
    with _listener(0) as endpoint:
        server = _Server(simulator, started.set)
        thread = threading.Thread(target=_run, args=(server, endpoint, started), name="simulator")
        thread.start()
        started.wait()
        try:
            yield Running(_url(endpoint), simulator.world, simulator)
        finally:
            server.should_exit = True
            thread.join()


def _run(server: _Server, endpoint: socket.socket, started: threading.Event) -> None:
    try:
        server.run(sockets=[endpoint])
    finally:
        started.set()


def _listener(port: int) -> socket.socket:
    # asyncio switches Nagle off only on a socket that says it is TCP; else every answer is 40 ms late.
    endpoint = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        endpoint.bind((HOST, port))
    except OSError:
        endpoint.close()
        raise
    return endpoint


def _url(endpoint: socket.socket) -> str:
    return f"http://{HOST}:{endpoint.getsockname()[1]}"
