"""The page as text: what it says, in which order, and that nothing in a plan is more than text in it. The browser is elsewhere."""

from __future__ import annotations

import gc
import hashlib
import re
import subprocess
import sys
import zipfile
from base64 import b64encode
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bench.render import plan as large
from reconciler.guards import WAIVED
from reconciler.model import (
    Action,
    Change,
    ContactChange,
    ContactDelta,
    FieldChange,
    Finding,
    Json,
    Key,
    Plan,
    Risk,
    Severity,
    Unmanaged,
)
from reconciler.redact import inert
from reconciler.render import html_first as first
from reconciler.render import html_view as view
from reconciler.render.html import plan_html
from reconciler.render.html_figures import Bar, panels, waterfall
from tests.build import KEY, plan
from tests.report_sample import HANOI, sample
from tests.test_render_escaping import TEXT
from tests.test_render_hostile import LINE, hostile

ROOT = Path(__file__).parent.parent
WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TAGS = """
    html head meta title style body a header p h1 h2 h3 h4 main section ul ol li strong span div table caption thead tbody tr th td code
    form label input select option button article details summary pre figure figcaption dl dt dd svg use symbol line rect text script
"""
TAGS = set(_TAGS.split())


class Page(HTMLParser):
    """What a browser makes of it: elements, attributes, the text outside of style and script."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str]] = []
        self.words: list[str] = []
        self.inside = ""
        self.raw: dict[str, str] = {}
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.words += [" "] if tag in {"td", "th", "dt", "dd", "li", "p", "div"} else []
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        self.inside = tag

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside in {"style", "script"}:
            self.raw[self.inside] = data
        else:
            self.words.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())

    def values(self, name: str) -> set[str]:
        return {value for _, attribute, value in self.attributes if attribute == name}


def part(name: str) -> str:
    return files("reconciler.render").joinpath("templates", name).read_text("utf-8")


def update(number: int, risk: Risk = Risk.DIALLING, **more: object) -> Change:
    values: dict[str, object] = {
        "key": Key("acme", "campaign", f"c{number}"),
        "source": f"c{number}.yaml:1",
        "reason": "changed in the declaration",
        "fields": (FieldChange(("ratio",), 1, 2),),
    }
    return Change(number, Action.UPDATE, risk=risk, **{**values, **more})  # type: ignore[arg-type] # of a dict


# ---- one file that loads nothing and obeys nobody ---------------------------------------------------------------------


def check_sealed(html: str) -> Page:
    """The page's own elements, its own style sheet and script and their policy, links to itself: nothing else."""
    page = Page(html)
    assert set(page.tags) <= TAGS
    assert page.tags["script"] == page.tags["style"] == page.tags["title"] == 1
    assert page.raw == {"style": part("report.css"), "script": part("report.js")}
    names = {name for _, name, _ in page.attributes}
    assert not [name for name in names if name.startswith("on") or name in {"style", "src", "action", "srcset"}]
    assert all(re.fullmatch(r"#(changes|grid|(connection|campaign|week)\d+)", link) for link in page.values("href"))
    assert all(re.fullmatch(r"[a-z]+\d*", name) for name in page.values("id"))
    for line in html.split("\n"):
        assert inert(line) == " ".join(line.split())
    return page


def test_the_policy_admits_this_style_sheet_and_this_script_alone() -> None:
    page = check_sealed(plan_html(sample()))
    (policy,) = (value for value in page.values("content") if "default-src" in value)
    allowed = {
        name: f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
        for name, text in page.raw.items()
    }
    assert policy == (
        f"default-src 'none'; style-src {allowed['style']}; script-src {allowed['script']}; base-uri 'none'; form-action 'none'"
    )


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(TEXT | st.text(max_size=20))
@example(LINE)
@example("</script></style></title><script>alert(1)</script>")
@example('" onload="x" \'{{ 7*7 }}{% raw %}{# #}javascript:x')
@example("a\x1b[31mb\x9b0m\u202ec\u2066d\u200be\x00\r\nf\u2028g")
def test_whatever_a_plan_says_is_text(t: str) -> None:
    page = check_sealed(plan_html(hostile(t)))
    shown = inert(t)
    assert page.text.count(shown) > 20 or not shown
    if set(shown) & set("<&\"'{"):
        assert page.tags == Page(plan_html(hostile("q7"))).tags


