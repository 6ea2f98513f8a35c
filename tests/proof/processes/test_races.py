"""Two applies at once, a stolen lease, and halt during an apply: one at a time writes, the other knows who; who was overtaken stops."""

from __future__ import annotations

import random
import signal
from collections.abc import Callable

import pytest

from reconciler.ledger.base import Holder
from tests.proof import figures
from tests.proof.processes import judging
from tests.proof.processes.nursery import Ended, Running
from tests.proof.processes.points import Cut
from tests.proof.processes.scenarios import outside
from tests.proof.processes.stage import APPLY, Stage
from tests.served import eventually

PARTS = figures.sized(1, 10, 40)
SOMEBODY = Holder("by-hand", "elsewhere", 1, "ops")


def stopped(team: Stage, rng: random.Random) -> Running:
    """A run that stands still somewhere between taking the lease and its end."""
    while True:
        team.begin()
        cut = rng.choice(outside(team.points("load")))
        run = team.start(cut=Cut(cut.name, cut.nth, signal.SIGSTOP), skips=False)
        if run.frozen():
            return run
        assert run.wait().code == 0


def thawed(run: Running) -> Ended:
    run.signal(signal.SIGCONT)
    return run.wait()


def lost(ended: Ended) -> list[str]:
    """What is wrong with how a run ended that was overtaken."""
    told = "no longer holds the ledger" in ended.err and ended.json()["result"] == "blocked"
    return [] if ended.code == 1 and told else [f"code {ended.code}: {ended.err[-300:]}"]


def refused(team: Stage, rng: random.Random) -> list[str]:
    """A second apply ends with 7 and names the first; it claims nothing, hence sends nothing."""
    run = stopped(team, rng)
    claims = team.claims()
    second = team.run(skips=False)
    found = [] if second.code == 7 and f"process {run.pid}" in second.err else [f"code {second.code}: {second.err}"]
    if team.claims() != claims:
        found.append("the second run claimed something")
    ended = thawed(run)
    return [*found, *([] if ended.code == 0 else [ended.err]), *judging.judge(team)]


def waiting(team: Stage, rng: random.Random) -> list[str]:
    """A second apply that waits finds nothing left to do."""
    run = stopped(team, rng)
    second = team.start(*APPLY, "--lock-timeout", "10m", skips=False)
    ended = thawed(run)
    after = second.wait()
    found = [] if (ended.code, after.code) == (0, 0) else [f"{ended.code}, {after.code}: {after.err}"]
    if not found and after.json()["result"] != "nothing":
        found.append("the second run did something")
    return [*found, *judging.judge(team)]


def crowd(team: Stage, rng: random.Random) -> list[str]:
    """Three at the same moment, all of them patient: one does everything."""
    team.points("load")
    team.begin()
    runs = [team.start(*APPLY, "--lock-timeout", "10m", skips=False) for _ in range(3)]
    ended = [run.wait() for run in runs]
    results = sorted(one.json()["result"] if one.code == 0 else one.err for one in ended)
    return [*([] if results == ["applied", "nothing", "nothing"] else results), *judging.judge(team)]


def stolen(team: Stage, rng: random.Random) -> list[str]:
    """`state unlock` while a run is in flight: the run stops; only what was claimed before may still leave."""
    run = stopped(team, rng)
    with team.ledger() as ledger:
        ledger.unlock(SOMEBODY)
    claims = team.claims()
    found = lost(thawed(run))
    if team.claims() != claims:
        found.append("it claimed something")
    team.clock.jump(200)
    return found + team.finish()


def halted(team: Stage, rng: random.Random) -> list[str]:
    """`halt` while a run is in flight: whatever that run was about to do, nothing runs afterwards."""
    run = stopped(team, rng)
    halting = team.start("halt", skips=False)
    eventually(lambda: _taken_over(team), 10)
    found = lost(thawed(run))
    first = halting.wait()
    second = team.run("halt", skips=False)
    if (first.code, second.code) != (0, 0) or "0 campaigns stopped" not in second.out:
        found += [f"code {one.code}: {one.out}{one.err}" for one in (first, second)]
    team.clock.jump(200)
    return found + team.finish()


def _taken_over(team: Stage) -> bool:
    with team.reader() as reader:
        return any(event.reason == "taken over" for event in reader.events())


RACES = {
    "two applies at once": (refused, waiting, crowd),
    "a stolen lease": (stolen,),
    "halt during an apply": (halted,),
}


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("layer", RACES)
def test_one_writes_and_the_other_knows_it(team: Stage, layer: str, part: int) -> None:
    rng = random.Random(f"{layer} {part}")
    plays: tuple[Callable[[Stage, random.Random], list[str]], ...] = RACES[layer]
    with figures.recorded(layer, "races") as tally:
        chosen = [plays[number % len(plays)] for number in range(part, figures.sized(len(plays), 200, 2_000), PARTS)]
        tally.count = len(chosen)
        wrong = [(play.__name__, found) for play in chosen if (found := play(team, rng))]
        tally.found = len(wrong)
    assert wrong == []
