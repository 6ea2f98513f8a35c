"""The model of the protocol in docs/model: every state of it keeps the invariants, and without any part of it one is broken."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs.model.mutants import ASSUMPTIONS, MUTANTS, Mutant, story
from docs.model.protocol import Rules
from docs.model.search import MEANING, search
from tests.proof.figures import LONG, NIGHTLY, recorded

SHORT_FORM = (
    Rules("readable", starts=2),
    Rules("deduplicating", starts=2, slots=1),
    Rules("deduplicating", starts=1),
    Rules("unreadable", starts=2, slots=1),
)
LONG_FORM = (Rules("readable"), Rules("deduplicating", starts=2), Rules("unreadable", starts=2, slots=1))
THREE_CONTACTS = (
    Rules("readable", contacts=3, starts=2),
    Rules("deduplicating", contacts=3, starts=2, slots=1),
    Rules("unreadable", contacts=3, starts=2, slots=1),
)
RELIABILITY = Path(__file__).parent.parent.parent / "docs" / "reliability.md"
MOST = 2_000_000  # states of one search, which is then not exhaustive; only three contacts come near
FORM = SHORT_FORM if not LONG else LONG_FORM + THREE_CONTACTS if NIGHTLY else LONG_FORM


@pytest.mark.parametrize("rules", FORM, ids=lambda r: f"{r.vendor}-{r.contacts}-{r.starts}-{r.slots}")
def test_no_order_of_events_breaks_an_invariant(rules: Rules) -> None:
    with recorded("exhaustive model", "states") as tally:
        found = search(rules, most=MOST)
        tally.count, tally.found = found.states, bool(found.broken)
        assert found.broken == "", "\n".join(story(found.trace))
        assert found.states > 5_000


@pytest.mark.parametrize("mutant", MUTANTS + ASSUMPTIONS, ids=lambda m: f"{m.name}-{m.breaks}".replace(" ", "-"))
def test_nothing_in_the_protocol_can_be_left_out(mutant: Mutant) -> None:
    with recorded("mutants of the model", "mutants") as tally:
        tally.count = 1
        found = mutant.search()
        assert found.broken == mutant.breaks
        assert 2 <= len(found.trace) <= 20, "the shortest way, which can be read"


def test_enough_of_both() -> None:
    assert len({mutant.name for mutant in MUTANTS}) >= 12
    assert {mutant.breaks for mutant in MUTANTS} <= set(MEANING)
    assert sorted({mutant.breaks for mutant in MUTANTS}) == sorted(MEANING)


def test_a_trace_reads_as_a_story() -> None:
    (mutant,) = (m for m in MUTANTS if (m.name, m.breaks) == ("no claim", "I4"))
    assert list(story(mutant.search().trace)) == [
        "run 1 takes the lease",
        "run 1 recovers",
        "run 1 claims (Anna)",
        "run 1 finds its claim fresh (Anna)",
        "run 1 sends (Anna)",
    ]


def test_the_stories_in_the_docs_are_what_the_model_finds() -> None:
    told = re.findall(r"```\n(Without|Where): (.+?), (I\d+)\n(.*?)```", RELIABILITY.read_text("utf-8"), re.DOTALL)
    assert len(told) >= 4
    for word, name, broken, text in told:
        mutants = MUTANTS if word == "Without" else ASSUMPTIONS
        (mutant,) = (m for m in mutants if (m.name, m.breaks) == (name, broken))
        lines = [f"{place:2} {line}" for place, line in enumerate(story(mutant.search().trace), 1)]
        assert text.rstrip("\n").splitlines() == lines, name


def test_the_docs_name_every_part_that_was_taken_out() -> None:
    text = RELIABILITY.read_text("utf-8")
    assert [mutant.name for mutant in MUTANTS + ASSUMPTIONS if f"| {mutant.name} |" not in text] == []
