"""A real PostgreSQL for the tests, Debian's: started once per process on a free port, with TLS, roles and schemas as they are asked for.

Nothing is skipped where it is missing: the tests fail and say what to install.
"""

from __future__ import annotations

import atexit
import itertools
import os
import re
import select
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import psycopg

from tests.certificates import Authority

DOCUMENT = Path(__file__).parent.parent / "docs" / "ledger.md"
NAME = "ledger.example"  # in the certificate
PASSWORD = "s3cret/pass word"
QUOTED = "s3cret%2Fpass%20word"
_HBA = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\nlocal replication all trust\n"
_NUMBERS = itertools.count(1)


def program(name: str) -> str:
    """Where it is. Fails with what to install."""
    newest = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: float(path.parts[4]))
    found = str(newest[-1]) if newest else shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    package = "pgbouncer" if name == "pgbouncer" else "postgresql"
    assert found, f"{name} is missing, and these tests are not skipped: apt-get install {package}"
    return found


def unprivileged() -> dict[str, Any]:
    """How to start what refuses to run as root."""
    return {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}


def give_away(*paths: Path) -> None:
    if os.geteuid() == 0:
        for path in paths:
            shutil.chown(path, "nobody", "nogroup")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Role:
    """`socket`: without password, over the folder of the socket; `tcp`: over loopback."""

    name: str
    schema: str
    socket: str
    tcp: str


