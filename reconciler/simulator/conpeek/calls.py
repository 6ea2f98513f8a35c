"""The calls of the Conpeek account: read, add, recall and summarise requests. What they change is in `account.py`."""

from collections.abc import Callable
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType
from starlette.responses import Response

from reconciler.simulator.polish import e164
from reconciler.simulator.vendor import Call, Fields, RefusedError, reply

from .account import Account, Campaign
from .filters import REQUEST, SUMMARY, FilterError, Test, read_exclude, read_filter

Number = Annotated[str, Meta(pattern=r"\d")]
WORDS = {400: "Bad data", 401: "Unauthorized", 403: "Action cannot be performed", 404: "Resource not found"}


class SmsItem(msgspec.Struct):
    contact_number: Number
    text: str | UnsetType = UNSET
    ssml: str | UnsetType = UNSET
    voice_definition_id: str | UnsetType = UNSET
    custom: dict[str, str | int | float | bool | None] | UnsetType = UNSET


class SmsCall(msgspec.Struct):
    data: list[Fields]
    type: Literal["announcement", "tts", "none"] | UnsetType = UNSET
    announcement_id: str | UnsetType = UNSET


class VoiceItem(msgspec.Struct):
    contact_number: Number
    name: str | UnsetType | None = UNSET
    contact_identifier: str | UnsetType | None = UNSET
    note: str | UnsetType | None = UNSET
    custom: dict[str, str | int | float | bool | None] | UnsetType = UNSET


class VoiceCall(msgspec.Struct):
    data: VoiceItem


class PriorityChange(msgspec.Struct):
    type: Literal["SET", "ADD", "MINUS"]
    value: int


class Recall(msgspec.Struct):
    process_not_before: str | UnsetType = UNSET
    process_date: str | UnsetType = UNSET
    process_from_date: str | UnsetType = UNSET
    process_to_date: str | UnsetType = UNSET
    process_days: list[str] | UnsetType = UNSET
    process_time: str | UnsetType = UNSET
    process_from_time: int | UnsetType = UNSET
    process_to_time: int | UnsetType = UNSET
    process_hours: list[str] | UnsetType = UNSET
    assign_to: str | UnsetType = UNSET
    set_priority: PriorityChange | UnsetType = UNSET


def refusal(status: int, form: str) -> RefusedError:
    """Ends a call; the pages give a status and one line of meaning, the body may be anything."""
    words = WORDS[status]
    if form == "json":
        return RefusedError(reply({"success": False, "message": words}, status))
    page = f"<html><body><h1>{status} {words}</h1></body></html>" if form == "html" else ""
    return RefusedError(Response(page or None, status, media_type="text/html" if page else None))


