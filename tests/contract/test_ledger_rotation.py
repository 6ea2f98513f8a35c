"""What every ledger does while its contact key is rotated: who is under which key changes whole and fenced, and nobody is claimed twice."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.clock import SystemClock
from reconciler.contacts import Fingerprints
from reconciler.contacts.renewal import Seen
from reconciler.contacts.rotation import Rotating
from reconciler.contacts.words import words_of
from reconciler.errors import LeaseLost, LedgerError, WrongContactKey
from reconciler.keeping import REFUSED, SUPPRESSED, refusals
from reconciler.ledger.base import Lease, Ledger, Op
from reconciler.ledger.base import OpState as S
from reconciler.ledger.chain import verify
from reconciler.ledger.contact_keys import LiveKeys, Moving, Rekeyed, chunks, former_people, live_keys
from reconciler.ledger.journal import Journal
from reconciler.rekeying import _move
from reconciler.rotation import known
from reconciler.writer import Run, sealed_verb
from tests.contract.ledgers import IDENTITY, KEY_CHECK, MAY, STORES, Store, add, holder, person, request, verdict

KEYS = LiveKeys(b"n" * 16, KEY_CHECK, operations=b"o" * 16)
OLD = Fingerprints(b"the contact key of the tests, 32 bytes and more")
NEW = b"the key that comes after it, of more than 32 bytes"
FRESH = Fingerprints(NEW, OLD.operations)
NUMBERS = [f"+8491234567{digit}" for digit in range(6)]


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with STORES[request.param](tmp_path) as store:
        yield store


@pytest.fixture
def ledger(store: Store) -> Iterator[Ledger]:
    with closing(store.ledger()) as ledger:
        yield ledger


@pytest.fixture
def lease(ledger: Ledger) -> Lease:
    lease = ledger.acquire(holder(), 60)
    ledger.start(lease, KEY_CHECK)
    return lease


def done(ledger: Ledger, lease: Lease, *ops: Op, state: S = S.CONFIRMED) -> None:
    name = ledger.claim(lease, request(*ops))
    ledger.outcome(lease, name, verdict(ops, state))


def renamed(op: Op, number: int) -> Op:
    return replace(op, op_key=b"new" + op.op_key[3:], person=person(number), key_mac=b"K" * 16, fields_mac=b"")


class TestTwoKeys:
    def test_with_one_key_there_is_no_former_one(self, ledger: Ledger, lease: Lease, store: Store) -> None:
        done(ledger, lease, add(1), add(2))
        assert live_keys(store.reader()) == LiveKeys(KEY_CHECK)
        assert (dict(former_people(ledger)), list(ledger.people())) == ({}, [person(1), person(2)])
        assert (list(store.reader().people()), store.reader().claims(person(3), person(9))) == (
            [person(1), person(2)],
            [],
        )

    def test_a_rotation_changes_which_key_is_let_in(self, ledger: Ledger, lease: Lease) -> None:
        ledger.begin_rotation(lease, KEYS, person(1) + person(2))
        assert replace(live_keys(ledger), since=0) == KEYS and live_keys(ledger).since == lease.epoch
        assert list(former_people(ledger).values()) == [person(1) + person(2)]
        ledger.start(lease, KEYS.current)
        with pytest.raises(WrongContactKey):
            ledger.start(lease, KEY_CHECK)
        assert ledger.key_check == KEY_CHECK and verify(ledger)

    def test_claims_say_all_of_people_side_by_side(self, ledger: Ledger, lease: Lease) -> None:
        done(ledger, lease, add(1), add(2), add(5))
        done(ledger, lease, add(2, 2, "update_contacts"), state=S.IN_DOUBT)
        found = ledger.claims(person(1), person(2))
        assert sorted((c.op.person, c.op.verb, c.op.revision, c.state, c.connection, c.epoch) for c in found) == [
            (person(1), "add_contacts", 1, S.CONFIRMED, "tel4vn-hanoi", lease.epoch),
            (person(2), "add_contacts", 1, S.CONFIRMED, "tel4vn-hanoi", lease.epoch),
            (person(2), "update_contacts", 2, S.IN_DOUBT, "tel4vn-hanoi", lease.epoch),
        ]
        assert {c.op for c in found} == {add(1), add(2), add(2, 2, "update_contacts")}

    def test_re_keying_changes_who_it_was_and_nothing_else(self, ledger: Ledger, lease: Lease) -> None:
        done(ledger, lease, add(1), add(2))
        ledger.begin_rotation(lease, KEYS, person(1) + person(2))
        ledger.rekey(lease, Moving("00000000", {add(1).op_key: renamed(add(1), 9)}, person(2), 1))
        assert [
            (sent.person, sent.state, sent.revision, sent.key_mac, sent.fields_mac) for sent in ledger.sent(IDENTITY)
        ] == [
            (person(2), "confirmed", 1, b"", b"f" * 16),
            (person(9), "confirmed", 1, b"K" * 16, b""),
        ]
        assert (list(former_people(ledger).values()), live_keys(ledger).moved) == ([person(2)], 1)
        with pytest.raises(LedgerError, match="claimed before or are decided"):
            ledger.claim(lease, request(renamed(add(1), 9)))
        assert [event.reason for event in ledger.events()][-1] == "re-keyed: 1 person, 1 operation"

    def test_what_is_open_or_not_there_is_never_re_keyed(self, ledger: Ledger, lease: Lease) -> None:
        ledger.claim(lease, request(add(1)))
        ledger.begin_rotation(lease, KEYS, person(1))
        before = list(ledger.events())
        for op in (add(1), add(7)):
            with pytest.raises(LedgerError, match="in doubt cannot be re-keyed"):
                ledger.rekey(lease, Moving("00000000", {op.op_key: renamed(op, 9)}, b"", 1))
        assert (list(ledger.events()), list(former_people(ledger).values())) == (before, [person(1)])

    def test_the_end_is_only_where_nobody_is_left(self, ledger: Ledger, lease: Lease) -> None:
        ledger.begin_rotation(lease, KEYS, person(1))
        with pytest.raises(LedgerError, match="Still under the former contact key: 1 person"):
            ledger.finish_rotation(lease)
        ledger.rekey(lease, Moving("00000000", {}, b"", 0))
        ledger.finish_rotation(lease)
        keys = live_keys(ledger)
        assert (keys.current, keys.former, keys.retired, keys.operations) == (b"n" * 16, b"", KEY_CHECK, b"o" * 16)
        assert keys.is_retired(KEY_CHECK) and not keys.is_retired(b"n" * 16) and not keys.is_retired(b"")
        ledger.start(lease, b"n" * 16)
        with pytest.raises(WrongContactKey):
            ledger.start(lease, KEY_CHECK)

    def test_a_run_that_was_overtaken_changes_nothing(self, ledger: Ledger, lease: Lease) -> None:
        ledger.unlock(holder("b"))
        calls: tuple[Callable[[], None], ...] = (
            lambda: ledger.begin_rotation(lease, KEYS, person(1)),
            lambda: ledger.rekey(lease, Moving("00000000", {}, b"", 0)),
            lambda: ledger.finish_rotation(lease),
        )
        for call in calls:
            with pytest.raises(LeaseLost):
                call()
        assert live_keys(ledger) == LiveKeys(KEY_CHECK)


def test_many_people_are_kept_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconciler.ledger.contact_keys.CHUNK", 2)
    people = b"".join(person(number) for number in range(5))
    assert [len(value) for value in chunks(people).values()] == [32, 32, 16]
    assert b"".join(chunks(people).values()) == people and chunks(b"") == {}


# ---- a whole ledger ----------------------------------------------------------------------------------------------------

step = st.sampled_from(["confirm", "already", "reject", "planned", "lose", "edit", "withdraw"])
history = st.lists(st.tuples(st.integers(0, 5), step), max_size=14)


class Life:
    """Operations of people as a run makes them, each under its own key, each possible where a plan could have come to it."""

    def __init__(self, ledger: Ledger, lease: Lease) -> None:
        self.ledger, self.lease = ledger, lease

    def key(self, fingerprints: Fingerprints, number: str, revision: int, verb: str) -> Op:
        who = fingerprints.person(number)
        op_key = fingerprints.operation(MAY.connection, IDENTITY, who, revision, sealed_verb(verb, self.lease.epoch))
        about = (fingerprints.key(number[-1]), fingerprints.fields({"name": number}))
        return Op(op_key, MAY, IDENTITY, verb, who, revision, *about)

    def live(self, number: str, what: str) -> None:
        now = {sent.person: sent for sent in self.ledger.sent(IDENTITY)}.get(OLD.person(number))
        state = now.state if now else "planned"
        revision = now.revision if now else 1
        if what in {"edit", "withdraw"} and state in {"confirmed", "already"}:
            verb = "update_contacts" if what == "edit" else "withdraw_contacts"
            self.do(self.key(OLD, number, revision + (what == "edit"), verb), S.CONFIRMED)
        elif what not in {"edit", "withdraw"} and state in {"planned", "withdrawn"}:
            ends = {
                "confirm": S.CONFIRMED,
                "already": S.ALREADY,
                "reject": S.REJECTED,
                "planned": S.PLANNED,
                "lose": S.IN_DOUBT,
            }
            self.do(self.key(OLD, number, revision + (state == "withdrawn"), "add_contacts"), ends[what])

    def do(self, op: Op, state: S) -> None:
        done(self.ledger, self.lease, op, state=state)


def ring(ledger: Ledger) -> Rotating:
    return Rotating(NEW, OLD, OLD.operations, lambda: known(ledger))


async def rekeyed(ledger: Ledger, lease: Lease, numbers: Sequence[str]) -> Rekeyed:
    """Re-key whoever of the numbers is under the former key, as if one source held them."""
    rotating, seen = ring(ledger), Seen()
    column = np.array([int(number[1:]) for number in numbers], dtype=np.uint64)
    under = rotating.under_former(column)
    named = [number for number, former in zip(numbers, under.tolist(), strict=True) if former]
    keys = [words_of(b"".join(each.key(number[-1]) for number in numbers), 2) for each in (OLD, FRESH)]
    fields = [words_of(b"".join(each.fields({"name": number}) for number in named), 2) for each in (OLD, FRESH)]
    seen.met(column[under])
    seen.read(column[under], (keys[0], keys[1]), (fields[0], fields[1]))
    async with Journal(ledger) as journal:
        return await _move(Run(journal, lease, rotating, SystemClock()), rotating, seen.renewal(rotating))


def told(ledger: Ledger) -> dict[str, tuple[object, ...]]:
    """What the ledger says of each number, under whichever key they are known."""
    rotating = ring(ledger)
    sent = {one.person: one for one in ledger.sent(IDENTITY)}
    found: dict[str, tuple[object, ...]] = {}
    for number in NUMBERS:
        who = rotating.person(number)
        listed = [name for name, value in sorted(ledger.remembered(SUPPRESSED).items()) if bytes(who) in value]
        one = sent.pop(who, None)
        fields = one is not None and one.fields_mac == rotating.fields_of_person(number, {"name": number})
        found[number] = (one and (one.state, one.revision, one.vendor_id, fields), who in refusals(ledger), listed)
    assert not sent, "nobody is there whom no number finds"
    return found


@settings(max_examples=25)
@given(
    past=history, refused=st.sets(st.sampled_from(NUMBERS), max_size=2), listed=st.sets(st.sampled_from(NUMBERS), max_size=3),
    seen=st.sets(st.sampled_from(NUMBERS)),
)  # fmt: skip
def test_whoever_is_re_keyed_is_the_same_person_and_cannot_be_claimed_again(
    past: list[tuple[int, str]], refused: set[str], listed: set[str], seen: set[str]
) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        STORES["sqlite"](Path(folder)) as store,
        closing(store.ledger()) as ledger,
    ):
        lease = ledger.acquire(holder(), 60)
        ledger.start(lease, OLD.check())
        life = Life(ledger, lease)
        for number, what in past:
            life.live(NUMBERS[number], what)
        ledger.remember(lease, REFUSED, "everybody", b"".join(sorted(map(OLD.person, refused))))
        ledger.remember(lease, SUPPRESSED, "stop/VN", b"".join(sorted(map(OLD.person, listed))))
        before = told(ledger)
        ledger.begin_rotation(lease, LiveKeys(FRESH.check(), OLD.check(), operations=OLD.operations), known(ledger))
        assert told(ledger) == before
        first = asyncio.run(rekeyed(ledger, lease, sorted(seen)))
        assert told(ledger) == before and first.left == sum(map(len, former_people(ledger).values())) // 16
        _check_claims(life, ring(ledger))
        rest = asyncio.run(rekeyed(ledger, lease, NUMBERS))
        assert told(ledger) == before and rest.left == rest.waiting
        _check_claims(life, ring(ledger))
        if not rest.left:
            ledger.finish_rotation(lease)
            everybody = {FRESH.person(number) for number in NUMBERS}
            assert set(ledger.people()) | set(refusals(ledger)) <= everybody
        assert verify(ledger) == len(list(ledger.events()))


def _check_claims(life: Life, rotating: Rotating) -> None:
    """Whatever was claimed and not given back is claimed for good, under the key that its person is known by now."""
    for number in NUMBERS:
        who = rotating.person(number)
        for claimed in life.ledger.claims(who, who):
            if claimed.op.verb != "add_contacts":
                continue
            # An edit has raised the revision of the row since.
            made = (
                life.key(rotating, number, revision, "add_contacts") for revision in range(1, claimed.op.revision + 1)
            )
            (again,) = [op for op in made if op.op_key == claimed.op.op_key]
            if claimed.state != "planned":
                with pytest.raises(LedgerError, match="claimed before or are decided"):
                    life.ledger.claim(life.lease, request(again))


def test_what_was_made_under_no_known_key_moves_too_and_who_is_gone_is_dropped() -> None:
    """An operation whose key nothing derives keeps what it has of it; who is in nothing any more is nobody."""
    with (
        tempfile.TemporaryDirectory() as folder,
        STORES["sqlite"](Path(folder)) as store,
        closing(store.ledger()) as ledger,
    ):
        lease = ledger.acquire(holder(), 60)
        ledger.start(lease, OLD.check())
        who, gone = OLD.person(NUMBERS[0]), OLD.person(NUMBERS[1])
        strange = replace(add(1), person=who, op_key=b"s" * 16)
        done(ledger, lease, strange)
        both = b"".join(sorted([who, gone]))
        ledger.begin_rotation(lease, LiveKeys(FRESH.check(), OLD.check(), operations=OLD.operations), both)
        assert asyncio.run(rekeyed(ledger, lease, NUMBERS[:1])) == Rekeyed(moved=1)
        fresh = FRESH.person(NUMBERS[0])
        assert [claimed.op.op_key for claimed in ledger.claims(fresh, fresh)] == [fresh[:6] + b"s" * 10]
        assert former_people(ledger) == {}
