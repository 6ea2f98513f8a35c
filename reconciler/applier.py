"""Plan -> vendor calls -> outcomes: order, side by side where nothing is shared, one failure stops only its own object."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from reconciler import diff, removals, risk, sending
from reconciler.errors import LeaseLost, OutcomeUnknown, PlanStale, ReconcilerError
from reconciler.keeping import SINCE, keep
from reconciler.ledger.base import Ledger
from reconciler.matching import Match
from reconciler.model import (
    Action,
    Binding,
    Change,
    Json,
    Key,
    Live,
    Outcome,
    Path,
    Resource,
    RunState,
    Status,
    Tally,
)
from reconciler.planfile import stamp
from reconciler.providers.base import CanDial, capabilities_for
from reconciler.redact import foreign, places
from reconciler.units import people
from reconciler.world import Planned, Site, World
from reconciler.writer import BreakerOpen, Interrupted, Run, StepWriter, token_of

_UNTOUCHED = "Nothing was sent for this step. To see what it means now: reconciler plan"

Progress = Callable[[str], None]  # one line for people, while it goes on


@dataclass(slots=True)
class Applier:
    """One plan being carried out."""

    run: Run
    world: World
    progress: Progress
    moved: Callable[[sending.Moved], None]
    _live: dict[Key, Live] = field(default_factory=dict)
    _identities: dict[Key, str] = field(default_factory=dict)

    async def apply(self, changes: Sequence[Change]) -> tuple[Outcome, ...]:
        """Every change once, each after those it depends on. Raises LeaseLost where another run took over."""
        loop = asyncio.get_running_loop()
        done: dict[int, asyncio.Future[Outcome]] = {change.id: loop.create_future() for change in changes}
        try:
            async with asyncio.TaskGroup() as group:
                for change in changes:
                    group.create_task(self._in_turn(change, done))
        except* LeaseLost as lost:
            raise lost.exceptions[0] from None
        return tuple(done[change.id].result() for change in changes)

    async def _in_turn(self, change: Change, done: dict[int, asyncio.Future[Outcome]]) -> None:
        earlier = [await done[needed] for needed in change.depends_on]
        failed = [outcome.change for outcome in earlier if outcome.status != "confirmed"]
        if failed:
            step = failed[0].action.value.replace("_", " ")
            reason = f"not tried: a step before it, {step} of {failed[0].key}, was not done"
            stale = all(outcome.stale for outcome in earlier if outcome.status != "confirmed")
            outcome = Outcome(change, "skipped", error=reason, stale=stale)
        else:
            outcome = await self._step(change)
        self.progress(f"{change.action.value} {change.key}: {outcome.status}")
        done[change.id].set_result(outcome)

    async def _step(self, change: Change) -> Outcome:
        match = self.world.matches[change.key.campaign]
        site = self.world.sites[change.key.connection]
        try:
            writer = await self._writer(change, match, site)
        except LeaseLost:
            raise
        except ReconcilerError as failure:  # of the ledger: nothing was tried, and the others are not cut off by it
            return Outcome(change, "rejected", "", str(failure))
        try:
            await self._check_unmoved(change, match, site)
            vendor_id, error = await _STEPS[change.action](self, change, match, site, writer)
        except LeaseLost:
            raise
        except PlanStale as moved:
            return Outcome(change, "skipped", "", str(moved), stale=True)
        except ReconcilerError as failure:
            return Outcome(change, _status(failure), "", str(failure), _tally(change, writer), writer.touched)
        except Exception as bug:  # one object's bad luck, ours too, is not that of the others
            said = f"a bug in reconciler ({type(bug).__name__}), please report it: {', '.join(places(bug)[-3:])}"
            return Outcome(change, "rejected", "", said, _tally(change, writer), writer.touched)
        if writer.tally.in_doubt:
            error = f"the answer does not say what became of {people(writer.tally.in_doubt)}"
        status: Status = "in_doubt" if writer.tally.in_doubt else "rejected" if error else "confirmed"
        return Outcome(change, status, vendor_id, error, _tally(change, writer), writer.touched)

    async def _writer(self, change: Change, match: Match, site: Site) -> StepWriter:
        identity = await self._identity(match)
        resource, rules = match.resource, capabilities_for(site.provider, match.resource)
        token = token_of(self.run.fingerprints, identity, resource.create_run)
        about = (change.key, identity, change.action, token, resource.create_run)
        return StepWriter(self.run, site.account, *about, readable=rules.readable and rules.contacts.read)

    async def _identity(self, match: Match) -> str:
        """The campaign's stable id; an object found by the id in its YAML is bound here, before its first step."""
        key = match.resource.key
        if key not in self._identities:
            self._identities[key] = await claim_identity(self.run, match)
        return self._identities[key]

    # ---- one action each: (vendor id, error or "") ---------------------------------------------------------------------

    async def _create(self, change: Change, match: Match, site: Site, writer: StepWriter) -> tuple[str, str]:
        resource = match.resource
        contacts = sending.everybody(self.world, writer, resource) if change.contacts else []
        with writer.carrying(contacts):
            live = await site.provider.create(writer, resource, contacts)
        self._live[resource.key] = live
        await remember(self.run, resource)
        if live.run is RunState.RUNNING:
            return live.vendor_id, "it was created dialling, against what was asked: stop it in the vendor's panel now"
        return live.vendor_id, _differs(resource, live) if site.provider.capabilities.readable else ""

    async def _update(self, change: Change, match: Match, site: Site, writer: StepWriter) -> tuple[str, str]:
        live = await site.provider.update(writer, self._now(match), match.resource, change.fields)
        self._live[match.resource.key] = live
        await remember(self.run, match.resource)
        return live.vendor_id, _differs(match.resource, live)

    async def _delete(self, change: Change, match: Match, site: Site, writer: StepWriter) -> tuple[str, str]:
        live = self._now(match)
        await site.provider.delete(writer, live)
        key, queued = match.resource.key, site.provider.capabilities.delete_queued
        date = stamp(self.run.clock.now())[:10]

        def let_go(ledger: Ledger) -> None:
            """Whom it reached stays known: what is declared under its name later calls none of them again."""
            ledger.let_go(self.run.lease, key, change.reason)
            if queued:
                removals.remember(ledger, self.run.lease, key, live.vendor_id, date)

        await self.run.journal.run(let_go)
        return live.vendor_id, ""

    async def _start(self, change: Change, match: Match, site: Site, writer: StepWriter) -> tuple[str, str]:
        return await self._switch(match, site, writer, RunState.RUNNING)

    async def _stop(self, change: Change, match: Match, site: Site, writer: StepWriter) -> tuple[str, str]:
        return await self._switch(match, site, writer, RunState.STOPPED)

    async def _switch(self, match: Match, site: Site, writer: StepWriter, wanted: RunState) -> tuple[str, str]:
        provider = site.provider
        assert isinstance(provider, CanDial), "planned for vendors that can dial only"
        act = provider.start if wanted is RunState.RUNNING else provider.stop
        live = await act(writer, self._now(match))
        self._live[match.resource.key] = live
        seen = live.run.value if live.run else "unknown"
        return live.vendor_id, "" if live.run is wanted else f"asked to be {wanted}, the vendor says {seen}"

    async def _contacts(self, change: Change, match: Match, site: Site, writer: StepWriter) -> tuple[str, str]:
        total = change.contacts.count if change.contacts else 0
        container = await sending.Sending(self.world, writer, self._now(match), total, self.moved).run()
        return (
            container,
            f"{people(writer.later)} in a call just now; apply again when it is over" if writer.later else "",
        )

    # ---- what is known by now --------------------------------------------------------------------------------------

    async def _check_unmoved(self, change: Change, match: Match, site: Site) -> None:
        """Raises PlanStale where the object is no longer as it was when the plan was made, or as our own last step left it."""
        then, resource = self._live.get(match.resource.key, match.live), match.resource
        if then is None:
            return
        now = await site.provider.look_again(site.account, then, resource.spec)
        if now is None:
            if change.action is Action.DELETE:
                return
            raise PlanStale(f"it is gone: {resource.name} was there when the plan was made. {_UNTOUCHED}")
        fields = diff.moved(then.spec, now.spec, _shown(match, site))
        if resource.key in self._live:  # what we wrote ourselves counts as far as the vendor shows it
            fields = tuple(field for field in fields if field.after is not None)
        told = [f"{'.'.join(field.path)} was {_said(field.before)}, is now {_said(field.after)}" for field in fields]
        if then.run is not now.run:
            told.append(f"it was {_said(then.run)}, is now {_said(now.run)}")
        if told:
            raise PlanStale(f"it moved since the plan was made: {'; '.join(told)}. {_UNTOUCHED}")
        self._live[resource.key] = now

    def _now(self, match: Match) -> Live:
        live = self._live.get(match.resource.key, match.live)
        assert live is not None, "a step on an object that is not there is not planned"
        return live


