"""The only way out: claim durable, sent once, classified, outcome durable. A real ledger, answers by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from reconciler.contacts import Fingerprints
from reconciler.errors import LeaseLost, LedgerError, NotSent, OutcomeUnknown, RateLimited, Rejected, Unauthorized
from reconciler.ledger.base import LedgerReader, OpState
from reconciler.ledger.journal import Journal
from reconciler.model import Action, Contact, Phone, StateStore, Tally
from reconciler.providers.base import Call, Item, Receipt, Reply
from reconciler.providers.http import Account
from reconciler.writer import ATTEMPTS, BreakerOpen, Interrupted, Run, StepWriter, contact_op_key
from tests.contract.ledgers import CAMPAIGN, KEY_CHECK, MAY, HandClock, Store, holder
from tests.support import connection

PRINTS = Fingerprints(b"k" * 32)
IDENTITY = "5f" * 16
PEOPLE = [
    Contact(PRINTS.person(number), Phone(number), {"name": "Nobody"}, fields_mac=b"f" * 16)
    for number in ("+84900000001", "+84900000002", "+84900000003")
]
POST = Call("POST", "/thing", json={"x": 1})
Handler = Callable[[httpx.Request], httpx.Response]


class Token:
    """Logs in with a counter, so that a renewed token is told from a stale one."""

    def __init__(self) -> None:
        self.given = 0

    def login(self, secrets: object) -> Call:
        return Call("POST", "/login", json={})

    def token(self, reply: Reply) -> str:
        self.given += 1
        return str(self.given)

    def headers(self, secrets: object, token: str) -> dict[str, str]:
        return {"Authorization": token}


class Desk:
    """A run with its ledger, and one account whose answers `handler` gives."""

    def __init__(self, folder: Path, handler: Handler, **limits: Any) -> None:
        self.store = Store(StateStore(path=str(folder / "state.db")))
        self.sent: list[httpx.Request] = []
        self.states: list[list[OpState]] = []
        self._handler = handler
        self._limits = limits

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/login":
            return httpx.Response(200, json={})
        self.sent.append(request)
        self.states.append(self.ops())
        return self._handler(request)

    def ops(self) -> list[OpState]:
        """The states of all open operations, as another process would read them now."""
        with closing(self.store.reader()) as reader:
            return [state for request in reader.open_requests() for _, state in reader.open_ops(request.id)]

    def read(self, ask: Callable[[LedgerReader], Any]) -> Any:
        with closing(self.store.reader()) as reader:
            return ask(reader)

    def work(self, act: Callable[[StepWriter], Any], action: Action = Action.CREATE) -> StepWriter:
        """Run `act(writer)` in a fresh run; what it raises comes through."""

        async def go() -> StepWriter:
            with closing(self.store.ledger()) as ledger:
                async with Journal(ledger) as journal:
                    lease = await journal.run(lambda ledger: ledger.acquire(holder(), 60))
                    await journal.run(lambda ledger: ledger.start(lease, KEY_CHECK))
                    run = Run(journal, lease, PRINTS, self.store.clock)
                    transport = httpx.MockTransport(self._answer)
                    link = connection("tel4vn", **self._limits)
                    clock = self.store.clock
                    async with Account(link, "http://x", Token(), {}, clock=clock, transport=transport) as account:
                        key = MAY if action is Action.ADD_CONTACTS else CAMPAIGN
                        writer = StepWriter(run, account, key, IDENTITY, action, "rc:k3f9qa")
                        try:
                            with writer.carrying(PEOPLE):
                                await act(writer)
                        finally:
                            self.writer = writer
                            await journal.run(lambda ledger: ledger.release(lease))
                        return writer

        return asyncio.run(go())


@pytest.fixture
def desk(tmp_path: Path) -> Callable[..., Desk]:
    return lambda handler=ok, **limits: Desk(tmp_path, handler, **limits)


def ok(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={"id": "v1"})


def status(code: int, **more: Any) -> Handler:
    return lambda request: httpx.Response(code, **more)


def fails(error: type[httpx.TransportError], times: int = 99) -> Handler:
    count = iter(range(times))

    def handler(request: httpx.Request) -> httpx.Response:
        if next(count, None) is not None:
            raise error("the URL and a number +84900000001 may stand here", request=request)
        return ok(request)

    return handler


def created(reply: Reply) -> Receipt:
    return Receipt(str(reply.json()["id"]))


def write(accept: Callable[[Reply], Receipt] = created, people: bool = False, call: Call = POST) -> Callable[..., Any]:
    return lambda writer: writer.write(call, accept, [contact.person for contact in PEOPLE] if people else ())


def everybody(state: str, *more: str) -> Callable[[Reply], Receipt]:
    states = [state, *more] if more else [state] * len(PEOPLE)
    return lambda reply: Receipt(items=tuple(Item(one, f"v{n}") for n, one in enumerate(states)))  # type: ignore[arg-type]


def test_the_claim_is_durable_before_the_request_leaves(desk: Callable[..., Desk]) -> None:
    office = desk()
    office.work(write())
    assert office.states == [[OpState.SENT]] and office.ops() == []


def test_a_create_is_bound_in_the_same_commit_as_its_outcome(desk: Callable[..., Desk]) -> None:
    office = desk()
    writer = office.work(write())
    bound = office.read(lambda ledger: ledger.bindings()[CAMPAIGN])
    assert (bound.vendor_id, bound.identity, bound.last_applied) == ("v1", IDENTITY, {})
    assert writer.touched


def test_a_lost_answer_is_in_doubt_and_never_repeated(desk: Callable[..., Desk]) -> None:
    office = desk(fails(httpx.ReadError))
    with pytest.raises(OutcomeUnknown) as raised:
        office.work(write())
    assert len(office.sent) == 1 and office.ops() == [OpState.IN_DOUBT] and office.writer.touched
    assert "84900000001" not in repr(raised.value) and raised.value.__cause__ is None
    with pytest.raises(LedgerError):  # a second run may not claim it either
        office.work(write())
    assert len(office.sent) == 1


@pytest.mark.parametrize("code", [302, 408, 409, 500, 503])
def test_an_ambiguous_status_is_in_doubt(desk: Callable[..., Desk], code: int) -> None:
    office = desk(status(code))
    with pytest.raises(OutcomeUnknown):
        office.work(write())
    assert len(office.sent) == 1 and office.ops() == [OpState.IN_DOUBT]


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"other": 1}', b"", b"null"])
def test_an_answer_that_is_not_documented_is_in_doubt(desk: Callable[..., Desk], body: bytes) -> None:
    office = desk(status(200, content=body))
    with pytest.raises(OutcomeUnknown, match="not what the vendor documents"):
        office.work(write())
    assert office.ops() == [OpState.IN_DOUBT]


def test_what_was_proved_not_sent_goes_again_under_a_new_claim(desk: Callable[..., Desk]) -> None:
    office = desk(fails(httpx.ConnectError, times=2))
    office.work(write())
    assert len(office.sent) == 3 and office.ops() == []
    claims = [event for event in office.read(lambda ledger: list(ledger.events())) if event.after == "sent"]
    assert len(claims) == 3


def test_even_that_ends(desk: Callable[..., Desk]) -> None:
    office = desk(fails(httpx.ConnectError))
    with pytest.raises(NotSent):
        office.work(write())
    assert len(office.sent) == ATTEMPTS and office.ops() == [] and not office.writer.touched


@pytest.mark.parametrize("code", [400, 403, 404, 422])
def test_what_the_vendor_refused_may_be_claimed_by_a_later_run(desk: Callable[..., Desk], code: int) -> None:
    answers = iter([status(code), ok])
    office = desk(lambda request: next(answers)(request))
    with pytest.raises(Rejected):
        office.work(write())
    assert office.ops() == [] and not office.writer.touched
    office.work(write())
    assert len(office.sent) == 2


def test_too_many_requests_is_in_doubt_unless_the_vendor_confirmed_otherwise(desk: Callable[..., Desk]) -> None:
    office = desk(status(429, headers={"Retry-After": "3"}))
    with pytest.raises(OutcomeUnknown, match="429"):
        office.work(write())
    assert len(office.sent) == 1 and office.ops() == [OpState.IN_DOUBT]


def test_a_confirmed_429_waits_as_long_as_it_was_told(tmp_path: Path) -> None:
    answers = iter([status(429, headers={"Retry-After": "3"}), ok])
    office = Desk(tmp_path, lambda request: next(answers)(request), rate_limit_before_execution=True)
    before = office.store.clock.now()
    office.work(write())
    assert len(office.sent) == 2 and (office.store.clock.now() - before).total_seconds() >= 3
    office = Desk(tmp_path / "never", status(429), rate_limit_before_execution=True)
    (tmp_path / "never").mkdir()
    with pytest.raises(RateLimited):
        office.work(write())


def test_a_stale_token_is_renewed_once_under_a_new_claim(desk: Callable[..., Desk]) -> None:
    office = desk(lambda request: ok(request) if request.headers["Authorization"] == "2" else httpx.Response(401))
    office.work(write())
    assert len(office.sent) == 2
    office = desk(status(401))
    with pytest.raises(Unauthorized):
        office.work(write(call=Call("POST", "/other")))
    assert len(office.sent) == 2 and office.ops() == []


def test_an_old_claim_is_given_back_and_not_sent(desk: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch) -> None:
    office = desk()
    real = Journal.run
    slow = iter([True])

    async def run(self: Journal, call: Any) -> Any:
        answer = await real(self, call)
        if isinstance(answer, str) and next(slow, False):  # the claim came back, much later
            office.store.clock.forward(6)
        return answer

    monkeypatch.setattr(Journal, "run", run)
    office.work(write())
    assert len(office.sent) == 1
    reasons = [event.reason for event in office.read(lambda ledger: list(ledger.events()))]
    assert any("too old to send" in reason for reason in reasons)


def test_a_run_that_was_asked_to_stop_claims_nothing_more(desk: Callable[..., Desk]) -> None:
    async def act(writer: StepWriter) -> None:
        writer.run.stopping.set()
        await writer.write(POST, created)

    office = desk()
    with pytest.raises(Interrupted):
        office.work(act)
    assert office.sent == [] and office.ops() == []


def test_a_run_that_lost_its_lease_sends_nothing(desk: Callable[..., Desk]) -> None:
    async def act(writer: StepWriter) -> None:
        with closing(office.store.ledger()) as other:
            other.unlock(holder("run-2"))
        await writer.write(POST, created)

    office = desk()
    with pytest.raises(LeaseLost):
        office.work(act)
    assert office.sent == []


# ---- people --------------------------------------------------------------------------------------------------------


def states(office: Desk) -> list[str]:
    by_person = {sent.person: sent.state for sent in office.read(lambda ledger: list(ledger.sent(IDENTITY)))}
    return [by_person[contact.person] for contact in PEOPLE]


def test_every_person_of_a_batch_ends_as_the_vendor_says(desk: Callable[..., Desk]) -> None:
    office = desk()
    writer = office.work(write(everybody("confirmed", "already", "rejected"), people=True), Action.ADD_CONTACTS)
    assert office.states == [[OpState.SENT] * 3]
    assert states(office) == ["confirmed", "already", "rejected"]
    assert writer.tally == Tally(confirmed=1, rejected=1, already_present=1)


def test_a_person_the_vendor_wants_asked_again_may_be_claimed_again(desk: Callable[..., Desk]) -> None:
    office = desk()
    writer = office.work(write(everybody("confirmed", "confirmed", "later"), people=True), Action.ADD_CONTACTS)
    assert states(office) == ["confirmed", "confirmed", "planned"] and writer.later == 1


def test_who_is_missing_in_the_answer_is_in_doubt(desk: Callable[..., Desk]) -> None:
    office = desk()
    writer = office.work(write(everybody("confirmed", "in_doubt", "confirmed"), people=True), Action.ADD_CONTACTS)
    assert states(office) == ["confirmed", "in_doubt", "confirmed"]
    assert writer.tally == Tally(confirmed=2, in_doubt=1)


def test_fewer_results_than_people_are_no_results(desk: Callable[..., Desk]) -> None:
    office = desk()
    with pytest.raises(OutcomeUnknown):
        office.work(write(everybody("confirmed", "confirmed"), people=True), Action.ADD_CONTACTS)
    assert states(office) == ["in_doubt"] * 3 and office.writer.tally == Tally(in_doubt=3)


def test_nobody_is_sent_twice_even_by_two_runs(desk: Callable[..., Desk]) -> None:
    office = desk()
    office.work(write(everybody("confirmed"), people=True), Action.ADD_CONTACTS)
    with pytest.raises(LedgerError):
        office.work(write(everybody("confirmed"), people=True), Action.ADD_CONTACTS)
    assert len(office.sent) == 1


def test_a_refused_batch_is_given_back_whole(desk: Callable[..., Desk]) -> None:
    answers = iter([status(400), ok])
    office = desk(lambda request: next(answers)(request))
    with pytest.raises(Rejected):
        office.work(write(everybody("confirmed"), people=True), Action.ADD_CONTACTS)
    assert states(office) == ["planned"] * 3
    office.work(write(everybody("confirmed"), people=True), Action.ADD_CONTACTS)
    assert states(office) == ["confirmed"] * 3


def test_who_goes_inside_a_create_belongs_to_a_set(desk: Callable[..., Desk]) -> None:
    office = desk()

    async def act(writer: StepWriter) -> None:
        from dataclasses import replace

        inside = [replace(contact, contacts="may") for contact in PEOPLE]
        with writer.carrying(inside):
            await writer.write(POST, created, [contact.person for contact in inside])

    writer = office.work(act)
    sent = office.read(lambda ledger: list(ledger.sent(IDENTITY)))
    assert {(one.contacts, one.state) for one in sent} == {("may", "confirmed")}
    assert writer.tally == Tally(confirmed=3)


def test_a_withdrawal_needs_no_call_for_people_who_are_not_there(desk: Callable[..., Desk]) -> None:
    office = desk()
    office.work(write(everybody("confirmed"), people=True), Action.ADD_CONTACTS)

    async def act(writer: StepWriter) -> None:
        writer.key, writer.action = MAY, Action.WITHDRAW_CONTACTS
        await writer.note_absent([contact.person for contact in PEOPLE])

    office.work(act)
    assert len(office.sent) == 1 and states(office) == ["withdrawn"] * 3


def test_marks_are_public_stable_and_tell_people_apart(desk: Callable[..., Desk]) -> None:
    found: list[str] = []

    async def act(writer: StepWriter) -> None:
        found.extend(contact.mark for contact in writer.marked(PEOPLE))
        for contact in PEOPLE:
            key = contact_op_key(writer.run, MAY, IDENTITY, Action.ADD_CONTACTS, contact)
            assert key == contact_op_key(writer.run, MAY, IDENTITY, Action.CREATE, contact)
            assert key != contact_op_key(writer.run, MAY, IDENTITY, Action.WITHDRAW_CONTACTS, contact)

    desk().work(act)
    desk().work(act)
    assert found[:3] == found[3:] and len(set(found)) == 3 and all(len(mark) == 19 for mark in found)


def test_the_ledger_file_holds_nobody(desk: Callable[..., Desk], tmp_path: Path) -> None:
    desk().work(write(everybody("confirmed"), people=True), Action.ADD_CONTACTS)
    raw = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    assert b"84900000001" not in raw and b"Nobody" not in raw


def test_a_hand_clock_never_waits() -> None:
    clock = HandClock()
    asyncio.run(clock.sleep(3600))
    assert clock.now().hour == 9


@pytest.mark.parametrize(("call", "readable"), [(POST, False), (POST, True), (replace(POST, repeatable=True), False)])
def test_an_answer_that_nobody_can_ask_for_opens_the_breaker(
    desk: Callable[..., Desk], call: Call, readable: bool
) -> None:
    office = desk(fails(httpx.ReadTimeout, 1))

    async def act(writer: StepWriter) -> None:
        writer.readable = readable
        with pytest.raises(OutcomeUnknown):
            await writer.write(call, created)
        await writer.write(replace(call, template="/another"), created)

    if readable or call.repeatable:
        office.work(act)
        assert len(office.sent) == 2
    else:
        with pytest.raises(BreakerOpen):
            office.work(act)
        assert len(office.sent) == 1 and office.ops() == [OpState.IN_DOUBT]
