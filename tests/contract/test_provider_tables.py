"""What every provider says it can hold, and says of what it cannot: tables, refusals, sentences. No network."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler import config
from reconciler.model import (
    Columns,
    ContactSet,
    ContactSource,
    Json,
    Lifecycle,
    Project,
    Repository,
    Resource,
    RunState,
    Source,
    StateStore,
)
from reconciler.providers import VENDORS, provider
from reconciler.providers.base import Refusal
from tests.contract.declarations import PORTABLE, anything, as_loaded, block_fields
from tests.contract.family import SET, Family, Refused
from tests.contract.providers import FAMILIES, laid_over, same_every_time, specs
from tests.support import ZONES, connection

VERBS = {"create", "update", "delete", "activation", "contacts", "contacts.withdraw"}
PORTABLE_PARTS = {
    f"{name}.{part}"
    for name, kind in (("schedule", "Schedule"), ("recall", "RecallPolicy"))
    for part in config.schema(kind)["properties"]["spec"]["properties"]
}
HERE = Source("spring.yaml", 1)
REFUSED = [(family, refused) for family in FAMILIES for refused in family.refused]
each_vendor = pytest.mark.parametrize("vendor", VENDORS)
each_family = pytest.mark.parametrize("family", FAMILIES, ids=str)


def refusals(resource: Resource) -> list[Refusal]:
    return provider(connection(resource.vendor)).refusals(resource)


def complaints(family: Family, spec: dict[str, Json], mode: Any = "append", **more: Any) -> list[str]:
    """What validation says of a declaration, by the family's table alone."""
    resource = replace(family.resource(spec), **more)
    columns = Columns("mobile", key="id", fields={name: name for name in family.names})
    people = ContactSet(SET, ContactSource(inline=()), columns, mode, HERE)
    project = Project("acme", "/acme", StateStore(), None, {}, (), HERE)
    repository = Repository(project, {}, {SET: people}, {}, (resource,), "")
    return [problem.message for problem in config.check_capabilities(repository, {family.vendor: family.table})]


# ---- tables ----------------------------------------------------------------------------------------------------------


@each_vendor
def test_the_suites_know_every_field_of_the_table(vendor: str) -> None:
    known = [family for family in FAMILIES if family.vendor == vendor]
    assert set().union(*(family.wire for family in known)) == provider(connection(vendor)).capabilities.fields.keys()


@each_vendor
def test_what_can_be_written_down_is_in_the_table_and_what_is_in_the_table_can_be_written_down(vendor: str) -> None:
    table = provider(connection(vendor)).capabilities
    listed = {path.partition(".")[0] for path in table.fields}
    assert listed - set(PORTABLE) == block_fields(vendor)
    for path in PORTABLE_PARTS:
        assert {path, path.partition(".")[0]} & (table.fields.keys() | table.refusals.keys()), path


@each_vendor
def test_every_rule_names_the_page_it_is_from(vendor: str) -> None:
    for path, rule in provider(connection(vendor)).capabilities.fields.items():
        assert rule.source.startswith("https://"), path
        assert " " not in rule.source


@each_vendor
def test_every_refusal_of_a_table_has_a_reason_in_the_vendor_s_name(vendor: str) -> None:
    table = provider(connection(vendor)).capabilities
    assert table.refusals.keys() <= VERBS | PORTABLE_PARTS | set(PORTABLE)
    assert not table.refusals.keys() & table.fields.keys()
    for path, reason in table.refusals.items():
        assert vendor in reason.lower(), path
        assert reason == reason.strip() and reason[-1] != "."  # validation makes it a sentence


@each_family
def test_what_the_vendor_cannot_do_has_a_reason(family: Family) -> None:
    table = family.table
    for verb, can in {"create": table.create, "update": table.update, "delete": table.delete}.items():
        assert can != (verb in table.refusals)
    assert table.dial != ("activation" in table.refusals)


