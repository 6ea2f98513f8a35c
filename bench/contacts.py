"""Contact delta: a CSV of numbers against as many sent, beside the bare anti-join of the engine on raw numbers.

`python -m bench.contacts [ROWS ...]`; without arguments 100 thousand and 1 million rows, `10000000` for ten million.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.measure import Contestant, Measured, once, side_by_side, tell, worker
from bench.table import Row, markdown

SIZES = (100_000, 1_000_000)
SHARES = (1, 5)
MOST_RATIO, MOST_MIB = 3.0, 1536
RUNS = 3
_KEY = b"a benchmark's contact key, 32 bytes at least"
_STEP, _SPACE = 7919, 89_999_999  # a prime walk over the mobile numbers 090... to 098..., all of them valid
_NOW = datetime(2026, 6, 1, tzinfo=UTC)


def rows(sizes: Sequence[int] = SIZES, runs: int = RUNS) -> list[Row]:
    """One row per size and share, and up to a million one with the ledger's people as objects. Times are medians, in seconds."""
    found = []
    for size in sizes:
        for share in SHARES:
            with tempfile.TemporaryDirectory() as folder:
                once(Contestant(worker("contacts", "prepare", folder, size, share)))
                stages = ["anti_join", "delta"] + (
                    ["delta_of_objects"] if share == SHARES[-1] and size <= SIZES[-1] else []
                )
                measured = side_by_side(
                    {stage: Contestant(worker("contacts", stage, folder)) for stage in stages}, runs
                )
            peer = measured["anti_join"]
            found.append(_row(f"{share} % differ", size, measured["delta"], peer, goal=True))
            if "delta_of_objects" in measured:
                found.append(
                    _row(f"{share} % differ, ledger as objects", size, measured["delta_of_objects"], peer, goal=False)
                )
    return found


def _row(work: str, size: int, ours: Measured, peer: Measured, *, goal: bool) -> Row:
    return Row(
        "contact delta",
        f"{size:,} numbers against as many sent, {work}",
        ours.seconds,
        rival=peer.seconds,
        rival_name="DuckDB anti-join, raw numbers",
        most_ratio=MOST_RATIO if goal else None,
        mib=ours.mib,
        rival_mib=peer.mib,
        most_mib=MOST_MIB if goal else None,
    )


# ---- the data ------------------------------------------------------------------------------------------------------


def _numbers(start: int, count: int) -> Iterator[str]:
    for number in range(start, start + count):
        yield f"09{number * _STEP % _SPACE:08d}"


def _prepare(work: Path, size: int, share: int) -> None:
    """The source, the raw numbers sent before, and the ledger's columns of the same."""
    import numpy as np

    from reconciler.contacts import Fingerprints
    from reconciler.contacts.lookup import order_of

    shift = size * share // 100
    (work / "source.csv").write_text("mobile\n" + "\n".join(_numbers(0, size)) + "\n")
    (work / "sent.csv").write_text("mobile\n" + "\n".join(_numbers(shift, size)) + "\n")
    before = np.fromiter((int("84" + number[1:]) for number in _numbers(shift, size)), np.uint64, size)
    people = Fingerprints(_KEY).people(before)
    np.save(work / "sent.npy", people[order_of(people)])
    (work / "expected.json").write_text(json.dumps(shift))


# ---- what is measured, each in a process of its own ----------------------------------------------------------------


def _anti_join(work: Path) -> None:
    import duckdb

    source, sent = (f"read_csv('{work / name}.csv', all_varchar = true)" for name in ("source", "sent"))
    query = f"SELECT count(*) FROM {source} ANTI JOIN {sent} USING (mobile)"
    assert duckdb.connect().execute(query).fetchall() == [(json.loads((work / "expected.json").read_text()),)]


def _delta(work: Path) -> None:
    import numpy as np

    from reconciler.contacts import SentTable
    from reconciler.contacts.sent import Standing

    people = np.load(work / "sent.npy")
    count = len(people)
    standing = np.full(count, Standing.THERE, dtype=np.uint8)
    table = SentTable(people, standing, np.ones(count, np.uint32), np.zeros(count, np.uint16), ("bench",))
    _plan(work, table)


def _delta_of_objects(work: Path) -> None:
    import numpy as np

    from reconciler.model import Person, Sent

    raw = np.load(work / "sent.npy").astype(">u8").tobytes()
    _plan(work, (Sent(Person(raw[at : at + 16]), "bench", "confirmed", 1) for at in range(0, len(raw), 16)))


def _plan(work: Path, sent: Any) -> None:
    from reconciler.contacts import Fingerprints, PeopleRequest, plan_people
    from reconciler.model import Columns, ContactSet, ContactSource, Key, Source

    declared = ContactSet(
        "bench", ContactSource(file=str(work / "source.csv")), Columns("mobile"), "mirror", Source("bench.yaml", 1)
    )
    key = Key("bench", "campaign", "bench")
    people = plan_people(PeopleRequest(key, [declared], {}, sent, "VN", Fingerprints(_KEY), work, {}, _NOW))
    expected = json.loads((work / "expected.json").read_text())
    assert (people.deltas[0].added, people.deltas[0].withdrawn) == (expected, expected)


_STAGES: dict[str, Callable[[Path], None]] = {
    "anti_join": _anti_join,
    "delta": _delta,
    "delta_of_objects": _delta_of_objects,
}


def main(arguments: Sequence[str]) -> None:
    if arguments and arguments[0] == "prepare":
        _prepare(Path(arguments[1]), int(arguments[2]), int(arguments[3]))
        return
    if arguments and arguments[0] in _STAGES:
        begun = time.perf_counter()
        _STAGES[arguments[0]](Path(arguments[1]))
        tell(time.perf_counter() - begun)
        return
    print(markdown(rows([int(size) for size in arguments] or SIZES)))


if __name__ == "__main__":
    main(sys.argv[1:])
