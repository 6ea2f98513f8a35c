"""What a person would answer about what is held, and whether what is there in the end is what a clean run would have made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from reconciler.contacts import Fingerprints
from reconciler.ledger.base import LedgerReader, OpenRequest, OpState
from reconciler.ledger.chain import verify
from reconciler.model import Key, Person
from tests.faulty import UNREADABLE
from tests.office import CONTACT_KEY

if TYPE_CHECKING:
    from tests.proof.processes.stage import Stage

_KEPT = {"cache", "documents.msgpack", "state.db", "state.db-wal", "state.db-shm"}
_LANDED = {OpState.CONFIRMED, OpState.ALREADY}


def answers(stage: Stage) -> list[tuple[str, ...]]:
    """The words of somebody who looked into the vendors' panels, for every request that waits for a person."""
    with stage.reader() as reader:
        return [_answer(stage, request, reader) for request in reader.open_requests()]


def _answer(stage: Stage, request: OpenRequest, reader: LedgerReader) -> tuple[str, ...]:
    vendor = vendor_of(request.key)
    assert vendor in UNREADABLE, f"{request.key} is held, although it can be read"
    people = {op.person for op, _ in reader.open_ops(request.id) if op.person}
    there = people & _dialled(stage, vendor)
    assert there in (people, set()), "a call is executed whole or not at all"
    if not there:
        return (request.id, "--not-applied", "--reason", "not in the panel")
    if request.verb != "create":
        return (request.id, "--applied", "--reason", "seen in the panel")
    rows = stage.office.here.simulator.vendors[vendor].snapshot()["campaigns"]
    (found,) = (id for id, row in rows.items() if request.token in str(row))
    return (request.id, "--applied", found, "--reason", "seen in the panel")


def judge(stage: Stage) -> list[str]:
    """Every way in which it is not what a clean run would have made; empty: nobody twice, nobody lost, nothing half done."""
    with stage.reader() as reader:
        found = [*_of_people(stage, reader), *_of_ledger(stage, reader)]
    left = {path.name for path in (stage.office.root / ".reconciler").rglob("*")} - _KEPT
    left |= {path.name for path in (stage.home / "runs" / "tmp").iterdir()}
    return [*found, *(f"left behind: {name}" for name in sorted(left))]


def too_many(stage: Stage) -> list[str]:
    """Whoever is dialled more often than after a clean run: never allowed, not for a moment."""
    extra = {vendor: stage.dials()[vendor] - wanted for vendor, wanted in stage.dialled[stage.act].items()}
    return [
        f"{vendor}: {sum(extra.values())} dialled twice, or for nothing" for vendor, extra in extra.items() if extra
    ]


def _of_people(stage: Stage, reader: LedgerReader) -> Iterator[str]:
    yield from too_many(stage)
    for vendor, wanted in stage.dialled[stage.act].items():
        if wanted - stage.dials()[vendor]:
            yield f"{vendor}: {sum((wanted - stage.dials()[vendor]).values())} lost"
        if _landed(reader, vendor) - _dialled(stage, vendor):
            yield f"{vendor}: somebody is confirmed who is not dialled"


def _of_ledger(stage: Stage, reader: LedgerReader) -> Iterator[str]:
    """What holds of every ledger once its runs are over (I3, I5, I8, I9; nothing bound that is not there)."""
    states = {OpState(sent.state) for b in reader.bindings().values() for sent in reader.sent(b.identity)}
    yield from (f"an operation is {state}" for state in states & {OpState.PLANNED, OpState.SENT, OpState.DUPLICATED})
    yield from (f"{request.key} is still open" for request in reader.open_requests())
    if not isinstance(whole := verify(reader), int):
        yield f"the audit trail is broken: {whole}"
    if reader.holder() is not None:
        yield "the lease is not free"
    there = str([vendor.snapshot() for vendor in stage.office.here.simulator.vendors.values()])
    for key, binding in reader.bindings().items():
        if binding.vendor_id and binding.vendor_id not in there:
            yield f"{key} is bound to what does not exist"
    claims = Counter(event.reason.split()[1].partition("-")[0] for event in reader.events() if event.after == "sent")
    for vendor, writes in Counter(call.vendor for call in stage.writes()).items():
        if writes > claims[vendor]:
            yield f"{vendor}: {writes} requests for {claims[vendor]} claims"
    epochs = [event.epoch for event in reader.events()]
    if epochs != sorted(epochs):
        yield "an older epoch wrote after a newer one"


def _dialled(stage: Stage, vendor: str) -> set[Person]:
    fingerprints = Fingerprints(CONTACT_KEY.encode())
    return {fingerprints.person(number) for number in stage.dials()[vendor]}


def _landed(reader: LedgerReader, vendor: str) -> set[Person]:
    bindings = [binding for key, binding in reader.bindings().items() if vendor_of(key) == vendor]
    sent = (sent for binding in bindings for sent in reader.sent(binding.identity))
    return {one.person for one in sent if OpState(one.state) in _LANDED}


def vendor_of(key: Key) -> str:
    return key.connection.partition("-")[0]
