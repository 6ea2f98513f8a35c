"""What Thulium's answers prove. Raises ValueError, KeyError or TypeError where one is not what is documented. No calls."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import msgspec

from reconciler.providers.base import Item, Receipt, Reply
from reconciler.providers.paging import Page, Row
from reconciler.providers.thulium.contacts import Record
from reconciler.providers.thulium.wire import campaign_id
from reconciler.redact import foreign

_GONE = {"REMOVAL_QUEUED", "ALREADY_QUEUED", "NOT_EXIST"}
_REMOVED = {"REMOVED", "NOT_EXIST"}


def page(reply: Reply, keys: Sequence[str]) -> Page[Row]:
    """Rows of a bare list, or of an object with one list in it and `count` beside it; each row has `keys`."""
    body = reply.json()
    if isinstance(body, dict):
        (rows,) = [value for value in body.values() if isinstance(value, list)]
        total = int(body["count"]) if "count" in body else None
    else:
        rows, total = body, len(body)
    if any(key not in row for row in rows for key in keys):
        raise ValueError("a row without a documented field")
    return Page(rows, total)


# ---- campaigns -----------------------------------------------------------------------------------------------------


def updated(reply: Reply, vendor_id: str) -> Receipt:
    """PUT answers 204 and nothing. With another success there has to be JSON that is no list of errors."""
    return Receipt(vendor_id) if reply.status == 204 and not reply.body else _no_errors(reply, vendor_id)


def agents_set(reply: Reply, vendor_id: str) -> Receipt:
    """An empty answer is documented, its status is not."""
    return _no_errors(reply, vendor_id) if reply.body.strip() else Receipt(vendor_id)


def _no_errors(reply: Reply, vendor_id: str) -> Receipt:
    body = reply.json()
    if isinstance(body, dict) and "errors" in body:
        raise ValueError("errors in a successful answer")
    return Receipt(vendor_id)


def queued(reply: Reply, vendor_id: str) -> Receipt:
    """One result per campaign: on the removal queue now, there already, or gone; 404 on the whole is gone as well."""
    if reply.status == 404:
        return Receipt(vendor_id)
    words = {str(row["status"]) for row in reply.json() if campaign_id(row) == vendor_id}
    if not words or words - _GONE:
        raise ValueError("no known result for the campaign")
    return Receipt(vendor_id)


# ---- people --------------------------------------------------------------------------------------------------------


class _Listed(msgspec.Struct):
    result: list[Record]
    count: int | str | None = None


_listed = msgspec.json.Decoder(_Listed | list[Record]).decode


def records(reply: Reply) -> Page[Record]:
    """A page of people as it is documented, or a bare list, as other calls have it."""
    body = _listed(reply.body)
    if isinstance(body, list):
        return Page(body, len(body))
    return Page(body.result, None if body.count is None else int(body.count))


def results(
    reply: Reply, people: Sequence[Hashable], name: Callable[[str], Hashable], judge: Callable[[list[Any]], Item]
) -> Receipt:
    """What a map of results says of `people`, in their order. `name`: whom a key means. Who is missing is in doubt.

    A key has one result or a list of them; several spellings of one number are one person.
    """
    body = reply.json()
    if not isinstance(body, dict):
        raise TypeError("results by number or by customer are documented")
    found: dict[Hashable, list[Any]] = {}
    for key, value in body.items():
        found.setdefault(name(key), []).extend(value if isinstance(value, list) else [value])
    return Receipt(items=tuple(judge(found.get(person, [])) for person in people))


def added(found: list[Any]) -> Item:
    result = _only(found)
    vendor_id = str(result.get("record_id", ""))
    match result.get("status"):
        case "ADDED":
            return Item("confirmed", vendor_id)
        case "ALREADY_EXISTS":
            return Item("already", vendor_id)
        case "FAILED":
            return Item("rejected", said=_said(result))
    return Item("in_doubt", said=_said(result))


def edited(found: list[Any]) -> Item:
    """No word here, only the status that the call for this record alone would have had."""
    result = _only(found)
    status = int(result.get("http_status", 0))
    if 200 <= status < 300:
        return Item("confirmed")
    return Item("rejected" if 400 <= status < 500 else "in_doubt", said=_said(result))


def removed(found: list[Any]) -> Item:
    """Every record of the person: there are several where a number was imported more than once."""
    words = {str(result["status"]) for result in found}
    if "CALL_IN_PROGRESS" in words:
        return Item("later", said="in a call just now")
    return Item("confirmed") if words and words <= _REMOVED else Item("in_doubt", said=foreign(" ".join(sorted(words))))


def _only(found: list[Any]) -> Mapping[str, Any]:
    """The one result; without one, or with several, nothing is proved."""
    return found[0] if len(found) == 1 and isinstance(found[0], dict) else {}


def _said(result: Mapping[str, Any]) -> str:
    return foreign(str(result.get("message") or result.get("status") or "nothing"))
