"""`reconciler validate`."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.common import formats, write

if TYPE_CHECKING:
    from reconciler.errors import Problem
    from reconciler.model import Finding


@click.command("validate")
@click.option("--online", is_flag=True, help="Also ask the vendors whether what is named exists; changes nothing.")
@formats("text", "json")
@click.pass_obj
def command(root: Path, online: bool, style: str) -> int:
    """Check everything offline: schemas, references, what each vendor can hold. Needs no network and no secret.

    \b
    Examples:
      reconciler validate
      reconciler validate --format json
      reconciler validate --online
    """
    from reconciler.errors import ConfigInvalid
    from reconciler.setup import load

    try:
        setup = load(root, os.environ)
        if online:
            from reconciler.observe import check_references

            asyncio.run(check_references(setup))
    except ConfigInvalid as invalid:
        if style == "text":
            raise
        _tell_json(invalid.problems, ())
        return invalid.exit_code
    if style == "json":
        _tell_json((), setup.repository.warnings)
        return 0
    from reconciler.render.text import validation_text

    write(validation_text(setup.repository))
    return 0


def _tell_json(problems: Sequence[Problem], warnings: Sequence[Finding]) -> None:
    from reconciler.render.asjson import problems_json

    write(problems_json(problems, warnings))
