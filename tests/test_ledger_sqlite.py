"""The SQLite file: how it is made and kept, what is refused and in which words, and what a killed process leaves."""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import astuple
from pathlib import Path

import pytest

from reconciler.clock import SystemClock
from reconciler.errors import LedgerError, ThrowAwayLedger
from reconciler.ledger import open_ledger, open_reader, sqlite_file
from reconciler.ledger.base import Event, Lease, RequestState
from reconciler.ledger.base import OpState as S
from reconciler.ledger.chain import GENESIS, Break, link, verify
from reconciler.ledger.holder import is_dead, this_process
from reconciler.ledger.migrations import SCHEMA_VERSION, STEPS, Step
from reconciler.ledger.schema import APPLICATION_ID
from reconciler.ledger.sql_ledger import SqlLedger
from reconciler.ledger.sqlite import SqliteSession
from reconciler.model import StateStore
from tests.contract.ledgers import CAMPAIGN, IDENTITY, KEY_CHECK, add, holder, request, verdict


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "state.db"


def opened(path: Path) -> SqlLedger:
    return SqlLedger(sqlite_file.open_for_writing(path, SystemClock()), is_dead)


@pytest.fixture
def ledger(path: Path) -> Iterator[SqlLedger]:
    with closing(opened(path)) as ledger:
        yield ledger


@pytest.fixture
def lease(ledger: SqlLedger) -> Lease:
    lease = ledger.acquire(holder(), 60)
    ledger.start(lease, KEY_CHECK)
    return lease


