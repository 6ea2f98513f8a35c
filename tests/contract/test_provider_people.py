"""What every provider does with people: one suite, driven by the contact rules of the capability tables, over real sockets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import ReconcilerError
from reconciler.model import Contact, LiveContact, Phone
from reconciler.providers.base import Edit, Leaving, ShowsFields, TakesContacts
from reconciler.simulator.server import Running
from tests.contract.family import Family
from tests.contract.passes import Site, site
from tests.contract.providers import FAMILIES, same_every_time

pytestmark = pytest.mark.anyio
CROWD = 120  # more than any vendor shows on one page


def of_families(*families: Family) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("family", families, ids=str)


READ = [family for family in FAMILIES if family.table.contacts.read]
EDITED = [family for family in FAMILIES if family.table.contacts.update]
WITHDRAWN = [family for family in FAMILIES if family.table.contacts.withdraw]
DEDUPED = [family for family in FAMILIES if family.table.contacts.dedupes]


def journalled(there: Site, since: int = 0) -> list[bytes]:
    """Whose contacts the calls carried, in the order of the calls."""
    return [person for call in there.direct.people[since:] for person in call]


def states(there: Site, since: int = 0) -> list[str]:
    return [item.state for receipt in there.direct.receipts[since:] for item in receipt.items]


async def present(there: Site, container: str) -> dict[Phone, LiveContact]:
    return {row.phone: row for row in await there.read(container)}


def crowd(family: Family, count: int, fields: Mapping[str, str] | None = None) -> list[Contact]:
    return [family.person(index, fields) for index in range(count)]


# ---- in ----------------------------------------------------------------------------------------------------------------


@of_families(*FAMILIES)
@same_every_time(6)
@given(data=st.data())
async def test_people_are_journalled_in_the_order_sent_and_held_as_sent(
    here: Running, family: Family, data: st.DataObject
) -> None:
    fields = st.fixed_dictionaries({}, optional={name: st.text(min_size=1, max_size=20) for name in family.names})
    drawn = data.draw(st.lists(fields, min_size=1, max_size=6))
    chosen = [family.person(index, of_one) for index, of_one in enumerate(drawn)]
    async with site(here, family) as there:
        before = Counter(there.vendor.dials())
        await there.filled(chosen)
        assert journalled(there) == [contact.person for contact in chosen]
        assert set(states(there)) <= {"confirmed"}
        held = there.held()
        for contact in chosen:
            assert contact.fields.items() <= held.pop(contact.phone.reveal()).items()
        assert held == {}
        assert Counter(there.vendor.dials()) - before == Counter(contact.phone.reveal() for contact in chosen)
        await there.assert_settled(family.base)


@of_families(*FAMILIES)
async def test_every_receipt_speaks_of_exactly_the_people_of_its_call(here: Running, family: Family) -> None:
    async with site(here, family) as there:
        await there.filled(crowd(family, 9))
        assert journalled(there) == [contact.person for contact in crowd(family, 9)]
        calls = zip(there.direct.people, there.direct.receipts, strict=True)
        assert all(len(receipt.items) in {0, len(people)} for people, receipt in calls)
        most = family.table.contacts.batch_max
        assert all(len(people) <= most for people in there.direct.people)


@of_families(*DEDUPED)
async def test_who_is_there_is_not_put_in_again(here: Running, family: Family) -> None:
    chosen = crowd(family, 5)
    async with site(here, family) as there:
        container = await there.filled(chosen)
        dials, since = Counter(there.vendor.dials()), len(there.direct.calls)
        await there.takes.add(there.direct, there.seen, there.declared(there.applied), container, chosen)
        assert states(there, since) == ["already"] * 5
        assert journalled(there, since) == [contact.person for contact in chosen]
        assert Counter(there.vendor.dials()) == dials


@of_families(*(family for family in FAMILIES if family.table.contacts.add))
async def test_the_container_of_a_set_is_opened_once(here: Running, family: Family) -> None:
    async with site(here, family) as there:
        await there.settle(family.base)
        first, since = await there.opened(), len(here.simulator.log)
        assert await there.opened() == first
        assert there.sent(since) == []
        assert (first == there.id) == (not family.table.contacts.container)


# ---- read --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page_size", [7, 1000])
@pytest.mark.parametrize(("family", "pages"), [(family, pages) for family in READ for pages in family.pages], ids=str)
async def test_everybody_is_read_once_however_the_vendor_pages(
    here: Running, family: Family, pages: Mapping[str, str], page_size: int
) -> None:
    async with site(here, family, page_size=page_size) as there:
        here.world.switches[family.vendor].update(pages)
        await there.settle(family.base)
        container = await there.opened()
        assert family.enter is not None
        before = len(await there.read(container))
        for contact in crowd(family, CROWD):
            family.enter(there.vendor, container, int(contact.key) - 1000, contact.phone.reveal())
        rows = await there.read(container)
        assert len({row.vendor_id for row in rows}) == len(rows) == before + CROWD
        assert {contact.phone for contact in crowd(family, CROWD)} <= {row.phone for row in rows}


def shown_by(there: Site, row: LiveContact, names: Sequence[str]) -> dict[str, str]:
    assert isinstance(there.provider, ShowsFields)
    campaign = replace(there.seen, spec={**there.seen.spec, **there.applied})
    return dict(there.provider.fields_shown(campaign, row, names))


@of_families(*(family for family in READ if family.table.contacts.add))
@same_every_time(6)
@given(data=st.data())
async def test_what_is_shown_of_a_person_is_what_was_sent_and_the_rest_is_not_said_to_be(
    here: Running, family: Family, data: st.DataObject
) -> None:
    names = sorted(family.names)
    fields = st.fixed_dictionaries({name: st.text(max_size=20) for name in names})
    chosen = [family.person(index, of_one) for index, of_one in enumerate(data.draw(st.lists(fields, max_size=4)))]
    switched = data.draw(st.sampled_from(family.shows))
    async with site(here, family) as there:
        here.world.switches[family.vendor].update(switched)
        rows = await present(there, await there.filled(chosen))
        for contact in chosen:
            shown = shown_by(there, rows[contact.phone], names)
            assert shown.items() <= dict(contact.fields).items()
            assert family.hides(switched) or all(name in shown for name in names if contact.fields[name])


@of_families(*(family for family in EDITED if "name" in family.edit[0] or "lead_name" in family.edit[0]))
async def test_what_was_changed_is_shown_as_changed(here: Running, family: Family) -> None:
    before, after = family.edit
    async with site(here, family) as there:
        here.world.switches[family.vendor].update(family.shows[-1])
        container = await there.filled(crowd(family, 2, before))
        one = family.person(1, after)
        rows = await present(there, container)
        await there.takes.edit(there.direct, there.seen, container, [Edit(rows[one.phone], one)])
        rows = await present(there, container)
        assert shown_by(there, rows[one.phone], sorted(after)) == after
        assert shown_by(there, rows[family.person(0).phone], sorted(before)) == before


# ---- changed, out ------------------------------------------------------------------------------------------------------


@of_families(*EDITED)
async def test_one_person_changes_and_nobody_else(here: Running, family: Family) -> None:
    before, after = family.edit
    async with site(here, family) as there:
        container = await there.filled(crowd(family, 3, before))
        held, dials, rows = there.held(), Counter(there.vendor.dials()), await present(there, container)
        one = family.person(1, after)
        number = one.phone.reveal()
        for _ in range(2):  # a second time changes nothing
            since = len(there.direct.calls)
            await there.takes.edit(there.direct, there.seen, container, [Edit(rows[one.phone], one)])
            assert journalled(there, since) == [one.person]
            assert set(states(there, since)) <= {"confirmed"}
            now = there.held()
            assert after.items() <= now[number].items()
            assert {**now, number: {}} == {**held, number: {}}
        assert (await present(there, container))[one.phone].vendor_id == rows[one.phone].vendor_id
        assert Counter(there.vendor.dials()) == dials
        await there.assert_settled(family.base)


@of_families(*WITHDRAWN)
async def test_who_is_withdrawn_is_gone_and_is_gone_only_once(here: Running, family: Family) -> None:
    async with site(here, family) as there:
        container = await there.filled(crowd(family, 4))
        held, dials, rows = there.held(), Counter(there.vendor.dials()), await present(there, container)
        leaving = [Leaving(one.person, rows[one.phone]) for one in (family.person(1), family.person(2))]
        for expected in ({"confirmed"}, {"confirmed", "already"}):
            since = len(there.direct.calls)
            await there.takes.withdraw(there.direct, there.seen, container, leaving)
            assert journalled(there, since) == [one.person for one in leaving]
            assert set(states(there, since)) <= expected
            kept = {family.number(index) for index in (0, 3)}
            assert there.held() == {number: fields for number, fields in held.items() if number in kept}
            assert {row.phone.reveal() for row in await there.read(container)} >= kept
            assert not {one.live.phone for one in leaving} & (await present(there, container)).keys()
        assert Counter(there.vendor.dials()) == dials
        await there.assert_settled(family.base)


# ---- what cannot be done ---------------------------------------------------------------------------------------------


@of_families(*FAMILIES)
async def test_what_cannot_be_done_with_people_is_said_and_nothing_is_sent(here: Running, family: Family) -> None:
    rules = family.table.contacts
    async with site(here, family) as there:
        container = await there.filled([family.person(1, family.edit[0])])
        assert isinstance(there.provider, TakesContacts) == (not rules.inside_create)
        if rules.inside_create:
            return
        since, held = len(here.simulator.log), there.held()
        one = LiveContact("1", family.person(1).phone)
        leaving, edit = Leaving(family.person(1).person, one), Edit(one, family.person(1, family.edit[1]))
        if not rules.read:
            with pytest.raises(ReconcilerError, match=r"\.$"):
                await there.read(container)
        if not rules.withdraw:
            with pytest.raises(ReconcilerError, match=r"Nothing was sent\.$"):
                await there.takes.withdraw(there.direct, there.seen, container, [leaving])
        if not rules.update:
            with pytest.raises(ReconcilerError, match=r"Nothing was sent\.$"):
                await there.takes.edit(there.direct, there.seen, container, [edit])
        assert there.sent(since) == []
        assert there.held() == held
