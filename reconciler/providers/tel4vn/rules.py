"""What TEL4VN can hold and what it cannot, with reasons: the capability table, the checks that need no network, names. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from reconciler.model import Capabilities, ContactRules, FieldRule, Json, Live, Resource, Spec
from reconciler.providers.base import Refusal, UnknownName
from reconciler.providers.declarable import Declarable
from reconciler.units import seconds

Names = Mapping[str, Mapping[str, str]]  # "carrier" | "template" -> uuid -> name

_EDIT = "https://documents.tel4vn.com/api/v3/campaign/edit"
_DOCS = "https://github.com/phamhieptel4vn/api-docs"  # the vendor's documentation as of 2023-12-25
_DIAL = f"{_DOCS}/blob/main/callcenter/autodial.md"

# Inferred: the offset of every campaign, list and lead timestamp in the samples; no page names the zone of the schedules.
OFFSET: Final = timedelta(hours=7)
ZONE: Final = "Asia/Ho_Chi_Minh"  # stands for that offset in canonical form
_YEARS: Final = range(2025, 2038)  # for which the zone database holds rules beyond doubt

MARK: Final = re.compile(r"\s*\[(rc:[A-Za-z0-9]{6})\]\s*\Z")  # ours, at the end of a description
REFERENCES: Final = ("carrier", "template")  # named in a declaration, uuids on the wire

LEAD_FIELDS: Final = (
    "lead_name",
    "lead_code",
    "contract_number",
    "identity_number",
    "identity_issued_at",
    "identity_issued_on",
    "address",
    "province",
    "district",
    "ward",
    "date_of_birth",
    "gender",
)
"""Text fields of a lead that create and edit take, beside `phone_number` and `additional`.
Source: https://documents.tel4vn.com/api/v3/lead/create and .../lead/edit."""


def _rule(
    widens: Literal["up", "down", "any", "never"] = "never", unset: Json = None, source: str = _EDIT, **more: bool
) -> FieldRule:
    return FieldRule(unset=unset, widens=widens, source=source, **more)


CAPABILITIES: Final = Capabilities(
    vendor="tel4vn",
    create=True,
    update=True,
    delete=True,
    readable=True,
    dial=True,
    fields={
        "displayName": _rule(),
        "schedule.timezone": _rule("any", inferred=True),
        "schedule.windows": _rule("any"),
        "recall.maxAttempts": _rule("up"),
        "recall.after": _rule("down", source=_DIAL),
        "recall.outcomes": _rule("up"),
        "recall.priority": _rule(),
        "recall.minTalk": _rule("up", unset="0s"),
        "type": _rule("any"),
        "type_autocall": _rule(),
        "description": _rule(unset=""),
        "carrier": _rule(),
        "template": _rule(),
        "concurrent_call": _rule("up"),
        "ratio": _rule("up", source=_DIAL),
        "call_timeout": _rule(),
        "mode_call": _rule("any"),
        "network": _rule("up"),
        "callback_url": _rule(unset=""),
        "answer_callback_url": _rule(unset=""),
        "local_start_time": _rule("down", source=_DIAL),
        "local_end_time": _rule("up", source=_DIAL),
        "hopper": _rule("up", source=_DIAL),
        "call_center_queue_strategy": _rule(source=_DIAL),
        "customer_order": _rule(source=_DIAL),
        "allow_manual_dial": _rule(source=_DIAL),
        "allow_search_lead": _rule(source=_DIAL),
        "enable_callback_alert": _rule(source=_DIAL),
        "enable_encrypt": _rule(),
        # Whether an assignment adds or replaces is not documented: a shorter list may leave agents assigned.
        "extensions": _rule(source=_DIAL, readable=False),
        # A day of 0 and 0 is inferred to be a day without calls.
        "closedDays": _rule(readable=False, inferred=True),
        "lead": _rule(source="https://documents.tel4vn.com/api/v3/lead/create", readable=False),
    },
    refusals={
        "schedule.starts": "TEL4VN has weekly windows only: no page names a first day of a campaign",
        "schedule.ends": "TEL4VN has weekly windows only: no page names a last day of a campaign",
        "schedule.exclude": "TEL4VN has weekly windows only: no page names days to be left out",
    },
    # Neither a greatest page nor a greatest batch is documented: both are our own bounds.
    contacts=ContactRules(
        add=True, read=True, update=True, withdraw=True, batch_max=500, page_max=1000, container="list"
    ),
    credentials=(frozenset({"apiKey"}),),
    delete_needs_stop=True,  # "campaign must be deactive"
    carries_token=True,
)


