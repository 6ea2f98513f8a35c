"""Commands in any order that hypothesis can think of: plan, apply, halt, resolve, kill; edits of YAML and people, drift in the panel.

On the parts of the simulation, so that it shrinks to a few steps: from plan and apply downwards it is shipped code. I1 to I10 are held
after every step, I11 (nobody's number in anything said, planned or kept) and I12 (another key, a lost ledger: nothing is sent) here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import replace
from random import Random
from typing import Any
from unittest import mock

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from reconciler.contacts import Fingerprints
from reconciler.errors import ReconcilerError, WrongContactKey
from reconciler.model import Limits, Plan, Settle
from tests.proof import store
from tests.proof.figures import Tally, recorded, sized
from tests.proof.history import POINTS
from tests.proof.scene import PATIENCE, Scene, first_people
from tests.proof.stage import NUMBERS, READABLE, Terms
from tests.proof.virtual import Process
from tests.proof.watch import Watch
from tests.proof.wire import Doom, Weather

EXAMPLES, STEPS = sized(15, 500, 5_000), sized(20, 50, 100)
OTHER_KEY = Fingerprints(b"another key of at least thirty-two bytes")
VENDORS = st.sampled_from([("tel4vn",), ("thulium",), ("conpeek",), ("intersvyaz",), ("tel4vn", "thulium")])
DOOMS = st.builds(Doom, st.sampled_from(sorted(POINTS)), st.integers(1, 6), st.sampled_from([0.0, 0.0, 70.0, 600.0]))


class Machine(RuleBasedStateMachine):
    """One project. `saved`: the newest plan that somebody reviewed."""

    tally = Tally()

    def __init__(self) -> None:
        super().__init__()
        self.exits = ExitStack()
        self.saved: Plan | None = None
        self.heard = 0

    @initialize(vendors=VENDORS, seed=st.integers(0, 2**32), batch=st.sampled_from([1, 2, 500]))
    def begin(self, vendors: tuple[str, ...], seed: int, batch: int) -> None:
        random = Random(seed)
        terms = Terms(vendors, Limits(batch_size=batch), Settle())
        self.scene = Scene(random, terms, Weather(random, aimed=True), first_people(random, vendors))
        self.exits.enter_context(self.scene.in_place())

    def teardown(self) -> None:
        try:
            if hasattr(self, "scene"):
                self.run(self.scene.calm_down)
                self.i1_to_i10_hold()
                self.i11_nobodys_number_is_said_or_kept()
                Machine.tally.count += 1
        finally:
            self.exits.close()

    def run(self, act: Callable[[], Awaitable[Any]]) -> Any:
        async def main() -> Any:
            return await act()

        return self.scene.loop.run(main(), Process("world"))

    def writes_of(self, act: Callable[[], Awaitable[Any]]) -> tuple[Any, int]:
        """What a command came to, and how many calls it made that change something."""
        before = self.scene.watch.writes
        return self.run(act), self.scene.watch.writes - before

    # ---- commands ------------------------------------------------------------------------------------------------------

    @rule()
    def plan(self) -> None:
        found, writes = self.writes_of(self.scene.plan)
        assert not writes
        self.saved = found if isinstance(found, Plan) else None

    @rule(
        patience=st.sampled_from([0.0, PATIENCE]),
        storm=st.sampled_from([0.0, 0.0, 0.5]),
        dooms=st.lists(DOOMS, max_size=2),
    )
    def apply(self, patience: float, storm: float, dooms: list[Doom]) -> None:
        self.scene.weather.writes = storm
        self.run(lambda: self.scene.apply(dooms, patience))
        self.scene.weather.calm()

    @precondition(lambda self: self.saved is not None)
    @rule(dooms=st.lists(DOOMS, max_size=1))
    def apply_what_was_reviewed(self, dooms: list[Doom]) -> None:
        """A saved plan: done as it is, or refused where something moved; never something else."""
        report, writes = self.writes_of(lambda: self.scene.apply(dooms, approved=self.saved))
        if isinstance(report, ReconcilerError) and report.exit_code == 5:
            assert not writes

    @rule(seconds=st.sampled_from([1.0, 61.0, 600.0]))
    def time_passes(self, seconds: float) -> None:
        self.run(lambda: self.scene.clock.sleep(seconds))

    @rule()
    def halt(self) -> None:
        self.run(self.scene.halt)

    @rule()
    def unlock(self) -> None:
        async def unlocked() -> None:
            self.scene.unlock()

        self.run(unlocked)

    @rule()
    def resolve(self) -> None:
        self.run(self.scene.answer)

    # ---- what people do ------------------------------------------------------------------------------------------------

    @rule(data=st.data(), who=st.integers(0, 5), rename=st.booleans())
    def edit_a_source(self, data: st.DataObject, who: int, rename: bool) -> None:
        vendor = data.draw(st.sampled_from(self.scene.terms.vendors))
        self.scene.edit(vendor, NUMBERS[vendor][who], rename)

    @precondition(lambda self: "tel4vn" in self.scene.terms.vendors)
    @rule(lines=st.integers(1, 9))
    def edit_the_yaml(self, lines: int) -> None:
        self.scene.terms = replace(self.scene.terms, lines=lines)

    @precondition(lambda self: "tel4vn" in self.scene.terms.vendors)
    @rule(lines=st.integers(1, 9))
    def drift_in_the_panel(self, lines: int) -> None:
        vendor = self.scene.desks["tel4vn"].vendor
        for uuid, row in vendor.snapshot()["campaigns"].items():
            if row["campaign_name"].startswith("Spring"):
                vendor.edit("campaign", uuid, {"concurrent_call": lines})

    # ---- I12: the wrong key, a lost ledger -----------------------------------------------------------------------------

    @rule()
    def apply_with_another_key(self) -> None:
        started = self.scene.ledger().lineage
        if not started:
            return
        with mock.patch("reconciler.rotation.Fingerprints", return_value=OTHER_KEY):
            error, writes = self.writes_of(self.scene.apply)
        assert isinstance(error, WrongContactKey) and not writes

    @rule()
    def apply_with_an_empty_ledger(self) -> None:
        """Where a vendor shows what carries our mark, nothing is sent."""
        scene = self.scene
        marked = [vendor for vendor in READABLE & set(scene.terms.vendors) if self._ours(vendor)]
        if len(marked) < len(scene.terms.vendors):
            return
        kept = scene.db, scene.watch
        scene.db = store.database()
        scene.watch = Watch(scene.loop, scene.db, scene.desks, scene.terms)
        error = self.run(scene.apply)
        assert isinstance(error, ReconcilerError) and not scene.watch.writes
        scene.db, scene.watch = kept

    def _ours(self, vendor: str) -> bool:
        present = self.scene.desks[vendor].present()
        return any(present[number] for number in NUMBERS[vendor])

    # ---- invariants ----------------------------------------------------------------------------------------------------

    @invariant()
    def i1_to_i10_hold(self) -> None:
        if hasattr(self, "scene"):
            assert not self.scene.watch.violations

    @invariant()
    def i11_nobodys_number_is_said_or_kept(self) -> None:
        if not hasattr(self, "scene") or len(self.scene.said) == self.heard:
            return
        said = "\n".join([*self.scene.said[self.heard :], *self.scene.db.iterdump()])
        self.heard = len(self.scene.said)
        for vendor in self.scene.terms.vendors:
            assert not [number for number in NUMBERS[vendor] if number[4:] in said]


def test_commands_in_any_order_keep_what_is_promised() -> None:
    with recorded("state machine of whole commands", "runs") as tally:
        Machine.tally = tally
        run_state_machine_as_test(
            Machine,
            settings=settings(
                max_examples=EXAMPLES,
                stateful_step_count=STEPS,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
