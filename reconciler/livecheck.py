"""`--contacts`: whether the vendors still hold whom we sent, as we sent them, by their counts or by reading everybody. Changes nothing.

A contact that was called or closed is there. Nobody who is missing is sent again and nothing that was changed is written over: that is
said, and left to a person.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Literal

from reconciler.errors import ReadIncomplete, VendorError
from reconciler.ledger.base import LedgerReader
from reconciler.matching import Match
from reconciler.model import Finding, Key, Live, LiveContact, PeopleDrift, Resource
from reconciler.providers.base import ShowsFields, TakesContacts, capabilities_for
from reconciler.steps import note, warning
from reconciler.units import people
from reconciler.world import Planned, World

if TYPE_CHECKING:
    from reconciler.contacts import Fingerprints
    from reconciler.contacts.inventory import Inventory

How = Literal["counts", "full"]


@dataclass(frozen=True, slots=True)
class PeopleLook:
    """What a look at the people of one bound campaign found. By counts, `missing` and `extra` are what is left of both against each
    other, and no fields are compared. `unseen`: why the vendor does not tell, a sentence; nothing here then says that it holds anybody.
    """

    resource: Resource
    how: How
    found: Inventory
    unseen: str = ""

    @property
    def key(self) -> Key:
        return self.resource.key

    @property
    def moved(self) -> bool:
        found = self.found
        return bool(found.missing or found.extra or found.twice or found.changed)


def drift_of(looks: Sequence[PeopleLook]) -> tuple[PeopleDrift, ...]:
    """The same as drift: every campaign of which anything is known."""
    return tuple(
        PeopleDrift(
            look.key,
            look.how,
            look.found.expected,
            look.found.missing,
            look.found.extra,
            look.found.twice,
            look.found.changed if look.how == "full" else None,
        )
        for look in looks
        if not look.unseen
    )


async def with_live_check(planned: Planned, ledger: LedgerReader, fingerprints: Fingerprints, how: How) -> Planned:
    """The plan with what a look at its people found. Raises ReadIncomplete where they cannot be read or counted."""
    looks = await look_at_people(planned.world, ledger, fingerprints, how)
    found = [finding for look in looks for finding in findings_of(look)]
    return replace(planned, plan=replace(planned.plan, findings=(*planned.plan.findings, *found)))


async def look_at_people(
    world: World, ledger: LedgerReader, fingerprints: Fingerprints, how: How
) -> tuple[PeopleLook, ...]:
    """One look for every campaign that people were sent with, and every other that could be read. Raises ReadIncomplete where one fails,
    ConfigInvalid where a source cannot be read again.
    """
    looks = []
    for match in world.matches.values():
        if match.binding is None:
            continue
        try:
            look = await _look(world, match, ledger, fingerprints, how)
        except VendorError as error:
            raise ReadIncomplete(f"{match.resource.key}: its people could not be read: {error}") from error
        looks += [look] if look else []
    return tuple(looks)


async def _look(
    world: World, match: Match, ledger: LedgerReader, fingerprints: Fingerprints, how: How
) -> PeopleLook | None:
    from reconciler.contacts.inventory import Inventory, expected

    assert match.binding is not None
    resource, sent = match.resource, ledger.sent(match.binding.identity)
    provider = world.sites[resource.key.connection].provider
    if not capabilities_for(provider, resource).contacts.read:
        count = expected(sent)
        why = f"{resource.vendor} cannot show who is in this campaign: whether it holds the {people(count)} who were sent is not known."
        return PeopleLook(resource, how, Inventory(count), why) if count else None
    if match.live is None:
        return None
    assert isinstance(provider, TakesContacts)
    live = replace(match.live, spec={**match.live.spec, **resource.spec})
    if how == "full":
        return PeopleLook(resource, how, await _read(world, live, match, ledger, fingerprints))
    account, count = world.sites[resource.key.connection].account, expected(sent)
    counts = [await provider.count_contacts(account, live, one) for one in _containers(world, resource.key, live)]
    if None in counts:
        why = f"{resource.vendor} does not say how many people a campaign holds; {people(count)} were sent. To read them: --contacts full"
        return PeopleLook(resource, how, Inventory(count), why)
    said = sum(one for one in counts if one is not None)
    return PeopleLook(resource, how, Inventory(count, missing=max(0, count - said), extra=max(0, said - count)))


async def _read(world: World, live: Live, match: Match, ledger: LedgerReader, fingerprints: Fingerprints) -> Inventory:
    from reconciler.contacts.inventory import Look

    resource, site = match.resource, world.sites[match.resource.key.connection]
    assert match.binding is not None and isinstance(site.provider, TakesContacts)
    names = {name: sorted(one.columns.fields) for name, one in world.repository.contact_sets.items()}
    shown = partial(site.provider.fields_shown, live) if isinstance(site.provider, ShowsFields) else _nothing
    look = Look(ledger.sent(match.binding.identity), names, fingerprints, shown)
    for container in _containers(world, resource.key, live):
        async for contact in site.provider.read_contacts(site.account, live, container):
            look.see(contact)
    planned = world.people.get(resource.key)
    return look.result(planned.today if planned else lambda contacts, wanted: iter(()))


def _nothing(contact: LiveContact, names: Sequence[str]) -> Mapping[str, str]:
    return {}


def _containers(world: World, key: Key, live: Live) -> list[str]:
    """Where the people of a campaign are: its lists, or the campaign itself."""
    bound = {vendor_id for contacts, vendor_id in world.containers.items() if contacts.campaign == key}
    return sorted(bound) or [live.vendor_id]


# ---- words ---------------------------------------------------------------------------------------------------------


def findings_of(look: PeopleLook) -> Iterator[Finding]:
    """What was found, what it means for who is called, and what to do."""
    if look.unseen:
        yield note("contacts-unread", look.resource, look.unseen)
    elif look.how == "counts":
        yield _of_counts(look)
    else:
        yield from _of_people(look)


def _of_counts(look: PeopleLook) -> Finding:
    resource, found = look.resource, look.found
    said = people(found.expected - found.missing + found.extra)
    if not look.moved:
        return note("contacts-count", resource, f"{resource.vendor} counts {said}, as many as were sent.")
    message = f"{resource.vendor} counts {said}; {people(found.expected)} were sent and not withdrawn. "
    if found.missing:
        message += f"At least {people(found.missing)} cannot be called any more."
    else:
        message += f"At least {people(found.extra)} may be called whom nobody sent from here."
    remedy = "To see who is gone, extra or changed: reconciler plan --contacts full"
    return warning("contacts-count", resource, message, remedy)


def _of_people(look: PeopleLook) -> Iterator[Finding]:
    resource, found, vendor = look.resource, look.found, look.resource.vendor
    if found.missing:
        message = (
            f"Gone from {vendor}: {people(found.missing)} of the {found.expected:,} who were sent. They are not called any more, and "
            "nobody of them is sent again."
        )
        remedy = "Ask who removed them; the log of the panel may say. Whoever is to be called all the same is put back in the panel."
        yield warning("contacts-missing", resource, message, remedy)
    if found.extra:
        message = f"There, and never sent from here: {people(found.extra)}. They may be called, and no suppression list here protects them."
        remedy = "Ask who added them in the panel; whoever is not to be called is removed there."
        yield warning("contacts-extra", resource, message, remedy)
    if found.twice:
        message = f"There more than once: {people(found.twice)}. Each entry may be called."
        yield warning("contacts-twice", resource, message, f"Remove the second ones in {vendor}'s panel.")
    if found.changed:
        message = (
            f"There with other fields than those sent: {people(found.changed)}. Calls to them use what {vendor} holds."
        )
        remedy = "Ask who changed them. It stays so until their row in the source changes: then all their fields are sent again."
        yield warning("contacts-changed", resource, message, remedy)
    if not look.moved:
        alike = ", with the fields that were sent" if found.alike and not found.uncompared else ""
        text = f"{vendor} holds exactly the {people(found.expected)} who were sent{alike}."
        yield note("contacts-complete", resource, text)
    if found.uncompared:
        yield note("contacts-uncompared", resource, _uncompared(look))


def _uncompared(look: PeopleLook) -> str:
    """Why nobody can say of some whether they are as they were sent."""
    found = look.found
    why = {
        "hidden": f"{look.resource.vendor} does not show {', '.join(found.hidden)}",
        "left": "they are not in the source any more, and hold something else than was sent or was sent under other names",
        "pending": "their row or the declared fields changed since they were sent",
        "unnamed": "the fields of their contact set are not declared any more",
    }
    reasons = "; ".join(f"{count:,} since {why[reason]}" for reason, count in found.uncompared.items())
    return f"The fields of {people(sum(found.uncompared.values()))} cannot be compared with those sent: {reasons}."
