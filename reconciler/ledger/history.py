"""The audit trail of one thing, picked from that of all while it streams by. What the lines mean is in base.py."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator

from reconciler.ledger.base import Event, LedgerReader
from reconciler.model import Key

_CLAIM = re.compile(r"\w+ (\S+): ")  # how the first event of a request says what it is about (SqlLedger.claim)


def history(reader: LedgerReader, key: Key | None = None, limit: int | None = None) -> Iterable[Event]:
    """The newest `limit` events, all where there is no limit, oldest first; with `key` those of it and, of a campaign, of its sets.

    What happened before a rename stands under the former name; the event of the rename names both.
    """
    events = reader.events() if key is None else _of(reader.events(), str(key))
    return events if limit is None else deque(events, maxlen=limit)


def _of(events: Iterable[Event], name: str) -> Iterator[Event]:
    requests: set[str] = set()
    for event in events:
        claim = _CLAIM.match(event.reason) if event.entity.startswith("request ") and not event.before else None
        if claim and _within(claim[1], name):
            requests.add(event.entity)
        if event.entity in requests or _within(event.entity, name) or _within(event.before, name):
            yield event


def _within(entity: str, name: str) -> bool:
    return entity == name or entity.startswith(f"{name}/contacts/")
