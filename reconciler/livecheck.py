"""`plan --contacts`: whether the vendors still hold whom we sent, by their counts or by reading everybody. Changes nothing.

A contact that was called or closed is there. Nobody who is missing is sent again: that is said, and left to a person.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from reconciler.errors import ReadIncomplete, VendorError
from reconciler.ledger.base import LedgerReader
from reconciler.matching import Match
from reconciler.model import Finding, Key, Live
from reconciler.providers.base import TakesContacts, capabilities_for
from reconciler.steps import note, warning
from reconciler.units import people
from reconciler.world import Planned, Site

if TYPE_CHECKING:
    from reconciler.contacts import Fingerprints

How = Literal["counts", "full"]


async def with_live_check(planned: Planned, ledger: LedgerReader, fingerprints: Fingerprints, how: How) -> Planned:
    """The plan with what a look at its people found. Raises ReadIncomplete where they cannot be read or counted."""
    found: list[Finding] = []
    for match in planned.world.matches.values():
        site = planned.world.sites[match.resource.key.connection]
        rules = capabilities_for(site.provider, match.resource).contacts
        if match.live is None or match.binding is None or not rules.read:
            continue
        try:
            found += await _findings(planned, match, site, ledger, fingerprints, how)
        except VendorError as error:
            raise ReadIncomplete(f"{match.resource.key}: its people could not be read: {error}") from error
    return replace(planned, plan=replace(planned.plan, findings=(*planned.plan.findings, *found)))


async def _findings(
    planned: Planned, match: Match, site: Site, ledger: LedgerReader, fingerprints: Fingerprints, how: How
) -> list[Finding]:
    from reconciler.contacts.inventory import compare, expected

    assert match.live is not None and match.binding is not None and isinstance(site.provider, TakesContacts)
    containers = _containers(match.resource.key, match.live, planned.world.containers)
    sent = ledger.sent(match.binding.identity)
    if how == "counts":
        counts = [await site.provider.count_contacts(site.account, match.live, one) for one in containers]
        said = sum(count for count in counts if count is not None)
        return _of_counts(match, expected(sent), said) if None not in counts else []
    live = bytearray()
    for container in containers:
        async for contact in site.provider.read_contacts(site.account, match.live, container):
            live += fingerprints.person(contact.phone.reveal())
    seen = compare(sent, live)
    return _of_people(match, seen.expected, seen.missing, seen.extra, seen.twice)


def _containers(key: Key, live: Live, bound: Mapping[Key, str]) -> list[str]:
    """Where the people of a campaign are: its lists, or the campaign itself."""
    return sorted({vendor_id for contacts, vendor_id in bound.items() if contacts.campaign == key}) or [live.vendor_id]


def _of_counts(match: Match, expected: int, said: int) -> list[Finding]:
    resource = match.resource
    if said == expected:
        return [note("contacts-count", resource, f"{resource.vendor} counts {people(said)}, as many as were sent.")]
    message = f"{resource.vendor} counts {people(said)}; {people(expected)} were sent and not withdrawn."
    return [warning("contacts-count", resource, message, "To see whom that is about: reconciler plan --contacts full")]


def _of_people(match: Match, expected: int, missing: int, extra: int, twice: int) -> list[Finding]:
    resource, vendor = match.resource, match.resource.vendor
    found = []
    if missing:
        message = (
            f"Gone from {vendor}: {people(missing)} of the {expected:,} who were sent. Nobody of them is sent again."
        )
        found.append(
            warning("contacts-missing", resource, message, "Ask who removed them; the log of the panel may say.")
        )
    if extra:
        message = f"There, and never sent from here: {people(extra)}."
        found.append(
            warning("contacts-extra", resource, message, "Somebody added them in the panel, and they may be called.")
        )
    if twice:
        message = f"There more than once: {people(twice)}. Each entry may be called."
        found.append(warning("contacts-twice", resource, message, f"Remove the second ones in {vendor}'s panel."))
    return found or [
        note("contacts-complete", resource, f"{vendor} holds exactly the {people(expected)} who were sent.")
    ]
