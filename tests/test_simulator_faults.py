"""Faults: on real sockets what the client gets and what the vendor did, and which calls a rule hits."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from reconciler.simulator.faults import Faults, FaultsError, Rule, load, parse
from reconciler.simulator.server import Running, running
from reconciler.simulator.world import World
from tests.served import E164, MULTI, NUMBER, Tenant, eventually


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with running(World(seeded=True)) as here:
        yield here


@pytest.fixture
def tenant(server: Running) -> Iterator[Tenant]:
    server.simulator.reset()
    tenant = Tenant(server)
    yield tenant
    tenant.close()


BROKEN = [
    ("drop", httpx.RemoteProtocolError),
    ("reset", httpx.ReadError),
    ("garbage", httpx.RemoteProtocolError),
    ("truncate", httpx.RemoteProtocolError),
]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("fault", "error"), BROKEN)
def test_a_broken_connection_before_and_after_the_work(
    tenant: Tenant, fault: str, error: type[Exception], when: str
) -> None:
    tenant.fault(vendor="tel4vn", method="POST", path=MULTI, nth=1, fault=fault, when=when)
    with pytest.raises(error):
        tenant.add()
    assert tenant.dialled() == ({E164: 1} if when == "after" else {})
    entry = tenant.last()
    assert (entry["fault"], entry["effect"]) == (fault, when == "after")
    assert tenant.add().status_code == 200  # the server is as well as before


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("status", [302, 401, 403, 404, 408, 429, 500, 503])
def test_a_status_before_and_after_the_work(tenant: Tenant, status: int, when: str) -> None:
    tenant.fault(fault=status, when=when, path=MULTI)
    answer = tenant.add()
    assert answer.status_code == status
    assert answer.json()["error"]
    assert tenant.dialled() == ({E164: 1} if when == "after" else {})


def test_retry_after_and_location(tenant: Tenant) -> None:
    tenant.fault(fault=429, retry_after=7)
    assert tenant.add().headers["retry-after"] == "7"
    tenant.fault(fault=307, method="POST", nth=1)
    assert tenant.api.post(MULTI, json={}, follow_redirects=True).status_code == 405
    assert tenant.last()["path"] == "/v3/lead/moved"  # whoever follows is seen in the log


@pytest.mark.parametrize(("when", "dialled"), [("before", {}), ("after", {E164: 1})])
def test_a_web_page_and_nothing_instead_of_json(tenant: Tenant, when: str, dialled: dict[str, int]) -> None:
    tenant.fault(fault="html", when=when)
    answer = tenant.add()
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert answer.text.startswith("<!doctype html>")
    assert tenant.dialled() == dialled
    tenant.fault(fault="empty", when=when)
    answer = tenant.add("0351111111")
    assert (answer.status_code, answer.content, answer.headers["content-length"]) == (200, b"", "0")


def test_empty_keeps_the_vendors_status(tenant: Tenant) -> None:
    tenant.fault(fault="empty", when="after")
    assert tenant.add("12").status_code == 400


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_slow_answer_does_the_work_after_or_before_the_wait(tenant: Tenant, when: str) -> None:
    tenant.fault(fault="slow", seconds=0.3, when=when)
    with pytest.raises(httpx.ReadTimeout):
        tenant.api.post(MULTI, json={"list_uuid": tenant.list_uuid, "data": [{"phone_number": NUMBER}]}, timeout=0.1)
    assert tenant.dialled() == ({E164: 1} if when == "after" else {})
    eventually(lambda: tenant.dialled() == {E164: 1})
    started = time.monotonic()
    assert tenant.add().status_code == 200
    assert time.monotonic() - started >= 0.3


def test_late_answers_nothing_and_does_the_work_afterwards(tenant: Tenant) -> None:
    tenant.fault(fault="late", seconds=0.2, nth=1)
    with pytest.raises(httpx.RemoteProtocolError):
        tenant.add()
    assert tenant.dialled() == {}
    eventually(lambda: tenant.dialled() == {E164: 1})
    assert tenant.last()["effect"] is True


def test_partial_handles_the_first_items_of_a_batch(tenant: Tenant) -> None:
    tenant.fault(fault="partial", items=2)
    answer = tenant.add("0351111111", "0352222222", "0353333333")
    assert answer.json() == {"message": "success", "total_insert": 2}
    assert tenant.dialled() == {"+84351111111": 1, "+84352222222": 1}


@pytest.mark.parametrize(
    ("rule", "hit"),
    [
        ({"nth": 2}, [False, True, False, False, False, False]),
        ({"every": 3}, [False, False, True, False, False, True]),
        ({"first": 2}, [True, True, False, False, False, False]),
        ({}, [True] * 6),
        ({"nth": 6, "first": 1}, [True, False, False, False, False, True]),
    ],
)
def test_which_calls_a_rule_hits(rule: dict[str, int], hit: list[bool]) -> None:
    faults = Faults(parse([{"fault": 503} | rule]))
    assert [faults.pick("tel4vn", "GET", "/v3/list") is not None for _ in hit] == hit


def test_a_rule_counts_only_its_own_calls_and_the_first_hit_wins() -> None:
    first = Rule(fault=500, vendor="tel4vn", method="POST", path="^/v3/lead", nth=2)
    second = Rule(fault=503, path="lead")
    faults = Faults([first, second])
    assert faults.pick("thulium", "POST", "/v3/lead") is second
    assert faults.pick("tel4vn", "GET", "/v3/lead") is second
    assert faults.pick("tel4vn", "POST", "/v3/list") is None
    assert faults.pick("tel4vn", "POST", "/v3/lead") is second
    assert faults.pick("tel4vn", "POST", "/v3/lead") is first


def test_a_fault_file(tmp_path: Path) -> None:
    file = tmp_path / "faults.yaml"
    file.write_text("- {vendor: tel4vn, fault: 429, retry_after: 3, every: 2}\n- {fault: late, seconds: 0.5}\n")
    assert load(file) == [
        Rule(fault=429, vendor="tel4vn", retry_after=3, every=2),
        Rule(fault="late", seconds=0.5),
    ]
    file.write_text("")
    assert load(file) == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("- {fault: explode}", "explode"),
        ("- {fault: 200}", "300"),
        ("- {fault: drop, nht: 2}", "nht"),
        ("- {fault: drop, nth: 0}", "nth"),
        ("- {fault: drop, path: '('}", "not a regular expression"),
        ("fault: drop", "array"),
        ("- {fault: [}", "expected"),
        ("- {vendor: tel4vn}", "missing required field `fault`"),
    ],
)
def test_a_broken_fault_file_says_where_and_why(tmp_path: Path, text: str, reason: str) -> None:
    file = tmp_path / "faults.yaml"
    file.write_text(text)
    with pytest.raises(FaultsError) as caught:
        load(file)
    assert str(file) in str(caught.value)
    assert reason in str(caught.value)


def test_a_fault_file_in_another_encoding(tmp_path: Path) -> None:
    file = tmp_path / "faults.yaml"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(FaultsError, match="utf-8"):
        load(file)