class Calls:
    """The calls over one account."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._rule = account.rule

    def answers(self) -> list[tuple[str, str, Callable[[Call], Response]]]:
        request = "/voice_campaign/{id}/request"
        return [
            ("GET", request, self._read),
            ("POST", request, self._add),
            ("POST", f"{request}/{{request}}/set_recall", self._recall),
            ("POST", "/voice_sms_campaign/{id}/request_list", self._add_sms),
            ("GET", "/voice_campaign_request_summary", self._summarise),
        ]

    def refusal(self, status: int) -> RefusedError:
        return refusal(status, self._rule("error_body"))

    def _malformed(self) -> RefusedError:
        return self.refusal(403 if self._rule("malformed") == "403" else 400)

    def _body(self, call: Call, shape: type[msgspec.Struct]) -> Fields:
        try:
            body: Fields = msgspec.to_builtins(msgspec.json.decode(call.raw, type=shape))
        except msgspec.MsgspecError as error:
            raise self._malformed() from error
        return body

    def _campaign(self, campaigns: dict[str, Campaign], call: Call) -> Campaign:
        campaign = campaigns.get(call.params["id"])
        if campaign is None:
            raise self.refusal(404)
        return campaign

    def _window(self, call: Call, limit: int) -> slice:
        try:
            offset, asked = int(call.query.get("offset", "0")), int(call.query.get("limit", str(limit)))
        except ValueError as error:
            raise self._malformed() from error
        cap = self._rule("page_cap")
        return slice(offset, offset + (asked if cap == "none" else min(asked, int(cap))))

    # ---- voice campaigns

    def _read(self, call: Call) -> Response:
        campaign = self._campaign(self._account.voice, call)
        self._account.carry_out()
        rows = [*campaign.requests.values()]
        if self._rule("order") == "newest_first":
            rows.reverse()
        tests = self._tests(call)
        if tests:
            rows = [request for request in rows if all(test(request) for test in tests)]
        exclude = self._exclude(call)
        page = [self._account.shown(request, exclude) for request in rows[self._window(call, 1000)]]
        return reply({"data": page})

    def _tests(self, call: Call) -> list[Test]:
        if "filter" not in call.query:
            return []
        try:
            return read_filter(call.query["filter"], REQUEST, self._rule)
        except FilterError as error:
            if self._rule("malformed") == "ignored":
                return []
            raise self._malformed() from error

    def _exclude(self, call: Call) -> set[str]:
        try:
            return read_exclude(call.query.get("exclude", "[]"))
        except FilterError as error:
            raise self._malformed() from error

    def _add(self, call: Call) -> Response:
        campaign = self._campaign(self._account.voice, call)
        if self._rule("voice_add") == "404":
            raise self.refusal(404)
        fields = self._body(call, VoiceCall)["data"]
        if self._rule("voice_add_custom") == "dropped":
            fields.pop("custom", None)
        request = self._account.shown(self._account.add(campaign, fields), set())
        answer = self._rule("voice_add_answer")
        bodies: dict[str, Fields] = {
            "object": {"data": request},
            "list": {"data": [request]},
            "success": {"success": True},
        }
        return reply(bodies[answer])

    def _recall(self, call: Call) -> Response:
        request = self._campaign(self._account.voice, call).requests.get(call.params["request"])
        if request is None:
            raise self.refusal(404)
        fields = self._body(call, Recall)
        unknown_user = "assign_to" in fields and self._account.user(fields["assign_to"]) is None
        if unknown_user or (request["state"] == "CLOSED" and self._rule("recall_closed") == "403"):
            raise self.refusal(403)
        self._account.recall(request, fields)
        return reply({"success": True}, 202)

    def _summarise(self, call: Call) -> Response:
        """The fields of a summary were not found; these are the ones its filter names."""
        try:
            tests = read_filter(call.query.get("filter", "[]"), SUMMARY, self._rule)
        except FilterError as error:
            raise self.refusal(400) from error
        self._account.carry_out()
        dialled_only = self._rule("summary_of") == "dialled"
        rows = [
            _summary(request)
            for request in self._account.all_requests()
            if all(test(request) for test in tests) and (request["contact_try"] or not dialled_only)
        ]
        return reply({"data": rows[self._window(call, 100)]})

    # ---- voice-SMS campaigns

    def _add_sms(self, call: Call) -> Response:
        campaign = self._campaign(self._account.sms, call)
        body = self._body(call, SmsCall)
        self._check_announcement(body)
        how = {name: body[name] for name in ("type", "announcement_id") if name in body}
        items = call.batch([item for item in map(self._item, body["data"]) if item is not None])
        requests = [self._account.add_sms(campaign, item | how) for item in items]
        return reply({"data": self._told(requests)})

    def _check_announcement(self, body: Fields) -> None:
        if body.get("type") != "announcement":
            return
        if "announcement_id" not in body:
            raise self._malformed()
        if body["announcement_id"] not in self._account.announcements:
            raise self.refusal(404)

    def _item(self, item: Fields) -> Fields | None:
        """One contact; None where it is malformed and the account leaves such rows out."""
        try:
            fields: Fields = msgspec.to_builtins(msgspec.convert(item, SmsItem))
        except msgspec.ValidationError as error:
            if self._rule("malformed") == "ignored":
                return None
            raise self._malformed() from error
        if "voice_definition_id" in fields and fields["voice_definition_id"] not in self._account.voices:
            raise self.refusal(404)
        return fields

    def _told(self, requests: list[Fields]) -> list[Fields]:
        """The fields of a VoiceSMSCampaignRequest were not found."""
        match self._rule("sms_answer"):
            case "without_id":
                return [{name: request[name] for name in request if name != "id"} for request in requests]
            case "normalised":
                return [request | {"contact_number": e164(request["contact_number"])} for request in requests]
            case "fewer":
                return requests[:-1]
            case "empty":
                return []
        return requests


def _summary(request: Fields) -> Fields:
    names = ("voice_campaign_id", "project_id", "contact_number", "created_date", "closed_date", "contact_try")
    return {"call_request_id": request["id"], **{name: request[name] for name in names}}
