"""The retention of fingerprints: whose clock begins, goes on or has run out. Written by `apply` under its lease; a plan only tells.

What the rules are: contacts/lapsing.py. What is remembered for them: ledger/expiring.py.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from reconciler.errors import Blocked, ReconcilerError
from reconciler.keeping import LOADED
from reconciler.ledger.base import Ledger, LedgerReader
from reconciler.ledger.expiring import (
    EXPIRED,
    SETS,
    UNBOUND,
    Declared,
    Expired,
    Lapse,
    day,
    declared_sets,
    expired,
    lapses,
    unbound_since,
)
from reconciler.matching import binding_of
from reconciler.model import Action, ContactSet, Finding, Key, Severity
from reconciler.model.trace import Trace
from reconciler.redact import inert
from reconciler.setup import Setup
from reconciler.steps import warning
from reconciler.units import counted, duration_text, people
from reconciler.world import World
from reconciler.writer import Run

if TYPE_CHECKING:  # an engine stands behind them: only where somebody's fingerprints may run out
    from reconciler.contacts import Fingerprints
    from reconciler.contacts.lapsing import Lapsed, SetRule
    from reconciler.contacts.presence import Presence

PAGE = 20_000  # operations that are looked at, and written, at a time
_FOREVER = Declared(None)  # of a set whose retention was never remembered

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class _Campaign:
    """What is left of one campaign that is bound to nothing, by set. `unread`: why a source does not tell who is in it."""

    identity: str
    unbound: int
    keys: Mapping[str, Key]
    rules: Mapping[str, SetRule]
    unread: Mapping[Key, str]

    def judged(self, page: Sequence[Trace], now: int, whole: bool) -> Lapsed:
        from reconciler.contacts.lapsing import Moment, judge

        return judge(page, self.rules, Moment(now, self.unbound, whole))

    def retention(self, contacts: str) -> str:
        return duration_text(self.rules[contacts].seconds or 0)


# ---- what a plan tells ---------------------------------------------------------------------------------------------


def findings(setup: Setup, world: World, ledger: LedgerReader, fingerprints: Fingerprints) -> tuple[Finding, ...]:
    """Whose fingerprints the next apply lets expire, and who looks new since theirs did. No part of a plan's digest."""
    expiring = () if setup.partial else _expiring(setup, ledger, fingerprints)
    return (*expiring, *_looking_new(world, ledger))


def _expiring(setup: Setup, ledger: LedgerReader, fingerprints: Fingerprints) -> Iterator[Finding]:
    now, before = int(setup.clock.now().timestamp()), declared_sets(ledger)
    sets, read = _sets(setup, before, now), _reading(setup, fingerprints)
    for parts in _concerned(setup, ledger, sets, now, ends_only=True):
        campaign = _campaign(setup, parts, sets, before, read)
        yield from (_unread(setup, key, why) for key, why in campaign.unread.items())
        counts: Counter[str] = Counter()
        for page in _pages(ledger, campaign.identity):
            counts.update(campaign.judged(page, now, whole=True).people)
        for contacts, count in sorted(counts.items()):
            yield _about_to_expire(setup, campaign, contacts, count)


def _about_to_expire(setup: Setup, campaign: _Campaign, contacts: str, count: int) -> Finding:
    declared = setup.repository.contact_sets.get(contacts)
    return Finding(
        "retention",
        Severity.INFO,
        f"The fingerprints of {people(count)} expire with the next apply, also where it has nothing else to do: not bound since"
        f" {day(campaign.unbound)}, retention {campaign.retention(contacts)}.",
        str(campaign.keys[contacts]),
        source=str(declared.source) if declared else "",
    )


def _unread(setup: Setup, key: Key, why: str) -> Finding:
    return Finding(
        "retention-unread",
        Severity.WARNING,
        f"Who left the source is not known, so that nobody's fingerprints expire: {why}",
        str(key),
        remedy=f"Let it be readable again, or take the contact set {key.contacts} out of the declaration.",
        source=str(setup.repository.contact_sets[key.contacts].source),
    )


