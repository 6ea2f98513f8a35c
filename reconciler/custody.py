"""Who has the ledger and where it is kept: freed from a holder that is gone, copied to a file, moved to another store."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from contextlib import AsyncExitStack, closing
from pathlib import Path

from reconciler import planfile
from reconciler.clock import Clock
from reconciler.errors import LedgerError, Misuse
from reconciler.keeping import check_project
from reconciler.ledger import open_ledger, open_reader
from reconciler.ledger.base import Freed, LedgerReader
from reconciler.ledger.closing import ARRIVING, CLOSED, MOVED, Move, check_open, moves
from reconciler.ledger.copying import Copied, copy
from reconciler.ledger.journal import Journal
from reconciler.ledger.place import Place, place
from reconciler.ledger.sql import Session, SqlReader
from reconciler.ledger.sqlite_file import write_new
from reconciler.model import StateStore
from reconciler.runs import Options, hold, holder_of
from reconciler.setup import Setup


def unlock(setup: Setup, reason: str) -> Freed:
    """Take the lease from whoever holds it: from now on that run can write neither to the ledger nor, within seconds, to a vendor.

    Needs no contact key. Raises Misuse where there is no ledger, NotThisLedger where it is another project's.
    """
    with closing(open_reader(*_where(setup))) as reader:
        _session(reader)
        check_project(reader, setup.repository.project.name)
        holder, since = reader.holder(), reader.held_since()
    with closing(open_ledger(*_where(setup))) as ledger:
        epoch = ledger.unlock(holder_of(setup.environ), reason)
    return Freed(epoch, holder, since if holder else "")


# ---- copies --------------------------------------------------------------------------------------------------------


def backup(setup: Setup, file: Path) -> Copied:
    """The whole ledger into `file`, a SQLite ledger of its own that did not exist, as it is at one moment, whoever holds the lease.

    Raises Misuse where there is no ledger, LedgerError where the file exists or the copy is not proved equal; then no file is left.
    """
    made: list[Copied] = []
    with closing(open_reader(*_where(setup))) as reader:
        source = _session(reader)
        write_new(file, setup.clock, lambda target: made.append(copy(source, target, {})))
    return made[0]


async def migrate(setup: Setup, to: str) -> tuple[Place, Copied | None]:
    """Move the ledger to `to` (see `place`) and close it here for good; None for what is copied where an earlier move is only finished.

    The order makes every crash safe: a copy that nobody may use, the source closed, the copy opened. Until the source is closed it is
    the one that counts; after that only the same command, again, opens the copy. Raises Misuse, LockHeld, NotThisLedger or LedgerError.
    """
    target = place(to, str(setup.root), setup.environ, setup.clock)
    with closing(open_reader(*_where(setup))) as source, closing(target.reader()) as there:
        _session(source)
        check_project(source, setup.repository.project.name)
        begun = _begun(source, there, target)
    if begun:
        _open_copy(setup, target, begun)
        return target, None
    async with AsyncExitStack() as stack:
        ledger = stack.enter_context(closing(open_ledger(*_where(setup))))
        journal = await stack.enter_async_context(Journal(ledger))
        lease = await stack.enter_async_context(hold(setup, Options(), journal))
        move = Move(secrets.token_hex(8), target.name, planfile.stamp(setup.clock.now()))
        copied = await asyncio.to_thread(_copy, setup, target, move)  # the lease is kept alive meanwhile
        await journal.run(lambda ledger: ledger.remember(lease, CLOSED, MOVED, move.encoded()))
    _open_copy(setup, target, move)
    return target, copied


def _begun(source: LedgerReader, there: LedgerReader, target: Place) -> Move | None:
    """The move that was cut short after the source was closed. Raises NotThisLedger or LedgerError where there can be none to `target`."""
    gone, arriving = moves(source).get(MOVED), moves(there).get(ARRIVING)
    if gone and gone == arriving:
        return gone
    check_open(source)
    if arriving:
        raise LedgerError(
            f"{target.name} holds a copy that was begun at {arriving.at} and never finished, and this ledger has gone on since. Nothing was"
            f" changed. {target.emptied}, then run this again."
        )
    if there.lineage:
        raise LedgerError(f"{target.name} holds a ledger already. Nothing was changed. Name a place that is empty.")
    return None


def _copy(setup: Setup, target: Place, move: Move) -> Copied:
    with closing(open_reader(*_where(setup))) as reader:
        return target.filled(lambda session: copy(_session(reader), session, {f"{CLOSED}/{ARRIVING}": move.encoded()}))


def _open_copy(setup: Setup, target: Place, move: Move) -> None:
    """The last step of a move: from here on the copy is the ledger."""
    holder = holder_of(setup.environ)
    with closing(target.ledger()) as ledger, ledger.transaction():
        ledger.session.write("UPDATE memory SET value = ? WHERE name = ?", b"", f"{CLOSED}/{ARRIVING}")
        lease = ledger.acquire(holder, setup.repository.project.state.lease)
        ledger.remember(lease, "arrived", move.copy, move.encoded())
        ledger.release(lease)


def _where(setup: Setup) -> tuple[StateStore, str, Mapping[str, str], Clock]:
    return setup.repository.project.state, str(setup.root), setup.environ, setup.clock


def _session(reader: LedgerReader) -> Session:
    """Raises Misuse where there is no ledger."""
    if not isinstance(reader, SqlReader):
        raise Misuse("There is no ledger yet: nothing was ever applied here.")
    return reader.session
