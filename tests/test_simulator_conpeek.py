"""The simulated Conpeek account against its dossier: what its pages print, and every switch for what they leave open."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reconciler.simulator.conpeek import Conpeek
from tests.simulated import Simulated

KEY = "conpeek-simulator-key"
ONE = "48987654321"
VOICE, SMS = "5b7c389fe8df7b60af688989", "5b7c389fe8df7b60af688990"
ANNOUNCEMENT = "5b7c78389fe80f7b60af688989"
REQUESTS, REQUEST_LIST = f"/voice_campaign/{VOICE}/request", f"/voice_sms_campaign/{SMS}/request_list"
SUMMARY = "/voice_campaign_request_summary"
Row = dict[str, Any]


@pytest.fixture
def conpeek() -> Simulated:
    """The seeded account with the single add open: one open request (ONE) and one closed."""
    made = Simulated(Conpeek, {"Authorization": KEY})
    made.vendor.seed()
    made.switch(voice_add="open")
    return made


def add(made: Simulated, number: str, **fields: Any) -> Row:
    row: Row = made.call("POST", REQUESTS, {"data": {"contact_number": number, **fields}}).json()["data"]
    return row


def read(made: Simulated, *conditions: Row, **query: Any) -> list[Row]:
    if conditions:
        query["filter"] = json.dumps(conditions)
    rows: list[Row] = made.get(REQUESTS, **query).json()["data"]
    return rows


def numbers(made: Simulated, *conditions: Row, **query: Any) -> list[str]:
    return [row["contact_number"] for row in read(made, *conditions, **query)]


def where(property: str, value: Any, operator: str | None = None, key: str | None = None) -> Row:
    optional = {"operator": operator, "key": key}
    return {"property": property, "value": value} | {name: text for name, text in optional.items() if text}


# ---- keys and errors


@pytest.mark.parametrize("headers", [{}, {"Authorization": f"Bearer {KEY}"}])
def test_every_call_needs_the_bare_key(conpeek: Simulated, headers: dict[str, str]) -> None:
    assert conpeek.call("GET", REQUESTS, headers=headers).status_code == 401
    conpeek.switch(wrong_key="403")
    assert conpeek.call("GET", REQUESTS, headers=headers).status_code == 403


@pytest.mark.parametrize(
    ("form", "start", "kind"),
    [("empty", "", ""), ("json", "{", "application/json"), ("html", "<", "text/html; charset=utf-8")],
)
def test_an_error_has_any_body(conpeek: Simulated, form: str, start: str, kind: str) -> None:
    conpeek.switch(error_body=form)
    answer = conpeek.get("/voice_campaign/0/request")
    assert answer.status_code == 404
    assert answer.text[:1] == start
    assert answer.headers.get("content-type", "") == kind


def test_campaigns_of_the_other_kind_are_not_found(conpeek: Simulated) -> None:
    assert conpeek.get(f"/voice_campaign/{SMS}/request").status_code == 404
    answer = conpeek.call("POST", f"/voice_sms_campaign/{VOICE}/request_list", {"data": []})
    assert answer.status_code == 404


def test_nothing_reads_a_voice_sms_campaign(conpeek: Simulated) -> None:
    for method in ("GET", "PUT", "DELETE"):
        assert conpeek.call(method, REQUEST_LIST).status_code == 405


# ---- reading requests


def test_a_request_as_it_is_read(conpeek: Simulated) -> None:
    closed = read(conpeek)[1]
    shown = ("contact_number", "current_contact_number", "state", "application_state", "custom", "created_date")
    assert {name: closed[name] for name in shown} == {
        "contact_number": "123123123",
        "current_contact_number": "48123123123",
        "state": "CLOSED",
        "application_state": "CLOSED",
        "custom": '{"issue_id": "XYZ-ABC-01"}',
        "created_date": "2026-06-01 08:00:00",
    }
    assert len(closed["id"]) == 24
    assert int(closed["id"], 16)
    assert closed["voice_campaign_id"] == VOICE
    conpeek.switch(custom_read="object")
    assert read(conpeek)[1]["custom"] == {"issue_id": "XYZ-ABC-01"}


def test_pages_without_a_total(conpeek: Simulated) -> None:
    assert set(conpeek.get(REQUESTS, limit=1).json()) == {"data"}
    assert numbers(conpeek, limit=1, offset=1) == ["123123123"]
    assert numbers(conpeek, limit=1, offset=2) == []


def test_a_server_may_cap_its_pages(conpeek: Simulated) -> None:
    for index in range(100):
        add(conpeek, f"48500000{index:03}")
    assert len(read(conpeek, limit=10000)) == 102
    conpeek.switch(page_cap="100")
    assert len(read(conpeek, limit=10000)) == 100
    assert len(read(conpeek, limit=10000, offset=100)) == 2
    assert len(read(conpeek, limit=3)) == 3


def test_new_requests_may_come_first(conpeek: Simulated) -> None:
    conpeek.switch(order="newest_first")
    add(conpeek, "48500000001")
    assert numbers(conpeek, limit=2) == ["48500000001", "123123123"]


def test_exclude_leaves_fields_out(conpeek: Simulated) -> None:
    bulky = {"history", "call_history", "dialogs"}
    assert bulky <= set(read(conpeek)[0])
    assert not bulky & set(read(conpeek, exclude=json.dumps([*bulky, "custom"]))[0])


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        (where("contact_number", ONE), [ONE]),
        (where("contact_number", [int(ONE)]), [ONE]),
        (where("contact_number", int(ONE)), [ONE]),
        (where("contact_number", "+48987654321"), []),
        (where("state", ["OPEN", "PROCESSING"]), [ONE]),
        (where("application_state", ["CLOSED"]), ["123123123"]),
        (where("dialing_method", "PROGRESSIVE"), [ONE, "123123123"]),
        (where("dialing_method", "PREVIEW"), []),
        (where("tenant_user_id", [7]), []),
        (where("assigned_tenant_user_id", [7]), []),
        (where("close_reason", ["DONE"]), []),
        (where("custom_fields", "XYZ-ABC-01", key="issue_id"), ["123123123"]),
        (where("custom_fields", "XYZ-ABC-02", key="issue_id"), []),
        (where("custom_fields", "XYZ-ABC-01", key="other"), []),
        (where("created_date", "2026-06-01 08:00:00", "gte"), [ONE, "123123123"]),
        (where("created_date", "2026-06-01 07:59:59", "lte"), []),
        (where("closed_date", "2026-06-01 00:00:00", "gte"), ["123123123"]),
        (where("process_not_before", "2026-06-01 00:00:00", "lte"), []),
        (where("contact_try", 0, "gt"), ["123123123"]),
        (where("contact_try", 1, "gte"), ["123123123"]),
        (where("contact_try", 1, "lt"), [ONE]),
        (where("contact_try", 1, "lte"), [ONE, "123123123"]),
        (where("contact_try", 1, "ne"), [ONE]),
        (where("contact_try", 1, "eq"), ["123123123"]),
        (where("contact_try", 1), ["123123123"]),
        (where("consultant_try", 0), [ONE, "123123123"]),
        (where("priority", 100), [ONE, "123123123"]),
    ],
)
def test_filters(conpeek: Simulated, condition: Row, found: list[str]) -> None:
    assert numbers(conpeek, condition) == found


def test_conditions_add_up(conpeek: Simulated) -> None:
    assert numbers(conpeek, where("priority", 100), where("state", ["OPEN"])) == [ONE]


def test_the_printed_filter_is_understood_as_it_is_encoded(conpeek: Simulated) -> None:
    printed = "%5B%7B%22property%22:%22contact_number%22,%22value%22:123123123%7D%5D"
    rows = conpeek.get(f"{REQUESTS}?filter={printed}").json()["data"]
    assert [row["contact_number"] for row in rows] == ["123123123"]


def test_one_form_of_a_number_may_be_refused(conpeek: Simulated) -> None:
    for form, wrong in (("scalar", [ONE]), ("list", ONE)):
        conpeek.switch(number_forms=form)
        assert conpeek.get(REQUESTS, filter=json.dumps([where("contact_number", wrong)])).status_code == 400
        right = ONE if form == "scalar" else [ONE]
        assert numbers(conpeek, where("contact_number", right)) == [ONE]


def test_numbers_may_be_compared_normalised(conpeek: Simulated) -> None:
    conpeek.switch(number_match="normalised")
    assert numbers(conpeek, where("contact_number", "+48 123 123 123")) == ["123123123"]


def test_custom_may_not_be_what_custom_fields_filters(conpeek: Simulated) -> None:
    conpeek.switch(custom_fields="apart")
    assert numbers(conpeek, where("custom_fields", "XYZ-ABC-01", key="issue_id")) == []


@pytest.mark.parametrize(
    "filter",
    [
        "[",
        "{}",
        '["state"]',
        '[{"property": "state"}]',
        json.dumps([where("id", "x")]),
        json.dumps([where("state", "OPEN")]),
        json.dumps([where("state", ["OPEN"], "eq")]),
        json.dumps([where("created_date", "2026-06-01", "gte")]),
        json.dumps([where("created_date", "2026-06-01 08:00:00", "gt")]),
        json.dumps([where("priority", "high")]),
        json.dumps([where("priority", 1, key="x")]),
        json.dumps([where("custom_fields", "x")]),
        json.dumps([where("priority", 1) | {"extra": 1}]),
    ],
)
def test_a_malformed_filter(conpeek: Simulated, filter: str) -> None:
    for answer in ("400", "403"):
        conpeek.switch(malformed=answer)
        assert conpeek.get(REQUESTS, filter=filter).status_code == int(answer)
    conpeek.switch(malformed="ignored")
    assert len(conpeek.get(REQUESTS, filter=filter).json()["data"]) == 2


@pytest.mark.parametrize("query", [{"limit": "all"}, {"offset": "x"}, {"exclude": "history"}])
def test_a_malformed_page(conpeek: Simulated, query: Row) -> None:
    assert conpeek.get(REQUESTS, **query).status_code == 400


# ---- adding to a voice campaign


def test_the_single_add_is_closed_unless_opened(conpeek: Simulated) -> None:
    conpeek.switch(voice_add="404")
    assert conpeek.call("POST", REQUESTS, {"data": {"contact_number": "1"}}).status_code == 404
    assert len(read(conpeek)) == 2


def test_an_added_request_is_new_and_open(conpeek: Simulated) -> None:
    conpeek.later(seconds=90)
    row = add(conpeek, "500000001", name="Anna", contact_identifier="c1", note="n", custom={"op": "k3f9qa"})
    assert row == read(conpeek, where("custom_fields", "k3f9qa", key="op"))[0]
    expected = {
        "contact_number": "500000001",
        "current_contact_number": "48500000001",
        "name": "Anna",
        "contact_identifier": "c1",
        "custom": '{"op": "k3f9qa"}',
        "state": "OPEN",
        "application_state": "NEW",
        "created_date": "2026-06-01 08:01:30",
        "dialing_method": "PROGRESSIVE",
    }
    assert {name: row[name] for name in expected} == expected


@pytest.mark.parametrize("answer", ["list", "success"])
def test_the_answer_to_a_single_add_is_unknown(conpeek: Simulated, answer: str) -> None:
    conpeek.switch(voice_add_answer=answer)
    body = conpeek.call("POST", REQUESTS, {"data": {"contact_number": "500000001"}}).json()
    if answer == "list":
        assert [row["contact_number"] for row in body["data"]] == ["500000001"]
    else:
        assert body == {"success": True}
    assert len(read(conpeek)) == 3


def test_custom_may_be_dropped(conpeek: Simulated) -> None:
    conpeek.switch(voice_add_custom="dropped", custom_read="object")
    assert add(conpeek, "500000001", custom={"op": "k3f9qa"})["custom"] == {}


def test_every_add_adds_again(conpeek: Simulated) -> None:
    add(conpeek, ONE)
    add(conpeek, "987654321")
    assert conpeek.vendor.dials()["+48987654321"] == 3


@pytest.mark.parametrize("body", [{}, {"data": []}, {"data": {"contact_number": 5}}, {"data": {"name": "x"}}])
def test_a_malformed_single_add(conpeek: Simulated, body: Row) -> None:
    assert conpeek.call("POST", REQUESTS, body).status_code == 400
    assert len(read(conpeek)) == 2


# ---- set_recall


def recall(made: Simulated, body: Row, row: int = 0) -> int:
    return made.call("POST", f"{REQUESTS}/{read(made)[row]['id']}/set_recall", body).status_code


def test_set_recall_is_accepted_and_forces_recall(conpeek: Simulated) -> None:
    id = read(conpeek)[0]["id"]
    body = {"process_not_before": "2026-06-02 10:00:00", "process_from_time": 36000, "process_days": ["MON"]}
    answer = conpeek.call("POST", f"{REQUESTS}/{id}/set_recall", body)
    assert (answer.status_code, answer.json()) == (202, {"success": True})
    row = read(conpeek)[0]
    assert row["application_state"] == "RECALL"
    assert {name: row[name] for name in body} == body
    assert conpeek.vendor.dials()["+48987654321"] == 1


def test_a_recall_may_be_carried_out_later(conpeek: Simulated) -> None:
    conpeek.switch(recall_takes="10s")
    recall(conpeek, {"process_not_before": "2026-06-02 10:00:00"})
    assert read(conpeek)[0]["application_state"] == "NEW"
    conpeek.later(seconds=10)
    assert read(conpeek)[0]["application_state"] == "RECALL"


def test_priority_is_set_or_moved(conpeek: Simulated) -> None:
    for type, value, priority in (("SET", 5, 5), ("ADD", 3, 8), ("MINUS", 2, 6)):
        recall(conpeek, {"set_priority": {"type": type, "value": value}})
        assert read(conpeek)[0]["priority"] == priority


@pytest.mark.parametrize("named", ["7", "j.doe"])
def test_a_user_is_named_by_id_or_name(conpeek: Simulated, named: str) -> None:
    assert recall(conpeek, {"assign_to": named}) == 202
    row = read(conpeek, where("assigned_tenant_user_id", [7]))[0]
    assert row["assigned_tenant_user_name"] == "j.doe"
    assert recall(conpeek, {"assign_to": "nobody"}) == 403


def test_a_recall_of_a_closed_request(conpeek: Simulated) -> None:
    assert recall(conpeek, {}, row=1) == 403
    conpeek.switch(recall_closed="reopened")
    assert recall(conpeek, {}, row=1) == 202
    row = read(conpeek)[1]
    assert (row["state"], row["application_state"], row["closed_date"]) == ("OPEN", "RECALL", None)
    assert conpeek.vendor.dials()["+48123123123"] == 2


def test_a_recall_of_nothing_or_with_nonsense(conpeek: Simulated) -> None:
    assert conpeek.call("POST", f"{REQUESTS}/0/set_recall", {}).status_code == 404
    assert recall(conpeek, {"set_priority": {"type": "TIMES", "value": 2}}) == 400


# ---- voice SMS


def send(made: Simulated, *items: Any, **how: Any) -> Any:
    return made.call("POST", REQUEST_LIST, {"data": [*items], **how})


def test_the_printed_request_is_accepted(conpeek: Simulated) -> None:
    answer = send(
        conpeek, {"contact_number": "500000001", "custom": {"a": 1}}, type="announcement", announcement_id=ANNOUNCEMENT
    )
    (row,) = answer.json()["data"]
    assert answer.status_code == 200
    assert (row["contact_number"], row["custom"], len(row["id"])) == ("500000001", {"a": 1}, 24)
    assert conpeek.vendor.dials()["+48500000001"] == 1


@pytest.mark.parametrize(
    ("shape", "told"),
    [
        ("with_id", [("500000001", True), ("500000002", True)]),
        ("without_id", [("500000001", False), ("500000002", False)]),
        ("normalised", [("+48500000001", True), ("+48500000002", True)]),
        ("fewer", [("500000001", True)]),
        ("empty", []),
    ],
)
def test_the_answer_of_a_list_is_unknown(conpeek: Simulated, shape: str, told: list[tuple[str, bool]]) -> None:
    conpeek.switch(sms_answer=shape)
    rows = send(conpeek, {"contact_number": "500000001"}, {"contact_number": "500000002"}).json()["data"]
    assert [(row["contact_number"], "id" in row) for row in rows] == told
    assert conpeek.vendor.dials()["+48500000002"] == 1


def test_every_list_adds_again(conpeek: Simulated) -> None:
    for _ in range(2):
        send(conpeek, {"contact_number": "500000001"}, {"contact_number": "48500000001"}, type="none")
    assert conpeek.vendor.dials()["+48500000001"] == 4


def test_a_list_cut_short_leaves_the_rest_out(conpeek: Simulated) -> None:
    conpeek.first_items = 1
    rows = send(conpeek, {"contact_number": "500000001"}, {"contact_number": "500000002"}).json()["data"]
    assert [row["contact_number"] for row in rows] == ["500000001"]
    assert "+48500000002" not in conpeek.vendor.dials()


@pytest.mark.parametrize(
    ("items", "how", "status"),
    [
        ([{}], {}, 400),
        ([{"contact_number": 500000001}], {}, 400),
        ([5], {}, 400),
        ([], {"type": "fax"}, 400),
        ([], {"type": "announcement"}, 400),
        ([], {"type": "announcement", "announcement_id": "0"}, 404),
        ([{"contact_number": "5", "text": "Witaj", "voice_definition_id": "0"}], {"type": "tts"}, 404),
    ],
)
def test_a_list_that_is_not_accepted(conpeek: Simulated, items: list[Any], how: Row, status: int) -> None:
    before = conpeek.vendor.snapshot()
    assert send(conpeek, {"contact_number": "500000001"}, *items, **how).status_code == status
    assert conpeek.vendor.snapshot() == before


def test_malformed_rows_may_be_left_out(conpeek: Simulated) -> None:
    conpeek.switch(malformed="ignored")
    rows = send(conpeek, {"contact_number": "500000001"}, {"number": "500000002"}).json()["data"]
    assert [row["contact_number"] for row in rows] == ["500000001"]
    assert conpeek.call("POST", REQUEST_LIST, {"list": []}).status_code == 400


# ---- summaries


def test_summaries_over_all_campaigns(conpeek: Simulated) -> None:
    other = conpeek.vendor.edit("voice_campaign", None, {"name": "Druga", "project_id": 2})
    conpeek.vendor.edit("request", None, {"voice_campaign_id": other, "contact_number": "500000001"})
    rows = conpeek.get(SUMMARY).json()["data"]
    assert [row["contact_number"] for row in rows] == [ONE, "123123123", "500000001"]
    ids = [row["call_request_id"] for row in rows]
    for property, value, found in (
        ("contact_number_list", ["123123123"], ids[1:2]),
        ("voice_campaign_id_list", [other], ids[2:]),
        ("project_id_list", [1], ids[:2]),
        ("call_request_id_list", [ids[0]], ids[:1]),
    ):
        answer = conpeek.get(SUMMARY, filter=json.dumps([where(property, value)]))
        assert [row["call_request_id"] for row in answer.json()["data"]] == found
    strict = [where("created_date", "2026-06-01 08:00:00", "gt")]
    assert conpeek.get(SUMMARY, filter=json.dumps(strict)).json() == {"data": []}
    assert conpeek.get(SUMMARY, filter="[1]").status_code == 400
    conpeek.switch(summary_of="dialled")
    assert len(conpeek.get(SUMMARY).json()["data"]) == 1


def test_a_page_of_summaries_has_a_hundred_rows(conpeek: Simulated) -> None:
    for index in range(100):
        add(conpeek, f"48500000{index:03}")
    assert len(conpeek.get(SUMMARY).json()["data"]) == 100
    assert len(conpeek.get(SUMMARY, limit=1000).json()["data"]) == 102


# ---- calls and the panel


def test_a_call_goes_on_ends_or_is_tried_again(conpeek: Simulated) -> None:
    call, number = conpeek.vendor.edit, "+48987654321"
    call("call", number, {})
    assert read(conpeek)[0]["state"] == "PROCESSING"
    call("call", number, {"state": "OPEN", "application_state": "RETRY"})
    again = read(conpeek)[0]
    assert (again["state"], again["application_state"], again["contact_try"]) == ("OPEN", "RETRY", 1)
    conpeek.later(hours=1)
    call("call", number, {"close_reason": "DONE"})
    closed = read(conpeek)[0]
    assert (closed["state"], closed["application_state"], closed["close_reason"]) == ("CLOSED", "CLOSED", "DONE")
    assert (closed["closed_date"], closed["contact_try"]) == ("2026-06-01 09:00:00", 2)
    assert conpeek.vendor.dials()[number] == 1


def test_the_panel_edits_and_removes(conpeek: Simulated) -> None:
    edit = conpeek.vendor.edit
    id = read(conpeek)[0]["id"]
    assert edit("request", id, {"priority": 200}) == id
    assert read(conpeek)[0]["priority"] == 200
    edit("request", id, None)
    assert numbers(conpeek) == ["123123123"]
    edit("voice_campaign", VOICE, {"dialing_method": "PREVIEW"})
    assert add(conpeek, "500000001")["dialing_method"] == "PREVIEW"
    edit("voice_campaign", VOICE, None)
    assert conpeek.get(REQUESTS).status_code == 404
    sms = edit("voice_sms_campaign", None, {"name": "Nowa"})
    spoken = edit("announcement", None, {"name": "Nowa zapowiedź"})
    body = {"data": [{"contact_number": "5"}], "type": "announcement", "announcement_id": spoken}
    assert conpeek.call("POST", f"/voice_sms_campaign/{sms}/request_list", body).status_code == 200
    assert edit("announcement", spoken, {"name": "Inna"}) == spoken
    edit("announcement", ANNOUNCEMENT, None)
    snapshot = conpeek.vendor.snapshot()
    assert snapshot["announcements"] == {spoken: "Inna"}
    assert [campaign["id"] for campaign in snapshot["voice_sms_campaigns"]] == [SMS, sms]
    assert len(snapshot["voice_sms_campaigns"][0]["requests"]) == 1
    assert edit("voice_definition", "v1", {"name": "Jan"}) == "v1"


@pytest.mark.parametrize(
    ("kind", "id", "fields"),
    [
        ("poem", None, {}),
        ("voice_campaign", "0", None),
        ("voice_campaign", "0", {}),
        ("request", "0", {}),
        ("request", None, {"voice_campaign_id": "0"}),
        ("announcement", "0", None),
        ("call", "123123123", {}),
        ("call", None, {}),
    ],
)
def test_clicks_on_nothing(conpeek: Simulated, kind: str, id: str | None, fields: Row | None) -> None:
    with pytest.raises(LookupError):
        conpeek.vendor.edit(kind, id, fields)


def test_a_snapshot_is_a_copy(conpeek: Simulated) -> None:
    before = conpeek.vendor.snapshot()
    recall(conpeek, {})
    after = conpeek.vendor.snapshot()
    states = [state["voice_campaigns"][0]["requests"][0]["application_state"] for state in (before, after)]
    assert states == ["NEW", "RECALL"]


def test_who_would_be_called_in_the_seed(conpeek: Simulated) -> None:
    assert conpeek.vendor.dials() == {"+48987654321": 1, "+48123123123": 1, "+48123123124": 1}
