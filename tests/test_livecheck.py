"""`plan --contacts`: what a vendor holds beside what was sent: by counts, and in full."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from reconciler import observe
from reconciler.assembly import identify
from reconciler.ledger import open_reader
from reconciler.livecheck import How, PeopleLook, drift_of, look_at_people
from reconciler.model import Key, PeopleDrift
from reconciler.setup import load, opened
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
    assert found(team, "full") == [
        ("contacts-complete", "tel4vn holds exactly the 3 people who were sent, with the fields that were sent.")
    ]


def test_who_is_missing_is_told_and_not_sent_again(team: Office) -> None:
    edit(team, "0900000002")
    assert found(team, "counts") == [
        (
            "contacts-count",
            "tel4vn counts 2 people; 3 people were sent and not withdrawn. At least 1 person cannot be called any more.",
        )
    ]
    assert found(team, "full") == [
        (
            "contacts-missing",
            "Gone from tel4vn: 1 person of the 3 who were sent. They are not called any more, and nobody of them is sent again.",
        )
    ]
    assert team.apply().json()["result"] == "nothing" and team.most_dials() == 1


def test_who_was_added_in_the_panel_is_told(team: Office) -> None:
    add(team, "0900000009")
    said = "There, and never sent from here: 1 person. They may be called, and no suppression list here protects them."
    assert found(team, "full") == [("contacts-extra", said)]
    assert found(team, "counts")[0][1].endswith("At least 1 person may be called whom nobody sent from here.")


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


def test_who_was_changed_in_the_panel_is_told_and_not_written_over(team: Office, tmp_path: Path) -> None:
    edit(team, "0900000002", lead_name="Somebody else")
    said = "There with other fields than those sent: 1 person. Calls to them use what tel4vn holds."
    assert found(team, "full") == [("contacts-changed", said)]
    assert team.apply().json()["result"] == "nothing"
    people = tmp_path / "people" / "may.csv"
    people.write_text(people.read_text().replace("Binh", "Binh Anh"))
    findings = team.run("plan", "--contacts", "full", "--format", "json").json()["findings"]
    assert [one["code"] for one in findings] == ["contacts-complete", "contacts-uncompared"]
    assert "1 since their row or the declared fields changed since they were sent" in findings[1]["message"]
    assert team.apply().code == 0
    assert (
        found(team, "full")[0][1] == "tel4vn holds exactly the 3 people who were sent, with the fields that were sent."
    )


def test_what_a_vendor_evens_out_is_no_change(team: Office) -> None:
    edit(team, "0900000002", lead_name=" Binh ")
    assert found(team, "full")[0][0] == "contacts-complete"


def test_what_no_panel_should_hold_is_nobody_of_ours(team: Office) -> None:
    add(team, "000")
    assert [code for code, _ in found(team, "full")] == ["contacts-extra"]


def looks(team: Office, how: How) -> tuple[PeopleLook, ...]:
    """As another command would ask for them."""

    async def look() -> tuple[PeopleLook, ...]:
        with mock.patch.dict(os.environ, team.environ, clear=True):
            ready = load(team.root, os.environ)
            ledger = open_reader(ready.repository.project.state, str(ready.root), ready.environ)
            async with opened(ready) as sites:
                fingerprints = identify(ready, ledger)
                world = await observe.look(ready, sites, ledger, fingerprints)
                return await look_at_people(world, ledger, fingerprints, how)

    return asyncio.run(look())


def test_as_values_for_who_asks_what_drifted(team: Office) -> None:
    assert [one.moved for how in ("counts", "full") for one in looks(team, how)] == [False, False]
    add(team, "0900000009")
    add(team, "0900000008")
    edit(team, "0900000001")
    edit(team, "0900000002", lead_name="Somebody else")
    spring = Key.parse(SPRING)
    assert drift_of(looks(team, "full")) == (PeopleDrift(spring, "full", 3, missing=1, extra=2, changed=1),)
    assert drift_of(looks(team, "counts")) == (PeopleDrift(spring, "counts", 3, missing=0, extra=1),)


@pytest.mark.parametrize("how", ["counts", "full"])
def test_every_vendor_that_can_be_read_is(tmp_path: Path, how: How) -> None:
    with office(tmp_path) as made:
        assert made.apply().code == 0
        result = made.run("plan", "--contacts", how, "--format", "json").json()["findings"]
        said = [(one["key"], one["code"], one["message"]) for one in result if one["code"].startswith("contacts-")]
        codes = {code for _, code, _ in said}  # at Thulium somebody was there before us, and no field is shown
        unread = {key: message for key, code, message in said if code == "contacts-unread"}
        if how == "counts":
            assert codes == {"contacts-count", "contacts-unread"}
        else:
            assert codes == {"contacts-complete", "contacts-extra", "contacts-uncompared", "contacts-unread"}
            (hidden,) = (message for _, code, message in said if code == "contacts-uncompared")
            assert "since thulium does not show" in hidden
        assert all("is not known" in message or "does not say" in message for message in unread.values())
        seen = {key for key, _, _ in said}
        assert {"tel4vn-hanoi/campaign/spring-renewals", "thulium-krakow/campaign/odnowienia"} <= seen
        assert not {str(one.key) for one in drift_of(looks(made, how))} & set(unread)


def test_where_a_list_shows_fields_they_are_compared(tmp_path: Path) -> None:
    with office(tmp_path) as made:
        made.switch("thulium", list_fields="shown")
        assert made.apply().code == 0
        vendor = made.here.simulator.vendors["thulium"]

        def told() -> dict[str, str]:
            result = made.run("plan", "--contacts", "full", "--format", "json").json()["findings"]
            return {one["code"]: one["message"] for one in result if one["key"] == "thulium-krakow/campaign/odnowienia"}

        assert "contacts-uncompared" not in told() and "contacts-changed" not in told()
        ours = next(
            record
            for campaign in vendor.snapshot()["campaigns"]
            for record in campaign["records"]
            if record["identifier"].startswith("rc-") and record["record_fields"]
        )
        held = dict.fromkeys(ours["record_fields"], "other")
        vendor.edit("record", str(ours["record_id"]), {"record_fields": held})
        assert told()["contacts-changed"].startswith("There with other fields than those sent: 1 person.")
