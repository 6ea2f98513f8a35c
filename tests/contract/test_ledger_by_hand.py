"""What is done to a ledger by hand, whatever stores it: let go of an object, unlocked with a reason, closed, copied into another store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from reconciler.errors import LeaseLost, LedgerError, NotThisLedger
from reconciler.ledger import copying
from reconciler.ledger.base import Lease, Ledger
from reconciler.ledger.chain import verify
from reconciler.ledger.closing import ARRIVING, CLOSED, MOVED, Move
from reconciler.ledger.history import history
from reconciler.ledger.sql import Row, Session
from reconciler.ledger.sql_ledger import SqlLedger
from reconciler.model import Binding
from tests.contract.ledgers import CAMPAIGN, IDENTITY, MAY, STORES, Store, add, holder, request, thing, verdict
from tests.contract.test_ledger import lease, ledger, states, store

__all__ = ["lease", "ledger", "store"]  # fixtures


@pytest.fixture(params=STORES)
def other(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Another, empty store."""
    folder = tmp_path / "other"
    folder.mkdir()
    with STORES[request.param](folder) as made:
        yield made


def made(ledger: Ledger, lease: Lease) -> None:
    """A campaign that we created, its list, and two people in it."""
    name = ledger.claim(lease, request(thing()))
    ledger.outcome(lease, name, verdict([thing()], vendor_id="41"))
    ledger.bind(lease, Binding(CAMPAIGN, IDENTITY, "41", {"ratio": 1}), "created")
    ledger.bind(lease, Binding(MAY, IDENTITY, "L1", {}), "made")
    name = ledger.claim(lease, request(add(1), add(2)))
    ledger.outcome(lease, name, verdict([add(1), add(2)]))


class TestLettingGo:
    def test_the_object_is_forgotten_and_its_people_are_not(self, ledger: Ledger, lease: Lease) -> None:
        made(ledger, lease)
        ledger.let_go(lease, CAMPAIGN, "deleted in the panel")
        assert dict(ledger.bindings()).keys() == {CAMPAIGN}
        left = ledger.bindings()[CAMPAIGN]
        assert (left.identity, left.vendor_id, dict(left.last_applied)) == (IDENTITY, "", {})
        assert states(ledger) == [(1, "confirmed", 1), (2, "confirmed", 1)]
        assert [event.reason for event in ledger.events()][-3:] == ["deleted in the panel"] * 2 + [
            "whom it reached stays known"
        ]
        assert ledger.identity(lease, CAMPAIGN) == IDENTITY

    def test_its_create_may_be_claimed_again_and_theirs_may_not(self, ledger: Ledger, lease: Lease) -> None:
        made(ledger, lease)
        with pytest.raises(LedgerError, match="claimed before"):
            ledger.claim(lease, request(thing()))
        ledger.let_go(lease, CAMPAIGN, "deleted in the panel")
        ledger.claim(lease, request(thing()))
        with pytest.raises(LedgerError, match="claimed before"):
            ledger.claim(lease, request(add(1)))

    def test_what_is_not_bound_cannot_be_let_go(self, ledger: Ledger, lease: Lease, store: Store) -> None:
        ledger.identity(lease, CAMPAIGN)
        before = store.contents()
        for _ in range(2):
            with pytest.raises(LedgerError, match="is not bound: nothing was changed"):
                ledger.let_go(lease, CAMPAIGN, "x")
            assert store.contents() == before

    def test_i7_an_overtaken_run_lets_go_of_nothing(self, ledger: Ledger, lease: Lease, store: Store) -> None:
        made(ledger, lease)
        ledger.unlock(holder("cleaner"), "the runner is gone")
        before = store.contents()
        with pytest.raises(LeaseLost):
            ledger.let_go(lease, CAMPAIGN, "x")
        assert store.contents() == before


def test_unlock_keeps_the_reason(ledger: Ledger, lease: Lease) -> None:
    since = ledger.held_since()
    assert since.startswith("20")
    ledger.unlock(holder("cleaner", actor="ben"), "call \u202e+48 601 234 567")
    *_, last = ledger.events()
    assert (last.actor, last.before, last.reason) == ("ben", "run-1", "call …")


