"""`apply --resume` after a kill anywhere finishes the approved plan: in the end all is as after an apply that nobody cut."""

from __future__ import annotations

import pytest

from tests.proof import figures
from tests.proof.processes import judging
from tests.proof.processes.points import Cut
from tests.proof.processes.scenarios import every, telling
from tests.proof.processes.stage import Stage

REPORT = ("--format", "json", "--settle-timeout", "1h")
PARTS = figures.sized(1, 5)


def resumed(team: Stage, cut: Cut) -> list[str]:
    """Kill the apply of a saved plan at a point, resume it; what is wrong in the end."""
    team.begin()
    assert team.run("plan", "--out", "plan.json").code == 0
    team.run("apply", "plan.json", *REPORT, cut=cut)
    for _ in range(3):
        ended = team.run("apply", "--resume", *REPORT)
        if ended.code == 64:  # it was killed before it had noted its plan, hence before it had sent anything
            assert team.writes() == [] and "No approved plan" in ended.err
            ended = team.run("apply", "plan.json", *REPORT)
        if ended.code == 0:
            break
        assert ended.code == 9, ended.err
        team.answer()
    last = team.run()
    assert last.json()["result"] == "nothing", last.out
    return judging.judge(team)


@pytest.mark.parametrize("part", range(PARTS))
def test_an_approved_plan_is_finished_after_a_kill(team: Stage, part: int) -> None:
    points = team.points("load")
    cuts = every(points)[part::PARTS] if figures.LONG else telling(points)[::8]
    with figures.recorded("apply --resume after SIGKILL", "scenarios") as tally:
        tally.count = len(cuts)
        wrong = [(cut, found) for cut in cuts if (found := resumed(team, cut))]
        tally.found = len(wrong)
    assert wrong == []
