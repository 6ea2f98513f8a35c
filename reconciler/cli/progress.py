"""How far the contact sets are that are being sent: lines rewritten in place on a terminal, plain ones elsewhere. To standard error."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from threading import RLock
from typing import TYPE_CHECKING, TextIO

from reconciler.redact import inert, mask

if TYPE_CHECKING:
    from reconciler.sending import Moved

REDRAWN, REPEATED = 0.2, 10.0  # seconds between two looks at the numbers, on a terminal and elsewhere
WINDOW = 10.0  # seconds that the pace is measured over
LEAST = 2.0  # seconds below which it says nothing about the rest
_VERBS = {"update_contacts": " (changing)", "withdraw_contacts": " (withdrawing)"}


@dataclass(slots=True)
class Course:
    """One set over time. `marks`: when how many were done, while the calls kept their size."""

    moved: Moved
    begun: float
    marks: deque[tuple[float, int]] = field(default_factory=deque)

    def note(self, moved: Moved, now: float) -> None:
        if moved.steady is not self.moved.steady:
            self.marks.clear()
        self.moved = moved
        self.look(now)

    def look(self, now: float) -> None:
        """Also where nothing happened: a set that stands still gets slower."""
        self.marks.append((now, self.moved.done))
        while self.marks[0][0] < now - WINDOW and len(self.marks) > 2:
            self.marks.popleft()

    def pace(self) -> float | None:
        """People a second of late; None where it is too early to tell."""
        (first, before), (last, done) = self.marks[0], self.marks[-1]
        return (done - before) / (last - first) if last - first >= LEAST else None

    def now(self) -> str:
        """`6,200 / 12,431  480/s  13 s left  2 rejected`."""
        pace, left = self.pace(), self.moved.total - self.moved.done
        parts = [f"{self.moved.done:,} / {self.moved.total:,}"]
        parts += [f"{pace:,.0f}/s"] if pace is not None else []
        if not self.moved.steady:
            parts.append("in small calls first")
        elif pace and left > 0:
            parts.append(f"{span(left / pace)} left")
        return "  ".join([*parts, *self._trouble()])

    def whole(self, now: float) -> str:
        """`12,431 / 12,431  in 26 s  478/s  2 rejected`."""
        seconds = now - self.begun
        parts = [f"{self.moved.done:,} / {self.moved.total:,}", f"in {span(seconds)}"]
        parts += [f"{self.moved.done / seconds:,.0f}/s"] if seconds >= LEAST else []
        return "  ".join([*parts, *self._trouble()])

    def _trouble(self) -> Iterator[str]:
        if self.moved.rejected:
            yield f"{self.moved.rejected:,} rejected"
        if self.moved.in_doubt:
            yield f"{self.moved.in_doubt:,} in doubt"


def span(seconds: float) -> str:
    """`13 s`, `4 min`, `2 h 5 min`: to the whole second or minute, upwards."""
    whole = int(seconds) + (seconds > int(seconds))
    if whole < 120:
        return f"{max(whole, 1)} s"
    hours, minutes = divmod((whole + 59) // 60, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


class Board:
    """What a running apply says. `live`: `stream` is a terminal on which lines can be written again.

    Everything else that is printed meanwhile goes by `line`, or by `write` of a log handler, and stands above the lines that move.
    """

    def __init__(
        self,
        stream: TextIO,
        live: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream, self._live, self._clock = stream, live, clock
        self._courses: dict[tuple[str, str], Course] = {}
        self._drawn: list[str] = []
        self._lock = RLock()

    def line(self, text: str) -> None:
        self._put([mask(inert(text))])

    def moved(self, moved: Moved) -> None:
        """See `runs.Options.moved`."""
        key, now = (str(moved.key), moved.action.value), self._clock()
        with self._lock:
            self._courses.setdefault(key, Course(moved, now)).note(moved, now)
            if moved.over:
                name = self._names()[key]
                course = self._courses.pop(key)
                self._put([f"{name}  {course.whole(now)}"] if moved.total or moved.done else [])

    def look(self) -> None:
        """Time has passed: draw again, or say the next line."""
        now = self._clock()
        with self._lock:
            for course in self._courses.values():
                course.look(now)
            if self._live:
                self._put([])
            elif self._courses:
                self._put([" · ".join(f"{name}  {self._courses[key].now()}" for key, name in self._names().items())])

    @asynccontextmanager
    async def shown(self) -> AsyncIterator[None]:
        """While this lasts the numbers are told as they go."""
        looking = asyncio.create_task(self._keep_looking())
        try:
            with self._over_the_log():
                yield
        finally:
            looking.cancel()
            with suppress(asyncio.CancelledError):
                await looking

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(REDRAWN if self._live else REPEATED)
            self.look()

    # ---- standing in for the stream of a log handler ---------------------------------------------------------------------

    @contextmanager
    def _over_the_log(self) -> Iterator[None]:
        handlers = (handler for handler in logging.getLogger().handlers if isinstance(handler, logging.StreamHandler))
        ours = [handler for handler in handlers if handler.stream is self._stream]
        for handler in ours:
            handler.setStream(self)
        try:
            yield
        finally:
            for handler in ours:
                handler.setStream(self._stream)

    def write(self, text: str) -> int:
        if text.strip():
            self._put([mask(inert(line)) for line in text.splitlines()])
        return len(text)

    def flush(self) -> None:
        self._stream.flush()

    # ---- drawing ---------------------------------------------------------------------------------------------------------

    def _put(self, lines: list[str]) -> None:
        """Lines that stay, above those that move; in one write, so that nobody else's comes in between."""
        with self._lock:
            wide, high = _size(self._stream) if self._live else (0, 0)
            wiped = self._wiped(wide)
            self._drawn = self._lines(wide, high) if self._live else []
            text = wiped + "".join(f"{line}\n" for line in [*lines, *self._drawn])
            if text:
                with suppress(OSError):  # a terminal that was closed stops nothing that is being sent
                    self._stream.write(text)
                    self._stream.flush()

    def _wiped(self, wide: int) -> str:
        """Back to before what was drawn last: a terminal that became narrower has broken its lines."""
        rows = sum(max(1, -(-len(line) // max(wide, 1))) for line in self._drawn)
        return f"\x1b[{rows}F\x1b[0J" if rows else ""

    def _lines(self, wide: int, high: int) -> list[str]:
        names = self._names()
        aligned = max(map(len, names.values()), default=0)
        found = [f"{name.ljust(aligned)}  {self._courses[key].now()}" for key, name in names.items()]
        room = max(high - 1, 1)
        if len(found) > room:
            found = [*found[: room - 1], f"and {len(found) - room + 1} more"]
        return [_cut(line, wide - 1) for line in found]

    def _names(self) -> Mapping[tuple[str, str], str]:
        """What each set is called, with its campaign where two are called the same."""
        short = [course.moved.key.contacts for course in self._courses.values()]
        return {
            key: mask(inert(_name(course.moved, short.count(course.moved.key.contacts) > 1)))
            for key, course in self._courses.items()
        }


def _name(moved: Moved, alike: bool) -> str:
    key = moved.key
    return (f"{key.name}/{key.contacts}" if alike else key.contacts) + _VERBS.get(moved.action.value, "")


def _size(stream: TextIO) -> tuple[int, int]:
    """Columns and rows as they are now; what most have where nobody says."""
    try:
        wide, high = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError):
        wide, high = 0, 0
    return wide or 80, high or 24


def _cut(line: str, most: int) -> str:
    return line if len(line) <= most else line[: max(most - 1, 0)] + "…"[: max(most, 0)]


def board(colour: bool | None, terminal: str) -> Board:
    """For standard error. `colour`: False where nobody wants control sequences; `terminal`: what TERM says."""
    live = sys.stderr.isatty() and colour is not False and terminal not in ("", "dumb")
    return Board(sys.stderr, live)
