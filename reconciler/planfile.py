"""Plan <-> JSON: versioned, canonical bytes, a digest over intent. No rendering for people."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from reconciler.errors import PlanStale, ReconcilerError
from reconciler.model import (
    Action,
    Bound,
    Cause,
    Change,
    ContactChange,
    ContactDelta,
    Doubt,
    FieldChange,
    Finding,
    Key,
    Plan,
    Risk,
    Severity,
    SharedPart,
    Unmanaged,
)
from reconciler.redact import visible

FORMAT_VERSION = 1
VALID_FOR = timedelta(hours=24)
_SUMMARY = (Action.CREATE, Action.UPDATE, Action.DELETE, Action.START, Action.STOP)


def seal(plan: Plan) -> Plan:
    """The plan with its digest."""
    return replace(plan, digest=digest_of(plan))


def digest_of(plan: Plan) -> str:
    """`sha256:...` over intent: what is declared, whom it concerns, what will be done to what. Not over times or progress."""
    bound = plan.bound
    intent = {
        "project": plan.project,
        "bound": {"config": bound.config, "sources": bound.sources, "hosts": list(bound.hosts)},
        "selection": {"select": list(plan.select), "exclude": list(plan.exclude)},
        "changes": [_intent(change) for change in plan.changes],
        "contacts": [_delta_json(delta) for delta in plan.deltas],
        "unchanged": [str(key) for key in plan.unchanged],
    }
    return "sha256:" + hashlib.sha256(canonical(intent)).hexdigest()


def canonical(value: Any) -> bytes:
    """Sorted keys, no spaces, UTF-8: the same value always gives the same bytes."""
    return visible(json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)).encode()


def pretty(value: Any) -> str:
    import msgspec  # indents in a tenth of the time, and is not needed to read or save a plan

    compact = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    told = msgspec.json.format(visible(compact), indent=2)
    told += "\n"  # in place: a large plan is not copied for it
    return told


def summary(plan: Plan) -> dict[str, Any]:
    """Counts per verb, people included, and per class of risk, as the `summary` of the plan file."""
    counts: dict[str, Any] = {
        action.value: sum(change.action is action for change in plan.changes) for action in _SUMMARY
    }
    counts["contacts"] = {
        "added": _moved(plan, (Action.ADD_CONTACTS, Action.CREATE)),
        "updated": _moved(plan, (Action.UPDATE_CONTACTS,)),
        "withdrawn": _moved(plan, (Action.WITHDRAW_CONTACTS,)),
        "unchanged": sum(delta.unchanged for delta in plan.deltas),
        "suppressed": sum(sum(delta.suppressed.values()) for delta in plan.deltas),
        "rejected": sum(sum(delta.rejected.values()) for delta in plan.deltas),
        "duplicates": sum(delta.duplicates for delta in plan.deltas),
    }
    counts["risks"] = [_of_risk(plan, risk) for risk in reversed(Risk) if any(c.risk is risk for c in plan.changes)]
    return counts


def _of_risk(plan: Plan, risk: Risk) -> dict[str, Any]:
    """`files`: where what changes is declared, for whoever owns them; what is declared no more has none."""
    chosen = [change for change in plan.changes if change.risk is risk]
    files = {change.source.rpartition(":")[0] for change in chosen} - {""}
    return {"risk": risk.value, "changes": len(chosen), "files": sorted(files)}


def _moved(plan: Plan, actions: tuple[Action, ...]) -> int:
    return sum(change.contacts.count for change in plan.changes if change.contacts and change.action in actions)


def to_json(plan: Plan) -> dict[str, Any]:
    """The plan file's object (schemas/plan.schema.json). Holds no number, no contact field, no secret."""
    return {
        "formatVersion": FORMAT_VERSION,
        "tool": {"name": "reconciler", "version": plan.version},
        "project": plan.project,
        "createdAt": plan.created_at,
        "expiresAt": plan.expires_at,
        "digest": plan.digest,
        "bound": {**asdict(plan.bound), "hosts": list(plan.bound.hosts)},
        "complete": True,
        "partial": plan.partial,
        "selection": {"select": list(plan.select), "exclude": list(plan.exclude)},
        "summary": summary(plan),
        "changes": [_change_json(change) for change in plan.changes],
        "contacts": [_delta_json(delta) for delta in plan.deltas],
        "unchanged": [str(key) for key in plan.unchanged],
        "unmanaged": [_unmanaged_json(item) for item in plan.unmanaged],
        "findings": [{**asdict(finding), "severity": finding.severity.value} for finding in plan.findings],
        "inDoubt": [_doubt_json(doubt) for doubt in plan.in_doubt],
        "commit": plan.commit,
        "shared": [{**asdict(p), "campaigns": [str(key) for key in p.campaigns]} for p in plan.shared],
    }


def _change_json(change: Change) -> dict[str, Any]:
    return {**_intent(change), "fields": list(map(_field_json, change.fields))}


def _field_json(field: FieldChange) -> dict[str, Any]:
    value: dict[str, Any] = {"path": list(field.path), "before": field.before, "after": field.after}
    return {**value, "cause": field.cause.value, "source": field.source} if field.cause else value


