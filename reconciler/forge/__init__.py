"""GitHub and GitLab, as a job of theirs sees them: the plan under a pull request, one issue, the reviewed plan. Nothing of vendors."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from reconciler.clock import Clock, SystemClock
from reconciler.forge.base import Forge
from reconciler.forge.job import Job, job_of


@asynccontextmanager
async def joined(environ: Mapping[str, str], clock: Clock | None = None) -> AsyncIterator[tuple[Forge, Job]]:
    """The forge that runs this job. Raises Misuse outside of one, Blocked where its token would leave for a host without TLS."""
    from reconciler.forge.github import GitHub
    from reconciler.forge.gitlab import GitLab
    from reconciler.forge.http import Channel

    job = job_of(environ)
    async with Channel(job.api, job.headers, clock=clock or SystemClock()) as channel:
        yield (GitHub if job.forge == "github" else GitLab)(channel, job), job