def _looking_new(world: World, ledger: LedgerReader) -> Iterator[Finding]:
    gone = expired(ledger)
    for key, found in world.people.items() if gone else ():
        match = world.matches[key]
        for delta in found.deltas:
            lost = gone.get((match.binding.identity if match.binding else "", delta.key.contacts))
            if lost and delta.added and delta.key not in world.loaded:
                message = (
                    f"The fingerprints of {people(lost.people)} who were sent through {delta.key.contacts} have expired, the last on"
                    f" {day(lost.at)}: who of them is in the source looks new, and is among the {delta.added:,} to be added."
                )
                yield warning(
                    "expired", match.resource, message, "Put on a suppression list who must not be called again."
                )


# ---- what an apply does --------------------------------------------------------------------------------------------


async def keep_clocks(setup: Setup, run: Run, ledger: LedgerReader, progress: Progress) -> None:
    """Note who is gone and which campaigns are bound no more, and let expire whose time is over: a page at a time, until told to stop.

    A partial run, which does not see what else is declared, begins no campaign's clock and lets nobody expire. `progress` is told what
    expired, and why something cannot.
    """
    now = int(datetime.fromisoformat(ledger.held_since()).timestamp())  # by the clock that the lease goes by
    before = declared_sets(ledger)
    await _note(setup, run, ledger, before, now)
    sets, read = _sets(setup, before, now), _reading(setup, run.fingerprints)
    for parts in _concerned(setup, ledger, sets, now, ends_only=False):
        if run.stopping.is_set():
            return
        # Aside, so that the lease is kept alive while a source is read.
        campaign = await asyncio.to_thread(_campaign, setup, parts, sets, before, read)
        for key, why in campaign.unread.items():
            progress(f"retention of {key}: nobody's fingerprints expire: {why}")
        gone: Counter[str] = Counter()
        for page in _pages(ledger, campaign.identity):
            if run.stopping.is_set():
                break
            judged = await asyncio.to_thread(campaign.judged, page, now, not setup.partial)
            if judged.expired or judged.left:
                await run.journal.run(partial(_write, run, campaign, judged, now))
            gone.update(judged.people)
        for contacts, count in sorted(gone.items()):
            progress(f"retention of {campaign.keys[contacts]}: the fingerprints of {people(count)} expired")


async def _note(setup: Setup, run: Run, ledger: LedgerReader, before: Mapping[str, Declared], now: int) -> None:
    """Remember what the sets declare, which of them are gone, and since when which campaigns are bound to nothing."""
    sets = {name: one for name, one in _sets(setup, before, now).items() if before.get(name) != one}
    known, busy = unbound_since(ledger), _busy(setup, ledger)
    unbound = dict.fromkeys(known.keys() & busy, b"")
    if not setup.partial:
        fresh = {identity for _, identity in ledger.reached()} - known.keys() - busy
        unbound |= dict.fromkeys(fresh, b"%d" % now)

    def write(journal: Ledger) -> None:
        for name, declared in sorted(sets.items()):
            journal.remember(run.lease, SETS, name, declared.encoded())
        for identity, since in sorted(unbound.items()):
            journal.remember(run.lease, UNBOUND, identity, since)

    if sets or unbound:
        await run.journal.run(write)


def _write(run: Run, campaign: _Campaign, judged: Lapsed, now: int, journal: Ledger) -> None:
    before = expired(journal)
    for contacts, left in judged.left.items():
        journal.mark_left(run.lease, campaign.keys[contacts], left)
    for contacts, op_keys in judged.expired.items():
        count, name = judged.people[contacts], f"{campaign.identity}/{contacts}"
        told = f"retention {campaign.retention(contacts)}: the fingerprints of {people(count)} expired"
        journal.expire(run.lease, campaign.keys[contacts], op_keys, f"{told}, {counted(len(op_keys), 'operation')}")
        earlier = before.get((campaign.identity, contacts), Expired(0, now))
        journal.remember(run.lease, EXPIRED, name, Expired(earlier.people + count, now).encoded())
        journal.remember(run.lease, LOADED, name, b"")  # what is sent through it from here on is a first load again


def _pages(ledger: LedgerReader, identity: str) -> Iterator[Sequence[Trace]]:
    """Every trace of a campaign, ordered by person, nobody's on two pages."""
    after, limit, more = b"", PAGE, True
    while more and (page := ledger.traces(identity, after, limit)):
        more = len(page) == limit
        whole = [trace for trace in page if trace.person != page[-1].person] if more else page
        if whole:
            yield whole
            after, limit = whole[-1].person, PAGE
        else:
            limit *= 2


# ---- what both go by -----------------------------------------------------------------------------------------------


