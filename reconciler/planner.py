"""Declared, live and last applied -> the steps of a plan. Pure; knows no vendor but by its capability table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler import diff, risk
from reconciler.matching import Match
from reconciler.model import (
    Action,
    Capabilities,
    Change,
    ContactChange,
    ContactDelta,
    Doubt,
    FieldChange,
    FieldRule,
    Finding,
    Key,
    Resource,
    Risk,
    RunState,
    Severity,
    Spec,
)


@dataclass(frozen=True, slots=True)
class Case:
    """Everything there is to know about one declared campaign. `deltas`: one per contact set, in declared order."""

    match: Match
    capabilities: Capabilities
    deltas: tuple[ContactDelta, ...] = ()
    doubts: tuple[Doubt, ...] = ()


@dataclass(frozen=True, slots=True)
class Steps:
    """What one campaign needs, in the order it has to happen. `changes` are not numbered yet."""

    changes: tuple[Change, ...] = ()
    findings: tuple[Finding, ...] = ()


def plan_steps(cases: Sequence[Case]) -> tuple[tuple[Change, ...], tuple[Key, ...], tuple[Finding, ...]]:
    """All changes, numbered from 1, each depending on the one before it of the same campaign; keys without change; findings.

    The steps of one object form a chain, since later ones were planned on the outcome of earlier ones; different campaigns do not
    wait for each other.
    """
    changes: list[Change] = []
    unchanged: list[Key] = []
    findings: list[Finding] = []
    for case in sorted(cases, key=lambda case: case.match.resource.key):
        steps = steps_of(case)
        findings += steps.findings
        if not steps.changes and not case.match.refused and not case.doubts:
            unchanged.append(case.match.resource.key)
        before: tuple[int, ...] = ()
        for step in steps.changes:
            changes.append(replace(step, id=len(changes) + 1, depends_on=before))
            before = (len(changes),)
    return tuple(changes), tuple(unchanged), tuple(findings)


def steps_of(case: Case) -> Steps:
    """Nothing for an object that is refused or in doubt; else what brings it to the declaration."""
    match = case.match
    if match.refused:
        return Steps(findings=(match.refused,))
    if case.doubts:
        return Steps()
    if match.resource.absent is not None:
        return _removal(case)
    bound = match.live is not None or bool(match.binding and match.binding.vendor_id)
    if not bound:
        return _creation(case)
    if not case.capabilities.readable and case.capabilities.contacts.inside_create:
        return _created_once(case)
    return _convergence(case)


# ---- what is not there yet -----------------------------------------------------------------------------------------


def _creation(case: Case) -> Steps:
    resource, rules = case.match.resource, case.capabilities
    if not rules.create:
        reason = rules.refusals.get("create", f"{rules.vendor} cannot create campaigns")
        remedy = f"Make it in the vendor's panel, then: reconciler adopt {resource.key} VENDOR-ID"
        return Steps(findings=(_error("cannot-create", resource, f"{reason}.", remedy),))
    if rules.contacts.inside_create:
        return Steps((_create(resource, "declared, never created", _inside(case.deltas)),))
    changes = [_create(resource, "declared, not bound", None), *_people(case)]
    if resource.run is RunState.RUNNING:
        changes.append(_dial(resource, Action.START, RunState.STOPPED))
    return Steps(tuple(changes))


def _create(resource: Resource, reason: str, contacts: ContactChange | None) -> Change:
    fields = tuple(FieldChange((name,), None, value) for name, value in resource.spec.items())
    return _change(Action.CREATE, resource, reason, Risk.DIALLING, fields, contacts)


def _inside(deltas: Sequence[ContactDelta]) -> ContactChange:
    """Everybody who goes into a create call. One set's digest stands for itself, several are listed."""
    digests = [delta.digests["added"] for delta in deltas if delta.added]
    return ContactChange(sum(delta.added for delta in deltas), " ".join(digests))


