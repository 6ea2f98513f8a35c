"""Fingerprints that run out, over the command line and against a vendor: time is handed in, nobody is called twice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.clock import SystemClock
from tests.office import Office, desk

SPRING = "hanoi/campaign/spring"
MAY = f"{SPRING}/contacts/may"
FIRST = datetime(2026, 6, 1, 8, tzinfo=UTC)


class Calendar:
    """What time it is for reconciler."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = FIRST
        monkeypatch.setattr(SystemClock, "now", lambda _: self.now)

    def forward(self, days: int) -> None:
        self.now += timedelta(days=days)


@pytest.fixture
def calendar(monkeypatch: pytest.MonkeyPatch) -> Calendar:
    return Calendar(monkeypatch)


@pytest.fixture
def team(tmp_path: Path, calendar: Calendar) -> Iterator[Office]:
    """Three people were sent, of a set that keeps for 90 days."""
    with desk(tmp_path) as made:
        made.edit("campaigns.yaml", "  mode: mirror", "  mode: mirror\n  retention: 90d")
        assert made.apply().code == 0
        yield made


def let_go(team: Office) -> str:
    """The campaign and its set are given up; returns what was declared."""
    assert team.run("state", "rm", SPRING, "--reason", "the season is over").code == 0
    declared = (team.root / "campaigns.yaml").read_text()
    kept = [one for one in declared.split("---\n") if "kind: Campaign" not in one and "kind: ContactSet" not in one]
    team.write("campaigns.yaml", "---\n".join(kept))
    assert team.apply().code == 0
    return declared


def codes(team: Office) -> list[str]:
    return [finding["code"] for finding in team.plan()["findings"]]


def known(team: Office) -> dict[str, int]:
    return dict(team.run("state", "show", SPRING, "--format", "json").json()["people"])


def test_a_plan_made_before_is_still_the_plan_and_does_it(team: Office, calendar: Calendar) -> None:
    let_go(team)
    early = team.run("plan", "--out", "early.json", "--format", "json").json()
    calendar.forward(90)
    due = team.plan()
    assert due["digest"] == early["digest"] and due["changes"] == []
    ((code, severity, key),) = [(one["code"], one["severity"], one["key"]) for one in due["findings"]]
    assert (code, severity, key) == ("retention", "info", MAY)
    expired = team.run("apply", "--auto-approve")
    assert (expired.code, known(team)) == (0, {})
    assert f"retention of {MAY}: the fingerprints of 3 people expired" in expired.err
    assert codes(team) == [] and team.run("state", "verify").code == 0


def test_at_a_terminal_nobody_is_asked_about_it(team: Office, calendar: Calendar) -> None:
    let_go(team)
    calendar.forward(90)
    assert team.run("apply", typed="").code == 0
    assert known(team) == {}


def test_until_when_is_told(team: Office, calendar: Calendar) -> None:
    let_go(team)
    (told,) = team.run("state", "list", "--format", "json").json()["fingerprints"]
    assert told == {"key": MAY, "notBoundSince": "2026-06-01", "keptUntil": "2026-08-30", "declared": False}
    assert (
        f"not bound: {MAY} since 2026-06-01, fingerprints kept until 2026-08-30 (retention 90d)"
        in team.run("state", "list").out
    )
    assert "may: fingerprints kept until 2026-08-30 (retention 90d)" in team.run("state", "show", SPRING).out
    assert team.run("state", "show", SPRING, "--format", "json").json()["fingerprints"] == [told]


def test_no_retention_is_told_too(team: Office) -> None:
    team.edit("campaigns.yaml", "\n  retention: 90d", "")
    assert team.apply().code == 0
    let_go(team)
    (told,) = team.run("state", "list", "--format", "json").json()["fingerprints"]
    assert told["keptUntil"] is None
    assert "fingerprints kept for ever, no retention is declared" in team.run("state", "list").out


def test_declared_again_before_anybody_expired_nobody_is_called_again(team: Office, calendar: Calendar) -> None:
    declared = let_go(team)
    calendar.forward(1000)
    team.write("campaigns.yaml", declared)
    assert codes(team) == []
    assert team.apply().code == 0
    assert (known(team), team.most_dials()) == ({"confirmed": 3}, 1)


def test_an_object_that_still_holds_them_is_not_filled_again(team: Office, calendar: Calendar) -> None:
    declared = let_go(team)
    calendar.forward(90)
    assert team.apply().code == 0
    team.write("campaigns.yaml", declared)
    (finding,) = team.plan()["findings"]
    assert (finding["code"], finding["severity"]) == ("expired", "warning")
    assert (
        "The fingerprints of 3 people who were sent through may have expired, the last on 2026-08-30"
        in finding["message"]
    )
    assert "among the 3 to be added" in finding["message"]
    refused = team.run("apply", "--auto-approve")
    assert refused.code == 1 and "or their fingerprints expired" in refused.out
    assert team.most_dials() == 1
    assert codes(team) == ["expired"]


def test_who_said_no_is_suppressed_whether_they_expired_or_not(team: Office, calendar: Calendar) -> None:
    assert team.run("refuse", piped="+84900000001").code == 0
    declared = let_go(team)
    calendar.forward(90)
    assert team.apply().code == 0
    team.write("campaigns.yaml", declared)
    (delta,) = team.plan()["contacts"]
    assert (delta["added"], delta["suppressed"]) == (2, {"refused": 1})
    forgotten = team.run("state", "forget", "--format", "json", piped="+84900000002").json()
    assert (forgotten["forgotten"], forgotten["operations"]) == (True, 0)
    assert team.plan()["contacts"][0]["added"] == 1


def test_a_copy_goes_on_with_the_clock(team: Office, calendar: Calendar) -> None:
    let_go(team)
    assert team.run("state", "migrate", "--to", f"sqlite://{team.root / 'moved.db'}").code == 0
    team.edit("reconciler.yaml", "spec:\n", "spec:\n  state: {backend: sqlite, path: moved.db}\n")
    calendar.forward(90)
    assert codes(team) == ["retention"]
    assert team.apply().code == 0
    assert (codes(team), known(team)) == ([], {})
