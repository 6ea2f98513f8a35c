"""Declared, live and last applied -> the steps of a plan. Pure; knows no vendor but by its capability table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from reconciler import diff, risk
from reconciler.model import (
    Action,
    Cause,
    Change,
    ContactChange,
    FieldChange,
    FieldRule,
    Finding,
    Json,
    Key,
    Resource,
    Risk,
    RunState,
    Spec,
)
from reconciler.planner_people import canary, inside, people_steps, stuck
from reconciler.steps import Case, Steps, dial, error, new_step, note, warning
from reconciler.units import people


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
    once = case.capabilities.contacts.inside_create and not case.capabilities.readable
    steps = _created_once(case) if once else _convergence(case)
    return replace(steps, findings=(*steps.findings, *_notes(case)))


# ---- what is not there yet -----------------------------------------------------------------------------------------


def _creation(case: Case) -> Steps:
    resource, rules = case.match.resource, case.capabilities
    if not rules.create:
        reason = rules.refusals.get("create", f"{rules.vendor} cannot create campaigns")
        remedy = f"Make it in the vendor's panel, then: reconciler adopt {resource.key} VENDOR-ID"
        return Steps(findings=(error("cannot-create", resource, f"{reason}.", remedy),))
    known = (*_reached_before(case), *_moved_from_nowhere(case))
    if rules.contacts.inside_create:
        return Steps((_create(resource, "declared, never created", inside(case.deltas)),), known)
    changes = [_create(resource, "declared, not bound", None), *people_steps(case)]
    if resource.run is RunState.RUNNING:
        changes.append(dial(resource, Action.START, RunState.STOPPED))
    return Steps(tuple(changes), (*canary(case), *known))


def _moved_from_nowhere(case: Case) -> Iterable[Finding]:
    """A rename that was never applied before the next one, or somebody else's ledger: it looks new, and so does everybody."""
    resource = case.match.resource
    if resource.moved_from is not None and case.match.binding is None:
        message = (
            f"movedFrom {resource.moved_from}: this ledger knows no campaign of that name, so everybody in it is new."
        )
        remedy = f"If it had yet another name: reconciler state mv OLD {resource.key}. Else take movedFrom out."
        yield warning("moved-from-nowhere", resource, message, remedy)


def _reached_before(case: Case) -> Iterable[Finding]:
    """A name that comes back: whom its campaign reached is not called again, which may be more than is meant."""
    if case.called:
        message = f"{people(case.called)} were sent with the campaign that had this name before: they stay known and are not sent again."
        remedy = "If they are to be called again, declare it under a name of its own."
        yield warning("reached-before", case.match.resource, message, remedy)


def _create(resource: Resource, reason: str, contacts: ContactChange | None) -> Change:
    fields = tuple(FieldChange((name,), None, value) for name, value in resource.spec.items())
    return new_step(Action.CREATE, resource, reason, Risk.DIALLING, fields, contacts)


def _created_once(case: Case) -> Steps:
    """A vendor that can neither be read nor changed: the ledger remembers what was sent."""
    resource, binding = case.match.resource, case.match.binding
    if binding is None:
        return Steps()
    if resource.create_run > binding.run:
        twice = people(min(case.called, sum(delta.added for delta in case.deltas)))
        again = warning(
            "created-again",
            resource,
            f"It is created again (run {resource.create_run}). The earlier one cannot be stopped: up to {twice} would be called twice.",
            "Make sure in the vendor's panel that the earlier one is finished.",
        )
        reason = f"run raised from {binding.run} to {resource.create_run}"
        return Steps((_create(resource, reason, inside(case.deltas)),), (again,))
    findings: list[Finding] = []
    # A binding without values was made by a person's word (`resolve --applied`): the declaration is taken at its word too.
    moved = diff.changes(resource.spec, binding.last_applied) if binding.last_applied else ()
    if moved or diff.forgotten(resource.spec, binding.last_applied):
        fields = ", ".join(".".join(change.path) for change in moved) or "a field that is gone"
        findings.append(
            error(
                "create-once",
                resource,
                f"{case.capabilities.vendor} cannot change a campaign once it is created ({fields}).",
                f"Undo the change, or raise `run` to {binding.run + 1} to create it a second time: everybody is called again.",
            )
        )
    grown = sum(delta.added for delta in case.deltas)
    if grown:
        message = f"{people(grown)} came to the source after the campaign was created; nobody is sent."
        findings.append(warning("grown", resource, message, "Declare another campaign for them."))
    return Steps(findings=tuple(findings))


# ---- what is there -------------------------------------------------------------------------------------------------


def _convergence(case: Case) -> Steps:
    resource, live = case.match.resource, case.match.live
    fields = _fields(case)
    findings = list(_impossible(case, fields))
    changes: list[Change] = []
    if resource.run is RunState.STOPPED and live and live.run is not RunState.STOPPED:
        changes.append(dial(resource, Action.STOP, live.run))
    if fields and not findings:
        level = risk.highest(
            risk.of_field(field, risk.rule_for(case.capabilities.fields, field.path)) for field in fields
        )
        update = new_step(Action.UPDATE, resource, _why(case, fields), level, fields)
        changes.append(replace(update, schedule=_schedule(resource, fields)))
    changes += people_steps(case)
    findings += [*stuck(case), *canary(case)]
    if resource.run is RunState.RUNNING and live and live.run is not RunState.RUNNING:
        changes.append(dial(resource, Action.START, live.run))
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
            unset = FieldChange(path, diff.at(held, path), None)
            dropped.append(replace(unset, cause=diff.cause(unset, last, named=True)))
    differing = (field for field in diff.changes(declared, held) if not _settled_at_create(rules, field))
    return (*(_explained(match.resource, field, last) for field in differing), *dropped)


