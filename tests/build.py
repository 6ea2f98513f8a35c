"""Small values for tests of the pure stages, each with sensible defaults."""

from __future__ import annotations

from typing import Any

from reconciler.matching import Match
from reconciler.model import (
    Binding,
    Bound,
    Capabilities,
    ContactDelta,
    ContactRules,
    FieldRule,
    Json,
    Key,
    Live,
    Plan,
    Resource,
    RunState,
    Source,
)
from reconciler.steps import Case

KEY = Key("acme", "campaign", "spring")
IDENTITY = "0" * 32


def resource(spec: dict[str, Json] | None = None, **more: Any) -> Resource:
    fields: dict[str, Any] = {"key": KEY, "vendor": "acme", "source": Source("campaigns/spring.yaml", 1), **more}
    wanted: dict[str, Json] = {"displayName": "Spring"} if spec is None else spec
    fields.setdefault("places", {name: Source("campaigns/spring.yaml", 10) for name in wanted})
    return Resource(spec=wanted, **fields)


def live(spec: dict[str, Json] | None = None, **more: Any) -> Live:
    fields: dict[str, Any] = {"vendor_id": "v1", "name": "Spring", "run": RunState.STOPPED, **more}
    return Live(spec={"displayName": "Spring"} if spec is None else spec, **fields)


def binding(last: dict[str, Json] | None = None, **more: Any) -> Binding:
    fields: dict[str, Any] = {"key": KEY, "identity": IDENTITY, "vendor_id": "v1", **more}
    return Binding(last_applied={"displayName": "Spring"} if last is None else last, **fields)


def capabilities(**more: Any) -> Capabilities:
    fields: dict[str, Any] = {
        "vendor": "acme",
        "create": True,
        "update": True,
        "delete": True,
        "readable": True,
        "dial": True,
        "fields": {"displayName": FieldRule(), "ratio": FieldRule(widens="up"), "note": FieldRule(unset="")},
        "refusals": {},
        "contacts": ContactRules(add=True, read=True, update=True, withdraw=True),
        "credentials": (frozenset({"apiKey"}),),
        **more,
    }
    return Capabilities(**fields)


def delta(name: str = "may", **more: Any) -> ContactDelta:
    digests = {verb: f"hmac-sha256:{verb}" for verb in ("added", "updated", "withdrawn")}
    return ContactDelta(KEY.contact_set(name), digests=digests, **more)


def case(wanted: Resource | None = None, found: Live | None = None, bound: Binding | None = None, **more: Any) -> Case:
    rules = more.pop("capabilities", None) or capabilities()
    return Case(Match(wanted or resource(), found, bound), rules, **more)


def plan(**more: Any) -> Plan:
    fields: dict[str, Any] = {
        "project": "acme-outreach",
        "version": "0.1.0",
        "created_at": "2026-06-01T08:00:00Z",
        "expires_at": "2026-06-02T08:00:00Z",
        "digest": "",
        "bound": Bound("lineage", 41, "sha256:c", "hmac-sha256:s", ("127.0.0.1",)),
        "changes": (),
        "deltas": (),
        "unchanged": (),
        **more,
    }
    return Plan(**fields)
