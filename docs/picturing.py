"""The pictures of docs/report.md, taken anew: `python -m docs.picturing`. Needs Debian's chromium."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from reconciler.render.html import plan_html
from tests.report_sample import sample
from tests.test_render_html_browser import FLAGS

PICTURES = Path(__file__).parent / "pictures"


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        page = Path(folder) / "report.html"
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page.write_text(plan_html(sample()), encoding="utf-8")
        take(browser, page, "report-summary", 1000, 1000)
        take(browser, page, "report-campaign", 1000, 0, ".connection:nth-of-type(2) .card:first-of-type")
        page.write_text(plan_html(sample(blocked=True)), encoding="utf-8")
        take(browser, page, "report-dark", 1000, 640, dark=True)
        take(browser, page, "report-phone", 390, 844)
        browser.close()


def take(
    browser: Browser, page: Path, name: str, width: int, height: int, element: str = "", dark: bool = False
) -> None:
    """Of what is seen first, or of one element."""
    shown = browser.new_page(
        viewport={"width": width, "height": height or 800}, color_scheme="dark" if dark else "light"
    )
    shown.goto(page.as_uri())
    path = PICTURES / f"{name}.png"
    if element:
        # The filters stay at the top of the window, and would be in the picture.
        shown.evaluate("document.getElementById('filters').hidden = true")
        shown.locator(element).first.screenshot(path=path)
    else:
        shown.screenshot(path=path)
    shown.close()


if __name__ == "__main__":
    main()
