"""When fingerprints run out: by example, and at random against a model that goes through people and applies one by one."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler import retention
from reconciler.contacts import Fingerprints
from reconciler.contacts.rotation import Rotating
from reconciler.ledger import open_ledger, open_reader
from reconciler.ledger.base import Lease, Ledger, LedgerReader, Op, RequestState, Result, Verdict
from reconciler.ledger.base import OpState as S
from reconciler.ledger.expiring import expired, lapses
from reconciler.ledger.history import history
from reconciler.ledger.journal import Journal
from reconciler.model import (
    Binding,
    Connection,
    ContactSet,
    Finding,
    Key,
    Project,
    Repository,
    Resource,
    Source,
    StateStore,
)
from reconciler.setup import Setup
from reconciler.world import World
from reconciler.writer import Run
from tests.contacts_support import ANN, BOB, CAT, DAN, PRINTS, contact_set, inline, phones
from tests.contract.ledgers import KEY_CHECK, STORES, HandClock, holder, request

DAY = 86_400
HERE = Source("reconciler.yaml", 1)
HANOI = Connection("hanoi", "tel4vn", "https://127.0.0.1", {}, "Asia/Ho_Chi_Minh", "VN", HERE)
SPRING = Key("hanoi", "campaign", "spring")
IDENTITY = "5f" * 16
WORLD = World(Repository(Any, {}, {}, {}, (), ""), {}, {}, {}, {}, ())  # type: ignore[arg-type]  # nobody is planned here


@dataclass
class Desk:
    """A ledger with one campaign, and the declarations that each apply sees."""

    root: Path
    clock: HandClock = field(default_factory=HandClock)
    sets: dict[str, ContactSet] = field(default_factory=dict)
    campaigns: tuple[Resource, ...] = ()
    connections: Mapping[str, Connection] = field(default_factory=lambda: {"hanoi": HANOI})
    told: list[str] = field(default_factory=list)
    state: StateStore = field(default_factory=StateStore)
    environ: dict[str, str] = field(default_factory=dict)
    prints: Fingerprints = PRINTS

    def __post_init__(self) -> None:
        if self.state.backend == "sqlite":
            self.state = StateStore(path=str(self.root / "state.db"))

    def setup(self, partial: bool = False) -> Setup:
        project = Project("acme", str(self.root), self.state, None, {}, (), HERE)
        repository = Repository(project, self.connections, self.sets, {}, self.campaigns, "")
        return Setup(self.root, repository, {}, ("campaign=other",) if partial else (), (), self.clock)

    def declare(self, name: str, *numbers: str, days: int | None = 90, **more: Any) -> None:
        kept = None if days is None else days * DAY
        self.sets[name] = contact_set(more.pop("origin", phones(*numbers)), name, retention=kept, **more)

    @contextmanager
    def writing(self) -> Iterator[tuple[Ledger, Lease]]:
        with closing(open_ledger(self.state, str(self.root), self.environ, self.clock)) as ledger:
            lease = ledger.acquire(holder(), 60)
            ledger.start(lease, KEY_CHECK)
            yield ledger, lease
            ledger.finish(lease)

    @contextmanager
    def reading(self) -> Iterator[LedgerReader]:
        with closing(open_reader(self.state, str(self.root), self.environ, self.clock)) as reader:
            yield reader

    def send(self, name: str, *numbers: str, state: S = S.CONFIRMED, revision: int = 1, keys: str = "") -> None:
        people = [PRINTS.person(number) for number in numbers]
        macs = PRINTS.key(keys) if keys else b""
        ops = [Op(_op_key(p, name, revision), _key(name), IDENTITY, "add_contacts", p, revision, macs) for p in people]
        about = RequestState.IN_DOUBT if state is S.IN_DOUBT else RequestState.CONFIRMED
        with self.writing() as (ledger, lease):
            verdict = Verdict(about, [Result(op.op_key, state) for op in ops], 200, "answered")
            ledger.outcome(lease, ledger.claim(lease, request(*ops)), verdict)

    def bind(self, vendor_id: str = "41") -> None:
        with self.writing() as (ledger, lease):
            ledger.bind(lease, Binding(SPRING, IDENTITY, vendor_id, {}), "adopted")

    def let_go(self) -> None:
        with self.writing() as (ledger, lease):
            ledger.let_go(lease, SPRING, "deleted in the panel")

    def apply(self, partial: bool = False, stopping: bool = False) -> None:
        async def run() -> None:
            with self.writing() as (ledger, lease), self.reading() as reader:
                async with Journal(ledger) as journal:
                    on = Run(journal, lease, self.prints, self.clock)
                    if stopping:
                        on.stopping.set()
                    await retention.keep_clocks(self.setup(partial), on, reader, self.told.append)

        asyncio.run(run())

    def plan(self, partial: bool = False) -> tuple[Finding, ...]:
        with self.reading() as reader:
            return retention.findings(self.setup(partial), WORLD, reader, self.prints)

    def known(self) -> set[str]:
        """Whose fingerprints are left."""
        with self.reading() as reader:
            names = {bytes(PRINTS.person(number)): number for number in (ANN, BOB, CAT, DAN)}
            return {names[trace.person] for trace in reader.traces(IDENTITY, b"", 1000)}


def _key(name: str) -> Key:
    return SPRING.contact_set(name)


def _op_key(person: bytes, name: str, revision: int) -> bytes:
    return person[:12] + name[:2].encode() + bytes([0, revision])


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """ANN and BOB were sent through May, which keeps for 90 days; their campaign is bound, and not declared any more."""
    made = Desk(tmp_path)
    made.declare("may", ANN, BOB)
    made.bind()
    made.send("may", ANN, BOB)
    return made


def later(desk: Desk, days: float) -> None:
    desk.clock.forward(days * DAY)


# ---- by example ----------------------------------------------------------------------------------------------------


def test_both_have_to_be_gone(desk: Desk) -> None:
    desk.declare("may", BOB)
    desk.apply()
    later(desk, 100)
    desk.apply()
    assert desk.known() == {ANN, BOB}  # the campaign is bound
    desk.let_go()
    desk.apply()
    later(desk, 90)
    desk.apply()
    assert desk.known() == {BOB}  # and is in the source still
    with desk.reading() as reader:
        assert expired(reader)[IDENTITY, "may"].people == 1
        assert [event.reason for event in history(reader, SPRING)][-1] == (
            "retention 90d: the fingerprints of 1 person expired, 1 operation"
        )
    assert desk.told == ["retention of hanoi/campaign/spring/contacts/may: the fingerprints of 1 person expired"]


def test_to_the_second(desk: Desk) -> None:
    desk.let_go()
    del desk.sets["may"]
    desk.declare("may", days=1)
    desk.apply()
    desk.clock.forward(DAY - 1)
    assert desk.plan() == ()
    desk.apply()
    assert desk.known() == {ANN, BOB}
    desk.clock.forward(1)
    (finding,) = desk.plan()
    assert (finding.code, finding.key, finding.source) == ("retention", str(_key("may")), "campaigns/spring.yaml:30")
    assert finding.message == (
        "The fingerprints of 2 people expire with the next apply, also where it has nothing else to do: not bound since 2026-06-01,"
        " retention 1d."
    )
    desk.apply()
    assert desk.known() == set()


def test_a_set_that_is_gone_was_left_by_everybody_and_its_retention_is_remembered(desk: Desk) -> None:
    desk.apply()
    desk.let_go()
    desk.sets.clear()
    desk.apply()
    with desk.reading() as reader:
        (lapse,) = lapses(reader)
        assert lapse.earliest == int(desk.clock.now().timestamp()) + 90 * DAY
    later(desk, 90)
    (finding,) = desk.plan()
    assert finding.source == ""
    desk.apply()
    assert desk.known() == set()


def test_what_was_never_seen_to_have_a_retention_stays_for_ever(desk: Desk) -> None:
    desk.let_go()
    desk.sets.clear()
    desk.apply()
    later(desk, 10_000)
    desk.apply()
    assert (desk.known(), desk.plan()) == ({ANN, BOB}, ())


def test_a_retention_that_comes_later_counts_from_when_it_was_seen(desk: Desk) -> None:
    desk.declare("may", days=None)
    desk.let_go()
    desk.apply()
    later(desk, 100)
    desk.declare("may", days=1)
    assert desk.plan() == ()
    desk.apply()
    assert desk.known() == {ANN, BOB}
    later(desk, 1)
    desk.apply()
    assert desk.known() == set()


@pytest.mark.parametrize(("days", "left"), [(30, set()), (None, {ANN, BOB}), (120, {ANN, BOB})])
def test_what_is_declared_now_counts(desk: Desk, days: int | None, left: set[str]) -> None:
    desk.declare("may")
    desk.let_go()
    desk.apply()
    later(desk, 60)
    desk.declare("may", days=days)
    desk.apply()
    assert desk.known() == left


def test_who_comes_back_begins_anew(desk: Desk) -> None:
    desk.let_go()
    desk.declare("may", BOB)
    desk.apply()
    later(desk, 80)
    desk.declare("may", ANN, BOB)
    desk.apply()
    desk.declare("may")
    desk.apply()
    later(desk, 89)
    desk.apply()
    assert desk.known() == {ANN, BOB}
    later(desk, 1)
    desk.apply()
    assert desk.known() == set()


def test_a_campaign_that_is_bound_again_begins_anew_though_no_apply_saw_it(desk: Desk) -> None:
    desk.let_go()
    desk.declare("may")
    desk.apply()
    later(desk, 89)
    desk.bind()
    desk.let_go()
    later(desk, 1)
    desk.apply()
    later(desk, 89)
    desk.apply()
    assert desk.known() == {ANN, BOB}
    later(desk, 1)
    desk.apply()
    assert desk.known() == set()


def test_a_campaign_that_is_declared_will_be_bound(desk: Desk) -> None:
    declared = Resource(SPRING, "tel4vn", {}, HERE)
    desk.let_go()
    desk.declare("may")
    desk.apply()
    later(desk, 80)
    desk.campaigns = (replace(declared, key=replace(SPRING, name="summer"), moved_from="spring"),)
    desk.apply()
    later(desk, 80)
    assert desk.plan() == ()
    desk.apply()
    assert desk.known() == {ANN, BOB}
    desk.campaigns = (replace(declared, absent="the season is over"),)
    desk.apply()
    assert desk.known() == {ANN, BOB}
    later(desk, 90)
    desk.apply()
    assert desk.known() == set()


def test_who_is_in_doubt_never_expires(desk: Desk) -> None:
    desk.send("may", CAT, state=S.IN_DOUBT)
    desk.send("june", BOB, state=S.HELD)
    desk.let_go()
    desk.declare("may")
    desk.declare("june")
    desk.apply()
    later(desk, 1000)
    desk.apply()
    assert desk.known() == {BOB, CAT}


def test_an_object_in_doubt_may_have_been_made(desk: Desk) -> None:
    desk.let_go()
    desk.declare("may")
    desk.apply()
    with desk.writing() as (ledger, lease):
        ledger.claim(lease, request(Op(b"c" * 16, SPRING, IDENTITY, "create")))
    later(desk, 1000)
    desk.apply()
    assert desk.known() == {ANN, BOB}


def test_nobody_expires_in_one_set_alone(desk: Desk) -> None:
    desk.send("june", ANN)
    desk.let_go()
    desk.declare("may")
    desk.declare("june", days=None)
    desk.apply()
    later(desk, 90)
    desk.apply()
    assert desk.known() == {ANN}
    with desk.reading() as reader:
        assert len(reader.traces(IDENTITY, b"", 9)) == 2


def test_another_number_of_the_same_key_is_the_same_person(desk: Desk) -> None:
    desk.send("may", CAT, keys="C3")
    desk.let_go()
    desk.declare("may", origin=inline([{"phone": DAN, "id": "C3"}, {"phone": "?", "id": ""}]), key="id")
    desk.apply()
    later(desk, 90)
    desk.apply()
    assert desk.known() == {CAT}


def test_while_two_contact_keys_are_live_people_are_known_under_either(desk: Desk) -> None:
    desk.send("may", CAT, keys="C3")
    desk.let_go()
    known = b"".join(sorted(PRINTS.person(number) for number in (ANN, BOB, CAT)))
    desk.prints = Rotating(b"another contact key of the tests, of 32 bytes", PRINTS, PRINTS.operations, lambda: known)
    rows = [{"phone": ANN, "id": ""}, {"phone": DAN, "id": "C3"}]
    desk.declare("may", origin=inline(rows), key="id")
    desk.apply()
    later(desk, 90)
    desk.apply()
    assert desk.known() == {ANN, CAT}


def test_in_postgresql(tmp_path: Path) -> None:
    with STORES["postgres"](tmp_path) as store:
        desk = Desk(tmp_path, store.clock, state=store.state, environ=store.environ)
        desk.declare("may", BOB)
        desk.bind()
        desk.send("may", ANN, BOB, CAT)
        desk.let_go()
        desk.apply()
        later(desk, 90)
        assert [finding.message.split(" expire")[0] for finding in desk.plan()] == ["The fingerprints of 2 people"]
        desk.apply()
        assert desk.known() == {BOB}


def test_a_source_that_cannot_be_read_lets_nobody_expire(desk: Desk) -> None:
    desk.let_go()
    desk.declare("may")
    desk.apply()
    later(desk, 100)
    desk.declare("may", origin=desk.root / "nowhere.csv")
    (finding,) = desk.plan()
    assert finding.code == "retention-unread" and "nowhere.csv" in finding.message
    assert finding.remedy == "Let it be readable again, or take the contact set may out of the declaration."
    desk.apply()
    assert desk.known() == {ANN, BOB} and "nobody's fingerprints expire" in desk.told[-1]
    desk.declare("may")
    desk.apply()
    assert desk.known() == set()


@pytest.mark.parametrize(("region", "left"), [(None, {ANN, BOB}), ("VN", set())])
def test_numbers_need_their_region(desk: Desk, region: str | None, left: set[str]) -> None:
    desk.let_go()
    desk.connections = {}
    desk.declare("may", region=region)
    desk.apply()
    later(desk, 90)
    desk.apply()
    assert desk.known() == left
    assert bool(desk.told and "say `region`" in desk.told[-1].lower()) is bool(left)


def test_a_set_that_is_declared_anew_without_them_changes_nothing(desk: Desk) -> None:
    desk.apply()
    desk.let_go()
    desk.sets.clear()
    desk.apply()
    later(desk, 80)
    desk.declare("may")
    desk.apply()
    later(desk, 10)
    desk.apply()
    assert desk.known() == set()


def test_what_was_seen_before_a_set_was_kept_for_ever_counts_no_more(desk: Desk) -> None:
    desk.let_go()
    desk.declare("may")
    desk.apply()
    desk.declare("may", ANN, BOB, days=None)
    desk.apply()
    later(desk, 100)
    desk.declare("may")
    desk.apply()
    assert desk.known() == {ANN, BOB}
    later(desk, 90)
    desk.apply()
    assert desk.known() == set()


def test_a_partial_run_begins_no_clock(desk: Desk) -> None:
    desk.declare("may")
    desk.let_go()
    desk.apply(partial=True)
    later(desk, 90)
    desk.apply()
    assert desk.known() == {ANN, BOB}


def test_a_partial_run_sees_who_came_back_and_lets_nobody_expire(desk: Desk) -> None:
    desk.let_go()
    desk.declare("may", BOB)
    desk.apply()
    later(desk, 90)
    assert desk.plan(partial=True) == ()
    desk.apply(partial=True)
    assert desk.known() == {ANN, BOB}
    desk.declare("may", ANN, BOB)
    desk.apply(partial=True)
    desk.declare("may", BOB)
    desk.apply()
    assert desk.known() == {ANN, BOB}


def test_a_run_that_is_to_stop_lets_nobody_expire(desk: Desk) -> None:
    desk.let_go()
    desk.declare("may")
    desk.apply()
    later(desk, 90)
    desk.apply(stopping=True)
    assert desk.known() == {ANN, BOB}


def test_a_run_that_is_told_to_stop_ends_after_the_page_and_the_next_goes_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = retention._write

    def stopped(run: Run, *about: Any) -> None:
        run.stopping.set()
        write(run, *about)

    desk.let_go()
    desk.declare("may")
    desk.apply()
    later(desk, 90)
    with monkeypatch.context() as short:
        short.setattr(retention, "PAGE", 2)
        short.setattr(retention, "_write", stopped)
        desk.apply()
    assert len(desk.known()) == 1 and "of 1 person expired" in desk.told[-1]
    desk.apply()
    assert desk.known() == set()
    with desk.reading() as reader:
        assert expired(reader)[IDENTITY, "may"].people == 2


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_pages_part_nobody(desk: Desk, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "PAGE", size)
    for revision in (2, 3):
        desk.send("may", ANN, revision=revision)
    desk.send("june", ANN)
    desk.send("may", CAT)
    desk.let_go()
    desk.declare("may")
    desk.declare("june", ANN)
    desk.apply()
    later(desk, 90)
    assert [finding.message.split(" expire")[0] for finding in desk.plan()] == ["The fingerprints of 2 people"]
    desk.apply()
    assert desk.known() == {ANN}
    with desk.reading() as reader:
        assert len(reader.traces(IDENTITY, b"", 9)) == 4 and expired(reader)[IDENTITY, "may"].people == 2


# ---- at random -----------------------------------------------------------------------------------------------------


@dataclass
class Model:
    """The rule in its plainest form: everything that an apply sees is written down, one person and one set at a time.

    `exact`: whether the shipped code has to agree to the second. Where a source could not be read it may keep for longer.
    """

    sent: Mapping[str, tuple[str, ...]]
    bound: bool = True
    exact: bool = True
    unbound: int | None = None
    lasting: dict[str, tuple[int, int]] = field(default_factory=dict)  # set -> since when it has a retention, and which
    absent: dict[tuple[str, str], int] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)

    def apply(self, now: int, sources: Mapping[str, tuple[int | None, set[str] | None]], partial: bool) -> None:
        """`sources`: set -> its days of retention, None: none; and who is in it, None: it cannot be read."""
        self.exact &= all(people is not None for _, people in sources.values())
        if not partial:
            self.unbound = None if self.bound else self.unbound or now
        for name, (days, _) in sources.items():
            since, _ = self.lasting.get(name, (now, 0))
            self.lasting.pop(name, None)
            if days is not None:
                self.lasting[name] = (since, days * DAY)
        for person, names in self.sent.items():
            for name in names:
                self._see(now, person, name, sources)
        if not partial and self.unbound is not None:
            self.gone |= {person for person in self.sent if self._over(now, person, sources)}

    def _see(self, now: int, person: str, name: str, sources: Mapping[str, Any]) -> None:
        _, people = sources.get(name, (None, set()))
        if people is not None and person in people:
            self.absent.pop((person, name), None)
        elif people is not None:
            self.absent.setdefault((person, name), now)

    def _over(self, now: int, person: str, sources: Mapping[str, Any]) -> bool:
        for name in self.sent[person]:
            unread = name in sources and sources[name][1] is None
            if unread or name not in self.lasting or (person, name) not in self.absent:
                return False
            since, kept = self.lasting[name]
            assert self.unbound is not None
            if max(self.unbound, since, self.absent[person, name]) + kept > now:
                return False
        return True


SENT = {ANN: ("may",), BOB: ("june",), CAT: ("may", "june")}
PEOPLE = st.sets(st.sampled_from(sorted(SENT)))
NAMES = st.sampled_from(["may", "june"])
CHANGES = st.one_of(
    st.tuples(st.just("source"), NAMES, st.sampled_from([None, 1, 2, 2]), PEOPLE),
    st.tuples(st.just("source"), NAMES, st.just(2), PEOPLE | st.none()),
    st.tuples(st.just("undeclare"), NAMES),
    st.tuples(st.sampled_from(["bind", "let go"])),
)
STEPS = st.tuples(
    st.lists(CHANGES, max_size=2), st.sampled_from([0, 1, 1, 2]), st.sampled_from([False, False, False, True])
)


@given(st.lists(STEPS, min_size=3, max_size=8), st.booleans())
@settings(max_examples=40, deadline=None)
def test_nobody_expires_before_their_time_and_everybody_at_it(
    steps: list[tuple[list[tuple[Any, ...]], int, bool]], let_go: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        played = Played(Desk(Path(folder)), Model(SENT))
        if let_go:
            played.let_go()
        for changes, days, partial in steps:
            for change in changes:
                played.change(change)
            played.desk.clock.forward(days * DAY)
            played.apply(partial)


@dataclass
class Played:
    """One history, done to a ledger and to the model."""

    desk: Desk
    model: Model
    sources: dict[str, tuple[int | None, set[str] | None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.desk.bind()
        for person, names in self.model.sent.items():
            for revision, name in enumerate(names, 1):
                self.desk.send(name, person, revision=revision)
        for name in ("may", "june"):
            self.source(name, 2, set())

    def change(self, change: tuple[Any, ...]) -> None:
        act, *about = change
        if act == "source":
            self.source(*about)
        elif act == "undeclare":
            self.sources.pop(about[0], None)
            self.desk.sets.pop(about[0], None)
        elif act == "bind":
            self.bind()
        else:
            self.let_go()

    def source(self, name: str, days: int | None, people: set[str] | None) -> None:
        self.sources[name] = (days, people)
        origin = self.desk.root / "nowhere.csv" if people is None else phones(*sorted(people))
        self.desk.declare(name, days=days, origin=origin)

    def bind(self) -> None:
        if not self.model.bound:
            self.desk.bind()
        self.model.bound, self.model.unbound = True, None

    def let_go(self) -> None:
        if self.model.bound:
            self.desk.let_go()
        self.model.bound = False

    def apply(self, partial: bool = False) -> None:
        before, planned = self.desk.known(), Counter[str]()
        for finding in self.desk.plan(partial):
            if finding.code == "retention":
                planned[finding.key] = int(finding.message.split()[3])
        self.model.apply(int(self.desk.clock.now().timestamp()), self.sources, partial)
        self.desk.apply(partial)
        left = self.desk.known()
        assert left >= set(SENT) - self.model.gone
        if self.model.exact:
            assert left == set(SENT) - self.model.gone
        assert planned == Counter(str(_key(name)) for person in before - left for name in SENT[person])
