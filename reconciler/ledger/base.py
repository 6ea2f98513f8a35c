"""What a ledger is, whatever stores it: journal of requests, what each concerned, bindings, lease, audit trail.

Nothing in it identifies a person: people are 16-byte keyed fingerprints. Reading and writing are apart, so that planning cannot write;
every write carries the lease's epoch and changes nothing once another run has taken over (LeaseLost).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from reconciler.ledger.contact_keys import RotationKeeper, RotationReader
from reconciler.ledger.traces import TraceKeeper, TraceReader
from reconciler.model import Binding, Key, Person, Sent, Spec


class OpState(StrEnum):
    """One contact or one object on its way (protocol.md, "States"). An op that was never claimed has no row."""

    PLANNED = "planned"  # claimed once, proved not executed: may be claimed again
    SENT = "sent"
    CONFIRMED = "confirmed"
    ALREADY = "already"
    REJECTED = "rejected"
    IN_DOUBT = "in_doubt"
    HELD = "held"
    DUPLICATED = "duplicated"
    ABANDONED = "abandoned"
    WITHDRAWN = "withdrawn"  # an add that was confirmed, and later withdrawn by us with proof


OPEN = (OpState.SENT, OpState.IN_DOUBT, OpState.HELD)  # what became of it is not known yet


class RequestState(StrEnum):
    SENT = "sent"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    NOT_SENT = "not_sent"
    IN_DOUBT = "in_doubt"
    SETTLED = "settled"


@dataclass(frozen=True, slots=True)
class Op:
    """What one request does to one object (`person` empty) or one contact.

    `op_key`: 16 bytes, keyed, UNIQUE in the ledger: that constraint, not code, forbids two live attempts at one contact. `verb`: an
    Action value. `key` is the campaign for objects, the contact set for people.
    """

    op_key: bytes
    key: Key
    identity: str
    verb: str
    person: Person | None = None
    revision: int = 1
    key_mac: bytes = b""
    fields_mac: bytes = b""


@dataclass(frozen=True, slots=True)
class Request:
    """One vendor write call about to be made. `call`: method and URL template. `body_mac`: keyed, 16 bytes. `token`: its public mark."""

    connection: str
    key: Key
    verb: str
    call: str
    body_mac: bytes
    token: str
    ops: Sequence[Op]
    repeatable: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """Where one op of a request ended. For `withdraw_contacts` CONFIRMED also turns the person's add into WITHDRAWN."""

    op_key: bytes
    state: OpState
    vendor_id: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one request: `evidence` says in a few words how that is known (never a number, never a body)."""

    state: RequestState
    results: Sequence[Result]
    http_status: int | None = None
    evidence: str = ""
    bindings: Sequence[Binding] = ()


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds the lease. `run`: an id of this run; `url`: of the CI job, where there is one."""

    run: str
    host: str
    pid: int
    actor: str
    url: str = ""
    boot_id: str = ""
    started: str = ""  # process start time, so that a dead holder on this host can be told from a live one


@dataclass(frozen=True, slots=True)
class Lease:
    epoch: int
    holder: Holder


@dataclass(frozen=True, slots=True)
class Freed:
    """A lease taken away. `holder`: who had it, and `since` when; None where nobody did."""

    epoch: int
    holder: Holder | None
    since: str


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """A request whose ops are not all in a terminal state. `people`: how many contacts are open in it (0: an object)."""

    id: str
    key: Key
    identity: str
    verb: str
    call: str
    token: str
    run: str
    claimed_at: str
    state: OpState
    people: int
    repeatable: bool


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the audit trail; `hash` chains it to the one before."""

    seq: int
    epoch: int
    at: str
    actor: str
    entity: str
    before: str
    after: str
    reason: str
    hash: str = field(default="", repr=False)


class LedgerReader(TraceReader, RotationReader, Protocol):
    """What planning may see. `lineage` and `key_check` are empty and `serial` is 0 where nothing was ever applied."""

    @property
    def lineage(self) -> str: ...

    @property
    def serial(self) -> int: ...

    @property
    def key_check(self) -> bytes: ...

    @property
    def high_water(self) -> tuple[int, str] | None:
        """Seq and hash of the newest event, kept apart from the events; None in a ledger that an older reconciler wrote."""
        ...

    def bindings(self) -> Mapping[Key, Binding]:
        """Every binding; one with an empty vendor id only reserves the identity."""
        ...

    def sent(self, identity: str) -> Iterator[Sent]:
        """The newest revision of every person ever claimed for a campaign, streamed, ordered by person."""
        ...

    def sent_with(self, person: Person) -> Sequence[tuple[Key, str, Sent]]:
        """Every campaign that one person was ever claimed for: its key, its identity, and the newest revision of them there."""
        ...

    def open_requests(self) -> Sequence[OpenRequest]:
        """Requests with ops in SENT, IN_DOUBT or HELD."""
        ...

    def age(self, request: OpenRequest) -> float:
        """Seconds since it was claimed, by the clock that wrote down when: the host's may be another one."""
        ...

    def open_ops(self, request_id: str) -> Sequence[tuple[Op, OpState]]: ...

    def events(self) -> Iterator[Event]: ...

    def remembered(self, kind: str) -> Mapping[str, bytes]:
        """Everything kept by `remember` under a kind: name -> value."""
        ...

    def holder(self) -> Holder | None:
        """Who holds an unexpired lease just now."""
        ...

    def held_since(self) -> str:
        """When the lease was taken last, whether it runs still or not; empty where it never was."""
        ...

    def close(self) -> None: ...


