"""One marked text on a shelf, kept up to date in place: found by its mark, made once, never another's. Knows no forge."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from reconciler.clock import Clock
from reconciler.errors import ForgeError, ForgeUnknown
from reconciler.forge.base import Entry, Shelf

Done = Literal["created", "updated", "unchanged", "left to a newer run", "closed", "nothing to close"]
TRIES = 3
PAUSE = 3.0  # seconds before a text whose making is in doubt is looked for
_TURN = re.compile(r"turn=([0-9]+)\.([0-9]+) -->")


@dataclass(frozen=True, slots=True)
class Mark:
    """What makes a text ours and of one purpose: invisible, in its first line. `turn`: that of the run, see Job."""

    kind: str
    project: str
    turn: str

    @property
    def start(self) -> str:
        return f"<!-- reconciler:{self.kind}:{self.project} "

    def __str__(self) -> str:
        return f"{self.start}turn={self.turn} -->"

    def older_than(self, entry: Entry) -> bool:
        there = _TURN.search(entry.body.partition("\n")[0])
        ours = _TURN.search(str(self))
        return there is not None and ours is not None and _pair(there) > _pair(ours)


def _pair(found: re.Match[str]) -> tuple[int, int]:
    return int(found[1]), int(found[2])


async def put(shelf: Shelf, mark: Mark, title: str, text: str, clock: Clock) -> tuple[Done, str]:
    """What was done, and where it stands. `text` is without its mark. Raises ForgeError.

    Two runs at once may both make one: each looks again, keeps the oldest and takes the others away, so that one is left.
    """
    body = f"{mark}\n{text}"
    done: Done = "created"
    found = await _marked(shelf, mark)
    if found:
        done = "unchanged" if found[0].body == body else "updated"
    else:
        found = await _made(shelf, mark, title, body, clock)
    kept, *others = found
    for other in others:
        await shelf.remove(other)
    if mark.older_than(kept):
        return "left to a newer run", kept.url
    if kept.body != body:
        await shelf.change(kept, body)
    return done, kept.url


async def clear(shelf: Shelf, mark: Mark, text: str) -> tuple[Done, str]:
    """Close what stands there, saying why."""
    found = await _marked(shelf, mark)
    for entry in found:
        await shelf.change(entry, f"{mark}\n{text}")
        await shelf.remove(entry)
    return ("closed", found[0].url) if found else ("nothing to close", "")


async def _marked(shelf: Shelf, mark: Mark) -> Sequence[Entry]:
    return [entry for entry in await shelf.own() if entry.body.startswith(mark.start)]


async def _made(shelf: Shelf, mark: Mark, title: str, body: str, clock: Clock) -> Sequence[Entry]:
    """All that carry the mark once one does. Where an answer was lost the mark is looked for before anything is sent again."""
    lost = ""
    for _ in range(TRIES):
        try:
            made = await shelf.add(title, body)
            return await _marked(shelf, mark) or [made]
        except ForgeUnknown as error:
            lost = str(error)
        await clock.sleep(PAUSE)
        if found := await _marked(shelf, mark):
            return found
    raise ForgeError(f"It was sent {TRIES} times and is not there. {lost}")
