"""`reconciler ci ...` as it is typed: what it prints, what it ends with, what it refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.forge_server import TOKEN, Forge, forge_server, packed
from tests.office import Office, desk

HEAD, MERGE = "a" * 40, "b" * 40


@pytest.fixture
def forge() -> Iterator[Forge]:
    with forge_server() as made:
        yield made


@pytest.fixture(params=["github", "gitlab"])
def team(request: pytest.FixtureRequest, tmp_path: Path, forge: Forge) -> Iterator[Office]:
    with desk(tmp_path) as made:
        assert made.run("plan", "--out", "plan.json").code == 0
        made.environ |= {**forge.environ(request.param), "GITHUB_SHA": MERGE, "CI_COMMIT_SHA": MERGE}
        yield made


def told(result: object) -> tuple[int, str, str]:
    assert hasattr(result, "code") and hasattr(result, "out") and hasattr(result, "err")
    return result.code, result.out, result.err


def test_outside_of_a_job_nothing_is_sent(team: Office, forge: Forge) -> None:
    del team.environ["CI"]
    team.environ |= {"GITHUB_ACTIONS": "", "GITLAB_CI": ""}
    for arguments in (
        ("comment", "plan.json"),
        ("fetch", "--out", "x.json"),
        ("issue", "drift", "--code", "0"),
        ("name", "plan.json"),
    ):
        result = team.run("ci", *arguments)
        assert (result.code, result.out) == (64, "") and "GitHub Actions or GitLab CI only" in result.err
    assert forge.log == []


def test_a_comment_needs_a_pull_request(team: Office, forge: Forge) -> None:
    lost = team.run("ci", "comment", "plan.json")
    assert told(lost) == (64, "", "This job runs for no pull request: name one with --number.\n")
    made = team.run("ci", "comment", "plan.json", "--number", "12")
    assert (made.code, made.err) == (0, "") and made.out.startswith("created ")
    team.environ |= {"GITHUB_RUN_ID": "1001", "CI_PIPELINE_ID": "1001"}
    assert team.run("ci", "comment", "plan.json", "--number", "12").out.startswith("updated ")
    stale = team.run("ci", "comment", "plan.json", "--number", "12", "--stale")
    assert stale.out.startswith("created ") and len(forge.comments[12]) == 2


def test_the_name_binds_commit_and_digest(team: Office) -> None:
    digest = json.loads((team.root / "plan.json").read_bytes())["digest"]
    assert team.run("ci", "name", "plan.json").out == f"reconciler-plan-{MERGE}-{digest[7:19]}\n"


def test_fetch_prints_the_pull_request_and_keeps_the_plan(team: Office, forge: Forge) -> None:
    nobody = team.run("ci", "fetch", "--out", "fetched.json")
    assert (nobody.code, nobody.out) == (5, "") and "came in by no pull request" in nobody.err
    forge.merge(12, HEAD, MERGE)
    unplanned = team.run("ci", "fetch", "--out", "fetched.json")
    assert (unplanned.code, unplanned.out) == (5, "12\n") and "No plan is kept" in unplanned.err
    content = (team.root / "plan.json").read_bytes()
    name = f"reconciler-plan-{HEAD}-{json.loads(content)['digest'][7:19]}"
    forge.run(HEAD, {name: packed(f"{name}.json", content)})
    assert told(team.run("ci", "fetch", "--out", "fetched.json")) == (0, "12\n", "")
    assert (team.root / "fetched.json").read_bytes() == content
    forge.merge(13, HEAD, "c" * 40)
    assert team.run("ci", "fetch", "--out", "fetched.json", "--commit", "c" * 40).out == "13\n"


@pytest.mark.parametrize("code", ["1", "3", "4", "6", "64"])
def test_what_is_not_known_moves_no_issue(team: Office, forge: Forge, code: str) -> None:
    said = team.run("ci", "issue", "drift", "--code", code)
    assert told(said) == (0, "nothing is known, the issue is left as it is\n", "") and forge.log == []


def test_drift_is_told_and_closed(team: Office, forge: Forge) -> None:
    team.write("drift.md", "hours differ\n")
    assert team.run("ci", "issue", "drift", "--code", "2", "--text", "drift.md").out.startswith("created ")
    assert forge.issues[0].title == "reconciler: acme has drifted" and "hours differ" in forge.issues[0].body
    assert team.run("ci", "issue", "drift", "--code", "0").out.startswith("closed ")
    assert team.run("ci", "issue", "drift", "--code", "0").out == "nothing to close\n"
    assert team.run("ci", "issue", "drift", "--code", "2", "--text", "gone.md").out.startswith("created ")


@pytest.mark.parametrize("report", [None, "", "[]", "{", '{"error": "hanoi: no answer", "outcomes": []}'])
def test_an_apply_is_told_whatever_it_left_behind(team: Office, forge: Forge, report: str | None) -> None:
    if report is not None:
        team.write("report.json", report)
    said = team.run("ci", "issue", "apply", "--code", "8", "--report", "report.json")
    assert said.out.startswith("created ") and "reconciler apply --resume" in forge.issues[0].body
    assert ("hanoi: no answer" in forge.issues[0].body) is bool(report and "hanoi" in report)


def test_a_configuration_that_is_broken_has_its_one_issue_too(team: Office, forge: Forge) -> None:
    team.write("reconciler.yaml", "broken: true\n")
    for name in ("created", "updated"):
        team.environ["GITHUB_RUN_ATTEMPT"] = team.environ["CI_JOB_ID"] = str(
            6000 + len(name + forge.url) + len(forge.log)
        )
        assert team.run("ci", "issue", "apply", "--code", "3").out.startswith(name)
    assert len(forge.issues) == 1


def test_no_message_holds_the_token(team: Office, forge: Forge) -> None:
    forge.fail("GET", "comments$|notes$", 403, body=json.dumps({"message": f"bad token {TOKEN}"}))
    failed = team.run("ci", "comment", "plan.json", "--number", "12")
    assert (failed.code, failed.out) == (1, "") and "answered 403" in failed.err
    assert TOKEN not in failed.err
