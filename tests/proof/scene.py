"""A project with its ledger, its vendors and its people in virtual time, and everything that can happen there. Decides nothing."""

from __future__ import annotations

import asyncio
import random as chance
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any
from unittest import mock
from uuid import UUID

from reconciler import planfile, reconcile
from reconciler.errors import ReconcilerError
from reconciler.halting import halt
from reconciler.ledger.base import Holder, OpenRequest
from reconciler.model import Person, Plan, Report
from reconciler.resolving import Word, resolve
from reconciler.runs import Options
from reconciler.setup import Setup
from tests.proof import stage, store
from tests.proof.desks import Desk, desks
from tests.proof.stage import NUMBER_OF, NUMBERS, Terms
from tests.proof.virtual import PROCESS, Killed, Loop, Process, VirtualClock
from tests.proof.watch import Watch
from tests.proof.wire import Doom, Seams, Weather, Wire

QUIET = 600.0  # seconds after which nothing that ever left is still on its way
PATIENCE = 900.0


@dataclass
class Scene:
    """`people`: vendor -> number -> name, as the sources have them now. `said`: everything that was printed.

    `given_up`: (vendor, number) that a person answered for.
    """

    random: Random
    terms: Terms
    weather: Weather
    people: dict[str, dict[str, str]]
    trace: Callable[[str], None] | None = None
    loop: Loop = field(default_factory=Loop)
    same_host: bool = False  # whether the death of a run can be proved where the next one starts
    given_up: set[tuple[str, str]] = field(default_factory=set)
    said: list[str] = field(default_factory=list)
    processes: list[Process] = field(default_factory=list)

    def __post_init__(self) -> None:
        chance.seed(self.random.getrandbits(32))
        switches = {"tel4vn": {"page_cap": self.random.choice(("none", "10"))}}
        self.desks: dict[str, Desk] = desks(self.terms.vendors, self.clock.now, switches)
        self.db = store.database()
        self.watch = Watch(self.loop, self.db, self.desks, self.terms, self.trace)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The shipped code meets this scene instead of the world."""
        with (
            stage.in_place(self.ledger, self._journal, self._holder),
            mock.patch("reconciler.ledger.sql_ledger.uuid4", self._uuid),
        ):
            yield

    # ---- what the shipped code is given --------------------------------------------------------------------------------

    def ledger(self, *_: object) -> Any:
        return store.ledger(self.db, self.clock, self._is_dead)

    @property
    def clock(self) -> VirtualClock:
        return VirtualClock(self.loop)

    def setup(self) -> Setup:
        """The repository as somebody checks it out now."""
        return stage.setup_of(self.terms, self.people, self.clock)

    def _is_dead(self, holder: Holder) -> bool:
        return self.same_host and any(process.dead for process in self.processes if process.name == holder.run)

    def _journal(self, ledger: Any) -> store.InLoopJournal:
        return store.InLoopJournal(ledger, PROCESS.get().seams)

    def _holder(self, *_: object) -> Holder:
        return Holder(PROCESS.get().name, "runner", 1, "ana")

    def _uuid(self) -> UUID:
        return UUID(int=self.random.getrandbits(128), version=4)

    def _wire(self, vendor: str) -> Wire:
        seams = PROCESS.get().seams
        return Wire(self.desks[vendor], seams, self.weather, self.loop, self.terms.limits, self.terms.settle)

    # ---- commands ------------------------------------------------------------------------------------------------------

    def start(self, main: Callable[[], Awaitable[Any]], dooms: Sequence[Doom] = ()) -> asyncio.Task[Any]:
        """A command in a process of its own. What it comes to: a report, the error that it ended with, None where it was killed."""
        process = Process(f"run-{len(self.processes) + 1}")
        process.seams = Seams(process, self.loop, self.weather, self.watch, list(dooms))
        self.processes.append(process)
        return self.loop.spawn(self._guarded(main), process)

    async def _guarded(self, main: Callable[[], Awaitable[Any]]) -> Any:
        try:
            return await main()
        except ReconcilerError as error:
            self._tell(f"{type(error).__name__}: {error}")
            return error
        except (Killed, asyncio.CancelledError):
            return None
        except BaseException as bug:
            self.watch.broken("BUG", f"{type(bug).__name__}: {bug}")
            raise

    def _tell(self, line: str) -> None:
        self.said.append(line)
        self.watch.say(line)

    def apply(
        self, dooms: Sequence[Doom] = (), patience: float = 0.0, approved: Plan | None = None
    ) -> asyncio.Task[Any]:
        setup, people = self.setup(), {vendor: dict(rows) for vendor, rows in self.people.items()}
        lock = self.random.choice((0.0, 120.0))
        options = Options(approved, settle_timeout=patience, lock_timeout=lock, progress=self._tell)

        async def run() -> Report:
            self.watch.say(f"applies {people}")
            async with stage.opened(setup, self._wire) as sites:
                report = await reconcile.apply(setup, sites, options)
            self._told(report)
            if report.code == 0:
                self.watch.unfinished(people)
            return report

        return self.start(run, dooms)

    def _told(self, report: Report) -> None:
        self._tell(f"{report.result}, code {report.code}: {report.contacts}")
        for outcome in report.outcomes:
            self._tell(f"  {outcome.change.action} {outcome.change.key}: {outcome.status} {outcome.error}")
            if "bug in reconciler" in outcome.error:
                self.watch.broken("BUG", outcome.error)

    def plan(self) -> asyncio.Task[Any]:
        """A plan, or the error that it ended with."""
        setup = self.setup()

        async def run() -> Plan:
            async with stage.opened(setup, self._wire) as sites:
                plan = (await reconcile.plan(setup, sites, self.ledger())).plan
            self.said.append(planfile.pretty(planfile.to_json(plan)))
            return plan

        return self.start(run)

    def halt(self) -> asyncio.Task[Any]:
        setup = self.setup()

        async def run() -> None:
            async with stage.opened(setup, self._wire) as sites:
                await halt(setup, sites)

        return self.start(run)

    # ---- people --------------------------------------------------------------------------------------------------------

    def edit(self, vendor: str, number: str, rename: bool = False) -> None:
        """Somebody comes to a source, leaves it, or is called something else."""
        rows = self.people[vendor]
        if vendor == "intersvyaz":  # made once with its people: who comes later is not sent, and a warning says so
            return
        if number not in rows:
            rows[number] = "A"
        elif rename:
            rows[number] += "B"
        elif len(rows) > 1:
            del rows[number]
        self.watch.say(f"the source of {vendor} is now {rows}")

    def unlock(self) -> None:
        self.ledger().unlock(Holder("person", "desk", 1, "ana"))
        self.watch.say("state unlock")
        self.watch.committed()

    async def answer(self, share: float = 1.0) -> None:
        """A person looks in the panel, once nothing can be under way any more, and says what is there."""
        ledger = self.ledger()
        for request in ledger.open_requests():
            if request.state == "held" and self.random.random() < share:
                await asyncio.sleep(QUIET)
                await self._resolve(request, [op.person for op, _ in ledger.open_ops(request.id) if op.person])

    async def _resolve(self, request: OpenRequest, people: list[Person]) -> None:
        vendor = request.key.connection.partition("-")[0]
        present = self.desks[vendor].present()
        there = any(present[NUMBER_OF[person]] for person in people)
        word: Word = "applied" if there else "not-applied"
        if there:
            self.given_up |= {(vendor, NUMBER_OF[person]) for person in people}
        setup, vendor_id = self.setup(), "12345" if there else ""
        await self.start(lambda: resolve(setup, request.id, word, vendor_id, "seen in the panel"))

    async def calm_down(self) -> None:
        """Nothing goes wrong any more: what is left gets done, what nobody can know is looked up in the panel, then all is as declared."""
        self.weather.calm()
        await asyncio.sleep(QUIET)
        clean = False
        for _ in range(6):
            before = self.watch.writes
            report = await self.apply(patience=PATIENCE)
            if clean and self.watch.writes > before:
                self.watch.broken("I10", "an apply right after a clean one sends something")
            clean = isinstance(report, Report) and report.code == 0
            if clean and report.result == "nothing":
                return self.watch.settled(self.people, self.given_up)
            await self.answer()
            await asyncio.sleep(61)
        self.watch.broken("I10", f"after six calm runs there is still something to do: {report}")


def first_people(random: Random, vendors: Sequence[str]) -> dict[str, dict[str, str]]:
    most = random.choice((1, 2, 4))
    return {vendor: dict.fromkeys(NUMBERS[vendor][: random.randint(1, most)], "A") for vendor in vendors}
