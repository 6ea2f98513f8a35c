"""Hostile text in Markdown: read by GitHub's own renderer it is the same text; what a host adds on top finds nothing to link."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from cmarkgfm import github_flavored_markdown_to_html
from cmarkgfm.cmark import Options
from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.redact import inert
from reconciler.render.escaping import code, escape, short

OURS = {"p", "b", "code", "span", "ul", "li", "h3", "table", "thead", "tbody", "tr", "th", "td", "details", "summary"}
# What the hosts look for in rendered text, outside of <code>: their documentation of references, autolinks, emoji and quick actions.
REFERENCES = (
    r"@[A-Za-z0-9_]",
    r"#\d|#[A-Za-z_]",
    r"(?i)\bGH-\d",
    r"(?<![0-9A-Za-z])[0-9a-f]{7,40}(?![0-9A-Za-z])",
    r"(?i):[a-z_+-]*[a-z][a-z0-9_+-]*:|:100:|:\+1:",
    r"(?i)\w+://",
    r"(?i)www\.",
    r"!\d",
    r"&\d",
    r"\$\d",
    r"%[\w\"]",
    r"~[\w\"]",
    r"\^alert",
    r"\*iteration:",
    r"\[(?:epic|vulnerability|feature_flag|contact|wiki_page|cadence|issue):",
    r"\[\[|\[[-+]|\{[-+]",
    r"\$[^\s$][^$]*\$",
)


class Page(HTMLParser):
    """Tags, attributes and text of what was rendered. `free`: the text runs outside of <code>."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text, self.free = "", [""]
        self._code = 0
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        self._code += tag == "code"

    def handle_endtag(self, tag: str) -> None:
        self._code -= tag == "code"
        self.free.append("")

    def handle_data(self, data: str) -> None:
        self.text += data
        if not self._code:
            self.free[-1] += data

    def handle_comment(self, data: str) -> None:
        self.tags.append("comment")


def rendered(markdown: str) -> Page:
    return Page(github_flavored_markdown_to_html(markdown, Options.CMARK_OPT_UNSAFE | Options.CMARK_OPT_FOOTNOTES))


def references(page: Page) -> list[str]:
    return [found.group() for run in page.free for rule in REFERENCES for found in re.finditer(rule, run)]


def bare(text: str) -> str:
    return text.replace("\u200b", "")


TAGS = re.compile(r"<[a-z/]+>|---|[|#]|^- |(?<=\n)- ")
PIECES = [
    "@all", "#12", "GH-3", "a/b#1", "u@a1b2c3d", "a1b2c3d4e5", "https://x.example", "http://", "www.x.example",
    "mailto:a@b.co", "x@y.pl", "![i](//x)", "[a](b)", "[a]: b", "<b>", "<!-- x", "</details>", "&lt;", "&#64;all",
    "|", "\\|", "\\", "`", "```", "~~", "~label", "%\"m\"", "%1", "$9", "$x$", "!7", "&8", "**", "*", "_", "__",
    "_i_", "a_b", ":smile:", ":+1:", "09:00-17:00", "- ", "+ ", "1. ", "12) ", "# ", "> ", "===", "---", "[ ] ",
    "[x] ", "[^1]", "[[_TOC_]]", "{+ a +}", "[- b -]", "^alert#1", "*iteration:x", "[epic:1]", "/close", "\n",
    "\r\n\n", "\t", "    ", "\u202e", "\u200b", "\u001b[31m", "<script>", "<https://x>", "xmpp:a@b", "ftp://a",
    "Zażółć", "名前", "🙂", "::", "a:b:c",
]  # fmt: skip
TEXT = st.lists(st.sampled_from(PIECES) | st.text(max_size=6), max_size=8).map("".join)


@given(TEXT)
@example("".join(PIECES))
@pytest.mark.parametrize(
    "place",
    [
        "{}",
        "### a {}",
        "- {}",
        "- <b>{}</b> : {}",
        "| a |\n|---|\n| {} |",
        "<details><summary>{}</summary>\n\n- {}\n\n</details>",
    ],
)
def test_any_text_is_read_as_itself(place: str, text: str) -> None:
    page = rendered(place.format(escape(text), escape(text)))
    expected = " ".join(TAGS.sub(" ", place).format(inert(text), inert(text)).split())
    assert inert(page.text) == expected
    assert set(page.tags) <= OURS and not page.attributes
    assert references(page) == []


@given(TEXT)
@example("a`b")
@example("``")
def test_code_can_be_copied_as_it_is(text: str) -> None:
    page = rendered(f"x {code(text)} y")
    assert page.text.strip() == f"x {inert(text)} y" and references(page) == [] and not page.attributes
    assert set(page.tags) <= {"p", "code"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("spring-renewals", "spring-renewals"),
        ("concurrent_call 5 -> 9", "concurrent_call 5 -&#62; 9"),
        ("Mon-Fri 09:00-17:00, 30 %", "Mon-Fri 09:00-17:00, 30 %"),
        ("@anna", "@&#8203;anna"),
        ("id 806cd9f5-4321-4a0b-a0a9-a1b133cf64cb.", "id <code>806cd9f5-4321-4a0b-a0a9-a1b133cf64cb</code>."),
    ],
)
def test_what_is_harmless_stays_readable(text: str, expected: str) -> None:
    assert escape(text) == expected


def test_a_long_text_is_cut() -> None:
    assert short("x" * 300) == "x" * 300 and short("x" * 301) == "x" * 299 + "…"
