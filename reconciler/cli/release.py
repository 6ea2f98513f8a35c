"""`reconciler release`."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from reconciler.cli.common import setup


@click.command("release")
@click.argument("campaign", metavar="CAMPAIGN")
@click.pass_obj
def command(root: Path, campaign: str) -> None:
    """Let the rest of a canary (rollout.first) follow. Sends nothing: the next plan shows who comes, and apply sends them.

    \b
    Examples:
      reconciler release spring-renewals
      reconciler release tel4vn-hanoi/campaign/spring-renewals
    """
    from reconciler.releasing import release

    resource = asyncio.run(release(setup(root), campaign))
    click.echo(f"{resource.key} is released. See who follows: reconciler plan")
