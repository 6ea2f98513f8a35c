"""What happens to whom: rows of a campaign's sets against what was sent and who is suppressed. Pure; columns in, columns out.

Everybody of one campaign is a small integer here: the position in the ledger's table, or beyond it for numbers never seen. The rules:

- A row counts once: rejected, then duplicate, then suppressed, then added, updated or unchanged. `withdrawn` counts people apart.
- One number is one contact of a campaign. A row is a duplicate where its number, or within its set its key, is already taken by an
  earlier row; sets count in declared order.
- Who was sent through another set of the campaign stays as sent there: unchanged.
- A known key with a new number is the same person: `mirror` withdraws the old number and adds the new one; `append`, which never
  withdraws, leaves both alone, and so does either while the old one is in doubt or suppressed: unchanged, with a warning. Where the
  vendor refused the old number, the new one is simply added.
- Withdrawn are those on a list, in both modes, and in mirror mode those whose number is in no source of the campaign any more. Only who
  is known to be there can be withdrawn; who may be there is reported.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from reconciler.contacts.lookup import Index, Mask, firsts, grouped, order_of
from reconciler.contacts.sent import HELD, WITHDRAWABLE, SentTable, Standing, stands
from reconciler.contacts.words import Words

Ids = NDArray[np.int32]
Rows = NDArray[np.intp]
Flags = NDArray[np.uint8]

REJECTED = -1  # instead of an id


class Crowd:
    """The people of one campaign: those in the ledger, then the new ones, each by an id."""

    def __init__(self, sent: SentTable, known: Index, new: Words, rows: Iterable[Ids]) -> None:
        """`known`: the index of `sent.people`; `new`: everybody else in the sources, ascending, each once; `rows`: who is in them."""
        self.sent = sent
        self._known, self._new = known, Index(new)
        rest = np.full(len(new), Standing.NEVER, dtype=np.uint8)
        self.standing = np.concatenate([sent.standing, rest])
        self.revisions = np.concatenate([sent.revisions, np.ones(len(new), dtype=np.uint32)])
        self.in_source = np.zeros(len(self), dtype=np.bool_)
        for ids in rows:
            self.in_source[ids[ids != REJECTED]] = True

    def __len__(self) -> int:
        return len(self.standing)

    def find(self, people: Words) -> Ids:
        """Ids of those who are in the crowd; others are left out."""
        known = self._known.find(people)
        new = self._new.find(people[known < 0])
        return np.concatenate([known[known >= 0], new[new >= 0] + np.int32(len(self.sent))])

    def people(self, ids: Ids) -> Words:
        known = len(self.sent)
        prints = np.empty((len(ids), 2), dtype=np.uint64)
        old = ids < known
        prints[old] = self._known.take(ids[old])
        prints[~old] = self._new.take(ids[~old] - known)
        return prints


@dataclass(frozen=True, slots=True)
class SetRows:
    """All rows of one set in order: who each is (REJECTED: nobody), its key and its fields."""

    contacts: str
    mirror: bool
    ids: Ids = field(repr=False)
    keys: Words | None = field(repr=False)
    fields: Words | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What one set comes to. Rows ascend; `suppressed` holds one more than the list's position for each of `kept`.

    `moved`: rows left alone because their key is known under another number. `held`: rows that wait for the ledger's doubts, or
    that the vendor refused before.
    """

    kept: Rows = field(repr=False)  # every row that is neither rejected nor a duplicate
    suppressed: Flags = field(repr=False)
    added: Rows = field(repr=False)
    updated: Rows = field(repr=False)
    rekeyed: Rows = field(repr=False)
    held: int
    moved: int

    @property
    def unchanged(self) -> int:
        return len(self.kept) - int(np.count_nonzero(self.suppressed)) - len(self.added) - len(self.updated)


def kept_rows(rows: SetRows, taken: Mask) -> Rows:
    """Rows that are the first with their number and, within the set, with their key. Marks their numbers in `taken`."""
    valid = np.flatnonzero(rows.ids != REJECTED)
    ids = rows.ids[valid]
    first = firsts(ids, len(taken)) & ~taken[ids]
    if rows.keys is not None:
        first = _first_by_key(rows.keys[valid], ids, first, taken)
    taken[ids[first]] = True
    return valid[first]


def _first_by_key(keys: Words, ids: Ids, first: Mask, taken: Mask) -> Mask:
    """Take the keys into account too, in the order of the rows: only what was taken, not what was dropped, makes a duplicate."""
    keyed = np.asarray(keys.any(axis=1))
    different, groups = grouped(keys)
    sure = first & (firsts(groups, len(different)) | ~keyed)
    numbers, names = taken.copy(), np.zeros(len(different), dtype=np.bool_)
    numbers[ids[sure]] = True
    names[groups[sure & keyed]] = True
    for row in np.flatnonzero(~sure).tolist():
        number, name = ids[row], groups[row]
        if not numbers[number] and not (keyed[row] and names[name]):
            sure[row] = numbers[number] = True
            names[name] |= keyed[row]
    return sure


