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
    from reconciler.model import Finding, Repository


@click.command("validate")
@click.option("--online", is_flag=True, help="Also ask the vendors whether what is named exists; changes nothing.")
@formats("text", "json", "sarif", "github", "junit")
@click.pass_obj
def command(root: Path, online: bool, style: str) -> int:
    """Check everything offline: schemas, references, what each vendor can hold. Needs no network and no secret.

    With sarif, github and junit every error stands at its line in a pull request.

    \b
    Examples:
      reconciler validate
      reconciler validate --format github
      reconciler validate --format sarif > reconciler.sarif
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
        write(_told(style, root, invalid.problems, (), None))
        return invalid.exit_code
    write(_told(style, root, (), setup.repository.warnings, setup.repository))
    return 0


def _told(
    style: str, root: Path, problems: Sequence[Problem], warnings: Sequence[Finding], repository: Repository | None
) -> str:
    """`repository`: None where it is not valid."""
    if style == "text" and repository is not None:
        from reconciler.render.text import validation_text

        return validation_text(repository)
    if style == "json":
        from reconciler.render.asjson import problems_json

        return problems_json(problems, warnings)
    from reconciler.render.rules import remarks

    prefix = _prefix(root)
    found = remarks(problems, warnings, prefix)
    if style == "sarif":
        from reconciler.render.sarif import sarif

        return sarif(found)
    if style == "github":
        from reconciler.render.annotations import commands

        return commands(found)
    from reconciler.render.junit import junit

    return junit({prefix + file for file in _files(repository)} if repository else (), found)


def _prefix(root: Path) -> str:
    """The folder of the project below the root of the Git repository, which is what places in a pull request are told from."""
    for folder in (root, *root.parents):
        if (folder / ".git").exists():
            below = root.relative_to(folder).as_posix()
            return "" if below == "." else f"{below}/"
    return ""


def _files(repository: Repository) -> set[str]:
    """All that something is declared in."""
    found = {repository.project.source.file, *(part.source.rpartition(":")[0] for part in repository.shared)}
    found |= {connection.source.file for connection in repository.connections.values()}
    found |= {people.source.file for people in repository.contact_sets.values()}
    found |= {people.source.file for people in repository.suppressions.values()}
    return found | {campaign.source.file for campaign in repository.campaigns}
