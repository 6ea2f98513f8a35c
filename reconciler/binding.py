"""Adopting: a live object becomes the one that a declaration means. Writes the ledger alone."""

from __future__ import annotations

from dataclasses import replace

from reconciler import selection
from reconciler.errors import Blocked, Misuse
from reconciler.ledger.base import Ledger
from reconciler.model import Binding, Key, Live
from reconciler.observe import observe
from reconciler.redact import foreign, inert
from reconciler.runs import Options, leased
from reconciler.setup import Setup, opened
from reconciler.writer import Run


async def adopt(setup: Setup, key: Key, vendor_id: str) -> str:
    """Bind `vendor_id` to the declared campaign `key`; returns the vendor's name for it, made safe to print.

    Raises Misuse where nothing of that key is declared or the vendor has no such object, Blocked where either side is bound already.
    """
    if key not in {campaign.key for campaign in setup.repository.campaigns}:
        raise Misuse(f"{key} is not declared here. Declare it first, then adopt.")
    part = (f"campaign={key.name}",)
    setup = replace(setup, repository=selection.choose(setup.repository, part, ()), select=part)
    async with opened(setup) as sites, leased(setup, Options()) as (run, ledger):
        bindings = ledger.bindings()
        for other, binding in bindings.items():
            if (other == key and binding.vendor_id) or (other.connection, binding.vendor_id) == (
                key.connection,
                vendor_id,
            ):
                raise Blocked(f"{other} is bound to {binding.vendor_id}. To let go of it: reconciler state rm {other}")
        seen = await observe(sites, setup.repository.campaigns, {key: Binding(key, "", vendor_id, {})})
        live = _found(seen[key.connection].live, key, vendor_id)
        await _bind(run, key, vendor_id)
    return foreign(live.name)


def _found(seen: tuple[Live, ...], key: Key, vendor_id: str) -> Live:
    for live in seen:
        if live.vendor_id == vendor_id:
            return live
    some = ", ".join(f'{inert(live.vendor_id)} ("{foreign(live.name)}")' for live in seen[:5])
    raise Misuse(f"{key.connection} has no campaign with the id {vendor_id}. There are: {some or 'none'}.")


async def _bind(run: Run, key: Key, vendor_id: str) -> None:
    def bind(ledger: Ledger) -> None:
        identity = ledger.identity(run.lease, key)
        ledger.bind(run.lease, Binding(key, identity, vendor_id, {}), "adopted")

    await run.journal.run(bind)
