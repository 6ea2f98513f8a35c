"""The simulated Intersvyaz: the sample request and reply, and every switch in each position."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import httpx
import pytest

from reconciler.simulator.intersvyaz import Intersvyaz
from reconciler.simulator.world import CREDENTIALS
from tests.simulated import Simulated

KNOWN = CREDENTIALS["intersvyaz"]
LOGIN = {"username": KNOWN["username"], "password": KNOWN["password"]}

SAMPLE: dict[str, Any] = {
    "campaign": {
        "project_id": 1,
        "name": "Обзвон клиентов",
        "description": "Обзвон клиентов для опроса удовлетворенности",
        "start_block_id": 10,
        "schedule": {
            "date": "2026-06-02",
            "start_time": "09:00",
            "end_time": "17:00",
            "periods": {"id": 1, "title": "Однократно"},
            "attempts": {"id": 1, "title": "1"},
            "interval": "5",
        },
        "state": "Создано",
        "phone_id": 5,
    },
    "phones": [
        {"phone": "+79123456789", "add_data": {"name": "Иванов Иван", "time": "10:00", "phone": 123456}},
    ],
}
"""The vendor's sample request, with a date that lies ahead."""


class Dialog(Simulated):
    def __init__(self) -> None:
        super().__init__(Intersvyaz, {"authorization": f"Bearer {KNOWN['token']}"})

    def create(self, body: Any = SAMPLE) -> httpx.Response:
        return self.call("POST", "/api/campaigns", body)

    def create_with(self, *phones: Any, schedule: Any = None, **campaign: Any) -> httpx.Response:
        """The sample with other people, schedule fields or campaign fields; a field that is None is left out."""
        body = deepcopy(SAMPLE)
        body["campaign"]["schedule"] |= schedule or {}
        body["campaign"] |= campaign
        for part in (body["campaign"], body["campaign"]["schedule"]):
            if isinstance(part, dict):
                for name in [name for name, value in part.items() if value is None]:
                    del part[name]
        if phones:
            body["phones"] = [phone if isinstance(phone, dict) else {"phone": phone} for phone in phones]
        return self.create(body)

    def made(self) -> dict[str, Any]:
        found: dict[str, Any] = self.vendor.snapshot()["campaigns"]
        return found


@pytest.fixture
def dialog() -> Dialog:
    return Dialog()


def message(answer: httpx.Response, status: int = 422) -> str:
    assert answer.status_code == status
    return str(answer.json()["message"])


# --- login ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/login", "/login/"])
def test_a_form_login_gives_a_token_that_works_until_it_expires(dialog: Dialog, path: str) -> None:
    token = dialog.call("POST", path, data=LOGIN, json=None).json()["access_token"]
    dialog.headers = {"authorization": f"Bearer {token}"}
    assert dialog.create().status_code == 200
    dialog.world.expire_tokens("intersvyaz")
    assert message(dialog.create(), 401) == "Could not validate credentials"
    assert len(dialog.made()) == 1


@pytest.mark.parametrize(("chosen", "codes"), [("both", [200, 200]), ("slash", [404, 200]), ("bare", [200, 404])])
def test_which_path_the_login_has(dialog: Dialog, chosen: str, codes: list[int]) -> None:
    dialog.switch(login_path=chosen)
    assert [dialog.call("POST", path, data=LOGIN).status_code for path in ("/login", "/login/")] == codes


@pytest.mark.parametrize("code", ["401", "400", "403"])
def test_a_wrong_password(dialog: Dialog, code: str) -> None:
    dialog.switch(login_code=code)
    for form in (LOGIN | {"password": "wrong"}, {"username": LOGIN["username"]}):
        assert message(dialog.call("POST", "/login/", data=form), int(code)) == "Incorrect username or password"


def test_a_login_as_json_is_no_login(dialog: Dialog) -> None:
    assert dialog.call("POST", "/login/", LOGIN).status_code == 401


def test_the_login_may_want_an_origin(dialog: Dialog) -> None:
    dialog.switch(login_origin="required")
    assert dialog.call("POST", "/login/", data=LOGIN).status_code == 403
    dialog.headers = {"origin": "https://ai-assistant.is74.ru"}
    assert dialog.call("POST", "/login/", data=LOGIN).status_code == 200


@pytest.mark.parametrize("header", [{}, {"authorization": KNOWN["token"]}, {"authorization": "Bearer x"}])
def test_nothing_without_a_token(dialog: Dialog, header: dict[str, str]) -> None:
    dialog.headers = header
    assert dialog.create().status_code == 401
    assert dialog.call("POST", "/api/analytics/1/report", {}).status_code == 401
    assert dialog.made() == {}


