"""Requests whose outcome is unknown -> verdicts with evidence: by repeating, by reading, or by a person. Sends nothing.

protocol.md, "Settling per vendor" and "Lease and settle horizon".
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.errors import ReadIncomplete, VendorError
from reconciler.ledger.base import LedgerReader, Op, OpenRequest, OpState, RequestState, Result, Verdict
from reconciler.model import Action, Binding, Connection, Key, Live, Person, Resource
from reconciler.providers.base import TakesContacts, capabilities_for
from reconciler.world import Site
from reconciler.writer import SEND_WINDOW, Run

Found = Mapping[Person, Sequence[str]]  # everybody in a container -> the vendor ids they were found under


def horizon(connection: Connection) -> float:
    """Seconds from a claim until its request, if it was lost, can no longer be executed."""
    return SEND_WINDOW + 2 * connection.limits.timeout + connection.settle.late_max


@dataclass(frozen=True, slots=True)
class Settler:
    """One attempt at all open requests. `resources`: what is declared, for how a campaign is to be read.

    `patience`: the moment (monotonic) until which it may wait for a horizon to pass; 0: it does not wait.
    """

    run: Run
    sites: Mapping[str, Site]
    ledger: LedgerReader
    resources: Mapping[Key, Resource]
    patience: float = 0.0
    found: dict[Key, int] = field(default_factory=dict)  # contact set -> how many of its people a read showed

    async def settle(self) -> int:
        """Decide what can be decided by now; returns how many requests stay open."""
        for request in self.ledger.open_requests():
            if request.key.connection not in self.sites:
                continue  # a selection left its account out: a run that can look decides
            if request.repeatable:
                await self._close(request)
            elif request.people and self._readable(request):
                await self._read(request)
            elif request.state is not OpState.HELD:
                await self._hold(request)
        return len(self.ledger.open_requests())

    # ---- by repeating ----------------------------------------------------------------------------------------------

    async def _close(self, request: OpenRequest) -> None:
        """A change by id: the plan that follows reads what is live and does it again where it is still needed.

        People whom the vendor de-duplicates go back to PLANNED: sent again they end as confirmed or already there, once. But first they
        are looked for: who is there is confirmed, and who was to be withdrawn and is not there is withdrawn, since nothing repeats
        either for somebody who is wanted no more, or is wanted again.
        """
        ops = [op for op, _ in self.ledger.open_ops(request.id)]
        look = {Action.ADD_CONTACTS: self._present, Action.WITHDRAW_CONTACTS: self._still_there}.get(
            Action(request.verb)
        )
        if look and request.people and self._readable(request):
            try:
                ops = await look(request, ops)
            except (VendorError, ReadIncomplete):
                return
        results = [Result(op.op_key, OpState.ABANDONED if op.person is None else OpState.PLANNED) for op in ops]
        if results:
            await self._decide(request, results, "repeatable: the next plan reads and repeats")

    async def _still_there(self, request: OpenRequest, ops: Sequence[Op]) -> list[Op]:
        """Read once, record whom the read does not show as withdrawn, return the rest."""
        found = await self._everybody(request)
        gone = [Result(op.op_key, OpState.CONFIRMED) for op in ops if op.person and not found.get(op.person)]
        if gone:
            await self._decide(request, gone, "absent in a complete read")
        return [op for op in ops if op.person and found.get(op.person)]

    # ---- by a person -----------------------------------------------------------------------------------------------

    async def _hold(self, request: OpenRequest) -> None:
        results = [Result(op.op_key, OpState.HELD) for op, _ in self.ledger.open_ops(request.id)]
        await self._decide(request, results, "cannot be read at this vendor: a person decides")

    # ---- by reading ------------------------------------------------------------------------------------------------

    def _readable(self, request: OpenRequest) -> bool:
        site, resource = self.sites.get(request.key.connection), self.resources.get(request.key.campaign)
        if site is None or resource is None or not isinstance(site.provider, TakesContacts):
            return False
        return capabilities_for(site.provider, resource).contacts.read

    async def _read(self, request: OpenRequest) -> None:
        """Found once: confirmed; twice: an alarm; absent in two complete reads after the horizon: it was never executed."""
        site = self.sites[request.key.connection]
        ops = [op for op, _ in self.ledger.open_ops(request.id)]
        try:
            absent = await self._present(request, ops)
            if not absent or not await self._horizon_passed(request, site.account.connection):
                return
            first = {op.op_key for op in await self._present(request, absent)}
            if not await self._waited(site.account.connection.settle.interval):
                return
            again = [op for op in await self._present(request, absent) if op.op_key in first]
        except (VendorError, ReadIncomplete):
            return  # what cannot be read now stays in doubt
        results = [Result(op.op_key, OpState.PLANNED) for op in again]
        if results:
            await self._decide(request, results, "absent in two complete reads after the settle horizon")

    async def _present(self, request: OpenRequest, ops: Sequence[Op]) -> list[Op]:
        """Read once, settle whom the read shows, return the rest."""
        found = await self._everybody(request)
        results, absent = [], []
        for op in ops:
            ids = found.get(op.person, ()) if op.person else ()
            if not ids:
                absent.append(op)
            else:
                state = OpState.CONFIRMED if len(ids) == 1 else OpState.DUPLICATED
                results.append(Result(op.op_key, state, ids[0]))
        if results:
            self.found[request.key] = self.found.get(request.key, 0) + len(results)
            await self._decide(request, results, "found by a complete read")
        return absent

    async def _everybody(self, request: OpenRequest) -> Found:
        site = self.sites[request.key.connection]
        provider = site.provider
        assert isinstance(provider, TakesContacts), "asked of readable vendors only"
        bindings = self.ledger.bindings()
        campaign = await self._campaign(request, bindings)
        if campaign is None:
            return {}
        bound = bindings.get(request.key)
        if bound is None and capabilities_for(provider, self.resources[request.key.campaign]).contacts.container:
            raise ReadIncomplete(f"{request.key}: where its people are is not known.")
        container = bound.vendor_id if bound else campaign.vendor_id
        found: dict[Person, list[str]] = {}
        async for contact in provider.read_contacts(site.account, campaign, container):
            person = self.run.fingerprints.person(contact.phone.reveal())
            found.setdefault(person, []).append(contact.vendor_id)
        return found

    async def _campaign(self, request: OpenRequest, bindings: Mapping[Key, Binding]) -> Live | None:
        """The campaign as it is live; None where it is gone, and everybody in it with it."""
        site, resource = self.sites[request.key.connection], self.resources[request.key.campaign]
        bound = bindings.get(request.key.campaign)
        vendor_id = resource.vendor_id or (bound.vendor_id if bound else None)
        return await site.find(resource, vendor_id) if vendor_id else None

    async def _horizon_passed(self, request: OpenRequest, connection: Connection) -> bool:
        """Whether a request that was lost can no longer be executed; waits for that as long as patience lasts."""
        missing = horizon(connection) - self.ledger.age(request)
        if missing > 0:
            if self.run.clock.monotonic() + missing > self.patience:
                return False
            return await self._waited(missing)
        return True

    async def _waited(self, seconds: float) -> bool:
        """Let time pass; False where the run was asked to stop meanwhile."""
        sleeping = asyncio.ensure_future(self.run.clock.sleep(seconds))
        stopping = asyncio.ensure_future(self.run.stopping.wait())
        await asyncio.wait({sleeping, stopping}, return_when=asyncio.FIRST_COMPLETED)
        sleeping.cancel()
        stopping.cancel()
        return not self.run.stopping.is_set()

    async def _decide(self, request: OpenRequest, results: Sequence[Result], evidence: str) -> None:
        verdict = Verdict(RequestState.SETTLED, results, None, evidence)
        await self.run.journal.run(lambda ledger: ledger.outcome(self.run.lease, request.id, verdict))
