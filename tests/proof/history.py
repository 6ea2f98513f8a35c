"""One seed, one history: runs one after another or side by side, people that come and go, and everything that can go wrong; then calm."""

from __future__ import annotations

import asyncio
import random as chance
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any
from unittest import mock
from uuid import UUID

from reconciler import reconcile
from reconciler.errors import ReconcilerError
from reconciler.halting import halt
from reconciler.ledger.base import Holder, OpenRequest
from reconciler.model import Limits, Person, Report, Settle
from reconciler.resolving import Word, resolve
from reconciler.runs import Options
from tests.proof import stage, store
from tests.proof.desks import Desk, desks
from tests.proof.stage import NUMBER_OF, NUMBERS, Terms
from tests.proof.virtual import PROCESS, Killed, Loop, Process, VirtualClock
from tests.proof.watch import Violation, Watch
from tests.proof.wire import Doom, Seams, Weather, Wire

POINTS = {
    "commit": 1,
    "committed": 1,
    "claimed": 3,
    "leaving": 1,
    "sent": 2,
    "executed": 2,
}  # and how much each is worth
QUIET = 600.0  # seconds after which nothing that ever left is still on its way
PATIENCE = 900.0


@dataclass
class History:
    """What one seed comes to. `people`: vendor -> number -> name, as the sources have them now."""

    seed: int
    trace: Callable[[str], None] | None = None
    loop: Loop = field(default_factory=Loop)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        chance.seed(self.seed)
        self.terms = _terms(self.random)
        self.weather = Weather(
            self.random,
            writes=self.random.choice((0.0, 0.3, 0.6)),
            reads=self.random.choice((0.0, 0.0, 0.1)),
            slow_store=self.random.choice((0.0, 0.0, 0.05)),
            aimed=self.random.random() < 0.7,
        )
        switches = {"tel4vn": {"page_cap": self.random.choice(("none", "10"))}}
        self.desks: dict[str, Desk] = desks(self.terms.vendors, lambda: VirtualClock(self.loop).now(), switches)
        self.db = store.database()
        self.watch = Watch(self.loop, self.db, self.desks, self.terms, self.trace)
        most = self.random.choice((1, 2, 4))
        self.people = {
            vendor: {number: "A" for number in NUMBERS[vendor][: self.random.randint(1, most)]}
            for vendor in self.terms.vendors
        }
        self.given_up: set[tuple[str, str]] = set()
        self.processes: list[Process] = []
        self.same_host = self.random.random() < 0.3

    @property
    def violations(self) -> list[Violation]:
        return self.watch.violations

    def play(self) -> History:
        with (
            stage.in_place(self._ledger, self._journal, self._holder),
            mock.patch("reconciler.ledger.sql_ledger.uuid4", self._uuid),
        ):
            self.loop.run(self._direct(), Process("world"))
        return self

    # ---- what the shipped code is given --------------------------------------------------------------------------------

    def _ledger(self, *_: object) -> Any:
        return store.ledger(self.db, VirtualClock(self.loop), self._is_dead)

    def _is_dead(self, holder: Holder) -> bool:
        return self.same_host and any(process.dead for process in self.processes if process.name == holder.run)

    def _journal(self, ledger: Any) -> store.InLoopJournal:
        return store.InLoopJournal(ledger, PROCESS.get().seams)

    def _holder(self, *_: object) -> Holder:
        return Holder(PROCESS.get().name, "runner", 1, "ana")

    def _uuid(self) -> Any:
        return UUID(int=self.random.getrandbits(128), version=4)

    # ---- the director --------------------------------------------------------------------------------------------------

    async def _direct(self) -> None:
        """Runs, most of them one after another; between and beside them people and their edits."""
        running: list[asyncio.Task[Any]] = []
        for _ in range(self.random.randint(1, 3)):
            if self.random.random() < 0.5:
                await self.random.choices((self._edit, self._unlock, self._answer, self._halt), (12, 2, 2, 1))[0]()
            dooms = self._dooms()
            running.append(self._run(dooms, self.random.choice((0.0, 0.0, 300.0))))
            frozen = max((doom.freeze for doom in dooms), default=0.0)
            if self.random.random() < (0.2 if frozen else 0.8):
                await asyncio.wait(running)
            await asyncio.sleep((frozen or self.random.choice((0.0, 1.0, 70.0, 250.0))) * self.random.random())
        await asyncio.wait(running)
        await self._calm_down()

    async def _calm_down(self) -> None:
        """Nothing goes wrong any more: what is left gets done, what nobody can know is looked up in the panel, then all is as declared."""
        self.weather.calm()
        await asyncio.sleep(QUIET)
        clean = False
        for _ in range(6):
            before = self.watch.writes
            report = await self._run([], PATIENCE)
            if clean and self.watch.writes > before:
                self.watch.broken("I10", "an apply right after a clean one sends something")
            clean = isinstance(report, Report) and report.code == 0
            if clean and report.result == "nothing":
                return self.watch.settled(self.people, self.given_up)
            await self._answer(everything=True)
            await asyncio.sleep(61)
        self.watch.broken("I10", f"after six calm runs there is still something to do: {report}")

    # ---- what can happen -----------------------------------------------------------------------------------------------

    def _dooms(self) -> list[Doom]:
        """At most one freeze and one death, each at one of the points where a process touches the world."""
        dooms = []
        for freeze in (self.random.choice((6.0, 70.0, 600.0)), 0.0):
            if self.random.random() < 0.4:
                (point,) = self.random.choices(list(POINTS), list(POINTS.values()))
                dooms.append(Doom(point, self.random.randint(1, 10 if point.startswith("commit") else 6), freeze))
        return dooms

    def _start(self, main: Callable[[Process], Any], dooms: list[Doom]) -> asyncio.Task[Any]:
        process = Process(f"run-{len(self.processes) + 1}")
        process.seams = Seams(process, self.loop, self.weather, self.watch, dooms)
        self.processes.append(process)
        return self.loop.spawn(self._guarded(main(process)), process)

    async def _guarded(self, main: Any) -> Any:
        """What a command came to: a report, or the error that it ended with."""
        try:
            return await main
        except ReconcilerError as error:
            self.watch.say(f"{type(error).__name__}: {error}")
            return error
        except (Killed, asyncio.CancelledError):
            return None
        except BaseException as bug:
            self.watch.broken("BUG", f"{type(bug).__name__}: {bug}")
            raise

    def _run(self, dooms: list[Doom], patience: float) -> asyncio.Task[Any]:
        return self._start(lambda process: self._apply(patience), dooms)

    async def _apply(self, patience: float) -> Report:
        people = {vendor: dict(rows) for vendor, rows in self.people.items()}
        setup = stage.setup_of(self.terms, people, VirtualClock(self.loop))
        options = Options(settle_timeout=patience, lock_timeout=self.random.choice((0.0, 120.0)))
        self.watch.say(f"applies {people}")
        async with stage.opened(setup, self._wire) as sites:
            report = await reconcile.apply(setup, sites, options)
        self.watch.say(f"{report.result}, code {report.code}: {report.contacts}")
        for outcome in report.outcomes:
            self.watch.say(f"  {outcome.change.action} {outcome.change.key}: {outcome.status} {outcome.error}")
            if "bug in reconciler" in outcome.error:
                self.watch.broken("BUG", outcome.error)
        if report.code == 0:
            self.watch.unfinished(people)
        return report

    def _wire(self, vendor: str) -> Wire:
        seams = PROCESS.get().seams
        return Wire(self.desks[vendor], seams, self.weather, self.loop, self.terms.limits, self.terms.settle)

    async def _edit(self) -> None:
        """Somebody comes to a source, or leaves it."""
        vendor = self.random.choice(self.terms.vendors)
        if vendor == "intersvyaz":  # made once with its people: who comes later is not sent, and a warning says so
            return
        rows = self.people[vendor]
        number = self.random.choice((NUMBERS[vendor][0], self.random.choice(NUMBERS[vendor])))
        if number not in rows:
            rows[number] = "A"
        elif self.random.random() < 0.2:
            rows[number] += "B"
        elif len(rows) > 1:
            del rows[number]
        self.watch.say(f"the source of {vendor} is now {rows}")

    async def _unlock(self) -> None:
        ledger = self._ledger()
        ledger.unlock(Holder("person", "desk", 1, "ana"))
        self.watch.say("state unlock")
        self.watch.committed()

    async def _halt(self) -> None:
        setup = stage.setup_of(self.terms, self.people, VirtualClock(self.loop))

        async def stop(process: Process) -> None:
            async with stage.opened(setup, self._wire) as sites:
                await halt(setup, sites)

        await self._start(stop, [])

    async def _answer(self, everything: bool = False) -> None:
        """A person looks in the panel, once nothing can be under way any more, and says what is there."""
        ledger = self._ledger()
        for request in ledger.open_requests():
            if request.state == "held" and (everything or self.random.random() < 0.5):
                await asyncio.sleep(QUIET)
                await self._resolve(request, [op.person for op, _ in ledger.open_ops(request.id) if op.person])

    async def _resolve(self, request: OpenRequest, people: list[Person]) -> None:
        vendor = request.key.connection.partition("-")[0]
        present = self.desks[vendor].present()
        there = {NUMBER_OF[person] for person in people if present[NUMBER_OF[person]]}
        word: Word = "applied" if there else "not-applied"
        vendor_id = "12345" if there else ""
        setup = stage.setup_of(self.terms, self.people, VirtualClock(self.loop))
        await self._start(lambda process: resolve(setup, request.id, word, vendor_id, "seen in the panel"), [])
        if word == "applied":
            self.given_up |= {(vendor, NUMBER_OF[person]) for person in people}


def _terms(random: Random) -> Terms:
    vendors = random.choices(("tel4vn", "thulium", "intersvyaz", "conpeek"), (5, 3, 1, 2))
    if random.random() < 0.15:
        vendors = sorted({*vendors, random.choice(("tel4vn", "thulium", "conpeek"))})
    limits = Limits(
        concurrency=random.choice((1, 2, 4)),
        batch_size=random.choice((1, 2, 500)),
        rate_limit_before_execution=random.random() < 0.3,
    )
    return Terms(tuple(vendors), limits, Settle(), dials=random.random() < 0.2)
