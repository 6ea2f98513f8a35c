"""Going on within what was approved: after an interruption, or once a doubt was settled. Sends nothing itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.approval import AGAIN, blocked, check_bond, check_unblocked
from reconciler.errors import PlanStale
from reconciler.keeping import remember_plan
from reconciler.ledger.base import LedgerReader, OpenRequest, OpState
from reconciler.model import Action, Change, ContactDelta, Key, Outcome, Plan, Resource, Tally
from reconciler.settle import Settler
from reconciler.setup import Setup
from reconciler.world import Planned, Site
from reconciler.writer import Run

_NOT_DONE = (
    "its answer was lost; what is left of it is more than what was approved. Plan again: reconciler plan --out FILE"
)
ROUNDS = 3  # what may be repeated is, but not for ever: a vendor that is down stays down


def check_resumable(setup: Setup, approved: Plan | None, fresh: Plan) -> None:
    """Raises PlanStale where what is left to do is not part of what was approved, Blocked where something speaks against it."""
    if approved is None:
        raise PlanStale(f"No interrupted run is known here. {AGAIN}")
    check_bond(setup, approved, fresh)
    if lines := beyond(approved, fresh):
        raise PlanStale("\n".join(["This is no longer the approved work:", *(f"  {line}" for line in lines), AGAIN]))
    check_unblocked(setup, fresh)


async def agreed(
    setup: Setup, run: Run, approved: Plan | None, confirm: Callable[[Plan], bool], planned: Plan, rest: Plan
) -> bool:
    """Whether what settled doubts let go on may be done in this run: it is part of what was approved, or it is approved now."""
    if not beyond(approved or planned, rest):
        return True
    if approved or blocked(setup, rest) or not confirm(rest):
        return False
    await remember_plan(run, rest)
    return True


def beyond(approved: Plan, fresh: Plan) -> list[str]:
    """What a fresh plan would do that the approved one did not contain, a sentence each; empty: it is the rest of the same work.

    The declaration, the sources and the addresses have to be the same; then every fresh change needs an approved one of the same object
    that it is a part of: the same action on some of the same fields, which have not moved meanwhile, or an update where a create was
    cut short, for no more people.
    """
    found = []
    if approved.bound.config != fresh.bound.config:
        found.append("the configuration was edited")
    if approved.bound.hosts != fresh.bound.hosts:
        found.append("the vendors' addresses changed")
    if _sources(approved.deltas) != _sources(fresh.deltas):
        found.append("a contact source or a suppression list changed")
    allowed: dict[Key, list[Change]] = {}
    for change in approved.changes:
        allowed.setdefault(change.key, []).append(change)
    found += [
        f"{change.key}: {change.action.value.replace('_', ' ')} is not part of the approved plan"
        for change in fresh.changes
        if not any(_contains(earlier, change) for earlier in allowed.get(change.key, ()))
    ]
    return found


def _sources(deltas: Iterable[ContactDelta]) -> dict[Key, str]:
    return {delta.key: delta.digests.get("source", "") for delta in deltas}


def _contains(approved: Change, fresh: Change) -> bool:
    finishes_create = approved.action is Action.CREATE and fresh.action is Action.UPDATE
    if approved.action is not fresh.action and not finishes_create:
        return False
    if not finishes_create and any(field not in approved.fields for field in fresh.fields):
        return False
    most = approved.contacts.count if approved.contacts else 0
    return fresh.contacts is None or fresh.contacts.count <= most


@dataclass(frozen=True, slots=True)
class Settled:
    """What one settling came to: people seen at the vendor, by contact set, and the objects that stay in doubt."""

    found: Mapping[Key, int]
    still_open: frozenset[Key]

    def left(self, key: Key) -> bool:
        return key in self.still_open or key.campaign in self.still_open


async def settle_doubts(
    run: Run,
    sites: Mapping[str, Site],
    ledger: LedgerReader,
    resources: Mapping[Key, Resource],
    outcomes: Sequence[Outcome],
    patience: float,
) -> Settled | None:
    """Settle what these outcomes or earlier runs left in doubt, waiting until `patience` at most; None where nothing more can be now."""
    doubtful = any(outcome.status == "in_doubt" for outcome in outcomes) or any(map(_waits, ledger.open_requests()))
    if run.stopping.is_set() or run.rounds == ROUNDS or not doubtful:
        return None
    run.rounds += 1
    before = len(ledger.open_requests())
    settler = Settler(run, sites, ledger, resources, patience)
    if await settler.settle() == before and not settler.found:
        return None
    return Settled(settler.found, frozenset(request.key for request in ledger.open_requests()))


def _waits(request: OpenRequest) -> bool:
    """Whether a read may still tell. A run that was killed leaves no outcome behind, only this."""
    return request.state is not OpState.HELD and not request.repeatable


def merged(earlier: Sequence[Outcome], later: Sequence[Outcome] | None, settled: Settled) -> tuple[Outcome, ...]:
    """One outcome per step over two rounds with a settling in between.

    A step of the first round that the second did not need any more is done. `later` None: there was no second round, and what was in
    doubt is done only where everybody it was about was found.
    """
    newest = {(outcome.change.key, outcome.change.action): outcome for outcome in later or ()}
    result = []
    for first in earlier:
        counted = replace(first, contacts=_people(first, settled))
        again = newest.pop((first.change.key, first.change.action), None)
        if again is not None:
            result.append(_both(counted, again))
        elif (
            first.status == "confirmed"
            or first.stale
            or settled.left(first.change.key)
            or (later is None and first.status != "in_doubt")
        ):
            result.append(counted)
        elif later is None and not _everybody(counted):
            result.append(replace(counted, status="skipped", error=_NOT_DONE))
        else:
            result.append(replace(counted, status="confirmed", error=""))
    return (*result, *newest.values())


def _everybody(outcome: Outcome) -> bool:
    """Whether nobody of a step about people is left."""
    told, planned = outcome.contacts, outcome.change.contacts
    if told is None or planned is None:
        return False
    return told.confirmed + told.already_present + told.rejected >= planned.count


def without_stale(planned: Planned, outcomes: Sequence[Outcome]) -> Planned:
    """The plan of a later round; what moved in an earlier one has to be looked at by a person first."""
    moved = {outcome.change.key.campaign for outcome in outcomes if outcome.stale}
    changes = tuple(change for change in planned.plan.changes if change.key.campaign not in moved)
    return replace(planned, plan=replace(planned.plan, changes=changes))


def _people(outcome: Outcome, settled: Settled) -> Tally | None:
    """The people of a first round, once those in doubt were looked for."""
    if outcome.contacts is None:
        return None
    left = outcome.contacts.in_doubt if outcome.change.key in settled.still_open else 0
    return replace(outcome.contacts, in_doubt=left) + Tally(confirmed=settled.found.get(outcome.change.key, 0))


def _both(first: Outcome, again: Outcome) -> Outcome:
    contacts = first.contacts + again.contacts if first.contacts and again.contacts else again.contacts
    return replace(again, change=first.change, contacts=contacts)
