"""`state rebuild`: after the ledger was lost, a new one from what the vendors hold and the YAML declares. Sends nothing.

Everything is read first and then written in one commit: killed at whatever moment, the ledger is as empty as before, and it is run again.
What no vendor shows is held: nothing of it is done before a person says what became of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from reconciler.assembly import identify
from reconciler.errors import Blocked
from reconciler.keeping import LOADED, SINCE
from reconciler.ledger import open_reader
from reconciler.ledger.base import Ledger, LedgerReader, Op, OpState, Request, RequestState, Result, Verdict
from reconciler.model import Action, Binding, Contact, Key, Person, Phone
from reconciler.model.rebuilt import Rebuilt
from reconciler.planfile import stamp
from reconciler.runs import Options, leased
from reconciler.salvage import Salvaged, Somebody, look
from reconciler.setup import Setup
from reconciler.world import Site
from reconciler.writer import Run, contact_op_key

_AT_ONCE = 10_000  # people in one request of the ledger
_UNKNOWN_MARK = ""  # what an earlier ledger put there, nobody knows

People = Sequence[tuple[Person, Somebody]]


async def rebuild(
    setup: Setup, sites: Mapping[str, Site], reason: str, progress: Callable[[str], None] = lambda said: None
) -> Rebuilt:
    """What can be told of every declared campaign; written where there is a `reason` and nothing is unclear.

    Raises Blocked where the ledger knows of anything that was sent, else as `salvage.look` does.
    """
    with closing(open_reader(setup.repository.project.state, str(setup.root), setup.environ, setup.clock)) as ledger:
        _check_nothing_sent(ledger)
        if not reason:
            return (await look(setup, sites, ledger.bindings(), identify(setup, ledger), progress))[1]
    async with leased(setup, Options()) as (run, ledger):
        _check_nothing_sent(ledger)
        found, told = await look(setup, sites, ledger.bindings(), run.fingerprints, progress)
        if told.unclear:
            return told
        await run.journal.run(_Writing(run, found, reason, stamp(run.clock.now())).write)
    return replace(told, written=True)


def _check_nothing_sent(ledger: LedgerReader) -> None:
    """What was adopted is no obstacle: that is how somebody chooses."""
    if any(event.entity.startswith("request ") for event in ledger.events()) or any(
        binding.last_applied for binding in ledger.bindings().values()
    ):
        raise Blocked(
            "This ledger knows what was sent: only one that was lost is rebuilt. Nothing was changed. Where it is an old one that was put"
            " back and newer ones are lost for good, see docs/ledger.md, When the ledger is lost."
        )


@dataclass(frozen=True, slots=True)
class _Writing:
    """All of it, for one commit."""

    run: Run
    found: Sequence[Salvaged]
    reason: str
    now: str

    def write(self, ledger: Ledger) -> None:
        for one in self.found:
            if one.fate in {"bound", "held"}:
                identity = ledger.identity(self.run.lease, one.resource.key)
                self._bind(ledger, one, identity)
                if one.fate == "held":
                    self._hold(ledger, one, identity)
                else:
                    self._reached(ledger, one, identity)

    def _bind(self, ledger: Ledger, one: Salvaged, identity: str) -> None:
        if not one.vendor_id:
            return
        resource, why = one.resource, f"rebuilt: {self.reason}"
        bound = Binding(
            resource.key, identity, one.vendor_id, one.spec, resource.lifecycle.protect, resource.create_run
        )
        ledger.bind(self.run.lease, bound, why)
        ledger.remember(self.run.lease, SINCE, identity, self.now.encode())
        for contacts, container in one.containers.items():
            ledger.bind(self.run.lease, Binding(resource.key.contact_set(contacts), identity, container, {}), why)

    def _reached(self, ledger: Ledger, one: Salvaged, identity: str) -> None:
        for contacts, people in _by_set(one):
            key = one.resource.key.contact_set(contacts)
            for start in range(0, len(people), _AT_ONCE):
                part = people[start : start + _AT_ONCE]
                ops = [self._op(one.resource.key, identity, person, who, Action.ADD_CONTACTS) for person, who in part]
                results = [
                    Result(op.op_key, _state(who), who.vendor_ids[0]) for op, (_, who) in zip(ops, part, strict=True)
                ]
                self._record(ledger, key, ops, results, "found at the vendor: the ledger was rebuilt")
        for contacts in sorted(one.whole):
            ledger.remember(self.run.lease, LOADED, f"{identity}/{contacts}", b"1")

    def _hold(self, ledger: Ledger, one: Salvaged, identity: str) -> None:
        """One question for a person: whether it was created, or for each set whether it was sent."""
        key, create_run = one.resource.key, one.resource.create_run
        said = "no call shows what was sent, and the ledger that knew was lost"
        if not one.vendor_id:
            mac = self.run.fingerprints.operation(key.connection, identity, Person(b""), create_run, "rebuilt")
            made = Op(mac, key, identity, Action.CREATE, None, create_run)
            ops = [
                made,
                *(
                    self._op(key, identity, person, who, Action.CREATE, create_run)
                    for person, who in one.people.items()
                ),
            ]
            self._record(ledger, key, ops, [Result(op.op_key, OpState.HELD) for op in ops], said)
            return
        for contacts, people in _by_set(one):
            ops = [self._op(key, identity, person, who, Action.ADD_CONTACTS) for person, who in people]
            results = [Result(op.op_key, OpState.HELD) for op in ops]
            self._record(ledger, key.contact_set(contacts), ops, results, said)

    def _op(self, key: Key, identity: str, person: Person, who: Somebody, action: Action, revision: int = 1) -> Op:
        """The operation that an add of this person would be, so that there can be no second one."""
        contacts, key_mac, fields_mac = who.entry
        contact = Contact(person, Phone(""), {}, fields_mac, key_mac, revision, contacts)
        op_key = contact_op_key(self.run, key, identity, action, contact)
        return Op(op_key, key.contact_set(contacts), identity, action, person, revision, key_mac, fields_mac)

    def _record(self, ledger: Ledger, key: Key, ops: Sequence[Op], results: Sequence[Result], said: str) -> None:
        """As a request that was made and decided; in the same commit, so that none is left open without a verdict."""
        body = self.run.fingerprints.fields({"rebuilt": str(key)})
        request = Request(key.connection, key, ops[0].verb, "(none: rebuilt)", body, _UNKNOWN_MARK, ops)
        number = ledger.claim(self.run.lease, request)
        ledger.outcome(self.run.lease, number, Verdict(RequestState.SETTLED, results, None, said))


def _state(who: Somebody) -> OpState:
    return OpState.ALREADY if len(who.vendor_ids) == 1 else OpState.DUPLICATED


def _by_set(one: Salvaged) -> Iterator[tuple[str, People]]:
    found: dict[str, list[tuple[Person, Somebody]]] = {}
    for person, who in sorted(one.people.items(), key=lambda pair: pair[0]):
        found.setdefault(who.entry.contacts, []).append((person, who))
    yield from sorted(found.items())
