"""Passes over one campaign: look, plan, carry out, look again and find nothing. The line of the tool without its ledger."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx

from reconciler import diff
from reconciler.matching import match
from reconciler.model import Action, Binding, Change, Contact, Live, LiveContact, Resource, Severity, Spec
from reconciler.planner import steps_of
from reconciler.providers import provider
from reconciler.providers.base import CanDial, Provider, TakesContacts, Wanted
from reconciler.risk import rule_for
from reconciler.simulator.server import Running
from reconciler.simulator.simulation import Entry
from reconciler.simulator.vendor import Fields, Vendor
from reconciler.steps import Case, Steps
from tests.contract.family import SET, Family
from tests.support import SECRETS, DirectWriter, connection, writer

IDENTITY = "5f" * 16


@dataclass
class Site:
    """One campaign of a family at a seeded vendor. `vendor_id`: what its declaration names, where the panel made it."""

    family: Family
    here: Running
    provider: Provider
    direct: DirectWriter
    vendor_id: str | None = None
    people: Sequence[Contact] = ()
    binding: Binding | None = None
    live: Live | None = None

    @property
    def vendor(self) -> Vendor:
        return self.here.simulator.vendors[self.family.vendor]

    @property
    def id(self) -> str:
        """The vendor's, once there is one."""
        assert self.binding is not None
        return self.binding.vendor_id

    @property
    def applied(self) -> Spec:
        """The canonical declaration of the last pass."""
        assert self.binding is not None
        return self.binding.last_applied

    def declared(self, spec: Spec, **more: Any) -> Resource:
        return replace(self.family.resource(spec, self.vendor_id), **more)

    def sent(self, since: int = 0) -> list[Entry]:
        """What reached the vendor, beside reads and logins."""
        login = self.provider.auth.login(SECRETS[self.family.vendor])
        log = self.here.simulator.log[since:]
        return [entry for entry in log if entry.method != "GET" and not (login and entry.path == login.template)]

    def stored(self) -> tuple[Fields, Fields]:
        """The campaign as the vendor keeps it, and everything else there."""
        rest = self.vendor.snapshot()
        return self.family.take(rest, self.id), rest

    # ---- two passes

    async def look(self, spec: Spec, **more: Any) -> Case:
        """What a plan is made from. Nothing but reads leaves; what is canonical stays as it is."""
        declared, since = self.declared(spec, **more), len(self.here.simulator.log)
        claimed = self.vendor_id or (self.binding.vendor_id if self.binding else None)
        seen = await self.provider.observe(self.direct.account, [Wanted(declared.name, claimed, declared.spec)])
        assert self.sent(since) == []
        resource = self.provider.canonical(declared, seen.references)
        assert self.provider.canonical(resource, seen.references) == resource
        bindings = {resource.key: self.binding} if self.binding else {}
        account = resource.key.connection
        readable = {account: self.provider.capabilities.readable}
        matches = match([resource], {account: seen.live}, bindings, readable, {}, everything=True)
        return Case(matches.pairs[0], self.family.table)

    async def settle(self, spec: Spec, **more: Any) -> Live | None:
        """Bring the campaign to a declaration; the second pass finds nothing. Returns what is live then, None where it cannot be seen."""
        case, since = await self.look(spec, **more), len(self.here.simulator.log)
        steps, resource = steps_of(case), case.match.resource
        assert errors(steps) == []
        self.live = case.match.live
        for change in steps.changes:
            await self._carry_out(change, resource)
        assert steps.changes or self.sent(since) == []
        if self.live is not None:
            self.binding = Binding(resource.key, IDENTITY, self.live.vendor_id, resource.spec)
        live = await self.assert_settled(spec, **more)
        self.live = live or self.live
        return live

    async def assert_settled(self, spec: Spec, **more: Any) -> Live | None:
        case = await self.look(spec, **more)
        steps = steps_of(case)
        assert steps.changes == ()
        assert errors(steps) == []
        if case.match.live is not None:
            self._assert_as_declared(case.match.resource, case.match.live)
        return case.match.live

    async def _carry_out(self, change: Change, resource: Resource) -> None:
        """One step. What it returns is as declared, before any second look."""
        if change.action is Action.CREATE:
            self.live = await self.provider.create(self.direct, resource, self.people)
        assert self.live is not None
        if change.action is Action.UPDATE:
            self.live = await self.provider.update(self.direct, self.live, resource, change.fields)
        if change.action is Action.DELETE:
            await self.provider.delete(self.direct, self.live)
        elif change.action in {Action.START, Action.STOP}:
            assert isinstance(self.provider, CanDial)
            act = self.provider.start if change.action is Action.START else self.provider.stop
            self.live = await act(self.direct, self.live)
        elif self.family.table.readable:
            self._assert_as_declared(resource, self.live)

    # ---- people

    @property
    def takes(self) -> TakesContacts:
        assert isinstance(self.provider, TakesContacts)
        return self.provider

    async def filled(self, people: Sequence[Contact]) -> str:
        """The least campaign with these people, however they get into it; the container that they are in."""
        self.people = people
        await self.settle(self.family.base)
        if self.family.table.contacts.inside_create:
            return self.id
        container = await self.opened()
        await self.takes.add(self.direct, self.seen, self.declared(self.applied), container, people)
        return container

    async def opened(self) -> str:
        return await self.takes.open(self.direct, self.seen, self.declared(self.applied), SET)

    async def read(self, container: str) -> list[LiveContact]:
        """Everybody in it, by reads alone."""
        since = len(self.here.simulator.log)
        rows = self.takes.read_contacts(self.direct.account, self.seen, container)
        found = [row async for row in rows]
        assert self.sent(since) == []
        return found

    def held(self) -> dict[str, Fields]:
        """Number -> fields, of everybody the vendor holds in the campaign. Nobody is there twice."""
        found = [*self.family.held(self.vendor.snapshot(), self.id)]
        assert len({number for number, _ in found}) == len(found)
        return dict(found)

    @property
    def seen(self) -> Live:
        assert self.live is not None
        return self.live

    def _assert_as_declared(self, resource: Resource, live: Live) -> None:
        """Every declared field that can be read is read as declared."""
        rules = self.family.table.fields
        for path in diff.leaves(resource.spec):
            rule = rule_for(rules, path)
            assert rule is not None, f"{path} is in no table"
            if rule.readable and diff.at(resource.spec, path) != {}:  # an empty mapping says nothing
                assert diff.at(live.spec, path) == diff.at(resource.spec, path), path


def errors(steps: Steps) -> list[str]:
    return [finding.message for finding in steps.findings if finding.severity is Severity.ERROR]


@asynccontextmanager
async def site(
    here: Running, family: Family, transport: httpx.AsyncBaseTransport | None = None, **limits: int
) -> AsyncIterator[Site]:
    """A freshly seeded vendor, set as the family needs it, and an account there. `transport`: another way there than the account's."""
    here.simulator.reset()
    here.world.switches[family.vendor] = dict(family.switches)
    async with writer(family.vendor, here.base_url(family.vendor), transport, **limits) as direct:
        made = Site(family, here, provider(connection(family.vendor, **limits)), direct)
        made.vendor_id = family.panel(made.vendor)
        yield made
