"""The PostgreSQL ledger in use: connections that break, commits whose answer is lost, several at once, and a pooler in between."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from reconciler.clock import SystemClock
from reconciler.errors import LedgerError
from reconciler.ledger import open_ledger, postgres, postgres_address
from reconciler.ledger.base import Lease
from reconciler.ledger.chain import verify
from reconciler.ledger.sql_ledger import SqlLedger
from tests import postgres as running
from tests.contract.ledgers import IDENTITY, KEY_CHECK, POSTGRES, add, holder, request, verdict
from tests.postgres import Role, Server, cut_at_commit, pooled
from tests.test_ledger_postgres import opened, raw, session_of


@pytest.fixture(scope="module")
def server() -> Server:
    return running.server()


@pytest.fixture
def owner(server: Server) -> Role:
    return server.role()


@pytest.fixture
def ledger(owner: Role) -> Iterator[SqlLedger]:
    with closing(opened(owner.socket)) as ledger:
        yield ledger


@pytest.fixture
def lease(ledger: SqlLedger) -> Lease:
    lease = ledger.acquire(holder(), 60)
    ledger.start(lease, KEY_CHECK)
    return lease


def people(ledger: SqlLedger) -> list[int]:
    return [int.from_bytes(sent.person, "big") for sent in ledger.sent(IDENTITY)]


class TestABrokenConnection:
    def test_between_two_transactions_it_is_opened_again(
        self, server: Server, owner: Role, ledger: SqlLedger, lease: Lease
    ) -> None:
        for number in (1, 2):
            server.cut(owner)
            assert ledger.serial == 0
            server.cut(owner)
            ledger.claim(lease, request(add(number)))
        assert people(ledger) == [1, 2]
        server.cut(owner)  # the stream's too
        assert people(ledger) == [1, 2]

    def test_within_one_nothing_is_kept_and_nothing_goes_on(
        self, server: Server, owner: Role, ledger: SqlLedger, lease: Lease
    ) -> None:
        def group() -> None:
            with ledger.transaction():
                ledger.claim(lease, request(add(1)))
                server.cut(owner)
                with pytest.raises(LedgerError, match="went away in the middle"):
                    ledger.claim(lease, request(add(2)))
                with pytest.raises(LedgerError, match=r"Nothing of this commit was kept.*went away"):
                    ledger.claim(lease, request(add(3)))

        with pytest.raises(LedgerError, match="Nothing of this commit was kept"):
            group()
        assert people(ledger) == []
        ledger.claim(lease, request(add(4)))
        assert (people(ledger), verify(ledger)) == ([4], 3)

    def test_what_cannot_be_rolled_back_alone_is_never_committed(
        self, server: Server, owner: Role, ledger: SqlLedger, lease: Lease
    ) -> None:
        def half() -> None:
            with ledger.transaction():
                ledger.claim(lease, request(add(2)))
                server.cut(owner)
                raise RuntimeError("between two writes")

        def group() -> None:
            with ledger.transaction():
                ledger.claim(lease, request(add(1)))
                with pytest.raises(RuntimeError):
                    half()

        with pytest.raises(LedgerError, match="Nothing of this commit was kept"):
            group()
        assert people(ledger) == []

    def test_a_statement_that_failed_takes_the_commit_with_it(self, ledger: SqlLedger, lease: Lease) -> None:
        def group() -> None:
            with ledger.transaction():
                ledger.claim(lease, request(add(1)))
                with pytest.raises(
                    LedgerError, match=r"refused a write or cannot be used: relation .* does not exist|missing"
                ):
                    session_of(ledger).write("UPDATE nothing SET x = 1")

        with pytest.raises(LedgerError, match="nothing of this commit was kept"):
            group()
        assert people(ledger) == []

    def test_a_commit_that_the_server_refuses_was_not_kept(self, owner: Role, ledger: SqlLedger, lease: Lease) -> None:
        with raw(owner.socket) as db:
            db.execute(
                "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'too late'; END $$;"
                "CREATE CONSTRAINT TRIGGER fails AFTER INSERT ON request DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
                " EXECUTE FUNCTION fail()"
            )
        with pytest.raises(LedgerError, match=r"refused a write or cannot be used: too late\. Nothing was changed"):
            ledger.claim(lease, request(add(1)))
        assert people(ledger) == []

    def test_a_server_that_does_not_come_back_is_given_up(
        self, owner: Role, ledger: SqlLedger, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(postgres_address, "BACK_SECONDS", 0.5)
        server.run(f"ALTER ROLE {owner.name} CONNECTION LIMIT 0")
        server.cut(owner)
        with pytest.raises(LedgerError, match="has no connection left"):
            ledger.acquire(holder(), 60)

    def test_after_close_it_stays_closed(self, owner: Role) -> None:
        ledger = opened(owner.socket)
        ledger.close()
        for use in (lambda: ledger.serial, lambda: ledger.acquire(holder(), 60), lambda: list(ledger.events())):
            with pytest.raises(LedgerError, match="it was closed"):
                use()

    @pytest.mark.parametrize("kept", [False, True])
    def test_a_commit_without_an_answer_is_said_to_be_in_doubt(self, owner: Role, server: Server, kept: bool) -> None:
        opened(owner.socket).close()
        with cut_at_commit(server, after=kept) as proxy, closing(opened(proxy.url(owner))) as ledger:
            lease = ledger.acquire(holder(), 60)
            proxy.armed = 1
            with pytest.raises(LedgerError, match=r"whether it was kept is not known\. What it claimed was not sent"):
                ledger.claim(lease, request(add(1)))
            assert people(ledger) == ([1] if kept else [])
            ledger.claim(lease, request(add(2)))
            assert verify(ledger) == (3 if kept else 2)


class TestWords:
    @pytest.mark.parametrize(
        ("code", "said"),
        [
            ("53100", "the disk of the server is full. Nothing was changed"),
            ("58030", "the disk of the server reports an error"),
            ("XX001", "is damaged. Do not start with an empty one"),
            ("25006", "a standby, or its transactions are read-only"),
            ("P0001", "refused a write or cannot be used: the words of the server"),
            ("42501", "may not be used by this role: the words of the server"),
            ("08006", "went away in the middle"),
        ],
    )
    def test_what_the_server_reports(self, owner: Role, ledger: SqlLedger, lease: Lease, code: str, said: str) -> None:
        with raw(owner.socket) as db:
            db.execute(
                "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION USING MESSAGE ="
                f" 'the words of the server', ERRCODE = '{code}'; END $$;"
                "CREATE TRIGGER fails BEFORE INSERT ON request EXECUTE FUNCTION fail()".encode()
            )
        with pytest.raises(LedgerError) as caught:
            ledger.claim(lease, request(add(1)))
        assert said in str(caught.value)
        assert str(caught.value).startswith("The ledger postgres on ")
        assert caught.value.__suppress_context__
        assert (people(ledger), ledger.open_requests()) == ([], [])

    def test_a_ledger_that_another_process_keeps_writing(
        self, owner: Role, ledger: SqlLedger, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shorter = postgres._WRITING.replace(b"lock_timeout = '20s'", b"lock_timeout = '50ms'")
        monkeypatch.setattr(postgres, "_WRITING", shorter)
        with raw(owner.socket) as other:
            other.execute("BEGIN; SELECT 1 FROM lease FOR UPDATE")
            with pytest.raises(LedgerError, match="is busy"):
                ledger.acquire(holder(), 60)
            other.execute("ROLLBACK")
        assert ledger.acquire(holder(), 60).epoch == 1

    def test_a_statement_that_takes_too_long(self, ledger: SqlLedger, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(postgres, "_READING", postgres._READING.replace(b"60s", b"50ms"))
        with pytest.raises(LedgerError, match="is too slow"):
            session_of(ledger).fetch("SELECT pg_sleep(5)")
        assert ledger.serial == 0

    def test_a_schema_that_may_no_longer_be_used(self, server: Server, owner: Role, ledger: SqlLedger) -> None:
        with closing(opened(server.granted(owner).socket)) as denied:
            name = session_of(denied).fetch("SELECT current_user::text")[0][0]
            server.run(f"REVOKE USAGE ON SCHEMA {owner.schema} FROM {name}")
            with pytest.raises(LedgerError, match=r"a table is missing, or this role no longer finds it"):
                denied.acquire(holder(), 60)
            with pytest.raises(LedgerError, match=f"GRANT USAGE ON SCHEMA {owner.schema}"):
                session_of(denied).fetch(f"SELECT 1 FROM {owner.schema}.lease")


class TestStreams:
    def test_one_may_be_left_half_way_and_written_meanwhile(self, ledger: SqlLedger, lease: Lease) -> None:
        ledger.claim(lease, request(*(add(number) for number in range(5))))
        walk, other = ledger.sent(IDENTITY), ledger.events()
        next(walk), next(other)
        ledger.claim(lease, request(add(7)))
        assert len(list(other)) == 2  # as it was when it began
        del walk
        assert len(people(ledger)) == 6

    def test_one_within_a_transaction_sees_what_was_written_in_it(self, ledger: SqlLedger, lease: Lease) -> None:
        with ledger.transaction():
            ledger.claim(lease, request(add(1)))
            assert people(ledger) == [1]
            assert verify(ledger) == 3

    def test_more_rows_than_are_fetched_at_once(self, ledger: SqlLedger, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(postgres, "_READ_AT_ONCE", 7)
        monkeypatch.setattr(postgres, "_LOADED_AT_ONCE", 11)
        rows = [(f"loaded/{number:03}", bytes([number])) for number in range(100)]
        assert session_of(ledger).load("memory", ("name", "value"), iter(rows)) == 100
        assert list(session_of(ledger).stream("SELECT name, value FROM memory ORDER BY name")) == rows

    def test_a_snapshot_is_one_moment_and_keeps_nobody_from_writing(
        self, owner: Role, ledger: SqlLedger, lease: Lease
    ) -> None:
        with closing(opened(owner.socket)) as reader:
            session = session_of(reader)
            with session.snapshot():
                assert (reader.serial, reader.holder()) == (0, lease.holder)
                ledger.finish(lease)
                assert (reader.serial, len(list(reader.events()))) == (0, 2)
                with pytest.raises(LedgerError, match="read-only"):
                    session.write("UPDATE stack SET serial = 5")
            assert (reader.serial, len(list(reader.events()))) == (1, 4)


class TestTheClock:
    def test_it_is_the_servers(self, owner: Role, ledger: SqlLedger, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(SystemClock, "now", lambda self: pytest.fail("this host's clock was asked"))
        with closing(open_ledger(POSTGRES, "/project", {"STATE_URL": owner.socket}, SystemClock())) as other:
            lease = other.acquire(holder(), 1)
            assert ledger.holder() == holder()
            session = session_of(ledger)
            with session.transaction():
                then = session.now()
                time.sleep(0.05)
                assert 0.05 <= session.now() - then < 5
                (real,) = session.fetch("SELECT extract(epoch FROM clock_timestamp())::float8")[0]
                assert abs(real - session.now()) < 1
            time.sleep(1)
            assert ledger.holder() is None
            other.release(lease)


_RACING = """
import sys
from contextlib import closing
from reconciler.errors import LockHeld
from reconciler.ledger import open_ledger
from tests.contract.ledgers import KEY_CHECK, POSTGRES, add, holder, request, verdict
number, turns = int(sys.argv[2]), 0
with closing(open_ledger(POSTGRES, "/project", {"STATE_URL": sys.argv[1]})) as ledger:
    while turns < 8:
        try:
            lease = ledger.acquire(holder(f"run-{number}"), 60)
        except LockHeld:
            continue
        ledger.start(lease, KEY_CHECK)
        ops = [add(1000 * number + turns)]
        ledger.outcome(lease, ledger.claim(lease, request(*ops)), verdict(ops))
        ledger.release(lease)
        print(lease.epoch, flush=True)
        turns += 1
