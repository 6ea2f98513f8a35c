"""A whole team for end-to-end tests: a repository in a folder, the four simulated vendors on a socket, the command line in between."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from reconciler.cli import _run
from reconciler.simulator.faults import Faults, parse
from reconciler.simulator.server import Running, running
from reconciler.simulator.world import CREDENTIALS, World

PLAIN = Path(__file__).parent / "scenarios" / "schedule-edit"
EXAMPLES = Path(__file__).parent.parent / "examples"
CONTACT_KEY = "a-contact-key-for-tests-alone-with-more-than-32-bytes"


@dataclass(frozen=True, slots=True)
class Result:
    """What one command did. `out` is standard output, `err` standard error."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@dataclass(slots=True)
class Office:
    """`root`: the repository; `here`: the simulator; `environ`: what the job would set."""

    root: Path
    here: Running
    environ: dict[str, str] = field(default_factory=dict)

    def run(self, *arguments: str, typed: str | None = None, piped: str = "") -> Result:
        """One command in this process, as a user would type it in the repository.

        `typed`: at a terminal, where they answer this; `piped`: what else comes in on standard input.
        """
        stream = io.StringIO if typed is None else Terminal
        out, err, before = stream(), stream(), Path.cwd()
        with (
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            mock.patch.object(sys, "argv", ["reconciler", *arguments]),
            mock.patch.object(sys, "stdin", stream(typed or piped)),
            mock.patch.dict(os.environ, self.environ, clear=True),
        ):
            os.chdir(self.root)
            try:
                code = _run()
            finally:
                os.chdir(before)
        return Result(code, out.getvalue(), err.getvalue())

    def spawn(self, *arguments: str) -> subprocess.Popen[str]:
        """One command in a process of its own, to be killed."""
        command = [sys.executable, "-c", "from reconciler.cli import main; main()", *arguments]
        pipe = subprocess.PIPE
        environ = {**self.environ, "PATH": os.environ["PATH"]}
        return subprocess.Popen(command, cwd=self.root, env=environ, stdout=pipe, stderr=pipe, text=True)

    def plan(self) -> Any:
        """The plan as JSON."""
        result = self.run("plan", "--format", "json")
        assert result.code in {0, 4}, result.err
        return result.json()

    def apply(self) -> Result:
        """Plan to a file, apply that file."""
        planned = self.run("plan", "--out", "plan.json")
        assert planned.code == 0, planned.out + planned.err
        return self.run("apply", "plan.json", "--format", "json")

    def write(self, path: str, text: str) -> Path:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        return target

    def edit(self, path: str, old: str, new: str) -> None:
        target = self.root / path
        text = target.read_text(encoding="utf-8")
        assert old in text, f"{old!r} is not in {path}"
        target.write_text(text.replace(old, new), encoding="utf-8")

    def switch(self, vendor: str, **values: str) -> None:
        for name, value in values.items():
            self.here.world.switches.setdefault(vendor, {})[name] = value

    def faults(self, *rules: Mapping[str, Any]) -> None:
        """What goes wrong from now on (docs: reconciler/simulator/faults.py)."""
        self.here.simulator.faults = Faults(parse(list(rules)))

    def calls(self, vendor: str | None = None) -> list[Any]:
        """What reached the vendors so far, in order."""
        return [entry for entry in self.here.simulator.log if vendor in {None, entry.vendor}]

    def most_dials(self) -> int:
        """How often the number that would be dialled most would be dialled."""
        counts = [count for vendor in self.here.simulator.vendors.values() for count in vendor.dials().values()]
        return max(counts, default=0)


def variables(here: Running) -> dict[str, str]:
    """The environment of the examples' connections."""
    found = {f"{vendor.upper()}_URL": here.base_url(vendor) for vendor in CREDENTIALS}
    found |= {"TEL4VN_API_KEY": CREDENTIALS["tel4vn"]["apiKey"], "CONPEEK_KEY": CREDENTIALS["conpeek"]["apiKey"]}
    for vendor in ("thulium", "intersvyaz"):
        found[f"{vendor.upper()}_USER"] = CREDENTIALS[vendor]["username"]
        found[f"{vendor.upper()}_PASSWORD"] = CREDENTIALS[vendor]["password"]
    return found


@contextlib.contextmanager
def office(
    folder: Path,
    files: Mapping[str, str] | None = None,
    world: World | None = None,
    *,
    repository: Path = EXAMPLES / "campaigns",
    people: Path = EXAMPLES / "people",
) -> Iterator[Office]:
    """An office in `folder`: a copy of `repository`, or `files` (path -> text), against a freshly seeded simulator.

    A copy of `people` lies beside it; the job's environment has a variable for every file: `may.csv` is MAY_CSV.
    """
    root = folder / "repository"
    shutil.copytree(people, folder / "people")
    if files is None:
        shutil.copytree(repository, root, ignore=shutil.ignore_patterns(".reconciler"))
    with running(world or World(seeded=True)) as here:
        environ = {**variables(here), "RECONCILER_CONTACT_KEY": CONTACT_KEY}
        environ |= {_variable(path): str(path) for path in (folder / "people").iterdir()}
        made = Office(root, here, environ)
        for path, text in (files or {}).items():
            made.write(path, text)
        yield made


def desk(folder: Path) -> contextlib.AbstractContextManager[Office]:
    """The smallest office: one TEL4VN campaign called spring with three people from MAY_CSV, which does not dial."""
    return office(folder, repository=PLAIN / "repository", people=PLAIN / "people")


def _variable(path: Path) -> str:
    return path.name.upper().replace(".", "_").replace("-", "_")
