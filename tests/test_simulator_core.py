"""The simulator as a server: log, control surface, faults on real sockets, start and end."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from reconciler.simulator.app import build_app
from reconciler.simulator.control import SwitchError
from reconciler.simulator.faults import Rule
from reconciler.simulator.server import Running, running, serve
from reconciler.simulator.world import World
from tests.served import E164, MULTI, NUMBER, Tenant


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


# --- the log -------------------------------------------------------------------------------------------------------


def test_the_log_says_what_was_sent_and_whether_it_took_effect(tenant: Tenant) -> None:
    tenant.add()
    tenant.api.get("/v3/lead?limit=1")
    tenant.api.post("/v3/lead", json={"list_uuid": tenant.list_uuid, "phone_number": "12"})
    login, added, read, refused = tenant.control.get("/requests").json()["requests"]
    assert (login["seq"], login["path"], login["effect"]) == (1, "/v3/auth/token", True)
    assert added == {
        "seq": 2,
        "vendor": "tel4vn",
        "method": "POST",
        "path": MULTI,
        "query": "",
        "body": added["body"],
        "status": 200,
        "fault": None,
        "effect": True,
    }
    assert NUMBER in added["body"]
    assert (read["query"], read["status"], read["effect"]) == ("limit=1", 200, False)
    assert (refused["status"], refused["effect"]) == (400, False)


def test_the_log_is_read_on_from_where_one_was_and_by_vendor(tenant: Tenant) -> None:
    httpx.get(tenant.here.base_url("conpeek") + "/voice_campaign/x/request")
    later = tenant.control.get("/requests", params={"since": 1}).json()["requests"]
    assert [(entry["seq"], entry["vendor"]) for entry in later] == [(2, "conpeek")]
    ours = tenant.control.get("/requests", params={"vendor": "tel4vn"}).json()["requests"]
    assert [entry["vendor"] for entry in ours] == ["tel4vn"]


def test_a_long_body_is_logged_in_part_and_received_whole(tenant: Tenant) -> None:
    numbers = [f"03{n:08}" for n in range(3000)]
    assert tenant.add(*numbers).json() == {"message": "success", "total_insert": 3000}
    assert len(tenant.last()["body"]) == 4096


def test_a_call_nobody_knows_is_404_and_a_vendors_is_logged(tenant: Tenant) -> None:
    assert httpx.get(tenant.here.url + "/elsewhere").status_code == 404
    assert tenant.last()["path"] == "/v3/auth/token"
    assert tenant.api.get("/v3/nothing").status_code == 404
    assert tenant.last()["path"] == "/v3/nothing"
    assert tenant.api.delete("/v3/auth/token").status_code == 405


# --- the control surface -------------------------------------------------------------------------------------------


def test_dials_count_each_number_and_their_maximum(tenant: Tenant) -> None:
    tenant.add(NUMBER)
    tenant.add(NUMBER, "0351111111")
    tenant.add(NUMBER, NUMBER)
    assert tenant.dialled() == {E164: 4, "+84351111111": 1}
    assert tenant.control.get("/dials").json()["max"] == 4


def test_reset_brings_everything_back_to_the_start(tenant: Tenant) -> None:
    tenant.add()
    tenant.control.put("/switches", json={"tel4vn": {"put": "keep"}})
    tenant.control.put("/latency", json={"ms": 5})
    tenant.control.put("/clock", json={"now": "2030-01-01T00:00:00Z"})
    tenant.fault(fault=503)
    assert tenant.control.post("/reset").status_code == 204
    assert tenant.control.get("/requests").json() == {"requests": []}
    assert tenant.dialled() == {}
    assert tenant.control.get("/switches").json()["tel4vn"]["put"]["value"] == "zero"
    assert tenant.here.world.latency_ms == 0
    assert tenant.here.world.now().year < 2030
    assert tenant.add().status_code == 401  # not 503: the fault is gone, and so is the token


def test_seed_loads_the_small_world_into_an_empty_one() -> None:
    with running() as here, httpx.Client(base_url=here.url) as client:
        assert client.get("/_sim/state").json()["tel4vn"]["campaigns"] == {}
        assert client.get("/_sim/dials").json()["max"] == 0
        assert client.post("/_sim/seed").status_code == 204
        assert len(client.get("/_sim/state").json()["tel4vn"]["campaigns"]) == 2


def test_switches_are_listed_with_their_values_and_chosen(tenant: Tenant) -> None:
    chosen = tenant.control.put("/switches", json={"tel4vn": {"put": "keep"}}).json()
    assert chosen["tel4vn"]["put"] == {"value": "keep", "values": ["zero", "keep"]}
    assert set(chosen) == {"conpeek", "thulium", "tel4vn", "intersvyaz"}


@pytest.mark.parametrize(
    ("method", "path", "body", "reason"),
    [
        ("PUT", "/switches", {"acme": {}}, "no vendor 'acme'"),
        ("PUT", "/switches", {"tel4vn": {"putt": "keep"}}, "no switch putt"),
        ("PUT", "/switches", {"tel4vn": {"put": "kept"}}, "no switch put=kept"),
        ("PUT", "/faults", [{"fault": "explode"}], "FaultsError"),
        ("PUT", "/faults", {"fault": 503}, "FaultsError"),
        ("PUT", "/latency", {"milliseconds": 3}, "KeyError"),
        ("PUT", "/clock", {"now": "2030-01-01T00:00:00"}, "TypeError"),
        ("POST", "/expire", {"vendor": "acme"}, "KeyError"),
        ("POST", "/edit", {"vendor": "tel4vn", "kind": "campaign", "id": "x", "fields": {}}, "LookupError"),
        ("POST", "/edit", [], "a JSON object"),
        ("GET", "/requests?since=x", None, "ValueError"),
    ],
)
def test_wrong_control_input_is_400_with_the_reason(
    tenant: Tenant, method: str, path: str, body: Any, reason: str
) -> None:
    answer = tenant.control.request(method, path, json=body)
    assert answer.status_code == 400
    assert reason in answer.json()["error"]


def test_a_body_that_is_no_json_is_400(tenant: Tenant) -> None:
    assert tenant.control.put("/switches", content=b"{").json() == {"error": "invalid JSON"}


def test_the_clock_is_set_and_goes_on(tenant: Tenant) -> None:
    assert tenant.control.put("/clock", json={"now": "2031-05-04T03:02:01Z"}).status_code == 204
    passed = tenant.here.world.now() - datetime(2031, 5, 4, 3, 2, 1, tzinfo=UTC)
    assert timedelta() <= passed < timedelta(minutes=1)


def test_expired_tokens_are_401_until_the_next_login(tenant: Tenant) -> None:
    assert tenant.add().status_code == 200
    assert tenant.control.post("/expire", json={"vendor": "thulium"}).status_code == 204
    assert tenant.add().status_code == 200
    assert tenant.control.post("/expire", json={}).status_code == 204
    assert tenant.add().status_code == 401


def test_a_click_in_the_panel_changes_the_vendors_state(tenant: Tenant) -> None:
    campaign = {"campaign_name": "By hand", "type": "autocall"}
    edit = {"vendor": "tel4vn", "kind": "campaign", "id": None, "fields": campaign}
    id = tenant.control.post("/edit", json=edit).json()["id"]
    assert tenant.api.get(f"/v3/campaign/{id}").json()["campaign_name"] == "By hand"


def test_latency_is_added_to_every_call(tenant: Tenant) -> None:
    tenant.control.put("/latency", json={"ms": 60})
    started = time.monotonic()
    tenant.add()
    assert time.monotonic() - started >= 0.06


# --- start and end -------------------------------------------------------------------------------------------------


def test_a_wrong_switch_is_refused_before_anything_listens() -> None:
    with pytest.raises(SwitchError, match="no vendor 'acme'"):
        build_app(World(switches={"acme": {}}))


def test_faults_and_switches_of_the_world_are_in_force_from_the_start() -> None:
    world = World(seeded=True, faults=[Rule(fault=503, path="/v3/list")], switches={"tel4vn": {"page_cap": "10"}})
    with running(world) as here:
        tenant = Tenant(here)
        assert tenant.api.get("/v3/list").status_code == 503
        assert tenant.api.get("/v3/campaign?limit=100").json()["limit"] == 10
        tenant.control.post("/reset")
        assert tenant.control.get("/switches").json()["tel4vn"]["page_cap"]["value"] == "10"
        tenant.close()


@pytest.mark.parametrize("fault", ["slow", "late"])
def test_no_fault_holds_up_the_end_and_late_work_is_left_undone(fault: str) -> None:
    started = time.monotonic()
    with running(World(seeded=True)) as here:
        tenant = Tenant(here)
        tenant.fault(fault=fault, seconds=60)
        with pytest.raises((httpx.ReadTimeout, httpx.RemoteProtocolError)):
            tenant.api.post(
                MULTI, json={"list_uuid": tenant.list_uuid, "data": [{"phone_number": NUMBER}]}, timeout=0.2
            )
        dials = here.simulator.vendors["tel4vn"].dials
        assert dials()[E164] == 0
        tenant.close()
    assert time.monotonic() - started < 10
    assert dials()[E164] == (1 if fault == "slow" else 0)


def test_the_server_leaves_no_thread_and_no_open_port() -> None:
    before = threading.active_count()
    with running() as here:
        port = int(here.url.rpartition(":")[2])
        client = httpx.Client()
        assert client.get(here.url + "/_sim/dials").status_code == 200  # and the connection stays open
    client.close()
    assert threading.active_count() == before
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def test_serve_listens_on_loopback_until_it_is_interrupted() -> None:
    seen: list[Any] = []

    def look(here: Running) -> None:
        try:
            seen.append(here.url)
            seen.append(httpx.get(here.url + "/_sim/dials").json()["max"])
        finally:
            os.kill(os.getpid(), signal.SIGINT)

    def listening(here: Running) -> None:
        threading.Thread(target=look, args=(here,)).start()

    serve(0, World(), listening)
    assert seen[0].startswith("http://127.0.0.1:")
    assert seen[1] == 0


def test_a_port_that_is_taken_is_an_os_error() -> None:
    with running() as here, pytest.raises(OSError, match="in use"):
        serve(int(here.url.rpartition(":")[2]), World(), lambda here: None)
