"""What the tests of people share: a project folder, declarations, and a request that can be varied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from reconciler.contacts import Fingerprints, People, PeopleRequest, plan_people
from reconciler.model import (
    Action,
    Columns,
    Contact,
    ContactSet,
    ContactSource,
    Key,
    Sent,
    Source,
    SuppressionList,
)

KEY = b"the contact key of the tests, 32 bytes and more"
PRINTS = Fingerprints(KEY)
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
CAMPAIGN = Key("tel4vn-hanoi", "campaign", "spring")
DECLARED = Source("campaigns/spring.yaml", 30)
ANN, BOB, CAT, DAN = "+84912345670", "+84912345671", "+84912345672", "+84912345673"


def inline(rows: Sequence[Mapping[str, str]]) -> ContactSource:
    return ContactSource(inline=tuple(rows))


def phones(*numbers: str) -> ContactSource:
    return inline([{"phone": number} for number in numbers])


def contact_set(origin: ContactSource | Path, name: str = "may", **changes: Any) -> ContactSet:
    """Columns are called what they are for; `key` and `fields` only where asked for."""
    source = ContactSource(file=str(origin)) if isinstance(origin, Path) else origin
    columns = Columns(changes.pop("phone", "phone"), changes.pop("key", None), changes.pop("fields", {}))
    return ContactSet(name, source, columns, changes.pop("mode", "append"), DECLARED, **changes)


def suppression(origin: ContactSource | Path, name: str = "refusals", **changes: Any) -> SuppressionList:
    source = ContactSource(file=str(origin)) if isinstance(origin, Path) else origin
    columns = Columns("phone", until=changes.pop("until", None), as_of=changes.pop("as_of", None))
    return SuppressionList(name, source, columns, DECLARED, **changes)


@dataclass
class Project:
    """One campaign in a folder of its own; what is given to `plan` goes into the request."""

    root: Path
    environ: dict[str, str] = field(default_factory=dict)

    def file(self, name: str, content: str | bytes) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def plan(self, *sets: ContactSet, lists: Sequence[SuppressionList] = (), **changes: Any) -> People:
        request = PeopleRequest(
            key=CAMPAIGN,
            sets=sets,
            suppressions={declared.name: declared for declared in lists},
            sent=changes.pop("sent", ()),
            region=changes.pop("region", "VN"),
            fingerprints=changes.pop("fingerprints", PRINTS),
            root=self.root,
            environ=self.environ,
            now=NOW,
            **changes,
        )
        return plan_people(request)


def sent(
    e164: str,
    state: str = "confirmed",
    contacts: str = "may",
    revision: int = 1,
    key: str = "",
    fields: Mapping[str, str] | None = None,
) -> Sent:
    key_mac = PRINTS.key(key) if key else b""
    fields_mac = PRINTS.fields(fields) if fields is not None else b""
    return Sent(PRINTS.person(e164), contacts, state, revision, "", key_mac, fields_mac)


def added(people: People, contacts: str = "may") -> list[Contact]:
    return [contact for batch in people.batches(Action.ADD_CONTACTS, contacts, 3) for contact in batch]


def updated(people: People, contacts: str = "may") -> list[Contact]:
    return [contact for batch in people.batches(Action.UPDATE_CONTACTS, contacts, 3) for contact in batch]


def numbers(contacts: Sequence[Contact]) -> list[str]:
    return [contact.phone.reveal() for contact in contacts]
