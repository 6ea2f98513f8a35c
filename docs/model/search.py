"""Breadth first through every state of the model: the first one that breaks an invariant, by the shortest way to it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from docs.model.protocol import Model, Rules
from docs.model.state import CONFIRMED, PAST, PLANNED, SENT, Label, State, bits, tidied

StateCheck = Callable[[State], bool]
StepCheck = Callable[[Rules, State, Label, State], bool]  # rules, before, what happens, after


def nobody_twice(state: State) -> bool:
    return all(op.effects < 2 or op.ordered for op in state.ops)


def confirmed_is_done(state: State) -> bool:
    return all(op.effects > 0 for op in state.ops if op.state == CONFIRMED)


def sent_once(state: State) -> bool:
    return all(request is None or request.posts < 2 for request in state.requests)


def claimed_before_sent(rules: Rules, before: State, label: Label, after: State) -> bool:
    """Where the run was overtaken since, its claim has become a doubt."""
    overtaken = label.epoch < before.epoch
    return label.what != "sends" or overtaken or all(before.ops[n].state == SENT for n in bits(label.mask))


def finished_is_decided(rules: Rules, before: State, label: Label, after: State) -> bool:
    return label.what != "finishes" or all(op.state not in {PLANNED, SENT} for op in after.ops)


def absent_is_proved(rules: Rules, before: State, label: Label, after: State) -> bool:
    """Two reads, both past the horizon; or the vendor refuses a second one anyhow."""
    if label.what == "plans it again":
        return rules.vendor == "deduplicating"
    if label.what != "concludes: never done":
        return True
    run = next(run for run in before.runs if run.epoch == label.epoch and run.phase in {"one read", "two reads"})
    request = before.requests[run.slot]
    return run.phase == "two reads" and request is not None and request.age == PAST


def overtaken_writes_nothing(rules: Rules, before: State, label: Label, after: State) -> bool:
    current = label.epoch in {0, before.epoch} or label.what == "takes the lease"
    return current or [op.state for op in before.ops] == [op.state for op in after.ops]


def epoch_grows(rules: Rules, before: State, label: Label, after: State) -> bool:
    return after.epoch > before.epoch if label.what == "takes the lease" else after.epoch == before.epoch


def nothing_after_clean(rules: Rules, before: State, label: Label, after: State) -> bool:
    return not (before.clean and label.what == "claims")


OF_STATES: dict[str, StateCheck] = {"I1": nobody_twice, "I2": confirmed_is_done, "I5": sent_once}
OF_STEPS: dict[str, StepCheck] = {
    "I3": finished_is_decided,
    "I4": claimed_before_sent,
    "I6": absent_is_proved,
    "I7": overtaken_writes_nothing,
    "I8": epoch_grows,
    "I10": nothing_after_clean,
}
MEANING = {
    "I1": "nobody is called twice",
    "I2": "confirmed means that the vendor did it",
    "I3": "a finished apply leaves nothing planned or sent",
    "I4": "nothing is sent without a claim",
    "I5": "a claim is on the wire once at most",
    "I6": "absent only after the horizon and two reads",
    "I7": "a run that was overtaken changes nothing",
    "I8": "the epoch only grows",
    "I10": "an apply after a clean one sends nothing",
}


Came = tuple[State, Label] | None  # how a state was first reached


@dataclass(frozen=True, slots=True)
class Found:
    """`states`: how many different ones were looked at. `broken`: the invariant that fails first, "" where none does; `trace`: how."""

    states: int
    broken: str = ""
    trace: tuple[Label, ...] = ()


def search(rules: Rules, invariants: Collection[str] = tuple(MEANING), most: int = 10_000_000) -> Found:
    """Look at every state, `most` at most, or at all up to the first that breaks one of `invariants`."""
    model = Model(rules)
    came: dict[State, Came] = {model.initial(): None}
    line = deque(came)
    of_states = [(name, check) for name, check in OF_STATES.items() if name in invariants]
    of_steps = [(name, check) for name, check in OF_STEPS.items() if name in invariants]
    while line and len(came) < most:
        state = line.popleft()
        for label, reached in model.successors(state):
            after = tidied(reached)
            failed = [name for name, holds in of_steps if not holds(rules, state, label, after)]
            if after not in came:
                came[after] = (state, label)
                line.append(after)
                failed += [name for name, holds in of_states if not holds(after)]
            if failed:
                return Found(len(came), failed[0], (*_way(came, state), label))
    return Found(len(came))


def _way(came: Mapping[State, Came], state: State) -> list[Label]:
    way = []
    while (step := came[state]) is not None:
        state, label = step
        way.append(label)
    return way[::-1]
