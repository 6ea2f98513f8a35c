"""Intersvyaz, for the suites over all providers: a campaign is made once, with its people, and never seen again."""

from __future__ import annotations

from datetime import date

from hypothesis import strategies as st

from reconciler.model import WEEKDAYS
from reconciler.simulator.vendor import Fields
from tests.contract.declarations import weeks
from tests.contract.family import EVERY_DAY, Family, People, Refused

ZONE = "Asia/Yekaterinburg"
STARTS = "2026-06-01"
SCHEDULE: Fields = {"timezone": ZONE, "windows": EVERY_DAY, "starts": STARTS}
BASE: Fields = {
    "displayName": "Опрос",
    "project_id": 1,
    "start_block_id": 10,
    "phone_id": 5,
    "schedule": SCHEDULE,
}


def agreeing(spec: Fields) -> Fields:
    """One window on the weekday of the one date, over before midnight."""
    schedule = spec["schedule"]
    day = WEEKDAYS[date.fromisoformat(schedule["starts"]).weekday()]
    drawn = [window for window in schedule["windows"][day] if window[1] != "24:00"] or [["09:00", "17:00"]]
    windows = {name: drawn if name == day else [] for name in WEEKDAYS}
    return {**spec, "schedule": {**schedule, "windows": windows}}


def take(snapshot: Fields, id: str) -> Fields:
    campaign: Fields = snapshot["campaigns"].pop(id)
    return campaign


def held(snapshot: Fields, id: str) -> People:
    for person in snapshot["campaigns"][id]["phones"]:
        yield person["phone"], person["add_data"]


def schedule(**parts: object) -> Fields:
    return {"schedule": {**SCHEDULE, **parts}}


INTERSVYAZ = Family(
    name="intersvyaz",
    vendor="intersvyaz",
    base=BASE,
    wire=dict.fromkeys(
        (
            *("displayName", "description", "project_id", "start_block_id", "phone_id", "scenario_id"),
            *("schedule.timezone", "schedule.starts", "schedule.windows", "recall.after", "periods", "attempts"),
        ),
        (),
    ),
    take=take,
    held=held,
    number=lambda index: f"+7912{index:07}",
    known={
        "schedule.timezone": st.sampled_from([ZONE, "Asia/Tashkent", "Etc/GMT-5"]),
        "schedule.starts": st.dates(date(2026, 6, 1), date(2030, 12, 31)).map(date.isoformat),
        "schedule.windows": weeks(1),
        "recall.after": st.integers(0, 9999).map(lambda minutes: f"{minutes}m"),
    },
    legal=agreeing,
    names=("name", "time", "phone", "Имя"),
    refused=(
        Refused("project_id", {"project_id": None}, "comes from your manager", {"project_id": 1}),
        Refused("contacts", {}, "name them here", contacts=False),
        Refused("schedule", {"schedule": None}, "a schedule with starts and windows is required", schedule()),
        Refused("schedule.starts", schedule(starts=None), "with starts", schedule()),
        Refused(
            "schedule.windows",
            schedule(windows={**EVERY_DAY, "mon": []}),
            "one window on one date",
            schedule(),
        ),
        Refused(
            "schedule.windows",
            schedule(windows={**EVERY_DAY, "tue": [["10:00", "11:00"]]}),
            "mean nothing there",
            schedule(),
        ),
        Refused(
            "schedule.windows",
            schedule(windows={key: [["08:00", "24:00"]] for key in WEEKDAYS}),
            "end the window at 23:59",
            schedule(),
        ),
        Refused("schedule.timezone", schedule(timezone="Europe/Moscow"), f"write it in {ZONE}", schedule()),
        Refused("recall.after", {"recall": {"after": "90s"}}, "whole minutes", {"recall": {"after": "2m"}}),
    ),
)
