"""The straight line: read, match, plan, guard; then, on the same world, apply. Nothing is decided here, only put in order."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler import planfile, retention, rotation
from reconciler.applier import carry_out
from reconciler.approval import check_approved
from reconciler.assembly import assemble, cases, doubts_of, identify, objections
from reconciler.keeping import remember_plan
from reconciler.ledger.base import LedgerReader
from reconciler.model import Report
from reconciler.observe import look
from reconciler.planner import plan_steps
from reconciler.rounds import agreed, check_resumable, merged, settle_doubts, without_stale
from reconciler.runs import Options, check_signed, leased, renew, report, unsigned
from reconciler.settle import Settler
from reconciler.setup import Setup
from reconciler.world import Planned, Site


async def plan(setup: Setup, sites: Mapping[str, Site], ledger: LedgerReader) -> Planned:
    """What would have to change, and everything that speaks against it. Sends nothing that could change anything."""
    fingerprints = identify(setup, ledger)
    world = await look(setup, sites, ledger, fingerprints)
    doubts = doubts_of(ledger)
    changes, unchanged, findings = plan_steps(cases(world, doubts))
    findings += (*objections(setup, world, changes), *rotation.findings(setup, ledger, fingerprints))
    findings += retention.findings(setup, world, ledger, fingerprints)
    draft = assemble(setup, world, ledger, fingerprints, changes, unchanged, findings, doubts)
    return Planned(planfile.seal(draft), world)


async def apply(setup: Setup, sites: Mapping[str, Site], options: Options) -> Report:
    """Take the lease, settle, plan again, refuse what moved, carry out the rest; then settle what it left and go on within it."""
    async with leased(setup, options) as (run, ledger):
        await Settler(run, sites, ledger, setup.resources()).settle()
        planned = await plan(setup, sites, ledger)
        await renew(setup, run)  # what was read while another run was writing says nothing
        check = check_resumable if options.resume else check_approved
        check(setup, options.approved, planned.plan)
        check_signed(setup, options, planned.plan)
        if not options.confirm(planned.plan) and planned.plan.changes:
            return report(run, ledger, planned.plan, ())
        await remember_plan(run, options.approved or planned.plan)
        outcomes = await carry_out(run, planned, options.progress, options.moved)
        patience = setup.clock.monotonic() + options.settle_timeout
        while settled := await settle_doubts(run, sites, ledger, setup.resources(), outcomes, patience):
            rest = without_stale(await plan(setup, sites, ledger), outcomes)
            go_on = await agreed(setup, run, options.approved, unsigned(setup, options), planned.plan, rest.plan)
            more = await carry_out(run, rest, options.progress, options.moved) if go_on else None
            outcomes = merged(outcomes, more, settled)
        await retention.keep_clocks(setup, run, ledger, options.progress)
        return report(run, ledger, planned.plan, outcomes)
