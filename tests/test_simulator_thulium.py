"""The simulated Thulium account against its dossier: what its pages print, and every switch for what they leave open."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from reconciler.simulator.thulium import Thulium
from tests.simulated import Simulated

HEADERS = {"Authorization": f"Basic {b64encode(b'api_user:thulium-simulator-password').decode()}"}
ONE = "333444555"
RECORDS, BATCH = "/outbounds/00001/records", "/batch/outbounds/00001/records"
CRM, CRM_BATCH = "/crm_outbounds/00002/records", "/batch/crm_outbounds/00002/records"


@pytest.fixture
def thulium() -> Simulated:
    """An account with an empty CSV and an empty CRM campaign, two agents and two customers."""
    made = Simulated(Thulium, HEADERS)
    edit = made.vendor.edit
    edit("campaign", None, {"name": "Odnowienia", "structure": ["field1", "field2"], "group_id": 4})
    edit("campaign", None, {"name": "Badanie", "kind": "crm"})
    for login in ("j.doe", "a.nowak"):
        edit("agent", None, {"login": login, "name": login.upper(), "number": "201"})
    for id, number in (("7", "333444556"), ("8", "333444557")):
        edit("customer", None, {"customer_id": id, "phone_number": number})
    return made


def add(made: Simulated, *numbers: str, **fields: Any) -> dict[str, Any]:
    body = {"records": [{"phone_number": number, **fields} for number in numbers]}
    results: dict[str, Any] = made.call("POST", BATCH, body).json()
    return results


def numbers(made: Simulated, path: str = RECORDS, **query: Any) -> list[str]:
    return [record["phone_number"] for record in made.get(path, **query).json()["result"]]


def test_every_call_needs_the_password(thulium: Simulated) -> None:
    for headers in ({}, {"Authorization": "Basic eDp5"}):
        answer = thulium.call("GET", "/outbounds", headers=headers)
        assert answer.status_code == 401
        assert set(answer.json()) == {"request_id", "errors"}
        assert int(answer.json()["request_id"], 16)
        assert set(answer.json()["errors"][0]) == {"message", "code"}


def test_a_user_who_may_only_read_meets_403_when_writing(thulium: Simulated) -> None:
    thulium.switch(permissions="read")
    assert thulium.get("/outbounds").status_code == 200
    assert thulium.call("PUT", "/outbounds/00001", {"name": "x"}).status_code == 403


# ---- campaigns


def test_the_list_with_all_fields_and_ids_of_five_characters(thulium: Simulated) -> None:
    first = thulium.get("/outbounds").json()[0]
    assert first == {
        "id": "00001",
        "name": "Odnowienia",
        "dialer": "preview",
        "active": True,
        "start_date": "2026-06-01",
        "end_date": "",
        "order": 50,
        "parity": 50,
        "parameters": {},
        "group_id": 4,
    }


def test_the_list_as_text_or_with_names_only(thulium: Simulated) -> None:
    thulium.vendor.edit("campaign", "00001", {"parameters": {"preview_timeout": 30}})
    thulium.switch(outbounds_fields="text")
    first = thulium.get("/outbounds").json()[0]
    assert (first["active"], first["order"], first["parameters"]) == ("1", "50", {"preview_timeout": "30"})
    thulium.switch(outbounds_fields="minimal")
    assert thulium.get("/outbounds").json()[1] == {"id": "00002", "name": "Badanie"}


def test_the_list_in_pages(thulium: Simulated) -> None:
    thulium.switch(outbounds_shape="paged", outbounds_fields="minimal")
    page = thulium.get("/outbounds", limit=1, offset=1).json()
    assert page == {"count": 2, "result": [{"id": "00002", "name": "Badanie"}]}


def test_put_keeps_or_resets_what_is_left_out(thulium: Simulated) -> None:
    thulium.vendor.edit("campaign", "00001", {"active": False, "order": 7})
    answer = thulium.call("PUT", "/outbounds/00001", {"dialer": "progressive", "end_date": "2026-06-30"})
    assert (answer.status_code, answer.content) == (204, b"")
    kept = thulium.get("/outbounds").json()[0]
    assert (kept["dialer"], kept["end_date"], kept["active"], kept["order"]) == (
        "progressive",
        "2026-06-30",
        False,
        7,
    )
    thulium.switch(put_omitted="reset")
    thulium.call("PUT", "/outbounds/00001", {"parity": 3})
    reset = thulium.get("/outbounds").json()[0]
    assert (reset["parity"], reset["active"], reset["order"], reset["dialer"]) == (3, True, 50, "progressive")


def test_put_merges_or_replaces_the_parameters(thulium: Simulated) -> None:
    for parameters in ({"caller_id": "333"}, {"preview_timeout": 30}):
        thulium.call("PUT", "/outbounds/00001", {"parameters": parameters})
    merged = thulium.get("/outbounds").json()[0]["parameters"]
    assert merged == {"caller_id": "333", "preview_timeout": 30}
    thulium.switch(put_parameters="replaced")
    thulium.call("PUT", "/outbounds/00001", {"parameters": {"predictive_max_calls": 1.5}})
    assert thulium.get("/outbounds").json()[0]["parameters"] == {"predictive_max_calls": 1.5}


@pytest.mark.parametrize(
    "body",
    [
        {"name": ""},
        {"dialer": "robot"},
        {"active": "yes"},
        {"start_date": "01.06.2026"},
        {"order": 0},
        {"order": 100000},
        {"parity": 101},
        {"parameters": []},
        {"group_id": "4"},
        {"colour": "red"},
        ["name"],
    ],
)
def test_put_refuses_what_its_page_does_not_allow(thulium: Simulated, body: object) -> None:
    before = thulium.get("/outbounds").json()
    assert thulium.call("PUT", "/outbounds/00001", body).status_code == 400
    assert thulium.get("/outbounds").json() == before


def test_an_unknown_field_may_be_ignored(thulium: Simulated) -> None:
    thulium.switch(unknown_field="ignored")
    assert thulium.call("PUT", "/outbounds/00001", {"colour": "red"}).status_code == 204
    assert "colour" not in thulium.get("/outbounds").json()[0]


def test_an_unknown_campaign_is_404(thulium: Simulated) -> None:
    for method, path in (("PUT", "/outbounds/00009"), ("GET", "/outbounds/00009/records")):
        assert thulium.call(method, path, {"name": "x"}).status_code == 404


def test_creating_is_closed_unless_opened(thulium: Simulated) -> None:
    for closed in ("404", "403"):
        thulium.switch(create=closed)
        assert thulium.call("POST", "/outbounds", {"name": "Nowa"}).status_code == int(closed)
    thulium.switch(create="open")
    assert thulium.call("POST", "/outbounds", {"order": 3}).status_code == 400
    answer = thulium.call("POST", "/outbounds", {"name": "Nowa", "order": 3})
    assert (answer.status_code, answer.json()) == (201, {"id": "00003"})
    thulium.call("POST", "/outbounds", {"name": "Nowa"})
    assert [row["name"] for row in thulium.get("/outbounds").json()[2:]] == ["Nowa", "Nowa"]


def test_removal_is_queued_and_done_hours_later(thulium: Simulated) -> None:
    path = "/batch/outbounds?id[]=00001&id[]=00009"
    assert thulium.call("DELETE", path).json() == [
        {"http_status": 200, "id": "00001", "status": "REMOVAL_QUEUED"},
        {"http_status": 404, "id": "00009", "status": "NOT_EXIST"},
    ]
    assert thulium.call("DELETE", path).json()[0] == {
        "http_status": 400,
        "id": "00001",
        "status": "ALREADY_QUEUED",
    }
    assert len(thulium.get("/outbounds").json()) == 2
    thulium.later(hours=2)
    assert [row["id"] for row in thulium.get("/outbounds").json()] == ["00002"]
    assert thulium.call("DELETE", path).json()[0]["status"] == "NOT_EXIST"


def test_a_queued_campaign_may_be_hidden(thulium: Simulated) -> None:
    thulium.switch(queued_campaign="hidden")
    thulium.call("DELETE", "/outbounds/00001")
    assert [row["id"] for row in thulium.get("/outbounds").json()] == ["00002"]
    assert thulium.get(RECORDS).status_code == 404
    assert thulium.call("DELETE", "/outbounds/00001").status_code == 400


def test_a_single_removal_is_queued_or_done_at_once(thulium: Simulated) -> None:
    assert thulium.call("DELETE", "/outbounds/00001").status_code == 204
    assert len(thulium.get("/outbounds").json()) == 2
    thulium.switch(delete_one="at_once")
    assert thulium.call("DELETE", "/outbounds/00002").status_code == 204
    assert len(thulium.get("/outbounds").json()) == 1
    assert thulium.call("DELETE", "/outbounds/00002").status_code == 404


def test_the_removal_time_can_be_none(thulium: Simulated) -> None:
    thulium.switch(removal_time="0s")
    thulium.call("DELETE", "/outbounds/00001")
    assert len(thulium.get("/outbounds").json()) == 1


def test_a_removal_without_ids_is_400(thulium: Simulated) -> None:
    assert thulium.call("DELETE", "/batch/outbounds").status_code == 400


def test_statistics_of_active_campaigns(thulium: Simulated) -> None:
    add(thulium, "111222333", ONE)
    thulium.vendor.edit("call", ONE, {"system_status": "NO_CALL"})
    assert thulium.get("/outbounds/stats").json() == [
        {"id": "00001", "records_count": 2, "completion_percent": 50},
        {"id": "00002", "records_count": 0, "completion_percent": 0},
    ]
    thulium.vendor.edit("campaign", "00001", {"active": False})
    assert [row["id"] for row in thulium.get("/outbounds/stats").json()] == ["00002"]


def test_a_status_id_is_text_in_the_list_and_a_number_in_a_record(thulium: Simulated) -> None:
    first = thulium.get("/outbounds/00001/statuses").json()[0]
    assert first == {
        "system_status": "TO_CALL",
        "status_id": "3",
        "dictionary_status_id": 1,
        "name": "Do dzwonienia",
    }
    assert add(thulium, ONE, status_id="5")[ONE]["record_id"] == "1"
    record = thulium.get(RECORDS).json()["result"][0]
    assert (record["status_id"], record["record_id"]) == (5, 1)


def test_agents_are_a_set(thulium: Simulated) -> None:
    for _ in range(2):
        answer = thulium.call("POST", "/outbounds/00001/add_agents", {"logins": ["j.doe", "a.nowak"]})
        assert (answer.status_code, answer.content) == (201, b"")
    thulium.switch(agents_code="204")
    for _ in range(2):
        answer = thulium.call("POST", "/outbounds/00001/remove_agents", {"logins": ["a.nowak"]})
        assert answer.status_code == 204
    assert thulium.get("/outbounds/00001/agents").json() == [
        {"login": "j.doe", "number": "201", "active": True, "active_in_outbound": True, "agent_id": 1}
    ]


def test_repeating_an_agent_may_be_refused(thulium: Simulated) -> None:
    thulium.switch(agents_repeat="refused")
    assert thulium.call("POST", "/outbounds/00001/remove_agents", {"logins": ["j.doe"]}).status_code == 400
    assert thulium.call("POST", "/outbounds/00001/add_agents", {"logins": ["j.doe"]}).status_code == 201
    assert thulium.call("POST", "/outbounds/00001/add_agents", {"logins": ["j.doe"]}).status_code == 400


@pytest.mark.parametrize("body", [{}, {"logins": "j.doe"}, {"logins": ["nobody"]}])
def test_agents_that_cannot_be_added(thulium: Simulated, body: object) -> None:
    assert thulium.call("POST", "/outbounds/00001/add_agents", body).status_code == 400
    assert thulium.get("/outbounds/00001/agents").json() == []


# ---- reading records


def test_a_record_as_the_list_prints_it(thulium: Simulated) -> None:
    fields = {"identifier": "1234567890", "agent_login": "j.doe", "order": 9, "record_fields": {"field1": "v"}}
    add(thulium, ONE, **fields)
    assert thulium.get(RECORDS).json() == {
        "count": 1,
        "result": [
            {
                "record_id": 1,
                "phone_number": ONE,
                "system_status": "TO_CALL",
                "status": "Do dzwonienia",
                "status_id": 3,
                "call_date": "",
                "create_date": "2026-06-01 10:00",
                "next_call_date": "",
                "agent_name": "J.DOE",
                "agent_login": "j.doe",
                "last_note": "",
                "order": 9,
                "identifier": "1234567890",
            }
        ],
    }


def test_pages_hold_a_hundred_records_in_order_of_addition(thulium: Simulated) -> None:
    everybody = [f"333000{index:03}" for index in range(150)]
    add(thulium, *everybody)
    page = thulium.get(RECORDS).json()
    assert (page["count"], len(page["result"])) == (150, 100)
    assert numbers(thulium, limit=500, offset=100) == everybody[100:]
    assert numbers(thulium, limit=2, offset=1) == everybody[1:3]
    thulium.switch(limit_above_100="refused")
    assert thulium.get(RECORDS, limit=101).status_code == 400
    assert thulium.get(RECORDS, limit=100).status_code == 200


@pytest.mark.parametrize("query", [{"limit": "all"}, {"offset": "-1"}, {"call_date_from": "1.6.2026"}])
def test_a_page_that_cannot_be_read_is_400(thulium: Simulated, query: dict[str, str]) -> None:
    assert thulium.get(RECORDS, **query).status_code == 400


def test_filters(thulium: Simulated) -> None:
    add(thulium, "111222333", ONE)
    thulium.later(days=1)
    add(thulium, "111222444")
    thulium.vendor.edit("call", ONE, {"system_status": "NO_CALL"})
    assert numbers(thulium, create_date_from="2026-06-02") == ["111222444"]
    assert numbers(thulium, create_date_to="2026-06-01") == ["111222333", ONE]
    assert numbers(thulium, call_date_from="2026-06-02", call_date_to="2026-06-02") == [ONE]
    assert numbers(thulium, call_date_to="2026-06-30") == [ONE]
    assert numbers(thulium, f"{RECORDS}?status_id[]=5") == [ONE]
    several = f"{RECORDS}?system_status[]=TO_CALL&system_status[]=CALL"
    assert numbers(thulium, several) == ["111222333", "111222444"]


def test_one_record_may_show_its_fields(thulium: Simulated) -> None:
    add(thulium, ONE, record_fields={"field1": "v"})
    listed = thulium.get(RECORDS).json()["result"][0]
    assert thulium.get(f"{RECORDS}/{ONE}").json() == listed
    thulium.switch(read_one="with_fields")
    assert thulium.get(f"{RECORDS}/{ONE}").json() == listed | {"record_fields": {"field1": "v"}}
    thulium.switch(read_one="404")
    assert thulium.get(f"{RECORDS}/{ONE}").status_code == 404


def test_the_time_zone_is_a_switch(thulium: Simulated) -> None:
    thulium.switch(timezone="UTC")
    add(thulium, ONE)
    assert thulium.get(RECORDS).json()["result"][0]["create_date"] == "2026-06-01 08:00"


# ---- adding records


def test_adding_one_record_prints_its_id_as_text(thulium: Simulated) -> None:
    body = {
        "phone_number": "111222333",
        "status_id": "3",
        "record_fields": {"field1": "value1", "field2": "value2"},
    }
    answer = thulium.call("POST", RECORDS, body)
    assert (answer.status_code, answer.json()) == (201, {"record_id": "1"})


def test_adding_a_duplicate_alone_is_refused_or_answers_what_is_there(thulium: Simulated) -> None:
    add(thulium, ONE)
    assert thulium.call("POST", RECORDS, {"phone_number": ONE}).status_code == 400
    thulium.switch(single_duplicate="existing")
    answer = thulium.call("POST", RECORDS, {"phone_number": ONE})
    assert (answer.status_code, answer.json()) == (201, {"record_id": "1"})
    assert thulium.vendor.dials() == {"+48333444555": 1}


def test_a_batch_tells_about_every_number(thulium: Simulated) -> None:
    add(thulium, ONE)
    items: list[dict[str, Any]] = [
        {"phone_number": "111222333"},
        {"phone_number": ONE},
        {"phone_number": "x"},
        {"note": "none"},
    ]
    answer = thulium.call("POST", BATCH, {"records": items})
    results = answer.json()
    assert answer.status_code == 207
    assert results["111222333"] == {"http_status": 201, "status": "ADDED", "record_id": "2"}
    assert results[ONE] == {"http_status": 400, "status": "ALREADY_EXISTS", "record_id": "1"}
    assert (results["x"]["status"], results["x"]["http_status"]) == ("FAILED", 400)
    assert results["x"]["message"]
    assert results[""]["status"] == "FAILED"
    assert thulium.get(RECORDS).json()["count"] == 2


def test_a_batch_may_tell_no_ids_and_normalised_numbers(thulium: Simulated) -> None:
    thulium.switch(batch_record_id="absent", batch_key="normalised")
    assert add(thulium, "+48 333 444 555") == {ONE: {"http_status": 201, "status": "ADDED"}}


def test_two_rows_with_one_number_share_one_result(thulium: Simulated) -> None:
    assert add(thulium, ONE, ONE) == {ONE: {"http_status": 400, "status": "ALREADY_EXISTS", "record_id": "1"}}
    assert thulium.vendor.dials()["+48333444555"] == 1


@pytest.mark.parametrize(("code", "adds", "removes"), [("207", 207, 207), ("200", 200, 200), ("201", 201, 200)])
def test_the_status_of_a_batch_as_a_whole(thulium: Simulated, code: str, adds: int, removes: int) -> None:
    thulium.switch(batch_code=code)
    assert thulium.call("POST", BATCH, {"records": [{"phone_number": ONE}]}).status_code == adds
    assert thulium.call("PUT", BATCH, {"records": [{"phone_number": ONE}]}).status_code == removes
    assert thulium.call("DELETE", f"{BATCH}?phone_number[]={ONE}").status_code == removes


@pytest.mark.parametrize("body", [{}, {"records": {}}, {"records": ["x"]}, {"records": []}, []])
def test_a_batch_without_a_list_of_records_is_400(thulium: Simulated, body: object) -> None:
    assert thulium.call("POST", BATCH, body).status_code == 400


def test_a_body_that_is_not_json_is_400_in_the_vendors_words(thulium: Simulated) -> None:
    answer = thulium.call("POST", RECORDS, content=b"{")
    assert answer.status_code == 400
    assert answer.json()["errors"]


def test_a_batch_may_have_a_maximum(thulium: Simulated) -> None:
    thulium.switch(batch_max="100")
    items = [{"phone_number": f"333000{index:03}"} for index in range(101)]
    assert thulium.call("POST", BATCH, {"records": items}).status_code == 400
    assert thulium.call("POST", BATCH, {"records": items[:100]}).status_code == 207


def test_a_batch_cut_short_leaves_the_rest_out(thulium: Simulated) -> None:
    thulium.first_items = 1
    assert list(add(thulium, ONE, "111222333")) == [ONE]
    assert numbers(thulium) == [ONE]


@pytest.mark.parametrize(
    ("guard", "spelling", "status"),
    [
        ("exact", "+48 333 444 555", "ADDED"),
        ("exact", "333444666", "ADDED"),
        ("normalised", "+48 333 444 555", "ALREADY_EXISTS"),
        ("normalised", "0048333444555", "ALREADY_EXISTS"),
        ("additional", "333444666", "ALREADY_EXISTS"),
    ],
)
def test_what_counts_as_a_duplicate(thulium: Simulated, guard: str, spelling: str, status: str) -> None:
    thulium.switch(duplicate_guard=guard)
    imported = {"outbound_id": "00001", "phone_number": ONE, "additional_numbers": ["333444666"]}
    thulium.vendor.edit("record", None, imported)
    assert add(thulium, spelling)[spelling]["status"] == status


def test_an_identifier_may_have_to_be_unique(thulium: Simulated) -> None:
    assert add(thulium, ONE, "111222333", identifier="a")["111222333"]["status"] == "FAILED"
    thulium.switch(identifier_clash="accepted")
    assert add(thulium, "111222333", identifier="a")["111222333"]["status"] == "ADDED"


@pytest.mark.parametrize(
    "fields",
    [
        {"status_id": "404"},
        {"dictionary_status_id": 404},
        {"agent_login": "nobody"},
        {"next_call_date": "2026-06-01"},
        {"next_call_date": "2026-13-01 10:00"},
        {"record_fields": {"field3": "x"}},
        {"order": "first"},
        {"customer_id": 7},
    ],
)
def test_a_record_that_breaks_a_rule_fails(thulium: Simulated, fields: dict[str, Any]) -> None:
    assert add(thulium, ONE, **fields)[ONE]["status"] == "FAILED"
    assert thulium.call("POST", RECORDS, {"phone_number": ONE, **fields}).status_code == 400
    assert thulium.vendor.dials() == {}


def test_some_statuses_need_an_agent_or_a_date() -> None:
    seeded = Simulated(Thulium, HEADERS)
    seeded.vendor.seed()
    later, mine = {"status_id": 8}, {"status_id": 9, "next_call_date": "2026-06-02 12:24"}
    assert add(seeded, "500", **later)["500"]["status"] == "FAILED"
    assert add(seeded, "500", **mine)["500"]["status"] == "FAILED"
    assert add(seeded, "500", **mine, agent_login="j.doe")["500"]["status"] == "ADDED"


def test_the_status_of_a_record_added_without_one(thulium: Simulated) -> None:
    thulium.switch(status_omitted="none")
    add(thulium, ONE)
    record = thulium.get(RECORDS).json()["result"][0]
    assert (record["system_status"], record["status"], record["status_id"]) == ("", "", "")


def test_which_of_two_statuses_goes_first(thulium: Simulated) -> None:
    add(thulium, ONE, status_id=3, dictionary_status_id=2)
    thulium.switch(status_both="dictionary_status_id")
    add(thulium, "111222333", status_id=3, dictionary_status_id=2)
    assert [row["status_id"] for row in thulium.get(RECORDS).json()["result"]] == [3, 5]


# ---- changing records


@pytest.mark.parametrize("path", [f"{RECORDS}/{ONE}", f"{RECORDS}_by_identifier/a"])
def test_changing_one_record(thulium: Simulated, path: str) -> None:
    add(thulium, ONE, identifier="a", record_fields={"field1": "v", "field2": "w"})
    body = {
        "dictionary_status_id": 2,
        "record_fields": {"field1": ""},
        "next_call_date": "2026-06-02 12:24",
    }
    answer = thulium.call("PUT", path, body)
    assert (answer.status_code, answer.content) == (204, b"")
    thulium.switch(read_one="with_fields")
    record = thulium.get(f"{RECORDS}/{ONE}").json()
    assert (record["system_status"], record["next_call_date"]) == ("NO_CALL", "2026-06-02 12:24")
    assert record["record_fields"] == {"field2": "w"}


def test_a_change_that_breaks_a_rule_changes_nothing(thulium: Simulated) -> None:
    add(thulium, ONE)
    before = thulium.get(RECORDS).json()
    body = {"next_call_date": "2026-06-02 12:24", "status_id": "404"}
    assert thulium.call("PUT", f"{RECORDS}/{ONE}", body).status_code == 400
    assert thulium.get(RECORDS).json() == before
    assert thulium.call("PUT", f"{RECORDS}/111222333", {}).status_code == 404
    assert thulium.call("PUT", f"{RECORDS}_by_identifier/b", {}).status_code == 404


def test_a_batch_change_tells_codes_without_words(thulium: Simulated) -> None:
    add(thulium, ONE)
    thulium.vendor.edit("record", None, {"outbound_id": "00001", "phone_number": "111222333"})
    thulium.vendor.edit("record", None, {"outbound_id": "00001", "phone_number": "111222333"})
    items = [{"phone_number": number, "status_id": 5} for number in (ONE, "111222333", "500")]
    results = thulium.call("PUT", BATCH, {"records": [*items, {"status_id": 5}]}).json()
    assert results[ONE] == {"http_status": 204}
    for failed in ("111222333", "500", ""):
        assert set(results[failed]) == {"http_status", "message"}
        assert results[failed]["http_status"] == 400
    assert thulium.call("PUT", f"{RECORDS}/111222333", {"status_id": 5}).status_code == 400


def test_a_batch_change_may_search_additional_numbers(thulium: Simulated) -> None:
    imported = {"outbound_id": "00001", "phone_number": ONE, "additional_numbers": ["333444666"]}
    thulium.vendor.edit("record", None, imported)
    body = {"records": [{"phone_number": "333444666", "status_id": 5}]}
    assert thulium.call("PUT", BATCH, body).json()["333444666"]["http_status"] == 400
    path = f"{BATCH}?search_in_additional_numbers=true"
    assert thulium.call("PUT", path, body).json() == {"333444666": {"http_status": 204}}


# ---- removing records


def test_removing_many_answers_a_list_per_number(thulium: Simulated) -> None:
    add(thulium, ONE, "111222333")
    thulium.vendor.edit("record", None, {"outbound_id": "00001", "phone_number": ONE})
    thulium.vendor.edit("call", "111222333", {})
    path = f"{BATCH}?phone_number[]={ONE}&phone_number[]=111222333&phone_number[]=500"
    assert thulium.call("DELETE", path).json() == {
        ONE: [
            {"http_status": 200, "status": "REMOVED", "record_id": 1},
            {"http_status": 200, "status": "REMOVED", "record_id": 3},
        ],
        "111222333": [{"http_status": 400, "status": "CALL_IN_PROGRESS"}],
        "500": [{"http_status": 404, "status": "NOT_EXIST"}],
    }
    assert numbers(thulium) == ["111222333"]
    assert thulium.call("DELETE", BATCH).status_code == 400


@pytest.mark.parametrize("path", [f"{RECORDS}/{ONE}", f"{RECORDS}_by_identifier/a"])
def test_removing_one(thulium: Simulated, path: str) -> None:
    add(thulium, ONE, identifier="a")
    answer = thulium.call("DELETE", path)
    assert (answer.status_code, answer.content) == (204, b"")
    assert thulium.call("DELETE", path).status_code == 404
    assert numbers(thulium) == []


@pytest.mark.parametrize("answer", ["400", "204"])
def test_a_record_in_a_call_is_never_removed(thulium: Simulated, answer: str) -> None:
    thulium.switch(single_in_call=answer)
    add(thulium, ONE)
    thulium.vendor.edit("call", ONE, {})
    assert thulium.get(RECORDS).json()["result"][0]["system_status"] == "IN_PROGRESS"
    assert thulium.call("DELETE", f"{RECORDS}/{ONE}").status_code == int(answer)
    assert numbers(thulium) == [ONE]
    thulium.vendor.edit("call", ONE, {"system_status": "CALL"})
    assert thulium.call("DELETE", f"{RECORDS}/{ONE}").status_code == 204


# ---- CRM campaigns


def test_a_crm_record_is_known_by_its_customer(thulium: Simulated) -> None:
    answer = thulium.call("POST", CRM, {"customer_id": "7", "order": 2})
    assert (answer.status_code, answer.json()) == (201, {"record_id": "1"})
    record = thulium.get(f"{CRM}/7").json()
    assert (record["customer_id"], record["phone_number"], record["order"]) == (7, "333444556", 2)
    assert "identifier" not in record
    assert thulium.call("PUT", f"{CRM}/7", {"order": 3}).status_code == 204
    assert thulium.get(CRM).json()["result"][0]["order"] == 3
    assert thulium.call("PUT", f"{CRM}/7", {"record_fields": {}}).status_code == 400
    assert thulium.call("DELETE", f"{CRM}/7").status_code == 204
    assert thulium.get(f"{CRM}/7").status_code == 404


def test_crm_batches_answer_one_result_per_customer(thulium: Simulated) -> None:
    body = {"records": [{"customer_id": 7}, {"customer_id": 9}]}
    first = thulium.call("POST", CRM_BATCH, body).json()
    assert first["7"] == {"http_status": 201, "status": "ADDED", "record_id": "1"}
    assert (first["9"]["http_status"], first["9"]["status"]) == (400, "FAILED")
    again = thulium.call("POST", CRM_BATCH, {"records": [{"customer_id": 7}]}).json()
    assert again == {"7": {"http_status": 400, "status": "ALREADY_EXISTS", "record_id": "1"}}
    assert thulium.call("DELETE", f"{CRM_BATCH}?customer_id[]=7&customer_id[]=8").json() == {
        "7": {"http_status": 200, "status": "REMOVED", "record_id": 1},
        "8": {"http_status": 404, "status": "NOT_EXIST"},
    }


def test_crm_records_in_order_of_their_next_call(thulium: Simulated) -> None:
    for customer, date in ((7, "2026-06-03 10:00"), (8, "2026-06-02 10:00")):
        thulium.call("POST", CRM, {"customer_id": customer, "next_call_date": date})
    assert numbers(thulium, CRM) == ["333444556", "333444557"]
    assert numbers(thulium, CRM, order="next_call_date") == ["333444557", "333444556"]
    assert numbers(thulium, CRM, order="-next_call_date") == ["333444556", "333444557"]
    assert thulium.get(CRM, order="name").status_code == 400


@pytest.mark.parametrize(("answer", "reading", "writing"), [("404", 404, 404), ("400", 400, 400), ("empty", 200, 404)])
def test_the_wrong_path_family(thulium: Simulated, answer: str, reading: int, writing: int) -> None:
    thulium.switch(wrong_family=answer)
    read = thulium.get("/outbounds/00002/records")
    assert read.status_code == reading
    assert reading != 200 or read.json() == {"count": 0, "result": []}
    assert thulium.call("POST", "/crm_outbounds/00001/records", {"customer_id": 7}).status_code == writing


# ---- who would be called


def test_every_acceptance_counts_and_a_removal_takes_nothing_back(thulium: Simulated) -> None:
    for _ in range(2):
        add(thulium, ONE)
        add(thulium, ONE)
        thulium.call("DELETE", f"{RECORDS}/{ONE}")
    thulium.call("POST", CRM, {"customer_id": 7})
    thulium.vendor.edit("record", None, {"outbound_id": "00001", "phone_number": "+48333444556"})
    assert thulium.vendor.dials() == {"+48333444555": 2, "+48333444556": 2}


def test_pulling_a_called_record_back_counts_once_more(thulium: Simulated) -> None:
    add(thulium, ONE)
    thulium.vendor.edit("call", ONE, {"system_status": "NO_CALL"})
    assert thulium.get(RECORDS).json()["result"][0]["call_date"] == "2026-06-01 10:00"
    thulium.call("PUT", f"{RECORDS}/{ONE}", {"status_id": 5})
    assert thulium.vendor.dials()["+48333444555"] == 1
    thulium.call("PUT", f"{RECORDS}/{ONE}", {"status_id": 3})
    assert thulium.vendor.dials()["+48333444555"] == 2


def test_a_record_that_is_not_to_be_called_counts_only_when_it_is(thulium: Simulated) -> None:
    add(thulium, ONE, status_id=5)
    assert thulium.vendor.dials() == {}
    thulium.vendor.edit("record", "1", {"system_status": "TO_CALL"})
    assert thulium.vendor.dials() == {"+48333444555": 1}


# ---- the panel


def test_the_panel_edits_and_removes(thulium: Simulated) -> None:
    edit = thulium.vendor.edit
    add(thulium, ONE)
    assert edit("record", "1", {"phone_number": "500", "last_note": "hi"}) == "1"
    assert thulium.get(f"{RECORDS}/{ONE}").status_code == 404
    assert thulium.get(f"{RECORDS}/500").json()["last_note"] == "hi"
    edit("record", "1", None)
    assert numbers(thulium) == []
    crm = edit("record", None, {"outbound_id": "00002", "customer_id": 8, "status": "x"})
    assert thulium.get(f"{CRM}/8").json()["record_id"] == int(crm)
    edit("customer", "8", {"name": "Nowa"})
    edit("customer", "7", None)
    thulium.call("POST", "/outbounds/00001/add_agents", {"logins": ["j.doe"]})
    edit("agent", "j.doe", {"number": "999"})
    assert thulium.get("/outbounds/00001/agents").json()[0]["number"] == "999"
    edit("agent", "j.doe", None)
    assert thulium.get("/outbounds/00001/agents").json() == []
    edit("campaign", "00002", None)
    thulium.later(hours=3)
    snapshot = thulium.vendor.snapshot()
    assert [campaign["id"] for campaign in snapshot["campaigns"]] == ["00001"]
    assert snapshot["customers"] == {"8": {"name": "Nowa", "phone_number": "333444557"}}


@pytest.mark.parametrize(
    ("kind", "id", "fields"),
    [
        ("poem", None, {}),
        ("campaign", "00009", {}),
        ("campaign", "00001", {"colour": "red"}),
        ("campaign", None, {"colour": "red"}),
        ("record", "404", {}),
        ("record", None, {"outbound_id": "00009"}),
        ("record", None, {"outbound_id": "00001", "phone_number": ONE, "colour": "red"}),
        ("record", "1", {"colour": "red"}),
        ("agent", "nobody", None),
        ("customer", "99", {}),
        ("call", "500", {}),
        ("call", None, {}),
    ],
)
def test_clicks_on_nothing(thulium: Simulated, kind: str, id: str | None, fields: dict[str, Any]) -> None:
    add(thulium, ONE)
    with pytest.raises(LookupError):
        thulium.vendor.edit(kind, id, fields)


def test_a_snapshot_is_a_whole_copy(thulium: Simulated) -> None:
    add(thulium, ONE, record_fields={"field1": "v"})
    thulium.call("DELETE", "/outbounds/00001")
    before = thulium.vendor.snapshot()["campaigns"][0]
    assert before["gone_at"] == "2026-06-01T12:00:00+02:00"
    assert (before["records"][0]["record_fields"], before["statuses"][0]["status_id"]) == ({"field1": "v"}, 3)
    thulium.vendor.edit("record", "1", {"last_note": "hi"})
    assert before["records"][0]["last_note"] == ""


def test_the_seed_has_what_nobody_declared() -> None:
    seeded = Simulated(Thulium, HEADERS)
    seeded.vendor.seed()
    assert [(row["id"], row["active"]) for row in seeded.get("/outbounds").json()] == [
        ("00001", True),
        ("00002", True),
        ("00003", False),
    ]
    (called,) = seeded.get("/outbounds/00003/records").json()["result"]
    assert (called["system_status"], called["call_date"]) == ("NO_CALL", "2026-06-01 10:00")
    assert [row["login"] for row in seeded.get("/outbounds/00001/agents").json()] == ["j.doe"]
    assert set(seeded.vendor.dials().values()) == {1}
