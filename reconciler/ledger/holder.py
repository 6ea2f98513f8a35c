"""Who holds the lease: how a process names itself, and how another on the same machine can prove that it is gone."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from reconciler.ledger.base import Holder

PROC = Path("/proc")


def this_process(run: str, actor: str, url: str = "", proc: Path = PROC) -> Holder:
    """The holder that this process is. Without a /proc its death can never be proved, and its lease has to run out."""
    pid = os.getpid()
    return Holder(
        run=run,
        host=socket.gethostname(),
        pid=pid,
        actor=actor,
        url=url,
        boot_id=_boot(proc),
        started=_started(proc, pid),
    )


def is_dead(holder: Holder, proc: Path = PROC) -> bool:
    """Whether it is proved, not guessed: same boot of this very machine, and the process is not there or is another one."""
    here = _boot(proc)
    if not here or not holder.started or (holder.host, holder.boot_id) != (socket.gethostname(), here):
        return False
    started = _started(proc, holder.pid)
    return started != holder.started if started else not _exists(holder.pid)


def _boot(proc: Path) -> str:
    """The boot and the process namespace: containers of one machine share its boot id, but not the meaning of a pid."""
    try:
        boot = (proc / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink(proc / 'self/ns/pid')}"
    except OSError:
        return ""


def _started(proc: Path, pid: int) -> str:
    """When the process started, in clock ticks since boot (proc(5), stat, field 22); empty where it cannot be seen."""
    try:
        stat = (proc / str(pid) / "stat").read_bytes()
    except OSError:
        return ""
    # The second field is the command in parentheses and may hold anything, parentheses too.
    return stat.rpartition(b")")[2].split()[19].decode()


def _exists(pid: int) -> bool:
    """A process of another user may be hidden from /proc (hidepid); a signal of number 0 is sent to nobody, but answered."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
