"""Three-way comparison: what is declared, what is held, what was applied."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from reconciler import diff
from reconciler.model import FieldChange, Json

values = st.recursive(
    st.none() | st.booleans() | st.integers(0, 5) | st.sampled_from(["a", "b", "30m"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("xyz"), inner, max_size=3),
    max_leaves=6,
)
specs = st.dictionaries(st.sampled_from(["name", "schedule", "recall", "ratio"]), values, max_size=4)


def test_what_is_as_declared_gives_no_change() -> None:
    held: dict[str, Json] = {"ratio": 100, "schedule": {"windows": {"mon": [["09:00", "17:00"]]}}, "vendor_only": 1}
    declared: dict[str, Json] = {"ratio": 100, "schedule": {"windows": {"mon": [["09:00", "17:00"]]}}}
    assert diff.changes(declared, held) == ()


def test_only_declared_keys_of_a_mapping_count() -> None:
    declared: dict[str, Json] = {"network": {"viettel": 5}}
    assert diff.changes(declared, {"network": {"viettel": 5, "mobi": 3}}) == ()
    assert diff.changes(declared, {"network": {"viettel": 4, "mobi": 3}}) == (
        FieldChange(("network", "viettel"), 4, 5),
    )


def test_a_mapping_that_shares_few_keys_is_still_compared_key_by_key() -> None:
    declared: dict[str, Json] = {"recall": {"a": 1, "b": 2, "c": 3, "d": 4}}
    found = diff.changes(declared, {"recall": {"a": 9, "b": 9, "c": 9, "d": 4}})
    assert [change.path for change in found] == [("recall", "a"), ("recall", "b"), ("recall", "c")]


def test_a_list_differs_as_a_whole() -> None:
    found = diff.changes({"agents": ["a", "b"]}, {"agents": ["a", "c"]})
    assert found == (FieldChange(("agents",), ["a", "c"], ["a", "b"]),)


def test_changes_come_in_the_order_of_declaration() -> None:
    declared: dict[str, Json] = {"z": 1, "a": {"y": 1, "b": 2}, "m": 3}
    assert [change.path for change in diff.changes(declared, {})] == [("z",), ("a",), ("m",)]
    held: dict[str, Json] = {"z": 0, "a": {"y": 0, "b": 0}, "m": 0}
    assert [c.path for c in diff.changes(declared, held)] == [("z",), ("a", "y"), ("a", "b"), ("m",)]


def test_a_field_the_declaration_dropped_is_remembered_by_what_was_applied() -> None:
    assert diff.forgotten({"ratio": 1}, {"ratio": 2, "recall": {"after": "30m"}}) == (("recall", "after"),)


def test_what_cannot_be_read_is_taken_from_what_was_applied() -> None:
    assert diff.believed({"ratio": 1}, {"ratio": 2, "extensions": ["101"]}) == {"ratio": 1, "extensions": ["101"]}


@given(specs)
def test_everything_equals_itself(spec: dict[str, Json]) -> None:
    assert diff.changes(spec, spec) == ()
    assert diff.forgotten(spec, spec) == ()


@given(specs, specs)
def test_changes_are_exactly_the_differences(declared: dict[str, Json], held: dict[str, Json]) -> None:
    """Writing every change over what is held leaves nothing to change, and no change is a no-op."""
    found = diff.changes(declared, held)
    merged = dict(held)
    for change in found:
        assert change.before != change.after or type(change.before) is not type(change.after)
        _write(merged, change)
    assert diff.changes(declared, merged) == ()


def _write(spec: dict[str, Json], change: FieldChange) -> None:
    node = spec
    for name in change.path[:-1]:
        below = node.get(name)
        node[name] = below = dict(below) if isinstance(below, dict) else {}
        node = below
    node[change.path[-1]] = change.after
