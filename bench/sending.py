"""`reconciler apply` of many people to the simulator at 20 ms, beside a bare client that sends as many calls of the same bodies.

The simulator is a process of its own, and so is each client; how much it could answer at most is a row of its own. What counts is the
sending alone: from the first claim to the last outcome of a call that carries people.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measure import Contestant, Measured, once, serving, tell, worker
from bench.table import Row

if TYPE_CHECKING:
    import httpx

STAGE = "apply"
CONCURRENCY = 4  # what a connection that says nothing gets
BATCHES = (100, 500)  # a careful one, and what a connection that says nothing gets
LATENCY = 20  # ms
LEAST = 0.9
_STEP, _SPACE = 7919, 89_999_999  # a prime walk over the mobile numbers 090... to 098..., all of them valid
_LIST = "Thang 5"  # of the campaign that the simulator begins with
_KEY = "a contact key for the benchmark, 32 bytes at least"
_REPOSITORY = """\
apiVersion: reconciler/v1
kind: Project
metadata: {{name: bench}}
spec:
  state: {{path: .reconciler/state.db, persistent: true}}
  contactKey: {{env: RECONCILER_CONTACT_KEY}}
  guards:
    contactsAdded: {{max: 1000000, percent: 1000%}}
---
apiVersion: reconciler/v1
kind: Connection
metadata: {{name: hanoi}}
spec:
  vendor: tel4vn
  baseUrl: {{env: TEL4VN_URL}}
  credentials: {{apiKey: {{env: TEL4VN_API_KEY}}}}
  timezone: Asia/Ho_Chi_Minh
  region: VN
  limits: {{batchSize: {batch}}}
---
apiVersion: reconciler/v1
kind: Schedule
metadata: {{name: hours}}
spec:
  timezone: Asia/Ho_Chi_Minh
  windows:
    - {{days: [mon, tue, wed, thu, fri, sat, sun], from: "09:00", to: "17:00"}}
---
apiVersion: reconciler/v1
kind: RecallPolicy
metadata: {{name: gentle}}
spec: {{maxAttempts: 3, after: 30m, outcomes: [no_answer, busy], priority: new_first}}
---
apiVersion: reconciler/v1
kind: Campaign
metadata: {{name: spring}}
spec:
  connection: hanoi
  schedule: hours
  recall: gentle
  contacts: [may]
  activation: stopped
  tel4vn:
    type: autocall
    type_autocall: autocall_audio
    description: Renewal notices
    carrier: Viettel trunk A
    template: Renewal notice
    concurrent_call: 5
---
apiVersion: reconciler/v1
kind: ContactSet
metadata: {{name: may}}
spec:
  source: {{file: {{env: MAY_CSV}}}}
  columns: {{phone: mobile, fields: {{{field}: name}}}}
  mode: mirror
  purpose: service
  lawfulBasis: contract
