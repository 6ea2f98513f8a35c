"""Whatever two vendors show of campaigns: imported, the plan over it is empty, an apply sends nothing, and nothing of people is in Git."""

from __future__ import annotations

import os
import re
import shutil
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from reconciler.redact import mask
from reconciler.simulator.world import World
from tests.drifting import CONNECTIONS, HOUR, PROJECT
from tests.importing import INTO, check_with_another_validator, put_schemas, sent
from tests.office import Office, office

LONG = "CHAOS" in os.environ
MANY = 2000 if LONG else 60  # campaigns of the large account
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MINUTE = HOUR // 60
FIND = (Phase.explicit, Phase.reuse, Phase.generate)  # each try is several commands: a failure is not made smaller


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    files = {"reconciler.yaml": PROJECT, "connections.yaml": CONNECTIONS}
    with office(tmp_path_factory.mktemp("office"), files, World(seeded=True)) as here:
        yield here


def begin_anew(team: Office) -> None:
    team.here.simulator.reset()
    for path in ("campaigns", ".reconciler"):
        shutil.rmtree(team.root / path, ignore_errors=True)


def check(team: Office, connection: str) -> None:
    """Imported without a word against it, nothing is planned and nothing was sent; what the files say holds no number."""
    done = team.run("import", connection, "--into", INTO)
    assert done.code == 0, done.out + done.err
    plan = team.run("plan", "--detailed-exitcode")
    assert plan.code == 0, plan.out + plan.err
    assert team.run("apply", "--auto-approve").code == 0
    drift = team.run("drift", "--detailed-exitcode", "--select", f"connection={connection}")
    assert drift.code in {0, 64}, drift.out + drift.err  # 64: nothing of it could be declared
    assert not sent(team)
    text = "".join(path.read_text() for path in (team.root / INTO).rglob("*.yaml"))
    assert not {letter for letter in text if not letter.isprintable()} - {"\n"}
    plain = re.sub(r"\\x[0-9a-f]{2}|\\u[0-9a-f]{4}|\\U[0-9a-f]{8}", "", text)  # an unseen letter is written in digits
    assert mask(plain) == plain


TEXTS = st.one_of(
    st.sampled_from(
        [
            "",
            "x",
            "Odnowienia 2026",
            "null",
            "yes",
            "- a",
            "a: b # c",
            "tel. 0912345678",
            "j@x.example",
            "{x}",
            "2026-01-01",
        ]
    ),
    st.text(min_size=1, max_size=30),
)
NAMES = st.lists(TEXTS.filter(bool), min_size=1, max_size=4, unique=True)
URLS = st.sampled_from(
    ["", "https://h.example/cdr", "http://h.example", "https://h.example/?k=v", "ftp://h", "no url", "https://a:b@h/"]
)
CLOCKS = st.sampled_from(["", "00:00:00", "08:00:00", "08:00:30", "23:59:59", "7:00"])


@st.composite
def schedules(draw: st.DrawFn) -> list[dict[str, int]]:
    """None, one or two rows; each day closed, within the day, or as nobody would write it."""
    edges = st.one_of(
        st.sampled_from([(0, 0), (480, 1260), (510, 1020), (0, 1440), (600, 600)]),
        st.tuples(*[st.integers(0, 1441)] * 2),
    )
    alike = draw(st.booleans())
    rows = []
    for _ in range(draw(st.sampled_from([0, 1, 1, 1, 1, 2]))):
        spans = [draw(edges)] * 7 if alike else [draw(edges) for _ in DAYS]
        second = draw(st.sampled_from([0, 0, 0, 0, 0, 1])) * 10**9
        row = {f"{day}_start_time": span[0] * MINUTE for day, span in zip(DAYS, spans, strict=True)}
        rows.append(row | {f"{day}_end_time": span[1] * MINUTE + second for day, span in zip(DAYS, spans, strict=True)})
    return rows


