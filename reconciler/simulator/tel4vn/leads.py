"""The calls on the leads of the simulated TEL4VN tenant."""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from reconciler.simulator.vendor import Call, Fields, reply

from .account import Account, FieldErrors, absent, json_type, too_short
from .lists import Lists
from .queue import LEAD_FIELDS, Queue

PHONE_RULE = "^(84|0[3|5|7|8|9])+([0-9]{8})$"
"""As the vendor's error prints it."""

ROW_FIELDS: Fields = {"after_day": 0, "contract_number": "", "lead_code": "", "lead_name": "", "phone_number": ""}
"""What a row of `/lead/multi` has once it is read back."""


class Leads:
    """The calls on leads."""

    def __init__(self, account: Account, lists: Lists, queue: Queue) -> None:
        self._account = account
        self._lists = lists
        self._queue = queue

    def routes(self) -> list[Route]:
        guarded, one = self._account.guarded, "/v3/lead/{uuid}"
        return [
            guarded("POST", "/v3/lead", self._create),
            guarded("POST", "/v3/lead/multi", self._create_many),
            guarded("GET", "/v3/lead", self._list),
            guarded("GET", one, self._read),
            guarded("PUT", one, self._replace),
            guarded("DELETE", one, self._delete),
        ]

    def _show(self, lead: Fields) -> Fields:
        return lead | self._lists.names(lead["list_uuid"])

    def _list(self, call: Call) -> Response:
        return self._account.page("lead", call, self._matching(dict(call.query)), self._show)

    def _matching(self, query: dict[str, str]) -> list[Fields]:
        """The leads under the documented filters, oldest first."""
        number, list_uuid = query.get("phone_number"), query.get("list_uuid")
        exact = self._account.chosen("number_filter") == "equal"
        if number and exact:
            rows: Iterable[Fields] = self._queue.by_number.get(number, {}).values()
        elif list_uuid:
            rows = self._queue.by_list.get(list_uuid, {}).values()
        else:
            rows = self._queue.rows.values()
        if number:
            rows = [row for row in rows if number in row["phone_number"]]
        if list_uuid and number:
            rows = [row for row in rows if row["list_uuid"] == list_uuid]
        if campaign := query.get("campaign_uuid"):
            rows = [row for row in rows if self._lists.campaign_of(row["list_uuid"]) == campaign]
        return list(rows)

    def _read(self, call: Call) -> Response:
        return reply(self._show(self._account.find(self._queue.rows, call.params["uuid"])))

    def _create(self, call: Call) -> Response:
        fields = call.fields()
        errors = absent(fields, "list_uuid", "phone_number") + too_short(fields, "list_uuid", 36)
        self._account.require(errors + number_errors(fields))
        list_uuid = self._lists.own(fields["list_uuid"])
        known = {name: value for name, value in fields.items() if name in LEAD_FIELDS or name == "phone_number"}
        return reply({"created": True, "lead_uuid": self._admit(list_uuid, known | _additional(fields))})

    def _create_many(self, call: Call) -> Response:
        fields = call.fields()
        if not fields.get("list_uuid"):
            raise self._account.invalid("list_uuid is missing")
        self._account.require(absent(fields, "data") + _row_errors(fields.get("data", [])))
        list_uuid = self._lists.own(fields["list_uuid"])
        rows = self._admissible(list_uuid, call.batch(fields["data"]))
        before = len(self._queue.rows)
        for row in rows:
            given = {name: row.get(name, zero) for name, zero in ROW_FIELDS.items()}
            self._admit(list_uuid, given | {"additional": msgspec.json.encode(given).decode()})
        return reply({"message": "success", "total_insert": len(self._queue.rows) - before})

    def _admissible(self, list_uuid: str, rows: Iterable[Fields]) -> list[Fields]:
        """The rows of a batch that may go in; RefusedError where the whole batch is refused for one."""
        rows, most = list(rows), self._account.chosen("multi_max")
        if most != "none" and len(rows) > int(most):
            raise self._account.invalid([{"data": f"Array must have at most {most} items"}])
        errors = [number_errors(row) + absent(row, "phone_number") for row in rows]
        if self._account.chosen("multi_invalid") == "refused":
            self._account.require([error for of_row in errors for error in of_row])
        rows = [row for row, of_row in zip(rows, errors, strict=True) if not of_row]
        numbers = Counter(row["phone_number"] for row in rows)
        if self._account.chosen("duplicate_leads") == "refused" and (
            len(numbers) < len(rows) or any(self._twin(list_uuid, number) for number in numbers)
        ):
            raise self._account.taken("phone_number is duplicate")
        return rows

    def _admit(self, list_uuid: str, fields: Fields) -> str:
        """Add a lead, or treat it as a duplicate; the uuid of the lead that is there then."""
        twin = self._twin(list_uuid, fields["phone_number"])
        rule = self._account.chosen("duplicate_leads")
        if twin is None or rule == "second":
            return self._queue.add({"list_uuid": list_uuid} | fields)
        if rule == "ignored":
            return str(twin["lead_uuid"])
        raise self._account.taken("phone_number is duplicate")

    def _twin(self, list_uuid: str, number: str) -> Fields | None:
        """A lead with this number that the tenant's duplicate check would see."""
        scope, campaign_of = self._account.chosen("duplicate_scope"), self._lists.campaign_of
        for lead in self._queue.by_number.get(number, {}).values():
            same_list = lead["list_uuid"] == list_uuid
            same_campaign = scope != "list" and campaign_of(lead["list_uuid"]) == campaign_of(list_uuid)
            if same_list or same_campaign or scope == "tenant":
                return lead
        return None

    def _replace(self, call: Call) -> Response:
        """PUT: without `additional`, or with an empty one, it stays as it is, as in the sample."""
        id, fields = call.params["uuid"], call.fields()
        self._account.find(self._queue.rows, id)
        checked = self._account.chosen("put_number") == "checked"
        errors = number_errors(fields) if checked else too_short(fields, "phone_number")
        self._account.require(absent(fields, "phone_number", "lead_uuid") + errors)
        sent = {name: value for name, value in fields.items() if name in LEAD_FIELDS or name == "phone_number"}
        zeroed = LEAD_FIELDS if self._account.chosen("put") == "zero" else {}
        changed = {name: value for name, value in (zeroed | sent).items() if name != "additional"}
        self._queue.change(id, changed | _additional(fields))
        return reply({"lead_uuid": id})

    def _delete(self, call: Call) -> Response:
        self._queue.remove(call.params["uuid"])
        return reply({"lead_uuid": call.params["uuid"]})


def number_errors(fields: Fields) -> FieldErrors:
    """What the vendor has against `phone_number`; silent where it is absent."""
    errors = too_short(fields, "phone_number")
    number = fields.get("phone_number")
    if isinstance(number, str) and not re.fullmatch(PHONE_RULE, number):
        errors.append({"phone_number": f"Does not match pattern '{PHONE_RULE}'"})
    return errors


def _row_errors(data: object) -> FieldErrors:
    rows = data if isinstance(data, list) else [data]
    wrong = [row for row in rows if not isinstance(row, dict)]
    return [{"data": f"Invalid type. Expected: object, given: {json_type(row)}"} for row in wrong]


def _additional(fields: Fields) -> Fields:
    """`additional` as it reads back: JSON text, whatever it was."""
    given: Any = fields.get("additional")
    if not given:
        return {}
    return {"additional": given if isinstance(given, str) else msgspec.json.encode(given).decode()}
