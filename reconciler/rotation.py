"""Which contact keys a run may go on with: the one the ledger goes by, or two while it is rotated. Nobody is re-keyed here.

Whatever is not exactly what the ledger goes by is refused before anything is read or sent: under another key everybody looks new.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from reconciler import config
from reconciler.contacts import Fingerprints
from reconciler.errors import ReadIncomplete, WrongContactKey
from reconciler.keeping import REFUSED, SUPPRESSED
from reconciler.ledger.base import Lease, Ledger, LedgerReader
from reconciler.ledger.contact_keys import LiveKeys, former_people, live_keys
from reconciler.model import Finding, Project, Severity
from reconciler.setup import Setup
from reconciler.units import people

if TYPE_CHECKING:  # numpy stands behind it: only where two keys are live
    from reconciler.contacts.rotation import Rotating

LISTS = (SUPPRESSED, REFUSED)  # kinds of memory that hold fingerprints of people
_NEW = "under it everybody would look new and be called again."


def fingerprints_of(setup: Setup, ledger: LedgerReader) -> Fingerprints:
    """The project's fingerprints, under both keys where two are live. Raises WrongContactKey where they are not those of the ledger."""
    project = setup.repository.project
    key = config.contact_key(project, setup.environ, setup.root)
    before = config.former_contact_key(project, setup.environ, setup.root)
    live = live_keys(ledger)
    current, former = Fingerprints(key, live.operations), None if before is None else Fingerprints(before)
    _check(project, live, current.check(), former.check() if former else b"", ledger)
    if former is None or former.check() not in {live.former, live.current}:
        return current
    from reconciler.contacts.rotation import Rotating

    return Rotating(key, former, live.operations or former.operations, lambda: known(ledger), live.moved)


def known(ledger: LedgerReader) -> bytes:
    """Whom the ledger knows under the former key: before a rotation has begun, everybody."""
    if live_keys(ledger).former:
        return b"".join(former_people(ledger).values())
    from reconciler.contacts.lookup import grouped
    from reconciler.contacts.words import bytes_of, words_of

    joined = bytearray()
    for person in ledger.people():
        joined += person
    for kind in LISTS:
        for value in ledger.remembered(kind).values():
            joined += value
    return bytes_of(grouped(words_of(joined, 2))[0])


def start(ledger: Ledger, lease: Lease, fingerprints: Fingerprints) -> None:
    """First use of a ledger, first use of a new key beside the former one, or neither. Raises WrongContactKey as `Ledger.start` does."""
    if rotating := under_two(fingerprints):
        keys = LiveKeys(rotating.check(), rotating.former.check(), operations=rotating.operations)
        if not live_keys(ledger).former:
            ledger.begin_rotation(lease, keys, known(ledger))
    ledger.start(lease, fingerprints.check())


def under_two(fingerprints: Fingerprints) -> Rotating | None:
    """None with one key."""
    if not hasattr(fingerprints, "former"):
        return None
    from reconciler.contacts.rotation import Rotating

    return fingerprints if isinstance(fingerprints, Rotating) else None


def findings(setup: Setup, ledger: LedgerReader, fingerprints: Fingerprints) -> Iterator[Finding]:
    """What is to be said about the keys. Raises ReadIncomplete where another run re-keyed somebody while this plan was made."""
    source = str(setup.repository.project.source)
    if rotating := under_two(fingerprints):
        if live_keys(ledger).moved != rotating.moved:
            raise ReadIncomplete(
                "People of the ledger were re-keyed by another run just now, so that this plan would be wrong. Plan again."
            )
        message = f"Two contact keys are live: {people(len(rotating.known))} still known under the former one."
        yield Finding("contact-keys", Severity.INFO, message, remedy="Next: reconciler state rekey", source=source)
    elif setup.repository.project.former_contact_key is not None:
        message = "One contact key is live; formerContactKey is not used."
        remedy = "Take formerContactKey out of reconciler.yaml, and its value out of every job."
        yield Finding("contact-keys", Severity.INFO, message, remedy=remedy, source=source)


# ---- what is refused -----------------------------------------------------------------------------------------------


def _check(project: Project, live: LiveKeys, current: bytes, former: bytes, ledger: LedgerReader) -> None:
    """Raises WrongContactKey with what to set, unless the keys are the ledger's, or begin a rotation of its key."""
    if _hold(live, current, former):
        return
    ours, theirs = f"contactKey {project.contact_key}", f"formerContactKey {project.former_contact_key}"
    if not live.current:
        said = (
            f"{theirs} is declared, but nothing was ever applied with this ledger, so that nobody is under a former key. Where it is the"
            " right ledger, take formerContactKey out."
        )
    elif live.former:
        left = people(sum(map(len, former_people(ledger).values())) // len(live.former))
        said = _between(live, current, former, ours, theirs, left)
    else:
        said = _alone(live, current, former, ours, theirs)
    raise WrongContactKey(f"{said} Nothing was sent.")


def _hold(live: LiveKeys, current: bytes, former: bytes) -> bool:
    if not live.current:
        return not former
    if live.former:
        return (current, former) == (live.current, live.former)
    if current == live.current:
        return not former or live.is_retired(former)
    return former == live.current and not live.is_retired(current)


def _between(live: LiveKeys, current: bytes, former: bytes, ours: str, theirs: str, left: str) -> str:
    """While two keys are live. `left`: how many people are under the former one."""
    if (current, former) == (live.former, live.current):
        return f"The two contact keys are swapped: {ours} holds the former one, {theirs} the new one. Swap them."
    if current == live.former:
        return (
            f"{ours} holds the former key, and a new one has been in use since. Set contactKey to the new one and name this one in"
            " formerContactKey."
        )
    if current != live.current:
        return f"{ours} is not the key that this ledger goes by since its rotation began: {_NEW} Set it to that one."
    if former:
        return f"{theirs} is not the former key of this ledger, under which are {left}. Set it to that one."
    return (
        f"The contact key is being rotated, and under the former one are {left}, who would look new and be called again. Name the"
        " former key in formerContactKey; `reconciler state rekey` says when it can be taken out."
    )


def _alone(live: LiveKeys, current: bytes, former: bytes, ours: str, theirs: str) -> str:
    """While one key is live."""
    if current == live.current:
        return f"{theirs} is no key that this ledger ever went by. Where it is the new key, swap the two; else take it out."
    if former == live.current:
        return f"{ours} holds a key that was rotated out, and {theirs} the one the ledger goes by: swap the two."
    if former:
        return (
            f"Neither {ours} nor {theirs} is the key that this ledger goes by: {_NEW} Set formerContactKey to that one."
        )
    return (
        f"The contact key is not the one this ledger was written with: {_NEW} Set the old key back, in {ours}; to rotate it, name the old"
        " key in formerContactKey as well."
    )
