"""A plan as the comment under a pull request: the summary first and whole, details folded, cut at whole objects to a byte budget."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from reconciler import planfile
from reconciler.guards import WAIVED
from reconciler.model import Action, Change, ContactDelta, Finding, Key, Plan, Risk, Severity
from reconciler.redact import inert
from reconciler.render import phrases
from reconciler.render.text import summary_line
from reconciler.risk import highest
from reconciler.units import counted, people

BUDGET = 65_536  # bytes: what GitHub accepts in one comment
_SPECIAL = re.compile(r"([\\`*_\[\]|~])")
_LINKED = re.compile(r"(?<=:)(?=//)|(?<=www)(?=\.)", re.IGNORECASE)  # where GitHub would see an address
_MENTIONED = re.compile(r"(?<=[@#])")  # or a person, or an issue
_COLUMNS = ("connection", "create", "update", "delete", "start", "stop", "people +", "people -", "held back")


def escape(text: str) -> str:
    """Any text as itself in GitHub's Markdown: no mention, link, image, HTML, table break or newline gets through."""
    flat = inert(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _LINKED.sub("&#8203;", _MENTIONED.sub("&#8203;", _SPECIAL.sub(r"\\\1", flat)))


def plan_markdown(plan: Plan, budget: int = BUDGET) -> str:
    """At most `budget` bytes of UTF-8. What does not fit is left out object by object, and counted."""
    head = "\n\n".join(
        [_title(plan), *_waived(plan), *_table(plan), *_widened(plan), *_doubts(plan), *_findings(plan.findings)]
    )
    ledger = phrases.ledger_told(plan.bound.lineage, plan.bound.serial)
    foot = f"\n\nplan `{plan.digest.removeprefix('sha256:')[:12]}` · {ledger} · valid until {plan.expires_at}\n"
    room = budget - len((head + foot).encode()) - 200
    return _clipped(head, budget - len(foot.encode()) - 100) + _details(plan, max(0, room)) + foot


def _title(plan: Plan) -> str:
    campaigns = len({change.key.campaign for change in plan.changes})
    more = counted(planfile.summary(plan)["contacts"]["added"], "more person", "more people")
    if not plan.changes:
        return f"### reconciler: {escape(summary_line(plan))}"
    risk = highest(change.risk for change in plan.changes)
    verb = "campaign changes" if campaigns == 1 else "campaigns change"
    return f"### reconciler: {campaigns} {verb}, {more} can be called · risk: {risk}"


def _waived(plan: Plan) -> Iterable[str]:
    """The exceptions that the plan needs, where nobody reads past them."""
    waived = [finding for finding in plan.findings if finding.code == WAIVED]
    lines = [f"- **Waived** {escape(finding.message)} ({escape(finding.source)})" for finding in waived]
    if lines:
        yield "\n".join(lines)


def _table(plan: Plan) -> Iterable[str]:
    connections = sorted({change.key.connection for change in plan.changes})
    if not connections:
        return
    rows = ["| " + " | ".join(_COLUMNS) + " |", "|" + "---|" * len(_COLUMNS)]
    for connection in connections:
        cells = [escape(connection), *(f"{count:,}" for count in _counts(plan, connection))]
        rows.append("| " + " | ".join(cells) + " |")
    yield "\n".join(rows)


def _counts(plan: Plan, connection: str) -> list[int]:
    mine = [change for change in plan.changes if change.key.connection == connection]
    verbs = [
        sum(change.action is action for change in mine)
        for action in (Action.CREATE, Action.UPDATE, Action.DELETE, Action.START, Action.STOP)
    ]
    deltas = [delta for delta in plan.deltas if delta.key.connection == connection]
    held = sum(sum(d.suppressed.values()) + sum(d.rejected.values()) + d.duplicates + d.held for d in deltas)
    added = _people(mine, {Action.ADD_CONTACTS, Action.CREATE})
    return [*verbs, added, _people(mine, {Action.WITHDRAW_CONTACTS}), held]


def _people(changes: Sequence[Change], actions: set[Action]) -> int:
    return sum(change.contacts.count for change in changes if change.contacts and change.action in actions)


def _widened(plan: Plan) -> Iterable[str]:
    """Whose hours or further attempts change so that somebody may be called who would not have been: said before all else."""
    lines = []
    for change in plan.changes:
        if change.action is Action.UPDATE and change.risk is Risk.DIALLING:
            when = tuple(field for field in change.fields if field.path[0] in {"schedule", "recall"})
            told = "; ".join(f"{label} {said}" for label, said in phrases.field_lines(replace(change, fields=when)))
            lines += [f"- **{escape(change.key.name)}**: {escape(told)}"] if told else []
    if lines:
        yield "\n".join(lines)


def _doubts(plan: Plan) -> Iterable[str]:
    for doubt in plan.in_doubt:
        yield (
            f"**In doubt:** {escape(doubt.key)}, {escape(doubt.verb)} since {escape(doubt.since)}, {people(doubt.people)}. "
            f"Look for `{doubt.look_for}` in the panel, then `{doubt.resolve}`."
        )


def _findings(findings: Sequence[Finding]) -> Iterable[str]:
    for severity, word in ((Severity.ERROR, "Blocked"), (Severity.WARNING, "Warning"), (Severity.INFO, "Note")):
        chosen = [finding for finding in findings if finding.severity is severity and finding.code != WAIVED]
        lines = [
            f"- **{word}** {escape(f.code)}{' ' + escape(f.key) if f.key else ''}: {escape(f.message)} {escape(f.remedy)}"
            for f in chosen
        ]
        if lines:
            yield "\n".join(line.rstrip() for line in lines)


def _details(plan: Plan, room: int) -> str:
    deltas = {delta.key: delta for delta in plan.deltas}
    of_connection: dict[str, list[Change]] = {}
    for change in plan.changes:
        of_connection.setdefault(change.key.connection, []).append(change)
    text, left_out = "", 0
    for connection, changes in of_connection.items():
        start = f"\n\n<details><summary>{escape(connection)} ({counted(len(changes), 'step')})</summary>\n"
        end = "\n\n</details>"
        body = ""
        for change in changes:
            item = "\n" + _item(change, deltas)
            if len((text + start + body + item + end).encode()) > room:
                left_out += 1
                continue
            body += item
        text += start + body + end if body else ""
    if left_out:
        text += f"\n\n{counted(left_out, 'step')} did not fit here; the plan file holds them all: `reconciler show PLANFILE`."
    return text


def _item(change: Change, deltas: Mapping[Key, ContactDelta]) -> str:
    what = f"{change.action.value.replace('_', ' ')} {change.key.contacts or change.key.name}"
    lines = [f"- **{escape(what)}** · {escape(change.source)} · {change.risk} · {escape(change.reason)}"]
    if change.action not in {Action.START, Action.STOP}:
        lines += [f"  - {escape(label)}: {escape(told)}" for label, told in phrases.field_lines(change)]
    if change.contacts:
        verb = {Action.UPDATE_CONTACTS: "updated", Action.WITHDRAW_CONTACTS: "withdrawn"}.get(change.action, "added")
        lines.append("  - " + escape(phrases.people_line(verb, change.contacts.count, deltas.get(change.key))))
    return "\n".join(lines)


def _clipped(text: str, limit: int) -> str:
    raw = text.encode()
    if len(raw) <= limit:
        return text
    return raw[:limit].decode("utf-8", "ignore").rpartition("\n")[0] + "\n\nMore findings are in the plan file."
