"""What the simulation found in shipped code, each as the shortest story that shows it, against the vendors on real sockets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from unittest import mock

import pytest
import stamina

from reconciler.ledger import open_ledger, open_reader
from reconciler.model import Action, Change, ContactChange, Key, Outcome, Risk, Tally
from reconciler.rounds import Settled, merged
from tests.contract.ledgers import holder
from tests.faulty import Play
from tests.office import desk, office


async def _dies(*_: object) -> None:
    """A run that is gone before it can look again at what it lost."""


MAY = Key("hanoi", "campaign", "spring").contact_set("may")


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Play]:
    with stamina.set_testing(True, attempts=3), desk(tmp_path) as made:
        yield Play(made)


def test_a_lost_answer_is_looked_for_in_the_list_even_where_the_answer_that_named_the_list_was_lost(play: Play) -> None:
    lost = {"vendor": "tel4vn", "method": "POST", "nth": 1, "fault": "drop", "when": "after"}
    play.begin({**lost, "path": "^/v3/list$"}, {**lost, "path": "^/v3/lead/multi$"})
    play.apply()
    play.finish()
    assert play.office.most_dials() == 1


def test_nobody_is_called_absent_where_it_is_not_known_what_to_read(play: Play) -> None:
    play.begin({"vendor": "tel4vn", "path": "^/v3/lead/multi$", "fault": "drop"})
    play.apply(patience=0)
    setup = play.setup()
    where = (setup.repository.project.state, str(setup.root), setup.environ)
    with closing(open_ledger(*where)) as ledger:
        lease = ledger.acquire(holder(), 60)
        ledger.unbind(lease, MAY, "by a test")
        ledger.release(lease)
    play.office.faults()
    play.clock.skipped += 3600
    play.apply()
    assert [request.people for request in play.open()] == [1]
    with closing(open_reader(*where)) as reader:
        assert MAY not in reader.bindings()


def test_somebody_whose_add_was_lost_and_who_then_refuses_is_taken_out(tmp_path: Path) -> None:
    """Thulium de-duplicates, so a lost add is just sent again; but not for somebody who is on a suppression list by then."""
    with stamina.set_testing(True, attempts=3), office(tmp_path) as made:
        play = Play(made)
        play.begin({"vendor": "thulium", "path": "^/batch/outbounds", "fault": "drop", "when": "after"})
        vendors = made.here.simulator.vendors
        before = Counter(vendors["thulium"].dials())
        play.apply()
        number = sorted(vendors["thulium"].dials() - before)[-1]
        made.faults()
        refusals = Path(made.environ["REFUSALS_CSV"])
        refusals.write_text(refusals.read_text("utf-8") + f"{number},\n", "utf-8")
        play.finish()
        assert number.removeprefix("+48") not in repr(vendors["thulium"].snapshot())


def test_somebody_whose_withdrawal_was_lost_and_who_then_comes_back_is_sent_again(play: Play) -> None:
    play.office.edit("reconciler.yaml", "spec:", "spec:\n  guards: {contactsWithdrawn: {percent: 100%}}")
    play.begin()
    play.apply()
    vendor, people = play.office.here.simulator.vendors["tel4vn"], Path(play.office.environ["MAY_CSV"])
    whole = people.read_text("utf-8")
    before = len(vendor.snapshot()["leads"])
    play.office.faults({"vendor": "tel4vn", "method": "DELETE", "fault": "drop", "when": "after"})
    people.write_text("\n".join(whole.splitlines()[:-1]) + "\n", "utf-8")
    with mock.patch("reconciler.reconcile.settle_doubts", _dies):
        play.apply()
    assert len(vendor.snapshot()["leads"]) == before - 1
    play.office.faults()
    people.write_text(whole, "utf-8")
    play.finish()
    assert len(vendor.snapshot()["leads"]) == before


def test_what_was_lost_and_may_not_go_on_is_not_called_done() -> None:
    """A doubt that was settled as never executed, where what is left is more than what was approved: there is no second round."""
    change = Change(1, Action.ADD_CONTACTS, MAY, "", "", Risk.DIALLING, contacts=ContactChange(2, ""))
    lost = Outcome(change, "in_doubt", contacts=Tally(confirmed=1, in_doubt=1))
    (absent,) = merged([lost], None, Settled({}, frozenset()))
    assert (absent.status, absent.contacts) == ("skipped", Tally(confirmed=1)) and "Plan again" in absent.error
    (found,) = merged([lost], None, Settled({MAY: 1}, frozenset()))
    assert (found.status, found.contacts, found.error) == ("confirmed", Tally(confirmed=2), "")
    update = Change(2, Action.UPDATE, MAY.campaign, "", "", Risk.SAFE)
    (closed,) = merged([Outcome(update, "in_doubt")], None, Settled({}, frozenset()))
    assert closed.status == "skipped"
