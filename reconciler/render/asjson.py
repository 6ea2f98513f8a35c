"""Reports and problems as JSON for machines; a plan's JSON is its plan file (planfile.py)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from reconciler import planfile
from reconciler.errors import Problem
from reconciler.model import Finding, Outcome, Plan, Report, Tally


def plan_json(plan: Plan) -> str:
    return planfile.pretty(planfile.to_json(plan))


def report_json(report: Report) -> str:
    return planfile.pretty(
        {
            "formatVersion": 1,
            "run": report.run,
            "plan": report.plan,
            "result": report.result,
            "error": report.error or None,
            "lineage": report.lineage,
            "serial": report.serial,
            "outcomes": [_outcome(outcome) for outcome in report.outcomes],
            "contacts": _tally(report.contacts),
        }
    )


def _outcome(outcome: Outcome) -> dict[str, object]:
    return {
        "id": outcome.change.id,
        "key": str(outcome.change.key),
        "action": outcome.change.action.value,
        "status": outcome.status,
        "vendorId": outcome.vendor_id,
        "error": outcome.error or None,
        "contacts": _tally(outcome.contacts) if outcome.contacts else None,
    }


def _tally(tally: Tally) -> dict[str, int]:
    return {
        "confirmed": tally.confirmed,
        "rejected": tally.rejected,
        "inDoubt": tally.in_doubt,
        "alreadyPresent": tally.already_present,
    }


def problems_json(problems: Sequence[Problem], warnings: Sequence[Finding]) -> str:
    return planfile.pretty(
        {
            "formatVersion": 1,
            "valid": not problems,
            "problems": [asdict(problem) for problem in problems],
            "warnings": [{**asdict(finding), "severity": finding.severity.value} for finding in warnings],
        }
    )
