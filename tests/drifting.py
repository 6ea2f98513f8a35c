"""A repository that declares every field that can be read back, applied; what the tests of drift share."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reconciler.simulator.thulium.api import Thulium
from reconciler.simulator.vendor import Fields
from reconciler.simulator.world import World
from tests.office import Office, office

HOUR = 3_600_000_000_000  # nanoseconds
PROJECT = """\
apiVersion: reconciler/v1
kind: Project
metadata: {name: acme}
spec:
  contactKey: {env: RECONCILER_CONTACT_KEY}
  guards: {starts: {max: 5, percent: 100%}}
"""
CONNECTIONS = """\
apiVersion: reconciler/v1
kind: Connection
metadata: {name: hanoi}
spec:
  vendor: tel4vn
  baseUrl: {env: TEL4VN_URL}
  credentials: {apiKey: {env: TEL4VN_API_KEY}}
  timezone: Asia/Ho_Chi_Minh
  region: VN
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
---
apiVersion: reconciler/v1
kind: Schedule
metadata: {name: hours}
spec:
  timezone: Asia/Ho_Chi_Minh
  windows:
    - {days: [mon, tue, wed, thu, fri], from: "09:00", to: "17:00"}   # office
    - days: [sat, sun]
      from: "10:00"
      to: "16:00"
---
apiVersion: reconciler/v1
kind: RecallPolicy
metadata: {name: gentle}
spec:
  maxAttempts: 3       # the first call included
  after: 30m
  outcomes:
    - busy
    - no_answer        # most of them
  priority: new_first
  minTalk: 10s
"""
SPRING = """\
# Everything that TEL4VN can hold.
apiVersion: reconciler/v1
kind: Campaign
metadata: {name: spring}
spec:
  connection: hanoi
  displayName: "Spring"
  schedule: hours
  recall: gentle
  activation: stopped
  tel4vn:
    type: autodialer
    type_autocall: autocall_audio
    description: 'Renewal notices'   # for the agents
    carrier: Viettel trunk A
    template: Renewal notice
    concurrent_call: 5
    ratio: 150
    call_timeout: 60s
    mode_call: direct
    network: {viettel: 5, mobi: 5}
    callback_url: https://hooks.acme.example/cdr
    answer_callback_url: https://hooks.acme.example/answer
    local_start_time: "09:00"
    local_end_time: "17:00"
    hopper: 20
    call_center_queue_strategy: ring-all
    customer_order: id
    allow_manual_dial: true
    allow_search_lead: true
    enable_callback_alert: true
    enable_encrypt: false
    extensions: ["101", "102"]
"""
RENEWALS = """\
# Everything that Thulium can hold.
apiVersion: reconciler/v1
kind: Campaign
metadata: {name: odnowienia}
spec:
  connection: krakow
  displayName: Odnowienia
  activation: stopped
  thulium:
    id: "00001"
    kind: csv
    dialer: progressive
    start_date: 2026-06-01
    end_date: 2026-06-30
    order: 20
    parity: 60
    parameters: {caller_id: "2240", preview_timeout: 30s, predictive_max_calls: "1.5", predictive_min_calls: 1}
    group_id: 4
    agents: [a.nowak, j.doe]
"""


@contextlib.contextmanager
def applied(folder: Path, more: dict[str, str] | None = None, **switches: dict[str, str]) -> Iterator[Office]:
    """Both campaigns, or those of `more` in their place, just applied. `switches`: by vendor."""
    files = {"reconciler.yaml": PROJECT, "connections.yaml": CONNECTIONS}
    files |= more if more is not None else {"campaigns/spring.yaml": SPRING, "campaigns/odnowienia.yaml": RENEWALS}
    with office(folder, files, World(seeded=True, switches=switches)) as team:
        result = team.run("apply", "--auto-approve")
        assert result.code == 0, result.out + result.err
        yield team


def spring(team: Office, name: str = "Spring") -> str:
    """The id of a TEL4VN campaign."""
    rows = team.here.simulator.vendors["tel4vn"].snapshot()["campaigns"]
    return str(next(uuid for uuid, row in rows.items() if row["campaign_name"] == name))


def row_of(team: Office, vendor: str, id: str) -> Fields:
    """What the panel shows of a campaign, and takes back."""
    account = team.here.simulator.vendors[vendor]
    if isinstance(account, Thulium):
        return {**account._account.campaigns[id].settings}
    row: Fields = account.snapshot()["campaigns"][id]
    return row


def agents(team: Office) -> dict[str, bool]:
    """Who works on Thulium's campaign 00001, to be changed."""
    account = team.here.simulator.vendors["thulium"]
    assert isinstance(account, Thulium)
    return account._account.campaigns["00001"].agents


def panel(team: Office, vendor: str, id: str, **fields: Any) -> None:
    """Somebody saves a campaign in the panel."""
    team.here.simulator.vendors[vendor].edit("campaign", id, fields)


def drift(team: Office, *options: str, code: int = 0) -> Any:
    """What `drift --format json` prints."""
    result = team.run("drift", "--format", "json", *options)
    assert result.code == code, result.out + result.err
    return result.json()
