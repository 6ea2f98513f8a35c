"""What people read: fields in their words, plans in blocks, nothing hostile gets through."""

from __future__ import annotations

import json
import re

import pytest

from reconciler.model import (
    Action,
    Cause,
    Change,
    ContactChange,
    ContactDelta,
    Doubt,
    FieldChange,
    Finding,
    Json,
    Key,
    Outcome,
    Plan,
    Report,
    Risk,
    Severity,
    Tally,
    Unmanaged,
)
from reconciler.render import asjson, markdown, phrases, text
from tests.build import KEY, plan

WEEK: dict[str, Json] = {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}


def change(action: Action = Action.UPDATE, *fields: FieldChange, **more: object) -> Change:
    values: dict[str, object] = {
        "key": KEY,
        "source": "campaigns/spring.yaml:1",
        "reason": "changed in the declaration",
    }
    values |= {"risk": Risk.DIALLING, "fields": fields, **more}
    return Change(1, action, **values)  # type: ignore[arg-type]


def windows(day: str, before: Json, after: Json) -> FieldChange:
    return FieldChange(("schedule", "windows", day), before, after)


def lines(*fields: FieldChange, action: Action = Action.UPDATE) -> list[tuple[str, str]]:
    return phrases.field_lines(change(action, *fields))


def test_days_that_change_alike_are_one_line_with_the_hours_of_a_week() -> None:
    edits = [windows(day, [["09:00", "17:00"]], [["08:30", "17:00"]]) for day in WEEK]
    assert lines(*edits) == [("calling hours", "every day 09:00-17:00  ->  08:30-17:00   +3.5 h a week")]
    weekend = [windows(day, [["10:00", "12:00"]], []) for day in ("sat", "sun")]
    assert lines(*edits[:5], *weekend) == [
        ("calling hours", "mon-fri 09:00-17:00  ->  08:30-17:00   +2.5 h a week"),
        ("calling hours", "sat, sun 10:00-12:00  ->  closed   -4 h a week"),
    ]


def test_a_whole_schedule_is_told_in_one_breath() -> None:
    schedule: Json = {"timezone": "Europe/Warsaw", "windows": {**WEEK, "sun": []}, "starts": "2026-06-01"}
    told = "mon-sat 09:00-17:00 Europe/Warsaw from 2026-06-01"
    assert lines(FieldChange(("schedule",), None, schedule), action=Action.CREATE) == [("calling hours", told)]
    ((_, update),) = lines(FieldChange(("schedule",), None, schedule))
    assert update == f"nothing  ->  {told}"


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (FieldChange(("recall", "maxAttempts"), 3, 4), ("attempts", "up to 3 attempts  ->  up to 4 attempts")),
        (FieldChange(("recall", "maxAttempts"), 2, 1), ("attempts", "up to 2 attempts  ->  up to 1 attempt")),
        (FieldChange(("recall", "after"), "0s", "30m"), ("next attempt", "at once  ->  after 30 min")),
        (FieldChange(("recall", "priority"), "new_first", "recalls_first"), ("order", "new first  ->  recalls first")),
        (FieldChange(("agents",), ["b", "c"], ["a", "b"]), ("agents", "+ a  - c")),
        (FieldChange(("order",), ["a", "b"], ["b", "a"]), ("order", "in another order")),
        (FieldChange(("note",), "x", None), ("note", "x  ->  unset")),
        (FieldChange(("active",), False, True), ("active", "no  ->  yes")),
        (FieldChange(("network", "mobi"), 0, 5), ("network mobi", "0  ->  5")),
        (FieldChange(("call_timeout",), "60s", "1h"), ("call_timeout", "60 s  ->  1 h")),
        (FieldChange(("displayName",), "", "b"), ("name", '""  ->  b')),
    ],
)
def test_fields_in_the_users_units(field: FieldChange, expected: tuple[str, str]) -> None:
    assert lines(field) == [expected]