_STEPS = {
    Action.CREATE: Applier._create,
    Action.UPDATE: Applier._update,
    Action.DELETE: Applier._delete,
    Action.START: Applier._start,
    Action.STOP: Applier._stop,
    Action.ADD_CONTACTS: Applier._contacts,
    Action.UPDATE_CONTACTS: Applier._contacts,
    Action.WITHDRAW_CONTACTS: Applier._contacts,
}


async def claim_identity(run: Run, match: Match) -> str:
    """The stable id of a campaign; renames the binding where the declaration moved, binds what its YAML names by id."""
    resource, binding = match.resource, match.binding
    if binding and binding.key != resource.key:
        await run.journal.run(lambda ledger: ledger.move(run.lease, binding.key, resource.key))
    identity = await run.journal.run(lambda ledger: ledger.identity(run.lease, resource.key))
    if match.live and not (binding and binding.vendor_id):
        bound = Binding(resource.key, identity, match.live.vendor_id, {})
        await run.journal.run(lambda ledger: ledger.bind(run.lease, bound, match.by))
    return identity


async def carry_out(
    run: Run, planned: Planned, progress: Progress, moved: Callable[[sending.Moved], None]
) -> tuple[Outcome, ...]:
    """Apply all changes of a plan; afterwards the ledger knows of everything that is as declared."""
    outcomes = await Applier(run, planned.world, progress, moved).apply(planned.plan.changes)
    await remember_settled(run, planned)
    await keep(run, planned, outcomes)
    return outcomes


