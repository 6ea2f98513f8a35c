"""What the model of the protocol keeps, as values: every change makes a new one. The steps are in protocol.py."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

PLANNED, SENT, IN_DOUBT, HELD = "planned", "sent", "in doubt", "held"
CONFIRMED, DUPLICATED, ABANDONED = "confirmed", "duplicated", "abandoned"
OPEN = frozenset({SENT, IN_DOUBT, HELD})
FRESH, LATE, PAST = 0, 1, 2  # age of a request: within the send window, within the settle horizon, past it
NONE = -1  # no slot


class Op(NamedTuple):
    """What is to be done for one contact, and how often the vendor did it. `ordered`: a person ordered a resend."""

    state: str = PLANNED
    slot: int = NONE
    effects: int = 0
    ordered: bool = False


class Request(NamedTuple):
    """One vendor call. `ops`, `done`: its contacts, and those executed, as bits. `posts`: how often it was put on the wire;
    `overdue`: only past its horizon, so that the vendor executes it even later."""

    ops: int
    epoch: int
    age: int = FRESH
    posts: int = 0
    done: int = 0
    refused: bool = False
    overdue: bool = False


class Run(NamedTuple):
    """One live process. `mask`: the contacts its answer lists, or its reads did not show; `missed`: not shown though there."""

    epoch: int
    phase: str = "starting"
    slot: int = NONE
    mask: int = 0
    missed: int = 0


class State(NamedTuple):
    """Everything at one moment. `clean`: an apply has ended with everything decided."""

    ops: tuple[Op, ...]
    requests: tuple[Request | None, ...]
    runs: tuple[Run, ...] = ()
    epoch: int = 0
    clean: bool = False


class Label(NamedTuple):
    """What happened. `epoch`: of the run that did it, 0 where nobody's; `mask`: the contacts it concerns, as bits."""

    what: str
    epoch: int = 0
    mask: int = 0


Step = tuple[Label, State]


def bits(mask: int) -> Iterator[int]:
    return (n for n in range(mask.bit_length()) if mask >> n & 1)


def parts(mask: int) -> Iterator[int]:
    """Every non-empty subset."""
    part = mask
    while part:
        yield part
        part = (part - 1) & mask


def mask_of(flags: Iterable[bool]) -> int:
    return sum(1 << n for n, flag in enumerate(flags) if flag)


def verdict(state: State, mask: int, what: str) -> State:
    """The ops in `mask` become `what`; one that is not open any more belongs to no request."""
    if not mask:
        return state
    ops = list(state.ops)
    for n in bits(mask):
        ops[n] = Op(what, ops[n].slot if what in OPEN else NONE, ops[n].effects, ops[n].ordered)
    return state._replace(ops=tuple(ops))


def replaced(state: State, n: int, op: Op) -> State:
    return state._replace(ops=(*state.ops[:n], op, *state.ops[n + 1 :]))


def put(state: State, slot: int, request: Request | None) -> State:
    return state._replace(requests=(*state.requests[:slot], request, *state.requests[slot + 1 :]))


def moved(state: State, run: Run, after: Run) -> State:
    place = state.runs.index(run)
    return state._replace(runs=(*state.runs[:place], after, *state.runs[place + 1 :]))


def without(state: State, run: Run) -> State:
    place = state.runs.index(run)
    return state._replace(runs=state.runs[:place] + state.runs[place + 1 :])


def request_of(state: State, run: Run) -> Request:
    request = state.requests[run.slot]
    assert request is not None, "a request stays as long as a run is at it"
    return request


def tidied(state: State) -> State:
    """Forgets requests that can neither be executed nor be asked about any more."""
    for slot, request in enumerate(state.requests):
        if request is None or any(run.slot == slot for run in state.runs) or any(op.slot == slot for op in state.ops):
            continue
        if (
            not request.posts
            or request.refused
            or (request.age == PAST and not request.overdue)
            or request.done == request.ops
        ):
            state = put(state, slot, None)
    return state
