"""What one apply leaves in the ledger for the next ones, beside what it sent: who was suppressed, which sets were sent whole."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from reconciler import planfile, removals
from reconciler.errors import NotThisLedger
from reconciler.ledger.base import Lease, Ledger, LedgerReader
from reconciler.model import Action, Binding, Key, Outcome, Person, Plan
from reconciler.world import Planned, World
from reconciler.writer import Run

SUPPRESSED = "suppressed"  # list/region -> the fingerprints of everybody on it, joined
PROTECTED = "protected"  # identity/set -> the lists that it named, as SUPPRESSED names them, a line each
APPROVED = "approved"  # "newest" -> the run and the plan file that it carries out
LOADED = "loaded"  # identity/set -> "1": everybody of the source was sent once, so that percentages mean something; empty: they expired
RELEASED = "released"  # identity -> "1": somebody looked at the canary, and the rest may follow
REFUSED = "refused"  # "everybody" -> the fingerprints of people who said no, joined
SINCE = "since"  # identity -> when its last_applied was written, RFC 3339
SWITCHED = "switched"  # identity -> the run state that we brought it to last; empty: none is declared any more
PROJECT = "project"  # "name" -> that of the project whose ledger this is
_SWITCHING = (Action.CREATE, Action.START, Action.STOP)
_WIDTH = 16  # bytes of one fingerprint


def check_project(ledger: LedgerReader, name: str) -> None:
    """Raises NotThisLedger where the ledger belongs to another project: each would take the other's campaigns for its own."""
    found = ledger.remembered(PROJECT).get("name", b"").decode()
    if found and found != name:
        raise NotThisLedger(
            f"This ledger belongs to the project {found}, and this is {name}: two projects never share one. Nothing was sent. Let `state`"
            f" in reconciler.yaml name a ledger of its own; if this is the same project under a new name, call it {found} again."
        )


def keep_project(ledger: Ledger, lease: Lease, name: str) -> None:
    """Write on a ledger whose it is; the first one to do so has it. Raises NotThisLedger as `check_project` does."""
    check_project(ledger, name)
    if not ledger.remembered(PROJECT):
        ledger.remember(lease, PROJECT, "name", name.encode())


async def remember_plan(run: Run, plan: Plan) -> None:
    """What was approved, for `apply --resume`: a plan holds nobody's number. Only the newest is kept."""
    value = planfile.canonical({"run": run.lease.holder.run, "plan": planfile.to_json(plan)})
    await run.journal.run(lambda ledger: ledger.remember(run.lease, APPROVED, "newest", value))


def approved_plan(ledger: LedgerReader, run: str) -> Plan | None:
    """The plan that the newest run was approved for; None where there is none, or where `run` names another."""
    value = ledger.remembered(APPROVED).get("newest")
    kept = json.loads(value) if value else {}
    return planfile.from_json(kept["plan"]) if kept and run in {"", kept["run"]} else None


def refusals(ledger: LedgerReader) -> tuple[Person, ...]:
    """Everybody who said no: suppressed in every campaign, whatever the lists in Git say."""
    joined = ledger.remembered(REFUSED).get("everybody", b"")
    return tuple(Person(joined[at : at + _WIDTH]) for at in range(0, len(joined), _WIDTH))


def keep_refusal(ledger: Ledger, lease: Lease, person: Person) -> None:
    """From now on no plan adds this person anywhere."""
    everybody = sorted({*refusals(ledger), person})
    ledger.remember(lease, REFUSED, "everybody", b"".join(everybody))