"""


def test_processes_that_race_for_the_lease_have_it_one_at_a_time(ledger: SqlLedger, owner: Role) -> None:
    command = [sys.executable, "-c", _RACING, owner.socket]
    racing = [subprocess.Popen([*command, str(number)], stdout=subprocess.PIPE, text=True) for number in (1, 2, 3)]
    epochs = [int(line) for each in racing for line in each.communicate(timeout=120)[0].split()]
    assert [each.returncode for each in racing] == [0, 0, 0]
    assert sorted(epochs) == list(range(1, 25))
    assert people(ledger) == sorted(1000 * number + turn for number in (1, 2, 3) for turn in range(8))
    # Between the take-over and the release of one run no other one wrote.
    owners = [event.after or event.before for event in ledger.events() if event.entity == "lease"]
    assert all(first == second for first, second in zip(owners[::2], owners[1::2], strict=True))
    assert verify(ledger) == len(list(ledger.events())) == 1 + 24 * 4


_FREEZING = """
import sys
from contextlib import closing
from reconciler.errors import LedgerError
from reconciler.ledger import open_ledger, postgres
from tests.contract.ledgers import KEY_CHECK, POSTGRES, add, holder, request
postgres._WRITING = postgres._WRITING.replace(b"session_timeout = '10s'", b"session_timeout = '1s'")
def wait(word):
    print(word, flush=True)
    sys.stdin.readline()
