"""A person's word on requests whose outcome nobody can read: applied, not applied, or sent again on purpose."""

from __future__ import annotations

from typing import Literal

from reconciler.errors import Blocked, Misuse
from reconciler.ledger.base import Ledger, LedgerReader, OpenRequest, OpState, RequestState, Result, Verdict
from reconciler.model import Action, Binding
from reconciler.runs import Options, leased
from reconciler.settle import horizon
from reconciler.setup import Setup
from reconciler.writer import Run

Word = Literal["applied", "not-applied", "resend"]
_STATES = {"applied": OpState.CONFIRMED, "not-applied": OpState.PLANNED, "resend": OpState.PLANNED}


async def resolve(setup: Setup, operation: str, word: Word, vendor_id: str, reason: str) -> OpenRequest:
    """Settle one open request as `word` says; `vendor_id` is what the panel shows for something that was created.

    After `not-applied` and `resend` the next plan shows the same work again; the ledger keeps who decided so, and why. Raises Misuse
    where `operation` names no open request or several, or where an id is needed and missing; Blocked where the vendor may still execute
    what somebody did not find.
    """
    async with leased(setup, Options()) as (run, ledger):
        request = find(ledger, operation)
        if word == "applied" and request.verb == Action.CREATE and not vendor_id:
            raise Misuse("Say which id the panel shows for it: --applied VENDOR-ID")
        if word != "applied":
            _check_over(setup, ledger, request)
        await _decide(run, ledger, request, word, vendor_id, reason)
    return request


def _check_over(setup: Setup, ledger: LedgerReader, request: OpenRequest) -> None:
    """A look into the panel proves nothing while the request may be on its way: sent again, both would be executed."""
    connection = setup.repository.connections.get(request.key.connection)
    left = horizon(connection) - ledger.age(request) if connection else 0.0
    if left > 0:
        where = f"for [{request.token}] " if request.token else ""
        raise Blocked(
            f"{request.key}: the vendor may still execute what was sent, for {int(left) + 1} s more (settle.lateMax of"
            f" {request.key.connection}). Look {where}in the panel again after that, then say so. Nothing was changed."
        )


def find(ledger: LedgerReader, operation: str) -> OpenRequest:
    """The open request called `operation`: by its id, by its key, or by the campaign's name where that says which."""
    waiting = ledger.open_requests()
    found = [r for r in waiting if operation in {r.id, str(r.key), str(r.key.campaign), r.key.name}]
    exact = [request for request in found if request.id == operation]
    if len(exact or found) == 1:
        return (exact or found)[0]
    some = ", ".join(f"{request.id} ({request.key})" for request in (found or waiting))
    if found:
        raise Misuse(f"{operation} has several open operations, name one: {some}.")
    raise Misuse(f"{operation} is not in doubt. " + (f"There are: {some}." if some else "Nothing is in doubt."))


async def _decide(
    run: Run, ledger: LedgerReader, request: OpenRequest, word: Word, vendor_id: str, reason: str
) -> None:
    ops = [op for op, _ in ledger.open_ops(request.id)]
    results = [Result(op.op_key, _STATES[word], vendor_id if op.person is None else "") for op in ops]
    makes = word == "applied" and request.verb == Action.CREATE
    create_run = max((op.revision for op in ops if op.person is None), default=1)
    bound = (Binding(request.key, request.identity, vendor_id, {}, run=create_run),) if makes else ()
    evidence = f"{run.lease.holder.actor or 'somebody'} said {word}: {reason}"
    verdict = Verdict(RequestState.SETTLED, results, None, evidence, bound)

    def record(journal: Ledger) -> None:
        journal.outcome(run.lease, request.id, verdict)

    await run.journal.run(record)