class _Kind(IntEnum):
    """What a kept row comes to, as far as its person alone says."""

    SUPPRESSED = 0
    WANTED = 1
    HERE = 2  # sent through this set, and known to be there: its fields may have changed
    ELSEWHERE = 3  # the same through another set
    HELD = 4


def judge(rows: SetRows, kept: Rows, listed: Flags, crowd: Crowd, withdraws: bool) -> Verdicts:
    """What becomes of each kept row. `listed`: for each id one more than the position of a list it is on, 0 for none.

    `withdraws`: whether the vendor can.
    """
    ids = rows.ids[kept]
    kinds = _kinds(rows.contacts, listed, crowd)[ids]
    suppressed = np.zeros(len(kept), dtype=np.uint8)
    stopped = np.flatnonzero(kinds == _Kind.SUPPRESSED)
    suppressed[stopped] = listed[ids[stopped]]
    here = np.flatnonzero(kinds == _Kind.HERE)
    updated = here[_differs(rows.fields, crowd.sent.fields, kept[here], ids[here])]
    rekeyed = here[_differs(rows.keys, crowd.sent.keys, kept[here], ids[here])]
    wanted = np.flatnonzero(kinds == _Kind.WANTED)
    moved, waiting = _moves(rows, kept[wanted], listed, crowd, withdraws)
    held = int(np.count_nonzero(kinds == _Kind.HELD)) + int(np.count_nonzero(waiting))
    added = kept[wanted[~moved & ~waiting]]
    return Verdicts(kept, suppressed, added, kept[updated], kept[rekeyed], held, int(np.count_nonzero(moved)))


def _kinds(contacts: str, listed: Flags, crowd: Crowd) -> Flags:
    """The kind of every id, in the order of the ids: what is looked up at random later is then one byte."""
    sent = crowd.sent
    kinds = np.full(len(crowd), _Kind.ELSEWHERE, dtype=np.uint8)
    kinds[stands(crowd.standing, (Standing.NEVER, Standing.GONE))] = _Kind.WANTED
    kinds[stands(crowd.standing, HELD)] = _Kind.HELD
    kinds[: len(sent)][sent.owned_by(contacts) & sent.stands((Standing.THERE,))] = _Kind.HERE
    kinds[listed > 0] = _Kind.SUPPRESSED
    return kinds


def _differs(column: Words | None, before: Words | None, rows: Rows, ids: Ids) -> Mask:
    """Where a source's column says something else than the ledger; what it does not say never differs."""
    if column is None:
        return np.zeros(len(rows), dtype=np.bool_)
    now = column[rows]
    then = np.zeros_like(now) if before is None else before[ids]
    differs: Mask = (now != then).any(axis=1) & now.any(axis=1)
    return differs


def _moves(rows: SetRows, wanted: Rows, listed: Flags, crowd: Crowd, withdraws: bool) -> tuple[Mask, Mask]:
    """Of the rows to be added: whose key is known under a number that left the source and stays in the way; who waits for a doubt."""
    moved, waiting = np.zeros((2, len(wanted)), dtype=np.bool_)
    sent = crowd.sent
    if rows.keys is None or sent.keys is None:
        return moved, waiting
    old = sent.owned_by(rows.contacts) & ~crowd.in_source[: len(sent)] & sent.keys.any(axis=1)
    old &= sent.stands((Standing.THERE, Standing.TWICE, Standing.UNSURE))
    before = np.flatnonzero(old)
    before = before[order_of(sent.keys[before])]
    at = Index(sent.keys[before]).find(rows.keys[wanted])
    known = np.flatnonzero(at >= 0)
    before = before[at[known]]
    unsure = sent.standing[before] == Standing.UNSURE
    leaves = rows.mirror & withdraws & (listed[before] == 0)
    waiting[known[unsure]] = True
    moved[known[~unsure & ~leaves]] = True
    return moved, waiting


def leaving(contacts: str, mirror: bool, listed: Flags, crowd: Crowd) -> tuple[Ids, Ids]:
    """Who is withdrawn from one set: those who are suppressed, and those who left the source.

    `listed`: more than 0 for each id that is on a list of this set, or suppressed by another set of the campaign.
    """
    sent = crowd.sent
    known = slice(0, len(sent))
    there = sent.owned_by(contacts) & sent.stands(WITHDRAWABLE)
    suppressed = there & (listed[known] > 0)
    left = there & ~suppressed & ~crowd.in_source[known] if mirror else np.zeros(len(sent), dtype=np.bool_)
    return np.flatnonzero(suppressed).astype(np.int32), np.flatnonzero(left).astype(np.int32)


def doubtful(contacts: str, listed: Flags, crowd: Crowd) -> int:
    """How many of a set's people are suppressed and may be there all the same."""
    sent = crowd.sent
    return int(np.count_nonzero(sent.owned_by(contacts) & sent.stands((Standing.UNSURE,)) & (listed[: len(sent)] > 0)))
