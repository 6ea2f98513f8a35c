"""The page in Debian's Chromium: nothing leaves it, it can be used without a mouse, without sight, without script, and on paper."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from bench.render import plan as large
from reconciler.model import Plan
from reconciler.render.html import plan_html
from tests.report_sample import sample
from tests.test_render_hostile import LINE, hostile

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
Opened = Callable[..., Page]


@pytest.fixture(
    scope="module"
)  # not "session": its event loop would still run when the tests of another file begin theirs
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Opened]:
    """Opens the report of a plan as a file; afterwards: no word on the console, no error, no request but for the file itself."""
    heard: list[str] = []
    contexts = []

    def open_report(plan: Plan | None = None, **options: Any) -> Page:
        path = tmp_path / "report.html"
        path.write_text(plan_html(plan or sample(blocked=True)), encoding="utf-8")
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: heard.append(message.text))
        page.on("pageerror", lambda error: heard.append(str(error)))
        page.on("dialog", lambda dialog: heard.append(dialog.message))
        page.on("request", lambda request: heard.append(request.url) if request.url != path.as_uri() else None)
        page.goto(path.as_uri())
        return page

    yield open_report
    for context in contexts:
        context.close()
    assert heard == []


def shown(page: Page) -> list[str]:
    return [card.inner_text() for card in page.locator(".card:visible h4").all()]


# ---- what it may do --------------------------------------------------------------------------------------------------


def test_the_policy_stops_whatever_else_there_would_be(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(plan_html(sample()), encoding="utf-8")
    page = browser.new_page()
    page.goto(path.as_uri())
    stopped = page.evaluate(
        """async () => {
          const stopped = [];
          addEventListener("securitypolicyviolation", (event) => stopped.push(event.effectiveDirective));
          const script = document.createElement("script");
          script.textContent = "window.obeyed = true";
          const handler = document.createElement("p");
          handler.setAttribute("onclick", "window.obeyed = true");
          handler.setAttribute("style", "position: fixed");
          const image = document.createElement("img");
          image.src = "https://vendor.example/a.png";
          document.body.append(script, handler, image);
          handler.click();
          await fetch("https://vendor.example/").catch(() => null);
          await new Promise((done) => setTimeout(done, 50));
          return stopped;
        }"""
    )
    assert {"script-src-elem", "script-src-attr", "style-src-attr", "img-src", "connect-src"} <= set(stopped)
    assert page.evaluate("window.obeyed") is None
    page.close()


@pytest.mark.parametrize(
    "text",
    [
        "</title></script><script>alert(1)</script><img src=x onerror=alert(2)>",
        "\"><svg onload=alert(3)> '{{ 7*7 }} javascript:alert(4)",
        LINE,
    ],
)
def test_hostile_words_are_shown_and_do_nothing(opened: Opened, text: str) -> None:
    page = opened(hostile(text))
    words = " ".join(text.split()[:2]).replace("\x1b", "").replace("\u202e", "")
    assert page.locator("h4").first.inner_text().startswith(words)
    assert page.locator("img, h1 script, [onload], [onerror]").count() == 0
    assert page.locator("script").count() == 1


# ---- filters ---------------------------------------------------------------------------------------------------------


def test_filters_narrow_and_say_how_many_are_left(opened: Opened) -> None:
    page = opened()
    status = page.get_by_role("status")
    assert status.inner_text() == "5 of 5 campaigns shown"
    page.get_by_role("combobox", name="Connection").select_option("tel4vn-hanoi")
    assert shown(page) == ["spring-renewals", "welcome-calls", "winter-renewals"]
    assert page.locator(".connection:visible").count() == 1
    page.get_by_role("combobox", name="Risk").select_option("destructive")
    assert shown(page) == ["spring-renewals", "winter-renewals"]
    page.get_by_role("combobox", name="Verb").select_option("withdraw contacts")
    assert shown(page) == ["spring-renewals"] and status.inner_text() == "1 of 5 campaigns shown"
    page.get_by_role("searchbox", name="Campaign").fill(" WINTER")
    assert shown(page) == [] and status.inner_text() == "0 of 5 campaigns shown"
    page.get_by_role("button", name="Show all").click()
    page.wait_for_function("document.getElementById('shown').textContent.startsWith('5 of 5')")
    assert len(shown(page)) == 5
    page.get_by_role("searchbox", name="Campaign").press("Enter")
    assert len(shown(page)) == 5 and page.url.endswith("report.html")


def test_a_link_leads_to_a_campaign_that_a_filter_hides(opened: Opened) -> None:
    page = opened()
    page.get_by_role("searchbox", name="Campaign").fill("welcome")
    page.get_by_role("link", name="winter-renewals").click()
    page.wait_for_function("document.getElementById('shown').textContent.startsWith('5 of 5')")
    assert page.locator(".card:target h4").inner_text() == "winter-renewals"


def test_only_what_there_is_can_be_chosen(opened: Opened) -> None:
    page = opened()
    assert page.get_by_role("combobox", name="Risk").locator("option").all_inner_texts() == [
        "all",
        "dialling",
        "destructive",
        "safe",
    ]
    verbs = ["all", "create", "update", "delete", "stop", "add contacts", "withdraw contacts"]
    assert page.get_by_role("combobox", name="Verb").locator("option").all_inner_texts() == verbs


def test_everything_can_be_read_without_script(opened: Opened) -> None:
    page = opened(java_script_enabled=False)
    assert len(shown(page)) == 5 and not page.locator("#filters").is_visible()
    page.get_by_text("Raw fields of create").click()
    assert page.locator("pre").first.is_visible()


def test_thousands_of_campaigns_stay_usable(opened: Opened) -> None:
    page = opened(large(1_000))
    page.get_by_role("searchbox", name="Campaign").fill("campaign-00999")
    assert shown(page) == ["campaign-00999"]
    assert page.get_by_role("status").inner_text() == "1 of 1,000 campaigns shown"
    assert page.evaluate("document.querySelectorAll('*').length") < 90_000


# ---- everybody -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [{}, {"color_scheme": "dark"}, {"viewport": {"width": 320, "height": 640}}],
    ids=["light", "dark", "phone"],
)
def test_axe_finds_nothing(opened: Opened, options: dict[str, Any]) -> None:
    """axe is a script of somebody else's, which the policy would stop: only here it may run."""
    page = opened(bypass_csp=True, **options)
    for summary in page.locator("summary").all():
        summary.click()
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_all_of_it_is_reached_by_keyboard_and_the_focus_is_seen(opened: Opened) -> None:
    page = opened()
    walked: list[str] = []
    for _ in range(60):
        page.keyboard.press("Tab")
        there: dict[str, Any] = page.evaluate(
            """() => { const at = document.activeElement, box = at.getBoundingClientRect();
              return {name: at.name || at.textContent.trim(), tag: at.localName, line: getComputedStyle(at).outlineStyle,
                      seen: box.width > 0 && box.right > 0 && box.bottom > 0 && box.top < innerHeight}; }"""
        )
        if there["tag"] == "body":
            break
        assert there["line"] != "none" and there["seen"], there
        walked.append(f"{there['tag']} {there['name']}")
    assert walked[0] == "a Skip to the changes"
    links = ["a intersvyaz-chel", "a tel4vn-hanoi", "a thulium-krakow", "a spring-renewals"]
    filters = ["input name", "select connection", "select risk", "select verb", "button Show all"]
    rest = ["summary Raw fields of create", "summary 2 unchanged campaigns", "summary 1 live campaign not managed here"]
    order = [walked.index(name) for name in [*links, *filters, *rest]]
    assert order == sorted(order)


