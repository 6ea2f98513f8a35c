"""`reconciler state rebuild`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.common import formats, setup, write

if TYPE_CHECKING:
    from reconciler.model.rebuilt import Rebuilt
    from reconciler.setup import Setup


@click.command("rebuild")
@click.option(
    "--reason",
    default="",
    metavar="TEXT",
    help="Write it; why, kept in the ledger. Left out: only say what it would be.",
)
@formats("text", "json")
@click.pass_obj
def command(root: Path, reason: str, style: str) -> int:
    """After the ledger was lost: make a new one from what the vendors hold and the YAML declares. Sends nothing.

    Says what nobody can know before anything is written. What no vendor shows is held until `resolve`. Ends with 4 where somebody has
    to choose first which object a campaign is.

    \b
    Examples:
      reconciler state rebuild
      reconciler state rebuild --reason "the volume of the runner is gone"
    """
    from reconciler.render.rebuilt import rebuilt_json, rebuilt_text

    rebuilt = asyncio.run(_rebuild(setup(root), reason.strip()))
    write(rebuilt_json(rebuilt) if style == "json" else rebuilt_text(rebuilt))
    return 4 if rebuilt.unclear else 0


async def _rebuild(ready: Setup, reason: str) -> Rebuilt:
    from reconciler.rebuilding import rebuild
    from reconciler.setup import opened

    async with opened(ready) as sites:
        return await rebuild(ready, sites, reason, lambda said: click.echo(said, err=True))
