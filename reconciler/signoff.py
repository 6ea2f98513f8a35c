"""Approval by risk: whether somebody answers for what a plan may do to people. Whether a plan still is the reviewed one: approval.py."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from reconciler import config
from reconciler.errors import Blocked
from reconciler.model import Change, Finding, Plan, Project, Risk, Severity
from reconciler.units import counted

RISKY = frozenset(Risk) - {Risk.SAFE}


def required(project: Project, changes: Sequence[Change], asked: bool = False) -> tuple[Risk, ...]:
    """The classes of risk among `changes` that need an approval, highest first.

    Those that the project names; where it names none, `asked` (--require-approval) means all but safe.
    """
    named = project.approvals or (RISKY if asked else frozenset())
    return tuple(risk for risk in reversed(Risk) if risk in named and any(change.risk is risk for change in changes))


def announced(project: Project, changes: Sequence[Change]) -> tuple[Finding, ...]:
    """What a reviewer and a gate have to know of it before the plan is applied."""
    risks = required(project, changes)
    if not risks:
        return ()
    message = f"{_told(changes, risks)} an approval: {_listed(risks)}."
    remedy = "apply refuses this plan without: --require-approval FILE"
    return (Finding("approval-needed", Severity.INFO, message, remedy=remedy, source=str(project.source)),)


def _told(changes: Sequence[Change], risks: Sequence[Risk]) -> str:
    count = sum(change.risk in risks for change in changes)
    return f"{counted(count, 'step')} {'needs' if count == 1 else 'need'}"


def check(project: Project, plan: Plan, file: Path | None, now: datetime) -> None:
    """Raises Blocked where the plan needs an approval and `file` holds none that covers it now, ConfigInvalid where it is malformed.

    A file that is not needed is not looked at.
    """
    risks = required(project, plan.changes, asked=file is not None)
    if not risks:
        return
    lacking = "No approval was given." if file is None else _lacking(file, plan, risks, now)
    if lacking:
        raise Blocked("\n".join([f"Blocked; nothing was sent. {_told(plan.changes, risks)} an approval: "
                                 f"{_listed(risks)}.", lacking, *_form(plan, risks)]))  # fmt: skip


def _lacking(file: Path, plan: Plan, risks: Sequence[Risk], now: datetime) -> str:
    """What the approval in `file` does not cover, a sentence; empty where it covers all."""
    try:
        approval = config.approval(file)
    except Blocked as missing:
        return str(missing)
    expires = datetime.fromisoformat(approval["expires"])
    if approval["digest"] != plan.digest:
        return f"{file.name} approves another plan: {approval['digest']}. This one is {plan.digest}."
    if now >= expires:
        return f"{file.name} expired at {approval['expires']}."
    missing_risks = [risk for risk in risks if risk not in approval["risks"]]
    if missing_risks:
        return f"{file.name} does not approve {_listed(missing_risks)}, only {', '.join(approval['risks'])}."
    return ""


def _listed(risks: Sequence[Risk]) -> str:
    return ", ".join(risk.value for risk in risks)


def _form(plan: Plan, risks: Sequence[Risk]) -> Sequence[str]:
    """What somebody who may approve has to write."""
    return (
        "Somebody who may approve writes this to a file, and apply names it with --require-approval FILE:",
        f"  digest: {plan.digest}",
        f'  expires: "{plan.expires_at}"',
        f"  risks: [{_listed(risks)}]",
        "  approver: NAME",
        "  reason: TEXT",
    )
