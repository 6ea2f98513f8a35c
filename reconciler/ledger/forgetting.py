"""People out of the record: what was done stays countable, by whom it could be found goes. Any store, each write fenced.

One person at once where they ask for it, many where the retention of their set ran out. Whose ran out is decided in retention.py.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from reconciler.errors import LedgerError
from reconciler.ledger.base import OPEN, Lease
from reconciler.ledger.sql import OPEN_OPS
from reconciler.ledger.sql_lease import SqlLease
from reconciler.model import Key, Person
from reconciler.units import counted

_KEY_BYTES = 16
_SHARED = 6  # bytes with which the random keys of one write begin, so that they lie side by side in the store's index


class SqlForgetting(SqlLease):
    """The writes that make a ledger know less."""

    def forget(self, lease: Lease, person: Person) -> int:
        with self._writing(lease):
            found = self._session.fetch(
                "SELECT o.op_key, o.state FROM scope s JOIN op o ON o.scope_id = s.id WHERE o.person = ? ORDER BY o.op_key",
                person,
            )
            if any(state in OPEN for _, state in found):
                raise LedgerError(
                    "What was sent to this person is in doubt: settle it first, with `reconciler apply` or `resolve`."
                )
            self._take_off([op_key for op_key, _ in found])
            self._event(lease, "person", "", "", f"forgotten: {len(found)} operations")
            return len(found)

    def mark_left(self, lease: Lease, contacts: Key, left: Sequence[tuple[bytes, int]]) -> None:
        with self._writing(lease):
            self._session.write_rows(
                "UPDATE op SET left_at = v.column2 FROM (VALUES {rows}) AS v WHERE op.op_key = v.column1", left
            )
            said = f"who left the source or came back: {counted(len(left), 'operation')}"
            self._event(lease, str(contacts), "", "", said)

    def expire(self, lease: Lease, contacts: Key, op_keys: Sequence[bytes], reason: str) -> None:
        with self._writing(lease):
            if self._take_off(op_keys) != len(op_keys):
                raise LedgerError(f"{contacts}: what is in doubt cannot expire. Nothing of it was changed.")
            self._event(lease, str(contacts), "", "", reason)

    def _take_off(self, op_keys: Sequence[bytes]) -> int:
        """The operations stay, under random keys; returns how many there were that are not open."""
        shared = secrets.token_bytes(_SHARED)
        rows = [(op_key, shared + secrets.token_bytes(_KEY_BYTES - _SHARED), b"") for op_key in op_keys]
        return self._session.write_rows(
            "UPDATE op SET op_key = v.column2, person = NULL, key_mac = v.column3, fields_mac = v.column3"
            f" FROM (VALUES {{rows}}) AS v WHERE op.op_key = v.column1 AND NOT op.{OPEN_OPS}",
            rows,
        )
