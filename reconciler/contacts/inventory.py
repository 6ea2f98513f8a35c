"""Whom a vendor holds against whom the ledger says it holds, as fingerprints in columns. Reads nothing itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from reconciler.contacts.lookup import Index, grouped
from reconciler.contacts.sent import WITHDRAWABLE, SentTable, Standing
from reconciler.contacts.words import words_of
from reconciler.model import Sent


@dataclass(frozen=True, slots=True)
class Inventory:
    """How many people of one campaign: `expected` there, `missing` of them, `extra` whom nothing here sent, `twice` or more often."""

    expected: int
    missing: int = 0
    extra: int = 0
    twice: int = 0


def expected(sent: Iterable[Sent]) -> int:
    """How many the ledger says are there; those who may be there are not counted."""
    return int(np.count_nonzero(SentTable.of(sent).stands(WITHDRAWABLE)))


def compare(sent: Iterable[Sent], live: bytes | bytearray) -> Inventory:
    """`live`: the joined fingerprints of everybody whom a complete read showed, in any order."""
    known = SentTable.of(sent)
    there, groups = grouped(words_of(live, 2))
    at = Index(there).find(known.people)
    wanted = known.stands(WITHDRAWABLE)
    sent_once = ~known.stands((Standing.NEVER, Standing.GONE))
    return Inventory(
        expected=int(np.count_nonzero(wanted)),
        missing=int(np.count_nonzero(wanted & (at < 0))),
        extra=len(there) - int(np.count_nonzero(sent_once & (at >= 0))),
        twice=int(np.count_nonzero(np.bincount(groups, minlength=len(there)) > 1)),
    )
