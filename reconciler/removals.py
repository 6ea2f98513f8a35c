"""Campaigns that a vendor was told to remove and removes later: remembered, told of by every plan, and taken for gone until they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from reconciler.ledger.base import Lease, Ledger, LedgerReader
from reconciler.model import Binding, Finding, Key, Live, RunState, Severity
from reconciler.providers.base import Observation

REMOVED = "removed"  # connection/vendor id -> the date and the key of what was on its way out; empty: it is gone


@dataclass(frozen=True, slots=True)
class Leaving:
    """`since`: a date."""

    key: Key
    live: Live
    since: str


def remember(ledger: Ledger, lease: Lease, key: Key, vendor_id: str, date: str) -> None:
    ledger.remember(lease, REMOVED, f"{key.connection}/{vendor_id}", f"{date} {key}".encode())


@dataclass(frozen=True, slots=True)
class Removals:
    """`still`: what is there yet. `gone`: what is not any more, as it is remembered: an id may be given to another campaign one day."""

    still: tuple[Leaving, ...] = ()
    gone: tuple[str, ...] = ()


def look(ledger: LedgerReader, seen: Mapping[str, Observation], bindings: Mapping[Key, Binding]) -> Removals:
    """What was bound again by hand is somebody's word that it stays."""
    bound = {(key.connection, binding.vendor_id) for key, binding in bindings.items()}
    there = {(name, live.vendor_id): live for name, observed in seen.items() for live in observed.live}
    still, gone = [], []
    for name, value in sorted(ledger.remembered(REMOVED).items()):
        connection, _, vendor_id = name.partition("/")
        live = there.get((connection, vendor_id))
        if not value or connection not in seen:
            continue
        if live is None or (connection, vendor_id) in bound:
            gone.append(name)
        else:
            since, _, key = value.decode().partition(" ")
            still.append(Leaving(Key.parse(key), live, since))
    return Removals(tuple(still), tuple(gone))


def without(seen: Mapping[str, Observation], found: Removals) -> dict[str, Observation]:
    """The same accounts as if they were gone already: neither namesakes, nor to be adopted, nor to be removed a second time."""
    ids = {(one.key.connection, one.live.vendor_id) for one in found.still}
    return {
        name: replace(observed, live=tuple(live for live in observed.live if (name, live.vendor_id) not in ids))
        for name, observed in seen.items()
    }


def noted(seen: Mapping[str, Observation], ledger: LedgerReader) -> dict[str, Observation]:
    """The same accounts, with the word on what is on its way out: for those who only look."""
    since = {(one.key.connection, one.live.vendor_id): one.since for one in look(ledger, seen, ledger.bindings()).still}
    return {
        name: replace(
            observed, live=tuple(_noted(live, since.get((name, live.vendor_id), "")) for live in observed.live)
        )
        for name, observed in seen.items()
    }


def _noted(live: Live, since: str) -> Live:
    return replace(live, note=f"removal queued since {since}") if since else live


def findings(found: Removals) -> Iterator[Finding]:
    for one in found.still:
        still = f"Removal queued: {one.key.connection} was told on {one.since} to remove {one.live.vendor_id}, and has not yet."
        if one.live.run in {None, RunState.STOPPED}:
            yield Finding("removal-queued", Severity.INFO, still, str(one.key))
        else:
            message = f"{still} It is {one.live.run} all the same."
            yield Finding(
                "removal-queued", Severity.WARNING, message, str(one.key), remedy="Stop it in the vendor's panel."
            )


def forget_gone(ledger: Ledger, lease: Lease, found: Removals) -> None:
    for name in found.gone:
        ledger.remember(lease, REMOVED, name, b"")
