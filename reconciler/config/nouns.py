"""Sound documents -> the nouns that stand by themselves: project, connections, contact sets, suppression lists."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from reconciler import units
from reconciler.config import schedules
from reconciler.config.document import Document
from reconciler.config.words import Complaints
from reconciler.model import (
    Bounds,
    Columns,
    Connection,
    ContactSet,
    ContactSource,
    Limit,
    Limits,
    Project,
    Reference,
    Risk,
    Settle,
    StateStore,
    SuppressionList,
    Waiver,
)

_GUARDS: Final = {
    "creates": Limit(20),
    "deletes": Limit(0),
    "starts": Limit(5),
    "contactsAdded": Limit(100_000, 50),
    "contactsWithdrawn": Limit(1_000, 10),
    "suppressionReleased": Limit(1_000, 50),
}
# Of the guards that waivers name, and bounds: which also may name a contact set, which name a suppression list instead of a campaign.
_OF_SETS: Final = ("contactsAdded", "contactsWithdrawn", "bounds")
_OF_LISTS: Final = ("suppressionReleased",)


def _reference(value: Mapping[str, str] | None) -> Reference | None:
    return None if value is None else _secret(value)


def _secret(value: Mapping[str, str]) -> Reference:
    return Reference("env", value["env"]) if "env" in value else Reference("file", value["file"])


def _given(values: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """The values that are declared, under the names of our own fields; durations and shares as numbers."""
    return {ours: _number(values[theirs]) for theirs, ours in names.items() if theirs in values}


def _number(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return units.percent(value) if value.endswith("%") else units.seconds(value)


def project(document: Document, root: Path, complaints: Complaints) -> Project:
    spec = document.tree["spec"]
    guards = dict(spec.get("guards", {}))
    waivers = tuple(
        _waiver(document, number, waiver, complaints) for number, waiver in enumerate(guards.pop("waivers", ()))
    )
    limits = {name: _limit(default, guards.get(name, {})) for name, default in _GUARDS.items()}
    return Project(
        document.name,
        str(root),
        _state(document, root, complaints),
        _reference(spec.get("contactKey")),
        limits,
        tuple(waiver for waiver in waivers if waiver is not None),
        document.source,
        approvals=frozenset(map(Risk, spec.get("approvals", {}).get("required", ()))),
        former_contact_key=_reference(spec.get("formerContactKey")),
    )


def _limit(default: Limit, declared: Mapping[str, Any]) -> Limit:
    given = _given(declared, {"max": "max", "percent": "percent"})
    return Limit(given.get("max", default.max), given.get("percent", default.percent))


def _waiver(document: Document, number: int, waiver: Mapping[str, str], complaints: Complaints) -> Waiver | None:
    path = ("spec", "guards", "waivers", number)
    until = schedules.day(document, (*path, "until"), waiver["until"], complaints)
    needed = "suppression" if waiver["guard"] in _OF_LISTS else "campaign"
    if needed not in waiver:
        text = f"guards.waivers[{number}].{needed} is missing: a waiver of {waiver['guard']} names it."
        complaints.at(document, path, "required", text)
    taken = {needed, *(("contacts",) if waiver["guard"] in _OF_SETS else ())}
    for name in sorted({"campaign", "contacts", "suppression"} & waiver.keys() - taken):
        text = f"guards.waivers[{number}].{name} is not for {waiver['guard']}: take it out."
        complaints.at(document, (*path, name), "waiver", text)
    if until is None:
        return None
    named = {name: waiver.get(name, "") for name in ("contacts", "suppression")}
    campaign, place = waiver.get("campaign", ""), document.place_of(path)
    return Waiver(waiver["guard"], campaign, waiver["reason"], until, place, **named)


def _state(document: Document, root: Path, complaints: Complaints) -> StateStore:
    state = document.tree["spec"].get("state", {})
    backend = state.get("backend", "sqlite")
    needless = "url" if backend == "sqlite" else "path"
    if needless in state:
        text = f"state.{needless} is not for backend {backend}: take it out, or write the other backend."
        complaints.at(document, ("spec", "state", needless), "state", text)
    if backend == "postgres" and "url" not in state:
        text = "state.url is missing: backend postgres needs it. Example: url: {env: RECONCILER_STATE_URL}."
        complaints.at(document, ("spec", "state"), "required", text)
    path = "" if backend == "postgres" else os.path.normpath(root / state.get("path", ".reconciler/state.db"))
    given = _given(state, {"lease": "lease", "persistent": "persistent"})
    return StateStore(backend, path, _reference(state.get("url")), **given)


_LIMITS: Final = {
    "concurrency": "concurrency",
    "requestsPerSecond": "requests_per_second",
    "batchSize": "batch_size",
    "pageSize": "page_size",
    "timeout": "timeout",
    "rateLimitBeforeExecution": "rate_limit_before_execution",
}


def connection(document: Document, complaints: Complaints) -> Connection:
    spec = document.tree["spec"]
    schedules.zone(document, ("spec", "timezone"), spec["timezone"], complaints)
    url = spec["baseUrl"]
    if isinstance(url, str):
        _check_url(document, url, complaints)
    return Connection(
        document.name,
        spec["vendor"],
        url if isinstance(url, str) else _secret(url),
        {name: _secret(value) for name, value in spec["credentials"].items()},
        spec["timezone"],
        spec.get("region", ""),
        document.source,
        Limits(**_given(spec.get("limits", {}), _LIMITS)),
        Settle(**_given(spec.get("settle", {}), {"lateMax": "late_max", "interval": "interval"})),
        spec.get("planOnly", False),
    )


def _check_url(document: Document, url: str, complaints: Complaints) -> None:
    """The URL itself is not repeated: it may hold a password."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if not host or "@" in parts.netloc or parts.query or parts.fragment:
        text = "baseUrl must be https://host, perhaps with a path: no user, password, query or fragment."
    elif parts.scheme != "https" and not _is_loopback(host):
        text = "baseUrl must begin with https://: http is for loopback only."
    else:
        return
    complaints.at(document, ("spec", "baseUrl"), "base-url", text)


