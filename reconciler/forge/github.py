"""GitHub's REST API: comments, issues, artefacts of workflow runs. Shapes as docs.github.com/rest has them, cut to what is used."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from reconciler.forge.base import Entry, Merged

if TYPE_CHECKING:
    from reconciler.forge.http import Channel
    from reconciler.forge.job import Job

PREFIX = "reconciler-plan-"


class _User(msgspec.Struct):
    login: str


class _Viewed(msgspec.Struct):
    viewer: _User


class _Viewer(msgspec.Struct):
    data: _Viewed


class _Note(msgspec.Struct):
    """A comment, or an issue; `user` is null where the account is gone, `pull_request` is there where an issue is one."""

    html_url: str
    id: int = 0
    number: int = 0
    body: str | None = None
    user: _User | None = None
    pull_request: dict[str, str | None] | None = None


class _Commit(msgspec.Struct):
    sha: str


class _Pull(msgspec.Struct):
    number: int
    head: _Commit
    merged_at: str | None = None
    merge_commit_sha: str | None = None


class _Repository(msgspec.Struct):
    full_name: str


class _Run(msgspec.Struct):
    id: int
    head_sha: str
    head_repository: _Repository | None = None


class _Runs(msgspec.Struct):
    workflow_runs: list[_Run]


class _Artifact(msgspec.Struct):
    id: int
    name: str
    expired: bool


class _Artifacts(msgspec.Struct):
    artifacts: list[_Artifact]


class GitHub:
    limit = 65_536  # characters of a comment or an issue; bytes are never fewer

    def __init__(self, channel: Channel, job: Job) -> None:
        self._channel, self._job = channel, job
        self.clock = channel.clock
        self._root = f"/repos/{job.repository}"

    def comments(self, number: int) -> _Comments:
        return _Comments(self, self._channel, f"{self._root}/issues/{number}/comments", f"{self._root}/issues/comments")

    def issues(self) -> _Issues:
        return _Issues(self, self._channel, f"{self._root}/issues", f"{self._root}/issues")

    async def me(self) -> str:
        """The login that this token writes under. REST tells it of a person's token alone, GraphQL of the job's own too."""
        asked = {"query": "query { viewer { login } }"}
        return (await self._channel.ask(self._job.graphql, asked, _Viewer)).data.viewer.login

    async def merged(self, commit: str) -> Merged | None:
        pulls: list[_Pull] = []
        async for page in self._channel.pages(f"{self._root}/commits/{commit}/pulls", list[_Pull]):
            pulls += [pull for pull in page if pull.merged_at]
        pulls.sort(key=lambda pull: pull.merge_commit_sha == commit)
        return Merged(pulls[-1].number, pulls[-1].head.sha) if pulls else None

    async def archives(self, merged: Merged) -> AsyncIterator[bytes]:
        """Runs for a fork's head are none of ours: what a fork uploads nobody here has made."""
        async for page in self._channel.pages(f"{self._root}/actions/runs", _Runs, head_sha=merged.head):
            for run in page.workflow_runs:
                own = run.head_repository is not None and run.head_repository.full_name == self._job.repository
                if own and run.head_sha == merged.head:
                    async for archive in self._of_run(run.id):
                        yield archive

    async def _of_run(self, run: int) -> AsyncIterator[bytes]:
        found: list[_Artifact] = []
        async for page in self._channel.pages(f"{self._root}/actions/runs/{run}/artifacts", _Artifacts):
            found += [one for one in page.artifacts if one.name.startswith(PREFIX) and not one.expired]
        for artifact in sorted(found, key=lambda one: -one.id):
            yield await self._channel.download(f"{self._root}/actions/artifacts/{artifact.id}/zip")


@dataclass(frozen=True, slots=True)
class _Comments:
    """Those of one pull request, which is an issue to this part of the API."""

    forge: GitHub
    channel: Channel
    listed: str
    single: str

    async def own(self) -> Sequence[Entry]:
        me = await self.forge.me()
        found: list[Entry] = []
        async for page in self.channel.pages(self.listed, list[_Note]):
            found += [Entry(one.id, one.body or "", one.html_url) for one in page if one.user and one.user.login == me]
        return sorted(found, key=lambda entry: entry.id)

    async def add(self, title: str, body: str) -> Entry:
        made = await self.channel.add(self.listed, {"body": body}, _Note)
        return Entry(made.id, body, made.html_url)

    async def change(self, entry: Entry, body: str) -> None:
        await self.channel.set("PATCH", f"{self.single}/{entry.id}", {"body": body})

    async def remove(self, entry: Entry) -> None:
        await self.channel.set("DELETE", f"{self.single}/{entry.id}")


@dataclass(frozen=True, slots=True)
class _Issues:
    forge: GitHub
    channel: Channel
    listed: str
    single: str

    async def own(self) -> Sequence[Entry]:
        me = await self.forge.me()
        found: list[Entry] = []
        async for page in self.channel.pages(self.listed, list[_Note], state="open", sort="created", direction="asc"):
            mine = (one for one in page if one.pull_request is None and one.user and one.user.login == me)
            found += [Entry(one.number, one.body or "", one.html_url) for one in mine]
        return sorted(found, key=lambda entry: entry.id)

    async def add(self, title: str, body: str) -> Entry:
        made = await self.channel.add(self.listed, {"title": title, "body": body}, _Note)
        return Entry(made.number, body, made.html_url)

    async def change(self, entry: Entry, body: str) -> None:
        await self.channel.set("PATCH", f"{self.single}/{entry.id}", {"body": body})

    async def remove(self, entry: Entry) -> None:
        await self.channel.set("PATCH", f"{self.single}/{entry.id}", {"state": "closed", "state_reason": "completed"})
