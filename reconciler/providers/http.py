"""One vendor account over HTTP: login, pace, one send at a time, and what an answer proves. The only user of httpx.

Retries are for reads alone; a write is sent once and classified (protocol.md, "Classifying one write call").
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import lru_cache
from socket import AF_INET, AddressFamily
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlencode

import aiohttp
import httpx
import msgspec
import stamina
from aiohttp.abc import AbstractResolver, ResolveResult
from httpx_aiohttp import AiohttpTransport

from reconciler import __version__
from reconciler.clock import Clock, SystemClock
from reconciler.errors import (
    Blocked,
    Forbidden,
    NotFound,
    NotSent,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Unauthorized,
    VendorError,
)
from reconciler.model import Connection
from reconciler.providers.base import Auth, Call, Reply
from reconciler.providers.hosts import is_loopback, is_private
from reconciler.providers.said import said_of

_HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "gzip, deflate",  # what httpx can undo whatever else is installed
    "User-Agent": f"reconciler/{__version__}",
}
READ_ATTEMPTS = 5
LONGEST_WAIT = 30.0  # seconds; a Retry-After beyond it is capped
# The only failures that prove that no byte of a request left. Everything else may have been executed: httpx_aiohttp reports a
# server that hung up after the request as a ConnectTimeout, so its own mapping cannot be trusted for this question.
_NEVER_LEFT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
_NEVER_LEFT_HTTPX = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
_FAILURES = (httpx.HTTPError, httpx.StreamError, aiohttp.ClientError, OSError, asyncio.TimeoutError)


class Account:
    """One connection, opened. Use as an async context manager. `secrets`: name of a credential -> its value."""

    def __init__(
        self,
        connection: Connection,
        base_url: str,
        auth: Auth,
        secrets: Mapping[str, str],
        *,
        clock: Clock | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        private_hosts: bool = False,
    ) -> None:
        """`transport`: another way out than sockets, for tests. `private_hosts`: an allowed host may have a private address."""
        self.connection = connection
        self.clock = clock or SystemClock()
        self._base = base_url.rstrip("/")
        self._auth, self._secrets = auth, secrets
        self._token: str | None = None
        self._login_lock = asyncio.Lock()
        self._pace = _Pace(connection.limits.requests_per_second, self.clock)
        self._slots = asyncio.Semaphore(connection.limits.concurrency)
        self._transport, self._private_hosts = transport, private_hosts
        self._stack = AsyncExitStack()
        # httpx's requests, responses and transports without its client, which takes almost half the time of a call for cookies,
        # redirects and proxies, none of them wanted here.
        self._wired: httpx.AsyncBaseTransport
        self._extensions = {"timeout": httpx.Timeout(connection.limits.timeout).as_dict()}

    async def __aenter__(self) -> Self:
        transport = self._transport or _sockets(self._base, self.connection.limits.concurrency, self._private_hosts)
        self._wired = await self._stack.enter_async_context(transport)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def read(self, call: Call) -> Reply:
        """See `Reader.read`. Five attempts, full jitter, a Retry-After obeyed up to 30 s; a stale token is renewed once."""
        try:
            return await self._retried(call)
        except Unauthorized:
            await self.renew()
            return await self._retried(call)

    async def _retried(self, call: Call) -> Reply:
        async for attempt in stamina.retry_context(on=_transient, attempts=READ_ATTEMPTS, timeout=None):
            with attempt:
                async with self.turn():
                    return await self.send(call)
        raise AssertionError("stamina re-raises the last error")  # pragma: no cover - unreachable, for the type checker

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """A place among this account's calls in flight, at its pace. Hold one around `send`, and claim inside it."""
        if self._token is None:
            await self.renew()
        async with self._slots:
            await self._pace.wait()  # last: whoever waited for a place after it would leave with others at once
            yield

    async def send(self, call: Call) -> Reply:
        """Put one request on the wire, once. Raises what its answer, or the lack of one, proves."""
        return await self._wire(call, self._auth.headers(self._secrets, self._token or ""))

    async def renew(self) -> None:
        """Log in again. Raises Unauthorized where the credentials are refused, NotSent where the login itself got no answer."""
        stale = self._token
        async with self._login_lock:
            if self._token is not stale:
                return  # somebody else did it meanwhile
            call = self._auth.login(self._secrets)
            if call is None:
                self._token = ""
                return
            reply = await self._log_in(call)
            try:
                self._token = self._auth.token(reply)
            except (ValueError, KeyError, TypeError) as error:
                raise Unauthorized(self.connection.name, str(call), "the login answered without a token") from error

    async def _log_in(self, call: Call) -> Reply:
        try:
            async for attempt in stamina.retry_context(on=_transient, attempts=READ_ATTEMPTS, timeout=None):
                with attempt:
                    return await self._wire(call, {})
        except (OutcomeUnknown, RateLimited) as error:
            # Whatever became of the login, the call that wanted its token never left and is not in doubt.
            raise NotSent(self.connection.name, str(call), f"could not log in: {error.said}") from None
        raise AssertionError("stamina re-raises the last error")  # pragma: no cover - unreachable, for the type checker

    async def _wire(self, call: Call, headers: Mapping[str, str]) -> Reply:
        try:
            response = await self._wired.handle_async_request(self._request(call, headers))
            try:
                await response.aread()
            finally:
                await response.aclose()
        except _FAILURES as error:
            raise self._lost(call, error) from None  # the cause holds the URL, hence perhaps a number
        return self._classified(call, response, headers)

    def _request(self, call: Call, headers: Mapping[str, str]) -> httpx.Request:
        path = call.template.format_map({name: quote(value, safe="") for name, value in call.path.items()})
        query = "?" + urlencode(call.query, quote_via=quote) if call.query else ""
        content: bytes | None = None
        sent = {**_HEADERS, **headers, **call.headers}
        if call.form is not None:
            content = urlencode(call.form).encode()
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        elif call.json is not None:
            content = msgspec.json.encode(call.json)
            sent["Content-Type"] = "application/json; charset=utf-8"
        url = self._base + path + query
        return httpx.Request(call.method, url, headers=sent, content=content, extensions=self._extensions)

    def _lost(self, call: Call, error: BaseException) -> VendorError:
        cause = error.__cause__
        proved = isinstance(cause, _NEVER_LEFT) if cause is not None else isinstance(error, _NEVER_LEFT_HTTPX)
        if proved:
            return NotSent(self.connection.name, str(call), f"could not connect ({type(cause or error).__name__})")
        return OutcomeUnknown(self.connection.name, str(call), f"no answer ({type(cause or error).__name__})")

    def _classified(self, call: Call, response: httpx.Response, headers: Mapping[str, str]) -> Reply:
        status, name = response.status_code, self.connection.name
        if 200 <= status < 300 or status in call.answers:
            return Reply(status, response.content)
        said = said_of(response.content, call, [*self._secrets.values(), *" ".join(headers.values()).split()])
        if status == 429:
            raise RateLimited(name, str(call), said, _retry_after(response))
        if status in call.decided:
            kind = {401: Unauthorized, 403: Forbidden, 404: NotFound}.get(status, Rejected)
            raise kind(name, str(call), said, status)
        raise OutcomeUnknown(name, str(call), said, status)


