"""Approval by risk: what a gate reads in the plan, what apply asks for, and that a person's word holds for one plan and one time only."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import stamina

from reconciler.clock import SystemClock
from tests.office import Office, Result, desk

WIDENED = "concurrent_call: 5", "concurrent_call: 9"
NARROWED = 'to: "17:00"', 'to: "16:00"'
LEADS = "^/v3/lead/multi$"


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Office]:
    """A project that asks for an approval of whatever may call more people."""
    with desk(tmp_path) as made, stamina.set_testing(True, attempts=2):
        made.edit("reconciler.yaml", "spec:", "spec:\n  approvals: {required: [dialling]}")
        yield made


def planned(team: Office) -> Any:
    result = team.run("plan", "--out", "plan.json", "--format", "json")
    assert result.code == 0, result.err
    return result.json()


def approve(team: Office, plan: str, **fields: Any) -> str:
    soon = (SystemClock().now() + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    whole = {"digest": plan, "expires": soon, "risks": ["dialling"], "approver": "ann", "reason": "agreed", **fields}
    team.write("approval.json", json.dumps(whole))
    return "approval.json"


def writes(team: Office) -> int:
    return sum(entry.method != "GET" and entry.path != "/v3/auth/token" for entry in team.calls())


def refused(team: Office, result: Result, *said: str) -> None:
    assert (result.code, result.out) == (4, ""), result.err
    for part in ("Blocked; nothing was sent.", *said):
        assert part in result.err
    assert writes(team) == 0


# ---- what a gate reads ---------------------------------------------------------------------------------------------


def test_the_plan_says_what_a_gate_needs(team: Office) -> None:
    plan = planned(team)
    assert plan["summary"]["risks"] == [{"risk": "dialling", "changes": 2, "files": ["campaigns.yaml"]}]
    (needed,) = [finding for finding in plan["findings"] if finding["code"] == "approval-needed"]
    assert needed["severity"] == "info" and needed["message"] == "2 steps need an approval: dialling."
    assert needed["remedy"] == "apply refuses this plan without: --require-approval FILE"
    assert "approval-needed" in team.run("show", "plan.json", "--format", "markdown").out


def test_a_project_that_asks_for_nothing_says_nothing(tmp_path: Path) -> None:
    with desk(tmp_path) as team:
        assert not [f for f in planned(team)["findings"] if f["code"] == "approval-needed"]
        assert team.run("apply", "plan.json").code == 0


# ---- what apply asks for -------------------------------------------------------------------------------------------


def test_without_an_approval_the_message_is_the_form_to_fill_in(team: Office) -> None:
    plan = planned(team)
    result = team.run("apply", "plan.json")
    refused(team, result)
    lines = result.err.splitlines()
    assert lines.pop(4).startswith('  expires: "20')
    assert lines == [
        "Blocked; nothing was sent. 2 steps need an approval: dialling.",
        "No approval was given.",
        "Somebody who may approve writes this to a file, and apply names it with --require-approval FILE:",
        f"  digest: {plan['digest']}",
        "  risks: [dialling]",
        "  approver: NAME",
        "  reason: TEXT",
    ]
    team.write(".approvals/a.yaml", "\n".join(line[2:] for line in result.err.splitlines()[3:]))
    assert team.run("apply", "plan.json", "--require-approval", ".approvals/a.yaml").code == 0
    assert planned(team)["changes"] == []


def test_it_is_asked_for_without_a_plan_file_too(team: Office) -> None:
    refused(team, team.run("apply", "--auto-approve"), "No approval was given.")
    typed = team.run("apply", typed="y\n")
    assert typed.code == 4 and "Apply this?" not in typed.err and writes(team) == 0
    name = approve(team, planned(team)["digest"])
    assert team.run("apply", "--auto-approve", "--require-approval", name).code == 0


def expired(team: Office, digest: str) -> tuple[dict[str, Any], str]:
    return {"expires": "2026-01-01T00:00:00+01:00"}, "approval.json expired at 2026-01-01T00:00:00+01:00."


def of_another_plan(team: Office, digest: str) -> tuple[dict[str, Any], str]:
    other = "sha256:" + "12345678" * 8
    return {"digest": other}, f"approval.json approves another plan: {other}. This one is {digest}."


def of_another_risk(team: Office, digest: str) -> tuple[dict[str, Any], str]:
    return (
        {"risks": ["destructive", "compliance"]},
        "approval.json does not approve dialling, only destructive, compliance.",
    )


@pytest.mark.parametrize("wrong", [expired, of_another_plan, of_another_risk])
def test_an_approval_that_does_not_cover_the_plan(team: Office, wrong: Any) -> None:
    digest = planned(team)["digest"]
    fields, said = wrong(team, digest)
    refused(team, team.run("apply", "plan.json", "--require-approval", approve(team, digest, **fields)), said)


def test_a_file_that_is_not_there(team: Office) -> None:
    planned(team)
    refused(
        team,
        team.run("apply", "plan.json", "--require-approval", "gone.yaml"),
        "gone.yaml cannot be read (No such file or directory).",
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("digest: sha256:12", "a.yaml:1:1  Approval: digest does not fit: The plan that is approved"),
        ("digest: x\ndigest: y", 'a.yaml:2:1  "digest" is written twice, first in line 1: keep one.'),
        ("approver: ann\nwho: bob", 'a.yaml:2:1  Approval: unknown key "who".'),
        ("- one", "A document is a mapping"),
        ("", "a.yaml  An approval file holds one approval; this one holds 0."),
        ("a: 1\n---\nb: 2", "a.yaml  An approval file holds one approval; this one holds 2."),
        ("reason: !!python/object:os.system x", "is not supported: nothing in a file executes. Take it out."),
        ("a: [", "a.yaml"),
    ],
)  # fmt: skip
def test_a_file_that_is_something_else(team: Office, text: str, said: str) -> None:
    planned(team)
    team.write(".approvals/a.yaml", text)
    result = team.run("apply", "plan.json", "--require-approval", ".approvals/a.yaml")
    assert result.code == 3 and said in result.err and writes(team) == 0


def test_an_impossible_date_is_no_bug(team: Office) -> None:
    digest = planned(team)["digest"]
    name = approve(team, digest, expires="2026-13-45T00:00:00Z")
    result = team.run("apply", "plan.json", "--require-approval", name)
    assert result.code == 3 and "approval.json:1:" in result.err and writes(team) == 0


# ---- what passes without -------------------------------------------------------------------------------------------


def applied_once(team: Office) -> None:
    digest = planned(team)["digest"]
    assert team.run("apply", "plan.json", "--require-approval", approve(team, digest)).code == 0


def test_what_restricts_passes_what_widens_does_not(team: Office) -> None:
    applied_once(team)
    team.edit("campaigns.yaml", *NARROWED)
    assert {change["risk"] for change in planned(team)["changes"]} == {"safe"}
    assert team.run("apply", "plan.json").code == 0
    team.edit("campaigns.yaml", *WIDENED)
    assert {change["risk"] for change in planned(team)["changes"]} == {"dialling"}
    assert team.run("apply", "plan.json").code == 4


def test_a_file_is_not_looked_at_where_none_is_needed(team: Office) -> None:
    applied_once(team)
    team.edit("campaigns.yaml", *NARROWED)
    planned(team)
    assert team.run("apply", "plan.json", "--require-approval", "gone.yaml").code == 0


def test_who_asks_for_an_approval_gets_one_asked_for(tmp_path: Path) -> None:
    """The flag alone: every risk counts where the project names none."""
    with desk(tmp_path) as team:
        digest = planned(team)["digest"]
        refused(team, team.run("apply", "plan.json", "--require-approval", "gone.yaml"), "gone.yaml cannot be read")
        name = approve(team, digest)
        assert team.run("apply", "plan.json", "--require-approval", name).code == 0


def test_an_approval_lifts_no_guard_and_a_waiver_is_no_approval(team: Office) -> None:
    team.edit("reconciler.yaml", "spec:", "spec:\n  guards: {creates: {max: 0}}")
    assert team.run("plan", "--out", "plan.json").code == 4
    digest = json.loads((team.root / "plan.json").read_bytes())["digest"]
    blocked = team.run("apply", "plan.json", "--require-approval", approve(team, digest))
    assert blocked.code == 4 and "guard-creates" in blocked.err
    waiver = "{guard: creates, campaign: spring, reason: agreed, until: 2099-01-01}"
    team.edit("reconciler.yaml", "{max: 0}", "{max: 0}, waivers: [" + waiver + "]")
    digest = planned(team)["digest"]
    refused(team, team.run("apply", "plan.json"), "2 steps need an approval: dialling.")
    assert team.run("apply", "plan.json", "--require-approval", approve(team, digest)).code == 0


def test_stopping_and_refusing_never_wait_for_anybody(team: Office) -> None:
    applied_once(team)
    assert team.run("halt").code == 0
    assert team.run("refuse", piped="+84900000001\n").code == 0


# ---- what was approved stays approved, and nothing beyond ----------------------------------------------------------


def test_an_interrupted_run_is_resumed_without_asking_again(team: Office) -> None:
    digest = planned(team)["digest"]
    team.faults({"vendor": "tel4vn", "method": "POST", "path": LEADS, "fault": 403})
    assert team.run("apply", "plan.json", "--require-approval", approve(team, digest)).code == 8
    team.faults()
    (team.root / "approval.json").unlink()
    assert team.run("apply", "--resume").code == 0
    assert planned(team)["changes"] == [] and team.most_dials() == 1


def test_a_refused_run_leaves_nothing_to_resume(team: Office) -> None:
    planned(team)
    assert team.run("apply", "plan.json").code == 4
    assert team.run("apply", "--resume").code == 64 and writes(team) == 0
