"""TEL4VN replaces whole campaigns: whatever is declared, a PUT leaves every field that nobody declared as it was."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from reconciler.simulator.tel4vn.fields import READ_ONLY, SURVIVES, ZERO
from tests.office import Office, desk

FIELDS = {*ZERO, *SURVIVES, *READ_ONLY, "campaign_uuid", "domain_uuid", "created_at"}
MOVES = {"updated_at"}  # the tenant's own
# What may be declared in the tel4vn block -> its values, and the fields of the vendor that then are ours.
DECLARED: dict[str, tuple[st.SearchStrategy[Any], set[str]]] = {
    "description": (st.sampled_from(["Spring", "Summer", "Ngày mai"]), {"description"}),
    "concurrent_call": (st.integers(1, 30), {"concurrent_call"}),
    "ratio": (st.sampled_from([100, 150, 200, 300]), {"ratio"}),
    "call_timeout": (st.sampled_from(["20s", "45s", "2m"]), {"call_timeout"}),
    "mode_call": (st.sampled_from(["direct", "serial"]), {"mode_call"}),
    "hopper": (st.integers(1, 90), {"hopper"}),
    "callback_url": (st.sampled_from(["https://a.example/x", "https://b.example"]), {"callback_url"}),
    "customer_order": (st.sampled_from(["id", "name"]), {"customer_order"}),
    "allow_manual_dial": (st.booleans(), {"allow_manual_dial"}),
    "enable_encrypt": (st.booleans(), {"enable_encrypt"}),
    "local_start_time": (st.sampled_from(["08:00", "09:30"]), {"local_start_time"}),
    "network": (st.fixed_dictionaries({"viettel": st.integers(0, 9), "mobi": st.integers(0, 9)}), {"network"}),
}
ALWAYS = {"campaign_name", "type", "type_autocall"}
SCHEDULE = {"schedules"}
RECALL = {"recall_times", "schedule_recall", "schedule_recall_duration", "recall_status", "priority_recall"}
# What somebody may click in the panel, whoever owns it.
CLICKED: dict[str, st.SearchStrategy[Any]] = {
    "status": st.sampled_from(["stop", "start", "pause"]),
    "active": st.booleans(),
    "users": st.lists(st.uuids().map(str), max_size=2),
    "groups": st.lists(st.uuids().map(str), max_size=2),
    "statuses": st.lists(st.uuids().map(str), max_size=2),
    "description": st.sampled_from(["", "typed in the panel"]),
    "concurrent_call": st.integers(1, 30),
    "ratio": st.integers(100, 300),
    "hopper": st.integers(1, 90),
    "call_timeout": st.integers(10, 90),
    "callback_url": st.sampled_from(["", "https://panel.example"]),
    "answer_callback_url": st.sampled_from(["", "https://panel.example"]),
    "orig_campaign_uuid": st.uuids().map(str),
    "limit_recall_duration": st.integers(0, 60),
    "recall_times": st.integers(0, 5),
    "network": st.fixed_dictionaries({n: st.integers(0, 9) for n in ("viettel", "mobi", "vina", "tel", "offnet")}),
    "enable_callback_alert": st.booleans(),
    "allow_search_lead": st.booleans(),
    "local_end_time": st.sampled_from(["20:00:00", "23:59:59"]),
    "call_center_queue_strategy": st.sampled_from(["", "ring-all"]),
}
BLOCKS = st.fixed_dictionaries({}, optional={name: values for name, (values, _) in DECLARED.items()})
CLICKS = st.fixed_dictionaries({}, optional=CLICKED)


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Office]:
    with desk(tmp_path) as made:
        yield made


def declare(team: Office, block: dict[str, Any], hours: bool, recall: bool) -> None:
    """Nothing but `block`, with or without a schedule and a recall policy; no run state, no people."""
    documents = list(yaml.safe_load_all((team.root / "campaigns.yaml").read_text("utf-8")))
    (campaign,) = (document for document in documents if document["kind"] == "Campaign")
    fixed = {"type": "autocall", "type_autocall": "autocall_audio"}
    campaign["spec"] = {"connection": "hanoi", "tel4vn": {**fixed, **block}}
    campaign["spec"] |= ({"schedule": "hours"} if hours else {}) | ({"recall": "gentle"} if recall else {})
    (team.root / "campaigns.yaml").write_text(yaml.safe_dump_all(documents, sort_keys=False), "utf-8")


def stored(team: Office) -> tuple[str, dict[str, Any]]:
    rows = team.here.simulator.vendors["tel4vn"].snapshot()["campaigns"]
    ((uuid, row),) = ((uuid, row) for uuid, row in rows.items() if row["campaign_name"] == "spring")
    return uuid, deepcopy(row)


def windows(row: dict[str, Any]) -> list[dict[str, Any]]:
    """Schedules without the ids that the vendor gives each time."""
    return [{name: at for name, at in row.items() if name.endswith("_time")} for row in row["schedules"]]


# Whether a PUT that sends the assignments back as they were read keeps them is open; both readings of what is read are played.
SWITCHES = [
    {"read_assignments": "null", "put_null_assignments": "kept"},
    {"read_assignments": "stored", "put_null_assignments": "kept"},
    {"read_assignments": "stored", "put_null_assignments": "cleared"},
    {"put": "keep", "put_status": "ignored"},
]


@pytest.mark.parametrize("switches", SWITCHES, ids=lambda switches: "-".join(switches.values()))
def test_a_put_changes_no_field_that_is_not_ours(team: Office, switches: dict[str, str]) -> None:
    team.switch("tel4vn", **switches)
    team.switch("tel4vn", create_status="stop")
    declare(team, {}, hours=False, recall=False)
    assert team.run("apply", "--auto-approve").code == 0
    ever: set[str] = set(ALWAYS)

    # Not shrunk: an example is a whole apply, and what it did not keep is named by the comparison.
    phases = (Phase.generate,)

    @settings(max_examples=12, deadline=None, derandomize=True, phases=phases, suppress_health_check=list(HealthCheck))
    @given(block=BLOCKS, hours=st.booleans(), recall=st.booleans(), clicks=CLICKS)
    def edits(block: dict[str, Any], hours: bool, recall: bool, clicks: dict[str, Any]) -> None:
        uuid, _ = stored(team)
        team.here.simulator.vendors["tel4vn"].edit("campaign", uuid, clicks)
        declare(team, block, hours, recall)
        ever.update(*(DECLARED[name][1] for name in block), SCHEDULE if hours else set(), RECALL if recall else set())
        _, before = stored(team)
        applied = team.run("apply", "--auto-approve")
        assert applied.code == 0, applied.out + applied.err
        _, after = stored(team)
        assert before.keys() == after.keys() >= FIELDS
        untouched = before.keys() - ever - MOVES - {"schedules", "network"}
        assert {name: after[name] for name in untouched} == {name: before[name] for name in untouched}
        if not hours and "schedules" not in ever:
            assert windows(after) == windows(before)
        declared = block.get("network", {})
        assert after["network"] == {**before["network"], **declared}
        assert team.plan()["changes"] == []

    edits()
