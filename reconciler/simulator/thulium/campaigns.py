"""The campaign calls: list, update, removal queue, statuses, agents, statistics. Records are in `records.py`."""

from collections.abc import Iterable
from datetime import date
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType
from starlette.responses import Response

from reconciler.simulator.vendor import Call, Fields, empty, reply

from .account import RESTING, Account
from .objects import BrokenRuleError, Campaign, Status, sent
from .replies import Answers, batch_code, body_of, page_of, refusal

DEFAULT_STATUSES = [Status(3, "TO_CALL", "Do dzwonienia", 1), Status(5, "NO_CALL", "Nie dzwonić", 2)]
"""A fresh account's dictionary has two; what they are called is made up."""


class Parameters(msgspec.Struct):
    caller_id: str | UnsetType = UNSET
    preview_timeout: int | UnsetType = UNSET
    predictive_max_calls: int | float | UnsetType = UNSET
    predictive_min_calls: int | float | UnsetType = UNSET


class Settings(msgspec.Struct):
    """The fields of `PUT outbounds/:id`, all optional."""

    name: Annotated[str, Meta(min_length=1)] | UnsetType = UNSET
    dialer: Literal["predictive", "progressive", "preview"] | UnsetType = UNSET
    active: bool | UnsetType = UNSET
    start_date: date | UnsetType = UNSET
    end_date: date | UnsetType = UNSET
    order: Annotated[int, Meta(ge=1, le=99999)] | UnsetType = UNSET
    parity: Annotated[int, Meta(ge=1, le=100)] | UnsetType = UNSET
    parameters: Parameters | UnsetType = UNSET
    group_id: int | UnsetType = UNSET


class Logins(msgspec.Struct):
    logins: list[str]


def printed_defaults(account: Account) -> Fields:
    """What the page of `PUT outbounds/:id` prints as defaults."""
    return {"active": True, "start_date": f"{account.clock():%Y-%m-%d}", "order": 50, "parity": 50}


def blank_settings(account: Account) -> Fields:
    """A new campaign's settings; absent values are empty strings."""
    return {
        "name": "",
        "dialer": "preview",
        "end_date": "",
        "parameters": {},
        "group_id": "",
        **printed_defaults(account),
    }


