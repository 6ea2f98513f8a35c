"""The ledger: what we sent, what became of it, what we own. One contract (base.py), one file per store."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from reconciler.clock import Clock, SystemClock
from reconciler.errors import ThrowAwayLedger
from reconciler.ledger.base import Ledger, LedgerReader
from reconciler.ledger.empty import EmptyReader
from reconciler.ledger.holder import is_dead
from reconciler.ledger.sql import SqlReader
from reconciler.ledger.sql_ledger import SqlLedger
from reconciler.ledger.sqlite_file import exists, open_for_reading, open_for_writing
from reconciler.model import StateStore


def open_reader(store: StateStore, root: str, environ: Mapping[str, str], clock: Clock | None = None) -> LedgerReader:
    """The ledger as it is now; one that does not exist yet reads as empty and is not made.

    `root`: the project's folder. `clock`: a simulated one, instead of the store's. Raises ThrowAwayLedger where it would be gone with the
    next CI job, LedgerError where it cannot be read, ConfigInvalid where its URL is not set.
    """
    if store.backend == "postgres":
        from reconciler.ledger import postgres_schema

        session = postgres_schema.open_for_reading(_url(store, root, environ), _simulated(clock))
        return SqlReader(session) if session else EmptyReader()
    path = _path(store, root, environ)
    return SqlReader(open_for_reading(path, clock or SystemClock())) if exists(path) else EmptyReader()


def open_ledger(store: StateStore, root: str, environ: Mapping[str, str], clock: Clock | None = None) -> Ledger:
    """The ledger for writing, made where there is none. Raises as `open_reader` does."""
    if store.backend == "postgres":
        from reconciler.ledger import postgres_schema

        session = postgres_schema.open_for_writing(_url(store, root, environ), _simulated(clock))
        return SqlLedger(session, is_dead)
    return SqlLedger(open_for_writing(_path(store, root, environ), clock or SystemClock()), is_dead)


def _url(store: StateStore, root: str, environ: Mapping[str, str]) -> str:
    from reconciler.config.secrets import reveal

    assert store.url is not None, "checked when the project was read"
    return reveal(store.url, environ, Path(root), used="state.url")


def _simulated(clock: Clock | None) -> Callable[[], float] | None:
    """Hosts disagree about the time, so a server's own clock counts, unless all of time is made up."""
    return None if clock is None or isinstance(clock, SystemClock) else lambda: clock.now().timestamp()


def _path(store: StateStore, root: str, environ: Mapping[str, str]) -> Path:
    path = Path(store.path)
    thrown_away = environ.get("CI", "").lower() == "true" and path.resolve().is_relative_to(Path(root).resolve())
    if thrown_away and not store.persistent:
        raise ThrowAwayLedger(
            f"CI=true, and the ledger {path} lies in the job's workspace: the next job would start with an empty one and call everybody"
            " again. Nothing was sent. Use `state.backend: postgres`, or a `state.path` outside of the workspace on a disk that stays;"
            " where this folder itself stays, say `state.persistent: true`."
        )
    return path
