"""How Thulium spells a campaign: what it can hold, the declared form, the listed form. No calls; people are in contacts.py."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from reconciler.model import Capabilities, ContactRules, FieldRule, Json, Live, Resource, RunState, Spec
from reconciler.providers.base import Refusal, UnknownName
from reconciler.providers.declarable import Declarable
from reconciler.providers.paging import Row
from reconciler.units import duration_text, seconds

DOCS = "https://api.thulium.com/docs/api/"
PUT = f"{DOCS}outbounds/put_outbounds_id"
AGENTS = f"{DOCS}outbounds/get_outbounds_id_agents"
STATUSES = f"{DOCS}outbounds/get_outbounds_id_statuses"
ADD_RECORDS = f"{DOCS}csv_outbounds_batch/post_batch_outbounds_id_records"

PAGE_MAX = 100  # "Maksymalna wartość: 100" on both record lists
REFUSALS: Mapping[str, str] = {
    "create": "Thulium does not document the call that adds a campaign",
    "schedule": "Thulium's calling hours exist in its panel only; the first and the last day are start_date and end_date in "
    "the thulium block",
    "recall": "Thulium's number of attempts and its retry delays exist in its panel only",
}

CAPABILITIES = Capabilities(
    vendor="thulium",
    create=False,
    update=True,
    delete=True,
    delete_queued=True,
    readable=True,
    dial=True,
    # No value clears a field: nothing says what an empty one does, and a field left out may go back to a printed default.
    fields={
        "displayName": FieldRule(source=PUT),
        "dialer": FieldRule(widens="any", source=PUT),
        "start_date": FieldRule(widens="down", source=PUT),
        "end_date": FieldRule(widens="up", source=PUT),
        "order": FieldRule(widens="down", source=PUT),
        "parity": FieldRule(widens="up", source=PUT),
        "parameters": FieldRule(source=PUT),
        "parameters.preview_timeout": FieldRule(widens="down", source=PUT),
        "parameters.predictive_max_calls": FieldRule(widens="up", source=PUT),
        "parameters.predictive_min_calls": FieldRule(widens="up", source=PUT),
        "group_id": FieldRule(source=PUT),
        "agents": FieldRule(widens="up", source=AGENTS),
        "kind": FieldRule(readable=False, immutable=True, source="https://support.thulium.com/pl/show/38"),
        "initialStatus": FieldRule(readable=False, widens="any", source=STATUSES),
    },
    refusals=REFUSALS,
    # No batch length is published. 100 is the only length that Thulium publishes for anything.
    contacts=ContactRules(
        add=True,
        read=True,
        update=True,
        withdraw=True,
        dedupes=True,
        batch_max=100,
        page_max=PAGE_MAX,
        write_only="record_fields",
    ),
    credentials=(frozenset({"username", "password"}),),
    known_hosts=("*.thulium.com",),
)


def family(spec: Spec) -> Capabilities:
    """The table for one campaign, CSV unless it says otherwise. People of a CRM campaign are customers: their fields are the CRM's."""
    if spec.get("kind") != "crm":
        return CAPABILITIES
    rules = replace(CAPABILITIES.contacts, key_required=True, update=False, fields=frozenset(), write_only="")
    return replace(CAPABILITIES, contacts=rules)


# ---- what cannot be held -------------------------------------------------------------------------------------------


def refusals(resource: Resource) -> list[Refusal]:
    start, end = resource.spec.get("start_date"), resource.spec.get("end_date")
    if start and end and str(start) > str(end):
        why = f"The last day, {end}, is before the first: put it on {start}, which is start_date, or later."
        return [Refusal("end_date", why)]
    return []


# ---- one form for what is declared and what is read ----------------------------------------------------------------


def _whole(value: Any) -> Json:
    return int(value)


def _duration(value: Any) -> Json:
    text = str(value)
    return duration_text(int(text) if text.isdecimal() else seconds(text))


def _factor(value: Any) -> Json:
    """A factor such as 1.5 is text in a spec, which holds whole numbers only."""
    number = float(value)
    return int(number) if number.is_integer() else str(number)


def _parameters(value: Any) -> Json:
    """Known parameters in canonical form, others as they are. The vendor prints an empty map as a list or as empty text."""
    given = value if isinstance(value, dict) else {}
    return {name: _filled(_PARAMETERS.get(name, _same), item) for name, item in given.items()}


def _same(value: Any) -> Json:
    kept: Json = value
    return kept


def _filled(read: Callable[[Any], Json], value: Any) -> Json:
    """Absent values are empty text."""
    return None if value is None or value == "" else read(value)


_PARAMETERS: Mapping[str, Callable[[Any], Json]] = {
    "caller_id": str,
    "preview_timeout": _duration,
    "predictive_max_calls": _factor,
    "predictive_min_calls": _factor,
}
# What `PUT outbounds/:id` takes, by our names, beside `active`.
_SETTINGS: Mapping[str, tuple[str, Callable[[Any], Json]]] = {
    "displayName": ("name", str),
    "dialer": ("dialer", str),
    "start_date": ("start_date", lambda value: str(value)[:10]),
    "end_date": ("end_date", lambda value: str(value)[:10]),
    "order": ("order", _whole),
    "parity": ("parity", _whole),
    "parameters": ("parameters", _parameters),
    "group_id": ("group_id", _whole),
}
SETTINGS = frozenset(_SETTINGS)


