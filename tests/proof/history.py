"""One seed, one history: runs one after another or side by side, people that come and go, and everything that can go wrong; then calm."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random
from typing import Any

from reconciler.model import Limits, Settle
from tests.proof.scene import Scene, first_people
from tests.proof.stage import NUMBERS, Terms
from tests.proof.virtual import Process
from tests.proof.watch import Violation
from tests.proof.wire import Doom, Weather

# Where a process touches the world, and how much each place is worth.
POINTS = {"commit": 1, "committed": 1, "claimed": 3, "leaving": 1, "sent": 2, "executed": 2}


class History:
    """What one seed comes to."""

    def __init__(self, seed: int, trace: Callable[[str], None] | None = None) -> None:
        self.seed = seed
        random = self._random = Random(seed)
        terms = _terms(random)
        weather = Weather(
            random,
            writes=random.choice((0.0, 0.3, 0.6)),
            reads=random.choice((0.0, 0.0, 0.1)),
            slow_store=random.choice((0.0, 0.0, 0.05)),
            aimed=random.random() < 0.7,
        )
        people, same_host = first_people(random, terms.vendors), random.random() < 0.3
        self.scene = Scene(random, terms, weather, people, trace, same_host=same_host)

    @property
    def violations(self) -> list[Violation]:
        return self.scene.watch.violations

    def play(self) -> History:
        with self.scene.in_place():
            self.scene.loop.run(self._direct(), Process("world"))
        return self

    async def _direct(self) -> None:
        """Runs, most of them one after another; between and beside them people and their edits."""
        random, running = self._random, list[asyncio.Task[Any]]()
        for _ in range(random.randint(1, 3)):
            if random.random() < 0.6:
                await self._meanwhile()
            dooms = self._dooms()
            running.append(self.scene.apply(dooms, random.choice((0.0, 0.0, 300.0))))
            frozen = max((doom.freeze for doom in dooms), default=0.0)
            if random.random() < (0.2 if frozen else 0.8):
                await asyncio.wait(running)
            await asyncio.sleep((frozen or random.choice((0.0, 1.0, 70.0, 250.0))) * random.random())
        await asyncio.wait(running)
        await self.scene.calm_down()

    async def _meanwhile(self) -> None:
        """What somebody does between two runs, or beside one."""
        random, scene = self._random, self.scene
        match random.choices(("edit", "unlock", "answer", "halt"), (12, 2, 2, 1))[0]:
            case "edit":
                vendor = random.choice(scene.terms.vendors)
                number = random.choice((*scene.people[vendor], random.choice(NUMBERS[vendor])))
                scene.edit(vendor, number, rename=random.random() < 0.2)
            case "unlock":
                scene.unlock()
            case "answer":
                await scene.answer(0.5)
            case _:
                await scene.halt()

    def _dooms(self) -> list[Doom]:
        """At most one freeze and one death, each at one of the points."""
        random, dooms = self._random, []
        for freeze in (random.choice((6.0, 70.0, 600.0)), 0.0):
            if random.random() < 0.4:
                (point,) = random.choices(list(POINTS), list(POINTS.values()))
                dooms.append(Doom(point, random.randint(1, 10 if point.startswith("commit") else 6), freeze))
        return dooms


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
