"""Limits on what one plan may do. A plan over a limit is an error that names the figure, the limit and how to waive it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from reconciler import units
from reconciler.model import (
    Action,
    Change,
    ContactDelta,
    Finding,
    Key,
    Limit,
    Project,
    Resource,
    Severity,
    Waiver,
)

# The shortest time before the start of a campaign that dials on its own in which its creation may still be pending.
LEAD_TIME = timedelta(minutes=30)

_VERBS = {"creates": Action.CREATE, "deletes": Action.DELETE, "starts": Action.START}
_PEOPLE = {"contactsAdded": "added", "contactsWithdrawn": "withdrawn"}


def check(
    project: Project, changes: Sequence[Change], deltas: Sequence[ContactDelta], today: date
) -> tuple[Finding, ...]:
    """Findings of all guards: errors for what is over a limit, a warning per waiver that was needed or has run out."""
    waivers = [waiver for waiver in project.waivers if waiver.until >= today]
    findings = list(_expired(project.waivers, today))
    for guard, action in _VERBS.items():
        findings += _count(project, guard, [change.key for change in changes if change.action is action], waivers)
    touched = {change.key for change in changes} | {change.key.campaign for change in changes}
    moving = [delta for delta in deltas if delta.key in touched or delta.key.campaign in touched]
    for guard, verb in _PEOPLE.items():
        findings += _people(project, guard, [(d, getattr(d, verb)) for d in moving], verb, waivers)
    return tuple(findings)


def too_soon(resource: Resource, starts: datetime, now: datetime) -> Finding | None:
    """A campaign that dials by itself at `starts` may not be created within `LEAD_TIME` of it, or after it."""
    if starts - now >= LEAD_TIME:
        return None
    minutes = max(0, int((starts - now).total_seconds() // 60))
    when = "has passed" if starts <= now else f"is {units.counted(minutes, 'minute')} away"
    return Finding(
        "starts-too-soon",
        Severity.ERROR,
        f"Its start, {starts:%Y-%m-%d %H:%M} {starts.tzinfo}, {when}; this vendor starts on its own and cannot be stopped.",
        str(resource.key),
        measured=f"{minutes} min",
        limit=f"{int(LEAD_TIME.total_seconds() // 60)} min",
        remedy="Move the schedule's `starts` or its window so that the start is at least 30 minutes ahead.",
        source=str(resource.source),
    )


def _count(project: Project, guard: str, keys: Sequence[Key], waivers: Sequence[Waiver]) -> Iterable[Finding]:
    limit = project.guards[guard]
    waived = _waived(guard, waivers)
    counted = [key for key in keys if key.name not in waived]
    if limit.max is not None and len(keys) > limit.max:
        yield from _used(guard, {key.name for key in keys}, waivers)
    if limit.max is not None and len(counted) > limit.max:
        measured = units.counted(len(counted), guard.removesuffix("s"))
        yield _over(project, guard, "", measured, str(limit.max), f"{measured} in one plan")


def _people(
    project: Project, guard: str, counts: Sequence[tuple[ContactDelta, int]], verb: str, waivers: Sequence[Waiver]
) -> Iterable[Finding]:
    limit = project.guards[guard]
    waived = _waived(guard, waivers)
    counted = [(delta, count) for delta, count in counts if delta.key.name not in waived]
    needed = {delta.key.name for delta, count in counts if delta.key.name in waived and _beyond(limit, delta, count)}
    total = sum(count for _, count in counted)
    if limit.max is not None and total > limit.max:
        measured = units.people(total)
        yield _over(project, guard, "", measured, f"{limit.max:,}", f"{measured} {verb} in one plan")
    if limit.max is not None and sum(count for _, count in counts) > limit.max:
        needed |= {delta.key.name for delta, count in counts if count and delta.key.name in waived}
    yield from _used(guard, needed, waivers)
    for delta, count in counted:
        share = _share(delta, count)
        if limit.percent is not None and share is not None and share > limit.percent:
            message = f"{units.people(count)} {verb}, {share} % of the {delta.sent_before:,} sent before"
            yield _over(project, guard, str(delta.key), f"{share} %", f"{limit.percent} %", message)


def _share(delta: ContactDelta, count: int) -> int | None:
    """Whole percent of what is there, rounded up; None where nothing was applied before."""
    return -(-count * 100 // delta.sent_before) if delta.sent_before else None


def _beyond(limit: Limit, delta: ContactDelta, count: int) -> bool:
    share = _share(delta, count)
    return limit.percent is not None and share is not None and share > limit.percent


def _waived(guard: str, waivers: Sequence[Waiver]) -> set[str]:
    return {waiver.campaign for waiver in waivers if waiver.guard == guard}


def _used(guard: str, campaigns: set[str], waivers: Sequence[Waiver]) -> Iterable[Finding]:
    for waiver in waivers:
        if waiver.guard == guard and waiver.campaign in campaigns:
            message = f"Guard {guard} is waived for {waiver.campaign} until {waiver.until}: {waiver.reason}."
            yield Finding("waiver", Severity.WARNING, message, waiver.campaign, source=str(waiver.source))


def _expired(waivers: Sequence[Waiver], today: date) -> Iterable[Finding]:
    for waiver in waivers:
        if waiver.until < today:
            message = f"The waiver of {waiver.guard} for {waiver.campaign} ended on {waiver.until}."
            yield Finding(
                "waiver-ended",
                Severity.WARNING,
                message,
                waiver.campaign,
                remedy="Take it out of spec.guards.waivers.",
                source=str(waiver.source),
            )


def _over(project: Project, guard: str, key: str, measured: str, limit: str, message: str) -> Finding:
    remedy = (
        f"If that is meant: raise spec.guards.{guard} in {project.source.file}, or add "
        f'spec.guards.waivers: [{{guard: {guard}, campaign: NAME, reason: "...", until: DATE}}].'
    )
    return Finding(
        f"guard-{guard}",
        Severity.ERROR,
        f"{message}; the limit is {limit}.",
        key,
        measured,
        limit,
        remedy,
        str(project.source),
    )
