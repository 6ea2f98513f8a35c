"""`reconciler drift`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.common import formats, paint, selecting, setup, write

if TYPE_CHECKING:
    from reconciler.livecheck import How
    from reconciler.model import Drift
    from reconciler.setup import Setup


@click.command("drift")
@click.option(
    "--contacts",
    type=click.Choice(["counts", "full"]),
    help="Also compare whom the vendors hold with whom we sent: by their counts, or by reading everybody.",
)
@click.option("--detailed-exitcode", is_flag=True, help="End with 2 where something of ours drifted.")
@click.option("--adopt", is_flag=True, help="Write the live values into the YAML that declares them.")
@formats("text", "json", "markdown")
@click.option("--output", metavar="FILE", help="Write the rendering there instead of to standard output.")
@selecting
@click.pass_obj
def command(
    root: Path,
    contacts: How | None,
    detailed_exitcode: bool,
    adopt: bool,
    style: str,
    output: str | None,
    select: tuple[str, ...],
    exclude: tuple[str, ...],
) -> int:
    """Compare what is live with what was applied last: what was changed in the vendors' panels, and what that means for people.

    Changes nothing at the vendors and nothing in the ledger. What cannot be read back is listed as not known.

    \b
    Examples:
      reconciler drift
      reconciler drift --detailed-exitcode --format markdown --output drift.md
      reconciler drift --contacts full
      reconciler drift --adopt
    """
    from reconciler.render.drift import drift_told

    found = asyncio.run(_drift(setup(root, select, exclude), contacts, adopt))
    write(drift_told(found, style, paint()), output)
    return 2 if detailed_exitcode and found.found else 0


async def _drift(ready: Setup, contacts: How | None, adopt: bool) -> Drift:
    from contextlib import closing

    from reconciler import declaring, drift
    from reconciler.ledger import open_reader
    from reconciler.setup import opened

    with closing(open_reader(ready.repository.project.state, str(ready.root), ready.environ)) as ledger:
        async with opened(ready) as sites:
            seen = await drift.look(ready, sites, ledger)
            if contacts:
                seen = await drift.with_people(seen, ready, sites, ledger, contacts)
            return declaring.adopt(ready, sites, seen) if adopt else seen.drift
