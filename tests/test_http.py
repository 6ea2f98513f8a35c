"""One account over HTTP: what is sent, what an answer proves, over respx and over real sockets that misbehave."""

from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest
import respx
import stamina

from reconciler.errors import (
    Blocked,
    Forbidden,
    NotFound,
    NotSent,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Unauthorized,
)
from reconciler.providers.base import Call, Reply
from reconciler.providers.http import Account, _PublicResolver, _tls
from tests.support import connection


class BareKey:
    def login(self, secrets: object) -> None:
        return None

    def token(self, reply: Reply) -> str:
        raise AssertionError("nothing to log in to")

    def headers(self, secrets: dict[str, str], token: str) -> dict[str, str]:
        return {"Authorization": secrets["apiKey"]}


class Tokens:
    def login(self, secrets: dict[str, str]) -> Call:
        return Call("POST", "/login", json={"key": secrets["apiKey"]})

    def token(self, reply: Reply) -> str:
        token: str = reply.json()["token"]
        return token

    def headers(self, secrets: object, token: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {token}"}


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=3):
        yield


def run(
    act: Callable[[Account], object], base: str, transport: object = None, auth: object = None, **limits: int
) -> object:
    async def go() -> object:
        link = connection("conpeek", **limits)
        account = Account(link, base, auth or BareKey(), {"apiKey": "k"}, transport=transport)  # type: ignore[arg-type]
        async with account:
            return await act(account)  # type: ignore[misc]

    return asyncio.run(go())


def routed(router: respx.Router) -> httpx.MockTransport:
    return httpx.MockTransport(router.async_handler)


def send(call: Call) -> Callable[[Account], object]:
    async def act(account: Account) -> Reply:
        async with account.turn():
            return await account.send(call)

    return act


def read(call: Call) -> Callable[[Account], object]:
    return lambda account: account.read(call)


WRITE = Call("POST", "/thing/{id}", path={"id": "a/b c"}, query=(("q", "x+y&z"), ("n[]", "ż")), json={"name": "Ż"})


def test_a_request_is_encoded_whole() -> None:
    router = respx.Router()
    route = router.route().respond(200, json={})
    run(send(WRITE), "https://acme.example/api/", routed(router))
    request = route.calls.last.request
    assert str(request.url) == "https://acme.example/api/thing/a%2Fb%20c?q=x%2By%26z&n%5B%5D=%C5%BC"
    assert request.method == "POST" and request.content == '{"name":"Ż"}'.encode()
    assert request.headers["Authorization"] == "k"
    assert request.headers["Content-Type"] == "application/json; charset=utf-8"


def test_a_form_is_sent_as_one() -> None:
    router = respx.Router()
    route = router.route().respond(200, json={})
    run(send(Call("POST", "/login/", form={"username": "a b"})), "https://acme.example", routed(router))
    assert route.calls.last.request.content == b"username=a+b"


def test_tls_is_checked_against_the_trusted_authorities_and_without_tls_nobody_is_trusted() -> None:
    spoken, unspoken = _tls(True), _tls(False)
    assert spoken.get_ca_certs() and unspoken.get_ca_certs() == []
    assert {spoken.verify_mode, unspoken.verify_mode} == {ssl.CERT_REQUIRED}
    assert spoken.check_hostname and unspoken.check_hostname


def test_nothing_is_carried_from_one_call_to_the_next() -> None:
    router = respx.Router()
    route = router.route().respond(200, headers={"Set-Cookie": "session=1"}, json={})

    async def twice(account: Account) -> None:
        await account.read(WRITE)
        await account.read(WRITE)

    run(twice, "https://acme.example", routed(router))
    assert [("Cookie" in call.request.headers) for call in route.calls] == [False, False]


