"""Each part of the protocol is needed: the shipped code without it breaks an invariant, and with it survives the very same histories."""

from __future__ import annotations

from itertools import islice

import pytest

from tests.proof.figures import LONG, recorded, sized
from tests.proof.history import History
from tests.proof.mutants import CARELESS_PLANNER, MUTANTS, Mutant
from tests.proof.simulation import played, told

BOUND = sized(400, 2_000)  # seeds that a mutant may live for
SURVIVED = sorted({mutant.seen for mutant in MUTANTS})


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_of_the_protocol_is_killed(mutant: Mutant) -> None:
    """The short form begins where it was seen to die; the long one at seed 0, to say how many it takes."""
    first = 0 if LONG else mutant.seen
    with recorded("mutants of the shipped protocol", "mutants") as tally, mutant.patch():
        for lived, history in enumerate(islice(played(range(first, first + BOUND)), BOUND), start=1):
            broken = {violation.invariant for violation in history.violations}
            if broken & mutant.kills:
                tally.count, tally.note = 1, f"{mutant.name}: {lived} seeds"
                return
    pytest.fail(f"{mutant.name}: still alive after {BOUND} seeds")


def test_the_protocol_itself_survives_the_histories_that_kill_its_mutants() -> None:
    broken = [told(history) for history in played(SURVIVED) if history.violations]
    assert not broken, "\n".join(broken)


def test_a_planner_that_forgets_about_doubts_is_stopped_by_the_ledger_alone() -> None:
    """UNIQUE, not code, forbids two live attempts at one contact: the history that is fatal without it."""
    (fatal,) = (mutant.seen for mutant in MUTANTS if mutant.name == "an op_key may be claimed twice")
    lines: list[str] = []
    with CARELESS_PLANNER():
        histories = [History(seed, trace=lines.append).play() for seed in range(fatal, fatal + sized(4, 400))]
    assert not [violation for history in histories for violation in history.violations if violation.invariant == "I1"]
    assert any("were claimed before or are decided" in line for line in lines)
