"""What makes a ledger one that nobody may use: moved to another store, or a copy that was never finished. It is kept in its memory."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from reconciler.errors import NotThisLedger
from reconciler.ledger.base import LedgerReader

CLOSED = "closed"  # kind of memory
MOVED, ARRIVING = (
    "moved",
    "arriving",
)  # its two names: at the source of a move for good, at its target until the source is closed


@dataclass(frozen=True, slots=True)
class Move:
    """One move of a ledger. `copy`: its own random id; `to`: host and database, or the file; never a password."""

    copy: str
    to: str
    at: str

    def encoded(self) -> bytes:
        return json.dumps(asdict(self), sort_keys=True).encode()


def moves(reader: LedgerReader) -> Mapping[str, Move]:
    """MOVED, ARRIVING or nothing -> which move it was."""
    return {name: Move(**json.loads(value)) for name, value in reader.remembered(CLOSED).items() if value}


def closed(reader: LedgerReader) -> str:
    """Why nobody may use it and what to do, in sentences; empty where it is open."""
    found = moves(reader)
    if MOVED in found:
        return (
            f"This ledger was moved to {found[MOVED].to} at {found[MOVED].at}, and is closed for good. Let `state` in reconciler.yaml name"
            " that one."
        )
    if ARRIVING in found:
        return (
            f"This ledger is a copy that was begun at {found[ARRIVING].at} and never finished: the one it was made from counts. Run the"
            " same `reconciler state migrate` again: it finishes the move, or says what to delete."
        )
    return ""


def check_open(reader: LedgerReader) -> None:
    """Raises NotThisLedger where it is closed."""
    if why := closed(reader):
        raise NotThisLedger(f"{why} Nothing was sent.")
