"""Many seeds of the shipped code; `python -m tests.proof.simulation SEED` plays one again and tells it."""

from __future__ import annotations

import gc
import logging
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from tests.proof.history import History


def play(seed: int) -> History:
    return History(seed).play()


def played(seeds: Iterable[int]) -> Iterator[History]:
    """One history after the other. The collector sweeps between some of them, which takes a fifth off the time of all."""
    with _swept_by_hand():
        for number, seed in enumerate(seeds):
            yield play(seed)
            if number % 50 == 49:
                gc.collect()


@contextmanager
def _swept_by_hand() -> Iterator[None]:
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def told(history: History) -> str:
    """What broke in a history first, and how to see it."""
    first = history.violations[0]
    return f"seed {history.seed}: {first.invariant}: {first.text} (python -m tests.proof.simulation {history.seed})"


def main() -> None:
    logging.disable(logging.WARNING)
    history = History(int(sys.argv[1]), trace=print).play()
    sys.exit("\n".join(f"{violation.invariant}: {violation.text}" for violation in history.violations) or 0)


if __name__ == "__main__":
    main()