def test_a_packed_answer_is_unpacked() -> None:
    router = respx.Router()
    route = router.route().respond(200, headers={"Content-Encoding": "gzip"}, content=gzip.compress(b'{"id": 7}'))
    reply = run(send(WRITE), "https://acme.example", routed(router))
    assert isinstance(reply, Reply) and reply.json() == {"id": 7}
    assert route.calls.last.request.headers["Accept-Encoding"] == "gzip, deflate"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Rejected),
        (401, Unauthorized),
        (403, Forbidden),
        (404, NotFound),
        (422, Rejected),
        (302, OutcomeUnknown),
        (408, OutcomeUnknown),
        (409, OutcomeUnknown),
        (500, OutcomeUnknown),
        (503, OutcomeUnknown),
    ],
)
def test_what_a_status_proves(status: int, kind: type[Exception]) -> None:
    router = respx.Router()
    router.route().respond(status, text="number +48500000123 is bad")
    with pytest.raises(kind) as raised:
        run(send(WRITE), "https://acme.example", routed(router))
    assert type(raised.value) is kind
    assert "POST /thing/{id}" in str(raised.value) and "500000123" not in str(raised.value)


def test_a_status_may_be_an_answer() -> None:
    router = respx.Router()
    router.route().respond(404, json={"error": "Not Found"})
    reply = run(send(Call("DELETE", "/x", answers=frozenset({404}))), "https://acme.example", routed(router))
    assert isinstance(reply, Reply) and reply.status == 404


def test_too_many_requests_carries_the_wait() -> None:
    router = respx.Router()
    router.route().respond(429, headers={"Retry-After": "7"})
    with pytest.raises(RateLimited) as raised:
        run(send(WRITE), "https://acme.example", routed(router))
    assert raised.value.retry_after == 7.0 and "an empty answer" in str(raised.value)


def test_an_odd_retry_after_is_none() -> None:
    router = respx.Router()
    router.route().respond(429, headers={"Retry-After": "soon"}, html="<h1>busy</h1>")
    with pytest.raises(RateLimited, match="a page of HTML") as raised:
        run(send(WRITE), "https://acme.example", routed(router))
    assert raised.value.retry_after is None


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_read_is_tried_again_and_a_write_is_not(status: int) -> None:
    router = respx.Router()
    route = router.route().mock(side_effect=[httpx.Response(status)] * 2 + [httpx.Response(200, json=1)])
    reply = run(read(Call("GET", "/x")), "https://acme.example", routed(router))
    assert isinstance(reply, Reply) and reply.json() == 1 and route.call_count == 3
    route.side_effect = [httpx.Response(status)] * 3
    with pytest.raises((OutcomeUnknown, RateLimited)):
        run(send(WRITE), "https://acme.example", routed(router))
    assert route.call_count == 4


def test_a_read_gives_up_in_the_end() -> None:
    router = respx.Router()
    route = router.route().respond(500)
    with pytest.raises(OutcomeUnknown):
        run(read(Call("GET", "/x")), "https://acme.example", routed(router))
    assert route.call_count == 3


def test_a_stale_token_is_renewed_once_for_a_read() -> None:
    router = respx.Router()
    logins = router.post("/login").mock(
        side_effect=[httpx.Response(200, json={"token": "old"}), httpx.Response(200, json={"token": "new"})]
    )
    thing = router.get("/x")
    thing.mock(side_effect=lambda r: httpx.Response(200 if r.headers["Authorization"] == "Bearer new" else 401, json=1))
    reply = run(read(Call("GET", "/x")), "https://acme.example", routed(router), Tokens())
    assert isinstance(reply, Reply) and logins.call_count == 2 and thing.call_count == 2


def test_many_readers_with_a_stale_token_log_in_once() -> None:
    router = respx.Router()
    count = iter(range(100))
    logins = router.post("/login")
    logins.mock(side_effect=lambda r: httpx.Response(200, json={"token": f"t{next(count)}"}))
    router.get("/x").mock(
        side_effect=lambda r: httpx.Response(401 if r.headers["Authorization"] == "Bearer t0" else 200, json=1)
    )

    async def many(account: Account) -> None:
        await asyncio.gather(*(account.read(Call("GET", "/x")) for _ in range(20)))

    run(many, "https://acme.example", routed(router), Tokens(), concurrency=8)
    assert logins.call_count <= 3


@pytest.mark.parametrize("answer", [{"no": "token"}, [], "x"])
def test_a_login_without_a_token_is_no_login(answer: object) -> None:
    router = respx.Router()
    router.post("/login").respond(200, json=answer)
    with pytest.raises(Unauthorized, match="without a token"):
        run(read(Call("GET", "/x")), "https://acme.example", routed(router), Tokens())


