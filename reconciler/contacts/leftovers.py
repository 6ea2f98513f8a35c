"""Findings about people of a contact set with whom nothing is done although something should be. Counts only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.model import ContactDelta, ContactSet, Finding, Severity
from reconciler.units import people

STRAYS = "in-no-source"  # the set of those who were at the vendor, and in no source, when the ledger was rebuilt


def declared(of: ContactSet, delta: ContactDelta, moved: int, doubtful: int) -> Iterator[Finding]:
    """Of a declared set: `moved` came with a new number, `doubtful` are suppressed and may be there."""
    if moved:
        remedy = "With mode: mirror the old number is withdrawn and the new one added, where the vendor can withdraw."
        message = f"{people(moved)} of {of.name} came with a new number; the one that was sent before stays."
        yield _left(of.source, delta, "number-changed", message, moved, remedy)
    if doubtful:
        remedy = "Settle what is in doubt, then apply again; until then look for them in the vendor's panel."
        message = f"{doubtful} suppressed people of {of.name} may be at the vendor: what became of them is in doubt."
        yield _left(of.source, delta, "suppressed-in-doubt", message, doubtful, remedy)


def unprotected(of: ContactSet, delta: ContactDelta, names: Sequence[str]) -> Iterator[Finding]:
    """Lists that the set named at the last apply and names no more: who is on them is let go by the apply after this one."""
    for name in names:
        count = delta.suppressed.get(name, 0)
        message = f"{of.name} no longer names suppression list {name}: {people(count)} on it, in this apply suppressed all the same; "
        remedy = f"If that is not meant, name {name} again under spec.suppress."
        yield _left(of.source, delta, "suppression-unnamed", f"{message}the one after it adds them.", count, remedy)


def undeclared(delta: ContactDelta, staying: int) -> Iterator[Finding]:
    """A set that the campaign no longer names keeps its people at the vendor, those apart who are suppressed."""
    if staying and delta.key.contacts == STRAYS:
        message = f"{people(staying)} were there, and in no source, when the ledger was rebuilt: they stay, and no source adds them again."
        yield Finding("rebuilt-strays", Severity.INFO, message, str(delta.key), str(staying))
    elif staying:
        remedy = (
            "Name the set again with mode: mirror and an empty source to withdraw them, or close them in the panel."
        )
        message = f"The campaign no longer names {delta.key.contacts}; {people(staying)} sent for it stay."
        yield _left("", delta, "set-undeclared", message, staying, remedy)


def _left(place: object, delta: ContactDelta, code: str, message: str, count: int, remedy: str) -> Finding:
    return Finding(code, Severity.WARNING, message, str(delta.key), str(count), "", remedy, str(place))
