"""`reconciler show`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.common import formats, write
from reconciler.cli.plan import rendered

if TYPE_CHECKING:
    from reconciler.model import Plan


@click.command("show")
@click.argument("planfile", metavar="PLANFILE")
@formats("text", "json", "markdown", "html")
@click.option("--output", metavar="FILE", help="Write it there instead of to standard output.")
@click.option("--since", metavar="OLDPLAN", help="Say what changed since that plan was made: text, json or markdown.")
@click.pass_obj
def command(root: Path, planfile: str, style: str, output: str | None, since: str | None) -> None:
    """Render a saved plan. Uses no network, no secret and no repository.

    \b
    Examples:
      reconciler show plan.json
      reconciler show plan.json --format markdown --output comment.md
      reconciler show plan.json --format html --output report.html
      reconciler show plan.json --since plan-of-last-push.json
    """
    from reconciler.planfile import load

    plan = load(root / planfile)
    write(rendered(plan, style) if since is None else _compared(load(root / since), plan, style), output)


def _compared(old: Plan, new: Plan, style: str) -> str:
    from reconciler.errors import Misuse
    from reconciler.render.since import since, since_json, since_markdown, since_text

    if style == "html":
        raise Misuse("--since is told as text, json or markdown.")
    told = since(old, new)
    return {"text": since_text, "json": since_json, "markdown": since_markdown}[style](told)
