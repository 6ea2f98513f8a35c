"""One apply as a run: who holds the lease, what was approved, what is reported. The steps themselves are in applier.py."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

from reconciler import planfile
from reconciler.assembly import doubts_of, identify
from reconciler.errors import Blocked, LeaseLost, LockHeld, PlanStale, ReconcilerError
from reconciler.ledger import open_ledger, open_reader
from reconciler.ledger.base import Holder, Lease, LedgerReader
from reconciler.ledger.journal import Journal
from reconciler.model import Change, Outcome, Plan, Report, Result, Severity, Tally
from reconciler.render.text import findings_lines
from reconciler.setup import Setup
from reconciler.writer import Run

LOCK_RETRY = 1.0  # seconds between two looks at a held lease


def _nothing(_: str) -> None:
    return None


@dataclass(slots=True)
class Options:
    """How one apply is to be done. `approved`: the saved plan; without one `confirm` decides on the fresh plan.

    `lock_timeout` and `settle_timeout` in seconds: how long to wait for a held lease, and at the end for lost answers to become
    decidable. `stopping` is set from a signal: what is in flight is finished, nothing new is claimed.
    """

    approved: Plan | None = None
    confirm: Callable[[Plan], bool] = lambda plan: True
    lock_timeout: float = 0.0
    settle_timeout: float = 0.0
    progress: Callable[[str], None] = _nothing
    stopping: asyncio.Event = field(default_factory=asyncio.Event)


@asynccontextmanager
async def leased(setup: Setup, options: Options) -> AsyncIterator[tuple[Run, LedgerReader]]:
    """Hold the project's lease: journal open, key checked, requests a dead run left behind taken into doubt."""
    where = (setup.repository.project.state, str(setup.root), setup.environ, setup.clock)
    with closing(open_reader(*where)) as reader:
        fingerprints = identify(setup, reader)
    async with AsyncExitStack() as stack:
        ledger = stack.enter_context(closing(open_ledger(*where)))
        journal = await stack.enter_async_context(Journal(ledger))
        lease = await stack.enter_async_context(_lease(setup, options, journal))
        reader = stack.enter_context(closing(open_reader(*where)))
        await journal.run(lambda ledger: ledger.start(lease, fingerprints.check()))
        await journal.run(lambda ledger: ledger.recover(lease))
        yield Run(journal, lease, fingerprints, setup.clock, options.stopping), reader
        await journal.run(lambda ledger: ledger.finish(lease))


@asynccontextmanager
async def _lease(setup: Setup, options: Options, journal: Journal) -> AsyncIterator[Lease]:
    """The lease, kept alive by a timer and freed at the end, whatever happens."""
    seconds = setup.repository.project.state.lease
    lease = await _acquire(setup, options, journal, seconds)
    beating = asyncio.create_task(_heartbeat(setup, journal, lease, seconds))
    try:
        yield lease
    finally:
        beating.cancel()
        with suppress(asyncio.CancelledError, LeaseLost):
            await beating
        with suppress(LeaseLost):
            await journal.run(lambda ledger: ledger.release(lease))


async def _acquire(setup: Setup, options: Options, journal: Journal, seconds: int) -> Lease:
    holder = holder_of(setup.environ)
    deadline = setup.clock.monotonic() + options.lock_timeout
    while True:
        try:
            return await journal.run(lambda ledger: ledger.acquire(holder, seconds))
        except LockHeld:
            if setup.clock.monotonic() + LOCK_RETRY > deadline:
                raise
            await setup.clock.sleep(LOCK_RETRY)


async def _heartbeat(setup: Setup, journal: Journal, lease: Lease, seconds: int) -> None:
    while True:
        await setup.clock.sleep(seconds / 3)
        await journal.run(lambda ledger: ledger.renew(lease, seconds))


def holder_of(environ: Mapping[str, str]) -> Holder:
    """This process, as the next one that finds the lease taken will want to see it."""
    url = environ.get("CI_JOB_URL", "")
    if not url and "GITHUB_RUN_ID" in environ:
        url = "{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}".format_map(
            {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "", **environ}
        )
    actor = environ.get("GITHUB_ACTOR") or environ.get("GITLAB_USER_LOGIN") or environ.get("USER", "")
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        started = Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19]
        return Holder(secrets.token_hex(8), socket.gethostname(), os.getpid(), actor, url, boot, started)
    return Holder(secrets.token_hex(8), socket.gethostname(), os.getpid(), actor, url)


