"""Equal hours and equal recall policies are one named part: one that the repository has already, or a new one. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.importing import documents, naming
from reconciler.importing.drafting import Draft
from reconciler.model import Json, Key, Resource, Source, Spec
from reconciler.providers.base import Provider


@dataclass(slots=True)
class Shared:
    """`schedules`, `recalls`: name -> YAML of the new ones, in order."""

    schedules: dict[str, str] = field(default_factory=dict)
    recalls: dict[str, str] = field(default_factory=dict)


def factor(
    drafts: Sequence[Draft],
    provider: Provider,
    schedules: Mapping[str, Spec],
    recalls: Mapping[str, Spec],
    taken: Mapping[str, frozenset[str]],
) -> Shared:
    """Give every draft the names of its parts. `schedules`, `recalls`, `taken`: what the repository has."""
    made = Shared()
    hours = {_mark(_echoed(provider, spec)): name for name, spec in sorted(schedules.items(), reverse=True)}
    policies = {_mark(dict(spec)): name for name, spec in sorted(recalls.items(), reverse=True)}
    for draft in drafts:
        if draft.windows and isinstance(draft.schedule, dict):
            mark, zone = _mark(draft.schedule), str(draft.schedule["timezone"])
            if mark not in hours:
                names = taken.get("Schedule", frozenset()) | made.schedules.keys()
                name = hours[mark] = naming.free(naming.of_schedule(zone, draft.windows), names)
                made.schedules[name] = documents.schedule(name, zone, draft.windows)
            draft.named["schedule"] = hours[mark]
        if draft.recall:
            mark = _mark(draft.recall)
            if mark not in policies:
                names = taken.get("RecallPolicy", frozenset()) | made.recalls.keys()
                name = policies[mark] = naming.free(naming.of_recall(draft.recall), names)
                made.recalls[name] = documents.recall(name, draft.recall)
            draft.named["recall"] = policies[mark]
    return made


def _echoed(provider: Provider, schedule: Spec) -> Json:
    """A schedule as the vendor would show it: two zones may be one clock there."""
    if set(schedule) != {"timezone", "windows"}:
        return dict(schedule)  # it says more than any vendor's import finds
    key = Key("", "campaign", "hours")
    resource = Resource(key, provider.capabilities.vendor, {"schedule": dict(schedule)}, Source("", 0))
    if any(refusal.path != "schedule.windows" for refusal in provider.refusals(resource)):
        return dict(schedule)  # another clock; which windows the vendor can hold shows where they are compared
    return provider.canonical(resource, {}).spec["schedule"]


def _mark(value: Json) -> str:
    return json.dumps(value, sort_keys=True)