def test_a_reference_is_told_by_its_name() -> None:
    both = [FieldChange(("carrier", "name"), "A", "B"), FieldChange(("carrier", "uuid"), "1", "2")]
    assert lines(*both) == [("carrier", "A  ->  B")]
    assert phrases.told({"uuid": "1", "name": "A"}) == "A"
    assert phrases.told({"viettel": 5, "mobi": None}) == "viettel 5, mobi nothing"
    assert phrases.told([]) == "nobody"


def test_a_new_recall_policy_is_told_field_by_field() -> None:
    policy: Json = {"maxAttempts": 3, "outcomes": ["busy", "failed"]}
    assert lines(FieldChange(("recall",), None, policy), action=Action.CREATE) == [
        ("attempts", "up to 3 attempts"),
        ("tried again on", "busy, failed"),
    ]


def test_people_are_told_with_the_reasons_why_not() -> None:
    counts = ContactDelta(
        KEY.contact_set("may"), rejected={"too_short": 2, "empty": 1}, suppressed={"refusals": 118}, duplicates=40,
        unchanged=88204, held=1,
    )  # fmt: skip
    assert phrases.people_line("added", 12431, counts) == (
        "12,431 added  ·  118 suppressed (refusals)  ·  3 rejected (too short 2, empty 1)  ·  40 duplicates"
        "  ·  88,204 unchanged (1 of them in doubt or refused before)"
    )
    assert phrases.people_line("withdrawn", 3, counts) == "3 withdrawn"


FULL = plan(
    digest="sha256:5f1c9e2a",
    changes=(
        change(Action.UPDATE, FieldChange(("ratio",), 100, 150)),
        change(Action.ADD_CONTACTS, key=KEY.contact_set("may"), contacts=ContactChange(5, "hmac-sha256:x"), reason=""),
        change(
            Action.STOP, FieldChange(("activation",), "running", "stopped"), risk=Risk.SAFE, reason="declared stopped"
        ),
        change(Action.WITHDRAW_CONTACTS, key=KEY.contact_set("may"), contacts=ContactChange(2, "x"), reason=""),
    ),
    deltas=(ContactDelta(KEY.contact_set("may"), rows=6, added=5, rejected={"empty": 1}),),
    unmanaged=tuple(Unmanaged("acme", f"v{index}", f"Other {index}", "running", "") for index in range(12)),
    findings=(
        Finding(
            "W1", Severity.WARNING, "Mind the gap.", "acme/campaign/spring", remedy="Step over it.", source="a.yaml:3"
        ),
        Finding("G1", Severity.ERROR, "Too many."),
        Finding("I1", Severity.INFO, "By the way."),
    ),
    in_doubt=(
        Doubt(
            "r1", "acme/campaign/spring", "create", "10:42", "run1", 3, "held", "[rc:k3f9qa]", "reconciler resolve r1"
        ),
    ),
    select=("campaign=spring",),
)


def test_a_plan_says_what_counts_first_and_again_at_the_end() -> None:
    told = text.plan_text(FULL)
    totals = "Plan: 0 create, 1 update, 0 delete, 1 stop · contacts +5 ~0 -2 · risk: dialling"
    found = "Findings: 1 error, 1 warning, 1 note, 1 in doubt. It is blocked.\n"
    order = ["acme-outreach: 1 connection", "A partial plan (--select", totals, "People: 5 added, 0 updated, 2 withdrawn, 1 rejected.",
             found, "? acme/campaign/spring", "[rc:k3f9qa]", "\nacme   1 update · 1 stop · +5 people · -2 people · risk: dialling\n",
             "~ campaign spring", "+ contacts may -> spring", "# campaign spring", "- contacts may",
             "12 live campaigns not managed here", "and 2 more", "1 note\n", "1 warning\n", "1 error\n"]  # fmt: skip
    positions = [told.index(part) for part in order]
    assert positions == sorted(positions)
    assert told.endswith(f"{totals}\n{found}")
    assert "W1  acme/campaign/spring (a.yaml:3): Mind the gap.\n      Step over it." in told


def test_colours_change_nothing_but_colour() -> None:
    import re

    coloured = text.plan_text(FULL, text.coloured)
    assert coloured != text.plan_text(FULL)
    assert re.sub("\x1b\\[[0-9]+m", "", coloured) == text.plan_text(FULL)


