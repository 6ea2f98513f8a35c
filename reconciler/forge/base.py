"""What both forges can do for us, said once: shelves on which marked texts stand, and the plan of a merged pull request."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from reconciler.clock import Clock


@dataclass(frozen=True, slots=True)
class Entry:
    """One comment or issue of ours."""

    id: int
    body: str
    url: str


@dataclass(frozen=True, slots=True)
class Merged:
    """The pull request that a commit came in by: its number, and the head that was reviewed."""

    number: int
    head: str


class Shelf(Protocol):
    """The comments of one pull request, or the open issues of the project."""

    async def own(self) -> Sequence[Entry]:
        """All that this token's user wrote, oldest first."""
        ...

    async def add(self, title: str, body: str) -> Entry:
        """Raises ForgeUnknown where it may or may not be there now. A comment has no title."""
        ...

    async def change(self, entry: Entry, body: str) -> None: ...

    async def remove(self, entry: Entry) -> None:
        """A comment is deleted, an issue closed."""
        ...


class Forge(Protocol):
    @property
    def limit(self) -> int:
        """Bytes of UTF-8 that one text may have."""
        ...

    @property
    def clock(self) -> Clock: ...

    def comments(self, number: int) -> Shelf: ...

    def issues(self) -> Shelf: ...

    async def merged(self, commit: str) -> Merged | None:
        """None where it came in by none."""
        ...

    def archives(self, merged: Merged) -> AsyncIterator[bytes]:
        """Artefacts of plan jobs of this project that ran for that head, newest first, as ZIP."""
        ...