async def keep(run: Run, planned: Planned, outcomes: Sequence[Outcome]) -> None:
    """Remember what changed since the last apply; nothing where nothing did."""
    world = planned.world
    undone = {outcome.change.key for outcome in outcomes if outcome.status != "confirmed"}
    undone |= {Key.parse(doubt.key) for doubt in planned.plan.in_doubt}
    undone |= {delta.key for delta in planned.plan.deltas if delta.waiting}
    lists = {name: value for name, value in _lists(world).items() if world.suppressed.get(name) != value}
    loaded = [
        key for key in _sets(world) if key not in undone and key.campaign not in undone and key not in world.loaded
    ]
    runs = _run_states(planned, outcomes)
    protected = _protected(world)
    if not lists and not loaded and not runs and not protected and not world.removals.gone:
        return

    def write(ledger: Ledger) -> None:
        removals.forget_gone(ledger, run.lease, world.removals)
        for name, value in lists.items():
            ledger.remember(run.lease, SUPPRESSED, name, value)
        bindings, switched = ledger.bindings(), ledger.remembered(SWITCHED)
        for key, state in runs.items():
            if key in bindings and switched.get(bindings[key].identity, b"") != state:
                ledger.remember(run.lease, SWITCHED, bindings[key].identity, state)
        _protect(ledger, run.lease, protected)
        for key in loaded:
            if key.campaign in bindings:
                ledger.remember(run.lease, LOADED, f"{bindings[key.campaign].identity}/{key.contacts}", b"1")

    await run.journal.run(write)


def _protect(ledger: Ledger, lease: Lease, protected: Mapping[Key, bytes]) -> None:
    bindings = ledger.bindings() if protected else {}
    for key, lists in protected.items():
        if key.campaign in bindings:
            ledger.remember(lease, PROTECTED, f"{bindings[key.campaign].identity}/{key.contacts}", lists)


def _protected(world: World) -> dict[Key, bytes]:
    """The lists that contact sets name, of those that name others than at the last apply."""
    found = {}
    for key, people in world.people.items():
        binding = world.matches[key].binding
        for name, lists in people.protected.items():
            before = world.protected.get(f"{binding.identity}/{name}", b"") if binding else b""
            if before != (value := "\n".join(lists).encode()):
                found[key.contact_set(name)] = value
    return found


def protection(remembered: Mapping[str, bytes], identity: str, sets: Sequence[str]) -> dict[str, list[str]]:
    """Contact set -> the lists that it named at the last apply, of one campaign."""
    found = {name: remembered.get(f"{identity}/{name}", b"") for name in sets}
    return {name: lists.decode().split("\n") for name, lists in found.items() if lists}


def _run_states(planned: Planned, outcomes: Sequence[Outcome]) -> dict[Key, bytes]:
    """The run state of every campaign that is as declared now, empty where none is declared; nothing of what is not known."""
    done = {(outcome.change.key, outcome.change.action): outcome.status == "confirmed" for outcome in outcomes}
    found: dict[Key, bytes] = {}
    for key, match in planned.world.matches.items():
        wanted, steps = match.resource.run, [done[step] for step in ((key, a) for a in _SWITCHING) if step in done]
        if wanted is None or match.resource.absent is not None:
            found[key] = b""
        elif all(steps) if steps else match.live is not None and match.live.run is wanted:
            found[key] = wanted.value.encode()
    return found


def loaded_sets(bindings: Mapping[Key, Binding], remembered: Mapping[str, bytes]) -> frozenset[Key]:
    """The contact sets that were sent whole at least once."""
    of_identity = {binding.identity: key for key, binding in bindings.items() if key.kind == "campaign"}
    names = (name.partition("/") for name, whole in remembered.items() if whole)
    return frozenset(of_identity[identity].contact_set(name) for identity, _, name in names if identity in of_identity)


def _sets(world: World) -> list[Key]:
    return [delta.key for people in world.people.values() for delta in people.deltas]


def _lists(world: World) -> dict[str, bytes]:
    """Everybody on each list today, over all campaigns that it protects."""
    found: dict[str, bytes] = {}
    for people in world.people.values():
        for name, value in people.suppressed.items():
            found[name] = value if found.get(name, value) == value else _union(found[name], value)
    return found


def _union(first: bytes, second: bytes) -> bytes:
    whole = first + second
    return b"".join(sorted({whole[at : at + _WIDTH] for at in range(0, len(whole), _WIDTH)}))
