"""What the ledger holds, as text or JSON: bindings, last applied values, counts of people by state. Never who they are."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from reconciler import planfile
from reconciler.ledger.base import Event, Freed, LedgerReader
from reconciler.ledger.chain import Break
from reconciler.ledger.closing import closed
from reconciler.ledger.copying import Copied
from reconciler.ledger.expiring import Lapse, day, lapses
from reconciler.model import Binding, Key, LetGo, Removal
from reconciler.redact import inert, mask
from reconciler.render.phrases import applied_lines
from reconciler.render.text import removals_text
from reconciler.units import counted, duration_text, people


def bindings_text(ledger: LedgerReader) -> str:
    bindings = _bound(ledger)
    lines = [_head(ledger), *filter(None, [closed(ledger)])]
    lines += [f"  {key!s:<60} {inert(binding.vendor_id)}" for key, binding in sorted(bindings.items())]
    lines += [
        f"  in doubt: {request.key} {request.verb} since {request.claimed_at}" for request in ledger.open_requests()
    ]
    lines += [f"  not bound: {lapse.key} since {day(lapse.unbound)}, {_kept(lapse)}" for lapse in lapses(ledger)]
    return "\n".join(lines) + "\n"


def bindings_json(ledger: LedgerReader) -> str:
    holder = ledger.holder()
    return planfile.pretty(
        {
            "formatVersion": 1,
            "lineage": ledger.lineage,
            "serial": ledger.serial,
            "closed": closed(ledger) or None,
            "holder": {"run": holder.run, "host": holder.host, "url": holder.url} if holder else None,
            "bindings": [_binding(key, binding) for key, binding in sorted(_bound(ledger).items())],
            "inDoubt": [{"request": r.id, "key": str(r.key), "verb": r.verb} for r in ledger.open_requests()],
            "fingerprints": [_lapse(lapse) for lapse in lapses(ledger)],
        }
    )


def binding_text(ledger: LedgerReader, key: Key) -> str:
    binding = ledger.bindings()[key]
    lines = [
        f"{key}",
        f"  vendor id       {inert(binding.vendor_id) or 'none'}",
        f"  identity        {binding.identity}",
    ]
    lines += [f"  bound           {binding.bound_at}"] if binding.bound_at else []
    lines += [f"  {'protected':<16}yes"] if binding.protect else []
    lines += [f"  {name:<16}{inert(told)}" for name, told in applied_lines(binding.last_applied)]
    lines += [
        f"  {'people':<16}{count:,} {state.replace('_', ' ')}"
        for state, count in sorted(_people(ledger, binding).items())
    ]
    lines += [
        f"  {'not bound':<16}since {day(lapse.unbound)}; {lapse.key.contacts}: {_kept(lapse)}"
        for lapse in _lapses(ledger, binding)
    ]
    return "\n".join(lines) + "\n"


def binding_json(ledger: LedgerReader, key: Key) -> str:
    binding = ledger.bindings()[key]
    states = dict(sorted(_people(ledger, binding).items()))
    left = [_lapse(lapse) for lapse in _lapses(ledger, binding)]
    return planfile.pretty({**_binding(key, binding), "people": states, "fingerprints": left})


def _head(ledger: LedgerReader) -> str:
    if not ledger.lineage:
        return "Nothing was ever applied."
    held = ledger.holder()
    by = f", held by run {held.run} on {held.host} {held.url}".rstrip() if held else ""
    return f"lineage {ledger.lineage}, serial {ledger.serial}{by}"


def _bound(ledger: LedgerReader) -> Mapping[Key, Binding]:
    return {key: binding for key, binding in ledger.bindings().items() if binding.vendor_id}


def _binding(key: Key, binding: Binding) -> dict[str, Any]:
    return {
        "key": str(key),
        "vendorId": binding.vendor_id,
        "identity": binding.identity,
        "lastApplied": dict(binding.last_applied),
        "protect": binding.protect,
    }


def _people(ledger: LedgerReader, binding: Binding) -> Counter[str]:
    return Counter(sent.state for sent in ledger.sent(binding.identity))


def _lapses(ledger: LedgerReader, binding: Binding) -> list[Lapse]:
    return [lapse for lapse in lapses(ledger) if lapse.identity == binding.identity]


def _kept(lapse: Lapse) -> str:
    """How long its fingerprints stay, in words."""
    if lapse.earliest is None:
        return "fingerprints kept for ever, no retention is declared"
    retention = f"(retention {duration_text(lapse.declared.seconds or 0)})"
    if lapse.declared.gone:
        return f"fingerprints kept until {day(lapse.earliest)} {retention}"
    return (
        f"fingerprints kept until {day(lapse.earliest)} at the least, and while somebody is in the source {retention}"
    )


def _lapse(lapse: Lapse) -> dict[str, Any]:
    """`keptUntil`: null where they stay for ever; the earliest date where `declared`, since who is in the source stays."""
    return {
        "key": str(lapse.key),
        "notBoundSince": day(lapse.unbound),
        "keptUntil": day(lapse.earliest) if lapse.earliest is not None else None,
        "declared": not lapse.declared.gone,
    }


# ---- the audit trail -----------------------------------------------------------------------------------------------


def history_text(events: Iterable[Event]) -> Iterator[str]:
    """A line per event, as they come: a trail need not fit into memory."""
    for event in events:
        change = f": {event.before or '-'} -> {event.after or '-'}" if event.before != event.after else ""
        told = f"{inert(event.entity + change)}  ({mask(inert(event.reason))})"
        yield f"{event.seq:>6}  {event.at}  {mask(inert(event.actor)) or '-'}  {told}\n"


def history_json(events: Iterable[Event]) -> Iterator[str]:
    """One document, an event a line."""
    yield '{"formatVersion": 1, "events": ['
    for number, event in enumerate(events):
        line = {**asdict(event), "actor": mask(inert(event.actor)), "reason": mask(inert(event.reason))}
        yield f"{',' if number else ''}\n  {json.dumps(line, ensure_ascii=False)}"
    yield "\n]}\n"


def verified_text(found: int | Break) -> str:
    if isinstance(found, Break):
        return f"Not as it was written: {found}.\n{_BROKEN}\n"
    return f"The audit trail is whole: {counted(found, 'event')}.\n"


def verified_json(found: int | Break) -> str:
    broken = {"seq": found.seq, "message": found.message, "remedy": _BROKEN} if isinstance(found, Break) else None
    return planfile.pretty({"formatVersion": 1, "events": None if isinstance(found, Break) else found, "break": broken})


_BROKEN = (
    "Something other than reconciler wrote to this ledger, or it is damaged. Apply nothing with it before you know what: compare it with "
    "the newest backup (reconciler state history), and put that in its place where the ledger cannot be trusted."
)


# ---- what was done to it -------------------------------------------------------------------------------------------


def freed_text(freed: Freed) -> str:
    if freed.holder is None:
        return f"Nobody held the lease. The epoch is {freed.epoch} now: a run that let it expire writes nothing more.\n"
    held = freed.holder
    where = f" ({inert(held.url)})" if held.url else ""
    return (
        f"Taken from run {held.run}{where} of {inert(held.actor)} on {inert(held.host)}, process {held.pid}, which had it since "
        f"{freed.since}. The epoch is {freed.epoch} now.\n"
        "That run, if it still lives, ends at its next step. What it had sent without an outcome is in doubt; the next apply settles it.\n"
    )


def freed_json(freed: Freed) -> str:
    held = freed.holder
    holder = (
        {"run": held.run, "host": held.host, "url": held.url, "actor": held.actor, "since": freed.since}
        if held
        else None
    )
    return planfile.pretty({"formatVersion": 1, "epoch": freed.epoch, "takenFrom": holder})


def let_go_text(gone: LetGo) -> str:
    lines = [
        f"{gone.key} is no longer bound to {inert(gone.vendor_id)}. The object itself was not touched: it goes on as it is."
    ]
    if gone.people:
        lines.append(
            f"Whom it reached stays known ({people(gone.people)}): what is created or adopted as {gone.key} later does not call them again."
        )
    lines.append(
        "It is still declared: the next plan takes the object back if it carries our mark, else creates it anew or names a namesake."
        f" To bind another one: reconciler adopt {gone.key} VENDOR-ID. To leave it alone, remove the declaration."
        if gone.declared
        else "It is not declared: the next plan lists the object as unmanaged."
    )
    return "\n".join(lines) + "\n"


def let_go_json(gone: LetGo) -> str:
    told = {
        "key": str(gone.key),
        "vendorId": gone.vendor_id,
        "peopleRemembered": gone.people,
        "declared": gone.declared,
    }
    return planfile.pretty({"formatVersion": 1, **told})


def renamed_text(old: Key, new: Key, vendor_id: str) -> str:
    return (
        f"{new} is now what {old} was: bound to {inert(vendor_id)}, with everybody it reached. Nothing changed at the vendor.\n"
        f"The declaration must say metadata.name: {new.name}, without movedFrom; else the next plan shows {new} as no longer declared.\n"
    )


def renamed_json(old: Key, new: Key, vendor_id: str) -> str:
    return planfile.pretty({"formatVersion": 1, "from": str(old), "to": str(new), "vendorId": vendor_id})


# ---- copies --------------------------------------------------------------------------------------------------------


def backup_text(copied: Copied, file: str) -> str:
    return (
        f"{file} holds the whole ledger: {_counts(copied)}. Read back and equal.\n"
        "To restore it, put it where `state.path` says, or move it from there with `reconciler state migrate`. Nothing that was sent after"
        " this moment is in it: restore only the newest.\n"
    )


def moved_text(copied: Copied | None, to: str) -> str:
    what = f"Moved to {to}: {_counts(copied)}. Read back and equal." if copied else f"The move to {to} is finished."
    return f"{what}\nThe ledger here is closed for good. Let `state` in reconciler.yaml name the new one, in every branch and job.\n"


def copied_json(copied: Copied | None, to: str) -> str:
    """`tables`: null where an earlier move was only finished."""
    told: dict[str, Any] = {"formatVersion": 1, "to": to, "lineage": None, "serial": None, "tables": None}
    if copied:
        tables = [{"name": part.name, "rows": part.rows, "digest": part.digest} for part in copied.parts]
        told |= {"lineage": copied.lineage, "serial": copied.serial, "tables": tables}
    return planfile.pretty(told)


def _counts(copied: Copied) -> str:
    rows = {part.name: part.rows for part in copied.parts}
    told = (counted(rows["binding"], "binding"), counted(rows["request"], "request"), counted(rows["op"], "operation"))
    return f"lineage {copied.lineage}, serial {copied.serial}, {', '.join(told)}, {counted(rows['event'], 'event')}"


def forgotten_text(removals: Sequence[Removal], count: int | None) -> str:
    """Where somebody was sent, and whether the ledger forgot them; `count` None: not yet."""
    done = "Not forgotten yet: see to what is above, then run this again."
    if count is not None:
        done = f"Forgotten: {counted(count, 'operation')} no longer lead to them. Backups keep what they have."
    return removals_text(removals, f"\n{done}")


def forgotten_json(removals: Sequence[Removal], count: int | None) -> str:
    places = [{"key": str(one.key), "result": one.result, "why": one.why or None} for one in removals]
    return planfile.pretty(
        {"formatVersion": 1, "forgotten": count is not None, "operations": count or 0, "sentTo": places}
    )
