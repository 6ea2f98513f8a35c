"""The ledger's people as columns."""

from __future__ import annotations

import numpy as np
import pytest

from reconciler.contacts.lookup import is_ordered
from reconciler.contacts.sent import STANDING, SentTable, Standing
from reconciler.contacts.words import bytes_of
from reconciler.ledger.base import OpState
from tests.contacts_support import ANN, BOB, CAT, sent


def test_entries_are_put_in_the_order_of_their_people() -> None:
    people = [ANN, BOB, CAT]
    entries = [sent(e164, "held", f"set-{e164[-1]}", 3, f"K{e164[-1]}", {"a": e164[-1]}) for e164 in people]
    for ordering in (entries, entries[::-1], [entries[1], entries[2], entries[0]]):
        table = SentTable.of(ordering)
        assert is_ordered(table.people)
        assert len(table) == 3
        for at in range(3):
            entry = next(one for one in entries if one.person == bytes_of(table.people[at : at + 1]))
            assert table.keys is not None
            assert table.fields is not None
            assert bytes_of(table.keys[at : at + 1]) == entry.key_mac
            assert bytes_of(table.fields[at : at + 1]) == entry.fields_mac
            assert table.sets[table.owners[at]] == entry.contacts
            assert (table.standing[at], table.revisions[at]) == (Standing.UNSURE, 3)


def test_columns_that_the_ledger_does_not_hold_are_left_out() -> None:
    table = SentTable.of([sent(ANN), sent(BOB, "rejected", "june")])
    assert table.keys is None
    assert table.fields is None
    assert np.count_nonzero(table.owned_by("june")) == 1
    assert not table.owned_by("july").any()
    assert table.stands((Standing.REFUSED,)).tolist() == table.owned_by("june").tolist()


def test_an_empty_ledger_is_an_empty_table() -> None:
    assert len(SentTable.of([])) == 0


def test_every_state_of_the_ledger_has_a_standing() -> None:
    assert {state.value for state in OpState} | {"absent"} == set(STANDING)


def test_a_state_nobody_knows_is_never_guessed() -> None:
    with pytest.raises(KeyError):
        SentTable.of([sent(ANN, "teleported")])


def test_a_table_prints_nobody() -> None:
    assert repr(SentTable.of([sent(ANN)])) == "SentTable(sets=('may',))"
