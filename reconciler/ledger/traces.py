"""The part of a ledger's contract that is about fingerprints running out: where some are left, who left a source, who expires.

No store, no rule: when a fingerprint runs out is said in expiring.py and decided in retention.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from reconciler.model import Key
from reconciler.model.trace import Trace

if TYPE_CHECKING:  # the contract as a whole, which this is a part of
    from reconciler.ledger.base import Lease


class TraceReader(Protocol):
    def reached(self) -> Sequence[tuple[Key, str]]:
        """Every contact set that some operation with a fingerprint was for, and the identity of its campaign."""
        ...

    def traces(self, identity: str, after: bytes, limit: int) -> Sequence[Trace]:
        """The next `limit` of a campaign, of all its sets, ordered by person, of those beyond `after` (empty: from the first)."""
        ...


class TraceKeeper(Protocol):
    def mark_left(self, lease: Lease, contacts: Key, left: Sequence[tuple[bytes, int]]) -> None:
        """Op key -> `Trace.left_at`, of operations of one contact set."""
        ...

    def expire(self, lease: Lease, contacts: Key, op_keys: Sequence[bytes], reason: str) -> None:
        """Take the fingerprints off these operations of one contact set, which stay countable. None of them may be open."""
        ...
