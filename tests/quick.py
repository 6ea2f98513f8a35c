"""`reconciler` as a command that starts at once: a process that has imported it all forks for each call. For scripts that call it often."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

_CALL = """#!{python} -IS
import json, os, socket, sys
line = socket.socket(socket.AF_UNIX)
line.connect({where!r})
told = json.dumps([os.getcwd(), dict(os.environ), sys.argv[1:]]).encode()
socket.send_fds(line, [len(told).to_bytes(4, "big")], [0, 1, 2])
line.sendall(told)
sys.exit(line.recv(1)[0])
"""


@contextlib.contextmanager
def quick() -> Iterator[str]:
    """A folder for PATH with the command in it."""
    with tempfile.TemporaryDirectory() as name:
        folder, where = Path(name), f"{name}/socket"
        command = folder / "bin" / "reconciler"
        command.parent.mkdir()
        command.write_text(_CALL.format(python=sys.executable, where=where))
        command.chmod(0o755)
        root = str(Path(__file__).parent.parent)
        process = subprocess.Popen([sys.executable, "-c", f"from tests.quick import serve; serve({where!r})"], cwd=root)
        try:
            while not Path(where).exists():
                assert process.poll() is None
                time.sleep(0.02)
            yield str(command.parent)
        finally:
            process.terminate()
            process.wait()


def serve(where: str) -> None:
    for module in ("reconcile", "forge.http", "forge.github", "forge.gitlab", "forge.reviewed", "providers.http", "livecheck",
                   "cli.plan", "cli.apply", "cli.ci", "cli.show", "cli.validate", "contacts.planning", "render.markdown"):  # fmt: skip
        __import__(f"reconciler.{module}")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"{where}.new")
        listening.listen()
        os.rename(f"{where}.new", where)
        while True:
            line, _ = listening.accept()
            with line:
                if os.fork() == 0:
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    os._exit(_answer(line))


def _answer(line: socket.socket) -> int:
    size, fds, _, _ = socket.recv_fds(line, 4, 3)
    told = line.recv(int.from_bytes(size, "big"), socket.MSG_WAITALL)
    child = os.fork()
    if child == 0:
        _run(fds, *json.loads(told))
    _, status = os.waitpid(child, 0)
    line.sendall(bytes([os.waitstatus_to_exitcode(status) & 0xFF]))
    return 0


def _run(fds: list[int], where: str, environ: dict[str, str], arguments: list[str]) -> None:
    from reconciler.cli import main

    for number, fd in enumerate(fds):
        os.dup2(fd, number)
    os.chdir(where)
    os.environ.clear()
    os.environ.update(environ)
    sys.argv = ["reconciler", *arguments]
    code = 1
    try:
        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