def _created_once(case: Case) -> Steps:
    """A vendor that can neither be read nor changed: the ledger remembers what was sent."""
    resource, binding = case.match.resource, case.match.binding
    if binding is None:
        return Steps()
    if resource.create_run > binding.run:
        people = sum(delta.added for delta in case.deltas)
        again = _warning(
            "created-again",
            resource,
            f"It is created again (run {resource.create_run}). The earlier one cannot be stopped: up to {people} people "
            "would be called twice.",
            "Make sure in the vendor's panel that the earlier one is finished.",
        )
        reason = f"run raised from {binding.run} to {resource.create_run}"
        return Steps((_create(resource, reason, _inside(case.deltas)),), (again,))
    findings: list[Finding] = []
    moved = diff.changes(resource.spec, binding.last_applied)
    if moved or diff.forgotten(resource.spec, binding.last_applied):
        fields = ", ".join(".".join(change.path) for change in moved) or "a field that is gone"
        findings.append(
            _error(
                "create-once",
                resource,
                f"{case.capabilities.vendor} cannot change a campaign once it is created ({fields}).",
                f"Undo the change, or raise `run` to {binding.run + 1} to create it a second time: everybody is called again.",
            )
        )
    grown = sum(delta.added for delta in case.deltas)
    if grown:
        message = f"{grown} people came to the source after the campaign was created; they are not sent."
        findings.append(_warning("grown", resource, message, "Declare another campaign for them."))
    return Steps(findings=tuple(findings))


# ---- what is there -------------------------------------------------------------------------------------------------


def _convergence(case: Case) -> Steps:
    resource, live = case.match.resource, case.match.live
    fields = _fields(case)
    findings = list(_impossible(case, fields))
    changes: list[Change] = []
    if resource.run is RunState.STOPPED and live and live.run is not RunState.STOPPED:
        changes.append(_dial(resource, Action.STOP, live.run))
    if fields and not findings:
        level = risk.highest(
            risk.of_field(field, risk.rule_for(case.capabilities.fields, field.path)) for field in fields
        )
        changes.append(_change(Action.UPDATE, resource, _why(case, fields), level, fields))
    changes += _people(case)
    findings += _stuck_people(case)
    if resource.run is RunState.RUNNING and live and live.run is not RunState.RUNNING:
        changes.append(_dial(resource, Action.START, live.run))
    return Steps(tuple(changes), tuple(findings))


def _fields(case: Case) -> tuple[FieldChange, ...]:
    """Declared fields that are not as declared, then fields the declaration dropped that the vendor can be told to clear."""
    match, rules = case.match, case.capabilities.fields
    last = match.binding.last_applied if match.binding else {}
    held = diff.believed(match.live.spec if match.live else {}, last)
    declared = {name: v for name, v in match.resource.spec.items() if name not in match.resource.lifecycle.unmanaged}
    dropped = []
    for path in diff.forgotten(match.resource.spec, last):
        rule = risk.rule_for(rules, path)
        if rule and rule.unset is not None and diff.at(held, path) != rule.unset:
            dropped.append(FieldChange(path, diff.at(held, path), None))
    differing = (field for field in diff.changes(declared, held) if not _settled_at_create(rules, field))
    return (*differing, *dropped)


def _settled_at_create(rules: Mapping[str, FieldRule], field: FieldChange) -> bool:
    """A field that was given at create, cannot be read and was never applied by us: it is taken at its word."""
    rule = risk.rule_for(rules, field.path)
    return rule is not None and rule.immutable and not rule.readable and field.before is None


def _impossible(case: Case, fields: Sequence[FieldChange]) -> Iterable[Finding]:
    resource, rules = case.match.resource, case.capabilities
    if fields and not rules.update:
        reason = rules.refusals.get("update", f"{rules.vendor} cannot change a campaign")
        yield _error("cannot-update", resource, f"{reason}.", "Take the fields out of the declaration.")
    for field in fields:
        rule = risk.rule_for(rules.fields, field.path)
        if rule and rule.immutable:
            name = ".".join(field.path)
            message = f"{name} cannot be changed once the campaign exists at {rules.vendor}."
            yield _error("immutable", resource, message, f"Put {name} back, or declare a new campaign.")


def _why(case: Case, fields: Sequence[FieldChange]) -> str:
    """Whether the declaration moved, the vendor's side did, or both."""
    binding = case.match.binding
    if binding is None or not binding.last_applied:
        return "bound, never applied"
    declared = case.match.resource.spec
    edited = any(_value(declared, field) != _value(binding.last_applied, field) for field in fields)
    drifted = any(field.before != _value(binding.last_applied, field) for field in fields)
    if edited and drifted:
        return "changed in the declaration, and at the vendor since the last apply"
    return "changed in the declaration" if edited else "changed at the vendor since the last apply"


def _value(spec: Spec, field: FieldChange) -> object:
    return diff.at(spec, field.path)


