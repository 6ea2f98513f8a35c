"""A ledger on its way between the two stores, over the command line: the same afterwards, and a crash on the way loses nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from reconciler import custody
from reconciler.ledger import copying, open_ledger
from reconciler.ledger.sql_ledger import SqlLedger
from reconciler.model import Reference, StateStore
from reconciler.setup import load
from tests import postgres
from tests.office import Office
from tests.test_cli_state import SPRING, bound_id, fresh, ok, path, sendings, team
from tests.test_cli_state_copies import Crash, crash, rows

__all__ = ["fresh", "team"]  # fixtures
DATABASE = "spec:\n  state: {backend: postgres, url: {env: NEW_URL}}\n"


@pytest.fixture
def empty(team: Office) -> Office:
    """NEW_URL is a database without a ledger."""
    team.environ["NEW_URL"] = postgres.server().role().socket
    return team


def use_database(team: Office) -> None:
    team.edit("reconciler.yaml", "spec:\n", DATABASE)


def test_there_and_back_nothing_is_lost(empty: Office, tmp_path: Path) -> None:
    vendor_id, sent, before = bound_id(empty), sendings(empty), rows(path(empty))
    out = ok(empty, "state", "migrate", "--to", "env:NEW_URL")
    assert out.startswith("Moved to the database ") and "serial 1, 2 bindings, " in out
    assert empty.environ["NEW_URL"] not in out
    assert "was moved to the database " in empty.run("plan").err
    use_database(empty)
    assert bound_id(empty) == vendor_id and empty.plan()["changes"] == []
    assert empty.run("apply", "--auto-approve").code == 0 and sendings(empty) == sent
    assert ok(empty, "state", "verify").startswith("The audit trail is whole")
    ok(empty, "state", "backup", str(tmp_path / "backup.db"))
    back = tmp_path / "back.db"
    ok(empty, "state", "migrate", "--to", f"sqlite://{back}")
    after = rows(back)
    for name in ("scope", "request", "op", "binding"):
        assert sorted(after[name]) == sorted(before[name])
    assert after["event"][: len(before["event"])] == before["event"]
    empty.edit("reconciler.yaml", DATABASE, f"spec:\n  state: {{path: {back}}}\n")
    assert empty.plan()["changes"] == [] and sendings(empty) == sent
    assert ok(empty, "state", "verify").startswith("The audit trail is whole")


def test_a_role_that_may_do_no_more_than_a_run_may_receive_a_ledger(team: Office) -> None:
    server = postgres.server()
    owner = server.role()
    store = StateStore(backend="postgres", url=Reference("env", "NEW_URL"))
    open_ledger(store, "/project", {"NEW_URL": owner.socket}).close()
    team.environ["NEW_URL"] = server.granted(owner).socket
    ok(team, "state", "migrate", "--to", "env:NEW_URL")
    use_database(team)
    assert team.plan()["changes"] == []


def test_an_unfinished_copy_lets_nobody_in(empty: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(SqlLedger, "remember", crash)
        with pytest.raises(Crash):
            asyncio.run(custody.migrate(load(empty.root, empty.environ), "env:NEW_URL"))
    assert empty.plan()["changes"] == []
    again = empty.run("state", "migrate", "--to", "env:NEW_URL")
    assert (
        again.code == 1
        and "never finished, and this ledger has gone on since. Nothing was changed. Drop its tables" in again.err
    )
    use_database(empty)
    refused = empty.run("apply", "--auto-approve")
    assert refused.code == 4 and "never finished" in refused.err


def test_after_the_source_is_closed_the_same_command_finishes(empty: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(custody, "_open_copy", crash)
        with pytest.raises(Crash):
            asyncio.run(custody.migrate(load(empty.root, empty.environ), "env:NEW_URL"))
    assert empty.run("plan").code == 4
    assert ok(empty, "state", "migrate", "--to", "env:NEW_URL").startswith("The move to the database ")
    use_database(empty)
    assert empty.plan()["changes"] == [] and SPRING in ok(empty, "state", "list")


def test_a_copy_that_breaks_off_leaves_the_target_as_new(empty: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(copying, "_check_equal", crash)
        with pytest.raises(Crash):
            asyncio.run(custody.migrate(load(empty.root, empty.environ), "env:NEW_URL"))
    ok(empty, "state", "migrate", "--to", "env:NEW_URL")
    use_database(empty)
    assert empty.plan()["changes"] == []


def test_a_server_that_is_gone_leaves_the_ledger_where_it_is(team: Office) -> None:
    team.environ["NEW_URL"] = f"postgresql://app:hunter2@127.0.0.1:{postgres.free_port()}/state"
    result = team.run("state", "migrate", "--to", "env:NEW_URL")
    assert result.code == 1 and "cannot be reached" in result.err and "hunter2" not in result.err
    assert team.plan()["changes"] == []
