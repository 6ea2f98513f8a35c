"""Plan against plan: what is new, gone and changed between two pushes, and when there is nothing to compare."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings

from reconciler import planfile
from reconciler.model import (
    Action,
    Cause,
    Change,
    ContactChange,
    Doubt,
    FieldChange,
    Finding,
    Key,
    Plan,
    Risk,
    Severity,
)
from reconciler.redact import inert
from reconciler.render.markdown import plan_markdown
from reconciler.render.since import since, since_json, since_markdown, since_text
from tests.build import KEY, plan
from tests.office import Office, desk
from tests.test_render_escaping import OURS, TEXT, references, rendered
from tests.test_render_hostile import LINE, hostile

OTHER = Key("acme", "campaign", "winter")


def step(action: Action = Action.UPDATE, key: Key = KEY, **more: object) -> Change:
    values: dict[str, object] = {"fields": (FieldChange(("ratio",), 1, 2, Cause.DECLARED, "a.yaml:3"),), **more}
    values.setdefault("risk", Risk.SAFE)
    return Change(1, action, key, "a.yaml:1", "changed in the declaration", **values)  # type: ignore[arg-type]


def people(count: int, digest: str = "hmac-sha256:x") -> Change:
    return step(
        Action.ADD_CONTACTS,
        KEY.contact_set("may"),
        fields=(),
        contacts=ContactChange(count, digest),
        risk=Risk.DIALLING,
    )


def sealed(*changes: Change, **more: object) -> Plan:
    return planfile.seal(plan(changes=changes, **more))


def told(old: Plan, new: Plan) -> str:
    return since_text(since(old, new)).partition("\n")[2]


def test_the_same_plan_is_nothing_new() -> None:
    made = sealed(step())
    later = replace(made, created_at="2026-06-01T09:00:00Z")
    assert told(made, later) == "Nothing changed since: the same would be done.\n"
    assert json.loads(since_json(since(made, later)))["same"] is True
    line_moved = sealed(step(fields=(FieldChange(("ratio",), 1, 2, Cause.DECLARED, "a.yaml:4"),)))
    assert since(made, line_moved).same


def test_steps_that_are_new_gone_and_changed() -> None:
    old = sealed(step(fields=(FieldChange(("ratio",), 1, 2),)), step(Action.STOP, fields=()), people(10))
    new = sealed(step(fields=(FieldChange(("ratio",), 1, 3),), risk=Risk.DIALLING), step(key=OTHER), people(14))
    assert told(old, new) == (
        "Steps: 1 new, 1 gone, 2 changed.\n"
        "People: 10 added, now 14 (4 more).\n"
        "\n"
        "New\n"
        "  update acme/campaign/winter · safe\n"
        "      changed in the declaration, a.yaml:3\n"
        "\n"
        "Gone\n"
        "  stop acme/campaign/spring · safe\n"
        "\n"
        "Changed\n"
        "  update acme/campaign/spring\n"
        "      ratio: 1  ->  2, now 1  ->  3\n"
        "      risk safe, now dialling\n"
        "  add contacts acme/campaign/spring/contacts/may, 14 people\n"
        "      10 people, now 14\n"
    )
    value = json.loads(since_json(since(old, new)))
    assert [len(value["steps"][name]) for name in ("new", "gone", "changed")] == [1, 1, 2]
    assert value["people"]["added"] == {"before": 10, "after": 14} and value["comparable"] is True
    assert "10 added, now 14 (4 more)" in since_markdown(since(old, new))


def test_the_same_number_of_other_people_is_told() -> None:
    assert "as many people (10), but others" in told(sealed(people(10)), sealed(people(10, "hmac-sha256:y")))
    assert "People: 10 added, now 4 (6 less)." in told(sealed(people(10)), sealed(people(4)))


def test_a_field_that_came_or_went_is_told() -> None:
    both = (FieldChange(("ratio",), 1, 2), FieldChange(("note",), "a", "b"))
    assert "note: not changed, now a  ->  b" in told(sealed(step(fields=both[:1])), sealed(step(fields=both)))


def test_findings_that_appeared_and_went() -> None:
    over = Finding("guard-creates", Severity.ERROR, "21 creates in one plan.")
    doubt = Doubt("r", str(KEY), "create", "10:42", "run", 3, "held", "[rc:x]", "reconciler resolve r")
    said = told(sealed(step(), in_doubt=(doubt,)), sealed(step(), findings=(over,)))
    assert said.startswith("Nothing changed since: the same would be done.\nIn doubt: 1, now 0.\nIt is blocked now.\n")
    assert "New findings\n  guard-creates  21 creates in one plan." in said
    back = told(sealed(step(), findings=(over,)), sealed(step()))
    assert "It is not blocked any more." in back and "Findings that are gone\n  guard-creates" in back


def test_what_the_plans_were_made_from() -> None:
    old = sealed(step())
    bound = replace(old.bound, lineage="another", config="sha256:d", sources="hmac-sha256:t", hosts=("x.example",))
    said = told(old, sealed(step(), bound=bound, select=("campaign=spring",)))
    assert said.splitlines() == [
        "The steps are the same; what they were planned on is not.",
        "  another ledger was read: what was sent before may differ for that alone",
        "  the configuration was edited",
        "  a source of people, a list it names, or what was sent from it changed",
        "  the vendors' addresses changed",
        "  another part was selected",
    ]
    assert "(ledger serial 41, now 42)" in told(old, sealed(step(), bound=replace(old.bound, serial=42)))


def test_plans_of_two_projects_are_not_compared() -> None:
    result = since(sealed(step()), sealed(step(), project="other"))
    said = "These are plans of two projects, acme-outreach and other. There is nothing to compare."
    assert since_text(result).splitlines()[1:] == [said] and said in since_markdown(result)
    assert json.loads(since_json(result))["comparable"] is False


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(TEXT)
@example(LINE)
@example("\n")
def test_hostile_plans_are_compared_without_harm(text: str) -> None:
    old, new = sealed(step(key=OTHER)), hostile(text)
    for result in (since(replace(old, project=text), new), since(new, replace(old, project=text)), since(old, new)):
        for line in since_text(result).split("\n"):
            assert inert(line) == " ".join(line.split())
        page = rendered(since_markdown(result))
        assert set(page.tags) <= OURS and not page.attributes and references(page) == []
        assert json.loads(since_json(result))["new"] == result.new.digest


def test_the_comparison_keeps_a_budget() -> None:
    many = [step(key=Key("acme", "campaign", f"c{i}")) for i in range(2_000)]
    made = since_markdown(since(sealed(), sealed(*many)), 8_000)
    assert len(made.encode()) <= 8_000 and "did not fit" in made
    assert len(plan_markdown(sealed(*many), 8_000).encode()) <= 8_000


# ---- the command -----------------------------------------------------------------------------------------------------


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Office]:
    with desk(tmp_path) as made:
        yield made


def test_show_since(team: Office) -> None:
    for name, changes in (("old.json", (step(),)), ("new.json", (step(), step(key=OTHER)))):
        planfile.save(sealed(*changes), team.root / name)
    said = team.run("show", "new.json", "--since", "old.json")
    assert said.code == 0 and "Steps: 1 new.\n" in said.out
    assert team.run("show", "new.json", "--since", "old.json", "--format", "json").json()["same"] is False
    assert team.run("show", "new.json", "--since", "old.json", "--format", "markdown").out.startswith(
        "### reconciler: Steps: 1 new."
    )
    refused = team.run("show", "new.json", "--since", "old.json", "--format", "html")
    assert refused.code == 64 and "text, json or markdown" in refused.err
    assert team.run("show", "new.json", "--since", "nowhere.json").code == 1
