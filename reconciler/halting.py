"""Stop everything, now: every declared campaign that can be stopped, journalled like any other write, no guard asked.

The lease is taken from whoever holds it, so that a run in progress sends nothing more; objects that are declared wrongly elsewhere in
the repository do not stand in the way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from reconciler.errors import LeaseLost, ReconcilerError
from reconciler.keeping import SWITCHED
from reconciler.ledger.base import Ledger
from reconciler.matching import binding_of
from reconciler.model import Action, Binding, Halted, Key, Resource, RunState
from reconciler.providers.base import CanDial
from reconciler.runs import Options, leased
from reconciler.setup import Setup
from reconciler.world import Site
from reconciler.writer import SEND_WINDOW, Run, StepWriter, token_of

_SWITCHING = {Action.START, Action.UPDATE}  # calls that can make a campaign dial


async def halt(setup: Setup, sites: Mapping[str, Site]) -> tuple[Halted, ...]:
    """Stop all campaigns of `setup`, side by side; one failure stops no other.

    What the run that was interrupted had claimed may reach the vendor for as long as its send window lasts, and start a campaign again:
    where there is such a call, its campaign is looked at once more after that.
    """
    async with leased(setup, Options(take_over=True)) as (run, reader):
        bindings = reader.bindings()
        under_way = {request.key for request in reader.open_requests() if request.verb in _SWITCHING}

        async def stop(campaigns: Iterable[Resource]) -> dict[Key, Halted]:
            halted = await asyncio.gather(*(_one(run, sites, bindings, campaign) for campaign in campaigns))
            return {one.key: one for one in halted}

        results = await stop(setup.repository.campaigns)
        if again := [campaign for campaign in setup.repository.campaigns if campaign.key in under_way]:
            await setup.clock.sleep(SEND_WINDOW)
            later = await stop(again)
            results |= {key: one for key, one in later.items() if one.result != "not running"}
        return tuple(results.values())


async def _one(run: Run, sites: Mapping[str, Site], bindings: Mapping[Key, Binding], campaign: Resource) -> Halted:
    key = campaign.key
    site, binding = sites[key.connection], binding_of(campaign, bindings)
    vendor_id = campaign.vendor_id or (binding.vendor_id if binding else "")
    if not isinstance(site.provider, CanDial) or not site.provider.capabilities.dial:
        return Halted(
            key, "cannot", f"{campaign.vendor} has no call to stop a campaign; stop it in the vendor's panel."
        )
    if not vendor_id:
        return Halted(key, "not running", "nothing is bound to it")
    try:
        live = await site.find(campaign, vendor_id)
        if live is None:
            return Halted(key, "not running", "it is not there any more")
        if live.run is RunState.STOPPED:
            return Halted(key, "not running")
        after = await site.provider.stop(await _writer(run, site, campaign), live)
        if after.run is RunState.STOPPED:
            await _remember(run, key)
    except LeaseLost:
        raise
    except ReconcilerError as error:
        return Halted(key, "failed", str(error))
    return (
        Halted(key, "stopped")
        if after.run is RunState.STOPPED
        else Halted(key, "failed", "the vendor says it still runs")
    )


async def _remember(run: Run, key: Key) -> None:
    """It was stopped by us, so that it stands still is no drift."""

    def write(ledger: Ledger) -> None:
        ledger.remember(run.lease, SWITCHED, ledger.identity(run.lease, key), RunState.STOPPED.value.encode())

    await run.journal.run(write)


async def _writer(run: Run, site: Site, campaign: Resource) -> StepWriter:
    identity = await run.journal.run(lambda ledger: ledger.identity(run.lease, campaign.key))
    token = token_of(run.fingerprints, identity, campaign.create_run)
    return StepWriter(run, site.account, campaign.key, identity, Action.STOP, token, campaign.create_run)
