"""A plan as one HTML page that loads nothing and obeys nobody: the artefact of a CI job. The only user of jinja2.

Whatever a plan holds comes out as text: escaped by the engine, without control and direction characters, under a Content-Security-Policy
that admits this page's own style sheet and script, by their digests, and nothing else.
"""

from __future__ import annotations

import gc
import hashlib
from base64 import b64encode
from collections.abc import Iterable
from functools import cache, lru_cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from reconciler.model import Action, Plan, Risk, Severity
from reconciler.redact import inert
from reconciler.render import html_first as first
from reconciler.render import html_view as view
from reconciler.render import overview, phrases
from reconciler.render.html_figures import Bar, Week

_UNMANAGED = 200  # objects that are listed
_MEANINGS = 12  # things that change for those who are called, the first of them
_MANY = 100  # campaigns: beyond, a browser lays out only those in sight
_HOUR, _ROW, _LEFT, _TOP = 10, 16, 34, 14  # of a week: units across and down, and the room for its labels


def plan_html(plan: Plan) -> str:
    """The whole page."""
    collecting = gc.isenabled()
    gc.disable()  # nothing here forms a circle, and looking for one among so many new objects would take a third of the time
    try:
        return _page(plan)
    finally:
        if collecting:
            gc.enable()


def _page(plan: Plan) -> str:
    groups = view.groups(plan)
    cards = [card for group in groups for card in group.cards]
    template = _environment().get_template("report.html.j2")
    return template.render(
        plan=plan,
        title=first.title(plan),
        identity=first.identity(plan),
        ledger=phrases.ledger_told(plan.bound.lineage, plan.bound.serial),
        waived=overview.waived(plan),
        plan_only=[finding for finding in plan.findings if finding.code == "plan-only"],
        figures=first.figures(plan, groups),
        columns=view.COLUMNS,
        blocked=_findings(plan, Severity.ERROR),
        meanings=overview.meanings(plan),
        most_meanings=_MEANINGS,
        concerns=first.concerns(groups),
        risks=[one for one in reversed(Risk) if any(one in card.risks for card in cards)],
        actions=[one.value for one in Action if any(one in card.verbs for card in cards)],
        groups=groups,
        weeks=_weeks(cards),
        many=len(cards) > _MANY,
        brief=sum(not card.detailed for card in cards),
        said=_findings(plan, Severity.WARNING, Severity.INFO),
        quiet=first.quiet(plan),
        most_unmanaged=_UNMANAGED,
    )


def _findings(plan: Plan, *severities: Severity) -> list[tuple[Severity, overview.Alike]]:
    """In this order, the same words about several objects once."""
    return [(one, told) for one in severities for told in overview.told_once(overview.of_severity(plan, one))]


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("reconciler.render", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_visible,
        cache_size=1,
    )
    style, script = _part("report.css"), _part("report.js")
    made.globals |= {
        "style": Markup(style),
        "script": Markup(script),
        "policy": f"default-src 'none'; style-src {_source(style)}; script-src {_source(script)}; base-uri 'none'; form-action 'none'",
        "rectangle": _rectangle,
    }
    made.filters["number"] = "{:,}".format
    return made


def _part(name: str) -> str:
    return files("reconciler.render").joinpath("templates", name).read_text(encoding="utf-8")


def _source(text: str) -> str:
    """As a policy names it: `'sha256-...'`."""
    return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _visible(value: object) -> object:
    """Every text on its way into the page, whether or not who wrote the template thought of it."""
    return _escaped(str(value)) if isinstance(value, str) and not isinstance(value, Markup) else value


@lru_cache(maxsize=4096)
def _escaped(text: str) -> Markup:
    """What the engine would do a moment later, once for the words that every campaign has."""
    return escape(inert(text))


def _weeks(cards: Iterable[view.Card]) -> dict[Week, int]:
    """A number for every different week: each is drawn once, however many campaigns share it."""
    found: dict[Week, int] = {}
    for card in cards:
        for step in card.steps:
            for panel in step.panels:
                found.setdefault(panel.week, len(found) + 1)
    return found


def _rectangle(bar: Bar) -> tuple[float, int, float, int]:
    """x, y, width and height in a week's own units."""
    return _LEFT + bar.start * _HOUR / 60, _TOP + bar.day * _ROW + 2, bar.length * _HOUR / 60, _ROW - 4
