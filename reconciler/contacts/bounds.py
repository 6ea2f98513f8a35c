"""Findings about sizes and leftovers of contact sets: today's source against its bounds and against what was sent. Counts only."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model import ContactDelta, ContactSet, Finding, Severity
from reconciler.units import people


def size_of(delta: ContactDelta) -> int:
    """People in the source: each once, whether suppressed or not."""
    return delta.rows - sum(delta.rejected.values()) - delta.duplicates


def check(declared: ContactSet, delta: ContactDelta) -> Iterator[Finding]:
    """Errors for a source that is too small, too large, or too different from what was sent before."""
    bounds, size = declared.bounds, size_of(delta)
    if bounds.min is not None and size < bounds.min:
        yield _outside(declared, delta, "min", people(size), f"{bounds.min:,}", f"has {people(size)}")
    if bounds.max is not None and size > bounds.max:
        yield _outside(declared, delta, "max", people(size), f"{bounds.max:,}", f"has {people(size)}")
    if bounds.change is not None and delta.sent_before:
        change = -(-abs(size - delta.sent_before) * 100 // delta.sent_before)
        if change > bounds.change:
            message = f"has {people(size)}; {delta.sent_before:,} were sent before: a change of {change} %"
            yield _outside(declared, delta, "change", f"{change} %", f"{bounds.change} %", message)


def _outside(declared: ContactSet, delta: ContactDelta, bound: str, measured: str, limit: str, message: str) -> Finding:
    return Finding(
        f"bounds-{bound}",
        Severity.ERROR,
        f"Contact set {declared.name} {message}; its bound is {limit}.",
        str(delta.key),
        measured,
        limit,
        f"Check the export. If it is right, change spec.bounds.{bound} of the set.",
        str(declared.source),
    )


def leftovers(declared: ContactSet, delta: ContactDelta, moved: int, doubtful: int) -> Iterator[Finding]:
    """Warnings about people of a set with whom nothing is done although something should be."""
    if moved:
        remedy = "With mode: mirror the old number is withdrawn and the new one added, where the vendor can withdraw."
        message = f"{people(moved)} of {declared.name} came with a new number; the one that was sent before stays."
        yield _left(declared.source, delta, "number-changed", message, moved, remedy)
    if doubtful:
        remedy = "Settle what is in doubt, then apply again; until then look for them in the vendor's panel."
        message = (
            f"{doubtful} suppressed people of {declared.name} may be at the vendor: what became of them is in doubt."
        )
        yield _left(declared.source, delta, "suppressed-in-doubt", message, doubtful, remedy)


def undeclared(delta: ContactDelta, staying: int) -> Iterator[Finding]:
    """A set that the campaign no longer names keeps its people at the vendor, those apart who are suppressed."""
    if staying:
        remedy = (
            "Name the set again with mode: mirror and an empty source to withdraw them, or close them in the panel."
        )
        message = f"The campaign no longer names {delta.key.contacts}; {people(staying)} sent for it stay."
        yield _left("", delta, "set-undeclared", message, staying, remedy)


def _left(place: object, delta: ContactDelta, code: str, message: str, count: int, remedy: str) -> Finding:
    return Finding(code, Severity.WARNING, message, str(delta.key), str(count), "", remedy, str(place))
