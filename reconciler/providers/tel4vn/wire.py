"""TEL4VN's campaign on the wire and back: fields, weekly windows, recall policy, references, run state. Pure.

What the vendor can hold is in rules.py, lists and leads are in contacts.py, the calls in provider.py. Where nothing else is said a
fact is from https://documents.tel4vn.com/api/v3/campaign/edit; what no page states is marked as inferred.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from reconciler.model import WEEKDAYS, FieldChange, Json, Live, Resource, RunState, Spec
from reconciler.providers.tel4vn.rules import CAPABILITIES, MARK, REFERENCES, ZONE, Names, resolved
from reconciler.units import duration_text, seconds

Raw = dict[str, Any]  # a campaign as the vendor answers it

_DAYS: Final = dict(
    zip(WEEKDAYS, ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"), strict=True)
)
_SECOND: Final = 10**9  # nanoseconds

OUTCOMES: Final = {
    "no_answer": "no-answered",
    "busy": "busy",
    "voicemail": "voicemail",
    "unreachable": "not-available",
    "failed": "failed",
    "congestion": "congestion",
    "invalid_number": "invalid-number",
    "blocked": "phone-block",
    "answered": "answered",
}
_PORTABLE: Final = {theirs: ours for ours, theirs in OUTCOMES.items()}
# A campaign that was never edited reads with all nine, `answered` among them (inferred: that is the default), so a create never
# leaves this to the vendor.
CAREFUL_OUTCOMES: Final = sorted(set(OUTCOMES) - {"invalid_number", "blocked", "answered"})
_PRIORITIES: Final = {"new_first": "normal", "recalls_first": "recall"}
_RANKS: Final = {theirs: ours for ours, theirs in _PRIORITIES.items()}

PLAIN: Final = (
    "type",
    "type_autocall",
    "description",
    "concurrent_call",
    "ratio",
    "mode_call",
    "callback_url",
    "answer_callback_url",
    "hopper",
    "call_center_queue_strategy",
    "customer_order",
    "allow_manual_dial",
    "allow_search_lead",
    "enable_callback_alert",
    "enable_encrypt",
)
OURS: Final = ("lead", "closedDays")  # parts of a declaration that steer our calls; the vendor has no place for them
_WHOLE: Final = frozenset({"schedule", *REFERENCES})  # translated in one piece, whatever part of them changed
_ROW_KEYS: Final = ("domain_uuid", "id", "campaign_uuid")  # of a schedule row: the PUT sample sends none of them


# ---- the mark at the end of a description -----------------------------------------------------------------------------


def marked(description: str, mark: str) -> str:
    """A description with our public mark at its end; an empty mark adds nothing. What it begins with stays, blanks too."""
    parts = [description, f"[{mark}]" if mark else ""]
    return " ".join(part for part in parts if part)


def mark_of(description: object) -> str:
    """`rc:k3f9qa` where a description ends in `[rc:k3f9qa]`, else nothing."""
    found = MARK.search(str(description or ""))
    return found[1] if found else ""


def unmarked(description: str | None) -> str:
    return MARK.sub("", description or "").rstrip()


# ---- declaration to wire ----------------------------------------------------------------------------------------------


def to_wire(spec: Spec) -> dict[str, Json]:
    """The wire fields of what `spec` (canonical, or a part of it) declares. The description goes without a mark."""
    wire: dict[str, Json] = {name: spec[name] for name in PLAIN if name in spec}
    for name, translate in _TO_WIRE.items():
        if name in spec:
            wire |= translate(spec[name])
    return wire


def _nanoseconds(clock: str) -> int:
    """`"08:30"` -> 30600000000000. Inferred: counted from local midnight (the samples read 08:00 and 21:00)."""
    hours, minutes, *rest = (int(part) for part in clock.split(":"))
    return (hours * 3600 + minutes * 60 + sum(rest)) * _SECOND


def _schedule_to_wire(schedule: Any) -> dict[str, Json]:
    """One row of fourteen numbers. A day without a window is 0 and 0, which is inferred: only sent under `closedDays: zero`."""
    row: dict[str, Json] = {}
    for day, name in _DAYS.items():
        start, end = next(iter(schedule["windows"][day]), ("00:00", "00:00"))
        row |= {f"{name}_start_time": _nanoseconds(start), f"{name}_end_time": _nanoseconds(end)}
    return {"schedules": [row]}


def _recall_to_wire(recall: Any) -> dict[str, Json]:
    wire: dict[str, Json] = {}
    if "maxAttempts" in recall:
        wire["recall_times"] = recall["maxAttempts"] - 1  # ours counts the first call
    if "after" in recall:
        minutes = seconds(recall["after"]) // 60
        wire |= {"schedule_recall": "minute" if minutes else "after", "schedule_recall_duration": minutes}
    if "outcomes" in recall:
        wire["recall_status"] = [OUTCOMES[outcome] for outcome in recall["outcomes"]]
    if "priority" in recall:
        wire["priority_recall"] = _PRIORITIES[recall["priority"]]
    if "minTalk" in recall:
        wire["limit_recall_duration"] = seconds(recall["minTalk"])
    return wire


def _time(name: str) -> Callable[[Any], dict[str, Json]]:
    return lambda clock: {name: clock if clock.count(":") == 2 else f"{clock}:00"}


def _reference(name: str) -> Callable[[Any], dict[str, Json]]:
    return lambda reference: {f"{name}_uuid": reference["uuid"]}


_TO_WIRE: Final[dict[str, Callable[[Any], dict[str, Json]]]] = {
    "displayName": lambda name: {"campaign_name": name},
    "call_timeout": lambda text: {"call_timeout": seconds(text)},
    "network": lambda channels: {"network": dict(channels)},
    "local_start_time": _time("local_start_time"),
    "local_end_time": _time("local_end_time"),
    "carrier": _reference("carrier"),
    "template": _reference("template"),
    "schedule": _schedule_to_wire,
    "recall": _recall_to_wire,
}


def changed(declared: Spec, fields: Sequence[FieldChange]) -> dict[str, Json]:
    """The part of a declaration that `fields` name, for `to_wire`. What the declaration dropped has the rule's `unset`, if any."""
    part: dict[str, Json] = {}
    for change in fields:
        name, *below = change.path
        if name in _WHOLE:
            part |= {name: declared[name]} if name in declared else {}
            continue
        value = change.after
        if value is None:
            rule = CAPABILITIES.fields.get(".".join(change.path))
            value = rule.unset if rule else None
        if value is None:
            continue
        held = part.get(name)
        part[name] = {**(held if isinstance(held, dict) else {}), below[0]: value} if below else value
    return part