def test_no_changes() -> None:
    quiet = plan(unchanged=(KEY,), deltas=(ContactDelta(KEY.contact_set("may"), unchanged=7),))
    assert "No changes.\nContacts: 7 unchanged." in text.plan_text(quiet)
    assert "No changes beside what is in doubt." in text.plan_text(plan(in_doubt=FULL.in_doubt))
    assert markdown.plan_markdown(quiet).startswith("### reconciler: No changes")


def test_the_comment_has_its_summary_its_table_and_folded_details() -> None:
    told = markdown.plan_markdown(FULL)
    title = "### reconciler: 1 campaign changes, 5 more people can be called, 2 withdrawn · risk: dialling · blocked\n"
    assert told.startswith(title)
    assert "| acme | 0 | 1 | 0 | 0 | 1 | 5 | 2 | 1 |" in told
    assert "<details><summary>acme (1 campaign, 1 contact set)</summary>" in told and "plan `5f1c9e2a`" in told
    assert "- <b>In doubt</b> acme/campaign/spring" in told and "- <b>Blocked</b> G1: Too many" in told
    assert "A partial plan (--select campaign=spring)" in told and "Look for `[rc:k3f9qa]`" in told


def test_the_comment_keeps_its_budget_and_counts_what_is_left_out() -> None:
    many = tuple(change(Action.UPDATE, FieldChange(("note",), "x" * 50, "y" * 50), key=Key("acme", "campaign", f"c{i}"))
                 for i in range(500))  # fmt: skip
    told = markdown.plan_markdown(plan(changes=many), budget=8000)
    assert len(told.encode()) <= 8000
    shown = told.count("- <b>c")
    assert 10 < shown < 500 and told.count("<details>") == told.count("</details>") == 1
    assert (
        f"{500 - shown} of 500 campaigns did not fit here; the plan file holds them all: `reconciler show PLANFILE`."
        in told
    )
    noisy = plan(findings=tuple(Finding(f"W{i}", Severity.WARNING, f"{i}" + "z" * 400) for i in range(100)))
    clipped = markdown.plan_markdown(noisy, budget=2500)
    assert len(clipped.encode()) <= 2500 and "6 lines of this summary did not fit." in clipped
    assert "- and 90 more of these" in markdown.plan_markdown(noisy)


HOSTILE = "@everyone <img src=x onerror=a()> [x](http://evil) | `code` **b** \x1b[31m\u202e\nnew # line ~~s~~ &amp; _i_"


def test_hostile_text_is_inert_in_every_format() -> None:
    made = plan(
        changes=(
            change(Action.UPDATE, FieldChange(("note",), HOSTILE, HOSTILE + "2"), reason=HOSTILE, source=HOSTILE),
        ),
        unmanaged=(Unmanaged("acme", "v", HOSTILE),),
        findings=(Finding("W", Severity.WARNING, HOSTILE, remedy=HOSTILE),),
    )
    for told in (text.plan_text(made), markdown.plan_markdown(made)):
        assert not set("\x1b\u202e") & set(told)
    comment = markdown.plan_markdown(made)
    assert "@everyone" not in comment and "<img" not in comment and "http://" not in comment
    assert re.search(r"(?<!\\)[\]|`*_~]", comment.partition("W: ")[2].partition("\n")[0]) is None


def test_reports_as_text_and_json() -> None:
    step = change(Action.ADD_CONTACTS, key=KEY.contact_set("may"), contacts=ContactChange(5, "x"))
    outcomes = (
        Outcome(change(), "confirmed", "v1"),
        Outcome(step, "in_doubt", error="no answer", contacts=Tally(confirmed=1, in_doubt=4), touched=True),
        Outcome(change(Action.START), "skipped", error="not tried"),
    )
    made = Report("run1", "sha256:x", "partial", outcomes, Tally(confirmed=1, in_doubt=4), 9, "lineage", 42)
    told = text.report_text(made)
    assert "in doubt  add contacts acme/campaign/spring/contacts/may" in told
    assert "something may have changed at the vendor" in told and "nothing changed at the vendor" in told
    assert "Applied in part: 1 of 3 steps done · contacts: 1 confirmed, 4 in doubt" in told
    assert "wait for a person" in told and "in the next plan" in text.report_text(
        Report("r", "", "partial", outcomes, Tally(), 8)
    )
    value = json.loads(asjson.report_json(made))
    assert value["outcomes"][1]["contacts"] == {"confirmed": 1, "rejected": 0, "inDoubt": 4, "alreadyPresent": 0}
    assert value["result"] == "partial" and value["outcomes"][0]["error"] is None


