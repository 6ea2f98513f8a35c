"""TEL4VN on the wire: a PUT that sends everything back as it was read, but for what changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from reconciler.errors import Rejected
from reconciler.model import FieldChange, Json, Spec
from reconciler.providers.tel4vn import wire
from tests import tel4vn_samples as samples
from tests.tel4vn_wired import ONE, OPEN, SCHEDULE, TOKEN, UUID, VENDOR, campaign, canonical, live, refused, sent, wired

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def changed(raw: Mapping[str, Any], spec: Spec, fields: Sequence[FieldChange]) -> list[tuple[str, str, Any]]:
    """What an update of `fields` sends to a campaign that reads `raw`."""
    async with wired() as (router, direct):
        router.get(ONE).respond(json=raw)
        router.put(ONE).respond(json={"campaign_uuid": UUID})
        router.put(f"{ONE}/assign_extension").respond(json={"campaign_uuid": UUID, "users": []})
        await VENDOR.update(direct, live(), canonical(spec), fields)
        return sent(router)


def put_of(calls: Sequence[tuple[str, str, Any]]) -> dict[str, Any]:
    (put,) = [sent_body for method, path, sent_body in calls if (method, path) == ("PUT", ONE)]
    return dict(put)


async def test_an_update_sends_back_everything_that_it_does_not_change() -> None:
    raw = campaign(
        status="pause",
        description="Ask Lan  before editing ",
        default_list_uuid="d",
        a_field_of_tomorrow={"x": [1]},
        carrier_name="Billing",
        run_id="r1",
        schedules=[{**samples.ONE["schedules"][0], "monday_end_time": 1}, dict(samples.WEEK)],
    )
    calls = await changed(raw, {"concurrent_call": 7}, [FieldChange(("concurrent_call",), 11, 7)])
    assert [call[:2] for call in calls] == [("GET", ONE), ("PUT", ONE), ("GET", ONE)]
    rows = [{**samples.WEEK, "monday_end_time": 1}, samples.WEEK]
    assert put_of(calls) == {**raw, "concurrent_call": 7, "schedules": rows}


async def test_assignments_travel_back_as_they_were_read() -> None:
    raw = campaign(users=["u1"], groups=["g1"], statuses=None)
    put = put_of(await changed(raw, {"hopper": 30}, [FieldChange(("hopper",), 20, 30)]))
    assert (put["users"], put["groups"], put["statuses"]) == (["u1"], ["g1"], None)
    assert "statuses" in put


@pytest.mark.parametrize(
    ("spec", "field", "expected"),
    [
        (
            {"network": {"viettel": 5}},
            FieldChange(("network", "viettel"), 0, 5),
            {"network": {**samples.NETWORK, "viettel": 5}},
        ),
        (
            {"network": {"viettel": 5}},
            FieldChange(("network",), None, {"viettel": 5}),
            {"network": {**samples.NETWORK, "viettel": 5}},
        ),
        ({"recall": {"maxAttempts": 3}}, FieldChange(("recall", "maxAttempts"), 1, 3), {"recall_times": 2}),
        (
            {"recall": {"after": "0s"}},
            FieldChange(("recall", "after"), "1h", "0s"),
            {"schedule_recall": "after", "schedule_recall_duration": 0},
        ),
        (
            {"recall": {"priority": "recalls_first"}},
            FieldChange(("recall", "priority"), None, "recalls_first"),
            {"priority_recall": "recall"},
        ),
        (
            {"recall": {"outcomes": ["busy"]}},
            FieldChange(("recall", "outcomes"), [], ["busy"]),
            {"recall_status": ["busy"]},
        ),
        (
            {"recall": {"minTalk": "10s"}},
            FieldChange(("recall", "minTalk"), "0s", "10s"),
            {"limit_recall_duration": 10},
        ),
        ({}, FieldChange(("recall", "minTalk"), "10s", None), {"limit_recall_duration": 0}),
        ({}, FieldChange(("callback_url",), "https://a.example", None), {"callback_url": ""}),
        ({"displayName": "Xuan"}, FieldChange(("displayName",), "VoiceOTP110", "Xuan"), {"campaign_name": "Xuan"}),
        ({"call_timeout": "45s"}, FieldChange(("call_timeout",), "60s", "45s"), {"call_timeout": 45}),
        ({"local_end_time": "17:30"}, FieldChange(("local_end_time",), None, "17:30"), {"local_end_time": "17:30:00"}),
        (
            {"local_end_time": "23:59:58"},
            FieldChange(("local_end_time",), None, "23:59:58"),
            {"local_end_time": "23:59:58"},
        ),
        (
            {"carrier": "Billing02"},
            FieldChange(("carrier", "name"), "Billing", "Billing02"),
            {"carrier_uuid": samples.CARRIERS[1]["carrier_uuid"]},
        ),
        ({"allow_manual_dial": False}, FieldChange(("allow_manual_dial",), True, False), {"allow_manual_dial": False}),
    ],
)
async def test_one_changed_field_changes_one_thing(spec: Spec, field: FieldChange, expected: dict[str, Any]) -> None:
    put = put_of(await changed(samples.ONE, spec, [field]))
    rest = {name: value for name, value in samples.ONE.items() if name != "schedules"}
    assert put == {**rest, "schedules": [samples.WEEK], **expected}


async def test_two_fields_of_one_policy_go_together() -> None:
    recall: Json = {"maxAttempts": 3, "after": "30m", "minTalk": "5s"}
    fields = [FieldChange(("recall", "maxAttempts"), 1, 3), FieldChange(("recall", "after"), "0s", "30m")]
    put = put_of(await changed(samples.ONE, {"recall": recall}, fields))
    assert (put["recall_times"], put["schedule_recall"], put["schedule_recall_duration"]) == (2, "minute", 30)
    assert put["limit_recall_duration"] == 0


async def test_a_day_that_changed_sends_the_week_as_declared_in_one_row() -> None:
    week = {**OPEN, "mon": [["09:00", "17:00"]], "sun": []}
    raw = campaign(schedules=[samples.ONE["schedules"][0], samples.WEEK])
    fields = [FieldChange(("schedule", "windows", "mon"), [], [["09:00", "17:00"]])]
    put = put_of(await changed(raw, {"schedule": {**SCHEDULE, "windows": week}, "closedDays": "zero"}, fields))
    nine, five = 32400000000000, 61200000000000
    days = {"monday_start_time": nine, "monday_end_time": five, "sunday_start_time": 0, "sunday_end_time": 0}
    assert put["schedules"] == [{**samples.WEEK, **days}]


@pytest.mark.parametrize(
    ("read", "declared", "expected"),
    [
        (f"Old [{TOKEN}]", "New", f"New [{TOKEN}]"),
        ("Old [rc:OTHER1]", "New", "New [rc:OTHER1]"),
        ("Old", "New", "New"),
        (f"[{TOKEN}]", "New", f"New [{TOKEN}]"),
    ],
)
async def test_a_new_description_keeps_the_mark(read: str, declared: str, expected: str) -> None:
    fields = [FieldChange(("description",), "Old", declared)]
    put = put_of(await changed(campaign(description=read), {"description": declared}, fields))
    assert put["description"] == expected
    assert wire.from_wire(put, {})["description"] == declared


async def test_a_dropped_description_leaves_the_mark_alone() -> None:
    put = put_of(
        await changed(campaign(description=f"Old [{TOKEN}]"), {}, [FieldChange(("description",), "Old", None)])
    )
    assert put["description"] == f"[{TOKEN}]"


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({}, FieldChange(("concurrent_call",), 5, None)),
        ({}, FieldChange(("schedule",), {}, None)),
        ({}, FieldChange(("nowhere",), "x", None)),
        ({"lead": {"lead_name": "x"}}, FieldChange(("lead", "lead_name"), None, "x")),
        ({"closedDays": "zero"}, FieldChange(("closedDays",), None, "zero")),
    ],
)
async def test_what_the_vendor_has_no_place_for_or_keeps_sends_nothing(spec: Spec, field: FieldChange) -> None:
    assert [call[0] for call in await changed(samples.ONE, spec, [field])] == ["GET"]


async def test_changed_extensions_alone_are_assigned_without_a_put() -> None:
    fields = [FieldChange(("extensions",), None, ["101"])]
    calls = await changed(samples.ONE, {"extensions": ["101"]}, fields)
    assert [call[:2] for call in calls] == [("GET", ONE), ("PUT", f"{ONE}/assign_extension"), ("GET", ONE)]


async def test_declared_extensions_are_assigned_again_after_a_put() -> None:
    spec: Spec = {"extensions": ["101"], "hopper": 30}
    calls = await changed(samples.ONE, spec, [FieldChange(("hopper",), 20, 30)])
    assert [call[:2] for call in calls] == [
        ("GET", ONE),
        ("PUT", ONE),
        ("PUT", f"{ONE}/assign_extension"),
        ("GET", ONE),
    ]


async def test_a_name_that_is_taken_is_refused_under_any_status() -> None:
    for status in (400, 409, 422):
        async with wired() as (router, direct):
            router.get(ONE).respond(json=samples.ONE)
            router.put(ONE).mock(return_value=refused(status, "campaign_name is already taken"))
            fields = [FieldChange(("displayName",), "VoiceOTP110", "Xuan")]
            with pytest.raises(Rejected, match="already taken"):
                await VENDOR.update(direct, live(), canonical({"displayName": "Xuan"}), fields)


async def test_an_answer_about_another_campaign_is_not_ours() -> None:
    async with wired() as (router, direct):
        router.get(ONE).respond(json=samples.ONE)
        router.put(ONE).respond(json={"campaign_uuid": "another"})
        with pytest.raises(ValueError, match="another campaign"):
            await VENDOR.update(direct, live(), canonical({"hopper": 30}), [FieldChange(("hopper",), 20, 30)])
