"""SIGSTOP for longer than the lease, at every kind of point; another run takes over; then the first one wakes up.

It must change nothing in the ledger any more, and send nothing but a request that was past its last check when it was frozen: that one
the settle horizon covers, so nobody is called twice by it either.
"""

from __future__ import annotations

import random
import signal

import pytest

from tests.proof import figures
from tests.proof.processes import judging
from tests.proof.processes.points import Cut
from tests.proof.processes.scenarios import LEADS, REQUESTS, SURVEY, outside
from tests.proof.processes.stage import APPLY, Stage

LAYER = "SIGSTOP past the lease"
LEASE = 60.0
HORIZON = 5 + 2 * 30 + 120  # seconds: send window, connect and read timeout, lateMax of the examples
PARTS = figures.sized(2, 10, 40)
FROZEN = figures.sized(0, 200, 2_000)
SHORT = (
    Cut("after thulium-krakow GET /outbounds"), Cut("before claim", 4), Cut("after claim " + LEADS, 2), Cut("before " + LEADS, 2),
    Cut("sent " + REQUESTS, 1), Cut("after " + SURVEY),
)  # fmt: skip


def frozen(team: Stage, cut: Cut, seconds: float) -> list[str]:
    """Freeze a run at a point for `seconds` of everybody's clock, let another finish what it can, thaw the first; what is wrong then."""
    team.begin()
    old = team.start(cut=Cut(cut.name, cut.nth, signal.SIGSTOP), skips=False)
    if not old.frozen():  # the order of calls differs from run to run: this point was not reached
        return team.finish() if old.wait().code == 0 else ["ended otherwise"]
    team.clock.jump(seconds)
    # What is past its last check may still leave, and is decided only after the horizon: the other run does not wait for that.
    past = team.claims() - len(team.writes()) - cut.name.startswith("after claim")
    other = team.run(*APPLY[:-1], "0s" if past else "1h")
    assert other.code in {0, 8, 9}, other.err
    events, writes = _events(team), len(team.writes())
    old.signal(signal.SIGCONT)
    ended = old.wait()
    found = (
        [] if ended.code == 1 and "no longer holds the ledger" in ended.err else [f"{ended.code}: {ended.err[-200:]}"]
    )
    if _events(team) != events:
        found.append("it wrote to the ledger")
    if len(team.writes()) - writes > past:
        found.append("it sent what it should not have")
    team.clock.jump(HORIZON)
    return found + team.finish()


def _events(team: Stage) -> list[str]:
    with team.reader() as reader:
        return [event.hash for event in reader.events()]


@pytest.mark.parametrize("part", range(PARTS))
def test_a_run_that_was_frozen_past_its_lease_does_nothing_more(team: Stage, part: int) -> None:
    points = outside(team.points("load"))
    rng = random.Random(part)
    chosen = SHORT[part::PARTS]
    if figures.LONG:
        chosen = tuple(rng.choice(points) for _ in range(part, FROZEN, PARTS))
    with figures.recorded(LAYER, "runs") as tally:
        tally.count = len(chosen)
        times = [rng.uniform(LEASE + 1, HORIZON - LEASE) for _ in chosen]
        wrong = [(cut, found) for cut, time in zip(chosen, times, strict=True) if (found := frozen(team, cut, time))]
        tally.found = len(wrong)
    assert wrong == []


def test_the_same_holds_with_the_ledger_in_postgresql(shared: Stage) -> None:
    shared.points("load")
    chosen = SHORT if figures.LONG else SHORT[2:3]
    with figures.recorded(LAYER, "runs") as tally:
        tally.count = len(chosen)
        wrong = [(cut, found) for cut in chosen if (found := frozen(shared, cut, 2 * LEASE))]
        tally.found = len(wrong)
    assert wrong == []


def test_a_run_frozen_within_a_commit_holds_everybody_up_and_is_not_overtaken(team: Stage) -> None:
    team.points("load")
    team.begin()
    old = team.start(cut=Cut("within claim " + LEADS, 1, signal.SIGSTOP), skips=False)
    assert old.frozen()
    team.clock.jump(2 * LEASE)
    writes = len(team.writes())
    other = team.run()
    assert other.code == 1 and "is busy" in other.err and len(team.writes()) == writes
    old.signal(signal.SIGCONT)
    ended = old.wait()
    assert ended.code == 0, ended.err
    assert judging.judge(team) == []
