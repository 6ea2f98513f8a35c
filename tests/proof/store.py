"""The shipped ledger in memory, shared by all processes of a history, and the shipped journal without its thread.

A trail of triggers notes every change of state behind the ledger's back, so that what it did can be held against what it says it did.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from reconciler.ledger.base import Holder, Ledger
from reconciler.ledger.journal import Journal, _resolve
from reconciler.ledger.migrations import STEPS
from reconciler.ledger.sql_ledger import SqlLedger
from reconciler.ledger.sqlite import SqliteSession
from tests.proof.virtual import PROCESS, Process, VirtualClock

_TRAIL = """
CREATE TABLE trail (kind TEXT, request INTEGER, op_key BLOB, before TEXT, after TEXT);
CREATE TRIGGER op_came AFTER INSERT ON op BEGIN
  INSERT INTO trail VALUES ('op', NEW.request_id, NEW.op_key, '', NEW.state); END;
CREATE TRIGGER op_went AFTER UPDATE OF state ON op WHEN OLD.state <> NEW.state BEGIN
  INSERT INTO trail VALUES ('op', NEW.request_id, NEW.op_key, OLD.state, NEW.state); END;
CREATE TRIGGER request_came AFTER INSERT ON request BEGIN
  INSERT INTO trail VALUES ('request', NEW.id, NULL, '', NEW.state); END;
CREATE TRIGGER request_went AFTER UPDATE OF state ON request WHEN OLD.state <> NEW.state BEGIN
  INSERT INTO trail VALUES ('request', NEW.id, NULL, OLD.state, NEW.state); END;
"""


@cache
def _template() -> bytes:
    db = sqlite3.connect(":memory:")
    tables = "".join(step.sqlite for step in STEPS)
    db.executescript(f"BEGIN; {tables} {_TRAIL} COMMIT;")
    return db.serialize()


def database() -> sqlite3.Connection:
    """An empty ledger. One connection serves all processes: a transaction never waits in the middle, so none sees another's half."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.deserialize(_template())
    return db


class _Session(SqliteSession):
    def close(self) -> None:
        """The connection outlives the process."""


def ledger(db: sqlite3.Connection, clock: VirtualClock, is_dead: Callable[[Holder], bool]) -> Ledger:
    """As one process opens it."""
    return SqlLedger(_Session(db, Path("memory"), clock), is_dead)


class _Line:
    """Where calls wait for the commit that they share. `seams`: what may happen to the process around a commit."""

    def __init__(self, seams: Any, commit: Callable[[Any], Any]) -> None:
        self.seams, self._commit = seams, commit
        self.waiting: list[Any] = []

    def put(self, call: Any) -> None:
        if call is None:
            return
        PROCESS.get().check_alive()
        self.waiting.append(call)
        if len(self.waiting) == 1:
            asyncio.get_running_loop().call_later(self.seams.commit_takes(), self._begin)

    def _begin(self) -> None:
        """The process may freeze here, before anything is written."""
        self.seams.pass_by("commit")
        asyncio.get_running_loop().call_soon(self._write)

    def _write(self) -> None:
        process: Process = PROCESS.get()
        if process.dead:
            return
        group, self.waiting = self.waiting, []
        outcomes = self._commit(group)
        self.seams.committed()
        if not process.dead:
            asyncio.get_running_loop().call_soon(_resolve, group, outcomes)


class InLoopJournal(Journal):
    """What is committed together, how a call fails alone and how an answer comes back are the shipped journal's."""

    def __init__(self, ledger: Ledger, seams: Any) -> None:
        self._ledger, self._closed = ledger, False
        self._line: Any = _Line(seams, self._commit)

    async def close(self) -> None:
        self._closed = True
        while self._line.waiting and not PROCESS.get().dead:
            await asyncio.sleep(0.001)
