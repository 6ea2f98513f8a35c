"""From a request to People: everybody judged by the rules of delta.py, counted, and what is to be said about it. Reads nothing itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from reconciler.contacts import leftovers
from reconciler.contacts.census import Census, region_of, take
from reconciler.contacts.delta import Crowd, Rows, SetRows, Verdicts, doubtful, judge, kept_rows, leaving
from reconciler.contacts.fingerprint import Fingerprints
from reconciler.contacts.lookup import NOBODY, Index, order_of
from reconciler.contacts.numbers import REASONS
from reconciler.contacts.people import Chosen, People, PeopleRequest, Roll
from reconciler.contacts.sent import Standing, stands
from reconciler.contacts.suppress import findings_of
from reconciler.contacts.words import Words, bytes_of, words_of
from reconciler.model import Action, ContactDelta, ContactSet, Finding

REFUSED = "refused"  # in the place of a list's name: people suppressed through the ledger

_SLICE = 1_000_000  # rows at a time, so that memory does not follow the size of a set

Flags = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class _Judged:
    """One set with its verdicts. `listed`: for each id one more than the position of its list among `names`, 0 for none.

    `waiting`: rows that the canary keeps back.
    """

    roll: Roll
    rows: SetRows
    names: Sequence[str]
    listed: Flags
    verdicts: Verdicts
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What one set comes to."""

    delta: ContactDelta
    leaving: Words
    departures: Mapping[str, int]
    findings: Sequence[Finding]
    chosen: Mapping[Action, Chosen] = field(default_factory=dict)
    rekeyed: tuple[Words, Words] = (NOBODY, NOBODY)


def plan_people(request: PeopleRequest) -> People:
    """What the sources and lists of one campaign come to against what was sent.

    Raises ConfigInvalid with everything that is wrong with the sources, and Blocked where a suppression list cannot be read whole.
    """
    census = take(request)
    judged = _canary(request, census.crowd, _judge(request, census))
    stopped = np.zeros(len(census.crowd), dtype=np.uint8)
    for one in judged:
        stopped[one.rows.ids[one.verdicts.kept[one.verdicts.suppressed > 0]]] = 1
    outcomes = {one.rows.contacts: _outcome(request, census.crowd, one, stopped) for one in judged}
    stopped[census.crowd.find(words_of(b"".join(request.refused), 2))] = 1
    everywhere = np.maximum.reduce([stopped, *(one.listed for one in judged)])
    findings = [finding for outcome in outcomes.values() for finding in outcome.findings]
    for name in sorted(set(census.crowd.sent.sets) - set(outcomes)):
        orphaned = _orphaned(request, census.crowd, name, everywhere)
        findings += orphaned.findings
        if orphaned.delta.withdrawn:
            outcomes[name] = orphaned
    findings += _about_lists(request, census)
    return People(
        tuple(outcome.delta for outcome in outcomes.values()),
        tuple(findings),
        _remembered(census),
        {name: outcome.departures for name, outcome in outcomes.items()},
        request.fingerprints,
        {roll.declared.name: roll for roll in census.rolls},
        {(action, name): chosen for name, one in outcomes.items() for action, chosen in one.chosen.items()},
        {name: outcome.leaving for name, outcome in outcomes.items()},
        {name: outcome.rekeyed for name, outcome in outcomes.items()},
        _released(request, census),
        {roll.declared.name: _protecting(request, roll.declared) for roll in census.rolls},
    )


def _judge(request: PeopleRequest, census: Census) -> list[_Judged]:
    """All sets, in their order: who is in an earlier one is a duplicate in a later one."""
    crowd = census.crowd
    taken = np.zeros(len(crowd), dtype=np.bool_)
    refused = crowd.find(words_of(b"".join(request.refused), 2))
    judged = []
    for roll, rows in zip(census.rolls, census.rows, strict=True):
        listed = np.zeros(len(crowd), dtype=np.uint8)
        former = _former(request, roll.declared)
        names = [*roll.declared.suppress, *former.values(), REFUSED]
        listed[refused] = len(names)
        for position, kept_as in reversed(list(enumerate(former, len(roll.declared.suppress)))):
            listed[crowd.find(words_of(request.remembered.get(kept_as, b""), 2))] = position + 1
        for position, name in reversed(list(enumerate(roll.declared.suppress))):
            on_list = census.lists[name, region_of(request, roll.declared)]
            before = _before(request, name, region_of(request, roll.declared))
            listed[crowd.find(on_list.with_released(before))] = position + 1
        kept = kept_rows(rows, taken)
        verdicts = judge(rows, kept, listed, crowd, request.withdraws)
        judged.append(_Judged(roll, rows, names, listed, verdicts))
    return judged


