"""`--select` and `--exclude`: which campaigns a run looks at. A partial run never removes anything."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from reconciler.errors import Misuse
from reconciler.model import Repository, Resource

_FORM = "write connection=NAME, campaign=NAME, kind=campaign or label.KEY=VALUE, with * as a wildcard"


def choose(repository: Repository, select: Sequence[str], exclude: Sequence[str]) -> Repository:
    """The repository cut down to the campaigns that any `select` names (none: all) and no `exclude` does.

    What those campaigns name (connection, schedule, sets) stays. Raises Misuse where an expression has no known form.
    """
    wanted = [_matcher(expression) for expression in select]
    unwanted = [_matcher(expression) for expression in exclude]
    kept = tuple(
        campaign
        for campaign in repository.campaigns
        if (not wanted or any(matches(campaign) for matches in wanted))
        and not any(matches(campaign) for matches in unwanted)
    )
    return replace(repository, campaigns=kept)


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