@dataclass
class Server:
    """One cluster in a folder. `settings`: of postgresql.conf, on top of those that keep it small."""

    settings: Sequence[str] = ()
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="pg-")))
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def make(self) -> None:
        self.folder.chmod(0o755)
        give_away(self.folder)
        how = ["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"]
        self._run(program("initdb"), "-D", str(self.data), *how)
        (self.data / "pg_hba.conf").write_text(_HBA)
        authority = Authority()
        (self.folder / "ca.pem").write_bytes(authority.certificate)
        certificate, key = authority.issue(NAME)
        for name, text in {"server.crt": certificate, "server.key": key}.items():
            (self.data / name).write_bytes(text)
            (self.data / name).chmod(0o600)
            give_away(self.data / name)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def _run(self, *command: str) -> None:
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False, **unprivileged())
        assert done.returncode == 0, done.stderr

    def start(self) -> None:
        settings = ("listen_addresses=127.0.0.1", "shared_buffers=16MB", "ssl=on", *self.settings)
        options = [word for setting in settings for word in ("-c", setting)]
        command = [program("postgres"), "-D", str(self.data), "-k", str(self.folder), "-p", str(self.port), *options]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log, **unprivileged())
        deadline = time.monotonic() + 30
        while not self.answers():
            assert self.process.poll() is None and time.monotonic() < deadline, (self.folder / "log").read_text()
            time.sleep(0.02)

    def answers(self) -> bool:
        try:
            self.admin().close()
        except psycopg.OperationalError:
            return False
        return True

    def stop(self, how: int = 2) -> None:
        """Every session is ended at once. `how`: SIGINT; SIGQUIT (3) is a crash."""
        if self.process:
            self.process.send_signal(how)
            self.process.wait(30)
            self.process = None

    def remove(self) -> None:
        self.stop(3)
        shutil.rmtree(self.folder, ignore_errors=True)

    def admin(self, database: str = "postgres") -> psycopg.Connection[tuple[Any, ...]]:
        """The superuser, outside of any transaction."""
        return psycopg.connect(
            f"postgresql:///{database}?host={self.folder}&port={self.port}&user=postgres", autocommit=True
        )

    def run(self, *statements: str, database: str = "postgres") -> None:
        """All in one transaction, which need not be durable."""
        with self.admin(database) as admin:
            admin.execute("; ".join(("SET synchronous_commit = off", *statements)).encode())

    def role(self, schema: str = "") -> Role:
        """A new one that may log in; without `schema` it owns one of its own name, else it looks there and may do nothing yet."""
        name = f"r{os.getpid()}_{next(_NUMBERS)}"
        self.run(
            f"CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'",
            f"ALTER ROLE {name} SET search_path = {schema or name}",
            *([] if schema else [f"CREATE SCHEMA {name} AUTHORIZATION {name}"]),
        )
        return Role(name, schema or name, *self.urls(name))

    def urls(self, role: str, database: str = "postgres", port: int | None = None) -> tuple[str, str]:
        over = f"host={self.folder}&port={port or self.port}&user={role}"
        return (
            f"postgresql:///{database}?{over}",
            f"postgresql://{role}:{QUOTED}@127.0.0.1:{port or self.port}/{database}",
        )

    def cut(self, role: Role) -> None:
        """End every session of the role, as a restart of the server does."""
        self.run(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = '{role.name}'")

    def granted(self, owner: Role, block: str = "run") -> Role:
        """A role with exactly the rights that docs/ledger.md lists for `block` (run, plan), on what `owner` has made."""
        role = self.role(owner.schema)
        self.run(*(text.replace("SCHEMA_NAME", owner.schema).replace("ROLE_NAME", role.name) for text in grants(block)))
        return role


def grants(block: str) -> list[str]:
    """The statements of docs/ledger.md between `-- as the owner: <block>` and the end of that listing."""
    found = re.search(rf"```sql\n-- for {block}\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert found, f"docs/ledger.md lists no rights for {block}"
    text = found[1].replace("acme_run", "ROLE_NAME").replace("acme_plan", "ROLE_NAME").replace("acme", "SCHEMA_NAME")
    return [statement for statement in text.split(";") if statement.strip()]


@contextmanager
def server_of_its_own(*settings: str, folder: Path | None = None) -> Iterator[Server]:
    """For tests that stop it."""
    made = Server(settings, folder or Path(tempfile.mkdtemp(prefix="pg-")))
    try:
        made.make()
        made.start()
        yield made
    finally:
        made.remove()


@cache
def server() -> Server:
    """One for all tests of this process: starting it takes 1.3 s, a role with a schema 10 ms."""
    made = Server()
    atexit.register(made.remove)
    made.make()
    made.start()
    return made


class Proxy:
    """Between us and a server, without TLS. `armed`: at which COMMIT from now on the line is cut; 0: at none."""

    def __init__(self, server: Server, after: bool) -> None:
        self.server, self.after, self.armed, self.commits = server, after, 0, 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self, role: Role) -> str:
        return f"{self.server.urls(role.name, port=self.port)[1]}?sslmode=disable"

    def close(self) -> None:
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                ours, _ = self._listening.accept()
                theirs = socket.create_connection(("127.0.0.1", self.server.port))
                threading.Thread(target=self._pass, args=(ours, theirs), daemon=True).start()

    def _pass(self, ours: socket.socket, theirs: socket.socket) -> None:
        with ours, theirs, suppress(OSError):
            while True:
                ready, _, _ = select.select([ours, theirs], [], [])
                for side in ready:
                    sent = side.recv(65536)
                    if not sent or (side is ours and self._cuts(sent, theirs)):
                        return
                    (theirs if side is ours else ours).sendall(sent)

    def _cuts(self, sent: bytes, theirs: socket.socket) -> bool:
        if b"COMMIT" not in sent:
            return False
        self.commits += 1
        self.armed -= 1
        if self.armed == 0 and self.after:
            theirs.sendall(sent)
            theirs.recv(65536)  # it is done; the answer goes nowhere
        return self.armed == 0


@contextmanager
def cut_at_commit(server: Server, after: bool) -> Iterator[Proxy]:
    """`after`: the server has committed, and only its answer is lost; else it never heard of it."""
    proxy = Proxy(server, after)
    try:
        yield proxy
    finally:
        proxy.close()


@contextmanager
def pooled(server: Server, role: Role) -> Iterator[str]:
    """The URL of the role through PgBouncer in transaction mode, which has three connections to share."""
    port, folder = free_port(), Path(tempfile.mkdtemp(prefix="pooler-"))
    (folder / "users").write_text(f'"{role.name}" "{PASSWORD}"\n')
    (folder / "pgbouncer.ini").write_text(
        f"[databases]\npostgres = host={server.folder} port={server.port}\n[pgbouncer]\npool_mode = transaction\n"
        f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = plain\nauth_file = {folder}/users\n"
        "default_pool_size = 3\nmax_client_conn = 50\nserver_reset_query =\n"
    )
    give_away(folder, *folder.iterdir())
    command = [program("pgbouncer"), "-q", str(folder / "pgbouncer.ini")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **unprivileged()) as process:
        try:
            url = server.urls(role.name, port=port)[1]
            wait_for(url, process)
            yield url
        finally:
            process.terminate()
            shutil.rmtree(folder)


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            psycopg.connect(url).close()
            return
        except psycopg.OperationalError:
            assert process.poll() is None and time.monotonic() < deadline, "PgBouncer did not start"
            time.sleep(0.05)