def canonical(resource: Resource, references: Mapping[str, Mapping[str, str]]) -> Resource:
    """Raises UnknownName where the initial status does not exist in the campaign, or several have its name."""
    spec = dict(resource.spec)
    for name, (_, read) in _SETTINGS.items():
        if name in spec:
            spec[name] = read(spec[name])
    if "agents" in spec:
        spec["agents"] = [*sorted(logins(spec))]
    status = spec.get("initialStatus")
    known = references.get(statuses_of(resource.vendor_id or ""), references.get(statuses_of(resource.name)))
    if known is not None and isinstance(status, str | int):
        spec["initialStatus"] = _status(resource.name, str(status), known)
    return replace(resource, spec=spec)


def logins(spec: Spec) -> set[str]:
    declared = spec.get("agents")
    return {str(login) for login in declared} if isinstance(declared, list) else set()


def agents(rows: Iterable[Row]) -> Json:
    """Inferred: who is listed is assigned; `active_in_outbound` is whether they are at work in it just now."""
    return [*sorted(str(row["login"]) for row in rows)]


def statuses_of(campaign: str) -> str:
    """The kind of reference that the statuses of a campaign are, by its id or its name."""
    return f"status/{campaign}"


def references(rows: Iterable[Row]) -> dict[str, str]:
    """Statuses that somebody can be added with: "FIELD=ID", as they are sent, -> name.

    `dictionary_status_id` is the account's, and may be null, `status_id` the campaign's alone. The two that need an agent or
    a time of each person are left out, as a contact set has neither.
    """
    found: dict[str, str] = {}
    for row in rows:
        if row["system_status"] not in {"MY_RECORD", "CALL_NO_SOONER_THAN"}:
            dictionary = row["dictionary_status_id"]
            name = f"status_id={row['status_id']}" if dictionary is None else f"dictionary_status_id={dictionary}"
            found[name] = str(row["name"])
    return found


def _status(campaign: str, wanted: str, known: Mapping[str, str]) -> Json:
    found = [ref for ref, name in known.items() if wanted == name or ref == f"dictionary_status_id={wanted}"]
    if not found:
        there = ", ".join(f'"{name}"' for name in known.values()) or "none"
        raise UnknownName(
            "initialStatus",
            f'status "{wanted}" cannot be given in campaign "{campaign}" at thulium; there are {there}.',
        )
    if len(found) > 1:
        raise UnknownName(
            "initialStatus",
            f'{len(found)} statuses of campaign "{campaign}" at thulium are called "{wanted}": write its dictionary id.',
        )
    field, _, vendor_id = found[0].partition("=")
    return {field: vendor_id, "name": known[found[0]]}


def declarable(live: Live) -> Declarable:
    """See `CanImport`. The kind matters as soon as people are declared: those of a CRM campaign go another way."""
    return Declarable(
        also={"id": live.vendor_id},
        unread={
            "kind": "no call tells it; write kind: crm before people are declared, if they come from the CRM",
            "initialStatus": "it belongs to people who are added, of whom there are none yet",
        },
    )


# ---- to the wire and back ------------------------------------------------------------------------------------------


def to_wire(spec: Spec, run: RunState) -> dict[str, Json]:
    """The whole body of `PUT outbounds/:id`: whether a field left out is kept or reset is not documented."""
    body = {wire: spec[name] for name, (wire, _) in _SETTINGS.items() if spec.get(name) is not None}
    parameters = body.pop("parameters", None)
    if isinstance(parameters, dict) and parameters:
        body["parameters"] = {name: _sent(name, value) for name, value in parameters.items() if value is not None}
    return {**body, "active": run is RunState.RUNNING}


def _sent(name: str, value: Json) -> Any:
    if name == "preview_timeout":
        return seconds(str(value))
    return float(value) if name.startswith("predictive_") and isinstance(value, str) else value


def merged(there: Spec, changed: Spec) -> dict[str, Json]:
    """`changed` over `there`, parameters name by name: whether PUT merges them or replaces the whole map is not documented."""
    spec = {**there, **changed}
    old, new = there.get("parameters"), changed.get("parameters")
    if isinstance(old, dict) and isinstance(new, dict):
        spec["parameters"] = {**old, **new}
    return spec


def campaign_id(row: Row) -> str:
    """Five characters with leading zeros. Elsewhere this vendor prints one id now as text, now as a number."""
    return str(row["id"]).zfill(5)


def from_wire(row: Row, running: frozenset[str] | None) -> Live:
    """One row of `GET outbounds`. Its fields are undocumented: those that are there are read, under the names that PUT has for them.

    `running`: ids of the active campaigns, for a row that does not say. Raises ValueError or TypeError where a field is no such value.
    """
    vendor_id = campaign_id(row)
    spec = {name: _filled(read, row[wire]) for name, (wire, read) in _SETTINGS.items() if wire in row}
    run = None
    if "active" in row or running is not None:
        active = _truth(row["active"]) if "active" in row else vendor_id in (running or ())
        run = RunState.RUNNING if active else RunState.STOPPED
    # Inferred: whether a campaign on the removal queue is listed is unknown; if so, most likely with the word of the removal call.
    note = "removal queued" if "REMOVAL_QUEUED" in row.values() else ""
    return Live(vendor_id, str(row["name"]), spec, run, complete=False, note=note)


def _truth(value: Any) -> bool:
    if str(value).lower() in {"true", "1"}:
        return True
    if str(value).lower() in {"false", "0", ""}:
        return False
    raise ValueError("active is neither true nor false")
