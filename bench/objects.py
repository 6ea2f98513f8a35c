"""Object diff: what is declared against what is held, one pair in a hundred changed, beside deepdiff on every pair. The same result."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

from bench.measure import Contestant, side_by_side, tell, worker
from bench.table import Row

PAIRS = 10_000
RUNS = 3
MOST = 0.03
_CHANGED = 100  # one in so many

Found = list[tuple[tuple[str, ...], Any, Any]]  # path, before, after


def rows(pairs: int = PAIRS, runs: int = RUNS) -> list[Row]:
    """Raises RuntimeError where the two sides find different changes."""
    contestants = {name: Contestant(worker("objects", name, pairs)) for name in ("ours", "deepdiff")}
    measured = side_by_side(contestants, runs)
    ours, theirs = measured["ours"], measured["deepdiff"]
    if ours.out.splitlines()[0] != theirs.out.splitlines()[0]:
        raise RuntimeError("the two found different changes")
    return [
        Row(
            "object diff",
            f"{pairs:,} pairs of 65 leaves, 1 % changed",
            ours.seconds,
            rival=theirs.seconds,
            rival_name="deepdiff on all",
            most_ratio=MOST,
            mib=ours.mib,
            rival_mib=theirs.mib,
        )
    ]


def _spec(number: int) -> dict[str, Any]:
    """A campaign of 65 leaves: five of its own and five blocks of twelve, some of them deeper or lists."""
    blocks: dict[str, Any] = {
        f"block_{block}": {
            **{f"field_{field}": f"value {number + field}" for field in range(8)},
            "deeper": {"at": number, "size": number % 7},
            "windows": [["08:30", "12:00"], ["13:00", "17:30"]],
            "flag": bool(number % 2),
        }
        for block in range(5)
    }
    own = {"displayName": f"Campaign {number}", "order": number % 60, "parity": 50, "agents": ["a", "b"], "kind": "csv"}
    return {**own, **blocks}


def _pairs(count: int) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    pairs = [(_spec(number), _spec(number)) for number in range(count)]
    for declared, _ in pairs[::_CHANGED]:
        declared["order"] = 77
        declared["block_2"]["deeper"]["size"] = 99
        declared["block_3"]["windows"][1][1] = "18:00"
    return pairs


# ---- what is measured, each in a process of its own ----------------------------------------------------------------


def _ours() -> Callable[[dict[str, Any], dict[str, Any]], Found]:
    from reconciler import diff

    return lambda declared, held: [(field.path, field.before, field.after) for field in diff.changes(declared, held)]


def _deepdiff() -> Callable[[dict[str, Any], dict[str, Any]], Found]:
    from deepdiff import DeepDiff

    def changes(declared: dict[str, Any], held: dict[str, Any]) -> Found:
        tree = DeepDiff(held, declared, view="tree")
        levels = [level for found in tree.values() for level in found]
        return [_whole_lists(held, declared, level.path(output_format="list")) for level in levels]

    return changes


def _whole_lists(held: Any, declared: Any, path: list[str | int]) -> tuple[tuple[str, ...], Any, Any]:
    """A change inside a list as one of the list."""
    names: list[str] = []
    for part in path:
        if isinstance(part, int):
            break
        names.append(part)
        held, declared = held[part], declared[part]
    return tuple(names), held, declared


def _main(name: str, count: str) -> None:
    import deepdiff  # noqa: F401  # before the clock starts: either side needs it, ours only once something differs

    changes = {"ours": _ours, "deepdiff": _deepdiff}[name]()
    pairs = _pairs(int(count))
    begun = time.perf_counter()
    found = [changes(declared, held) for declared, held in pairs]
    seconds = time.perf_counter() - begun
    print([sorted(changes, key=repr) for changes in found if changes])
    tell(seconds)


if __name__ == "__main__":
    _main(*sys.argv[1:])