def _canary(request: PeopleRequest, crowd: Crowd, judged: Sequence[_Judged]) -> list[_Judged]:
    """Of those to be added only as many as may go first, set by set; whoever was ever sent counts as gone first."""
    if request.first is None:
        return list(judged)
    room = max(0, request.first - int(np.count_nonzero(~stands(crowd.standing, (Standing.NEVER,)))))
    held_back = []
    for one in judged:
        added = one.verdicts.added
        held_back.append(replace(one, verdicts=replace(one.verdicts, added=added[:room]), waiting=len(added[room:])))
        room -= len(added[:room])
    return held_back


def _outcome(request: PeopleRequest, crowd: Crowd, one: _Judged, stopped: Flags) -> _Outcome:
    roll, rows, verdicts = one.roll, one.rows, one.verdicts
    listed = np.maximum(one.listed, stopped)
    gone, departures = _gone(rows.contacts, rows.mirror, listed, crowd)
    chosen = {
        Action.ADD_CONTACTS: _chosen(rows, verdicts.added, crowd),
        Action.UPDATE_CONTACTS: _chosen(rows, verdicts.updated, crowd, raised=1),
    }
    digests = {
        "added": _digest(request.fingerprints, chosen[Action.ADD_CONTACTS]),
        "updated": _digest(request.fingerprints, chosen[Action.UPDATE_CONTACTS]),
        "withdrawn": request.fingerprints.digest_of(bytes_of(gone)) if len(gone) else "",
        "source": _source(request.fingerprints, crowd, rows, verdicts.kept),
    }
    delta = ContactDelta(
        key=request.key.contact_set(rows.contacts),
        rows=roll.size,
        rejected=_tally(roll.reasons, [str(reason) for reason in REASONS]),
        duplicates=len(rows.ids) - len(roll.rejected) - len(verdicts.kept),
        suppressed=_tally(verdicts.suppressed, one.names),
        added=len(verdicts.added),
        updated=len(verdicts.updated),
        waiting=one.waiting,
        unchanged=verdicts.unchanged - one.waiting,
        withdrawn=len(gone),
        held=verdicts.held,
        sent_before=_sent_before(crowd, rows.contacts),
        digests={verb: digest for verb, digest in digests.items() if digest},
    )
    doubts = doubtful(rows.contacts, listed, crowd)
    findings = list(leftovers.declared(roll.declared, delta, verdicts.moved, doubts))
    findings += leftovers.unprotected(roll.declared, delta, list(_former(request, roll.declared).values()))
    rekeyed = (crowd.people(rows.ids[verdicts.rekeyed]), _column(rows.keys, verdicts.rekeyed))
    return _Outcome(delta, gone, departures, findings, chosen, rekeyed)


def _orphaned(request: PeopleRequest, crowd: Crowd, contacts: str, listed: Flags) -> _Outcome:
    """A set that the ledger knows and the campaign no longer names: only suppression withdraws its people."""
    gone, departures = _gone(contacts, False, listed, crowd)
    digests = {"withdrawn": request.fingerprints.digest_of(bytes_of(gone))} if len(gone) else {}
    before = _sent_before(crowd, contacts)
    key = request.key.contact_set(contacts)
    delta = ContactDelta(key, withdrawn=len(gone), sent_before=before, digests=digests)
    return _Outcome(delta, gone, departures, list(leftovers.undeclared(delta, before - len(gone))))


def _gone(contacts: str, mirror: bool, listed: Flags, crowd: Crowd) -> tuple[Words, dict[str, int]]:
    """Who is withdrawn, ascending, and how many for which reason."""
    suppressed, left = leaving(contacts, mirror, listed, crowd)
    departures = {"suppressed": len(suppressed), "left_source": len(left)}
    people = crowd.people(np.sort(np.concatenate([suppressed, left])))
    return people, {reason: count for reason, count in departures.items() if count}


