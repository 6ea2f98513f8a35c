"""The counting rules: each by an example, and all of them against a model that goes through the rows one by one."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.contacts import People
from reconciler.model import ContactDelta, Person, Sent, SuppressionList
from tests.contacts_support import (
    ANN,
    BOB,
    CAT,
    DAN,
    PRINTS,
    Project,
    added,
    contact_set,
    inline,
    numbers,
    phones,
    sent,
    suppression,
    updated,
)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def leaving(people: People, *e164: str, contacts: str = "may") -> bool:
    return set(people.leaving(contacts)) == {PRINTS.person(number) for number in e164}


def codes(people: People) -> list[str]:
    return [finding.code for finding in people.findings]


# ---- by example ----------------------------------------------------------------------------------------------------


def test_each_row_counts_once_in_the_order_of_precedence(project: Project) -> None:
    rows = phones(ANN, ANN, "abc", "", "12", "+99912345678", BOB, BOB, CAT, DAN)
    declared = contact_set(rows, suppress=("refusals",))
    people = project.plan(declared, lists=[suppression(phones(BOB))], sent=[sent(CAT)])
    delta = people.deltas[0]
    assert str(delta.key) == "tel4vn-hanoi/campaign/spring/contacts/may"
    assert delta.rows == 10
    assert delta.rejected == {"empty": 1, "not_a_number": 1, "too_short": 1, "no_country": 1}
    assert (delta.duplicates, delta.suppressed) == (2, {"refusals": 1})
    assert (delta.added, delta.updated, delta.unchanged) == (2, 0, 1)
    assert (delta.withdrawn, delta.held, delta.sent_before) == (0, 0, 1)


def test_one_number_is_one_contact_of_a_campaign_however_it_is_written(project: Project) -> None:
    may, june = contact_set(phones("0912345670", "+84 912 345 670")), contact_set(phones("84912345670", BOB), "june")
    people = project.plan(may, june)
    assert [delta.duplicates for delta in people.deltas] == [1, 1]
    assert (numbers(added(people)), numbers(added(people, "june"))) == ([ANN], [BOB])


def test_a_number_that_the_vendor_cannot_take_is_rejected_unless_it_took_it(project: Project) -> None:
    declared = contact_set(phones(ANN, BOB, BOB, CAT))
    people = project.plan(declared, sent=[sent(ANN)], accepts=lambda phone: phone.reveal() == CAT)
    delta = people.deltas[0]
    assert (delta.rejected, delta.unchanged, delta.duplicates) == ({"not_dialable_here": 2}, 1, 0)
    assert numbers(added(people)) == [CAT]


def test_a_row_without_a_key_is_rejected_only_where_the_vendor_needs_one(project: Project) -> None:
    declared = contact_set(
        inline([{"phone": ANN, "id": ""}, {"phone": BOB, "id": " "}, {"phone": CAT, "id": "K"}]), key="id"
    )
    assert project.plan(declared, key_required=True).deltas[0].rejected == {"no_key": 2}
    assert project.plan(declared).deltas[0].added == 3


def test_a_key_twice_in_a_set_is_a_duplicate_but_not_across_sets(project: Project) -> None:
    rows = inline([{"phone": ANN, "id": "K"}, {"phone": BOB, "id": " K "}, {"phone": CAT, "id": "k"}])
    people = project.plan(
        contact_set(rows, key="id"), contact_set(inline([{"phone": DAN, "id": "K"}]), "june", key="id")
    )
    assert [delta.duplicates for delta in people.deltas] == [1, 0]
    assert (numbers(added(people)), numbers(added(people, "june"))) == ([ANN, CAT], [DAN])


def test_what_was_dropped_makes_nobody_a_duplicate(project: Project) -> None:
    rows = [(ANN, "A"), (ANN, "B"), (BOB, "B"), (CAT, "A"), (CAT, "C"), ("abc", "D"), (DAN, "D")]
    declared = contact_set(inline([{"phone": phone, "id": key} for phone, key in rows]), key="id")
    people = project.plan(declared)
    assert [(contact.phone.reveal(), contact.key) for contact in added(people)] == [
        (ANN, "A"),
        (BOB, "B"),
        (CAT, "C"),
        (DAN, "D"),
    ]


NAMED = {"name": "name"}


def test_changed_fields_are_an_update_under_the_next_revision(project: Project) -> None:
    declared = contact_set(inline([{"phone": ANN, "name": "Anna"}, {"phone": BOB, "name": "Bob"}]), fields=NAMED)
    history = [sent(ANN, revision=4, fields={"name": "Ann"}), sent(BOB, fields={"name": "Bob"})]
    people = project.plan(declared, sent=history)
    [contact] = updated(people)
    assert (contact.phone.reveal(), contact.fields, contact.revision) == (ANN, {"name": "Anna"}, 5)
    assert contact.fields_mac == PRINTS.fields({"name": "Anna"})
    assert people.deltas[0].unchanged == 1


def test_fields_are_compared_only_where_some_are_declared(project: Project) -> None:
    history = [sent(ANN, fields={"name": "Ann"}), sent(BOB)]
    assert project.plan(contact_set(phones(ANN, BOB)), sent=history).deltas[0].unchanged == 2
    named = contact_set(inline([{"phone": BOB, "name": ""}]), fields=NAMED)
    assert project.plan(named, sent=[sent(BOB)]).deltas[0].updated == 1


@pytest.mark.parametrize(
    ("state", "counts"),
    [
        ("confirmed", (0, 1, 0, 0)),
        ("already", (0, 1, 0, 0)),
        ("sent", (0, 0, 1, 1)),
        ("in_doubt", (0, 0, 1, 1)),
        ("held", (0, 0, 1, 1)),
        ("duplicated", (0, 0, 1, 1)),
        ("rejected", (0, 0, 1, 1)),
        ("abandoned", (0, 0, 1, 1)),
        ("planned", (1, 0, 0, 0)),
        ("absent", (1, 0, 0, 0)),
        ("withdrawn", (1, 0, 0, 0)),
    ],
)
def test_what_each_state_of_the_ledger_means(project: Project, state: str, counts: tuple[int, ...]) -> None:
    """Added, updated, unchanged, held; the fields of all of them have changed."""
    declared = contact_set(inline([{"phone": ANN, "name": "Anna"}]), fields=NAMED)
    people = project.plan(declared, sent=[sent(ANN, state, revision=2, fields={"name": "Ann"})])
    delta = people.deltas[0]
    assert (delta.added, delta.updated, delta.unchanged, delta.held) == counts
    assert delta.sent_before == (state not in ("planned", "absent", "withdrawn"))
    revision = {"withdrawn": 3, "planned": 2, "absent": 2, "confirmed": 3, "already": 3}.get(state)
    assert [contact.revision for contact in added(people) + updated(people)] == ([revision] if revision else [])


def test_who_leaves_the_source_is_withdrawn_in_mirror_mode_only(project: Project) -> None:
    history = [sent(ANN), sent(BOB), sent(CAT, "already"), sent(DAN, "rejected")]
    mirrored = project.plan(contact_set(phones(ANN), mode="mirror"), sent=history)
    assert leaving(mirrored, BOB, CAT)
    assert (mirrored.deltas[0].withdrawn, mirrored.departures) == (2, {"may": {"left_source": 2}})
    appended = project.plan(contact_set(phones(ANN)), sent=history)
    assert leaving(appended)
    assert appended.deltas[0].withdrawn == 0


def test_suppression_withdraws_in_both_modes_whether_in_the_source_or_not(project: Project) -> None:
    history = [sent(ANN), sent(BOB), sent(CAT, "duplicated"), sent(DAN, "in_doubt")]
    lists = [suppression(phones(ANN, BOB, CAT, DAN))]
    for mode in ("append", "mirror"):
        people = project.plan(contact_set(phones(ANN), mode=mode, suppress=("refusals",)), lists=lists, sent=history)
        assert leaving(people, ANN, BOB, CAT)
        assert people.departures == {"may": {"suppressed": 3}}
        assert people.deltas[0].suppressed == {"refusals": 1}
        assert codes(people) == ["suppressed-in-doubt"]


def test_who_is_in_another_set_by_now_stays(project: Project) -> None:
    may = contact_set(phones(BOB), mode="mirror")
    june = contact_set(inline([{"phone": ANN, "name": "Anna"}]), "june", fields=NAMED)
    people = project.plan(may, june, sent=[sent(ANN, fields={"name": "Ann"})])
    assert leaving(people)
    assert [(delta.unchanged, delta.updated) for delta in people.deltas] == [(0, 0), (1, 0)]


def test_who_is_suppressed_through_another_set_leaves_the_one_he_was_sent_for(project: Project) -> None:
    may, june = contact_set(phones(), mode="append"), contact_set(phones(ANN), "june", suppress=("refusals",))
    people = project.plan(may, june, lists=[suppression(phones(ANN))], sent=[sent(ANN)])
    assert leaving(people, ANN)


def test_a_set_that_is_declared_no_more_keeps_its_people_but_those_suppressed(project: Project) -> None:
    history = [sent(ANN, contacts="old"), sent(BOB, contacts="old"), sent(CAT, contacts="older")]
    declared = contact_set(phones(), mode="mirror", suppress=("refusals",))
    people = project.plan(declared, lists=[suppression(phones(ANN))], sent=history)
    assert leaving(people, ANN, contacts="old")
    assert [(delta.key.contacts, delta.withdrawn) for delta in people.deltas] == [("may", 0), ("old", 1)]
    assert [(one.code, one.measured) for one in people.findings] == [("set-undeclared", "1"), ("set-undeclared", "1")]
    assert people.leaving("older") == []


def moved(
    project: Project, mode: str, state: str = "confirmed", suppressed: Sequence[str] = (), withdraws: bool = True
) -> People:
    """A known key with a new number."""
    rows = inline([{"phone": BOB, "id": "K"}])
    declared = contact_set(rows, key="id", mode=mode, suppress=("refusals",))
    lists = [suppression(phones(*suppressed))]
    return project.plan(declared, lists=lists, sent=[sent(ANN, state, key="K")], withdraws=withdraws)


def test_a_new_number_replaces_the_old_one_where_that_can_be_withdrawn(project: Project) -> None:
    people = moved(project, "mirror")
    assert numbers(added(people)) == [BOB]
    assert leaving(people, ANN)
    assert "number-changed" not in codes(people)


def test_a_new_number_waits_where_the_old_one_stays(project: Project) -> None:
    for people in (moved(project, "append"), moved(project, "mirror", withdraws=False)):
        delta = people.deltas[0]
        assert (delta.added, delta.unchanged, delta.held) == (0, 1, 0)
        [finding] = [finding for finding in people.findings if finding.code == "number-changed"]
        assert finding.message == "1 person of may came with a new number; the one that was sent before stays."
    suppressed = moved(project, "mirror", suppressed=[ANN])
    assert (suppressed.deltas[0].added, leaving(suppressed, ANN)) == (0, True)


def test_a_new_number_waits_for_a_doubt_and_not_for_a_refusal(project: Project) -> None:
    for mode in ("append", "mirror"):
        for state in ("sent", "in_doubt", "held"):
            delta = moved(project, mode, state).deltas[0]
            assert (delta.added, delta.unchanged, delta.held) == (0, 1, 1)
        for state in ("rejected", "abandoned", "withdrawn", "planned"):
            assert numbers(added(moved(project, mode, state))) == [BOB]


def test_changing_the_key_column_maps_people_by_their_number(project: Project) -> None:
    rows = inline(
        [{"phone": ANN, "old": "1", "new": "A"}, {"phone": BOB, "old": "2", "new": "B"}, {"phone": CAT, "new": ""}]
    )
    history = [sent(ANN, key="1"), sent(BOB, key="B"), sent(CAT, key="3")]
    people = project.plan(contact_set(rows, key="new", mode="mirror"), sent=history)
    assert (people.deltas[0].unchanged, people.deltas[0].withdrawn) == (3, 0)
    assert people.rekeyed("may") == [(PRINTS.person(ANN), PRINTS.key("A"))]
    assert project.plan(contact_set(rows), sent=history).rekeyed("may") == []
    assert project.plan(contact_set(rows, key="new"), sent=[sent(ANN)]).rekeyed("may") == [
        (PRINTS.person(ANN), PRINTS.key("A"))
    ]


def test_a_key_that_passes_to_another_number_of_the_source_moves_nobody(project: Project) -> None:
    rows = inline([{"phone": ANN, "id": "2"}, {"phone": BOB, "id": "1"}])
    people = project.plan(contact_set(rows, key="id"), sent=[sent(ANN, key="1")])
    assert numbers(added(people)) == [BOB]
    assert codes(people) == []


# ---- against a model -----------------------------------------------------------------------------------------------

NUMBERS = (ANN, BOB, CAT, DAN, "+84912345674", "+84912345675", "+48512345678")
TEXTS = {"abc": "not_a_number", "": "empty", "12": "too_short"}
PRESENT = {"confirmed", "already"}
HELD = {"sent", "in_doubt", "held", "duplicated", "rejected", "abandoned"}
STATES = sorted(PRESENT | HELD | {"planned", "absent", "withdrawn"})


@dataclass
class Row:
    phone: str
    key: str
    name: str


@dataclass
class Declared:
    name: str
    mode: Literal["append", "mirror"]
    rows: list[Row]
    keyed: bool
    named: bool
    lists: tuple[str, ...]


@dataclass
class Before:
    phone: str
    contacts: str
    state: str
    revision: int
    key: str
    name: str


@dataclass
class Case:
    sets: list[Declared]
    before: list[Before]
    listed: dict[str, list[str]]
    remembered: dict[str, list[str]]
    withdraws: bool


@dataclass
class Model:
    """What the rules say, one row after the other, with numbers in plain sight."""

    case: Case
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    added: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    updated: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    leaving: dict[str, set[str]] = field(default_factory=dict)

    def run(self) -> None:
        self.known = {entry.phone: entry for entry in self.case.before}
        self.in_source = {row.phone for one in self.case.sets for row in one.rows}
        self.stopped: set[str] = set()
        taken: set[str] = set()
        for one in self.case.sets:
            self.counts[one.name], self.added[one.name], self.updated[one.name] = Counter(), [], []
            keys: set[str] = set()
            for row in one.rows:
                self.counts[one.name][self.verdict(one, row, taken, keys)] += 1
        for name in {entry.contacts for entry in self.case.before} | {one.name for one in self.case.sets}:
            self.leaving[name] = {entry.phone for entry in self.case.before if self.leaves(entry, name)}

    def list_of(self, one: Declared, phone: str) -> str:
        on = (name for name in one.lists if phone in self.case.listed[name] + self.case.remembered.get(name, []))
        return next(on, "")

    def verdict(self, one: Declared, row: Row, taken: set[str], keys: set[str]) -> str:
        key = row.key.strip() if one.keyed else ""
        if row.phone in TEXTS:
            return f"rejected {TEXTS[row.phone]}"
        if row.phone in taken or (key and key in keys):
            return "duplicate"
        taken.add(row.phone)
        keys.update([key] if key else [])
        if self.list_of(one, row.phone):
            self.stopped.add(row.phone)
            return f"suppressed {self.list_of(one, row.phone)}"
        return self.sendable(one, row, key)

    def sendable(self, one: Declared, row: Row, key: str) -> str:
        entry = self.known.get(row.phone)
        if entry is None or entry.state in ("planned", "absent", "withdrawn"):
            blocker = self.blocker(one, key)
            if blocker:
                return blocker
            revision = 1 if entry is None else entry.revision + (entry.state == "withdrawn")
            self.added[one.name].append((row.phone, revision))
            return "added"
        if entry.state in HELD:
            return "held"
        if entry.contacts == one.name and one.named and entry.name != row.name:
            self.updated[one.name].append((row.phone, entry.revision + 1))
            return "updated"
        return "unchanged"

    def blocker(self, one: Declared, key: str) -> str:
        """The old number of a known key, where it stays in the way."""
        olds = [
            entry
            for entry in self.case.before
            if key and entry.key == key and entry.contacts == one.name and entry.phone not in self.in_source
        ]
        old = next(
            (entry for entry in olds if entry.state in PRESENT | {"duplicated", "sent", "in_doubt", "held"}), None
        )
        if old is None:
            return ""
        if old.state in ("sent", "in_doubt", "held"):
            return "held"
        free = one.mode == "mirror" and self.case.withdraws and not self.list_of(one, old.phone)
        return "" if free else "unchanged"

    def leaves(self, entry: Before, name: str) -> bool:
        if entry.contacts != name or entry.state not in PRESENT | {"duplicated"}:
            return False
        one = next((one for one in self.case.sets if one.name == name), None)
        lists = [one] if one else self.case.sets
        if entry.phone in self.stopped or any(self.list_of(each, entry.phone) for each in lists):
            return True
        return one is not None and one.mode == "mirror" and entry.phone not in self.in_source


ROWS = st.builds(
    Row,
    phone=st.sampled_from([*NUMBERS, *NUMBERS, *TEXTS]),
    key=st.sampled_from(["", "1", "2", "3", " 2 "]),
    name=st.sampled_from(["x", "y"]),
)
LISTS = st.lists(st.sampled_from(NUMBERS), max_size=3)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    sets = [
        Declared(
            name,
            draw(st.sampled_from(["append", "mirror"])),
            draw(st.lists(ROWS, max_size=9)),
            draw(st.booleans()),
            draw(st.booleans()),
            draw(st.sampled_from([(), ("a",), ("b", "a")])),
        )
        for name in draw(st.sampled_from([("may",), ("may", "june")]))
    ]
    sent_before = draw(st.lists(st.sampled_from(NUMBERS), unique=True))
    keys = iter(draw(st.permutations(["", "1", "2", "3", "4", "5", "6"])))  # one key, one entry
    before = [
        Before(
            phone,
            draw(st.sampled_from(["may", "may", "june", "gone"])),
            draw(st.sampled_from(STATES)),
            draw(st.integers(1, 3)),
            next(keys),
            draw(st.sampled_from(["x", "y"])),
        )
        for phone in sent_before
    ]
    remembered = {"a": draw(LISTS)} if draw(st.booleans()) else {}
    return Case(sets, before, {"a": draw(LISTS), "b": draw(LISTS)}, remembered, draw(st.booleans()))


def planned(project: Project, case: Case) -> People:
    sets = [
        contact_set(
            inline([{"phone": row.phone, "id": row.key, "name": row.name} for row in one.rows]),
            one.name,
            mode=one.mode,
            key="id" if one.keyed else None,
            fields=NAMED if one.named else {},
            suppress=one.lists,
        )
        for one in case.sets
    ]
    lists: Sequence[SuppressionList] = [suppression(phones(*people), name) for name, people in case.listed.items()]
    history: list[Sent] = [
        sent(entry.phone, entry.state, entry.contacts, entry.revision, entry.key, {"name": entry.name})
        for entry in case.before
    ]
    remembered = {name: b"".join(sorted(map(PRINTS.person, people))) for name, people in case.remembered.items()}
    return project.plan(*sets, lists=lists, sent=history, withdraws=case.withdraws, remembered=remembered)


def counted(delta: ContactDelta) -> Counter[str]:
    flat = {f"rejected {reason}": count for reason, count in delta.rejected.items()}
    flat |= {f"suppressed {name}": count for name, count in delta.suppressed.items()}
    flat |= {"duplicate": delta.duplicates, "added": delta.added, "updated": delta.updated, "held": delta.held}
    return Counter(flat) + Counter({"unchanged": delta.unchanged - delta.held})


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(case=cases())
def test_the_rules_are_those_of_the_model(case: Case) -> None:
    model = Model(case)
    model.run()
    with tempfile.TemporaryDirectory() as folder:
        people = planned(Project(Path(folder)), case)
        for one, delta in zip(case.sets, people.deltas, strict=False):
            assert delta.rows == len(one.rows) == sum(counted(delta).values())
            assert counted(delta) == model.counts[one.name]
            for contacts, expected in (
                (added(people, one.name), model.added[one.name]),
                (updated(people, one.name), model.updated[one.name]),
            ):
                assert [(contact.phone.reveal(), contact.revision) for contact in contacts] == expected
    for name, numbers_ in model.leaving.items():
        expected_people: set[Person] = {PRINTS.person(number) for number in numbers_}
        assert set(people.leaving(name)) == expected_people
    assert sum(delta.withdrawn for delta in people.deltas) == sum(map(len, model.leaving.values()))
