"""What the suites over all providers have to be told of one kind of campaign at one vendor. The facts are in one file per vendor."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.model import WEEKDAYS, Capabilities, Contact, Key, Person, Phone, Resource, RunState, Source, Spec
from reconciler.providers import provider
from reconciler.providers.base import capabilities_for
from reconciler.simulator.vendor import Fields, Vendor
from tests.contract.declarations import Values
from tests.support import connection

People = Iterator[tuple[str, Fields]]
EVERY_DAY: Fields = {day: [["08:30", "17:00"]] for day in WEEKDAYS}
SET = "may"


@dataclass(frozen=True, slots=True)
class Refused:
    """A declaration that cannot be held: `spec` laid over the base (a None takes a field out), and which field is to blame.

    `says`: the words in which the sentence names the way out. `instead`: that way, laid over it, which is then held.
    """

    path: str
    spec: Mapping[str, Any]
    says: str
    instead: Mapping[str, Any] = field(default_factory=dict)
    contacts: bool = True


@dataclass(frozen=True, slots=True, repr=False)
class Family:
    """Facts that no table holds.

    `base`: the least to be declared. `wire`: every field of the table that concerns it -> the vendor's own fields that hold it, none
    where our calls alone do. `known`: fields that name something there, or of which the vendor holds fewer values than the language
    has. `beside`: what has to be declared with a field. `legal`: makes the fields of one declaration agree with one another.
    `panel`: makes what no call makes, and returns its id.

    `run`: the vendor's own fields that starting and stopping move. `whole`: an update sends back everything that was read.
    `take`: cuts the stored campaign out of a snapshot, without what the vendor renews by itself. `held`: who is in it, as a number in
    E.164 and fields. `enter`: somebody types a person into the panel. `names`: contact fields that can be sent; `edit`: some before and
    after a change that the vendor can make. `shows`: ways in which it may show what it holds of a person, the plainest last; `hides`:
    whether it then leaves fields out. `switches`: what the vendor has to be set to; `pages`: each way in which it may page.
    """

    name: str
    vendor: str
    base: Fields
    wire: Mapping[str, tuple[str, ...]]
    take: Callable[[Fields, str], Fields]
    held: Callable[[Fields, str], People]
    number: Callable[[int], str]
    known: Mapping[str, Values] = field(default_factory=dict)
    beside: Mapping[str, Fields] = field(default_factory=dict)
    legal: Callable[[Fields], Fields] = dict
    panel: Callable[[Vendor], str | None] = lambda _: None
    enter: Callable[[Vendor, str, int, str], object] | None = None
    names: tuple[str, ...] = ("name", "due", "Họ tên")
    edit: tuple[Mapping[str, str], Mapping[str, str]] = field(
        default_factory=lambda: ({"name": "An"}, {"name": "Bình"})
    )
    run: frozenset[str] = frozenset()
    whole: bool = False
    switches: Mapping[str, str] = field(default_factory=dict)
    pages: tuple[Mapping[str, str], ...] = ({},)
    refused: tuple[Refused, ...] = ()
    shows: tuple[Mapping[str, str], ...] = ({},)
    hides: Callable[[Mapping[str, str]], bool] = lambda switched: False

    def __repr__(self) -> str:
        return self.name

    @property
    def table(self) -> Capabilities:
        return capabilities_for(provider(connection(self.vendor)), self.resource(self.base))

    def resource(
        self, spec: Spec, vendor_id: str | None = None, run: RunState | None = None, *, contacts: bool = True
    ) -> Resource:
        key, place = Key(f"{self.vendor}-test", "campaign", "spring"), Source("spring.yaml", 1)
        return Resource(key, self.vendor, spec, place, run, (SET,) if contacts else (), vendor_id=vendor_id)

    def person(self, index: int, fields: Mapping[str, str] | None = None) -> Contact:
        """Somebody no seed knows; the same index is the same person."""
        number = self.number(index)
        person = Person(number.encode().rjust(16)[-16:])
        return Contact(person, Phone(number), fields or {}, mark=f"rc-{index:016}", key=str(1000 + index))
