"""Loading YAML: every node with its place, beside `yaml.CSafeLoader`, which keeps none; and unchanged files from the cache.

`python -m bench.load [FILES]`; without an argument 10,000 campaign files of 38 lines.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.measure import Contestant, Measured, side_by_side, tell, worker
from bench.table import Row, markdown

FILES = 10_000
MOST_UNCACHED, MOST_CACHED = 0.5, 0.1
RUNS = 5
_PROJECT = """\
apiVersion: reconciler/v1
kind: Project
metadata: {name: bench}
spec: {include: ["campaigns/**/*.yaml"]}
"""
_CAMPAIGN = """\
apiVersion: reconciler/v1
kind: Campaign
metadata:
  name: renewals-{number:05}
  labels:
    team: retention
    wave: w{wave}
spec:
  connection: tel4vn-hanoi
  displayName: Renewals wave {number:05}
  schedule: office-hours-vn
  recall: gentle
  contacts: [renewals-may]
  rollout: {{first: 50}}
  activation: stopped
  lifecycle:
    protect: true
    onRemove: retain
    unmanaged: [concurrent_call]
  tel4vn:
    type: autocall
    type_autocall: autocall_audio
    description: Quarterly renewal notice, batch {number}
    carrier: Viettel trunk A
    template: Renewal notice
    concurrent_call: {calls}
    call_timeout: 60s
    mode_call: direct
    network:
      viettel: 5
      mobi: 5
      vina: 5
      tel: 0
      offnet: 0
    callback_url: https://hooks.acme.example/cdr/{number}
    answer_callback_url: https://hooks.acme.example/answered
    enable_encrypt: false
    allow_manual_dial: true
"""


def rows(count: int = FILES, runs: int = RUNS) -> list[Row]:
    """Without the cache, and with it. Times are medians of processor seconds, of processes that read the same files."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        prepare(root, count)
        found = side_by_side(
            {
                "peer": Contestant(worker("load", "csafeloader", root)),
                "ours": Contestant(worker("load", "reader", root)),
                "whole": Contestant(worker("load", "cached", root), before=lambda: _forget(root)),
                "cached": Contestant(worker("load", "cached", root)),
            },
            runs,
        )
    return [
        _row("every node with its place", count, found["ours"], found["peer"], MOST_UNCACHED),
        _row("unchanged since they were cached", count, found["cached"], found["peer"], MOST_CACHED),
        _row("checked, and the cache filled", count, found["whole"], found["peer"], None),
    ]


def _row(work: str, count: int, ours: Measured, peer: Measured, most: float | None) -> Row:
    return Row(
        "load YAML",
        f"{count:,} campaign files of 38 lines, {work}",
        ours.seconds,
        rival=peer.seconds,
        rival_name="CSafeLoader, no places",
        most_ratio=most,
        mib=ours.mib,
        rival_mib=peer.mib,
    )


def prepare(root: Path, count: int) -> None:
    """A project and `count` campaign files, 500 in a folder."""
    (root / "reconciler.yaml").write_text(_PROJECT)
    for number in range(count):
        folder = root / "campaigns" / f"{number // 500:03}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number:05}.yaml").write_text(_CAMPAIGN.format(number=number, wave=number % 7, calls=number % 9))


def _forget(root: Path) -> None:
    shutil.rmtree(root / ".reconciler", ignore_errors=True)


def _files(root: Path) -> list[Path]:
    return sorted((root / "campaigns").rglob("*.yaml"))


# ---- what is measured, each in a process of its own; all of them keep what they read ---------------------------------


def csafeloader(root: Path) -> Callable[[], object]:
    import yaml

    files = _files(root)
    return lambda: [yaml.load(file.read_bytes(), Loader=yaml.CSafeLoader) for file in files]


def reader(root: Path) -> Callable[[], object]:
    from reconciler.config import files
    from reconciler.config.loading import without_collections
    from reconciler.config.reading import MAX_BYTES, Reader

    reading, names = Reader([]), [str(file.relative_to(root)) for file in _files(root)]

    def read() -> object:
        with without_collections():
            return [reading.documents(files.content(root, name, MAX_BYTES), name) for name in names]

    return read


def cached(root: Path) -> Callable[[], object]:
    from reconciler.config.loading import Folder, without_collections

    def read() -> object:
        with without_collections():
            folder = Folder(root)
            folder.read()
            return [document.tree for document in folder.documents]

    return read


def main(arguments: list[str]) -> None:
    if len(arguments) < 2:
        print(markdown(rows(*map(int, arguments))))
        return
    read = {"csafeloader": csafeloader, "reader": reader, "cached": cached}[arguments[0]](Path(arguments[1]))
    begun = time.process_time()
    kept = read()
    tell(time.process_time() - begun)
    assert kept


if __name__ == "__main__":
    main(sys.argv[1:])
