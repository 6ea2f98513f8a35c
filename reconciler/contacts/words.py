"""Columns of fingerprints as rows of words, big-endian in bytes: two words are one fingerprint. Knows no key."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]


def words_of(raw: bytes | bytearray | NDArray[np.uint8], width: int) -> Words:
    """Joined byte strings of `width` words each as rows of words."""
    return np.frombuffer(raw, dtype=">u8").reshape(-1, width).astype(np.uint64)


def bytes_of(words: Words) -> bytes:
    """Rows of words as joined byte strings: the inverse of `words_of`."""
    return words.astype(">u8").tobytes()
