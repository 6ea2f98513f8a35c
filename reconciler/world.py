"""What one plan was made from: the accounts, what they hold, who matches what, the people. Apply acts on the same world."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from reconciler.contacts import People
from reconciler.matching import Match
from reconciler.model import Key, Plan, Repository, Unmanaged
from reconciler.providers.base import Provider
from reconciler.providers.http import Account


@dataclass(frozen=True, slots=True)
class Site:
    """One connection in use: how to translate, and the opened account."""

    provider: Provider
    account: Account


@dataclass(frozen=True, slots=True)
class World:
    """`matches` and `people` by campaign key; `containers`: contact set key -> vendor id of where its people live."""

    repository: Repository
    sites: Mapping[str, Site]
    matches: Mapping[Key, Match]
    people: Mapping[Key, People]
    containers: Mapping[Key, str]
    unmanaged: tuple[Unmanaged, ...]


@dataclass(frozen=True, slots=True)
class Planned:
    plan: Plan
    world: World = field(repr=False)

    def settled(self) -> Iterator[Match]:
        """Campaigns that need no change and are there: what they hold is what is declared."""
        for key in self.plan.unchanged:
            match = self.world.matches[key]
            if match.live is not None:
                yield match
