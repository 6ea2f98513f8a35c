"""What the ledger costs in either store: durable commits, people in batches, claim plus outcome around a 20 ms vendor call (10 to 30)."""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.table import Row, markdown
from reconciler.contacts.fingerprint import Fingerprints
from reconciler.ledger import open_ledger
from reconciler.ledger.base import Lease, Ledger, Op, OpState, Request, RequestState, Result, Verdict
from reconciler.ledger.holder import this_process
from reconciler.ledger.journal import Journal
from reconciler.model import Key, Person, Reference, StateStore
from tests.postgres import Server, server_of_its_own

PEOPLE = Key("bench", "campaign", "spring").contact_set("may")
IDENTITY = "5f" * 16
FINGERPRINTS = Fingerprints(b"a key of the benchmark, 32 bytes and more")
CALL_SECONDS = 0.02
ROUNDS = 5
CALLS = 40
# Of a real disk and outside of the repository: `/tmp` may be memory, and what is killed tidies nothing up.
DISK = "/var/tmp" if Path("/var/tmp").is_dir() else None
PEOPLE_COUNT = 50_000
MOST = 1.05


@dataclass(frozen=True, slots=True)
class Store:
    """`size`: how many bytes a ledger of this store takes on the disk."""

    name: str
    ledger: Callable[[], AbstractContextManager[tuple[Ledger, Lease, Callable[[], int]]]]


@contextmanager
def sqlite() -> Iterator[tuple[Ledger, Lease, Callable[[], int]]]:
    with tempfile.TemporaryDirectory(dir=DISK) as folder:
        path = Path(folder) / "state.db"
        with closing(open_ledger(StateStore(path=str(path)), "/", {})) as opened:
            yield opened, opened.acquire(this_process("bench", "bench"), 3600), lambda: path.stat().st_size


@contextmanager
def postgres(server: Server) -> Iterator[tuple[Ledger, Lease, Callable[[], int]]]:
    """Over loopback with a password, as a container beside the job would be reached; TLS costs at the start alone."""
    role = server.role()

    def size() -> int:
        with closing(server.admin()) as admin:
            tables = (
                "SELECT sum(pg_total_relation_size(oid))::bigint FROM pg_class WHERE relnamespace = %s::regnamespace"
            )
            return int(admin.execute(f"{tables} AND relkind = 'r'".encode(), (role.schema,)).fetchall()[0][0])

    store = StateStore(backend="postgres", url=Reference("env", "URL"))
    with closing(open_ledger(store, "/", {"URL": role.tcp})) as opened:
        yield opened, opened.acquire(this_process("bench", "bench"), 3600), size


def request(people: list[bytes]) -> Request:
    ops = [
        Op(operation(Person(each)), PEOPLE, IDENTITY, "add_contacts", Person(each), fields_mac=bytes(16))
        for each in people
    ]
    return Request("bench", PEOPLE, "add_contacts", "POST /v3/lead", bytes(16), "rc:k3f9qa", ops)


def operation(person: Person) -> bytes:
    return FINGERPRINTS.operation(PEOPLE.connection, IDENTITY, person, 1, "add")


def verdict(sent: Request) -> Verdict:
    results = [Result(op.op_key, OpState.CONFIRMED, secrets.token_hex(12)) for op in sent.ops]
    return Verdict(RequestState.CONFIRMED, results, 200, "answered")


def rows(people: int = PEOPLE_COUNT, calls: int = CALLS) -> list[Row]:
    with server_of_its_own(folder=Path(tempfile.mkdtemp(dir=DISK))) as server:
        stores = (Store("SQLite", sqlite), Store("PostgreSQL", lambda: postgres(server)))
        return [row for store in stores for row in of(store, people, calls)]


