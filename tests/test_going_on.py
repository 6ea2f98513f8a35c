"""A doubt that an earlier run left behind is waited for, and what it held up goes on in the same run, within what was approved."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import stamina

from reconciler.model import Action, Plan
from reconciler.planfile import load
from tests.faulty import Play
from tests.office import desk

LEADS = "/v3/lead/multi"


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Play]:
    """One campaign whose first person was sent into the unknown by a run that did not wait."""
    with desk(tmp_path) as made, stamina.set_testing(True, attempts=2):
        play = Play(made)
        play.begin({"vendor": "tel4vn", "path": LEADS, "nth": 1, "fault": "drop"})
        assert play.apply(patience=0).code == 9
        yield play


def leads(play: Play) -> int:
    return sum(call.path == LEADS for call in play.office.calls())


def test_one_run_settles_it_and_sends_the_rest(play: Play) -> None:
    report = play.apply()
    assert (report.code, report.result, report.contacts.confirmed) == (0, "applied", 3)
    assert play.apply().result == "nothing" and play.office.most_dials() == 1


def test_it_is_asked_again_before_more_is_done_than_was_shown(play: Play) -> None:
    shown: list[list[Action]] = []

    def confirm(plan: Plan) -> bool:
        shown.append([change.action for change in plan.changes])
        return len(shown) == 1

    report = play.apply(confirm=confirm)
    assert shown == [[], [Action.ADD_CONTACTS]] and (report.code, report.result) == (0, "nothing")
    assert leads(play) == 1


def test_a_saved_plan_is_not_gone_beyond(play: Play) -> None:
    assert play.office.run("plan", "--out", "plan.json").code == 0
    report = play.apply(approved=load(play.office.root / "plan.json"))
    assert report.result == "nothing" and leads(play) == 1
    assert play.apply().contacts.confirmed == 3


def test_what_a_guard_forbids_is_not_gone_on_with(play: Play) -> None:
    play.office.edit("reconciler.yaml", "spec:", "spec:\n  guards: {contactsAdded: {max: 2}}")
    assert play.apply().result == "nothing" and leads(play) == 1
