"""A forge's API over HTTP: the token stays on its host, pages are read to their end, a rate limit is waited for within bounds.

The only user of httpx in forge/. A read is tried again; a write that has no certain outcome never is.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Container, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import urljoin, urlsplit

import httpx
import msgspec

from reconciler import __version__
from reconciler.clock import Clock
from reconciler.errors import ForgeError, ForgeUnknown
from reconciler.providers.hosts import is_loopback
from reconciler.redact import foreign

T = TypeVar("T")
PATIENCE = 120.0  # seconds that one command waits in all, for rate limits and between tries
LARGEST = 64 << 20  # bytes of one answer
MOST_PAGES = 200
ATTEMPTS = 4
LEAST_SECRET = 11  # characters; what is shorter in a header is a word or a date
_NEVER_LEFT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


_HINTS = {
    401: " The token is not valid here.",
    403: " The token lacks a permission: docs/ci.md lists what each job needs.",
    404: " It is not there, or the token may not see it: docs/ci.md lists what each job needs.",
}


@dataclass(frozen=True, slots=True)
class Request:
    """`secret`: the token goes with it."""

    method: str
    url: str
    body: object = field(default=None, repr=False)
    query: Mapping[str, str] = field(default_factory=dict)
    secret: bool = True

    def __str__(self) -> str:
        return f"{self.method} {urlsplit(self.url).path}"


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    links: Mapping[str | None, dict[str, str]]
    content: bytes = field(repr=False)

    @property
    def text(self) -> str:
        return self.content[:2000].decode("utf-8", "replace")


@lru_cache(maxsize=1)
def _trusted() -> ssl.SSLContext:
    return httpx.create_ssl_context()


class Channel:
    """One API and one token. Use as an async context manager. Proxies of the environment are not used, redirects not followed."""

    def __init__(self, base: str, headers: Mapping[str, str], *, clock: Clock) -> None:
        self.clock = clock
        self._base, self._secret = base, headers
        self._left = PATIENCE
        self._client = httpx.AsyncClient(verify=_trusted(), trust_env=False, timeout=httpx.Timeout(20.0),
                                         headers={"User-Agent": f"reconciler/{__version__}"})  # fmt: skip

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def read(self, path: str, shape: type[T], **query: str) -> T:
        """One answer in the shape that is documented. Raises ForgeError."""
        return parsed(await self._sent(Request("GET", self._base + path, query=query)), shape)

    async def pages(self, path: str, shape: type[T], **query: str) -> AsyncIterator[T]:
        """One value per page to the end, as the answers lead on: `x-next-page`, or `Link: rel="next"`."""
        url, wanted = self._base + path, {**query, "per_page": "100"}
        for _ in range(MOST_PAGES):
            answer = await self._sent(Request("GET", url, query=wanted))
            yield parsed(answer, shape)
            if number := answer.headers.get("x-next-page", ""):
                wanted["page"] = number
            elif "next" in answer.links:
                url, wanted = self._own(urljoin(url, answer.links["next"]["url"])), {}
            else:
                return
        raise ForgeError(f"GET {urlsplit(url).path}: more than {MOST_PAGES} pages.")

    async def ask(self, url: str, body: object, shape: type[T]) -> T:
        """A question that is asked by POST and changes nothing."""
        return parsed(await self._sent(Request("POST", self._own(url), body)), shape)

    async def set(self, method: str, path: str, body: object = None) -> None:
        """A write that may be repeated: twice is the same as once. What is to be deleted may be gone already."""
        await self._sent(Request(method, self._base + path, body), also={404} if method == "DELETE" else ())

    async def add(self, path: str, body: object, shape: type[T]) -> T:
        """A write that makes something new, sent once. Raises ForgeUnknown where nobody can say whether it did."""
        answer = await self._sent(Request("POST", self._base + path, body), once=True)
        try:
            return parsed(answer, shape)
        except ForgeError as error:
            raise ForgeUnknown(str(error)) from None

    async def download(self, path: str) -> bytes:
        """A file, which may lie elsewhere: the token does not go there."""
        answer = await self._sent(Request("GET", self._base + path), also={301, 302, 303, 307, 308})
        if answer.status < 300:
            return answer.content
        url = urljoin(self._base, answer.headers.get("location", ""))
        parts = urlsplit(url)
        if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
            raise ForgeError(f"GET {path}: it lies at an address without TLS, and is not fetched from there.")
        return (await self._sent(Request("GET", url, secret=False))).content

    def _own(self, url: str) -> str:
        if urlsplit(url)[:2] != urlsplit(self._base)[:2]:
            raise ForgeError("The forge's answer leads to another host; the token is not sent there.")
        return url

    async def _sent(self, request: Request, *, once: bool = False, also: Container[int] = ()) -> Answer:
        """The answer, once it is a good one: 2xx, or `also`. `once`: not again where it may have been carried out."""
        for attempt in range(ATTEMPTS):
            try:
                answer = await self._wire(request)
            except (httpx.HTTPError, OSError) as error:
                said, wait = f"{request}: no answer ({type(error).__name__})", 2.0**attempt
                unknown = not isinstance(error, _NEVER_LEFT)
            else:
                if answer.status < 300 or answer.status in also:
                    return answer
                said = f"{request}: answered {answer.status}: {self._quoted(answer) or 'nothing'}"
                limited = rate_limit(answer, self.clock.now().timestamp(), attempt)
                if limited is None and answer.status < 500:
                    raise ForgeError(said + _HINTS.get(answer.status, ""))
                unknown, wait = limited is None, 2.0**attempt if limited is None else limited
            if once and unknown:
                raise ForgeUnknown(said)
            await self._wait(wait, said)
        raise ForgeError(f"{said}. Given up after {ATTEMPTS} tries.")

    async def _wire(self, request: Request) -> Answer:
        content = None if request.body is None else msgspec.json.encode(request.body)
        headers = {"Accept": "application/json", **(self._secret if request.secret else {})}
        if content is not None:
            headers["Content-Type"] = "application/json"
        asked = self._client.build_request(
            request.method, request.url, params=request.query or None, content=content, headers=headers
        )
        response = await self._client.send(asked, stream=True)
        try:
            body = bytearray()
            async for part in response.aiter_bytes():
                body += part
                if len(body) > LARGEST:
                    raise ForgeError(f"{request}: the answer is larger than {LARGEST >> 20} MiB.")
        finally:
            await response.aclose()
        return Answer(response.status_code, response.headers, response.links, bytes(body))

    def _quoted(self, answer: Answer) -> str:
        """The forge's words, without what we sent to prove who we are."""
        words = answer.text
        for secret in (part for value in self._secret.values() for part in value.split() if len(part) >= LEAST_SECRET):
            words = words.replace(secret, "…")
        return foreign(words)

    async def _wait(self, seconds: float, why: str) -> None:
        if seconds > self._left:
            raise ForgeError(f"{why}. It wants to be left alone for {seconds:.0f} s; {self._left:.0f} s can be waited.")
        self._left -= seconds
        await self.clock.sleep(seconds)


