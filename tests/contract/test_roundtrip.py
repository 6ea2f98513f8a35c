"""Laws of the round trip, over generated declarations: what was applied is read back as it was declared, however the vendor writes it
down, also after somebody saved it in the panel without a change; what cannot be read is never taken for equal.

That a second pass finds nothing, and nothing else is touched, is in test_providers.py, over the same declarations.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler import diff, drift
from reconciler.model import Live
from reconciler.planner import steps_of
from reconciler.risk import rule_for
from reconciler.simulator.server import Running
from reconciler.simulator.thulium.api import Thulium
from tests.contract.declarations import PORTABLE, block_fields
from tests.contract.family import Family
from tests.contract.passes import Site, site
from tests.contract.providers import same_every_time, specs
from tests.contract.tel4vn import TEL4VN
from tests.contract.thulium import CRM, CSV

READABLE = (TEL4VN, CSV, CRM)
FORMS: tuple[tuple[Family, Mapping[str, str]], ...] = (
    (TEL4VN, {}),
    (TEL4VN, {"read_assignments": "stored", "derived_names": "both"}),
    (CSV, {}),
    (CSV, {"outbounds_fields": "text", "outbounds_shape": "paged"}),
    (CRM, {"outbounds_fields": "text", "put_omitted": "reset"}),
)
in_every_form = pytest.mark.parametrize(
    ("family", "form"), FORMS, ids=[f"{family}-{'-'.join(form.values()) or 'plain'}" for family, form in FORMS]
)


def saved(there: Site) -> None:
    """Somebody opens the campaign in the panel and saves it as it stands."""
    account = there.vendor
    row = account._account.campaigns[there.id].settings if isinstance(account, Thulium) else None
    account.edit("campaign", there.id, dict(row or account.snapshot()["campaigns"][there.id]))


def bound(there: Site, live: Live) -> drift.Bound:
    assert there.binding is not None
    declared = there.declared(there.applied)
    return drift.Bound(declared, there.binding, there.family.table, live, declared, "2026-05-01")


def hidden(there: Site) -> set[str]:
    """What was applied and the table says nobody can read."""
    rules = there.family.table.fields
    paths = [path for path in diff.leaves(there.applied) if (rule := rule_for(rules, path)) and not rule.readable]
    return {".".join(path) for path in paths}


def unverified(there: Site, live: Live) -> set[str]:
    told = drift._unverified(bound(there, live))
    if told is None:
        return set()
    assert told.since == "2026-05-01"
    return set(told.fields)


@pytest.mark.anyio
@in_every_form
@same_every_time(20)
@given(data=st.data())
async def test_what_is_saved_without_a_change_is_as_it_was_declared(
    here: Running, family: Family, form: Mapping[str, str], data: st.DataObject
) -> None:
    spec = data.draw(specs(family))
    async with site(here, family) as there:
        here.world.switches[family.vendor] |= form
        await there.settle(spec)
        saved(there)
        live = await there.assert_settled(spec)
        assert live is not None
        assert list(drift.changed_fields(bound(there, live), live)) == []
        assert unverified(there, live) == hidden(there)


@pytest.mark.anyio
@pytest.mark.parametrize("family", [CSV, CRM], ids=str)
@same_every_time(20)
@given(data=st.data())
async def test_what_an_answer_leaves_out_is_neither_changed_nor_equal(
    here: Running, family: Family, data: st.DataObject
) -> None:
    """Thulium's page of the listing names no fields."""
    spec = data.draw(specs(family))
    async with site(here, family) as there:
        await there.settle(spec)
        here.world.switches["thulium"]["outbounds_fields"] = "minimal"
        case = await there.look(spec)
        assert steps_of(case).changes == ()
        live = case.match.live
        assert live is not None
        assert list(drift.changed_fields(bound(there, live), live)) == []
        shown = {".".join(path) for path in diff.leaves(there.applied) if path[0] in {"displayName", "agents"}}
        assert unverified(there, live) == {".".join(path) for path in diff.leaves(there.applied)} - shown


@pytest.mark.parametrize("family", READABLE, ids=str)
def test_no_field_of_the_language_is_left_out_of_what_is_generated(family: Family) -> None:
    fields = block_fields(family.vendor) | {
        name for name in PORTABLE if name in {p.partition(".")[0] for p in family.wire}
    }
    drawn: set[str] = set()

    @same_every_time(100)
    @given(spec=specs(family))
    def draw(spec: Mapping[str, object]) -> None:
        drawn.update(spec)

    draw()
    assert fields <= drawn
