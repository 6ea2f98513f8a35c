"""What the simulated Intersvyaz account checks in a create, and the switches for it: the vendor prints none of its rules."""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime, timedelta, timezone

from reconciler.simulator.vendor import Fields, Switches

ZONE = timezone(timedelta(hours=5))
"""The vendor's home; its pages name no zone."""

STATE = "Создано"
KNOWN_IDS = {"project_id": 1, "start_block_id": 10, "phone_id": 5}
"""What the account has, as in the sample request."""
BLOCK_PARAMETERS = frozenset({"name", "time", "phone"})
"""What the start block of the sample takes as `add_data`."""
CHOICES: Fields = {"periods": {"id": 1, "title": "Однократно"}, "attempts": {"id": 1, "title": "1"}}
"""The only values that any sample shows."""

CHECKS: Switches = {
    # One revision wants `state` in every request, later samples lack it.
    "state": ("optional", "required", "refused"),
    # Nothing says that names are unique; nothing says they are not.
    "same_name": ("accepted", "refused"),
    # A day that is over; a window that ends before it starts.
    "past_date": ("refused", "accepted"),
    "inverted_window": ("refused", "accepted"),
    # `interval` is a text of digits in every sample; a number may do or not.
    "interval_number": ("refused", "accepted"),
    # More values of `periods` and `attempts` probably exist than the one in the samples.
    "unseen_choices": ("accepted", "refused"),
    # Ids that the account does not have; keys that the start block does not have.
    "unknown_ids": ("accepted", "refused"),
    "unknown_add_data": ("accepted", "refused"),
    # A number twice in one request: two calls, one, or an error.
    "duplicate_phones": ("second", "once", "refused"),
    # Whether one bad number spoils the campaign.
    "bad_phones": ("refused", "skipped"),
    # Whether a campaign without anybody is one.
    "no_phones": ("refused", "accepted"),
}

Chosen = Callable[[str], str]


def campaign_errors(campaign: Fields, names: Collection[object], now: datetime, chosen: Chosen) -> Iterator[str]:
    """What is wrong with the `campaign` object; `names` are those in use."""
    schedule = campaign.get("schedule")
    if not isinstance(schedule, dict):
        yield "schedule is required"
        return
    yield from _id_errors(campaign, chosen)
    yield from _schedule_errors(schedule, now, chosen)
    if "state" not in campaign and chosen("state") == "required":
        yield "state is required"
    if "state" in campaign and (chosen("state") == "refused" or campaign["state"] != STATE):
        yield "state is not allowed"
    if campaign.get("name") in names and chosen("same_name") == "refused":
        yield "name already exists"


def _id_errors(campaign: Fields, chosen: Chosen) -> Iterator[str]:
    for name, known in KNOWN_IDS.items():
        if type(campaign.get(name)) is not int:
            yield f"{name} must be an integer"
        elif campaign[name] != known and chosen("unknown_ids") == "refused":
            yield f"{name} does not exist"


def _schedule_errors(schedule: Fields, now: datetime, chosen: Chosen) -> Iterator[str]:
    try:
        start, end = (
            datetime.strptime(f"{schedule['date']} {schedule[edge]}", "%Y-%m-%d %H:%M").replace(tzinfo=ZONE)
            for edge in ("start_time", "end_time")
        )
    except (KeyError, ValueError):
        yield "schedule needs date as YYYY-MM-DD, start_time and end_time as HH:MM"
        return
    if end < start and chosen("inverted_window") == "refused":
        yield "end_time is before start_time"
    if max(start, end) < now and chosen("past_date") == "refused":
        yield "date is in the past"
    yield from _recall_errors(schedule, chosen)


def _recall_errors(schedule: Fields, chosen: Chosen) -> Iterator[str]:
    interval = schedule.get("interval", "0")
    as_number = type(interval) is int and chosen("interval_number") == "accepted"
    if not as_number and not (isinstance(interval, str) and interval.isdigit()):
        yield "interval must be a string of digits"
    for name, seen in CHOICES.items():
        choice = schedule.get(name, seen)
        if not isinstance(choice, dict) or choice.keys() != {"id", "title"}:
            yield f"{name} must be an object with id and title"
        elif choice != seen and chosen("unseen_choices") == "refused":
            yield f"{name} is unknown"


def admitted(phones: Sequence[object], chosen: Chosen) -> tuple[list[Fields], list[str]]:
    """The people a create takes, and what is wrong with the others; one error refuses the campaign."""
    people: dict[str, list[Fields]] = {}
    errors = []
    for entry in phones:
        person = entry if isinstance(entry, dict) else {}
        if error := _phone_error(person, chosen):
            errors.append(error)
        else:
            people.setdefault(e164(person["phone"]), []).append(person)
    if chosen("bad_phones") == "skipped":
        errors = []
    if chosen("duplicate_phones") == "refused" and any(len(entries) > 1 for entries in people.values()):
        errors.append("phones must be unique")
    if not people and chosen("no_phones") == "refused":
        errors.append("phones must not be empty")
    most = 1 if chosen("duplicate_phones") == "once" else None
    return [entry for entries in people.values() for entry in entries[:most]], errors


def _phone_error(person: Fields, chosen: Chosen) -> str:
    """What is wrong with one entry of `phones`, "" for nothing."""
    phone, add_data = person.get("phone"), person.get("add_data") or {}
    if not isinstance(phone, str) or not isinstance(add_data, dict):
        return "phone is required as a string, add_data as an object"
    if not re.fullmatch(r"\+?[0-9]{10,15}", phone):
        return "phone is not a number"
    unknown = add_data.keys() - BLOCK_PARAMETERS
    if unknown and chosen("unknown_add_data") == "refused":
        return f"add_data: unknown {', '.join(sorted(unknown))}"
    return ""


def e164(number: str) -> str:
    """The number as the rest of the world writes it; without a plus, a Russian trunk 8 stands for 7."""
    if len(number) == 11 and number.startswith("8"):
        return "+7" + number[1:]
    return "+" + number.lstrip("+")
