"""What every ledger does, whatever stores it. A store is one more entry in `ledgers.STORES`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.errors import LeaseLost, LedgerError, LockHeld, WrongContactKey
from reconciler.ledger.base import Lease, Ledger, Op, RequestState, Result, Verdict
from reconciler.ledger.base import OpState as S
from reconciler.ledger.chain import verify
from reconciler.ledger.empty import EmptyReader
from reconciler.ledger.sql_ledger import SqlLedger
from reconciler.model import Binding, Key
from tests.contract.ledgers import (
    CAMPAIGN,
    IDENTITY,
    KEY_CHECK,
    MAY,
    STORES,
    HandClock,
    Store,
    add,
    holder,
    person,
    request,
    thing,
    verdict,
)

SUMMER = Key("tel4vn-hanoi", "campaign", "summer")


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


@pytest.fixture
def clock(store: Store) -> HandClock:
    return store.clock


def states(ledger: Ledger, identity: str = IDENTITY) -> list[tuple[int, str, int]]:
    return [(int.from_bytes(sent.person, "big"), sent.state, sent.revision) for sent in ledger.sent(identity)]


class TestBeforeTheFirstApply:
    def test_it_reads_as_empty(self, store: Store) -> None:
        reader = store.reader()
        assert (reader.lineage, reader.serial, reader.key_check) == ("", 0, b"")
        assert (dict(reader.bindings()), list(reader.open_requests()), reader.holder()) == ({}, [], None)
        assert (list(reader.sent(IDENTITY)), list(reader.events()), verify(reader)) == ([], [], 0)
        assert list(reader.open_ops("r1")) == [] and reader.remembered("suppressed") == {}
        reader.close()

    def test_a_ledger_that_was_only_opened_reads_the_same(self, ledger: Ledger, store: Store) -> None:
        assert (ledger.lineage, ledger.serial, ledger.key_check, ledger.holder()) == ("", 0, b"", None)

    def test_start_records_who_the_ledger_is_for_once(self, ledger: Ledger, lease: Lease) -> None:
        lineage = ledger.lineage
        assert len(lineage) == 36
        ledger.start(lease, KEY_CHECK)
        assert (ledger.lineage, ledger.key_check) == (lineage, KEY_CHECK)

    def test_another_contact_key_is_refused(self, ledger: Ledger, lease: Lease) -> None:
        with pytest.raises(WrongContactKey, match="Nothing was sent") as caught:
            ledger.start(lease, b"x" * 16)
        assert caught.value.exit_code == 4
        assert ledger.key_check == KEY_CHECK


class TestTheLease:
    def test_the_epoch_grows_with_every_holder(self, ledger: Ledger) -> None:
        first = ledger.acquire(holder("a"), 60)
        ledger.release(first)
        second = ledger.acquire(holder("b"), 60)
        assert second.epoch == first.epoch + 1
        assert ledger.holder() == holder("b")

    def test_a_held_one_says_by_whom_since_when_and_what_to_do(self, ledger: Ledger, clock: HandClock) -> None:
        ledger.acquire(holder("a"), 60)
        clock.forward(59)
        with pytest.raises(LockHeld) as caught:
            ledger.acquire(holder("b"), 60)
        told = str(caught.value)
        for part in (
            "run a",
            "ana",
            "runner-7",
            "4711",
            "https://ci.example/job/1",
            "2026-06-01T08:00:00",
            "--lock-timeout",
        ):
            assert part in told
        assert "state unlock" in told
        assert caught.value.exit_code == 7

    def test_an_expired_one_is_taken_over(self, ledger: Ledger, store: Store, clock: HandClock) -> None:
        old = ledger.acquire(holder("a"), 60)
        clock.forward(60)
        assert store.reader().holder() is None
        ledger.acquire(holder("b"), 60)
        with pytest.raises(LeaseLost, match="run b on runner-7"):
            ledger.renew(old, 60)

    def test_renewing_and_every_write_keep_it(self, ledger: Ledger, lease: Lease, clock: HandClock) -> None:
        clock.forward(50)
        ledger.renew(lease, 60)
        clock.forward(50)
        ledger.identity(lease, CAMPAIGN)
        clock.forward(50)
        assert ledger.holder() == lease.holder
        clock.forward(10)
        assert ledger.holder() is None

    def test_renewing_sets_how_long_from_now_on(self, ledger: Ledger, lease: Lease, clock: HandClock) -> None:
        ledger.renew(lease, 600)
        clock.forward(599)
        assert ledger.holder() == lease.holder

    def test_released_twice_is_released(self, ledger: Ledger, lease: Lease) -> None:
        ledger.release(lease)
        before = len(list(ledger.events()))
        ledger.release(lease)
        assert (ledger.holder(), len(list(ledger.events()))) == (None, before)
        with pytest.raises(LeaseLost, match="released"):
            ledger.identity(lease, CAMPAIGN)

    def test_unlock_fences_the_holder(self, ledger: Ledger, lease: Lease) -> None:
        assert ledger.unlock(holder("cleaner", actor="ben")) == lease.epoch + 1
        assert ledger.holder() is None
        with pytest.raises(LeaseLost, match="unlocked"):
            ledger.claim(lease, request(add(1)))
        last = list(ledger.events())[-1]
        assert (last.actor, last.before, last.reason) == ("ben", "run-1", "unlocked by hand")

    def test_unlocking_what_nobody_holds_only_raises_the_epoch(self, ledger: Ledger) -> None:
        assert ledger.unlock(holder()) == 1
        assert ledger.acquire(holder(), 60).epoch == 2

    def test_finish_raises_the_serial_and_lets_go(self, ledger: Ledger, lease: Lease) -> None:
        assert ledger.finish(lease) == 1
        assert (ledger.serial, ledger.holder()) == (1, None)
        ledger.release(lease)


STALE = {
    "start": lambda ledger, lease: ledger.start(lease, KEY_CHECK),
    "recover": lambda ledger, lease: ledger.recover(lease),
    "identity": lambda ledger, lease: ledger.identity(lease, CAMPAIGN),
    "claim": lambda ledger, lease: ledger.claim(lease, request(add(2))),
    "outcome": lambda ledger, lease: ledger.outcome(lease, "r1", verdict([add(1)])),
    "bind": lambda ledger, lease: ledger.bind(lease, Binding(CAMPAIGN, IDENTITY, "77", {}), "adopted"),
    "unbind": lambda ledger, lease: ledger.unbind(lease, CAMPAIGN, "deleted"),
    "move": lambda ledger, lease: ledger.move(lease, CAMPAIGN, SUMMER),
    "applied": lambda ledger, lease: ledger.applied(lease, CAMPAIGN, {}, False, 1),
    "remember": lambda ledger, lease: ledger.remember(lease, "loaded", "x", b"1"),
    "finish": lambda ledger, lease: ledger.finish(lease),
    "renew": lambda ledger, lease: ledger.renew(lease, 60),
    "release": lambda ledger, lease: ledger.release(lease),
}


@pytest.mark.parametrize("write", STALE)
def test_i7_no_write_of_an_overtaken_run_changes_anything(
    ledger: Ledger, lease: Lease, store: Store, write: str
) -> None:
    ledger.bind(lease, Binding(CAMPAIGN, IDENTITY, "41", {"ratio": 1}), "adopted")
    ledger.claim(lease, request(add(1)))
    ledger.unlock(holder("cleaner"))
    ledger.acquire(holder("run-2"), 60)
    before = store.contents()
    with pytest.raises(LeaseLost, match="run-2") as caught:
        STALE[write](ledger, lease)
    assert store.contents() == before
    assert caught.value.exit_code == 1


class TestClaiming:
    def test_i4_the_sent_row_is_there_for_everybody_when_claim_returns(
        self, ledger: Ledger, lease: Lease, store: Store
    ) -> None:
        ops = [add(1), add(2)]
        name = ledger.claim(lease, request(*ops))
        with closing(store.reader()) as reader:
            assert list(reader.open_ops(name)) == [(op, S.SENT) for op in ops]
            (open_request,) = reader.open_requests()
        assert (open_request.id, open_request.key, open_request.identity, open_request.verb) == (
            name,
            MAY,
            IDENTITY,
            "add_contacts",
        )
        assert (open_request.call, open_request.token, open_request.run) == ("POST /v3/lead", "rc:k3f9qa", "run-1")
        assert (open_request.state, open_request.people, open_request.repeatable) == (S.SENT, 2, False)
        assert open_request.claimed_at == "2026-06-01T08:00:00.000Z"

    def test_its_age_is_measured_by_the_clock_of_the_store(
        self, ledger: Ledger, lease: Lease, clock: HandClock
    ) -> None:
        ledger.claim(lease, request(thing()))
        clock.forward(12.5)
        (open_request,) = ledger.open_requests()
        assert ledger.age(open_request) == 12.5
        assert EmptyReader().age(open_request) == 0.0

    def test_an_object_counts_no_people(self, ledger: Ledger, lease: Lease) -> None:
        ledger.claim(lease, request(thing(), repeatable=True))
        (open_request,) = ledger.open_requests()
        assert (open_request.people, open_request.repeatable, open_request.key) == (0, True, CAMPAIGN)

    @pytest.mark.parametrize(
        "state", [S.CONFIRMED, S.ALREADY, S.REJECTED, S.IN_DOUBT, S.HELD, S.DUPLICATED, S.ABANDONED]
    )
    def test_what_is_not_planned_is_never_claimed_again(
        self, ledger: Ledger, lease: Lease, store: Store, state: S
    ) -> None:
        name = ledger.claim(lease, request(add(1)))
        ledger.outcome(lease, name, verdict([add(1)], state))
        before = store.contents()
        with pytest.raises(LedgerError, match="1 of 3 operations"):
            ledger.claim(lease, request(add(2), add(1), add(3)))
        assert store.contents() == before

    def test_what_is_on_its_way_is_never_claimed_again(self, ledger: Ledger, lease: Lease) -> None:
        ledger.claim(lease, request(add(1)))
        with pytest.raises(LedgerError, match="Nothing was sent"):
            ledger.claim(lease, request(add(1)))

    def test_one_contact_twice_in_a_request_is_refused(self, ledger: Ledger, lease: Lease) -> None:
        with pytest.raises(LedgerError, match="1 of 2 operations"):
            ledger.claim(lease, request(add(1), add(1)))
        assert states(ledger) == []

    def test_a_request_about_nothing_is_refused(self, ledger: Ledger, lease: Lease) -> None:
        with pytest.raises(LedgerError, match="0 of 0 operations"):
            ledger.claim(lease, replace(request(add(1)), ops=()))

    def test_what_was_proved_not_executed_is_claimed_again_with_what_is_true_by_then(
        self, ledger: Ledger, lease: Lease
    ) -> None:
        first = ledger.claim(lease, request(add(1), add(2)))
        ledger.outcome(lease, first, verdict([add(1), add(2)], S.PLANNED, about=RequestState.NOT_SENT))
        assert list(ledger.open_requests()) == []
        again = replace(add(1), fields_mac=b"g" * 16)
        second = ledger.claim(lease, request(again))
        assert list(ledger.open_ops(second)) == [(again, S.SENT)]
        assert list(ledger.open_ops(first)) == []
        assert states(ledger) == [(1, "sent", 1), (2, "planned", 1)]

    def test_a_thousand_people_are_one_request(self, ledger: Ledger, lease: Lease) -> None:
        ops = [add(number) for number in range(1201)]
        name = ledger.claim(lease, request(*ops))
        ledger.outcome(lease, name, verdict(ops, vendor_id="v"))
        assert len(states(ledger)) == 1201
        assert list(ledger.open_requests()) == []


class TestOutcomes:
    def test_each_contact_ends_where_the_verdict_says(self, ledger: Ledger, lease: Lease) -> None:
        ops = [add(number) for number in range(4)]
        name = ledger.claim(lease, request(*ops))
        ends = [S.CONFIRMED, S.REJECTED, S.IN_DOUBT, S.HELD]
        results = [Result(op.op_key, end, f"v{end}") for op, end in zip(ops, ends, strict=True)]
        ledger.outcome(lease, name, Verdict(RequestState.CONFIRMED, results, 200, "counts match"))
        assert [sent.state for sent in ledger.sent(IDENTITY)] == ends
        assert [sent.vendor_id for sent in ledger.sent(IDENTITY)] == [f"v{end}" for end in ends]
        (open_request,) = ledger.open_requests()
        assert (open_request.state, open_request.people) == (S.IN_DOUBT, 2)
        assert list(ledger.events())[-1].after == "in_doubt"

    def test_what_the_verdict_forgets_is_in_doubt(self, ledger: Ledger, lease: Lease) -> None:
        name = ledger.claim(lease, request(add(1), add(2)))
        ledger.outcome(lease, name, verdict([add(1)]))
        assert states(ledger) == [(1, "confirmed", 1), (2, "in_doubt", 1)]

    def test_a_doubt_is_settled_later_and_keeps_the_id_it_has(self, ledger: Ledger, lease: Lease) -> None:
        name = ledger.claim(lease, request(add(1)))
        ledger.outcome(lease, name, verdict([add(1)], S.IN_DOUBT, "v7"))
        ledger.outcome(lease, name, verdict([add(1)], S.HELD))
        assert [request.state for request in ledger.open_requests()] == [S.HELD]
        ledger.outcome(lease, name, verdict([add(1)], S.CONFIRMED, about=RequestState.SETTLED))
        (sent,) = ledger.sent(IDENTITY)
        assert (sent.state, sent.vendor_id, sent.contacts) == ("confirmed", "v7", "renewals-may")
        assert [event.after for event in ledger.events()][-4:] == ["sent", "in_doubt", "in_doubt", "settled"]

    def test_bindings_come_with_it(self, ledger: Ledger, lease: Lease) -> None:
        identity = ledger.identity(lease, CAMPAIGN)
        name = ledger.claim(lease, request(thing()))
        bound = Binding(CAMPAIGN, identity, "4711", {}, run=2)
        ledger.outcome(lease, name, replace(verdict([thing()], vendor_id="4711"), bindings=(bound,)))
        assert ledger.bindings() == {CAMPAIGN: replace(bound, bound_at="2026-06-01T08:00:00.000Z")}

    @pytest.mark.parametrize(
        "named",
        [[add(9)], [add(1), add(1)], [add(2)], [add(3)]],
        ids=["unknown", "one named twice", "one decided already", "one of another request"],
    )
    def test_a_verdict_about_what_is_not_open_in_the_request_changes_nothing(
        self, ledger: Ledger, lease: Lease, store: Store, named: list[Op]
    ) -> None:
        name = ledger.claim(lease, request(add(1), add(2)))
        ledger.outcome(lease, name, verdict([add(2)]))
        ledger.claim(lease, request(add(3)))
        bound = (Binding(CAMPAIGN, IDENTITY, "1", {}),)
        before = store.contents()
        with pytest.raises(LedgerError, match="not open in it"):
            ledger.outcome(lease, name, replace(verdict(named), bindings=bound))
        assert store.contents() == before

    def test_what_is_decided_stays_decided(self, ledger: Ledger, lease: Lease) -> None:
        name = ledger.claim(lease, request(add(1)))
        ledger.outcome(lease, name, verdict([add(1)]))
        with pytest.raises(LedgerError, match="decided already"):
            ledger.outcome(lease, name, verdict([add(1)], S.PLANNED))

    @pytest.mark.parametrize("name", ["r99", "nonsense", ""])
    def test_an_unknown_request_is_said_to_be_unknown(self, ledger: Ledger, lease: Lease, name: str) -> None:
        with pytest.raises(LedgerError, match="no request"):
            ledger.outcome(lease, name, verdict([]))

    def test_i11_evidence_that_quotes_a_vendor_loses_the_number(self, ledger: Ledger, lease: Lease) -> None:
        name = ledger.claim(lease, request(add(1)))
        ledger.outcome(lease, name, replace(verdict([add(1)]), evidence="said: +84 912 345 678 exists\nalready"))
        reason = list(ledger.events())[-1].reason
        assert "345" not in reason
        assert "1 confirmed" in reason
        assert "exists already" in reason


class TestRecovery:
    def test_what_an_older_run_left_sent_is_in_doubt(self, ledger: Ledger, lease: Lease, clock: HandClock) -> None:
        lost = ledger.claim(lease, request(add(1), add(2)))
        done = ledger.claim(lease, request(add(3)))
        ledger.outcome(lease, done, verdict([add(3)]))
        clock.forward(60)
        second = ledger.acquire(holder("run-2"), 60)
        mine = ledger.claim(second, request(add(4)))
        assert ledger.recover(second) == 1
        assert states(ledger) == [(1, "in_doubt", 1), (2, "in_doubt", 1), (3, "confirmed", 1), (4, "sent", 1)]
        assert [(request.id, request.state) for request in ledger.open_requests()] == [
            (lost, S.IN_DOUBT),
            (mine, S.SENT),
        ]
        assert ledger.recover(second) == 0
        assert "2 in_doubt" in list(ledger.events())[-1].reason

    def test_the_settler_may_be_another_run(self, ledger: Ledger, lease: Lease, clock: HandClock) -> None:
        lost = ledger.claim(lease, request(add(1)))
        clock.forward(60)
        second = ledger.acquire(holder("run-2"), 60)
        ledger.recover(second)
        ledger.outcome(second, lost, verdict([add(1)], S.PLANNED, about=RequestState.SETTLED))
        ledger.claim(second, request(add(1)))
        assert states(ledger) == [(1, "sent", 1)]


class TestPeople:
    def test_they_come_in_order_across_sets_at_their_newest_revision(self, ledger: Ledger, lease: Lease) -> None:
        june = CAMPAIGN.contact_set("renewals-june")
        for ops in ([add(5), add(1)], [add(3, key=june), add(4, key=june)], [add(5, revision=2, key=june)]):
            name = ledger.claim(lease, request(*ops))
            ledger.outcome(lease, name, verdict(ops))
        found = [(sent.person, sent.contacts, sent.revision) for sent in ledger.sent(IDENTITY)]
        assert found == [
            (person(1), "renewals-may", 1),
            (person(3), "renewals-june", 1),
            (person(4), "renewals-june", 1),
            (person(5), "renewals-june", 2),
        ]
        assert list(ledger.sent("00" * 16)) == []

    def test_those_inside_a_create_count_its_object_does_not(self, ledger: Ledger, lease: Lease) -> None:
        ops = [thing(), add(1, verb="create")]
        name = ledger.claim(lease, request(*ops))
        (open_request,) = ledger.open_requests()
        assert open_request.people == 1
        ledger.outcome(lease, name, verdict(ops))
        assert states(ledger) == [(1, "confirmed", 1)]

    def test_other_marks_are_kept(self, ledger: Ledger, lease: Lease) -> None:
        op = replace(add(1), key_mac=b"k" * 16)
        ledger.claim(lease, request(op))
        (sent,) = ledger.sent(IDENTITY)
        assert (sent.key_mac, sent.fields_mac) == (b"k" * 16, b"f" * 16)

    @pytest.mark.parametrize("landed", [S.CONFIRMED, S.ALREADY])
    def test_a_landed_withdrawal_turns_the_newest_add(self, ledger: Ledger, lease: Lease, landed: S) -> None:
        for revision in (1, 2):
            self._done(ledger, lease, add(1, revision=revision), add(2, revision=revision))
        self._done(ledger, lease, add(1, verb="withdraw_contacts"), end=landed)
        assert states(ledger) == [(1, "withdrawn", 2), (2, "confirmed", 2)]

    @pytest.mark.parametrize("end", [S.REJECTED, S.IN_DOUBT, S.HELD, S.PLANNED])
    def test_one_that_did_not_land_leaves_it(self, ledger: Ledger, lease: Lease, end: S) -> None:
        self._done(ledger, lease, add(1))
        self._done(ledger, lease, add(1, verb="withdraw_contacts"), end=end)
        assert states(ledger) == [(1, "confirmed", 1)]

    def test_a_late_withdrawal_leaves_who_came_back_meanwhile(self, ledger: Ledger, lease: Lease) -> None:
        self._done(ledger, lease, add(1), add(2))
        leaving = [add(1, verb="withdraw_contacts"), add(2, verb="withdraw_contacts")]
        name = ledger.claim(lease, request(*leaving))
        half = [Result(leaving[0].op_key, S.CONFIRMED), Result(leaving[1].op_key, S.IN_DOUBT)]
        ledger.outcome(lease, name, Verdict(RequestState.IN_DOUBT, half))
        self._done(ledger, lease, add(1, revision=2))
        ledger.outcome(lease, name, verdict(leaving[1:], about=RequestState.SETTLED))
        assert states(ledger) == [(1, "confirmed", 2), (2, "withdrawn", 1)]

    def test_a_landed_edit_replaces_the_fields_and_raises_the_revision(self, ledger: Ledger, lease: Lease) -> None:
        self._done(ledger, lease, add(1), add(2), add(3))
        self._done(ledger, lease, add(1, revision=2, verb="update_contacts", fields=b"g" * 16))
        self._done(ledger, lease, add(2, revision=2, verb="update_contacts", fields=b"g" * 16), end=S.REJECTED)
        self._done(ledger, lease, add(3, revision=1, verb="update_contacts", fields=b"g" * 16))
        found = [(sent.fields_mac[:1], sent.revision, sent.state) for sent in ledger.sent(IDENTITY)]
        assert found == [(b"g", 2, "confirmed"), (b"f", 1, "confirmed"), (b"g", 1, "confirmed")]

    def test_somebody_elses_campaign_is_left_alone(self, ledger: Ledger, lease: Lease) -> None:
        other = replace(add(1, revision=9), identity="ab" * 16)
        self._done(ledger, lease, add(1), other)
        self._done(ledger, lease, add(1, verb="withdraw_contacts"))
        assert states(ledger, "ab" * 16) == [(1, "confirmed", 9)]

    def _done(self, ledger: Ledger, lease: Lease, *ops: Op, end: S = S.CONFIRMED) -> None:
        name = ledger.claim(lease, request(*ops))
        ledger.outcome(lease, name, verdict(ops, end))


class TestBindings:
    def test_an_identity_is_reserved_once(self, ledger: Ledger, lease: Lease) -> None:
        identity = ledger.identity(lease, CAMPAIGN)
        assert bytes.fromhex(identity) and len(identity) == 32
        assert ledger.identity(lease, MAY) == identity
        assert ledger.identity(lease, SUMMER) != identity
        assert ledger.bindings()[CAMPAIGN].vendor_id == ""

    def test_what_was_bound_and_applied_comes_back(self, ledger: Ledger, lease: Lease, store: Store) -> None:
        bound = Binding(
            CAMPAIGN, IDENTITY, "41", {"z": [1, {"b": None, "a": "Hà Nội"}], "a": True}, True, 3, "2026-05-01T00:00:00Z"
        )
        ledger.bind(lease, bound, "adopted")
        assert store.reader().bindings() == {CAMPAIGN: bound}
        ledger.applied(lease, CAMPAIGN, {"ratio": 2}, protect=False, run=4)
        assert ledger.bindings()[CAMPAIGN] == replace(bound, last_applied={"ratio": 2}, protect=False, run=4)
        ledger.bind(lease, replace(bound, vendor_id="42"), "bound by id")
        assert ledger.bindings()[CAMPAIGN].vendor_id == "42"
        assert [(event.before, event.after, event.reason) for event in ledger.events()][-3:] == [
            ("", "41", "adopted"),
            ("41", "41", "applied"),
            ("41", "42", "bound by id"),
        ]

    def test_only_what_is_bound_can_be_applied(self, ledger: Ledger, lease: Lease) -> None:
        with pytest.raises(LedgerError, match="not bound"):
            ledger.applied(lease, CAMPAIGN, {}, protect=False, run=1)

    def test_unbinding_takes_the_sets_along_and_leaves_people_and_events(self, ledger: Ledger, lease: Lease) -> None:
        self._bound(ledger, lease)
        events = list(ledger.events())
        ledger.unbind(lease, CAMPAIGN, "retained")
        assert list(ledger.bindings()) == [SUMMER]
        assert states(ledger) == [(1, "confirmed", 1)]
        assert list(ledger.events())[: len(events)] == events
        assert [event.entity for event in ledger.events()][len(events) :] == [str(CAMPAIGN), str(MAY)]
        assert ledger.identity(lease, CAMPAIGN) != IDENTITY

    def test_unbinding_one_set_leaves_the_campaign(self, ledger: Ledger, lease: Lease) -> None:
        self._bound(ledger, lease)
        ledger.unbind(lease, MAY, "list removed")
        assert set(ledger.bindings()) == {CAMPAIGN, SUMMER}

    def test_a_move_keeps_the_identity_and_renames_everything(self, ledger: Ledger, lease: Lease) -> None:
        self._bound(ledger, lease)
        ledger.claim(lease, request(add(2)))
        autumn = Key("tel4vn-hanoi", "campaign", "autumn")
        ledger.move(lease, CAMPAIGN, autumn)
        bound = ledger.bindings()
        assert set(bound) == {autumn, autumn.contact_set("renewals-may"), SUMMER}
        assert (bound[autumn].identity, bound[autumn].key) == (IDENTITY, autumn)
        assert ledger.identity(lease, autumn) == IDENTITY
        assert [request.key for request in ledger.open_requests()] == [autumn.contact_set("renewals-may")]
        assert [number for number, _, _ in states(ledger)] == [1, 2]

    @pytest.mark.parametrize(
        ("old", "new", "said"),
        [(CAMPAIGN, SUMMER, "bound already"), (replace(SUMMER, name="winter"), MAY.campaign, "bound already")],
    )
    def test_a_move_onto_another_is_refused(
        self, ledger: Ledger, lease: Lease, store: Store, old: Key, new: Key, said: str
    ) -> None:
        self._bound(ledger, lease)
        before = store.contents()
        with pytest.raises(LedgerError, match=said):
            ledger.move(lease, old, new)
        assert store.contents() == before

    @pytest.mark.parametrize("name", ["winter", "sprin", "spring-2"])
    def test_what_is_not_bound_cannot_be_moved_or_unbound(self, ledger: Ledger, lease: Lease, name: str) -> None:
        self._bound(ledger, lease)
        unknown = replace(CAMPAIGN, name=name)
        with pytest.raises(LedgerError, match="not bound"):
            ledger.move(lease, unknown, replace(CAMPAIGN, name="autumn"))
        with pytest.raises(LedgerError, match="not bound"):
            ledger.unbind(lease, unknown, "gone")

    def _bound(self, ledger: Ledger, lease: Lease) -> None:
        for binding in (
            Binding(CAMPAIGN, IDENTITY, "41", {}),
            Binding(MAY, IDENTITY, "list-1", {}),
            Binding(SUMMER, "ab" * 16, "42", {}),
        ):
            ledger.bind(lease, binding, "adopted")
        ledger.outcome(lease, ledger.claim(lease, request(add(1))), verdict([add(1)]))


class TestTransactions:
    def test_several_writes_are_one_commit(self, ledger: Ledger, lease: Lease, store: Store) -> None:
        before = store.contents()
        with ledger.transaction():
            ledger.claim(lease, request(add(1)))
            ledger.claim(lease, request(add(2)))
            assert store.contents() == before
        assert len(store.reader().open_requests()) == 2

    def test_a_failing_one_takes_all_with_it(self, ledger: Ledger, lease: Lease, store: Store) -> None:
        before = store.contents()

        def crash() -> None:
            with ledger.transaction():
                ledger.claim(lease, request(add(1)))
                raise RuntimeError("between two writes")

        with pytest.raises(RuntimeError):
            crash()
        assert store.contents() == before

    def test_a_nested_one_rolls_back_alone(self, ledger: Ledger, lease: Lease) -> None:
        def half() -> None:
            with ledger.transaction():
                ledger.claim(lease, request(add(2)))
                ledger.claim(lease, request(add(1)))

        with ledger.transaction():
            ledger.claim(lease, request(add(1)))
            with pytest.raises(LedgerError, match="claimed before"):
                half()
            ledger.claim(lease, request(add(3)))
        assert [number for number, _, _ in states(ledger)] == [1, 3]


class TestTheTrail:
    def test_i9_every_transition_is_in_it_and_it_is_whole(self, ledger: Ledger, lease: Lease) -> None:
        name = ledger.claim(lease, request(add(1), add(2)))
        ledger.outcome(lease, name, verdict([add(1), add(2)], S.IN_DOUBT))
        ledger.outcome(lease, name, verdict([add(1), add(2)], about=RequestState.SETTLED))
        ledger.finish(lease)
        told = [(event.entity, event.before, event.after) for event in ledger.events()]
        assert told == [
            ("lease", "", "run-1"),
            ("ledger", "", ledger.lineage),
            (f"request {name}", "", "sent"),
            (f"request {name}", "sent", "in_doubt"),
            (f"request {name}", "in_doubt", "settled"),
            ("ledger", "serial 0", "serial 1"),
            ("lease", "run-1", ""),
        ]
        assert [event.seq for event in ledger.events()] == list(range(1, 8))
        assert {(event.epoch, event.actor) for event in ledger.events()} == {(1, "ana")}
        assert verify(ledger) == 7

    def test_its_newest_line_is_known_apart_from_it(self, ledger: Ledger, lease: Lease, store: Store) -> None:
        assert store.reader().high_water == (2, list(ledger.events())[-1].hash)


class TestMemory:
    def test_what_is_remembered_comes_back_by_kind_and_may_be_replaced(self, ledger: Ledger, lease: Lease) -> None:
        ledger.remember(lease, "suppressed", "refusals", b"\x00\xff")
        ledger.remember(lease, "suppressed", "other/list", b"")
        ledger.remember(lease, "loaded", "refusals", b"1")
        assert ledger.remembered("suppressed") == {"other/list": b"", "refusals": b"\x00\xff"}
        ledger.remember(lease, "suppressed", "refusals", b"new")
        assert ledger.remembered("suppressed")["refusals"] == b"new"

    def test_i9_the_trail_says_that_and_not_what(self, ledger: Ledger, lease: Lease) -> None:
        ledger.remember(lease, "suppressed", "refusals", b"secret")
        last = list(ledger.events())[-1]
        assert (last.entity, last.before, last.after, last.reason) == (
            "memory suppressed/refusals",
            "",
            "",
            "remembered",
        )


class TestLoading:
    COLUMNS = ("name", "value")

    @pytest.mark.parametrize("count", [0, 1, 500, 1201])
    def test_rows_are_appended_as_they_come(self, ledger: SqlLedger, count: int) -> None:
        rows = ((f"loaded/{number:04}", number.to_bytes(2, "big")) for number in range(count))
        assert ledger._session.load("memory", self.COLUMNS, rows) == count
        expected = {f"{number:04}": number.to_bytes(2, "big") for number in range(count)}
        assert ledger.remembered("loaded") == expected

    def test_all_of_them_or_none(self, ledger: SqlLedger) -> None:
        rows = [(f"loaded/{number}", b"") for number in range(1000)] * 2
        with pytest.raises(LedgerError):
            ledger._session.load("memory", self.COLUMNS, rows)
        assert ledger.remembered("loaded") == {}


class TestOnePerson:
    """Where somebody was ever sent, for a refusal."""

    def test_of_somebody_who_was_never_sent_nothing_is_known(self, ledger: Ledger, store: Store) -> None:
        assert list(store.reader().sent_with(person(1))) == list(ledger.sent_with(person(1))) == []

    def test_every_campaign_shows_its_newest_revision(self, ledger: Ledger, lease: Lease) -> None:
        for op in (add(1), add(1, 2), add(2)):
            ledger.outcome(lease, ledger.claim(lease, request(op)), verdict([op], vendor_id=f"v{op.revision}"))
        other = replace(add(1, 3), identity="6e" * 16, key=SUMMER.contact_set("june"))
        ledger.claim(lease, request(other))
        withdrawal = add(2, verb="withdraw_contacts")
        ledger.outcome(lease, ledger.claim(lease, request(withdrawal)), verdict([withdrawal]))
        found = {key: (identity, sent.contacts, sent.state, sent.revision, sent.vendor_id)
                 for key, identity, sent in ledger.sent_with(person(1))}  # fmt: skip
        assert found == {
            CAMPAIGN: (IDENTITY, "renewals-may", "confirmed", 2, "v2"),
            SUMMER: ("6e" * 16, "june", "sent", 3, ""),
        }
        ((key, _, sent),) = ledger.sent_with(person(2))
        assert (key, sent.state) == (CAMPAIGN, "withdrawn")

    def test_somebody_forgotten_is_found_no_more_and_the_record_counts_the_same(
        self, ledger: Ledger, lease: Lease, store: Store
    ) -> None:
        ops = [add(1), add(2)]
        ledger.outcome(lease, ledger.claim(lease, request(*ops)), verdict(ops))
        withdrawal = add(1, verb="withdraw_contacts")
        ledger.outcome(lease, ledger.claim(lease, request(withdrawal)), verdict([withdrawal]))
        assert ledger.forget(lease, person(1)) == 2
        assert (list(ledger.sent_with(person(1))), states(ledger)) == ([], [(2, "confirmed", 1)])
        assert ledger.forget(lease, person(1)) == 0
        last = list(ledger.events())[-2]
        assert (last.entity, last.reason) == ("person", "forgotten: 2 operations")
        assert verify(store.reader()) == len(list(ledger.events()))

    def test_nobody_in_doubt_is_forgotten(self, ledger: Ledger, lease: Lease) -> None:
        ledger.claim(lease, request(add(1)))
        with pytest.raises(LedgerError, match="in doubt: settle it first"):
            ledger.forget(lease, person(1))
        assert states(ledger) == [(1, "sent", 1)]