def put_body(raw: Raw, overlay: Mapping[str, Json], mark: str) -> Raw:
    """The whole campaign for a PUT: every field as it was read, except those in `overlay`; a new description keeps `mark`.

    What a PUT leaves out is zeroed (inferred from two samples), so nothing is left out: `status` and `active`, derived names and
    `users`, `groups`, `statuses` travel back as they were read. Those three read null in every sample, and null is what the one
    documented PUT of a campaign with agents sends; an empty list might take its agents away.
    """
    body = {**raw, **overlay}
    if "description" in overlay:
        body["description"] = marked(str(overlay["description"]), mark)
    if "network" in overlay:
        body["network"] = {**(raw.get("network") or {}), **body["network"]}
    if body.get("schedules"):
        body["schedules"] = [
            {name: value for name, value in row.items() if name not in _ROW_KEYS} for row in body["schedules"]
        ]
    return body


# ---- wire to our vocabulary -------------------------------------------------------------------------------------------


def from_wire(raw: Raw, names: Names) -> dict[str, Json]:
    """Every field of a campaign that was read alone (a listing has no schedules). What the vendor leaves empty is None.

    Raises KeyError, TypeError or ValueError where the object is not what the vendor documents.
    """
    spec: dict[str, Json] = {"displayName": raw["campaign_name"]}
    spec |= {name: raw.get(name) for name in PLAIN}
    spec["description"] = unmarked(raw.get("description"))
    spec["call_timeout"] = duration_text(raw["call_timeout"])
    spec["network"] = dict(raw.get("network") or {})
    spec |= {name: _short(raw.get(name) or "") or None for name in ("local_start_time", "local_end_time")}
    spec |= {kind: _reference_from_wire(raw, kind, names) for kind in REFERENCES}
    spec["schedule"] = _schedule_from_wire(raw.get("schedules") or [])
    spec["recall"] = _recall_from_wire(raw)
    return spec