def one_of(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


TEL4VN = st.fixed_dictionaries(
    {"type": one_of("autodialer", "autocall", "autocall", "inbound", "manual", "other")},
    optional={
        "type_autocall": one_of("autocall_voice_tts", "autocall_audio", "", "other"),
        "description": TEXTS,
        "active": st.booleans(),
        "status": one_of("stop", "start", "pause", ""),
        "concurrent_call": st.integers(0, 99),
        "ratio": one_of(0, 100, 150, 500, 7),
        "carrier_uuid": one_of("", "11111111-1111-4111-8111-111111111111"),
        "recall_times": st.integers(0, 120),
        "limit_recall_duration": st.integers(0, 10**5),
        "schedule_recall": one_of("after", "minute", "", "never"),
        "schedule_recall_duration": st.integers(0, 10**4),
        "priority_recall": one_of("normal", "recall", "", "other"),
        "recall_status": st.one_of(
            st.none(), st.lists(one_of("answered", "busy", "no-answered", "other"), unique=True)
        ),
        "call_timeout": st.integers(0, 10**5),
        "mode_call": one_of("direct", "parralel", "", "spiral"),
        "network": st.one_of(st.none(), st.dictionaries(one_of("viettel", "mobi", "itel"), st.integers(0, 9))),
        "schedules": schedules(),
        "callback_url": URLS,
        "answer_callback_url": URLS,
        "local_start_time": CLOCKS,
        "local_end_time": CLOCKS,
        "hopper": one_of(0, 10, 55, 100, 101),
        "call_center_queue_strategy": one_of("", "ring-all", "other"),
        "customer_order": TEXTS,
        "allow_manual_dial": st.booleans(),
        "enable_encrypt": st.booleans(),
    },
)
DATES = st.one_of(st.just(""), st.dates().map(str))
THULIUM = st.fixed_dictionaries(
    {},
    optional={
        "dialer": one_of("predictive", "progressive", "preview", "", "other"),
        "active": st.booleans(),
        "start_date": DATES,
        "end_date": DATES,
        "order": one_of(1, 99999, "50", 0),
        "parity": one_of(1, 100, "", 0),
        "group_id": one_of("", 0, 4, "7"),
        "parameters": st.one_of(
            one_of({}, [], ""),
            st.fixed_dictionaries(
                {},
                optional={
                    "caller_id": one_of("", "224000000", "112"),
                    "preview_timeout": one_of("", 0, 15, 4000),
                    "predictive_max_calls": one_of("", 3, 1.5, 0.25),
                    "predictive_min_calls": one_of(0, 1),
                    "unknown": one_of("", "x"),
                },
            ),
        ),
    },
)


@settings(max_examples=150 if LONG else 15, phases=FIND, suppress_health_check=list(HealthCheck))
@given(NAMES, st.lists(TEL4VN, min_size=4, max_size=4))
def test_any_account_of_tel4vn(team: Office, names: list[str], campaigns: list[dict[str, Any]]) -> None:
    begin_anew(team)
    vendor = team.here.simulator.vendors["tel4vn"]
    for name, fields in zip(names, campaigns, strict=False):
        vendor.edit("campaign", None, {**fields, "campaign_name": name})
    check(team, "hanoi")


@settings(max_examples=150 if LONG else 15, phases=FIND, suppress_health_check=list(HealthCheck))
@given(st.lists(TEXTS.filter(bool), min_size=1, max_size=4), st.lists(THULIUM, min_size=4, max_size=4), st.booleans())
def test_any_account_of_thulium(team: Office, names: list[str], campaigns: list[dict[str, Any]], crm: bool) -> None:
    begin_anew(team)
    vendor = team.here.simulator.vendors["thulium"]
    for name, fields in zip(names, campaigns, strict=False):
        vendor.edit("campaign", None, {**fields, "name": name, "kind": "crm" if crm else "csv"})
    check(team, "krakow")


# ---- large, paced, killed -----------------------------------------------------------------------------------------


def fill(team: Office, count: int) -> None:
    """An account in which much is alike."""
    vendor = team.here.simulator.vendors["tel4vn"]
    for number in range(count):
        span = (8 + number % 3, 17 + number % 4)
        row = {f"{day}_start_time": span[0] * HOUR for day in DAYS} | {
            f"{day}_end_time": span[1] * HOUR for day in DAYS
        }
        fields = {
            "campaign_name": f"Chiến dịch {number}",
            "type": "autocall",
            "type_autocall": "autocall_audio",
            "description": f"part {number % 7}",
            "concurrent_call": number % 9,
            "recall_times": number % 4,
            "schedule_recall": "minute",
            "schedule_recall_duration": 30,
            "recall_status": ["busy", "no-answered"],
            "schedules": [row],
        }
        vendor.edit("campaign", None, fields)


def test_a_large_account_within_the_rate_of_the_vendor(team: Office) -> None:
    begin_anew(team)
    fill(team, MANY)
    rate = max(20, MANY // 10)
    put_schemas(team)
    connections = team.root / "connections.yaml"
    before = connections.read_text()
    connections.write_text(before.replace("  region: VN\n", f"  region: VN\n  limits: {{requestsPerSecond: {rate}}}\n"))
    try:
        began = time.monotonic()
        done = team.run("import", "hanoi", "--into", INTO)
        took = time.monotonic() - began
        assert done.code == 0, done.err
        calls = team.calls("tel4vn")
        assert len(calls) <= MANY + 20
        assert took >= (len(calls) - rate) / rate * 0.9
        assert f"hanoi: {MANY + 2:,} campaigns" in done.out
        assert len(list((team.root / INTO).glob("*.yaml"))) == MANY + 2
        assert len(list((team.root / INTO / "schedules").iterdir())) <= 13
        plan = team.run("plan", "--detailed-exitcode")
        assert plan.code == 0, plan.out
        check_with_another_validator(team)
    finally:
        connections.write_text(before)


def test_killed_while_it_writes_it_goes_on(team: Office) -> None:
    begin_anew(team)
    fill(team, 150)
    folder = team.root / INTO
    seen = []
    for least in (1, 30, 110):
        process = team.spawn("import", "hanoi", "--into", INTO)
        while process.poll() is None and len(list(folder.glob("*.yaml"))) < least:
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        seen.append(len(list(folder.glob("*.yaml"))))
        planned = team.run("plan", "--detailed-exitcode")
        assert planned.code == 0, planned.out + planned.err  # half of an import does no harm
        assert team.run("state", "unlock", "--reason", "killed").code == 0
    assert seen[0] < 152 and seen == sorted(seen)
    done = team.run("import", "hanoi", "--into", INTO)
    assert done.code == 0, done.err
    plan = team.run("plan", "--detailed-exitcode")
    assert plan.code == 0
    assert "not managed here" in plan.out  # Thulium's
    assert "hanoi  " not in plan.out
    names = re.findall(r"where its id is (.*)\.", "".join(path.read_text() for path in folder.glob("*.yaml")))
    assert len(names) == len(set(names)) == 152
    assert not sent(team)
