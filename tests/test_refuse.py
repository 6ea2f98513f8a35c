"""Somebody says no on the telephone: suppressed at once and for good, withdrawn where that can be done, nobody's number anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from reconciler.ledger import open_ledger
from tests.contract.ledgers import holder
from tests.office import Office, desk, office
from tests.test_halt import store

SPRING = "hanoi/campaign/spring"
DONE = "Suppressed everywhere from now on: no plan adds this number again.\n"


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Office]:
    """Three people, all of them sent."""
    with desk(tmp_path) as made:
        assert made.apply().code == 0
        yield made


def refuse(team: Office, number: str = "+84 90 0000 002\n", *more: str) -> Any:
    return team.run("refuse", *more, piped=number)


def leads(team: Office) -> list[str]:
    return [row["phone_number"] for row in team.here.simulator.vendors["tel4vn"].snapshot()["leads"].values()]


def test_who_refuses_is_withdrawn_and_never_added_again(team: Office) -> None:
    result = refuse(team)
    assert (result.code, result.out) == (0, f"withdrawn    {SPRING}\n{DONE}"), result.err
    assert "0900000002" not in leads(team)
    planned = team.run("plan")
    assert "1 suppressed (refused)" in planned.out or "1 suppressed" in planned.out, planned.out
    assert team.plan()["changes"] == []
    assert "900000002" not in result.out + result.err + planned.out


def test_who_was_never_sent_is_suppressed_before(tmp_path: Path) -> None:
    with desk(tmp_path) as made:
        result = refuse(made)
        assert (result.code, result.out) == (0, DONE), result.err
        assert made.apply().json()["contacts"]["confirmed"] == 2
        assert "0900000002" not in leads(made)


def test_a_second_refusal_changes_nothing(team: Office) -> None:
    assert refuse(team).code == 0
    assert refuse(team).out == DONE


def test_who_is_gone_already_is_noted(team: Office) -> None:
    vendor = team.here.simulator.vendors["tel4vn"]
    (uuid,) = (uuid for uuid, row in vendor.snapshot()["leads"].items() if row["phone_number"] == "0900000002")
    vendor.edit("lead", uuid, None)
    assert refuse(team).out == f"not there    {SPRING}\n{DONE}"


@pytest.mark.parametrize(
    ("number", "why"),
    [
        ("", "empty"),
        ("0900000002", "no country"),
        ("12", "no country"),
        ("nobody", "not a number"),
        ("+84 1", "too short"),
    ],
)
def test_what_is_no_number_changes_nothing_and_is_not_repeated(team: Office, number: str, why: str) -> None:
    result = refuse(team, number)
    assert result.code == 64 and f"({why}). Nothing was changed." in result.err
    assert not number or number not in result.err
    assert len(leads(team)) >= 3


def test_a_national_number_needs_its_region(team: Office) -> None:
    assert refuse(team, "0900000002", "--region", "vn").out.startswith("withdrawn")


def test_every_vendor_says_what_it_can(tmp_path: Path) -> None:
    with office(tmp_path) as made:
        assert made.apply().code == 0
        for number in ("+48500000101", "+79000001001"):
            result = refuse(made, number)
            assert result.code == 0 and result.out.startswith("cannot"), result.out + result.err
            assert "has no call to withdraw anybody; close them in its panel." in result.out
        polish = refuse(made, "500000001", "--region", "PL")
        assert "withdrawn    thulium-krakow/campaign/odnowienia\n" in polish.out


def test_a_failure_leaves_them_suppressed_and_the_next_apply_withdraws(team: Office) -> None:
    team.edit("reconciler.yaml", "spec:", "spec:\n  guards: {contactsWithdrawn: {max: 5, percent: 50%}}")
    team.faults({"vendor": "tel4vn", "method": "DELETE", "fault": 500})
    result = refuse(team)
    assert result.code == 1 and result.out.startswith(f"failed       {SPRING}")
    team.faults()
    assert team.apply().code == 0
    assert "0900000002" not in leads(team) and team.plan()["changes"] == []


def test_it_waits_for_a_run_that_holds_the_lease(team: Office) -> None:
    with closing(open_ledger(store(team), str(team.root), {})) as ledger:
        ledger.acquire(holder("another run"), 600)
        assert refuse(team, "+84900000002", "--lock-timeout", "0s").code == 7


# ---- forgetting ----------------------------------------------------------------------------------------------------


def forget(team: Office, number: str = "+84900000002", *more: str) -> Any:
    return team.run("state", "forget", *more, piped=number)


def test_who_is_forgotten_is_withdrawn_blocked_and_found_no_more(team: Office) -> None:
    result = forget(team)
    assert result.code == 0, result.err
    assert (
        result.out
        == f"withdrawn    {SPRING}\n{DONE}Forgotten: 2 operations no longer lead to them. Backups keep what they have.\n"
    )
    assert "0900000002" not in leads(team) and team.plan()["changes"] == []
    (delta,) = team.plan()["contacts"]
    assert (delta["suppressed"], delta["unchanged"]) == ({"refused": 1}, 2)
    assert forget(team, "+84900000002", "--format", "json").json() == {
        "formatVersion": 1, "forgotten": True, "operations": 0, "sentTo": [],
    }  # fmt: skip
    assert team.run("state", "verify").code == 0


def test_where_somebody_was_sent_is_told_also_when_they_are_gone(team: Office) -> None:
    assert refuse(team).code == 0
    assert forget(team, "+84900000002", "--format", "json").json()["sentTo"] == [
        {"key": SPRING, "result": "not there", "why": None}
    ]


def test_nobody_is_forgotten_who_could_not_be_withdrawn(team: Office) -> None:
    team.faults({"vendor": "tel4vn", "method": "DELETE", "fault": 500})
    result = forget(team)
    assert result.code == 1 and "Not forgotten yet" in result.out
    team.faults()
    assert forget(team).code == 0 and "0900000002" not in leads(team)
