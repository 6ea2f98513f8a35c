"""What a Conpeek account holds: campaigns, their requests, and what a panel or a call does to them. No HTTP."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from reconciler.simulator.polish import e164
from reconciler.simulator.vendor import Fields

BULKY = ("history", "call_history", "dialogs")
DELAYS = {"0s": timedelta(), "10s": timedelta(seconds=10)}
UNSET_FIELDS = (
    "closed_date",
    "name",
    "current_contact_name",
    "contact_info",
    "contact_identifier",
    "case_id",
    "case_group",
    "case_state",
    "process_not_before",
    "process_from_date",
    "process_to_date",
    "process_days",
    "process_from_time",
    "process_to_time",
    "process_hours",
    "call_state_reason",
    "close_reason",
    "tenant_user_id",
    "assigned_tenant_user_id",
    "assigned_tenant_user_name",
    "trigger_code",
)
"""Fields of a request that are null until somebody sets them."""


@dataclass(slots=True)
class Campaign:
    id: str
    name: str
    project_id: int = 1
    project_name: str = "Projekt"
    dialing_method: str = "PROGRESSIVE"
    requests: dict[str, Fields] = field(default_factory=dict)
    """By id, in order of addition."""

    def as_json(self) -> Fields:
        shown = {name: getattr(self, name) for name in self.__slots__}
        return shown | {"requests": [*self.requests.values()]}


@dataclass(frozen=True, slots=True)
class Recall:
    """A set_recall that was accepted and waits to be carried out."""

    due: datetime
    request: Fields
    fields: Fields


class Account:
    """One account in memory. `rule` tells how a switch is set, `now` the time."""

    def __init__(self, rule: Callable[[str], str], now: Callable[[], datetime]) -> None:
        self.rule = rule
        self.now = now
        self.voice: dict[str, Campaign] = {}
        self.sms: dict[str, Campaign] = {}
        self.users: dict[int, str] = {}
        self.announcements: dict[str, str] = {}
        self.voices: dict[str, str] = {}
        """Voice definitions by id."""
        self.dials: Counter[str] = Counter()
        self._recalls: list[Recall] = []
        self._made = 0

    def moment(self) -> str:
        """Now as the vendor prints it, in UTC."""
        return f"{self.now().astimezone(UTC):%Y-%m-%d %H:%M:%S}"

    def new_id(self) -> str:
        """24 hexadecimal digits that begin with the time, as all ids here look."""
        self._made += 1
        return f"{int(self.now().timestamp()):08x}5e1f60af68{self._made:06x}"

    def add(self, campaign: Campaign, fields: Fields) -> Fields:
        """A new request of a voice campaign; nothing guards against a second one for the same number."""
        request: Fields = {
            "id": self.new_id(),
            "created_date": self.moment(),
            "voice_campaign_id": campaign.id,
            "voice_campaign_name": campaign.name,
            **dict.fromkeys(UNSET_FIELDS),
            "current_contact_number": e164(fields["contact_number"]).removeprefix("+"),
            "consultant_try": 0,
            "contact_try": 0,
            "user_reservation_try": 0,
            "priority": 100,
            "process_date": "ANY",
            "process_time": "ANY",
            "dialing_method": campaign.dialing_method,
            "application_state": "NEW",
            "state": "OPEN",
            "call_state": "WAITING",
            "project_id": campaign.project_id,
            "project_name": campaign.project_name,
            "call_info": {},
            "custom": {},
            **{name: [] for name in BULKY},
        }
        campaign.requests[request["id"]] = request | fields
        self._count(fields["contact_number"])
        return campaign.requests[request["id"]]

    def add_sms(self, campaign: Campaign, fields: Fields) -> Fields:
        """A new request of a voice-SMS campaign."""
        request = {"id": self.new_id(), "created_date": self.moment(), "state": "OPEN", **fields}
        campaign.requests[request["id"]] = request
        self._count(fields["contact_number"])
        return request

    def _count(self, number: str) -> None:
        self.dials[e164(number)] += 1

    def edit(self, request: Fields, fields: Fields) -> None:
        """Set fields of a request; one that was closed and is open again is in the queue once more."""
        closed = request["state"] == "CLOSED"
        request |= fields
        if request["state"] == "CLOSED":
            request["closed_date"] = request["closed_date"] or self.moment()
        elif closed:
            request["closed_date"] = None
            self._count(request["contact_number"])

    def recall(self, request: Fields, fields: Fields) -> None:
        """Accept a set_recall; `carry_out` does it when its time has come."""
        self._recalls.append(Recall(self.now() + DELAYS[self.rule("recall_takes")], request, fields))

    def carry_out(self) -> None:
        """Do the accepted recalls that are due."""
        now = self.now()
        for recall in self._recalls:
            if recall.due <= now:
                self._do(recall.request, {**recall.fields})
        self._recalls = [recall for recall in self._recalls if recall.due > now]

    def _do(self, request: Fields, fields: Fields) -> None:
        change = fields.pop("set_priority", None)
        if change:
            start = {"SET": 0, "ADD": request["priority"], "MINUS": request["priority"]}[change["type"]]
            fields["priority"] = start + change["value"] * (-1 if change["type"] == "MINUS" else 1)
        if "assign_to" in fields:
            id = self.user(fields.pop("assign_to"))
            fields |= {"assigned_tenant_user_id": id, "assigned_tenant_user_name": self.users.get(id or 0)}
        self.edit(request, {"state": "OPEN", "application_state": "RECALL"} | fields)

    def user(self, named: str) -> int | None:
        """The id of the user of that id or name, None where there is none."""
        return next((id for id, name in self.users.items() if named in (str(id), name)), None)

    def shown(self, request: Fields, exclude: set[str]) -> Fields:
        """A request as reads print it."""
        shown = {name: value for name, value in request.items() if name not in exclude}
        if "custom" in shown and self.rule("custom_read") == "text":
            shown["custom"] = json.dumps(shown["custom"], ensure_ascii=False)
        return shown

    def all_requests(self) -> list[Fields]:
        return [request for campaign in self.voice.values() for request in campaign.requests.values()]

    def ring(self, number: str, fields: Fields) -> None:
        """A call to every open request with that number; LookupError where there is none.

        No fields: it is going on. Else it is over, with these fields set; closed unless they say a state.
        """
        found = [
            request
            for request in self.all_requests()
            if request["state"] != "CLOSED" and e164(request["contact_number"]) == e164(number)
        ]
        if not found:
            raise LookupError("no open request has this number")
        over = {"state": "CLOSED", "application_state": "CLOSED", "call_state": "CALL_ENDED"} | fields
        for request in found:
            tried = {"contact_try": request["contact_try"] + 1}
            self.edit(request, over | tried if fields else {"state": "PROCESSING"})
