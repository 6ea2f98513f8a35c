"""Planning under two contact keys gives what planning under one does, whoever is re-keyed already."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.contacts import Fingerprints, People
from reconciler.contacts.renewal import Seen
from reconciler.contacts.rotation import Rotating, Translation
from reconciler.contacts.words import bytes_of, words_of
from reconciler.model import Person, Sent
from tests.contacts_support import (
    ANN,
    BOB,
    CAT,
    KEY,
    Project,
    added,
    contact_set,
    inline,
    numbers,
    suppression,
    updated,
)

NEW = b"the key that comes after it, of more than 32 bytes"
OLD = Fingerprints(KEY)
FRESH = Fingerprints(NEW, OLD.operations)
MANY = [f"+8491234567{digit}" for digit in range(8)]
STATES = ["confirmed", "already", "planned", "withdrawn", "in_doubt", "held", "duplicated", "rejected"]


def rotating(*known: str) -> Rotating:
    """`known`: numbers that the ledger knows under the former key."""
    return Rotating(NEW, OLD, OLD.operations, lambda: b"".join(OLD.person(number) for number in known))


def test_everybody_has_one_fingerprint() -> None:
    both = rotating(ANN)
    assert both.person(ANN) == OLD.person(ANN) and both.person(BOB) == FRESH.person(BOB)
    column = np.array([int(ANN[1:]), int(BOB[1:])], dtype=np.uint64)
    assert bytes_of(both.people(column)) == both.person(ANN) + both.person(BOB)
    assert both.under_former(column).tolist() == [True, False]
    assert both.fields_of_person(ANN, {"a": "1"}) == OLD.fields({"a": "1"})
    assert both.fields_of_person(BOB, {"a": "1"}) == FRESH.fields({"a": "1"}) == both.fields({"a": "1"})
    assert (both.check(), both.key("C1")) == (FRESH.check(), FRESH.key("C1"))


def test_operations_stay_under_their_sub_key_and_people_do_not() -> None:
    both = rotating(ANN)
    about = ("hanoi", "i" * 32, OLD.person(ANN), 1, "add")
    assert both.operation(*about) == OLD.operation(*about) == FRESH.operation(*about)
    assert Fingerprints(NEW).operation(*about) != OLD.operation(*about)
    assert Fingerprints(NEW).person(ANN) == FRESH.person(ANN) != OLD.person(ANN)


def test_nothing_of_it_prints_a_key_or_leaves_the_process() -> None:
    both = rotating(ANN)
    assert repr(both) == "Fingerprints(•••)"
    with pytest.raises(TypeError, match="never pickled"):
        pickle.dumps(both)


def test_what_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match=r"not an E\.164 number"):
        rotating(ANN).person("anna")


def test_keys_that_no_source_shows_stay_as_they_are() -> None:
    held = [OLD.key("A"), bytes(16), OLD.key("B"), OLD.key("A"), FRESH.key("C")]
    translation = Translation(words_of(b"".join(held), 2))
    translation.learn(words_of(OLD.key("A") + bytes(16), 2), words_of(FRESH.key("A") + bytes(16), 2))
    assert bytes_of(translation.keys()) == b"".join([FRESH.key("A"), bytes(16), OLD.key("B"), FRESH.key("A"), held[4]])


def test_who_was_seen_and_where() -> None:
    both = rotating(ANN, BOB, CAT)
    seen = both.witness = Seen()
    both.person(CAT)
    project = Project(Path(tempfile.mkdtemp()))
    rows = inline([{"phone": ANN, "id": "A"}, {"phone": MANY[5], "id": "F"}])
    project.plan(contact_set(rows, key="id"), fingerprints=both)
    renewal = seen.renewal(both)
    people = words_of(b"".join(OLD.person(number) for number in (ANN, BOB, CAT)), 2)
    at = renewal.people.find(people)
    assert (at >= 0).tolist() == [True, False, True]
    assert bytes_of(renewal.people.at(at)) == FRESH.person(ANN) + bytes(16) + FRESH.person(CAT)
    assert [renewal.is_declared(position) for position in at.tolist()] == [True, False, False]
    keys = renewal.keys.at(renewal.keys.find(words_of(OLD.key("A") + OLD.key("F"), 2)))
    assert bytes_of(keys) == FRESH.key("A") + FRESH.key("F")
    assert len(seen) == 2 and len(renewal.fields) == 0


# ---- the same plan --------------------------------------------------------------------------------------------------

person = st.integers(0, len(MANY) - 1)
held = st.fixed_dictionaries(
    {
        "state": st.sampled_from(STATES),
        "revision": st.integers(1, 3),
        "key": st.sampled_from("ABC-"),
        "name": st.sampled_from("xy"),
    }
)
row = st.fixed_dictionaries({"who": person, "id": st.sampled_from("ABC-"), "name": st.sampled_from("xy")})


def ledgers(history: Mapping[int, Mapping[str, Any]], moved: set[int]) -> tuple[list[Sent], list[Sent]]:
    """What a ledger under one key holds, and what one holds in which `moved` are under the new one."""
    one, two = list[Sent](), list[Sent]()
    for number, about in history.items():
        for fingerprints, entries in ((OLD, one), (FRESH if number in moved else OLD, two)):
            key = "" if about["key"] == "-" else about["key"]
            entries.append(
                Sent(
                    fingerprints.person(MANY[number]), "may", about["state"], about["revision"], "",
                    fingerprints.key(key) if key else b"", fingerprints.fields({"name": about["name"]}),
                )
            )  # fmt: skip
    return one, two


def told(people: People) -> tuple[object, ...]:
    """What a plan says, and of whom, without any fingerprint."""
    deltas = [replace(delta, digests={}) for delta in people.deltas]
    sent = [(c.phone.reveal(), c.revision, c.key) for each in (added, updated) for c in each(people)]
    return deltas, people.departures, people.findings, sent


def of_whom(people: Sequence[Person], fingerprints: Fingerprints) -> set[str]:
    return {number for number in MANY if fingerprints.person(number) in set(people)}


@given(
    history=st.dictionaries(person, held, max_size=6),
    rows=st.lists(row, max_size=8),
    moved=st.sets(person),
    listed=st.sets(person, max_size=2),
    remembered=st.sets(person, max_size=2),
    refused=st.sets(person, max_size=2),
    mirror=st.booleans(),
    withdraws=st.booleans(),
)
def test_two_keys_plan_as_one(
    history: dict[int, dict[str, Any]],
    rows: list[dict[str, Any]],
    moved: set[int],
    listed: set[int],
    remembered: set[int],
    refused: set[int],
    mirror: bool,
    withdraws: bool,
) -> None:
    written = [{"phone": MANY[r["who"]], "id": r["id"].replace("-", ""), "n": r["name"]} for r in rows]
    one, two = ledgers(history, moved)
    known = (history.keys() | remembered | refused) - moved
    both = rotating(*(MANY[number] for number in known))
    declared = contact_set(
        inline(written or [{"phone": "", "id": "", "n": ""}]),
        key="id",
        fields={"name": "n"},
        suppress=("stop",),
        mode="mirror" if mirror else "append",
    )
    stop = suppression(inline([{"phone": MANY[number]} for number in sorted(listed)] or [{"phone": MANY[7]}]), "stop")

    def planned(fingerprints: Fingerprints, sent: Sequence[Sent]) -> People:
        def prints(numbers: set[int]) -> list[Person]:
            return sorted(fingerprints.person(MANY[number]) for number in numbers)

        with tempfile.TemporaryDirectory() as folder:
            people = Project(Path(folder)).plan(
                declared, lists=[stop], sent=sent, fingerprints=fingerprints, withdraws=withdraws, refused=prints(refused),
                remembered={"stop/VN": b"".join(prints(remembered)), "stop": b"".join(prints(remembered))},
            )  # fmt: skip
            answers.append((told(people), of_whom(people.leaving("may"), fingerprints), numbers(added(people))))
            return people

    answers: list[object] = []
    planned(OLD, one)
    planned(both, two)
    assert answers[0] == answers[1]
