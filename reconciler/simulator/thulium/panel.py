"""What somebody clicks in the Thulium panel, and calls that happen there. No HTTP."""

from collections.abc import Iterable

from reconciler.simulator.vendor import Fields

from .account import IN_CALL, Account
from .campaigns import DEFAULT_STATUSES, blank_settings
from .objects import Campaign, Record


class Panel:
    """Edits over one account, by kind.

    | kind | id | fields |
    |---|---|---|
    | campaign | five characters | those of `PUT outbounds/:id`; on a new one also `kind` and `structure`; None queues removal |
    | record | record_id | any of a record; on a new one also `outbound_id`, and duplicates are let in |
    | agent | login | name, number, agent_id, active; on a new one also `login` |
    | customer | CRM id | name, phone_number; on a new one also `customer_id` |
    | call | phone number | `{}`: it rings in every campaign; `{"system_status": ...}`: the call is over, with that status |
    """

    def __init__(self, account: Account) -> None:
        self._account = account

    def edit(self, kind: str, id: str | None, fields: Fields | None) -> str:
        """Returns the object's id; LookupError for an unknown kind, id or field."""
        match kind:
            case "campaign":
                return self._campaign(id, fields)
            case "record":
                return self._record(id, fields)
            case "agent":
                return self._agent(id, fields)
            case "customer":
                return self._customer(id, fields)
            case "call":
                return self._call(id, fields)
        raise LookupError(f"no kind {kind!r}")

    def _campaign(self, id: str | None, fields: Fields | None) -> str:
        if id is None:
            return self._open({**(fields or {})}).id
        campaign = self._account.campaigns[id]
        if fields is None:
            self._account.queue_removal(campaign)
        else:
            _check(fields, campaign.settings)
            campaign.settings |= fields
        return id

    def _open(self, fields: Fields) -> Campaign:
        kind, structure = fields.pop("kind", "csv"), fields.pop("structure", [])
        settings = blank_settings(self._account)
        _check(fields, settings)
        return self._account.open(kind, settings | fields, structure, [*DEFAULT_STATUSES])

    def _record(self, id: str | None, fields: Fields | None) -> str:
        if id is None:
            return self._import({**(fields or {})})
        campaign = next((found for found in self._account.campaigns.values() if int(id) in found.records), None)
        if campaign is None:
            raise LookupError(f"no record {id!r}")
        record = campaign.records[int(id)]
        if fields is None:
            campaign.drop(record)
        else:
            self._account.edit(campaign, record, fields)
        return id

    def _import(self, fields: Fields) -> str:
        campaign = self._account.campaigns[fields.pop("outbound_id")]
        if campaign.kind == "crm":
            fields["phone_number"] = self._account.customers[str(fields["customer_id"])]["phone_number"]
        _check(fields, Record.__slots__)
        record = Record(fields.pop("phone_number"), self._account.minute())
        record.attach(campaign.status_of("TO_CALL"))
        for name, value in fields.items():
            setattr(record, name, value)
        self._account.enqueue(campaign, record)
        return str(record.record_id)

    def _call(self, number: str | None, fields: Fields | None) -> str:
        if number is None:
            raise LookupError("a call needs a number")
        self._account.ring(number, (fields or {}).get("system_status", IN_CALL))
        return number

    def _agent(self, id: str | None, fields: Fields | None) -> str:
        agents = self._account.agents
        if id is None:
            fresh = {"name": "", "number": "", "agent_id": len(agents) + 1, "active": True}
            return _add(agents, "login", fresh | (fields or {}))
        if fields is None:
            del agents[id]
            for campaign in self._account.campaigns.values():
                campaign.agents.pop(id, None)
        else:
            agents[id] |= fields
        return id

    def _customer(self, id: str | None, fields: Fields | None) -> str:
        customers = self._account.customers
        if id is None:
            return _add(customers, "customer_id", {"name": ""} | (fields or {}))
        if fields is None:
            del customers[id]
        else:
            customers[id] |= fields
        return id


def _add(entries: dict[str, Fields], key: str, fields: Fields) -> str:
    id = str(fields.pop(key))
    entries[id] = fields
    return id


def _check(fields: Iterable[str], known: Iterable[str]) -> None:
    for name in set(fields) - set(known):
        raise LookupError(f"no field {name!r}")
