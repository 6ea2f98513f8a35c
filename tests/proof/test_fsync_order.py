"""A claim is on the disk before the first byte of its request leaves: a real apply under strace, a power cut at every request."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from reconciler.clock import SystemClock
from reconciler.ledger.sqlite_file import open_for_writing
from tests.faulty import LOGINS
from tests.office import Office, office
from tests.proof.disk import Disk, Spoken, run
from tests.proof.figures import recorded, sized

APPLY = "from reconciler.cli import main; main()"
UNFLUSHED = """
from reconciler.ledger import sqlite_file
sqlite_file._SETTINGS = ("synchronous = OFF",)
"""
UNCLAIMED = """
from reconciler.ledger.sql_ledger import SqlLedger
SqlLedger.claim, SqlLedger.outcome = (lambda self, lease, request: "rq-1"), (lambda self, lease, name, verdict: None)
"""


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Office]:
    with office(tmp_path) as made:
        folder = made.root / ".reconciler"
        folder.mkdir()
        open_for_writing(folder / "state.db", SystemClock()).close()
        yield made


def watched(team: Office, program: str) -> list[Spoken]:
    """Every change the vendors were asked for by one apply, logins apart."""
    before = len(team.calls())
    log, disk = team.root.parent / "trace", Disk(team.root / ".reconciler" / "state.db")
    environ = {**team.environ, "PATH": os.environ["PATH"]}
    done = run(team.root, environ, log, sys.executable, "-c", program, "apply", "--auto-approve")
    assert "Applied" in done.stdout, done.stdout + done.stderr
    spoken = [
        said
        for said in disk.replay(log, team.root.parent / "after")
        if said.method != "GET" and not said.path.endswith(LOGINS)
    ]
    asked = [call for call in team.calls()[before:] if call.method != "GET" and call.path not in LOGINS]
    assert len(spoken) == len(asked) > 0, "the trace shows every request that arrived, and no other"
    return spoken


def unclaimed(spoken: Sequence[Spoken]) -> list[str]:
    """Requests of which the disk knew nothing when they left. Each needs a row of its own, in SENT."""
    used: set[int] = set()
    missing = []
    for said in spoken:
        ours = [row for row in said.rows if row[0] not in used and row[2] == "sent" and is_call(row[1], said)]
        used |= {row[0] for row in ours[:1]}
        missing += [] if ours else [f"{said.method} {said.path}"]
    return missing


def is_call(call: str, said: Spoken) -> bool:
    """Whether a row's method and URL template are those of a request; before its path stands the address of the account."""
    method, _, template = call.partition(" ")
    path = re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(template))
    return method == said.method and re.search(f"{path}$", said.path.partition("?")[0]) is not None


@pytest.mark.parametrize("turn", range(sized(1, 20)))
def test_a_power_cut_at_any_request_leaves_its_claim_on_the_disk(team: Office, turn: int) -> None:
    with recorded("fsync order (strace)", "requests") as tally:
        spoken = watched(team, APPLY)
        tally.count, tally.found = len(spoken), len(unclaimed(spoken))
        assert unclaimed(spoken) == []
        assert len(spoken) >= 14


@pytest.mark.parametrize("broken", [UNFLUSHED, UNCLAIMED], ids=["not flushed", "not claimed"])
def test_an_apply_that_does_not_wait_for_the_disk_is_found_out(team: Office, broken: str) -> None:
    spoken = watched(team, broken + APPLY)
    assert len(unclaimed(spoken)) == len(spoken)


def test_without_strace_nothing_is_skipped(team: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(RuntimeError, match="apt-get install strace"):
        watched(team, APPLY)
