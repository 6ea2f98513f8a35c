"""The PostgreSQL ledger at rest: what the server must be, who may do what in it, and what its tables allow."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import astuple
from typing import Any

import psycopg
import pytest

from reconciler.clock import SystemClock
from reconciler.errors import ConfigInvalid, LedgerError
from reconciler.ledger import open_ledger, open_reader, postgres_schema
from reconciler.ledger.base import Event, Lease
from reconciler.ledger.chain import GENESIS, link, verify
from reconciler.ledger.empty import EmptyReader
from reconciler.ledger.holder import is_dead
from reconciler.ledger.migrations import SCHEMA_VERSION, STEPS, Step
from reconciler.ledger.postgres import PostgresSession
from reconciler.ledger.postgres_errors import MARK, RIGHTS
from reconciler.ledger.sql import SqlReader
from reconciler.ledger.sql_ledger import SqlLedger
from tests import postgres as running
from tests.contract.ledgers import IDENTITY, KEY_CHECK, POSTGRES, add, holder, request, verdict
from tests.postgres import PASSWORD, QUOTED, Role, Server


@pytest.fixture(scope="module")
def server() -> Server:
    return running.server()


@pytest.fixture
def owner(server: Server) -> Role:
    return server.role()


def opened(url: str) -> SqlLedger:
    return SqlLedger(postgres_schema.open_for_writing(url), is_dead)


def session_of(ledger: SqlLedger) -> PostgresSession:
    assert isinstance(ledger.session, PostgresSession)
    return ledger.session


@pytest.fixture
def ledger(owner: Role) -> Iterator[SqlLedger]:
    with closing(opened(owner.socket)) as ledger:
        yield ledger


@pytest.fixture
def lease(ledger: SqlLedger) -> Lease:
    lease = ledger.acquire(holder(), 60)
    ledger.start(lease, KEY_CHECK)
    return lease


@contextmanager
def raw(url: str) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """The same role, behind the ledger's back."""
    with closing(psycopg.connect(url, autocommit=True)) as db:
        yield db


