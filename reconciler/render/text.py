"""A plan or a report as plain text for a terminal: risk and people first, one block per object, warnings last."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

from reconciler import planfile
from reconciler.guards import WAIVED
from reconciler.model import (
    Action,
    Change,
    ContactDelta,
    Doubt,
    Finding,
    Halted,
    Key,
    Outcome,
    Plan,
    Removal,
    Report,
    Repository,
    Severity,
    Tally,
)
from reconciler.redact import inert
from reconciler.render import overview, phrases
from reconciler.risk import highest
from reconciler.units import counted, people

Paint = Callable[[str, str], str]  # (text, "green" | "yellow" | "red" | "bold" | "dim") -> text
MOST_UNMANAGED = 10
MOST_MEANINGS = 10
_SIGNS = {
    Action.CREATE: ("+", "green"),
    Action.ADD_CONTACTS: ("+", "green"),
    Action.DELETE: ("-", "red"),
    Action.WITHDRAW_CONTACTS: ("-", "red"),
    Action.START: (">", "yellow"),
    Action.STOP: ("#", "yellow"),
}
_VERBS = {
    Action.ADD_CONTACTS: "added",
    Action.CREATE: "added",
    Action.UPDATE_CONTACTS: "updated",
    Action.WITHDRAW_CONTACTS: "withdrawn",
}
_CODES = {"green": "32", "yellow": "33", "red": "31", "bold": "1", "dim": "2"}


def plain(text: str, style: str) -> str:
    return text


def coloured(text: str, style: str) -> str:
    return f"\x1b[{_CODES[style]}m{text}\x1b[0m"


def plan_text(plan: Plan, paint: Paint = plain) -> str:
    """The whole plan, in 80 columns where names allow; what counts stands at the top and again at the end. Ends with a newline."""
    blocks = [_header(plan, paint), *_glance(plan, paint), *_doubts(plan.in_doubt, paint), *_connections(plan, paint)]
    blocks += [_unmanaged(plan)] if plan.unmanaged else []
    blocks += _findings([finding for finding in plan.findings if finding.code != WAIVED], paint)
    return "\n\n".join([*blocks, _summary(plan, paint)]) + "\n"


def _header(plan: Plan, paint: Paint) -> str:
    keys = planned_keys(plan)
    connections = {key.connection for key in keys} | {item.connection for item in plan.unmanaged}
    sets = {delta.key.contacts for delta in plan.deltas}
    counts = [
        counted(len(connections), "connection"),
        counted(len(keys), "campaign"),
        counted(len(sets), "contact set"),
    ]
    unread = sum(finding.code == "ledger-only" for finding in plan.findings)
    complete = "live state complete" + (f" but for {counted(unread, 'campaign')} that cannot be read" if unread else "")
    ledger = phrases.ledger_told(inert(plan.bound.lineage), plan.bound.serial)
    lines = [paint(inert(plan.project), "bold") + ": " + ", ".join(counts) + "; " + complete, ledger]
    if plan.partial:
        chosen = inert(" ".join([f"--select {e}" for e in plan.select] + [f"--exclude {e}" for e in plan.exclude]))
        lines.append(f"A partial plan ({chosen}): it removes nothing and says nothing about the rest.")
    lines += [paint(f"{inert(f.message)} ({inert(f.source)})", "yellow") for f in overview.waived(plan)]
    return "\n".join(lines)


def _glance(plan: Plan, paint: Paint) -> Iterable[str]:
    """What a reader with little time has to know: counts, risk, people, findings; then what it means for those who are called."""
    if not plan.changes:
        return
    lines = [paint(summary_line(plan), "bold"), f"People: {', '.join(overview.people_told(plan))}."]
    yield "\n".join([*lines, *_found(plan, paint)])
    meanings = overview.meanings(plan)
    told = [line for meaning in meanings[:MOST_MEANINGS] for line in _meaning(meaning)]
    if len(meanings) > MOST_MEANINGS:
        told.append(f"  and {len(meanings) - MOST_MEANINGS:,} more such changes")
    if told:
        yield "\n".join([paint("What changes for those who are called", "bold"), *told])


def _meaning(meaning: overview.Meaning) -> list[str]:
    head = f"  {meaning.subject}, {meaning.place}" if meaning.place else f"  {meaning.subject}"
    return [head, f"      {meaning.told}", *([f"      {meaning.users}"] if meaning.users else [])]


def _found(plan: Plan, paint: Paint) -> Iterable[str]:
    if told := overview.findings_told(plan):
        line = f"Findings: {', '.join(told)}." + (" It is blocked." if plan.blocked else "")
        yield paint(line, "red") if plan.blocked else line


def planned_keys(plan: Plan) -> set[Key]:
    """Every declared campaign that the plan speaks of."""
    keys = {change.key.campaign for change in plan.changes} | set(plan.unchanged)
    keys |= {delta.key.campaign for delta in plan.deltas}
    for text in {doubt.key for doubt in plan.in_doubt} | {finding.key for finding in plan.findings}:
        with suppress(ValueError):  # a finding is not always about a campaign
            keys.add(Key.parse(text).campaign)
    return keys


def _doubts(doubts: Sequence[Doubt], paint: Paint) -> Iterable[str]:
    for doubt in doubts:
        who = f", {people(doubt.people)}" if doubt.people else ""
        verb = inert(doubt.verb).replace("_", " ")
        yield "\n".join(
            [
                paint(f"? {inert(doubt.key)}", "red")
                + f"   in doubt since {inert(doubt.since)}, run {inert(doubt.run)}{who}",
                f"    {_unknown(verb, inert(doubt.look_for))} in the panel, then",
                f"    {inert(doubt.resolve)}",
            ]
        )


def _unknown(verb: str, mark: str) -> str:
    """Without a mark: what a ledger that was rebuilt cannot know."""
    if not mark:
        return f"{verb}: whether it was sent is not known since the ledger was rebuilt. Look"
    return f"{verb} was sent and its answer was lost. Look for {mark}"


def halted_text(results: Sequence[Halted]) -> str:
    """What `halt` did, what it could not do first."""
    stopped = sum(one.result == "stopped" for one in results)
    end = f"{counted(stopped, 'campaign')} stopped. The next apply starts again what is declared `activation: running`."
    return _by_result(results, ("failed", "cannot", "stopped", "not running"), end)


def removals_text(removals: Sequence[Removal], more: str = "") -> str:
    """What one refusal did, campaign by campaign, what is left to be done by hand first; `more`: what was done beside."""
    end = f"Suppressed everywhere from now on: no plan adds this number again.{more}"
    return _by_result(removals, ("failed", "cannot", "in a call", "withdrawn", "not there"), end)


def _by_result(results: Sequence[Halted | Removal], order: Sequence[str], end: str) -> str:
    lines = [
        f"{one.result:<12} {one.key}" + (f"  {inert(one.why)}" if one.why else "")
        for one in sorted(results, key=lambda one: (order.index(one.result), one.key))
    ]
    return "\n".join([*lines, end]) + "\n"


def doubts_text(doubts: Sequence[Doubt], paint: Paint = plain) -> str:
    """What waits for a person, with the command for each."""
    return "\n\n".join(_doubts(doubts, paint)) + "\n" if doubts else "Nothing is in doubt.\n"


def _connections(plan: Plan, paint: Paint) -> Iterable[str]:
    deltas = {delta.key: delta for delta in plan.deltas}
    rows = {row.connection: row for row in overview.rows(plan)}
    for connection, campaigns in overview.objects(plan).items():
        changes = [change for steps in campaigns for change in steps]
        blocks = [_block(change, deltas.get(change.key), paint) for change in changes]
        yield "\n".join([f"{paint(inert(connection), 'bold')}   {_row(rows[connection], changes)}", *blocks])


def _row(row: overview.Row, changes: Sequence[Change]) -> str:
    """`2 update · +12,431 people · risk: dialling`."""
    told = [f"{count:,} {verb}" for verb, count in row.verbs.items() if count]
    moved = [(row.added, "+"), (row.updated, "~"), (row.withdrawn, "-")]
    told += [f"{sign}{people(count)}" for count, sign in moved if count]
    return " · ".join([*told, f"risk: {highest(change.risk for change in changes)}"])


def _block(change: Change, delta: ContactDelta | None, paint: Paint) -> str:
    sign, style = _SIGNS.get(change.action, ("~", "yellow"))
    name = (
        f"contacts {change.key.contacts} -> {change.key.name}" if change.key.contacts else f"campaign {change.key.name}"
    )
    head = f"  {paint(sign, style)} {inert(name):<36} {inert(change.source):<26} {change.risk}"
    lines = [head.rstrip()]
    if change.action in {Action.START, Action.STOP, Action.DELETE}:
        lines.append(f"      {change.action.value:<16}{inert(change.reason)}")
    else:
        lines += [f"      {label:<16}{told}" for label, told in phrases.field_lines(change)]
    if change.contacts:
        lines.append("      " + phrases.people_line(_VERBS[change.action], change.contacts.count, delta))
    if change.action not in {Action.START, Action.STOP, Action.DELETE, Action.CREATE}:
        lines += [f"      {'why':<16}{reason}" for reason in overview.why(change)]
    return "\n".join(lines)


def summary_line(plan: Plan) -> str:
    """`Plan: 0 create, 2 update, 0 delete · contacts +12,431 ~0 -0 · risk: dialling`."""
    if not plan.changes:
        beside = ["what is blocked"] if plan.blocked else []
        beside += ["what is in doubt"] if plan.in_doubt else []
        return f"No changes beside {' and '.join(beside)}." if beside else "No changes."
    counts = planfile.summary(plan)
    verbs = [f"{counts[verb]} {verb}" for verb in ("create", "update", "delete")]
    verbs += [f"{counts[verb]} {verb}" for verb in ("start", "stop") if counts[verb]]
    contacts = counts["contacts"]
    moved = f"contacts +{contacts['added']:,} ~{contacts['updated']:,} -{contacts['withdrawn']:,}"
    return f"Plan: {', '.join(verbs)} · {moved} · risk: {highest(change.risk for change in plan.changes)}"


def _summary(plan: Plan, paint: Paint) -> str:
    lines = [paint(summary_line(plan), "bold"), *_found(plan, paint)]
    quiet = [delta for delta in plan.deltas if not (delta.added or delta.updated or delta.withdrawn)]
    if quiet and not plan.changes:
        held = sum(delta.held for delta in quiet)
        lines.append(f"Contacts: {phrases.still(sum(delta.unchanged for delta in quiet), held)}.")
    lines += [
        f"  contacts {inert(delta.key.contacts)} -> {inert(delta.key.name)}   {told}"
        for delta in quiet
        if (told := phrases.left_out(delta))
    ]
    return "\n".join(lines)


def _unmanaged(plan: Plan) -> str:
    lines = [f"{counted(len(plan.unmanaged), 'live campaign')} not managed here:"]
    for item in plan.unmanaged[:MOST_UNMANAGED]:
        parts = (
            item.connection,
            item.name or "(no name)",
            item.vendor_id,
            ", ".join(filter(None, (item.run, item.note))),
        )
        lines.append("  ".join(["", *filter(None, map(inert, parts))]))
    if len(plan.unmanaged) > MOST_UNMANAGED:
        lines.append(f"  and {len(plan.unmanaged) - MOST_UNMANAGED:,} more")
    return "\n".join(lines)


def _findings(findings: Sequence[Finding], paint: Paint) -> Iterable[str]:
    for severity, style in ((Severity.INFO, "dim"), (Severity.WARNING, "yellow"), (Severity.ERROR, "red")):
        chosen = [finding for finding in findings if finding.severity is severity]
        if chosen:
            word = {"info": "note", "warning": "warning", "error": "error"}[severity.value]
            yield "\n".join([paint(counted(len(chosen), word), style), *findings_lines(chosen)])


def findings_lines(findings: Sequence[Finding]) -> Iterable[str]:
    """Each with its place and what to do next; what is said of several objects in the same words is said once."""
    for one in overview.told_once(findings):
        about = f"{one.about}: " if one.about else ""
        yield f"  {one.code}  {about}{one.message}" + (f"\n      {one.remedy}" if one.remedy else "")


def validation_text(repository: Repository) -> str:
    """What `validate` says of a repository that is valid, warnings last."""
    counts = [
        counted(len(repository.connections), "connection"),
        counted(len(repository.campaigns), "campaign"),
        counted(len(repository.contact_sets), "contact set"),
        counted(len(repository.suppressions), "suppression list"),
    ]
    blocks = [f"{repository.project.name}: {', '.join(counts)}. Valid.", *_findings(repository.warnings, plain)]
    return "\n\n".join(blocks) + "\n"


# ---- what came of it -----------------------------------------------------------------------------------------------


def report_text(report: Report, paint: Paint = plain) -> str:
    """What one apply did, failures with what they changed and what to do next."""
    done = sum(outcome.status == "confirmed" for outcome in report.outcomes)
    lines = [_outcome(outcome, paint) for outcome in report.outcomes if outcome.status != "confirmed"]
    result = {"nothing": "Nothing to do", "applied": "Applied", "partial": "Applied in part", "blocked": "Blocked"}
    head = result[report.result] if done or report.result != "partial" else "Not applied"
    if report.outcomes:
        head += f": {done} of {counted(len(report.outcomes), 'step')} done"
    told = " · ".join([paint(head, "bold"), *_people_told(report.contacts)])
    ledger = phrases.ledger_told(report.lineage, report.serial)
    return "\n".join([*lines, told, f"run {report.run} · {ledger}", *_next(report)]) + "\n"


def _people_told(tally: Tally) -> Iterable[str]:
    counts = ((tally.confirmed, "confirmed"), (tally.already_present, "already present"), (tally.rejected, "rejected"),
              (tally.in_doubt, "in doubt"))  # fmt: skip
    told = [f"{count:,} {word}" for count, word in counts if count]
    if told:
        yield f"contacts: {', '.join(told)}"


def _outcome(outcome: Outcome, paint: Paint) -> str:
    style = {"rejected": "red", "in_doubt": "red"}.get(outcome.status, "yellow")
    place = f" ({outcome.change.source})" if outcome.change.source else ""
    head = f"{paint(outcome.status.replace('_', ' '), style)}  {outcome.change.action.value.replace('_', ' ')} {outcome.change.key}{place}"
    effect = "something may have changed at the vendor" if outcome.touched else "nothing changed at the vendor"
    return f"{head}\n    {inert(outcome.error)}\n    {effect}"


def _next(report: Report) -> list[str]:
    if report.code == 9:
        return ["Operations with unknown outcome wait for a person: reconciler plan shows them."]
    return ["What is left is in the next plan: reconciler plan"] if report.code in {1, 8} else []