def test_refused_credentials_stay_refused() -> None:
    router = respx.Router()
    router.post("/login").respond(401, text="wrong")
    with pytest.raises(Unauthorized):
        run(read(Call("GET", "/x")), "https://acme.example", routed(router), Tokens())


def test_the_pace_is_kept() -> None:
    router = respx.Router()
    router.route().respond(200, json={})

    async def many(account: Account) -> float:
        begun = account.clock.monotonic()
        await asyncio.gather(*(account.read(Call("GET", "/x")) for _ in range(6)))
        return account.clock.monotonic() - begun

    assert float(str(run(many, "https://acme.example", routed(router), requests_per_second=50))) >= 0.1


# ---- real sockets --------------------------------------------------------------------------------------------------

Behaviour = Callable[[socket.socket, int], None]


@contextmanager
def server(behave: Behaviour) -> Iterator[tuple[str, list[bytes]]]:
    """Accepts connections and lets `behave(connection, nth request)` answer; remembers every request head it received."""
    listener = socket.create_server(("127.0.0.1", 0))
    received: list[bytes] = []

    def serve() -> None:
        while True:
            try:
                link, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=talk, args=(link,), daemon=True).start()

    def talk(link: socket.socket) -> None:
        link.settimeout(5)
        with link:
            try:
                while text := link.recv(65536):
                    received.append(text)
                    behave(link, len(received))
            except OSError:
                return

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", received
    finally:
        listener.close()


def answer(link: socket.socket, body: bytes = b"{}") -> None:
    link.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


def hang_up(link: socket.socket, nth: int) -> None:
    link.shutdown(socket.SHUT_RDWR)


def reset(link: socket.socket, nth: int) -> None:
    link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    link.close()


def truncate(link: socket.socket, nth: int) -> None:
    link.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"a"')
    link.shutdown(socket.SHUT_RDWR)


def garbage(link: socket.socket, nth: int) -> None:
    link.sendall(b"\x00\x01 no http at all\r\n\r\n")


def silence(link: socket.socket, nth: int) -> None:
    threading.Event().wait(3)


@pytest.mark.parametrize("behave", [hang_up, reset, truncate, garbage])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_a_lost_answer_is_unknown_and_the_request_was_on_the_wire_once(behave: Behaviour, method: str) -> None:
    with server(behave) as (url, received), pytest.raises(OutcomeUnknown):
        run(send(Call(method, "/x", json={})), url, timeout=2)  # type: ignore[arg-type]
    assert len(received) == 1


def test_a_slow_answer_is_unknown() -> None:
    with server(silence) as (url, received), pytest.raises(OutcomeUnknown):
        run(send(WRITE), url, timeout=1)
    assert len(received) == 1


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_a_connection_that_died_while_kept_alive_never_doubles_a_write(method: str) -> None:
    """aiohttp of its own would send a PUT or DELETE again; the second request here meets a connection that hangs up."""

    def once(link: socket.socket, nth: int) -> None:
        answer(link) if nth == 1 else hang_up(link, nth)

    call = Call(method, "/x", json={})  # type: ignore[arg-type]

    async def twice(account: Account) -> None:
        await account.send(call)
        await account.send(call)

    with server(once) as (url, received), pytest.raises(OutcomeUnknown):
        run(twice, url)
    assert len(received) == 2


def test_a_refused_connection_is_not_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(NotSent, match="could not connect"):
        run(send(WRITE), f"http://127.0.0.1:{port}")


def test_no_error_keeps_the_url() -> None:
    with server(hang_up) as (url, _), pytest.raises(OutcomeUnknown) as raised:
        run(send(Call("GET", "/x", query=(("phone", "500000123"),))), url)
    assert "500000123" not in repr(raised.value) and raised.value.__cause__ is None


def test_a_private_address_behind_a_public_name_is_refused() -> None:
    async def resolve() -> None:
        resolver = _PublicResolver()
        try:
            await resolver.resolve("localhost", 443)
        finally:
            await resolver.close()

    with pytest.raises(Blocked, match="resolves to a private address"):
        asyncio.run(resolve())