# "Autodialer only" on the campaign page and in the samples; other campaigns carry defaults or empty values in them.
_AUTODIALER: Final = frozenset(
    {
        *("ratio", "local_start_time", "local_end_time", "hopper", "call_center_queue_strategy", "customer_order"),
        *("allow_manual_dial", "allow_search_lead", "enable_callback_alert"),
    }
)


def declarable(live: Live) -> Declarable:
    """See `CanImport`. What an autodialer alone knows says nothing of another campaign, and the other way round."""
    schedule = live.spec.get("schedule")
    windows = schedule.get("windows") if isinstance(schedule, dict) else None
    closed = isinstance(windows, dict) and any(not of_day for of_day in windows.values())
    idle = {"autodialer": frozenset({"type_autocall"}), "autocall": _AUTODIALER}
    return Declarable(
        also={"closedDays": "zero"} if closed else {},
        idle=idle.get(str(live.spec.get("type")), frozenset()),
        unread={"extensions": "the vendor shows nobody which agents are assigned; who is stays assigned"},
    )


def refusals(resource: Resource) -> Iterable[Refusal]:
    """What of a declaration cannot be held, beyond the table."""
    spec = resource.spec
    if MARK.search(str(spec.get("description", ""))):
        yield Refusal("description", "It ends like the mark that reconciler itself puts there: end it another way.")
    schedule, recall = spec.get("schedule"), spec.get("recall")
    if isinstance(schedule, dict):
        yield from _schedule(schedule, spec.get("closedDays") == "zero")
    if isinstance(recall, dict) and seconds(str(recall.get("after", "0s"))) % 60:
        yield Refusal("recall.after", "TEL4VN counts the wait in whole minutes: 0s for at once, or 1m, 2m and so on.")


def _schedule(schedule: dict[str, Any], zero: bool) -> Iterable[Refusal]:
    zone = str(schedule["timezone"])
    if not in_account_zone(zone):
        message = (
            f"TEL4VN has no zone of its own per campaign: its clock stands at +07:00, that of {zone} does not all year."
        )
        yield Refusal("schedule.timezone", message)
    windows = schedule["windows"]
    split = [day for day, of_day in windows.items() if len(of_day) > 1]
    if split:
        yield Refusal("schedule.windows", f"TEL4VN holds one window a day; {', '.join(split)} has more.")
    closed = [day for day, of_day in windows.items() if not of_day]
    if closed and not zero:
        message = (
            f"TEL4VN documents no way to write a day without calls ({', '.join(closed)}): give every day a window, or write "
            "closedDays: zero in the tel4vn block to send 00:00-00:00 for it."
        )
        yield Refusal("schedule.windows", message)


@cache
def in_account_zone(zone: str) -> bool:
    """Whether a zone's clock stands at +07:00 all year round. Compared by offset, since many names mean the same clock."""
    there = ZoneInfo(zone)
    days = (
        datetime(year, month, day, 12, tzinfo=there) for year in _YEARS for month in range(1, 13) for day in (1, 15)
    )
    return all(day.utcoffset() == OFFSET for day in days)


def resolved(kind: str, wanted: Json, known: Mapping[str, str]) -> Json:
    """A reference by name or `{uuid: ...}` as {uuid, name}. Raises UnknownName, saying which there are."""
    if isinstance(wanted, dict):
        uuid = str(wanted["uuid"])
        if uuid not in known:
            raise UnknownName(kind, f'no {kind} with the uuid "{uuid}" exists at tel4vn; {_there_are(known)}.')
        return {"uuid": uuid, "name": known[uuid]}
    found = [uuid for uuid, name in known.items() if name == wanted]
    if len(found) > 1:
        raise UnknownName(kind, f'{len(found)} {kind}s are called "{wanted}" at tel4vn: write {{uuid: ...}} instead.')
    if not found:
        raise UnknownName(kind, f'{kind} "{wanted}" does not exist at tel4vn; {_there_are(known)}.')
    return {"uuid": found[0], "name": str(wanted)}


def _there_are(known: Mapping[str, str]) -> str:
    return "there are " + ", ".join(f'"{name}"' for name in sorted(known.values())) if known else "there are none"


def names_in(*specs: Spec) -> Names:
    """The names of references that canonical specs mention, for reading back without looking them up again."""
    found: dict[str, dict[str, str]] = {kind: {} for kind in REFERENCES}
    for spec in specs:
        for kind in REFERENCES:
            reference = spec.get(kind)
            if isinstance(reference, dict):
                found[kind][str(reference["uuid"])] = str(reference["name"])
    return found
