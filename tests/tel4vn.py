"""A simulated TEL4VN tenant called in memory, and the samples of the vendor's pages."""

from __future__ import annotations

from typing import Any

import httpx

from reconciler.simulator.tel4vn import Tel4vn
from reconciler.simulator.world import CREDENTIALS
from tests.simulated import Simulated

KEY = CREDENTIALS["tel4vn"]["apiKey"]
NUMBER = "0349719999"
HOUR = 3_600_000_000_000
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
ALL_OUTCOMES = [
    "answered",
    "busy",
    "failed",
    "no-answered",
    "not-available",
    "voicemail",
    "invalid-number",
    "phone-block",
    "congestion",
]

SAMPLE_PUT: dict[str, Any] = {
    "campaign_name": "AutocallAudio",
    "type": "autocall",
    "description": "",
    "active": True,
    "concurrent_call": 5,
    "carrier_uuid": "a18b400f-d487-4e17-b5e7-eba5fe6fa54f",
    "template_uuid": "5f427552-857e-4939-8edf-cbd0f1ef6842",
    "recall_times": 3,
    "limit_recall_duration": 0,
    "schedule_recall": "minute",
    "schedule_recall_duration": 1,
    "answer_callback_url": "",
    "status": "stop",
    "created_at": "2023-03-06T16:27:17.784242+07:00",
    "updated_at": "2023-03-06T16:27:17.784242+07:00",
    "template_name": "",
    "carrier_name": "",
    "mode_call": "direct",
    "network": {"viettel": 0, "mobi": 0, "vina": 0, "tel": 0, "offnet": 0},
    "run_id": "",
    "type_autocall": "autocall_audio",
    "call_timeout": 60,
    "domain_name": "",
    "users": [],
    "groups": [],
    "statuses": [],
    "schedules": [{f"{day}_{edge}_time": hours * HOUR for day in DAYS for edge, hours in (("start", 8), ("end", 21))}],
    "priority_recall": "normal",
    "recall_status": ALL_OUTCOMES[1:],
    "enable_encrypt": False,
    "callback_url": "",
    "orig_campaign_uuid": "",
}
"""The sample request of the vendor's page on editing a campaign."""


class Tenant(Simulated):
    def __init__(self) -> None:
        super().__init__(Tel4vn, {})
        self.login()

    def login(self) -> None:
        token = self.call("POST", "/v3/auth/token", {"api_key": KEY}).json()["token"]
        self.headers = {"authorization": f"Bearer {token}"}

    def campaign(self, name: str = "Spring", **fields: Any) -> str:
        body = {"campaign_name": name, "type": "autocall"} | fields
        return str(self.call("POST", "/v3/campaign", body).json()["campaign_uuid"])

    def read(self, id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.get(f"/v3/campaign/{id}").json()
        return found

    def put(self, id: str, **fields: Any) -> httpx.Response:
        return self.call("PUT", f"/v3/campaign/{id}", self.read(id) | fields)

    def stored(self, kind: str, id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.vendor.snapshot()[kind][id]
        return found

    def list(self, campaign: str, name: str = "People") -> str:
        body = {"campaign_uuid": campaign, "list_name": name, "description": ""}
        return str(self.call("POST", "/v3/list", body).json()["list_uuid"])

    def lead(self, list_uuid: str, number: str = NUMBER, **fields: Any) -> httpx.Response:
        return self.call("POST", "/v3/lead", {"list_uuid": list_uuid, "phone_number": number} | fields)

    def multi(self, list_uuid: str, *numbers: str) -> httpx.Response:
        rows = [{"phone_number": number} for number in numbers]
        return self.call("POST", "/v3/lead/multi", {"list_uuid": list_uuid, "data": rows})


def error(answer: httpx.Response, status: int = 400) -> Any:
    assert answer.status_code == status
    return answer.json()["error"]


def week(**hours: tuple[float, float]) -> dict[str, int]:
    """A schedule row: the days given in hours, every other from 9 to 17."""
    windows = {day: hours.get(day, (9, 17)) for day in DAYS}
    return {
        f"{day}_{edge}_time": int(window[index] * HOUR)
        for day, window in windows.items()
        for index, edge in enumerate(("start", "end"))
    }
