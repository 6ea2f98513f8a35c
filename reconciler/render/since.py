"""Plan against plan: what a later push of one pull request changed in what would be done. Uses the two plans and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from reconciler import planfile
from reconciler.model import Action, Change, Finding, Key, Plan
from reconciler.redact import inert
from reconciler.render import overview, phrases
from reconciler.render.escaping import code, escape, short
from reconciler.render.markdown import BUDGET, Page
from reconciler.render.text import findings_lines
from reconciler.risk import highest
from reconciler.units import counted

_PEOPLE: Final = ("added", "updated", "withdrawn")
_Step = tuple[Key, Action]


@dataclass(frozen=True, slots=True)
class Since:
    """What `new` does that `old` did not. `refused`: why the two cannot be compared; `moved`: what else they were made from."""

    old: Plan
    new: Plan
    refused: str = ""
    moved: tuple[str, ...] = ()
    appeared: tuple[Change, ...] = ()
    gone: tuple[Change, ...] = ()
    changed: tuple[tuple[Change, tuple[str, ...]], ...] = ()
    found: tuple[Finding, ...] = ()
    settled: tuple[Finding, ...] = ()

    @property
    def same(self) -> bool:
        """Whether what would be done is the same; what speaks against it may still have changed."""
        return not self.refused and self.old.digest == self.new.digest


def since(old: Plan, new: Plan) -> Since:
    if old.project != new.project:
        return Since(old, new, f"These are plans of two projects, {inert(old.project)} and {inert(new.project)}.")
    before, after = _steps(old), _steps(new)
    changed = []
    for step, change in after.items():
        if step in before and (how := tuple(_differences(before[step], change))):
            changed.append((change, how))
    return Since(
        old,
        new,
        moved=tuple(_moved(old, new)),
        appeared=tuple(change for step, change in after.items() if step not in before),
        gone=tuple(change for step, change in before.items() if step not in after),
        changed=tuple(changed),
        found=_missing(new.findings, old.findings),
        settled=_missing(old.findings, new.findings),
    )


def _steps(plan: Plan) -> dict[_Step, Change]:
    return {(change.key, change.action): change for change in plan.changes}


def _missing(findings: Sequence[Finding], others: Sequence[Finding]) -> tuple[Finding, ...]:
    known = set(others)
    return tuple(finding for finding in findings if finding not in known)


def _moved(old: Plan, new: Plan) -> Iterator[str]:
    if old.bound.lineage and new.bound.lineage and old.bound.lineage != new.bound.lineage:
        yield "another ledger was read: what was sent before may differ for that alone"
    elif old.bound.serial != new.bound.serial:
        yield f"something was applied in between (ledger serial {old.bound.serial}, now {new.bound.serial})"
    if old.bound.config != new.bound.config:
        yield "the configuration was edited"
    if old.bound.sources != new.bound.sources:
        yield "a source of people, a list it names, or what was sent from it changed"
    if old.bound.hosts != new.bound.hosts:
        yield "the vendors' addresses changed"
    if (old.select, old.exclude) != (new.select, new.exclude):
        yield "another part was selected"


def _differences(old: Change, new: Change) -> Iterator[str]:
    if old.fields != new.fields:
        before, after = dict(phrases.field_lines(old)), dict(phrases.field_lines(new))
        for label in before | after:
            if before.get(label) != after.get(label):
                yield f"{label}: {before.get(label, 'not changed')}, now {after.get(label, 'not changed')}"
    if old.contacts and new.contacts and old.contacts.count != new.contacts.count:
        yield f"{old.contacts.count:,} people, now {new.contacts.count:,}"
    elif old.contacts and new.contacts and old.contacts != new.contacts:
        yield f"as many people ({new.contacts.count:,}), but others"
    if old.risk is not new.risk:
        yield f"risk {old.risk}, now {new.risk}"


# ---- told ----------------------------------------------------------------------------------------------------------


def _head(told: Since) -> str:
    """In one sentence; empty where the two cannot be compared."""
    if told.refused:
        return f"{told.refused} There is nothing to compare."
    if told.same:
        return "Nothing changed since: the same would be done."
    counts = [(len(told.appeared), "new"), (len(told.gone), "gone"), (len(told.changed), "changed")]
    steps = ", ".join(f"{count:,} {word}" for count, word in counts if count)
    return f"Steps: {steps}." if steps else "The steps are the same; what they were planned on is not."


def _people(told: Since) -> Iterator[str]:
    """`12,431 added, now 13,000 (569 more)` for every verb in which that changed."""
    before, after = (planfile.summary(plan)["contacts"] for plan in (told.old, told.new))
    for verb in _PEOPLE:
        more = after[verb] - before[verb]
        if more:
            how = f"{abs(more):,} {'more' if more > 0 else 'less'}"
            yield f"{before[verb]:,} {verb}, now {after[verb]:,} ({how})"


def _judged(told: Since) -> Iterator[str]:
    risks = [highest(change.risk for change in plan.changes) for plan in (told.old, told.new)]
    if risks[0] is not risks[1]:
        yield f"Risk: {risks[0]}, now {risks[1]}."
    doubts = [len(plan.in_doubt) for plan in (told.old, told.new)]
    if doubts[0] != doubts[1]:
        yield f"In doubt: {doubts[0]:,}, now {doubts[1]:,}."
    if told.old.blocked != told.new.blocked:
        yield "It is blocked now." if told.new.blocked else "It is not blocked any more."


def _step(change: Change) -> str:
    people = f", {counted(change.contacts.count, 'person', 'people')}" if change.contacts else ""
    return f"{change.action.value.replace('_', ' ')} {inert(str(change.key))}{people}"


def _sections(told: Since) -> Iterable[tuple[str, list[tuple[str, tuple[str, ...]]]]]:
    """(heading, [(step, what of it)])."""
    yield "New", [(f"{_step(change)} · {change.risk}", tuple(overview.why(change))) for change in told.appeared]
    yield "Gone", [(f"{_step(change)} · {change.risk}", ()) for change in told.gone]
    yield "Changed", [(_step(change), how) for change, how in told.changed]


def since_text(told: Since) -> str:
    """The whole comparison; ends with a newline."""
    lines = [f"{_short(told.old)} -> {_short(told.new)}", _head(told)]
    blocks = ["\n".join([*lines, *_rest(told)])]
    for heading, steps in _sections(told):
        if steps:
            blocks.append("\n".join([heading, *(line for step, how in steps for line in _indented(step, how))]))
    for heading, findings in (("New findings", told.found), ("Findings that are gone", told.settled)):
        if findings:
            blocks.append("\n".join([heading, *findings_lines(findings)]))
    return "\n\n".join(blocks) + "\n"


def _rest(told: Since) -> list[str]:
    people = [f"People: {', '.join(found)}."] if (found := list(_people(told))) else []
    return [] if told.refused else [*people, *_judged(told), *(f"  {moved}" for moved in told.moved)]


def _indented(step: str, how: Sequence[str]) -> list[str]:
    return [f"  {step}", *(f"      {line}" for line in how)]


def _short(plan: Plan) -> str:
    return f"{inert(plan.digest)[:14]} ({inert(plan.created_at)})"


def since_markdown(told: Since, budget: int = BUDGET) -> str:
    """At most `budget` bytes of UTF-8; what does not fit is counted."""
    foot = f"\n\nplan {_code(told.new)} since plan {_code(told.old)}\n"
    page = Page(budget - len(foot.encode()) - 300)
    page.block([f"### reconciler: {escape(_head(told))}"])
    page.block([f"- {escape(line.strip())}" for line in _rest(told)])
    for heading, steps in _sections(told):
        items = [
            "\n".join([f"- {escape(short(step))}", *(f"  - {escape(short(one))}" for one in how)])
            for step, how in steps
        ]
        page.block([f"<b>{heading}</b>", "", *items] if items else [])
    for heading, findings in (("New findings", told.found), ("Findings that are gone", told.settled)):
        lines = [
            f"- {escape(short(f'{one.code} {one.about}: {one.message}', 500))}" for one in overview.told_once(findings)
        ]
        page.block([f"<b>{heading}</b>", "", *lines] if lines else [])
    return page.text() + foot


def _code(plan: Plan) -> str:
    return code(plan.digest.removeprefix("sha256:")[:12])


def since_json(told: Since) -> str:
    contacts = [planfile.summary(plan)["contacts"] for plan in (told.old, told.new)]
    return planfile.pretty(
        {
            "formatVersion": 1,
            "old": told.old.digest,
            "new": told.new.digest,
            "comparable": not told.refused,
            "refused": told.refused or None,
            "same": told.same,
            "moved": list(told.moved),
            "steps": {
                "new": [_step_json(change) for change in told.appeared],
                "gone": [_step_json(change) for change in told.gone],
                "changed": [{**_step_json(change), "how": list(how)} for change, how in told.changed],
            },
            "people": {verb: {"before": contacts[0][verb], "after": contacts[1][verb]} for verb in _PEOPLE},
            "findings": {"new": _findings_json(told.found), "gone": _findings_json(told.settled)},
        }
    )


def _step_json(change: Change) -> dict[str, Any]:
    people = change.contacts.count if change.contacts else 0
    return {
        "key": str(change.key),
        "action": change.action.value,
        "risk": change.risk.value,
        "source": change.source,
        "people": people,
    }


def _findings_json(findings: Iterable[Finding]) -> list[Mapping[str, Any]]:
    return [{**asdict(finding), "severity": finding.severity.value} for finding in findings]
