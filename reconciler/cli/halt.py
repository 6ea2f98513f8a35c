"""`reconciler halt`."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.common import selecting, tell, write

if TYPE_CHECKING:
    from reconciler.model import Halted
    from reconciler.setup import Setup


@click.command("halt")
@selecting
@click.pass_obj
def command(root: Path, select: tuple[str, ...], exclude: tuple[str, ...]) -> int:
    """Stop all declared campaigns that can be stopped, now. Asks no guard and no approval, and takes the lease from any other run.

    \b
    Examples:
      reconciler halt
      reconciler halt --select connection=tel4vn-hanoi
    """
    from reconciler.render.text import halted_text
    from reconciler.setup import load_sound

    ready, problems = load_sound(root, os.environ, select, exclude)
    for problem in problems:
        tell(f"passed over: {problem}")
    results = asyncio.run(_halt(ready))
    write(halted_text(results))
    return 1 if any(one.result == "failed" for one in results) else 0


async def _halt(ready: Setup) -> tuple[Halted, ...]:
    from reconciler.halting import halt
    from reconciler.setup import opened

    async with opened(ready) as sites:
        return await halt(ready, sites)
