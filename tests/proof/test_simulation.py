"""The shipped code in virtual time: every seed is another history of runs, faults, deaths and edits, held against I1 to I10."""

from __future__ import annotations

import pytest

from tests.proof.figures import recorded, sized
from tests.proof.history import History
from tests.proof.simulation import played, told

CHUNKS = sized(4, 40, 400)
SEEDS = sized(480, 20_000, 1_000_000) // CHUNKS


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_no_history_breaks_an_invariant(chunk: int) -> None:
    with recorded("deterministic simulation of the shipped code", "seeds") as tally:
        broken = []
        for history in played(range(chunk * SEEDS, (chunk + 1) * SEEDS)):
            tally.count += 1
            broken += [told(history)] if history.violations else []
        tally.found = len(broken)
    assert not broken, "\n".join(broken)


def test_a_seed_is_one_history() -> None:
    """Played again it is the same to the last word: what a failure message names can be looked at."""
    first, second = list[str](), list[str]()
    for lines in (first, second):
        History(11, trace=lines.append).play()
    assert first == second and len(first) > 20


def test_histories_are_about_what_they_claim_to_be() -> None:
    """All that can go wrong does, within a hundred seeds: a simulation in calm weather would prove nothing."""
    lines: list[str] = []
    for seed in range(100):
        History(seed, trace=lines.append).play()
    story = "\n".join(lines)
    for word in (
        "killed at claimed", "killed at sent", "killed at executed", "frozen at", ": lost", ": unheard", ": late", ": partial", ": status",
        ": spoiled", ": not sent", ": slow", "in_doubt -> held", "in_doubt -> planned", "in_doubt -> confirmed", "LeaseLost", "LockHeld",
        "state unlock", "withdraw_contacts", "update_contacts", "held -> confirmed", "held -> planned",
    ):  # fmt: skip
        assert word in story, word
