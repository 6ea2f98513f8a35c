"""The writes of a rotation of the contact key, each fenced and with its event, which counts and names nobody. Any store."""

from __future__ import annotations

from reconciler.errors import LedgerError, WrongContactKey
from reconciler.ledger.base import Lease
from reconciler.ledger.contact_keys import (
    CURRENT,
    FORMER,
    KEYS,
    MOVED,
    OPERATIONS,
    PEOPLE,
    RETIRED,
    SINCE,
    LiveKeys,
    Moving,
    chunks,
    former_people,
    live_keys,
)
from reconciler.ledger.sql import OPEN_OPS
from reconciler.ledger.sql_lease import SqlLease
from reconciler.units import counted, people

_ENTITY = "contact key"
_WIDTH = 16  # bytes of one fingerprint


class SqlRotation(SqlLease):
    """The part of a ledger that knows which contact keys it goes by."""

    def check_key(self, key_check: bytes) -> None:
        """Raises WrongContactKey where it is not that of the key the ledger goes by, the newer one of two."""
        if live_keys(self).current != key_check:
            raise WrongContactKey(
                "The contact key is not the one this ledger was started with: with it everybody would look new and be called"
                " again. Nothing was sent. Set the variable that `contactKey` names to the former key."
            )

    def begin_rotation(self, lease: Lease, keys: LiveKeys, people: bytes) -> None:
        with self._writing(lease):
            self._put(KEYS, CURRENT, keys.current)
            self._put(KEYS, FORMER, keys.former)
            self._put(KEYS, OPERATIONS, keys.operations)
            self._put(KEYS, SINCE, b"%d" % lease.epoch)
            self._put(KEYS, MOVED, b"0")
            for name, value in chunks(people).items():
                self._put(PEOPLE, name, value)
            self._event(lease, _ENTITY, "", "", f"rotation begun: {_told(people)} known under the former key")

    def rekey(self, lease: Lease, moving: Moving) -> None:
        with self._writing(lease):
            rows = [
                (before, op.op_key, op.person, op.key_mac, op.fields_mac) for before, op in sorted(moving.ops.items())
            ]
            changed = self._session.write_rows(
                "UPDATE op SET op_key = v.column2, person = v.column3, key_mac = v.column4, fields_mac = v.column5"
                f" FROM (VALUES {{rows}}) AS v WHERE op.op_key = v.column1 AND NOT op.{OPEN_OPS}",
                rows,
            )
            if changed != len(rows):
                raise LedgerError("What is in doubt cannot be re-keyed. Nothing was changed. Settle it first.")
            self._put(PEOPLE, moving.chunk, moving.left)
            self._put(KEYS, MOVED, b"%d" % (live_keys(self).moved + moving.people))
            said = f"re-keyed: {people(moving.people)}, {counted(changed, 'operation')}"
            self._event(lease, _ENTITY, "", "", said)

    def finish_rotation(self, lease: Lease) -> None:
        with self._writing(lease):
            keys = live_keys(self)
            if left := sum(map(len, former_people(self).values())) // _WIDTH:
                raise LedgerError(f"Still under the former contact key: {people(left)}. Nothing was changed.")
            self._put(KEYS, RETIRED, keys.retired + keys.former)
            self._put(KEYS, FORMER, b"")
            # Over bodies with numbers in them: whoever has the former key could test guesses.
            self._session.write("UPDATE request SET body_mac = ? WHERE epoch < ?", b"", keys.since)
            self._event(lease, _ENTITY, "", "", "rotation finished: the former key is refused from here on")

    def _put(self, kind: str, name: str, value: bytes) -> None:
        """As `remember`, of many and without an event for each."""
        self._session.write(
            "INSERT INTO memory (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            f"{kind}/{name}",
            value,
        )


def _told(joined: bytes) -> str:
    return people(len(joined) // _WIDTH)
