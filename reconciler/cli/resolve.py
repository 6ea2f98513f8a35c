"""`reconciler resolve`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.common import setup, write

if TYPE_CHECKING:
    from reconciler.resolving import Word


@click.command("resolve")
@click.argument("operation", required=False)
@click.option("--applied", "applied", is_flag=False, flag_value="", metavar="[VENDOR-ID]", help="It was executed.")
@click.option("--not-applied", is_flag=True, help="It was not executed: the next plan does it again.")
@click.option("--resend", is_flag=True, help="Nobody knows: send it again, on your order.")
@click.option("--reason", metavar="TEXT", help="How you know; kept in the ledger.")
@click.pass_obj
def command(
    root: Path, operation: str | None, applied: str | None, not_applied: bool, resend: bool, reason: str | None
) -> int:
    """List what is in doubt, or settle one operation with your word.

    \b
    Examples:
      reconciler resolve
      reconciler resolve opros-2026 --applied 12345 --reason "seen in the panel"
      reconciler resolve r1f --not-applied --reason "not in the panel, asked support"
    """
    from reconciler.errors import Misuse

    if operation is None:
        return _list(root)
    words: list[Word] = []
    words += ["applied"] if applied is not None else []
    words += ["not-applied"] if not_applied else []
    words += ["resend"] if resend else []
    if len(words) != 1:
        raise Misuse("Say exactly one of --applied, --not-applied, --resend.")
    if not (reason or "").strip():
        raise Misuse("Say why: --reason TEXT. It is kept in the ledger.")
    from reconciler.resolving import resolve

    request = asyncio.run(resolve(setup(root), operation, words[0], applied or "", reason or ""))
    click.echo(
        f"{request.key}: {request.verb.replace('_', ' ')} settled as {words[0]}. See what is left: reconciler plan"
    )
    return 0


def _list(root: Path) -> int:
    from reconciler.assembly import doubts_of
    from reconciler.ledger import open_reader
    from reconciler.render.text import doubts_text

    ready = setup(root)
    ledger = open_reader(ready.repository.project.state, str(ready.root), ready.environ)
    try:
        doubts = doubts_of(ledger)
    finally:
        ledger.close()
    write(doubts_text(doubts))
    return 0
