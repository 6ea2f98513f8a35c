"""A plan as the comment under a pull request: the summary first and whole, details folded, cut at whole objects to a byte budget."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from reconciler import planfile
from reconciler.model import Action, Change, ContactDelta, Key, Plan, Severity
from reconciler.render import overview, phrases
from reconciler.render.escaping import code, escape, short
from reconciler.render.overview import Row
from reconciler.render.text import summary_line
from reconciler.risk import ORDER, highest
from reconciler.units import counted, people

BUDGET: Final = 65_536  # bytes: what GitHub accepts in one comment; GitLab takes 1,000,000
MOST_CONNECTIONS: Final = 20  # rows of the table
MOST_LINES: Final = 10  # of each part of the summary
_RESERVE: Final = 300  # bytes, for saying what was left out
_COLUMNS = ("connection", "create", "update", "delete", "start", "stop", "people +", "people -", "held back")


def plan_markdown(plan: Plan, budget: int = BUDGET) -> str:
    """At most `budget` bytes of UTF-8. What does not fit is left out object by object, and counted."""
    foot = f"\n\n{_foot(plan)}\n"
    page = Page(budget - len(foot.encode()) - _RESERVE)
    for lines in _summary(plan):
        page.block(lines)
    _details(plan, page)
    return page.text() + foot


class Page:
    """Lines and blocks as long as there is room, in bytes of UTF-8."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.left_out = 0  # lines of the summary
        self.notes: list[str] = []
        self._parts: list[str] = []

    def add(self, text: str, after: str = "") -> bool:
        """Whether it, and `after` behind it, still fitted. `after` is not added."""
        size = len(text.encode())
        if size + len(after.encode()) > self.room:
            return False
        self.room -= size
        self._parts.append(text)
        return True

    def block(self, lines: Iterable[str]) -> None:
        """Lines that belong together, after an empty one."""
        break_ = "\n\n" if self._parts else ""
        for line in lines:
            if self.add(break_ + line):
                break_ = "\n"
            else:
                self.left_out += 1

    def text(self) -> str:
        more = [f"{counted(self.left_out, 'line')} of this summary did not fit."] if self.left_out else []
        return "\n\n".join(["".join(self._parts), *more, *self.notes])


# ---- the summary ---------------------------------------------------------------------------------------------------


def _summary(plan: Plan) -> Iterable[list[str]]:
    yield [_title(plan)]
    yield _capped([f"- <b>Waived</b> {escape(short(f.message))} ({escape(f.source)})" for f in overview.waived(plan)])
    if plan.partial:
        chosen = [f"--select {e}" for e in plan.select] + [f"--exclude {e}" for e in plan.exclude]
        told = f"A partial plan ({short(' '.join(chosen))}): it removes nothing and says nothing about the rest."
        yield [escape(told)]
    yield list(_table(overview.rows(plan)))
    yield [_totals(plan)]
    yield list(_findings(plan, Severity.ERROR, "Blocked"))
    yield list(_doubts(plan))
    yield _capped([_meaning(meaning) for meaning in overview.meanings(plan)])
    yield list(_findings(plan, Severity.WARNING, "Warning"))
    yield list(_findings(plan, Severity.INFO, "Note"))


def _title(plan: Plan) -> str:
    if not plan.changes:
        return f"### reconciler: {escape(summary_line(plan))}"
    campaigns = len({change.key.campaign for change in plan.changes})
    verb = "campaign changes" if campaigns == 1 else "campaigns change"
    counts = planfile.summary(plan)["contacts"]
    more = counted(counts["added"], "more person", "more people")
    less = f", {counts['withdrawn']:,} withdrawn" if counts["withdrawn"] else ""
    risk = highest(change.risk for change in plan.changes)
    blocked = " · blocked" if plan.blocked else ""
    return f"### reconciler: {campaigns:,} {verb}, {more} can be called{less} · risk: {risk}{blocked}"


def _table(rows: Sequence[Row]) -> Iterable[str]:
    if not rows:
        return
    yield "| " + " | ".join(_COLUMNS) + " |"
    yield "|" + "---|" * len(_COLUMNS)
    for row in rows[:MOST_CONNECTIONS]:
        yield _cells(escape(short(row.connection, 60)), row)
    if more := rows[MOST_CONNECTIONS:]:
        yield _cells(f"{len(more):,} more", _sum(more))
    if len(rows) > 1:
        yield _cells("<b>all</b>", _sum(rows))


def _sum(rows: Sequence[Row]) -> Row:
    total = rows[0]
    for row in rows[1:]:
        total += row
    return total


def _cells(name: str, row: Row) -> str:
    counts = [*row.verbs.values(), row.added, row.withdrawn, row.held]
    return "| " + " | ".join([name, *(f"{count:,}" for count in counts)]) + " |"


def _totals(plan: Plan) -> str:
    told = [f"People: {', '.join(overview.people_told(plan))}."] if plan.changes or plan.deltas else []
    found = overview.findings_told(plan)
    return " ".join([*told, *([f"Findings: {', '.join(found)}."] if found else ["No findings."])])


