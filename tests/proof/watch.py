"""Who sees everything: what left, what the vendors really did, what the ledger said; and holds it against the invariants I1 to I10."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from reconciler.model import Person
from reconciler.providers.base import Call
from reconciler.simulator.polish import e164 as polish
from reconciler.simulator.tel4vn.queue import e164 as vietnamese
from tests.proof.desks import Desk
from tests.proof.stage import NUMBER_OF, PRINTS, READABLE, Terms
from tests.proof.virtual import PROCESS, Loop
from tests.proof.wire import CARRYING

_NUMBERS = ("phone_number", "contact_number", "phone")
_THERE = ("confirmed", "already")


@dataclass(frozen=True, slots=True)
class Violation:
    invariant: str
    text: str


@dataclass
class Watch:
    """`allowed`: (vendor, number) -> how many calls more a person ordered. `trace`: told as it happens, where somebody listens.

    `late`: who was put in the queue by a request that was closed by then, which a vendor that de-duplicates is trusted with.
    """

    loop: Loop
    db: sqlite3.Connection
    desks: Mapping[str, Desk]
    terms: Terms
    trace: Callable[[str], None] | None = None
    violations: list[Violation] = field(default_factory=list)
    allowed: Counter[tuple[str, str]] = field(default_factory=Counter)
    late: set[tuple[str, str]] = field(default_factory=set)
    writes: int = 0
    _used: set[str] = field(default_factory=set)
    _claimed: dict[int, float] = field(default_factory=dict)
    _reads: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    _seq: int = 0
    _newest: tuple[int, int, int] = (0, 0, 0)

    def say(self, text: str) -> None:
        if self.trace:
            name = process.name if (process := PROCESS.get(None)) else "vendor"
            self.trace(f"{self.loop.now:9.2f}  {name:8} {text}")

    def broken(self, invariant: str, text: str) -> None:
        self.say(f"!! {invariant}: {text}")
        self.violations.append(Violation(invariant, text))

    # ---- the wire --------------------------------------------------------------------------------------------------

    def leaving(self, vendor: str, call: Call, request: httpx.Request) -> str:
        """A write is about to leave: I4, there is a durable claim for exactly its people; I5, which was not used before."""
        self.writes += 1
        mac = PRINTS.fields({"body": repr(call.json), "form": repr(call.form), "query": repr(call.query)})
        rows = self.db.execute(
            "SELECT id FROM request WHERE call = ? AND body_mac = ? AND run = ? AND (repeatable OR state IN ('sent', 'in_doubt'))",
            (str(call), mac, PROCESS.get().name),
        ).fetchall()
        fresh = [f"r{number:x}" for (number,) in rows if f"r{number:x}" not in self._used]
        if not fresh:
            self.broken("I5" if rows else "I4", f"{call} leaves {'again' if rows else 'without a claim'}")
            return ""
        self._used.add(fresh[-1])
        people = self.db.execute(
            "SELECT person FROM op WHERE request_id = ? AND person IS NOT NULL", (int(fresh[-1][1:], 16),)
        )
        claimed = {NUMBER_OF[Person(person)] for (person,) in people}
        if (
            request.method == "POST"
            and request.url.path.endswith(CARRYING)
            and claimed != set(_numbers(vendor, request))
        ):
            self.broken("I4", f"{call} carries other people than its claim {fresh[-1]}")
        return fresh[-1]

    def has_read(self, vendor: str, request: httpx.Request) -> None:
        if request.url.path.endswith(("/v3/lead", "/records")):
            self._reads.setdefault((PROCESS.get().name, vendor), []).append(self.loop.now)

    @contextmanager
    def effects_of(self, desk: Desk, row: str) -> Iterator[None]:
        """The vendor executes a request: I1, nobody is put where he stands already, unless a person ordered it."""
        before, stood = desk.dials(), desk.present()
        yield
        for number, calls in (desk.dials() - before).items():
            self.say(f"{row}: {number} is put in the queue")
            about = (desk.vendor.name, number)
            if self._closed(row):
                self.late.add(about)
            excess = stood[number] + calls - 1 - self.allowed[about]
            if excess > 0:
                self.broken("I1", f"{number} is called {stood[number] + calls} times by {about[0]}, the last by {row}")

    def _closed(self, row: str) -> bool:
        found = self.db.execute(
            "SELECT repeatable AND state = 'settled' FROM request WHERE id = ?", (int(row[1:] or "0", 16),)
        )
        return bool((found.fetchone() or (False,))[0])

    # ---- the ledger ------------------------------------------------------------------------------------------------

    def committed(self) -> bool:
        """After each commit: what changed behind the ledger's back, and what it says changed. Whether it held a claim."""
        changes = self.db.execute("SELECT kind, request, op_key, before, after FROM trail").fetchall()
        events = self.db.execute(
            "SELECT seq, epoch, entity, before, after, reason FROM event WHERE seq > ? ORDER BY seq", (self._seq,)
        ).fetchall()
        epoch, serial = self.db.execute("SELECT epoch, (SELECT serial FROM stack) FROM lease").fetchone()
        self._order(events, epoch, serial)
        if not changes:
            return False
        self.db.execute("DELETE FROM trail")
        told = Counter((entity, before, after) for _, _, entity, before, after, _ in events)
        for kind, request, op_key, before, after in changes:
            if kind == "request":
                self.say(f"r{request:x}: {before or 'new'} -> {after}")
                if not told[f"request r{request:x}", before, after]:
                    self.broken("I9", f"r{request:x} went from {before} to {after} without an event")
            else:
                if not any(entity.startswith("request ") for _, _, entity, *_ in events):
                    self.broken("I9", f"an operation of r{request:x} went from {before} to {after} without an event")
                self._moved(request, op_key, before, after)
        return any(after == "sent" for *_, after in changes)

    def _order(self, events: list[Any], epoch: int, serial: int) -> None:
        """I7: nobody writes under an old epoch; I8: epoch, serial and seq only grow, the epoch with every holder."""
        for seq, of_event, entity, _, after, _ in events:
            if entity == "lease" and after and of_event <= self._newest[0]:
                self.broken("I8", f"{after} holds the lease under epoch {of_event}, as another one did")
            if of_event != epoch and entity != "lease":
                self.broken("I7", f"{entity} was written under epoch {of_event}, the newest is {epoch}")
            if seq != self._seq + 1:
                self.broken("I8", f"event {seq} follows event {self._seq}")
            self._seq = seq
        now = (epoch, serial, self._seq)
        if any(new < old for new, old in zip(now, self._newest, strict=True)):
            self.broken("I8", f"epoch, serial, seq went from {self._newest} to {now}")
        self._newest = now

    def _moved(self, request: int, op_key: bytes, before: str, after: str) -> None:
        person, verb, campaign, repeatable = self.db.execute(
            "SELECT o.person, s.verb, s.campaign, r.repeatable FROM op o JOIN scope s ON s.id = o.scope_id"
            " JOIN request r ON r.id = o.request_id WHERE o.op_key = ?",
            (op_key,),
        ).fetchone()
        vendor = campaign.partition("-")[0]
        if person:
            self.say(f"r{request:x}: {verb} {NUMBER_OF[person]}: {before or 'new'} -> {after}")
        if after == "sent":
            self._claimed[request] = self.loop.now
        if before == "in_doubt" and after == "planned" and not repeatable:
            self._absent(request, vendor)
        if person and after in _THERE and verb in ("add_contacts", "create"):
            self._confirmed(vendor, NUMBER_OF[person], present=True)
        if person and ((after in _THERE and verb == "withdraw_contacts") or after == "withdrawn"):
            self._confirmed(vendor, NUMBER_OF[person], present=False)

    def _absent(self, request: int, vendor: str) -> None:
        """I6: after the horizon, and after two complete reads that are far enough apart."""
        limits, settle = self.terms.limits, self.terms.settle
        over = self._claimed[request] + 5 + 2 * limits.timeout + settle.late_max
        reads = [at for at in self._reads.get((PROCESS.get().name, vendor), ()) if at >= over]
        if not reads or reads[-1] - reads[0] < settle.interval:
            self.broken(
                "I6", f"r{request:x} is called absent {self.loop.now - over:.0f} s after the horizon, reads {reads}"
            )

    def _confirmed(self, vendor: str, number: str, present: bool) -> None:
        """I2: what the ledger calls done is so at the vendor."""
        if bool(self.desks[vendor].present()[number]) is not present:
            self.broken("I2", f"{number} is {'confirmed' if present else 'withdrawn'}, {vendor} says otherwise")

    def unfinished(self, wanted: Mapping[str, Mapping[str, str]]) -> None:
        """I3: a clean apply leaves nothing sent without an outcome, and nothing undone that is still wanted."""
        for person, state, campaign in self.db.execute(
            "SELECT o.person, o.state, s.campaign FROM op o JOIN scope s ON s.id = o.scope_id JOIN request r ON r.id = o.request_id"
            " WHERE o.state IN ('planned', 'sent') AND o.person IS NOT NULL AND s.verb IN ('add_contacts', 'create')"
            # A run that took the lease meanwhile has its own work under way.
            " AND r.epoch <= (SELECT max(epoch) FROM event WHERE entity = 'lease' AND after = ?)",
            (PROCESS.get().name,),
        ):
            number, vendor = NUMBER_OF[person], campaign.partition("-")[0]
            if state == "sent" or number in wanted[vendor]:
                self.broken("I3", f"{number} of {campaign} is left {state} by a clean apply")

    def settled(self, wanted: Mapping[str, Mapping[str, str]], given_up: set[tuple[str, str]]) -> None:
        """When all is quiet: everybody who is wanted is there once, and of who is not wanted any more nobody is, where one can tell."""
        for vendor, people in wanted.items():
            present = self.desks[vendor].present()
            for number in people:
                if not present[number] and (vendor, number) not in given_up:
                    self.broken("I2", f"{number} is wanted and never came to {vendor}")
            for number, times in present.items():
                ours = number in NUMBER_OF.values() and (vendor, number) not in self.late
                if ours and number not in people and vendor in READABLE and times:
                    self.broken("I2", f"{number} left the source and is still at {vendor}")


def _numbers(vendor: str, request: httpx.Request) -> Iterator[str]:
    """Whom the body of an add carries."""
    written = vietnamese if vendor == "tel4vn" else polish
    waiting: list[Any] = [json.loads(request.content)]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            yield from (written(str(item[name])) for name in _NUMBERS if name in item)
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item
