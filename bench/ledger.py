"""What the ledger costs: durable commits, people in batches, and claim plus outcome around a vendor call of 20 ms.

`rows()` gives the table's lines: what, how much work, measured, goal. `python -m bench.ledger` prints them.
"""

from __future__ import annotations

import asyncio
import secrets
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from reconciler.ledger import open_ledger
from reconciler.ledger.base import Lease, Ledger, Op, OpState, Request, RequestState, Result, Verdict
from reconciler.ledger.holder import this_process
from reconciler.ledger.journal import Journal
from reconciler.model import Key, Person, StateStore

Row = tuple[str, str, str, str]

PEOPLE = Key("bench", "campaign", "spring").contact_set("may")
IDENTITY = "5f" * 16
CALL_SECONDS = 0.02
ROUNDS = 5


@contextmanager
def ledger() -> Iterator[tuple[Ledger, Lease, Path]]:
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        path = Path(folder) / "state.db"
        with closing(open_ledger(StateStore(path=str(path)), "/", {})) as opened:
            yield opened, opened.acquire(this_process("bench", "bench"), 3600), path


def request(people: list[bytes]) -> Request:
    ops = [
        Op(secrets.token_bytes(16), PEOPLE, IDENTITY, "add_contacts", Person(each), fields_mac=bytes(16))
        for each in people
    ]
    return Request("bench", PEOPLE, "add_contacts", "POST /v3/lead", bytes(16), "rc:k3f9qa", ops)


def verdict(sent: Request) -> Verdict:
    results = [Result(op.op_key, OpState.CONFIRMED, secrets.token_hex(12)) for op in sent.ops]
    return Verdict(RequestState.CONFIRMED, results, 200, "answered")


def rows() -> list[Row]:
    single = commits()
    return [
        ("ledger", "durable commits, one claim or outcome of one person each", f"{single:,.0f}/s", "-"),
        *(batches(100_000, 500), batches(100_000, 100)),
        *(cost(in_flight, 1, calls=40) for in_flight in (4, 50)),
        *(cost(in_flight, 500, calls=20) for in_flight in (4,)),
    ]


def commits(count: int = 1000) -> float:
    with ledger() as (opened, lease, _):
        requests = [request([secrets.token_bytes(16)]) for _ in range(count)]
        begun = time.perf_counter()
        for each in requests:
            opened.outcome(lease, opened.claim(lease, each), verdict(each))
        return 2 * count / (time.perf_counter() - begun)


def batches(people: int, size: int) -> Row:
    """Each batch is claimed and confirmed, both durable; people in the order of their fingerprints, as an apply sends them."""
    with ledger() as (opened, lease, path):
        everybody = sorted(secrets.token_bytes(16) for _ in range(people))
        requests = [request(everybody[at : at + size]) for at in range(0, people, size)]
        verdicts = [verdict(each) for each in requests]
        begun = time.perf_counter()
        for each, decided in zip(requests, verdicts, strict=True):
            opened.outcome(lease, opened.claim(lease, each), decided)
        written = time.perf_counter() - begun
        begun = time.perf_counter()
        assert sum(1 for _ in opened.sent(IDENTITY)) == people
        read = time.perf_counter() - begun
        opened.close()
        measured = (
            f"{people / written:,.0f} people/s claimed and confirmed, {people / read:,.0f}/s read back,"
            f" {path.stat().st_size / people:.0f} bytes each"
        )
        return ("ledger", f"{people:,} people in batches of {size}", measured, "-")


def cost(in_flight: int, size: int, calls: int) -> Row:
    """How much longer `calls` calls take on each of `in_flight` workers when each is claimed before and recorded after."""
    ratios = []
    for _ in range(ROUNDS):
        bare, journalled = asyncio.run(side_by_side(in_flight, size, calls))
        ratios.append(journalled / bare - 1)
    work = f"claim and outcome around a 20 ms call, {in_flight} in flight, {size} in each"
    goal = "at most 5 %" if size == 1 else "-"
    return ("ledger", work, f"{statistics.median(ratios):.1%}", goal)


async def side_by_side(in_flight: int, size: int, calls: int) -> tuple[float, float]:
    with ledger() as (opened, lease, _):
        waiting = [request([secrets.token_bytes(16) for _ in range(size)]) for _ in range(in_flight * calls)]
        decided = {each.body_mac + each.ops[0].op_key: verdict(each) for each in waiting}
        async with Journal(opened) as journal:

            async def bare() -> None:
                await asyncio.sleep(CALL_SECONDS)

            async def journalled() -> None:
                sent = waiting.pop()
                name = await journal.run(lambda ledger: ledger.claim(lease, sent))
                await asyncio.sleep(CALL_SECONDS)
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
    for row in rows():
        print(" | ".join(row))