# ---- what was approved ---------------------------------------------------------------------------------------------


def check_approved(setup: Setup, options: Options, fresh: Plan) -> None:
    """Raises PlanStale where what was approved is not what would be done now, Blocked where something speaks against it."""
    approved = options.approved
    if approved is not None:
        _check_bond(setup, approved, fresh)
        if approved.digest != fresh.digest:
            raise PlanStale(
                "\n".join(["The plan is stale; nothing was sent. Since it was made:", *moved(approved, fresh)])
            )
    errors = [finding for finding in fresh.findings if finding.severity is Severity.ERROR]
    if errors:
        raise Blocked("\n".join(["Blocked; nothing was sent.", *findings_lines(errors)]))
    for change in fresh.changes:
        name = change.key.connection
        if setup.repository.connections[name].plan_only:
            raise Blocked(
                f"{name} is planOnly: nothing is applied there. Nothing was sent. To apply the rest, plan again with: "
                f"--exclude connection={name}"
            )


def _check_bond(setup: Setup, approved: Plan, fresh: Plan) -> None:
    again = "Nothing was sent. Plan again: reconciler plan --out FILE"
    if approved.project != fresh.project:
        raise PlanStale(f"The plan is for the project {approved.project}, this is {fresh.project}. {again}")
    if approved.version != fresh.version:
        raise PlanStale(f"The plan was made by version {approved.version}, this is {fresh.version}. {again}")
    if planfile.stamp(setup.clock.now()) > approved.expires_at:
        raise PlanStale(f"The plan expired at {approved.expires_at}. {again}")
    if approved.bound.lineage and approved.bound.lineage != fresh.bound.lineage:
        raise PlanStale(f"The plan was made with another ledger than the one that is here. {again}")
    if approved.bound.serial > fresh.bound.serial:
        raise PlanStale(
            f"The ledger is older than the plan (serial {fresh.bound.serial}, the plan saw {approved.bound.serial}): was it "
            f"restored from a backup? Bring the newest one back. Nothing was sent."
        )


def moved(approved: Plan, fresh: Plan) -> list[str]:
    """What moved between two plans, a line per object, saying how."""
    lines = []
    if approved.bound.config != fresh.bound.config:
        lines.append("  the configuration was edited")
    if approved.bound.sources != fresh.bound.sources:
        lines.append("  a contact source, or what was sent from it, changed")
    if approved.bound.hosts != fresh.bound.hosts:
        lines.append("  the vendors' addresses changed")
    old, new = _by_key(approved), _by_key(fresh)
    for key in sorted(old.keys() | new.keys()):
        if old.get(key) != new.get(key):
            lines.append(f"  {key}: planned {_told(old.get(key))}, would now {_told(new.get(key))}")
    return lines or ["  the live state moved"]


def _by_key(plan: Plan) -> dict[str, list[Change]]:
    found: dict[str, list[Change]] = {}
    for change in plan.changes:
        found.setdefault(str(change.key), []).append(change)
    return found


def _told(changes: Sequence[Change] | None) -> str:
    if not changes:
        return "nothing"
    return ", ".join(
        change.action.value.replace("_", " ")
        + (f" {change.contacts.count}" if change.contacts else "")
        + (f" ({', '.join('.'.join(f.path) for f in change.fields)})" if change.fields else "")
        for change in changes
    )


# ---- what came of it -----------------------------------------------------------------------------------------------


def report(run: Run, ledger: LedgerReader, plan: Plan, outcomes: tuple[Outcome, ...]) -> Report:
    """Exit codes: 9 where anything is in doubt, before 8 where it stopped part way, before 1 where nothing came through."""
    tally = sum((outcome.contacts for outcome in outcomes if outcome.contacts), Tally())
    missed = [outcome for outcome in outcomes if outcome.status != "confirmed"]
    confirmed = len(outcomes) > len(missed)
    stopped = run.stopping.is_set() and missed
    code = 8 if missed and (confirmed or stopped) else 1 if missed else 0
    if doubts_of(ledger):
        code = 9
    result: Result = "nothing" if not outcomes else "applied" if not missed else "partial"
    return Report(run.lease.holder.run, plan.digest, result, outcomes, tally, code, ledger.lineage, ledger.serial + 1)


def refused(approved: Plan | None, error: ReconcilerError) -> Report:
    """The report of a run that sent nothing because of `error`."""
    return Report("", approved.digest if approved else "", "blocked", (), Tally(), error.exit_code)