def test_the_first_key_leads_to_the_changes_and_details_open_by_key(opened: Opened) -> None:
    page = opened()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "changes"
    page.get_by_text("Raw fields of create").focus()
    page.keyboard.press("Enter")
    assert page.locator("pre").first.is_visible()


def test_a_screen_reader_is_told_what_eyes_see(opened: Opened) -> None:
    page = opened()
    levels = [
        int(tag[1]) for tag in page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map((h) => h.localName)")
    ]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert page.get_by_role("table", name="Steps and people by connection").count() == 1
    week = page.get_by_role("img", name="After: mon-sat 08:30-12:00 and 13:30-18:00 Asia/Ho_Chi_Minh")
    assert week.count() == 2
    rows = page.locator(".people").last.locator("tr").all_inner_texts()
    assert [row.split() for row in rows][:2] == [["source", "100,796"], ["rejected", "3"]]
    assert page.locator("html").get_attribute("lang") == "en" and page.get_by_role("main").count() == 1


def test_no_width_makes_it_scroll_sideways(opened: Opened) -> None:
    page = opened()
    for width in (320, 390, 768, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_dark_is_dark(opened: Opened) -> None:
    grounds = {}
    for scheme in ("light", "dark"):
        page = opened(color_scheme=scheme)
        (red, *_) = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
        grounds[scheme] = red
    assert grounds["light"] > 230 and grounds["dark"] < 40


def test_on_paper_all_is_open_and_filters_are_not_there(opened: Opened) -> None:
    page = opened(color_scheme="dark")
    page.emulate_media(media="print")
    assert not page.locator("#filters").is_visible() and page.locator("pre").first.is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.emulate_media(media="screen")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details[open]").count() == 0
    paper = page.pdf(format="A4")
    assert paper.startswith(b"%PDF") and len(paper) > 20_000


def test_a_plan_without_changes_needs_no_filters(opened: Opened) -> None:
    page = opened(replace(sample(), changes=(), deltas=()))
    assert page.locator("#filters").count() == 0
    assert page.get_by_role("heading", level=1).inner_text() == "No changes beside what is in doubt"
