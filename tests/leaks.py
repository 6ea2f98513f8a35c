"""Looking for people and keys in what a run leaves behind, and a vendor that says back everything it was ever told."""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote, quote_plus

from starlette.routing import Router
from starlette.types import Receive, Scope, Send

SHORTEST = 5  # characters: less than that is found anywhere by chance


def spellings(value: str) -> Iterator[str]:
    """A text as it is, in a URL, in base64, escaped in JSON."""
    yield from (value, quote(value), quote(value, safe=""), quote_plus(value), json.dumps(value)[1:-1])
    yield from (b64encode(value.encode()).decode().rstrip("="), urlsafe_b64encode(value.encode()).decode().rstrip("="))


def numbers(e164: str, calling_code: str) -> Iterator[str]:
    """The ways in which people, files and vendors write one number."""
    national = e164.removeprefix(f"+{calling_code}")
    yield from (e164, e164[1:], f"0{national}", national)
    yield from (
        f"+{calling_code} {national[:3]} {national[3:6]} {national[6:]}",
        f"{national[:3]} {national[3:6]} {national[6:]}",
    )
    yield f"{national[:3]}-{national[3:6]}-{national[6:]}"


class Hunt:
    """Collects output and folders, and finds what must not be in them."""

    def __init__(self, forbidden: Iterable[str]) -> None:
        self.forbidden = sorted({spelt for value in forbidden for spelt in spellings(value) if len(spelt) >= SHORTEST})
        self._seen: dict[bytes, tuple[str, bytes]] = {}  # each content once

    def see(self, what: str, content: str | bytes) -> None:
        raw = content.encode() if isinstance(content, str) else content
        self._seen.setdefault(sha256(raw).digest(), (what, raw))

    def see_folder(self, folder: Path) -> None:
        """Every file below it as it is now, the ledger's write-ahead log too."""
        for path in folder.rglob("*"):
            if path.is_file():
                self.see(f"{len(self._seen)} {path.name}", path.read_bytes())

    def found(self) -> list[str]:
        return [
            f"{value!r} in {what}"
            for what, content in self._seen.values()
            for value in self.forbidden
            if value.encode() in content
        ]

    def __len__(self) -> int:
        return len(self._seen)


class Tattler(Router):
    """A vendor that answers every change with an error that repeats all it got: body, query and headers, in every spelling."""

    def __init__(self, vendor: Router, status: int, always: Iterable[str]) -> None:
        """`always`: what it says beside that, whoever asks."""
        super().__init__()
        self.vendor, self.status, self.always = vendor, status, list(always)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "GET" or "token" in scope["path"] or "login" in scope["path"]:
            await self.vendor(scope, receive, send)
            return
        body = (await receive())["body"].decode()
        headers = " ".join(value.decode() for name, value in scope["headers"] if name == b"authorization")
        heard = [
            *self.always,
            *leaves(json.loads(body)),
            body,
            scope["query_string"].decode(),
            headers,
            *headers.split(),
        ]
        text = " | ".join(spelt for value in heard for spelt in spellings(value))
        await self._answer(json.dumps({"error": f"cannot process {text}"}, ensure_ascii=False).encode(), send)

    async def _answer(self, body: bytes, send: Send) -> None:
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def leaves(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from leaves(item)
    elif isinstance(value, str):
        yield value
