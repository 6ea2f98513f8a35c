"""A whole team's repository against the four simulated vendors, commands in processes of their own; the judgement is in judging.py.

What is applied: the examples, in small batches and pages, so that a run has many steps; and afterwards an edit of them in every way
(fields, people added, changed and withdrawn).
"""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Literal

from reconciler.ledger import open_ledger, open_reader
from reconciler.ledger.base import Ledger, LedgerReader
from reconciler.model import Reference, StateStore
from tests import postgres
from tests.faulty import LOGINS
from tests.office import EXAMPLES, Office, office
from tests.proof import figures
from tests.proof.processes import judging
from tests.proof.processes.clock import SharedClock
from tests.proof.processes.nursery import Ended, Job, Nursery, Running, nursery
from tests.proof.processes.points import Cut

Act = Literal["load", "edit"]
ACTS: tuple[Act, ...] = ("load", "edit")
APPLY = ("apply", "--auto-approve", "--format", "json", "--settle-timeout", "1h")
LATE = 600.0  # seconds after which nothing that was lost can still be executed
STATE_URL = "RECONCILER_STATE_URL"
_SHARED = (
    "backend: sqlite\n    path: .reconciler/state.db\n    persistent: true ",
    f"backend: postgres\n    url: {{env: {STATE_URL}}}",
)
_SMALL = "limits: {concurrency: 3, batchSize: 3, pageSize: 5, timeout: 30s}"
_EDITS = (
    ("campaigns/spring-renewals.yaml", "concurrent_call: 5", "concurrent_call: 6"),
    ("campaigns/odnowienia.yaml", "order: 20", "order: 21"),
)
_PEOPLE = {
    "renewals.csv": (("C001,0900000001,An,", "C001,0900000001,Anh,"), ("C002,0900000002,Binh,HD-002\n", "")),
    "umowy.csv": (("500000002;Bartek", "500000002;Bartosz"),),
    "wizyty.csv": (),
}
_NEW = {
    "renewals.csv": "C021,0900000021,Son,HD-021\nC022,0900000022,Tam,HD-022\n",
    "umowy.csv": "500000006;Filip\n",
    "wizyty.csv": "+48500000106,2030-06-05\n",
}