def of(store: Store, people: int, calls: int) -> list[Row]:
    return [
        commits(store, calls * 25),
        *(row for size in (500, 100) for row in batches(store, people, size)),
        *(cost(store, in_flight, 1, calls) for in_flight in (1, 4, 50)),
        cost(store, 4, 500, max(calls // 4, 1), rounds=3),
    ]


def syncs(count: int = 500) -> float:
    with tempfile.TemporaryFile(dir=DISK) as file:
        os.posix_fallocate(file.fileno(), 0, 4096 * count)
        os.fsync(file.fileno())
        begun = time.perf_counter()
        for page in range(count):
            os.pwrite(file.fileno(), bytes(4096), 4096 * page)
            os.fdatasync(file.fileno())
        return count / (time.perf_counter() - begun)


def commits(store: Store, count: int) -> Row:
    with store.ledger() as (opened, lease, _):
        requests = [request([secrets.token_bytes(16)]) for _ in range(count)]
        begun = time.perf_counter()
        for each in requests:
            opened.outcome(lease, opened.claim(lease, each), verdict(each))
        rate = 2 * count / (time.perf_counter() - begun)
    work = f"{store.name}: claims and outcomes of one person, one at a time"
    return Row("ledger", work, rate, "commits/s", syncs(), "bare disk syncs")


def batches(store: Store, people: int, size: int) -> list[Row]:
    """Each batch is claimed and confirmed, both durable; people in the order of their fingerprints, which is the best that can be had."""
    with store.ledger() as (opened, lease, disk):
        everybody = sorted(secrets.token_bytes(16) for _ in range(people))
        written = 0.0
        for at in range(0, people, size):
            each = request(everybody[at : at + size])
            decided = verdict(each)
            begun = time.perf_counter()
            opened.outcome(lease, opened.claim(lease, each), decided)
            written += time.perf_counter() - begun
        begun = time.perf_counter()
        if sum(1 for _ in opened.sent(IDENTITY)) != people:
            raise RuntimeError("the ledger did not keep everybody")
        read = time.perf_counter() - begun
        opened.close()
        note = f"{disk() / people:.0f} bytes each"
    work = f"{store.name}: {people:,} people in batches of {size}"
    return [
        Row("ledger", f"{work}, claimed and confirmed", people / written, "people/s", note=note),
        Row("ledger", f"{work}, read back in order", people / read, "people/s"),
    ]


def cost(store: Store, in_flight: int, size: int, calls: int, rounds: int = ROUNDS) -> Row:
    """How long a call takes each of `in_flight` workers when it is claimed before and recorded after, and when it is not."""
    timed = [asyncio.run(side_by_side(store, in_flight, size, calls)) for _ in range(min(rounds, calls))]
    bare, journalled = (statistics.median(times) / calls for times in zip(*timed, strict=True))
    work = f"{store.name}: a 20 ms call with claim and outcome, {in_flight} in flight, {size} in each"
    return Row("ledger", work, journalled, rival=bare, rival_name="without", most_ratio=MOST if size == 1 else None)


async def side_by_side(store: Store, in_flight: int, size: int, calls: int) -> tuple[float, float]:
    with store.ledger() as (opened, lease, _):
        waiting = [request([secrets.token_bytes(16) for _ in range(size)]) for _ in range(in_flight * calls)]
        decided = {each.body_mac + each.ops[0].op_key: verdict(each) for each in waiting}
        async with Journal(opened) as journal:

            async def bare() -> None:
                await asyncio.sleep(random.uniform(0.5, 1.5) * CALL_SECONDS)

            async def journalled() -> None:
                sent = waiting.pop()
                name = await journal.run(lambda ledger: ledger.claim(lease, sent))
                await bare()
                done = decided[sent.body_mac + sent.ops[0].op_key]
                await journal.run(lambda ledger: ledger.outcome(lease, name, done))

            return await timed(bare, in_flight, calls), await timed(journalled, in_flight, calls)


async def timed(call: Callable[[], Awaitable[None]], in_flight: int, calls: int) -> float:
    async def worker() -> None:
        for _ in range(calls):
            await call()

    begun = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(in_flight)))
    return time.perf_counter() - begun


if __name__ == "__main__":
    print(markdown(rows()), end="")