def _explained(resource: Resource, field: FieldChange, last: Spec) -> FieldChange:
    """With why it changes, and where it is declared. What hours or attempts are shared is written where they are."""
    shortest = 2 if field.path[0] in {"schedule", "recall"} and len(field.path) > 1 else 1
    prefixes = (".".join(field.path[:length]) for length in range(len(field.path), shortest - 1, -1))
    place = next((resource.places[path] for path in prefixes if path in resource.places), None)
    cause = diff.cause(field, last, named=place is not None)
    return replace(field, cause=cause, source=str(place) if place else "")


def _schedule(resource: Resource, fields: Sequence[FieldChange]) -> Json:
    """The whole of it, where a part of it changes."""
    return resource.spec.get("schedule") if any(field.path[0] == "schedule" for field in fields) else None


def _settled_at_create(rules: Mapping[str, FieldRule], field: FieldChange) -> bool:
    """A field that was given at create, cannot be read and was never applied by us: it is taken at its word."""
    rule = risk.rule_for(rules, field.path)
    return rule is not None and rule.immutable and not rule.readable and field.before is None


def _impossible(case: Case, fields: Sequence[FieldChange]) -> Iterable[Finding]:
    resource, rules = case.match.resource, case.capabilities
    if fields and not rules.update:
        reason = rules.refusals.get("update", f"{rules.vendor} cannot change a campaign")
        yield error("cannot-update", resource, f"{reason}.", "Take the fields out of the declaration.")
    for field in fields:
        rule = risk.rule_for(rules.fields, field.path)
        if rule and rule.immutable:
            name = ".".join(field.path)
            message = f"{name} cannot be changed once the campaign exists at {rules.vendor}."
            yield error("immutable", resource, message, f"Put {name} back, or declare a new campaign.")


def _why(case: Case, fields: Sequence[FieldChange]) -> str:
    """Whether the declaration moved, the vendor's side did, or both."""
    binding = case.match.binding
    if binding is None or not binding.last_applied:
        return f"{case.match.by or 'bound'}, never applied"
    causes = {field.cause for field in fields}
    if causes == {Cause.DEFAULT}:
        return "not declared, and its default is another one now"
    edited, drifted = causes != {Cause.DRIFT}, bool(causes & {Cause.DRIFT, Cause.BOTH})
    if edited and drifted:
        return "changed in the declaration, and at the vendor since the last apply"
    return "changed in the declaration" if edited else "changed at the vendor since the last apply"


def _removal(case: Case) -> Steps:
    """A tombstone: what `lifecycle.onRemove` says, in steps that can be seen."""
    match, rules = case.match, case.capabilities
    resource, live = match.resource, match.live
    if live is None or resource.lifecycle.on_remove == "retain":
        return Steps()
    if resource.lifecycle.protect or (match.binding and match.binding.protect):
        remedy = "Remove lifecycle.protect in a change of its own first."
        return Steps(findings=(error("protected", resource, "It is protected and is not removed.", remedy),))
    delete = resource.lifecycle.on_remove == "delete"
    if delete and not rules.delete:
        message = f"{rules.vendor} cannot delete campaigns."
        return Steps(findings=(error("cannot-delete", resource, message, "Write onRemove: retain or stop."),))
    findings = (
        (note("removal-queued", resource, f"{rules.vendor} says of it: {live.note}."),) if delete and live.note else ()
    )
    changes = []
    if rules.dial and (live.run is not RunState.STOPPED or (delete and rules.delete_needs_stop)):
        changes.append(dial(resource, Action.STOP, live.run))
    if delete and not live.note:
        changes.append(new_step(Action.DELETE, resource, _taken_along(case), Risk.DESTRUCTIVE))
    return Steps(tuple(changes), findings)


def _taken_along(case: Case) -> str:
    """Why it is deleted, and what goes with it."""
    sent = f"{people(case.called)} sent to it and whoever else is in it" if case.called else "whoever is in it"
    queued = f"; {case.capabilities.vendor} only queues the removal" if case.capabilities.delete_queued else ""
    return f"state: absent ({case.match.resource.absent}); all its records go with it: {sent}{queued}"


# ---- what the reader has to know ------------------------------------------------------------------------------------


def _notes(case: Case) -> Iterable[Finding]:
    """What the reader has to know of an object that is there, whether or not anything is done to it."""
    match, resource = case.match, case.match.resource
    binding = match.binding
    if not case.capabilities.readable:
        message = f"{case.capabilities.vendor} does not show it or who is in it: what was sent is known from the ledger alone."
        yield note("ledger-only", resource, message)
    if binding and binding.key != resource.key:
        yield note("moved", resource, f"It was {binding.key}; what it is bound to and who was sent moves with it.")
    if binding and binding.protect and not resource.lifecycle.protect:
        message = "lifecycle.protect was taken out: from the next apply on it can be removed."
        yield warning("unprotected", resource, message, "")