# ---- what can be held ------------------------------------------------------------------------------------------------


@each_family
@same_every_time(12)
@given(data=st.data())
def test_nothing_that_can_be_held_is_refused(family: Family, data: st.DataObject) -> None:
    spec = data.draw(specs(family))
    assert refusals(family.resource(spec)) == []
    assert complaints(family, spec) == []


@each_family
@same_every_time(20)
@given(data=st.data())
def test_whatever_is_declared_is_held_or_refused_by_name(family: Family, data: st.DataObject) -> None:
    """Sentences for all of it, at once; what nobody complains of has a canonical form that stays."""
    vendor = provider(connection(family.vendor))
    spec = data.draw(anything(family.vendor, [ZONES[family.vendor]]))
    resource = family.resource(spec, contacts=data.draw(st.booleans()))
    said = vendor.refusals(resource)
    for refusal in said:
        assert_well_said(refusal, {*vendor.capabilities.fields, "schedule", "recall", "contacts"})
    for message in complaints(family, spec):
        assert message.startswith(f"Campaign spring: {family.vendor} cannot ") and message.endswith(".")
    named = {"carrier", "template"} & spec.keys()  # what they stand for only the vendor knows
    if not said and not named and not complaints(family, spec):
        canonical = vendor.canonical(resource, {})
        assert vendor.canonical(canonical, {}) == canonical


def assert_well_said(refusal: Refusal, paths: set[str]) -> None:
    """A path that can be found, and a sentence beginning with a capital or with the vendor's own name."""
    assert refusal.path in paths
    assert refusal.message.endswith(".") and not refusal.message.endswith("..")
    assert refusal.message[0].isupper() or refusal.message.startswith(VENDORS)


@each_family
def test_no_two_numbers_are_one_on_the_wire(family: Family) -> None:
    vendor = provider(connection(family.vendor))
    numbers = [family.person(index).phone for index in range(50)]
    forms = [str(vendor.wire_phone(number)) for number in numbers]
    assert len(set(forms)) == 50
    assert [form[-9:] for form in forms] == [number.reveal()[-9:] for number in numbers]


# ---- what cannot -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("family", "refused"), REFUSED, ids=[f"{family}-{one.says}" for family, one in REFUSED])
def test_what_cannot_be_held_is_refused_with_the_way_out(family: Family, refused: Refused) -> None:
    spec = as_loaded(family.vendor, laid_over(family.base, refused.spec))
    (said,) = refusals(family.resource(spec, contacts=refused.contacts))
    assert_well_said(said, {refused.path})
    assert refused.says in said.message
    instead = as_loaded(family.vendor, laid_over(spec, refused.instead))
    assert refusals(family.resource(instead)) == []


@each_family
@same_every_time(2)
@given(data=st.data())
def test_what_the_table_refuses_is_refused_with_its_reason(family: Family, data: st.DataObject) -> None:
    table = family.table
    wide = data.draw(
        anything(family.vendor, [ZONES[family.vendor]]).filter(lambda spec: {"schedule", "recall"} <= spec.keys())
    )
    said = complaints(family, wide)
    for path, reason in table.refusals.items():
        name, _, below = path.partition(".")
        declared = wide.get(name)
        if isinstance(declared, dict) and (not below or below in declared):
            assert any(reason[1:] in message for message in said), path


@each_family
def test_verbs_without_a_call_are_refused_with_their_reason(family: Family) -> None:
    table, spec = family.table, as_loaded(family.vendor, family.base)
    asked = {
        "activation": (table.dial, complaints(family, spec, run=RunState.STOPPED)),
        "delete": (table.delete, complaints(family, spec, lifecycle=Lifecycle(on_remove="delete"))),
        "contacts.withdraw": (table.contacts.withdraw, complaints(family, spec, mode="mirror")),
    }
    for path, (can, said) in asked.items():
        assert bool(said) != can
        if not can:
            assert table.refusals[path][1:] in said[0]