def test_history_streams_what_is_asked_for(ledger: Ledger, lease: Lease) -> None:
    made(ledger, lease)
    everything = list(history(ledger))
    assert everything == list(ledger.events())
    of_may = list(history(ledger, MAY))
    assert {event.entity for event in of_may} == {str(MAY), "request r2"}
    assert list(history(ledger, CAMPAIGN, 2)) == everything[-2:]


class TestClosing:
    @pytest.mark.parametrize(
        ("name", "said"), [(MOVED, "moved to elsewhere at noon"), (ARRIVING, "begun at noon and never finished")]
    )
    def test_nobody_gets_in(self, ledger: Ledger, lease: Lease, name: str, said: str) -> None:
        ledger.remember(lease, CLOSED, name, Move("copy", "elsewhere", "noon").encoded())
        ledger.release(lease)
        with pytest.raises(NotThisLedger, match=said) as caught:
            ledger.acquire(holder("run-2"), 60)
        assert caught.value.exit_code == 4 and ledger.holder() is None


class TestCopying:
    def copied(self, store: Store, other: Store) -> copying.Copied:
        source, target = store.reader(), other.ledger()
        assert isinstance(target, SqlLedger)
        with closing(target), closing(source):
            return copying.copy(source.session, target.session, {"mark/x": b"\x00\xff"})  # type: ignore[attr-defined]  # SQL below

    def test_the_other_store_holds_the_same(self, ledger: Ledger, lease: Lease, store: Store, other: Store) -> None:
        made(ledger, lease)
        ledger.claim(lease, request(add(3)))
        ledger.finish(lease)
        told = self.copied(store, other)
        assert other.contents() == store.contents()
        assert (told.lineage, told.serial) == (ledger.lineage, 1)
        assert {part.name: part.rows for part in told.parts}["op"] == 4
        reader = other.reader()
        assert reader.remembered("mark") == {"x": b"\x00\xff"}
        assert verify(reader) == verify(ledger) and reader.high_water == ledger.high_water
        assert reader.holder() is None

    def test_it_goes_on_from_there(self, ledger: Ledger, lease: Lease, store: Store, other: Store) -> None:
        made(ledger, lease)
        self.copied(store, other)
        with closing(other.ledger()) as there:
            again = there.acquire(holder("run-2"), 60)
            assert again.epoch == lease.epoch + 1
            assert there.claim(again, request(add(3))) == "r3"
            with pytest.raises(LedgerError, match="claimed before"):
                there.claim(again, request(add(1)))
            assert isinstance(verify(there), int)

    def test_it_is_of_one_moment(
        self, ledger: Ledger, lease: Lease, store: Store, other: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Another run writes between two tables: nothing of that is in the copy."""
        made(ledger, lease)
        before, rows = store.contents(), copying._rows

        def meanwhile(session: Session, name: str) -> Iterator[Row]:
            if name == "op" and not writing:
                writing.append(ledger.claim(lease, request(add(3))))
            return rows(session, name)

        writing: list[str] = []
        monkeypatch.setattr(copying, "_rows", meanwhile)
        self.copied(store, other)
        assert writing and other.contents() == before != store.contents()

    def test_what_is_not_equal_is_given_up(
        self, ledger: Ledger, lease: Lease, store: Store, other: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made(ledger, lease)
        rows = copying._rows

        def spoilt(session: Session, name: str) -> Iterator[Row]:
            seen.append(name)
            for row in rows(session, name):
                again = seen.count("binding") > 1 and name == "binding"
                yield (*row[:-1], "another time") if again else row

        seen: list[str] = []
        monkeypatch.setattr(copying, "_rows", spoilt)
        with pytest.raises(
            LedgerError, match="The copy is not equal: table binding has 2 rows here and 2 there, or others"
        ):
            self.copied(store, other)
        assert other.reader().lineage == ""
        monkeypatch.undo()
        self.copied(store, other)

    def test_it_is_made_once(self, ledger: Ledger, lease: Lease, store: Store, other: Store) -> None:
        self.copied(store, other)
        with pytest.raises(LedgerError, match="There is a ledger already where this one was to be copied to"):
            self.copied(store, other)