def _intent(change: Change) -> dict[str, Any]:
    """What is done; not why a field is as it is."""
    contacts = change.contacts
    return {
        "id": change.id,
        "action": change.action.value,
        "key": str(change.key),
        "source": change.source,
        "reason": change.reason,
        "risk": change.risk.value,
        "dependsOn": list(change.depends_on),
        "fields": [{"path": list(f.path), "before": f.before, "after": f.after} for f in change.fields],
        "contacts": {"count": contacts.count, "digest": contacts.digest} if contacts else None,
        **({"schedule": change.schedule} if change.schedule else {}),
    }


def _delta_json(delta: ContactDelta) -> dict[str, Any]:
    return {
        "key": str(delta.key),
        "rows": delta.rows,
        "rejected": dict(delta.rejected),
        "duplicates": delta.duplicates,
        "suppressed": dict(delta.suppressed),
        "added": delta.added,
        "waiting": delta.waiting,
        "updated": delta.updated,
        "unchanged": delta.unchanged,
        "withdrawn": delta.withdrawn,
        "held": delta.held,
        "sentBefore": delta.sent_before,
        "digests": dict(delta.digests),
    }


def _unmanaged_json(item: Unmanaged) -> dict[str, Any]:
    return {
        "connection": item.connection,
        "vendorId": item.vendor_id,
        "name": item.name,
        "run": item.run,
        "note": item.note,
    }


def _doubt_json(doubt: Doubt) -> dict[str, Any]:
    values = asdict(doubt)
    look_for = values.pop("look_for")
    return {**values, "lookFor": look_for}


# ---- reading it back -----------------------------------------------------------------------------------------------


def save(plan: Plan, path: Path) -> None:
    """Raises ReconcilerError where `path` cannot be written."""
    try:
        path.write_bytes(canonical(to_json(plan)) + b"\n")
        path.chmod(0o600)
    except OSError as error:
        raise ReconcilerError(f"{path}: cannot be written ({error.strerror}).") from None


def load(path: Path) -> Plan:
    """Raises ReconcilerError where `path` holds no plan of this format, or one whose digest does not fit its content."""
    try:
        plan = from_json(json.loads(path.read_bytes()))
    except OSError as error:
        raise ReconcilerError(f"{path}: cannot be read ({error.strerror}).") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ReconcilerError(
            f"{path}: this is no plan file of this version. Make one: reconciler plan --out FILE"
        ) from None
    if plan.digest != digest_of(plan):
        raise PlanStale(f"{path}: the plan was changed after it was made. Plan again: reconciler plan --out {path}")
    return plan


def expiry(created: datetime) -> str:
    return stamp(created + VALID_FOR)


def stamp(moment: datetime) -> str:
    """RFC 3339 in UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def from_json(value: Mapping[str, Any]) -> Plan:
    """The inverse of `to_json`. Raises KeyError, TypeError or ValueError where it is something else."""
    if value["formatVersion"] != FORMAT_VERSION:
        raise ValueError("another format version")
    bound = value["bound"]
    return Plan(
        project=value["project"],
        version=value["tool"]["version"],
        created_at=value["createdAt"],
        expires_at=value["expiresAt"],
        digest=value["digest"],
        bound=Bound(bound["lineage"], bound["serial"], bound["config"], bound["sources"], tuple(bound["hosts"])),
        changes=tuple(_change(item) for item in value["changes"]),
        deltas=tuple(_delta(item) for item in value["contacts"]),
        unchanged=tuple(Key.parse(item) for item in value["unchanged"]),
        unmanaged=tuple(
            Unmanaged(u["connection"], u["vendorId"], u["name"], u["run"], u["note"]) for u in value["unmanaged"]
        ),
        findings=tuple(Finding(**{**f, "severity": Severity(f["severity"])}) for f in value["findings"]),
        in_doubt=tuple(_doubt(item) for item in value["inDoubt"]),
        select=tuple(value["selection"]["select"]),
        exclude=tuple(value["selection"]["exclude"]),
        commit=value.get("commit", ""),
        shared=tuple(map(_shared, value.get("shared", ()))),
    )


def _change(value: Mapping[str, Any]) -> Change:
    contacts = value["contacts"]
    return Change(
        id=value["id"],
        action=Action(value["action"]),
        key=Key.parse(value["key"]),
        source=value["source"],
        reason=value["reason"],
        risk=Risk(value["risk"]),
        depends_on=tuple(value["dependsOn"]),
        fields=tuple(map(_field, value["fields"])),
        contacts=ContactChange(contacts["count"], contacts["digest"]) if contacts else None,
        schedule=value.get("schedule"),
    )


def _field(value: Mapping[str, Any]) -> FieldChange:
    cause = Cause(value["cause"]) if "cause" in value else None
    path = tuple(map(str, value["path"]))
    if not path:
        raise ValueError("a field without a name")
    return FieldChange(path, value["before"], value["after"], cause, value.get("source", ""))


def _delta(value: Mapping[str, Any]) -> ContactDelta:
    values = {**value, "key": Key.parse(value["key"])}
    sent_before = values.pop("sentBefore")
    return ContactDelta(sent_before=sent_before, **values)


def _shared(value: Mapping[str, Any]) -> SharedPart:
    keys = tuple(map(Key.parse, value["campaigns"]))
    return SharedPart(value["kind"], value["name"], value["source"], keys)


def _doubt(value: Mapping[str, Any]) -> Doubt:
    values = dict(value)
    look_for = values.pop("lookFor")
    return Doubt(look_for=look_for, **values)
