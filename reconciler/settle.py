"""Requests whose outcome is unknown -> verdicts. Here: those that may be repeated, which the next plan settles by reading."""

from __future__ import annotations

from reconciler.ledger.base import LedgerReader, OpState, RequestState, Result, Verdict
from reconciler.writer import Run


async def settle_by_repeating(run: Run, ledger: LedgerReader) -> int:
    """Close every open request that its provider declared repeatable; returns how many.

    A change by id is closed: the plan that follows reads what is live and does it again where it is still needed. People that the
    vendor de-duplicates go back to PLANNED: they are sent again and end as confirmed or already there, once.
    """
    requests = [request for request in ledger.open_requests() if request.repeatable]
    for request in requests:
        results = [
            Result(op.op_key, OpState.ABANDONED if op.person is None else OpState.PLANNED)
            for op, _ in ledger.open_ops(request.id)
        ]
        await _close(run, request.id, results)
    return len(requests)


async def _close(run: Run, request_id: str, results: list[Result]) -> None:
    verdict = Verdict(RequestState.SETTLED, results, None, "repeatable: the next plan reads and repeats")
    await run.journal.run(lambda ledger: ledger.outcome(run.lease, request_id, verdict))