def test_a_plan_as_json_is_its_plan_file() -> None:
    made: Plan = plan(changes=(change(),))
    assert json.loads(asjson.plan_json(made))["changes"][0]["key"] == "acme/campaign/spring"


def test_what_is_said_of_several_objects_in_the_same_words_is_said_once() -> None:
    unread = [
        Finding("ledger-only", Severity.INFO, "Not shown.", f"acme/campaign/c{i}", source=f"a.yaml:{i}")
        for i in range(5)
    ]
    told = text.plan_text(plan(findings=tuple(unread)))
    assert (
        "live state complete but for 5 campaigns that cannot be read" in told
        and "acme-outreach: 1 connection, 5 camp" in told
    )
    assert (
        "  ledger-only  acme/campaign/c0 (a.yaml:0), acme/campaign/c1 (a.yaml:1), acme/campaign/c2 (a.yaml:2), and 2 more: Not shown."
        in told
    )


def test_a_plan_that_is_blocked_is_not_called_one_without_changes() -> None:
    blocked = plan(
        findings=(Finding("namesake", Severity.ERROR, "Taken.", "acme/campaign/spring"),), in_doubt=FULL.in_doubt
    )
    assert "No changes beside what is blocked and what is in doubt." in text.plan_text(blocked)


def test_the_comment_says_at_once_who_may_be_called_when() -> None:
    edits = (
        windows("mon", [["09:00", "17:00"]], [["08:00", "17:00"]]),
        FieldChange(("recall", "maxAttempts"), 1, 2),
        FieldChange(("ratio",), 1, 2),
    )
    told = markdown.plan_markdown(plan(changes=(change(Action.UPDATE, *edits),)))
    widened = (
        "Mon 09:00-17:00 becomes 08:00-17:00, 1 h a week more\n"
        "- <b>campaign spring</b>: attempts: up to 1 attempt becomes up to 2 attempts\n"
    )
    assert f"- <b>campaign spring</b>: {widened}" in told.partition("<details>")[0] + "\n"


def test_what_ends_and_what_begins_is_told_before_it_is_unfolded() -> None:
    keys = [Key("acme", "campaign", f"c{i}") for i in range(7)]
    made = plan(
        changes=(change(Action.DELETE, risk=Risk.DESTRUCTIVE), *(change(Action.START, key=key) for key in keys[:7]))
    )
    head = markdown.plan_markdown(made).partition("<details>")[0]
    assert "- <b>campaign spring</b>: deleted at the vendor\n" in head
    assert "- <b>7 campaigns (c0, c1, c2, c3, c4, and 2 more)</b>: started: it dials from then on\n" in head
    assert "  campaign spring\n      deleted at the vendor\n" in text.plan_text(made)


def test_many_changes_and_doubts_are_counted_where_they_would_fill_the_summary() -> None:
    changes = tuple(
        change(Action.UPDATE, FieldChange(("recall", "maxAttempts"), 1, 2 + i), key=Key("acme", "campaign", f"c{i}"))
        for i in range(15)
    )
    doubts = tuple(
        Doubt(f"r{i}", "acme/campaign/spring", "create", "10:42", "run1", 3, "held", "[rc:k3f9qa]", "resolve")
        for i in range(12)
    )
    made = plan(changes=changes, in_doubt=doubts)
    assert "  and 5 more such changes\n" in text.plan_text(made)
    head = markdown.plan_markdown(made).partition("<details>")[0]
    assert "- and 2 more in doubt\n" in head and "- and 5 more of these\n" in head


