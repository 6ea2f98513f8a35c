"""Whole applies with the ledger in PostgreSQL, over real sockets to both sides: through a pooler, cut off at every commit, restarted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import stamina

from reconciler.errors import LedgerError
from reconciler.ledger import postgres_address
from reconciler.ledger.sql_ledger import SqlLedger
from reconciler.model import Report
from reconciler.writer import StepWriter
from tests import postgres as running
from tests.faulty import Play
from tests.office import Office, desk, office
from tests.postgres import PASSWORD, QUOTED, Role, Server, cut_at_commit, pooled
from tests.proof.figures import LONG, recorded
from tests.served import eventually
from tests.test_ledger_postgres import opened

STATE = "state: {backend: postgres, url: {env: RECONCILER_STATE_URL}}"
LEADS = "^/v3/lead/multi$"


def moved_in(team: Office) -> Office:
    """The same repository, its ledger in PostgreSQL."""
    text = (team.root / "reconciler.yaml").read_text()
    _, _, old = text.partition("  state:\n")
    if old:
        kept = old[old.index("  contactKey") :]
        team.write("reconciler.yaml", text.partition("  state:\n")[0] + f"  {STATE}\n" + kept)
    else:
        team.write("reconciler.yaml", text.replace("spec:\n", f"spec:\n  {STATE}\n"))
    return team


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Office]:
    with desk(tmp_path) as made, stamina.set_testing(True, attempts=3):
        yield moved_in(made)


def leased_to(team: Office, url: str) -> None:
    team.environ["RECONCILER_STATE_URL"] = url


def run_role(server: Server) -> Role:
    """As docs/ledger.md has it: tables made by their owner, used by a role with no right too many."""
    owner = server.role()
    opened(owner.socket).close()
    return server.granted(owner)


def test_a_whole_round_through_a_pooler_by_a_role_with_few_rights(tmp_path: Path) -> None:
    server = running.server()
    role = run_role(server)
    with pooled(server, role) as url, office(tmp_path) as made:
        team = moved_in(made)
        leased_to(team, url)
        report = team.apply()
        assert report.code == 0, report.out + report.err
        assert report.json()["contacts"]["confirmed"] == 24
        again = team.plan()
        assert (again["changes"], again["summary"]["contacts"]["unchanged"]) == ([], 24)
        assert team.most_dials() == 1
        listed = team.run("state", "list")
        verified = team.run("state", "verify")
        assert (listed.code, verified.code) == (0, 0), listed.err + verified.err
        told = [report.out, report.err, listed.out, verified.out, (team.root / "plan.json").read_text()]
        assert not [text for text in told if PASSWORD in text or QUOTED in text]
        assert not (team.root / ".reconciler" / "state.db").exists()


def test_two_that_apply_at_once_are_told_apart(small: Office) -> None:
    leased_to(small, run_role(running.server()).tcp)
    small.faults({"vendor": "tel4vn", "path": LEADS, "fault": "slow", "seconds": 1, "when": "before"})
    first = small.spawn("apply", "--auto-approve", "--format", "json")
    eventually(lambda: any(call.path == "/v3/lead/multi" for call in small.calls()), 30)
    second = small.run("apply", "--auto-approve")
    assert second.code == 7 and "The ledger is held by run" in second.err
    out, err = first.communicate(timeout=60)
    assert first.returncode == 0, err
    assert json.loads(out)["result"] == "applied" and small.most_dials() == 1


def attempt(play: Play) -> Report | LedgerError:
    try:
        return play.apply(lock_timeout=600)
    except LedgerError as error:
        return error


def finish(play: Play) -> None:
    for _ in range(5):
        done = attempt(play)
        if isinstance(done, Report) and done.result == "nothing":
            return
    raise AssertionError(f"five more runs and still something to do: {done}")


@pytest.mark.parametrize("after", [False, True], ids=["never heard", "answer lost"])
def test_a_line_cut_at_any_commit_calls_nobody_twice_and_loses_nobody(small: Office, after: bool) -> None:
    server, play = running.server(), Play(small)
    with cut_at_commit(server, after) as proxy, recorded("database line cut at a commit", "cuts") as tally:

        def begin(cut: int) -> None:
            play.begin()
            leased_to(small, proxy.url(run_role(server)))
            proxy.armed, proxy.commits = cut, 0

        begin(0)
        clean = play.apply()
        assert clean.code == 0
        commits, dialled = proxy.commits, dict(small.here.simulator.vendors["tel4vn"].dials())
        assert commits > 30
        failed = 0
        for cut in range(1, commits + 1, 1 if LONG else 7):
            begin(cut)
            failed += attempt(play) != clean
            finish(play)
            assert small.most_dials() <= 1, f"cut at commit {cut} of {commits}"
            assert dict(small.here.simulator.vendors["tel4vn"].dials()) == dialled, f"cut at commit {cut} of {commits}"
            assert (play.unfinished(), play.open()) == ([], []), f"cut at commit {cut} of {commits}"
            assert len(play.sent()) <= play.claims()
            tally.count += 1
        assert failed


def test_a_server_restarted_while_a_call_is_on_its_way_is_waited_for(small: Office) -> None:
    with running.server_of_its_own() as server:
        leased_to(small, run_role(server).tcp)
        small.faults({"vendor": "tel4vn", "path": LEADS, "fault": "slow", "seconds": 2, "when": "after"})
        process = small.spawn("apply", "--auto-approve", "--format", "json")
        eventually(lambda: any(call.path == "/v3/lead/multi" for call in small.calls()), 30)
        server.stop()
        server.start()
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        assert json.loads(out)["result"] == "applied"
        assert small.plan()["changes"] == [] and small.most_dials() == 1


def test_a_server_that_crashes_and_stays_away_ends_the_run_and_the_next_one_settles(
    small: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_address, "BACK_SECONDS", 0.2)
    with running.server_of_its_own() as server:
        leased_to(small, run_role(server).tcp)
        sent = StepWriter._answer

        async def crash_meanwhile(writer: StepWriter, call: Any) -> Any:
            answer = await sent(writer, call)
            if "lead" in str(call):
                server.stop(3)
            return answer

        with mock.patch.object(StepWriter, "_answer", crash_meanwhile):
            broken = small.run("apply", "--auto-approve")
        assert broken.code == 1
        assert "went away" in broken.err or "cannot be reached" in broken.err
        assert PASSWORD not in broken.out + broken.err
        server.start()
        assert "in doubt since" in small.run("plan").out
        small.run("state", "unlock", "--reason", "the server crashed")
        after = small.run("apply", "--auto-approve", "--settle-timeout", "0s")
        assert after.code == 0, after.out + after.err
        assert small.plan()["changes"] == [] and small.most_dials() == 1


def test_a_ledger_moves_from_a_file_into_the_server_and_on(small: Office) -> None:
    owner = running.server().role()
    small.edit("reconciler.yaml", STATE, "state: {backend: sqlite, persistent: true}")
    assert small.apply().code == 0
    leased_to(small, owner.tcp)
    moved = small.run("state", "migrate", "--to", "env:RECONCILER_STATE_URL")
    assert moved.code == 0, moved.err
    small.edit("reconciler.yaml", "state: {backend: sqlite, persistent: true}", STATE)
    assert small.plan()["changes"] == []
    small.edit("campaigns.yaml", "concurrent_call: 5", "concurrent_call: 6")
    assert small.apply().code == 0
    assert small.run("state", "verify").code == 0 and small.most_dials() == 1


def test_a_ledger_that_fails_before_a_step_fails_that_step_and_not_the_run(small: Office) -> None:
    leased_to(small, run_role(running.server()).socket)
    gone = mock.patch.object(SqlLedger, "identity", side_effect=LedgerError("the disk of the server is full"))
    planned = small.run("plan", "--out", "plan.json")
    with gone:
        report = small.run("apply", "plan.json", "--format", "json")
    assert (planned.code, report.code) == (0, 1)
    told = [(outcome["status"], outcome["error"]) for outcome in report.json()["outcomes"]]
    assert told[0] == ("rejected", "the disk of the server is full")
    assert {status for status, _ in told[1:]} <= {"skipped"}
    assert not [call for call in small.calls() if call.path == "/v3/lead/multi"]
    assert small.apply().code == 0
