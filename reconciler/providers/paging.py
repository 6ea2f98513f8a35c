"""Reading offset pages to a proven end, whatever the server does to the page size. Knows no vendor."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from reconciler.errors import ReadIncomplete
from reconciler.providers.base import Call, Reader, Reply

Row = dict[str, Any]
R = TypeVar("R")  # what a page is decoded to: rows as they come, or a type with what is wanted of them
RESTARTS = 3  # how often a read starts again because rows moved under it


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    """`total`: how many rows there are in all, None where the vendor does not say."""

    rows: Sequence[R]
    total: int | None


@dataclass(frozen=True, slots=True)
class Paged(Generic[R]):
    """One paged read: `call(offset, limit)` asks, `page(reply)` reads, `identify(row)` names a row for good.

    The end is proved by having seen `total` rows, or, without a total, by a page that adds nothing. The next page starts at
    the last row received, never at `offset + limit`: a server that caps its pages is read to the end all the same. A total
    that shrinks, or without a total a last row that is gone, means that rows moved meanwhile: the read starts again.
    """

    what: str
    call: Callable[[int, int], Call]
    page: Callable[[Reply], Page[R]]
    identify: Callable[[R], str]
    limit: int

    async def rows(self, reader: Reader) -> AsyncIterator[R]:
        """Every row once. Raises ReadIncomplete, saying how far it came, where the end cannot be proved."""
        given: set[str] = set()
        progress = ""
        for _ in range(1 + RESTARTS):
            walk = _Walk()
            while True:
                page, names = self._parse(await reader.read(self.call(walk.offset, self.limit)))
                added = walk.take(names, page.total)
                for name, row in zip(names, page.rows, strict=True):
                    if name not in given:
                        given.add(name)
                        yield row
                if walk.proved(added):
                    return
                if walk.moved or not added:
                    break
            progress = f"{len(walk.seen)} of {walk.total if walk.total is not None else 'an unknown number of'} rows"
        raise ReadIncomplete(f"{self.what}: the end of the read could not be proved ({progress}); nothing was changed.")

    async def total(self, reader: Reader) -> int | None:
        """How many rows the vendor says there are, from one page; None where it does not say. Raises ReadIncomplete.

        A page that is full and says that it is all may be a list that was cut: it does not count.
        """
        page, _ = self._parse(await reader.read(self.call(0, self.limit)))
        return None if page.total == len(page.rows) >= self.limit else page.total

    def _parse(self, reply: Reply) -> tuple[Page[R], list[str]]:
        try:
            page = self.page(reply)
            return page, [self.identify(row) for row in page.rows]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ReadIncomplete(
                f"{self.what}: {_kind_of(reply)} instead of the page that the vendor documents."
            ) from error


def _kind_of(reply: Reply) -> str:
    """What came, in a word that quotes nothing of it."""
    start = reply.body.lstrip()[:1]
    return "a page of HTML" if start == b"<" else "something else" if start else "an empty answer"


class _Walk:
    """One pass over the pages: where it stands, and whether the rows held still."""

    def __init__(self) -> None:
        self.offset = 0
        self.seen: set[str] = set()
        self.total: int | None = None
        self.moved = False
        self._last: str | None = None

    def take(self, names: list[str], total: int | None) -> int:
        """Note one page; returns how many rows it added."""
        if total is None:
            self.moved = self._last is not None and self._last not in names
        else:
            self.moved = self.total is not None and total < self.total
        before = len(self.seen)
        self.seen.update(names)
        self.total = total
        overlap = 1 if len(names) > 1 else 0
        self.offset += len(names) - overlap
        self._last = names[-1] if overlap else None
        return len(self.seen) - before

    def proved(self, added: int) -> bool:
        if self.moved:
            return False
        return not added if self.total is None else len(self.seen) >= self.total