@contextmanager
def raw(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        yield db


def connection(ledger: SqlLedger) -> sqlite3.Connection:
    session = ledger._session
    assert isinstance(session, SqliteSession)
    return session._db


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def alter(path: Path, statement: str) -> None:
    with raw(path) as db:
        db.execute(statement)


def overwrite(path: Path, offset: int) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(b"\xff" * 4096)


def become_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


class TestTheFile:
    def test_it_and_what_stands_beside_it_are_private(self, ledger: SqlLedger, lease: Lease, path: Path) -> None:
        assert {file.name: mode(file) for file in path.parent.iterdir()} == {
            "state.db": 0o600,
            "state.db-wal": 0o600,
            "state.db-shm": 0o600,
        }
        assert mode(path.parent) == 0o700

    def test_one_that_others_could_read_is_closed_to_them(self, path: Path) -> None:
        opened(path).close()
        path.chmod(0o644)
        opened(path).close()
        assert mode(path) == 0o600

    def test_every_commit_is_durable(self, ledger: SqlLedger) -> None:
        settings = ("journal_mode", "synchronous", "foreign_keys", "application_id", "user_version")
        values = [connection(ledger).execute(f"PRAGMA {name}").fetchone()[0] for name in settings]
        assert values == ["wal", 2, 1, APPLICATION_ID, SCHEMA_VERSION]

    def test_it_appears_whole_or_not_at_all(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sqlite_file, "STEPS", (*STEPS, Step("CREATE TABLE half (;", "")))
        with pytest.raises(LedgerError):
            opened(path)
        assert list(path.parent.iterdir()) == []

    def test_its_name_and_those_of_new_folders_are_on_the_disk_before_it_is_used(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        synced = []
        monkeypatch.setattr(os, "fsync", lambda handle: synced.append(os.readlink(f"/proc/self/fd/{handle}")))
        opened(tmp_path / "a" / "b" / "state.db").close()
        assert synced == [str(tmp_path / "a" / "b"), str(tmp_path / "a"), str(tmp_path)]

    def test_two_first_runs_share_the_ledger_of_the_faster_one(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lay_out = sqlite_file._lay_out

        def overtaken(name: str, wanted: Path) -> None:
            monkeypatch.setattr(sqlite_file, "_lay_out", lay_out)
            with closing(opened(path)) as faster:
                faster.start(faster.acquire(holder("faster"), 60), KEY_CHECK)
            lay_out(name, wanted)

        monkeypatch.setattr(sqlite_file, "_lay_out", overtaken)
        with closing(opened(path)) as ledger:
            assert ledger.holder() == holder("faster")
        assert [file.name for file in path.parent.iterdir()] == ["state.db"]

    def test_a_reader_makes_nothing(self, tmp_path: Path) -> None:
        reader = open_reader(StateStore(path=str(tmp_path / "none" / "state.db")), "/project", {})
        assert reader.lineage == ""
        assert list(tmp_path.iterdir()) == []

    def test_a_reader_cannot_write_and_sees_every_commit(self, ledger: SqlLedger, lease: Lease, path: Path) -> None:
        reader = open_reader(StateStore(path=str(path)), "/project", {})
        with closing(reader):
            ledger.claim(lease, request(add(1)))
            assert len(reader.open_requests()) == 1
            ledger.finish(lease)
            assert (reader.serial, reader.holder()) == (1, None)
            with pytest.raises(LedgerError, match="read-only"):
                SqlLedger(reader._session, is_dead).acquire(holder(), 60)  # type: ignore[attr-defined]  # looked into

    def test_a_ledger_larger_than_the_quick_look_opens(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        opened(path).close()
        monkeypatch.setattr(sqlite_file, "_CHECKED_BYTES", 0)
        opened(path).close()


class TestWhatIsRefused:
    """Each of these is a sentence for a user: what is wrong, with which file, and what to do."""

    @pytest.mark.parametrize("open_it", [opened, lambda path: open_reader(StateStore(path=str(path)), "/project", {})])
    @pytest.mark.parametrize(
        ("spoil", "said"),
        [
            (
                lambda path: path.write_bytes(b"not a database " * 100),
                "is no SQLite database. Do not start with an empty one",
            ),
            (lambda path: path.write_bytes(b""), "is empty or belongs to another program"),
            (lambda path: alter(path, "PRAGMA application_id = 7"), "is empty or belongs to another program"),
            (
                lambda path: alter(path, "PRAGMA user_version = 99"),
                f"schema 99, this reconciler knows {SCHEMA_VERSION}",
            ),
            (lambda path: alter(path, "PRAGMA user_version = 0"), "schema 0"),
            (lambda path: overwrite(path, 4096), "is damaged. Do not start with an empty one"),
            (become_a_folder, "cannot be looked at: Is a directory"),
            (lambda path: path.rename(f"{path}-wal"), "state.db-wal is still there"),
        ],
    )
    def test_a_file_that_is_not_our_ledger(
        self, path: Path, spoil: Callable[[Path], object], said: str, open_it: Callable[[Path], object]
    ) -> None:
        opened(path).close()
        spoil(path)
        with pytest.raises(LedgerError) as caught:
            open_it(path)
        assert said in str(caught.value)
        assert str(path) in str(caught.value)

    def test_damage_that_is_only_met_later(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sqlite_file, "_CHECKED_BYTES", 0)
        with closing(opened(path)) as ledger:
            lease = ledger.acquire(holder(), 60)
            ops = [add(number) for number in range(500)]
            ledger.outcome(lease, ledger.claim(lease, request(*ops)), verdict(ops))
        for page in range(path.stat().st_size // 4096 - 10, path.stat().st_size // 4096):
            overwrite(path, page * 4096)
        with closing(opened(path)) as ledger, pytest.raises(LedgerError, match="is damaged"):
            list(ledger.sent(IDENTITY))

    def test_a_full_disk(self, ledger: SqlLedger, lease: Lease) -> None:
        pages = connection(ledger).execute("PRAGMA page_count").fetchone()[0]
        connection(ledger).execute(f"PRAGMA max_page_count = {pages}")
        ops = [add(number) for number in range(2000)]
        with pytest.raises(LedgerError, match=r"the disk is full\. Nothing was changed; free some space"):
            ledger.claim(lease, request(*ops))
        assert (list(ledger.sent(IDENTITY)), ledger.open_requests()) == ([], [])
        connection(ledger).execute("PRAGMA max_page_count = 100000")
        ledger.claim(lease, request(*ops))

    def test_a_disk_that_reports_errors(self, ledger: SqlLedger, lease: Lease) -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
        try:
            with pytest.raises(LedgerError, match="the disk reports an error"):
                ledger.claim(lease, request(*(add(number) for number in range(5000))))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert ledger.open_requests() == []

    def test_a_ledger_that_another_process_keeps_writing(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sqlite_file, "BUSY_SECONDS", 0.05)
        with closing(opened(path)) as ledger, raw(path) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(LedgerError, match="is busy"):
                ledger.acquire(holder(), 60)
            other.execute("ROLLBACK")
            assert ledger.acquire(holder(), 60).epoch == 1

    def test_use_after_close(self, path: Path) -> None:
        ledger = opened(path)
        ledger.close()
        with pytest.raises(LedgerError, match="cannot be used"):
            ledger.acquire(holder(), 60)

    def test_an_old_sqlite(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 34, 1))
        with pytest.raises(LedgerError, match=r"needs 3\.37\.0 or newer"):
            opened(path)

    def test_a_folder_without_shared_memory(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        opened(path).close()
        with raw(path) as db:
            db.execute("PRAGMA journal_mode = DELETE")
        connect = sqlite3.connect
        monkeypatch.setattr(sqlite3, "connect", lambda name, **how: connect(f"{name}&vfs=unix-dotfile", **how))
        with pytest.raises(LedgerError, match="write-ahead log"):
            opened(path)

    @pytest.mark.parametrize(
        ("mounts", "refused"),
        [
            ("server:/x {folder} nfs4 rw 0 0", True),
            ("/dev/sda1 / ext4 rw 0 0\n//nas/share {parent} cifs rw 0 0", True),
            ("server:/x / nfs rw 0 0\n/dev/sda1 {folder} ext4 rw 0 0", False),
            ("server:/x {folder}/elsewhere nfs rw 0 0", False),
        ],
    )
    def test_a_network_file_system(self, path: Path, tmp_path: Path, mounts: str, refused: bool) -> None:
        listed = tmp_path / "mounts"
        listed.write_text(mounts.format(folder=path.parent, parent=path.parent.parent))
        if refused:
            with pytest.raises(LedgerError, match="network file system"):
                sqlite_file._refuse_network(path, listed)
        else:
            sqlite_file._refuse_network(path, listed)
        sqlite_file._refuse_network(path, tmp_path / "no such list")


def test_a_ledger_that_another_run_makes_at_this_moment_is_not_taken_for_a_lost_one(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = Path.exists
    path.parent.mkdir()

    def made_meanwhile(asked: Path) -> bool:
        if asked.name == "state.db-wal":
            path.touch()
            return True
        return look(asked)

    monkeypatch.setattr(Path, "exists", made_meanwhile)
    assert sqlite_file.exists(path)


class TestWithoutPermission:
    @pytest.fixture
    def place(self) -> Iterator[Path]:
        """A folder of a user who is not root, and that user: root may write everywhere."""
        folder = Path(tempfile.mkdtemp())
        (folder / "kept").mkdir()
        nobody = 65534 if os.geteuid() == 0 else os.geteuid()
        opened(folder / "kept" / "state.db").close()
        for each in (folder, folder / "kept", folder / "kept" / "state.db"):
            os.chown(each, nobody, -1)
        before = os.geteuid()
        os.seteuid(nobody)
        try:
            yield folder / "kept"
        finally:
            (folder / "kept").chmod(0o700)
            os.seteuid(before)
            shutil.rmtree(folder)

    def test_a_file_that_may_not_be_written(self, place: Path) -> None:
        (place / "state.db").chmod(0o400)
        refused = pytest.raises(LedgerError, match="read and write the file and its folder")
        with closing(opened(place / "state.db")) as ledger, refused:
            ledger.acquire(holder(), 60)

    def test_a_folder_that_may_not_be_written(self, place: Path) -> None:
        place.chmod(0o500)
        with pytest.raises(LedgerError, match="read and write the file and its folder"):
            opened(place / "state.db")
        with pytest.raises(LedgerError, match="cannot be made or kept private: Permission denied"):
            opened(place / "other.db")

    def test_a_folder_that_may_not_be_looked_into(self, place: Path) -> None:
        place.chmod(0o000)
        with pytest.raises(LedgerError, match="cannot be looked at: Permission denied"):
            open_reader(StateStore(path=str(place / "state.db")), "/project", {})


class TestWhichLedger:
    @pytest.mark.parametrize("environ", [{"CI": "true"}, {"CI": "True"}])
    @pytest.mark.parametrize("open_it", [open_reader, open_ledger])
    def test_one_that_is_thrown_away_with_the_job_is_refused(
        self, tmp_path: Path, environ: dict[str, str], open_it: Callable[..., object]
    ) -> None:
        store = StateStore(path=str(tmp_path / ".reconciler" / "state.db"))
        with pytest.raises(ThrowAwayLedger, match="persistent: true") as caught:
            open_it(store, str(tmp_path), environ)
        assert caught.value.exit_code == 4
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        ("environ", "persistent", "root"),
        [
            ({}, False, "."),
            ({"CI": "false"}, False, "."),
            ({"CI": "true"}, True, "."),
            ({"CI": "true"}, False, "project"),
        ],
    )
    def test_others_are_not(self, tmp_path: Path, environ: dict[str, str], persistent: bool, root: str) -> None:
        store = StateStore(path=str(tmp_path / "state.db"), persistent=persistent)
        open_ledger(store, str(tmp_path / root), environ).close()
        open_reader(store, str(tmp_path / root), environ).close()

    def test_a_link_out_of_the_workspace_is_outside(self, tmp_path: Path) -> None:
        (tmp_path / "disk").mkdir()
        (tmp_path / "project").mkdir()
        (tmp_path / "project" / ".reconciler").symlink_to(tmp_path / "disk")
        store = StateStore(path=str(tmp_path / "project" / ".reconciler" / "state.db"))
        open_ledger(store, str(tmp_path / "project"), {"CI": "true"}).close()
        assert (tmp_path / "disk" / "state.db").exists()


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE lease SET epoch = epoch - 1", "epoch only grows"),
        ("UPDATE stack SET serial = serial - 1", "serial only grows"),
        ("UPDATE stack SET lineage = 'another'", "lineage stays"),
        ("UPDATE stack SET key_check = x'00'", "lineage stays"),
        ("UPDATE event SET reason = 'nothing happened' WHERE seq = 1", "never changed"),
        ("DELETE FROM event WHERE seq = 2", "never removed"),
        ("INSERT INTO event SELECT * FROM event WHERE seq = 1", "UNIQUE"),
        ("DELETE FROM stack", "one stack"),
        ("DELETE FROM lease", "one lease"),
        (
            "INSERT INTO op SELECT request_id, 7, op_key, scope_id, person, revision, state, 1, '', x'', x'', 0 FROM op",
            "UNIQUE",
        ),
        ("UPDATE op SET state = 'somewhere'", "CHECK"),
        ("UPDATE op SET op_key = x'00'", "CHECK"),
        ("UPDATE op SET revision = 'first'", "INTEGER"),
        ("PRAGMA foreign_keys = ON; DELETE FROM request", "FOREIGN KEY"),
    ],
)
def test_i8_no_statement_takes_back_what_was_written(
    ledger: SqlLedger, lease: Lease, path: Path, statement: str, said: str
) -> None:
    ledger.claim(lease, request(add(1)))
    ledger.finish(lease)
    with raw(path) as db, pytest.raises(sqlite3.IntegrityError, match=said):
        db.executescript(statement)


def test_attempts_are_counted(ledger: SqlLedger, lease: Lease, path: Path) -> None:
    for _ in range(3):
        name = ledger.claim(lease, request(add(1)))
        ledger.outcome(lease, name, verdict([add(1)], S.PLANNED, about=RequestState.NOT_SENT))
    with raw(path) as db:
        assert db.execute("SELECT attempt, state FROM op").fetchall() == [(3, "planned")]


def test_a_trail_that_was_edited_behind_the_triggers_is_found(ledger: SqlLedger, lease: Lease, path: Path) -> None:
    ledger.finish(lease)
    assert verify(ledger) == 4
    with raw(path) as db:
        db.executescript("DROP TRIGGER event_stays; UPDATE event SET actor = 'ben' WHERE seq = 2")
    assert verify(ledger) == Break(2, "was changed, or one before it was")


def test_large_ledgers_are_searched_by_index_and_people_are_never_sorted(ledger: SqlLedger, lease: Lease) -> None:
    june = CAMPAIGN.contact_set("renewals-june")
    for op in (add(1), add(2, key=june), thing_done := add(1, verb="withdraw_contacts")):
        name = ledger.claim(lease, request(op))
    statements: list[str] = []
    connection(ledger).set_trace_callback(statements.append)
    ledger.outcome(lease, name, verdict([thing_done]))
    list(ledger.sent(IDENTITY))
    ledger.open_requests()
    ledger.open_ops(name)
    ledger.recover(lease)
    connection(ledger).set_trace_callback(None)
    plans = {statement: explain(ledger, statement) for statement in statements if statement.split()[0] in _EXPLAINED}
    walked = [(step, statement) for statement, steps in plans.items() for step in steps if step in _WALKS]
    assert walked == []
    (people,) = (steps for statement, steps in plans.items() if "ORDER BY person" in statement)
    assert "MERGE (UNION ALL)" in people
    assert not [step for step in people if "TEMP B-TREE" in step]


_EXPLAINED = {"SELECT", "UPDATE", "INSERT"}
_WALKS = {"SCAN op", "SCAN o", "SCAN request", "SCAN r", "SCAN done", "SCAN a"}


def explain(ledger: SqlLedger, statement: str) -> list[str]:
    return [row[3] for row in connection(ledger).execute(f"EXPLAIN QUERY PLAN {statement}")]


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("DELETE FROM event WHERE seq >= 3", "event 3 is missing, and all after it: the trail went on to event 4"),
        (
            "DELETE FROM event WHERE seq = 4; INSERT INTO event SELECT 4, epoch, at, 'ben', entity, '', '', '', '' FROM event"
            " WHERE seq = 1",
            "event 4 was changed, or one before it was",
        ),
    ],
)
def test_a_trail_whose_end_was_cut_off_behind_the_triggers_is_found_for_ever(
    ledger: SqlLedger, lease: Lease, path: Path, statement: str, said: str
) -> None:
    ledger.finish(lease)
    with raw(path) as db:
        db.executescript(f"DROP TRIGGER event_is_kept; DROP TRIGGER high_water_rises; {statement}")
    assert str(verify(ledger)) == said
    ledger.acquire(holder("next"), 60)
    assert str(verify(ledger)).startswith(said[:8])


class TestAnOlderLedger:
    """As the first version wrote it: without the high water of the trail."""

    @pytest.fixture
    def old(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        with monkeypatch.context() as then:
            then.setattr(sqlite_file, "STEPS", STEPS[:1])
            then.setattr(sqlite_file, "SCHEMA_VERSION", 1)
            opened(path).close()
        event = Event(1, 1, "2026-06-01T08:00:00.000Z", "ana", "lease", "", "run-1", "acquired")
        with raw(path) as db:
            columns = "seq, epoch, at, actor, entity, before, after, reason, hash"
            values = (*astuple(event)[:-1], link(GENESIS, event))
            db.execute(f"INSERT INTO event ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
            db.execute("UPDATE stack SET lineage = 'kept', serial = 7")
        return path

    def test_it_is_read_as_it_is(self, old: Path) -> None:
        with closing(open_reader(StateStore(path=str(old)), "/project", {})) as reader:
            assert (reader.lineage, reader.serial, reader.high_water, verify(reader)) == ("kept", 7, None, 1)
        with raw(old) as db:
            assert db.execute("PRAGMA user_version").fetchone() == (1,)

    def test_it_is_brought_up_to_date_when_it_is_written(self, old: Path) -> None:
        with closing(opened(old)) as ledger:
            assert (ledger.lineage, ledger.serial, ledger.high_water) == (
                "kept",
                7,
                (1, list(ledger.events())[-1].hash),
            )
            ledger.acquire(holder(), 60)
            assert verify(ledger) == 2
        with raw(old) as db, pytest.raises(sqlite3.IntegrityError, match="trail only grows"):
            db.execute("UPDATE stack SET high_water_seq = 1")

    def test_all_steps_or_none(self, old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        with monkeypatch.context() as broken:
            broken.setattr(sqlite_file, "STEPS", (*STEPS, Step("CREATE TABLE half (;", "")))
            with pytest.raises(LedgerError):
                opened(old)
        with raw(old) as db:
            assert db.execute("PRAGMA user_version").fetchone() == (1,)
        opened(old).close()

    def test_a_new_one_has_gone_through_every_step(self, old: Path, tmp_path: Path) -> None:
        opened(old).close()
        opened(tmp_path / "new.db").close()
        tables = "SELECT type, name, sql FROM sqlite_schema ORDER BY name"
        with raw(old) as first, raw(tmp_path / "new.db") as second:
            assert first.execute(tables).fetchall() == second.execute(tables).fetchall()

    def test_two_that_come_at_once_migrate_once(self, old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        look = sqlite_file._version
        faster: list[bool] = []

        def overtaken(db: sqlite3.Connection) -> int:
            if look(db) == 1 and not db.in_transaction and not faster:
                faster.append(True)
                opened(old).close()
                return 1
            return look(db)

        monkeypatch.setattr(sqlite_file, "_version", overtaken)
        opened(old).close()
        assert faster


class TestBrokenTransactions:
    def test_what_sqlite_rolled_back_on_its_own_is_not_gone_on_with(self, ledger: SqlLedger, lease: Lease) -> None:
        """SQLite may drop a whole transaction by itself, for instance when the disk is full."""

        def group() -> None:
            with ledger.transaction():
                ledger.claim(lease, request(add(1)))
                with pytest.raises(LedgerError, match="UNIQUE"):
                    drop()
                with pytest.raises(LedgerError, match=r"Nothing of this commit was kept.*UNIQUE"):
                    ledger.claim(lease, request(add(2)))

        def drop() -> None:
            with ledger.transaction():
                ledger._session.write("INSERT OR ROLLBACK INTO stack (id) VALUES (1)")

        with pytest.raises(LedgerError, match="Nothing of this commit was kept"):
            group()
        assert list(ledger.sent(IDENTITY)) == []
        ledger.claim(lease, request(add(3)))
        assert len(list(ledger.sent(IDENTITY))) == 1

    def test_what_cannot_be_rolled_back_alone_is_never_committed(self, path: Path) -> None:
        ledger = opened(path)
        lease = ledger.acquire(holder(), 60)

        def forbid(action: int, what: str | None, *_: object) -> int:
            undoing = action == sqlite3.SQLITE_SAVEPOINT and what == "ROLLBACK"
            return sqlite3.SQLITE_DENY if undoing else sqlite3.SQLITE_OK

        def group() -> None:
            with ledger.transaction(), pytest.raises(LedgerError, match="claimed before"):
                ledger.claim(lease, request(add(1), add(1)))

        connection(ledger).set_authorizer(forbid)
        with pytest.raises(LedgerError):
            group()
        with closing(opened(path)) as again:
            assert list(again.sent(IDENTITY)) == []
            assert [event.reason for event in again.events()] == ["acquired"]


_CHILD = """
import json, sys, time
from pathlib import Path
from reconciler.clock import SystemClock
from reconciler.ledger import open_ledger
from reconciler.ledger.holder import this_process
from reconciler.model import StateStore
from tests.contract.ledgers import KEY_CHECK, add, request
ledger = open_ledger(StateStore(path=sys.argv[1]), "/project", {})
lease = ledger.acquire(this_process("killed", "ana"), 3600)
ledger.start(lease, KEY_CHECK)
print(ledger.claim(lease, request(add(1), add(2))), flush=True)
time.sleep(600)
"""


def test_a_run_killed_between_claim_and_outcome_leaves_a_doubt_that_the_next_one_finds_at_once(path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", _CHILD, str(path)], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout
        name = child.stdout.readline().strip()
        child.kill()
    with closing(opened(path)) as ledger:
        (left,) = ledger.open_requests()
        assert (left.id, left.run, left.state, left.people) == (name, "killed", S.SENT, 2)
        lease = ledger.acquire(this_process("next", "ben"), 60)
        assert list(ledger.events())[-1].reason == "taken over: the holder is dead"
        assert ledger.recover(lease) == 1
        assert [state for _, state in ledger.open_ops(name)] == [S.IN_DOUBT, S.IN_DOUBT]
        ledger.outcome(lease, name, verdict([add(1), add(2)], S.PLANNED, about=RequestState.SETTLED))
        ledger.claim(lease, request(add(1), add(2)))
