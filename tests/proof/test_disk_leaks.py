"""Every byte that a run leaves on a disk, whether it ended or was killed: no number, no name, no key, in no spelling.

The people are in files outside the repository, thousands over four vendors; what was open for writing at any time lies in what is read.
"""

from __future__ import annotations

import os
import random
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.office import Office
from tests.proof.crowd import Crowd, crowded
from tests.proof.figures import recorded, sized
from tests.proof.sieve import Sieve

SHORT = {"renewals.csv": 150, "umowy.csv": 150, "wizyty.csv": 30, "opros.jsonl": 60}
SIZES = {file: sized(short, 10 * short) for file, short in SHORT.items()}
HOMES = ("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR")
APPLY = ("apply", "plan.json", "--settle-timeout", "0s", "--format", "json")
AGAIN = ("apply", "--resume", "--settle-timeout", "0s")
KILLS = sized(2, 40)


@dataclass
class House:
    """An office of which everything a process may write to lies in `folder`; `wrote`: what it had open for writing."""

    team: Office
    folder: Path
    wrote: set[Path] = field(default_factory=set)
    _runs: int = 0

    def run(self, *argv: str, kill_after: int | None = None) -> int:
        """Its exit code, or minus the signal: `kill_after` so many calls that changed something, and a moment."""
        self._runs += 1
        with (
            (self.folder / "logs" / f"{self._runs}.out").open("wb") as out,
            (self.folder / "logs" / f"{self._runs}.err").open("wb") as err,
        ):
            command = [sys.executable, "-c", "from reconciler.cli import main; main()", *argv]
            environ = {**self.team.environ, "PATH": os.environ["PATH"], "COVERAGE_PROCESS_START": ""}
            job = subprocess.Popen(command, cwd=self.team.root, env=environ, stdout=out, stderr=err)
            before = self.changes()
            while job.poll() is None and (kill_after is None or self.changes() < before + kill_after):
                self.wrote |= set(open_for_writing(job.pid))
                time.sleep(0.002)
            if kill_after is not None:
                time.sleep(random.random() * 0.03)
                job.send_signal(signal.SIGKILL)
            return job.wait(60)

    def changes(self) -> int:
        return sum(call.method != "GET" for call in self.team.calls())

    def see(self, sieve: Sieve) -> None:
        """All that lies there, but the people's own files."""
        for path in sorted(self.folder.iterdir()):
            if path.name != "people":
                sieve.see_folder(path)


def open_for_writing(pid: int) -> Iterator[Path]:
    """Files, also those that have lost their name since."""
    try:
        for handle in os.listdir(f"/proc/{pid}/fd"):
            flags = Path(f"/proc/{pid}/fdinfo/{handle}").read_text().split("flags:")[1].split()[0]
            if int(flags, 8) & os.O_ACCMODE and stat.S_ISREG(os.stat(f"/proc/{pid}/fd/{handle}").st_mode):
                yield Path(os.readlink(f"/proc/{pid}/fd/{handle}").removesuffix(" (deleted)"))
    except (FileNotFoundError, ProcessLookupError):
        return


@contextmanager
def house(folder: Path, seed: int) -> Iterator[tuple[House, Sieve]]:
    crowd = Crowd(seed)
    with crowded(folder, crowd, SIZES) as team:
        for name in HOMES:
            (folder / "homes" / name).mkdir(parents=True, mode=0o700)
            team.environ[name] = str(folder / "homes" / name)
        (folder / "logs").mkdir()
        team.here.world.latency_ms = 10
        made, sieve = House(team, folder), crowd.sieve()
        with recorded("every byte on the disk", "numbers") as tally:
            yield made, sieve
            made.see(sieve)
            outside = {path for path in made.wrote if folder not in path.parents and path != Path("/dev/null")}
            tally.count, tally.found = len(crowd.people), len(sieve.found) + len(outside)
            tally.note = f"{sieve.bytes / 1e6:.0f} MB"
            assert sieve.found == [] and outside == set()
            assert folder / "repository/.reconciler/state.db" in made.wrote and len(sieve) > 10
        blind = crowd.sieve()
        blind.see_folder(folder / "people")
        assert len(blind.found) > len(crowd.people), "whoever is there is found"


def test_a_run_leaves_nobody_on_the_disk(tmp_path: Path) -> None:
    with house(tmp_path, 21) as (made, sieve):
        assert made.run("plan", "--out", "plan.json") == 0
        assert made.run(*APPLY) == 0
        made.see(sieve)
        for command in (("state", "backup", str(tmp_path / "copy.db")), ("plan",)):
            assert made.run(*command) == 0
        assert made.team.most_dials() == 1


def test_a_run_that_is_killed_leaves_nobody_on_the_disk(tmp_path: Path) -> None:
    """At once after it: the write-ahead log, what was spilled, and whatever else nobody was left to tidy up."""
    with house(tmp_path, 22) as (made, sieve):
        assert made.run("plan", "--out", "plan.json") == 0
        codes = []
        for number in range(KILLS):
            codes.append(made.run(*(AGAIN if number else APPLY), kill_after=random.Random(number).randint(1, 8)))
            made.see(sieve)
        assert -signal.SIGKILL in codes and set(codes) <= {-signal.SIGKILL, 0, 8, 9}, codes
        assert made.run(*AGAIN) in {0, 8, 9}
        assert made.team.most_dials() == 1
