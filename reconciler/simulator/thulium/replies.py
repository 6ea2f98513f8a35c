"""What all Thulium calls share: error bodies, pages, and the status of a batch as a whole."""

from collections.abc import Callable
from uuid import uuid4

from starlette.responses import Response

from reconciler.simulator.vendor import Call, Fields, RefusedError, reply

Answers = list[tuple[str, str, Callable[[Call], Response]]]
"""Method, path, what answers."""

PAGE = 100


def refusal(status: int, message: str) -> RefusedError:
    """Ends a call with the vendor's error body; no list of its codes was found, 1 stands for all."""
    return RefusedError(reply({"request_id": uuid4().hex, "errors": [{"message": message, "code": 1}]}, status))


def body_of(call: Call) -> Fields:
    """The body as an object; 400 in the vendor's words where it is none."""
    try:
        return call.fields()
    except RefusedError as error:
        raise refusal(400, "Invalid JSON") from error


def page_of(call: Call, rule: str) -> slice:
    """The rows asked for; `rule`: what happens to a `limit` above the maximum, capped or refused."""
    limit, offset = call.query.get("limit", str(PAGE)), call.query.get("offset", "0")
    if not (limit.isdecimal() and offset.isdecimal()) or (int(limit) > PAGE and rule == "refused"):
        raise refusal(400, "Invalid limit or offset")
    return slice(int(offset), int(offset) + min(int(limit), PAGE))


def batch_code(call_adds: bool, rule: str) -> int:
    """The status of a batch answer as a whole."""
    return 200 if rule == "201" and not call_adds else int(rule)
