"""The reads of a plan: every connection to a proven end, declarations brought into the form the vendor echoes, people counted."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler import removals
from reconciler.errors import ConfigInvalid, Problem, ReadIncomplete, VendorError
from reconciler.keeping import LOADED, PROTECTED, RELEASED, SUPPRESSED, loaded_sets, protection, refusals
from reconciler.ledger.base import LedgerReader
from reconciler.matching import Match, binding_of, match
from reconciler.model import Binding, Key, Repository, Resource, Source
from reconciler.providers.base import Observation, UnknownName, Wanted, capabilities_for
from reconciler.rollback import suspected
from reconciler.setup import Setup, opened
from reconciler.world import Site, World
from reconciler.writer import token_of

if TYPE_CHECKING:
    from reconciler.contacts import Fingerprints, People

_NO_PLAN = "No plan was made, since what cannot be seen must not count as absent. To plan the rest: --exclude"


async def look(setup: Setup, sites: Mapping[str, Site], ledger: LedgerReader, fingerprints: Fingerprints) -> World:
    """Everything a plan is made from. Raises ReadIncomplete, or ConfigInvalid where a name means nothing to the vendor."""
    bindings = ledger.bindings()
    campaigns = setup.repository.campaigns
    seen = await observe(sites, campaigns, bindings)
    removed = removals.look(ledger, seen, bindings)
    seen = removals.without(seen, removed)
    repository = replace(setup.repository, campaigns=canonical(campaigns, sites, seen))
    matches = match(
        repository.campaigns,
        {name: observation.live for name, observation in seen.items()},
        bindings,
        {name: site.provider.capabilities.readable for name, site in sites.items()},
        {key: token_of(fingerprints, b.identity, b.run) for key, b in bindings.items() if not b.vendor_id},
        everything=not setup.partial,
    )
    pairs = await asyncio.gather(
        *(suspected(pair, sites[pair.resource.key.connection], ledger) for pair in matches.pairs)
    )
    protected = ledger.remembered(PROTECTED)
    people = {
        pair.resource.key: people_of(
            setup, repository, pair, sites[pair.resource.key.connection], ledger, fingerprints, protected
        )
        for pair in pairs
        if pair.refused is None and pair.resource.absent is None and _concerns_people(pair, ledger)
    }
    return World(
        repository,
        sites,
        {pair.resource.key: pair for pair in pairs},
        people,
        {key: binding.vendor_id for key, binding in bindings.items() if key.kind == "contacts"},
        matches.unmanaged,
        {pair.resource.key: _called(pair, ledger) for pair in pairs if _again(pair)}
        | {pair.resource.key: _there(pair, ledger) for pair in pairs if _ends(pair) or _begins(pair)},
        ledger.remembered(SUPPRESSED),
        loaded_sets(bindings, ledger.remembered(LOADED)),
        protected,
        removed,
    )


def _there(match: Match, ledger: LedgerReader) -> int:
    """How many people were sent with a campaign and not withdrawn."""
    from reconciler.contacts.inventory import expected

    return expected(ledger.sent(match.binding.identity)) if match.binding else 0


def _ends(match: Match) -> bool:
    return match.resource.absent is not None and match.live is not None


def _begins(match: Match) -> bool:
    """Its identity is known, and nothing is bound to it: it was let go of or deleted, or its create has not come to an end."""
    return match.resource.absent is None and match.binding is not None and not match.binding.vendor_id


def _again(match: Match) -> bool:
    return match.binding is not None and match.resource.create_run > match.binding.run


def _called(match: Match, ledger: LedgerReader) -> int:
    """How many people were ever sent with a campaign."""
    return sum(1 for _ in ledger.sent(match.binding.identity)) if match.binding else 0


def _concerns_people(match: Match, ledger: LedgerReader) -> bool:
    """Sets are declared, or were sent once and are declared no more."""
    if match.resource.contacts:
        return True
    return match.binding is not None and next(ledger.sent(match.binding.identity), None) is not None


def people_of(
    setup: Setup,
    repository: Repository,
    match: Match,
    site: Site,
    ledger: LedgerReader,
    fingerprints: Fingerprints,
    protected: Mapping[str, bytes],
) -> People:
    from reconciler.contacts import PeopleRequest, plan_people  # an engine behind it: only where there are people

    resource, binding = match.resource, match.binding
    rules = capabilities_for(site.provider, resource).contacts
    again = rules.inside_create and _again(match)
    return plan_people(
        PeopleRequest(
            key=resource.key,
            sets=[repository.contact_sets[name] for name in resource.contacts],
            suppressions=repository.suppressions,
            sent=ledger.sent(binding.identity) if binding and not again else (),
            region=site.account.connection.region,
            fingerprints=fingerprints,
            root=setup.root,
            environ=setup.environ,
            now=setup.clock.now(),
            accepts=lambda phone: site.provider.wire_phone(phone) is not None,
            withdraws=rules.withdraw,
            key_required=rules.key_required,
            remembered=ledger.remembered(SUPPRESSED),
            refused=refusals(ledger),
            protected=protection(protected, binding.identity, resource.contacts) if binding else {},
            first=None if binding and binding.identity in ledger.remembered(RELEASED) else resource.rollout_first,
        )
    )


async def check_references(setup: Setup) -> None:
    """Ask every vendor in use for what the declarations name. Raises as `look` does; writes nothing."""
    async with opened(setup) as sites:
        campaigns = setup.repository.campaigns
        seen = await observe(sites, campaigns, {})
        canonical(campaigns, sites, seen)
        missing = [
            _problem(
                campaign.source,
                campaign,
                f"{campaign.key.connection} has no campaign with the id {campaign.vendor_id}.",
            )
            for campaign in campaigns
            if campaign.vendor_id
            and campaign.vendor_id not in {live.vendor_id for live in seen[campaign.key.connection].live}
        ]
    if missing:
        raise ConfigInvalid(missing)


async def observe(
    sites: Mapping[str, Site], campaigns: Sequence[Resource], bindings: Mapping[Key, Binding], then: str = _NO_PLAN
) -> dict[str, Observation]:
    """Every account to a proven end. Raises ReadIncomplete; `then`: what that means, up to the `--exclude` that is the way out."""
    wanted: dict[str, list[Wanted]] = {name: [] for name in sites}
    for campaign in campaigns:
        bound = binding_of(campaign, bindings)
        vendor_id = campaign.vendor_id or (bound.vendor_id if bound else None) or None
        wanted[campaign.key.connection].append(Wanted(campaign.name, vendor_id, campaign.spec))
    found = await asyncio.gather(*(_one(name, site, wanted[name], then) for name, site in sites.items()))
    return dict(zip(sites, found, strict=True))


async def _one(name: str, site: Site, wanted: Sequence[Wanted], then: str) -> Observation:
    try:
        return await site.provider.observe(site.account, wanted)
    except (VendorError, ReadIncomplete) as error:
        raise ReadIncomplete(f"{name} could not be read: {str(error).rstrip('.')}. {then} connection={name}") from error


def canonical(
    campaigns: Sequence[Resource], sites: Mapping[str, Site], seen: Mapping[str, Observation]
) -> tuple[Resource, ...]:
    """Declarations as their vendors echo them. Raises ConfigInvalid with every name that means nothing there."""
    made, problems = [], []
    for campaign in campaigns:
        connection = campaign.key.connection
        try:
            made.append(sites[connection].provider.canonical(campaign, seen[connection].references))
        except UnknownName as unknown:
            place = campaign.places.get(unknown.path, campaign.source)
            problems.append(_problem(place, campaign, str(unknown)))
    if problems:
        raise ConfigInvalid(problems)
    return tuple(made)


def _problem(place: Source, campaign: Resource, said: str) -> Problem:
    return Problem(place.file, place.line, place.column, f"Campaign {campaign.key.name}: {said}", "reference")