class TestWhichServer:
    def test_a_reader_of_what_is_not_there_makes_nothing(self, server: Server, owner: Role) -> None:
        reader = open_reader(POSTGRES, "/project", {"STATE_URL": owner.socket})
        assert isinstance(reader, EmptyReader)
        with raw(owner.socket) as db:
            assert db.execute("SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()").fetchall() == [(0,)]

    def test_a_url_that_is_not_set_is_named(self) -> None:
        with pytest.raises(ConfigInvalid, match=r"state\.url.*STATE_URL is not set"):
            open_ledger(POSTGRES, "/project", {})

    def test_ci_may_use_it_anywhere(self, owner: Role) -> None:
        open_ledger(POSTGRES, "/project", {"STATE_URL": owner.socket, "CI": "true"}, SystemClock()).close()

    @pytest.mark.parametrize(
        ("url", "said"),
        [
            ("postgresql://u:hunter2@127.0.0.1:1/x", "cannot be reached"),
            ("postgresql://u:hunter2@no-such-host.invalid/x?sslrootcert=/nowhere", "x on no-such-host.invalid"),
            ("postgresql://u:hunter2@h/x?sslmode=require", "says sslmode=require"),
            ("postgresql://u:hunter2@127.0.0.1,h/x?sslmode=prefer", "says sslmode=prefer"),
            ("postgresql://u:hunter2@127.0.0.1/x?hostaddr=10.0.0.1&sslmode=disable", "says sslmode=disable"),
            ("postgresql://u:hunter2@h/x?options=-csearch_path%3Dy", "has `options`"),
            ("postgresql://u:hunter2@h/x?service=y", "has `service`"),
            ("postgresql://u:hunter2@h", "names no database"),
            ("postgresql://u:hunter2@/x", "names no host"),
            ("postgresql://u:hunter2@h:port/x?nonsense=1", "cannot be read"),
            ("hunter2", "cannot be read"),
        ],
    )
    def test_a_url_that_leads_nowhere_or_too_openly(self, url: str, said: str) -> None:
        with pytest.raises(LedgerError) as caught:
            open_ledger(POSTGRES, "/project", {"STATE_URL": url})
        assert said in str(caught.value)
        assert_silent(caught.value, "hunter2")

    def test_what_is_said_at_the_door(self, server: Server, owner: Role) -> None:
        for url, said in (
            (owner.tcp.replace(QUOTED, "wrong"), "does not let this user in"),
            (owner.tcp.replace(owner.name, "nobody_here"), "does not let this user in"),
            (owner.tcp.replace("/postgres", "/nothing"), "nothing on 127.0.0.1 does not exist"),
        ):
            with pytest.raises(LedgerError, match=said) as caught:
                opened(url)
            assert_silent(caught.value, PASSWORD, QUOTED, owner.name)

    def test_one_without_a_connection_left(self, server: Server, owner: Role) -> None:
        server.run(f"ALTER ROLE {owner.name} CONNECTION LIMIT 0")
        with pytest.raises(LedgerError, match="has no connection left"):
            opened(owner.socket)

    def test_one_that_this_role_may_not_connect_to(self, server: Server, owner: Role) -> None:
        with closing(server.admin()) as admin:
            admin.execute(f"CREATE DATABASE {owner.name}".encode())
        server.run(f"REVOKE CONNECT ON DATABASE {owner.name} FROM PUBLIC")
        with pytest.raises(LedgerError, match="GRANT CONNECT"):
            opened(server.urls(owner.name, owner.name)[0])

    def test_one_in_another_encoding(self, server: Server, owner: Role) -> None:
        with closing(server.admin()) as admin:
            how = f"CREATE DATABASE latin_{owner.name} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0"
            admin.execute(how.encode())
        with pytest.raises(LedgerError, match="of encoding LATIN1"):
            opened(server.urls(owner.name, f"latin_{owner.name}")[0])

    def test_one_that_is_too_old(self, owner: Role, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(postgres_schema, "OLDEST_SERVER", 99)
        with pytest.raises(LedgerError, match="99 is the oldest"):
            opened(owner.socket)

    def test_who_keeps_a_file_does_not_wait_for_its_library(self) -> None:
        code = "import sys, reconciler.cli, reconciler.runs, reconciler.custody; sys.exit('psycopg' in sys.modules)"
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

    def test_nothing_of_the_address_shows(self, owner: Role, ledger: SqlLedger) -> None:
        shown = repr(session_of(ledger)._server), repr(session_of(ledger)), repr(session_of(ledger)._db)
        assert not any(PASSWORD in text or QUOTED in text for text in shown)


def assert_silent(error: BaseException | None, *secrets: str) -> None:
    """Neither the message nor anything that a traceback of it would print."""
    while error:
        assert not [secret for secret in secrets if secret in f"{error} {error!r}"]
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


class TestTls:
    """The name in the URL is not loopback, so that all rules hold; the address behind it is, since there is no other here."""

    def url(self, server: Server, owner: Role, host: str, **more: str) -> str:
        query = "&".join(f"{name}={value}" for name, value in {"hostaddr": "127.0.0.1", **more}.items())
        return f"postgresql://{owner.name}:{QUOTED}@{host}:{server.port}/postgres?{query}"

    def test_a_server_that_proves_its_name_is_spoken_to_encrypted(self, server: Server, owner: Role) -> None:
        url = self.url(server, owner, running.NAME, sslrootcert=str(server.folder / "ca.pem"))
        with closing(opened(url)) as ledger:
            assert session_of(ledger).fetch("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()") == [(True,)]
            ledger.acquire(holder(), 60)

    @pytest.mark.parametrize(("host", "root"), [("other.example", "ca.pem"), (running.NAME, "")])
    def test_another_name_and_an_unknown_authority_are_refused(
        self, server: Server, owner: Role, host: str, root: str
    ) -> None:
        more = {"sslrootcert": str(server.folder / root)} if root else {}
        with pytest.raises(LedgerError, match="does not prove who it is") as caught:
            opened(self.url(server, owner, host, **more))
        assert_silent(caught.value, PASSWORD, QUOTED)

    def test_the_roots_are_those_of_this_machine(
        self, server: Server, owner: Role, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(server.folder / "ca.pem"))
        opened(self.url(server, owner, running.NAME)).close()

    def test_nothing_in_the_environment_makes_it_less(
        self, server: Server, owner: Role, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PGSSLMODE", "disable")
        monkeypatch.setenv("PGOPTIONS", "-c synchronous_commit=off")
        url = self.url(server, owner, running.NAME, sslrootcert=str(server.folder / "ca.pem"))
        with closing(opened(url)) as ledger:
            assert session_of(ledger).fetch("SHOW synchronous_commit") == [("on",)]
            assert session_of(ledger).fetch("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()") == [(True,)]


class TestDurability:
    def test_a_role_that_does_not_wait_for_the_disk_is_refused(
        self, server: Server, owner: Role, ledger: SqlLedger
    ) -> None:
        server.run(f"ALTER ROLE {owner.name} SET synchronous_commit = off")
        with (
            closing(opened(owner.socket)) as careless,
            pytest.raises(LedgerError, match="synchronous_commit or fsync is off"),
        ):
            careless.acquire(holder(), 60)
        assert list(ledger.events()) == []

    def test_what_the_role_asks_for_beyond_that_is_kept(self, server: Server, owner: Role) -> None:
        server.run(f"ALTER ROLE {owner.name} SET synchronous_commit = remote_apply")
        with closing(opened(owner.socket)) as ledger, ledger.transaction():
            assert session_of(ledger).fetch("SHOW synchronous_commit") == [("remote_apply",)]

    def test_a_setting_that_changes_in_the_middle_does_not_count(self, owner: Role) -> None:
        """With the configuration read again between two statements, as `pg_ctl reload` has it."""
        with running.server_of_its_own() as server:
            role = server.role()
            with closing(opened(role.socket)) as ledger:
                with ledger.transaction():
                    with closing(server.admin()) as admin:
                        admin.execute("ALTER SYSTEM SET synchronous_commit = off")
                        admin.execute("SELECT pg_reload_conf()")
                    time.sleep(0.3)
                    assert session_of(ledger).fetch("SHOW synchronous_commit") == [("on",)]
                with pytest.raises(LedgerError, match="is off"):
                    ledger.acquire(holder(), 60)

    def test_a_server_without_fsync_and_a_standby_are_refused(self) -> None:
        with running.server_of_its_own("fsync=off") as server:
            role = server.role()
            with closing(opened(role.socket)) as ledger, pytest.raises(LedgerError, match="fsync is off"):
                ledger.acquire(holder(), 60)
            server.stop()
            signal_file = server.data / "standby.signal"
            signal_file.touch()
            running.give_away(signal_file)
            server.start()
            for open_it in (opened, postgres_schema.open_for_reading):
                with pytest.raises(LedgerError, match="on a standby"):
                    open_it(role.socket)

    def test_one_that_became_read_only_is_said_to_be(self, server: Server, owner: Role, ledger: SqlLedger) -> None:
        server.run(f"ALTER ROLE {owner.name} SET default_transaction_read_only = on")
        with (
            closing(opened(owner.socket)) as denied,
            pytest.raises(LedgerError, match="its transactions are read-only"),
        ):
            denied.acquire(holder(), 60)


class TestWhoMayWhat:
    def test_the_rights_of_the_document_are_those_that_errors_name(self, server: Server, owner: Role) -> None:
        opened(owner.socket).close()
        role = server.granted(owner)
        with closing(server.admin()) as admin:
            rows = admin.execute(
                "SELECT table_name, privilege_type FROM information_schema.role_table_grants WHERE grantee = %s",
                (role.name,),
            ).fetchall()
        granted = {table: {right for name, right in rows if name == table} for table, _ in rows}
        assert granted == {table: set(rights.split(", ")) for table, rights in RIGHTS.items()}

    @pytest.mark.parametrize(
        "statement",
        ["UPDATE event SET reason = ''", "DELETE FROM event", "TRUNCATE event", "DELETE FROM op", "DELETE FROM request",
         "DROP TABLE op", "DROP TRIGGER event_stays ON event", "CREATE TABLE mine ()", "ALTER TABLE op DROP COLUMN state",
         f"UPDATE {MARK} SET version = 1", "DELETE FROM stack", "INSERT INTO lease (id) VALUES (2)"],
    )  # fmt: skip
    def test_a_run_cannot_rewrite_what_happened(self, server: Server, owner: Role, statement: str) -> None:
        opened(owner.socket).close()
        with raw(server.granted(owner).socket) as db, pytest.raises(psycopg.errors.InsufficientPrivilege):
            db.execute(statement.encode())

    def test_who_plans_may_read_and_no_more(self, server: Server, owner: Role, ledger: SqlLedger, lease: Lease) -> None:
        ledger.claim(lease, request(add(1)))
        role = server.granted(owner, "plan")
        session = postgres_schema.open_for_reading(role.socket)
        assert session is not None
        with closing(SqlReader(session)) as reader:
            assert (reader.lineage, len(reader.open_requests()), verify(reader)) == (ledger.lineage, 1, 3)
            assert len(list(reader.sent(IDENTITY))) == 1
        with closing(opened(role.socket)) as denied, pytest.raises(LedgerError, match="GRANT SELECT, UPDATE ON lease"):
            denied.acquire(holder(), 60)

    def test_a_right_that_is_missing_is_named(self, server: Server, owner: Role, ledger: SqlLedger) -> None:
        role = server.granted(owner)
        server.run(f"REVOKE INSERT ON {owner.schema}.event FROM {role.name}")
        with (
            closing(opened(role.socket)) as denied,
            pytest.raises(LedgerError, match="GRANT SELECT, INSERT ON event TO"),
        ):
            denied.acquire(holder(), 60)
        assert ledger.holder() is None

    def test_a_role_that_may_not_make_tables_says_who_should(self, server: Server, owner: Role) -> None:
        role = server.role(owner.schema)
        server.run(f"GRANT USAGE ON SCHEMA {owner.schema} TO {role.name}")
        with pytest.raises(LedgerError, match="does not exist yet, and this role may not make tables"):
            opened(role.socket)

    def test_a_role_without_a_schema(self, server: Server, owner: Role) -> None:
        for url in (server.role("nowhere").socket, server.role(owner.schema).socket):
            with pytest.raises(LedgerError, match="has no schema"):
                opened(url)


class TestTables:
    def test_two_schemas_are_two_ledgers(self, server: Server, ledger: SqlLedger, lease: Lease) -> None:
        with closing(opened(server.role().socket)) as other:
            assert (other.lineage, other.holder()) == ("", None)

    @pytest.mark.parametrize("open_it", [opened, postgres_schema.open_for_reading])
    def test_tables_of_another_program(self, owner: Role, open_it: Callable[[str], object]) -> None:
        with raw(owner.socket) as db:
            db.execute("CREATE TABLE event (what TEXT)")
        with pytest.raises(LedgerError, match="tables of another program"):
            open_it(owner.socket)

    @pytest.mark.parametrize("open_it", [opened, postgres_schema.open_for_reading])
    def test_a_newer_schema(self, owner: Role, ledger: SqlLedger, open_it: Callable[[str], object]) -> None:
        with raw(owner.socket) as db:
            db.execute(f"UPDATE {MARK} SET version = 99".encode())
        with pytest.raises(LedgerError, match=f"schema 99, this reconciler knows {SCHEMA_VERSION}"):
            open_it(owner.socket)

    def test_tables_that_are_gone(self, owner: Role, ledger: SqlLedger, lease: Lease) -> None:
        with raw(owner.socket) as db:
            db.execute("DROP TABLE memory")
        with pytest.raises(LedgerError, match=r"a table is missing.*Do not start with an empty one"):
            ledger.remember(lease, "loaded", "x", b"")

    def test_two_first_runs_share_the_ledger_of_the_faster_one(
        self, owner: Role, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        migrate = postgres_schema._migrate

        def overtaken(db: Any, first: str) -> None:
            monkeypatch.setattr(postgres_schema, "_migrate", migrate)
            with closing(opened(owner.socket)) as faster:
                faster.acquire(holder("faster"), 60)
            migrate(db, first)

        monkeypatch.setattr(postgres_schema, "_migrate", overtaken)
        with closing(opened(owner.socket)) as ledger:
            assert ledger.holder() == holder("faster")

    def test_many_first_runs_at_once(self, owner: Role) -> None:
        found: list[object] = []

        def first() -> None:
            with closing(opened(owner.socket)) as ledger:
                found.append(ledger.unlock(holder()))

        threads = [threading.Thread(target=first) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert sorted(map(str, found)) == list("123456")

    def test_somebody_elses_table_that_comes_in_between(self, owner: Role, monkeypatch: pytest.MonkeyPatch) -> None:
        migrate = postgres_schema._migrate

        def overtaken(db: Any, first: str) -> None:
            with raw(owner.socket) as other:
                other.execute("CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN END $$")
            migrate(db, first)

        monkeypatch.setattr(postgres_schema, "_migrate", overtaken)
        with pytest.raises(LedgerError, match="something else was made under its names"):
            opened(owner.socket)


class TestAnOlderLedger:
    @pytest.fixture
    def old(self, owner: Role, monkeypatch: pytest.MonkeyPatch) -> Role:
        """As the first version would have written it: without the high water of the trail."""
        with monkeypatch.context() as then:
            then.setattr(postgres_schema, "STEPS", STEPS[:1])
            then.setattr(postgres_schema, "SCHEMA_VERSION", 1)
            opened(owner.socket).close()
        event = Event(1, 1, "2026-06-01T08:00:00.000Z", "ana", "lease", "", "run-1", "acquired")
        with raw(owner.socket) as db:
            columns = "seq, epoch, at, actor, entity, before, after, reason, hash"
            marks = ", ".join(["%s"] * 9)
            db.execute(
                f"INSERT INTO event ({columns}) VALUES ({marks})".encode(), (*astuple(event)[:-1], link(GENESIS, event))
            )
            db.execute("UPDATE stack SET lineage = 'kept', serial = 7")
        return owner

    def test_it_is_read_as_it_is(self, old: Role) -> None:
        with closing(open_reader(POSTGRES, "/project", {"STATE_URL": old.socket})) as reader:
            assert (reader.lineage, reader.serial, reader.high_water, verify(reader)) == ("kept", 7, None, 1)

    def test_it_is_brought_up_to_date_when_it_is_written(self, old: Role) -> None:
        with closing(opened(old.socket)) as ledger:
            assert (ledger.lineage, ledger.serial, ledger.high_water) == (
                "kept",
                7,
                (1, next(iter(ledger.events())).hash),
            )
            ledger.acquire(holder(), 60)
            assert verify(ledger) == 2

    def test_by_its_owner_alone(self, server: Server, old: Role) -> None:
        with pytest.raises(LedgerError, match="is of an older version, and this role may not make tables"):
            opened(server.granted(old).socket)

    def test_all_steps_or_none(self, old: Role, monkeypatch: pytest.MonkeyPatch) -> None:
        with monkeypatch.context() as broken:
            broken.setattr(postgres_schema, "STEPS", (*STEPS, Step("", "CREATE TABLE half (;")))
            with pytest.raises(LedgerError, match="syntax error"):
                opened(old.socket)
        with raw(old.socket) as db:
            assert db.execute(f"SELECT version FROM {MARK}".encode()).fetchall() == [(1,)]

    def test_a_new_one_has_gone_through_every_step(self, server: Server, old: Role) -> None:
        new = server.role()
        opened(old.socket).close()
        opened(new.socket).close()
        columns = (
            "SELECT table_name, column_name, data_type, column_default, is_nullable, collation_name"
            " FROM information_schema.columns WHERE table_schema = current_schema() ORDER BY 1, 2"
        )
        triggers = (
            "SELECT event_object_table, trigger_name, action_statement, action_condition FROM information_schema.triggers"
            " WHERE trigger_schema = current_schema() ORDER BY 1, 2"
        )
        with raw(old.socket) as first, raw(new.socket) as second:
            for question in (columns, triggers):
                found = first.execute(question.encode()).fetchall()
                assert found == second.execute(question.encode()).fetchall()
                assert len(found) > 5


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE lease SET epoch = epoch - 1", "epoch only grows"),
        ("UPDATE stack SET serial = serial - 1", "serial only grows"),
        ("UPDATE stack SET lineage = 'another'", "lineage stays"),
        ("UPDATE stack SET key_check = ''", "lineage stays"),
        ("UPDATE stack SET high_water_seq = 1", "trail only grows"),
        ("UPDATE stack SET high_water_hash = 'another'", "trail only grows"),
        ("UPDATE event SET reason = 'nothing happened' WHERE seq = 1", "never changed"),
        ("DELETE FROM event WHERE seq = 2", "never removed"),
        ("TRUNCATE event", "never removed"),
        ("INSERT INTO event SELECT * FROM event WHERE seq = 1", "event_pkey"),
        ("DELETE FROM stack", "one stack"),
        ("TRUNCATE lease", "one lease"),
        ("INSERT INTO lease (id) VALUES (2)", "lease_id_check"),
        ("INSERT INTO op SELECT request_id, 7, op_key, scope_id, person, revision, state, 1, '', '', '' FROM op", "op_op_key_key"),
        ("UPDATE op SET state = 'somewhere'", "op_state_check"),
        ("UPDATE op SET op_key = ''", "op_op_key_check"),
        ("DELETE FROM request", "foreign key"),
    ],
)  # fmt: skip
def test_i8_no_statement_takes_back_what_was_written(
    ledger: SqlLedger, lease: Lease, owner: Role, statement: str, said: str
) -> None:
    ledger.claim(lease, request(add(1)))
    ledger.finish(lease)
    with raw(owner.socket) as db, pytest.raises(psycopg.Error, match=said):
        db.execute(statement.encode())


def test_a_trail_whose_end_was_cut_off_by_the_owner_is_found(ledger: SqlLedger, lease: Lease, owner: Role) -> None:
    ledger.finish(lease)
    with raw(owner.socket) as db:
        db.execute("ALTER TABLE event DISABLE TRIGGER event_is_kept")
        db.execute("DELETE FROM event WHERE seq >= 3")
    assert str(verify(ledger)) == "event 3 is missing, and all after it: the trail went on to event 4"


def test_large_ledgers_are_searched_by_index(ledger: SqlLedger, lease: Lease) -> None:
    everybody = [add(number) for number in range(10_000)]
    ledger.outcome(lease, ledger.claim(lease, request(*everybody)), verdict(everybody))
    session = session_of(ledger)
    with session.transaction():
        session.write("ANALYZE")
    with session.transaction():
        for op in (add(10_001), add(1, verb="withdraw_contacts"), add(2, verb="update_contacts")):
            ledger.outcome(lease, ledger.claim(lease, request(op)), verdict([op]))
        ledger.open_requests()
        ledger.open_ops("r2")
        ledger.recover(lease)
        walked = session.fetch(
            "SELECT seq_tup_read FROM pg_stat_xact_user_tables WHERE relname IN ('op', 'event') AND schemaname = current_schema()"
        )
    assert walked == [(0,), (0,)]
