"""Two runs, a clock and a handful of contacts, driven at random against a model of a dozen lines (I4, I7, I8, I9)."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from reconciler.errors import LeaseLost, LedgerError, LockHeld
from reconciler.ledger.base import Lease, RequestState, Result, Verdict
from reconciler.ledger.base import OpState as S
from reconciler.ledger.chain import verify
from tests.contract.ledgers import IDENTITY, KEY_CHECK, STORES, add, holder, request

LEASE_SECONDS = 60
EXAMPLES = {"sqlite": 60, "postgres": 15}  # the machine is the same; a round trip to a server takes its time
OPEN = (S.SENT, S.IN_DOUBT, S.HELD)
ENDS = (S.CONFIRMED, S.ALREADY, S.REJECTED, S.IN_DOUBT, S.HELD, S.DUPLICATED, S.PLANNED, S.ABANDONED)
RUNS = st.sampled_from(["a", "b"])
CONTACTS = st.integers(0, 5)


class LedgerMachine(RuleBasedStateMachine):
    """The model: `ops` (contact -> request, state), `requests` (name -> state), the newest epoch and who holds it until when."""

    store_name = ""

    def __init__(self) -> None:
        super().__init__()
        self.exits = ExitStack()
        folder = self.exits.enter_context(tempfile.TemporaryDirectory())
        self.store = self.exits.enter_context(STORES[self.store_name](Path(folder)))
        self.ledgers = {run: self.exits.enter_context(closing(self.store.ledger())) for run in "ab"}
        self.reader = self.exits.enter_context(closing(self.store.reader()))
        self.leases: dict[str, Lease] = {}
        self.ops: dict[int, tuple[str, S]] = {}
        self.requests: dict[str, tuple[RequestState, int]] = {}
        self.epoch, self.holder, self.expires = 0, "", 0.0
        self.serial, self.transitions = 0, 0
        self.seen = (0, 0, 0)

    def teardown(self) -> None:
        self.exits.close()

    def write(self, run: str, call: Any, *, allowed: bool = True) -> Any:
        """Do `call` under the run's lease; I7: an overtaken run's call, or one that is not allowed, changes nothing at all."""
        lease, current = self.leases[run], self.holder == run and self.leases[run].epoch == self.epoch
        if current and allowed:
            self.expires = self.store.clock.monotonic() + LEASE_SECONDS
            return call(self.ledgers[run], lease)
        before = self.store.contents()
        with pytest.raises(LedgerError) as caught:
            call(self.ledgers[run], lease)
        assert isinstance(caught.value, LeaseLost) is not current
        assert self.store.contents() == before
        return None

    @rule(seconds=st.sampled_from([1, 30, 61]))
    def time_passes(self, seconds: int) -> None:
        self.store.clock.forward(seconds)

    @rule(run=RUNS)
    def acquire(self, run: str) -> None:
        if self.holder and self.expires > self.store.clock.monotonic():
            with pytest.raises(LockHeld, match=f"run {self.holder} "):
                self.ledgers[run].acquire(holder(run), LEASE_SECONDS)
            return
        self.leases[run] = self.ledgers[run].acquire(holder(run), LEASE_SECONDS)
        self.epoch += 1
        self.holder, self.expires = run, self.store.clock.monotonic() + LEASE_SECONDS
        assert self.leases[run].epoch == self.epoch
        self.ledgers[run].start(self.leases[run], KEY_CHECK)

    @rule()
    def unlock(self) -> None:
        self.epoch += 1
        self.holder = ""
        assert self.ledgers["a"].unlock(holder("cleaner")) == self.epoch

    @precondition(lambda self: self.leases)
    @rule(data=st.data(), contacts=st.lists(CONTACTS, min_size=1, max_size=4))
    def claim(self, data: st.DataObject, contacts: list[int]) -> None:
        run = data.draw(st.sampled_from(sorted(self.leases)))
        ops = [add(number) for number in contacts]
        free = all(self.ops.get(number, ("", S.PLANNED))[1] is S.PLANNED for number in contacts)
        unique = len(set(contacts)) == len(contacts)
        name = self.write(run, lambda ledger, lease: ledger.claim(lease, request(*ops)), allowed=free and unique)
        if name is None:
            return
        # I4: whoever looks from outside sees exactly these ops as sent before the caller may send.
        assert list(self.reader.open_ops(name)) == [(op, S.SENT) for op in ops]
        self.ops.update((number, (name, S.SENT)) for number in contacts)
        self.requests[name] = (RequestState.SENT, self.epoch)
        self.transitions += 1

    @precondition(lambda self: self.leases and self.requests)
    @rule(data=st.data())
    def outcome(self, data: st.DataObject) -> None:
        run = data.draw(st.sampled_from(sorted(self.leases)))
        name = data.draw(st.sampled_from(sorted(self.requests)))
        mine = sorted(number for number, (owner, state) in self.ops.items() if owner == name and state in OPEN)
        named = data.draw(st.lists(st.sampled_from(mine), unique=True)) if mine else []
        ends = {number: data.draw(st.sampled_from(ENDS)) for number in named}
        results = [Result(add(number).op_key, end) for number, end in ends.items()]
        state, epoch = self.requests[name]
        done = self.write(
            run,
            lambda ledger, lease: (ledger.outcome(lease, name, Verdict(RequestState.SETTLED, results)), True)[1],
            allowed=state in (RequestState.SENT, RequestState.IN_DOUBT),
        )
        if done:
            self._ended(name, epoch, mine, ends)

    def _ended(self, name: str, epoch: int, mine: Sequence[int], ends: dict[int, S]) -> None:
        for number in mine:
            now = self.ops[number][1]
            self.ops[number] = (name, ends.get(number, S.IN_DOUBT if now is S.SENT else now))
        waits = any(self.ops[number][1] in OPEN for number in mine)
        self.requests[name] = (RequestState.IN_DOUBT if waits else RequestState.SETTLED, epoch)
        self.transitions += 1

    @precondition(lambda self: self.leases)
    @rule(data=st.data())
    def recover(self, data: st.DataObject) -> None:
        run = data.draw(st.sampled_from(sorted(self.leases)))
        found = self.write(run, lambda ledger, lease: ledger.recover(lease))
        if found is None:
            return
        left = {n for n, (state, epoch) in self.requests.items() if state is RequestState.SENT and epoch < self.epoch}
        assert found == len(left)
        for name in left:
            self.requests[name] = (RequestState.IN_DOUBT, self.requests[name][1])
            self.transitions += 1
        for number, (owner, state) in self.ops.items():
            if owner in left and state is S.SENT:
                self.ops[number] = (owner, S.IN_DOUBT)

    @precondition(lambda self: self.leases)
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        run = data.draw(st.sampled_from(sorted(self.leases)))
        serial = self.write(run, lambda ledger, lease: ledger.finish(lease))
        if serial is not None:
            self.serial += 1
            self.holder = ""
            assert serial == self.serial

    @invariant()
    def the_ledger_is_the_model(self) -> None:
        found = {int.from_bytes(sent.person, "big"): sent.state for sent in self.reader.sent(IDENTITY)}
        assert found == {number: state for number, (_, state) in self.ops.items()}
        waiting = {owner for owner, state in self.ops.values() if state in OPEN}
        assert {open_request.id for open_request in self.reader.open_requests()} == waiting

    @invariant()
    def i8_epoch_serial_and_seq_only_grow_and_i9_every_transition_has_its_event(self) -> None:
        events = list(self.reader.events())
        told = [event for event in events if event.entity.startswith("request ")]
        assert len(told) == self.transitions
        assert verify(self.reader) == len(events)
        now = (max((event.epoch for event in events), default=0), self.reader.serial, len(events))
        assert now[:2] == (self.epoch, self.serial)
        assert all(new >= old for new, old in zip(now, self.seen, strict=True))
        self.seen = now


@pytest.mark.parametrize("store", STORES)
def test_a_ledger_behaves_as_its_model_whatever_two_runs_do(store: str) -> None:
    machine = type("Machine", (LedgerMachine,), {"store_name": store})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES[store] * (20 if "CHAOS" in os.environ else 1),
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