def _meaning(meaning: overview.Meaning) -> str:
    place = f" · {escape(short(meaning.place))}" if meaning.place else ""
    users = f", {escape(short(meaning.users))}" if meaning.users else ""
    return f"- <b>{escape(short(meaning.subject))}</b>{place}: {escape(short(meaning.told))}{users}"


def _doubts(plan: Plan) -> Iterable[str]:
    for doubt in plan.in_doubt[:MOST_LINES]:
        yield (
            f"- <b>In doubt</b> {escape(doubt.key)}, {escape(doubt.verb)} since {escape(doubt.since)}, {people(doubt.people)}. "
            f"Look {f'for {code(doubt.look_for)} ' if doubt.look_for else ''}in the panel, then {code(doubt.resolve)}."
        )
    if len(plan.in_doubt) > MOST_LINES:
        yield f"- and {len(plan.in_doubt) - MOST_LINES:,} more in doubt"


def _findings(plan: Plan, severity: Severity, word: str) -> Iterable[str]:
    lines = []
    for one in overview.told_once(overview.of_severity(plan, severity)):
        about = f" {escape(short(one.about))}" if one.about else ""
        lines.append(
            f"- <b>{word}</b> {escape(one.code)}{about}: {escape(short(one.message, 500))} {escape(short(one.remedy, 500))}"
        )
    return _capped([line.rstrip() for line in lines])


def _capped(lines: list[str]) -> list[str]:
    more = len(lines) - MOST_LINES
    return [*lines[:MOST_LINES], *([f"- and {more:,} more of these"] if more > 0 else [])]


# ---- the details ---------------------------------------------------------------------------------------------------


def _details(plan: Plan, page: Page) -> None:
    """Connections and, in each, campaigns: those with the highest risk first, as long as there is room."""
    deltas = {delta.key: delta for delta in plan.deltas}
    shown, connections = 0, overview.objects(plan)
    end, full = "\n\n</details>", False
    for connection, campaigns in sorted(connections.items(), key=lambda one: -max(map(_danger, one[1]))):
        start = f"\n\n<details><summary>{escape(short(connection, 60))} ({_sizes(campaigns)})</summary>\n"
        for steps in sorted(campaigns, key=_danger, reverse=True):
            full = full or not page.add(f"{start}\n{_item(steps, deltas)}", end)
            if full:
                break
            start, shown = "", shown + 1
        if not start:
            page.add(end)
    total = sum(map(len, connections.values()))
    if shown < total:
        where = "the plan file holds them all: `reconciler show PLANFILE`"
        page.notes.append(f"{total - shown:,} of {counted(total, 'campaign')} did not fit here; {where}.")


def _danger(steps: Sequence[Change]) -> int:
    return ORDER.index(highest(step.risk for step in steps))


def _sizes(campaigns: Sequence[Sequence[Change]]) -> str:
    sets = len({step.key.contacts for steps in campaigns for step in steps if step.key.contacts})
    told = counted(len(campaigns), "campaign")
    return f"{told}, {counted(sets, 'contact set')}" if sets else told


def _item(steps: Sequence[Change], deltas: Mapping[Key, ContactDelta]) -> str:
    lines = [f"- <b>{escape(short(steps[0].key.name, 80))}</b> · {highest(step.risk for step in steps)}"]
    for step in steps:
        lines += _step(step, deltas)
    return "\n".join(lines)


def _step(change: Change, deltas: Mapping[Key, ContactDelta]) -> Iterable[str]:
    what = f"{change.action.value.replace('_', ' ')} {change.key.contacts}".rstrip()
    place = f" · {escape(short(change.source))}" if change.source else ""
    reasons = overview.why(change)
    yield f"  - {escape(short(what, 80))}{place}" + (f" · {escape(short(reasons[0]))}" if len(reasons) == 1 else "")
    if change.action not in {Action.START, Action.STOP}:
        for label, told in phrases.field_lines(change):
            yield f"    - {escape(short(label, 80))}: {escape(short(told))}"
    if change.contacts:
        verb = {Action.UPDATE_CONTACTS: "updated", Action.WITHDRAW_CONTACTS: "withdrawn"}.get(change.action, "added")
        yield "    - " + escape(short(phrases.people_line(verb, change.contacts.count, deltas.get(change.key))))
    if len(reasons) > 1:
        yield from (f"    - why: {escape(short(reason))}" for reason in reasons)


def _foot(plan: Plan) -> str:
    parts = [f"plan {code(plan.digest.removeprefix('sha256:')[:12])}"]
    parts += [f"commit {code(plan.commit[:12])}"] if plan.commit else []
    ledger = phrases.ledger_told(short(plan.bound.lineage, 80), plan.bound.serial)
    parts += [escape(ledger), f"valid until {escape(short(plan.expires_at, 40))}"]
    return " · ".join(parts)
