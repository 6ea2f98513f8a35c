"""What a provider adds when a live campaign is written down as a declaration. A vendor without it cannot be imported from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from reconciler.model import Json, Live


@dataclass(frozen=True, slots=True)
class Declarable:
    """`also`: what the vendor's block needs beside what was read. `idle`: fields that mean nothing for a campaign of this kind.

    `unread`: field -> why it is not known, in a sentence without a capital.
    """

    also: Mapping[str, Json] = field(default_factory=dict)
    idle: frozenset[str] = frozenset()
    unread: Mapping[str, str] = field(default_factory=dict)


@runtime_checkable
class CanImport(Protocol):
    def declarable(self, live: Live) -> Declarable:
        """Pure. `live`: complete."""
        ...
