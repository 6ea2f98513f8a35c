"""Somebody says no: suppressed in the ledger at once, withdrawn wherever a vendor can, the rest reported. No pull request, no plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconciler.errors import LeaseLost, ReconcilerError
from reconciler.keeping import keep_refusal
from reconciler.ledger.base import OPEN, LedgerReader, OpState
from reconciler.model import Action, Contact, Key, Live, LiveContact, Person, Phone, Removal, Resource, Sent
from reconciler.providers.base import Leaving, TakesContacts, capabilities_for
from reconciler.runs import Options, leased
from reconciler.settle import Settler
from reconciler.setup import Setup
from reconciler.world import Site
from reconciler.writer import Run, StepWriter, token_of

_NOT_THERE = frozenset({OpState.PLANNED, OpState.REJECTED, OpState.ABANDONED, OpState.WITHDRAWN})


async def refuse(setup: Setup, sites: Mapping[str, Site], e164: str, options: Options) -> tuple[Removal, ...]:
    """Suppress the person with this number for good; then one Removal for each campaign they may be in. One failure stops no other.

    What cannot be withdrawn now is withdrawn by later applies where the vendor can.
    """
    async with leased(setup, options) as (run, ledger):
        return await _refuse(setup, sites, run, ledger, run.fingerprints.person(e164))


async def forget(
    setup: Setup, sites: Mapping[str, Site], e164: str, options: Options
) -> tuple[tuple[Removal, ...], int | None]:
    """As `refuse`; then nothing in the ledger leads to the person any more but the block that keeps them from being called again.

    One Removal for each campaign they were ever sent to, and of how many operations the fingerprints were removed: None where some
    campaign has to be left first.
    """
    async with leased(setup, options) as (run, ledger):
        person = run.fingerprints.person(e164)
        sent_to = [key for key, _, _ in ledger.sent_with(person)]
        removals = await _refuse(setup, sites, run, ledger, person)
        left = {one.key for one in removals}
        removals += tuple(Removal(key, "not there") for key in sent_to if key not in left)
        if any(one.result in {"failed", "in a call"} for one in removals) or _doubtful(ledger, person):
            return removals, None
        return removals, await run.journal.run(lambda journal: journal.forget(run.lease, person))


def _doubtful(ledger: LedgerReader, person: Person) -> bool:
    return any(sent.state in OPEN for _, _, sent in ledger.sent_with(person))


async def _refuse(
    setup: Setup, sites: Mapping[str, Site], run: Run, ledger: LedgerReader, person: Person
) -> tuple[Removal, ...]:
    await run.journal.run(lambda journal: keep_refusal(journal, run.lease, person))
    await Settler(run, sites, ledger, setup.resources()).settle()
    removals = []
    for key, identity, sent in ledger.sent_with(person):
        if sent.state not in _NOT_THERE:
            removals.append(await _one(run, setup.resources().get(key), sites, ledger, key, identity, sent))
    return tuple(removals)


async def _one(
    run: Run,
    campaign: Resource | None,
    sites: Mapping[str, Site],
    ledger: LedgerReader,
    key: Key,
    identity: str,
    sent: Sent,
) -> Removal:
    site = sites.get(key.connection)
    if sent.state in OPEN:
        return Removal(
            key, "cannot", "whether they are there is in doubt; the next apply settles that and withdraws them."
        )
    if campaign is None or site is None:
        return Removal(key, "cannot", "it is not declared here any more; look for them in the vendor's panel.")
    rules = capabilities_for(site.provider, campaign).contacts
    if not rules.withdraw or not isinstance(site.provider, TakesContacts):
        return Removal(key, "cannot", f"{campaign.vendor} has no call to withdraw anybody; close them in its panel.")
    about = (key.contact_set(sent.contacts), identity, Action.WITHDRAW_CONTACTS)
    token = token_of(run.fingerprints, identity, campaign.create_run)
    writer = StepWriter(run, site.account, *about, token, campaign.create_run)
    try:
        return await _withdraw(writer, site.provider, await _place(site, campaign, ledger, key, sent), sent.person)
    except LeaseLost:
        raise
    except ReconcilerError as error:
        return Removal(key, "failed", str(error))


async def _place(site: Site, campaign: Resource, ledger: LedgerReader, key: Key, sent: Sent) -> tuple[Live, str] | None:
    """The campaign as it is live, and the container of the set; None where it is gone."""
    bindings = ledger.bindings()
    bound, container = bindings.get(key), bindings.get(key.contact_set(sent.contacts))
    vendor_id = campaign.vendor_id or (bound.vendor_id if bound else "")
    live = await site.find(campaign, vendor_id) if vendor_id else None
    return (live, container.vendor_id if container else live.vendor_id) if live else None


async def _withdraw(
    writer: StepWriter, provider: TakesContacts, place: tuple[Live, str] | None, person: Person
) -> Removal:
    key = writer.key.campaign
    found = await _look_for(writer, provider, *place, person) if place else []
    with writer.carrying([Contact(person, found[0].phone if found else Phone(""), {})]):
        if not found or place is None:
            await writer.note_absent([person])
            return Removal(key, "not there")
        await provider.withdraw(writer, *place, [Leaving(person, live) for live in found[:1]])
    if writer.later:
        return Removal(key, "in a call", "the vendor withdraws nobody during a call; the next apply does.")
    if len(found) > 1:
        return Removal(key, "failed", f"they were there {len(found)} times, one was withdrawn; look in the panel.")
    return Removal(key, "withdrawn")


async def _look_for(
    writer: StepWriter, provider: TakesContacts, campaign: Live, container: str, person: Person
) -> Sequence[LiveContact]:
    fingerprints = writer.run.fingerprints
    reading = provider.read_contacts(writer, campaign, container)
    return [contact async for contact in reading if fingerprints.person(contact.phone.reveal()) == person]