async def remember_settled(run: Run, planned: Planned) -> None:
    """What already was as declared becomes what we last applied: the ledger learns, no vendor is touched."""
    for match in planned.settled():
        resource, binding = match.resource, match.binding
        if binding and binding.key == resource.key and _remembered(binding, resource):
            continue
        await claim_identity(run, match)
        await remember(run, resource)


async def remember(run: Run, resource: Resource) -> None:
    """What is declared is what was applied last."""
    spec, lifecycle, now = resource.spec, resource.lifecycle, stamp(run.clock.now()).encode()

    def write(ledger: Ledger) -> None:
        ledger.applied(run.lease, resource.key, spec, lifecycle.protect, resource.create_run)
        ledger.remember(run.lease, SINCE, ledger.identity(run.lease, resource.key), now)

    await run.journal.run(write)


def _remembered(binding: Binding, resource: Resource) -> bool:
    return binding.last_applied == resource.spec and binding.protect == resource.lifecycle.protect


def _differs(resource: Resource, live: Live) -> str:
    """The result compared with the plan, in a sentence; empty where it is as declared."""
    left = diff.changes(resource.spec, diff.believed(live.spec, dict(resource.spec)))
    if not left:
        return ""
    fields = ", ".join(".".join(change.path) for change in left)
    return f"done, but the vendor now shows something else for: {fields}. Plan again to see it."


def _shown(match: Match, site: Site) -> Iterator[Path]:
    """The fields that are ours, by declaration or by what was applied last, and that the vendor shows."""
    rules = capabilities_for(site.provider, match.resource).fields
    applied = match.binding.last_applied if match.binding else {}
    for path in (*diff.leaves(match.resource.spec), *diff.leaves(applied)):
        if (rule := risk.rule_for(rules, path)) is None or rule.readable:
            yield path


def _said(value: Json) -> str:
    """What anybody may have typed in a panel, fit to print."""
    return "not set" if value is None else foreign(value if isinstance(value, str) else json.dumps(value))


def _status(failure: ReconcilerError) -> Status:
    if isinstance(failure, OutcomeUnknown):
        return "in_doubt"
    return "skipped" if isinstance(failure, Interrupted | BreakerOpen) else "rejected"


def _tally(change: Change, writer: StepWriter) -> Tally | None:
    return writer.tally if change.contacts else None
