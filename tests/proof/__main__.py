"""`python -m tests.proof [FILE]`: the long form of all proofs, the table on standard output and in FILE. `make chaos` runs it."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from tests.proof.chaos import Stage, failed, files, play, table


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.proof")
    parser.add_argument("file", nargs="?", type=Path, help="where the table is also written")
    parser.add_argument("--only", default="", help="only files with this in their name")
    parser.add_argument("--short", action="store_true", help="what `make test` runs of it")
    asked = parser.parse_args()
    long = "" if asked.short else os.environ.get("CHAOS", "") or "1"
    stages: list[Stage] = []
    for path in files(asked.only):
        stages.append(play(path, long))
        if asked.file:  # so that a run that is cut short leaves what it found
            asked.file.write_text(table(stages), encoding="utf-8")
    sys.stdout.write(table(stages))
    return int(failed(stages) or not stages)


if __name__ == "__main__":
    sys.exit(main())