def _is_loopback(host: str) -> bool:
    from ipaddress import ip_address

    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _origin(document: Document, root: Path, complaints: Complaints) -> ContactSource:
    source = document.tree["spec"]["source"]
    if "sql" in source:
        return ContactSource(sql_url=_secret(source["sql"]["url"]), sql_query=source["sql"]["query"])
    if "inline" in source:
        return ContactSource(inline=tuple(source["inline"]))
    file = source["file"]
    if not isinstance(file, str):
        return ContactSource(file=_secret(file))
    path = (root / document.file).parent / file
    if not path.resolve().is_relative_to(root.resolve()):
        text = "source.file leaves the repository: write {file: {env: NAME}} and let the job say where it is."
        complaints.at(document, ("spec", "source", "file"), "source", text)
    return ContactSource(file=os.path.normpath(path))


def contact_set(document: Document, root: Path, complaints: Complaints) -> ContactSet:
    spec = document.tree["spec"]
    bounds = Bounds(**_given(spec.get("bounds", {}), {"min": "min", "max": "max", "change": "change"}))
    if bounds.min is not None and bounds.max is not None and bounds.max < bounds.min:
        text = f"bounds.max is {bounds.max}, less than bounds.min, {bounds.min}: no source can keep both."
        complaints.at(document, ("spec", "bounds", "max"), "range", text)
    columns = spec["columns"]
    return ContactSet(
        document.name,
        _origin(document, root, complaints),
        Columns(columns["phone"], columns.get("key"), columns.get("fields", {})),
        spec.get("mode", "append"),
        document.source,
        spec.get("region"),
        tuple(spec.get("suppress", ())),
        bounds,
        spec.get("purpose"),
        spec.get("lawfulBasis"),
        _given(spec, {"retention": "retention"}).get("retention"),
    )


def suppression_list(document: Document, root: Path, complaints: Complaints) -> SuppressionList:
    spec = document.tree["spec"]
    columns = spec["columns"]
    return SuppressionList(
        document.name,
        _origin(document, root, complaints),
        Columns(columns["phone"], until=columns.get("until"), as_of=columns.get("asOf")),
        document.source,
        spec.get("region"),
        _given(spec, {"maxAge": "max_age"}).get("max_age"),
    )
