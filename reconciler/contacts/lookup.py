"""Finding fingerprints among millions of others: sorted columns and a table of buckets. No joins in Python, no hashing.

A fingerprint is already uniformly distributed, so its first bits say where in a sorted column it stands; a bucket holds about one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reconciler.contacts.words import Words

Positions = NDArray[np.int32]  # into an index; -1: not there
Mask = NDArray[np.bool_]

NOBODY: Words = np.empty((0, 2), dtype=np.uint64)
_MOST_BITS = 25  # of a bucket's number: 128 MiB of table at most


class Index:
    """Fingerprints in ascending order, shape (n, 2), that can be searched in bulk."""

    def __init__(self, ordered: Words) -> None:
        """`ordered`: ascending by both words; `arranged` makes it so."""
        self._ordered = ordered
        self._high, self._low = ordered[:, 0], ordered[:, 1]
        bits = min(max(len(ordered).bit_length(), 8), _MOST_BITS)
        self._shift = np.uint64(64 - bits)
        counts = np.bincount((self._high >> self._shift).view(np.int64), minlength=1 << bits)
        self._starts = np.zeros((1 << bits) + 1, dtype=np.int32)
        np.cumsum(counts, out=self._starts[1:])

    def __len__(self) -> int:
        return len(self._high)

    def find(self, wanted: Words) -> Positions:
        """Where each of `wanted` stands; of several equal ones the first."""
        high, low = wanted[:, 0], wanted[:, 1]
        bucket = (high >> self._shift).view(np.int64)
        at, end = self._starts[bucket], self._starts[bucket + 1]
        open_ = np.flatnonzero(at < end)
        while len(open_):
            here = at[open_]
            open_ = open_[(self._high[here] != high[open_]) | (self._low[here] != low[open_])]
            at[open_] += 1
            open_ = open_[at[open_] < end[open_]]
        return np.where(at < end, at, np.int32(-1))

    def take(self, positions: NDArray[np.integer]) -> Words:
        taken: Words = self._ordered[positions]
        return taken


def order_of(prints: Words) -> NDArray[np.intp]:
    """The positions that put `prints` in ascending order, equal ones in the order they came.

    Sorts by the first word and looks at the second only where the first leaves it open: half the work, since it hardly ever does.
    """
    order = np.argsort(prints[:, 0], kind="stable")
    return order if is_ordered(prints[order]) else np.lexsort((prints[:, 1], prints[:, 0]))


def is_ordered(prints: Words) -> bool:
    high, low = prints[:, 0], prints[:, 1]
    return bool(((high[1:] > high[:-1]) | ((high[1:] == high[:-1]) & (low[1:] >= low[:-1]))).all())


def grouped(prints: Words) -> tuple[Words, NDArray[np.int32]]:
    """The different ones in ascending order, and for each of `prints` which of them it is."""
    if not len(prints):
        return NOBODY, np.empty(0, dtype=np.int32)
    order = order_of(prints)
    ordered = prints[order]
    fresh = np.ones(len(ordered), dtype=np.bool_)
    fresh[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    groups = np.empty(len(order), dtype=np.int32)
    groups[order] = np.cumsum(fresh, dtype=np.int32) - 1
    return ordered[fresh], groups


def firsts(groups: NDArray[np.int32], count: int) -> Mask:
    """Which entries are the first of their group; `count` groups, numbered from 0."""
    first = np.ones(len(groups), dtype=np.bool_)
    shared = np.flatnonzero(np.bincount(groups, minlength=count)[groups] > 1)
    first[shared] = False
    first[shared[np.unique(groups[shared], return_index=True)[1]]] = True
    return first
