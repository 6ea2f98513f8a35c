"""What is left to be seen when a ledger is lost: which live object each campaign is, who is in it, and through which set. Reads only."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from reconciler.contacts.leftovers import STRAYS
from reconciler.errors import ReadIncomplete, VendorError
from reconciler.model import Binding, Json, Key, Live, LiveContact, Person, Resource, Spec, Unmanaged
from reconciler.model.rebuilt import Fate, Rebuilt, Regained
from reconciler.observe import canonical, observe
from reconciler.providers.base import HasContainers, Observation, ShowsFields, TakesContacts, Wanted, capabilities_for
from reconciler.redact import foreign
from reconciler.rollback import MARK
from reconciler.setup import Setup
from reconciler.units import people
from reconciler.world import Site

if TYPE_CHECKING:  # numpy and an engine stand behind them
    from reconciler.contacts import Fingerprints
    from reconciler.contacts.roster import Entry

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")


@dataclass(slots=True)
class Somebody:
    """One person at the vendor, or who may be there (no ids)."""

    entry: Entry
    vendor_ids: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Salvaged:
    """One declared campaign. `containers`: contact set -> where its people are, where the vendor has such a thing. `whole`: the sets of
    which everybody in the source is there. `spec`: what is declared, as it is live.
    """

    resource: Resource
    fate: Fate
    how: str = ""
    vendor_id: str = ""
    spec: Spec = field(default_factory=dict)
    containers: dict[str, str] = field(default_factory=dict)
    people: dict[Person, Somebody] = field(default_factory=dict, repr=False)
    whole: frozenset[str] = frozenset()
    strays: int = 0
    hidden: int = 0

    def told(self) -> Regained:
        return Regained(
            self.resource.key,
            self.fate,
            self.vendor_id,
            self.how,
            dict(sorted(Counter(one.entry.contacts for one in self.people.values()).items())),
            self.strays,
            sum(len(one.vendor_ids) > 1 for one in self.people.values()),
            self.hidden,
            self.resource.rollout_first is not None,
        )


async def look(
    setup: Setup,
    sites: Mapping[str, Site],
    bindings: Mapping[Key, Binding],
    fingerprints: Fingerprints,
    progress: Callable[[str], None],
) -> tuple[list[Salvaged], Rebuilt]:
    """Every declared campaign, whole. `bindings`: what was adopted before.

    Raises ReadIncomplete where an account or somebody's people cannot be read, ConfigInvalid or Blocked where a source cannot.
    """
    seen = await observe(sites, setup.repository.campaigns, bindings, "Nothing was rebuilt. Without it:")
    found = []
    for resource in canonical(setup.repository.campaigns, sites, seen):
        site, observed = sites[resource.key.connection], seen[resource.key.connection]
        one, live = await _located(resource, site, observed, bindings.get(resource.key))
        try:
            await _with_people(setup, site, one, live, fingerprints)
        except (VendorError, ReadIncomplete) as error:
            said = str(error).rstrip(".")
            raise ReadIncomplete(
                f"{resource.key}: its people could not be read: {said}. Nothing was rebuilt."
            ) from error
        progress(f"{resource.key}: {one.fate}, {people(len(one.people))}")
        found.append(one)
    return found, Rebuilt(tuple(one.told() for one in found), tuple(await _strangers(found, sites, seen)))


# ---- which object ----------------------------------------------------------------------------------------------------


async def _located(
    resource: Resource, site: Site, seen: Observation, bound: Binding | None
) -> tuple[Salvaged, Live | None]:
    vendor_id = resource.vendor_id or (bound.vendor_id if bound else "")
    rules = capabilities_for(site.provider, resource)
    if not vendor_id and rules.contacts.inside_create and not rules.readable:
        return Salvaged(resource, "absent" if resource.absent is not None else "held"), None
    if not vendor_id:
        return await _by_mark(resource, site, seen)
    live = next((live for live in seen.live if live.vendor_id == vendor_id), None)
    if live is None:
        return Salvaged(resource, "absent", f"{resource.key.connection} has no campaign {vendor_id}"), None
    return _bound(resource, live, f"by its id {vendor_id}"), live


async def _by_mark(resource: Resource, site: Site, seen: Observation) -> tuple[Salvaged, Live | None]:
    """By the vendor's name for it, or the one it had before, and a mark, whoever's ledger knew it."""
    named = [live for live in seen.live if live.name in {resource.name, resource.moved_from}]
    namesakes = [live if live.complete else await site.find(resource, live.vendor_id) or live for live in named]
    marked = [live for live in namesakes if live.mark]
    if len(marked) == 1:
        return _bound(resource, marked[0], f"by its name and the mark [{marked[0].mark}]"), marked[0]
    if any(live in marked or live.name == resource.name for live in namesakes):
        return Salvaged(resource, "unclear", _choice(resource, namesakes)), None
    return Salvaged(resource, "absent"), None


def _bound(resource: Resource, live: Live, how: str) -> Salvaged:
    return Salvaged(resource, "bound", how, live.vendor_id, _managed(resource, live))


def _choice(resource: Resource, namesakes: Sequence[Live]) -> str:
    ids = " or ".join(foreign(live.vendor_id) for live in namesakes)
    return (
        f'what is called "{foreign(resource.name)}" at {resource.key.connection} ({ids}) carries no mark of reconciler alone. If it is'
        f" this campaign: reconciler adopt {resource.key} VENDOR-ID, then rebuild. Else give yours another displayName"
    )


def _managed(resource: Resource, live: Live) -> dict[str, Json]:
    """The declared fields as they are live; what the vendor does not show is left out, so that a plan sends it again."""
    declared = {name: value for name, value in resource.spec.items() if name not in resource.lifecycle.unmanaged}
    return _cut(declared, live.spec)


def _cut(declared: Spec, live: Spec) -> dict[str, Json]:
    held: dict[str, Json] = {}
    for name, value in declared.items():
        there = live.get(name)
        if isinstance(value, dict) and isinstance(there, dict):
            held[name] = _cut(value, there)
        elif name in live:
            held[name] = there
    return held


async def _strangers(
    found: Sequence[Salvaged], sites: Mapping[str, Site], seen: Mapping[str, Observation]
) -> list[Unmanaged]:
    """Looked for where a campaign that is declared is not there: it may be called something else by now."""
    ours = {(one.resource.key.connection, one.vendor_id) for one in found}
    wanting = {one.resource.key.connection for one in found if one.fate == "absent" and one.resource.absent is None}
    strangers = []
    for connection in sorted(wanting):
        others = [live for live in seen[connection].live if (connection, live.vendor_id) not in ours]
        site = sites[connection]
        again = await site.provider.observe(site.account, [Wanted(live.name, live.vendor_id) for live in others])
        ids = {live.vendor_id for live in others}
        strangers += [
            Unmanaged(
                connection, live.vendor_id, foreign(live.name), live.run.value if live.run else "", f"[{live.mark}]"
            )
            for live in again.live
            if live.mark and live.vendor_id in ids
        ]
    return strangers


# ---- who is in it ----------------------------------------------------------------------------------------------------


async def _with_people(setup: Setup, site: Site, one: Salvaged, live: Live | None, fingerprints: Fingerprints) -> None:
    """Tombstones need nobody: nothing is sent for them any more."""
    resource = one.resource
    if resource.absent is not None or one.fate not in {"bound", "held"}:
        return
    rules = capabilities_for(site.provider, resource).contacts
    entries = _roster(setup, site, resource, fingerprints)
    if not rules.read:
        one.people = {person: Somebody(entry) for person, entry in entries.items()}
        one.how += "; no call shows who was sent"
        one.fate = "held" if one.people or rules.inside_create else one.fate
        return
    assert live is not None and isinstance(site.provider, TakesContacts), "a vendor whose people can be read takes some"
    live = replace(live, spec={**live.spec, **resource.spec})
    names = {name: sorted(setup.repository.contact_sets[name].columns.fields) for name in resource.contacts}
    shown = partial(site.provider.fields_shown, live) if isinstance(site.provider, ShowsFields) else _nothing
    reading = _Reading(one, entries, names, fingerprints, shown)
    for contacts, container in await _containers(site, live, bool(rules.container)):
        if contacts:
            one.containers.setdefault(contacts, container)
        async for contact in site.provider.read_contacts(site.account, live, container):
            reading.see(contact, contacts)
    missing = {entry.contacts for person, entry in entries.items() if person not in one.people}
    one.whole = frozenset(entry.contacts for entry in entries.values()) - missing


def _roster(setup: Setup, site: Site, resource: Resource, fingerprints: Fingerprints) -> dict[Person, Entry]:
    from reconciler.contacts import PeopleRequest
    from reconciler.contacts.roster import roster

    sets, region = [setup.repository.contact_sets[name] for name in resource.contacts], site.account.connection.region
    about = (setup.root, setup.environ, setup.clock.now())
    required = capabilities_for(site.provider, resource).contacts.key_required
    lists = setup.repository.suppressions
    return roster(PeopleRequest(resource.key, sets, lists, (), region, fingerprints, *about, key_required=required))


async def _containers(site: Site, live: Live, apart: bool) -> list[tuple[str, str]]:
    """`apart`: a set has a place of its own. An odd name on a list of ours is nobody's set."""
    if not apart:
        return [("", live.vendor_id)]
    assert isinstance(site.provider, HasContainers), "its rules name a container"
    found = await site.provider.containers(site.account, live)
    return [(name if _NAME.fullmatch(name) else STRAYS, container) for name, container in found]


