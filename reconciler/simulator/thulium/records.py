"""The record calls of both path families: `outbounds` keyed by phone number, `crm_outbounds` by customer id.

What a record may hold is decided in `account.py`.
"""

import re

import msgspec
from starlette.datastructures import QueryParams
from starlette.responses import Response

from reconciler.simulator.polish import e164
from reconciler.simulator.vendor import Call, Fields, RefusedError, empty, reply

from .account import IN_CALL, Account
from .objects import (
    BrokenRuleError,
    Campaign,
    CrmChange,
    CsvBatchChange,
    CsvChange,
    DuplicateError,
    Kind,
    Record,
    sent,
)
from .replies import Answers, batch_code, body_of, page_of, refusal

LISTED = (
    "record_id",
    "phone_number",
    "system_status",
    "status",
    "status_id",
    "call_date",
    "create_date",
    "next_call_date",
    "agent_name",
    "agent_login",
    "last_note",
    "order",
)
DATES = ("create_date_from", "create_date_to", "call_date_from", "call_date_to")
FILTERS = ("status_id[]", "system_status[]", *DATES)
NO_RECORD = "Record does not exist"


class RecordCalls:
    """One path family over one account."""

    def __init__(self, account: Account, kind: Kind) -> None:
        self._account = account
        self._rule = account.rule
        self._kind = kind
        self._key = "phone_number" if kind == "csv" else "customer_id"
        self._shape: type[msgspec.Struct] = CsvChange if kind == "csv" else CrmChange

    def answers(self) -> Answers:
        prefix = "outbounds" if self._kind == "csv" else "crm_outbounds"
        records, batch = f"/{prefix}/{{id}}/records", f"/batch/{prefix}/{{id}}/records"
        answers: Answers = [
            ("GET", records, self._list),
            ("POST", records, self._add_one),
            ("GET", f"{records}/{{key}}", self._read_one),
            ("PUT", f"{records}/{{key}}", self._change_one),
            ("DELETE", f"{records}/{{key}}", self._remove_one),
            ("POST", batch, self._add_many),
            ("DELETE", batch, self._remove_many),
        ]
        if self._kind == "csv":
            answers += [
                ("PUT", batch, self._change_many),
                ("PUT", f"{records}_by_identifier/{{identifier}}", self._change_one),
                ("DELETE", f"{records}_by_identifier/{{identifier}}", self._remove_one),
            ]
        return answers

    def _campaign(self, call: Call, listing: bool = False) -> Campaign:
        campaign = self._account.visible().get(call.params["id"])
        if campaign is None:
            raise refusal(404, "Campaign does not exist")
        if campaign.kind != self._kind:
            raise self._wrong_family(listing)
        return campaign

    def _wrong_family(self, listing: bool) -> RefusedError:
        answer = self._rule("wrong_family")
        if answer == "empty" and listing:
            return RefusedError(reply({"count": 0, "result": []}))
        return refusal(400 if answer == "400" else 404, "The campaign is of another kind")

    def _found(self, campaign: Campaign, call: Call) -> list[Record]:
        """The records that the path names; 404 where there is none."""
        if "identifier" in call.params:
            found = self._account.matching(campaign, "identifier", call.params["identifier"])
        else:
            found = self._account.matching(campaign, self._key, call.params["key"], _additional(call))
        if not found:
            raise refusal(404, NO_RECORD)
        return found

    def _shown(self, record: Record) -> Fields:
        """A record as every read prints it: without `record_fields`, as far as is documented."""
        name = "identifier" if self._kind == "csv" else "customer_id"
        more = ("record_fields",) if self._kind == "csv" and self._rule("list_fields") == "shown" else ()
        return {listed: getattr(record, listed) for listed in (*LISTED, name, *more)}

    # ---- one record

    def _list(self, call: Call) -> Response:
        rows = [*self._campaign(call, listing=True).records.values()]
        if any(name in call.query for name in FILTERS):
            _check_dates(call.query)
            rows = [record for record in rows if _passes(record, call.query)]
        if self._kind == "crm" and "order" in call.query:
            if call.query["order"] not in ("next_call_date", "-next_call_date"):
                raise refusal(400, "Invalid order")
            rows.sort(key=lambda record: record.next_call_date, reverse=call.query["order"].startswith("-"))
        page = rows[page_of(call, self._rule("limit_above_100"))]
        return reply({"count": len(rows), "result": [self._shown(record) for record in page]})

    def _add_one(self, call: Call) -> Response:
        campaign = self._campaign(call)
        try:
            record = self._account.add(campaign, body_of(call))
        except DuplicateError as duplicate:
            if self._rule("single_duplicate") == "400":
                raise refusal(400, str(duplicate)) from duplicate
            record = duplicate.record
        except BrokenRuleError as broken:
            raise refusal(400, str(broken)) from broken
        return reply({"record_id": str(record.record_id)}, 201)

    def _read_one(self, call: Call) -> Response:
        record = self._found(self._campaign(call), call)[0]
        if self._kind == "crm" or self._rule("read_one") == "without_fields":
            return reply(self._shown(record))
        if self._rule("read_one") == "404":
            raise refusal(404, "Not found")
        return reply(self._shown(record) | {"record_fields": record.record_fields})

    def _change_one(self, call: Call) -> Response:
        campaign = self._campaign(call)
        found = self._found(campaign, call)
        if len(found) > 1 and "key" in call.params:
            raise refusal(400, "The phone number is duplicated")
        try:
            item = sent(body_of(call), self._shape, self._rule("unknown_field"))
            for record in found:
                self._account.change(campaign, record, item)
        except BrokenRuleError as broken:
            raise refusal(400, str(broken)) from broken
        return empty()

    def _remove_one(self, call: Call) -> Response:
        campaign = self._campaign(call)
        results = [self._remove(campaign, record) for record in self._found(campaign, call)]
        in_call = any(result["status"] == "CALL_IN_PROGRESS" for result in results)
        if in_call and self._rule("single_in_call") == "400":
            raise refusal(400, "Call in progress")
        return empty()

    # ---- many

    def _items(self, call: Call) -> list[Fields]:
        items = body_of(call).get("records")
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise refusal(400, "records has to be a list of objects")
        self._limit(items)
        return items

    def _limit(self, items: list[Fields] | list[str]) -> None:
        if not items or (self._rule("batch_max") == "100" and len(items) > 100):
            raise refusal(400, "Too few or too many records")

    def _name(self, value: object) -> str:
        """Under what key the answer tells about this number or customer."""
        if self._kind == "csv" and self._rule("batch_key") == "normalised":
            return e164(str(value)).removeprefix("+48")
        return str(value)

    def _add_many(self, call: Call) -> Response:
        campaign = self._campaign(call)
        items = call.batch(self._items(call))
        results = {self._name(item.get(self._key, "")): self._add_item(campaign, item) for item in items}
        return reply(results, batch_code(True, self._rule("batch_code")))

    def _add_item(self, campaign: Campaign, item: Fields) -> Fields:
        try:
            record, told = self._account.add(campaign, item), {"http_status": 201, "status": "ADDED"}
        except DuplicateError as duplicate:
            record, told = duplicate.record, {"http_status": 400, "status": "ALREADY_EXISTS"}
        except BrokenRuleError as broken:
            return {"http_status": 400, "status": "FAILED", "message": str(broken)}
        if self._kind == "csv" and self._rule("batch_record_id") == "absent":
            return told
        return told | {"record_id": str(record.record_id)}

    def _change_many(self, call: Call) -> Response:
        campaign = self._campaign(call)
        items = call.batch(self._items(call))
        results = {
            self._name(item.get("phone_number", "")): self._change_item(campaign, item, _additional(call))
            for item in items
        }
        return reply(results, batch_code(False, self._rule("batch_code")))

    def _change_item(self, campaign: Campaign, item: Fields, additional: bool) -> Fields:
        try:
            change = sent(item, CsvBatchChange, self._rule("unknown_field"))
            found = self._account.matching(campaign, "phone_number", change["phone_number"], additional)
            if len(found) != 1:
                raise BrokenRuleError("The phone number is duplicated" if found else NO_RECORD)
            self._account.change(campaign, found[0], change)
        except BrokenRuleError as broken:
            return {"http_status": 400, "message": str(broken)}
        return {"http_status": 204}

    def _remove_many(self, call: Call) -> Response:
        campaign = self._campaign(call)
        keys = call.query.getlist(f"{self._key}[]")
        self._limit(keys)
        results = {self._name(key): self._remove_item(campaign, key, call) for key in call.batch(keys)}
        return reply(results, batch_code(False, self._rule("batch_code")))

    def _remove_item(self, campaign: Campaign, key: str, call: Call) -> list[Fields] | Fields:
        """A list of results for a number, the result itself for a customer."""
        found = self._account.matching(campaign, self._key, key, _additional(call))
        results = [self._remove(campaign, record) for record in found]
        results = results or [{"http_status": 404, "status": "NOT_EXIST"}]
        return results if self._kind == "csv" else results[0]

    @staticmethod
    def _remove(campaign: Campaign, record: Record) -> Fields:
        if record.system_status == IN_CALL:
            return {"http_status": 400, "status": "CALL_IN_PROGRESS"}
        campaign.drop(record)
        return {"http_status": 200, "status": "REMOVED", "record_id": record.record_id}


def _additional(call: Call) -> bool:
    return call.query.get("search_in_additional_numbers", "false").lower() in ("true", "1")


def _check_dates(query: QueryParams) -> None:
    for name in DATES:
        if not re.fullmatch(r"(\d{4}-\d\d-\d\d)?", query.get(name, "")):
            raise refusal(400, f"Invalid {name}")


def _passes(record: Record, query: QueryParams) -> bool:
    wanted, system = query.getlist("status_id[]"), query.getlist("system_status[]")
    return (
        (not wanted or str(record.status_id) in wanted)
        and (not system or record.system_status in system)
        and _between(record.create_date, query, "create_date")
        and _between(record.call_date, query, "call_date")
    )


def _between(minute: str, query: QueryParams, name: str) -> bool:
    """Whether the day of `minute` is within both bounds; a missing minute is only within none."""
    first, last = query.get(f"{name}_from", ""), query.get(f"{name}_to", "")
    if not (first or last):
        return True
    day = minute[:10]
    return bool(day) and first <= day and (not last or day <= last)
