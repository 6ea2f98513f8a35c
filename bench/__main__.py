"""Every benchmark in one run and one table: `python -m bench [STAGE ...] [--quick]`. What is measured is in the stages' own modules."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from bench.measure import ROOT
from bench.table import Row, markdown

RIVALS = {"octodns", "PyYAML", "jsonschema", "deepdiff", "httpx", "duckdb", "click"}


def _stage(module: str, **quick: Any) -> Callable[[bool], list[Row]]:
    """`rows()` of a module, with `quick` as its arguments where only its working is wanted. Imported when it runs.

    What a process holds counts in the peak memory of everything it starts, and this one starts them all.
    """

    def rows(is_quick: bool) -> list[Row]:
        found: list[Row] = import_module(f"bench.{module}").rows(**quick if is_quick else {})
        return found

    return rows


# In this order: the ledger is measured in this process, so what it imports must not be there before.
STAGES: Mapping[str, Callable[[bool], list[Row]]] = {
    "load": _stage("load", count=30, runs=1),
    "validate": _stage("validate", count=30, runs=1),
    "diff": _stage("objects", pairs=30, runs=1),
    "plan": _stage("plan", sizes=(10, 20), runs=1),
    "http": _stage("wire", requests={"ours": 50, "httpx": 50}, in_flight=(10,), runs=1),
    "render": _stage("render", campaigns=50, runs=1),
    "pages": _stage("pages", people=1_500, runs=1),
    "start-up": _stage("startup", runs=1),
    "contacts": _stage("contacts", sizes=(100,), runs=1),
    "sending": _stage("sending", in_batches=60, one_by_one=20),
    "ledger": _stage("ledger", people=100, calls=2),
}


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="bench", description="Measure stages side by side with their rivals.")
    parser.add_argument("stages", nargs="*", metavar="STAGE", help=", ".join(STAGES))
    parser.add_argument(
        "--quick", action="store_true", help="small sizes and single runs: whether it works, not how fast"
    )
    options = parser.parse_args(arguments)
    for name in options.stages:
        if name not in STAGES:
            parser.error(f"there is no stage {name}; there are {', '.join(STAGES)}")
    rows = []
    for name in options.stages or STAGES:
        print(f"{name} ...", file=sys.stderr, flush=True)
        rows += STAGES[name](options.quick)
    report = f"{_machine()}\n\n{markdown(rows)}"
    print(report, end="")
    if not options.quick:
        _keep(report)


def _machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    machine = f"{os.cpu_count()} cores, {memory:.0f} GiB, Python {platform.python_version()}, {platform.system()}"
    rivals = sorted(f"{found.name} {found.version}" for found in distributions() if found.name in RIVALS)
    return f"{datetime.now(UTC):%Y-%m-%d}: {machine}; {', '.join(rivals)}"


def _keep(report: str) -> None:
    folder: Path = ROOT / "bench/results"
    folder.mkdir(exist_ok=True)
    (folder / f"{datetime.now(UTC):%Y-%m-%d}.md").write_text(report)


if __name__ == "__main__":
    main(sys.argv[1:])
