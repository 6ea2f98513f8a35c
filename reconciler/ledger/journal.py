"""The ledger for asyncio: calls wait in a line for one thread, and those that wait together share one durable commit.

Group commit is what makes a claim before and an outcome after every vendor call affordable. What the calls do is theirs.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar

from reconciler.errors import LedgerError
from reconciler.ledger.base import Ledger

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class _Call:
    run: Callable[[Ledger], Any]
    answer: asyncio.Future[Any]


_Outcome = tuple[Any, BaseException | None]


class Journal:
    """Front of `ledger`, which only the journal's thread uses until `close`; closing the ledger is its owner's."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._line: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._closed = False
        # A daemon: a process that dies without `close` must not wait; a commit cut short is rolled back by the store.
        self._thread = threading.Thread(target=self._work, name="journal", daemon=True)
        self._thread.start()

    async def run(self, call: Callable[[Ledger], Value]) -> Value:
        """What `call(ledger)` returns or raises, once it is durable.

        A call that raises is rolled back alone. Where the commit itself fails, every call of the group raises that error. A call handed
        in is carried out even when nobody waits for it any more. Raises LedgerError after `close`.
        """
        if self._closed:
            raise LedgerError("The ledger was closed before this step: nothing was written.")
        answer: asyncio.Future[Value] = asyncio.get_running_loop().create_future()
        self._line.put(_Call(call, answer))
        return await answer

    async def close(self) -> None:
        """Carry out what was handed in, then end the thread. A second time: nothing."""
        self._closed = True
        self._line.put(None)
        await asyncio.to_thread(self._thread.join)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def _work(self) -> None:
        while group := self._waiting():
            outcomes = self._commit(group)
            # A loop that was closed meanwhile has nobody left who waits.
            with suppress(RuntimeError):
                group[0].answer.get_loop().call_soon_threadsafe(_resolve, group, outcomes)

    def _waiting(self) -> Sequence[_Call]:
        """The next call and all that came while the last commit was written; empty at the end."""
        group: list[_Call] = []
        call = self._line.get()
        while call is not None:
            group.append(call)
            try:
                call = self._line.get_nowait()
            except queue.Empty:
                return group
        if group:
            self._line.put(None)  # the end comes after this group
        return group

    def _commit(self, group: Sequence[_Call]) -> Sequence[_Outcome]:
        try:
            with self._ledger.transaction():
                return [self._attempt(call) for call in group]
        except BaseException as error:
            return [(None, error)] * len(group)

    def _attempt(self, call: _Call) -> _Outcome:
        try:
            with self._ledger.transaction():
                return call.run(self._ledger), None
        except BaseException as error:
            return None, error


def _resolve(group: Sequence[_Call], outcomes: Sequence[_Outcome]) -> None:
    for call, (value, error) in zip(group, outcomes, strict=True):
        if call.answer.done():  # cancelled while it waited
            continue
        if error is None:
            call.answer.set_result(value)
        else:
            call.answer.set_exception(error)
