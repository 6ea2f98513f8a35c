"""The rules a Thulium account keeps for its campaigns and records. No HTTP and no wording of replies."""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from reconciler.simulator.polish import e164
from reconciler.simulator.vendor import Fields

from .objects import BrokenRuleError, Campaign, CrmRecord, CsvRecord, DuplicateError, Kind, Record, Status, sent

IN_CALL = "IN_PROGRESS"
RESTING = ("NO_CALL", "ABANDONED_AFTER_N_TRIES")
"""System statuses that the dialler leaves alone; all others are a queue that dials."""

REQUIRED_BY_STATUS = {
    "MY_RECORD": ("agent_login", "next_call_date"),
    "CALL_NO_SOONER_THAN": ("next_call_date",),
}
REMOVAL_TIMES = {"2h": timedelta(hours=2), "10s": timedelta(seconds=10), "0s": timedelta()}


class Account:
    """One account in memory. `rule` tells how a switch is set, `now` the time."""

    def __init__(self, rule: Callable[[str], str], now: Callable[[], datetime]) -> None:
        self.rule = rule
        self._now = now
        self.campaigns: dict[str, Campaign] = {}
        self.agents: dict[str, Fields] = {}
        """Login -> name, number, agent_id, active."""
        self.customers: dict[str, Fields] = {}
        """CRM id -> name, phone_number."""
        self.dials: Counter[str] = Counter()
        self._opened = 0
        self._recorded = 0

    def clock(self) -> datetime:
        return self._now().astimezone(ZoneInfo(self.rule("timezone")))

    def minute(self) -> str:
        return f"{self.clock():%Y-%m-%d %H:%M}"

    def open(self, kind: Kind, settings: Fields, structure: list[str], statuses: list[Status]) -> Campaign:
        """A new campaign."""
        self._opened += 1
        campaign = Campaign(f"{self._opened:05}", kind, settings, structure, statuses)
        self.campaigns[campaign.id] = campaign
        return campaign

    def queue_removal(self, campaign: Campaign) -> None:
        campaign.gone_at = self.clock() + REMOVAL_TIMES[self.rule("removal_time")]

    def finish_removals(self) -> None:
        """Forget the campaigns whose removal has taken its time."""
        now = self.clock()
        for campaign in [*self.campaigns.values()]:
            if campaign.gone_at is not None and campaign.gone_at <= now:
                del self.campaigns[campaign.id]

    def visible(self) -> dict[str, Campaign]:
        """The campaigns that any call but a removal sees."""
        hidden = self.rule("queued_campaign") == "hidden"
        return {id: campaign for id, campaign in self.campaigns.items() if not (hidden and campaign.gone_at)}

    def matching(self, campaign: Campaign, key: str, value: str, additional: bool = False) -> list[Record]:
        """The records with that `phone_number` (main or, if asked for, additional), `identifier` or `customer_id`."""
        if key != "phone_number":
            return [*campaign.found.get((key, value), ())]
        return [
            record
            for record in campaign.found.get((key, e164(value)), ())
            if any(self._same(value, number) for number in record.numbers(additional))
        ]

    def _same(self, one: str, other: str) -> bool:
        return one == other or (self.rule("duplicate_guard") == "normalised" and e164(one) == e164(other))

    def add(self, campaign: Campaign, body: object) -> Record:
        """A new record; DuplicateError or BrokenRuleError where there is none."""
        item = sent(body, CsvRecord if campaign.kind == "csv" else CrmRecord, self.rule("unknown_field"))
        record = self._blank(campaign, item)
        self._refuse_twin(campaign, record)
        self._set(campaign, record, item)
        self.enqueue(campaign, record)
        return record

    def _blank(self, campaign: Campaign, item: Mapping[str, object]) -> Record:
        minute = self.minute()
        if campaign.kind == "csv":
            record = Record(str(item["phone_number"]), minute, str(item.get("identifier", "")))
        else:
            customer = str(item["customer_id"])
            if customer not in self.customers:
                raise BrokenRuleError("Customer does not exist")
            record = Record(self.customers[customer]["phone_number"], minute, customer_id=int(customer))
        if self.rule("status_omitted") == "TO_CALL":
            record.attach(campaign.status_of("TO_CALL"))
        return record

    def _refuse_twin(self, campaign: Campaign, record: Record) -> None:
        if record.customer_id is not None:
            twins = self.matching(campaign, "customer_id", str(record.customer_id))
        else:
            additional = self.rule("duplicate_guard") == "additional"
            twins = self.matching(campaign, "phone_number", record.phone_number, additional)
        for twin in twins:
            raise DuplicateError(twin)
        taken = record.identifier and self.matching(campaign, "identifier", record.identifier)
        if taken and self.rule("identifier_clash") == "refused":
            raise BrokenRuleError("Identifier is already used")

    def enqueue(self, campaign: Campaign, record: Record) -> None:
        """Put the record in without any guard, as a panel import of duplicates does."""
        self._recorded += 1
        record.record_id = self._recorded
        campaign.insert(record)
        self._count(record, waited=False)

    def _count(self, record: Record, waited: bool) -> None:
        """Count the record where it entered the queue; `waited`: it was there before."""
        if not waited and record.system_status not in RESTING:
            self.dials[e164(record.phone_number)] += 1

    def change(self, campaign: Campaign, record: Record, item: Fields) -> None:
        """Set what `item` holds; BrokenRuleError where it cannot be, and then nothing is set."""
        waited = record.system_status not in RESTING
        self._set(campaign, record, item)
        self._count(record, waited)

    def edit(self, campaign: Campaign, record: Record, fields: Fields) -> None:
        """Set any field, as the panel can; LookupError where there is none of that name."""
        for name in set(fields) - set(Record.__slots__):
            raise LookupError(f"a record has no {name!r}")
        waited = record.system_status not in RESTING
        campaign.unindex(record)
        for name, value in fields.items():
            setattr(record, name, value)
        campaign.index(record)
        self._count(record, waited)

    def _set(self, campaign: Campaign, record: Record, item: Fields) -> None:
        status = self._status(campaign, item)
        values: Fields = {name: item[name] for name in ("next_call_date", "order") if name in item}
        values |= self._agent(item) | self._fields(campaign, record, item)
        for name in REQUIRED_BY_STATUS.get(status.system_status, ()) if status else ():
            if not (values.get(name) or getattr(record, name)):
                raise BrokenRuleError(f"{name} is required for this status")
        for name, value in values.items():
            setattr(record, name, value)
        if status:
            record.attach(status)

    def _status(self, campaign: Campaign, item: Fields) -> Status | None:
        names = [name for name in ("status_id", "dictionary_status_id") if name in item]
        if not names:
            return None
        name = names[0] if len(names) == 1 else self.rule("status_both")
        for status in campaign.statuses:
            if str(getattr(status, name)) == str(item[name]):
                return status
        raise BrokenRuleError(f"Invalid {name}")

    def _agent(self, item: Fields) -> Fields:
        if "agent_login" not in item:
            return {}
        login = item["agent_login"]
        if login not in self.agents:
            raise BrokenRuleError("Agent does not exist")
        return {"agent_login": login, "agent_name": self.agents[login]["name"]}

    @staticmethod
    def _fields(campaign: Campaign, record: Record, item: Fields) -> Fields:
        """Only the listed fields change, an empty value clears one."""
        changed = item.get("record_fields", {})
        for name in sorted(set(changed) - set(campaign.structure)):
            raise BrokenRuleError(f"Unknown record field: {name}")
        fields = record.record_fields | changed
        return {"record_fields": {name: value for name, value in fields.items() if value not in ("", None)}}

    def ring(self, number: str, system_status: str) -> None:
        """A call to that number in every campaign: going on (IN_PROGRESS), or ended with another status.

        LookupError where no record has the number.
        """
        found = [
            (campaign, record)
            for campaign in self.campaigns.values()
            for record in campaign.found.get(("phone_number", e164(number)), ())
        ]
        if not found:
            raise LookupError("no record has this number")
        for campaign, record in found:
            record.attach(campaign.status_of(system_status))
            record.call_date = self.minute()
