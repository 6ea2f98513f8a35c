"""HTTP client on the loopback: small POSTs through an opened account, beside plain httpx. The server answers with fixed bytes.

`python -m bench.wire ours|httpx URL IN-FLIGHT REQUESTS` is one measurement, `python -m bench.wire server` the other end.
"""

from __future__ import annotations

import asyncio
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from bench.measure import Contestant, serving, side_by_side, tell, worker
from bench.table import Row

if TYPE_CHECKING:
    from reconciler.model import Json

IN_FLIGHT = (10, 50, 200)
RUNS = 5
REQUESTS = {"ours": 4_000, "httpx": 400}  # plain httpx is so much slower
LEAST_AT_50 = 3_000  # requests a second
_BODY: Json = {"phone_number": "500100100", "identifier": "rc-k3f9qa0123456789"}
_ANSWER = b'{"record_id": 1, "status": "ADDED"}'
_REPLY = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(_ANSWER), _ANSWER)


def rows(requests: Mapping[str, int] = REQUESTS, in_flight: Sequence[int] = IN_FLIGHT, runs: int = RUNS) -> list[Row]:
    with serving(worker("wire", "server")) as url:
        return [_row(url, requests, width, runs) for width in in_flight]


def _row(url: str, requests: Mapping[str, int], in_flight: int, runs: int) -> Row:
    clients = {name: Contestant(worker("wire", name, url, in_flight, count)) for name, count in requests.items()}
    measured = side_by_side(clients, runs)
    ours, theirs = (requests[name] / measured[name].seconds for name in ("ours", "httpx"))
    return Row(
        "HTTP client",
        f"small POSTs on the loopback, {in_flight} in flight",
        ours,
        "req/s",
        rival=theirs,
        rival_name="httpx",
        least=LEAST_AT_50 if in_flight == 50 else None,
        mib=measured["ours"].mib,
        rival_mib=measured["httpx"].mib,
    )


# ---- the clients, each in a process of its own ---------------------------------------------------------------------


async def _ours(url: str, in_flight: int, requests: int) -> float:
    from reconciler.model import Connection, Limits, Reference, Source
    from reconciler.providers.base import Call
    from reconciler.providers.http import Account
    from reconciler.providers.thulium.provider import Basic

    secrets = {"username": "bench", "password": "a password"}
    references = {name: Reference("env", name.upper()) for name in secrets}
    limits = Limits(concurrency=in_flight)
    connection = Connection("bench", "thulium", url, references, "UTC", "PL", Source("bench.yaml", 1), limits)
    call = Call("POST", "/outbounds/{id}/records", {"id": "00001"}, json=_BODY)
    async with Account(connection, url, Basic(), secrets) as account:

        async def send() -> None:
            async with account.turn():
                await account.send(call)

        return await _timed(send, in_flight, requests)


async def _httpx(url: str, in_flight: int, requests: int) -> float:
    import httpx

    limits = httpx.Limits(max_connections=in_flight, max_keepalive_connections=in_flight)
    async with httpx.AsyncClient(limits=limits, auth=("bench", "a password")) as client:

        async def send() -> None:
            (await client.post(f"{url}/outbounds/00001/records", json=_BODY)).raise_for_status()

        return await _timed(send, in_flight, requests)


async def _timed(send: Callable[[], Awaitable[None]], in_flight: int, requests: int) -> float:
    """Seconds for `requests`, once every connection is open."""
    await asyncio.gather(*(send() for _ in range(in_flight)))
    left = iter(range(requests))

    async def work() -> None:
        for _ in left:
            await send()

    begun = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(in_flight)))
    return time.perf_counter() - begun


# ---- the server ----------------------------------------------------------------------------------------------------


class _Answers(asyncio.Protocol):
    """Answers every request, whatever it asks, as soon as it is read to its end."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport, self._read = transport, b""

    def data_received(self, data: bytes) -> None:
        self._read += data
        while (end := self._read.find(b"\r\n\r\n")) >= 0:
            length = end + 4 + _length(self._read[:end])
            if len(self._read) < length:
                return
            self._read = self._read[length:]
            self._transport.write(_REPLY)


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


async def _serve() -> None:
    # asyncio switches Nagle off only on a socket that says it is TCP; else every answer is 40 ms late.
    endpoint = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    endpoint.bind(("127.0.0.1", 0))
    server = await asyncio.get_running_loop().create_server(_Answers, sock=endpoint, backlog=512)
    print(f"http://127.0.0.1:{endpoint.getsockname()[1]}", flush=True)
    await server.serve_forever()


_CLIENTS: Mapping[str, Callable[[str, int, int], Awaitable[float]]] = {"ours": _ours, "httpx": _httpx}


async def _main(name: str, *arguments: str) -> None:
    if name == "server":
        await _serve()
    url, in_flight, requests = arguments
    tell(await _CLIENTS[name](url, int(in_flight), int(requests)))


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
