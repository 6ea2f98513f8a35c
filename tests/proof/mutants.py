"""The protocol with one part of it taken out, a small patch of shipped code each. What a part is good for is what goes wrong without it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from typing import Any
from unittest import mock

from reconciler import assembly, reconcile, writer
from reconciler.contacts import sent
from reconciler.errors import OutcomeUnknown, RateLimited, VendorError
from reconciler.ledger import sql_ledger
from reconciler.ledger.base import OpState, RequestState, Result, Verdict
from reconciler.ledger.sql_lease import SqlLease
from reconciler.ledger.sql_ledger import SqlLedger
from reconciler.ledger.sqlite import SqliteSession
from reconciler.providers.http import Account
from reconciler.sending import Sending
from reconciler.settle import Settler
from reconciler.writer import StepWriter

Patch = Callable[[], AbstractContextManager[Any]]


@dataclass(frozen=True, slots=True)
class Mutant:
    """`kills`: the invariants of which one at least must break; I1: somebody is called twice. `seen`: a seed that it died of once."""

    name: str
    patch: Patch
    kills: frozenset[str] = frozenset({"I1"})
    seen: int = 0


def _swap(target: object, **members: Any) -> Patch:
    """Members of a class or module replaced; a function gets the original as its first argument where it asks for `real`."""

    def enter() -> AbstractContextManager[Any]:
        stack = ExitStack()
        for name, member in members.items():
            stack.enter_context(mock.patch.object(target, name, member))
        return stack

    return enter


def _both(*patches: Patch) -> Patch:
    def enter() -> AbstractContextManager[Any]:
        stack = ExitStack()
        for patch in patches:
            stack.enter_context(patch())
        return stack

    return enter


def _sql(old: str, new: str) -> Patch:
    """One statement of the ledger said otherwise."""

    def changed(real: Callable[..., Any]) -> Callable[..., Any]:
        def run(self: Any, sql: str, *values: Any) -> Any:
            return real(self, sql.replace(old, new), *values)

        return run

    return _swap(
        SqliteSession,
        write=changed(SqliteSession.write),
        fetch=changed(SqliteSession.fetch),
        write_rows=changed(SqliteSession.write_rows),
    )


# ---- the claim -----------------------------------------------------------------------------------------------------

_claim, _outcome = SqlLedger.claim, SqlLedger.outcome
_pending: dict[str, Any] = {}


def _claim_later(self: Any, lease: Any, request: Any) -> str:
    name = f"later-{len(_pending)}"
    _pending[name] = request
    return name


def _claim_then_outcome(self: Any, lease: Any, request_id: str, verdict: Any) -> None:
    if request_id in _pending:
        request_id = _claim(self, lease, _pending[request_id])
    _outcome(self, lease, request_id, verdict)


async def _sent_again(self: Any, call: Any) -> Any:
    try:
        return await self.account.send(call)
    except OutcomeUnknown:
        try:
            return await self.account.send(call)
        except VendorError as error:
            return error
    except VendorError as error:
        return error


# ---- what an answer proves -----------------------------------------------------------------------------------------

_decided, _results, _classified = StepWriter._decided, StepWriter._results, Account._classified


def _lost_is_failed(self: Any, error: Any) -> bool:
    return isinstance(error, OutcomeUnknown) or _decided(self, error)


def _429_is_refused(self: Any, error: Any) -> bool:
    return isinstance(error, RateLimited) or _decided(self, error)


def _5xx_is_refused(self: Any, call: Any, response: Any, headers: Mapping[str, str]) -> Any:
    return _classified(self, replace(call, decided=call.decided | set(range(500, 600))), response, headers)


def _all_confirmed(self: Any, request: Any, receipt: Any, people: Any) -> Any:
    items = tuple(replace(item, state="confirmed") for item in receipt.items)
    return _results(self, request, replace(receipt, items=items), people)


def _outcome_before_ids(self: Any, lease: Any, request_id: str, verdict: Any) -> None:
    """The state now, what the vendor called it with the next commit, if there is one."""
    for waiting in _pending.pop("bindings", ()):
        self.bind(lease, waiting, "late")
    _pending["bindings"] = verdict.bindings
    _outcome(self, lease, request_id, replace(verdict, bindings=()))


# ---- settling ------------------------------------------------------------------------------------------------------

_horizon, _read = Settler._horizon_passed, Settler._read


async def _at_once(self: Any, *_: Any) -> bool:
    return True


async def _no_lateness(self: Any, request: Any, connection: Any) -> bool:
    return await _horizon(self, request, replace(connection, settle=replace(connection.settle, late_max=0)))


async def _interval_left_out(self: Any, request: Any) -> None:
    with mock.patch.object(Settler, "_waited", _waited_for_the_horizon_only(self)):
        await _read(self, request)


def _waited_for_the_horizon_only(settler: Any) -> Any:
    real = Settler._waited

    async def waited(self: Any, seconds: float) -> bool:
        return True if seconds == 10 else await real(self, seconds)

    return waited


async def _unread(self: Any, request: Any) -> None:
    results = [Result(op.op_key, OpState.PLANNED) for op, _ in self.ledger.open_ops(request.id)]
    await self._decide(request, results, "taken for absent")


async def _first_list(self: Any, container: str) -> None:
    """As before the simulation: a list that was found is not bound."""


_everybody = Settler._everybody


async def _whatever_container(self: Any, request: Any) -> Any:
    """As before the simulation: where no list is bound, the campaign's id stands for it."""
    bindings = self.ledger.bindings()
    if request.key in bindings:
        return await _everybody(self, request)
    return {}


