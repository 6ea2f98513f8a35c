"""A simulated TEL4VN tenant over real sockets, as its tests use it, and the campaign they put into it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from reconciler.model import WEEKDAYS, Contact, Key, Live, LiveContact, Person, Phone, Resource, Source, Spec
from reconciler.providers.base import Observation, Wanted
from reconciler.providers.tel4vn.provider import Tel4vn
from reconciler.simulator.faults import Faults, Rule
from reconciler.simulator.server import Running, running
from reconciler.simulator.tel4vn import Tel4vn as Simulated
from reconciler.simulator.world import World
from tests.support import SECRETS, DirectWriter, connection, writer

VENDOR = Tel4vn(connection("tel4vn", page_size=40))
WEEK: Any = {day: [["08:30", "17:00"]] for day in WEEKDAYS}
SPEC: dict[str, Any] = {
    "displayName": "Spring renewals 2026",
    "schedule": {"timezone": "Asia/Bangkok", "windows": {**WEEK, "sun": []}},
    "recall": {
        "maxAttempts": 4,
        "after": "30m",
        "outcomes": ["busy", "failed", "no_answer"],
        "priority": "recalls_first",
        "minTalk": "10s",
    },
    "type": "autocall",
    "type_autocall": "autocall_audio",
    "description": "Renewal notices",
    "carrier": "Viettel trunk A",
    "template": "Renewal notice",
    "concurrent_call": 5,
    "ratio": 150,
    "call_timeout": "45s",
    "mode_call": "parralel",
    "network": {"viettel": 5, "mobi": 3},
    "callback_url": "https://hooks.acme.example/cdr",
    "local_start_time": "08:00",
    "hopper": 30,
    "allow_manual_dial": False,
    "extensions": ["101", "102"],
    "closedDays": "zero",
    "lead": {"lead_name": "first"},
}
_HERE: list[Running] = []


@contextmanager
def listening() -> Iterator[None]:
    """One simulator for all tests of a module: starting and stopping it takes longer than most of them."""
    with running(World(credentials=SECRETS, seeded=True)) as here:
        _HERE.append(here)
        yield
        _HERE.clear()


class Site:
    """A tenant, and what it holds behind the API's back."""

    def __init__(self, here: Running, direct: DirectWriter) -> None:
        self.here, self.direct = here, direct
        vendor = here.simulator.vendors["tel4vn"]
        assert isinstance(vendor, Simulated)
        self.vendor = vendor

    def campaign(self, uuid: str) -> dict[str, Any]:
        held: dict[str, Any] = self.vendor.snapshot()["campaigns"][uuid]
        return dict(held)

    def named(self, name: str) -> str:
        (uuid,) = [u for u, row in self.vendor.snapshot()["campaigns"].items() if row["campaign_name"] == name]
        return str(uuid)

    def fail(self, fault: Any, path: str, method: str | None = None, **more: Any) -> None:
        self.here.simulator.faults = Faults([Rule(fault, method=method, path=path, **more)])

    async def see(self, resource: Resource, uuid: str | None = None) -> Observation:
        return await VENDOR.observe(self.direct, [Wanted(resource.name, uuid, resource.spec)])

    async def held(self, live: Live, container: str) -> list[LiveContact]:
        return [contact async for contact in VENDOR.read_contacts(self.direct, live, container)]

    def sent(self) -> list[tuple[str, str]]:
        return [(entry.method, entry.path) for entry in self.here.simulator.log if entry.method != "GET"]


@asynccontextmanager
async def site(**switches: str) -> AsyncIterator[Site]:
    """A tenant as it was seeded, with these answers to the open questions."""
    (here,) = _HERE
    here.simulator.reset()
    here.world.switches["tel4vn"] = switches
    async with writer("tel4vn", here.base_url("tel4vn")) as direct:
        yield Site(here, direct)


def declared(spec: Spec | None = None) -> Resource:
    key = Key("tel4vn-test", "campaign", "spring")
    return Resource(key, "tel4vn", SPEC if spec is None else spec, Source("spring.yaml", 1), contacts=("may",))


def person(index: int, **fields: str) -> Contact:
    number = f"+8438{index:07}"
    return Contact(Person(number.encode().rjust(16)), Phone(number), fields)


def crowd(count: int) -> list[Contact]:
    return [person(n, first=f"Person {n}", contract_number=f"C{n}") for n in range(count)]


async def created(here: Site, spec: Spec | None = None) -> tuple[Resource, Live]:
    resource = VENDOR.canonical(declared(spec), (await here.see(declared(spec))).references)
    return resource, await VENDOR.create(here.direct, resource, [])