def test_a_field_that_nobody_wrote_says_so() -> None:
    fields = (
        FieldChange(("displayName",), "a", "b", Cause.DEFAULT),
        FieldChange(("note",), "a", "b", Cause.FIRST, "a.yaml:3"),
    )
    told = text.plan_text(plan(changes=(change(Action.UPDATE, *fields),)))
    assert "      why             name: not declared, and its default is another one now\n" in told
    assert "      why             note: declared for the first time, a.yaml:3\n" in told
    adopted = change(Action.UPDATE, fields[1], reason="bound by id 7, never applied")
    assert "      why             bound by id 7, never applied\n" in text.plan_text(plan(changes=(adopted,)))


def test_what_a_panel_holds_need_not_be_a_time_of_day() -> None:
    odd = windows("mon", [["soon", "later"], [], "never"], [["09:00", "17:00"]])
    whole = FieldChange(("schedule",), {"windows": {"mon": [["x"]]}}, {"windows": {"mon": [["09:00", "17:00"]]}})
    told = text.plan_text(plan(changes=(change(Action.UPDATE, odd), change(Action.UPDATE, whole))))
    assert "mon soon-later and   ->  09:00-17:00   +8 h a week" in told and "mon x  ->  mon 09:00-17:00" in told


def test_nothing_done_is_not_called_done_in_part() -> None:
    failed = Report("r", "", "partial", (Outcome(change(), "rejected", error="no"),), Tally(), 1)
    assert "Not applied: 0 of 1 step done\nrun r" in text.report_text(failed)
    assert text.report_text(Report("r", "", "nothing", (), Tally(), 0)).startswith("Nothing to do\nrun r")


# ---- sentences -----------------------------------------------------------------------------------------------------

WARSAW: Json = {"timezone": "Europe/Warsaw", "windows": WEEK}


def sentences(*fields: FieldChange, action: Action = Action.UPDATE, schedule: Json = None) -> list[str]:
    return [str(edit) for edit in phrases.edits(change(action, *fields, schedule=schedule))]


def test_hours_in_one_sentence_with_their_time_zone() -> None:
    edited = [windows(day, [["09:00", "20:00"]], [["10:00", "19:00"]]) for day in ("mon", "tue", "wed", "thu", "fri")]
    assert sentences(*edited, windows("sun", [], [["10:00", "12:30"]]), schedule=WARSAW) == [
        "calling hours: Mon-Fri 09:00-20:00 becomes 10:00-19:00 Europe/Warsaw, 10 h a week less",
        "calling hours: Sun closed becomes 10:00-12:30 Europe/Warsaw, 2.5 h a week more",
    ]
    every = [windows(day, [["09:00", "17:00"]], [["17:00", "09:00"], ["10:00", "18:00"]]) for day in WEEK]
    assert sentences(*every)[0].startswith("calling hours: Every day 09:00-17:00 becomes ")


def test_a_new_campaign_says_how_long_a_week_it_calls() -> None:
    new = FieldChange(("schedule",), None, WARSAW)
    told = "every day 09:00-17:00 Europe/Warsaw"
    assert sentences(new, action=Action.CREATE) == [f"calling hours: {told}, 56 h a week"]
    assert sentences(new) == [f"calling hours: nothing becomes {told}, 56 h a week"]
    assert sentences(FieldChange(("schedule",), WARSAW, None)) == [
        f"calling hours: {told} becomes unset, 56 h a week less"
    ]


def test_other_fields_as_sentences() -> None:
    assert sentences(
        FieldChange(("recall", "maxAttempts"), 3, 4),
        FieldChange(("agents",), ["b", "c"], ["a", "b"]),
        FieldChange(("note",), "x", None),
        FieldChange(("note",), None, "y"),
    ) == [
        "attempts: up to 3 attempts becomes up to 4 attempts",
        "agents: + a  - c",
        "note: x becomes unset",
        "note: nothing becomes y",
    ]  # fmt: skip
    policy = FieldChange(("recall",), None, {"maxAttempts": 3})
    assert sentences(policy) == ["attempts: nothing becomes up to 3 attempts"]
    assert sentences(policy, action=Action.CREATE) == ["attempts: up to 3 attempts"]
