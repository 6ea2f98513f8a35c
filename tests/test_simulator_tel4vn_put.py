"""The simulated TEL4VN: what a PUT leaves of a campaign, its weekly windows, and who starts it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from tests.tel4vn import SAMPLE_PUT, Tenant, error, week


@pytest.fixture
def tenant() -> Tenant:
    return Tenant()


# --- campaigns: PUT ------------------------------------------------------------------------------------------------


def test_the_sample_put_zeroes_what_it_leaves_out(tenant: Tenant) -> None:
    id = tenant.campaign()
    sent = SAMPLE_PUT | {"campaign_uuid": id}
    assert tenant.call("PUT", f"/v3/campaign/{id}", sent).json() == {"campaign_uuid": id}
    campaign = tenant.read(id)
    assert (campaign["campaign_name"], campaign["recall_times"], campaign["schedule_recall"]) == (
        "AutocallAudio",
        3,
        "minute",
    )
    left_out = {
        "hopper": 0,
        "local_start_time": "",
        "local_end_time": "",
        "customer_order": "",
        "allow_manual_dial": False,
        "allow_search_lead": False,
        "enable_callback_alert": False,
        "ratio": 100,
    }
    assert {name: campaign[name] for name in left_out} == left_out


def test_the_sample_autodialer_put_zeroes_the_autocall_fields(tenant: Tenant) -> None:
    id = tenant.campaign(type="autodialer")
    body = {"campaign_name": "Campaign Autodialer", "type": "autodialer", "active": False, "ratio": 100, "hopper": 20}
    tenant.call("PUT", f"/v3/campaign/{id}", body)
    campaign = tenant.read(id)
    zeroed = {"status": "", "mode_call": "", "call_timeout": 0, "priority_recall": "", "recall_status": None}
    assert {name: campaign[name] for name in zeroed} == zeroed
    assert campaign["schedules"] == []


def test_a_put_may_also_keep_what_it_leaves_out(tenant: Tenant) -> None:
    tenant.switch(put="keep")
    id = tenant.campaign()
    before = tenant.read(id)
    tenant.call("PUT", f"/v3/campaign/{id}", {"campaign_name": "Spring", "type": "autocall", "hopper": 30})
    assert tenant.read(id) == before | {"hopper": 30}


def test_reading_changing_and_putting_back_loses_nothing(tenant: Tenant) -> None:
    tenant.vendor.seed()
    id = next(id for id, row in tenant.vendor.snapshot()["campaigns"].items() if row["users"])
    before = tenant.stored("campaigns", id)
    tenant.later(minutes=1)
    assert tenant.put(id, concurrent_call=9).status_code == 200
    after = tenant.stored("campaigns", id)
    assert after["updated_at"] > before["updated_at"]
    assert after | {"updated_at": ""} == before | {"updated_at": "", "concurrent_call": 9}


def test_assignments_are_null_when_read_and_null_keeps_or_clears_them(tenant: Tenant) -> None:
    id = tenant.campaign()
    tenant.put(id, users=["u1"], groups=["g1"], statuses=["s1"])
    shown = tenant.read(id)
    assert (shown["users"], shown["groups"], shown["statuses"]) == (None, None, None)
    tenant.put(id, users=None)
    assert tenant.stored("campaigns", id)["users"] == ["u1"]
    tenant.put(id, users=[])
    assert tenant.stored("campaigns", id)["users"] == []
    tenant.switch(put_null_assignments="cleared", read_assignments="stored")
    assert tenant.read(id)["groups"] == ["g1"]
    tenant.put(id, groups=None)
    assert tenant.stored("campaigns", id)["groups"] is None


def test_derived_and_read_only_fields_of_a_put_have_no_effect(tenant: Tenant) -> None:
    id = tenant.campaign()
    tenant.put(id, carrier_name="mine", run_id="r", created_at="yesterday", domain_name="d", campaign_uuid="x")
    campaign = tenant.read(id)
    assert (campaign["carrier_name"], campaign["run_id"], campaign["domain_name"]) == ("", "", "")
    assert campaign["created_at"].startswith("2026-06-01")
    assert campaign["campaign_uuid"] == id


def test_status_in_a_put_is_stored_or_ignored(tenant: Tenant) -> None:
    id = tenant.campaign()
    tenant.put(id, status="start")
    assert tenant.read(id)["status"] == "start"
    tenant.switch(put_status="ignored")
    tenant.put(id, status="stop")
    assert tenant.read(id)["status"] == "start"


def test_a_put_needs_the_right_types_and_an_existing_campaign(tenant: Tenant) -> None:
    id = tenant.campaign()
    assert error(tenant.put(id, hopper="20", network=None, active=1)) == [
        {"active": "Invalid type. Expected: boolean, given: integer"},
        {"hopper": "Invalid type. Expected: integer, given: string"},
    ]
    body = {"campaign_name": "x", "type": "autocall"}
    assert error(tenant.call("PUT", "/v3/campaign/none", body), 404) == "Not Found"
    tenant.switch(missing_code="400")
    assert error(tenant.get("/v3/campaign/none"), 400) == "Not Found"


# --- schedules -----------------------------------------------------------------------------------------------------


def test_windows_are_stored_with_ids_of_their_own_and_kept_to_the_nanosecond(tenant: Tenant) -> None:
    id = tenant.campaign()
    row = week(friday=(9.5, 16.25))
    tenant.put(id, schedules=[row])
    (stored,) = tenant.read(id)["schedules"]
    assert {name: stored[name] for name in row} == row
    tenant.put(id, schedules=[stored])
    assert tenant.read(id)["schedules"] == [stored]
    tenant.put(id, schedules=None)
    assert tenant.read(id)["schedules"] == []


def test_a_closed_day(tenant: Tenant) -> None:
    id = tenant.campaign()
    assert tenant.put(id, schedules=[week(sunday=(0, 0))]).status_code == 200
    tenant.switch(closed_day="refused")
    assert error(tenant.put(id, schedules=[week(sunday=(0, 0))])) == [{"schedules": "sunday_start_time is required"}]


def test_an_inverted_window(tenant: Tenant) -> None:
    id = tenant.campaign()
    answer = tenant.put(id, schedules=[week(monday=(17, 9))])
    assert error(answer) == [{"schedules": "monday_end_time must be greater than monday_start_time"}]
    tenant.switch(inverted_window="accepted")
    assert tenant.put(id, schedules=[week(monday=(17, 9))]).status_code == 200


def test_a_window_in_anything_but_integers_is_refused(tenant: Tenant) -> None:
    row: dict[str, Any] = week() | {"tuesday_start_time": 9.5, "friday_end_time": "17:00"}
    assert error(tenant.put(tenant.campaign(), schedules=[row])) == [
        {"schedules": "Invalid type. Expected: integer, given: number"},
        {"schedules": "Invalid type. Expected: integer, given: string"},
    ]


def test_a_second_schedule_row(tenant: Tenant) -> None:
    id = tenant.campaign()
    tenant.put(id, schedules=[week(), week(monday=(18, 20))])
    assert len(tenant.read(id)["schedules"]) == 2
    tenant.switch(second_schedule="dropped")
    tenant.put(id, schedules=[week(), week(monday=(18, 20))])
    assert len(tenant.read(id)["schedules"]) == 1


# --- run state -----------------------------------------------------------------------------------------------------


def test_active_is_patched_and_delete_needs_it_to_be_false(tenant: Tenant) -> None:
    id = tenant.campaign()
    assert error(tenant.call("DELETE", f"/v3/campaign/{id}")) == "campaign must be deactive"
    assert error(tenant.call("PATCH", f"/v3/campaign/{id}/active", {})) == "active is missing"
    answer = tenant.call("PATCH", f"/v3/campaign/{id}/active", {"active": False})
    assert answer.json() == {"active": False, "campaign_uuid": id}
    assert tenant.read(id)["active"] is False
    assert tenant.call("DELETE", f"/v3/campaign/{id}").json() == {"campaign_uuid": id}
    assert error(tenant.call("DELETE", f"/v3/campaign/{id}"), 404) == "Not Found"
    assert error(tenant.call("PATCH", f"/v3/campaign/{id}/active", {"active": True}), 404) == "Not Found"


def start(tenant: Tenant, id: str) -> httpx.Response:
    return tenant.call("POST", f"/v1/campaign/{id}/run/start", {})


def test_run_start_starts_and_gives_a_run(tenant: Tenant) -> None:
    id = tenant.campaign()
    assert start(tenant, id).json() == {"campaign_uuid": id}
    campaign = tenant.read(id)
    assert (campaign["status"], campaign["run_id"] != "") == ("start", True)
    assert error(start(tenant, "none"), 404) == "Not Found"


def test_run_start_while_it_runs(tenant: Tenant) -> None:
    id = tenant.campaign()
    start(tenant, id)
    run = tenant.read(id)["run_id"]
    assert start(tenant, id).status_code == 200
    assert tenant.read(id)["run_id"] == run
    tenant.switch(run_again="new_run")
    start(tenant, id)
    assert tenant.read(id)["run_id"] not in (run, "")
    tenant.switch(run_again="refused")
    assert error(start(tenant, id)) == "campaign is running"


def test_run_start_of_an_inactive_campaign(tenant: Tenant) -> None:
    id = tenant.campaign()
    tenant.call("PATCH", f"/v3/campaign/{id}/active", {"active": False})
    assert error(start(tenant, id)) == "campaign must be active"
    tenant.switch(run_inactive="accepted")
    assert start(tenant, id).status_code == 200


def at(tenant: Tenant, day: int, hour: int, minute: int = 0) -> None:
    """June 2026 in UTC; the first is a Monday."""
    tenant.world.set_clock(datetime(2026, 6, day, hour, minute, tzinfo=UTC))
    tenant.login()


def test_a_paused_campaign_starts_by_itself_when_the_next_window_opens(tenant: Tenant) -> None:
    at(tenant, 1, 8)  # Monday 15:00 in the tenant's zone, inside the window
    id = tenant.campaign()
    tenant.put(id, schedules=[week()])
    tenant.vendor.edit("campaign", id, {"status": "pause"})
    at(tenant, 2, 1, 59)  # Tuesday 08:59
    assert tenant.read(id)["status"] == "pause"
    tenant.put(id, description="edited meanwhile")
    at(tenant, 2, 2)  # Tuesday 09:00
    campaign = tenant.read(id)
    assert (campaign["status"], campaign["run_id"] != "") == ("start", True)
    tenant.vendor.edit("campaign", id, {"status": "stop"})
    at(tenant, 3, 5)
    assert tenant.read(id)["status"] == "stop"


def test_a_paused_campaign_waits_for_the_zone_the_day_and_to_be_active(tenant: Tenant) -> None:
    at(tenant, 5, 12)  # Friday
    id = tenant.campaign()
    closed = {"saturday": (0.0, 0.0), "sunday": (0.0, 0.0)}
    tenant.put(id, schedules=[week(**closed)], status="pause")
    at(tenant, 7, 12)  # Sunday
    assert tenant.vendor.snapshot()["campaigns"][id]["status"] == "pause"
    tenant.switch(schedule_zone="+00:00")
    at(tenant, 8, 8)  # Monday 15:00 at UTC+7, 08:00 at UTC
    assert tenant.read(id)["status"] == "pause"
    tenant.vendor.edit("campaign", id, {"active": False})
    at(tenant, 9, 12)
    assert tenant.read(id)["status"] == "pause"
    tenant.vendor.edit("campaign", id, {"active": True})
    assert tenant.read(id)["status"] == "start"


def test_extensions_are_assigned_to_the_agents_that_have_them(tenant: Tenant) -> None:
    tenant.vendor.seed()
    id = tenant.campaign()
    path = f"/v3/campaign/{id}/assign_extension"
    answer = tenant.call("PUT", path, {"extensions": ["102", "999"]}).json()
    (agent,) = answer["users"]
    assert (answer["campaign_uuid"], agent["extension"]) == (id, "102")
    tenant.call("PUT", path, {"extensions": ["103"]})
    assert len(tenant.stored("campaigns", id)["users"]) == 1
    tenant.switch(assign_extension="adds")
    tenant.call("PUT", path, {"extensions": ["102", "103"]})
    assert len(tenant.stored("campaigns", id)["users"]) == 2
    expected = [{"extensions": "Invalid type. Expected: array, given: null"}]
    assert error(tenant.call("PUT", path, {"extensions": None})) == expected
