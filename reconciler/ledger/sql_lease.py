"""Who may write a ledger kept in SQL: the lease, the fence in front of every write, and the event behind it. No requests here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import astuple

from reconciler.errors import LeaseLost, LockHeld
from reconciler.ledger.base import Event, Holder, Lease
from reconciler.ledger.chain import GENESIS, link
from reconciler.ledger.closing import check_open
from reconciler.ledger.sql import Session, SqlReader, moment
from reconciler.redact import foreign

_MOMENT = 1.0  # seconds
_HOLDER = "run, host, pid, actor, url, boot_id, started"


class SqlLease(SqlReader):
    """`is_dead`: whether a holder is proved to be gone, so that its lease need not run out."""

    def __init__(self, session: Session, is_dead: Callable[[Holder], bool]) -> None:
        super().__init__(session)
        self._is_dead = is_dead
        self._newest: tuple[int, str] | None = None  # of the trail, while `_writing` keeps everybody else out

    def transaction(self) -> AbstractContextManager[None]:
        return self._session.transaction()

    def acquire(self, holder: Holder, seconds: int) -> Lease:
        with self.transaction():
            check_open(self)
            now = self._session.now()
            before, since, expires_at = self._held()
            dead = bool(before.run) and self._is_dead(before)
            if before.run and expires_at > now and not dead:
                raise LockHeld(_held_by(before, since))
            values = (*astuple(holder), moment(now), seconds, now + seconds)
            rows = self._session.fetch(
                "UPDATE lease SET epoch = epoch + 1, run = ?, host = ?, pid = ?, actor = ?, url = ?, boot_id = ?, started = ?,"
                " since = ?, seconds = ?, expires_at = ? RETURNING epoch",
                *values,
            )
            lease = Lease(rows[0][0], holder)
            reason = (
                "acquired" if not before.run else "taken over: the holder is dead" if dead else "taken over: expired"
            )
            self._event(lease, "lease", before.run, holder.run, reason)
            return lease

    def unlock(self, holder: Holder, reason: str = "unlocked by hand") -> int:
        with self.transaction():
            before, _, _ = self._held()
            rows = self._session.fetch("UPDATE lease SET epoch = epoch + 1, run = '', expires_at = 0 RETURNING epoch")
            epoch = int(rows[0][0])
            self._event(Lease(epoch, holder), "lease", before.run, "", foreign(reason))
            return epoch

    def renew(self, lease: Lease, seconds: int) -> None:
        with self._writing(lease):
            expires_at = self._session.now() + seconds
            self._session.write("UPDATE lease SET seconds = ?, expires_at = ?", seconds, expires_at)

    def release(self, lease: Lease) -> None:
        with self.transaction():
            if not self._session.fetch("SELECT 1 FROM lease WHERE epoch = ? AND run = ''", lease.epoch):
                with self._writing(lease):
                    self._free(lease, "released")

    def _held(self) -> tuple[Holder, str, float]:
        *holder, since, expires_at = self._session.fetch(f"SELECT {_HOLDER}, since, expires_at FROM lease")[0]
        return Holder(*holder), since, expires_at

    def _free(self, lease: Lease, reason: str) -> None:
        self._session.write("UPDATE lease SET run = '', expires_at = 0")
        self._event(lease, "lease", lease.holder.run, "", reason)

    @contextmanager
    def _writing(self, lease: Lease) -> Iterator[None]:
        """One transaction that only the newest epoch gets into."""
        with self.transaction():
            try:
                self._fence(lease)
                yield
            finally:
                self._newest = None

    def _fence(self, lease: Lease) -> None:
        """Every write renews the lease, but a lease renewed a moment ago is not written again."""
        held = self._session.fetch(
            "SELECT seconds, expires_at, high_water_seq, high_water_hash FROM lease, stack WHERE epoch = ? AND run <> ''",
            lease.epoch,
        )
        if not held:
            raise LeaseLost(_overtaken(*self._held()))
        seconds, expires_at, *newest = held[0]
        self._newest = (newest[0], newest[1])
        fresh = self._session.now() + seconds
        if expires_at < fresh - _MOMENT:
            self._session.write("UPDATE lease SET expires_at = ?", fresh)

    def _event(self, lease: Lease, entity: str, before: str, after: str, reason: str) -> None:
        # Where the newest events were cut off, the gap stays: the trail goes on from where it was, not from where it is now.
        seq, previous = self._newest or self.high_water or (0, GENESIS)
        line = (seq + 1, lease.epoch, moment(self._session.now()), lease.holder.actor, entity, before, after, reason)
        linked = link(previous, Event(*line))
        self._session.write(
            "INSERT INTO event (seq, epoch, at, actor, entity, before, after, reason, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            *(*line, linked),
        )
        if self._newest:
            self._newest = (seq + 1, linked)


def _held_by(holder: Holder, since: str) -> str:
    where = f" ({holder.url})" if holder.url else ""
    return (
        f"The ledger is held by run {holder.run}{where} of {holder.actor} on {holder.host}, process {holder.pid}, since {since}."
        " Nothing was changed. Wait for it with `--lock-timeout 10m`; where that run is certainly gone: `reconciler state unlock`."
    )


def _overtaken(holder: Holder, since: str, _: float) -> str:
    by = f"run {holder.run} on {holder.host} took it over at {since}" if holder.run else "it was released or unlocked"
    return (
        f"This run no longer holds the ledger: {by}. It writes nothing more; what it had sent without an outcome is in doubt"
        " and is settled by the next `reconciler apply`."
    )
