"""A run keeps its lease: a beat that fails is made up for, a lease that is lost is not asked for again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import LeaseLost, LedgerError
from reconciler.ledger.base import Lease
from reconciler.runs import _heartbeat
from reconciler.setup import load
from tests.contract.ledgers import HandClock, holder
from tests.office import desk


class Beaten:
    """A journal that fails as it is told to, beat by beat."""

    def __init__(self, *failures: type[Exception] | None) -> None:
        self.failures, self.beats = list(failures), 0

    async def run(self, call: Callable[[Any], object]) -> None:
        self.beats += 1
        if failure := self.failures.pop(0):
            raise failure("busy")


@pytest.mark.parametrize("failures", [(LeaseLost,), (None, LedgerError, None, LedgerError, LeaseLost)])
def test_only_a_lost_lease_ends_the_beating(failures: tuple[type[Exception] | None, ...], tmp_path: Path) -> None:
    clock, journal = HandClock(), Beaten(*failures)
    begun = clock.monotonic()
    with desk(tmp_path) as made:
        setup = replace(load(made.root, made.environ), clock=clock)
    asyncio.run(_heartbeat(setup, journal, Lease(1, holder()), 60))  # type: ignore[arg-type]  # all of a journal that is used
    assert journal.beats == len(failures) and clock.monotonic() - begun == 20 * len(failures)