def test_what_is_loaded_by_a_browser_is_in_the_wheel(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {f"reconciler/render/templates/report.{kind}" for kind in ("html.j2", "css", "js")} <= set(names)


def test_collecting_goes_on_afterwards_only_where_it_went_on_before() -> None:
    assert gc.isenabled()
    plan_html(sample())
    assert gc.isenabled()
    gc.disable()
    try:
        plan_html(sample())
        assert not gc.isenabled()
    finally:
        gc.enable()


# ---- what it says ----------------------------------------------------------------------------------------------------


def test_what_counts_comes_first() -> None:
    text = Page(plan_html(sample(blocked=True))).text
    order = [
        "acme-outreach · plan for review", "5 campaigns change, 14,291 more people can be called",
        "Blocked: apply refuses this plan", "commit a1b2c3d4e5f6", "14,291 people added", "214 people withdrawn",
        "157 suppressed", "3 connections 5 campaigns change", "1 error 1 warning, 1 note, 1 in doubt", "What blocks it",
        "More people than the guard maxContacts allows.", "reconciler.yaml:14", "In doubt", "Look for [rc:k3f9qa]",
        "Look at these first", "12,431 people of renewals-may added", "What is taken away",
        "214 people of renewals-may withdrawn", "the campaign is gone from the vendor",
        "What changes for those who are called", "schedule office-hours-vn shared/schedules.yaml:3",
        "Mon-Fri 09:00-12:00 and 13:30-17:00 becomes 08:30-12:00 and 13:30-18:00 Asia/Ho_Chi_Minh, 7.5 h a week more",
        "used by 2 campaigns: spring-renewals, welcome-calls", "Changes",
        "Warnings and notes", "What stays as it is", "2 unchanged campaigns", "1 live campaign not managed here",
        "What an approval stands for", "plan sha256:", "a1b2c3d4e5f60718293a4b5c6d7e8f9012345678",
        "0f3c61d2-93a1-4b0e-8a4f-5d2f4c1b7e90, serial 41", "valid until 2026-06-02T08:00:00Z",
    ]  # fmt: skip
    position = 0
    for told in order:
        assert told in text[position:], f"{told} is missing, or comes too early"
        position = text.index(told, position)


def test_every_step_says_why_and_where_it_is_declared() -> None:
    text = Page(plan_html(sample())).text
    assert "campaigns/odnowienia.yaml:3 · why: changed at the vendor since the last apply" in text
    assert "concurrent_call 5 becomes 9" in text
    assert "+ concurrent_call: 9" in text and "- recall.maxAttempts: 3" in text
    assert "118 suppressed (internal-refusals)" in text and "3 rejected (too short 2, empty 1)" in text
    assert "3 of those unchanged are in doubt or were refused before" in text


def test_a_plan_without_changes_says_so() -> None:
    quiet = ContactDelta(KEY.contact_set("may"), rows=3, suppressed={"refusals": 1}, unchanged=2)
    text = Page(plan_html(plan(unchanged=(KEY,), deltas=(quiet,)))).text
    assert "There is nothing to apply." in text and "No campaign changes." in text and "Look at these first" not in text
    told = "may of acme/campaign/spring: 3 in the source · 0 added · 2 unchanged · 1 suppressed (refusals)"
    assert "1 unchanged campaign" in text and told in text
    nothing = Page(plan_html(plan())).text
    assert "What stays as it is" not in nothing and "no warning" in nothing


def test_a_partial_plan_and_a_waiver_are_told_at_the_top() -> None:
    waiver = Finding(WAIVED, Severity.WARNING, "The guard max is waived until June.", source="reconciler.yaml:20")
    text = Page(
        plan_html(plan(changes=(update(1),), findings=(waiver,), select=("campaign=c1",), exclude=("kind=x",)))
    ).text
    assert "plan for review · partial" in text and "only a part --select campaign=c1 --exclude kind=x" in text
    assert text.count("The guard max is waived until June. (reconciler.yaml:20)") == 1


def test_what_is_long_is_cut_and_counted() -> None:
    changes = tuple(update(number) for number in range(1, 11))
    unmanaged = tuple(Unmanaged("acme", f"v{number}", "", "running", "queued") for number in range(205))
    text = Page(plan_html(plan(changes=changes, unmanaged=unmanaged))).text
    assert "and 4 more below, of risk dialling" in text
    assert "205 live campaigns not managed here" in text and "and 5 more" in text
    assert "acme (no name) v0 running, queued" in text
    hours = (update(n, fields=(FieldChange(("recall", "maxAttempts"), 1, n + 1),)) for n in range(1, 16))
    assert "and 3 more such changes, below" in Page(plan_html(plan(changes=tuple(hours)))).text


def test_the_least_dangerous_of_many_are_told_in_brief() -> None:
    people = ContactChange(7, "hmac-sha256:0")
    changes = (
        update(1, Risk.SAFE),
        update(2),
        Change(
            3,
            Action.ADD_CONTACTS,
            Key("acme", "contacts", "c3", "may"),
            "a.yaml:1",
            "new",
            Risk.DIALLING,
            contacts=people,
        ),
    )
    (group,) = view.groups(plan(changes=changes), most=1)
    assert [card.detailed for card in group.cards] == [False, False, True]
    brief = group.cards[0].steps[0].brief
    assert brief == "~ update. ratio: 1 becomes 2. why: changed in the declaration. c1.yaml:1"
    assert group.cards[0].steps[0].raw == () and group.cards[0].sets == ()


def test_a_plan_of_many_campaigns_holds_every_one_and_stays_small() -> None:
    page = Page(html := plan_html(large(1_500)))
    assert page.tags["article"] == 1_500 and len(html) < 4_000_000
    assert "The 1,000 least dangerous campaigns are told without raw fields and figures" in page.text
    assert page.tags["figure"] == 500 * 3 and sum(page.tags.values()) < 100_000
    assert page.tags["symbol"] < 400  # each week once
    assert ("main", "class", "many") in page.attributes


@pytest.mark.parametrize(
    ("action", "told"),
    [
        (Action.START, "calling begins"),
        (Action.STOP, "calling ends"),
        (Action.DELETE, "the campaign is gone from the vendor"),
    ],
)
def test_run_state_in_words(action: Action, told: str) -> None:
    step = Change(1, action, KEY, "", "declared", Risk.DIALLING, fields=(FieldChange(("activation",), "a", "b"),))
    (group,) = view.groups(plan(changes=(step,)))
    assert group.cards[0].steps[0].told == told and group.cards[0].steps[0].edits == ()
    (concern,) = first.concerns((group,))
    assert concern.looks[0].reasons == (told,)


def test_hours_alone_are_told_once_and_not_again_as_a_concern() -> None:
    field = FieldChange(("schedule", "windows", "mon"), [], [["09:00", "17:00"]])
    assert first.concerns(view.groups(plan(changes=(update(1, fields=(field,)),)))) == ()


# ---- weeks -----------------------------------------------------------------------------------------------------------

HOURS: list[Json] = [["09:00", "17:00"]]


def schedule(zone: str = "Europe/Warsaw", **windows: Json) -> Json:
    return {"timezone": zone, "windows": {**{day: list(HOURS) for day in WEEK}, **windows}}


def test_a_week_before_and_after() -> None:
    field = FieldChange(("schedule", "windows", "tue"), HOURS, [["10:00", "12:00"], ["16:30", "18:00"]])
    after = schedule(tue=field.after)
    before, now = panels(update(1, fields=(field,), schedule=after))
    assert (before.title, now.title) == ("Before", "After")
    assert before.told == "every day 09:00-17:00 Europe/Warsaw"
    assert [bar for bar in before.week if bar.day == 1] == [
        Bar(1, 600, 120, "stays"), Bar(1, 990, 30, "stays"), Bar(1, 540, 60, "closes"), Bar(1, 720, 270, "closes"),
    ]  # fmt: skip
    assert [bar for bar in now.week if bar.day == 1] == [
        Bar(1, 600, 120, "stays"), Bar(1, 990, 30, "stays"), Bar(1, 1020, 60, "opens"),
    ]  # fmt: skip
    assert [bar for bar in now.week if bar.day == 0] == [Bar(0, 540, 480, "stays")]


def test_a_new_time_zone_is_told_on_both_sides() -> None:
    field = FieldChange(("schedule", "timezone"), "Europe/London", "Europe/Warsaw")
    before, after = panels(update(1, fields=(field,), schedule=schedule()))
    assert before.told == "every day 09:00-17:00 Europe/London" and after.told.endswith("Europe/Warsaw")


def test_windows_that_are_set_as_a_whole() -> None:
    field = FieldChange(("schedule", "windows"), None, {"mon": HOURS})
    before, after = panels(
        update(1, fields=(field,), schedule={"timezone": "Europe/Warsaw", "windows": {"mon": HOURS}})
    )
    assert before.week == () and after.week == (Bar(0, 540, 480, "opens"),)


def test_what_is_new_has_one_week_and_what_has_no_hours_none() -> None:
    (only,) = panels(update(1, fields=(FieldChange(("schedule",), None, schedule()),)))
    assert only.title == "Calling hours" and {bar.kind for bar in only.week} == {"opens"} and len(only.week) == 7
    assert panels(update(1)) == ()
    dates = FieldChange(("schedule", "starts"), None, "2026-06-01")
    assert panels(update(1, fields=(dates,), schedule=schedule())) == ()
    gone = panels(update(1, fields=(FieldChange(("schedule",), schedule(), None),)))
    assert gone[1].told == "none" and gone[1].week == () and {bar.kind for bar in gone[0].week} == {"closes"}


@pytest.mark.parametrize("windows", [None, "x", [["a", "b"]], [["09:00"]], ["09:00"]])
def test_what_is_no_time_of_day_is_not_drawn(windows: Json) -> None:
    field = FieldChange(("schedule", "windows", "mon"), windows, HOURS)
    before, after = panels(update(1, fields=(field,), schedule=schedule()))
    assert [bar for bar in before.week if bar.day == 0] == []
    assert [bar for bar in after.week if bar.day == 0] == [Bar(0, 540, 480, "opens")]


# ---- people ----------------------------------------------------------------------------------------------------------


def test_a_waterfall_goes_from_the_source_to_who_is_added() -> None:
    counts = ContactDelta(
        HANOI.contact_set("may"), rows=200, rejected={"empty": 10}, duplicates=20, suppressed={"a": 30, "b": 10}, added=60,
        waiting=5, updated=15, unchanged=50, withdrawn=40,
    )  # fmt: skip
    assert [(fall.label, fall.count, fall.left, fall.width) for fall in waterfall(counts)] == [
        ("source", 200, 0, 100), ("rejected", 10, 95, 5), ("duplicates", 20, 85, 10), ("suppressed", 40, 65, 20),
        ("unchanged", 50, 40, 25), ("waiting", 5, 37.5, 2.5), ("updated", 15, 30, 7.5), ("added", 60, 0, 30),
        ("withdrawn", 40, 0, 20),
    ]  # fmt: skip


@given(st.integers(0, 10**7), st.integers(0, 10**7), st.integers(0, 10**7), st.integers(0, 10**7))
def test_bars_stay_inside_and_what_is_there_can_be_seen(rejected: int, known: int, added: int, withdrawn: int) -> None:
    rows = rejected + known + added
    counts = ContactDelta(
        KEY.contact_set("may"), rows, {"empty": rejected}, unchanged=known, added=added, withdrawn=withdrawn
    )
    for fall in waterfall(counts):
        assert 0 <= fall.left <= fall.left + fall.width <= 100.01
        assert (fall.width >= 0.5) == (fall.count > 0)


def test_a_blocked_plan_counts_its_errors() -> None:
    made: Plan = replace(sample(blocked=True), in_doubt=())
    figures = {figure.label: figure for figure in first.figures(made, view.groups(made))}
    assert figures["error"].count == 1 and figures["error"].note == "1 warning, 1 note"
    assert figures["error"].tone == "destructive" and figures["people added"].tone == "dialling"


def test_what_apply_refuses_without_an_error_is_said_as_loudly() -> None:
    only = Finding("plan-only", Severity.INFO, "acme is planOnly: apply refuses a plan that changes something there.")
    text = Page(plan_html(plan(changes=(update(1),), findings=(only,)))).text
    assert text.index(only.message) < text.index("Summary") and "Nothing blocks" not in text
