"""The only way a call that changes something leaves: claim made durable, sent once, classified, outcome made durable.

protocol.md, "Order of things", steps 4 to 8. Knows no vendor and no plan.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from reconciler.clock import Clock
from reconciler.contacts.fingerprint import Fingerprints
from reconciler.errors import (
    NotSent,
    OutcomeUnknown,
    RateLimited,
    ReconcilerError,
    Rejected,
    Unauthorized,
    UnexpectedReply,
    VendorError,
)
from reconciler.ledger.base import Lease, Op, OpState, Request, RequestState, Result, Verdict
from reconciler.ledger.journal import Journal
from reconciler.model import Action, Binding, Contact, Key, Person, Tally
from reconciler.providers.base import Accept, Call, Item, Receipt, Reply
from reconciler.providers.http import LONGEST_WAIT, Account

SEND_WINDOW = 5.0  # seconds between a claim and its send; an older claim is given back and made again
ATTEMPTS = 5  # claims for one call that was proved not sent each time
ADDS = frozenset({Action.ADD_CONTACTS, Action.CREATE})
_STATES = {
    "confirmed": OpState.CONFIRMED,
    "already": OpState.ALREADY,
    "rejected": OpState.REJECTED,
    "in_doubt": OpState.IN_DOUBT,
    "later": OpState.PLANNED,
}


class Interrupted(ReconcilerError):
    """The run was asked to stop: no new claim is made, what is in flight is finished."""

    exit_code = 8


class BreakerOpen(ReconcilerError):
    """An answer of this account was lost that nobody can ask for: nothing more goes there in this run."""


def _nothing() -> None:
    return None


@dataclass(slots=True)
class Run:
    """What all steps of one apply share. `rounds`: how often it went on after doubts were settled.

    `broken`: the connections whose breaker is open (protocol.md, "Settling per vendor").
    """

    journal: Journal
    lease: Lease
    fingerprints: Fingerprints
    clock: Clock
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    rounds: int = 0
    broken: set[str] = field(default_factory=set)
    calls: int = 0  # written so far, so that what is repeated in a later round is a new operation


@dataclass(slots=True)
class StepWriter:
    """A `Writer` for one step of one object.

    `readable`: a lost answer can be settled by asking the vendor. `tally`, `later` and `touched` tell afterwards what became of its
    people, how many the vendor wants asked again, and whether the vendor may hold something new. `counted` is called whenever the
    first two have changed.
    """

    run: Run
    account: Account
    key: Key
    identity: str
    action: Action
    token: str
    create_run: int = 1
    readable: bool = True
    tally: Tally = field(default_factory=Tally)
    later: int = 0
    touched: bool = False
    counted: Callable[[], None] = _nothing
    _people: dict[Person, Contact] = field(default_factory=dict, repr=False)
    _adds: dict[Person, bytes] = field(default_factory=dict, repr=False)  # their keys, where `marked` made them

    def marked(self, contacts: Sequence[Contact]) -> list[Contact]:
        """The contacts with their public marks, each the same in every run at one revision; to be carried."""
        return [self._marked(contact) for contact in contacts]

    def _marked(self, contact: Contact) -> Contact:
        op_key = contact_op_key(self.run, self.key, self.identity, Action.ADD_CONTACTS, contact)
        self._adds[contact.person] = op_key
        return replace(contact, mark=self.run.fingerprints.mark(op_key))

    @contextmanager
    def carrying(self, contacts: Sequence[Contact]) -> Iterator[None]:
        """Within it, calls may carry these people."""
        self._people.update((contact.person, contact) for contact in contacts)
        try:
            yield
        finally:
            for contact in contacts:
                self._people.pop(contact.person, None)
                self._adds.pop(contact.person, None)

    async def note_absent(self, people: Sequence[Person]) -> None:
        """Record people as withdrawn of whom a complete read showed nothing: no call is needed."""
        request = self._request(Call("DELETE", "(nothing to withdraw)", repeatable=True), people)
        results = [Result(op.op_key, OpState.CONFIRMED) for op in request.ops]
        verdict = Verdict(RequestState.CONFIRMED, results, None, "absent in a complete read")
        request_id = await self.run.journal.run(lambda ledger: ledger.claim(self.run.lease, request))
        await self._record(request_id, verdict)
        self._count([Item("already")] * len(people))

    async def read(self, call: Call) -> Reply:
        return await self.account.read(call)

    async def write(self, call: Call, accept: Accept, people: Sequence[Person] = ()) -> Receipt:
        """See `providers.base.Writer.write`."""
        request = self._request(call, people)
        renewed = False
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await self._once(call, request, accept, people)
            except Unauthorized:
                if renewed:
                    raise
                renewed = True
                await self.account.renew()
            except (NotSent, RateLimited) as error:
                if attempt == ATTEMPTS:
                    raise
                await self.run.clock.sleep(_wait(attempt, error))
        raise AssertionError("the last attempt returns or raises")  # pragma: no cover - for the type checker

    async def _once(self, call: Call, request: Request, accept: Accept, people: Sequence[Person]) -> Receipt:
        clock = self.run.clock
        async with self.account.turn():
            if self.run.stopping.is_set():
                raise Interrupted("interrupted before this call; nothing of it was sent")
            if self.key.connection in self.run.broken:
                raise BreakerOpen("not tried: an answer of this account was just lost, and it cannot be asked for it")
            begun = clock.monotonic()
            request_id = await self.run.journal.run(lambda ledger: ledger.claim(self.run.lease, request))
            if clock.monotonic() - begun > SEND_WINDOW:
                await self._give_back(request_id, request, RequestState.NOT_SENT, "the claim was too old to send")
                raise NotSent(self.key.connection, str(call), "the ledger was slow; nothing was sent")
            self.touched = True
            answer = await self._answer(call)
        return await self._settle(request_id, request, answer, accept, people)

    async def _answer(self, call: Call) -> Reply | VendorError:
        try:
            return await self.account.send(call)
        except VendorError as error:
            return error

    async def _settle(
        self, request_id: str, request: Request, answer: Reply | VendorError, accept: Accept, people: Sequence[Person]
    ) -> Receipt:
        """Classify the answer and make the outcome durable before anybody acts on it."""
        if isinstance(answer, VendorError):
            await self._failed(request_id, request, answer, people)
            raise answer
        try:
            receipt = accept(answer)
            results = self._results(request, receipt, people)
        except (ValueError, KeyError, TypeError, AttributeError, IndexError):
            error = UnexpectedReply(self.key.connection, request.call, "not what the vendor documents", answer.status)
            await self._failed(request_id, request, error, people)
            raise error from None  # the cause may quote the reply
        doubtful = any(result.state is OpState.IN_DOUBT for result in results)
        state = RequestState.IN_DOUBT if doubtful else RequestState.CONFIRMED
        verdict = Verdict(state, results, answer.status, "answered", self._bindings(receipt, people))
        await self._record(request_id, verdict)
        self._count(receipt.items or [Item("confirmed")] * len(people))
        return receipt

    async def _failed(self, request_id: str, request: Request, error: VendorError, people: Sequence[Person]) -> None:
        if self._decided(error):
            self.touched = False
            state = RequestState.REJECTED if isinstance(error, Rejected) else RequestState.NOT_SENT
            await self._give_back(request_id, request, state, type(error).__name__, error.status or None)
            return
        results = [Result(op.op_key, OpState.IN_DOUBT) for op in request.ops]
        verdict = Verdict(RequestState.IN_DOUBT, results, error.status or None, type(error).__name__)
        await self._record(request_id, verdict)
        self._count([Item("in_doubt")] * len(people))
        if not (request.repeatable or self.readable):
            self.run.broken.add(self.key.connection)
        if not isinstance(error, OutcomeUnknown):
            said = "this vendor does not say whether it was executed"
            raise OutcomeUnknown(self.key.connection, request.call, said, error.status) from None

    def _decided(self, error: VendorError) -> bool:
        """Whether it is proved that the vendor executed nothing."""
        if isinstance(error, RateLimited):
            return self.account.connection.limits.rate_limit_before_execution
        return isinstance(error, NotSent | Rejected)

    async def _give_back(
        self, request_id: str, request: Request, state: RequestState, why: str, status: int | None = None
    ) -> None:
        """Nothing was executed: the operations may be claimed again."""
        results = [Result(op.op_key, OpState.PLANNED) for op in request.ops]
        await self._record(request_id, Verdict(state, results, status, why))

    async def _record(self, request_id: str, verdict: Verdict) -> None:
        await self.run.journal.run(lambda ledger: ledger.outcome(self.run.lease, request_id, verdict))

    def _count(self, items: Iterable[Item]) -> None:
        count = Counter(item.state for item in items)
        self.tally += Tally(count["confirmed"], count["rejected"], count["in_doubt"], count["already"])
        self.later += count["later"]
        self.counted()

    # ---- what a request concerns -----------------------------------------------------------------------------------

    def _request(self, call: Call, people: Sequence[Person]) -> Request:
        ops = [self._contact_op(person) for person in people]
        if not people or self.action is Action.CREATE:
            ops.insert(0, self._object_op(call))
        self.run.calls += 1
        body = self.run.fingerprints.fields(
            {"body": repr(call.json), "form": repr(call.form), "query": repr(call.query)}
        )
        connection = self.key.connection
        return Request(connection, self.key, self.action, str(call), body, self.token, tuple(ops), call.repeatable)

    def _object_op(self, call: Call) -> Op:
        """A call that makes something has one key for good; a repeatable one, or a switch, is a new operation each time."""
        makes = self.action in ADDS and not call.repeatable
        revision = self.create_run if makes else self.run.lease.epoch
        verb = f"{self.action}/{call}/{self.key.contacts}" + ("" if makes else f"/{self.run.calls}")
        op_key = self.run.fingerprints.operation(self.key.connection, self.identity, Person(b""), revision, verb)
        return Op(op_key, self.key, self.identity, self.action, None, revision)

    def _contact_op(self, person: Person) -> Op:
        contact = self._people[person]
        known = self._adds.get(person) if self.action in ADDS else None
        op_key = known or contact_op_key(self.run, self.key, self.identity, self.action, contact)
        key = self.key if self.key.contacts else self.key.contact_set(contact.contacts)
        return Op(
            op_key, key, self.identity, self.action, person, contact.revision, contact.key_mac, contact.fields_mac
        )

    def _results(self, request: Request, receipt: Receipt, people: Sequence[Person]) -> list[Result]:
        items = receipt.items or [Item("confirmed")] * len(people)
        if len(items) != len(people):
            raise ValueError("as many results as people sent")
        own = [Result(op.op_key, OpState.CONFIRMED, receipt.vendor_id) for op in request.ops if op.person is None]
        keys = [op.op_key for op in request.ops if op.person is not None]
        return own + [Result(k, _STATES[i.state], i.vendor_id) for k, i in zip(keys, items, strict=True)]

    def _bindings(self, receipt: Receipt, people: Sequence[Person]) -> tuple[Binding, ...]:
        """What a call made is ours from the same commit on, whatever fails afterwards."""
        made = self.action is Action.CREATE or (self.action is Action.ADD_CONTACTS and not people)
        if not made or not receipt.vendor_id:
            return ()
        return (Binding(self.key, self.identity, receipt.vendor_id, {}, run=self.create_run),)


def token_of(fingerprints: Fingerprints, identity: str, create_run: int) -> str:
    """The short public mark of what one campaign's create leaves behind: `rc:k3f9qa`, the same in every run."""
    op_key = fingerprints.operation("", identity, Person(b""), create_run, "token")
    return "rc:" + fingerprints.mark(op_key)[3:9]


def contact_op_key(run: Run, key: Key, identity: str, action: Action, contact: Contact) -> bytes:
    """The ledger key of one thing done to one person of one campaign.

    An add has one for good at each revision, which is what forbids a second; edits and withdrawals are by id and new in every run.
    """
    verb = sealed_verb(action, run.lease.epoch)
    return run.fingerprints.operation(key.connection, identity, contact.person, contact.revision, verb)


def sealed_verb(action: str, epoch: int) -> str:
    """What the ledger key of something done to a person calls it. `epoch`: of the run that claims it."""
    return "add" if action in ADDS else f"{action}/{epoch}"


def _wait(attempt: int, error: NotSent | RateLimited) -> float:
    """Full jitter, doubling from half a second; a vendor's Retry-After is the least."""
    least = error.retry_after or 0.0 if isinstance(error, RateLimited) else 0.0
    return min(LONGEST_WAIT, least + random.uniform(0, 0.5 * 2**attempt))
