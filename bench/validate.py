"""Checking documents against their schema: a fast validator that words nothing before a slow one that does, beside the slow one alone.

`python -m bench.validate [DOCUMENTS]`; without an argument 10,000 campaigns, one in a hundred of them wrong.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.load import FILES, prepare
from bench.measure import Contestant, side_by_side, tell, worker
from bench.table import Row, markdown

MOST = 0.03
RUNS = 3
_WRONG = 100  # one in so many


def rows(count: int = FILES, runs: int = RUNS) -> list[Row]:
    """Times are medians of processor seconds. Raises RuntimeError where the two sides do not find the same errors word for word."""
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder), count)
        found = side_by_side(
            {name: Contestant(worker("validate", name, folder)) for name in ("reused_validator", "gated")}, runs
        )
    ours, peer = found["gated"], found["reused_validator"]
    if ours.out.splitlines()[0] != peer.out.splitlines()[0]:
        raise RuntimeError("the two validators found different errors")
    row = Row(
        "schema validation",
        f"{count:,} documents, 1 % of them wrong, same errors word for word",
        ours.seconds,
        rival=peer.seconds,
        rival_name="jsonschema, one reused validator",
        most_ratio=MOST,
        mib=ours.mib,
        rival_mib=peer.mib,
    )
    return [row]


def _trees(root: Path) -> list[Any]:
    """The parsed campaigns, each hundredth with an unknown key and a number that is none."""
    from reconciler.config.reading import Reader

    reader = Reader([])
    files = sorted((root / "campaigns").rglob("*.yaml"))
    trees = [document.tree for file in files for document in reader.documents(file.read_bytes(), str(file))]
    for tree in trees[::_WRONG]:
        tree["spec"]["tel4vn"] |= {"concurent_call": 5, "hopper": "many"}
    return trees


# ---- what is measured, each in a process of its own ------------------------------------------------------------------


def reused_validator() -> Callable[[list[Any]], list[list[str]]]:
    import jsonschema

    from reconciler import config

    validator = jsonschema.Draft202012Validator(config.schema("Campaign"))
    return lambda trees: [[error.message for error in validator.iter_errors(tree)] for tree in trees]


def gated() -> Callable[[list[Any]], list[list[str]]]:
    import jsonschema

    from reconciler import config
    from reconciler.config import schemas
    from reconciler.config.loading import without_collections

    fast = schemas.validator("Campaign").is_valid
    slow = jsonschema.Draft202012Validator(config.schema("Campaign")).iter_errors

    def check(trees: list[Any]) -> list[list[str]]:
        with without_collections():
            return [[] if fast(tree) else [error.message for error in slow(tree)] for tree in trees]

    return check


def main(arguments: list[str]) -> None:
    if len(arguments) < 2:
        print(markdown(rows(*map(int, arguments))))
        return
    trees = _trees(Path(arguments[1]))
    errors_of = {"reused_validator": reused_validator, "gated": gated}[arguments[0]]()
    errors_of(trees[:1])  # what a validator sets up at its first error is not what is measured
    begun = time.process_time()
    found = errors_of(trees)
    seconds = time.process_time() - begun
    print(sum(map(len, found)), hashlib.sha256(repr(found).encode()).hexdigest())
    tell(seconds)


if __name__ == "__main__":
    main(sys.argv[1:])
