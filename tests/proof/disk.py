"""A process under strace: what of its ledger would be on the disk after a power cut at each moment it spoke to a vendor."""

from __future__ import annotations

import re
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

CALLS = (
    "fdatasync,fsync,sync_file_range,write,pwrite64,writev,pwritev,pwritev2,sendto,sendmsg,sendmmsg,sendfile,ftruncate"
)
LONGEST = 8192  # bytes of a buffer that are shown: a page of the ledger and more

_SYSCALL = re.compile(r"(?P<pid>\d+) +(?P<name>\w+)\((?P<rest>.*)", re.DOTALL)
_RESUMED = re.compile(r"(?P<pid>\d+) +<\.\.\. (?P<name>\w+) resumed>.*= (?P<result>-?\d+)")
_FILE = re.compile(r"\d+<(?P<path>/[^>]*)>")
_PAGE = re.compile(r'\d+<[^>]*>, "(?P<bytes>(?:[^"\\]|\\.)*)"(?P<cut>\.\.\.)?, (?P<size>\d+), (?P<offset>\d+)')
_REQUEST = re.compile(r'\d+<TCP.*?"(?P<method>[A-Z]+) (?P<path>/[^ ]*) HTTP/1\.1')


def strace() -> str:
    """Where it is. Raises RuntimeError, since without it nothing is proved."""
    found = shutil.which("strace")
    if not found:
        raise RuntimeError("strace is not installed: apt-get install strace (the order of writes is proved with it)")
    return found


def command(log: Path, *arguments: str) -> list[str]:
    """`arguments` under strace, its threads and what it starts too."""
    return [strace(), "-f", "-yy", "-s", str(LONGEST), "-o", str(log), "-e", f"trace={CALLS}", *arguments]


@dataclass(frozen=True, slots=True)
class Spoken:
    """A request to a vendor, and every row of the ledger's request table that a power cut at that moment would have left."""

    method: str
    path: str
    rows: Sequence[tuple[int, str, str]]  # id, call, state


@dataclass
class Disk:
    """The files of one ledger: what was written, and what of it was flushed."""

    ledger: Path
    written: dict[str, bytearray] = field(default_factory=dict)
    flushed: dict[str, bytes] = field(default_factory=dict)
    _flushing: dict[str, tuple[str, bytes]] = field(default_factory=dict)  # pid -> what its unfinished flush began with

    def __post_init__(self) -> None:
        """As it lies there before the process starts; a write-ahead log there is none yet."""
        assert not Path(f"{self.ledger}-wal").exists()
        self.flushed[str(self.ledger)] = self.ledger.read_bytes()
        self.written = {name: bytearray(content) for name, content in self.flushed.items()}

    def replay(self, log: Path, scratch: Path) -> Iterator[Spoken]:
        for line in log.read_text("latin1").splitlines():
            if resumed := _RESUMED.match(line):
                self._flushed(resumed["pid"], resumed["result"] == "0")
            elif call := _SYSCALL.match(line):
                if request := _REQUEST.match(call["rest"]):
                    yield Spoken(request["method"], request["path"], self.after_power_cut(scratch))
                elif (on := _FILE.match(call["rest"])) and on["path"] in self._files():
                    self._touched(call["pid"], call["name"], on["path"], call["rest"])

    def _files(self) -> tuple[str, str]:
        return str(self.ledger), f"{self.ledger}-wal"

    def _touched(self, pid: str, name: str, path: str, rest: str) -> None:
        if name in {"fdatasync", "fsync"}:
            self._flushing[pid] = (path, bytes(self.written.get(path, b"")))
            if "<unfinished" not in rest:
                self._flushed(pid, rest.endswith("= 0"))
            return
        whole = self.written.setdefault(path, bytearray())
        if name == "ftruncate":
            del whole[int(rest.partition(">, ")[2].partition(")")[0]) :]
            return
        page = _PAGE.match(rest)
        assert name == "pwrite64" and page and not page["cut"], f"the ledger is written in another way: {name}"
        content = page["bytes"].encode("latin1").decode("unicode_escape").encode("latin1")
        assert len(content) == int(page["size"])
        offset = int(page["offset"])
        whole.extend(bytes(max(0, offset - len(whole))))
        whole[offset : offset + len(content)] = content

    def _flushed(self, pid: str, done: bool) -> None:
        path, content = self._flushing.pop(pid, ("", b""))
        if path and done:
            self.flushed[path] = content

    def after_power_cut(self, scratch: Path) -> list[tuple[int, str, str]]:
        """What SQLite recovers from nothing but what was flushed."""
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        for path, content in self.flushed.items():
            (scratch / Path(path).name).write_bytes(content)
        with closing(sqlite3.connect(scratch / self.ledger.name)) as db:
            return db.execute("SELECT id, call, state FROM request").fetchall()


def run(team: Path, environ: dict[str, str], log: Path, *python: str) -> subprocess.CompletedProcess[str]:
    """A Python with these arguments in the folder `team`, under strace."""
    return subprocess.run(command(log, *python), cwd=team, env=environ, capture_output=True, text=True, check=False)
