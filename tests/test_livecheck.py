"""`plan --contacts`: what a vendor holds beside what was sent: by counts, and in full."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.office import Office, desk, office

SPRING = "hanoi/campaign/spring"


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Office]:
    """Three people, all of them sent."""
    with desk(tmp_path) as made:
        assert made.apply().code == 0
        yield made


def found(team: Office, how: str, code: int = 0) -> list[tuple[str, str]]:
    """Code and message of every finding about people."""
    result = team.run("plan", "--contacts", how, "--format", "json")
    assert result.code == code, result.err
    assert result.json()["changes"] == [], "a look changes nothing"
    return [(one["code"], one["message"]) for one in result.json()["findings"] if one["code"].startswith("contacts-")]


def edit(team: Office, number: str, **fields: Any) -> None:
    """In TEL4VN's panel; no field: the lead is removed."""
    vendor = team.here.simulator.vendors["tel4vn"]
    rows = vendor.snapshot()["leads"].items()
    (uuid,) = (uuid for uuid, row in rows if row["phone_number"] == number)
    vendor.edit("lead", uuid, fields or None)


def add(team: Office, number: str) -> None:
    vendor = team.here.simulator.vendors["tel4vn"]
    row = next(row for row in vendor.snapshot()["leads"].values() if row["phone_number"] == "0900000001")
    vendor.edit("lead", None, {"phone_number": number, "list_uuid": row["list_uuid"], "lead_name": "Somebody"})


def test_as_sent(team: Office) -> None:
    assert found(team, "counts") == [("contacts-count", "tel4vn counts 3 people, as many as were sent.")]
    assert found(team, "full") == [("contacts-complete", "tel4vn holds exactly the 3 people who were sent.")]


def test_who_is_missing_is_told_and_not_sent_again(team: Office) -> None:
    edit(team, "0900000002")
    assert found(team, "counts") == [
        ("contacts-count", "tel4vn counts 2 people; 3 people were sent and not withdrawn.")
    ]
    assert found(team, "full") == [
        ("contacts-missing", "Gone from tel4vn: 1 person of the 3 who were sent. Nobody of them is sent again.")
    ]
    assert team.apply().json()["result"] == "nothing" and team.most_dials() == 1


def test_who_was_added_in_the_panel_is_told(team: Office) -> None:
    add(team, "0900000009")
    assert found(team, "full") == [("contacts-extra", "There, and never sent from here: 1 person.")]


def test_who_is_there_twice_is_told(team: Office) -> None:
    add(team, "0900000001")
    assert found(team, "full") == [("contacts-twice", "There more than once: 1 person. Each entry may be called.")]


def test_who_was_called_is_there(team: Office) -> None:
    edit(team, "0900000002", status="answered")
    assert found(team, "full")[0][0] == "contacts-complete"


def test_a_look_that_fails_is_no_plan(team: Office) -> None:
    team.faults({"vendor": "tel4vn", "path": "/v3/lead", "method": "GET", "fault": 403})
    result = team.run("plan", "--contacts", "full")
    assert result.code == 6 and f"{SPRING}: its people could not be read" in result.err


@pytest.mark.parametrize("how", ["counts", "full"])
def test_every_vendor_that_can_be_read_is(tmp_path: Path, how: str) -> None:
    with office(tmp_path) as made:
        assert made.apply().code == 0
        codes = {code for code, _ in found(made, how)}  # at Thulium somebody was there before us
        assert codes == ({"contacts-count"} if how == "counts" else {"contacts-complete", "contacts-extra"})
        seen = {one["key"] for one in made.run("plan", "--contacts", how, "--format", "json").json()["findings"]}
        assert {"tel4vn-hanoi/campaign/spring-renewals", "thulium-krakow/campaign/odnowienia"} <= seen
