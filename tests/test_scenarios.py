"""Every folder of tests/scenarios over the command line, from an empty ledger to "plan again: no changes"."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import pytest
import stamina

from reconciler.clock import SystemClock
from reconciler.simulator.vendor import Vendor
from reconciler.simulator.world import World
from tests.goldens import expect
from tests.office import EXAMPLES, office
from tests.scenario import START, Play, told

FOLDERS = sorted(path.parent for path in (Path(__file__).parent / "scenarios").glob("*/scenario.yaml"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_scenario(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config) -> None:
    scenario = told(folder)
    world = World(seeded=True, switches=scenario.switches)

    def clock(now: datetime) -> None:
        monkeypatch.setattr(SystemClock, "now", lambda self: now)
        world.clock = lambda: now

    clock(START)
    parts = {name: (folder if (folder / name).exists() else EXAMPLES) / name for name in ("repository", "people")}
    if parts["repository"].parent == EXAMPLES:
        parts["repository"] = EXAMPLES / "campaigns"
    with office(tmp_path, None, world, **parts) as team, stamina.set_testing(True, attempts=2):
        vendors = team.here.simulator.vendors
        for path in (tmp_path / "people").iterdir():
            os.utime(path, (START.timestamp(), START.timestamp()))
        before = queued(vendors)
        play = Play(folder, team, tmp_path / "people", clock)
        for step in scenario.steps:
            play.step(step)
        update = pytestconfig.getoption("--update-goldens")
        expect(folder / "session.txt", f"# {scenario.about}\n\n{play.transcript()}", update)
        for name, text in play.reviewed.items():
            expect(folder / name, text, update)
        assert team.most_dials() <= scenario.most
        assert queued(vendors) - before == scenario.calls
        if not scenario.ends:
            again = team.run("plan", "--format", "json", *scenario.again.split())
            assert (again.code, again.json()["changes"]) == (0, []), again.out


def queued(vendors: Mapping[str, Vendor]) -> int:
    """How many people are, or were, in a queue that dials."""
    return sum(vendor.dials().total() for vendor in vendors.values())
