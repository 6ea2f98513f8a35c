"""`reconciler refuse`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.common import setup, write
from reconciler.cli.duration import in_seconds

if TYPE_CHECKING:
    from reconciler.model import Removal
    from reconciler.runs import Options
    from reconciler.setup import Setup


@click.command("refuse")
@click.option("--region", metavar="XX", default="", help="The country of a number that does not begin with +.")
@click.option(
    "--lock-timeout",
    callback=in_seconds,
    metavar="DURATION",
    default="1m",
    show_default=True,
    help="How long to wait for a held lease.",
)
@click.pass_obj
def command(root: Path, region: str, lock_timeout: int) -> int:
    """Read one number from standard input: it is suppressed everywhere from now on, and withdrawn wherever a vendor can.

    No later plan adds it again, whatever the sources hold. The number is neither printed nor kept, and must not be an argument: those
    are seen by every user of this machine.

    \b
    Examples:
      reconciler refuse < number.txt
      reconciler refuse --region VN < number.txt
    """
    from reconciler.render.text import removals_text
    from reconciler.runs import Options

    number = number_typed(region.upper())
    removals = asyncio.run(_refuse(setup(root), number, Options(lock_timeout=lock_timeout)))
    write(removals_text(removals))
    return 1 if any(one.result == "failed" for one in removals) else 0


def number_typed(region: str) -> str:
    """In E.164; not repeated in any message."""
    from reconciler.contacts.numbers import Reason, read
    from reconciler.errors import Misuse

    typed = click.prompt("Number", hide_input=True, err=True) if sys.stdin.isatty() else sys.stdin.read()
    found = read(typed.strip(), region or "ZZ")
    if isinstance(found, Reason):
        why = found.value.replace("_", " ")
        raise Misuse(
            f"Standard input must hold one phone number, with + and country or with --region ({why}). Nothing was changed."
        )
    return f"+{found}"


async def _refuse(ready: Setup, number: str, options: Options) -> tuple[Removal, ...]:
    from reconciler.refusing import refuse
    from reconciler.setup import opened

    async with opened(ready) as sites:
        return await refuse(ready, sites, number, options)
