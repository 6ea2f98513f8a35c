"""The file of a SQLite ledger: whether it is there and ours, making it in one step, and the settings that make a commit durable."""

from __future__ import annotations

import errno
import os
import sqlite3
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Literal

from reconciler.clock import Clock
from reconciler.errors import LedgerError
from reconciler.ledger.migrations import SCHEMA_VERSION, STEPS, check_version, statements
from reconciler.ledger.schema import APPLICATION_ID
from reconciler.ledger.sqlite import BUSY_SECONDS, RESTORE, SqliteSession, failures

OLDEST_SQLITE = (3, 37, 0)  # STRICT tables; RETURNING and UPDATE ... FROM came before
MOUNTS = Path("/proc/self/mounts")

_NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "fuse.sshfs"})
_CHECKED_BYTES = 16 * 1024 * 1024  # up to here a look at every page costs less than a start of Python
_SETTINGS = (
    "synchronous = FULL",
    "fullfsync = ON",  # macOS: fsync alone leaves the data in the drive's cache
    "checkpoint_fullfsync = ON",
    "foreign_keys = ON",
    "temp_store = MEMORY",  # savepoints of a group commit keep the pages they may have to put back
    "cache_size = -65536",
)


def exists(path: Path) -> bool:
    """Whether there is a ledger. Raises LedgerError where that cannot be told, or where only its remains are there."""
    try:
        if stat.S_ISDIR(path.stat().st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        return True
    except FileNotFoundError:
        if Path(f"{path}-wal").exists() and not path.exists():  # both: another run has made it since
            raise LedgerError(
                f"The ledger {path} is gone, but {path.name}-wal is still there: it was deleted or moved alone. An empty one would call"
                " everybody again. Put the file back, or restore it from a backup and remove the -wal."
            ) from None
        return path.exists()
    except OSError as error:
        raise LedgerError(
            f"The ledger {path} cannot be looked at: {error.strerror}. `state.path` must name a file that this user may read."
        ) from error


def open_for_reading(path: Path, clock: Clock) -> SqliteSession:
    """The ledger as it is at each question; another process may be writing to it."""
    return _opened(path, clock, "ro")


def open_for_writing(path: Path, clock: Clock) -> SqliteSession:
    """The ledger, made where there is none."""
    _refuse_network(path)
    with _permissions(path):
        if not exists(path):
            _create(path)
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
    return _opened(path, clock, "rw")


def _opened(path: Path, clock: Clock, mode: Literal["ro", "rw"]) -> SqliteSession:
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        oldest = ".".join(map(str, OLDEST_SQLITE))
        raise LedgerError(
            f"This Python comes with SQLite {sqlite3.sqlite_version}; the ledger needs {oldest} or newer."
        )
    with failures(path):
        db = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={mode}",
            uri=True,
            isolation_level=None,
            timeout=BUSY_SECONDS,
            check_same_thread=False,
        )
        try:
            _identify(db, path)
            if mode == "rw":
                _make_durable(db)
                _migrate(db)
            version = _version(db)
        except BaseException:
            db.close()
            raise
    return SqliteSession(db, path, clock, version)


def _identify(db: sqlite3.Connection, path: Path) -> None:
    if db.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise LedgerError(
            f"{path} is no ledger: it is empty or belongs to another program. Restore the ledger from its backup, or let `state.path`"
            " name a file that does not exist yet."
        )
    check_version(_version(db), str(path))
    if path.stat().st_size <= _CHECKED_BYTES and db.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
        raise LedgerError(f"The ledger {path} is damaged. {RESTORE}")


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _migrate(db: sqlite3.Connection) -> None:
    """Run the steps that this ledger has not seen: all of them or none, and nobody else meanwhile."""
    if _version(db) == SCHEMA_VERSION:
        return
    db.execute("BEGIN IMMEDIATE")
    try:
        for step in STEPS[_version(db) :]:
            for statement in statements(step.sqlite):
                db.execute(statement)
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _make_durable(db: sqlite3.Connection) -> None:
    if db.execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
        raise LedgerError(
            "The folder of the ledger cannot hold a write-ahead log: put it on a local disk, or use postgres."
        )
    for setting in _SETTINGS:
        db.execute(f"PRAGMA {setting}")


@contextmanager
def _permissions(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise LedgerError(
            f"The ledger {path} cannot be made or kept private: {error.strerror}. This user must own the file and be allowed to write"
            " its folder."
        ) from error


def write_new(path: Path, clock: Clock, fill: Callable[[SqliteSession], None]) -> None:
    """A ledger that `fill` has filled, in one step. Raises LedgerError where there is something of that name already."""

    def make(name: str) -> None:
        _lay_out(name, path)
        with closing(_opened(Path(name), clock, "rw")) as session:
            fill(session)
        _sync(Path(name))

    with _permissions(path):
        if path.exists() or not _named(path, make):
            raise LedgerError(
                f"{path} exists, and what exists is not overwritten. Nothing was changed. Name another file."
            )


def _create(path: Path) -> None:
    # Where another run was faster, its ledger is as good.
    _named(path, lambda name: _lay_out(name, path))


def _named(path: Path, make: Callable[[str], None]) -> bool:
    """The file gets its name only when it is whole and on the disk: a crash leaves no half of a ledger. False: the name was taken."""
    made = [folder for folder in path.parents if not folder.exists()]
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)  # 0600
    os.close(handle)
    try:
        make(name)
        free = _linked(name, path)
    finally:
        for beside in ("", "-wal", "-shm"):
            Path(name + beside).unlink(missing_ok=True)
    # A power cut after the first claim must not lose the name of the file, nor that of a folder on the way to it.
    for folder in (path.parent, *(folder.parent for folder in made)):
        _sync(folder)
    return free


def _linked(name: str, path: Path) -> bool:
    with suppress(FileExistsError):
        os.link(name, path)
        return True
    return False


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _lay_out(name: str, path: Path) -> None:
    with failures(path):
        db = sqlite3.connect(name, isolation_level=None)
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            _migrate(db)
        finally:
            db.close()


def _refuse_network(path: Path, mounts: Path = MOUNTS) -> None:
    """Locks and shared memory do not hold on a network file system: two runs could both think they hold the lease."""
    try:
        lines = mounts.read_text().splitlines()
    except OSError:
        return
    place = path.resolve()
    under = [line.split() for line in lines if place.is_relative_to(line.split()[1].replace("\\040", " "))]
    kind = max(under, key=lambda fields: len(fields[1]))[2] if under else ""
    if kind in _NETWORK:
        raise LedgerError(
            f"The ledger {path} lies on a network file system ({kind}): use a local disk, or postgres for several machines."
        )
