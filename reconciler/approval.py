"""What was approved against what would be done now: a plan that no longer holds is refused, saying what moved and how."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reconciler import planfile
from reconciler.errors import Blocked, PlanStale
from reconciler.model import Change, Finding, Plan, Severity
from reconciler.render.phrases import field_lines
from reconciler.render.text import findings_lines
from reconciler.setup import Setup
from reconciler.units import counted

AGAIN = "Nothing was sent. Plan again: reconciler plan --out FILE"


def check_approved(setup: Setup, approved: Plan | None, fresh: Plan) -> None:
    """Raises PlanStale where what was approved is not what would be done now, Blocked where something speaks against it."""
    if approved is not None:
        check_bond(setup, approved, fresh)
        if approved.digest != fresh.digest:
            raise PlanStale("\n".join(["The plan is stale. Since it was made:", *moved(approved, fresh), AGAIN]))
    check_unblocked(setup, fresh)


def check_unblocked(setup: Setup, fresh: Plan) -> None:
    """Raises Blocked where a finding or a `planOnly` connection speaks against applying it."""
    if errors := _errors(fresh):
        raise Blocked("\n".join(["Blocked; nothing was sent.", *findings_lines(errors)]))
    for change in fresh.changes:
        name = change.key.connection
        if setup.repository.connections[name].plan_only:
            raise Blocked(
                f"{name} is planOnly: nothing is applied there. Nothing was sent. To apply the rest, plan again with: "
                f"--exclude connection={name}"
            )


def blocked(setup: Setup, fresh: Plan) -> bool:
    """Whether anything speaks against applying it."""
    try:
        check_unblocked(setup, fresh)
    except Blocked:
        return True
    return False


def check_bond(setup: Setup, approved: Plan, fresh: Plan) -> None:
    """Whether the plan was made for this project and ledger, by this version, not too long ago."""
    if approved.project != fresh.project:
        raise PlanStale(f"The plan is for the project {approved.project}, this is {fresh.project}. {AGAIN}")
    if approved.version != fresh.version:
        raise PlanStale(f"The plan was made by version {approved.version}, this is {fresh.version}. {AGAIN}")
    if planfile.stamp(setup.clock.now()) > approved.expires_at:
        raise PlanStale(f"The plan expired at {approved.expires_at}. {AGAIN}")
    if approved.bound.lineage and approved.bound.lineage != fresh.bound.lineage:
        raise PlanStale(f"The plan was made with another ledger than the one that is here. {AGAIN}")
    if approved.bound.serial > fresh.bound.serial:
        raise PlanStale(
            f"The ledger is older than the plan (serial {fresh.bound.serial}, the plan saw {approved.bound.serial}): was it "
            f"restored from a backup? Bring the newest one back. Nothing was sent."
        )


def _errors(plan: Plan) -> list[Finding]:
    return [finding for finding in plan.findings if finding.severity is Severity.ERROR]


def moved(approved: Plan, fresh: Plan) -> list[str]:
    """What moved between two plans, a line each, saying how."""
    lines = ["  the configuration was edited"] if approved.bound.config != fresh.bound.config else []
    lines += ["  the vendors' addresses changed"] if approved.bound.hosts != fresh.bound.hosts else []
    lines += _sources(approved, fresh)
    old, new = _by_key(approved), _by_key(fresh)
    for key in sorted(old.keys() | new.keys()):
        how = _how(old.get(key, []), new.get(key, []))
        lines += [f"  {key}: {how}"] if how else []
    lines += findings_lines([finding for finding in _errors(fresh) if finding not in approved.findings])
    return lines or ["  the live state moved"]


def _sources(approved: Plan, fresh: Plan) -> Iterable[str]:
    then = {delta.key: delta for delta in approved.deltas}
    for delta in fresh.deltas:
        before = then.get(delta.key)
        if before is not None and before != delta:
            rows = f"{counted(before.rows, 'row')} then, {counted(delta.rows, 'row')} now"
            yield f"  the source of {delta.key}, a list it names, or what was sent from it changed: {rows}"


def _by_key(plan: Plan) -> dict[str, list[Change]]:
    found: dict[str, list[Change]] = {}
    for change in plan.changes:
        found.setdefault(str(change.key), []).append(change)
    return found


def _how(old: Sequence[Change], new: Sequence[Change]) -> str:
    """Empty where the same would be done."""
    if [change.action for change in old] != [change.action for change in new]:
        return f"planned to {_told(old)}, would now {_told(new)}"
    return "; ".join(how for one, other in zip(old, new, strict=True) for how in _differences(one, other))


def _differences(old: Change, new: Change) -> Iterable[str]:
    before, after = dict(field_lines(old)), dict(field_lines(new))
    for label in before | after:
        if before.get(label) != after.get(label):
            yield f"{label}: planned {before.get(label, 'as it is')}, would now be {after.get(label, 'as it is')}"
    if old.contacts and new.contacts and old.contacts != new.contacts:
        yield f"planned to {_told([old])}, would now {_told([new])}"


def _told(changes: Sequence[Change]) -> str:
    """`create, add 3 contacts`."""
    return ", ".join(map(_step, changes)) or "do nothing"


def _step(change: Change) -> str:
    verb = change.action.value.partition("_")[0]
    return f"{verb} {counted(change.contacts.count, 'contact')}" if change.contacts else verb
