"""What identifies a campaign at its vendor, and its former names: two of ours must not mean the same one."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.config.document import Document
from reconciler.config.words import Complaints, quoted
from reconciler.model import Resource

_MOVED = ("metadata", "movedFrom")


class Identities:
    """`campaigns`: all that are declared, by name."""

    def __init__(self, campaigns: Mapping[str, Document], complaints: Complaints) -> None:
        self._campaigns, self._complaints = campaigns, complaints
        self._taken: dict[tuple[str, str, str], Document] = {}
        self._moves: dict[str, str] = {}  # name -> former name

    def add(self, document: Document, resource: Resource) -> None:
        """A vendor knows a campaign by its name or by its id."""
        if resource.absent is not None:
            return
        connection = resource.key.connection
        if (first := self._claim(document, connection, "name", resource.name)) is not None:
            path = ("spec", "displayName") if "displayName" in resource.spec else ("metadata", "name")
            text = f"{quoted(resource.name)} is also the name of campaign {first.name} ({first.source}) on {connection}"
            self._complaints.at(document, path, "vendor-name", f"{text}: give one another displayName.")
        if resource.vendor_id and (first := self._claim(document, connection, "id", resource.vendor_id)) is not None:
            text = f"{quoted(resource.vendor_id)} is bound by campaign {first.name} ({first.source}) too: keep one of them."
            self._complaints.at(document, ("spec", resource.vendor), "vendor-name", text)

    def _claim(self, document: Document, owner: str, what: str, name: str) -> Document | None:
        """Another document that was there first, if any."""
        first = self._taken.setdefault((owner, what, name), document)
        return first if first is not document else None

    def moved(self, document: Document, old: str | None) -> None:
        """Takes down a movedFrom."""
        if old is None:
            return
        self._moves[document.name] = old
        if (first := self._claim(document, "", "moved", old)) is not None:
            text = (
                f"movedFrom {quoted(old)} is claimed by campaign {first.name} ({first.source}) too: only one can be it."
            )
            self._complaints.at(document, _MOVED, "moved", text)

    def check_moves(self) -> None:
        """To be called once all are taken down."""
        for name, old in self._moves.items():
            document = self._campaigns[name]
            if (circle := self._circle(name)) is not None:
                text = f"movedFrom goes in a circle: {', '.join(circle)}. Take it out of one of them."
                self._complaints.at(document, _MOVED, "moved", text)
            elif old in self._campaigns:
                text = f"movedFrom {quoted(old)} still exists ({self._campaigns[old].source}): take one of the two out."
                self._complaints.at(document, _MOVED, "moved", text)

    def _circle(self, name: str) -> list[str] | None:
        """`a, b, a` where following movedFrom from `a` leads back to it."""
        trail = [name]
        while (old := self._moves.get(trail[-1])) is not None and old not in trail[1:]:
            trail.append(old)
            if old == name:
                return trail
        return None
