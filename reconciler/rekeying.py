"""`state rekey`: whoever's number can be read is put from the former contact key under the new one, a bounded part in each commit.

Whatever moment it is killed at, each person is wholly under one key, both are live still, and running it again goes on: a person's
operations and their place among those under the former key change in one commit, and lists name both fingerprints until that is done.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from reconciler.assembly import identify
from reconciler.errors import Misuse, ReadIncomplete, VendorError
from reconciler.ledger import open_reader
from reconciler.ledger.base import OPEN, Ledger, LedgerReader, Op, OpState
from reconciler.ledger.contact_keys import Claimed, Moving, Rekeyed, former_people
from reconciler.matching import binding_of
from reconciler.model import Action, Key, Person, Resource
from reconciler.providers.base import TakesContacts, capabilities_for
from reconciler.rotation import LISTS, known, under_two
from reconciler.runs import Options, leased
from reconciler.settle import Settler
from reconciler.setup import Setup
from reconciler.world import Site
from reconciler.writer import Run, sealed_verb

if TYPE_CHECKING:  # numpy and an engine stand behind them, and the command line comes by here
    from reconciler.contacts.lookup import Index
    from reconciler.contacts.renewal import Exchange, Renewal
    from reconciler.contacts.rotation import Rotating
    from reconciler.contacts.words import Words

_WIDTH = 16  # bytes of one fingerprint
_NEAR = 6  # bytes of an operation's key that are the person's
_ADDS = frozenset({Action.ADD_CONTACTS, Action.CREATE})
_LANDED = frozenset({OpState.CONFIRMED, OpState.ALREADY, OpState.DUPLICATED})


async def rekey(setup: Setup, sites: Mapping[str, Site], options: Options) -> Rekeyed:
    """Re-key everybody whom the sources, the suppression lists or, for who is in none of them, the vendors show.

    Raises Misuse where one key is live; ConfigInvalid or Blocked where a source or a list cannot be read whole: then nobody is re-keyed.
    """
    from reconciler.contacts.renewal import Seen

    _check_two(setup)
    async with leased(setup, options) as (run, ledger):
        rotating = under_two(run.fingerprints)
        assert rotating is not None, "checked before the lease was taken"
        await Settler(run, sites, ledger, setup.resources()).settle()
        seen = rotating.witness = Seen()
        wanted = len(rotating.known)
        await asyncio.to_thread(_read, setup, sites, rotating)  # the lease is kept alive meanwhile
        unread = await _look(setup, sites, ledger, rotating) if len(seen) < wanted else ()
        rotating.witness = None
        renewal = seen.renewal(rotating)
        counts = await _move(run, rotating, renewal)
        finished = counts.left == 0
        if finished:
            await run.journal.run(lambda journal: journal.finish_rotation(run.lease))
        return replace(counts, unread=unread, finished=finished)


def _check_two(setup: Setup) -> None:
    """Before the lease: where there is nothing to do nothing is written."""
    with closing(open_reader(setup.repository.project.state, str(setup.root), setup.environ, setup.clock)) as ledger:
        if under_two(identify(setup, ledger)) is None:
            raise Misuse(
                "One contact key is live: there is nobody to re-key. To rotate it, put a new key in contactKey and name the former one in"
                " formerContactKey (docs/ledger.md)."
            )


# ---- whom it reads -------------------------------------------------------------------------------------------------


def _read(setup: Setup, sites: Mapping[str, Site], rotating: Rotating) -> None:
    """Every source and every list that a declared campaign reads, as a plan reads them."""
    from reconciler.contacts.census import take
    from reconciler.contacts.people import PeopleRequest

    repository = setup.repository
    regions = {
        (campaign.contacts, sites[campaign.key.connection].account.connection.region): campaign
        for campaign in repository.campaigns
    }
    for (names, region), campaign in regions.items():
        sets = [repository.contact_sets[name] for name in names]
        about = (setup.root, setup.environ, setup.clock.now())
        take(PeopleRequest(campaign.key, sets, repository.suppressions, (), region, rotating, *about))


async def _look(setup: Setup, sites: Mapping[str, Site], ledger: LedgerReader, rotating: Rotating) -> tuple[Key, ...]:
    """Everybody whom the vendors hold, where they can be read; returns the campaigns where that failed."""
    unread, bindings = [], ledger.bindings()
    for campaign in setup.repository.campaigns:
        bound = binding_of(campaign, bindings)
        vendor_id = campaign.vendor_id or (bound.vendor_id if bound else "")
        owner = bound.key if bound else campaign.key
        opened = {one.vendor_id for key, one in bindings.items() if key.contacts and key.campaign == owner}
        try:
            if vendor_id:
                await _look_at(sites[campaign.key.connection], campaign, vendor_id, sorted(opened), rotating)
        except (VendorError, ReadIncomplete):
            unread.append(campaign.key)
    return tuple(unread)


async def _look_at(site: Site, campaign: Resource, vendor_id: str, opened: Sequence[str], rotating: Rotating) -> None:
    """`opened`: the containers of its people, none where they are in the campaign itself."""
    provider = site.provider
    if not isinstance(provider, TakesContacts) or not capabilities_for(provider, campaign).contacts.read:
        return
    live = await site.find(campaign, vendor_id)
    if live is None:
        return
    for container in opened or [live.vendor_id]:
        async for contact in provider.read_contacts(site.account, live, container):
            with suppress(ValueError):  # what somebody typed in a panel need not be a number: it is nobody of ours
                rotating.person(contact.phone.reveal())


# ---- whom it moves -------------------------------------------------------------------------------------------------


async def _move(run: Run, rotating: Rotating, renewal: Renewal) -> Rekeyed:
    listed = await run.journal.run(partial(_name_both, run, renewal))
    total = Rekeyed()
    for chunk, people in (await run.journal.run(former_people)).items():
        one = await run.journal.run(
            partial(_move_chunk, run, _Judged(rotating, renewal, listed, _split(people)), chunk)
        )
        left = {why: getattr(total, why) + getattr(one, why) for why in ("unseen", "waiting", "keyed")}
        total = Rekeyed(total.moved + one.moved, **left)
    await run.journal.run(partial(_name_one, run, renewal))
    return total


def _name_both(run: Run, renewal: Renewal, ledger: Ledger) -> Index:
    """Lists name everybody who is about to move under both keys: whoever is on one is on it at every moment. Returns who is on any."""
    import numpy as np

    from reconciler.contacts.lookup import NOBODY, Index, grouped
    from reconciler.contacts.words import words_of

    listed = [NOBODY]
    for kind, name, value in _lists(ledger):
        people = words_of(value, 2)
        at = renewal.people.find(people)
        _put(run, ledger, kind, name, value, np.concatenate([people, renewal.people.at(at[at >= 0])]))
        listed.append(people)
    return Index(grouped(np.concatenate(listed))[0])


def _name_one(run: Run, renewal: Renewal, ledger: Ledger) -> None:
    """And under one key again, everybody under theirs."""
    import numpy as np

    from reconciler.contacts.lookup import Index
    from reconciler.contacts.words import words_of

    still = Index(words_of(known(ledger), 2))
    for kind, name, value in _lists(ledger):
        people = words_of(value, 2)
        at = renewal.people.find(people)
        stays = still.find(people) >= 0
        needless = renewal.people.at(at[(at >= 0) & stays])  # of those who did not move
        kept = people[(at < 0) | stays]
        if len(needless):
            kept = kept[Index(needless[np.lexsort((needless[:, 1], needless[:, 0]))]).find(kept) < 0]
        _put(run, ledger, kind, name, value, kept)


def _lists(ledger: LedgerReader) -> list[tuple[str, str, bytes]]:
    return [(kind, name, value) for kind in LISTS for name, value in ledger.remembered(kind).items()]


def _put(run: Run, ledger: Ledger, kind: str, name: str, before: bytes, people: Words) -> None:
    from reconciler.contacts.lookup import grouped
    from reconciler.contacts.words import bytes_of

    value = bytes_of(grouped(people)[0])
    if value != before:
        ledger.remember(run.lease, kind, name, value)


def _move_chunk(run: Run, judged: _Judged, chunk: str, ledger: Ledger) -> Rekeyed:
    """One commit: who of a chunk can be moved is, with everything that was ever done to them."""
    judged.judge(ledger.claims(judged.people[0], judged.people[-1]))
    moved = len(judged.people) - len(judged.left) - judged.gone
    ledger.rekey(run.lease, Moving(chunk, judged.ops, b"".join(judged.left), moved))
    return Rekeyed(moved, judged.why["unseen"], judged.why["waiting"], judged.why["keyed"])


class _Judged:
    """The people of one chunk: `ops` of those who move, by the key they have so far; who is `left`, and `why` as counts; how many are
    `gone`, so that nothing in the ledger is about them any more.
    """

    def __init__(self, rotating: Rotating, renewal: Renewal, listed: Index, people: Sequence[Person]) -> None:
        self.people, self.ops, self.left, self.gone = people, dict[bytes, Op](), list[Person](), 0
        self.why: Counter[str] = Counter()
        words = _words(people)
        at = renewal.people.find(words)
        self._operation, self._renewal = rotating.operation, renewal
        self._new = dict(zip(people, _split(_bytes(renewal.people.at(at))), strict=True))
        self._seen = {person for person, found in zip(people, at.tolist(), strict=True) if found >= 0}
        self._declared = {
            person for person, found in zip(people, at.tolist(), strict=True) if renewal.is_declared(found)
        }
        self._listed = {person for person, found in zip(people, listed.find(words).tolist(), strict=True) if found >= 0}

    def judge(self, claims: Sequence[Claimed]) -> None:
        """`claims`: all from the first of the people to the last, also those of others between them."""
        own: dict[Person, list[Claimed]] = {person: [] for person in self.people}
        for claimed in claims:
            if claimed.op.person in own:
                own[claimed.op.person].append(claimed)
        ops = [claimed.op for each in own.values() for claimed in each]
        self._keys = _exchanged(self._renewal.keys, [op.key_mac for op in ops], keeping=True)
        self._fields = _exchanged(self._renewal.fields, [op.fields_mac for op in ops])
        for person, each in own.items():
            self._judge(person, each)

    def _judge(self, person: Person, claims: Sequence[Claimed]) -> None:
        if why := self._stays(person, claims):
            self.left.append(person)
            self.why[why] += 1
        elif person in self._seen:
            self.ops |= {claimed.op.op_key: self._renewed(claimed, self._new[person]) for claimed in claims}
        else:
            self.gone += 1

    def _stays(self, person: Person, claims: Sequence[Claimed]) -> str:
        """Why, or nothing: they can move, or nothing in the ledger is about them any more."""
        if person not in self._seen:
            return "unseen" if claims or person in self._listed else ""
        if any(claimed.state in OPEN for claimed in claims):
            return "waiting"
        lost = (claimed.op.key_mac for claimed in claims if claimed.op.verb in _ADDS and claimed.state in _LANDED)
        # By their key alone they would be known again under another number; in a source they have the one that counts now.
        return "keyed" if person not in self._declared and any(key and not self._keys[key] for key in lost) else ""

    def _renewed(self, claimed: Claimed, person: Person) -> Op:
        op = claimed.op
        key_mac, fields_mac = self._keys.get(op.key_mac, b""), self._fields.get(op.fields_mac, b"")
        return replace(op, op_key=self._op_key(claimed, person), person=person, key_mac=key_mac, fields_mac=fields_mac)

    def _op_key(self, claimed: Claimed, person: Person) -> bytes:
        """The same operation of the same person under their new fingerprint, so that nobody can claim it a second time.

        An edit raises the revision of the add, not the one in its key.
        """
        op, verb = claimed.op, sealed_verb(claimed.op.verb, claimed.epoch)
        assert op.person is not None, "only of people"
        for revision in range(1, op.revision + 1):
            if self._operation(claimed.connection, op.identity, op.person, revision, verb) == op.op_key:
                return self._operation(claimed.connection, op.identity, person, revision, verb)
        return person[:_NEAR] + op.op_key[_NEAR:]


def _exchanged(exchange: Exchange, macs: Sequence[bytes], keeping: bool = False) -> dict[bytes, bytes]:
    """What each becomes under the new key; nothing where no source shows what it stands for. `keeping`: it may be there already."""
    macs = sorted(set(macs) - {b""})
    words = _words(macs)
    at = exchange.find(words)
    found = dict(zip(macs, _split(_bytes(exchange.at(at))), strict=True))
    there = exchange.knows_new(words) if keeping else at >= 0
    return {
        mac: new if shown else mac if keeping and known_new else b""
        for (mac, new), shown, known_new in zip(found.items(), (at >= 0).tolist(), there.tolist(), strict=True)
    }


def _split(joined: bytes) -> list[Person]:
    return [Person(joined[at : at + _WIDTH]) for at in range(0, len(joined), _WIDTH)]


def _words(prints: Sequence[bytes]) -> Words:
    from reconciler.contacts.words import words_of

    return words_of(b"".join(prints), 2)


def _bytes(words: Words) -> bytes:
    from reconciler.contacts.words import bytes_of

    return bytes_of(words)
