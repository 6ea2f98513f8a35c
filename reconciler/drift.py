"""Live against last applied: what somebody else changed, whatever the declarations say by now. Reads only, takes no lease."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from reconciler import diff, removals, risk
from reconciler.assembly import doubts_of, identify, masked
from reconciler.keeping import PROTECTED, SINCE, SWITCHED, check_project
from reconciler.ledger.base import LedgerReader
from reconciler.ledger.closing import check_open
from reconciler.livecheck import How, PeopleLook, drift_of, findings_of, look_at_people
from reconciler.matching import Match
from reconciler.model import (
    WEEKDAYS,
    Binding,
    Capabilities,
    Drift,
    DriftClass,
    FieldChange,
    FieldDrift,
    Key,
    Live,
    ObjectDrift,
    Path,
    Resource,
    Running,
    RunState,
    Source,
    Spec,
    Unmanaged,
    Unverified,
)
from reconciler.observe import observe, people_of
from reconciler.planfile import stamp
from reconciler.providers.base import Observation, capabilities_for
from reconciler.redact import foreign
from reconciler.setup import Setup
from reconciler.world import Site, World

_NOT_TOLD = (
    "Nothing is told of drift, since what cannot be seen must not count as unchanged. To look at the rest: --exclude"
)
_SPEED = (RunState.STOPPED, RunState.PAUSED, RunState.RUNNING)  # a paused campaign runs again by itself
_NOWHERE = Source("", 0)


@dataclass(frozen=True, slots=True)
class Bound:
    """One bound campaign beside what is live. `applied`: as we left it, whatever is declared now; `declared`: None where nothing is."""

    applied: Resource
    binding: Binding
    rules: Capabilities
    live: Live | None
    declared: Resource | None
    since: str  # a date
    run: str = ""  # the run state that we brought it to last, empty where none was declared
    people: bool = False  # whether anybody was ever sent


@dataclass(frozen=True, slots=True)
class Seen:
    """`drift` for people; the rest is what it was made from, for taking it into the declarations."""

    drift: Drift
    bound: Mapping[Key, Bound] = field(repr=False)
    observed: Mapping[str, Observation] = field(repr=False)


async def look(setup: Setup, sites: Mapping[str, Site], ledger: LedgerReader) -> Seen:
    """What drifted, people apart. Raises ReadIncomplete where an account cannot be read to its end, NotThisLedger as plan does."""
    check_open(ledger)
    check_project(ledger, setup.repository.project.name)
    declared = setup.resources()
    bindings = {key: one for key, one in ledger.bindings().items() if key.kind == "campaign" and one.vendor_id}
    if setup.partial:
        bindings = {key: one for key, one in bindings.items() if key in declared}
    wanted = [
        _as_applied(setup, binding, declared.get(key)) for key, binding in bindings.items() if key.connection in sites
    ]
    observed = removals.noted(await observe(sites, wanted, {}, _NOT_TOLD), ledger)
    times, runs = ledger.remembered(SINCE), ledger.remembered(SWITCHED)
    there = {(name, live.vendor_id): live for name, seen in observed.items() for live in seen.live}
    bound: dict[Key, Bound] = {}
    for one in wanted:
        binding, now = bindings[one.key], declared.get(one.key)
        bound[one.key] = Bound(
            one,
            binding,
            capabilities_for(sites[one.key.connection].provider, one),
            there.get((one.key.connection, binding.vendor_id)),
            now if now and now.absent is None else None,
            (times.get(binding.identity, b"").decode() or binding.bound_at)[:10],
            runs.get(binding.identity, b"").decode(),
            next(ledger.sent(binding.identity), None) is not None,
        )
    unread = [one for key, one in bindings.items() if key not in bound]
    return Seen(_told(setup, ledger, bound, observed, unread), bound, observed)


async def with_people(seen: Seen, setup: Setup, sites: Mapping[str, Site], ledger: LedgerReader, how: How) -> Seen:
    """The same with whom the vendors hold beside whom we sent. Raises WrongContactKey, ReadIncomplete, and ConfigInvalid where a source
    that is needed to tell fields from one another cannot be read.
    """
    fingerprints = identify(setup, ledger)
    bindings, protected = ledger.bindings(), ledger.remembered(PROTECTED)
    matches = {key: Match(one.declared or one.applied, one.live, one.binding) for key, one in seen.bound.items()}
    people = {
        key: people_of(setup, setup.repository, match, sites[key.connection], ledger, fingerprints, protected)
        for key, match in matches.items()
        if how == "full" and match.resource.contacts
    }
    containers = {key: one.vendor_id for key, one in bindings.items() if key.kind == "contacts"}
    world = World(setup.repository, sites, matches, people, containers, ())
    looks = await look_at_people(world, ledger, fingerprints, how)
    unsure = (one for look in looks for one in _unsure(look, seen.bound[look.key].since))
    drift = replace(seen.drift, contacts=drift_of(looks), unverified=(*seen.drift.unverified, *unsure))
    return replace(seen, drift=drift)


def _unsure(look: PeopleLook, since: str) -> Iterator[Unverified]:
    for finding in findings_of(look):
        if finding.code in {"contacts-unread", "contacts-uncompared"}:
            yield Unverified(look.key, ("people",), since, finding.message)


def _as_applied(setup: Setup, binding: Binding, declared: Resource | None) -> Resource:
    vendor = setup.repository.connections[binding.key.connection].vendor
    source = declared.source if declared else _NOWHERE
    return Resource(binding.key, vendor, binding.last_applied, source, vendor_id=binding.vendor_id)


def _told(
    setup: Setup,
    ledger: LedgerReader,
    bound: Mapping[Key, Bound],
    observed: Mapping[str, Observation],
    unread: Iterable[Binding],
) -> Drift:
    objects = (_object(one) for _, one in sorted(bound.items()))
    unverified = [told for _, one in sorted(bound.items()) if (told := _unverified(one))]
    unverified += [_unreachable(binding) for binding in unread]
    unmanaged = () if setup.partial else tuple(_unmanaged(setup, bound, observed))
    return Drift(
        setup.repository.project.name,
        ledger.lineage,
        ledger.serial,
        len(bound),
        objects=tuple(one for one in objects if one),
        unmanaged=unmanaged,
        running=(*_running(bound), *_strangers(bound, unmanaged)),
        unverified=tuple(unverified),
        in_doubt=doubts_of(ledger),
        select=setup.select,
        exclude=setup.exclude,
    )


# ---- one campaign --------------------------------------------------------------------------------------------------


def _object(bound: Bound) -> ObjectDrift | None:
    """What of one campaign is not as we left it; None where all that can be read is."""
    live = bound.live
    if not bound.rules.readable or not bound.binding.last_applied:
        return None
    gone = live is None or bool(live.note)
    fields = tuple(_shown(one) for one in _fields(bound, live)) if live else ()
    if not fields and not gone:
        return None
    kind = risk.worst([DriftClass.RESTRICTING] * gone + [one.kind for one in fields])
    vendor, vendor_id = bound.applied.vendor, bound.binding.vendor_id
    source = str(bound.declared.source) if bound.declared else ""
    schedule = live.spec.get("schedule") if live else None
    zone = str(schedule.get("timezone", "")) if isinstance(schedule, dict) else ""
    return ObjectDrift(bound.applied.key, vendor, vendor_id, fields, kind, source, _changed_at(live), gone, zone)


def _fields(bound: Bound, live: Live) -> Iterator[FieldDrift]:
    rules = bound.rules.fields
    for change in changed_fields(bound, live):
        yield FieldDrift(change.path, change.before, change.after, risk.class_of(change, rules))
    if bound.run and live.run and bound.run != live.run.value:
        faster = _SPEED.index(live.run) > _SPEED.index(RunState(bound.run))
        kind = DriftClass.WIDENING if faster else DriftClass.RESTRICTING
        yield FieldDrift(("activation",), bound.run, live.run.value, kind)


def changed_fields(bound: Bound, live: Live) -> Iterator[FieldChange]:
    """Fields that we applied, that can be read, and that read differently now: `before` is applied, `after` live."""
    hidden = set(_hidden(bound, live))
    readable = {name: value for name, value in _managed(bound).items() if name in live.spec}
    for change in sorted(diff.changes(readable, live.spec), key=_by_day):
        if not any(change.path[: len(path)] == path for path in hidden):
            yield FieldChange(change.path, change.after, change.before)


def _by_day(change: FieldChange) -> int:
    """The ledger sorts names; days have an order of their own."""
    return WEEKDAYS.index(change.path[-1]) if change.path[-1] in WEEKDAYS else -1


def _managed(bound: Bound) -> Spec:
    left = bound.declared.lifecycle.unmanaged if bound.declared else frozenset()
    return {name: value for name, value in bound.binding.last_applied.items() if name not in left}


def _hidden(bound: Bound, live: Live) -> Iterator[Path]:
    """What we applied and nobody can read back, by its table or because this answer does not hold it."""
    for path in diff.leaves(_managed(bound)):
        rule = risk.rule_for(bound.rules.fields, path)
        if (rule is not None and not rule.readable) or path[0] not in live.spec:
            yield path


def _shown(one: FieldDrift) -> FieldDrift:
    return replace(one, before=masked(one.before), after=masked(one.after))


def _changed_at(live: Live | None) -> str:
    """In UTC; empty where the vendor tells none, or something that is no time."""
    try:
        moment = datetime.fromisoformat(live.changed_at) if live else None
    except ValueError:
        return ""
    return stamp(moment.astimezone(UTC)) if moment and moment.tzinfo else ""


# ---- what nobody can say -------------------------------------------------------------------------------------------


def _unverified(bound: Bound) -> Unverified | None:
    key, vendor, rules = bound.applied.key, bound.applied.vendor, bound.rules
    if not rules.readable:
        why = f"{vendor} has no documented call that shows it"
        return Unverified(key, tuple(_dotted(diff.leaves(_managed(bound)))), bound.since, why)
    if not bound.binding.last_applied:
        return Unverified(key, (), bound.since, "it was bound by hand and nothing was applied to it yet")
    if bound.live is None:
        return None
    fields = _dotted(_hidden(bound, bound.live))
    fields += ["activation"] if bound.run and bound.live.run is None else []
    fields += [rules.contacts.write_only] if bound.people and rules.contacts.write_only else []
    return Unverified(key, tuple(fields), bound.since, f"{vendor} does not show them") if fields else None


def _dotted(paths: Iterable[Path]) -> list[str]:
    return list(dict.fromkeys(".".join(path) for path in paths))


def _unreachable(binding: Binding) -> Unverified:
    why = f"no connection {binding.key.connection} is declared any more"
    return Unverified(binding.key, (), binding.bound_at[:10], why)


# ---- what runs beside what is declared -----------------------------------------------------------------------------


def _unmanaged(setup: Setup, bound: Mapping[Key, Bound], observed: Mapping[str, Observation]) -> Iterator[Unmanaged]:
    named = {(one.key.connection, one.vendor_id) for one in setup.repository.campaigns if one.absent is None}
    owners = {(key.connection, one.binding.vendor_id): one for key, one in bound.items()}
    for connection, seen in sorted(observed.items()):
        for live in sorted(seen.live, key=lambda live: (live.name, live.vendor_id)):
            owner = owners.get((connection, live.vendor_id))
            if (connection, live.vendor_id) in named or (owner and owner.declared):
                continue
            note = f"no longer declared, still bound as {owner.applied.key}" if owner else foreign(live.note)
            run = live.run.value if live.run else ""
            yield Unmanaged(connection, live.vendor_id, foreign(live.name), run, note)


def _running(bound: Mapping[Key, Bound]) -> Iterator[Running]:
    """Campaigns of ours that may dial, against what is declared."""
    for key, one in sorted(bound.items()):
        if one.live is None or one.live.run in {None, RunState.STOPPED}:
            continue
        stopped = one.declared is not None and one.declared.run is RunState.STOPPED
        if stopped or one.declared is None:
            why = "declared stopped" if stopped else "not declared any more"
            yield _running_now(key.connection, one.live.vendor_id, one.live.name, str(one.live.run), str(key), why)


def _strangers(bound: Mapping[Key, Bound], unmanaged: Iterable[Unmanaged]) -> Iterator[Running]:
    ours = {(key.connection, one.binding.vendor_id) for key, one in bound.items()}
    for one in unmanaged:
        if one.run in {RunState.RUNNING, RunState.PAUSED} and (one.connection, one.vendor_id) not in ours:
            yield _running_now(one.connection, one.vendor_id, one.name, one.run, "", "nobody declared it")


def _running_now(connection: str, vendor_id: str, name: str, run: str, key: str, why: str) -> Running:
    paused = "; it is paused, and runs again by itself" if run == RunState.PAUSED else ""
    return Running(connection, vendor_id, foreign(name), run, key, why + paused)
