"""A plan or a report as plain text for a terminal: risk and people first, one block per object, warnings last."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from reconciler import planfile
from reconciler.model import Action, Change, ContactDelta, Doubt, Finding, Outcome, Plan, Report, Repository, Severity
from reconciler.redact import inert
from reconciler.render import phrases
from reconciler.risk import highest

Paint = Callable[[str, str], str]  # (text, "green" | "yellow" | "red" | "bold" | "dim") -> text
MOST_UNMANAGED = 10
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
    """The whole plan; ends with a newline."""
    blocks = [_header(plan, paint), *_doubts(plan.in_doubt, paint), *_connections(plan, paint), _summary(plan, paint)]
    blocks += [_unmanaged(plan)] if plan.unmanaged else []
    blocks += list(_findings(plan.findings, paint))
    return "\n\n".join(blocks) + "\n"


def _header(plan: Plan, paint: Paint) -> str:
    keys = {change.key.campaign for change in plan.changes} | set(plan.unchanged)
    keys |= {delta.key.campaign for delta in plan.deltas}
    connections = {key.connection for key in keys}
    sets = {delta.key.contacts for delta in plan.deltas}
    counts = [
        _plural(len(connections), "connection"),
        _plural(len(keys), "campaign"),
        _plural(len(sets), "contact set"),
    ]
    lines = [paint(plan.project, "bold") + ": " + ", ".join(counts) + "; live state complete"]
    if plan.partial:
        chosen = [f"--select {e}" for e in plan.select] + [f"--exclude {e}" for e in plan.exclude]
        lines.append(f"A partial plan ({' '.join(chosen)}): it removes nothing and says nothing about the rest.")
    return "\n".join(lines)


def _plural(count: int, word: str) -> str:
    return f"{count} {word}{'s' if count != 1 else ''}"


def _doubts(doubts: Sequence[Doubt], paint: Paint) -> Iterable[str]:
    for doubt in doubts:
        who = f", {_plural(doubt.people, 'person').replace('persons', 'people')}" if doubt.people else ""
        yield "\n".join(
            [
                paint(f"? {doubt.key}", "red") + f"   in doubt since {doubt.since}, run {doubt.run}{who}",
                f"    {doubt.verb.replace('_', ' ')} was sent and its answer was lost. Look for {doubt.look_for} in the panel, then",
                f"    {doubt.resolve}",
            ]
        )


def doubts_text(doubts: Sequence[Doubt], paint: Paint = plain) -> str:
    """What waits for a person, with the command for each."""
    return "\n\n".join(_doubts(doubts, paint)) + "\n" if doubts else "Nothing is in doubt.\n"


def _connections(plan: Plan, paint: Paint) -> Iterable[str]:
    deltas = {delta.key: delta for delta in plan.deltas}
    of_connection: dict[str, list[Change]] = {}
    for change in plan.changes:
        of_connection.setdefault(change.key.connection, []).append(change)
    for connection, changes in of_connection.items():
        blocks = [_block(change, deltas.get(change.key), paint) for change in changes]
        yield "\n".join([paint(connection, "bold"), *blocks])


def _block(change: Change, delta: ContactDelta | None, paint: Paint) -> str:
    sign, style = _SIGNS.get(change.action, ("~", "yellow"))
    name = (
        f"contacts {change.key.contacts} -> {change.key.name}" if change.key.contacts else f"campaign {change.key.name}"
    )
    head = f"  {paint(sign, style)} {inert(name):<44} {inert(change.source):<34} {change.risk}"
    lines = [head.rstrip()]
    if change.action in {Action.START, Action.STOP, Action.DELETE}:
        lines.append(f"      {change.action.value:<16}{inert(change.reason)}")
    else:
        lines += [f"      {label:<16}{told}" for label, told in phrases.field_lines(change)]
        if change.action is Action.UPDATE:
            lines.append(f"      {'why':<16}{inert(change.reason)}")
    if change.contacts:
        lines.append("      " + phrases.people_line(_VERBS[change.action], change.contacts.count, delta))
    return "\n".join(lines)


def summary_line(plan: Plan) -> str:
    """`Plan: 0 create, 2 update, 0 delete · contacts +12,431 ~0 -0 · risk: dialling`."""
    if not plan.changes:
        return "No changes." if not plan.in_doubt else "No changes beside what is in doubt."
    counts = planfile.summary(plan)
    verbs = [f"{counts[verb]} {verb}" for verb in ("create", "update", "delete")]
    verbs += [f"{counts[verb]} {verb}" for verb in ("start", "stop") if counts[verb]]
    people = counts["contacts"]
    moved = f"contacts +{people['added']:,} ~{people['updated']:,} -{people['withdrawn']:,}"
    return f"Plan: {', '.join(verbs)} · {moved} · risk: {highest(change.risk for change in plan.changes)}"


def _summary(plan: Plan, paint: Paint) -> str:
    lines = [paint(summary_line(plan), "bold")]
    quiet = [delta for delta in plan.deltas if not (delta.added or delta.updated or delta.withdrawn)]
    if quiet and not plan.changes:
        lines.append(f"Contacts: {sum(delta.unchanged for delta in quiet):,} unchanged.")
    return "\n".join(lines)


def _unmanaged(plan: Plan) -> str:
    lines = [f"{_plural(len(plan.unmanaged), 'live campaign')} not managed here:"]
    for item in plan.unmanaged[:MOST_UNMANAGED]:
        extra = ", ".join(part for part in (item.run, item.note) if part)
        lines.append(
            f"  {item.connection}  {inert(item.name) or '(no name)'}  {item.vendor_id}"
            + (f"  {extra}" if extra else "")
        )
    if len(plan.unmanaged) > MOST_UNMANAGED:
        lines.append(f"  and {len(plan.unmanaged) - MOST_UNMANAGED} more")
    return "\n".join(lines)


def _findings(findings: Sequence[Finding], paint: Paint) -> Iterable[str]:
    for severity, style in ((Severity.INFO, "dim"), (Severity.WARNING, "yellow"), (Severity.ERROR, "red")):
        chosen = [finding for finding in findings if finding.severity is severity]
        if chosen:
            word = {"info": "note", "warning": "warning", "error": "error"}[severity.value]
            yield "\n".join([paint(_plural(len(chosen), word), style), *(_finding(finding) for finding in chosen)])


def _finding(finding: Finding) -> str:
    place = f" ({inert(finding.source)})" if finding.source else ""
    about = f"{inert(finding.key)}: " if finding.key else ""
    text = f"  {finding.code}  {about}{inert(finding.message)}{place}"
    return text + (f"\n      {inert(finding.remedy)}" if finding.remedy else "")


def validation_text(repository: Repository) -> str:
    """What `validate` says of a repository that is valid, warnings last."""
    counts = [
        _plural(len(repository.connections), "connection"),
        _plural(len(repository.campaigns), "campaign"),
        _plural(len(repository.contact_sets), "contact set"),
        _plural(len(repository.suppressions), "suppression list"),
    ]
    blocks = [f"{repository.project.name}: {', '.join(counts)}. Valid.", *_findings(repository.warnings, plain)]
    return "\n\n".join(blocks) + "\n"


# ---- what came of it -----------------------------------------------------------------------------------------------


def report_text(report: Report, paint: Paint = plain) -> str:
    """What one apply did, failures with what they changed and what to do next."""
    done = sum(outcome.status == "confirmed" for outcome in report.outcomes)
    lines = [_outcome(outcome, paint) for outcome in report.outcomes if outcome.status != "confirmed"]
    people = report.contacts
    counts = f"contacts: {people.confirmed:,} confirmed, {people.rejected:,} rejected, {people.in_doubt:,} in doubt"
    counts += f", {people.already_present:,} already present"
    result = {"nothing": "Nothing to do", "applied": "Applied", "partial": "Applied in part", "blocked": "Blocked"}
    head = paint(f"{result[report.result]}: {done} of {len(report.outcomes)} steps done", "bold")
    return (
        "\n".join([*lines, f"{head} · {counts}", f"run {report.run} · ledger serial {report.serial}", *_next(report)])
        + "\n"
    )


def _outcome(outcome: Outcome, paint: Paint) -> str:
    style = {"rejected": "red", "in_doubt": "red"}.get(outcome.status, "yellow")
    place = f" ({outcome.change.source})" if outcome.change.source else ""
    head = f"{paint(outcome.status.replace('_', ' '), style)}  {outcome.change.action.value.replace('_', ' ')} {outcome.change.key}{place}"
    effect = "something may have changed at the vendor" if outcome.touched else "nothing changed at the vendor"
    return f"{head}\n    {inert(outcome.error)}\n    {effect}"


def _next(report: Report) -> list[str]:
    if report.code == 9:
        return ["Operations with unknown outcome wait for a person: reconciler plan shows them."]
    return ["The rest is still to be done: reconciler apply again."] if report.code in {1, 8} else []
