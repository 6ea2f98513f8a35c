"""Pages of people as the vendors list them, decoded to what is wanted of each, beside json, which decodes all of it.

And what reading people back costs as a whole: pages proved, numbers brought into one form.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.measure import Contestant, side_by_side, tell, worker
from bench.table import Row

if TYPE_CHECKING:
    from reconciler.providers.base import Call

PEOPLE = 100_000
RUNS = 5
MOST = 0.3


def rows(people: int = PEOPLE, runs: int = RUNS) -> list[Row]:
    """Times are of the processor."""
    return [row for vendor in VENDORS for row in _of(vendor, people, runs)]


def _of(vendor: str, people: int, runs: int) -> list[Row]:
    found = side_by_side({part: Contestant(worker("pages", part, vendor, people)) for part in PARTS}, runs)
    times = {part: measured.seconds / people * 1e6 for part, measured in found.items()}
    work = f"{people:,} people in pages of {VENDORS[vendor].most:,} as {vendor} lists them"
    decoded = Row("page decoding", f"{work}, decoded", times["ours"], "us each", times["json"], "json", most_ratio=MOST)
    whole = Row("page decoding", f"{work}, read back to a proven end", times["whole"], "us each", times["json"], "json")
    return [decoded, whole]


# ---- the pages: every field that the vendor's own samples show -----------------------------------------------------


def _thulium(number: int) -> dict[str, Any]:
    texts = ("next_call_date", "agent_name", "agent_login", "last_note", "order")
    return {
        "record_id": number,
        "phone_number": f"5{number:08}",
        "system_status": "TO_CALL",
        "status": "Do dzwonienia",
        "status_id": 5,
        "call_date": "2026-05-19 14:02",
        "create_date": "2026-05-18 12:02",
        "identifier": f"rc-{number:016}",
        **dict.fromkeys(texts, ""),
    }


def _tel4vn(number: int) -> dict[str, Any]:
    empty = ("identity_number", "identity_issued_at", "address", "province", "district", "ward", "date_of_birth")
    others = ("comment", "ref_id", "ref_code", "gender", "network", "assign_user_uuid", "assign_username")
    moment, uuid = "2023-03-08T15:27:00.709533+07:00", "c4869e79-f0fa-4c6a-9410-bc0defac375a"
    return {
        "domain_uuid": uuid,
        "lead_uuid": f"152a5c45-68f0-4ee7-85c0-{number:012}",
        "lead_name": "Demo01",
        "lead_code": "DP01",
        "list_uuid": uuid,
        "phone_number": f"03{number:08}",
        "contract_number": "ABC123",
        "status": "NEW",
        "alt_status": "new",
        "additional": '{"first_name": "Demo"}',
        **dict.fromkeys((*empty, *others), ""),
        "after_day": 0,
        "called_count": 0,
        "hopper_id": 0,
        **dict.fromkeys(("last_call_time", "created_at", "updated_at", "identity_issued_on"), moment),
        "campaign_uuid": uuid,
        "campaign_name": "Campaign Autodialer",
        "list_name": "List Autodialer",
    }


def _conpeek(number: int) -> dict[str, Any]:
    moment = "2026-06-01 10:00:00"
    return {
        "id": f"2b3c4d5e-68f0-4ee7-85c0-{number:012}",
        "contact_number": f"485{number:08}",
        "current_contact_number": f"485{number:08}",
        "contact_identifier": "",
        "name": "Demo",
        "note": "",
        "custom": {"first_name": "Demo", "rc": f"rc-{number:016}"},
        **dict.fromkeys(("created_date", "modified_date", "process_not_before", "last_try_date"), moment),
        "priority": 100,
        "contact_try": 0,
        "consultant_try": 0,
        "state": "OPEN",
        "application_state": "NEW",
        "result": None,
    }


@dataclass(frozen=True, slots=True)
class Vendor:
    """`most`: records of its greatest page; `wrap`: what stands around those of a page, given how many there are in all."""

    most: int
    record: Callable[[int], dict[str, Any]]
    wrap: Callable[[list[dict[str, Any]], int], dict[str, Any]]

    def pages(self, people: int) -> dict[int, bytes]:
        """Offset -> body of every page of a read that begins each at the last record of the one before, up to an empty one."""
        records = [self.record(number) for number in range(people)]
        found: dict[int, bytes] = {}
        offset = 0
        while offset not in found:
            page = records[offset : offset + self.most]
            found[offset] = json.dumps(self.wrap(page, people)).encode()
            offset += len(page) - 1 if len(page) > 1 else len(page)
        return found


VENDORS: Mapping[str, Vendor] = {
    "thulium": Vendor(100, _thulium, lambda rows, total: {"count": total, "result": rows}),
    "tel4vn": Vendor(1000, _tel4vn, lambda rows, total: {"data": rows, "total": total}),
    "conpeek": Vendor(1000, _conpeek, lambda rows, total: {"data": rows}),
}


# ---- what is measured, each in a process of its own ----------------------------------------------------------------


def _json(vendor: str, pages: Mapping[int, bytes], people: int) -> None:
    for body in pages.values():
        json.loads(body)


def _decoded(vendor: str, pages: Mapping[int, bytes], people: int) -> None:
    from reconciler.providers.base import Reply
    from reconciler.providers.conpeek import contacts
    from reconciler.providers.tel4vn import leads
    from reconciler.providers.thulium import replies

    decode = {"thulium": replies.records, "tel4vn": leads.page, "conpeek": contacts.page_of}[vendor]
    for body in pages.values():
        decode(Reply(200, body))


def _read_back(vendor: str, pages: Mapping[int, bytes], people: int) -> None:
    from reconciler.model import Connection, Live, Source
    from reconciler.providers import provider
    from reconciler.providers.base import Reply

    class Shelf:
        async def read(self, call: Call) -> Reply:
            return Reply(200, pages[int(dict(call.query)["offset"])])

    connection = Connection("bench", vendor, "https://bench.example", {}, "UTC", "PL", Source("bench.yaml", 1))
    reader: Any = provider(connection)

    async def count() -> int:
        return len([one async for one in reader.read_contacts(Shelf(), Live("1", "bench"), "1")])

    if asyncio.run(count()) != people:
        raise RuntimeError("not everybody was read")


PARTS: Mapping[str, Callable[[str, Mapping[int, bytes], int], None]] = {
    "json": _json,
    "ours": _decoded,
    "whole": _read_back,
}


def _main(part: str, vendor: str, people: str) -> None:
    pages = VENDORS[vendor].pages(int(people))
    PARTS[part](vendor, VENDORS[vendor].pages(1), 1)  # whatever is imported is not what is measured
    begun = time.process_time()
    PARTS[part](vendor, pages, int(people))
    tell(time.process_time() - begun)


if __name__ == "__main__":
    _main(*sys.argv[1:])
