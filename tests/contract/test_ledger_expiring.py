"""Fingerprints that run out, whatever stores them: who is left, who left a source, who expires, and what is never taken off."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from reconciler.errors import LeaseLost, LedgerError
from reconciler.ledger import copying
from reconciler.ledger.base import Lease, Ledger
from reconciler.ledger.base import OpState as S
from reconciler.ledger.chain import verify
from reconciler.ledger.expiring import EXPIRED, SETS, UNBOUND, Declared, Expired, expired, lapses, unbound_since
from reconciler.ledger.history import history
from reconciler.ledger.sql_ledger import SqlLedger
from reconciler.model import Binding, Key
from reconciler.model.trace import Trace
from tests.contract.ledgers import CAMPAIGN, IDENTITY, MAY, STORES, Store, add, holder, person, request, verdict
from tests.contract.test_ledger import lease, ledger, states, store

__all__ = ["lease", "ledger", "store"]  # fixtures

JUNE = CAMPAIGN.contact_set("renewals-june")
DAY = 86_400


@pytest.fixture(params=STORES)
def other(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    folder = tmp_path / "other"
    folder.mkdir()
    with STORES[request.param](folder) as made:
        yield made


def made(ledger: Ledger, lease: Lease) -> None:
    """One and two through May, the second in doubt; three through June; the first was withdrawn and added again."""
    for ops, state in (([add(1)], S.CONFIRMED), ([add(2)], S.IN_DOUBT), ([add(3, key=JUNE)], S.CONFIRMED)):
        ledger.outcome(lease, ledger.claim(lease, request(*ops)), verdict(ops, state))
    left = [add(1, verb="withdraw_contacts")]
    ledger.outcome(lease, ledger.claim(lease, request(*left)), verdict(left))
    again = [add(1, revision=2)]
    ledger.outcome(lease, ledger.claim(lease, request(*again)), verdict(again))


def traces(ledger: Ledger, after: bytes = b"", limit: int = 100) -> list[Trace]:
    return list(ledger.traces(IDENTITY, after, limit))


def test_a_ledger_that_does_not_exist_yet_has_no_traces(store: Store) -> None:
    with closing(store.reader()) as reader:
        assert not reader.reached() and not reader.traces(IDENTITY, b"", 5) and not lapses(reader)


def test_everybody_is_found_by_person_and_a_page_at_a_time(ledger: Ledger, lease: Lease) -> None:
    made(ledger, lease)
    assert ledger.reached() == [(JUNE, IDENTITY), (MAY, IDENTITY)]
    found = traces(ledger)
    assert [(int.from_bytes(one.person, "big"), one.contacts, one.open) for one in found] == [
        (1, "renewals-may", False),
        (1, "renewals-may", False),
        (1, "renewals-may", False),
        (2, "renewals-may", True),
        (3, "renewals-june", False),
    ]
    assert {one.left_at for one in found} == {0} and len({one.op_key for one in found}) == 5
    assert traces(ledger, limit=4) == found[:4]
    assert traces(ledger, after=person(1)) == found[3:] and traces(ledger, after=person(3)) == []
    assert list(ledger.traces("00" * 16, b"", 5)) == []


def test_who_left_is_remembered_until_they_are_back(ledger: Ledger, lease: Lease) -> None:
    made(ledger, lease)
    keys = [one.op_key for one in traces(ledger)]
    ledger.mark_left(lease, MAY, [(keys[0], 7), (keys[3], 9)])
    assert [one.left_at for one in traces(ledger)] == [7, 0, 0, 9, 0]
    ledger.mark_left(lease, MAY, [(keys[0], 0)])
    assert [one.left_at for one in traces(ledger)] == [0, 0, 0, 9, 0]
    assert [event.reason for event in history(ledger, MAY)][-2:] == [
        "who left the source or came back: 2 operations",
        "who left the source or came back: 1 operation",
    ]


def test_who_expired_is_unknown_and_what_was_done_stays(ledger: Ledger, lease: Lease) -> None:
    made(ledger, lease)
    mine = [one.op_key for one in traces(ledger) if one.person == person(1)]
    ledger.expire(lease, MAY, mine, "retention 90d: the fingerprints of 1 person expired")
    assert [one.person for one in traces(ledger)] == [person(2), person(3)]
    assert states(ledger) == [(2, "in_doubt", 1), (3, "confirmed", 1)] and not ledger.sent_with(person(1))
    (*_, last) = history(ledger, MAY)
    assert (last.entity, last.reason) == (str(MAY), "retention 90d: the fingerprints of 1 person expired")
    assert verify(ledger) == last.seq
    ledger.claim(lease, request(add(1)))  # they are new here now: their first add can be claimed once more
    assert (1, "sent", 1) in states(ledger)


def test_the_last_fingerprint_takes_the_set_with_it(ledger: Ledger, lease: Lease) -> None:
    made(ledger, lease)
    ledger.expire(lease, JUNE, [one.op_key for one in traces(ledger) if one.contacts == "renewals-june"], "over")
    assert ledger.reached() == [(MAY, IDENTITY)]


def test_what_is_in_doubt_never_expires(ledger: Ledger, lease: Lease, store: Store) -> None:
    made(ledger, lease)
    before = store.contents()
    with pytest.raises(LedgerError, match="in doubt cannot expire"):
        ledger.expire(lease, MAY, [one.op_key for one in traces(ledger)], "over")
    assert store.contents() == before


def test_i7_an_overtaken_run_notes_and_expires_nothing(ledger: Ledger, lease: Lease, store: Store) -> None:
    made(ledger, lease)
    keys = [one.op_key for one in traces(ledger) if not one.open]
    ledger.unlock(holder("cleaner"), "the runner is gone")
    before, left = store.contents(), traces(ledger)
    with pytest.raises(LeaseLost):
        ledger.mark_left(lease, MAY, [(keys[0], 7)])
    with pytest.raises(LeaseLost):
        ledger.expire(lease, MAY, keys, "over")
    assert (store.contents(), traces(ledger)) == (before, left)


def test_a_forgotten_person_leaves_no_trace(ledger: Ledger, lease: Lease) -> None:
    made(ledger, lease)
    keys = [one.op_key for one in traces(ledger)]
    ledger.mark_left(lease, MAY, [(keys[0], 7)])
    assert ledger.forget(lease, person(1)) == 3
    assert person(1) not in {one.person for one in traces(ledger)}


@pytest.mark.parametrize(("vendor_id", "left"), [("41", {}), ("", {IDENTITY: 7})])
def test_binding_a_campaign_again_stops_its_clock(
    ledger: Ledger, lease: Lease, vendor_id: str, left: dict[str, int]
) -> None:
    ledger.remember(lease, UNBOUND, IDENTITY, b"7")
    ledger.bind(lease, Binding(CAMPAIGN, IDENTITY, vendor_id, {}), "adopted")
    assert unbound_since(ledger) == left


def test_what_is_left_says_when_it_runs_out(ledger: Ledger, lease: Lease) -> None:
    made(ledger, lease)
    assert lapses(ledger) == []
    ledger.remember(lease, UNBOUND, IDENTITY, b"%d" % DAY)
    ledger.remember(lease, SETS, "renewals-may", Declared(90 * DAY, 2 * DAY).encoded())
    ledger.remember(lease, EXPIRED, f"{IDENTITY}/renewals-may", Expired(3, 8).encoded())
    june, may = lapses(ledger)
    assert (june.key, june.earliest, may.key, may.earliest) == (JUNE, None, MAY, 92 * DAY)
    assert expired(ledger) == {(IDENTITY, "renewals-may"): Expired(3, 8)}


def test_a_copy_knows_who_left(ledger: Ledger, lease: Lease, store: Store, other: Store) -> None:
    made(ledger, lease)
    keys = [one.op_key for one in traces(ledger)]
    ledger.mark_left(lease, MAY, [(keys[0], 7)])
    source, target = store.reader(), other.ledger()
    assert isinstance(target, SqlLedger)
    with closing(target), closing(source):
        copying.copy(source.session, target.session, {})  # type: ignore[attr-defined]  # SQL below
        assert traces(target) == traces(ledger)


def test_keys_in_reached_are_those_of_the_set(ledger: Ledger, lease: Lease) -> None:
    made(ledger, lease)
    ledger.bind(lease, Binding(CAMPAIGN, IDENTITY, "41", {}), "made")
    ledger.move(lease, CAMPAIGN, Key("tel4vn-hanoi", "campaign", "summer"))
    assert [str(key) for key, _ in ledger.reached()] == [
        "tel4vn-hanoi/campaign/summer/contacts/renewals-june",
        "tel4vn-hanoi/campaign/summer/contacts/renewals-may",
    ]
