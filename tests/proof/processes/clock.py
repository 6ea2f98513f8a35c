"""One clock for several processes: real time plus what a test, or a sleep that is skipped, has added to it."""

from __future__ import annotations

import asyncio
import mmap
import struct
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

_DOUBLE = struct.Struct("d")


class SharedClock:
    """A `Clock` whose offset lies in a file. `skips`: whether a sleep takes no time and moves everybody's clock instead."""

    def __init__(self, path: Path, skips: bool = False) -> None:
        if not path.exists():
            path.write_bytes(_DOUBLE.pack(0.0))
        with path.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), _DOUBLE.size)
        self._skips = skips

    @property
    def offset(self) -> float:
        return float(_DOUBLE.unpack_from(self._shared)[0])

    def jump(self, seconds: float) -> None:
        _DOUBLE.pack_into(self._shared, 0, self.offset + seconds)

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.offset)

    def monotonic(self) -> float:
        return time.monotonic() + self.offset

    async def sleep(self, seconds: float) -> None:
        if self._skips:
            self.jump(seconds)
        await asyncio.sleep(0 if self._skips else seconds)
