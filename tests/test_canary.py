"""A few people go first; the rest waits until somebody has looked and says so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.office import Office, desk, office

CAMPAIGN = "hanoi/campaign/spring"


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Office]:
    """Three people in the source, of whom two go first."""
    with desk(tmp_path) as made:
        made.edit("campaigns.yaml", "contacts: [may]", "contacts: [may]\n  rollout: {first: 2}")
        yield made


def people(team: Office) -> Path:
    return Path(team.environ["MAY_CSV"])


def delta(team: Office) -> dict[str, int]:
    (found,) = team.plan()["contacts"]
    return {name: found[name] for name in ("rows", "added", "waiting", "unchanged")}


def test_only_as_many_as_declared_go_first(team: Office) -> None:
    planned = team.run("plan")
    assert "2 added  ·  1 waiting for the canary" in planned.out
    assert "rollout.first lets 2 people go first; the other 1 person must wait." in planned.out
    assert "reconciler release spring" in planned.out
    assert team.apply().json()["contacts"]["confirmed"] == 2
    assert delta(team) == {"rows": 3, "added": 0, "waiting": 1, "unchanged": 2}
    assert team.plan()["changes"] == []


def test_released_the_rest_follows(team: Office) -> None:
    assert team.apply().code == 0
    released = team.run("release", "spring")
    assert (released.code, released.out) == (0, f"{CAMPAIGN} is released. See who follows: reconciler plan\n")
    assert delta(team) == {"rows": 3, "added": 1, "waiting": 0, "unchanged": 2}
    assert team.apply().code == 0 and team.plan()["changes"] == []
    assert team.most_dials() <= 1


def test_who_comes_into_the_source_meanwhile_waits_too(team: Office) -> None:
    assert team.apply().code == 0
    people(team).write_text("id,mobile,name\nC9,0900000009,First\n" + people(team).read_text().partition("\n")[2])
    assert delta(team) == {"rows": 4, "added": 0, "waiting": 2, "unchanged": 2}


def test_a_plan_made_before_the_release_is_stale_after_it(team: Office) -> None:
    assert team.apply().code == 0
    assert team.run("plan", "--out", "plan.json").code == 0
    assert team.run("release", CAMPAIGN).code == 0
    result = team.run("apply", "plan.json")
    assert result.code == 5 and "would now add 1 contact" in result.err


@pytest.mark.parametrize(
    ("campaign", "code", "said"),
    [
        ("spring", 4, f"{CAMPAIGN}: nobody was sent yet, so there is nothing to look at. Apply the canary first."),
        ("summer", 64, f"summer is not declared here. There are: {CAMPAIGN}."),
    ],
)
def test_what_cannot_be_released(team: Office, campaign: str, code: int, said: str) -> None:
    result = team.run("release", campaign)
    assert result.code == code and said in result.err


def test_without_a_rollout_there_is_nothing_to_release(tmp_path: Path) -> None:
    with desk(tmp_path) as made:
        assert made.apply().code == 0
        result = made.run("release", "spring")
        assert result.code == 64 and "hanoi/campaign/spring has no rollout: nobody is held back." in result.err


def test_a_vendor_that_takes_everybody_at_once_can_hold_nobody_back(tmp_path: Path) -> None:
    with office(tmp_path) as made:
        made.edit("campaigns/opros.yaml", "contacts: [opros]", "contacts: [opros]\n  rollout: {first: 2}")
        result = made.run("validate")
        assert result.code == 3 and "intersvyaz cannot hold anybody back (rollout)" in result.err + result.out
