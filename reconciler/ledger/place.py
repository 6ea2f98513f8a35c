"""Where a ledger is to be moved to, from what somebody typed. A password never stands on a command line: others see it there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from reconciler.clock import Clock
from reconciler.errors import Misuse
from reconciler.ledger import open_ledger, open_reader
from reconciler.ledger.base import LedgerReader
from reconciler.ledger.copying import Copied
from reconciler.ledger.sql import Session
from reconciler.ledger.sql_ledger import SqlLedger
from reconciler.ledger.sqlite_file import write_new
from reconciler.model import Reference, StateStore

_FORMS = "sqlite:///path/state.db, postgresql://user@host/database, or env:NAME with one of them in that variable"
_TYPED = "--to"  # under which a URL without a password is handed on, as if a variable held it


@dataclass(frozen=True, slots=True)
class Place:
    """`name`: for people, without user or password."""

    name: str
    store: StateStore
    root: str
    environ: Mapping[str, str] = field(repr=False)
    clock: Clock

    def reader(self) -> LedgerReader:
        return open_reader(self.store, self.root, self.environ, self.clock)

    def ledger(self) -> SqlLedger:
        ledger = open_ledger(self.store, self.root, self.environ, self.clock)
        assert isinstance(ledger, SqlLedger), "every store speaks SQL"
        return ledger

    def filled(self, fill: Callable[[Session], Copied]) -> Copied:
        """What `fill` returns; a file has its name only once it is whole."""
        if self.store.backend == "sqlite":
            made: list[Copied] = []
            write_new(Path(self.store.path), self.clock, lambda session: made.append(fill(session)))
            return made[0]
        ledger = self.ledger()
        try:
            return fill(ledger.session)
        finally:
            ledger.close()

    @property
    def emptied(self) -> str:
        """What somebody has to do before a copy can be made there again, as a sentence without its end."""
        if self.store.backend == "sqlite":
            return f"Delete {self.store.path} (and its -wal and -shm)"
        return "Drop its tables (docs/ledger.md), or name another database"


def place(to: str, root: str, environ: Mapping[str, str], clock: Clock) -> Place:
    """Raises Misuse where `to` is none of the forms, or where a password stands in what was typed."""
    variable = to.removeprefix("env:") if to.startswith("env:") else ""
    url = environ.get(variable, "") if variable else to
    if variable and not url:
        raise Misuse(f"--to env:{variable}: the environment variable {variable} is not set, or empty.")
    parts = urlsplit(url)
    if parts.scheme == "sqlite" and not parts.netloc and parts.path.startswith("/"):
        path = unquote(parts.path)
        return Place(path, StateStore(path=path), root, environ, clock)
    if parts.scheme not in {"postgresql", "postgres"}:
        raise Misuse(f"--to: write {_FORMS}.")
    if not variable and (parts.password is not None or "password" in dict(parse_qsl(parts.query))):
        raise Misuse(
            "--to: a password on the command line is seen by everybody on this machine and stays in the shell's history. Put the URL"
            " into an environment variable and write --to env:NAME."
        )
    name = f"the database {parts.path.strip('/') or '(default)'} on {parts.hostname or 'this host'}"
    store = StateStore(backend="postgres", url=Reference("env", variable or _TYPED))
    return Place(name, store, root, environ if variable else {**environ, _TYPED: url}, clock)
