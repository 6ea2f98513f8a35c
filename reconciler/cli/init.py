"""`reconciler init`."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli.common import write

_NEXT = """
Next, in {folder}:
  reconciler validate                                    it is valid as it stands
  reconciler simulator                                   the vendors on a local port: nobody is called while you try
  export RECONCILER_CONTACT_KEY=...                      at least 32 bytes, kept for good: without it everybody looks new
  export TEL4VN_URL=... TEL4VN_API_KEY=... RENEWALS_CSV=/path/outside/git/people.csv
  reconciler plan                                        what would change
For CI: requirements-ci.txt (what the jobs install), `state` in reconciler.yaml (PostgreSQL), then docs/ci.md.
"""


@click.command("init")
@click.argument("directory", required=False, default=".", metavar="[DIR]")
@click.pass_obj
def command(root: Path, directory: str) -> None:
    """Write a starter repository: a project with one campaign, CI for GitHub and GitLab, editor hints, pre-commit hook, .gitignore.

    A file that is there already stays as it is.

    \b
    Examples:
      reconciler init
      reconciler init campaigns-as-code
    """
    from reconciler.starter import begin

    placed = begin(root / directory)
    lines = [f"{'written' if one.new else 'kept as it is'}  {one.path}" for one in placed]
    write("\n".join(lines) + "\n" + _NEXT.format(folder=directory))
