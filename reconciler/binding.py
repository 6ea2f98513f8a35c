"""Which live object a declaration means: adopted, let go, renamed. Writes the ledger alone."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace

from reconciler import selection
from reconciler.errors import Blocked, Misuse
from reconciler.ledger import open_reader
from reconciler.ledger.base import Ledger, LedgerReader
from reconciler.model import Binding, Key, LetGo, Live
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
                raise Blocked(
                    f"{other} is bound to {binding.vendor_id}. To let go of it: reconciler state rm {other} --reason TEXT"
                )
        seen = await observe(sites, setup.repository.campaigns, {key: Binding(key, "", vendor_id, {})})
        (resource,) = setup.repository.campaigns
        live = _found(seen[key.connection].live, key, vendor_id, resource.name)
        await _bind(run, key, vendor_id)
    return foreign(live.name)


def _found(seen: tuple[Live, ...], key: Key, vendor_id: str, name: str) -> Live:
    """Raises Misuse with what may have been meant: what has that name, then what is called as the declaration is, then the rest."""
    for live in seen:
        if live.vendor_id == vendor_id:
            return live
    named = [live for live in seen if live.name == vendor_id]
    if named:
        have = (
            f"1 campaign at {key.connection} has"
            if len(named) == 1
            else f"{len(named)} campaigns at {key.connection} have"
        )
        raise Misuse(
            f'"{foreign(vendor_id)}" is a name, which {have}: {_candidates(named)}. Name the id of the one you mean.'
        )
    some = sorted(seen, key=lambda live: live.name != name)
    raise Misuse(f"{key.connection} has no campaign with the id {vendor_id}. There are: {_candidates(some) or 'none'}.")


def _candidates(found: Sequence[Live]) -> str:
    told = [
        f'{inert(live.vendor_id)} ("{foreign(live.name)}"{f", {live.run}" if live.run else ""})' for live in found[:5]
    ]
    return ", ".join([*told, *([f"and {len(found) - 5} more"] if len(found) > 5 else [])])


async def _bind(run: Run, key: Key, vendor_id: str) -> None:
    def bind(ledger: Ledger) -> None:
        identity = ledger.identity(run.lease, key)
        ledger.bind(run.lease, Binding(key, identity, vendor_id, {}), "adopted")

    await run.journal.run(bind)


# ---- letting go and renaming ---------------------------------------------------------------------------------------


async def let_go(setup: Setup, key: Key, reason: str) -> LetGo:
    """Forget which live object the campaign `key` is; the vendor is not asked.

    Whom it reached stays known under the key, so that nobody of them is called by what is created or adopted as it later. Raises Misuse
    where it is not bound, Blocked while something of it is in doubt.
    """
    _check_bound(setup, key)
    async with leased(setup, Options()) as (run, ledger):
        for request in ledger.open_requests():
            if request.key.campaign == key:
                raise Blocked(
                    f"{key}: what became of {request.id} ({request.verb.replace('_', ' ')}) is not known yet. Nothing was changed."
                    f" Settle it first: reconciler resolve {request.id}, or let the next apply do it."
                )
        before = _bound(ledger, key)
        people = sum(1 for _ in ledger.sent(before.identity))
        await run.journal.run(lambda journal: journal.let_go(run.lease, key, reason))
    return LetGo(key, before.vendor_id, people, key in setup.resources())


async def rename(setup: Setup, old: Key, new: Key) -> str:
    """Let the campaign bound as `old` be `new` from now on, declared already or not; returns its vendor id.

    Raises Misuse where `old` is not bound or the two are of different connections, LedgerError where `new` is taken.
    """
    if old.connection != new.connection:
        raise Misuse(f"{new} is of another connection: a campaign cannot move from one account to another.")
    _check_bound(setup, old)
    async with leased(setup, Options()) as (run, ledger):
        vendor_id = _bound(ledger, old).vendor_id
        await run.journal.run(lambda journal: journal.move(run.lease, old, new))
    return vendor_id


def _check_bound(setup: Setup, key: Key) -> None:
    """Before the lease: a typing error makes no ledger and no run."""
    with closing(open_reader(setup.repository.project.state, str(setup.root), setup.environ, setup.clock)) as ledger:
        _bound(ledger, key)


def _bound(ledger: LedgerReader, key: Key) -> Binding:
    binding = ledger.bindings().get(key)
    if binding is None or not binding.vendor_id:
        raise Misuse(f"{key} is not bound. See: reconciler state list")
    return binding
