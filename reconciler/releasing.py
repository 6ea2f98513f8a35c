"""Letting a canary's rest go on, once somebody has looked at how the first calls go. Writes the ledger alone; sends nothing."""

from __future__ import annotations

from reconciler.errors import Blocked, Misuse
from reconciler.keeping import RELEASED
from reconciler.model import Resource
from reconciler.runs import Options, leased
from reconciler.setup import Setup


async def release(setup: Setup, campaign: str) -> Resource:
    """Let everybody of `campaign` (its name, or its key) be planned from now on.

    Raises Misuse where no such campaign is declared or nothing of it is held back, Blocked where nobody was sent yet.
    """
    found = [one for one in setup.repository.campaigns if campaign in {one.key.name, str(one.key)}]
    if len(found) != 1:
        some = ", ".join(str(one.key) for one in found or setup.repository.campaigns)
        raise Misuse(f"{campaign} is {'several campaigns' if found else 'not declared here'}. There are: {some}.")
    (resource,) = found
    if resource.rollout_first is None:
        raise Misuse(f"{resource.key} has no rollout: nobody is held back.")
    async with leased(setup, Options()) as (run, ledger):
        binding = ledger.bindings().get(resource.key)
        if binding is None or next(iter(ledger.sent(binding.identity)), None) is None:
            raise Blocked(
                f"{resource.key}: nobody was sent yet, so there is nothing to look at. Apply the canary first."
            )
        identity = binding.identity
        await run.journal.run(lambda journal: journal.remember(run.lease, RELEASED, identity, b"1"))
    return resource
