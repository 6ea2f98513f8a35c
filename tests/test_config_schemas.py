"""The schemas themselves: complete, exemplary, and the same for the fast validator and for the one that finds words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler import config, planfile
from reconciler.config import schemas, typed
from reconciler.model import (
    Action,
    Cause,
    Change,
    Doubt,
    FieldChange,
    Finding,
    Plan,
    Risk,
    Severity,
    SharedPart,
    Unmanaged,
)
from tests.build import KEY, delta, plan

KINDS = (*config.kinds(), "plan", "approval", "drift")


def properties(part: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every field of a schema, with its dotted path."""
    if not isinstance(part, dict):
        return
    for name, child in part.get("properties", {}).items():
        yield f"{path}.{name}", child
        yield from properties(child, f"{path}.{name}")
    for keyword in ("items", "additionalProperties"):
        yield from properties(part.get(keyword), f"{path}[]")


ALL = [(kind, path, part) for kind in KINDS for path, part in properties(config.schema(kind))]


@pytest.mark.parametrize(("kind", "path", "part"), ALL, ids=[f"{kind}{path}" for kind, path, _ in ALL])
def test_every_field_has_a_description_and_examples_that_are_valid(kind: str, path: str, part: dict[str, Any]) -> None:
    assert part["description"].endswith((".", "!"))
    assert part["examples"]
    if kind == "plan" and part.get("required"):
        return  # whole plan files are checked below; their examples show the idea
    for example in part["examples"]:
        jsonschema.Draft202012Validator(part).validate(example)


@pytest.mark.parametrize("kind", KINDS)
def test_every_schema_is_one_and_stands_in_one_piece(kind: str) -> None:
    schema = config.schema(kind)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert "$ref" not in json.dumps(schema)
    assert "$defs" not in schema


def test_there_is_a_file_for_each_kind_and_vendor_and_for_the_plan() -> None:
    names = {str(path.relative_to(schemas.folder())) for path in schemas.folder().rglob("*.schema.json")}
    kinds = {f"{kind.lower()}.schema.json" for kind in config.kinds()}
    vendors = {f"vendors/{vendor}.schema.json" for vendor in schemas.VENDORS}
    assert names == kinds | vendors | {f"{name}.schema.json" for name in ("common", "plan", "approval", "drift")}


def test_a_kind_is_found_however_it_is_spelled_and_no_other() -> None:
    assert config.schema("campaign") is not None
    assert config.schema("CAMPAIGN") == config.schema("Campaign")
    with pytest.raises(KeyError):
        config.schema("common")


def test_only_annotations_may_stand_beside_a_reference(tmp_path: Path) -> None:
    file = tmp_path / "x.schema.json"
    file.write_text(json.dumps({"properties": {"a": {"$ref": "#/$defs/b", "type": "string"}}, "$defs": {"b": {}}}))
    with pytest.raises(ValueError, match="only annotations may stand beside"):
        schemas._document(file)


def test_an_installed_package_brings_its_own_schemas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "reconciler"
    (package / "schemas").mkdir(parents=True)
    monkeypatch.setattr(schemas, "__file__", str(package / "config" / "schemas.py"))
    assert schemas.folder.__wrapped__() == package / "schemas"


def test_scalars_are_typed_where_they_are_fields_and_nowhere_else() -> None:
    """The walk types a plain scalar by the key before it: lists and free mappings must be of text."""
    for kind in config.kinds():
        for path, part in properties(config.schema(kind)):
            for keyword in ("items", "additionalProperties"):
                child = part.get(keyword)
                assert not (isinstance(child, dict) and set(typed._types(child)) & {"integer", "boolean"}), path


# ---- two validators, one judgement ----------------------------------------------------------------------------------

scalars = st.sampled_from(
    ["x", "hanoi", "30m", "30", "", "2026-06-01", "10%", "09:00", 5, -1, 0, True, None, "sk\n", "running"]
)
trees = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["apiVersion", "kind", "metadata", "name", "spec", "connection", "tel4vn", "type", "env", "source", "windows"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)  # fmt: skip


@given(st.sampled_from(config.kinds()), trees)
@settings(max_examples=300)
def test_both_validators_agree_on_anything(kind: str, tree: Any) -> None:
    slow = jsonschema.Draft202012Validator(config.schema(kind)).is_valid(tree)
    assert slow == schemas.validator(kind).is_valid(tree) or "\n" in json.dumps(tree)


@given(st.data())
@settings(max_examples=300)
def test_both_validators_agree_on_what_is_nearly_right(data: st.DataObject) -> None:
    """A valid document with one value exchanged anywhere."""
    kind = data.draw(st.sampled_from(config.kinds()))
    schema = config.schema(kind)
    tree = {name: part["examples"][0] for name, part in schema["properties"].items()}
    tree = json.loads(json.dumps(tree))
    node: Any = tree
    while isinstance(node, dict) and node:
        key = data.draw(st.sampled_from(sorted(node)))
        if not isinstance(node[key], dict) or data.draw(st.booleans()):
            node[key] = data.draw(scalars)
            break
        node = node[key]
    slow = jsonschema.Draft202012Validator(schema).is_valid(tree)
    assert slow == schemas.validator(kind).is_valid(tree) or "\\n" in json.dumps(tree)


# ---- the plan file ------------------------------------------------------------------------------------------------


def full_plan() -> Plan:
    fields = (FieldChange(("ratio",), 1, [2]), FieldChange(("ratio",), 1, 2, Cause.DECLARED, "x.yaml:3"))
    change = Change(1, Action.UPDATE, KEY, "x.yaml:1", "changed", Risk.DIALLING, (), fields)
    digest = "sha256:" + "0" * 64
    made = plan(
        changes=(change,),
        deltas=(delta(rows=3, rejected={"too short": 1}, added=2),),
        unchanged=(KEY,),
        unmanaged=(Unmanaged("acme", "v2", "Other"),),
        findings=(Finding("W12", Severity.WARNING, "retried"),),
        in_doubt=(
            Doubt("01", str(KEY), "create", "2026-06-01T08:00:00Z", "r", 3, "held", "[rc:1]", "reconciler resolve"),
        ),
        select=("campaign=spring",),
        commit="a1b2c3d",
        shared=(SharedPart("Schedule", "hours", "x.yaml:1", (KEY,)),),
    )
    return planfile.seal(_with_config(made, digest))


def _with_config(made: Plan, digest: str) -> Plan:

    return replace(made, bound=replace(made.bound, config=digest))


def test_a_plan_file_follows_its_schema() -> None:
    jsonschema.Draft202012Validator(config.schema("plan")).validate(planfile.to_json(full_plan()))


@pytest.mark.parametrize("field", ["digest", "bound", "changes", "contacts", "selection", "summary", "inDoubt"])
def test_a_plan_file_without_any_of_its_fields_does_not(field: str) -> None:
    value = planfile.to_json(full_plan())
    del value[field]
    assert not jsonschema.Draft202012Validator(config.schema("plan")).is_valid(value)
