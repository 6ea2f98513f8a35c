"""Plans whose every text was written by somebody hostile: each format says it, and obeys none of it."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import HealthCheck, example, given, settings

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
from reconciler.redact import inert
from reconciler.render import asjson, markdown, text
from tests.build import plan
from tests.test_render_escaping import OURS, PIECES, TEXT, references, rendered

LINE = (
    "@all <img src=x> ![i](//x) | `a` **b** https://x.example\x1b[31m\u202e\n\n# #1 :smile: /close a1b2c3d4 \U000e0041"
)


def hostile(t: str, value: Json = None) -> Plan:
    """With `t` in every place that holds a text, `value` in a field."""
    key = Key(t, "campaign", t)
    values: list[Json] = [value, [t], {t: t}, t]
    fields = [FieldChange((t, t), before, t, cause, t) for before in values for cause in (None, Cause.BOTH)]
    day = FieldChange(("schedule", "windows", t), [[t, t]], [["09:00", t]], Cause.DECLARED, t)
    whole = FieldChange(("schedule",), {"timezone": t, "windows": {t: [[t, t]]}, "starts": t}, {"windows": t})
    recall = FieldChange(("recall", "after"), t, t + "m", Cause.DRIFT)
    schedule: Json = {"timezone": t}
    steps = (
        Change(1, Action.CREATE, key, t, t, Risk.DIALLING, (), (FieldChange((t,), None, value),)),
        Change(2, Action.UPDATE, key, t, t, Risk.DIALLING, (1,), (*fields, day, recall), schedule=schedule),
        Change(3, Action.UPDATE, Key(t, "campaign", "b"), t, t, Risk.SAFE, (), (whole,)),
        Change(4, Action.ADD_CONTACTS, key.contact_set(t), t, t, Risk.DIALLING, contacts=ContactChange(5, t)),
        Change(5, Action.START, key, t, t, Risk.DIALLING, (), (FieldChange(("activation",), t, t),)),
    )
    delta = ContactDelta(key.contact_set(t), rejected={t: 2, "x": 1}, suppressed={t: 1}, added=5)
    return plan(
        project=t,
        expires_at=t,
        digest=t,
        bound=Bound(t, 1, t, t, (t,)),
        changes=steps,
        deltas=(delta, ContactDelta(Key(t, "campaign", "b").contact_set("q"), suppressed={t: 1})),
        unmanaged=(Unmanaged(t, t, t, t, t),),
        findings=(
            *(Finding(t, severity, t, t, t, t, t, t) for severity in Severity),
            Finding("waiver", Severity.WARNING, t, source=t),
        ),
        in_doubt=(Doubt(t, t, t, t, t, 3, "held", t, t),),
        select=(t,),
        commit=t,
        shared=(SharedPart("Schedule", t, t, (key,)), SharedPart("ContactSet", t, t, (key, Key(t, "campaign", "b")))),
    )


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(TEXT)
@example(LINE)
@example("")
@example("\n")
def test_the_comment_holds_the_text_and_nothing_of_its_power(t: str) -> None:
    told = markdown.plan_markdown(hostile(t))
    page = rendered(told)
    assert set(page.tags) <= OURS | {"strong"} and not page.attributes
    assert references(page) == []
    assert page.tags.count("td") == page.tags.count("th") and page.tags.count("h3") == 1
    assert page.tags.count("details") == page.tags.count("summary") == 1
    assert not [line for line in told.splitlines() if line.startswith("/")]
    shown = inert(t)[:299]
    assert inert(page.text).count(shown) > 20 or not shown.strip()


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(TEXT)
@example(LINE)
def test_a_terminal_is_given_nothing_to_obey(t: str) -> None:
    told = text.plan_text(hostile(t))
    for line in told.split("\n"):
        assert inert(line) == " ".join(line.split())
    harmless = text.plan_text(hostile("x"))
    assert len(told.split("\n")) == len(harmless.split("\n")) or not inert(t) or set(t) & set("/:")


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(TEXT)
@example(LINE)
def test_json_shows_what_cannot_be_seen(t: str) -> None:
    made = planfile.seal(hostile(t))
    told = asjson.plan_json(made)
    assert not set(told) & set("\x1b\u202e\u200b\U000e0041\x9b\u2028")
    assert json.loads(told)["project"] == t
    assert json.loads(planfile.canonical(planfile.to_json(made)))["changes"][0]["reason"] == t


@pytest.mark.parametrize("budget", [600, 2_000, 10_000, 65_536])
def test_the_comment_keeps_any_budget(budget: int) -> None:
    told = markdown.plan_markdown(hostile("".join(PIECES) * 20), budget)
    assert len(told.encode()) <= budget
    assert set(rendered(told).tags) <= OURS


def test_a_summary_fits_whatever_the_number_of_connections_and_findings() -> None:
    step = Change(
        1,
        Action.UPDATE,
        Key("c", "campaign", "a"),
        "a.yaml:1",
        "changed",
        Risk.SAFE,
        (),
        (FieldChange(("note",), "x", "y"),),
    )
    changes = tuple(
        Change(i, step.action, Key(f"connection-{i:04}", "campaign", f"campaign-{i}"), step.source, step.reason, step.risk, (), step.fields)
        for i in range(3_000)
    )  # fmt: skip
    findings = tuple(
        Finding(f"code-{i % 40}", Severity.ERROR, f"Message {i} " + "m" * 400, f"c/campaign/{i}") for i in range(10_000)
    )
    told = markdown.plan_markdown(plan(changes=changes, findings=findings))
    assert len(told.encode()) <= markdown.BUDGET
    assert "Findings: 10,000 errors." in told and "| 2,980 more |" in told and "did not fit here" in told
    assert "lines of this summary" not in told and "<b>all</b> | 0 | 3,000 |" in told
    assert re.search(r"- and 230 more of these", told)
