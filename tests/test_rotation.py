"""The contact key rotated through the command line: nobody looks new, nobody is sent twice, whatever it is killed at."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from reconciler import rekeying
from reconciler.ledger.sql_rotation import SqlRotation
from tests.office import CONTACT_KEY, Office, Result, desk
from tests.test_refuse import leads, refuse

NEW = "another-contact-key-for-tests-with-more-than-32-bytes"
THIRD = "a-third-contact-key-that-this-ledger-has-never-seen-at-all"
BOTH = "contactKey: {env: RECONCILER_CONTACT_KEY}\n  formerContactKey: {env: RECONCILER_FORMER_CONTACT_KEY}"
ONE = "contactKey: {env: RECONCILER_CONTACT_KEY}"


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Office]:
    """Three people, all of them sent under the first key."""
    with desk(tmp_path) as made:
        assert made.apply().code == 0
        yield made


def rotate(team: Office, new: str = NEW, former: str = CONTACT_KEY) -> None:
    team.edit("reconciler.yaml", ONE, BOTH)
    keys(team, new, former)


def keys(team: Office, new: str, former: str = "") -> None:
    team.environ |= {"RECONCILER_CONTACT_KEY": new, "RECONCILER_FORMER_CONTACT_KEY": former}


def drop_former(team: Office) -> None:
    team.edit("reconciler.yaml", BOTH, ONE)
    del team.environ["RECONCILER_FORMER_CONTACT_KEY"]


def file(team: Office) -> Path:
    return team.root.parent / "people" / "may.csv"


def add(team: Office, *rows: str) -> None:
    file(team).write_text(file(team).read_text() + "".join(f"{row}\n" for row in rows))


def ok(result: Result) -> Result:
    assert result.code == 0, result.out + result.err
    for key in (CONTACT_KEY, NEW, THIRD):
        assert key not in result.out + result.err
    return result


def empty(team: Office) -> None:
    plan = team.plan()
    assert plan["changes"] == [], plan["changes"]
    for delta in plan["contacts"]:
        assert (delta["added"], delta["updated"], delta["withdrawn"]) == (0, 0, 0)


def once(team: Office, count: int) -> None:
    """So many people at the vendor, each of them once, and nobody else ever."""
    numbers = [number for number in leads(team) if number.startswith("0900000")]
    assert len(numbers) == len(set(numbers)) == count
    assert team.most_dials() <= 1


def test_the_whole_way(team: Office) -> None:
    rotate(team)
    empty(team)
    assert "Two contact keys are live: 3 people still known under the former one." in ok(team.run("plan")).out
    add(team, "C4,0900000004,Dung")
    assert ok(team.apply()).json()["contacts"]["confirmed"] == 1
    empty(team)
    assert ok(team.run("state", "rekey")).out == (
        "Under the new contact key now: 3 people.\nNobody is left under the former one, which is refused from now on. Take"
        " formerContactKey out of reconciler.yaml, and its value out of every job.\n"
    )
    empty(team)
    assert "formerContactKey is not used" in ok(team.run("plan")).out
    drop_former(team)
    empty(team)
    add(team, "C5,0900000005,Em")
    assert ok(team.apply()).json()["contacts"]["confirmed"] == 1
    empty(team)
    once(team, 5)
    ok(team.run("state", "verify"))
    said = team.run("state", "history").out
    for line in ("rotation begun: 3 people known under the former key", "re-keyed: 3 people", "rotation finished"):
        assert line in said
