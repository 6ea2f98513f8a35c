"""The jobs that users take, carried out step by step in bash: a pull request planned, merged, applied; a fork; what stops an apply.

The vendors are the simulator, the forges tests/forge_server.py; `reconciler` is the installed command.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.ci_jobs import Runner, gitlab_job
from tests.forge_server import REPOSITORY, TOKEN, Forge, forge_server, packed
from tests.office import Office, office
from tests.postgres import server
from tests.quick import quick

HEAD, MERGE = "a" * 40, "b" * 40
SECRETS = ("RECONCILER_CONTACT_KEY", "RECONCILER_STATE_URL", "TEL4VN_URL", "TEL4VN_API_KEY", "RENEWALS_CSV")
PERSISTENT = "path: .reconciler/state.db}", "path: .reconciler/state.db, persistent: true}"
APPROVALS = "  # approvals: {required: [dialling, destructive, compliance]}", "  approvals: {required: [dialling]}"


@dataclass
class Team:
    """A repository with the files that `reconciler init` writes, on one forge. `said`: what the last job said."""

    office: Office
    forge: Forge
    folder: Path
    kind: str
    installed: str
    said: str = ""
    used: list[str] = field(default_factory=list)

    def environ(self) -> dict[str, str]:
        return {**self.forge.environ(self.kind), "HOME": str(self.folder)}

    def job(self, name: str, head: str = HEAD, repository: str = REPOSITORY, **inputs: str) -> int | None:
        """validate and plan: of pull request 12; apply: of its merge; drift: of the night. None: the job does not run."""
        act = self.github if self.kind == "github" else self.gitlab
        return act(name, head, repository, inputs)

    def github(self, name: str, head: str, repository: str, inputs: Mapping[str, str]) -> int | None:
        pull = {"number": 12, "head": {"sha": head, "repo": {"full_name": repository}}, "user": {"login": "ann"}}
        event = self.folder / "event.json"
        event.write_text(json.dumps({"pull_request": pull} if name in {"validate", "plan"} else {}))
        contexts = {"github.repository": REPOSITORY, "github.event.pull_request.head.repo.full_name": repository,
                    "github.event.pull_request.user.login": "ann", "github.ref_name": "main", "github.token": TOKEN,
                    "github.event.repository.default_branch": "main"}  # fmt: skip
        contexts |= {f"inputs.{key}": value for key, value in inputs.items()}
        if repository == REPOSITORY:  # a fork's run has no secrets
            contexts |= {f"secrets.{key}": self.office.environ[key] for key in SECRETS}
        environ = {**self.environ(), "GITHUB_EVENT_PATH": str(event), "GITHUB_SHA": MERGE}
        runner = Runner(self.office.root, self.folder, environ, contexts, self.installed)
        workflow = "plan" if name == "validate" else name
        code = runner.job(f"reconciler-{workflow}.yml", name)
        self.said, self.used = runner.said, [uses for uses, _ in runner.used]
        for uses, given in runner.used:
            if "upload-artifact" in uses and code == 0:
                self.forge.run(
                    head, {given["name"]: packed(Path(given["path"]).name, Path(given["path"]).read_bytes())}
                )
        return code

    def gitlab(self, name: str, head: str, repository: str, inputs: Mapping[str, str]) -> int | None:
        environ = {**self.environ(), "CI_COMMIT_BRANCH": "main", "CI_DEFAULT_BRANCH": "main", "CI_COMMIT_SHA": MERGE,
                   "CI_PIPELINE_SOURCE": {"apply": "push", "drift": "schedule"}.get(name, "merge_request_event")}  # fmt: skip
        if name in {"validate", "plan"}:
            own = repository == REPOSITORY
            environ |= {"CI_COMMIT_SHA": head, "CI_MERGE_REQUEST_IID": "12", "CI_COMMIT_BRANCH": "",
                        "CI_MERGE_REQUEST_PROJECT_ID": "7", "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "7" if own else "8"}  # fmt: skip
        if name != "validate":  # its variables belong to the environments of the other jobs
            environ |= {key: self.office.environ[key] for key in SECRETS}
        if inputs:
            environ["CI_PIPELINE_SOURCE"] = "web"
        environ |= {f"RECONCILER_{key.upper()}": value for key, value in inputs.items()}
        shell = "sh" if name == "apply" else "bash"  # whichever an image has
        ran = gitlab_job(f"reconciler-{name}", self.office.root, environ, shell, self.installed)
        self.said = ran.said if ran else ""
        for path in sorted(self.office.root.glob("reconciler-plan-*.json")) if ran and name == "plan" else ():
            self.forge.run(head, {path.stem: packed(path.name, path.read_bytes())})
            path.unlink()
        return ran.code if ran else None

    def comments(self) -> list[str]:
        return [one.body for one in self.forge.comments.get(12, [])]

    def issue(self) -> str:
        """The one that is open; empty where none is."""
        found = [one.body for one in self.forge.issues if one.open]
        assert len(found) <= 1
        return found[0] if found else ""

    def writes(self) -> int:
        return sum(entry.method != "GET" and entry.path != "/v3/auth/token" for entry in self.office.calls())


@pytest.fixture(scope="module")
def command() -> Iterator[str]:
    with quick() as installed:
        yield installed


@pytest.fixture(params=["github", "gitlab"])
def team(request: pytest.FixtureRequest, tmp_path: Path, command: str) -> Iterator[Team]:
    with office(tmp_path, files={}) as made, forge_server() as forge:
        made.root.mkdir()
        assert made.run("init").code == 0
        made.edit("reconciler.yaml", *PERSISTENT)
        people = made.root.parent / "people" / "start.csv"
        people.write_text("customer_id,mobile,name\nC1,0900000001,An\n")
        made.environ |= {"RENEWALS_CSV": str(people), "RECONCILER_STATE_URL": ""}
        folder = tmp_path / "runner"
        folder.mkdir()
        yield Team(made, forge, folder, request.param, command)


def merged(team: Team) -> None:
    team.forge.merge(12, HEAD, MERGE)


def test_planned_reviewed_merged_applied_and_nothing_left(team: Team) -> None:
    assert team.job("plan") == 0, team.said
    (comment,) = team.comments()
    assert "### reconciler: 1 campaign" in comment and f"commit `{HEAD[:7]}`" in comment and team.writes() == 0
    merged(team)
    assert team.job("apply") == 0, team.said
    assert '"result": "applied"' in team.said and team.issue() == ""
    assert team.office.plan()["changes"] == [] and team.office.most_dials() == 1
    assert team.job("drift") == 0, team.said
    assert team.issue() == "" and len(team.comments()) == 1
    seen = team.said + "".join(team.comments())
    assert not [
        secret
        for secret in (
            TOKEN,
            "0900000001",
            team.office.environ["RECONCILER_CONTACT_KEY"],
            team.office.environ["TEL4VN_API_KEY"],
        )
        if secret in seen
    ]


def test_a_pull_request_of_a_fork_is_validated_and_no_more(team: Team) -> None:
    assert team.job("validate", repository="mallory/outreach") == 0, team.said
    assert "Valid." in team.said
    assert team.job("plan", repository="mallory/outreach") is None
    assert team.office.calls() == [] and team.forge.log == []


@pytest.mark.parametrize("team", ["github"], indirect=True)
def test_an_invalid_pull_request_fails_the_first_job(team: Team) -> None:
    team.office.edit("campaigns/renewals.yaml", "schedule: office-hours", "schedule: office-hour")
    assert team.job("validate") == 3
    assert 'Did you mean "office-hours"?' in team.said


@pytest.mark.parametrize("team", ["github"], indirect=True)
def test_a_comment_that_cannot_be_written_fails_no_plan(team: Team) -> None:
    team.forge.fail("GET", "comments$|notes$", 403, times=9)
    assert team.job("plan") == 0
    assert "could not be put under the" in team.said and "The token lacks a permission" in team.said
    assert team.forge.runs and team.comments() == []


@pytest.mark.parametrize("team", ["github"], indirect=True)
def test_a_blocked_plan_is_shown_and_kept_for_nobody(team: Team) -> None:
    team.office.edit("reconciler.yaml", "creates: {max: 5}", "creates: {max: 0}")
    assert team.job("plan") == 4
    assert "guard-creates" in team.comments()[0].replace("<code>", "").replace("</code>", "") and not team.forge.runs


def test_what_moved_since_the_review_is_not_applied_but_shown_and_can_be_applied_by_its_digest(team: Team) -> None:
    assert team.job("plan") == 0
    merged(team)
    people = Path(team.office.environ["RENEWALS_CSV"])
    people.write_text(people.read_text() + "C2,0900000002,Binh\n")
    assert team.job("apply") == 5
    assert team.writes() == 0 and "The reviewed plan no longer holds" in team.issue()
    stale = team.comments()[1]
    assert "nothing was applied, the reviewed plan no longer holds" in stale and "2 more people" in stale
    digest = stale.partition("with the digest `")[2].partition("`")[0]
    assert team.job("apply", digest="sha256:" + "0" * 64) == 5 and team.writes() == 0
    assert team.job("apply", digest=digest) == 0, team.said
    assert team.issue() == "" and team.office.plan()["changes"] == []


@pytest.mark.parametrize("team", ["gitlab"], indirect=True)
def test_a_commit_that_nobody_planned_is_not_applied(team: Team) -> None:
    assert team.job("apply") == 5
    assert "came in by no pull request" in team.said and team.writes() == 0 and team.issue()
    merged(team)
    assert team.job("apply") == 5
    assert "No plan is kept for" in team.said and team.writes() == 0
    assert "no longer holds" in team.comments()[0] and len(team.comments()) == 1


def test_an_apply_that_stops_opens_one_issue_with_the_way_on(team: Team) -> None:
    assert team.job("plan") == 0
    merged(team)
    team.office.faults({"vendor": "tel4vn", "method": "POST", "path": "^/v3/lead/multi$", "fault": 403})
    assert team.job("apply") == 8, team.said
    assert "reconciler apply --resume" in team.issue() and "1 of 2 steps are done." in team.issue()
    team.office.faults()
    assert team.job("apply", resume="true") == 0, team.said
    assert team.issue() == "" and team.office.most_dials() == 1 and team.office.plan()["changes"] == []


def test_what_is_in_doubt_is_told_with_the_command_that_settles_it(team: Team) -> None:
    assert team.job("plan") == 0
    merged(team)
    report: dict[str, Any] = {"error": None, "outcomes": []}
    (team.folder / "report.json").write_text(json.dumps(report))
    environ = {**team.environ(), "GITHUB_SHA": MERGE, "CI_COMMIT_SHA": MERGE}
    team.office.environ |= environ
    said = team.office.run("ci", "issue", "apply", "--code", "9", "--report", str(team.folder / "report.json"))
    assert said.out.startswith("created ") and "reconciler resolve" in team.issue()
    assert team.office.run("ci", "issue", "apply", "--code", "7").out.startswith("updated ")
    assert "Another run holds the lock" in team.issue()


@pytest.mark.parametrize("team", ["github"], indirect=True)
def test_the_disk_of_a_runner_is_no_place_for_a_ledger(team: Team) -> None:
    """The plan says so already; an apply by hand is refused, and opens the issue."""
    team.office.edit("reconciler.yaml", *reversed(PERSISTENT))
    assert team.job("plan") == 4 and "state.persistent: true" in team.said
    assert team.job("apply", resume="true") == 4, team.said
    assert team.writes() == 0 and "A guard, a policy or a missing approval refuses it." in team.issue()


@pytest.mark.parametrize("team", ["github"], indirect=True)
def test_the_job_that_plans_needs_to_read_the_ledger_and_no_more(team: Team) -> None:
    """The roles of docs/ledger.md: the owner by hand once, one that reads for the plan, one that writes for the apply."""
    owner = server().role()

    def ledger(url: str) -> None:
        team.office.environ["RECONCILER_STATE_URL"] = url

    team.office.edit("reconciler.yaml", "  # state: {backend: postgres", "  state: {backend: postgres")
    team.office.edit("reconciler.yaml", "  state: {backend: sqlite", "  # state: {backend: sqlite")
    ledger(owner.socket)
    assert team.office.run("apply", typed="n\n").code == 0 and team.writes() == 0
    planning, applying = (server().granted(owner, block) for block in ("plan", "run"))
    ledger(planning.socket)
    assert team.job("plan") == 0, team.said
    merged(team)
    assert team.job("apply") == 1 and team.writes() == 0  # its role may not write
    ledger(applying.socket)
    assert team.job("apply") == 0, team.said
    ledger(planning.socket)
    assert team.job("drift") == 0 and team.issue() == "" and team.office.most_dials() == 1


def test_an_approval_beside_the_plan_is_found_and_without_it_nothing_is_applied(team: Team) -> None:
    team.office.edit("reconciler.yaml", *APPROVALS)
    assert team.job("plan") == 0
    merged(team)
    assert team.job("apply") == 4 and team.writes() == 0
    digest: str = json.loads(json.dumps(team.office.plan()))["digest"]
    approval: dict[str, Any] = {
        "digest": digest,
        "expires": "2099-01-01T00:00:00Z",
        "risks": ["dialling"],
        "approver": "ann",
        "reason": "x",
    }
    team.office.write(f".approvals/{digest[7:19]}.yaml", json.dumps(approval))
    assert team.job("apply") == 0, team.said


def test_drift_opens_one_issue_renews_it_and_closes_it(team: Team) -> None:
    assert team.office.run("apply", "--auto-approve").code == 0
    assert team.job("drift") == 0 and team.issue() == ""
    in_panel(team, 20)
    assert team.job("drift") == 0, team.said
    first = team.issue()
    assert "What is live is not what was applied." in first and "20" in first
    team.office.faults({"vendor": "tel4vn", "method": "GET", "fault": 401})
    assert team.job("drift") == 6 and team.issue() == first
    team.office.faults()
    in_panel(team, 2)
    assert team.job("drift") == 0 and team.issue() == ""


def in_panel(team: Team, calls: int) -> None:
    """Somebody changes how many calls go on at once."""
    vendor = team.office.here.simulator.vendors["tel4vn"]
    (uuid,) = [uuid for uuid, row in vendor.snapshot()["campaigns"].items() if row["campaign_name"] == "Renewals"]
    vendor.edit("campaign", uuid, {"concurrent_call": calls})


def test_what_the_jobs_install_is_what_the_file_names(team: Team, tmp_path: Path) -> None:
    """Here it names nothing but what is there; where it names no reconciler, the job says so."""
    name = "requirements-ci.txt"
    team.office.write(name, "reconciler==0.1.0\n")  # installed already
    assert installing(team, "") == 0, team.said
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "python").write_text("#!/bin/sh\nexit 0\n")
    (empty / "python").chmod(0o755)
    assert installing(team, f"{empty}:/usr/bin:/bin") == 1 and f"{name} names no reconciler" in team.said


def installing(team: Team, path: str) -> int:
    """The code of the first steps of a job. `path`: another PATH."""
    environ = {**team.environ(), "CI_PIPELINE_SOURCE": "merge_request_event", **({"PATH": path} if path else {})}
    if team.kind == "gitlab":
        ran = gitlab_job("reconciler-validate", team.office.root, environ)
        assert ran is not None
        team.said = ran.said
        return ran.code
    runner = Runner(team.office.root, team.folder, environ, {})
    code = runner.step({"uses": "./.github/actions/reconciler", "with": {"command": "install"}}, {})
    team.said = runner.said
    return code
