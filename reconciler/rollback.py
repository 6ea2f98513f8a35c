"""Whether the vendor knows more than the ledger: people of ours in a campaign that the ledger never heard of.

A lost ledger, or an old one in its place, makes everybody look new. Campaigns of ours say so by their mark (matching.py); one that is
made in the panel and named by its id has none, but its people have. Ledgers that know the campaign and are older than its newest people
are not found out: `plan` and `apply` print lineage and serial so that a person can.
"""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace

from reconciler.errors import Blocked, ReadIncomplete, VendorError
from reconciler.ledger.base import LedgerReader
from reconciler.matching import Match
from reconciler.model import Live
from reconciler.providers.base import Reader, TakesContacts, capabilities_for
from reconciler.steps import error
from reconciler.world import Site

MARK = "rc-"  # what every mark of a person begins with (contacts/fingerprint.py)


async def suspected(match: Match, site: Site, ledger: LedgerReader) -> Match:
    """The same, or refused where it is new to the ledger and the first page of its people holds a mark of ours.

    Raises ReadIncomplete where they cannot be read.
    """
    live, rules = match.live, capabilities_for(site.provider, match.resource).contacts
    readable = (
        rules.read and not rules.container
    )  # lists of their own carry a mark and are looked at before they are filled
    if live is None or not (readable and match.resource.contacts and match.resource.absent is None):
        return match
    if _known(match, ledger) or not await _reached(site, live):
        return match
    key = match.resource.key
    message = (
        f"{key.connection} holds people in this campaign ({live.vendor_id}) that carry marks of reconciler, and this ledger knows of none: "
        "it is older than reality, their fingerprints expired here, or another project fills the same campaign."
    )
    remedy = (
        "Bring the newest ledger back: with this one everybody would be called again. If it is lost for good, it can be rebuilt"
        " (docs/ledger.md). "
        "If they expired, or another project put them "
        "there, and calling them again is meant: reconciler adopt "
        f"{key} {live.vendor_id}"
    )
    return replace(match, refused=error("ledger-older", match.resource, message, remedy))


def _known(match: Match, ledger: LedgerReader) -> bool:
    """Bound, or let go of after people were sent."""
    binding = match.binding
    return binding is not None and (bool(binding.vendor_id) or any(True for _ in ledger.sent(binding.identity)))


async def _reached(site: Site, live: Live) -> bool:
    """Whether one of the first people carries a mark."""
    assert isinstance(site.provider, TakesContacts), "a vendor whose people can be read takes some"
    seen = 0
    reading = site.provider.read_contacts(site.account, live, live.vendor_id)
    try:
        async with aclosing(reading) as people:  # type: ignore[type-var]  # every provider's is a generator
            async for contact in people:
                seen += 1
                if contact.identifier.startswith(MARK):
                    return True
                if seen == site.account.connection.limits.page_size:
                    break
    except (VendorError, ReadIncomplete) as failure:
        raise ReadIncomplete(
            f"{site.account.connection.name} could not be read: {str(failure).rstrip('.')}. No plan was made: whether somebody was sent "
            f"to {live.vendor_id} before is not known."
        ) from failure
    return False


async def check_empty(provider: TakesContacts, reader: Reader, campaign: Live, container: str) -> None:
    """Raises Blocked where somebody is in a list that carries our mark and that the ledger knows nothing of."""
    async for _ in provider.read_contacts(reader, campaign, container):
        raise Blocked(
            f"the list {container} carries a mark of reconciler and holds people whom this ledger does not know: it is older than reality, "
            "or their fingerprints expired. Nothing was sent to it. Bring the newest ledger back: with this one they would be called "
            "again. If they expired, and calling them again is meant: remove that list in the vendor's panel first"
        )
