"""What every provider does with campaigns: one suite, driven by the capability tables, over real sockets.

Each case ends in a second pass that finds nothing: `Site.settle` sees to it. People are in test_provider_people.py.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler import diff
from reconciler.errors import Blocked
from reconciler.model import Lifecycle, Live, RunState, Spec
from reconciler.planner import steps_of
from reconciler.providers.base import CanDial
from reconciler.simulator.server import Running
from reconciler.simulator.vendor import Fields
from tests.contract.declarations import part
from tests.contract.family import Family
from tests.contract.passes import Site, errors, site
from tests.contract.providers import (
    FAMILIES,
    FIELDS,
    declarable_without,
    declaring,
    field_values,
    same_every_time,
    specs,
    without,
)

pytestmark = pytest.mark.anyio
GONE = {"absent": "over", "lifecycle": Lifecycle(on_remove="delete")}


def of_families(*families: Family) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("family", families, ids=str)


def of_fields(fields: list[tuple[Family, str]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(("family", "path"), fields, ids=[f"{family}-{path}" for family, path in fields])


CHANGED = [(family, path) for family, path in FIELDS if family.table.update and not family.table.fields[path].immutable]
FIXED = [(family, path) for family, path in FIELDS if family.table.update and family.table.fields[path].immutable]
SENT_ONCE = [(family, path) for family, path in FIELDS if not family.table.update]
DROPPED = [(family, path) for family, path in CHANGED if declarable_without(family, path)]
DIALLING = [family for family in FAMILIES if family.table.dial]
DELETED = [family for family in FAMILIES if family.table.delete]


def moved(before: Fields, after: Fields) -> set[str]:
    """The vendor's own fields that are not as they were."""
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


def differing(path: str, before: Spec, after: Spec) -> bool:
    """Whether a declaration asks for something else below `path` than the one before."""
    names = tuple(path.split("."))
    return any(change.path[: len(names)] == names for change in diff.changes(after, before))


# ---- whole declarations ----------------------------------------------------------------------------------------------


@of_families(*FAMILIES)
@same_every_time(12)
@given(data=st.data())
async def test_what_is_declared_is_what_is_live_and_nothing_else_is_touched(
    here: Running, family: Family, data: st.DataObject
) -> None:
    """Made or taken over, then brought to another declaration where the vendor can."""
    first, second = data.draw(specs(family), "first"), data.draw(specs(family), "second")
    async with site(here, family) as there:
        there.people = [family.person(1)]
        dials = there.vendor.dials()
        live = await there.settle(first)
        if family.table.create and family.table.can_create_inert:
            assert live is not None and live.run is RunState.STOPPED
        if not family.table.contacts.inside_create:
            assert there.vendor.dials() == dials
        if family.table.update:
            _, others = there.stored()
            await there.settle(second)
            assert there.stored()[1] == others


@of_families(*(family for family in FAMILIES if family.table.create))
async def test_a_create_adds_one_campaign_and_leaves_the_others_alone(here: Running, family: Family) -> None:
    async with site(here, family) as there:
        there.people = [family.person(1)]
        before = there.vendor.snapshot()
        await there.settle(declaring(family, "displayName", "Autumn"))
        assert there.stored()[1] == before


@of_families(*(family for family in FAMILIES if family.table.carries_token))
async def test_our_mark_is_on_what_we_made_and_stays_there(here: Running, family: Family) -> None:
    async with site(here, family) as there:
        there.people = [family.person(1)]
        await there.settle(declaring(family, "description", "Notes"))
        assert f"Notes [{there.direct.token}]" in there.stored()[0].values()
        if family.table.update:
            for spec in (declaring(family, "description", "Others"), declaring(family, "displayName", "Autumn")):
                live = await there.settle(spec)
                assert live is not None and live.mark == there.direct.token


# ---- one field -------------------------------------------------------------------------------------------------------


@of_fields(CHANGED)
@same_every_time(4)
@given(data=st.data())
async def test_a_changed_field_is_all_that_changes(
    here: Running, family: Family, path: str, data: st.DataObject
) -> None:
    before, after = data.draw(field_values(family, path)), data.draw(field_values(family, path))
    async with site(here, family) as there:
        await there.settle(declaring(family, path, before))
        applied, (stored, others) = there.applied, there.stored()
        await there.settle(declaring(family, path, after))
        changed = moved(stored, there.stored()[0])
        assert changed <= set(family.wire[path])
        assert there.stored()[1] == others
        if family.wire[path] and differing(path, applied, there.applied):
            assert changed


@of_fields(DROPPED)
@same_every_time(2)
@given(data=st.data())
async def test_a_field_that_nobody_declares_any_more_is_cleared_only_where_the_table_says_so(
    here: Running, family: Family, path: str, data: st.DataObject
) -> None:
    names, rule = tuple(path.split(".")), family.table.fields[path]
    async with site(here, family) as there:
        await there.settle(declaring(family, path, data.draw(field_values(family, path))))
        stored, others = there.stored()
        live = await there.settle(without(family, path))
        changed = moved(stored, there.stored()[0])
        assert there.stored()[1] == others
        assert live is not None
        if rule.unset is not None:
            assert diff.at(live.spec, names) == rule.unset
            assert changed <= set(family.wire[path])
        elif diff.at(there.applied, names) is None:  # else it has a value all the same, such as the campaign's name
            assert changed == set()


