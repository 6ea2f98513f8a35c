"""`reconciler show`."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli.common import formats, write
from reconciler.cli.plan import rendered


@click.command("show")
@click.argument("planfile", metavar="PLANFILE")
@formats("text", "json", "markdown", "html")
@click.option("--output", metavar="FILE", help="Write it there instead of to standard output.")
@click.pass_obj
def command(root: Path, planfile: str, style: str, output: str | None) -> None:
    """Render a saved plan. Uses no network, no secret and no repository.

    \b
    Examples:
      reconciler show plan.json
      reconciler show plan.json --format markdown --output comment.md
      reconciler show plan.json --format html --output report.html
    """
    from reconciler.planfile import load

    write(rendered(load(root / planfile), style), output)
