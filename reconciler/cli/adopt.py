"""`reconciler adopt`."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from reconciler.cli.common import setup


@click.command("adopt")
@click.argument("key", metavar="KEY")
@click.argument("vendor_id", metavar="VENDOR-ID")
@click.pass_obj
def command(root: Path, key: str, vendor_id: str) -> None:
    """Bind a live object to a declared campaign. Writes only the ledger; the next plan shows how they differ.

    \b
    Examples:
      reconciler adopt tel4vn-hanoi/campaign/spring-renewals c2da23c0-9739-4287-828a-7b15cf0fb19e
    """
    from reconciler.binding import adopt
    from reconciler.errors import Misuse
    from reconciler.model import Key

    try:
        wanted = Key.parse(key).campaign
    except ValueError as error:
        raise Misuse(f"{error}.") from None
    name = asyncio.run(adopt(setup(root), wanted, vendor_id))
    click.echo(f'{wanted} is now bound to {vendor_id} ("{name}"). See what differs: reconciler plan')
