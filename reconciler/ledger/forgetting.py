"""One person out of the record: what was done stays countable, by whom it could be found goes. Any store, within a transaction."""

from __future__ import annotations

import secrets

from reconciler.errors import LedgerError
from reconciler.ledger.base import OPEN
from reconciler.ledger.sql import Session
from reconciler.model import Person

_KEY_BYTES = 16


def forget(session: Session, person: Person) -> int:
    """Take a person's fingerprint, and what was derived from them, off all their operations; returns how many there were.

    The operations stay, under a random key: counts, requests and the trail are what they were. Raises LedgerError where one of them is
    not decided yet, since only by the fingerprint can it be.
    """
    found = session.fetch(
        "SELECT o.op_key, o.state FROM scope s JOIN op o ON o.scope_id = s.id WHERE o.person = ? ORDER BY o.op_key",
        person,
    )
    if any(state in OPEN for _, state in found):
        raise LedgerError(
            "What was sent to this person is in doubt: settle it first, with `reconciler apply` or `resolve`."
        )
    session.write_rows(
        "UPDATE op SET op_key = v.column2, person = NULL, key_mac = v.column3, fields_mac = v.column3"
        " FROM (VALUES {rows}) AS v WHERE op.op_key = v.column1",
        [(op_key, secrets.token_bytes(_KEY_BYTES), b"") for op_key, _ in found],
    )
    return len(found)
