"""The leads of the simulated TEL4VN tenant as stored, and the count of whom it would call. The calls on them are in
`leads.py`.
"""

from collections import Counter, defaultdict

from reconciler.simulator.vendor import Fields

from .account import NO_DATE, Account, new_uuid

LEAD_FIELDS: Fields = {
    "lead_name": "",
    "lead_code": "",
    "contract_number": "",
    "identity_number": "",
    "identity_issued_at": "",
    "identity_issued_on": NO_DATE,
    "address": "",
    "province": "",
    "district": "",
    "ward": "",
    "date_of_birth": "",
    "additional": "",
    "gender": "",
}
"""What a lead is given, by create and PUT."""

LEAD_STATE: Fields = {
    "status": "NEW",
    "alt_status": "new",
    "after_day": 0,
    "called_count": 0,
    "last_call_time": "1970-01-01T08:00:01+08:00",
    "hopper_id": 0,
    "comment": "",
    "ref_id": "",
    "ref_code": "",
    "other_identity_number": "",
    "other_identity_issued_at": "",
    "other_identity_issued_on": NO_DATE,
    "network": "",
    "assign_user_uuid": "",
    "assign_username": "",
}


class Queue:
    """Every lead, findable by list and by number."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self.rows: dict[str, Fields] = {}
        self.by_list: defaultdict[str, dict[str, Fields]] = defaultdict(dict)
        self.by_number: defaultdict[str, dict[str, Fields]] = defaultdict(dict)
        self.dials: Counter[str] = Counter()
        """How often each number was ever added; what is removed stays counted."""

    def add(self, fields: Fields, lead_uuid: str | None = None) -> str:
        """A lead that will be dialled; its uuid. `fields` has at least `list_uuid` and `phone_number`."""
        id, now = lead_uuid or new_uuid(), self._account.timestamp()
        keys = {"domain_uuid": self._account.domain_uuid, "lead_uuid": id, "created_at": now, "updated_at": now}
        self._file(LEAD_STATE | LEAD_FIELDS | keys | fields)
        return id

    def change(self, id: str, fields: Fields) -> None:
        """Set fields of a lead; another number is another person in the queue."""
        lead = self._account.find(self.rows, id)
        changed = lead | fields | {"updated_at": self._account.timestamp()}
        if changed["phone_number"] == lead["phone_number"]:
            lead.update(changed)
        else:
            del self.by_number[lead["phone_number"]][id]
            self._file(changed)

    def remove(self, id: str) -> None:
        lead = self._account.find(self.rows, id)
        del self.rows[id], self.by_list[lead["list_uuid"]][id], self.by_number[lead["phone_number"]][id]

    def _file(self, lead: Fields) -> None:
        """Put the lead where it is looked for, and its number in the queue."""
        id, number = lead["lead_uuid"], lead["phone_number"]
        self.rows[id] = self.by_list[lead["list_uuid"]][id] = self.by_number[number][id] = lead
        self.dials[e164(number)] += 1

    def remove_list(self, list_uuid: str) -> None:
        for id in list(self.by_list[list_uuid]):
            self.remove(id)


def e164(number: str) -> str:
    """The number as the rest of the world writes it: 0 stands for +84."""
    return "+84" + number[1:] if number.startswith("0") else "+" + number.lstrip("+")
