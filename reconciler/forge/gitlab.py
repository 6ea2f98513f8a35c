"""GitLab's REST API: notes of merge requests, issues, artefacts of jobs. Shapes as docs.gitlab.com/api has them, cut to what is used."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from reconciler.forge.base import Entry, Merged

if TYPE_CHECKING:
    from reconciler.forge.http import Channel
    from reconciler.forge.job import Job

PLAN_JOB = "reconciler-plan"
PIPELINES = 20  # of one merge request that are looked at, newest first
_COMMAND = re.compile(r"^(\s*)/", re.MULTILINE)


class _User(msgspec.Struct):
    id: int


class _Note(msgspec.Struct):
    id: int
    body: str
    author: _User
    system: bool = False


class _Issue(msgspec.Struct):
    iid: int
    author: _User
    web_url: str
    description: str | None = None


class _MergeRequest(msgspec.Struct):
    iid: int
    sha: str | None
    state: str
    merge_commit_sha: str | None = None
    squash_commit_sha: str | None = None


class _Pipeline(msgspec.Struct):
    id: int
    project_id: int


class _File(msgspec.Struct):
    filename: str


class _Job(msgspec.Struct):
    id: int
    name: str
    artifacts_file: _File | None = None


def inert(body: str) -> str:
    """A line that begins with a slash would be carried out as a quick action, whoever wrote it."""
    return _COMMAND.sub(r"\1\\/", body)


class GitLab:
    limit = 1_000_000  # characters of a note or an issue; bytes are never fewer

    def __init__(self, channel: Channel, job: Job) -> None:
        self._channel, self._job = channel, job
        self.clock = channel.clock
        self._root = f"/projects/{job.repository}"

    def comments(self, number: int) -> _Notes:
        return _Notes(self, self._channel, f"{self._root}/merge_requests/{number}/notes")

    def issues(self) -> _Issues:
        return _Issues(self, self._channel, f"{self._root}/issues")

    async def me(self) -> int:
        """The user, a project's bot as a rule, that this token writes as."""
        return (await self._channel.read("/user", _User)).id

    async def merged(self, commit: str) -> Merged | None:
        found: list[_MergeRequest] = []
        path = f"{self._root}/repository/commits/{commit}/merge_requests"
        async for page in self._channel.pages(path, list[_MergeRequest]):
            found += [one for one in page if one.state == "merged" and one.sha]
        found.sort(key=lambda one: commit in (one.merge_commit_sha, one.squash_commit_sha, one.sha))
        return Merged(found[-1].iid, found[-1].sha or "") if found else None

    async def archives(self, merged: Merged) -> AsyncIterator[bytes]:
        """Pipelines of a fork ran elsewhere: what a fork uploads nobody here has made."""
        looked = 0
        path = f"{self._root}/merge_requests/{merged.number}/pipelines"
        async for page in self._channel.pages(path, list[_Pipeline]):
            for pipeline in page:
                if str(pipeline.project_id) != self._job.repository:
                    continue
                looked += 1
                if looked > PIPELINES:
                    return
                async for archive in self._of_pipeline(pipeline.id):
                    yield archive

    async def _of_pipeline(self, pipeline: int) -> AsyncIterator[bytes]:
        found: list[_Job] = []
        async for page in self._channel.pages(
            f"{self._root}/pipelines/{pipeline}/jobs", list[_Job], **{"scope[]": "success"}
        ):
            found += [job for job in page if job.name == PLAN_JOB and job.artifacts_file]
        for job in sorted(found, key=lambda one: -one.id):
            yield await self._channel.download(f"{self._root}/jobs/{job.id}/artifacts")


@dataclass(frozen=True, slots=True)
class _Notes:
    forge: GitLab
    channel: Channel
    path: str

    async def own(self) -> Sequence[Entry]:
        me = await self.forge.me()
        found: list[Entry] = []
        async for page in self.channel.pages(self.path, list[_Note], sort="asc", order_by="created_at"):
            found += [
                Entry(one.id, one.body, f"note {one.id}") for one in page if one.author.id == me and not one.system
            ]
        return sorted(found, key=lambda entry: entry.id)

    async def add(self, title: str, body: str) -> Entry:
        made = await self.channel.add(self.path, {"body": inert(body)}, _Note)
        return Entry(made.id, body, f"note {made.id}")

    async def change(self, entry: Entry, body: str) -> None:
        await self.channel.set("PUT", f"{self.path}/{entry.id}", {"body": inert(body)})

    async def remove(self, entry: Entry) -> None:
        await self.channel.set("DELETE", f"{self.path}/{entry.id}")


@dataclass(frozen=True, slots=True)
class _Issues:
    forge: GitLab
    channel: Channel
    path: str

    async def own(self) -> Sequence[Entry]:
        me = await self.forge.me()
        found: list[Entry] = []
        wanted = {"state": "opened", "scope": "all", "author_id": str(me), "order_by": "created_at", "sort": "asc"}
        async for page in self.channel.pages(self.path, list[_Issue], **wanted):
            found += [Entry(one.iid, one.description or "", one.web_url) for one in page if one.author.id == me]
        return sorted(found, key=lambda entry: entry.id)

    async def add(self, title: str, body: str) -> Entry:
        made = await self.channel.add(self.path, {"title": title, "description": inert(body)}, _Issue)
        return Entry(made.iid, body, made.web_url)

    async def change(self, entry: Entry, body: str) -> None:
        await self.channel.set("PUT", f"{self.path}/{entry.id}", {"description": inert(body)})

    async def remove(self, entry: Entry) -> None:
        await self.channel.set("PUT", f"{self.path}/{entry.id}", {"state_event": "close"})
