"""SIGKILL at every journal and network step of a whole apply over all four vendors: nobody is called twice, nobody is lost.

Short: one point of each kind. `CHAOS=1`: every point of a first apply and of an edit, then crashes in a row with faults beside them.
"""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Sequence

import pytest

from tests.proof import figures
from tests.proof.processes import judging
from tests.proof.processes.points import Cut
from tests.proof.processes.scenarios import Crash, crash, telling
from tests.proof.processes.stage import ACTS, Stage

LAYER = "SIGKILL, real sockets"
PARTS = figures.sized(4, 20, 100)
SCENARIOS = figures.sized(0, 1_000, 10_000)


def play(team: Stage, one: Crash) -> list[str]:
    """What is wrong once a scenario is over."""
    team.begin(one.act, *one.faults)
    for cut in one.cuts:
        assert killed(team, cut, team.seconds[one.act]) in {-signal.SIGKILL, 0, 8, 9}
        if found := judging.too_many(team):
            return found
    return team.finish()


def killed(team: Stage, cut: Cut | float, whole: float) -> int:
    """How a run ended that was killed at a point, or after a share of the time that a `whole` one takes."""
    if isinstance(cut, Cut):
        return team.run(cut=cut).code
    run = team.start()
    time.sleep(cut * whole)
    run.signal(signal.SIGKILL)
    return run.wait().code


def played(team: Stage, chosen: Sequence[Crash]) -> list[tuple[Crash, list[str]]]:
    """The scenarios after which something is wrong."""
    with figures.recorded(LAYER, "scenarios") as tally:
        tally.count = len(chosen)
        wrong = [(one, found) for one in chosen if (found := play(team, one))]
        tally.found = len(wrong)
    return wrong


@pytest.mark.parametrize("part", range(PARTS))
def test_a_kill_anywhere_calls_nobody_twice_and_loses_nobody(team: Stage, part: int) -> None:
    if figures.LONG:
        known = {act: team.points(act) for act in ACTS}
        chosen = [crash(number, known) for number in range(part, SCENARIOS, PARTS)]
    else:
        chosen = [Crash("load", (cut,)) for cut in telling(team.points("load"))][part::PARTS]
    assert played(team, chosen) == []


def test_a_kill_in_an_edit_and_in_what_follows_it(team: Stage) -> None:
    points = team.points("edit")
    (deleting,) = (cut for cut in telling(points) if cut.name.startswith("sent") and "DELETE" in cut.name)
    assert play(team, Crash("edit", (deleting, Cut("", len(points) // 3), 0.5))) == []
    assert team.finish(again=True) == []


def test_the_same_holds_with_the_ledger_in_postgresql(shared: Stage) -> None:
    if figures.LONG:
        known = {act: shared.points(act) for act in ACTS}
        rng = random.Random("postgresql")
        chosen = [crash(rng.randrange(SCENARIOS), known) for _ in range(SCENARIOS // 10)]
    else:
        chosen = [Crash("load", (cut,)) for cut in telling(shared.points("load"))[::10]]
    assert played(shared, chosen) == []
