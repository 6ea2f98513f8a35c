"""Every write call of a whole apply meets every fault, before and after its effect; nobody is called twice, nobody is lost."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import stamina

from tests.faulty import Play, check, scenarios
from tests.office import office

# The short form: a lost answer, a lost request, an error after the work, a limit, half an answer. `make chaos` plays all ways.
SHORT = ("drop", "500", "429", "truncate")


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Play]:
    with stamina.set_testing(True, attempts=3), office(tmp_path_factory.mktemp("faults")) as made:
        yield Play(made)


@pytest.mark.parametrize("vendor", ["tel4vn", "thulium", "conpeek", "intersvyaz"])
def test_no_fault_at_any_write_calls_anybody_twice_or_loses_anybody(play: Play, vendor: str) -> None:
    writes = [write for write in play.writes() if write.vendor == vendor]
    assert writes
    for write, way, when in scenarios(writes, SHORT):
        play.begin(write.rule(way, when))
        play.apply()
        play.finish()
        check(play, write)
