"""Every write call of a whole apply meets faults, before and after its effect; nobody is called twice, nobody is lost.

The short form plays a lost request and a lost answer at every call, and one more way in turn; `make chaos` plays all ways at all calls.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from unittest import mock

import pytest
import stamina

from reconciler.ledger.sqlite import SqliteSession
from tests.faulty import WAYS, Play, SkippingClock, check, scenarios
from tests.office import office
from tests.proof.figures import LONG, recorded


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Play]:
    with stamina.set_testing(True, attempts=3), office(tmp_path_factory.mktemp("faults")) as made:
        yield Play(made)


@pytest.mark.parametrize("vendor", ["tel4vn", "thulium", "conpeek", "intersvyaz"])
def test_no_fault_at_any_write_calls_anybody_twice_or_loses_anybody(play: Play, vendor: str) -> None:
    writes = [write for write in play.writes() if write.vendor == vendor]
    assert writes
    everything = list(scenarios(writes, WAYS))
    if LONG:
        chosen = everything
    else:
        others = [scenario for scenario in everything if scenario[1] != "drop"]
        chosen = list(scenarios(writes, ("drop",))) + others[:: len(others) // len(writes)]
    with recorded("fault matrix over real sockets", "faults") as tally:
        for write, way, when in chosen:
            play.begin(write.rule(way, when))
            play.apply()
            play.finish()
            check(play, write)
            tally.count += 1


def test_a_host_whose_clock_is_ahead_waits_for_the_horizon_all_the_same(play: Play) -> None:
    """The ledger's clock wrote down when a request was claimed, and says how long ago that is."""
    (write, *_) = (w for w in play.writes() if w.path.endswith("/lead/multi$"))
    play.begin(write.rule("drop", "before"))
    play.clock = SkippingClock(skipped=86_400)
    with mock.patch.object(SqliteSession, "now", side_effect=time.time):
        assert play.apply(patience=0).code == 9
        assert [request.people > 0 for request in play.open()] == [True]
