"""The whole round with the examples, as a user plays it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.office import Office, office


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Office]:
    with office(tmp_path) as made:
        yield made


def test_plan_apply_plan(team: Office) -> None:
    report = team.apply()
    assert report.code == 0, report.out + report.err
    assert report.json()["result"] == "applied" and report.json()["contacts"]["confirmed"] == 24
    again = team.plan()
    assert (again["changes"], again["summary"]["contacts"]["unchanged"]) == ([], 24)
    assert team.most_dials() == 1


def test_a_second_apply_sends_nothing(team: Office) -> None:
    team.apply()
    before = len(team.calls())
    report = team.run("apply", "--auto-approve", "--format", "json")
    assert report.json()["result"] == "nothing"
    assert {entry.method for entry in team.calls()[before:]} <= {"GET", "POST"}
    assert [entry.path for entry in team.calls()[before:] if entry.method == "POST"] == [
        entry.path for entry in team.calls()[before:] if "login" in entry.path or "auth" in entry.path
    ]
