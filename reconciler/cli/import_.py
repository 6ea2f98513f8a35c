"""`reconciler import`."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from reconciler.cli.common import setup, tell


@click.command("import")
@click.argument("connection", metavar="CONNECTION")
@click.option(
    "--into", metavar="DIR", help="Write the YAML there, below reconciler.yaml, and bind it. Left out: print it only."
)
@click.option(
    "--select",
    multiple=True,
    metavar="campaign=PATTERN",
    help="Only these, * as wildcard: names as the vendor has them.",
)
@click.pass_obj
def command(root: Path, connection: str, into: str | None, select: tuple[str, ...]) -> None:
    """Write YAML for the campaigns that an account holds and nobody declares, and bind them. Nothing is sent, nobody is written down.

    What is written is proved first: the plan over it is empty, or nothing is written and the fields are named. A second run goes on where
    the first was interrupted, and leaves alone what is declared.

    \b
    Examples:
      reconciler import tel4vn-hanoi
      reconciler import tel4vn-hanoi --into campaigns/imported
      reconciler import tel4vn-hanoi --into campaigns/imported --select "campaign=Renewals*"
    """
    from reconciler.importing.run import bring_in
    from reconciler.render.imports import imported_told, imported_yaml

    done = asyncio.run(bring_in(setup(root), connection, into, select))
    if done.folder:
        click.echo(imported_told(done), nl=False)
        return
    click.echo(imported_yaml(done), nl=False)
    for line in imported_told(done).splitlines():
        tell(line)
