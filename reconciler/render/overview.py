"""What a plan comes to: counted, grouped and put into sentences once for every format that people read. Knows no layout."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from reconciler import planfile
from reconciler.guards import WAIVED
from reconciler.model import Action, Cause, Change, FieldChange, Finding, Key, Plan, Severity, SharedPart
from reconciler.redact import inert
from reconciler.render import phrases
from reconciler.units import counted

MOST_ALIKE: Final = 3  # objects named in one finding
MOST_OF_CODE: Final = 5  # different things that findings of one code say
MOST_NAMED: Final = 5  # campaigns named in one sentence
VERBS: Final = (Action.CREATE, Action.UPDATE, Action.DELETE, Action.START, Action.STOP)
_PEOPLE: Final = {
    Action.CREATE: "added",
    Action.ADD_CONTACTS: "added",
    Action.UPDATE_CONTACTS: "updated",
    Action.WITHDRAW_CONTACTS: "withdrawn",
}
_TOLD: Final = {
    Action.DELETE: "deleted at the vendor",
    Action.STOP: "stopped",
    Action.START: "started: it dials from then on",
}
_CALLS: Final = {"schedule": "Schedule", "recall": "RecallPolicy"}
_KINDS: Final = {"Schedule": "schedule", "RecallPolicy": "recall policy", "ContactSet": "contact set"}
_CAUSES: Final = {
    Cause.DECLARED: "changed in the declaration",
    Cause.DRIFT: "changed at the vendor since the last apply",
    Cause.BOTH: "changed in the declaration, and at the vendor since the last apply",
    Cause.DEFAULT: "not declared, and its default is another one now",
    Cause.FIRST: "declared for the first time",
}


# ---- counts --------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Row:
    """One connection: steps per verb, people who come, change, go, and rows of their sources that come to nothing."""

    connection: str
    verbs: dict[Action, int]
    added: int = 0
    updated: int = 0
    withdrawn: int = 0
    held: int = 0

    def __add__(self, other: Row) -> Row:
        verbs = {verb: self.verbs[verb] + other.verbs[verb] for verb in VERBS}
        added, updated = self.added + other.added, self.updated + other.updated
        return Row("", verbs, added, updated, self.withdrawn + other.withdrawn, self.held + other.held)


def rows(plan: Plan) -> list[Row]:
    """One per connection in which something changes, by name."""
    found: dict[str, Row] = {}
    for change in plan.changes:
        row = found.setdefault(change.key.connection, Row(change.key.connection, dict.fromkeys(VERBS, 0)))
        if change.action in row.verbs:
            row.verbs[change.action] += 1
        if change.contacts and (verb := _PEOPLE.get(change.action)):
            setattr(row, verb, getattr(row, verb) + change.contacts.count)
    for delta in plan.deltas:
        if delta.key.connection in found:
            held = sum(delta.suppressed.values()) + sum(delta.rejected.values()) + delta.duplicates + delta.held
            found[delta.key.connection].held += held
    return [found[name] for name in sorted(found)]


def people_told(plan: Plan) -> list[str]:
    """`12,431 added`, `118 suppressed`: who comes, changes and goes always, the rest where there is any."""
    counts = planfile.summary(plan)["contacts"]
    always = [f"{counts[verb]:,} {verb}" for verb in ("added", "updated", "withdrawn")]
    rest = [f"{counts[verb]:,} {verb}" for verb in ("suppressed", "rejected") if counts[verb]]
    rest += [counted(counts["duplicates"], "duplicate")] if counts["duplicates"] else []
    return always + rest + ([f"{counts['unchanged']:,} unchanged"] if counts["unchanged"] else [])


def findings_told(plan: Plan) -> list[str]:
    """`2 errors`, `1 warning`; of what is not there nothing."""
    words = ((Severity.ERROR, "error"), (Severity.WARNING, "warning"), (Severity.INFO, "note"))
    counts = ((sum(f.severity is severity for f in plan.findings), word) for severity, word in words)
    told = [counted(count, word) for count, word in counts if count]
    return told + ([f"{len(plan.in_doubt):,} in doubt"] if plan.in_doubt else [])


def objects(plan: Plan) -> dict[str, list[list[Change]]]:
    """Connection -> its campaigns, each with its steps in order."""
    found: dict[str, dict[Key, list[Change]]] = {}
    for change in plan.changes:
        found.setdefault(change.key.connection, {}).setdefault(change.key.campaign, []).append(change)
    return {connection: list(campaigns.values()) for connection, campaigns in found.items()}


# ---- findings ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Alike:
    """What findings say of one or several objects in the same words. `places`: of the first few; `more`: how many others."""

    code: str
    message: str
    remedy: str
    places: tuple[str, ...] = ()
    more: int = 0

    @property
    def about(self) -> str:
        """`acme/campaign/a (a.yaml:3), acme/campaign/b and 4 more`; empty where it is about nothing."""
        named = ", ".join(filter(None, self.places))
        return named + (f", and {self.more:,} more" if named and self.more else "")


def told_once(findings: Iterable[Finding]) -> list[Alike]:
    """Equal words once, and of one code no more than `MOST_OF_CODE`; what is beyond that is counted."""
    groups: dict[str, dict[tuple[str, str], list[Finding]]] = {}
    for finding in findings:
        groups.setdefault(finding.code, {}).setdefault((finding.message, finding.remedy), []).append(finding)
    told = []
    for code, alike in groups.items():
        for (message, remedy), group in list(alike.items())[:MOST_OF_CODE]:
            places = tuple(_place(finding) for finding in group[:MOST_ALIKE])
            told.append(Alike(inert(code), inert(message), inert(remedy), places, max(0, len(group) - MOST_ALIKE)))
        rest = sum(len(group) for group in list(alike.values())[MOST_OF_CODE:])
        told += [Alike(inert(code), f"and {rest:,} more of this kind.", "")] if rest else []
    return told


def _place(finding: Finding) -> str:
    """`acme/campaign/spring (campaigns.yaml:3)`, or what there is of it."""
    place = f"({inert(finding.source)})" if finding.source and finding.key else inert(finding.source)
    return f"{inert(finding.key)} {place}".strip()


def waived(plan: Plan) -> list[Finding]:
    """The exceptions that the plan needs."""
    return [finding for finding in plan.findings if finding.code == WAIVED]


def of_severity(plan: Plan, severity: Severity) -> list[Finding]:
    """Without the waivers, which have a place of their own."""
    return [finding for finding in plan.findings if finding.severity is severity and finding.code != WAIVED]


# ---- why, and what it means ------------------------------------------------------------------------------------------


def why(change: Change) -> list[str]:
    """Why a step is there, with the lines of the declaration that it comes from; fields apart where they differ in it."""
    causes: dict[Cause, list[FieldChange]] = {}
    for field in change.fields:
        if field.cause is not None:
            causes.setdefault(field.cause, []).append(field)
    if not causes or (set(causes) == {Cause.FIRST} and change.reason.endswith("never applied")):
        return [reason] if (reason := inert(change.reason)) else []
    return [_because(cause, fields, len(causes) > 1) for cause, fields in causes.items()]


def _because(cause: Cause, fields: Sequence[FieldChange], apart: bool) -> str:
    places = [] if cause is Cause.DRIFT else _places({inert(field.source) for field in fields if field.source})
    labels = dict.fromkeys("calling hours" if f.path[0] == "schedule" else phrases.label(f.path) for f in fields)
    which = f"{', '.join(labels)}: " if apart else ""
    return which + ", ".join([_CAUSES[cause], *_some(places)])


def _places(sources: Iterable[str]) -> list[str]:
    """`a.yaml:3` and `a.yaml:5` as `a.yaml:3,5`."""
    lines: dict[str, list[str]] = {}
    for source in sorted(sources, key=lambda source: (source.rpartition(":")[0], len(source), source)):
        file, _, line = source.rpartition(":")
        lines.setdefault(file, []).append(line)
    return [f"{file}:{','.join(_some(numbers))}" for file, numbers in lines.items()]


def _some(names: Sequence[str]) -> list[str]:
    more = len(names) - MOST_NAMED
    return [*names[:MOST_NAMED], *([f"and {more:,} more"] if more > 0 else [])]


@dataclass(frozen=True, slots=True)
class Meaning:
    """One thing that changes for those who are called, said once however many campaigns it concerns.

    `schedule office-hours`, `shared.yaml:3`, `Mon-Fri 09:00-20:00 becomes 10:00-19:00 Europe/Warsaw, 10 h a week less`, `used by ...`.
    """

    subject: str
    place: str
    told: str
    users: str = ""


def meanings(plan: Plan) -> list[Meaning]:
    """What is deleted, stopped and started, then hours and attempts that change, then sets that several campaigns share."""
    return [*_ended(plan), *_calls(plan), *_sets(plan)]


def _ended(plan: Plan) -> Iterator[Meaning]:
    for action, told in _TOLD.items():
        keys = [change.key for change in plan.changes if change.action is action]
        if keys:
            yield Meaning(_campaigns(keys), "", told)


def _calls(plan: Plan) -> Iterator[Meaning]:
    parts: dict[tuple[str, str], SharedPart] = {(part.kind, part.name): part for part in plan.shared}
    owners: dict[tuple[str, Key], str] = {(p.kind, key): p.name for p in plan.shared for key in p.campaigns}
    groups: dict[tuple[str, str, str], tuple[Change, list[Key]]] = {}
    for change in plan.changes:
        for kind, fields in _edited(change):
            name = owners.get((kind, change.key), "") if fields[0].cause is not Cause.DRIFT else ""
            zone = phrases.zone_of(change.schedule) if kind == "Schedule" else ""
            same = repr([zone, *((f.path, f.before, f.after, f.cause is Cause.DRIFT) for f in fields)])
            groups.setdefault((kind, name, same), (replace(change, fields=fields), []))[1].append(change.key)
    for (kind, name, _), (change, keys) in groups.items():
        told = "; ".join(map(_edit, phrases.edits(change)))
        part = parts.get((kind, name))
        if part is not None:
            yield Meaning(f"{_KINDS[kind]} {inert(name)}", inert(part.source), told, _used(part, keys))
        else:
            cause = change.fields[0].cause
            yield Meaning(_campaigns(keys), "", told, _CAUSES[cause] if cause else "")


def _edited(change: Change) -> Iterator[tuple[str, tuple[FieldChange, ...]]]:
    """The parts of an update that hours and attempts are, what was changed at the vendor apart."""
    if change.action is not Action.UPDATE:
        return
    for top, kind in _CALLS.items():
        for drift in (False, True):
            fields = tuple(f for f in change.fields if f.path[0] == top and (f.cause is Cause.DRIFT) is drift)
            if fields:
                yield kind, fields


def _edit(edit: phrases.Edit) -> str:
    return str(edit).removeprefix("calling hours: ")


def _campaigns(keys: Sequence[Key]) -> str:
    names = _some([inert(key.name) for key in keys])
    return f"campaign {names[0]}" if len(keys) == 1 else f"{len(keys):,} campaigns ({', '.join(names)})"


def _used(part: SharedPart, keys: Sequence[Key]) -> str:
    """`used by 3 campaigns: a, b, c`; of a part that does not change at all of them, at which."""
    users, changing = len(part.campaigns), len(set(keys))
    names = ", ".join(_some([inert(key.name) for key in sorted(set(keys))]))
    among = f" and changing {changing:,} of them" if changing < users else ""
    return f"used by {counted(users, 'campaign')}{among}: {names}"


def _sets(plan: Plan) -> Iterator[Meaning]:
    moved: Mapping[str, list[Change]] = {part.name: [] for part in plan.shared if part.kind == "ContactSet"}
    for change in plan.changes:
        if change.contacts and change.key.contacts in moved:
            moved[change.key.contacts].append(change)
    for part in plan.shared:
        changes = moved.get(part.name, []) if part.kind == "ContactSet" and len(part.campaigns) > 1 else []
        counts: dict[str, int] = {}
        for change in changes:
            if change.contacts:
                verb = _PEOPLE.get(change.action, "")
                counts[verb] = counts.get(verb, 0) + change.contacts.count
        if counts:
            told = " and ".join(f"{count:,} {verb}" for verb, count in counts.items())
            users = _used(part, [change.key.campaign for change in changes])
            yield Meaning(f"contact set {inert(part.name)}", inert(part.source), told, users)
