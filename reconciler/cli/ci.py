"""`reconciler ci ...`: what a job of GitHub Actions or GitLab CI does beside plan and apply."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.common import write

if TYPE_CHECKING:
    from reconciler.forge.base import Forge
    from reconciler.forge.job import Job


@click.group("ci")
def command() -> None:
    """In a CI job: put the plan under the pull request, fetch the one that was reviewed, keep one issue up to date.

    The token comes from the environment (GITHUB_TOKEN, RECONCILER_GITLAB_TOKEN) and is sent to the forge's own API alone. docs/ci.md has
    jobs that use these commands.

    \b
    Examples:
      reconciler ci comment plan.json
      reconciler ci fetch --out plan.json
      reconciler ci issue drift --code 2 --text drift.md
    """


@command.command("name")
@click.argument("planfile", metavar="PLANFILE")
@click.pass_obj
def name(root: Path, planfile: str) -> None:
    """Print what the artefact of a plan is to be called: by the commit that is reviewed and by its digest.

    \b
    Examples:
      reconciler ci name plan.json
    """
    from reconciler.forge.bodies import artefact
    from reconciler.forge.job import job_of
    from reconciler.planfile import load

    click.echo(artefact(load(root / planfile), job_of(os.environ).commit))


@command.command("comment")
@click.argument("planfile", metavar="PLANFILE")
@click.option("--number", type=int, metavar="N", help="Of the pull request, where the job does not run for one.")
@click.option("--stale", is_flag=True, help="Say that nothing was applied, since the reviewed plan no longer holds.")
@click.pass_obj
def comment(root: Path, planfile: str, number: int | None, stale: bool) -> None:
    """Put a plan under the pull request: one comment, which later plans replace in place.

    \b
    Examples:
      reconciler ci comment plan.json
      reconciler ci comment plan.json --number 12 --stale
    """
    from reconciler.errors import Misuse
    from reconciler.forge import bodies
    from reconciler.forge.sticky import Mark, put
    from reconciler.planfile import load

    plan = load(root / planfile)

    async def act(forge: Forge, job: Job) -> tuple[str, str]:
        place = number or job.number
        if not place:
            raise Misuse("This job runs for no pull request: name one with --number.")
        make = bodies.stale_comment if stale else bodies.plan_comment
        mark = Mark("stale" if stale else "plan", plan.project, job.turn)
        return await put(forge.comments(place), mark, "", make(plan, job, forge.limit), forge.clock)

    _say(asyncio.run(_joined(act)))


@command.command("fetch")
@click.option("--out", metavar="FILE", required=True, help="Save the plan there.")
@click.option("--commit", metavar="SHA", help="Another commit than the job's.")
@click.pass_obj
def fetch(root: Path, out: str, commit: str | None) -> None:
    """Fetch the plan that was reviewed with the commit that was merged, and print the number of its pull request.

    Ends with 5 where no plan is kept for it: nothing is to be applied then.

    \b
    Examples:
      reconciler ci fetch --out plan.json
    """
    from reconciler.forge.reviewed import came_in_by, reviewed

    async def act(forge: Forge, job: Job) -> None:
        merged = await came_in_by(forge, commit or job.commit)
        click.echo(merged.number)
        await reviewed(forge, merged, root / out)

    asyncio.run(_joined(act))


@command.command("issue")
@click.argument("kind", type=click.Choice(["drift", "apply"]))
@click.option("--code", type=int, required=True, metavar="N", help="What the command that it is about ended with.")
@click.option("--text", metavar="FILE", help="drift: what has moved, in Markdown.")
@click.option("--report", metavar="FILE", help="apply: what `apply --format json` wrote.")
@click.pass_obj
def issue(root: Path, kind: str, code: int, text: str | None, report: str | None) -> None:
    """Open or update the one issue about drift, or about an apply that stopped; close it where the code says that all is well.

    \b
    Examples:
      reconciler ci issue drift --code 2 --text drift.md
      reconciler ci issue apply --code 8 --report report.json
    """
    from reconciler.forge import bodies
    from reconciler.forge.sticky import Mark, clear, put

    if kind == "drift" and code not in {0, 2}:
        _say(("nothing is known, the issue is left as it is", ""))
        return
    project = _project(root)
    title = f"reconciler: {project} has drifted" if kind == "drift" else f"reconciler: the apply of {project} stopped"

    async def act(forge: Forge, job: Job) -> tuple[str, str]:
        mark = Mark(kind, project, job.turn)
        if code == 0:
            return await clear(forge.issues(), mark, bodies.clean(job))
        body = (
            bodies.drift_issue(_text(root, text), job, forge.limit)
            if kind == "drift"
            else bodies.apply_issue(code, _report(root, report), job, forge.limit)
        )
        return await put(forge.issues(), mark, title, body, forge.clock)

    _say(asyncio.run(_joined(act)))


def _say(done: tuple[str, str]) -> None:
    write(" ".join(filter(None, done)) + "\n")


async def _joined(act: Any) -> Any:
    from reconciler.forge import joined

    async with joined(os.environ) as (forge, job):
        return await act(forge, job)


def _project(root: Path) -> str:
    """The project's name; where its file is so wrong that it has none, the issue is still one and the same."""
    from reconciler import config
    from reconciler.errors import ConfigInvalid

    try:
        return config.load_sound(root)[0].project.name
    except ConfigInvalid:
        return "project"


def _text(root: Path, file: str | None) -> str:
    """Empty where there is no such file: an issue with less in it is better than none."""
    try:
        return (root / file).read_text("utf-8", "replace") if file else ""
    except OSError:
        return ""


def _report(root: Path, file: str | None) -> dict[str, Any]:
    try:
        found = json.loads(_text(root, file))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
