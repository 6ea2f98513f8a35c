"""One reply on its way out, or what is left of it: the socket side of every fault."""

import asyncio
import socket
import struct
from asyncio.trsock import TransportSocket
from dataclasses import dataclass, replace
from http.client import responses
from types import MethodType
from typing import cast

import msgspec
from starlette.types import Receive, Send
from uvicorn.protocols.http.h11_impl import RequestResponseCycle

from .faults import Rule

Headers = list[tuple[bytes, bytes]]

_RST_ON_CLOSE = struct.pack("ii", 1, 0)
_NOT_HTTP = b"\x16\x03\x01 this is not HTTP\r\n\r\n"
_WEB_PAGE = b"<!doctype html><html><head><title>Sign in</title></head><body><h1>Sign in</h1></body></html>"


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: Headers
    body: bytes


def _reply(status: int, content_type: bytes, body: bytes, *more: tuple[bytes, bytes]) -> Reply:
    length = str(len(body)).encode()
    return Reply(status, [(b"content-type", content_type), (b"content-length", length), *more], body)


STAND_IN = _reply(200, b"application/json", b'{"success": true, "data": []}')
"""What a fault spoils where the vendor never did the work."""


class Wire:
    """The way back to one client whose request has been read to its end."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send

    async def answer(self, reply: Reply) -> None:
        await self._send({"type": "http.response.start", "status": reply.status, "headers": reply.headers})
        await self._send({"type": "http.response.body", "body": reply.body})

    async def truncate(self, reply: Reply) -> None:
        """Promise the whole body, send its first half and close."""
        half = reply.body[: len(reply.body) // 2]
        await self._send({"type": "http.response.start", "status": reply.status, "headers": reply.headers})
        await self._send({"type": "http.response.body", "body": half, "more_body": True})
        await self.drop()

    async def drop(self) -> None:
        """Close without (the rest of) a reply: the client reads the end of the stream."""
        self._transport.close()
        await self._gone()

    async def reset(self) -> None:
        """Abort: the client gets a connection reset."""
        endpoint: TransportSocket = self._transport.get_extra_info("socket")
        endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST_ON_CLOSE)
        self._transport.abort()
        await self._gone()

    async def garbage(self) -> None:
        """Send what no HTTP client can read, and close."""
        self._transport.write(_NOT_HTTP)
        await self.drop()

    @property
    def _transport(self) -> asyncio.Transport:
        """uvicorn binds `send` to the request's cycle, which has the transport, in each of its HTTP protocols."""
        return cast(RequestResponseCycle, cast(MethodType, self._send).__self__).transport

    async def _gone(self) -> None:
        """Wait until the server has seen the end, so that it does not answer 500 in our place."""
        await self._receive()


async def spoil(rule: Rule, reply: Reply, wire: Wire) -> None:
    """Send the rule's fault in the place of `reply`."""
    match rule.fault:
        case "drop":
            await wire.drop()
        case "reset":
            await wire.reset()
        case "garbage":
            await wire.garbage()
        case "truncate":
            await wire.truncate(reply)
        case fault:
            await wire.answer(_spoilt(fault, rule.retry_after, reply))


def _spoilt(fault: str | int, retry_after: int | None, reply: Reply) -> Reply:
    if fault == "html":
        return _reply(200, b"text/html; charset=utf-8", _WEB_PAGE)
    if isinstance(fault, str):
        headers = [(name, b"0" if name == b"content-length" else value) for name, value in reply.headers]
        return replace(reply, headers=headers, body=b"")
    more = [] if retry_after is None else [(b"retry-after", str(retry_after).encode())]
    if fault < 400:
        more.append((b"location", b"moved"))
    body = msgspec.json.encode({"error": responses.get(fault, "Error")})
    return _reply(fault, b"application/json", body, *more)
