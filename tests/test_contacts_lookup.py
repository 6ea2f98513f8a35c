"""Searching fingerprints in bulk finds what a dictionary would, ties in the first word included."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from reconciler.contacts.lookup import Index, firsts, grouped, is_ordered, order_of
from reconciler.contacts.words import Words

# Few different words, at both ends of the range, so that equal first words are common.
WORD = st.sampled_from([0, 1, 2, 2**63, 2**64 - 1])
PRINTS = st.lists(st.tuples(WORD, WORD), max_size=12)


def column(prints: list[tuple[int, int]]) -> Words:
    return np.array(prints, dtype=np.uint64).reshape(-1, 2)


@given(held=PRINTS, wanted=PRINTS)
def test_an_index_finds_the_first_of_equals_and_nothing_else(
    held: list[tuple[int, int]], wanted: list[tuple[int, int]]
) -> None:
    ordered = sorted(held)
    index = Index(column(ordered))
    expected = [ordered.index(one) if one in ordered else -1 for one in wanted]
    assert index.find(column(wanted)).tolist() == expected
    assert len(index) == len(held)


@given(prints=PRINTS)
def test_order_is_by_both_words_and_keeps_equals_in_place(prints: list[tuple[int, int]]) -> None:
    order = order_of(column(prints)).tolist()
    assert order == sorted(range(len(prints)), key=lambda at: prints[at])
    assert is_ordered(column([prints[at] for at in order]))
    assert is_ordered(column(prints)) == (prints == sorted(prints))


@given(prints=PRINTS)
def test_groups_and_their_firsts(prints: list[tuple[int, int]]) -> None:
    different, groups = grouped(column(prints))
    assert [tuple(one) for one in different.tolist()] == sorted(set(prints))
    assert [tuple(different[group].tolist()) for group in groups] == prints
    expected = [prints.index(one) == at for at, one in enumerate(prints)]
    assert firsts(groups, len(different)).tolist() == expected


def test_many_are_found_among_many() -> None:
    random = np.random.default_rng(7)
    held = np.unique(random.integers(0, 2**64, (50_000, 2), dtype=np.uint64), axis=0)
    index = Index(held)
    shuffled = random.permutation(len(held))
    assert np.array_equal(index.find(held[shuffled]), shuffled)
    assert np.array_equal(index.take(shuffled), held[shuffled])
    assert (index.find(random.integers(0, 2**64, (50_000, 2), dtype=np.uint64)) == -1).all()
