"""What still leads from an operation to a person, as the ledger hands it out where fingerprints are to run out."""

from __future__ import annotations

from typing import NamedTuple


class Trace(NamedTuple):
    """One operation that has a fingerprint. `open`: what became of it is not known yet.

    `left_at`: when an apply saw first that the person is in the source no more, in seconds since 1970; 0: they are, as far as was seen.
    A tuple, since a ledger may hold millions.
    """

    person: bytes
    op_key: bytes
    contacts: str
    open: bool
    key_mac: bytes
    left_at: int