@of_fields(FIXED)
async def test_a_field_that_cannot_change_is_refused_before_anything_is_sent(
    here: Running, family: Family, path: str
) -> None:
    declared = family.base[path]
    async with site(here, family) as there:
        await there.settle(family.base)
        since = len(here.simulator.log)
        for other in part(family.vendor, (path,))["enum"]:
            steps = steps_of(await there.look({**family.base, path: other}))
            assert steps.changes == ()
            assert [path in message for message in errors(steps)] == ([] if other == declared else [True])
        assert there.sent(since) == []


@of_fields(SENT_ONCE)
@same_every_time(3)
@given(data=st.data())
async def test_where_nothing_can_be_changed_a_changed_field_sends_nothing(
    here: Running, family: Family, path: str, data: st.DataObject
) -> None:
    """What is kept in our calls alone is as declared at once; what went out with a create is told to be past changing."""
    before, after = data.draw(field_values(family, path)), data.draw(field_values(family, path))
    async with site(here, family) as there:
        there.people = [family.person(1)]
        await there.settle(declaring(family, path, before))
        state, since = there.vendor.snapshot(), len(here.simulator.log)
        case = await there.look(declaring(family, path, after))
        steps, past = steps_of(case), family.table.contacts.inside_create
        assert steps.changes == ()
        told = past and differing(path, there.applied, case.match.resource.spec)
        assert [path in message for message in errors(steps)] == ([True] if told else [])
        assert there.sent(since) == []
        assert there.vendor.snapshot() == state


# ---- start, stop, delete ---------------------------------------------------------------------------------------------


@of_families(*DIALLING)
async def test_starting_and_stopping_move_the_run_state_alone_however_often(here: Running, family: Family) -> None:
    async with site(here, family) as there:
        await there.settle(family.base, run=RunState.STOPPED)
        stored, others = there.stored()
        for wanted in (RunState.RUNNING, RunState.STOPPED, RunState.RUNNING):
            live = await there.settle(family.base, run=wanted)
            assert live is not None and live.run is wanted
            assert (await switched(there, live, wanted)).run is wanted
            assert moved(stored, there.stored()[0]) <= family.run
            assert there.stored()[1] == others
        live = await there.settle(family.base, run=RunState.STOPPED)
        assert live is not None and live.run is RunState.STOPPED


async def switched(there: Site, live: Live, wanted: RunState) -> Live:
    assert isinstance(there.provider, CanDial)
    act = there.provider.start if wanted is RunState.RUNNING else there.provider.stop
    return await act(there.direct, live)


@of_families(*DIALLING)
async def test_an_update_neither_starts_nor_stops(here: Running, family: Family) -> None:
    async with site(here, family) as there:
        for wanted in (RunState.RUNNING, RunState.STOPPED):
            await there.settle(declaring(family, "displayName", "Before"), run=wanted)
            stored, _ = there.stored()
            await there.settle(declaring(family, "displayName", "After"), run=wanted)
            assert moved(stored, there.stored()[0]) == set(family.wire["displayName"])


@of_families(*DELETED)
async def test_deleting_twice_is_success_and_takes_nothing_else(here: Running, family: Family) -> None:
    async with site(here, family) as there:
        await there.settle(family.base, run=RunState.RUNNING)
        _, others = there.stored()
        live = there.live
        assert live is not None
        stopped = await switched(there, live, RunState.STOPPED)
        await there.provider.delete(there.direct, stopped)
        await there.provider.delete(there.direct, stopped)
        here.world.offset += timedelta(hours=3)  # what is queued for removal is gone by then
        assert there.vendor.snapshot() == others
        await there.provider.delete(there.direct, stopped)
        await there.assert_settled(family.base, **GONE)


@of_families(*FAMILIES)
async def test_what_the_vendor_has_no_call_for_is_refused_before_anything_leaves(here: Running, family: Family) -> None:
    table = family.table
    async with site(here, family) as there:
        declared, live = there.declared(family.base), Live("7", "spring", family.base)
        verbs: dict[str, Any] = {
            "create": lambda: there.provider.create(there.direct, declared, [family.person(1)]),
            "update": lambda: there.provider.update(there.direct, live, declared, []),
            "delete": lambda: there.provider.delete(there.direct, live),
        }
        for verb, act in verbs.items():
            if not getattr(table, verb):
                assert table.refusals[verb]
                with pytest.raises(Blocked, match=r"Nothing was sent\.$"):
                    await act()
        assert isinstance(there.provider, CanDial) == table.dial
        assert here.simulator.log == []
