"""`reconciler apply`."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.common import formats, paint, setup, write
from reconciler.cli.duration import in_seconds
from reconciler.cli.progress import Board, board

if TYPE_CHECKING:
    from reconciler.model import Plan, Report
    from reconciler.runs import Options
    from reconciler.setup import Setup


@click.command("apply")
@click.argument("planfile", required=False, metavar="[PLANFILE]")
@click.option("--auto-approve", is_flag=True, help="Do not ask.")
@click.option(
    "--lock-timeout",
    callback=in_seconds,
    metavar="DURATION",
    default="0s",
    show_default=True,
    help="How long to wait for a held lease.",
)
@click.option(
    "--settle-timeout",
    callback=in_seconds,
    metavar="DURATION",
    default="5m",
    show_default=True,
    help="How long to wait at the end for lost answers to become decidable.",
)
@click.option(
    "--resume",
    is_flag=False,
    flag_value="",
    metavar="[RUN]",
    help="Go on with the approved plan of an interrupted run.",
)
@click.option(
    "--require-approval",
    "approval",
    metavar="FILE",
    help="Somebody's approval of this plan's risk: apply what widens only with it.",
)
@formats("text", "json")
@click.pass_obj
def command(
    root: Path,
    planfile: str | None,
    auto_approve: bool,
    lock_timeout: int,
    settle_timeout: int,
    resume: str | None,
    approval: str | None,
    style: str,
) -> int:
    """Carry out a saved plan exactly, or plan now, ask, and carry that out.

    A saved plan is recomputed first: where anything moved, nothing is sent and the code is 5. Where the project says
    `approvals: {required: [...]}`, a plan with a change of such a risk needs --require-approval.

    \b
    Examples:
      reconciler apply plan.json
      reconciler apply --auto-approve
      reconciler apply plan.json --lock-timeout 2m --format json
      reconciler apply plan.json --require-approval .approvals/5f1c9e2ab8d0.yaml
      reconciler apply --resume
    """
    from reconciler.errors import Misuse
    from reconciler.planfile import load
    from reconciler.runs import Options, refused

    if planfile and resume is not None:
        raise Misuse("Name a plan file or say --resume, not both.")
    if not planfile and not auto_approve and resume is None and not sys.stdin.isatty():
        raise Misuse("Without a terminal name a plan file or say --auto-approve.")
    approved, told = None, board(click.get_current_context().color, os.environ.get("TERM", ""))
    try:
        approved = load(root / planfile) if planfile else _interrupted(root, resume) if resume is not None else None
        confirm = _agree if approved else _show if auto_approve else _ask
        signed = root / approval if approval else None
        waits = (lock_timeout, settle_timeout)
        options = Options(approved, resume is not None, confirm, *waits, told.line, told.moved, approval_file=signed)
        report = asyncio.run(_apply(_ready(root, approved), options, told))
    except Misuse:
        raise
    except Exception as error:
        if style == "json":
            _write(refused(approved, error), style)
        raise
    _write(report, style)
    return report.code


def _interrupted(root: Path, run: str) -> Plan:
    """The plan that the interrupted run was approved for."""
    from contextlib import closing

    from reconciler.errors import Misuse
    from reconciler.keeping import approved_plan
    from reconciler.ledger import open_reader

    ready = setup(root)
    with closing(open_reader(ready.repository.project.state, str(ready.root), ready.environ)) as ledger:
        plan = approved_plan(ledger, run)
    if plan is None:
        raise Misuse(
            f"No approved plan of {'run ' + run if run else 'any run'} is known here: reconciler plan --out FILE"
        )
    return plan


def _ready(root: Path, approved: Plan | None) -> Setup:
    """The part of the repository that the plan was for."""
    from reconciler.errors import Misuse, PlanStale

    if approved is None:
        return setup(root)
    try:
        return setup(root, approved.select, approved.exclude)
    except Misuse as gone:
        raise PlanStale(f"The plan is stale; nothing was sent. Since it was made: {gone}") from None


async def _apply(ready: Setup, options: Options, told: Board) -> Report:
    from reconciler import reconcile
    from reconciler.setup import opened

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _stop, options)
    async with opened(ready) as sites, told.shown():
        return await reconcile.apply(ready, sites, options)


def _stop(options: Options) -> None:
    """First: finish what is in flight and claim nothing new. Second: leave at once; the ledger knows what was under way."""
    if options.stopping.is_set():
        os._exit(8)
    options.stopping.set()
    options.progress("Stopping: what is in flight is finished, nothing new is sent. Again to leave at once.")


def _agree(plan: Plan) -> bool:
    return True


def _show(plan: Plan) -> bool:
    """To standard error: the report is the result."""
    from reconciler.render.text import plan_text

    click.echo(plan_text(plan, paint(sys.stderr)), err=True)
    return True


def _ask(plan: Plan) -> bool:
    return _show(plan) and bool(plan.changes) and click.confirm("Apply this?", default=False, err=True)


def _write(report: Report, style: str) -> None:
    from reconciler.render.asjson import report_json
    from reconciler.render.text import report_text

    write(report_json(report) if style == "json" else report_text(report, paint()))