async def _closed_unread(self: Any, request: Any) -> None:
    """As before the simulation: nobody is looked for."""
    ops = [op for op, _ in self.ledger.open_ops(request.id)]
    results = [Result(op.op_key, OpState.ABANDONED if op.person is None else OpState.PLANNED) for op in ops]
    await self._decide(request, results, "repeatable")


def _restart_clears(self: Any, lease: Any) -> int:
    """What was pending when a run died is taken for not done, as a mark that is cleared on any error would be."""
    dead = [request for request in self.open_requests() if request.state is OpState.SENT]
    for request in dead:
        results = [Result(op.op_key, OpState.PLANNED) for op, _ in self.open_ops(request.id)]
        self.outcome(lease, request.id, Verdict(RequestState.SETTLED, results, None, "cleared"))
    return len(dead)


# ---- the lease -----------------------------------------------------------------------------------------------------


def _no_fence(self: Any, lease: Any) -> None:
    """Anybody may write."""


def _planned_in_spite_of_doubts(standing: sent.Standing) -> Patch:
    """A planner that is not held up by doubts and takes people in doubt for something else."""
    states = dict.fromkeys(("sent", "in_doubt", "held"), standing)
    return _both(
        lambda: mock.patch.dict(sent.STANDING, states),
        _swap(assembly, doubts_of=lambda ledger: ()),
        _swap(reconcile, doubts_of=lambda ledger: ()),
    )


async def _nothing_settled(self: Any) -> int:
    return len(self.ledger.open_requests())


CARELESS_PLANNER = _planned_in_spite_of_doubts(sent.Standing.NEVER)
"""No mutant of the protocol: what the ledger's UNIQUE alone has to stop."""

MUTANTS = (
    Mutant("no claim before the send", _swap(SqlLedger, claim=_claim_later, outcome=_claim_then_outcome), seen=59),
    Mutant("a POST is sent again after a timeout", _swap(StepWriter, _answer=_sent_again), seen=14),
    Mutant("no send window", _swap(writer, SEND_WINDOW=1e9), frozenset({"I1", "I4"}), seen=120),
    Mutant("a lost answer is a failure", _swap(StepWriter, _decided=_lost_is_failed), seen=14),
    Mutant("429 is not sent", _swap(StepWriter, _decided=_429_is_refused), seen=139),
    Mutant("5xx is refused", _swap(Account, _classified=_5xx_is_refused), seen=25),
    Mutant(
        "a partial batch is confirmed whole", _swap(StepWriter, _results=_all_confirmed), frozenset({"I2"}), seen=24
    ),
    Mutant(
        "the outcome before the vendor's id",
        _swap(SqlLedger, outcome=_outcome_before_ids),
        frozenset({"I2", "I10"}),
        seen=6,
    ),
    Mutant("no settle horizon", _swap(Settler, _horizon_passed=_at_once), seen=65),
    Mutant("late execution is ignored", _swap(Settler, _horizon_passed=_no_lateness), seen=4),
    Mutant("one read before absent", _swap(Settler, _read=_interval_left_out), frozenset({"I6"}), seen=4),
    Mutant("a doubt is sent again unread", _swap(Settler, _read=_unread), seen=4),
    Mutant("what cannot be known is sent again", _swap(Settler, _hold=_unread), seen=22),
    Mutant("a restart clears what was pending", _swap(SqlLedger, recover=_restart_clears), seen=36),
    Mutant("nothing is settled", _swap(Settler, settle=_nothing_settled), frozenset({"I10"}), seen=4),
    Mutant("no fence in front of writes", _swap(SqlLease, _fence=_no_fence), frozenset({"I7"}), seen=39),
    Mutant(
        "a takeover raises no epoch",
        _sql("SET epoch = epoch + 1, run = ?", "SET epoch = epoch, run = ?"),
        frozenset({"I8"}),
    ),
    Mutant(
        "an op_key may be claimed twice",
        _both(_sql(" WHERE op.state = 'planned'", " WHERE true"), CARELESS_PLANNER),
        seen=22,
    ),
    Mutant("a revision is raised for a doubt", _planned_in_spite_of_doubts(sent.Standing.GONE), seen=22),
    Mutant(
        "a withdrawal counts before it is proved",
        _swap(sql_ledger, _LANDED=(*sql_ledger._LANDED, OpState.IN_DOUBT)),
        frozenset({"I1", "I2"}),
        seen=470,
    ),
    Mutant(
        "a list that was found is not bound",
        _both(_swap(Sending, _bind=_first_list), _swap(Settler, _everybody=_whatever_container)),
        seen=436,
    ),
    Mutant(
        "what may be repeated is not looked for", _swap(Settler, _close=_closed_unread), frozenset({"I2"}), seen=112
    ),
)
