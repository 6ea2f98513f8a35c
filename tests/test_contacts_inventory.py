"""Whom a vendor holds, and with which fields, against what was sent: each verdict, and all of them against a plain model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.contacts.inventory import HIDDEN, LEFT, PENDING, UNNAMED, Inventory, Look, expected
from reconciler.contacts.words import Words, bytes_of, words_of
from reconciler.model import LiveContact, Phone, Sent
from tests.contacts_support import ANN, BOB, CAT, DAN, PRINTS, Project, contact_set, inline, sent

NAMES = {"may": ["due", "name"]}
AN = {"due": "5", "name": "An"}


def live(number: str, fields: Mapping[str, str] | None = None) -> LiveContact:
    return LiveContact("v", Phone(number), AN if fields is None else fields)


def shown(contact: LiveContact, names: Sequence[str]) -> Mapping[str, str]:
    """A vendor that shows what it holds and no more."""
    return {name: contact.fields[name] for name in names if name in contact.fields}


def look(
    history: Sequence[Sent], there: Sequence[LiveContact], source: Mapping[str, Mapping[str, str]] | None = None
) -> Inventory:
    """`source`: number -> fields in it just now."""

    def today(contacts: str, wanted: Words) -> Iterator[tuple[int, bytes, Mapping[str, str]]]:
        prints = [bytes_of(row) for row in wanted]
        assert contacts == "may" and prints == sorted(prints)
        for number, fields in (source or {}).items():
            if PRINTS.person(number) in prints:
                yield prints.index(PRINTS.person(number)), PRINTS.fields(fields), fields

    seeing = Look(history, NAMES, PRINTS, shown)
    for contact in there:
        seeing.see(contact)
    return seeing.result(today)


def test_as_sent() -> None:
    history = [sent(ANN, fields=AN), sent(BOB, fields=AN), sent(CAT, "withdrawn", fields=AN), sent(DAN, "held")]
    assert look(history, [live(ANN), live(BOB)]) == Inventory(expected=2, alike=2)
    assert expected(history) == 2


def test_who_is_gone_who_is_extra_and_who_is_there_twice() -> None:
    there = [live(BOB), live(BOB, {"due": "9"}), live(DAN)]
    found = look([sent(ANN, fields=AN), sent(BOB, fields=AN)], there, {BOB: AN})
    assert found == Inventory(expected=2, missing=1, extra=1, twice=1, alike=1), "which entry is ours, nobody can say"


@pytest.mark.parametrize("number", ["+", "+0123", "+1234567890123456", "+٣"])
def test_what_is_no_number_is_nobody_of_ours(number: str) -> None:
    assert look([], [live(number)]) == Inventory(expected=0, extra=1)


def test_other_fields_than_those_sent_are_a_change_where_the_source_still_tells_what_was_sent() -> None:
    history = [sent(ANN, fields=AN)]
    changed = live(ANN, {**AN, "due": "9"})
    assert look(history, [changed], {ANN: AN}) == Inventory(expected=1, changed=1)
    assert look(history, [changed], {ANN: {**AN, "due": "7"}}) == Inventory(expected=1, uncompared={PENDING: 1})
    assert look(history, [changed]) == Inventory(expected=1, uncompared={LEFT: 1})


def test_a_field_that_is_gone_there_is_a_change_where_the_vendor_shows_it_empty() -> None:
    assert look([sent(ANN, fields=AN)], [live(ANN, {**AN, "due": ""})], {ANN: AN}).changed == 1


def test_what_is_not_shown_is_not_said_to_be_equal() -> None:
    history = [sent(ANN, fields=AN), sent(BOB, fields=AN), sent(CAT, fields={"due": "", "name": "An"})]
    there = [live(ANN, {}), live(BOB, {"name": "An"}), live(CAT, {"name": "An"})]
    found = look(history, there, {number: AN for number in (ANN, BOB)})
    assert found == Inventory(expected=3, alike=1, uncompared={HIDDEN: 2}, hidden=("due", "name"))
    one = look([sent(BOB, fields=AN)], [live(BOB, {"name": "An"})], {BOB: AN})
    assert one == Inventory(expected=1, uncompared={HIDDEN: 1}, hidden=("due",))
    assert look([sent(BOB, fields=AN)], [live(BOB, {"name": "Binh"})], {BOB: AN}).changed == 1


def test_white_space_and_how_letters_are_composed_are_no_change() -> None:
    fields = {"due": " 5 ", "name": "Bi\u0300nh  An"}
    there = live(ANN, {"due": "5", "name": "B\u00ecnh An"})
    assert look([sent(ANN, fields=fields)], [there], {ANN: fields}) == Inventory(expected=1, alike=1)


def test_what_is_empty_and_not_shown_was_sent_empty() -> None:
    fields = {"due": "", "name": " An"}
    assert look([sent(ANN, fields=fields)], [live(ANN, {"name": "An"})], {ANN: fields}).alike == 1


def test_people_without_fields_and_of_sets_that_are_gone() -> None:
    history = [sent(ANN), sent(BOB, contacts="june", fields=AN)]
    assert look(history, [live(ANN), live(BOB)]) == Inventory(expected=2, uncompared={UNNAMED: 1})
    assert look([sent(ANN)], [live(ANN)]) == Inventory(expected=1)


def test_many_are_compared_as_few_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconciler.contacts.inventory._AT_ONCE", 2)
    numbers = [f"+8491234{n:04}" for n in range(7)]
    history = [sent(number, fields=AN) for number in numbers]
    there = [live(number, AN if n % 2 else {**AN, "due": "0"}) for n, number in enumerate(numbers)]
    assert look(history, there, dict.fromkeys(numbers, AN)) == Inventory(expected=7, alike=3, changed=4)


def test_the_source_is_read_again_as_it_was_planned(tmp_path: Path) -> None:
    rows = [
        {"phone": ANN, "due": "5", "name": "An"},
        {"phone": "no"},
        {"phone": ANN, "due": "7"},
        {"phone": BOB, "id": "7"},
    ]
    declared = contact_set(inline([{"id": "", **row} for row in rows]), key="id", fields={"due": "due", "name": "name"})
    people = Project(tmp_path).plan(declared)
    everybody = sorted([PRINTS.person(ANN), PRINTS.person(BOB), PRINTS.person(CAT)])
    found = list(people.today("may", words_of(b"".join(everybody), 2)))
    at = everybody.index
    assert found == [
        (at(PRINTS.person(ANN)), PRINTS.fields(AN), AN),
        (at(PRINTS.person(ANN)), PRINTS.fields({"due": "7", "name": ""}), {"due": "7", "name": ""}),
        (at(PRINTS.person(BOB)), PRINTS.fields({"due": "", "name": ""}), {"due": "", "name": ""}),
    ]
    assert list(people.today("june", words_of(b"", 2))) == []


VALUES = st.sampled_from(["", "5", " 5", "An"])
FIELDS = st.fixed_dictionaries({"due": VALUES, "name": VALUES})
SHOWN = st.fixed_dictionaries({}, optional={"due": VALUES, "name": VALUES})
ONE = st.tuples(FIELDS, st.none() | SHOWN, st.none() | FIELDS)


@given(st.lists(ONE, max_size=12))
def test_every_person_has_one_verdict_and_it_is_the_models(
    people: list[tuple[dict[str, str], dict[str, str] | None, dict[str, str] | None]],
) -> None:
    """Each: what was sent, what is shown (None: not there), what is in the source."""
    numbers = [f"+8491234{n:04}" for n in range(len(people))]
    history = [sent(number, fields=fields) for number, (fields, _, _) in zip(numbers, people, strict=True)]
    there = [live(number, held) for number, (_, held, _) in zip(numbers, people, strict=True) if held is not None]
    source = {number: row for number, (_, _, row) in zip(numbers, people, strict=True) if row is not None}
    found = look(history, there, source)
    verdicts = Counter(verdict(*one) for one in people)
    assert (found.missing, found.alike, found.changed) == (verdicts["missing"], verdicts["alike"], verdicts["changed"])
    assert found.uncompared == {why: verdicts[why] for why in (HIDDEN, LEFT, PENDING) if verdicts[why]}
    assert found.missing + found.alike + found.changed + sum(found.uncompared.values()) == found.expected == len(people)


def verdict(before: dict[str, str], held: dict[str, str] | None, source: dict[str, str] | None) -> str:
    if held is None:
        return "missing"
    if {name: held.get(name, "") for name in before} == before:
        return "alike"
    if not held:
        return HIDDEN
    if source is None:
        return LEFT
    if source != before:
        return PENDING
    if any(held[name].strip() != before[name].strip() for name in held):
        return "changed"
    return HIDDEN if any(before[name] for name in before if name not in held) else "alike"