def _chosen(rows: SetRows, chosen: Rows, crowd: Crowd, raised: int = 0) -> Chosen:
    """`raised`: by how much what is to be sent raises the revision; a withdrawal raises it too."""
    ids = rows.ids[chosen]
    revisions = crowd.revisions[ids] + np.uint32(raised) + (crowd.standing[ids] == Standing.GONE)
    keys, fields = _column(rows.keys, chosen), _column(rows.fields, chosen)
    return Chosen(chosen, crowd.people(ids), keys, fields, revisions.astype(np.uint32))


def _column(column: Words | None, rows: Rows) -> Words:
    return np.zeros((len(rows), 2), dtype=np.uint64) if column is None else column[rows]


def _digest(fingerprints: Fingerprints, chosen: Chosen) -> str:
    """Over everything that a vendor will be told, whatever the order of the rows; nothing for nobody."""
    if not len(chosen.rows):
        return ""
    revisions = chosen.revisions.astype(np.uint64)[:, np.newaxis]
    whole = np.concatenate([chosen.people, chosen.keys, chosen.fields, revisions], axis=1)
    return fingerprints.digest_of(bytes_of(whole[order_of(chosen.people)]))


def _source(fingerprints: Fingerprints, crowd: Crowd, rows: SetRows, kept: Rows) -> str:
    """Over everybody in the source with their fields, whatever their order and whatever was sent of it: the same source, the same digest.

    A sum of keyed fingerprints, one for each person with their fields: no sort is needed.
    """
    total = np.zeros(2, dtype=np.uint64)
    for start in range(0, len(kept), _SLICE):
        part = kept[start : start + _SLICE]
        people = crowd.people(rows.ids[part])
        total += fingerprints.fields_of(np.concatenate([people, _column(rows.fields, part)], axis=1)).sum(axis=0)
    return fingerprints.digest_of(bytes_of(total[np.newaxis, :]))


def _tally(codes: Flags, names: Sequence[str]) -> dict[str, int]:
    """How often each name occurs; a code is one more than the position of its name."""
    counts = np.bincount(codes, minlength=len(names) + 1)[1:].tolist()
    return {name: count for name, count in zip(names, counts, strict=True) if count}


def _sent_before(crowd: Crowd, contacts: str) -> int:
    sent = crowd.sent
    return int(np.count_nonzero(sent.owned_by(contacts) & ~sent.stands((Standing.NEVER, Standing.GONE))))


def _about_lists(request: PeopleRequest, census: Census) -> Iterator[Finding]:
    told = {name: suppressed for (name, _), suppressed in census.lists.items()}
    for suppressed in told.values():
        yield from findings_of(suppressed, str(request.key), request.now)


def _remembered(census: Census) -> dict[str, bytes]:
    """Each list as the next plan has to know it, apart for each region it was read in: a number without a country is another in each."""
    return {_kept_as(name, region): bytes_of(listed.people) for (name, region), listed in census.lists.items()}


def _kept_as(name: str, region: str) -> str:
    return f"{name}/{region}"


def _protecting(request: PeopleRequest, declared: ContactSet) -> tuple[str, ...]:
    """The lists that a set names, as they are remembered."""
    region = region_of(request, declared)
    return tuple(sorted(_kept_as(name, region) for name in declared.suppress))


def _former(request: PeopleRequest, declared: ContactSet) -> dict[str, str]:
    """Lists that protected a set at the last apply and that it names no more, as they are remembered -> as they are told."""
    gone = sorted(set(request.protected.get(declared.name, ())) - set(_protecting(request, declared)))
    names = {kept_as: kept_as.partition("/")[0] for kept_as in gone}
    return {kept_as: kept_as if name in declared.suppress else name for kept_as, name in names.items()}


def _before(request: PeopleRequest, name: str, region: str) -> bytes:
    """Who was on a list at the last apply; ledgers of earlier versions keep all regions of it together."""
    return request.remembered.get(_kept_as(name, region), request.remembered.get(name, b""))


def _released(request: PeopleRequest, census: Census) -> dict[str, tuple[int, int]]:
    """List -> how many were on it at the last apply, and how many of them are not today; of several regions the one with most of those."""
    found: dict[str, tuple[int, int]] = {}
    for (name, region), listed in census.lists.items():
        before = words_of(_before(request, name, region), 2)
        same = np.array_equal(before, listed.people)
        gone = 0 if same else int(np.count_nonzero(Index(listed.people).find(before) < 0))
        if gone > found.get(name, (0, 0))[1]:
            found[name] = (len(before), gone)
    return found
