"""A plan with something of everything, the size a reviewer meets: what the browser tests look at and what docs/pictures shows."""

from __future__ import annotations

from reconciler import planfile
from reconciler.model import (
    Action,
    Bound,
    Cause,
    Change,
    ContactChange,
    ContactDelta,
    Doubt,
    FieldChange,
    Finding,
    Json,
    Key,
    Plan,
    Risk,
    Severity,
    SharedPart,
    Unmanaged,
)
from tests.build import plan

HANOI = Key("tel4vn-hanoi", "campaign", "spring-renewals")
SETS = {
    "renewals": HANOI.contact_set("renewals-may"),
    "opros": Key("intersvyaz-chel", "contacts", "opros-2030", "opros"),
}
_WELCOME = Key("tel4vn-hanoi", "campaign", "welcome-calls")
_WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_VIETNAM: Json = {
    "timezone": "Asia/Ho_Chi_Minh",
    "windows": {day: [["08:30", "12:00"], ["13:30", "18:00"]] if day != "sun" else [] for day in _WEEK},
}
_FIVE: Json = {"after": "5m"}
_SURVEY: Json = {
    "timezone": "Asia/Yekaterinburg",
    "starts": "2030-06-03",
    "windows": {**{day: [] for day in _WEEK}, "mon": [["10:00", "18:00"]]},
}


def _hours() -> tuple[FieldChange, ...]:
    before: dict[str, Json] = {day: [["09:00", "12:00"], ["13:30", "17:00"]] for day in _WEEK[:5]}
    before |= {"sat": [["08:30", "12:00"], ["13:30", "18:00"]], "sun": [["09:00", "12:00"]]}
    after = _VIETNAM["windows"] if isinstance(_VIETNAM, dict) else {}
    assert isinstance(after, dict)
    changed = [day for day in _WEEK if before[day] != after[day]]
    place = "shared/schedules.yaml:7"
    return tuple(
        FieldChange(("schedule", "windows", day), before[day], after[day], Cause.DECLARED, place) for day in changed
    )


def _changes() -> list[Change]:
    edit, source = "changed in the declaration", "campaigns/spring-renewals.yaml"
    recall = FieldChange(("recall", "maxAttempts"), 3, 4, Cause.DECLARED, "shared/policies.yaml:5")
    widened = (*_hours(), recall, FieldChange(("concurrent_call",), 5, 9, Cause.DECLARED, f"{source}:14"))
    old = Key("tel4vn-hanoi", "campaign", "winter-renewals")
    agents = FieldChange(("agents",), ["a.nowak", "b.wisniewska"], ["a.nowak", "j.kowalski"], Cause.DRIFT)
    order = FieldChange(("order",), 20, 25, Cause.DRIFT)
    create = tuple(
        FieldChange((name,), None, value)
        for name, value in (
            ("displayName", "Опрос клиентов"),
            ("schedule", _SURVEY),
            ("recall", _FIVE),
            ("description", "Опрос удовлетворённости"),
        )
    )
    winter, over = "campaigns/winter.yaml:1", "state: absent (the season is over)"
    krakow, drifted = Key("thulium-krakow", "campaign", "odnowienia"), "changed at the vendor since the last apply"
    survey = SETS["opros"].campaign
    left, came, sent = (ContactChange(count, "hmac-sha256:0") for count in (214, 12_431, 1_860))
    renewals, people = SETS["renewals"], f"{source}:22"
    return [
        Change(1, Action.UPDATE, HANOI, f"{source}:2", edit, Risk.DIALLING, (), widened, schedule=_VIETNAM),
        Change(2, Action.WITHDRAW_CONTACTS, renewals, people, "left the source", Risk.DESTRUCTIVE, (1,), contacts=left),
        Change(3, Action.ADD_CONTACTS, renewals, people, "in source, never sent", Risk.DIALLING, (2,), contacts=came),
        Change(
            4, Action.UPDATE, _WELCOME, "campaigns/welcome.yaml:1", edit, Risk.DIALLING, (), _hours(), schedule=_VIETNAM
        ),
        Change(5, Action.STOP, old, winter, over, Risk.SAFE),
        Change(6, Action.DELETE, old, winter, over, Risk.DESTRUCTIVE, (5,)),
        Change(7, Action.UPDATE, krakow, "campaigns/odnowienia.yaml:3", drifted, Risk.SAFE, (), (agents, order)),
        Change(
            8,
            Action.CREATE,
            survey,
            "campaigns/opros.yaml:3",
            "declared, never created",
            Risk.DIALLING,
            (),
            create,
            sent,
        ),
    ]


def sample(blocked: bool = False) -> Plan:
    """`blocked`: with an error among the findings."""
    renewals = ContactDelta(
        SETS["renewals"],
        rows=100_796,
        rejected={"too_short": 2, "empty": 1},
        duplicates=40,
        suppressed={"internal-refusals": 118},
        added=12_431,
        unchanged=88_204,
        withdrawn=214,
        held=3,
        sent_before=88_418,
    )
    opros = ContactDelta(SETS["opros"], rows=1_911, duplicates=12, suppressed={"internal-refusals": 39}, added=1_860)
    warned = Finding(
        "W12",
        Severity.WARNING,
        "invalid_number is retried: every attempt costs and none succeeds.",
        str(HANOI),
        remedy="Remove it from outcomes.",
        source="shared/policies.yaml:8",
    )
    known = Finding(
        "ledger-only",
        Severity.INFO,
        "intersvyaz does not show it or who is in it: what was sent is known from the ledger alone.",
        str(SETS["opros"].campaign),
        source="campaigns/opros.yaml:3",
    )
    guard = Finding(
        "guard-maxContacts",
        Severity.ERROR,
        "More people than the guard maxContacts allows.",
        str(HANOI),
        "14,291 people",
        "10,000 people",
        "Split the source, or raise the guard in a change of its own.",
        "reconciler.yaml:14",
    )
    doubt = Doubt(
        "01J9Z7",
        "conpeek-gdansk/campaign/przypomnienie",
        "add_contacts",
        "2026-06-01T07:42:00Z",
        "3f9c0d1e2b4a5968",
        50,
        "held",
        "[rc:k3f9qa]",
        'reconciler resolve 01J9Z7 --not-applied --reason "not in the panel"',
    )
    return planfile.seal(
        plan(
            bound=Bound(
                "0f3c61d2-93a1-4b0e-8a4f-5d2f4c1b7e90",
                41,
                "sha256:" + "c" * 64,
                "hmac-sha256:" + "5" * 64,
                ("acme.thulium.com", "api.conpeek.com"),
            ),
            changes=tuple(_changes()),
            deltas=(renewals, opros),
            unchanged=(
                Key("tel4vn-hanoi", "campaign", "reminders"),
                Key("conpeek-gdansk", "campaign", "przypomnienie"),
            ),
            unmanaged=(Unmanaged("thulium-krakow", "00002", "Ankieta 2025", "stopped"),),
            findings=(*((guard,) if blocked else ()), warned, known),
            in_doubt=(doubt,),
            commit="a1b2c3d4e5f60718293a4b5c6d7e8f9012345678",
            shared=(
                SharedPart("Schedule", "office-hours-vn", "shared/schedules.yaml:3", (HANOI, _WELCOME)),
                SharedPart("RecallPolicy", "gentle", "shared/policies.yaml:1", (HANOI,)),
            ),
        )
    )
