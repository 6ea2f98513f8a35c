"""The simulated TEL4VN: lists, leads, and how often each number would be called."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.tel4vn import NUMBER, Tenant, error


@pytest.fixture
def tenant() -> Tenant:
    return Tenant()


# --- lists ---------------------------------------------------------------------------------------------------------


def test_a_list_is_created_read_and_listed_beside_the_platforms_own(tenant: Tenant) -> None:
    campaign = tenant.campaign()
    answer = tenant.call("POST", "/v3/list", {"campaign_uuid": campaign, "list_name": "People"}).json()
    id = answer["list_uuid"]
    assert answer == {"created": True, "list_uuid": id}
    tenant.multi(id, "0351111111", "0352222222")
    one = tenant.get(f"/v3/list/{id}").json()
    assert (one["list_name"], one["campaign_uuid"], one["campaign_name"]) == ("People", campaign, "Spring")
    assert (one["total_leads"], one["total_success"], one["active"], one["recall_status"]) == (2, 2, True, None)
    listed = tenant.get("/v3/list").json()
    assert listed["data"][-1] == one
    assert listed["total"] == 4
    strangers = {row["domain_uuid"] for row in listed["data"][:3]}
    assert strangers.isdisjoint({one["domain_uuid"]})


def test_a_list_name_is_taken_in_the_tenant_or_in_the_campaign(tenant: Tenant) -> None:
    first, second = tenant.campaign("One"), tenant.campaign("Two")
    tenant.list(first, "People")
    elsewhere = {"campaign_uuid": second, "list_name": "People"}
    assert error(tenant.call("POST", "/v3/list", elsewhere)) == "list_name is exists"
    tenant.switch(list_names="campaign", taken_code="409")
    assert tenant.call("POST", "/v3/list", elsewhere).status_code == 200
    assert error(tenant.call("POST", "/v3/list", elsewhere), 409) == "list_name is exists"


def test_a_list_needs_a_campaign_and_a_name(tenant: Tenant) -> None:
    short = "String length must be greater than or equal to 1"
    assert error(tenant.call("POST", "/v3/list", {})) == [{"campaign_uuid": short}, {"list_name": short}]
    gone = {"campaign_uuid": "none", "list_name": "People"}
    assert error(tenant.call("POST", "/v3/list", gone), 404) == "Not Found"


def test_a_list_is_switched_off_and_deleted(tenant: Tenant) -> None:
    id = tenant.list(tenant.campaign())
    tenant.lead(id)
    path = f"/v3/list/{id}"
    assert error(tenant.call("PATCH", f"{path}/active", {})) == "active is missing"
    assert tenant.call("PATCH", f"{path}/active", {"active": False}).json() == {"active": False, "list_uuid": id}
    assert tenant.get(path).json()["active"] is False
    assert tenant.call("DELETE", path).json() == {"list_uuid": id}
    assert error(tenant.call("DELETE", path), 404) == "Not Found"
    assert error(tenant.call("PATCH", f"{path}/active", {"active": True}), 404) == "Not Found"
    assert tenant.get("/v3/lead").json()["total"] == 0


def test_the_platforms_lists_are_not_ours(tenant: Tenant) -> None:
    id = tenant.get("/v3/list").json()["data"][0]["list_uuid"]
    assert error(tenant.call("DELETE", f"/v3/list/{id}"), 404) == "Not Found"
    assert error(tenant.lead(id), 404) == "Not Found"


@pytest.mark.parametrize(("orphans", "left"), [("deleted", (3, 0)), ("kept", (4, 1))])
def test_what_is_left_of_a_deleted_campaign(tenant: Tenant, orphans: str, left: tuple[int, int]) -> None:
    tenant.switch(orphans=orphans)
    campaign = tenant.campaign()
    tenant.lead(tenant.list(campaign))
    tenant.call("PATCH", f"/v3/campaign/{campaign}/active", {"active": False})
    tenant.call("DELETE", f"/v3/campaign/{campaign}")
    assert (tenant.get("/v3/list").json()["total"], tenant.get("/v3/lead").json()["total"]) == left


def test_leads_of_a_deleted_list_may_stay(tenant: Tenant) -> None:
    tenant.switch(orphans="kept")
    id = tenant.list(tenant.campaign())
    tenant.lead(id)
    tenant.call("DELETE", f"/v3/list/{id}")
    (lead,) = tenant.get("/v3/lead").json()["data"]
    assert (lead["list_uuid"], lead["list_name"], lead["campaign_uuid"]) == (id, "", "")


# --- leads ---------------------------------------------------------------------------------------------------------


def test_a_lead_is_created_and_read_back_as_in_the_samples(tenant: Tenant) -> None:
    campaign = tenant.campaign()
    list_uuid = tenant.list(campaign)
    answer = tenant.lead(list_uuid, lead_name="Demo01", lead_code="DP01", additional={"due": 5}, unknown="x")
    id = answer.json()["lead_uuid"]
    assert answer.json() == {"created": True, "lead_uuid": id}
    lead = tenant.get(f"/v3/lead/{id}").json()
    expected = {
        "phone_number": NUMBER,
        "lead_name": "Demo01",
        "lead_code": "DP01",
        "list_name": "People",
        "campaign_uuid": campaign,
        "campaign_name": "Spring",
        "status": "NEW",
        "alt_status": "new",
        "last_call_time": "1970-01-01T08:00:01+08:00",
        "identity_issued_on": "0001-01-01T00:00:00Z",
        "additional": '{"due":5}',
    }
    assert {name: lead[name] for name in expected} == expected
    assert "unknown" not in lead
    assert error(tenant.get("/v3/lead/none"), 404) == "Not Found"


@pytest.mark.parametrize("number", ["84349719999", "+84349719999", "02873003586", "034971999", "0349719999\n", ""])
def test_numbers_that_the_rule_does_not_take(tenant: Tenant, number: str) -> None:
    pattern = {"phone_number": "Does not match pattern '^(84|0[3|5|7|8|9])+([0-9]{8})$'"}
    short = [{"phone_number": "String length must be greater than or equal to 1"}] if not number else []
    assert error(tenant.lead(tenant.list(tenant.campaign()), number)) == [*short, pattern]
    assert tenant.vendor.dials() == {}


def test_a_lead_needs_a_list_of_36_characters_that_exists(tenant: Tenant) -> None:
    assert error(tenant.lead("short")) == [{"list_uuid": "String length must be greater than or equal to 36"}]
    assert error(tenant.lead("x" * 36), 404) == "Not Found"
    assert error(tenant.call("POST", "/v3/lead", {})) == [
        {"(root)": "list_uuid is required"},
        {"(root)": "phone_number is required"},
    ]


def test_many_leads_at_once_come_back_with_their_row_as_text(tenant: Tenant) -> None:
    list_uuid = tenant.list(tenant.campaign())
    assert tenant.multi(list_uuid, "0351111111", NUMBER).json() == {"message": "success", "total_insert": 2}
    newest, _ = tenant.get("/v3/lead", list_uuid=list_uuid).json()["data"]
    assert newest["additional"] == (
        '{"after_day":0,"contract_number":"","lead_code":"","lead_name":"","phone_number":"0349719999"}'
    )


def test_a_batch_says_what_is_missing_or_wrong(tenant: Tenant) -> None:
    list_uuid = tenant.list(tenant.campaign())

    def post(body: Any) -> httpx.Response:
        return tenant.call("POST", "/v3/lead/multi", body)

    assert error(post({"data": []})) == "list_uuid is missing"
    assert error(post({"list_uuid": list_uuid})) == [{"(root)": "data is required"}]
    wrong = {"list_uuid": list_uuid, "data": [NUMBER]}
    assert error(post(wrong)) == [{"data": "Invalid type. Expected: object, given: string"}]
    assert error(post({"list_uuid": list_uuid, "data": None})) == [
        {"data": "Invalid type. Expected: object, given: null"}
    ]


def test_one_bad_number_spoils_the_batch_or_is_left_out(tenant: Tenant) -> None:
    list_uuid = tenant.list(tenant.campaign())
    assert tenant.multi(list_uuid, NUMBER, "12").status_code == 400
    assert tenant.vendor.dials() == {}
    tenant.switch(multi_invalid="skipped")
    assert tenant.multi(list_uuid, NUMBER, "12").json()["total_insert"] == 1
    assert tenant.vendor.dials() == {"+84349719999": 1}


def test_a_batch_may_be_too_long(tenant: Tenant) -> None:
    list_uuid = tenant.list(tenant.campaign())
    tenant.switch(multi_max="100")
    numbers = [f"03{n:08}" for n in range(101)]
    assert error(tenant.multi(list_uuid, *numbers)) == [{"data": "Array must have at most 100 items"}]
    assert tenant.multi(list_uuid, *numbers[:100]).json()["total_insert"] == 100


def test_a_partial_batch(tenant: Tenant) -> None:
    list_uuid = tenant.list(tenant.campaign())
    tenant.first_items = 1
    assert tenant.multi(list_uuid, "0351111111", "0352222222").json()["total_insert"] == 1
    assert tenant.vendor.dials() == {"+84351111111": 1}


def test_a_second_lead_is_a_second_call(tenant: Tenant) -> None:
    list_uuid = tenant.list(tenant.campaign())
    first = tenant.lead(list_uuid).json()["lead_uuid"]
    assert tenant.lead(list_uuid).json()["lead_uuid"] != first
    assert tenant.vendor.dials() == {"+84349719999": 2}


def test_duplicates_may_be_refused(tenant: Tenant) -> None:
    tenant.switch(duplicate_leads="refused", taken_code="409")
    list_uuid = tenant.list(tenant.campaign())
    tenant.lead(list_uuid)
    assert error(tenant.lead(list_uuid), 409) == "phone_number is duplicate"
    assert error(tenant.multi(list_uuid, "0351111111", NUMBER), 409) == "phone_number is duplicate"
    assert error(tenant.multi(list_uuid, "0351111111", "0351111111"), 409) == "phone_number is duplicate"
    assert tenant.vendor.dials() == {"+84349719999": 1}


def test_duplicates_may_be_ignored(tenant: Tenant) -> None:
    tenant.switch(duplicate_leads="ignored")
    list_uuid = tenant.list(tenant.campaign())
    first = tenant.lead(list_uuid).json()
    assert tenant.lead(list_uuid).json() == first
    assert tenant.multi(list_uuid, NUMBER, "0351111111", "0351111111").json()["total_insert"] == 1
    assert tenant.vendor.dials() == {"+84349719999": 1, "+84351111111": 1}


@pytest.mark.parametrize(("scope", "accepted"), [("list", [1, 1]), ("campaign", [0, 1]), ("tenant", [0, 0])])
def test_how_far_a_duplicate_is_looked_for(tenant: Tenant, scope: str, accepted: list[int]) -> None:
    tenant.switch(duplicate_leads="ignored", duplicate_scope=scope)
    campaign = tenant.campaign("One")
    tenant.lead(tenant.list(campaign, "First"))
    beside, elsewhere = tenant.list(campaign, "Second"), tenant.list(tenant.campaign("Two"), "Third")
    counts = [tenant.multi(list_uuid, NUMBER).json()["total_insert"] for list_uuid in (beside, elsewhere)]
    assert counts == accepted


def test_leads_are_found_by_list_campaign_and_number(tenant: Tenant) -> None:
    one, two = tenant.campaign("One"), tenant.campaign("Two")
    first, second = tenant.list(one, "First"), tenant.list(two, "Second")
    tenant.multi(first, NUMBER, "0351111111")
    tenant.multi(second, NUMBER)

    def found(**query: Any) -> int:
        return int(tenant.get("/v3/lead", **query).json()["total"])

    assert found() == 3
    assert found(list_uuid=first) == 2
    assert found(campaign_uuid=two) == 1
    assert found(phone_number=NUMBER) == 2
    assert found(list_uuid=first, phone_number=NUMBER) == 1
    assert found(campaign_uuid=one, phone_number="0351111111") == 1
    assert found(phone_number="0390000000") == found(list_uuid="none") == 0
    assert found(phone_number="3497") == 0
    tenant.switch(number_filter="contains")
    assert found(phone_number="3497") == 2
    assert found(phone_number="3497", list_uuid=second) == 1


def test_a_lead_put_replaces_the_fields_and_a_new_number_is_a_new_call(tenant: Tenant) -> None:
    list_uuid = tenant.list(tenant.campaign())
    tenant.multi(list_uuid, NUMBER)
    (lead,) = tenant.get("/v3/lead").json()["data"]
    path = f"/v3/lead/{lead['lead_uuid']}"
    body = {"lead_uuid": lead["lead_uuid"], "phone_number": NUMBER, "lead_name": "An", "additional": ""}
    assert tenant.call("PUT", path, body).json() == {"lead_uuid": lead["lead_uuid"]}
    assert tenant.get(path).json() == lead | {"lead_name": "An"}
    assert tenant.vendor.dials() == {"+84349719999": 1}
    tenant.call("PUT", path, body | {"phone_number": "03497191211", "lead_name": ""})
    assert tenant.vendor.dials() == {"+84349719999": 1, "+843497191211": 1}
    assert tenant.get("/v3/lead", phone_number=NUMBER).json()["total"] == 0
    assert tenant.get("/v3/lead", phone_number="03497191211").json()["total"] == 1


def test_a_lead_put_checks_little_or_much_and_zeroes_or_keeps(tenant: Tenant) -> None:
    list_uuid = tenant.list(tenant.campaign())
    id = tenant.lead(list_uuid, lead_name="An").json()["lead_uuid"]
    path = f"/v3/lead/{id}"
    assert error(tenant.call("PUT", path, {"lead_uuid": id})) == [{"(root)": "phone_number is required"}]
    short = {"lead_uuid": id, "phone_number": NUMBER}
    tenant.switch(put="keep")
    tenant.call("PUT", path, short)
    assert tenant.get(path).json()["lead_name"] == "An"
    tenant.switch(put="zero", put_number="checked")
    tenant.call("PUT", path, short)
    assert tenant.get(path).json()["lead_name"] == ""
    assert tenant.call("PUT", path, short | {"phone_number": "03497191211"}).status_code == 400
    assert error(tenant.call("PUT", "/v3/lead/none", short), 404) == "Not Found"


def test_a_withdrawn_lead_stays_counted(tenant: Tenant) -> None:
    list_uuid = tenant.list(tenant.campaign())
    id = tenant.lead(list_uuid).json()["lead_uuid"]
    assert tenant.call("DELETE", f"/v3/lead/{id}").json() == {"lead_uuid": id}
    assert error(tenant.call("DELETE", f"/v3/lead/{id}"), 404) == "Not Found"
    assert tenant.get("/v3/lead").json()["total"] == 0
    tenant.lead(list_uuid)
    assert tenant.vendor.dials() == {"+84349719999": 2}