# --- create --------------------------------------------------------------------------------------------------------


def test_the_sample_is_answered_as_documented_and_stored(dialog: Dialog) -> None:
    answer = dialog.create()
    assert (answer.status_code, answer.json()) == (200, {"campaign": {"id": 12345}})
    assert dialog.made() == {"12345": SAMPLE["campaign"] | {"phones": SAMPLE["phones"]}}
    assert dialog.vendor.dials() == {"+79123456789": 1}


def test_the_same_request_again_is_another_campaign_and_another_call(dialog: Dialog) -> None:
    assert [dialog.create().json()["campaign"]["id"] for _ in range(2)] == [12345, 12346]
    assert dialog.vendor.dials() == {"+79123456789": 2}


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_nothing_can_be_read_changed_or_deleted(dialog: Dialog, method: str) -> None:
    dialog.create()
    assert dialog.call(method, "/api/campaigns").status_code == 405
    assert dialog.call(method, "/api/campaigns/12345").status_code == 404
    assert len(dialog.made()) == 1


@pytest.mark.parametrize("body", [[], {}, {"campaign": SAMPLE["campaign"]}, {"campaign": [], "phones": []}])
def test_a_body_of_another_shape_is_refused(dialog: Dialog, body: Any) -> None:
    assert dialog.create(body).status_code in (400, 422)
    assert dialog.made() == {}


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"project_id": "1"}, "project_id must be an integer"),
    ({"phone_id": None}, "phone_id must be an integer"),
    ({"start_block_id": True}, "start_block_id must be an integer"),
    ({"state": "Запущено"}, "state is not allowed"),
    ({"schedule": {"date": "02.06.2026"}}, "schedule needs date as YYYY-MM-DD, start_time and end_time as HH:MM"),
    ({"schedule": {"start_time": None}}, "schedule needs date as YYYY-MM-DD, start_time and end_time as HH:MM"),
    ({"schedule": {"date": "2026-05-31"}}, "date is in the past"),
    ({"schedule": {"end_time": "08:00"}}, "end_time is before start_time"),
    ({"schedule": {"interval": 5}}, "interval must be a string of digits"),
    ({"schedule": {"interval": "five"}}, "interval must be a string of digits"),
    ({"schedule": {"attempts": 3}}, "attempts must be an object with id and title"),
    ({"schedule": {"periods": {"id": 1}}}, "periods must be an object with id and title"),
]


@pytest.mark.parametrize(("changes", "text"), WRONG)
def test_what_is_refused_and_that_nothing_was_made(dialog: Dialog, changes: dict[str, Any], text: str) -> None:
    assert message(dialog.create_with(**changes)) == text
    assert (dialog.made(), dialog.vendor.dials()) == ({}, {})


def test_a_campaign_needs_a_schedule(dialog: Dialog) -> None:
    campaign = {name: value for name, value in SAMPLE["campaign"].items() if name != "schedule"}
    assert message(dialog.create({"campaign": campaign, "phones": SAMPLE["phones"]})) == "schedule is required"


@pytest.mark.parametrize(
    ("switch", "changes"),
    [
        ("same_name", {}),
        ("past_date", {"schedule": {"date": "2026-05-31"}}),
        ("inverted_window", {"schedule": {"end_time": "08:00"}}),
        ("interval_number", {"schedule": {"interval": 5}}),
        ("unseen_choices", {"schedule": {"attempts": {"id": 3, "title": "3"}}}),
        ("unknown_ids", {"project_id": 2}),
        ("state", {"state": None}),
    ],
)
def test_a_switch_decides_what_is_accepted(dialog: Dialog, switch: str, changes: dict[str, Any]) -> None:
    dialog.create()
    refused = "required" if switch == "state" else "refused"
    dialog.switch(**{switch: refused})
    assert dialog.create_with(**changes).status_code == 422
    dialog.switch(**{switch: "optional" if switch == "state" else "accepted"})
    assert dialog.create_with(**changes).status_code == 200


def test_state_may_have_become_unknown(dialog: Dialog) -> None:
    dialog.switch(state="refused")
    assert message(dialog.create()) == "state is not allowed"
    assert dialog.create_with(state=None).status_code == 200


def test_a_day_is_over_in_the_vendors_zone(dialog: Dialog) -> None:
    today = {"date": "2026-06-01", "start_time": "07:00", "end_time": "13:00"}
    assert dialog.create_with(schedule=today).status_code == 200  # it is 13:00 in Chelyabinsk
    dialog.later(minutes=1)
    assert message(dialog.create_with(schedule=today)) == "date is in the past"