def _removal(case: Case) -> Steps:
    """A tombstone: what `lifecycle.onRemove` says, in steps that can be seen."""
    match, rules = case.match, case.capabilities
    resource, live = match.resource, match.live
    if live is None or resource.lifecycle.on_remove == "retain":
        return Steps()
    if resource.lifecycle.protect or (match.binding and match.binding.protect):
        remedy = "Remove lifecycle.protect in a change of its own first."
        return Steps(findings=(_error("protected", resource, "It is protected and is not removed.", remedy),))
    delete = resource.lifecycle.on_remove == "delete"
    if delete and not rules.delete:
        message = f"{rules.vendor} cannot delete campaigns."
        return Steps(findings=(_error("cannot-delete", resource, message, "Write onRemove: retain or stop."),))
    changes = []
    if rules.dial and (live.run is not RunState.STOPPED or (delete and rules.delete_needs_stop)):
        changes.append(_dial(resource, Action.STOP, live.run))
    if delete and not live.note:
        reason = f"state: absent ({resource.absent})"
        changes.append(_change(Action.DELETE, resource, reason, Risk.DESTRUCTIVE))
    return Steps(tuple(changes))


# ---- people --------------------------------------------------------------------------------------------------------


def _people(case: Case) -> list[Change]:
    """Who leaves goes first, then who changes, then who comes: set by set in that order, so that nobody is in two at once."""
    rules = case.capabilities.contacts
    changes: list[Change] = []
    if rules.withdraw:
        changes += _contacts(case, Action.WITHDRAW_CONTACTS, "withdrawn", "left the source or suppressed")
    if rules.update:
        changes += _contacts(case, Action.UPDATE_CONTACTS, "updated", "fields changed in the source")
    if rules.add:
        changes += _contacts(case, Action.ADD_CONTACTS, "added", "in source, never sent")
    return changes


def _contacts(case: Case, action: Action, verb: str, reason: str) -> Iterable[Change]:
    level = {Action.WITHDRAW_CONTACTS: Risk.DESTRUCTIVE, Action.UPDATE_CONTACTS: Risk.SAFE}.get(action, Risk.DIALLING)
    for index, delta in enumerate(case.deltas):
        count = getattr(delta, verb)
        if count:
            resource = case.match.resource
            place = resource.places.get(f"contacts.{index}", resource.source)
            contacts = ContactChange(count, delta.digests[verb])
            yield Change(0, action, delta.key, str(place), reason, level, contacts=contacts)


def _stuck_people(case: Case) -> Iterable[Finding]:
    """What the source asks for and this vendor cannot do with people."""
    rules, resource = case.capabilities.contacts, case.match.resource
    vendor = case.capabilities.vendor
    withdrawn = sum(delta.withdrawn for delta in case.deltas)
    if withdrawn and not rules.withdraw:
        yield _warning(
            "cannot-withdraw",
            resource,
            f"{withdrawn} people left the source or are suppressed, and {vendor} has no call to withdraw anybody.",
            "Close them in the vendor's panel.",
        )
    updated = sum(delta.updated for delta in case.deltas)
    if updated and not rules.update:
        message = f"The fields of {updated} people changed in the source, and {vendor} cannot change a contact."
        yield _warning("cannot-edit", resource, message, "They keep the values they were sent with.")


# ---- building blocks -----------------------------------------------------------------------------------------------


def _change(
    action: Action,
    resource: Resource,
    reason: str,
    level: Risk,
    fields: tuple[FieldChange, ...] = (),
    contacts: ContactChange | None = None,
) -> Change:
    return Change(0, action, resource.key, str(resource.source), reason, level, fields=fields, contacts=contacts)


def _dial(resource: Resource, action: Action, now: RunState | None) -> Change:
    wanted = RunState.RUNNING if action is Action.START else RunState.STOPPED
    is_now = now.value if now else "unknown"
    field = FieldChange(("activation",), is_now, wanted.value)
    level = Risk.DIALLING if action is Action.START else Risk.SAFE
    reason = (
        f"declared {wanted.value}, is {is_now}" if resource.absent is None else f"state: absent ({resource.absent})"
    )
    return _change(action, resource, reason, level, (field,))


def _error(code: str, resource: Resource, message: str, remedy: str) -> Finding:
    return Finding(code, Severity.ERROR, message, str(resource.key), remedy=remedy, source=str(resource.source))


def _warning(code: str, resource: Resource, message: str, remedy: str) -> Finding:
    return Finding(code, Severity.WARNING, message, str(resource.key), remedy=remedy, source=str(resource.source))