def _busy(setup: Setup, ledger: LedgerReader) -> set[str]:
    """Campaigns that are bound, or are declared and will be, or that a lost answer may have made: no clock of theirs runs."""
    bindings = ledger.bindings()
    found = {binding.identity for binding in bindings.values() if binding.vendor_id}
    for campaign in setup.repository.campaigns:
        reserved = binding_of(campaign, bindings)
        if reserved and campaign.absent is None:
            found.add(reserved.identity)
    makes = (one for one in ledger.open_requests() if not one.people or one.verb == Action.CREATE)
    return found | {one.identity for one in makes}


def _sets(setup: Setup, before: Mapping[str, Declared], now: int) -> dict[str, Declared]:
    """Every set that is declared, as it is, and those that once were, as they were then."""
    declared = {}
    for name, one in setup.repository.contact_sets.items():
        earlier = before.get(name, _FOREVER)
        since = now if earlier.seconds is None else earlier.since
        declared[name] = Declared(one.retention, since=0 if one.retention is None else since)
    return declared | {name: replace(one, gone=one.gone or now) for name, one in before.items() if name not in declared}


def _concerned(
    setup: Setup, ledger: LedgerReader, sets: Mapping[str, Declared], now: int, *, ends_only: bool
) -> Iterator[list[Lapse]]:
    """What is left of each campaign that is bound to nothing, where some of it does not stay for ever.

    `ends_only`: leave out where nobody's time can be over, though somebody's may begin.
    """
    for parts in _unbound(setup, ledger):
        names = [part.key.contacts for part in parts]
        kept = [sets.get(name, _FOREVER) for name in names]
        ends = [max(parts[0].unbound, one.since) + one.seconds for one in kept if one.seconds is not None]
        moving = any(name in setup.repository.contact_sets for name in names)
        if ends and (min(ends) <= now or (moving and not ends_only)):
            yield parts


def _unbound(setup: Setup, ledger: LedgerReader) -> list[list[Lapse]]:
    """The sets of each campaign that no clock is stopped for; campaigns of the same sets side by side."""
    left = lapses(ledger)
    busy = _busy(setup, ledger) if left else set()
    found: dict[str, list[Lapse]] = {}
    for lapse in left:
        if lapse.identity not in busy:
            found.setdefault(lapse.identity, []).append(lapse)
    return sorted(found.values(), key=lambda parts: [(part.key.contacts, part.key.connection) for part in parts])


def _reading(setup: Setup, fingerprints: Fingerprints) -> Callable[[str, str], Presence]:
    """Who is in the source of a set, by its name and the region of its numbers; the last ones are kept."""

    @lru_cache(maxsize=2)  # of campaigns in the order of their sets: most share theirs with the one before
    def read(name: str, region: str) -> Presence:
        from reconciler.contacts.presence import read_presence
        from reconciler.contacts.rows import Reading

        reading = Reading(setup.root, setup.environ, fingerprints, setup.clock.now())
        return read_presence(setup.repository.contact_sets[name], region, reading)

    return read


def _campaign(
    setup: Setup,
    parts: Sequence[Lapse],
    sets: Mapping[str, Declared],
    before: Mapping[str, Declared],
    read: Callable[[str, str], Presence],
) -> _Campaign:
    """One of them with its sources read. `before`: the sets as of the last apply."""
    from reconciler.contacts.lapsing import SetRule

    rules, unread = {}, {}
    for part in parts:
        name, source = part.key.contacts, None
        declared = setup.repository.contact_sets.get(name)
        if declared:
            try:
                source = read(name, _region(setup, declared, part.key))
            except ReconcilerError as error:
                unread[part.key] = inert(str(error))
        kept, gone = sets.get(name, _FOREVER), (before if declared else sets).get(name, _FOREVER).gone
        rules[name] = SetRule(kept.seconds, kept.since, gone, declared is not None, source)
    keys = {part.key.contacts: part.key for part in parts}
    return _Campaign(parts[0].identity, parts[0].unbound, keys, rules, unread)


def _region(setup: Setup, declared: ContactSet, key: Key) -> str:
    """Of the numbers that name no country. Raises Blocked where it went with the connection that was sent to."""
    connection = setup.repository.connections.get(key.connection)
    if not declared.region and connection is None:
        raise Blocked(
            f"the connection {key.connection}, whose region its numbers were read with, is not declared any more. Say `region` in the set."
        )
    return declared.region or (connection.region if connection else "")
