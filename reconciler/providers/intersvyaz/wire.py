"""Intersvyaz in its own words: what can be declared, the one body that is ever sent, and its answer. Pure: sends nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from reconciler.model import WEEKDAYS, Capabilities, Contact, ContactRules, FieldRule, Json, Phone, Resource
from reconciler.providers.base import Call, Receipt, Refusal, Reply
from reconciler.units import seconds

DOCS = "https://docs.ai-assistant.is74.ru/books/api-dokumentaciia/page/sozdanie-obzvonov/revisions/"
BODY = f"{DOCS}432/changes"  # body, formats, reply
RULES = f"{DOCS}449"  # which fields are required

STATE = "Создано"  # revision 449: always this; later samples lack it, the oldest has it
# The only values that any revision shows. An id is not the number of attempts, as far as is known: both halves are sent as declared.
ONCE: Mapping[str, Json] = {
    "periods": {"id": 1, "title": "Однократно"},
    "attempts": {"id": 1, "title": "1"},
}
REQUIRED = ("project_id", "start_block_id", "phone_id")

_NO_OTHER_CALL = "Intersvyaz documents one call, which creates a campaign together with its people"
_SENT_ONCE = FieldRule(readable=False, immutable=True, source=BODY)
_REQUIRED = replace(_SENT_ONCE, source=RULES)

CAPABILITIES = Capabilities(
    vendor="intersvyaz",
    create=True,
    update=False,
    delete=False,
    readable=False,
    dial=False,
    fields={
        "displayName": _REQUIRED,
        "description": _REQUIRED,
        **dict.fromkeys(REQUIRED, _REQUIRED),
        "scenario_id": FieldRule(readable=False, source=RULES),  # needed to ask for results, never sent
        "schedule.timezone": replace(_SENT_ONCE, inferred=True),  # no page names a zone
        "schedule.starts": _SENT_ONCE,
        "schedule.windows": _SENT_ONCE,
        "recall.after": _SENT_ONCE,
        **dict.fromkeys(ONCE, _SENT_ONCE),
    },
    refusals={
        "update": f"{_NO_OTHER_CALL}; nothing changes one",
        "delete": f"{_NO_OTHER_CALL}; nothing deletes one",
        "contacts.withdraw": f"{_NO_OTHER_CALL}; nobody is taken out of one: write mode: append in the contact set",
        # That a campaign starts by itself is inferred: its state is always the same and no call starts it.
        "activation": f"{_NO_OTHER_CALL}: it starts by itself at the schedule's starts, and nothing stops it",
        "schedule.ends": "Intersvyaz calls on one date: it has a start date and no last day",
        "schedule.exclude": "Intersvyaz calls on one date: choose another for starts",
        "recall.maxAttempts": "Intersvyaz takes attempts as a pair of id and title whose other values are not documented: "
        "write the pair that the vendor gave you as attempts in the intersvyaz block",
        "recall.outcomes": "Intersvyaz does not say after which results it calls again, and cannot be told",
        "recall.priority": "Intersvyaz has no order of first and further attempts",
        "recall.minTalk": "Intersvyaz has no shortest call",
    },
    # Numbers twice, in one campaign or in two, are called twice: no rule against it is documented (inferred).
    contacts=ContactRules(inside_create=True),
    credentials=(frozenset({"token"}), frozenset({"username", "password"})),
    known_hosts=("ai-assistant.is74.ru",),
    can_create_inert=False,
    carries_token=True,
)


# ---- what cannot be held -------------------------------------------------------------------------------------------


def refusals(resource: Resource, zone: str) -> list[Refusal]:
    """`zone`: the connection's, as the vendor documents none."""
    return [*_missing(resource), *_schedule_refusals(resource, zone), *_interval_refusals(resource)]


def _missing(resource: Resource) -> Iterable[Refusal]:
    for name in REQUIRED:
        if name not in resource.spec:
            yield Refusal(name, f"Intersvyaz requires {name}; the number comes from your manager there.")
    if not resource.contacts:
        yield Refusal("contacts", f"{_NO_OTHER_CALL}: nobody can be added later, so name them here.")


