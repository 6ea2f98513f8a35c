"""The whole `reconciler plan`: an account of many campaigns against a repository of as many files, beside `octodns-sync` and Terraform.

Every campaign is bound; one file in a hundred was edited since it was applied. The account is the simulator, in a process of its own,
read over a socket. The others read as many records, or resources, from files.
"""

from __future__ import annotations

import json
import math
import shutil
import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench import terraform, zones
from bench.measure import Contestant, Measured, once, serving, side_by_side, worker
from bench.table import Row

STAGE = "plan, whole command"
SIZES = (1_000, 10_000)
RUNS = 5
MOST_MIB, MOST_EXPONENT = 170, 1.05
_EDITED = 100  # one in so many
_KEY = "a contact key for the benchmark, 32 bytes at least"
_PROJECT = """\
apiVersion: reconciler/v1
kind: Project
metadata: {name: bench}
spec:
  state: {path: .reconciler/state.db, persistent: true}
  contactKey: {env: RECONCILER_CONTACT_KEY}
---
apiVersion: reconciler/v1
kind: Connection
metadata: {name: krakow}
spec:
  vendor: thulium
  baseUrl: {env: THULIUM_URL}
  credentials: {username: {env: THULIUM_USER}, password: {env: THULIUM_PASSWORD}}
  timezone: Europe/Warsaw
  region: PL
"""
_CAMPAIGN = """\
# Campaign {number} of the benchmark.
apiVersion: reconciler/v1
kind: Campaign
metadata:
  name: campaign-{number:05}
  labels:
    team: retention
    batch: b{batch}
spec:
  connection: krakow
  displayName: Campaign {number:05}
  activation: stopped
  thulium:
    kind: csv
    dialer: predictive
    start_date: "2026-06-01"
    end_date: "2026-06-30"
    order: {order}
    parity: {parity}
    group_id: {group}
    parameters:
      caller_id: "{caller}"
      preview_timeout: 30s
      predictive_max_calls: 3
      predictive_min_calls: 1
"""


def rows(sizes: Sequence[int] = SIZES, runs: int = RUNS) -> list[Row]:
    found: list[Row] = []
    cold: dict[int, Measured] = {}
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder, serving(worker("plan", "serve", size)) as account:
            more, cold[size] = _at(Path(folder), size, json.loads(account), runs)
            found += more
    small, large = sorted(cold)
    exponent = math.log(cold[large].seconds / cold[small].seconds) / math.log(large / small)
    return [
        *found,
        Row(STAGE, f"growth from {small:,} to {large:,} objects, exponent", exponent, "", most=MOST_EXPONENT),
    ]


def _at(folder: Path, size: int, account: dict[str, str], runs: int) -> tuple[list[Row], Measured]:
    """The rows of one size, and what one percent of changes takes. Raises RuntimeError where a plan is not what it should be."""
    repository, edited = folder / "repository", size // _EDITED or 1
    once(Contestant(worker("plan", "prepare", size, repository)))
    ours = _ours(repository, account)
    unchanged = side_by_side({**_octodns(folder / "unchanged", size, 0), "cold": ours["cold"]}, runs)
    for number in range(1, edited + 1):
        write(repository, number, order=77)
    changed = side_by_side({**_octodns(folder / "changed", size, edited), **ours}, runs)
    _check(unchanged["cold"], "No changes.")
    for name in ours:
        _check(changed[name], f" {edited} update,")
    found = [
        _row(f"{size:,} objects, 1 % changed", changed["cold"], changed.get("octodns")),
        _row(f"{size:,} objects, 1 % changed, files in the cache", changed["cached"], changed.get("octodns")),
        _row(f"{size:,} objects, no changes", unchanged["cold"], unchanged.get("octodns")),
    ]
    if terraform.present():
        rival = terraform.measured(folder / "terraform", size)
        row = replace(found[-1], rival=rival.seconds, rival_name="Terraform", rival_mib=rival.mib)
        found.append(replace(row, most_ratio=None, most_mib=None))
    return found, changed["cold"]


def _octodns(folder: Path, size: int, edited: int) -> dict[str, Contestant]:
    return {"octodns": zones.contestant(folder, size, edited)} if zones.present() else {}


