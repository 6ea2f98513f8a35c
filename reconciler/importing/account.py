"""Which campaigns of an account an import is about, and what it shows of them. Reads only; writes nothing anywhere."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from reconciler import removals
from reconciler.errors import Misuse, ReadIncomplete, Rejected, VendorError
from reconciler.importing import naming
from reconciler.ledger.base import LedgerReader
from reconciler.matching import Match
from reconciler.model import Binding, Connection, Key, Live, Repository, Resource, Source
from reconciler.model.imports import Left
from reconciler.providers.base import Observation, Provider, Wanted
from reconciler.providers.declarable import CanImport
from reconciler.redact import foreign
from reconciler.rollback import suspected
from reconciler.setup import Setup
from reconciler.world import Site

_WHY_NOT: Mapping[str, str] = {
    "conpeek": "its API lists no campaigns and shows none of their settings: declare each by its id, conpeek: {voice_campaign: ID}",
    "intersvyaz": "its API shows no campaign, and what is declared there is made anew: declare only what is to be made",
}


@dataclass(slots=True)
class Account:
    """One account read. `chosen`: what is to be written down, by the name it gets; `left`: what stays as it is, and why; `declared`: how
    many are declared or bound already.
    """

    chosen: dict[str, Live]
    left: list[Left]
    declared: int
    references: Mapping[str, Mapping[str, str]]


def connection_of(setup: Setup, name: str) -> Connection:
    """Raises Misuse where it is not declared."""
    found = setup.repository.connections.get(name)
    if found is None:
        there = ", ".join(sorted(setup.repository.connections)) or "none"
        raise Misuse(f"There is no connection {name} here. There are: {there}. Declare the account first, then import.")
    return found


def can_import(provider: Provider, connection: Connection) -> CanImport:
    """Raises Misuse where the vendor shows nothing that could be written down."""
    if not isinstance(provider, CanImport):
        raise Misuse(f"{connection.name} cannot be imported: {_WHY_NOT[connection.vendor]}. docs/import.md")
    return provider


def patterns(select: Sequence[str]) -> list[str]:
    """Of `campaign=PATTERN`. Raises Misuse where an expression is another."""
    found = []
    for expression in select:
        name, _, pattern = expression.partition("=")
        if name != "campaign" or not pattern:
            raise Misuse(
                f"{expression!r}: an import takes campaign=PATTERN, with * as a wildcard, of a name as the vendor has it."
            )
        found.append(pattern)
    return found


@dataclass(frozen=True, slots=True)
class Claims:
    """Who has what by now. `taken`: names that no new campaign may have; `known`: of those, the keys under which people are known of
    campaigns that were let go; `begun`: vendor id -> what an earlier import bound and did not come to write.
    """

    repository: Repository
    bindings: Mapping[Key, Binding]
    taken: frozenset[str]
    known: frozenset[Key]
    begun: Mapping[str, Key]


async def read(setup: Setup, site: Site, ledger: LedgerReader, claims: Claims, wanted: Sequence[str]) -> Account:
    """The listing, then each chosen campaign in full. Raises ReadIncomplete, and Misuse where a pattern names nothing."""
    connection = site.account.connection.name
    try:
        listed = {connection: await site.provider.observe(site.account, [])}
        found = _sorted_out(connection, removals.noted(listed, ledger)[connection].live, claims, wanted)
        spec = dict.fromkeys(
            name for name, rule in site.provider.capabilities.fields.items() if rule.readable and "." not in name
        )
        seen = await site.provider.observe(
            site.account, [Wanted(live.name, live.vendor_id, spec) for live in found.chosen.values()]
        )
    except VendorError as failure:
        said = str(failure).rstrip(".")
        raise ReadIncomplete(f"{connection} could not be read: {said}. Nothing was written.") from failure
    return await _complete(found, seen, {key.name for key in claims.begun.values()}, site, ledger)


def _sorted_out(connection: str, listed: Sequence[Live], claims: Claims, wanted: Sequence[str]) -> Account:
    """Names go by the whole listing, so that a part of it gets the names that all of it would have got."""
    account, taken = Account({}, [], 0, {}), set(claims.taken)
    owners = _owners(connection, claims)
    hit: set[str] = set()
    for live in sorted(listed, key=lambda live: live.vendor_id):
        key, begun = owners.get(live.vendor_id), claims.begun.get(live.vendor_id)
        plain = naming.of_campaign(live.name, live.vendor_id)
        name = key.name if key else naming.free(plain, taken)
        taken.add(name)
        meant = [one for one in wanted if fnmatchcase(live.name, one) or fnmatchcase(name, one)]
        hit.update(meant)
        if wanted and not meant:
            continue
        if key and not begun:
            account.declared += 1
        elif not begun and (why := _stays(live, Key(connection, "campaign", plain), claims)):
            account.left.append(Left(live.vendor_id, live.name, why))
        else:
            account.chosen[name] = live
    for one in wanted:
        if one not in hit:
            raise Misuse(f"{connection} has no campaign that campaign={one} names. There are: {_some(listed)}.")
    return account


def _owners(connection: str, claims: Claims) -> dict[str, Key]:
    """Vendor id -> the campaign that is bound to it, or declared by that id."""
    bound = {
        b.vendor_id: key
        for key, b in claims.bindings.items()
        if key.connection == connection and key.kind == "campaign"
    }
    declared = {
        c.vendor_id: c.key for c in claims.repository.campaigns if c.vendor_id and c.key.connection == connection
    }
    return {vendor_id: key for vendor_id, key in {**declared, **bound}.items() if vendor_id}


def _stays(live: Live, plain: Key, claims: Claims) -> str:
    """Why a campaign that nobody declares is not written down, or nothing. `plain`: what it would be called if nobody was so yet."""
    if live.note:
        return live.note
    if live.mark:
        return _marked(live.mark)
    if plain in claims.known:
        return (
            f"whom {plain} reached before it was let go is known: declare it under that name, "
            f"then reconciler adopt {plain} {live.vendor_id}"
        )
    for campaign in claims.repository.campaigns:
        if campaign.key.connection == plain.connection and campaign.name == live.name and not campaign.vendor_id:
            return f"{campaign.key} is declared with its name: if it is the same, reconciler adopt {campaign.key} {live.vendor_id}"
    return ""


def _marked(mark: str) -> str:
    return (
        f"it carries the mark [{mark}] of a create that this ledger does not know: bring the newest ledger back, or leave it to the "
        "project that made it"
    )


def _some(listed: Sequence[Live]) -> str:
    return ", ".join(f'"{foreign(live.name, 60)}"' for live in listed[:5]) or "none"


async def _complete(
    found: Account, seen: Observation, begun: Collection[str], site: Site, ledger: LedgerReader
) -> Account:
    """What was listed, as it reads alone. What only that shows may be a reason to leave it."""
    chosen: dict[str, Live] = {}
    whole = {live.vendor_id: live for live in seen.live}
    for name, listed in found.chosen.items():
        live = whole.get(listed.vendor_id)
        if live is None or not live.complete:
            found.left.append(Left(listed.vendor_id, listed.name, "it went away while it was read: import again"))
        elif name in begun:
            chosen[name] = live
        elif why := _marked(live.mark) if live.mark else await _filled_by_us(name, live, site, ledger):
            found.left.append(Left(live.vendor_id, live.name, why))
        else:
            chosen[name] = live
    return replace(found, chosen=chosen, references=seen.references)


async def _filled_by_us(name: str, live: Live, site: Site, ledger: LedgerReader) -> str:
    """Bound once, nobody would ask again whether people of ours are in it: so it is asked now, where people can be read."""
    key = Key(site.account.connection.name, "campaign", name)
    resource = Resource(key, site.provider.capabilities.vendor, {}, Source("", 0), contacts=("anybody",))
    try:
        refused = (await suspected(Match(resource, live), site, ledger)).refused
    except ReadIncomplete as failure:
        if isinstance(failure.__cause__, Rejected):
            return ""  # it has no such people: which kind of campaign it is, no call tells
        raise
    return refused.message.rstrip(".") if refused else ""
