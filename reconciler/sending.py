"""People on the way: from the source in growing batches to a vendor, or from a vendor's list to being withdrawn."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import TYPE_CHECKING, TypeVar

from reconciler import units
from reconciler.errors import ReconcilerError
from reconciler.model import Action, Binding, Contact, Key, Limits, Live, LiveContact, Person, Phone, Resource
from reconciler.providers.base import Edit, Leaving, TakesContacts, capabilities_for
from reconciler.rollback import check_empty
from reconciler.world import World
from reconciler.writer import StepWriter

if TYPE_CHECKING:  # an engine stands behind it, and every plan comes by here
    from reconciler.contacts import People

T = TypeVar("T")


class OverBudget(ReconcilerError):
    """A vendor refused too many people of one set: the rest is not sent."""


FIRST_BATCHES = (1, 10)  # the blast radius grows with what is known to work: 1, 10, then doubling up to batchSize
BUDGET = (
    20,
    0.1,
)  # people a vendor may refuse of one set in one run: so many, and beyond that this share of those sent


@dataclass(frozen=True, slots=True)
class Moved:
    """How far one contact set is. `done`: people whose answer is known, or known to be lost; `total`: as planned.

    `steady`: the calls have their full size, so that the pace of now is that of the rest. `over`: nothing more of it is sent.
    """

    key: Key
    action: Action
    done: int
    total: int
    rejected: int
    in_doubt: int
    steady: bool
    over: bool = False


def everybody(world: World, writer: StepWriter, resource: Resource) -> list[Contact]:
    """All people of a campaign whose vendor takes them inside the create call."""
    people = world.people[resource.key]
    return writer.marked(
        [
            _at_run(contact, name, writer.create_run)
            for name in resource.contacts
            for batch in people.batches(Action.ADD_CONTACTS, name, 10_000)
            for contact in batch
        ]
    )


def _at_run(contact: Contact, name: str, create_run: int) -> Contact:
    """A campaign that is created again on purpose sends everybody at a new revision."""
    return replace(contact, contacts=name, revision=max(contact.revision, create_run))


@dataclass(slots=True)
class Sending:
    """One contact change of one set being carried out. `campaign`: as it is live by now."""

    world: World
    writer: StepWriter
    campaign: Live
    total: int
    moved: Callable[[Moved], None]
    _done: int = 0
    _steady: bool = False

    async def run(self) -> str:
        """Returns the container's vendor id. Raises what the first failed call raised; calls in flight are finished."""
        self.writer.counted = self._tell
        try:
            return await self._run()
        finally:
            self._tell(over=True)

    async def _run(self) -> str:
        container = self.world.containers.get(self.writer.key, "")
        if not container:
            container = await self._provider.open(self.writer, self.campaign, self._resource, self.writer.key.contacts)
            await self._bind(container)
        match self.writer.action:
            case Action.ADD_CONTACTS:
                await self._add(container)
            case Action.UPDATE_CONTACTS:
                await self._edit(container)
            case _:
                await self._withdraw(container)
        return container

    async def _bind(self, container: str) -> None:
        """Also a container that was found and not made is ours from here on: a lost answer about its people is looked for in it."""
        if container == self.campaign.vendor_id:
            return
        run, key, identity = self.writer.run, self.writer.key, self.writer.identity
        made, reached = await run.journal.run(
            lambda ledger: (
                key in ledger.bindings(),
                any(sent.contacts == key.contacts for sent in ledger.sent(identity)),
            )
        )
        if made:
            return
        if not reached:
            await check_empty(self._provider, self.writer, self.campaign, container)
        bound = Binding(key, identity, container, {})
        await run.journal.run(lambda ledger: ledger.bind(run.lease, bound, "found by its mark"))

    async def _add(self, container: str) -> None:
        async def send(batch: Sequence[Contact]) -> None:
            chosen = self.writer.marked(batch)
            with self.writer.carrying(chosen):
                await self._provider.add(self.writer, self.campaign, self._resource, container, chosen)

        await self._side_by_side(self._contacts(Action.ADD_CONTACTS), send)

    async def _edit(self, container: str) -> None:
        live = await self._present(container)

        async def send(batch: Sequence[Contact]) -> None:
            edits = [Edit(live[contact.person], contact) for contact in batch if contact.person in live]
            with self.writer.carrying([edit.contact for edit in edits]):
                await self._provider.edit(self.writer, self.campaign, container, edits)

        await self._side_by_side(self._contacts(Action.UPDATE_CONTACTS), send)

    async def _withdraw(self, container: str) -> None:
        live = await self._present(container)
        leaving = list(self._people.leaving(self.writer.key.contacts))
        gone = [Contact(person, Phone(""), {}) for person in leaving if person not in live]

        async def send(batch: Sequence[Person]) -> None:
            chosen = [Contact(person, live[person].phone, {}) for person in batch]
            with self.writer.carrying(chosen):
                people = [Leaving(person, live[person]) for person in batch]
                await self._provider.withdraw(self.writer, self.campaign, container, people)

        there = (person for person in leaving if person in live)
        await self._side_by_side(there, send)
        if gone:
            with self.writer.carrying(gone):
                await self.writer.note_absent([contact.person for contact in gone])

    # ---- shared ----------------------------------------------------------------------------------------------------

    async def _present(self, container: str) -> dict[Person, LiveContact]:
        """Everybody the vendor holds in the container, by fingerprint: read just before anything is changed."""
        fingerprints = self.writer.run.fingerprints
        reading = self._provider.read_contacts(self.writer, self.campaign, container)
        return {fingerprints.person(contact.phone.reveal()): contact async for contact in reading}

    async def _side_by_side(self, items: Iterator[T], send: Callable[[list[T]], Awaitable[None]]) -> None:
        """One batch alone while they grow, then as many at once as the connection allows. The first failure stops new ones."""
        limit = self._limits.concurrency
        running: set[asyncio.Task[None]] = set()
        try:
            for batch in _growing(items, self._batch_size, lambda: self.writer.tally.in_doubt):
                self._steady = len(batch) == self._batch_size
                task = asyncio.ensure_future(self._tracked(send, batch))
                running.add(task)
                if len(running) >= limit or len(batch) < self._batch_size:
                    done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                    for finished in done:
                        finished.result()
        finally:
            if running:
                await asyncio.wait(running)
        for task in running:
            task.result()

    async def _tracked(self, send: Callable[[list[T]], Awaitable[None]], batch: list[T]) -> None:
        await send(batch)
        self._done += len(batch)
        self._check_budget()

    def _tell(self, *, over: bool = False) -> None:
        tally, key = self.writer.tally, self.writer.key
        done = tally.confirmed + tally.rejected + tally.in_doubt + tally.already_present + self.writer.later
        counts = (done, self.total, tally.rejected, tally.in_doubt)
        self.moved(Moved(key, self.writer.action, *counts, self._steady, over))

    def _check_budget(self) -> None:
        """Raises OverBudget where so many were refused that something is wrong with all of them."""
        refused, key = self.writer.tally.rejected, self.writer.key
        if refused > max(BUDGET[0], BUDGET[1] * self._done):
            raise OverBudget(
                f"{key.connection} refused {units.people(refused)} of the {self._done:,} sent from {key.contacts}: something is wrong"
                " with all of them. The rest was not sent, and the campaign is not started. Correct the source, then plan again"
            )

    def _contacts(self, action: Action) -> Iterator[Contact]:
        return chain.from_iterable(self._people.batches(action, self.writer.key.contacts, self._batch_size))

    @property
    def _people(self) -> People:
        return self.world.people[self.writer.key.campaign]

    @property
    def _resource(self) -> Resource:
        return self.world.matches[self.writer.key.campaign].resource

    @property
    def _provider(self) -> TakesContacts:
        provider = self.world.sites[self.writer.key.connection].provider
        assert isinstance(provider, TakesContacts), "planned for vendors that take contacts only"
        return provider

    @property
    def _limits(self) -> Limits:
        return self.writer.account.connection.limits

    @property
    def _batch_size(self) -> int:
        provider = self.world.sites[self.writer.key.connection].provider
        return min(self._limits.batch_size, capabilities_for(provider, self._resource).contacts.batch_max)


def _growing(items: Iterator[T], most: int, doubts: Callable[[], int]) -> Iterator[list[T]]:
    """Batches of 1, 10, 20, 40, ... up to `most`; 10 again whenever there are more people in doubt than before."""
    seen, size = doubts(), FIRST_BATCHES[0]
    while batch := list(islice(items, min(size, most))):
        yield batch
        doubtful, seen = doubts() > seen, doubts()
        size = FIRST_BATCHES[1] if doubtful or size < FIRST_BATCHES[1] else size * 2
