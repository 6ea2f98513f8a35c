"""`--select` and `--exclude`: which campaigns a run looks at. A partial run never removes anything."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from reconciler.errors import Misuse
from reconciler.model import Key, Repository, Resource

_FORM = "write connection=NAME, campaign=NAME, kind=campaign or label.KEY=VALUE, with * as a wildcard"


def choose(repository: Repository, select: Sequence[str], exclude: Sequence[str]) -> Repository:
    """The repository cut down to the campaigns that any `select` names (none: all) and no `exclude` does.

    What those campaigns name (connection, schedule, sets) stays. Raises Misuse where an expression has no known form, or names no
    campaign at all: a slip of the pen must not look like a plan without changes, nor let through what was meant to be left out.
    """
    wanted, unwanted = _named(repository, select), _named(repository, exclude)
    kept = (one for one in repository.campaigns if (not select or one.key in wanted) and one.key not in unwanted)
    return replace(repository, campaigns=tuple(kept))


def _named(repository: Repository, expressions: Sequence[str]) -> set[Key]:
    found: set[Key] = set()
    for expression in expressions:
        matches = _matcher(expression)
        keys = {campaign.key for campaign in repository.campaigns if matches(campaign)}
        if not keys:
            raise Misuse(f"{expression!r} names no campaign that is declared here.")
        found |= keys
    return found


def _matcher(expression: str) -> Callable[[Resource], bool]:
    name, equals, pattern = expression.partition("=")
    if equals and pattern:
        if name == "connection":
            return lambda campaign: fnmatchcase(campaign.key.connection, pattern)
        if name == "campaign":
            return lambda campaign: fnmatchcase(campaign.key.name, pattern)
        if name == "kind":
            return lambda _: fnmatchcase("campaign", pattern.lower())
        if name.startswith("label."):
            label = name.removeprefix("label.")
            return lambda campaign: label in campaign.labels and fnmatchcase(campaign.labels[label], pattern)
    raise Misuse(f"{expression!r}: {_FORM}.")