class Ledger(LedgerReader, TraceKeeper, RotationKeeper, Protocol):
    """What applying may do. Every method raises LeaseLost where `lease` is not the newest epoch any more."""

    def transaction(self) -> AbstractContextManager[None]:
        """One durable commit around several writes (group commit); nested: a savepoint that rolls back alone."""
        ...

    def acquire(self, holder: Holder, seconds: int) -> Lease:
        """Take the lease for `seconds` by the store's clock.

        Raises LockHeld, naming holder, host, run URL and since when; NotThisLedger where it is closed (closing.py).
        """
        ...

    def unlock(self, holder: Holder, reason: str = "unlocked by hand") -> int:
        """Free the lease, whoever holds it, and raise the epoch, so that the old holder is fenced. Returns the new epoch."""
        ...

    def renew(self, lease: Lease, seconds: int) -> None:
        """Let it run `seconds` from now. Every other write renews it too, for as long as was asked for last."""
        ...

    def release(self, lease: Lease) -> None:
        """Free it; already free is success."""
        ...

    def start(self, lease: Lease, key_check: bytes) -> None:
        """First use: record lineage and key check. Later: raises WrongContactKey where the key is another one (of two live: the newer)."""
        ...

    def recover(self, lease: Lease) -> int:
        """Turn every SENT request of an older epoch, and its ops, into IN_DOUBT. Returns how many requests."""
        ...

    def identity(self, lease: Lease, key: Key) -> str:
        """The stable id (32 hex digits) of a campaign, reserved on first use."""
        ...

    def claim(self, lease: Lease, request: Request) -> str:
        """The write-ahead point: insert the request as SENT and its ops, each new or PLANNED, as SENT. Returns the request's id.

        Raises LedgerError where an op is in any other state: then nothing is inserted and nothing may be sent.
        """
        ...

    def outcome(self, lease: Lease, request_id: str, verdict: Verdict) -> None:
        """Record what became of a request that is SENT or IN_DOUBT: vendor ids and bindings first, in the same commit.

        An op that is SENT and not in the verdict becomes IN_DOUBT; a request with an open op stays IN_DOUBT whatever the verdict says.
        Raises LedgerError where the request is decided already or an op of the verdict is not open in it.
        """
        ...

    def bind(self, lease: Lease, binding: Binding, reason: str) -> None:
        """Insert or replace the binding of `binding.key`."""
        ...

    def unbind(self, lease: Lease, key: Key, reason: str) -> None:
        """Forget a binding, with a campaign those of its contact sets; ops and events stay. Raises LedgerError where there is none."""
        ...

    def let_go(self, lease: Lease, key: Key, reason: str) -> None:
        """Forget which live object a campaign is, not whom it reached: its identity stays reserved, and its create may be claimed again.

        Raises LedgerError where it is not bound.
        """
        ...

    def move(self, lease: Lease, old: Key, new: Key) -> None:
        """Rename a campaign and its contact sets; the identity stays. Raises LedgerError where `new` is taken or `old` not bound."""
        ...

    def applied(self, lease: Lease, key: Key, spec: Spec, protect: bool, run: int) -> None:
        """Remember what was last applied to a bound object. Raises LedgerError where it is not bound."""
        ...

    def remember(self, lease: Lease, kind: str, name: str, value: bytes) -> None:
        """Keep `value` for the next runs: who was on a suppression list, the approved plan, a set that was sent whole."""
        ...

    def forget(self, lease: Lease, person: Person) -> int:
        """Take a person's fingerprints off everything that was done to them, which stays countable; returns how many operations.

        Raises LedgerError where one of them is not decided yet.
        """
        ...

    def finish(self, lease: Lease) -> int:
        """Serial + 1, the lease released. Returns the new serial."""
        ...
