"""What one plan was made from: the accounts, what they hold, who matches what, the people. Apply acts on the same world."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.matching import Match
from reconciler.model import Action, Key, Live, Plan, Repository, Resource, Unmanaged
from reconciler.providers.base import Provider, Wanted
from reconciler.removals import Removals

if TYPE_CHECKING:  # an engine and an HTTP library stand behind these, and `validate` comes by here without using them
    from reconciler.contacts import People
    from reconciler.providers.http import Account

_OBJECT = frozenset({Action.CREATE, Action.UPDATE, Action.DELETE})


@dataclass(frozen=True, slots=True)
class Site:
    """One connection in use: how to translate, and the opened account."""

    provider: Provider
    account: Account

    async def find(self, campaign: Resource, vendor_id: str) -> Live | None:
        """A declared campaign as it is live now, by its vendor's id; None where it is gone."""
        seen = await self.provider.observe(self.account, [Wanted(campaign.name, vendor_id, campaign.spec)])
        return next((live for live in seen.live if live.vendor_id == vendor_id), None)


@dataclass(frozen=True, slots=True)
class World:
    """`matches` and `people` by campaign key; `containers`: contact set key -> vendor id of where its people live.

    `called`: of campaigns that are created again, how many people were sent with the earlier one. `suppressed`: who was on each list
    at the last apply. `loaded`: contact sets that were sent whole once. `protected`: which lists each of them named at the last apply.
    `removals`: what vendors were told to remove later; nothing else here knows of it.
    """

    repository: Repository
    sites: Mapping[str, Site]
    matches: Mapping[Key, Match]
    people: Mapping[Key, People]
    containers: Mapping[Key, str]
    unmanaged: tuple[Unmanaged, ...]
    called: Mapping[Key, int] = field(default_factory=dict)
    suppressed: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    loaded: frozenset[Key] = frozenset()
    protected: Mapping[str, bytes] = field(default_factory=dict)
    removals: Removals = field(default_factory=Removals)


@dataclass(frozen=True, slots=True)
class Planned:
    plan: Plan
    world: World = field(repr=False)

    def settled(self) -> Iterator[Match]:
        """Campaigns whose object needs no change and is there, whatever happens to its people: it holds what is declared."""
        changed = {change.key for change in self.plan.changes if change.action in _OBJECT}
        changed |= {Key.parse(doubt.key).campaign for doubt in self.plan.in_doubt}
        for key, match in self.world.matches.items():
            if _is_there(match) and match.resource.absent is None and key not in changed:
                yield match


def _is_there(match: Match) -> bool:
    """Seen live, or bound at a vendor that shows nothing."""
    bound = match.binding is not None and bool(match.binding.vendor_id)
    return match.live is not None or (bound and match.refused is None)
