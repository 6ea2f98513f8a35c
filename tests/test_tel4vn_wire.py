"""TEL4VN's words and ours: what it can hold, numbers, the vendor's samples read, declarations there and back. No calls."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model import WEEKDAYS, Json, Phone, RunState, Spec
from reconciler.providers import provider
from reconciler.providers.base import CanDial, TakesContacts
from reconciler.providers.tel4vn import leads, rules, wire
from reconciler.providers.tel4vn.provider import Tel4vn
from reconciler.units import duration_text
from tests import tel4vn_samples as samples
from tests.support import connection
from tests.tel4vn_wired import DECLARED, NAMES, OPEN, SCHEDULE, VENDOR, campaign, canonical, resource

# ---- the vendor and its table ----------------------------------------------------------------------------------------


def test_is_made_by_name_dials_and_takes_contacts() -> None:
    made = provider(connection("tel4vn"))
    assert isinstance(made, Tel4vn)
    assert isinstance(made, CanDial)
    assert isinstance(made, TakesContacts)
    table = made.capabilities
    assert (table.credentials, table.known_hosts) == ((frozenset({"apiKey"}),), ())
    assert all((table.create, table.update, table.delete, table.dial, table.delete_needs_stop, table.carries_token))
    assert all(rule.source.startswith("https://") for rule in table.fields.values())
    assert {path for path, rule in table.fields.items() if not rule.readable} == {"extensions", "closedDays", "lead"}
    assert {"schedule.starts", "schedule.ends", "schedule.exclude"} == set(table.refusals)


@pytest.mark.parametrize(
    ("spec", "path", "words"),
    [
        ({"schedule": {**SCHEDULE, "timezone": "Europe/Warsaw"}}, "schedule.timezone", "Europe/Warsaw"),
        ({"schedule": {**SCHEDULE, "timezone": "Asia/Singapore"}}, "schedule.timezone", "+07:00"),
        (
            {"schedule": {**SCHEDULE, "windows": {**OPEN, "mon": [["08:00", "11:00"], ["13:00", "17:00"]]}}},
            "schedule.windows",
            "mon",
        ),
        ({"schedule": {**SCHEDULE, "windows": {**OPEN, "sun": []}}}, "schedule.windows", "sun"),
        ({"recall": {"after": "90s"}}, "recall.after", "whole minutes"),
        ({"description": "Renewals [rc:abc123]"}, "description", "mark"),
    ],
)
def test_what_it_cannot_hold_is_refused_with_a_reason(spec: Spec, path: str, words: str) -> None:
    (refusal,) = VENDOR.refusals(resource(spec))
    assert refusal.path == path
    assert words in refusal.message


@pytest.mark.parametrize(
    "spec",
    [
        DECLARED,
        {},
        {"schedule": {**SCHEDULE, "timezone": "Asia/Bangkok"}},
        {"schedule": {**SCHEDULE, "timezone": "Etc/GMT-7"}},
        {"schedule": {**SCHEDULE, "windows": {**OPEN, "sun": []}}, "closedDays": "zero"},
        {"recall": {"after": "0s"}},
        {"recall": {"maxAttempts": 2}},
        {"recall": {"after": "2h"}},
    ],
)
def test_what_it_can_hold_is_not_refused(spec: Spec) -> None:
    assert VENDOR.refusals(resource(spec)) == []


# ---- numbers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("e164", "on_the_wire"),
    [
        ("+84349719999", "0349719999"),
        ("+84949719066", "0949719066"),
        ("+842873003586", None),
        ("+84249719066", None),
        ("+843497199990", None),
        ("+8434971999", None),
        ("+48600700800", None),
    ],
)
def test_a_number_goes_in_national_form_or_not_at_all(e164: str, on_the_wire: str | None) -> None:
    assert VENDOR.wire_phone(Phone(e164)) == on_the_wire


@pytest.mark.parametrize("text", ["0349719999", "84349719999", "+84349719999", "034 971 99 99"])
def test_every_form_of_a_number_that_is_read_is_the_same_number(text: str) -> None:
    assert leads.live_phone(text) == Phone("+84349719999")


# ---- the samples in our words ----------------------------------------------------------------------------------------


def test_the_sample_of_a_new_campaign_in_our_words() -> None:
    assert wire.from_wire(samples.ONE, NAMES) == {
        "displayName": "VoiceOTP110",
        "type": "autocall",
        "type_autocall": "autocall_voice_tts",
        "description": "",
        "concurrent_call": 11,
        "ratio": 100,
        "mode_call": "direct",
        "callback_url": "",
        "answer_callback_url": "",
        "hopper": 20,
        "call_center_queue_strategy": "",
        "customer_order": "id",
        "allow_manual_dial": True,
        "allow_search_lead": True,
        "enable_callback_alert": True,
        "enable_encrypt": False,
        "call_timeout": "60s",
        "network": samples.NETWORK,
        "local_start_time": "00:00",
        "local_end_time": "23:59:59",
        "carrier": {"uuid": samples.CARRIER, "name": "Billing"},
        "template": None,
        "schedule": SCHEDULE,
        "recall": {
            "maxAttempts": 1,
            "minTalk": "0s",
            "after": "0s",
            "outcomes": sorted(wire.OUTCOMES),
            "priority": "new_first",
        },
    }


def test_the_sample_of_an_autodialer_in_our_words() -> None:
    spec = wire.from_wire(samples.DIALER, {})
    assert (spec["local_start_time"], spec["local_end_time"]) == ("08:00", "17:30")
    assert (spec["schedule"], spec["carrier"]) == (None, None)
    assert spec["recall"] == {"maxAttempts": 1, "minTalk": "0s", "after": "0s"}


def test_what_the_vendor_knows_and_we_do_not_is_shown_as_it_is() -> None:
    raw = campaign(schedule_recall="hour", priority_recall="vip", recall_status=["busy", "fax"], carrier_name="Old")
    assert wire.from_wire(raw, {})["recall"] == {
        "maxAttempts": 1,
        "minTalk": "0s",
        "outcomes": ["busy", "fax"],
        "priority": "vip",
    }
    assert wire.from_wire(raw, {})["carrier"] == {"uuid": samples.CARRIER, "name": "Old"}


@pytest.mark.parametrize(
    ("active", "status", "run"),
    [
        (True, "stop", RunState.STOPPED),
        (True, "start", RunState.RUNNING),
        (True, "pause", RunState.PAUSED),
        (True, "", RunState.RUNNING),
        (False, "start", RunState.STOPPED),
        (False, "pause", RunState.STOPPED),
        (False, "", RunState.STOPPED),
    ],
)
def test_whether_it_dials(active: bool, status: str, run: RunState) -> None:
    assert wire.run_of(campaign(active=active, status=status)) is run


# ---- there and back --------------------------------------------------------------------------------------------------


windows = st.tuples(st.integers(0, 1439), st.integers(1, 1440)).filter(lambda pair: pair[0] < pair[1])


def clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


@given(st.lists(st.none() | windows, min_size=7, max_size=7))
def test_a_schedule_comes_back_as_it_was_declared(days: list[tuple[int, int] | None]) -> None:
    week = {day: [[clock(pair[0]), clock(pair[1])]] if pair else [] for day, pair in zip(WEEKDAYS, days, strict=True)}
    declared: Any = {"timezone": rules.ZONE, "windows": week}
    raw = campaign(**wire.to_wire({"schedule": declared}))
    assert wire.from_wire(raw, {})["schedule"] == declared


@given(
    st.fixed_dictionaries(
        {
            "maxAttempts": st.integers(1, 99),
            "after": st.integers(0, 100_000).map(lambda minutes: duration_text(60 * minutes)),
            "outcomes": st.lists(st.sampled_from(sorted(wire.OUTCOMES)), unique=True).map(sorted),
            "priority": st.sampled_from(["new_first", "recalls_first"]),
            "minTalk": st.integers(0, 3600).map(duration_text),
        }
    )
)
def test_a_recall_policy_comes_back_as_it_was_declared(recall: dict[str, Json]) -> None:
    raw = campaign(**wire.to_wire({"recall": recall}))
    assert wire.from_wire(raw, {})["recall"] == recall


def test_an_hour_is_sent_in_minutes_and_a_day_ends_at_its_last_nanosecond() -> None:
    sent_recall = wire.to_wire({"recall": {"after": "1h"}})
    assert sent_recall == {"schedule_recall": "minute", "schedule_recall_duration": 60}
    week = {**OPEN, "sat": [["00:00", "24:00"]]}
    rows: Any = wire.to_wire({"schedule": {**SCHEDULE, "windows": week}})["schedules"]
    assert [rows[0][f"saturday_{edge}_time"] for edge in ("start", "end")] == [0, 86400000000000]
    assert rows[0]["monday_start_time"] == 28800000000000


def test_a_second_row_is_read_as_a_second_window() -> None:
    evening = {name: 18 * 3600 * 10**9 + (9 * 10**9 if "end" in name else 0) for name in samples.WEEK}
    spec: Any = wire.from_wire(campaign(schedules=[evening, samples.WEEK]), {})
    assert spec["schedule"]["windows"]["mon"] == [["08:00", "21:00"], ["18:00", "18:00:09"]]


# ---- the declaration as it will be echoed ----------------------------------------------------------------------------


def test_names_become_ids_and_names() -> None:
    spec = canonical(
        {**DECLARED, "local_start_time": "08:00:00", "local_end_time": "17:30", "description": "May  "}
    ).spec
    assert spec["carrier"] == {"uuid": samples.CARRIER, "name": "Billing"}
    assert spec["template"] == {"uuid": samples.TEMPLATE, "name": "thong_bao_no_cuoc_01"}
    assert (spec["local_start_time"], spec["local_end_time"], spec["description"]) == ("08:00", "17:30", "May")


def test_an_id_becomes_id_and_name_and_a_zone_the_account_s() -> None:
    schedule = {**SCHEDULE, "timezone": "Asia/Bangkok"}
    spec = canonical({"carrier": {"uuid": samples.CARRIER}, "schedule": schedule}).spec
    assert spec == {
        "displayName": "spring",
        "carrier": {"uuid": samples.CARRIER, "name": "Billing"},
        "schedule": SCHEDULE,
    }


@pytest.mark.parametrize(
    ("spec", "names", "words"),
    [
        ({"carrier": "Nobody"}, NAMES, 'carrier "Nobody" does not exist at tel4vn; there are "Billing", "Billing02"'),
        ({"template": "Nobody"}, {}, 'template "Nobody" does not exist at tel4vn; there are none'),
        ({"carrier": "A"}, {"carrier": {"1": "A", "2": "A"}}, '2 carriers are called "A" at tel4vn: write {uuid: ...}'),
        ({"carrier": {"uuid": "x"}}, NAMES, 'no carrier with the uuid "x" exists at tel4vn; there are'),
    ],
)
def test_a_name_that_means_nothing_there_is_said_in_a_sentence(spec: Spec, names: rules.Names, words: str) -> None:
    with pytest.raises(LookupError) as error:
        VENDOR.canonical(resource(spec), names)
    assert words in error.value.args[0]
