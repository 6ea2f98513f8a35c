"""The audit trail as a hash chain: whoever changes or removes a line breaks every line after it. No store, no SQL."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from reconciler.ledger.base import Event, LedgerReader

GENESIS = ""
_LINE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Break:
    """The first line of the trail that is not as it was written. `seq` counts from 1."""

    seq: int
    message: str

    def __str__(self) -> str:
        return f"event {self.seq} {self.message}"


def link(previous: str, event: Event) -> str:
    """The hash of `event` (its own `hash` apart): SHA-256 over the hash before it and its canonical line, in hex."""
    fields = (event.seq, event.epoch, event.at, event.actor, event.entity, event.before, event.after, event.reason)
    return hashlib.sha256(f"{previous}{_LINE.encode(fields)}".encode()).hexdigest()


def verify(reader: LedgerReader) -> int | Break:
    """How many events the trail holds where it is whole, to its very end; else the first place where it is not."""
    newest = reader.high_water  # looked at first: what is written meanwhile comes after it
    previous, count = GENESIS, 0
    for event in reader.events():
        if event.seq != count + 1:
            return Break(count + 1, "is missing")
        if event.hash != link(previous, event):
            return Break(event.seq, "was changed, or one before it was")
        if newest and event.seq == newest[0] and event.hash != newest[1]:
            return Break(event.seq, "is not the one that was written there")
        previous, count = event.hash, event.seq
    if newest and count < newest[0]:
        return Break(count + 1, f"is missing, and all after it: the trail went on to event {newest[0]}")
    return count