class CampaignCalls:
    """The campaign calls over one account."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._rule = account.rule

    def answers(self) -> Answers:
        return [
            ("GET", "/outbounds", self._list),
            ("POST", "/outbounds", self._create),
            ("GET", "/outbounds/stats", self._stats),
            ("PUT", "/outbounds/{id}", self._update),
            ("DELETE", "/outbounds/{id}", self._remove_one),
            ("DELETE", "/batch/outbounds", self._remove_many),
            ("GET", "/outbounds/{id}/statuses", self._statuses),
            ("GET", "/outbounds/{id}/agents", self._agents),
            ("POST", "/outbounds/{id}/add_agents", self._add_agents),
            ("POST", "/outbounds/{id}/remove_agents", self._remove_agents),
        ]

    def _campaign(self, call: Call) -> Campaign:
        campaign = self._account.visible().get(call.params["id"])
        if campaign is None:
            raise refusal(404, "Campaign does not exist")
        return campaign

    def _body(self, call: Call, shape: type[msgspec.Struct]) -> Fields:
        try:
            return sent(body_of(call), shape, self._rule("unknown_field"))
        except BrokenRuleError as broken:
            raise refusal(400, str(broken)) from broken

    def _list(self, call: Call) -> Response:
        rows = [self._shown(campaign) for campaign in self._account.visible().values()]
        if self._rule("outbounds_shape") == "list":
            return reply(rows)
        return reply({"count": len(rows), "result": rows[page_of(call, self._rule("limit_above_100"))]})

    def _shown(self, campaign: Campaign) -> Fields:
        fields = self._rule("outbounds_fields")
        if fields == "minimal":
            return {"id": campaign.id, "name": campaign.settings["name"]}
        shown = {"id": campaign.id, **campaign.settings}
        return shown if fields == "full" else _as_text(shown)

    def _create(self, call: Call) -> Response:
        answer = self._rule("create")
        if answer != "open":
            raise refusal(int(answer), "Not available")
        settings = self._body(call, Settings)
        if "name" not in settings:
            raise refusal(400, "name is required")
        campaign = self._account.open("csv", blank_settings(self._account) | settings, [], [*DEFAULT_STATUSES])
        return reply({"id": campaign.id}, 201)

    def _update(self, call: Call) -> Response:
        campaign = self._campaign(call)
        settings = self._body(call, Settings)
        if "parameters" in settings and self._rule("put_parameters") == "merged":
            settings["parameters"] = campaign.settings["parameters"] | settings["parameters"]
        if self._rule("put_omitted") == "reset":
            settings = printed_defaults(self._account) | settings
        campaign.settings |= settings
        return empty()

    def _remove_one(self, call: Call) -> Response:
        result = self._remove(call.params["id"], at_once=self._rule("delete_one") == "at_once")
        if result["http_status"] != 200:
            raise refusal(result["http_status"], result["status"])
        return empty()

    def _remove_many(self, call: Call) -> Response:
        ids = call.query.getlist("id[]")
        if not ids:
            raise refusal(400, "id is required")
        results = [self._remove(id) for id in call.batch(ids)]
        return reply(results, batch_code(False, self._rule("batch_code")))

    def _remove(self, id: str, at_once: bool = False) -> Fields:
        campaign = self._account.campaigns.get(id)
        if campaign is None:
            return {"http_status": 404, "id": id, "status": "NOT_EXIST"}
        if campaign.gone_at is not None:
            return {"http_status": 400, "id": id, "status": "ALREADY_QUEUED"}
        if at_once:
            del self._account.campaigns[id]
        else:
            self._account.queue_removal(campaign)
        return {"http_status": 200, "id": id, "status": "REMOVAL_QUEUED"}

    def _stats(self, call: Call) -> Response:
        active = [campaign for campaign in self._account.visible().values() if campaign.settings["active"]]
        return reply([_statistics(campaign) for campaign in active])

    def _statuses(self, call: Call) -> Response:
        """The id is text here and a number in a record."""
        return reply([_status(status) for status in self._campaign(call).statuses])

    def _agents(self, call: Call) -> Response:
        agents = self._account.agents
        return reply(
            [
                {
                    "login": login,
                    "number": agents[login]["number"],
                    "active": agents[login]["active"],
                    "active_in_outbound": active,
                    "agent_id": agents[login]["agent_id"],
                }
                for login, active in self._campaign(call).agents.items()
            ]
        )

    def _logins(self, call: Call) -> list[str]:
        logins: list[str] = self._body(call, Logins)["logins"]
        if set(logins) - set(self._account.agents):
            raise refusal(400, "Agent does not exist")
        return logins

    def _refuse_repeat(self, repeated: Iterable[str]) -> None:
        if self._rule("agents_repeat") == "refused" and any(repeated):
            raise refusal(400, "The agent is already so")

    def _add_agents(self, call: Call) -> Response:
        agents, logins = self._campaign(call).agents, self._logins(call)
        self._refuse_repeat(set(logins) & set(agents))
        for login in logins:
            agents.setdefault(login, True)
        return empty(int(self._rule("agents_code")))

    def _remove_agents(self, call: Call) -> Response:
        agents, logins = self._campaign(call).agents, self._logins(call)
        self._refuse_repeat(set(logins) - set(agents))
        for login in logins:
            agents.pop(login, None)
        return empty(int(self._rule("agents_code")))


def _as_text(fields: Fields) -> Fields:
    """Numbers and truth values as text."""
    return {name: _text(value) for name, value in fields.items()}


def _text(value: object) -> object:
    if isinstance(value, dict):
        return _as_text(value)
    return str(int(value)) if isinstance(value, bool) else str(value)


def _status(status: Status) -> Fields:
    return {
        "system_status": status.system_status,
        "status_id": str(status.status_id),
        "dictionary_status_id": status.dictionary_status_id,
        "name": status.name,
    }


def _statistics(campaign: Campaign) -> Fields:
    done = sum(record.system_status in RESTING for record in campaign.records.values())
    count = len(campaign.records)
    return {
        "id": campaign.id,
        "records_count": count,
        "completion_percent": 100 * done // count if count else 0,
    }