@pytest.mark.parametrize("shape", ["message", "detail", "text"])
@pytest.mark.parametrize("code", ["422", "400"])
def test_errors_have_the_code_and_shape_of_the_switches(dialog: Dialog, shape: str, code: str) -> None:
    dialog.switch(error_shape=shape, error_code=code)
    answer = dialog.create_with(project_id=None)
    assert answer.status_code == int(code)
    text = answer.text if shape == "text" else answer.json()[shape]
    assert text == "project_id must be an integer"


# --- people --------------------------------------------------------------------------------------------------------


def test_numbers_are_counted_as_the_world_writes_them(dialog: Dialog) -> None:
    dialog.create_with("+79123456789", "89123456789", "79123456789", "+84349719999")
    assert dialog.vendor.dials() == {"+79123456789": 3, "+84349719999": 1}


@pytest.mark.parametrize(("chosen", "calls"), [("second", 2), ("once", 1), ("refused", 0)])
def test_a_number_twice_in_one_request(dialog: Dialog, chosen: str, calls: int) -> None:
    dialog.switch(duplicate_phones=chosen)
    answer = dialog.create_with("+79123456789", "+79123456789")
    assert answer.status_code == (422 if chosen == "refused" else 200)
    assert dialog.vendor.dials()["+79123456789"] == calls


BAD_PHONES = ["", "12", "восемь", {"phone": 79123456789}, {"add_data": {}}, {"phone": "+79123456789", "add_data": [1]}]


@pytest.mark.parametrize("phone", BAD_PHONES)
def test_one_bad_number_spoils_the_campaign_or_is_left_out(dialog: Dialog, phone: Any) -> None:
    assert dialog.create_with("+79123456789", phone).status_code == 422
    dialog.switch(bad_phones="skipped")
    assert dialog.create_with("+79123456789", phone).status_code == 200
    assert dialog.vendor.dials() == {"+79123456789": 1}


def test_a_phone_that_is_no_object_is_refused(dialog: Dialog) -> None:
    assert message(dialog.create(SAMPLE | {"phones": ["+79123456789"]})).startswith("phone is required")


def test_nobody_at_all(dialog: Dialog) -> None:
    assert message(dialog.create(SAMPLE | {"phones": []})) == "phones must not be empty"
    dialog.switch(no_phones="accepted")
    assert dialog.create(SAMPLE | {"phones": []}).status_code == 200


def test_unknown_keys_of_add_data(dialog: Dialog) -> None:
    person = {"phone": "+79123456789", "add_data": {"city": "Челябинск", "age": 7}}
    assert dialog.create_with(person).status_code == 200
    dialog.switch(unknown_add_data="refused")
    assert message(dialog.create_with(person)) == "add_data: unknown age, city"
    assert dialog.create_with({"phone": "+79123456789", "add_data": None}).status_code == 200


def test_part_of_the_people(dialog: Dialog) -> None:
    dialog.first_items = 1
    assert dialog.create_with("+79123456789", "+79123456780").status_code == 200
    assert dialog.vendor.dials() == {"+79123456789": 1}


# --- report, seed, panel -------------------------------------------------------------------------------------------


def test_the_report_wants_the_id_of_the_campaign(dialog: Dialog) -> None:
    id = dialog.create().json()["campaign"]["id"]
    wanted = {"scenario_id": 3, "start_block_id": 10, "outgoing_campaign_id": id}
    path = "/api/analytics/1/report"
    assert dialog.call("POST", path, {"analytics_filter": wanted, "columns": []}).json() == {"data": []}
    assert message(dialog.call("POST", path, {})) == "analytics_filter is incomplete"
    wanted["outgoing_campaign_id"] = 1
    assert message(dialog.call("POST", path, {"analytics_filter": wanted}), 404) == "campaign not found"


def test_the_seed_and_the_panel(dialog: Dialog) -> None:
    dialog.vendor.seed()
    assert dialog.vendor.dials() == {"+79000000001": 1, "+79000000002": 1}
    (id,) = dialog.made()
    assert dialog.vendor.edit("campaign", id, {"name": "Новое"}) == id
    assert dialog.made()[id]["name"] == "Новое"
    made = dialog.vendor.edit("campaign", None, SAMPLE)
    assert dialog.made()[made]["name"] == "Обзвон клиентов"
    dialog.vendor.edit("campaign", id, None)
    assert list(dialog.made()) == [made]
    for kind, unknown in (("campaign", id), ("phone", made)):
        with pytest.raises(LookupError):
            dialog.vendor.edit(kind, unknown, {})


def test_every_switch_has_at_least_two_values() -> None:
    assert all(len(set(values)) == len(values) >= 2 for values in Intersvyaz.SWITCHES.values())
