"""What is declared against what a vendor can hold, by its table. What a provider knows beyond its table it says itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from reconciler.config.words import quoted, suggestion
from reconciler.errors import Problem
from reconciler.model import Capabilities, Connection, ContactSet, Json, Repository, Resource, Source

Family = Callable[[Resource], Capabilities]

_NAMES: Final = {"schedule": "a schedule", "recall": "a recall policy", "activation": "a run state"}
_UNLISTED: Final = "Its API has no place for it. Take it out."


def check(repository: Repository, tables: Mapping[str, Capabilities], family: Family | None = None) -> list[Problem]:
    """`family`: the table of one campaign, where a vendor has several kinds. Raises KeyError where a vendor in use has no table."""
    problems = [
        problem
        for connection in repository.connections.values()
        for problem in _credentials(connection, tables[connection.vendor])
    ]
    parents = {
        vendor: _parents(table) for vendor, table in tables.items()
    }  # families of a vendor differ in people alone
    for campaign in repository.campaigns:
        table = family(campaign) if family else tables[campaign.vendor]
        problems += _Campaign(campaign, table, parents[campaign.vendor]).problems(repository.contact_sets)
    return problems


def _parents(table: Capabilities) -> frozenset[str]:
    """Every path that has a listed one below it."""
    listed = (*table.fields, *table.refusals)
    return frozenset(path[:end] for path in listed for end, letter in enumerate(path) if letter == ".")


def _credentials(connection: Connection, table: Capabilities) -> Iterator[Problem]:
    given = frozenset(connection.credentials)
    if given not in table.credentials:
        accepted = ", or ".join(" and ".join(sorted(names)) for names in table.credentials)
        text = f"Connection {connection.name}: {table.vendor} takes {accepted} as credentials, not {' and '.join(sorted(given))}."
        yield _problem(connection.source, text)


def _problem(place: Source, text: str) -> Problem:
    return Problem(place.file, place.line, place.column, text, "capability")


class _Campaign:
    """One campaign against the table of its vendor, `parents` of that table."""

    def __init__(self, campaign: Resource, table: Capabilities, parents: frozenset[str]) -> None:
        self.campaign, self.table, self.parents = campaign, table, parents

    def problems(self, sets: Mapping[str, ContactSet]) -> Iterator[Problem]:
        for name, value in self.campaign.spec.items():
            yield from self._field(name, value)
        yield from self._run()
        yield from self._lifecycle()
        if self.campaign.rollout_first is not None and self.table.contacts.inside_create:
            reason = "everybody goes inside the create, and nobody can be added later"
            yield self._cannot("rollout.first", "hold anybody back (rollout)", reason)
        for number, name in enumerate(self.campaign.contacts):
            yield from self._contacts(f"contacts.{number}", sets[name])

    def _cannot(self, path: str, what: str, reason: str) -> Problem:
        """`reason` without a capital or a full stop, as tables have it, becomes a sentence."""
        sentence = reason[:1].upper() + reason[1:] + ("" if reason.endswith((".", "?")) else ".")
        place = self.campaign.places.get(path) or self.campaign.places.get(path.split(".")[0], self.campaign.source)
        return _problem(place, f"Campaign {self.campaign.key.name}: {self.table.vendor} cannot {what}. {sentence}")

    def _refused(self, path: str) -> Problem:
        shown = path.partition(".")[0] if path.startswith(("schedule.", "recall.")) else path
        return self._cannot(shown, f"hold {_NAMES.get(path, path)}", self.table.refusals.get(path, _UNLISTED))

    def _field(self, path: str, value: Json, covered: bool = False) -> Iterator[Problem]:
        """Problems at `path` and below. `covered`: a rule for what is above holds here too, unless a longer one does not."""
        if path in self.table.refusals:
            yield self._refused(path)
            return
        covered = covered or path in self.table.fields
        if isinstance(value, dict) and path in self.parents:
            for name, below in value.items():
                yield from self._field(f"{path}.{name}", below, covered)
        elif not covered:
            yield self._refused(path)

    def _run(self) -> Iterator[Problem]:
        if self.campaign.run is not None and not self.table.dial:
            yield self._refused("activation")

    def _lifecycle(self) -> Iterator[Problem]:
        lifecycle, table = self.campaign.lifecycle, self.table
        if lifecycle.on_remove == "delete" and not table.delete:
            reason = table.refusals.get("delete", "write onRemove: retain")
            yield self._cannot("lifecycle.onRemove", "delete a campaign (onRemove)", reason)
        if lifecycle.on_remove == "stop" and not table.dial:
            reason = table.refusals.get("activation", "write onRemove: retain")
            yield self._cannot("lifecycle.onRemove", "stop a campaign (onRemove)", reason)
        for name in sorted(lifecycle.unmanaged - {"activation"}):
            if not any(known == name or known.startswith(f"{name}.") for known in table.fields):
                text = f"there is no such field.{suggestion(name, table.fields)}"
                yield self._cannot("lifecycle.unmanaged", f"leave {quoted(name)} unmanaged", text)

    def _contacts(self, path: str, people: ContactSet) -> Iterator[Problem]:
        rules, table = self.table.contacts, self.table
        if not (rules.add or rules.inside_create):
            reason = table.refusals.get("contacts", _UNLISTED)
            yield self._cannot(path, f"take contacts (contact set {people.name})", reason)
            return
        for name in sorted(people.columns.fields.keys() - rules.fields) if rules.fields is not None else ():
            takes = (
                f"it takes {', '.join(sorted(rules.fields))}"
                if rules.fields
                else "it takes the number and the key only"
            )
            yield self._cannot(path, f"hold the contact field {quoted(name)} (contact set {people.name})", takes)
        if rules.key_required and people.columns.key is None:
            reason = f"name the column that identifies a person: columns.key of contact set {people.name}"
            yield self._cannot(path, "take contacts without a key", reason)
        if people.mode == "mirror" and not rules.withdraw:
            reason = table.refusals.get("contacts.withdraw", f"write mode: append in contact set {people.name}")
            yield self._cannot(
                path, f"withdraw contacts, which mode mirror of contact set {people.name} asks for", reason
            )
