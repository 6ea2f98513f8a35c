"""SIGTERM and SIGINT: the call in flight is finished and journalled, nothing new is claimed, the report is written, the lease is free."""

from __future__ import annotations

import signal
import time

import pytest

from tests.proof.processes.nursery import Ended
from tests.proof.processes.points import Cut
from tests.proof.processes.scenarios import CREATE, LEADS, SURVEY
from tests.proof.processes.stage import APPLY, Stage
from tests.served import eventually

MULTI = "/v3/lead/multi"
TEXT = ("apply", "--auto-approve", "--settle-timeout", "1h")


def told(team: Stage, cut: Cut, number: int, argv: tuple[str, ...]) -> Ended:
    """A run that gets a signal at a point."""
    team.points("load")
    team.begin()
    run = team.start(*argv, cut=Cut(cut.name, cut.nth, signal.SIGSTOP))
    assert run.frozen()
    run.signal(number)
    run.signal(signal.SIGCONT)
    return run.wait()


@pytest.mark.parametrize(
    ("cut", "number", "argv"),
    [
        (Cut("sent tel4vn-hanoi GET /v3/campaign"), signal.SIGTERM, APPLY),
        (Cut("after claim " + CREATE), signal.SIGINT, TEXT),
        (Cut("sent " + LEADS, 2), signal.SIGTERM, TEXT),
        (Cut("after " + SURVEY), signal.SIGINT, APPLY),
    ],
)
def test_a_signal_at_any_step_drains(team: Stage, cut: Cut, number: int, argv: tuple[str, ...]) -> None:
    ended = told(team, cut, number, argv)
    assert ended.code == 8, ended.err
    assert "Stopping: what is in flight is finished" in ended.err
    assert (ended.json()["result"] == "partial") if argv is APPLY else ("steps done" in ended.out)
    with team.reader() as reader:
        assert reader.holder() is None and reader.open_requests() == []
    assert team.claims() == len(team.writes())
    assert team.finish() == []


@pytest.mark.parametrize("numbers", [(signal.SIGINT, signal.SIGINT), (signal.SIGTERM, signal.SIGINT)])
def test_a_second_signal_stops_at_once_and_safely(team: Stage, numbers: tuple[int, int]) -> None:
    team.points("load")
    slow = {"vendor": "tel4vn", "path": MULTI, "nth": 2, "fault": "slow", "seconds": 20, "when": "after"}
    team.begin("load", slow)
    run = team.start()
    eventually(lambda: sum(call.path == MULTI for call in team.writes()) >= 2, 30)
    run.signal(numbers[0])
    eventually(lambda: "Stopping" in run.said(), 10)
    begun = time.monotonic()
    run.signal(numbers[1])
    ended = run.wait()
    assert ended.code == 8 and time.monotonic() - begun < 5
    assert team.finish() == []


def test_a_signal_ends_the_wait_for_the_lease(team: Stage) -> None:
    team.points("load")
    team.begin()
    first = team.start(cut=Cut("sent " + LEADS, 1, signal.SIGSTOP))
    assert first.frozen()
    third_look = Cut("before acquire", 3, signal.SIGSTOP)
    second = team.start(*APPLY, "--lock-timeout", "10m", cut=third_look, skips=False)
    assert second.frozen()
    second.signal(signal.SIGTERM)
    second.signal(signal.SIGCONT)
    ended = second.wait()
    assert ended.code == 8 and ended.json()["result"] == "blocked" and "Nothing was sent" in ended.err
    first.signal(signal.SIGCONT)
    assert first.wait().code == 0 and team.finish() == []


def test_a_signal_ends_the_wait_for_lost_answers(team: Stage) -> None:
    team.points("load")
    team.begin("load", {"vendor": "tel4vn", "path": MULTI, "nth": 2, "fault": "drop", "when": "before"})
    run = team.start(skips=False)
    eventually(lambda: run.said().count(": confirmed") >= 5 and ": in_doubt" in run.said(), 30)
    run.signal(signal.SIGTERM)
    ended = run.wait()
    assert ended.code == 9 and ended.json()["contacts"]["inDoubt"] > 0
    with team.reader() as reader:
        assert reader.holder() is None
    assert team.finish() == []
