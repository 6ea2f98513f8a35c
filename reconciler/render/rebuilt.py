"""What `state rebuild` comes to, as text and as JSON: what it is made from again, then what nobody can know."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler import planfile
from reconciler.contacts.leftovers import STRAYS
from reconciler.model import Json
from reconciler.model.rebuilt import Rebuilt, Regained
from reconciler.redact import inert
from reconciler.units import people

_LOST = (
    "Who said no (`reconciler refuse`, `state forget`) and is on no suppression list: they look like anybody else now. Put them on a list"
    " that every contact set names before the next apply.",
    "Who was sent and is neither at a vendor nor marked there any more (removed in a panel, withdrawn): in a source, they are new.",
    "Who was on a suppression list at the last apply: somebody who left a list since is added at once, not one apply later.",
    "Whether protect was set: what the YAML says counts.",
    "The audit trail, and what was approved: saved plans are refused.",
)


def rebuilt_text(rebuilt: Rebuilt) -> str:
    return "\n".join(_lines(rebuilt)) + "\n"


def _lines(rebuilt: Rebuilt) -> Iterator[str]:
    yield (
        "The ledger was rebuilt. Nothing was sent." if rebuilt.written else "Nothing was written and nothing was sent."
    )
    for one in rebuilt.campaigns:
        yield f"  {one.key}: {_said(one)}"
    if rebuilt.strangers:
        yield (
            "These carry a mark of reconciler and are nothing that is declared. If one of them is a campaign above under another name:"
            " reconciler adopt KEY VENDOR-ID, before anything is rebuilt."
        )
        yield from (f'  {one.connection} {inert(one.vendor_id)} "{one.name}" {one.note}' for one in rebuilt.strangers)
    yield "Lost, and not to be rebuilt:"
    yield from (f"  {lost}" for lost in _lost(rebuilt))
    yield _next(rebuilt)


def _said(one: Regained) -> str:
    total = sum(one.people.values())
    match one.fate:
        case "bound":
            sets = ", ".join(f"{count:,} of {name}" for name, count in one.people.items() if name != STRAYS)
            there = f"; {people(total)} there{': ' if sets else ''}{sets}" if total else ""
            return f"bound {one.how}{there}{_notes(one)}"
        case "held":
            return (
                f"HELD. No call shows what was sent; it may be up to {people(total)} of those in its sources today, and others who left"
                f" them. Look in the vendor's panel, then: reconciler resolve {one.key.name} --applied"
                f"{'' if one.vendor_id else ' VENDOR-ID'} --reason TEXT   or   --not-applied. Until then nothing of it is sent."
            )
        case "absent":
            return f"not there{': ' + one.how if one.how else ''}; a plan shows what that means"
        case "unclear":
            return f"UNCLEAR, and nothing is rebuilt before you choose: {one.how}."


def _notes(one: Regained) -> str:
    notes = []
    if one.strays:
        notes.append(f"{people(one.strays)} in no source (kept as sent; by what key, is lost)")
    if one.twice:
        notes.append(f"{people(one.twice)} more than once")
    if one.hidden:
        notes.append(f"{people(one.hidden)} whose fields are not shown (taken to be those of the source)")
    return "".join(f"; {note}" for note in notes)


def _lost(rebuilt: Rebuilt) -> Iterator[str]:
    yield from _LOST
    if any(one.canary for one in rebuilt.campaigns):
        yield "Which canary was released: the rest of each waits for `reconciler release` again."


def _next(rebuilt: Rebuilt) -> str:
    if rebuilt.written:
        return "Then: reconciler plan. Look at its people before anything is applied."
    if rebuilt.unclear:
        return "Choose first, then again: reconciler state rebuild"
    return "To write it: reconciler state rebuild --reason TEXT"


def rebuilt_json(rebuilt: Rebuilt) -> str:
    return planfile.pretty(
        {
            "formatVersion": 1,
            "written": rebuilt.written,
            "campaigns": [_object(one) for one in rebuilt.campaigns],
            "strangers": [
                {"connection": one.connection, "vendorId": inert(one.vendor_id), "name": one.name, "mark": one.note}
                for one in rebuilt.strangers
            ],
            "lost": list(_lost(rebuilt)),
        }
    )


def _object(one: Regained) -> dict[str, Json]:
    return {
        "key": str(one.key),
        "fate": one.fate,
        "vendorId": one.vendor_id,
        "how": one.how,
        "people": dict(one.people),
        "inNoSource": one.strays,
        "twice": one.twice,
        "fieldsNotShown": one.hidden,
    }