def _short(clock: str) -> str:
    """`"08:00:00"` -> `"08:00"`; seconds that say something stay."""
    return clock[:5] if len(clock) == 8 and clock.endswith(":00") else clock


def _clock(nanoseconds: int) -> str:
    minutes, rest = divmod(nanoseconds // _SECOND, 60)
    return _short(f"{minutes // 60:02}:{minutes % 60:02}:{rest:02}")


def _schedule_from_wire(rows: Sequence[Raw]) -> Json:
    """All rows together: several are read as several windows a day (inferred; what a second row means is not documented)."""
    if not rows:
        return None
    windows: dict[str, Json] = {}
    for day, name in _DAYS.items():
        edges = sorted((row.get(f"{name}_start_time", 0), row.get(f"{name}_end_time", 0)) for row in rows)
        windows[day] = [[_clock(start), _clock(end)] for start, end in edges if start != end]
    return {"timezone": ZONE, "windows": windows}


def _recall_from_wire(raw: Raw) -> dict[str, Json]:
    recall: dict[str, Json] = {
        "maxAttempts": raw["recall_times"] + 1,
        "minTalk": duration_text(raw["limit_recall_duration"]),
    }
    if raw["schedule_recall"] in ("after", "minute"):
        minutes = raw["schedule_recall_duration"] if raw["schedule_recall"] == "minute" else 0
        recall["after"] = duration_text(60 * minutes)
    if raw.get("recall_status") is not None:
        recall["outcomes"] = sorted(_PORTABLE.get(status, status) for status in raw["recall_status"])
    if raw.get("priority_recall"):
        recall["priority"] = _RANKS.get(raw["priority_recall"], raw["priority_recall"])
    return recall


def _reference_from_wire(raw: Raw, kind: str, names: Names) -> Json:
    """GET one leaves the derived names empty in its only sample, so the name is looked up."""
    uuid = raw.get(f"{kind}_uuid")
    if not uuid:
        return None
    return {"uuid": uuid, "name": names.get(kind, {}).get(uuid) or raw.get(f"{kind}_name") or ""}


def run_of(raw: Raw) -> RunState:
    """Whether it dials. Inactive or `stop`: it cannot. `pause`: it turns into `start` by itself when the next window opens.

    Everything else that is active is taken to dial, the empty status of autodialers too (inferred, to be on the safe side).
    Source: portal guide, advanced_setup; status values on the campaign page.
    """
    if not raw["active"] or raw["status"] == "stop":
        return RunState.STOPPED
    return RunState.PAUSED if raw["status"] == "pause" else RunState.RUNNING


def live_of(raw: Raw, uuid: str, names: Names, ours: Spec) -> Live:
    """One campaign read alone. `ours`: the declaration it is for, whose parts for our own calls the Live carries on.

    Raises KeyError, TypeError or ValueError where it is another campaign, or not what the vendor documents.
    """
    if raw["campaign_uuid"] != uuid or not isinstance(raw["active"], bool):
        raise ValueError("another campaign than the one asked for")
    spec = from_wire(raw, names) | {name: ours[name] for name in OURS if name in ours}
    changed_at = str(raw.get("updated_at") or "")  # moves with our own writes too
    mark = mark_of(raw.get("description"))
    return Live(uuid, str(raw["campaign_name"]), spec, run_of(raw), raw, mark=mark, changed_at=changed_at)


def entry_of(row: Raw) -> Live:
    """One row of the listing: enough to know it by, not to work on."""
    return Live(row["campaign_uuid"], row["campaign_name"], {}, run_of(row), row, complete=False)


# ---- the declaration as the vendor echoes it --------------------------------------------------------------------------


def canonical(resource: Resource, names: Names) -> Resource:
    """See `Provider.canonical`: references as {uuid, name}, the account's zone, times without idle seconds."""
    spec: dict[str, Json] = {"displayName": resource.name, **resource.spec}
    for kind in REFERENCES:
        if kind in spec:
            spec[kind] = resolved(kind, spec[kind], names.get(kind, {}))
    for name in ("local_start_time", "local_end_time"):
        if name in spec:
            spec[name] = _short(str(spec[name]))
    if "description" in spec:
        spec["description"] = str(spec["description"]).rstrip()
    schedule = spec.get("schedule")
    if isinstance(schedule, dict):
        spec["schedule"] = {"timezone": ZONE, "windows": schedule["windows"]}
    return replace(resource, spec=spec)