"""


@dataclass(frozen=True, slots=True)
class Case:
    """So many people, `batch` of them in a call at most; one where it is 1."""

    people: int
    batch: int

    @property
    def field(self) -> str:
        """What of a person is sent beside the number: with this one the vendor takes many people in a call, with that only one."""
        return "lead_name" if self.in_batches else "address"

    @property
    def in_batches(self) -> bool:
        return self.batch > 1

    @property
    def work(self) -> str:
        return f"{self.people:,} people, {f'up to {self.batch}' if self.in_batches else 'one'} a call"


def rows(in_batches: int = 100_000, one_by_one: int = 10_000) -> list[Row]:
    cases = (Case(one_by_one, 1), *(Case(in_batches, batch) for batch in BATCHES))
    return [row for case in cases for row in _of(case)]


def _of(case: Case) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        ours, calls = _applied(case, Path(folder))
    bare, most = _bare(case, LATENCY), _bare(case, 0)
    return [
        Row(
            STAGE,
            f"{case.work}, {LATENCY} ms, {CONCURRENCY} in flight",
            calls / ours.seconds,
            "calls/s",
            rival=calls / bare.seconds,
            rival_name="bare client",
            least_ratio=LEAST,
            mib=ours.mib,
            rival_mib=bare.mib,
        ),
        Row(STAGE, f"{case.work}, what the simulator answers at most", calls / most.seconds, "calls/s"),
    ]


def _applied(case: Case, folder: Path) -> tuple[Measured, int]:
    """What one apply took for its calls that carry people, and how many they were. Raises RuntimeError where somebody was not sent."""
    (folder / "reconciler.yaml").write_text(_REPOSITORY.format(field=case.field, batch=case.batch))
    with (folder / "may.csv").open("w") as file:
        file.write("mobile,name\n")
        file.writelines(f"{number},{name}\n" for number, name in people(case.people))
    with serving(worker("sending", "serve", LATENCY)) as line:
        environ = {**json.loads(line), "RECONCILER_CONTACT_KEY": _KEY, "MAY_CSV": str(folder / "may.csv")}
        command = [str(Path(sys.executable).parent / "reconciler"), "apply", "--auto-approve", "--format", "json"]
        measured = once(Contestant(command, folder, environ))
    confirmed = json.loads(measured.out)["contacts"]["confirmed"]
    if confirmed != case.people:
        raise RuntimeError(f"{confirmed:,} of {case.people:,} people were sent")
    seconds, calls = _in_ledger(folder / ".reconciler/state.db")
    return Measured(seconds, measured.mib, ""), calls


def _in_ledger(path: Path) -> tuple[float, int]:
    with sqlite3.connect(path) as ledger:
        about = "SELECT min(claimed_at), max(decided_at), count(*) FROM request WHERE call LIKE 'POST /v3/lead%'"
        first, last, calls = ledger.execute(about).fetchone()
    ledger.close()
    return (datetime.fromisoformat(last) - datetime.fromisoformat(first)).total_seconds(), calls


def _bare(case: Case, latency: int) -> Measured:
    with serving(worker("sending", "serve", latency)) as line:
        return once(Contestant(worker("sending", "bare", case.people, case.batch), environ=json.loads(line)))


# ---- the data ------------------------------------------------------------------------------------------------------


def people(count: int) -> Iterator[tuple[str, str]]:
    for number in range(count):
        yield f"09{number * _STEP % _SPACE:08d}", f"Nguyen Van {number:x}"


def bodies(case: Case, list_uuid: str) -> Iterator[bytes]:
    """Of the same calls as apply makes, in the same sizes."""
    leads = [{"phone_number": number, case.field: name} for number, name in people(case.people)]
    if not case.in_batches:
        yield from (json.dumps({"list_uuid": list_uuid, **lead}).encode() for lead in leads)
        return
    at, size = 0, 1
    while at < len(leads):
        yield json.dumps(
            {"list_uuid": list_uuid, "data": [{**lead, "after_day": 0} for lead in leads[at : at + size]]}
        ).encode()
        at, size = at + size, min(max(10, size * 2), case.batch)


# ---- each in a process of its own ----------------------------------------------------------------------------------


def _serve(latency: float) -> None:
    from reconciler.simulator.server import Running, serve
    from reconciler.simulator.world import CREDENTIALS, World

    def listening(here: Running) -> None:
        environ = {"TEL4VN_URL": here.base_url("tel4vn"), "TEL4VN_API_KEY": CREDENTIALS["tel4vn"]["apiKey"]}
        print(json.dumps(environ), flush=True)

    serve(0, World(seeded=True, latency_ms=latency), listening)


async def _send(case: Case, url: str, key: str) -> float:
    """Seconds that a bare client takes for all calls, once it is logged in, every body made and every connection open."""
    import httpx
    from httpx_aiohttp import AiohttpTransport

    async with httpx.AsyncClient(transport=AiohttpTransport(), base_url=url, timeout=30) as client:
        token = (await client.post("/v3/auth/token", json={"api_key": key})).json()["token"]
        client.headers["Authorization"] = f"Bearer {token}"
        answers = await asyncio.gather(*(client.get("/v3/list") for _ in range(CONCURRENCY)))
        waiting = bodies(case, next(row["list_uuid"] for row in answers[0].json()["data"] if row["list_name"] == _LIST))
        path = "/v3/lead/multi" if case.in_batches else "/v3/lead"
        return await _timed(client, path, list(waiting))


async def _timed(client: httpx.AsyncClient, path: str, waiting: list[bytes]) -> float:
    left = iter(waiting)

    async def work() -> None:
        for body in left:
            answer = await client.post(path, content=body, headers={"Content-Type": "application/json"})
            answer.raise_for_status()

    begun = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(CONCURRENCY)))
    return time.perf_counter() - begun


def _main(part: str, *arguments: str) -> None:
    import os

    if part == "serve":
        _serve(float(arguments[0]))
    else:
        case = Case(int(arguments[0]), int(arguments[1]))
        tell(asyncio.run(_send(case, os.environ["TEL4VN_URL"], os.environ["TEL4VN_API_KEY"])))


if __name__ == "__main__":
    _main(*sys.argv[1:])
