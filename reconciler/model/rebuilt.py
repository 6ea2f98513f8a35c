"""What a ledger that was lost can be made from again: campaigns, their people as counts, and what cannot be known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from reconciler.model.names import Key
from reconciler.model.plan import Unmanaged

Fate = Literal["bound", "held", "absent", "unclear"]


@dataclass(frozen=True, slots=True)
class Regained:
    """One declared campaign. `fate`: bound to what is there; held, since nobody but a person can say what was sent; absent, so that a
    plan makes it; unclear, so that nothing may be rebuilt before a person chose. `how`: how that is known, a sentence for the last two.

    `people`: contact set -> how many were found at the vendor, or may have been sent. `strays`: of them those who are in no source.
    `twice`: there more than once. `hidden`: of whom it is not known whether they hold the fields of their source.
    """

    key: Key
    fate: Fate
    vendor_id: str = ""
    how: str = ""
    people: Mapping[str, int] = field(default_factory=dict)
    strays: int = 0
    twice: int = 0
    hidden: int = 0
    canary: bool = False


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """`written`: else it is what would be. `strangers`: live objects with a mark of reconciler that nothing declared is."""

    campaigns: tuple[Regained, ...]
    strangers: tuple[Unmanaged, ...] = ()
    written: bool = False

    @property
    def unclear(self) -> bool:
        return any(one.fate == "unclear" for one in self.campaigns)
