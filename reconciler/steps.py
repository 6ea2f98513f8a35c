"""What a plan's steps are made from and made of: everything known of one campaign, changes and findings. Decides nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.matching import Match
from reconciler.model import (
    Action,
    Capabilities,
    Change,
    ContactChange,
    ContactDelta,
    Doubt,
    FieldChange,
    Finding,
    Resource,
    Risk,
    RunState,
    Severity,
)


@dataclass(frozen=True, slots=True)
class Case:
    """Everything there is to know about one declared campaign. `deltas`: one per contact set, in declared order.

    `departures`: contact set -> reason -> how many are withdrawn for it. `opened`: the sets that have their container. `called`: how
    many people were sent with an earlier create of a campaign that is created again, or with one that is removed.
    """

    match: Match
    capabilities: Capabilities
    deltas: tuple[ContactDelta, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    departures: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    opened: frozenset[str] = frozenset()
    called: int = 0


@dataclass(frozen=True, slots=True)
class Steps:
    """What one campaign needs, in the order it has to happen. `changes` are not numbered yet."""

    changes: tuple[Change, ...] = ()
    findings: tuple[Finding, ...] = ()


def new_step(
    action: Action,
    resource: Resource,
    reason: str,
    level: Risk,
    fields: tuple[FieldChange, ...] = (),
    contacts: ContactChange | None = None,
) -> Change:
    return Change(0, action, resource.key, str(resource.source), reason, level, fields=fields, contacts=contacts)


def dial(resource: Resource, action: Action, now: RunState | None) -> Change:
    wanted = RunState.RUNNING if action is Action.START else RunState.STOPPED
    is_now = now.value if now else "unknown"
    field = FieldChange(("activation",), is_now, wanted.value)
    level = Risk.DIALLING if action is Action.START else Risk.SAFE
    reason = (
        f"declared {wanted.value}, is {is_now}" if resource.absent is None else f"state: absent ({resource.absent})"
    )
    return new_step(action, resource, reason, level, (field,))


def error(code: str, resource: Resource, message: str, remedy: str) -> Finding:
    return Finding(code, Severity.ERROR, message, str(resource.key), remedy=remedy, source=str(resource.source))


def note(code: str, resource: Resource, message: str) -> Finding:
    return Finding(code, Severity.INFO, message, str(resource.key), source=str(resource.source))


def warning(code: str, resource: Resource, message: str, remedy: str) -> Finding:
    return Finding(code, Severity.WARNING, message, str(resource.key), remedy=remedy, source=str(resource.source))