def _ours(repository: Path, account: dict[str, str]) -> dict[str, Contestant]:
    command, cache = [str(Path(sys.executable).parent / "reconciler"), "plan"], repository / ".reconciler/cache"
    cold = Contestant(command, repository, account, lambda: shutil.rmtree(cache, ignore_errors=True))
    return {"cold": cold, "cached": replace(cold, before=lambda: None)}


def _check(measured: Measured, expected: str) -> None:
    if expected not in measured.out:
        raise RuntimeError(f"the plan does not say {expected!r}:\n{measured.out[-2000:]}")


def _row(work: str, ours: Measured, octodns: Measured | None) -> Row:
    row = Row(STAGE, work, ours.seconds, mib=ours.mib, most_mib=MOST_MIB)
    if octodns is None:
        return row
    return replace(row, rival=octodns.seconds, rival_name="octoDNS", rival_mib=octodns.mib, most_ratio=1.0)


# ---- our side ------------------------------------------------------------------------------------------------------


def values(number: int) -> dict[str, Any]:
    return {
        "batch": number % 7,
        "order": 1 + number % 60,
        "parity": 1 + number % 100,
        "group": 1 + number % 12,
        "caller": "4812" + f"{number:05}",
    }


def write(root: Path, number: int, **other: Any) -> None:
    text = _CAMPAIGN.format(number=number, **{**values(number), **other})
    (root / f"campaigns/{number:05}.yaml").write_text(text)


def prepare(root: Path, size: int) -> None:
    """A repository of `size` campaigns with a ledger that holds all of them as applied."""
    (root / "campaigns").mkdir(parents=True)
    (root / "reconciler.yaml").write_text(_PROJECT)
    for number in range(1, size + 1):
        write(root, number)
    _bind(root)


def _bind(root: Path) -> None:
    from reconciler import config, providers
    from reconciler.contacts import Fingerprints
    from reconciler.ledger import open_ledger
    from reconciler.model import Binding
    from reconciler.runs import holder_of

    repository = config.load(root)
    provider = providers.provider(repository.connections["krakow"])
    with closing(open_ledger(repository.project.state, str(root), {})) as ledger:
        lease = ledger.acquire(holder_of({}), 3600)
        ledger.start(lease, Fingerprints(_KEY.encode()).check())
        with ledger.transaction():
            for number, campaign in enumerate(repository.campaigns, start=1):
                spec = provider.canonical(campaign, {}).spec
                identity = ledger.identity(lease, campaign.key)
                ledger.bind(lease, Binding(campaign.key, identity, f"{number:05}", spec), "applied")
        ledger.finish(lease)


def _serve(size: int) -> None:
    """An account with `size` campaigns; says the environment of a job that uses it."""
    from reconciler.simulator.server import Running, serve
    from reconciler.simulator.world import CREDENTIALS, World

    def listening(here: Running) -> None:
        vendor = here.simulator.vendors["thulium"]
        for number in range(1, size + 1):
            vendor.edit("campaign", None, _settings(number))
        user = CREDENTIALS["thulium"]
        account = {"URL": here.base_url("thulium"), "USER": user["username"], "PASSWORD": user["password"]}
        environ = {f"THULIUM_{name}": value for name, value in account.items()}
        print(json.dumps({**environ, "RECONCILER_CONTACT_KEY": _KEY}), flush=True)

    serve(0, World(), listening)


def _settings(number: int) -> dict[str, Any]:
    known = values(number)
    parameters = {
        "caller_id": known["caller"],
        "preview_timeout": 30,
        "predictive_max_calls": 3,
        "predictive_min_calls": 1,
    }
    return {
        "name": f"Campaign {number:05}",
        "active": False,
        "dialer": "predictive",
        "start_date": "2026-06-01",
        "end_date": "2026-06-30",
        "order": known["order"],
        "parity": known["parity"],
        "group_id": known["group"],
        "parameters": parameters,
    }


def _main(part: str, size: str, *folder: str) -> None:
    """In processes of their own: what this one holds would count as the peak memory of everything that it starts."""
    if part == "serve":
        _serve(int(size))
    else:
        prepare(Path(*folder), int(size))


if __name__ == "__main__":
    _main(*sys.argv[1:])
