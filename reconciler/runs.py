"""One apply as a run: who holds the lease, what is reported. What was approved is in approval.py, the steps are in applier.py."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

from reconciler import rotation, signoff
from reconciler.assembly import doubts_of, identify
from reconciler.errors import LeaseLost, LedgerError, LockHeld, PlanStale, ReconcilerError
from reconciler.keeping import keep_project
from reconciler.ledger import open_ledger, open_reader
from reconciler.ledger.base import Holder, Lease, Ledger, LedgerReader
from reconciler.ledger.holder import this_process
from reconciler.ledger.journal import Journal
from reconciler.model import Outcome, Plan, Report, Result, Tally
from reconciler.redact import mask, places
from reconciler.sending import Moved
from reconciler.setup import Setup
from reconciler.writer import Interrupted, Run

LOCK_RETRY = 1.0  # seconds between two looks at a held lease


def _nothing(_: object) -> None:
    return None


@dataclass(slots=True)
class Options:
    """How one apply is to be done. `approved`: the saved plan; without one `confirm` decides on the fresh plan. `resume`: what is
    left of the approved work is enough.

    `lock_timeout` and `settle_timeout` in seconds: how long to wait for a held lease, and at the end for lost answers to become
    decidable. `take_over`: the lease is taken from whoever holds it. `stopping` is set from a signal: what is in flight is finished,
    nothing new is claimed. `approval_file`: --require-approval.
    """

    approved: Plan | None = None
    resume: bool = False
    confirm: Callable[[Plan], bool] = lambda plan: True
    lock_timeout: float = 0.0
    settle_timeout: float = 0.0
    progress: Callable[[str], None] = _nothing
    moved: Callable[[Moved], None] = _nothing
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    take_over: bool = False
    approval_file: Path | None = None


@asynccontextmanager
async def leased(setup: Setup, options: Options) -> AsyncIterator[tuple[Run, LedgerReader]]:
    """Hold the project's lease: journal open, key checked, requests a dead run left behind taken into doubt."""
    where = (setup.repository.project.state, str(setup.root), setup.environ, setup.clock)
    with closing(open_reader(*where)) as reader:
        identify(setup, reader)
    async with AsyncExitStack() as stack:
        ledger = stack.enter_context(closing(open_ledger(*where)))
        journal = await stack.enter_async_context(Journal(ledger))
        lease = await stack.enter_async_context(hold(setup, options, journal))
        reader = stack.enter_context(closing(open_reader(*where)))
        fingerprints = identify(setup, reader)  # whom it knows under which key may have moved until the lease was taken
        await journal.run(lambda ledger: rotation.start(ledger, lease, fingerprints))
        await journal.run(lambda ledger: keep_project(ledger, lease, setup.repository.project.name))
        await journal.run(lambda ledger: ledger.recover(lease))
        yield Run(journal, lease, fingerprints, setup.clock, options.stopping), reader
        await journal.run(lambda ledger: ledger.finish(lease))


@asynccontextmanager
async def hold(setup: Setup, options: Options, journal: Journal) -> AsyncIterator[Lease]:
    """The lease, kept alive by a timer and freed at the end, whatever happens."""
    seconds = setup.repository.project.state.lease
    lease = await _acquire(setup, options, journal, seconds)
    beating = asyncio.create_task(_heartbeat(setup, journal, lease, seconds))
    try:
        yield lease
    finally:
        beating.cancel()
        with suppress(asyncio.CancelledError):
            await beating
        with suppress(LeaseLost):
            await journal.run(lambda ledger: ledger.release(lease))


async def _acquire(setup: Setup, options: Options, journal: Journal, seconds: int) -> Lease:
    holder = holder_of(setup.environ)

    def take(ledger: Ledger) -> Lease:
        """One commit, so that nobody who waits comes in between."""
        if options.take_over:
            ledger.unlock(holder, "taken over")
        return ledger.acquire(holder, seconds)

    deadline = setup.clock.monotonic() + options.lock_timeout
    while True:
        try:
            return await journal.run(take)
        except LockHeld:
            left = deadline - setup.clock.monotonic()
            if left <= 0:
                raise
            if options.stopping.is_set():
                raise Interrupted("Interrupted while waiting for another run. Nothing was sent.") from None
            await setup.clock.sleep(min(LOCK_RETRY, left))


async def _heartbeat(setup: Setup, journal: Journal, lease: Lease, seconds: int) -> None:
    """Ends where the lease is lost. A beat that fails otherwise is made up for by the next, or by any write."""
    while True:
        await setup.clock.sleep(seconds / 3)
        try:
            await journal.run(lambda ledger: ledger.renew(lease, seconds))
        except LeaseLost:
            return
        except LedgerError:
            continue


async def renew(setup: Setup, run: Run) -> None:
    """Raises LeaseLost where another run took over."""
    await run.journal.run(lambda ledger: ledger.renew(run.lease, setup.repository.project.state.lease))


def holder_of(environ: Mapping[str, str]) -> Holder:
    """This process, as the next one that finds the lease taken will want to see it."""
    url = environ.get("CI_JOB_URL", "")
    if not url and "GITHUB_RUN_ID" in environ:
        url = "{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}".format_map(
            {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "", **environ}
        )
    actor = environ.get("GITHUB_ACTOR") or environ.get("GITLAB_USER_LOGIN") or environ.get("USER", "")
    return this_process(secrets.token_hex(8), actor, url)


def check_signed(setup: Setup, options: Options, plan: Plan) -> None:
    """Raises as signoff.check does. What an interrupted run was approved for stays approved."""
    if not options.resume:
        signoff.check(setup.repository.project, plan, options.approval_file, setup.clock.now())


def unsigned(setup: Setup, options: Options) -> Callable[[Plan], bool]:
    """`options.confirm` for a plan of a later round, which no approval can have named: it says no to one that needs an approval."""
    asked = options.approval_file is not None
    return lambda plan: not signoff.required(setup.repository.project, plan.changes, asked) and options.confirm(plan)


# ---- what came of it -----------------------------------------------------------------------------------------------


def report(run: Run, ledger: LedgerReader, plan: Plan, outcomes: tuple[Outcome, ...]) -> Report:
    """Exit codes: 9 where anything is in doubt, before 8 where it stopped part way, before 1 where nothing came through; 5 where all
    that was not done had moved since the plan was made.
    """
    tally = sum((outcome.contacts for outcome in outcomes if outcome.contacts), Tally())
    missed = [outcome for outcome in outcomes if outcome.status != "confirmed"]
    confirmed = len(outcomes) > len(missed)
    stopped = run.stopping.is_set() and missed
    code = 8 if missed and (confirmed or stopped) else 1 if missed else 0
    if missed and all(outcome.stale for outcome in missed):
        code = PlanStale.exit_code
    if doubts_of(ledger):
        code = 9
    result: Result = "nothing" if not outcomes else "applied" if not missed else "partial"
    return Report(run.lease.holder.run, plan.digest, result, outcomes, tally, code, ledger.lineage, ledger.serial + 1)


def refused(approved: Plan | None, error: Exception) -> Report:
    """The report of a run that was refused, or broke off, because of `error`."""
    plan = approved.digest if approved else ""
    if isinstance(error, ReconcilerError):
        return Report("", plan, "blocked", (), Tally(), error.exit_code, error=mask(str(error)))
    said = f"a bug in reconciler ({type(error).__name__}): {', '.join(places(error))}"
    return Report("", plan, "blocked", (), Tally(), 1, error=said)
