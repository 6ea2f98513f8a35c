"""Stop everything, now: every declared campaign that can be stopped, journalled like any other write, no guard asked.

The lease is taken from whoever holds it, so that a run in progress sends nothing more; objects that are declared wrongly elsewhere in
the repository do not stand in the way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import closing

from reconciler.errors import LeaseLost, ReconcilerError
from reconciler.ledger import open_ledger
from reconciler.matching import binding_of
from reconciler.model import Action, Binding, Halted, Key, Live, Resource, RunState
from reconciler.providers.base import CanDial, Wanted
from reconciler.runs import Options, holder_of, leased
from reconciler.setup import Setup
from reconciler.world import Site
from reconciler.writer import Run, StepWriter, token_of


async def halt(setup: Setup, sites: Mapping[str, Site]) -> tuple[Halted, ...]:
    """Stop all campaigns of `setup`, side by side; one failure stops no other."""
    state = setup.repository.project.state
    with closing(open_ledger(state, str(setup.root), setup.environ, setup.clock)) as ledger:
        ledger.unlock(holder_of(setup.environ))
    async with leased(setup, Options()) as (run, reader):
        bindings = reader.bindings()
        return tuple(await asyncio.gather(*(_one(run, sites, bindings, c) for c in setup.repository.campaigns)))


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
        live = await _live(site, campaign, vendor_id)
        if live is None:
            return Halted(key, "not running", "it is not there any more")
        if live.run is RunState.STOPPED:
            return Halted(key, "not running")
        after = await site.provider.stop(await _writer(run, site, campaign), live)
    except LeaseLost:
        raise
    except ReconcilerError as error:
        return Halted(key, "failed", str(error))
    return (
        Halted(key, "stopped")
        if after.run is RunState.STOPPED
        else Halted(key, "failed", "the vendor says it still runs")
    )


async def _live(site: Site, campaign: Resource, vendor_id: str) -> Live | None:
    seen = await site.provider.observe(site.account, [Wanted(campaign.name, vendor_id, campaign.spec)])
    return next((live for live in seen.live if live.vendor_id == vendor_id), None)


async def _writer(run: Run, site: Site, campaign: Resource) -> StepWriter:
    identity = await run.journal.run(lambda ledger: ledger.identity(run.lease, campaign.key))
    token = token_of(run.fingerprints, identity, campaign.create_run)
    return StepWriter(run, site.account, campaign.key, identity, Action.STOP, token, campaign.create_run)
