"""Plan <-> JSON, and what the digest covers."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler import planfile
from reconciler.errors import PlanStale, ReconcilerError
from reconciler.model import (
    Action,
    Cause,
    Change,
    ContactChange,
    ContactDelta,
    Doubt,
    FieldChange,
    Finding,
    Key,
    Plan,
    Risk,
    Severity,
    SharedPart,
    Unmanaged,
)
from tests.build import KEY, plan

words = st.text("abcxyz-", min_size=1, max_size=6)
texts = st.text(max_size=12)
keys = st.builds(Key, words, st.just("campaign"), words) | st.builds(Key, words, st.just("contacts"), words, words)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=5,
)
counts = st.integers(0, 10**6)
fields = st.builds(FieldChange, st.tuples(words, words), values, values) | st.builds(
    FieldChange, st.tuples(words), values, values, st.sampled_from(Cause), texts
)
changes = st.builds(
    Change,
    id=counts,
    action=st.sampled_from(Action),
    key=keys,
    source=texts,
    reason=texts,
    risk=st.sampled_from(Risk),
    depends_on=st.lists(counts, max_size=2).map(tuple),
    fields=st.lists(fields, max_size=2).map(tuple),
    contacts=st.none() | st.builds(ContactChange, counts, texts),
    schedule=st.none() | st.just({"timezone": "Asia/Ho_Chi_Minh"}),
)
reasons = st.dictionaries(words, counts, max_size=2)
deltas = st.builds(
    ContactDelta, keys, counts, reasons, counts, reasons, digests=st.dictionaries(words, texts, max_size=2)
)
findings = st.builds(Finding, texts, st.sampled_from(Severity), texts, texts, texts, texts, texts, texts)
doubts = st.builds(
    Doubt, texts, texts, texts, texts, texts, counts, st.sampled_from(["in_doubt", "held"]), texts, texts
)
plans = st.builds(
    plan,
    changes=st.lists(changes, max_size=3).map(tuple),
    deltas=st.lists(deltas, max_size=2).map(tuple),
    unchanged=st.lists(keys, max_size=2).map(tuple),
    unmanaged=st.lists(st.builds(Unmanaged, texts, texts, texts, texts, texts), max_size=2).map(tuple),
    findings=st.lists(findings, max_size=2).map(tuple),
    in_doubt=st.lists(doubts, max_size=2).map(tuple),
    select=st.lists(texts, max_size=2).map(tuple),
    commit=st.sampled_from(["", "a1b2c3d"]),
    shared=st.lists(
        st.builds(SharedPart, st.sampled_from(["Schedule", "ContactSet"]), words, texts, st.lists(keys).map(tuple)),
        max_size=2,
    ).map(tuple),
)


@given(plans)
def test_a_plan_survives_being_written_and_read(made: Plan) -> None:
    sealed = planfile.seal(made)
    again = planfile.from_json(json.loads(planfile.canonical(planfile.to_json(sealed))))
    assert again == sealed
    assert planfile.digest_of(again) == sealed.digest


def one_change(**more: object) -> Change:
    values: dict[str, object] = {"fields": (FieldChange(("ratio",), 100, 150),), **more}
    return Change(1, Action.UPDATE, KEY, "x.yaml:1", "changed", Risk.DIALLING, **values)  # type: ignore[arg-type]


def test_times_and_versions_do_not_move_the_digest() -> None:
    base = planfile.digest_of(plan(changes=(one_change(),)))
    assert base == planfile.digest_of(plan(changes=(one_change(),), created_at="later", expires_at="later still"))
    assert base == planfile.digest_of(
        plan(changes=(one_change(),), bound=replace(plan().bound, serial=99, lineage="x"))
    )


def test_why_a_field_changes_does_not_move_the_digest() -> None:
    plain = plan(changes=(one_change(),))
    told = FieldChange(("ratio",), 100, 150, Cause.DRIFT, "x.yaml:2")
    parts = (SharedPart("Schedule", "hours", "x.yaml:1", (KEY,)),)
    explained = plan(changes=(one_change(fields=(told,)),), commit="a1b2c3d", shared=parts)
    assert planfile.digest_of(explained) == planfile.digest_of(plain)


def test_a_plan_file_of_before_has_no_causes() -> None:
    value = planfile.to_json(planfile.seal(plan(changes=(one_change(),))))
    del value["commit"], value["shared"]
    assert planfile.from_json(value) == planfile.seal(plan(changes=(one_change(),)))


@pytest.mark.parametrize(
    "other",
    [
        plan(changes=(one_change(fields=(FieldChange(("ratio",), 101, 150),)),)),
        plan(changes=(one_change(contacts=ContactChange(1, "hmac-sha256:x")),)),
        plan(changes=(one_change(),), bound=replace(plan().bound, config="sha256:d")),
        plan(changes=(one_change(),), bound=replace(plan().bound, sources="hmac-sha256:t")),
        plan(changes=(one_change(),), bound=replace(plan().bound, hosts=("evil.example",))),
        plan(changes=(one_change(),), unchanged=(KEY,)),
        plan(changes=(one_change(),), select=("campaign=spring",)),
    ],
)
def test_intent_moves_the_digest(other: Plan) -> None:
    assert planfile.digest_of(other) != planfile.digest_of(plan(changes=(one_change(),)))


def test_a_saved_plan_is_private_and_canonical(tmp_path: Path) -> None:
    sealed = planfile.seal(plan(changes=(one_change(),)))
    path = tmp_path / "plan.json"
    planfile.save(sealed, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert planfile.load(path) == sealed
    first = path.read_bytes()
    planfile.save(planfile.load(path), path)
    assert path.read_bytes() == first


def test_an_edited_plan_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    planfile.save(planfile.seal(plan(changes=(one_change(),))), path)
    path.write_text(path.read_text().replace("150", "400"))
    with pytest.raises(PlanStale, match="changed after it was made"):
        planfile.load(path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"formatVersion": 2}', "not json"])
def test_something_else_is_no_plan(tmp_path: Path, text: str) -> None:
    path = tmp_path / "plan.json"
    path.write_text(text)
    with pytest.raises(ReconcilerError, match="no plan file of this version"):
        planfile.load(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ReconcilerError, match=r"nowhere\.json: cannot be read"):
        planfile.load(tmp_path / "nowhere.json")


def test_the_summary_counts_people_where_they_move() -> None:
    adding = one_change(contacts=ContactChange(7, "x"))
    made = plan(changes=(replace(adding, action=Action.CREATE), replace(adding, action=Action.WITHDRAW_CONTACTS)))
    people = planfile.summary(made)["contacts"]
    assert (people["added"], people["withdrawn"], planfile.summary(made)["create"]) == (7, 7, 1)