def _nothing(contact: LiveContact, names: Sequence[str]) -> Mapping[str, str]:
    return {}


@dataclass(slots=True)
class _Reading:
    """One campaign's people as they come. `entries`: who is in the sources; `names`: contact set -> our names of its fields."""

    one: Salvaged
    entries: Mapping[Person, Entry]
    names: Mapping[str, Sequence[str]]
    fingerprints: Fingerprints
    shown: Callable[[LiveContact, Sequence[str]], Mapping[str, str]]

    def see(self, contact: LiveContact, container: str) -> None:
        """`container`: the set whose list it is; empty: nobody says."""
        try:
            person = self.fingerprints.person(contact.phone.reveal())
        except ValueError:  # what somebody typed in a panel need not be a number: it is nobody of ours
            return
        if person not in self.one.people:
            self.one.people[person] = Somebody(self._entry(person, contact, container))
        self.one.people[person].vendor_ids.append(contact.vendor_id)

    def _entry(self, person: Person, contact: LiveContact, container: str) -> Entry:
        from reconciler.contacts.roster import Entry

        entry = self.entries.get(person)
        if entry is None:
            self.one.strays += 1
            return Entry(container or self._set_of(contact), b"", b"")
        fields = self._fields(contact, entry)
        if container and container != entry.contacts:
            return Entry(container, b"", b"")
        return entry._replace(fields_mac=fields)

    def _set_of(self, contact: LiveContact) -> str:
        """Whoever carries our mark was sent from here: where one set is declared it was that one."""
        sets = self.one.resource.contacts
        return sets[0] if contact.identifier.startswith(MARK) and len(sets) == 1 else STRAYS

    def _fields(self, contact: LiveContact, entry: Entry) -> bytes:
        """What they hold, as a fingerprint; what the vendor does not show is taken to be what the source says."""
        names = self.names[entry.contacts]
        if not names:
            return entry.fields_mac
        shown = self.shown(contact, names)
        whole = {name: shown.get(name, "") for name in names}
        held = self.fingerprints.fields_of_person(contact.phone.reveal(), whole)
        if held == entry.fields_mac or len(shown) == len(names):
            return held
        self.one.hidden += 1
        return entry.fields_mac
