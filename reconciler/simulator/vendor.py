"""What a simulated vendor is to the server around it, and the few words every vendor module is written in.

Faults, the request log and sockets are in `app.py`, `faults.py` and `server.py`: a vendor knows none of them.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, TypeVar

import msgspec
from starlette.datastructures import Headers, QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

Fields = dict[str, Any]
"""A JSON object."""

Switches = Mapping[str, tuple[str, ...]]
"""Switch -> its values, the default first."""

FIRST_ITEMS = "reconciler.first_items"
"""ASGI scope key of the fault `partial`: how many items of a batch this call may process."""

T = TypeVar("T")


class Vendor(Protocol):
    """One vendor account, whole in memory; built as `SomeVendor(world)` and dropped on reset.

    A vendor takes the time from `world.now()`, its switches from `world.switch(self, name)`, what it lets in
    from `world.credentials[self.name]`, and keeps login tokens with `world.issue_token` and `world.knows_token`.
    Handlers are plain functions, so no two calls overlap.
    """

    name: ClassVar[str]
    """As in YAML: conpeek, thulium, tel4vn, intersvyaz."""
    SWITCHES: ClassVar[Switches]
    """Every behaviour the vendor's pages leave open, with all plausible values, the default first."""

    def routes(self) -> list[Route]:
        """The vendor's calls, with paths as on the real host (Thulium's below its `/api`)."""
        ...

    def snapshot(self) -> Fields:
        """The whole state as JSON, also what no call of the vendor reads back."""
        ...

    def dials(self) -> Counter[str]:
        """How often each E.164 number was ever put in a queue that dials, whoever did it.

        Each accepted contact is one, and adding it again after a removal is one more: a call is not taken back.
        """
        ...

    def seed(self) -> None:
        """Load a small world: objects nobody declared, and the reference objects an account has."""
        ...

    def edit(self, kind: str, id: str | None, fields: Fields | None) -> str:
        """Somebody clicks in the vendor's panel; returns the object's id.

        `id` None makes a new object, `fields` None removes one. LookupError for an unknown kind or id.
        """
        ...


@dataclass(frozen=True, slots=True)
class Call:
    """One request as a vendor sees it."""

    params: Mapping[str, str]
    """The values of the path's `{names}`, decoded."""
    query: QueryParams
    headers: Headers
    raw: bytes
    first_items: int | None = None

    def json(self) -> Any:
        """The body as JSON; RefusedError with 400 where it is none."""
        try:
            return msgspec.json.decode(self.raw)
        except msgspec.DecodeError as error:
            raise RefusedError(reply({"error": "invalid JSON"}, 400)) from error

    def fields(self) -> Fields:
        """The body as a JSON object; RefusedError with 400 where it is anything else."""
        body = self.json()
        if not isinstance(body, dict):
            raise RefusedError(reply({"error": "a JSON object is expected"}, 400))
        return body

    def batch(self, items: Sequence[T]) -> Sequence[T]:
        """The items this call may process: all, unless the fault `partial` is on."""
        return items[: self.first_items]


class RefusedError(Exception):
    """Ends a handler with this response; nothing was changed."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status_code)
        self.response = response


def reply(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """`body` as a JSON response."""
    return Response(msgspec.json.encode(body), status, headers, "application/json")


def empty(status: int = 204) -> Response:
    """A response without a body."""
    return Response(None, status)


class Answering(Route):
    """A route whose handler is a plain function of the call; it may raise RefusedError.

    `answer` serves callers that have no server too: what it returns or raises is the whole reply.
    """

    def __init__(self, method: str, path: str, answer: Callable[[Call], Response]) -> None:
        self.answer = answer

        async def endpoint(request: Request) -> Response:
            first_items = request.scope.get(FIRST_ITEMS)
            body = await request.body()
            call = Call(request.path_params, request.query_params, request.headers, body, first_items)
            try:
                return answer(call)
            except RefusedError as refused:
                return refused.response

        super().__init__(path, endpoint, methods=[method])


def route(method: str, path: str, answer: Callable[[Call], Response]) -> Route:
    return Answering(method, path, answer)
