"""`drift --adopt`, whatever somebody does in the panel: each value is declared or refused, and no other plan is left."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.simulator.tel4vn.account import fixed_uuid
from reconciler.simulator.tel4vn.fields import RECALL_STATUS
from tests.drifting import HOUR, SPRING, applied, drift, panel, row_of, spring
from tests.office import Office

LONG = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
NAMES = ("one", "two")


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """Two campaigns that share their hours and their recall policy."""
    unnamed = SPRING.replace('  displayName: "Spring"\n', "")
    files = {f"{name}.yaml": unnamed.replace("name: spring", f"name: {name}") for name in NAMES}
    with applied(tmp_path_factory.mktemp("laws"), files) as made:
        yield made


@st.composite
def schedules(draw: st.DrawFn) -> list[dict[str, int]]:
    row: dict[str, int] = {}
    for day in LONG:
        usual = (10, 16) if day.startswith("s") else (9, 17)
        start, end = draw(st.sampled_from([usual, usual, (8, 17), (9, 15), (0, 24), (0, 0), (20, 6)]))
        row |= {f"{day}_start_time": start * HOUR, f"{day}_end_time": end * HOUR}
    return [row]


def mostly(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


EDITS = st.fixed_dictionaries(
    {},
    optional={
        "campaign_name": mostly("x: y", "Zażółć", "'q'", "- a"),
        "schedules": schedules(),
        "recall_times": st.integers(0, 12),
        "schedule_recall": mostly("after", "minute", "never"),
        "schedule_recall_duration": st.integers(0, 90),
        "recall_status": st.lists(mostly(*RECALL_STATUS, "strange"), min_size=1, unique=True),
        "limit_recall_duration": st.integers(0, 200),
        "description": mostly("", "a # b", "more\nlines", "# x", "{z}", "call 0912 345 678"),
        "carrier_uuid": mostly("", fixed_uuid("carrier Mobi trunk B")),
        "concurrent_call": st.integers(0, 50),
        "ratio": mostly(100, 200, 123),
        "call_timeout": st.integers(1, 200),
        "network": st.fixed_dictionaries({"viettel": st.integers(0, 9), "mobi": st.integers(0, 9)}),
        "callback_url": mostly("", "https://x.example/a", "junk"),
        "local_start_time": mostly("08:00:00", "", "07:30:30"),
        "enable_encrypt": st.booleans(),
        "active": st.booleans(),
        "status": mostly("start", "stop", "pause"),
    },
)


def named(found: list[Any]) -> set[tuple[str, ...]]:
    return {(one["key"], *one["path"]) for one in found}


@given(one=EDITS, two=EDITS)
@settings(max_examples=8, suppress_health_check=list(HealthCheck))
def test_each_value_is_declared_or_refused(team: Office, one: dict[str, Any], two: dict[str, Any]) -> None:
    files = {path: path.read_bytes() for path in team.root.rglob("*.yaml")}
    ids = {name: spring(team, name) for name in NAMES}
    rows = {name: row_of(team, "tel4vn", id) for name, id in ids.items()}
    try:
        for name, edits in zip(NAMES, (one, two), strict=True):
            panel(team, "tel4vn", ids[name], **edits)
        found = drift(team, "--adopt")
        adopted, refused = named(found["adopted"]), named(found["refused"])
        drifted = {(each["key"], *field["path"]) for each in found["objects"] for field in each["fields"]}
        assert adopted | refused == drifted and not adopted & refused
        left = {(change["key"], *field["path"]) for change in team.plan()["changes"] for field in change["fields"]}
        assert left <= refused
        assert all(one["note"] == "it says so already" for one in drift(team, "--adopt")["adopted"])
    finally:
        for name, id in ids.items():
            panel(team, "tel4vn", id, **rows[name])
        for path, content in files.items():
            path.write_bytes(content)