def _transient(error: Exception) -> bool | float:
    """What a read may be tried again for; a number is the wait the vendor asked for, in seconds."""
    if isinstance(error, RateLimited) and error.retry_after is not None:
        return min(error.retry_after, LONGEST_WAIT)
    return isinstance(error, NotSent | RateLimited | OutcomeUnknown)


def _retry_after(response: httpx.Response) -> float | None:
    try:
        return max(0.0, float(response.headers.get("Retry-After", "")))
    except ValueError:
        return None


class _Pace:
    """At most `rate` starts a second, evenly spaced; None: no bound."""

    def __init__(self, rate: int | None, clock: Clock) -> None:
        self._gap = 1 / rate if rate else 0.0
        self._clock = clock
        self._next = 0.0

    async def wait(self) -> None:
        if not self._gap:
            return
        now = self._clock.monotonic()
        turn = max(now, self._next)
        self._next = turn + self._gap
        if turn > now:
            await self._clock.sleep(turn - now)


class _PublicResolver(AbstractResolver):
    """Refuses a private address behind a public name."""

    def __init__(self) -> None:
        self._resolver = aiohttp.ThreadedResolver()

    async def resolve(self, host: str, port: int = 0, family: AddressFamily = AF_INET) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        if any(is_private(entry["host"]) for entry in found):
            raise Blocked(f"{host} resolves to a private address; the key of this connection is not sent there.")
        return found

    async def close(self) -> None:
        await self._resolver.close()


@lru_cache(maxsize=2)
def _tls(spoken: bool) -> ssl.SSLContext:
    """One for all accounts: reading the certificates that are trusted takes longer than a plan of a small account.

    Where no TLS is spoken they are not read, and none is trusted.
    """
    return httpx.create_ssl_context() if spoken else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _sockets(base: str, connections: int, private_hosts: bool) -> AiohttpTransport:
    url = httpx.URL(base)
    context = _tls(url.scheme == "https")

    def session() -> aiohttp.ClientSession:
        extra: dict[str, Any] = {} if private_hosts or is_loopback(url.host) else {"resolver": _PublicResolver()}
        connector = aiohttp.TCPConnector(limit=connections, ssl=context, **extra)
        client = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        # aiohttp sends PUT and DELETE a second time when a kept-alive connection turns out dead; one claim is one request here.
        client._retry_connection = False
        return client

    return AiohttpTransport(verify=context, client=session)
