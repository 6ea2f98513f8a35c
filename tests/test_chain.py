"""The audit trail's hash chain: whole, and every way of tampering with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.ledger.base import Event
from reconciler.ledger.chain import GENESIS, Break, link, verify
from reconciler.ledger.empty import EmptyReader


@dataclass
class Trail(EmptyReader):
    lines: Sequence[Event]

    def events(self) -> Iterator[Event]:
        return iter(self.lines)


def trail(length: int) -> list[Event]:
    events: list[Event] = []
    for seq in range(1, length + 1):
        event = Event(seq, 1, "2026-06-01T08:00:00Z", "ana", f"request r{seq}", "sent", "confirmed", "5 confirmed")
        previous = events[-1].hash if events else GENESIS
        events.append(replace(event, hash=link(previous, event)))
    return events


def test_a_whole_trail_is_counted() -> None:
    assert verify(Trail(trail(5))) == 5
    assert verify(Trail([])) == 0


def test_the_hash_is_what_anybody_can_compute() -> None:
    # printf '%s' 'abc[1,2,"t","ana","lease","","run \"1\"","Hà Nội"]' | sha256sum
    event = Event(1, 2, "t", "ana", "lease", "", 'run "1"', "Hà Nội")
    assert link("abc", event) == "f7f7bbb46df9f3446d69f09445ffbe684ee6cf1ed85aeb2d81670fe865d836af"


@given(
    place=st.integers(0, 4),
    field=st.sampled_from(["epoch", "at", "actor", "entity", "before", "after", "reason", "hash"]),
)
def test_a_changed_line_is_found(place: int, field: str) -> None:
    events = trail(5)
    change: dict[str, Any] = {field: 9 if field == "epoch" else "something else"}
    events[place] = replace(events[place], **change)
    assert verify(Trail(events)) == Break(place + 1, "was changed, or one before it was")


@pytest.mark.parametrize("place", [0, 1, 3])
def test_a_removed_line_is_found(place: int) -> None:
    events = trail(5)
    del events[place]
    found = verify(Trail(events))
    assert str(found) == f"event {place + 1} is missing"


@pytest.mark.parametrize("left", [0, 1, 4])
def test_an_end_that_was_cut_off_is_found(left: int) -> None:
    events = trail(5)
    cut = Trail(events[:left])
    cut.high_water = (5, events[-1].hash)
    assert str(verify(cut)) == f"event {left + 1} is missing, and all after it: the trail went on to event 5"


def test_an_end_that_was_written_anew_is_found() -> None:
    forged = Trail(trail(3))
    forged.high_water = (3, "of another event")
    assert verify(forged) == Break(3, "is not the one that was written there")


def test_what_is_written_while_it_is_read_is_no_break() -> None:
    growing = Trail(trail(5))
    growing.high_water = (3, trail(3)[-1].hash)
    assert verify(growing) == 5


def test_two_lines_that_changed_places_are_found() -> None:
    events = trail(3)
    first, second = replace(events[0], seq=2), replace(events[1], seq=1)
    assert isinstance(verify(Trail([second, first, events[2]])), Break)


def test_what_was_moved_between_fields_is_found() -> None:
    first, second = (Event(1, 1, "t", "a", entity, before, "", "") for entity, before in (("ab", "c"), ("a", "bc")))
    assert link(GENESIS, first) != link(GENESIS, second)
