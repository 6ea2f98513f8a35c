"""The small world a Thulium account starts with: objects that nobody declared. Made-up people, the vendor's sample numbers."""

from .account import Account
from .campaigns import DEFAULT_STATUSES, blank_settings
from .objects import Campaign, Kind, Record, Status

STATUSES = [
    *DEFAULT_STATUSES,
    Status(8, "CALL_NO_SOONER_THAN", "Zadzwonić później", 3),
    Status(9, "MY_RECORD", "Mój rekord", None),
    Status(11, "ABANDONED_AFTER_N_TRIES", "Porzucony po n próbach", 4),
]


def seed(account: Account) -> None:
    """A running CSV campaign, a CRM campaign, and one that is over; no number is in two places."""
    _agents(account)
    payments = _open(account, "csv", "Przypomnienia o płatności", ["field1", "field2"])
    payments.agents["j.doe"] = True
    _put(account, payments, Record("333444555", "2026-05-04 09:15", record_fields={"field1": "value1"}))
    _put(account, payments, Record("111222333", "2026-05-04 09:15", "1234567890"))
    survey = _open(account, "crm", "Badanie satysfakcji", [])
    account.customers |= {
        "1": {"name": "Przykład Pierwszy", "phone_number": "333444556"},
        "2": {"name": "Przykład Drugi", "phone_number": "333444557"},
    }
    _put(account, survey, Record("333444556", "2026-05-05 10:00", customer_id=1))
    old = _open(account, "csv", "Akcja zimowa", [], active=False, end_date="2026-02-28")
    _put(account, old, Record("111222334", "2026-01-12 08:00"))
    account.ring("111222334", "NO_CALL")


def _agents(account: Account) -> None:
    for id, (login, name) in enumerate([("j.doe", "J. Doe"), ("a.nowak", "A. Nowak")], start=1):
        account.agents[login] = {"name": name, "number": str(200 + id), "agent_id": id, "active": True}


def _open(account: Account, kind: Kind, name: str, structure: list[str], **settings: str | bool) -> Campaign:
    return account.open(kind, blank_settings(account) | {"name": name} | settings, structure, [*STATUSES])


def _put(account: Account, campaign: Campaign, record: Record) -> None:
    record.attach(campaign.status_of("TO_CALL"))
    account.enqueue(campaign, record)