@dataclass
class Stage:
    """One office whose commands run elsewhere and can be cut.

    `dialled`: whom a clean run makes dialled, by act and vendor; `seconds`: how long it takes.
    `shared`: the ledger is in PostgreSQL, in a schema of its own each time.
    """

    office: Office
    home: Path
    nursery: Nursery
    act: Act = "load"
    shared: bool = False
    dialled: dict[Act, dict[str, Counter[str]]] = field(default_factory=dict)
    seconds: dict[Act, float] = field(default_factory=dict)
    _points: dict[Act, tuple[str, ...]] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=count)

    @property
    def clock(self) -> SharedClock:
        return SharedClock(self.home / "clock")

    @property
    def store(self) -> StateStore:
        if self.shared:
            return StateStore(backend="postgres", url=Reference("env", STATE_URL))
        return StateStore(path=str(self.office.root / ".reconciler" / "state.db"), persistent=True)

    def begin(self, act: Act = "load", *faults: Mapping[str, Any]) -> None:
        """From the start: for an edit, everything applied and then edited; `faults` from there on."""
        for path in (self.office.root / ".reconciler").glob("*state.db*"):
            path.unlink()
        shutil.rmtree(self.home / "runs", ignore_errors=True)
        (self.home / "runs" / "tmp").mkdir(parents=True)
        (self.home / "clock").unlink(missing_ok=True)
        assert self.clock.offset == 0
        self.office.here.simulator.reset()
        self.act = act
        _write(self.office, edited=False)
        if self.shared:
            self.office.environ[STATE_URL] = postgres.server().role().socket
            self.office.edit("reconciler.yaml", *_SHARED)
        if act == "edit":
            first = self.run()
            assert first.code == 0, first.err
            _write(self.office, edited=True)
        self.office.faults(*faults)

    def start(self, *argv: str, cut: Cut | None = None, skips: bool = True) -> Running:
        folder = self.home / "runs" / str(next(self._numbers))
        environ = {**self.office.environ, "TMPDIR": str(self.home / "runs" / "tmp")}
        job = Job(argv or APPLY, str(self.office.root), environ, str(folder), str(self.home / "clock"), skips, cut)
        return self.nursery.start(job)

    def run(self, *argv: str, cut: Cut | None = None, skips: bool = True) -> Ended:
        return self.start(*argv, cut=cut, skips=skips).wait()

    def finish(self, *, again: bool = figures.LONG) -> list[str]:
        """The next runs of the job, a person's word on what is held, and the runs after that; returns what is wrong in the end.

        `again`: one more in the end, which has to find nothing to do.
        """
        self.settle(again)
        found = judging.too_many(self)
        while not found and self.answer():  # what is sent again may be lost again, as often as there are faults
            self.settle(again)
            found = judging.too_many(self)
        return found or judging.judge(self)

    def answer(self) -> bool:
        """Let a person who looked into the panels resolve what is held; whether there was anything."""
        self.clock.jump(LATE)
        answers = judging.answers(self)
        for words in answers:
            ended = self.run("resolve", *words)
            assert ended.code == 0, ended.err
        return bool(answers)

    def settle(self, again: bool) -> None:
        """Apply until a run came through whole, or with `again` until one found nothing to do, and sent nothing."""
        for _ in range(5):
            before = len(self.writes())
            ended = self.run()
            assert ended.code in {0, 8, 9}, ended.err
            if ended.json()["result"] == "nothing":
                assert len(self.writes()) == before
                return
            if ended.code == 0 and not again:
                return
        raise AssertionError("five more runs and still something to do")

    def points(self, act: Act) -> tuple[str, ...]:
        """The points of a clean run; learned once, together with whom it makes dialled."""
        if act not in self._points:
            self._points[act] = self._learn(act)
        return self._points[act]

    def _learn(self, act: Act) -> tuple[str, ...]:
        self.begin(act)
        begun = time.monotonic()
        ended = self.run()
        self.seconds[act] = time.monotonic() - begun
        assert ended.code == 0, ended.err
        self.dialled[act] = self.dials()
        assert judging.judge(self) == []
        return ended.passed

    def dials(self) -> dict[str, Counter[str]]:
        return {name: Counter(vendor.dials()) for name, vendor in self.office.here.simulator.vendors.items()}

    def claims(self) -> int:
        """How many requests were claimed so far."""
        with self.reader() as reader:
            return sum(event.after == "sent" for event in reader.events())

    def writes(self) -> list[Any]:
        """What reached the vendors and could have changed something."""
        return [call for call in self.office.calls() if call.method != "GET" and call.path not in LOGINS]

    @contextmanager
    def reader(self) -> Iterator[LedgerReader]:
        with closing(open_reader(self.store, str(self.office.root), self.office.environ, self.clock)) as reader:
            yield reader

    @contextmanager
    def ledger(self) -> Iterator[Ledger]:
        with closing(open_ledger(self.store, str(self.office.root), self.office.environ, self.clock)) as ledger:
            yield ledger


def _write(team: Office, *, edited: bool) -> None:
    """The repository and the people as they are before, or after, the edit."""
    if not edited:
        shutil.copy(EXAMPLES / "campaigns" / "reconciler.yaml", team.root)
    connections = (EXAMPLES / "campaigns" / "connections.yaml").read_text("utf-8")
    connections = connections.replace("limits: {concurrency: 4, batchSize: 200, timeout: 30s}", _SMALL)
    for zone in ("region: PL", "region: RU"):
        connections = connections.replace(zone, f"{zone}\n  {_SMALL}")
    team.write("connections.yaml", connections)
    for path, old, new in _EDITS:
        text = (EXAMPLES / "campaigns" / path).read_text("utf-8")
        assert old in text
        team.write(path, text.replace(old, new) if edited else text)
    for name, changes in _PEOPLE.items():
        text = (EXAMPLES / "people" / name).read_text("utf-8")
        for old, new in changes if edited else ():
            assert old in text
            text = text.replace(old, new)
        (team.root.parent / "people" / name).write_text(text + (_NEW[name] if edited else ""), "utf-8")


@contextmanager
def stage(folder: Path) -> Iterator[Stage]:
    with office(folder) as made, nursery() as warm:
        home = folder / "proof"
        home.mkdir()
        yield Stage(made, home, warm)
