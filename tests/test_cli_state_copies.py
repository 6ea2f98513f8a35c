"""`state backup` and `state migrate`: whole, equal, private, past a running apply; and a crash at any step of a move."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from reconciler import custody
from reconciler.ledger import copying, open_ledger, open_reader, sqlite_file
from reconciler.ledger.place import place
from reconciler.ledger.sql_ledger import SqlLedger
from reconciler.ledger.sqlite import SqliteSession
from reconciler.setup import load
from tests.contract.ledgers import HandClock, add, holder, request
from tests.office import Office
from tests.test_cli_state import SPRING, alter, contents, fresh, ok, path, sendings, store, team

__all__ = ["fresh", "team"]  # fixtures


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    return tmp_path / "elsewhere" / "state.db"


def use(team: Office, file: Path) -> None:
    """From now on the ledger is `file`."""
    team.edit("reconciler.yaml", "spec:\n", f"spec:\n  state: {{path: {file}}}\n")


def rows(file: Path) -> dict[str, list[Any]]:
    """Everything in a ledger but who holds the lease."""
    with closing(sqlite3.connect(file)) as db:
        found = {name: db.execute(f"SELECT * FROM {name}").fetchall() for name in (*copying.TABLES, "stack")}
        found["epoch"] = db.execute("SELECT epoch FROM lease").fetchall()
        return found


# ---- backup --------------------------------------------------------------------------------------------------------


def test_a_backup_is_the_ledger_and_private(team: Office, elsewhere: Path) -> None:
    before = rows(path(team))
    out = ok(team, "state", "backup", str(elsewhere))
    assert out.startswith(f"{elsewhere} holds the whole ledger: lineage ")
    assert "serial 1, 2 bindings, " in out and "Read back and equal." in out
    assert rows(elsewhere) == before == rows(path(team))
    assert stat.S_IMODE(elsewhere.stat().st_mode) == 0o600
    assert [file.name for file in elsewhere.parent.iterdir()] == ["state.db"]


def test_a_backup_as_json(team: Office, elsewhere: Path) -> None:
    result = team.run("state", "backup", str(elsewhere), "--format", "json")
    told = result.json()
    assert (told["to"], told["serial"], len(told["lineage"])) == (str(elsewhere), 1, 36)
    counts = {table["name"]: table["rows"] for table in told["tables"]}
    assert counts == {name: len(found) for name, found in rows(elsewhere).items() if name in copying.TABLES}
    assert all(len(table["digest"]) == 64 for table in told["tables"])
    again = team.run("state", "backup", f"{elsewhere}-2", "--format", "json").json()
    assert again["tables"] == told["tables"]


def test_a_backup_goes_on_beside_a_run_and_is_of_one_moment(team: Office, elsewhere: Path) -> None:
    with closing(open_ledger(store(team), "/project", {})) as ledger:
        lease = ledger.acquire(holder(), 600)
        ledger.claim(lease, request(add(1)))
        ok(team, "state", "backup", str(elsewhere))
        ledger.claim(lease, request(add(2)))
        ledger.finish(lease)
    use(team, elsewhere)
    listed = team.run("state", "list", "--format", "json").json()
    assert listed["holder"] is None and len(listed["inDoubt"]) == 1
    assert ok(team, "state", "verify").startswith("The audit trail is whole")


def test_a_backup_can_be_gone_on_with(team: Office, elsewhere: Path) -> None:
    ok(team, "state", "backup", str(elsewhere))
    path(team).unlink()
    use(team, elsewhere)
    before = sendings(team)
    assert team.plan()["changes"] == []
    assert team.run("apply", "--auto-approve").code == 0 and sendings(team) == before


def test_a_backup_overwrites_nothing_and_a_failed_one_leaves_nothing(
    team: Office, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere.parent.mkdir()
    elsewhere.write_text("precious")
    refused = team.run("state", "backup", str(elsewhere))
    assert (refused.code, refused.out) == (1, "")
    assert refused.err.startswith(f"{elsewhere} exists, and what exists is not overwritten.")
    elsewhere.unlink()
    load_table = SqliteSession.load

    def one_less(self: SqliteSession, table: str, columns: Any, found: Any) -> int:
        every = list(found)
        return load_table(self, table, columns, every[:-1] if table == "op" else every)

    monkeypatch.setattr(SqliteSession, "load", one_less)
    unequal = team.run("state", "backup", str(elsewhere))
    assert unequal.code == 1 and "The copy is not equal: table op has 6 rows here and 5 there" in unequal.err
    assert list(elsewhere.parent.iterdir()) == []


def test_somebody_faster_keeps_the_name(team: Office, elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay_out = sqlite_file._lay_out

    def overtaken(name: str, wanted: Path) -> None:
        lay_out(name, wanted)
        wanted.write_text("faster")

    monkeypatch.setattr(sqlite_file, "_lay_out", overtaken)
    refused = team.run("state", "backup", str(elsewhere))
    assert refused.code == 1 and "is not overwritten" in refused.err
    assert elsewhere.read_text() == "faster" and len(list(elsewhere.parent.iterdir())) == 1


def test_what_cannot_be_proved_is_not_copied(team: Office, elsewhere: Path) -> None:
    alter(path(team), "DROP TRIGGER event_stays", "UPDATE event SET reason = 'nothing happened' WHERE seq = 3")
    refused = team.run("state", "backup", str(elsewhere))
    assert refused.code == 1 and "The audit trail is not whole (event 3 was changed" in refused.err
    assert not elsewhere.exists()


@pytest.mark.parametrize("command", ["backup {file}", "migrate --to sqlite://{file}"])
def test_without_a_ledger_there_is_nothing_to_copy(fresh: Office, elsewhere: Path, command: str) -> None:
    result = fresh.run("state", *command.format(file=elsewhere).split())
    assert (result.code, result.err) == (64, "There is no ledger yet: nothing was ever applied here.\n")
    assert not elsewhere.exists() and not path(fresh).exists()


def test_every_table_and_column_is_copied(team: Office) -> None:
    with closing(sqlite3.connect(path(team))) as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        columns = {name: tuple(row[1] for row in db.execute(f"PRAGMA table_info({name})")) for name in tables}
    assert set(tables) == {*copying.TABLES, "stack", "lease"}
    assert {name: set(columns[name]) for name in copying.TABLES} == {n: set(c) for n, c in copying.TABLES.items()}
    assert set(columns["stack"]) == {"id", *copying.STACK}


def test_a_ledger_of_an_older_reconciler_is_brought_up_to_date_first(team: Office, elsewhere: Path) -> None:
    alter(path(team), "PRAGMA user_version = 1")
    refused = team.run("state", "backup", str(elsewhere))
    assert refused.code == 1 and "was written by an older reconciler" in refused.err


# ---- migrate -------------------------------------------------------------------------------------------------------


def test_a_moved_ledger_goes_on_at_the_new_place_and_nowhere_else(team: Office, elsewhere: Path) -> None:
    before, sent = contents(path(team)), sendings(team)
    out = ok(team, "state", "migrate", "--to", f"sqlite://{elsewhere}")
    assert out.startswith(f"Moved to {elsewhere}: lineage ") and "is closed for good" in out
    for command in (("plan",), ("apply", "--auto-approve"), ("halt",), ("state", "rm", SPRING, "--reason", "x")):
        closed = team.run(*command)
        assert closed.code == 4 and f"This ledger was moved to {elsewhere} at " in closed.err
    assert sendings(team) == sent
    assert f"This ledger was moved to {elsewhere} at " in ok(team, "state", "list")
    assert f"moved to {elsewhere}" in team.run("state", "list", "--format", "json").json()["closed"]
    use(team, elsewhere)
    assert team.run("state", "list", "--format", "json").json()["closed"] is None
    assert contents(elsewhere) == before and team.plan()["changes"] == []
    assert team.run("apply", "--auto-approve").code == 0 and sendings(team) == sent
    assert ok(team, "state", "verify").startswith("The audit trail is whole")
    assert "memory arrived/" in ok(team, "state", "history")


def test_a_move_as_json_and_back_again(team: Office, elsewhere: Path) -> None:
    team.environ["NEW_STATE_URL"] = f"sqlite://{elsewhere}"
    told = team.run("state", "migrate", "--to", "env:NEW_STATE_URL", "--format", "json").json()
    assert (told["to"], told["serial"]) == (str(elsewhere), 1)
    use(team, elsewhere)
    back = elsewhere.parent / "back.db"
    ok(team, "state", "migrate", "--to", f"sqlite://{back}")
    team.edit("reconciler.yaml", str(elsewhere), str(back))
    assert team.plan()["changes"] == []


def test_a_move_waits_for_nobody(team: Office, elsewhere: Path) -> None:
    with closing(open_ledger(store(team), "/project", {})) as ledger:
        ledger.acquire(holder(), 600)
        assert team.run("state", "migrate", "--to", f"sqlite://{elsewhere}").code == 7
    assert not elsewhere.exists()


@pytest.mark.parametrize(
    ("to", "said"),
    [
        ("postgresql://app:hunter2@db/state", "--to: a password on the command line is seen by everybody"),
        ("postgres://app@db/state?password=hunter2", "--to env:NAME"),
        ("mysql://db/state", "--to: write sqlite:///path/state.db, postgresql://"),
        ("state.db", "--to: write sqlite:///path"),
        ("sqlite://host/state.db", "--to: write sqlite:///path"),
        ("env:NOWHERE", "--to env:NOWHERE: the environment variable NOWHERE is not set, or empty."),
    ],
)
def test_where_to_is_said_in_one_of_three_ways(team: Office, to: str, said: str) -> None:
    result = team.run("state", "migrate", "--to", to)
    assert (result.code, result.out) == (64, "")
    assert said in result.err and "hunter2" not in result.err
    assert team.plan()["changes"] == []


def test_the_name_of_a_place_holds_no_credentials() -> None:
    environ = {"URL": "postgresql://app:hunter2@db.example:5432/state"}
    for to in ("env:URL", "postgresql://app@db.example/state"):
        found = place(to, "/project", environ, HandClock())
        assert found.name == "the database state on db.example"
        assert "hunter2" not in repr(found) + found.emptied
    assert place("postgresql:///", "/project", {}, HandClock()).name == "the database (default) on this host"


def test_what_is_there_already_is_left_alone(team: Office, elsewhere: Path) -> None:
    ok(team, "state", "backup", str(elsewhere))
    before = elsewhere.read_bytes()
    refused = team.run("state", "migrate", "--to", f"sqlite://{elsewhere}")
    assert refused.code == 1 and f"{elsewhere} holds a ledger already." in refused.err
    onto_itself = team.run("state", "migrate", "--to", f"sqlite://{path(team)}")
    assert onto_itself.code == 1 and "holds a ledger already" in onto_itself.err
    assert elsewhere.read_bytes() == before and team.plan()["changes"] == []


def test_nor_is_a_ledger_in_a_workspace_that_is_thrown_away(team: Office) -> None:
    team.edit("reconciler.yaml", "spec:\n", "spec:\n  state: {persistent: true}\n")
    team.environ["CI"] = "true"
    refused = team.run("state", "migrate", "--to", f"sqlite://{team.root}/other.db")
    assert refused.code == 4 and "state.persistent: true" in refused.err
    assert team.plan()["changes"] == [] and not (team.root / "other.db").exists()


class Crash(BaseException):
    """As if the process had died here."""


def crash(*_: object) -> None:
    raise Crash


def crashed(team: Office, elsewhere: Path, monkeypatch: pytest.MonkeyPatch, target: object, name: str) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(target, name, crash)
        setup = load(team.root, team.environ)
        with pytest.raises(Crash):
            asyncio.run(custody.migrate(setup, f"sqlite://{elsewhere}"))


@pytest.mark.parametrize("step", ["copy", "_named", "remember"])
def test_until_the_source_is_closed_it_is_the_ledger(
    team: Office, elsewhere: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    places: dict[str, object] = {"copy": custody, "_named": sqlite_file, "remember": SqlLedger}
    crashed(team, elsewhere, monkeypatch, places[step], step)
    assert elsewhere.exists() == (step == "remember")
    assert team.plan()["changes"] == []
    assert team.run("apply", "--auto-approve").code == 0
    if elsewhere.exists():
        refuses(team, elsewhere)
        again = team.run("state", "migrate", "--to", f"sqlite://{elsewhere}")
        assert (
            again.code == 1
            and f"never finished, and this ledger has gone on since. Nothing was changed. Delete {elsewhere}"
            in again.err
        )
        for file in elsewhere.parent.iterdir():
            file.unlink()
    ok(team, "state", "migrate", "--to", f"sqlite://{elsewhere}")
    use(team, elsewhere)
    assert team.plan()["changes"] == []


def test_the_lease_is_kept_while_it_copies(team: Office, elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*arguments: Any) -> copying.Copied:
        time.sleep(1.5)
        with closing(open_reader(store(team), "/project", {})) as reader:
            assert reader.holder() is not None
        return copying.copy(*arguments)

    team.edit("reconciler.yaml", "spec:\n", "spec:\n  state: {lease: 1s}\n")
    monkeypatch.setattr(custody, "copy", slow)
    ok(team, "state", "migrate", "--to", f"sqlite://{elsewhere}")


def test_a_move_that_is_overtaken_closes_nothing(
    team: Office, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`halt` takes the lease from it while it copies."""

    def halted(*arguments: Any) -> copying.Copied:
        done = copying.copy(*arguments)
        assert team.run("halt").code == 0
        return done

    monkeypatch.setattr(custody, "copy", halted)
    overtaken = team.run("state", "migrate", "--to", f"sqlite://{elsewhere}")
    assert overtaken.code == 1 and "This run no longer holds the ledger" in overtaken.err
    refuses(team, elsewhere)
    assert team.run("plan").code == 0 and team.run("apply", "--auto-approve").code == 0


def test_after_it_is_closed_the_same_command_opens_the_copy(
    team: Office, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crashed(team, elsewhere, monkeypatch, custody, "_open_copy")
    refuses(team, elsewhere)
    assert team.run("plan").code == 4
    other = team.run("state", "migrate", "--to", f"sqlite://{elsewhere}-2")
    assert other.code == 4 and f"was moved to {elsewhere}" in other.err
    assert ok(team, "state", "migrate", "--to", f"sqlite://{elsewhere}").startswith(
        f"The move to {elsewhere} is finished."
    )
    done = team.run("state", "migrate", "--to", f"sqlite://{elsewhere}")
    assert done.code == 4 and f"was moved to {elsewhere}" in done.err
    use(team, elsewhere)
    assert team.plan()["changes"] == []


def refuses(team: Office, elsewhere: Path) -> None:
    """A copy that was never finished lets nobody in."""
    before = (team.root / "reconciler.yaml").read_text()
    use(team, elsewhere)
    for command in (("plan",), ("apply", "--auto-approve"), ("state", "rm", SPRING, "--reason", "x")):
        result = team.run(*command)
        assert result.code == 4 and "never finished" in result.err
    team.write("reconciler.yaml", before)