def _schedule_refusals(resource: Resource, zone: str) -> Iterable[Refusal]:
    schedule = _at(resource, "schedule")
    if "starts" not in schedule:
        why = "Intersvyaz calls on one date between two times: a schedule with starts and windows is required."
        yield Refusal("schedule.starts" if schedule else "schedule", why)
        return
    day, windows = _weekday(schedule), schedule["windows"]
    if len(windows[day]) != 1:
        why = f"Intersvyaz calls in one window on one date; {schedule['starts']} is a {day}, which has {len(windows[day])}."
        yield Refusal("schedule.windows", why)
        return
    # Only that weekday counts, but hours of another one that differ would look as if they were held.
    others = [name for name in WEEKDAYS if windows[name] not in ([], windows[day])]
    if others:
        why = f"Intersvyaz calls on one date, {schedule['starts']}, a {day}: the other hours of {', '.join(others)} mean nothing there."
        yield Refusal("schedule.windows", why)
    if windows[day][0][1] == "24:00":
        yield Refusal("schedule.windows", "Intersvyaz shows times as HH:MM up to 23:59: end the window at 23:59.")
    starts = starts_at(resource)
    if starts.utcoffset() != starts.astimezone(ZoneInfo(zone)).utcoffset():
        why = f"Intersvyaz takes times without a zone, read in the account's: write it in {zone}, or in a zone as far from UTC."
        yield Refusal("schedule.timezone", why)


def _interval_refusals(resource: Resource) -> Iterable[Refusal]:
    if seconds(_at(resource, "recall").get("after", "0s")) % 60:
        yield Refusal("recall.after", "Intersvyaz counts the time between attempts in whole minutes.")


# ---- the declaration -----------------------------------------------------------------------------------------------


def canonical(resource: Resource) -> Resource:
    """What is sent, so that a change of anything else is none: the one weekday that counts, `periods` and `attempts` in full."""
    schedule = _at(resource, "schedule")
    day = _weekday(schedule)
    windows: Json = {name: schedule["windows"][name] if name == day else [] for name in WEEKDAYS}
    sent = {name: value for name, value in resource.spec.items() if name != "scenario_id"}
    return replace(resource, spec={**ONCE, **sent, "schedule": {**schedule, "windows": windows}})


def starts_at(resource: Resource) -> datetime:
    """When it begins to dial by itself: aware, in the schedule's zone."""
    schedule = _at(resource, "schedule")
    first = time.fromisoformat(schedule["windows"][_weekday(schedule)][0][0])
    return datetime.combine(date.fromisoformat(schedule["starts"]), first, ZoneInfo(schedule["timezone"]))


def _weekday(schedule: Mapping[str, Any]) -> str:
    return WEEKDAYS[date.fromisoformat(schedule["starts"]).weekday()]


def _at(resource: Resource, name: str) -> dict[str, Any]:
    """A mapping of the spec, empty where it is not declared."""
    found = resource.spec.get(name)
    return found if isinstance(found, dict) else {}


# ---- the wire ------------------------------------------------------------------------------------------------------


def create(resource: Resource, people: Sequence[Contact], token: str) -> Call:
    """The whole campaign with its people. `token` ends the description, for a person to find in the panel."""
    spec = resource.spec
    description = f"{spec.get('description', '')} [{token}]".lstrip()
    campaign: Json = {
        "project_id": spec["project_id"],
        "name": resource.name,
        "description": description,
        "start_block_id": spec["start_block_id"],
        "schedule": _schedule(resource),
        "state": STATE,
        "phone_id": spec["phone_id"],
    }
    phones: Json = [{"phone": wire_phone(contact.phone), "add_data": dict(contact.fields)} for contact in people]
    return Call("POST", "/api/campaigns", json={"campaign": campaign, "phones": phones})


def _schedule(resource: Resource) -> Json:
    schedule = _at(resource, "schedule")
    start, end = schedule["windows"][_weekday(schedule)][0]
    return {
        "date": schedule["starts"],
        "start_time": start,
        "end_time": end,
        **{name: resource.spec.get(name, value) for name, value in ONCE.items()},
        "interval": str(seconds(_at(resource, "recall").get("after", "0s")) // 60),
    }


def created(reply: Reply) -> Receipt:
    """`{"campaign": {"id": 12345}}`, and nothing about the people: they went in with it."""
    made = reply.json()["campaign"]["id"]
    if type(made) is not int:
        raise TypeError("the id is a whole number")
    return Receipt(vendor_id=str(made))


def wire_phone(phone: Phone) -> str:
    """`+79123456789`, as in the sample."""
    return phone.reveal()
