"""What drifted as text, Markdown and JSON: what may call more people first, nobody's number, cut to what a comment holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from reconciler import planfile
from reconciler.model import (
    Action,
    Change,
    Drift,
    DriftClass,
    FieldChange,
    FieldDrift,
    ObjectDrift,
    PeopleDrift,
    Risk,
    Unverified,
)
from reconciler.redact import inert
from reconciler.render import phrases
from reconciler.render.escaping import escape
from reconciler.render.markdown import BUDGET
from reconciler.render.text import MOST_UNMANAGED, Paint, plain
from reconciler.risk import worst
from reconciler.units import counted, people

_STYLES = {DriftClass.WIDENING: "red", DriftClass.RESTRICTING: "yellow", DriftClass.NEUTRAL: "dim"}
_WORST_FIRST = tuple(reversed(DriftClass))
_NEXT = "Look at it with git diff, let it be reviewed, and apply it: what was taken over sends nothing, and the ledger learns it."
_MOST_ALIKE = 3  # campaigns named where the same is said of many
_FULL = "To see all of it: reconciler drift --format json"


# ---- what is said, whatever the layout -----------------------------------------------------------------------------


def _edits(one: ObjectDrift) -> Iterator[tuple[DriftClass, phrases.Edit]]:
    """Each thing that changed in the parts of a sentence, the worst first; days whose hours changed alike together."""
    groups: dict[tuple[str, ...], list[FieldDrift]] = {}
    for field in one.fields:
        groups.setdefault(_group(field), []).append(field)
    found = [(worst(field.kind for field in fields), _said(one, fields)) for fields in groups.values()]
    for kind, edits in sorted(found, key=lambda pair: _WORST_FIRST.index(pair[0])):
        yield from ((kind, edit) for edit in edits)


def _group(field: FieldDrift) -> tuple[str, ...]:
    if field.path[:2] == ("schedule", "windows"):
        return (*field.path[:2], str(field.before), str(field.after))
    return field.path[:-1] if field.path[-1] in {"uuid", "name"} else field.path


def _said(one: ObjectDrift, fields: Sequence[FieldDrift]) -> list[phrases.Edit]:
    changes = tuple(FieldChange(field.path, field.before, field.after) for field in fields)
    schedule = {"timezone": one.zone}
    return phrases.edits(
        Change(
            0, Action.UPDATE, one.key, "", "", Risk.SAFE, fields=changes, schedule={**schedule} if one.zone else None
        )
    )


def _who(one: ObjectDrift) -> str:
    """Who did it and when, as far as the vendor tells."""
    if one.changed_at:
        return f"changed last at {one.changed_at}; {one.vendor} does not tell by whom"
    return f"{one.vendor} does not tell who changed it, or when"


def _gone(one: ObjectDrift) -> str:
    return f"gone: {one.vendor} has no campaign {inert(one.vendor_id)} any more, or is removing it"


def _head(drift: Drift) -> str:
    if not drift.objects:
        return f"No drift: {counted(drift.compared, 'campaign')} as applied" + (
            ", as far as they can be read." if drift.unverified else "."
        )
    counts = [(kind, sum(one.kind is kind for one in drift.objects)) for kind in _WORST_FIRST]
    told = ", ".join(f"{count} {kind}" for kind, count in counts if count)
    return f"Drift in {len(drift.objects)} of {counted(drift.compared, 'campaign')}: {told}."


def _unsure(one: Unverified) -> str:
    since = f"cannot be verified since {one.since}" if one.since else "cannot be verified"
    return f"{', '.join(one.fields)} {since}: {one.why}" if one.fields else f"{since}: {one.why}"


def _people(one: PeopleDrift) -> str:
    counts = [
        (one.missing, "gone"),
        (one.extra, "never sent from here"),
        (one.twice, "there more than once"),
        (one.changed or 0, "with other fields"),
    ]
    told = ", ".join(f"{people(count)} {word}" for count, word in counts if count)
    return f"{told} (of {people(one.expected)} sent, by {'counts' if one.how == 'counts' else 'reading everybody'})"


# ---- text ----------------------------------------------------------------------------------------------------------


def drift_text(drift: Drift, paint: Paint = plain) -> str:
    """Everything; ends with a newline."""
    ledger = phrases.ledger_told(drift.lineage, drift.serial)
    lines = [paint(f"{drift.project}: {_head(drift)}", "bold"), ledger]
    if drift.partial:
        chosen = [f"--select {e}" for e in drift.select] + [f"--exclude {e}" for e in drift.exclude]
        lines.append(f"A part ({' '.join(chosen)}): it says nothing about the rest.")
    blocks = ["\n".join(lines), *_objects(drift, paint)]
    blocks += [_block(title, rows) for title, rows in _lists(drift) if rows]
    blocks += [_NEXT] if any(not one.note.endswith("already") for one in drift.adopted) else []
    return "\n\n".join(blocks) + "\n"


def _objects(drift: Drift, paint: Paint) -> Iterator[str]:
    for one in sorted(drift.objects, key=lambda one: (_WORST_FIRST.index(one.kind), one.key)):
        source = inert(one.source) or "not declared any more"
        lines = [f"~ {paint(f'{one.kind.value:<13}', _STYLES[one.kind])}{one.key}   {source}"]
        lines += [f"      {_gone(one)}"] if one.gone else []
        lines += [
            f"      {edit.label:<18}{_arrow(edit)}   {paint(kind.value, _STYLES[kind])}" for kind, edit in _edits(one)
        ]
        yield "\n".join([*lines, f"      {_who(one)}"])


def _arrow(edit: phrases.Edit) -> str:
    told = f"{edit.before}  ->  {edit.after}" if edit.before else edit.after
    return f"{told}, {edit.effect}" if edit.effect else told


def _block(title: str, rows: Sequence[str]) -> str:
    return "\n".join([f"{title}:", *(f"  {row}" for row in rows)])


def _lists(drift: Drift) -> Iterator[tuple[str, list[str]]]:
    """What is told in lines, by its title; empty ones too."""
    yield (
        "Running, though nothing declares it so",
        [
            f"{one.key or one.connection}  {inert(one.name) or '(no name)'}  {inert(one.vendor_id)}: {one.why}"
            for one in drift.running
        ],
    )
    yield "People", list(_contacts_told(drift.contacts or ()))
    yield (
        "In doubt, and drift there may be a lost answer of ours",
        [f"{one.key}: {one.verb.replace('_', ' ')} since {one.since}; {one.resolve}" for one in drift.in_doubt],
    )
    yield "Not known", list(_together((str(one.key), _unsure(one)) for one in drift.unverified))
    yield f"{counted(len(drift.unmanaged), 'live campaign')} not managed here", list(_unmanaged(drift))
    yield (
        "Taken into the declarations",
        list(
            dict.fromkeys(
                f"{one.source}  {one.key}  {_at(one.path)}" + (f": {one.note}" if one.note else "")
                for one in drift.adopted
            )
        ),
    )
    yield (
        "Not taken",
        list(dict.fromkeys(f"{one.key}  {_at(one.path)}".rstrip() + f": {inert(one.why)}" for one in drift.refused)),
    )


def _contacts_told(found: Sequence[PeopleDrift]) -> Iterator[str]:
    yield from (f"{one.key}: {_people(one)}" for one in found if one.moved)
    if quiet := sum(not one.moved for one in found):
        yield f"{counted(quiet, 'campaign')} as sent"


def _together(told: Iterable[tuple[str, str]]) -> Iterator[str]:
    """What is said of several campaigns in the same words, once."""
    alike: dict[str, list[str]] = {}
    for key, words in told:
        alike.setdefault(words, []).append(key)
    for words, keys in alike.items():
        more = f" and {len(keys) - _MOST_ALIKE} more" if len(keys) > _MOST_ALIKE else ""
        yield f"{', '.join(keys[:_MOST_ALIKE])}{more}: {words}"


def _at(path: Sequence[str]) -> str:
    """A field, the days of a week as one."""
    return ".".join(path[:2] if path[:2] == ("schedule", "windows") else path)


def _unmanaged(drift: Drift) -> Iterator[str]:
    for one in drift.unmanaged[:MOST_UNMANAGED]:
        extra = ", ".join(part for part in (one.run, one.note) if part)
        name = f"{one.connection}  {inert(one.name) or '(no name)'}  {inert(one.vendor_id)}"
        yield f"{name}  {extra}" if extra else name
    if len(drift.unmanaged) > MOST_UNMANAGED:
        yield f"and {len(drift.unmanaged) - MOST_UNMANAGED} more"


# ---- markdown ------------------------------------------------------------------------------------------------------


def drift_markdown(drift: Drift, budget: int = BUDGET) -> str:
    """At most `budget` bytes of UTF-8, whole lines; what does not fit is counted."""
    items = [f"### reconciler drift: {escape(_head(drift))}", *_markdown_objects(drift)]
    for title, rows in _lists(drift):
        if rows:
            items += ["\n".join([f"**{escape(title)}**", "", *(f"- {escape(row)}" for row in rows)])]
    foot = f"\n\n{phrases.ledger_told(drift.lineage, drift.serial)}\n"
    return _fitting(items, budget - len(foot.encode()) - 100) + foot


def _markdown_objects(drift: Drift) -> Iterator[str]:
    for one in sorted(drift.objects, key=lambda one: (_WORST_FIRST.index(one.kind), one.key)):
        source = escape(one.source) or "not declared any more"
        lines = [f"**{escape(str(one.key))}** · {one.kind} · {source} · {escape(_who(one))}", ""]
        lines += [f"- {escape(_gone(one))}"] if one.gone else []
        lines += [f"- {kind}: {escape(str(edit))}" for kind, edit in _edits(one)]
        yield "\n".join(lines)


def _fitting(items: Sequence[str], room: int) -> str:
    text, left = "", 0
    for line in "\n\n".join(items).split("\n"):
        if left or len(f"{text}{line}\n".encode()) > room:
            left += bool(line)
            continue
        text += f"{line}\n"
    return text.rstrip("\n") + (f"\n\n{counted(left, 'line')} did not fit here. {_FULL}" if left else "")


# ---- JSON ----------------------------------------------------------------------------------------------------------


def drift_json(drift: Drift) -> str:
    """schemas/drift.schema.json."""
    return planfile.pretty(
        {
            "formatVersion": 1,
            "project": drift.project,
            "lineage": drift.lineage,
            "serial": drift.serial,
            "compared": drift.compared,
            "selection": {"select": list(drift.select), "exclude": list(drift.exclude)},
            "found": drift.found,
            "objects": [_object(one) for one in drift.objects],
            "contacts": [_contacts(one) for one in drift.contacts or ()],
            "unmanaged": [
                {"connection": u.connection, "vendorId": u.vendor_id, "name": u.name, "run": u.run, "note": u.note}
                for u in drift.unmanaged
            ],
            "running": [
                {
                    "key": r.key,
                    "connection": r.connection,
                    "vendorId": r.vendor_id,
                    "name": r.name,
                    "run": r.run,
                    "why": r.why,
                }
                for r in drift.running
            ],
            "unverified": [
                {"key": str(u.key), "fields": list(u.fields), "since": u.since, "why": u.why} for u in drift.unverified
            ],
            "inDoubt": [
                {"request": d.request, "key": d.key, "verb": d.verb, "since": d.since, "resolve": d.resolve}
                for d in drift.in_doubt
            ],
            "adopted": [
                {"key": str(a.key), "path": list(a.path), "source": a.source, "note": a.note} for a in drift.adopted
            ],
            "refused": [{"key": str(r.key), "path": list(r.path), "why": r.why} for r in drift.refused],
        }
    )


def _object(one: ObjectDrift) -> dict[str, Any]:
    return {
        "key": str(one.key),
        "vendor": one.vendor,
        "vendorId": one.vendor_id,
        "class": one.kind.value,
        "gone": one.gone,
        "source": one.source,
        "changedAt": one.changed_at,
        "who": _who(one),
        "fields": [_field(one, field) for field in one.fields],
    }


def _field(one: ObjectDrift, field: FieldDrift) -> dict[str, Any]:
    return {
        "path": list(field.path),
        "before": field.before,
        "after": field.after,
        "class": field.kind.value,
        "said": "; ".join(map(str, _said(one, [field]))),
    }


def _contacts(one: PeopleDrift) -> dict[str, Any]:
    counts = {"missing": one.missing, "extra": one.extra, "twice": one.twice, "changed": one.changed}
    return {"key": str(one.key), "how": one.how, "expected": one.expected, **counts}


def drift_told(drift: Drift, style: str, paint: Paint = plain) -> str:
    """In one of the styles of `--format`."""
    if style == "json":
        return drift_json(drift)
    return drift_markdown(drift) if style == "markdown" else drift_text(drift, paint)
