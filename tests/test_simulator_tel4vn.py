"""The simulated TEL4VN: token, creating and listing campaigns, carriers and templates, seed and panel."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.simulator.tel4vn.account import SWITCHES
from tests.tel4vn import ALL_OUTCOMES, KEY, NUMBER, Tenant, error


@pytest.fixture
def tenant() -> Tenant:
    return Tenant()


# --- token ---------------------------------------------------------------------------------------------------------


def test_the_token_reply_is_the_documented_one(tenant: Tenant) -> None:
    reply = tenant.call("POST", "/v3/auth/token", {"api_key": KEY}).json()
    assert sorted(reply) == [
        "client_id",
        "domain_uuid",
        "expired_in",
        "refresh_token",
        "token",
        "token_type",
        "user_id",
    ]
    assert (reply["token_type"], reply["refresh_token"]) == ("Bearer", "")
    assert error(tenant.call("POST", "/v3/auth/token", {"api_key": "wrong"}), 401) == "Unauthorized"


def test_the_bare_token_is_let_in_unless_the_switch_says_otherwise(tenant: Tenant) -> None:
    tenant.headers = {"authorization": tenant.headers["authorization"].removeprefix("Bearer ")}
    assert tenant.get("/v3/campaign").status_code == 200
    tenant.switch(authorization="bearer")
    assert tenant.get("/v3/campaign").status_code == 401


@pytest.mark.parametrize("header", [{}, {"authorization": "Bearer made-up"}, {"authorization": "Basic eDp5"}])
def test_without_a_valid_token_nothing_is_told(tenant: Tenant, header: dict[str, str]) -> None:
    tenant.headers = header
    assert error(tenant.get("/v3/campaign"), 401) == "Unauthorized"


@pytest.mark.parametrize(("lifetime", "hours"), [("24h", 24), ("180d", 180 * 24)])
def test_a_token_lives_as_long_as_the_switch_says(tenant: Tenant, lifetime: str, hours: int) -> None:
    tenant.switch(token_lifetime=lifetime)
    tenant.later(hours=hours)
    assert tenant.get("/v3/campaign").status_code == 200
    tenant.later(seconds=1)
    assert tenant.get("/v3/campaign").status_code == 401
    tenant.login()
    assert tenant.get("/v3/campaign").status_code == 200


# --- campaigns: create and read ------------------------------------------------------------------------------------


def test_create_answers_and_defaults_are_those_of_the_samples(tenant: Tenant) -> None:
    body = {
        "campaign_name": "VoiceOTP",
        "type": "autocall",
        "concurrent_call": 1,
        "template_uuid": "",
        "description": "",
        "type_autocall": "autocall_voice_tts",
        "recall_times": 9,
    }
    answer = tenant.call("POST", "/v3/campaign", body).json()
    id = answer["campaign_uuid"]
    assert answer == {"campaign_uuid": id, "created": True}
    campaign = tenant.read(id)
    expected = {
        "campaign_name": "VoiceOTP",
        "type_autocall": "autocall_voice_tts",
        "concurrent_call": 1,
        "active": True,
        "status": "stop",
        "ratio": 100,
        "recall_times": 0,
        "schedule_recall": "after",
        "hopper": 20,
        "local_start_time": "00:00:00",
        "local_end_time": "23:59:59",
        "customer_order": "id",
        "allow_manual_dial": True,
        "mode_call": "direct",
        "network": {"viettel": 0, "mobi": 0, "vina": 0, "tel": 0, "offnet": 0},
        "priority_recall": "normal",
        "call_timeout": 60,
        "recall_status": ALL_OUTCOMES,
        "users": None,
        "groups": None,
        "statuses": None,
        "run_id": "",
    }
    assert {name: campaign[name] for name in expected} == expected
    assert campaign["created_at"] == campaign["updated_at"] == "2026-06-01T15:00:00.000000+07:00"
    (row,) = campaign["schedules"]
    assert row["campaign_uuid"] == id
    assert row["domain_uuid"] == campaign["domain_uuid"]
    assert (row["monday_start_time"], row["sunday_end_time"]) == (28_800_000_000_000, 75_600_000_000_000)


def test_an_autodialer_campaign_gets_a_queue_and_a_dialplan(tenant: Tenant) -> None:
    body = {"campaign_name": "Log", "type": "autodialer", "ratio": 150, "custom_ratio": 100}
    answer = tenant.call("POST", "/v3/campaign", body).json()
    assert sorted(answer) == ["call_center_queue_uuid", "campaign_uuid", "created", "dialplan_uuid"]
    campaign = tenant.read(answer["campaign_uuid"])
    assert (campaign["call_center_queue_uuid"], campaign["ratio"]) == (answer["call_center_queue_uuid"], 150)


def test_create_with_other_defaults(tenant: Tenant) -> None:
    tenant.switch(create_status="start", create_defaults="zero")
    campaign = tenant.read(tenant.campaign())
    assert (campaign["status"], campaign["active"], campaign["hopper"]) == ("start", False, 0)
    assert (campaign["schedules"], campaign["recall_status"]) == ([], None)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (
            {"campaign_name": "x", "type": "robocall"},
            [{"type": 'type must be one of the following: "autodialer", "autocall", "inbound", "manual"'}],
        ),
        (
            {"campaign_name": "", "type": "autocall"},
            [{"campaign_name": "String length must be greater than or equal to 1"}],
        ),
        ({"type": "autocall"}, [{"(root)": "campaign_name is required"}]),
        (
            {"campaign_name": 7, "type": "autocall"},
            [{"campaign_name": "Invalid type. Expected: string, given: integer"}],
        ),
        (
            {"campaign_name": "x", "type": "autocall", "concurrent_call": 1.5},
            [{"concurrent_call": "Invalid type. Expected: integer, given: number"}],
        ),
    ],
)
def test_a_wrong_create_is_refused_in_the_vendors_words(tenant: Tenant, body: Any, text: Any) -> None:
    assert error(tenant.call("POST", "/v3/campaign", body)) == text
    assert tenant.vendor.snapshot()["campaigns"] == {}
    tenant.switch(invalid_code="422")
    assert tenant.call("POST", "/v3/campaign", body).status_code == 422


@pytest.mark.parametrize("code", ["400", "409", "422"])
def test_a_name_is_taken_once_by_create_and_put(tenant: Tenant, code: str) -> None:
    tenant.switch(taken_code=code)
    tenant.campaign("Spring")
    other = tenant.campaign("Autumn")
    again = tenant.call("POST", "/v3/campaign", {"campaign_name": "Spring", "type": "autocall"})
    assert error(again, int(code)) == "campaign_name is already taken"
    assert error(tenant.put(other, campaign_name="Spring"), int(code)) == "campaign_name is already taken"
    assert tenant.put(other, campaign_name="Autumn").status_code == 200
    assert tenant.read(other)["campaign_name"] == "Autumn"


def test_the_list_has_no_schedules_and_the_derived_names(tenant: Tenant) -> None:
    tenant.vendor.seed()
    id = tenant.campaign()
    carrier = tenant.get("/v3/carrier").json()["data"][0]
    (listed,) = [row for row in tenant.get("/v3/campaign").json()["data"] if row["campaign_uuid"] == id]
    assert listed["schedules"] is None
    assert (listed["carrier_uuid"], listed["carrier_name"]) == (carrier["carrier_uuid"], "Viettel trunk A")
    one = tenant.read(id)
    assert (one["carrier_uuid"], one["carrier_name"]) == (carrier["carrier_uuid"], "")
    assert one["schedules"]
    tenant.switch(derived_names="both")
    assert tenant.read(id)["carrier_name"] == "Viettel trunk A"


def test_the_list_is_filtered_by_type_and_by_nothing_else(tenant: Tenant) -> None:
    tenant.campaign("One")
    tenant.campaign("Two", type="inbound")
    assert [row["campaign_name"] for row in tenant.get("/v3/campaign", type="inbound").json()["data"]] == ["Two"]
    assert tenant.get("/v3/campaign", type="").json()["total"] == 2
    assert tenant.get("/v3/campaign", campaign_name="One").json()["total"] == 2


# --- paging --------------------------------------------------------------------------------------------------------


def page(tenant: Tenant, **query: Any) -> tuple[list[str], int, int, int]:
    body = tenant.get("/v3/campaign", **query).json()
    return ([row["campaign_name"] for row in body["data"]], body["limit"], body["offset"], body["total"])


def test_pages_are_ten_from_nought_unless_asked_otherwise(tenant: Tenant) -> None:
    for n in range(12):
        tenant.campaign(f"{n:02}")
    assert page(tenant) == ([f"{n:02}" for n in range(11, 1, -1)], 10, 0, 12)
    assert page(tenant, limit=3, offset=10) == (["01", "00"], 3, 10, 12)
    assert page(tenant, limit="all", offset=-1)[1:] == (10, 0, 12)
    assert page(tenant, offset=50) == ([], 10, 50, 12)


def test_a_capped_page_says_what_was_given_or_what_was_asked(tenant: Tenant) -> None:
    for n in range(11):
        tenant.campaign(f"{n:02}")
    tenant.switch(page_cap="10")
    names, limit, _, total = page(tenant, limit=1000)
    assert (len(names), limit, total) == (10, 10, 11)
    tenant.switch(page_echo="asked")
    assert page(tenant, limit=1000)[1] == 1000
    tenant.switch(page_cap="none")
    assert len(page(tenant, limit=1000)[0]) == 11


def test_the_order_of_rows(tenant: Tenant) -> None:
    for name in ("old", "new"):
        tenant.campaign(name)
    lists = [row["list_name"] for row in tenant.get("/v3/list").json()["data"]]
    assert (page(tenant)[0], lists[0]) == (["new", "old"], "Default Outbound Call")
    tenant.switch(order="oldest")
    assert page(tenant)[0] == ["old", "new"]
    tenant.switch(order="newest")
    assert tenant.get("/v3/list").json()["data"][-1]["list_name"] == "Default Outbound Call"


# --- carriers, templates, and the rest -----------------------------------------------------------------------------


def test_carriers(tenant: Tenant) -> None:
    body = {"carrier_name": "Billing03", "gateway_uuid": "g", "concurrent_call": 20, "dial_type": "sip_one_for_all"}
    answer = tenant.call("POST", "/v3/carrier", body).json()
    id = answer["carrier_uuid"]
    assert answer == {"carrier_uuid": id, "created": True}
    assert error(tenant.call("POST", "/v3/carrier", body)) == "carrier_name is exists"
    assert error(tenant.call("POST", "/v3/carrier", {"carrier_name": "x"}))[0] == {"(root)": "gateway_uuid is required"}
    assert tenant.call("PUT", f"/v3/carrier/{id}", body | {"concurrent_call": 5}).json() == {"carrier_uuid": id}
    (carrier,) = tenant.get("/v3/carrier").json()["data"]
    assert (carrier["carrier_name"], carrier["concurrent_call"]) == ("Billing03", 5)
    deleted = tenant.call("DELETE", f"/v3/carrier/{id}").json()
    assert (deleted["created"], deleted["carrier_uuid"] == id) == (True, False)
    assert error(tenant.call("DELETE", f"/v3/carrier/{id}"), 404) == "carrier_name is not exists"
    assert error(tenant.call("PUT", f"/v3/carrier/{id}", body), 404) == "Not Found"


def test_templates_are_written_one_way_and_read_another(tenant: Tenant) -> None:
    option = {"press_num": "1", "toggled": False, "voice_type": "tts", "content": "Cám ơn", "extension": "5000"}
    body = {"template_name": "thong_bao", "voice_type": "tts", "press_options": [option]}
    answer = tenant.call("POST", "/v3/template", body).json()
    id = answer["template_uuid"]
    assert answer == {"created": "true", "template_uuid": id}
    read = tenant.get(f"/v3/template/{id}").json()
    assert read["press_options"] == [{"1": {"content": "Cám ơn", "voice_type": "tts"}}]
    assert tenant.get("/v3/template", template_name="thong_bao").json()["data"] == [read]
    assert tenant.get("/v3/template", template_name="other").json()["total"] == 0
    assert error(tenant.call("POST", "/v3/template", body)) == "template is existed!"
    assert error(tenant.call("PUT", f"/v3/template/{id}", {})) == [{"(root)": "template_name is required"}]
    changed = tenant.call("PUT", f"/v3/template/{id}", {"template_name": "thong_bao"}).json()
    assert changed == {"created": True, "template_uuid": id, "updated": "true"}
    assert "press_options" not in tenant.get(f"/v3/template/{id}").json()
    assert tenant.call("DELETE", f"/v3/template/{id}").json() == {"deleted": "true", "template_uuid": id}
    assert error(tenant.get(f"/v3/template/{id}"), 404) == "Not Found"


def test_the_seed_has_what_nobody_declared(tenant: Tenant) -> None:
    tenant.vendor.seed()
    state = tenant.vendor.snapshot()
    assert {kind: len(rows) for kind, rows in state.items()} == {
        "campaigns": 2,
        "lists": 4,
        "leads": 3,
        "carriers": 2,
        "templates": 2,
        "gateways": 1,
        "users": 3,
    }
    assert sum(tenant.vendor.dials().values()) == 3
    assert [row["extension"] for row in tenant.get("/v3/user").json()["data"]] == ["101", "102", "103"]
    assert tenant.get("/v3/gateway").json()["total"] == 1


def test_the_panel_makes_changes_and_removes_every_kind(tenant: Tenant) -> None:
    edit = tenant.vendor.edit
    campaign = edit("campaign", None, {"campaign_name": "By hand", "type": "autocall"})
    list_uuid = edit("list", None, {"campaign_uuid": campaign, "list_name": "By hand"})
    lead = edit("lead", None, {"list_uuid": list_uuid, "phone_number": NUMBER})
    carrier = edit("carrier", None, {"carrier_name": "Trunk"})
    assert edit("campaign", campaign, {"hopper": 99}) == campaign
    assert edit("list", list_uuid, {"active": False}) == list_uuid
    assert edit("lead", lead, {"lead_name": "An"}) == lead
    assert edit("carrier", carrier, {"carrier_name": "Renamed"}) == carrier
    state = tenant.vendor.snapshot()
    assert state["campaigns"][campaign]["hopper"] == 99
    assert state["lists"][list_uuid]["active"] is False
    assert state["leads"][lead]["lead_name"] == "An"
    assert state["carriers"][carrier]["carrier_name"] == "Renamed"
    for kind, id in (("lead", lead), ("carrier", carrier), ("campaign", campaign)):
        edit(kind, id, None)
        with pytest.raises(LookupError):
            edit(kind, id, {})
    assert list_uuid not in tenant.vendor.snapshot()["lists"]
    with pytest.raises(LookupError):
        edit("nonsense", "x", {})


def test_a_snapshot_is_a_copy(tenant: Tenant) -> None:
    id = tenant.campaign()
    before = tenant.stored("campaigns", id)
    tenant.put(id, hopper=55)
    assert before["hopper"] == 20


def test_ten_thousand_campaigns_are_listed_to_the_end(tenant: Tenant) -> None:
    for n in range(10_000):
        tenant.vendor.edit("campaign", None, {"campaign_name": str(n), "type": "autocall"})
    seen: set[str] = set()
    for offset in range(0, 10_000, 500):
        body = tenant.get("/v3/campaign", limit=1000, offset=offset).json()
        assert (body["limit"], body["total"]) == (500, 10_000)
        seen.update(row["campaign_uuid"] for row in body["data"])
    assert len(seen) == 10_000


def test_every_switch_has_at_least_two_values() -> None:
    assert all(len(set(values)) == len(values) >= 2 for values in SWITCHES.values())
