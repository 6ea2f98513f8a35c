"""Every store a ledger can be kept in, and what the suites about ledgers share: a clock that is moved by hand, runs, requests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from reconciler.ledger import open_ledger, open_reader
from reconciler.ledger.base import Holder, Ledger, LedgerReader, Op, Request, RequestState, Result, Verdict
from reconciler.ledger.base import OpState as S
from reconciler.model import Key, Person, Reference, StateStore
from tests import postgres as running

CAMPAIGN = Key("tel4vn-hanoi", "campaign", "spring")
MAY = CAMPAIGN.contact_set("renewals-may")
KEY_CHECK = b"k" * 16
IDENTITY = "5f" * 16
POSTGRES = StateStore(backend="postgres", url=Reference("env", "STATE_URL"))


@dataclass
class HandClock:
    time: datetime = datetime(2026, 6, 1, 8, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.time.timestamp()

    async def sleep(self, seconds: float) -> None:
        self.forward(seconds)

    def forward(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@dataclass
class Store:
    """One place where a ledger lives; every call opens it once more, as another process would."""

    state: StateStore
    clock: HandClock = field(default_factory=HandClock)
    environ: dict[str, str] = field(default_factory=dict)
    opened: list[LedgerReader] = field(default_factory=list)

    def ledger(self) -> Ledger:
        ledger = open_ledger(self.state, "/project", self.environ, self.clock)
        self.opened.append(ledger)
        return ledger

    def reader(self) -> LedgerReader:
        self.opened.append(reader := open_reader(self.state, "/project", self.environ, self.clock))
        return reader

    def contents(self, *identities: str) -> object:
        """Everything that can be read, to be compared; the lease's expiry apart."""
        with closing(self.reader()) as reader:
            doubts = [(request, reader.open_ops(request.id)) for request in reader.open_requests()]
            people = [list(reader.sent(identity)) for identity in identities or (IDENTITY,)]
            about = (reader.lineage, reader.serial, reader.key_check, dict(reader.bindings()))
            return (*about, doubts, people, list(reader.events()))


@contextmanager
def sqlite(folder: Path) -> Iterator[Store]:
    yield Store(StateStore(path=str(folder / "state.db")))


@contextmanager
def postgres(folder: Path) -> Iterator[Store]:
    """As a role with the rights of docs/ledger.md and no other, in tables that their owner has made."""
    server = running.server()
    owner = server.role()
    open_ledger(POSTGRES, "/project", {"STATE_URL": owner.socket}).close()
    role = server.granted(owner)
    store = Store(POSTGRES, environ={"STATE_URL": role.socket})
    try:
        yield store
    finally:
        for each in store.opened:
            each.close()


STORES: dict[str, Callable[[Path], AbstractContextManager[Store]]] = {"sqlite": sqlite, "postgres": postgres}


def holder(run: str = "run-1", **about: Any) -> Holder:
    """A run on a machine that is not this one, so that its death can never be proved here."""
    described: dict[str, Any] = {
        "host": "runner-7",
        "pid": 4711,
        "actor": "ana",
        "url": "https://ci.example/job/1",
        **about,
    }
    return Holder(run=run, **described)


def person(number: int) -> Person:
    return Person(number.to_bytes(16, "big"))


def add(number: int, revision: int = 1, verb: str = "add_contacts", key: Key = MAY, fields: bytes = b"f" * 16) -> Op:
    """One person of the campaign; the same arguments, the same op_key."""
    op_key = bytes([len(verb), revision]) + number.to_bytes(14, "big")
    return Op(op_key, key, IDENTITY, verb, person(number), revision, b"", fields)


def thing(verb: str = "create", key: Key = CAMPAIGN) -> Op:
    return Op(verb.encode().ljust(16, b"."), key, IDENTITY, verb)


def request(*ops: Op, repeatable: bool = False) -> Request:
    first = ops[0]
    return Request(
        first.key.connection, first.key, first.verb, "POST /v3/lead", b"m" * 16, "rc:k3f9qa", ops, repeatable
    )


def verdict(
    ops: Sequence[Op], state: S = S.CONFIRMED, vendor_id: str = "", about: RequestState | None = None
) -> Verdict:
    named = about or (RequestState.IN_DOUBT if state in (S.IN_DOUBT, S.HELD) else RequestState.CONFIRMED)
    return Verdict(named, [Result(op.op_key, state, vendor_id) for op in ops], 200, "answered")
