"""The clock that a claim's age is measured with."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from reconciler.clock import SystemClock


def test_time_that_the_machine_was_asleep_counts() -> None:
    """/proc/uptime holds what has passed since the boot, suspended or not (proc(5))."""
    since_boot = float(Path("/proc/uptime").read_text().split()[0])
    assert abs(SystemClock().monotonic() - since_boot) < 5


def test_it_only_grows_and_sleeping_takes_time() -> None:
    clock = SystemClock()
    before = clock.monotonic()
    asyncio.run(clock.sleep(0.01))
    assert clock.monotonic() - before >= 0.01
    assert abs((clock.now() - datetime.now(UTC)).total_seconds()) < 5
