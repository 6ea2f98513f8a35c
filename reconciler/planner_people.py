"""What happens to the people of one campaign, as steps that can be seen, and what its vendor cannot do with them. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from reconciler import units
from reconciler.model import Action, Change, ContactChange, ContactDelta, Finding, Risk, Severity
from reconciler.steps import Case, warning

_DEPARTED = {"suppressed": "on a suppression list", "left_source": "left the source"}


def inside(deltas: Sequence[ContactDelta]) -> ContactChange:
    """Everybody who goes into a create call. One set's digest stands for itself, several are listed."""
    digests = [delta.digests["added"] for delta in deltas if delta.added]
    return ContactChange(sum(delta.added for delta in deltas), " ".join(digests))


def people_steps(case: Case) -> list[Change]:
    """Who leaves goes first, then who changes, then who comes: set by set in that order, so that nobody is in two at once."""
    rules = case.capabilities.contacts
    changes: list[Change] = []
    if rules.withdraw:
        changes += _contacts(case, Action.WITHDRAW_CONTACTS, "withdrawn")
    if rules.update:
        changes += _contacts(case, Action.UPDATE_CONTACTS, "updated")
    if rules.add:
        changes += _contacts(case, Action.ADD_CONTACTS, "added")
    return changes


def _contacts(case: Case, action: Action, verb: str) -> Iterable[Change]:
    level = {Action.WITHDRAW_CONTACTS: Risk.DESTRUCTIVE, Action.UPDATE_CONTACTS: Risk.SAFE}.get(action, Risk.DIALLING)
    for index, delta in enumerate(case.deltas):
        count = getattr(delta, verb)
        if count:
            resource = case.match.resource
            place = resource.places.get(f"contacts.{index}", resource.source)
            contacts = ContactChange(count, delta.digests[verb])
            reason = _why_people(case, action, delta.key.contacts)
            yield Change(0, action, delta.key, str(place), reason, level, contacts=contacts)


def _why_people(case: Case, action: Action, contacts: str) -> str:
    if action is Action.WITHDRAW_CONTACTS:
        departures = case.departures.get(contacts, {})
        return ", ".join(f"{count:,} {_DEPARTED[why]}" for why, count in departures.items())
    if action is Action.UPDATE_CONTACTS:
        return "fields changed in the source"
    container = "" if contacts in case.opened else case.capabilities.contacts.container
    return "in source, never sent" + (f"; a {container} is made for them" if container else "")


def _departed(case: Case) -> str:
    """Why people should leave, over all sets of a campaign: `1 on a suppression list, 2 left the source`."""
    counts = Counter[str]()
    for departures in case.departures.values():
        counts.update(departures)
    return ", ".join(f"{counts[why]:,} {told}" for why, told in _DEPARTED.items() if counts[why])


def canary(case: Case) -> Iterable[Finding]:
    """Who waits until somebody has looked at those who go first."""
    resource = case.match.resource
    if waiting := sum(delta.waiting for delta in case.deltas):
        yield Finding(
            "canary",
            Severity.INFO,
            f"rollout.first lets {units.people(resource.rollout_first or 0)} go first; the other {units.people(waiting)} must wait.",
            str(resource.key),
            remedy=f"Once somebody has looked at how those calls go: reconciler release {resource.key.name}",
            source=str(resource.places.get("rollout.first", resource.source)),
        )


def stuck(case: Case) -> Iterable[Finding]:
    """What the source asks for and this vendor cannot do with people."""
    rules, resource = case.capabilities.contacts, case.match.resource
    vendor = case.capabilities.vendor
    withdrawn = sum(delta.withdrawn for delta in case.deltas)
    if withdrawn and not rules.withdraw:
        yield warning(
            "cannot-withdraw",
            resource,
            f"{vendor} has no call to withdraw anybody: {units.people(withdrawn)} there may still be called ({_departed(case)}).",
            "Close them in the vendor's panel.",
        )
    updated = sum(delta.updated for delta in case.deltas)
    if updated and not rules.update:
        message = f"{vendor} cannot change a contact; in the source the fields of {units.people(updated)} changed."
        yield warning("cannot-edit", resource, message, "They keep the values they were sent with.")
