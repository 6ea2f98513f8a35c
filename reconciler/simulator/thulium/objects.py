"""What a Thulium account holds, and the shapes of what callers send about it. The rules are in `account.py`."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from reconciler.simulator.polish import e164
from reconciler.simulator.vendor import Fields

Kind = Literal["csv", "crm"]
Minute = Annotated[str, Meta(pattern=r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01]) ([01]\d|2[0-3]):[0-5]\d$")]


class BrokenRuleError(Exception):
    """What the caller sent breaks a rule of the account; nothing was changed. `str()` is the vendor's message."""


class DuplicateError(Exception):
    """The campaign already has `record`."""

    def __init__(self, record: "Record") -> None:
        super().__init__("Record already exists")
        self.record = record


class Change(msgspec.Struct, kw_only=True):
    """What every call about one record may carry."""

    status_id: str | int | UnsetType = UNSET
    dictionary_status_id: str | int | UnsetType = UNSET
    agent_login: str | UnsetType = UNSET
    next_call_date: Minute | UnsetType = UNSET


class CsvChange(Change, kw_only=True):
    record_fields: dict[str, str | int | float | None] | UnsetType = UNSET


class CsvBatchChange(CsvChange, kw_only=True):
    phone_number: str


class CsvRecord(CsvChange, kw_only=True):
    phone_number: Annotated[str, Meta(pattern=r"\d")]
    identifier: str | int | UnsetType = UNSET
    order: int | UnsetType = UNSET


class CrmChange(Change, kw_only=True):
    order: int | UnsetType = UNSET


class CrmRecord(CrmChange, kw_only=True):
    customer_id: str | int


@dataclass(frozen=True, slots=True)
class Status:
    """A status of the account's dictionary, attached to a campaign."""

    status_id: int
    system_status: str
    name: str
    dictionary_status_id: int | None


@dataclass(slots=True)
class Record:
    """One record; absent values are empty strings, as the vendor prints them."""

    phone_number: str
    create_date: str
    identifier: str = ""
    customer_id: int | None = None
    record_id: int = 0
    system_status: str = ""
    status: str = ""
    status_id: int | str = ""
    call_date: str = ""
    next_call_date: str = ""
    agent_name: str = ""
    agent_login: str = ""
    last_note: str = ""
    order: int | str = ""
    record_fields: Fields = field(default_factory=dict)
    additional_numbers: list[str] = field(default_factory=list)

    def attach(self, status: Status) -> None:
        self.system_status, self.status = status.system_status, status.name
        self.status_id = status.status_id or ""

    def names(self) -> Iterator[tuple[str, str]]:
        """By what the record is found: any of its numbers, its identifier, its customer."""
        yield from {("phone_number", e164(number)) for number in self.numbers(additional=True)}
        if self.identifier:
            yield "identifier", self.identifier
        if self.customer_id is not None:
            yield "customer_id", str(self.customer_id)

    def numbers(self, additional: bool) -> list[str]:
        return [self.phone_number, *(self.additional_numbers if additional else ())]


@dataclass(slots=True)
class Campaign:
    id: str
    kind: Kind
    settings: Fields
    structure: list[str]
    statuses: list[Status]
    agents: dict[str, bool] = field(default_factory=dict)
    """Login -> active in this campaign."""
    records: dict[int, Record] = field(default_factory=dict)
    """By id, in order of addition."""
    gone_at: datetime | None = None
    """When the removal queue will have done its work."""
    found: dict[tuple[str, str], list[Record]] = field(default_factory=dict)
    """Every record under each of its names."""

    def insert(self, record: Record) -> None:
        self.records[record.record_id] = record
        self.index(record)

    def drop(self, record: Record) -> None:
        del self.records[record.record_id]
        self.unindex(record)

    def index(self, record: Record) -> None:
        for name in record.names():
            self.found.setdefault(name, []).append(record)

    def unindex(self, record: Record) -> None:
        for name in record.names():
            self.found[name] = [other for other in self.found[name] if other is not record]

    def status_of(self, system_status: str) -> Status:
        """The first status attached for that system status, or a nameless one."""
        for status in self.statuses:
            if status.system_status == system_status:
                return status
        return Status(0, system_status, "", None)

    def as_json(self) -> Fields:
        shown = {name: getattr(self, name) for name in self.__slots__ if name != "found"}
        return shown | {"records": [*self.records.values()]}


def sent(body: object, shape: type[msgspec.Struct], unknown: str) -> Fields:
    """The fields of `body` that `shape` knows.

    BrokenRuleError where one is wrong or missing, and, with `unknown` "refused", where there are others.
    """
    try:
        fields: Fields = msgspec.to_builtins(msgspec.convert(body, shape))
    except msgspec.ValidationError as error:
        raise BrokenRuleError(str(error)) from error
    strange = set(body if isinstance(body, dict) else ()) - set(shape.__struct_fields__)
    if strange and unknown == "refused":
        raise BrokenRuleError(f"Unknown field: {min(strange)}")
    return fields
