"""`reconciler plan`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.common import formats, paint, selecting, setup, write

if TYPE_CHECKING:
    from reconciler.livecheck import How
    from reconciler.model import Plan
    from reconciler.setup import Setup
    from reconciler.world import Planned


@click.command("plan")
@click.option("--out", metavar="FILE", help="Save the plan, for `apply FILE`.")
@formats("text", "json", "markdown", "html")
@click.option("--output", metavar="FILE", help="Write the rendering there instead of to standard output.")
@selecting
@click.option(
    "--contacts",
    type=click.Choice(["counts", "full"]),
    help="Also compare whom the vendors hold with whom we sent: by their counts, or by reading everybody.",
)
@click.option("--rejects", metavar="FILE", help="Write row numbers and reasons of rejected rows there (no numbers).")
@click.option("--detailed-exitcode", is_flag=True, help="End with 2 where there are changes.")
@click.pass_obj
def command(
    root: Path,
    out: str | None,
    style: str,
    output: str | None,
    select: tuple[str, ...],
    exclude: tuple[str, ...],
    contacts: How | None,
    rejects: str | None,
    detailed_exitcode: bool,
) -> int:
    """Read what is live and the ledger, and print what would change. Changes nothing anywhere.

    \b
    Examples:
      reconciler plan
      reconciler plan --out plan.json --format markdown --output comment.md
      reconciler plan --select connection=tel4vn-* --detailed-exitcode
      reconciler plan --contacts full
    """
    from reconciler import planfile
    from reconciler.cli import rejects as rejected

    target = rejected.outside(root, rejects) if rejects else None
    planned = asyncio.run(_plan(setup(root, select, exclude), contacts))
    if out:
        planfile.save(planned.plan, Path(out))
    if target:
        rejected.write(planned, target)
    text = rendered(planned.plan, style)
    if style == "text" and out:
        text += f"\nSaved to {out} ({planned.plan.digest[:19]}...). {_next(planned.plan, out)}\n"
    write(text, output)
    return 4 if planned.plan.blocked else 2 if detailed_exitcode and planned.plan.changes else 0


def _next(plan: Plan, out: str) -> str:
    if plan.blocked:
        return "It is blocked: apply refuses it as long as the errors above stand."
    return f"Apply it with: reconciler apply {out}" if plan.changes else "There is nothing to apply."


async def _plan(ready: Setup, contacts: How | None) -> Planned:
    from reconciler import reconcile
    from reconciler.assembly import identify
    from reconciler.ledger import open_reader
    from reconciler.livecheck import with_live_check
    from reconciler.setup import opened

    ledger = open_reader(ready.repository.project.state, str(ready.root), ready.environ)
    try:
        async with opened(ready) as sites:
            planned = await reconcile.plan(ready, sites, ledger)
            return await with_live_check(planned, ledger, identify(ready, ledger), contacts) if contacts else planned
    finally:
        ledger.close()


def rendered(plan: Plan, style: str) -> str:
    if style == "json":
        from reconciler.render.asjson import plan_json

        return plan_json(plan)
    if style == "markdown":
        from reconciler.render.markdown import plan_markdown

        return plan_markdown(plan)
    if style == "html":
        from reconciler.render.html import plan_html

        return plan_html(plan)
    from reconciler.render.text import plan_text

    return plan_text(plan, paint())
