"""The `filter` and `exclude` query parameters: a JSON list of conditions that all have to hold."""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from reconciler.simulator.polish import e164
from reconciler.simulator.vendor import Fields

Test = Callable[[Fields], bool]
Rule = Callable[[str], str]
"""Tells how a switch is set."""

COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
    "eq": operator.eq,
    "ne": operator.ne,
}
Moment = Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$")]


class FilterError(ValueError):
    """A condition that the page does not describe."""


class Condition(msgspec.Struct, forbid_unknown_fields=True):
    property: str
    value: Any
    operator: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Property:
    """What a condition on one property may look like, and which field of a request it is about."""

    field: str
    value: Any
    """The type of the value; a list means: one of these."""
    operators: tuple[str, ...] = ()
    keyed: bool = False

    def test(self, condition: Condition, rule: Rule) -> Test:
        """FilterError where the condition is not as described."""
        try:
            value = msgspec.convert(condition.value, self.value)
        except msgspec.ValidationError as error:
            raise FilterError(str(error)) from error
        if condition.operator not in (None, *self.operators) or (condition.key is not None) != self.keyed:
            raise FilterError("operator or key does not belong to the property")
        if self.field == "contact_number":
            return _number_test(value, rule)
        if self.keyed:
            return _custom_test(str(condition.key), value, rule)
        if isinstance(value, list):
            return lambda request: request[self.field] in value
        compare = COMPARISONS[condition.operator or "eq"]
        return lambda request: request[self.field] is not None and compare(request[self.field], value)


def _number_test(value: str | int | list[str | int], rule: Rule) -> Test:
    """The page declares a text and shows a list being encoded: both, or one of them, may work."""
    form = "list" if isinstance(value, list) else "scalar"
    if rule("number_forms") not in ("both", form):
        raise FilterError("wrong form of a number")
    numbers = [str(number) for number in (value if isinstance(value, list) else [value])]
    if rule("number_match") == "entered":
        return lambda request: request["contact_number"] in numbers
    wanted = {e164(number) for number in numbers}
    return lambda request: e164(request["contact_number"]) in wanted


def _custom_test(key: str, value: str, rule: Rule) -> Test:
    if rule("custom_fields") == "apart":
        return lambda request: False
    return lambda request: key in request["custom"] and str(request["custom"][key]) == value


_RANGE = ("gte", "lte")
_STRICT_RANGE = ("gt", *_RANGE, "lt")

REQUEST: Mapping[str, Property] = {
    "created_date": Property("created_date", Moment, _RANGE),
    "closed_date": Property("closed_date", Moment, _RANGE),
    "process_not_before": Property("process_not_before", Moment, _RANGE),
    "state": Property("state", list[str]),
    "application_state": Property("application_state", list[str]),
    "contact_number": Property("contact_number", str | int | list[str | int]),
    "dialing_method": Property("dialing_method", str),
    "tenant_user_id": Property("tenant_user_id", list[int]),
    "assigned_tenant_user_id": Property("assigned_tenant_user_id", list[int]),
    "close_reason": Property("close_reason", list[str]),
    "custom_fields": Property("custom", str, keyed=True),
    "priority": Property("priority", int, tuple(COMPARISONS)),
    "consultant_try": Property("consultant_try", int, tuple(COMPARISONS)),
    "contact_try": Property("contact_try", int, tuple(COMPARISONS)),
}
"""Properties of `GET /voice_campaign/{id}/request`."""

SUMMARY: Mapping[str, Property] = {
    "contact_number_list": Property("contact_number", list[str | int]),
    "created_date": Property("created_date", Moment, _STRICT_RANGE),
    "closed_date": Property("closed_date", Moment, _STRICT_RANGE),
    "voice_campaign_id_list": Property("voice_campaign_id", list[str]),
    "project_id_list": Property("project_id", list[int]),
    "call_request_id_list": Property("id", list[str]),
}
"""Properties of `GET /voice_campaign_request_summary`."""


def read_filter(text: str, properties: Mapping[str, Property], rule: Rule) -> list[Test]:
    """The tests that a request has to pass; FilterError where the filter is malformed."""
    try:
        conditions = msgspec.json.decode(text, type=list[Condition])
        return [properties[condition.property].test(condition, rule) for condition in conditions]
    except (msgspec.MsgspecError, KeyError) as error:
        raise FilterError(str(error)) from error


def read_exclude(text: str) -> set[str]:
    """The names of fields to leave out; FilterError where it is not a list of names."""
    try:
        return msgspec.json.decode(text, type=set[str])
    except msgspec.MsgspecError as error:
        raise FilterError(str(error)) from error
