"""Which live object is which declared one."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.matching import Match, Matches, match
from reconciler.model import Binding, Key, Live, Resource, RunState
from tests.build import KEY, binding, live, resource


def matched(
    wanted: Resource,
    found: Sequence[Live] = (),
    bound: Binding | None = None,
    readable: bool = True,
    mark: str = "",
    everything: bool = True,
) -> Matches:
    bindings = {bound.key: bound} if bound else {}
    return match([wanted], {"acme": found}, bindings, {"acme": readable}, {KEY: mark} if mark else {}, everything)


def only(matches: Matches) -> Match:
    (pair,) = matches.pairs
    return pair


def test_a_binding_finds_its_object_by_id_whatever_it_is_called() -> None:
    pair = only(matched(resource(), [live(name="renamed in the panel")], binding()))
    assert pair.live is not None and pair.live.vendor_id == "v1" and pair.refused is None


def test_an_id_in_the_declaration_binds_without_adopt() -> None:
    pair = only(matched(resource(vendor_id="v1"), [live(name="other")]))
    assert pair.live is not None and pair.by == "bound by id v1"


def test_a_namesake_is_refused_with_the_command_that_would_adopt_it() -> None:
    pair = only(matched(resource(), [live()]))
    assert pair.live is None and pair.refused is not None
    assert pair.refused.code == "namesake"
    assert "reconciler adopt acme/campaign/spring v1" in pair.refused.remedy


def test_several_namesakes_are_all_named() -> None:
    pair = only(matched(resource(), [live(), live(vendor_id="v2")]))
    assert pair.refused is not None
    assert pair.refused.message.startswith('2 objects called "Spring" exist') and "v1 or v2" in pair.refused.remedy


def test_a_namesake_that_carries_our_mark_is_what_an_earlier_attempt_made() -> None:
    ours, other = live(vendor_id="v2", mark="rc:abc123"), live(mark="rc:zzz999")
    pair = only(matched(resource(), [other, ours], binding(vendor_id=""), mark="rc:abc123"))
    assert pair.refused is None and pair.live == ours and "rc:abc123" in pair.by
    assert only(matched(resource(), [other], binding(vendor_id=""), mark="rc:abc123")).refused is not None


def test_a_bound_object_that_is_gone_is_not_made_again() -> None:
    pair = only(matched(resource(), [], binding()))
    assert pair.refused is not None and pair.refused.code == "gone"
    assert "reconciler state rm acme/campaign/spring" in pair.refused.remedy


def test_what_cannot_be_read_is_not_gone() -> None:
    pair = only(matched(resource(), [], binding(), readable=False))
    assert pair.refused is None and pair.live is None and pair.binding is not None


def test_two_ids_for_one_campaign_are_refused() -> None:
    pair = only(matched(resource(vendor_id="v2"), [live(), live(vendor_id="v2")], binding()))
    assert pair.refused is not None and pair.refused.code == "two-ids"


def test_a_move_keeps_the_binding() -> None:
    old = Key("acme", "campaign", "winter")
    pair = only(matched(resource(moved_from="winter"), [live()], binding(key=old)))
    assert pair.refused is None and pair.live is not None and pair.binding is not None and pair.binding.key == old


def test_what_nobody_declared_is_reported() -> None:
    stranger = live(vendor_id="v9", name="Somebody's", run=RunState.RUNNING)
    (item,) = matched(resource(), [live(), stranger], binding()).unmanaged
    assert (item.vendor_id, item.name, item.run) == ("v9", "Somebody's", "running")


def test_what_is_bound_and_no_longer_declared_says_so() -> None:
    old = Key("acme", "campaign", "winter")
    (item,) = matched(resource(), [live(vendor_id="v7", name="Winter")], binding(key=old, vendor_id="v7")).unmanaged
    assert item.note == "no longer declared, still bound as acme/campaign/winter"


def test_a_partial_plan_says_nothing_of_the_rest() -> None:
    assert matched(resource(), [live(vendor_id="v9", name="x")], everything=False).unmanaged == ()


def test_a_tombstone_of_something_gone_is_done() -> None:
    pair = only(matched(resource(absent="over"), [], binding()))
    assert pair.refused is None and pair.live is None
