"""The parts of a plan brought together: what the planner is asked, what speaks against its answer, what the plan is bound to."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from reconciler import __version__, guards, planfile, removals, rotation, signoff
from reconciler.contacts import Fingerprints
from reconciler.forge.job import commit_of
from reconciler.keeping import check_project
from reconciler.ledger.base import LedgerReader, OpenRequest, OpState
from reconciler.ledger.closing import check_open
from reconciler.model import Action, Bound, Change, Doubt, Finding, Json, Key, Plan, Severity, SharedPart
from reconciler.providers.base import StartsByItself, capabilities_for
from reconciler.providers.hosts import host_of
from reconciler.redact import foreign, inert, mask
from reconciler.setup import Setup, address
from reconciler.steps import Case
from reconciler.world import World

_KINDS = {"schedule": "Schedule", "recall": "RecallPolicy"}


def identify(setup: Setup, ledger: LedgerReader) -> Fingerprints:
    """The project's fingerprints. Raises NotThisLedger where it is not one for this project to use, WrongContactKey where it goes by
    another key.
    """
    check_open(ledger)
    check_project(ledger, setup.repository.project.name)
    return rotation.fingerprints_of(setup, ledger)


def doubts_of(ledger: LedgerReader) -> tuple[Doubt, ...]:
    """What waits to be settled; what may be repeated does not wait, the next apply closes it."""
    return tuple(_doubt(request) for request in ledger.open_requests() if not request.repeatable)


def _doubt(request: OpenRequest) -> Doubt:
    return Doubt(
        request=request.id,
        key=str(request.key),
        verb=request.verb,
        since=request.claimed_at,
        run=request.run,
        people=request.people,
        state="held" if request.state is OpState.HELD else "in_doubt",
        look_for=f"[{request.token}]" if request.token else "",
        resolve=f"reconciler resolve {request.id} --applied VENDOR-ID --reason TEXT   or   --not-applied",
    )


def cases(world: World, doubts: Sequence[Doubt]) -> list[Case]:
    """One case per declared campaign. What is in doubt about a contact set holds up its whole campaign."""
    blocked: dict[Key, list[Doubt]] = {}
    for doubt in doubts:
        blocked.setdefault(Key.parse(doubt.key).campaign, []).append(doubt)
    opened: dict[Key, set[str]] = {}
    for contacts in world.containers:
        opened.setdefault(contacts.campaign, set()).add(contacts.contacts)
    return [
        Case(
            match,
            capabilities_for(world.sites[key.connection].provider, match.resource),
            world.people[key].deltas if key in world.people else (),
            tuple(blocked.get(key, ())),
            world.people[key].departures if key in world.people else {},
            frozenset(opened.get(key, ())),
            world.called.get(key, 0),
        )
        for key, match in world.matches.items()
    ]


def objections(setup: Setup, world: World, changes: Sequence[Change]) -> tuple[Finding, ...]:
    """Everything beside the planner's own findings: the guards, the sources, starts that come too soon, the declaration's warnings."""
    now = setup.clock.now()
    managed = sum(match.binding is not None for match in world.matches.values())
    limits = guards.Guards(world.repository.project, now.date(), managed)
    found = list(limits.check(changes, list(_moving(world)), list(_releases(world))))
    found += [finding for people in world.people.values() for finding in people.findings]
    found += _plan_only(world, changes)
    found += removals.findings(world.removals)
    found += signoff.announced(world.repository.project, changes)
    for change in changes:
        provider = world.sites[change.key.connection].provider
        if change.action is Action.CREATE and isinstance(provider, StartsByItself):
            resource = world.matches[change.key].resource
            late = guards.too_soon(resource, provider.starts_at(resource), now)
            found += [late] if late else []
    return (*found, *setup.repository.warnings)


def _moving(world: World) -> Iterable[guards.Moving]:
    for key, people in world.people.items():
        declared = world.matches[key].resource.contacts
        for delta in people.deltas:
            name = delta.key.contacts
            wanted = world.repository.contact_sets[name] if name in declared else None
            suppressed = people.departures.get(name, {}).get("suppressed", 0)
            yield guards.Moving(delta, wanted, suppressed, delta.key in world.loaded)


def _releases(world: World) -> Iterable[guards.Release]:
    """Each list once, however many campaigns it protects."""
    seen: dict[str, tuple[int, int]] = {}
    for people in world.people.values():
        for name, counts in people.released.items():
            seen[name] = max(seen.get(name, (0, 0)), counts, key=lambda both: both[1])
    for name, (before, gone) in seen.items():
        yield guards.Release(name, before, gone, str(world.repository.suppressions[name].source))


def _plan_only(world: World, changes: Sequence[Change]) -> Iterable[Finding]:
    for name in sorted({change.key.connection for change in changes}):
        connection = world.repository.connections[name]
        if connection.plan_only:
            message = f"{name} is planOnly: apply refuses a plan that changes something there."
            remedy = f"To apply the rest, plan again with: --exclude connection={name}"
            yield Finding("plan-only", Severity.INFO, message, remedy=remedy, source=str(connection.source))


def _shown(change: Change) -> Change:
    """What the vendor holds is text that anybody may have typed in its panel: no number of it goes into a plan."""
    return replace(change, fields=tuple(replace(field, before=masked(field.before)) for field in change.fields))


def masked(value: Json) -> Json:
    """Text that anybody may have typed in a panel, without the numbers in it."""
    if isinstance(value, dict):
        return {name: masked(item) for name, item in value.items()}
    if isinstance(value, list):
        return [masked(item) for item in value]
    return mask(inert(value)) if isinstance(value, str) else value


def assemble(
    setup: Setup,
    world: World,
    ledger: LedgerReader,
    fingerprints: Fingerprints,
    changes: tuple[Change, ...],
    unchanged: tuple[Key, ...],
    findings: tuple[Finding, ...],
    doubts: tuple[Doubt, ...],
) -> Plan:
    """The plan as a value, without its digest."""
    now = setup.clock.now()
    deltas = tuple(delta for people in world.people.values() for delta in people.deltas)
    lines = (f"{delta.key} {delta.digests.get('source', '')}" for delta in deltas)
    sources = fingerprints.digest(hashlib.sha256(line.encode()).digest() for line in lines)
    hosts = sorted(
        {host_of(address(setup, site.account.connection, site.provider)[0]) for site in world.sites.values()}
    )
    return Plan(
        project=setup.repository.project.name,
        version=__version__,
        created_at=planfile.stamp(now),
        expires_at=planfile.expiry(now),
        digest="",
        bound=Bound(ledger.lineage, ledger.serial, setup.repository.digest, sources, tuple(hosts)),
        changes=tuple(map(_shown, changes)),
        deltas=deltas,
        unchanged=unchanged,
        unmanaged=tuple(replace(item, name=foreign(item.name), note=foreign(item.note)) for item in world.unmanaged),
        findings=findings,
        in_doubt=doubts,
        select=setup.select,
        exclude=setup.exclude,
        commit=_commit(setup.environ),
        shared=_shared(setup.repository.shared, changes),
    )


def _commit(environ: Mapping[str, str]) -> str:
    """What the job was started for; nothing outside of one, where the folder may hold what no commit does."""
    named = environ.get("RECONCILER_COMMIT") or commit_of(environ)
    return named if re.fullmatch(r"[0-9a-f]{7,64}", named) else ""


def _shared(parts: Sequence[SharedPart], changes: Sequence[Change]) -> tuple[SharedPart, ...]:
    """The parts of which something changes at any campaign that was there before; of sets, those that several campaigns name."""
    moved: set[tuple[str, Key]] = set()
    for change in changes:
        if change.action is Action.UPDATE:
            moved |= {(_KINDS[f.path[0]], change.key) for f in change.fields if f.path[0] in _KINDS}
        elif change.key.contacts:
            moved.add((change.key.contacts, change.key.campaign))
    named = (part for part in parts if part.kind != "ContactSet" or len(part.campaigns) > 1)
    return tuple(part for part in named if any((_mark(part), key) in moved for key in part.campaigns))


def _mark(part: SharedPart) -> str:
    """A set by its name, the others by their kind: a campaign has one schedule, and several sets."""
    return part.name if part.kind == "ContactSet" else part.kind