with closing(open_ledger(POSTGRES, "/project", {"STATE_URL": sys.argv[1]})) as ledger:
    lease = ledger.acquire(holder("frozen"), 1)
    ledger.start(lease, KEY_CHECK)
    try:
        with ledger.transaction():
            ledger.claim(lease, request(add(1)))
            wait("inside")
    except LedgerError as error:
        print(error, flush=True)
    try:
        ledger.claim(lease, request(add(2)))
    except LedgerError as error:
        print(type(error).__name__, error, flush=True)
"""


def test_a_holder_that_freezes_in_the_middle_of_a_write_holds_nobody_up_and_is_fenced(
    ledger: SqlLedger, owner: Role
) -> None:
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", _FREEZING, owner.socket]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as frozen:
        assert frozen.stdout and frozen.stdin
        assert frozen.stdout.readline() == "inside\n"
        frozen.send_signal(signal.SIGSTOP)
        begun = time.monotonic()
        lease = ledger.acquire(holder("next"), 60)  # waits until the server has undone what the other one began
        assert time.monotonic() - begun < 20
        assert ledger.recover(lease) == 0
        ledger.claim(lease, request(add(1)))
        frozen.send_signal(signal.SIGCONT)
        said, _ = frozen.communicate("go on\n", timeout=60)
    inside, after = said.splitlines()
    assert "stood still in the middle of a write" in inside or "whether it was kept is not known" in inside
    assert after.startswith("LeaseLost") and "run next" in after
    assert people(ledger) == [1]
    assert [waiting.run for waiting in ledger.open_requests()] == ["next"]


class TestThroughAPooler:
    """PgBouncer in transaction mode, with fewer connections to the server than there are from us."""

    @pytest.fixture
    def url(self, server: Server, owner: Role) -> Iterator[str]:
        opened(owner.socket).close()
        with pooled(server, owner) as url:
            yield url

    def test_several_at_once_share_connections_and_nothing_gets_mixed_up(self, url: str) -> None:
        ledgers = [opened(url) for _ in range(4)]
        failures: list[BaseException] = []

        def work(number: int, ledger: SqlLedger) -> None:
            try:
                for turn in range(10):
                    ops = [add(1000 * number + 10 * turn + each) for each in range(3)]
                    with ledger.transaction():
                        lease = Lease(epoch, holder())
                        ledger.outcome(lease, ledger.claim(lease, request(*ops)), verdict(ops))
                    assert set(ops) and len(people(ledger)) >= 3
            except BaseException as error:
                failures.append(error)

        epoch = ledgers[0].acquire(holder(), 600).epoch
        threads = [threading.Thread(target=work, args=each) for each in enumerate(ledgers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        assert failures == []
        assert (len(people(ledgers[0])), verify(ledgers[0])) == (120, 81)
        for ledger in ledgers:
            ledger.close()

    def test_nothing_is_left_on_a_connection(self, server: Server, owner: Role, url: str) -> None:
        with closing(opened(url)) as ledger:
            lease = ledger.acquire(holder(), 60)
            ledger.claim(lease, request(*(add(number) for number in range(50))))
            session_of(ledger).load("memory", ("name", "value"), [("loaded/x", b"")])
            assert len(people(ledger)) == 50
        with raw(url) as next_client:
            for question, expected in (
                ("SELECT count(*) FROM pg_prepared_statements", 0),
                ("SELECT count(*) FROM pg_cursors WHERE is_holdable", 0),
                ("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'", 0),
                ("SELECT count(*) FROM pg_class WHERE relpersistence = 't'", 0),
                ("SELECT count(*) FROM pg_settings WHERE source = 'session' AND name ~ 'timeout|commit'", 0),
            ):
                assert next_client.execute(question.encode(), prepare=False).fetchall() == [(expected,)], question