def parsed(answer: Answer, shape: type[T]) -> T:
    """Raises ForgeError where it is not what is documented."""
    try:
        return msgspec.json.decode(answer.content, type=shape)
    except msgspec.MsgspecError as error:
        raise ForgeError(f"The forge answered something that it does not document: {foreign(str(error))}.") from None


def rate_limit(answer: Answer, now: float, attempt: int) -> float | None:
    """Seconds that a refusal asks to be waited; None where it is no rate limit. `now`: seconds since 1970.

    GitHub, "Rate limits for the REST API": 403 or 429; `retry-after` in seconds, else `x-ratelimit-reset` where
    `x-ratelimit-remaining` is 0, else at least a minute, longer each time. GitLab: 429 with `Retry-After` and `RateLimit-Reset`.
    """
    headers = answer.headers
    spent = "0" in (headers.get("x-ratelimit-remaining"), headers.get("ratelimit-remaining"))
    limited = answer.status == 429 or (
        answer.status == 403 and (spent or "retry-after" in headers or "rate limit" in answer.text.lower())
    )
    if not limited:
        return None
    wait = _number(headers.get("retry-after"))
    if wait is None and spent:
        reset = _number(headers.get("x-ratelimit-reset") or headers.get("ratelimit-reset"))
        wait = None if reset is None else reset - now
    return 60.0 * 2**attempt if wait is None else max(1.0, wait)


def _number(text: str | None) -> float | None:
    return float(text) if text is not None and text.isascii() and text.isdigit() else None
