"""The asyncio front of the ledger: one thread, one commit for all who wait, no answer before it is durable."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import LedgerError
from reconciler.ledger.base import Ledger
from reconciler.ledger.journal import Journal
from tests.contract.ledgers import IDENTITY, STORES, Store, add, holder, request


class Watched:
    """A ledger that counts commits, can be held up in the middle of one, and can be told to fail it."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._depth = 0
        self.commits = 0
        self.failure: Exception | None = None
        self.threads: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    def transaction(self) -> AbstractContextManager[None]:
        return self._transaction()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self.threads.add(threading.current_thread().name)
        self._depth += 1
        outer = self._depth == 1
        try:
            with self._ledger.transaction():
                yield
                if outer and self.failure:
                    raise self.failure
            self.commits += outer
        finally:
            self._depth -= 1


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with STORES[request.param](tmp_path) as store:
        yield store


@pytest.fixture
def ledger(store: Store) -> Iterator[Any]:
    """A Ledger; what it watches beside that is no part of the contract."""
    with closing(store.ledger()) as ledger:
        yield Watched(ledger)


class Gate:
    """Holds the journal's thread up, so that calls pile up behind it."""

    def __init__(self) -> None:
        self.entered, self.opened = threading.Event(), threading.Event()

    def __call__(self, ledger: Ledger) -> None:
        self.entered.set()
        assert self.opened.wait(10)


def run(main: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(main, 20))


async def settle(*tasks: asyncio.Future[Any]) -> list[Any]:
    return await asyncio.gather(*tasks, return_exceptions=True)


async def piled(journal: Journal, *calls: Any) -> tuple[Gate, list[asyncio.Future[Any]]]:
    """The calls, waiting in line behind a gate that is still shut."""
    gate = Gate()
    tasks: list[asyncio.Future[Any]] = [asyncio.ensure_future(journal.run(gate))]
    await asyncio.to_thread(gate.entered.wait, 10)
    tasks += [asyncio.ensure_future(journal.run(call)) for call in calls]
    await asyncio.sleep(0)
    return gate, tasks


def test_a_call_gives_what_it_returns_and_raises_what_it_raises(ledger: Any, store: Store) -> None:
    def wrong(_: Ledger) -> None:
        raise KeyError("its own")

    async def main() -> None:
        async with Journal(ledger) as journal:
            lease = await journal.run(lambda ledger: ledger.acquire(holder(), 60))
            name = await journal.run(lambda ledger: ledger.claim(lease, request(add(1))))
            assert [waiting.id for waiting in store.reader().open_requests()] == [name]
            with pytest.raises(KeyError, match="its own"):
                await journal.run(wrong)

    run(main())
    assert ledger.threads == {"journal"}


def test_who_waits_together_shares_one_commit_and_nobody_is_answered_before_it(ledger: Any, store: Store) -> None:
    async def main() -> None:
        async with Journal(ledger) as journal:
            lease = await journal.run(lambda ledger: ledger.acquire(holder(), 60))
            calls = [lambda ledger, n=number: ledger.claim(lease, request(add(n))) for number in range(20)]
            gate, tasks = await piled(journal, *calls)
            before = ledger.commits
            gate.opened.set()
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            await tasks[1]
            assert len(list(store.reader().sent(IDENTITY))) == 20
            names = await settle(*tasks[1:])
            assert [waiting.id for waiting in store.reader().open_requests()] == names
            assert ledger.commits - before == 2  # the gate's and theirs

    run(main())


def test_one_that_fails_is_undone_alone(ledger: Any) -> None:
    async def main() -> None:
        async with Journal(ledger) as journal:
            lease = await journal.run(lambda ledger: ledger.acquire(holder(), 60))

            def half(ledger: Ledger) -> None:
                ledger.claim(lease, request(add(2)))
                raise RuntimeError("between two writes")

            gate, tasks = await piled(
                journal,
                lambda ledger: ledger.claim(lease, request(add(1))),
                half,
                lambda ledger: ledger.claim(lease, request(add(3))),
            )
            gate.opened.set()
            _, first, failed, last = await settle(*tasks)
            assert isinstance(failed, RuntimeError)
            assert (first, last) == ("r1", "r2")

    run(main())
    assert [int.from_bytes(sent.person, "big") for sent in ledger.sent(IDENTITY)] == [1, 3]


def test_a_commit_that_fails_fails_everybody_in_it_and_nobody_after(ledger: Any) -> None:
    async def main() -> None:
        async with Journal(ledger) as journal:
            lease = await journal.run(lambda ledger: ledger.acquire(holder(), 60))

            def wrong(_: Ledger) -> None:
                raise RuntimeError("its own")

            gate, tasks = await piled(
                journal,
                lambda ledger: ledger.claim(lease, request(add(1))),
                wrong,
                lambda ledger: ledger.claim(lease, request(add(2))),
            )
            ledger.failure = LedgerError("the disk is full")
            gate.opened.set()
            answers = await settle(*tasks)
            ledger.failure = None
            assert [str(answer) for answer in answers] == ["the disk is full"] * 4
            await journal.run(lambda ledger: ledger.claim(lease, request(add(3))))

    run(main())
    assert [int.from_bytes(sent.person, "big") for sent in ledger.sent(IDENTITY)] == [3]


def test_closing_carries_out_what_was_handed_in_and_takes_nothing_new(ledger: Any) -> None:
    async def main() -> None:
        journal = Journal(ledger)
        lease = await journal.run(lambda ledger: ledger.acquire(holder(), 60))
        calls = [lambda ledger, n=number: ledger.claim(lease, request(add(n))) for number in range(5)]
        gate, tasks = await piled(journal, *calls)
        closing = asyncio.ensure_future(journal.close())
        await asyncio.sleep(0)
        gate.opened.set()
        await closing
        assert all(task.done() and not task.exception() for task in tasks)
        with pytest.raises(LedgerError, match="was closed"):
            await journal.run(lambda ledger: ledger.serial)
        await journal.close()

    run(main())
    assert len(list(ledger.sent(IDENTITY))) == 5
    assert "journal" not in {thread.name for thread in threading.enumerate()}


def test_a_call_nobody_waits_for_any_more_is_carried_out(ledger: Any) -> None:
    async def main() -> None:
        async with Journal(ledger) as journal:
            lease = await journal.run(lambda ledger: ledger.acquire(holder(), 60))
            gate, tasks = await piled(
                journal,
                lambda ledger: ledger.claim(lease, request(add(1))),
                lambda ledger: ledger.claim(lease, request(add(2))),
            )
            tasks[1].cancel()
            gate.opened.set()
            _, cancelled, answer = await settle(*tasks)
            assert isinstance(cancelled, asyncio.CancelledError)
            assert answer == "r2"

    run(main())
    assert len(list(ledger.sent(IDENTITY))) == 2


def test_a_loop_that_is_gone_does_not_stop_the_journal(ledger: Any) -> None:
    gate = Gate()

    async def leave() -> Journal:
        journal = Journal(ledger)
        task = asyncio.ensure_future(journal.run(gate))
        await asyncio.to_thread(gate.entered.wait, 10)
        task.cancel()
        return journal

    async def come_back(journal: Journal) -> None:
        assert await journal.run(lambda ledger: ledger.serial) == 0
        await journal.close()

    journal = asyncio.run(leave())
    gate.opened.set()
    run(come_back(journal))
