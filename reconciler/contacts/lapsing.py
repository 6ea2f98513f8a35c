"""Whose fingerprints run out: traces of one campaign that is bound to nothing, judged a page at a time. Pure; columns in, rows out.

The rules, which keep for longer wherever there is a doubt:

- The clock of a person and a set begins when their campaign was seen bound to nothing, they were seen to have left the set's source, and
  the set was seen to have a retention, whichever was last. A set that is declared no more has been left by everybody.
- A person expires in all of a campaign's sets at once, when the clocks of all of them have run out and nothing of them is in doubt.
- Whose source cannot be read neither begins nor ends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from reconciler.contacts.fingerprint import WIDTH
from reconciler.contacts.lookup import Mask
from reconciler.contacts.presence import Presence
from reconciler.contacts.words import Words, words_of
from reconciler.model.trace import Trace

Times = NDArray[np.int64]
_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class SetRule:
    """What holds for one set. `seconds`: its retention, None: for ever, and `since` when it has one. `gone`: since when it is, or was
    until now, declared no more, else 0.

    `source`: who is in it, None where that cannot be told or, where it is not `declared`, need not be.
    """

    seconds: int | None
    since: int = 0
    gone: int = 0
    declared: bool = False
    source: Presence | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Moment:
    """`now`, and since when the campaign is `unbound`, in seconds since 1970. `whole`: somebody may expire."""

    now: int
    unbound: int
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Lapsed:
    """By set: op keys that expire, of how many people, and op keys of those who left or came back with the time to be remembered."""

    expired: Mapping[str, Sequence[bytes]] = field(repr=False)
    people: Mapping[str, int]
    left: Mapping[str, Sequence[tuple[bytes, int]]] = field(repr=False)


def judge(traces: Sequence[Trace], rules: Mapping[str, SetRule], moment: Moment) -> Lapsed:
    """`traces`: ordered by person, and all of each; `rules`: by set, one for each that occurs."""
    names = list(rules)
    number = {name: index for index, name in enumerate(names)}
    sets = np.fromiter((number[trace.contacts] for trace in traces), np.int64, len(traces))
    people = words_of(b"".join(trace.person for trace in traces), 2)
    keys = words_of(b"".join(trace.key_mac.rjust(WIDTH, b"\0") for trace in traces), 2)
    before = np.fromiter((trace.left_at for trace in traces), np.int64, len(traces))
    since, ends = before.copy(), np.full(len(traces), _NEVER, dtype=np.int64)
    for name, rule in rules.items():
        rows = np.flatnonzero(sets == number[name])
        _clock(rule, moment, rows, people, keys, since, ends)
    ends[np.fromiter((trace.open for trace in traces), np.bool_, len(traces))] = _NEVER
    persons = _persons(people)
    over = (ends <= moment.now) & moment.whole
    over &= np.bincount(persons[~over], minlength=len(traces))[persons] == 0
    moved = (since != before) & ~over
    op_keys = [trace.op_key for trace in traces]
    found = {name: sets == index for name, index in number.items()}
    return Lapsed(
        {name: list(compress(op_keys, over & rows)) for name, rows in found.items() if (over & rows).any()},
        {name: len(np.unique(persons[over & rows])) for name, rows in found.items() if (over & rows).any()},
        {
            name: list(zip(compress(op_keys, moved & rows), since[moved & rows].tolist(), strict=True))
            for name, rows in found.items()
            if (moved & rows).any()
        },
    )


def _clock(
    rule: SetRule, moment: Moment, rows: NDArray[np.intp], people: Words, keys: Words, since: Times, ends: Times
) -> None:
    """Fill in, for the rows of one set, since when they are gone (0: they are not) and when that was long enough."""
    left = since[rows]
    if rule.declared:
        if rule.source is None:
            return
        gone = np.where(left > 0, left, rule.gone or moment.now)
        left = np.where(rule.source.holds(people[rows], keys[rows]), 0, gone)
        since[rows] = left
    else:
        left = np.where(left > 0, left, rule.gone)
    if rule.seconds is not None:
        ends[rows] = np.where(left > 0, np.maximum(left, max(moment.unbound, rule.since)) + rule.seconds, _NEVER)


def _persons(people: Words) -> NDArray[np.int64]:
    """Which person each row is of, counted from 0."""
    fresh: Mask = np.ones(len(people), dtype=np.bool_)
    fresh[1:] = (people[1:] != people[:-1]).any(axis=1)
    return np.cumsum(fresh, dtype=np.int64) - 1
