"""Thousands of people on their way, the process killed at random instants, again and again: in the end everybody was sent exactly once.

`CHAOS=1`: a hundred thousand.
"""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.office import Office, desk
from tests.proof import figures
from tests.proof.processes.clock import SharedClock
from tests.proof.processes.nursery import Ended, Job, Running
from tests.proof.processes.stage import Stage

PEOPLE = figures.sized(3_000, 100_000)
KILLS = figures.sized(5, 20)
BATCH = figures.sized(100, 500)
SEEDS = figures.sized(1, 3, 10)
PATIENCE = 120.0  # seconds until a run that neither sends nor ends is a failure
FIRST = ("apply", "plan.json")
AGAIN = ("apply", "--resume", "--settle-timeout", "1h", "--format", "json")


@dataclass
class Crowd:
    """An office with `PEOPLE` people to add; commands are processes of their own on a clock that takes no time to wait."""

    team: Office
    stage: Stage
    folder: Path
    runs: int = 0

    def start(self, *argv: str) -> Running:
        self.runs += 1
        environ = {**self.team.environ, "TMPDIR": str(self.folder)}
        job = Job(argv, str(self.team.root), environ, str(self.folder / str(self.runs)), str(self.folder / "clock"))
        return self.stage.nursery.start(job)

    def run(self, *argv: str) -> Ended:
        return self.start(*argv).wait()

    def killed(self, rng: random.Random, *argv: str) -> Ended:
        """Killed a moment after a random call of it: before, in or after a claim, a call, an outcome."""
        before, wanted, end = (
            self.calls(),
            rng.randint(1, max(PEOPLE // BATCH // KILLS, 2)),
            time.monotonic() + PATIENCE,
        )
        run = self.start(*argv)
        while self.calls() < before + wanted and not over(run):
            assert time.monotonic() < end, run.said()
            time.sleep(0.001)
        time.sleep(rng.random() * 0.05)
        run.signal(signal.SIGKILL)
        return run.wait()

    def calls(self) -> int:
        return sum(
            call.path.startswith("/v3/lead") and call.method == "POST" for call in list(self.team.calls("tel4vn"))
        )


def over(run: Running) -> bool:
    """Whether it has ended, though nobody has asked for its code yet."""
    try:
        return Path(f"/proc/{run.pid}/stat").read_bytes().rpartition(b")")[2].split()[0] == b"Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


@pytest.fixture
def crowd(team: Stage, tmp_path: Path) -> Iterator[Crowd]:
    with desk(tmp_path) as made:
        rows = "".join(f"C{number},09{number:08d},Somebody {number}\n" for number in range(PEOPLE))
        Path(made.environ["MAY_CSV"]).write_text(f"id,mobile,name\n{rows}", "utf-8")
        made.edit("campaigns.yaml", "region: VN", f"region: VN\n  limits: {{batchSize: {BATCH}}}")
        made.edit(
            "reconciler.yaml",
            "contactKey: {env: RECONCILER_CONTACT_KEY}",
            "contactKey: {env: RECONCILER_CONTACT_KEY}\n  guards: {contactsAdded: {max: 1000000, percent: 1000%}}",
        )
        made.here.world.latency_ms = 15
        folder = tmp_path / "runs"
        folder.mkdir()
        assert SharedClock(folder / "clock").offset == 0
        yield Crowd(made, team, folder)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_many_killed_at_random_instants_are_sent_once_each(crowd: Crowd, seed: int) -> None:
    rng = random.Random(seed)
    before = crowd.team.here.simulator.vendors["tel4vn"].dials()
    assert crowd.run("plan", "--out", "plan.json").code == 0
    with figures.recorded("SIGKILL among many people", "people") as tally:
        ended = [crowd.killed(rng, *(AGAIN if number else FIRST)) for number in range(KILLS)]
        killed = sum(one.code == -signal.SIGKILL for one in ended)
        assert killed >= KILLS // 2 and all(one.code in {-signal.SIGKILL, 0} for one in ended), ended[-1].err
        last = crowd.run(*AGAIN)
        assert last.code == 0, last.out + last.err
        sent = crowd.team.here.simulator.vendors["tel4vn"].dials() - before
        tally.count, tally.note = PEOPLE, f"{BATCH} a call, {killed} kills"
        tally.found = sum(count - 1 for count in sent.values()) + PEOPLE - len(sent)
        assert set(sent) == {f"+849{number:08d}" for number in range(PEOPLE)} and set(sent.values()) == {1}
    calls = crowd.calls()
    assert crowd.run(*AGAIN).json()["result"] == "nothing" and crowd.calls() == calls
