"""What drifted, as text and as Markdown: much of it, and within a budget."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.model import (
    Drift,
    DriftClass,
    FieldDrift,
    Key,
    ObjectDrift,
    PeopleDrift,
    Refused,
    Running,
    Unmanaged,
    Unverified,
)
from reconciler.render.drift import drift_json, drift_markdown, drift_text, drift_told

W, R, N = DriftClass.WIDENING, DriftClass.RESTRICTING, DriftClass.NEUTRAL


def key(number: int) -> Key:
    return Key("hanoi", "campaign", f"c{number}")


def drifted(number: int, kind: DriftClass, *fields: FieldDrift) -> ObjectDrift:
    return ObjectDrift(key(number), "tel4vn", f"v{number}", fields, kind, f"c.yaml:{number}")


CALLS = FieldDrift(("concurrent_call",), 5, 9, W)
NOTE = FieldDrift(("description",), "a", "b", N)
NOTHING = Drift("acme", "lineage", 41, 12)


def test_what_may_call_more_people_comes_first() -> None:
    objects = (drifted(1, N, NOTE), drifted(2, R), drifted(3, W, NOTE, CALLS))
    for text in (drift_text(replace(NOTHING, objects=objects)), drift_markdown(replace(NOTHING, objects=objects))):
        assert "Drift in 3 of 12 campaigns: 1 widening, 1 restricting, 1 neutral." in text
        places = [text.index(word) for word in ("c.yaml:3", "concurrent_call", "description", "c.yaml:2", "c.yaml:1")]
        assert places == sorted(places)


def test_what_is_said_of_many_is_said_once() -> None:
    unsure = tuple(Unverified(key(n), ("extensions",), "2026-06-01", "tel4vn does not show them") for n in range(5))
    people = tuple(PeopleDrift(key(n), "counts", 3, 0, 0) for n in range(4))
    found = replace(NOTHING, unverified=unsure, contacts=(*people, PeopleDrift(key(9), "full", 3, 1, 2, 3, 4)))
    text = drift_text(found)
    said = "hanoi/campaign/c0, hanoi/campaign/c1, hanoi/campaign/c2 and 2 more: extensions cannot be verified since 2026-06-01"
    assert said in text and text.count("extensions") == 1
    assert "4 campaigns as sent" in text and "No drift: 12 campaigns as applied, as far as they can be read." in text
    told = "1 person gone, 2 people never sent from here, 3 people there more than once, 4 people with other fields"
    assert f"hanoi/campaign/c9: {told} (of 3 people sent, by reading everybody)" in text


def test_what_others_have_is_cut_short() -> None:
    others = tuple(Unmanaged("hanoi", f"v{n}", "", "", "") for n in range(13))
    text = drift_text(replace(NOTHING, unmanaged=others))
    assert "13 live campaigns not managed here:\n  hanoi  (no name)  v0\n" in text and text.endswith("  and 3 more\n")


def test_gone_undeclared_and_not_taken() -> None:
    one = replace(drifted(1, R), gone=True, source="")
    found = replace(NOTHING, objects=(one,), refused=(Refused(key(1), (), "it is gone"),))
    assert "not declared any more\n      gone: tel4vn has no campaign v1 any more, or is removing it" in drift_text(
        found
    )
    assert "- gone: tel4vn has no campaign v1 any more" in drift_markdown(found)
    assert "Not taken:\n  hanoi/campaign/c1: it is gone" in drift_text(found)


@pytest.mark.parametrize("budget", [700, 2_000, 65_536])
def test_a_comment_holds_what_fits_and_counts_the_rest(budget: int) -> None:
    objects = tuple(drifted(n, W, CALLS) for n in range(400))
    text = drift_markdown(replace(NOTHING, objects=objects), budget)
    assert len(text.encode()) <= budget
    assert ("did not fit here. To see all of it: reconciler drift --format json" in text) == (budget < 65_536)
    assert text.startswith("### reconciler drift: Drift in 400 of 12 campaigns: 400 widening.")
    assert text.endswith("ledger lineage, serial 41\n")


def test_a_style_each() -> None:
    running = replace(NOTHING, running=(Running("hanoi", "v", "x", "running", "", "nobody declared it"),))
    assert not running.found and replace(running, running=(replace(running.running[0], key="k"),)).found
    assert drift_told(running, "json") == drift_json(running)
    assert drift_told(running, "markdown") == drift_markdown(running)
    assert drift_told(running, "text", lambda text, style: f"<{style}>{text}").startswith("<bold>acme: No drift")
    unsure = replace(NOTHING, unverified=(Unverified(key(1), (), "", "no connection hanoi is declared any more"),))
    assert "hanoi/campaign/c1: cannot be verified: no connection hanoi is declared any more" in drift_text(unsure)
