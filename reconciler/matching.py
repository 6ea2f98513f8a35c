"""Which live object is which declared one: by id only. A namesake that nobody bound is refused, never taken over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reconciler.model import Binding, Finding, Key, Live, Resource, Severity, Unmanaged


@dataclass(frozen=True, slots=True)
class Match:
    """One declared campaign beside what is live and what we claim. `by`: how they were brought together, for the reader.

    `refused`: why nothing may be planned for it.
    """

    resource: Resource
    live: Live | None = None
    binding: Binding | None = None
    by: str = ""
    refused: Finding | None = None


@dataclass(frozen=True, slots=True)
class Matches:
    pairs: tuple[Match, ...]
    unmanaged: tuple[Unmanaged, ...]


def match(
    resources: Sequence[Resource],
    live: Mapping[str, Sequence[Live]],
    bindings: Mapping[Key, Binding],
    readable: Mapping[str, bool],
    marks: Mapping[Key, str],
    everything: bool,
) -> Matches:
    """Bring declared and live together.

    `live`, `readable`: per connection. `marks`: of campaigns with an identity and no vendor id, the mark that a create of ours would
    have left: a namesake that carries it is what our own earlier attempt made. `everything`: False for a partial plan, which says
    nothing about what it did not look at.
    """
    views = {connection: _View(found, _owners(bindings, connection)) for connection, found in live.items()}
    pairs = tuple(
        _one(resource, views[resource.key.connection], bindings, readable[resource.key.connection], marks)
        for resource in resources
    )
    unmanaged = tuple(_unmanaged(pairs, views)) if everything else ()
    return Matches(pairs, unmanaged)


class _View:
    """One connection's live objects by id and by name. `owners`: vendor id -> the campaign it is bound as, declared or not."""

    def __init__(self, found: Iterable[Live], owners: Mapping[str, Key]) -> None:
        self.owners = owners
        self.by_id = {live.vendor_id: live for live in found}
        self.by_name: dict[str, list[Live]] = {}
        for live in self.by_id.values():
            self.by_name.setdefault(live.name, []).append(live)


def _one(
    resource: Resource, view: _View, bindings: Mapping[Key, Binding], readable: bool, marks: Mapping[Key, str]
) -> Match:
    binding = binding_of(resource, bindings)
    claimed = binding.vendor_id if binding else ""
    if resource.vendor_id and claimed and claimed != resource.vendor_id:
        return Match(resource, binding=binding, refused=_two_ids(resource, claimed))
    vendor_id = resource.vendor_id or claimed
    if not vendor_id:
        return _unbound(resource, view, binding, marks.get(resource.key))
    by = f"bound by id {vendor_id}" if resource.vendor_id else ""
    found = view.by_id.get(vendor_id)
    if found is None and readable and resource.absent is None:
        return Match(resource, binding=binding, refused=_gone(resource, vendor_id))
    return Match(resource, found, binding, by)


def binding_of(resource: Resource, bindings: Mapping[Key, Binding]) -> Binding | None:
    """Our claim on what a declaration is about, also where that was made under the name it had before."""
    if resource.moved_from is None or resource.key in bindings:
        return bindings.get(resource.key)
    return bindings.get(Key(resource.key.connection, "campaign", resource.moved_from))


def _unbound(resource: Resource, view: _View, binding: Binding | None, mark: str | None) -> Match:
    namesakes = view.by_name.get(resource.name, [])
    for live in namesakes:
        if mark and live.mark == mark:
            return Match(resource, live, binding, f"made by us, found by its mark {mark}")
    if namesakes and resource.absent is None:
        return Match(resource, binding=binding, refused=_taken(resource, namesakes, view.owners))
    return Match(resource, binding=binding)


def _owners(bindings: Mapping[Key, Binding], connection: str) -> dict[str, Key]:
    bound = ((key, binding.vendor_id) for key, binding in bindings.items() if key.connection == connection)
    return {vendor_id: key for key, vendor_id in bound if vendor_id and key.kind == "campaign"}


def _unmanaged(pairs: Sequence[Match], views: Mapping[str, _View]) -> Iterable[Unmanaged]:
    declared = {(pair.resource.key.connection, pair.live.vendor_id) for pair in pairs if pair.live}
    for connection, view in sorted(views.items()):
        for live in sorted(view.by_id.values(), key=lambda found: (found.name, found.vendor_id)):
            if (connection, live.vendor_id) in declared:
                continue
            key = view.owners.get(live.vendor_id)
            note = f"no longer declared, still bound as {key}" if key else live.note
            yield Unmanaged(connection, live.vendor_id, live.name, live.run.value if live.run else "", note)


def _error(code: str, resource: Resource, message: str, remedy: str) -> Finding:
    return Finding(code, Severity.ERROR, message, str(resource.key), remedy=remedy, source=str(resource.source))


def _taken(resource: Resource, found: Sequence[Live], owners: Mapping[str, Key]) -> Finding:
    """Whose the name is. A mark that this ledger does not know was left by a run whose ledger this is not, or is no longer."""
    for live in found:
        if live.vendor_id in owners:
            return _renamed(resource, owners[live.vendor_id])
    for live in found:
        if live.mark:
            return _older(resource, live)
    return _namesake(resource, found)


def _renamed(resource: Resource, owner: Key) -> Finding:
    return _error(
        "namesake",
        resource,
        f'The object called "{resource.name}" at {resource.key.connection} is bound as {owner}.',
        f"If the declaration was renamed: reconciler state mv {owner} {resource.key}. Else give yours another displayName.",
    )


def _older(resource: Resource, live: Live) -> Finding:
    return _error(
        "ledger-older",
        resource,
        f'The object called "{resource.name}" ({live.vendor_id}) at {resource.key.connection} carries the mark [{live.mark}] of a create '
        "that this ledger does not know: the ledger is older than reality, or another project made it.",
        "Bring the newest ledger back. Do not adopt the object: whom it reached would look new and be called again. If another project "
        "made it, give yours another displayName. If the ledger is lost for good: reconciler state rebuild",
    )


def _namesake(resource: Resource, found: Sequence[Live]) -> Finding:
    ids = " or ".join(live.vendor_id for live in found)
    count = "An object" if len(found) == 1 else f"{len(found)} objects"
    return _error(
        "namesake",
        resource,
        f'{count} called "{resource.name}" exist{"s" if len(found) == 1 else ""} at {resource.key.connection} '
        "and nothing here made it.",
        f"If it is this campaign: reconciler adopt {resource.key} {ids}. Else give yours another displayName.",
    )


def _gone(resource: Resource, vendor_id: str) -> Finding:
    return _error(
        "gone",
        resource,
        f"The live object {vendor_id} that this is bound to does not exist at {resource.key.connection} any more. "
        "It is not made again on its own: everybody in it would be called again.",
        f"Remove the declaration, or forget the binding with: reconciler state rm {resource.key} --reason TEXT",
    )


def _two_ids(resource: Resource, claimed: str) -> Finding:
    return _error(
        "two-ids",
        resource,
        f"The declaration names the id {resource.vendor_id}, the ledger has bound {claimed}.",
        f"Correct the id, or forget the old binding with: reconciler state rm {resource.key} --reason TEXT",
    )
