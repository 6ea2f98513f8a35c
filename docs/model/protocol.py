"""The apply protocol as a state machine: from each state, everything that may happen next. Searching is in search.py.

Who acts
    run      a process of `reconciler apply`: takes the lease, recovers, claims, looks at the clock, sends, hears or does not hear,
             writes the outcome, settles, finishes. It may die anywhere, or stop moving while others go on (it is frozen). Another
             run may take the lease over at any moment: nothing relies on how long a lease is.
    vendor   executes what it was sent at once, late, in part or never; it lists what it executed, or less, or answers an error.
    time     every request ages: within the send window, within the settle horizon, past it.
    person   decides what is held.

What is kept                              in the shipped code
    Op.state, Op.slot   one contact       ledger/base.py OpState; the row `op` and its request_id
    Request             one vendor call   the row `request`; `age` is the time since its claimed_at
    State.epoch         the lease         ledger/sql_lease.py; `may_write` is its `_fence`
    Run.phase           where a run is    runs.py leased; writer.py _once, _settle; settle.py _read, _close, _hold
    Op.effects          calls to a person nowhere: only the vendor knows, which is what the protocol is about

Assumed, and said aloud in docs/reliability.md: a vendor executes nothing after the horizon; no process is frozen for longer than the
horizon between its look at the clock and its socket; of two complete reads at least one is right about a contact; the ledger is
not replaced by an older one. `Rules.broken` takes one of these, or one part of the protocol, away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from docs.model.state import (
    ABANDONED,
    CONFIRMED,
    DUPLICATED,
    FRESH,
    HELD,
    IN_DOUBT,
    LATE,
    NONE,
    OPEN,
    PAST,
    PLANNED,
    SENT,
    Label,
    Op,
    Request,
    Run,
    State,
    Step,
    bits,
    mask_of,
    moved,
    parts,
    put,
    replaced,
    request_of,
    verdict,
    without,
)


@dataclass(frozen=True, slots=True)
class Rules:
    """`vendor`: "readable", "deduplicating" or "unreadable". `starts`: how many runs in all, two of them at a time; `slots`: how many
    requests may be under way. `broken`: what is taken away from the protocol, a name of mutants.py."""

    vendor: str
    contacts: int = 2
    starts: int = 3
    slots: int = 2
    broken: str = ""


class Model:
    """`successors` is the protocol; the methods below are its steps, named as in docs/reliability.md."""

    def __init__(self, rules: Rules) -> None:
        self.rules, self.broken = rules, rules.broken
        self.repeatable = rules.vendor == "deduplicating" or self.broken == "repeats where the vendor keeps both"
        self.phases: dict[str, Callable[[State, Run], Iterator[Step]]] = {
            "starting": self.recover,
            "working": self.work,
            "claimed": self.look_at_clock,
            "armed": self.send,
            "waiting": self.hear,
            "answered": self.write_answer,
            "unknown": self.write_doubt,
            "refused": self.write_refusal,
            "one read": self.read_again,
            "two reads": self.conclude,
        }

    def initial(self) -> State:
        return State((Op(),) * self.rules.contacts, (None,) * self.rules.slots)

    def successors(self, state: State) -> Iterator[Step]:
        yield from self.time_passes(state)
        yield from self.vendor_acts(state)
        yield from self.person_decides(state)
        yield from self.start(state)
        for run in state.runs:
            yield Label("dies", run.epoch), without(self.power_cut(state, run), run)
            yield from self.phases[run.phase](state, run)

    # ---- the world ---------------------------------------------------------------------------------------------------

    def time_passes(self, state: State) -> Iterator[Step]:
        for slot, request in enumerate(state.requests):
            if request is None or request.age == PAST:
                continue
            armed = any(run.slot == slot and run.phase == "armed" for run in state.runs)
            if request.age == FRESH:
                yield Label("the send window passes", 0, request.ops), put(state, slot, request._replace(age=LATE))
            elif not armed or self.broken == "frozen past the horizon":
                yield Label("the settle horizon passes", 0, request.ops), put(state, slot, request._replace(age=PAST))

    def vendor_acts(self, state: State) -> Iterator[Step]:
        most = 1 if self.rules.vendor == "deduplicating" else 2
        for slot, request in enumerate(state.requests):
            if request is None or not self.may_execute(request):
                continue
            for n in bits(request.ops & ~request.done):
                op = state.ops[n]
                called = replaced(state, n, op._replace(effects=min(most, op.effects + request.posts)))
                done = request._replace(done=request.done | 1 << n)
                copies = "the vendor executes both copies" if request.posts == 2 else "the vendor executes"
                yield Label(copies, 0, 1 << n), put(called, slot, done)

    def may_execute(self, request: Request) -> bool:
        in_time = request.age < PAST or request.overdue or self.broken == "executed past the horizon"
        return request.posts > 0 and not request.refused and in_time

    def person_decides(self, state: State) -> Iterator[Step]:
        """`resolve`; "not applied" is said truthfully, or it would be an ordered resend."""
        for n, op in enumerate(state.ops):
            if op.state != HELD:
                continue
            request, bit = state.requests[op.slot], 1 << n
            if op.effects:
                yield Label("a person says: applied", 0, bit), verdict(state, bit, CONFIRMED)
            elif request and request.age == PAST:
                yield Label("a person says: not applied", 0, bit), verdict(state, bit, PLANNED)
            yield Label("a person orders a resend", 0, bit), replaced(state, n, Op(PLANNED, NONE, op.effects, True))
            yield Label("a person abandons it", 0, bit), verdict(state, bit, ABANDONED)

    # ---- steps 1 and 2: the lease, and what a dead run left ------------------------------------------------------------

    def start(self, state: State) -> Iterator[Step]:
        epoch = state.epoch + 1
        if self.broken == "a takeover keeps the epoch" and state.runs:
            epoch = state.epoch
        if len(state.runs) == 2 or epoch > self.rules.starts:
            return
        if self.broken == "the ledger is thrown away" and not state.runs:
            state = verdict(state, (1 << len(state.ops)) - 1, PLANNED)
        yield Label("takes the lease", epoch), state._replace(epoch=epoch, runs=(*state.runs, Run(epoch)))

    def may_write(self, state: State, run: Run) -> bool:
        """`WHERE epoch = e`: a run that was overtaken changes no row."""
        return run.epoch == state.epoch or self.broken == "no fencing"

    def recover(self, state: State, run: Run) -> Iterator[Step]:
        left = mask_of(op.state == SENT and older(state, op, run) for op in state.ops)
        if self.broken == "no recovery":
            left = 0
        after = verdict(state, left, PLANNED if self.broken == "a restart starts over" else IN_DOUBT)
        yield self.commit(state, run, Label("recovers", run.epoch, left), moved(after, run, Run(run.epoch, "working")))

    def commit(self, state: State, run: Run, label: Label, after: State) -> Step:
        if self.may_write(state, run):
            return label, after
        return Label("was overtaken and exits", run.epoch), without(state, run)

    # ---- steps 4 to 7: claim, clock, send, hear ------------------------------------------------------------------------

    def work(self, state: State, run: Run) -> Iterator[Step]:
        planned = mask_of(op.state == PLANNED for op in state.ops)
        free = next((slot for slot, request in enumerate(state.requests) if request is None), NONE)
        if planned and free != NONE:
            for part in parts(planned):
                label = Label("claims", run.epoch, part)
                yield self.commit(state, run, label, self.claimed(state, run, part, free))
        elif not planned:
            clean = state.clean or all(op.state not in OPEN for op in state.ops)
            ended = without(state._replace(clean=clean), run)
            yield self.commit(state, run, Label("finishes", run.epoch), ended)
        for slot, request in enumerate(state.requests):
            doubts = mask_of(op.slot == slot and op.state == IN_DOUBT for op in state.ops)
            if request and doubts:
                yield from self.settle(state, run, slot, doubts)

    def claimed(self, state: State, run: Run, part: int, slot: int) -> State:
        """The write-ahead point."""
        after = put(state, slot, Request(part, run.epoch))
        if self.broken != "no claim":
            for n in bits(part):
                after = replaced(after, n, after.ops[n]._replace(state=SENT, slot=slot))
        return moved(after, run, Run(run.epoch, "claimed", slot))

    def power_cut(self, state: State, run: Run) -> State:
        """A claim that has not reached the disk is gone with the machine."""
        if self.broken != "claims are not flushed" or run.phase not in {"claimed", "armed", "waiting"}:
            return state
        return verdict(state, mask_of(op.slot == run.slot for op in state.ops), PLANNED)

    def look_at_clock(self, state: State, run: Run) -> Iterator[Step]:
        request = request_of(state, run)
        if request.age == FRESH or self.broken == "no send window":
            yield Label("finds its claim fresh", run.epoch, request.ops), moved(state, run, run._replace(phase="armed"))
        else:
            given_back = self.outcome(state, run, PLANNED, request.ops)
            yield self.commit(state, run, Label("gives its claim back", run.epoch, request.ops), given_back)

    def send(self, state: State, run: Run) -> Iterator[Step]:
        request = request_of(state, run)
        sent = put(state, run.slot, request._replace(posts=1, overdue=request.age == PAST))
        yield Label("sends", run.epoch, request.ops), moved(sent, run, run._replace(phase="waiting"))
        yield Label("cannot connect", run.epoch, request.ops), moved(state, run, run._replace(phase="refused"))

    def hear(self, state: State, run: Run) -> Iterator[Step]:
        """What a run hears, and when, is up to the vendor and the network."""
        request = request_of(state, run)
        yield Label("hears nothing", run.epoch, request.ops), moved(state, run, run._replace(phase="unknown"))
        if self.broken == "the client repeats":
            again = put(state, run.slot, request._replace(posts=2, done=0))
            yield Label("hears nothing and sends again", run.epoch, request.ops), again
        if self.broken == "a server error is a refusal":
            yield Label("hears 500", run.epoch, request.ops), moved(state, run, run._replace(phase="refused"))
        if not request.done:
            refused = put(state, run.slot, request._replace(refused=True))
            yield Label("is refused", run.epoch, request.ops), moved(refused, run, run._replace(phase="refused"))
        for listed in parts(request.done):
            answered = run._replace(phase="answered", mask=listed)
            yield Label("hears that it was done", run.epoch, listed), moved(state, run, answered)

    # ---- step 8: the outcome -------------------------------------------------------------------------------------------

    def write_answer(self, state: State, run: Run) -> Iterator[Step]:
        everybody = self.broken == "a partial answer confirms all"
        listed = request_of(state, run).ops if everybody else run.mask
        label = Label("writes: confirmed", run.epoch, listed)
        yield self.commit(state, run, label, self.outcome(state, run, CONFIRMED, listed))

    def write_doubt(self, state: State, run: Run) -> Iterator[Step]:
        if self.broken == "lost means failed":
            yield from self.write_refusal(state, run)
            return
        ops = request_of(state, run).ops
        yield self.commit(state, run, Label("writes: in doubt", run.epoch, ops), self.outcome(state, run, IN_DOUBT, 0))

    def write_refusal(self, state: State, run: Run) -> Iterator[Step]:
        ops = request_of(state, run).ops
        yield self.commit(state, run, Label("writes: not done", run.epoch, ops), self.outcome(state, run, PLANNED, ops))

    def outcome(self, state: State, run: Run, what: str, mask: int) -> State:
        """The verdict for `mask`; what else is SENT in this request is in doubt; what others have decided stays."""
        mine = mask_of(op.slot == run.slot and op.state in OPEN for op in state.ops)
        if self.broken == "no claim":
            mine = mask
        after = verdict(state, mine & mask, what)
        rest = mask_of(op.slot == run.slot and op.state == SENT for op in after.ops)
        return moved(verdict(after, rest, IN_DOUBT), run, Run(run.epoch, "working"))

    # ---- settling ------------------------------------------------------------------------------------------------------

    def settle(self, state: State, run: Run, slot: int, doubts: int) -> Iterator[Step]:
        """By repeating, where the shipped code looks first and repeats only for whom it does not see; by a person; or by reading."""
        if self.broken == "unreadable means done":
            decided = Label("guesses: done", run.epoch, doubts), verdict(state, doubts, CONFIRMED)
        elif self.repeatable or self.broken in {"no settling", "unreadable means not done"}:
            decided = Label("plans it again", run.epoch, doubts), verdict(state, doubts, PLANNED)
        elif self.rules.vendor == "unreadable":
            decided = Label("holds it for a person", run.epoch, doubts), verdict(state, doubts, HELD)
        else:
            yield from self.read_once(state, run, slot, doubts)
            return
        yield self.commit(state, run, *decided)

    def read_once(self, state: State, run: Run, slot: int, doubts: int) -> Iterator[Step]:
        """Whom it shows is settled; for the others, past the horizon, a second read has to agree. A read may miss somebody."""
        reading = Run(run.epoch, "one read", slot)
        counts = request_of(state, reading).age == PAST or self.broken in {"no horizon", "the first read may be early"}
        there = mask_of(op.effects > 0 for op in state.ops) & doubts
        for missed in (0, *parts(there)):
            absent = doubts & ~(there & ~missed)
            waits = reading._replace(mask=absent, missed=missed)
            after = moved(
                found(state, doubts & ~absent), run, waits if absent and counts else Run(run.epoch, "working")
            )
            yield self.commit(state, run, Label("reads, and does not see", run.epoch, absent), after)

    def read_again(self, state: State, run: Run) -> Iterator[Step]:
        """Of two reads one at least is right, so that this one does not miss whom the first missed."""
        if self.broken == "one read":
            yield from self.conclude(state, run)
            return
        if request_of(state, run).age != PAST and self.broken != "no horizon":
            return
        there = mask_of(op.effects > 0 for op in state.ops) & run.mask
        for missed in (0, *parts(there if self.broken == "both reads are wrong" else there & ~run.missed)):
            absent = run.mask & ~(there & ~missed)
            yield (
                Label("reads again, and does not see", run.epoch, absent),
                moved(state, run, run._replace(phase="two reads", mask=absent)),
            )

    def conclude(self, state: State, run: Run) -> Iterator[Step]:
        """What neither read showed was not executed. Whom the second showed is found by the next attempt."""
        mine = mask_of(op.slot == run.slot and op.state == IN_DOUBT for op in state.ops) & run.mask
        after = moved(verdict(state, mine, PLANNED), run, Run(run.epoch, "working"))
        yield self.commit(state, run, Label("concludes: never done", run.epoch, mine), after)


def older(state: State, op: Op, run: Run) -> bool:
    request = state.requests[op.slot]
    return request is not None and request.epoch < run.epoch


def found(state: State, mask: int) -> State:
    for n in bits(mask):
        state = verdict(state, 1 << n, CONFIRMED if state.ops[n].effects == 1 else DUPLICATED)
    return state
