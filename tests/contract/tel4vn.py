"""TEL4VN, for the suites over all providers."""

from __future__ import annotations

import json

from hypothesis import strategies as st

from reconciler.simulator.tel4vn.account import fixed_uuid
from reconciler.simulator.vendor import Fields, Vendor
from tests.contract.declarations import weeks
from tests.contract.family import EVERY_DAY, Family, People, Refused

ZONE = "Asia/Ho_Chi_Minh"
SAME = (
    "type",
    "type_autocall",
    "description",
    "concurrent_call",
    "ratio",
    "call_timeout",
    "mode_call",
    "network",
    "callback_url",
    "answer_callback_url",
    "local_start_time",
    "local_end_time",
    "hopper",
    "call_center_queue_strategy",
    "customer_order",
    "allow_manual_dial",
    "allow_search_lead",
    "enable_callback_alert",
    "enable_encrypt",
)


def agreeing(spec: Fields) -> Fields:
    """A day without a window needs the opt-in."""
    week = spec.get("schedule", {}).get("windows", {})
    return spec if all(week.values()) else {**spec, "closedDays": "zero"}


def take(snapshot: Fields, id: str) -> Fields:
    row: Fields = snapshot["campaigns"].pop(id)
    rows = [{name: value for name, value in each.items() if name != "id"} for each in row["schedules"]]
    return {**row, "schedules": rows, "updated_at": ""}


def held(snapshot: Fields, id: str) -> People:
    lists = {row["list_uuid"] for row in snapshot["lists"].values() if row["campaign_uuid"] == id}
    for lead in snapshot["leads"].values():
        if lead["list_uuid"] in lists:
            yield "+84" + lead["phone_number"][1:], {**json.loads(lead["additional"] or "{}"), **lead}


def enter(account: Vendor, container: str, index: int, number: str) -> str:
    return account.edit("lead", None, {"list_uuid": container, "phone_number": "0" + number.removeprefix("+84")})


def hours(**days: list[list[str]]) -> Fields:
    return {"schedule": {"timezone": ZONE, "windows": {**EVERY_DAY, **days}}}


TEL4VN = Family(
    name="tel4vn",
    vendor="tel4vn",
    base={"displayName": "Spring renewals", "type": "autocall"},
    wire={
        **{name: (name,) for name in SAME},
        "displayName": ("campaign_name",),
        "schedule.timezone": (),  # one clock by whatever name
        "schedule.windows": ("schedules",),
        "recall.maxAttempts": ("recall_times",),
        "recall.after": ("schedule_recall", "schedule_recall_duration"),
        "recall.outcomes": ("recall_status",),
        "recall.priority": ("priority_recall",),
        "recall.minTalk": ("limit_recall_duration",),
        "carrier": ("carrier_uuid",),
        "template": ("template_uuid",),
        "extensions": ("users",),
        "closedDays": (),
        "lead": (),
    },
    run=frozenset({"active", "status", "run_id"}),
    whole=True,
    take=take,
    held=held,
    number=lambda index: f"+8438{index:07}",
    known={
        "carrier": st.sampled_from(["Viettel trunk A", {"uuid": fixed_uuid("carrier Mobi trunk B")}]),
        "template": st.sampled_from([{"uuid": fixed_uuid("template Renewal notice")}, "Survey"]),
        "extensions": st.lists(st.sampled_from(["101", "102", "103"]), unique=True),
        "schedule.timezone": st.sampled_from([ZONE, "Asia/Bangkok", "Etc/GMT-7"]),
        "schedule.windows": weeks(1),
        "recall.after": st.integers(0, 9999).map(lambda minutes: f"{minutes}m"),
    },
    beside={"schedule.timezone": hours(), "schedule.windows": hours()},
    legal=agreeing,
    enter=enter,
    names=("lead_name", "contract_number", "lead_code", "due", "Họ tên"),
    edit=({"lead_name": "An", "due": "5"}, {"lead_name": "Bình", "due": "7"}),
    pages=({"page_cap": "10", "order": "newest"}, {"page_cap": "100", "page_echo": "asked"}),
    refused=(
        Refused("description", {"description": "Notes [rc:k3f9qa]"}, "end it another way", {"description": "Notes."}),
        Refused("recall.after", {"recall": {"after": "90s"}}, "whole minutes", {"recall": {"after": "2m"}}),
        Refused("schedule.windows", hours(sun=[]), "closedDays: zero", {"closedDays": "zero"}),
        Refused("schedule.windows", hours(sun=[]), "give every day a window", hours()),
        Refused("schedule.windows", hours(mon=[["08:00", "11:00"], ["13:00", "17:00"]]), "one window a day", hours()),
        Refused(
            "schedule.timezone",
            {"schedule": {"timezone": "Europe/Warsaw", "windows": EVERY_DAY}},
            "its clock stands at +07:00",
            hours(),
        ),
    ),
)
