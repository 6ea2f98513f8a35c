"""What a claim is about, by number: campaign, contact set and verb stand once in a ledger kept in SQL. Writes nothing else."""

from __future__ import annotations

from reconciler.ledger.base import Op
from reconciler.ledger.sql import Session
from reconciler.model import Key


class Scopes:
    """The row of each (campaign, contact set, verb) that a claim is about, looked up once and made where it is new."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._known: dict[tuple[str, Key, str], int] = {}
        self._newest: Op | None = None
        self._scope = 0

    def of(self, op: Op) -> int:
        near = self._newest
        if near is None or op.key is not near.key or (op.identity, op.verb) != (near.identity, near.verb):
            self._newest = op  # the one key that all of a call share takes long to hash
            self._scope = self._known.get((op.identity, op.key, op.verb)) or self.find(op.identity, op.key, op.verb)
        return self._scope

    def find(self, identity: str, key: Key, verb: str) -> int:
        about = (identity, key.contacts, verb)
        rows = self._session.fetch(
            "SELECT id FROM scope WHERE identity = ? AND contacts = ? AND verb = ?", *about
        ) or self._session.fetch(
            f"INSERT INTO scope (id, identity, contacts, verb, campaign) VALUES ({next_id('scope')}, ?, ?, ?, ?) RETURNING id",
            *(*about, str(key.campaign)),
        )
        found = self._known[(identity, key, verb)] = int(rows[0][0])
        return found


def next_id(table: str) -> str:
    """As SQL. Nobody else writes meanwhile, so that this is as good as a sequence, and has no gaps."""
    return f"(SELECT coalesce(max(id), 0) + 1 FROM {table})"
