"""`reconciler state`: the ledger, read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.common import formats, setup, write

if TYPE_CHECKING:
    from reconciler.ledger.base import LedgerReader


@click.group("state")
def command() -> None:
    """Look at the ledger: what was sent, what is bound.

    \b
    Examples:
      reconciler state list
      reconciler state show tel4vn-hanoi/campaign/spring-renewals
    """


@command.command("list")
@formats("text", "json")
@click.pass_obj
def list_bindings(root: Path, style: str) -> None:
    """Everything that is bound, and who holds the lease.

    \b
    Examples:
      reconciler state list --format json
    """
    from reconciler.render.ledger import bindings_json, bindings_text

    with _ledger(root) as ledger:
        write(bindings_json(ledger) if style == "json" else bindings_text(ledger))


@command.command("show")
@click.argument("key", metavar="KEY")
@formats("text", "json")
@click.pass_obj
def show_binding(root: Path, key: str, style: str) -> None:
    """One binding: what was applied last, and people by state.

    \b
    Examples:
      reconciler state show tel4vn-hanoi/campaign/spring-renewals
    """
    from reconciler.errors import Misuse
    from reconciler.model import Key
    from reconciler.render.ledger import binding_json, binding_text

    try:
        wanted = Key.parse(key)
    except ValueError as error:
        raise Misuse(f"{error}.") from None
    with _ledger(root) as ledger:
        if wanted not in ledger.bindings():
            raise Misuse(f"{key} is not bound. See: reconciler state list")
        write(binding_json(ledger, wanted) if style == "json" else binding_text(ledger, wanted))


@contextmanager
def _ledger(root: Path) -> Iterator[LedgerReader]:
    from reconciler.ledger import open_reader

    ready = setup(root)
    ledger = open_reader(ready.repository.project.state, str(ready.root), ready.environ)
    try:
        yield ledger
    finally:
        ledger.close()
