"""Whether the plan over what was written down is empty, field by field. Decides nothing; whom it concerns is not asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reconciler.matching import Match, match
from reconciler.model import Binding, Key, Live, Repository, Resource, Severity, Spec
from reconciler.planner import steps_of
from reconciler.providers.base import UnknownName, capabilities_for
from reconciler.setup import validate
from reconciler.steps import Case
from reconciler.world import Site


def managed(resource: Resource) -> Spec:
    """What is ours of a canonical declaration: an unmanaged field is nobody's last word."""
    return {name: value for name, value in resource.spec.items() if name not in resource.lifecycle.unmanaged}


def canonical(
    repository: Repository, site: Site, lives: Mapping[Key, Live], references: Mapping[str, Mapping[str, str]]
) -> tuple[dict[Key, Resource], list[str]]:
    """The declarations of `lives` as the vendor echoes them, and what speaks against those that it cannot echo."""
    found, wrong = {}, []
    for campaign in repository.campaigns:
        if campaign.key in lives:
            try:
                found[campaign.key] = site.provider.canonical(campaign, references)
            except UnknownName as unknown:
                wrong.append(f"{campaign.key}: {unknown.path}: {unknown}")
    return found, wrong


def objections(
    repository: Repository, site: Site, lives: Mapping[Key, Live], resources: Mapping[Key, Resource]
) -> Iterator[str]:
    """Everything that a plan, or a check before it, would have to say about these campaigns: key, field, why."""
    for problem in validate(repository):
        yield str(problem)
    connection = site.account.connection.name
    bindings = {
        key: Binding(key, "", live.vendor_id, managed(resources[key]))
        for key, live in lives.items()
        if key in resources
    }
    matches = match(
        list(resources.values()), {connection: list(lives.values())}, bindings, {connection: True}, {}, everything=False
    )
    for pair in matches.pairs:
        yield from _planned(pair, site)


def _planned(pair: Match, site: Site) -> Iterator[str]:
    key = pair.resource.key
    steps = steps_of(Case(pair, capabilities_for(site.provider, pair.resource)))
    for change in steps.changes:
        for field in change.fields:
            yield f"{key}: {'.'.join(field.path)}: the plan would {change.action} it"
    for finding in steps.findings:
        if finding.severity is Severity.ERROR:
            yield f"{key}: {finding.message}"
