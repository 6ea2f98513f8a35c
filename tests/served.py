"""A simulator on a real socket with a client of its TEL4VN tenant: what the tests of the server share."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx

from reconciler.simulator.server import Running

NUMBER = "0349719999"
E164 = "+84349719999"
MULTI = "/v3/lead/multi"
SEEDED = {"+84390000001", "+84390000002", "+84390000003"}


class Tenant:
    """A client of the simulated TEL4VN with a list to fill, and of the control surface."""

    def __init__(self, here: Running) -> None:
        self.here = here
        self.control = httpx.Client(base_url=f"{here.url}/_sim")
        self.api = httpx.Client(base_url=here.base_url("tel4vn"))
        key = here.world.credentials["tel4vn"]["apiKey"]
        token = self.api.post("/v3/auth/token", json={"api_key": key}).json()["token"]
        self.api.headers["authorization"] = f"Bearer {token}"
        lists = self.control.get("/state").json()["tel4vn"]["lists"].values()
        self.list_uuid = next(row["list_uuid"] for row in lists if row["list_name"] == "Thang 5")

    def add(self, *numbers: str) -> httpx.Response:
        rows = [{"phone_number": number} for number in numbers or (NUMBER,)]
        return self.api.post(MULTI, json={"list_uuid": self.list_uuid, "data": rows})

    def fault(self, **rule: Any) -> None:
        assert self.control.put("/faults", json=[rule]).status_code == 204

    def dialled(self) -> dict[str, int]:
        counts: dict[str, int] = self.control.get("/dials").json()["dials"]["tel4vn"]
        return {number: count for number, count in counts.items() if number not in SEEDED}

    def last(self) -> dict[str, Any]:
        entry: dict[str, Any] = self.control.get("/requests").json()["requests"][-1]
        return entry

    def close(self) -> None:
        self.control.close()
        self.api.close()


def eventually(met: Callable[[], bool], within: float = 5) -> None:
    end = time.monotonic() + within
    while not met():
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.02)
