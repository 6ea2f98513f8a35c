"""The comment, the issue and the reviewed plan against a server that answers as both forges document: pages, rate limits, lost answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler import planfile
from reconciler.clock import SystemClock
from reconciler.errors import Blocked, ForgeError, Misuse, PlanStale, ReconcilerError
from reconciler.forge import bodies, joined
from reconciler.forge.base import Forge as Api
from reconciler.forge.gitlab import inert
from reconciler.forge.http import PATIENCE
from reconciler.forge.job import Job, job_of
from reconciler.forge.reviewed import came_in_by, reviewed
from reconciler.forge.sticky import Mark, clear, put
from reconciler.model import Plan
from tests.build import plan as some_plan
from tests.forge_server import OTHER, TOKEN, Forge, forge_server, packed, reset_in

KINDS = ("github", "gitlab")
HEAD, COMMIT = "a" * 40, "b" * 40
ADDED = {"github": "/issues/12/comments$", "gitlab": "/merge_requests/12/notes$"}


class Skipping(SystemClock):
    """Waits by saying so."""

    def __init__(self) -> None:
        self.waited: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.waited.append(seconds)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def forge() -> Iterator[Forge]:
    with forge_server() as made:
        yield made


def acting(
    forge: Forge, kind: str, act: Callable[[Api, Job], Any], clock: Skipping | None = None, **environ: str
) -> Any:
    """What a job does, from its environment to its end."""

    async def whole() -> Any:
        async with joined({**forge.environ(kind), **environ}, clock or Skipping()) as (api, job):
            return await act(api, job)

    return asyncio.run(whole())


def commented(forge: Forge, kind: str, text: str = "one", turn: str = "1.1", clock: Skipping | None = None) -> str:
    """What came of it. The project is acme, the pull request 12."""
    mark = Mark("plan", "acme", turn)
    done: tuple[str, str] = acting(forge, kind, lambda api, _: put(api.comments(12), mark, "", text, api.clock), clock)
    return done[0]


def standing(forge: Forge) -> list[str]:
    """The comments, without the mark."""
    return [one.body.partition("\n")[2] or one.body for one in forge.comments.get(12, [])]


# ---- one comment, in place -----------------------------------------------------------------------------------------


def test_the_first_is_created_the_next_changes_it(forge: Forge, kind: str) -> None:
    assert commented(forge, kind, "one") == "created"
    assert commented(forge, kind, "two", "2.1") == "updated"
    assert commented(forge, kind, "two", "2.1") == "unchanged"
    assert standing(forge) == ["two"] and len(forge.calls("POST", ADDED[kind])) == 1
    assert forge.comments[12][0].body.startswith("<!-- reconciler:plan:acme turn=2.1 -->\n")


def test_it_is_found_on_whatever_page_it_stands(forge: Forge, kind: str) -> None:
    forge.page = 3
    for number in range(7):
        forge.comment(12, f"thanks {number}", OTHER)
    assert commented(forge, kind, "one") == "created"
    for number in range(7):
        forge.comment(12, f"more {number}")
    assert commented(forge, kind, "two", "2.1") == "updated"
    assert len(forge.comments[12]) == 15 and standing(forge).count("two") == 1


def test_nobody_elses_comment_is_touched_and_no_other_of_ours(forge: Forge, kind: str) -> None:
    forged = forge.comment(12, "<!-- reconciler:plan:acme turn=0.1 -->\nforged", OTHER)
    quoted = forge.comment(12, "> <!-- reconciler:plan:acme turn=0.1 -->\nquoted")
    other = forge.comment(12, "<!-- reconciler:plan:acme-two turn=0.1 -->\nof another project")
    before = [forged.body, quoted.body, other.body]
    assert commented(forge, kind) == "created"
    assert [one.body for one in (forged, quoted, other)] == before and len(forge.comments[12]) == 4


def test_an_older_run_leaves_what_a_newer_one_wrote(forge: Forge, kind: str) -> None:
    assert commented(forge, kind, "newer", "20.2") == "created"
    assert commented(forge, kind, "older", "20.1") == "left to a newer run"
    assert commented(forge, kind, "oldest", "9.9") == "left to a newer run"
    assert standing(forge) == ["newer"]


def test_two_runs_at_once_end_with_one_comment(forge: Forge, kind: str) -> None:
    """The other one looks, finds nothing, and makes its own just before ours."""
    theirs = f"{Mark('plan', 'acme', '0.9')}\ntheirs"

    def meanwhile() -> None:
        forge.comment(12, theirs)

    forge.meanwhile = meanwhile
    assert commented(forge, kind, "ours") == "created"
    assert standing(forge) == ["ours"]


def test_runs_that_truly_go_on_at_the_same_time_leave_one_comment(forge: Forge, kind: str) -> None:
    async def act(api: Api, _: Job) -> None:
        marks = [Mark("plan", "acme", f"{turn}.1") for turn in range(1, 6)]
        await asyncio.gather(*(put(api.comments(12), mark, "", mark.turn, api.clock) for mark in marks))

    acting(forge, kind, act)
    assert len(standing(forge)) == 1
    assert commented(forge, kind, "last", "9.1") == "updated" and standing(forge) == ["last"]


def test_what_was_there_twice_is_there_once(forge: Forge, kind: str) -> None:
    for number in range(3):
        forge.comment(12, f"<!-- reconciler:plan:acme turn=0.{number} -->\n{number}")
    first = forge.comments[12][0].id
    assert commented(forge, kind) == "updated"
    assert [one.id for one in forge.comments[12]] == [first] and standing(forge) == ["one"]


# ---- lost answers, faults, limits -----------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [0, 500, 502, 504])
def test_an_answer_that_is_lost_after_the_effect_makes_no_second_comment(forge: Forge, kind: str, status: int) -> None:
    forge.fail("POST", ADDED[kind], status, after=True)
    clock = Skipping()
    assert commented(forge, kind, clock=clock) == "created"
    assert standing(forge) == ["one"] and len(forge.calls("POST", ADDED[kind])) == 1 and clock.waited


def test_an_answer_that_says_nothing_is_looked_behind(forge: Forge, kind: str) -> None:
    forge.fail("POST", ADDED[kind], 201, body="<html>", after=True)
    assert commented(forge, kind) == "created"
    assert standing(forge) == ["one"] and len(forge.calls("POST", ADDED[kind])) == 1


@pytest.mark.parametrize("status", [0, 500])
def test_what_is_proved_not_to_be_there_is_sent_again(forge: Forge, kind: str, status: int) -> None:
    forge.fail("POST", ADDED[kind], status)
    assert commented(forge, kind) == "created"
    posts = [number for number, call in enumerate(forge.log) if call.method == "POST" and "graphql" not in call.path]
    looks = [number for number, call in enumerate(forge.log) if call.method == "GET" and ADDED[kind][:-1] in call.path]
    assert len(posts) == 2 and any(posts[0] < look < posts[1] for look in looks)
    assert standing(forge) == ["one"]


def test_it_is_given_up_after_three_times(forge: Forge, kind: str) -> None:
    forge.fail("POST", ADDED[kind], 500, times=9)
    with pytest.raises(ForgeError, match="It was sent 3 times and is not there"):
        commented(forge, kind)
    assert len(forge.calls("POST", ADDED[kind])) == 3


@pytest.mark.parametrize("status", [0, 503])
def test_reads_and_changes_in_place_are_tried_again(forge: Forge, kind: str, status: int) -> None:
    commented(forge, kind)
    forge.fail("GET", ADDED[kind], status)
    forge.fail("PATCH" if kind == "github" else "PUT", "comments/|notes/", status, after=True)
    assert commented(forge, kind, "two", "2.1") == "updated" and standing(forge) == ["two"]


LIMITS: dict[str, tuple[int, Callable[[], dict[str, str]], str, float]] = {
    "primary": (403, lambda: {"x-ratelimit-remaining": "0", "x-ratelimit-reset": reset_in(20)}, "{}", 20),
    "primary 429": (429, lambda: {"x-ratelimit-remaining": "0", "x-ratelimit-reset": reset_in(20)}, "{}", 20),
    "secondary": (403, lambda: {"retry-after": "7"}, '{"message": "secondary rate limit"}', 7),
    "secondary, no word": (403, dict, '{"message": "You have exceeded a secondary rate limit"}', 60),
    "of gitlab": (429, lambda: {"Retry-After": "9", "RateLimit-Remaining": "0", "RateLimit-Reset": reset_in(9)}, "", 9),
    "of gitlab, reset alone": (429, lambda: {"RateLimit-Remaining": "0", "RateLimit-Reset": reset_in(9)}, "", 9),
    "reset long ago": (429, lambda: {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"}, "", 1),
    "without a number": (429, lambda: {"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, "", 60),
}  # fmt: skip


@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_rate_limit_is_waited_for_as_it_says(forge: Forge, kind: str, limit: str, method: str) -> None:
    status, headers, body, wanted = LIMITS[limit]
    forge.fail(method, ADDED[kind], status, headers=headers(), body=body)
    clock = Skipping()
    assert commented(forge, kind, clock=clock) == "created"
    assert len(clock.waited) == 1 and wanted - 2 <= clock.waited[0] <= wanted
    assert standing(forge) == ["one"]


def test_a_wait_beyond_bounds_is_no_wait(forge: Forge, kind: str) -> None:
    forge.fail("GET", ADDED[kind], 429, headers={"retry-after": "3600"})
    clock = Skipping()
    with pytest.raises(ForgeError, match=r"It wants to be left alone for 3600 s; 120 s can be waited\."):
        commented(forge, kind, clock=clock)
    forge.fail("GET", ADDED[kind], 429, headers={"retry-after": "50"}, times=9)
    with pytest.raises(ForgeError, match="20 s can be waited"):
        commented(forge, kind, clock=clock)
    assert sum(clock.waited) <= PATIENCE


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "The token is not valid here."),
        (403, "The token lacks a permission: docs/ci.md lists what each job needs."),
        (404, "It is not there, or the token may not see it"),
        (422, "answered 422: {}"),
        (301, "answered 301"),
    ],
)
def test_a_refusal_is_told_with_what_helps(forge: Forge, kind: str, status: int, said: str) -> None:
    forge.fail("POST", ADDED[kind], status, headers={"Location": "https://elsewhere.example"})
    with pytest.raises(ForgeError) as refusal:
        commented(forge, kind)
    assert said in str(refusal.value) and TOKEN not in str(refusal.value)
    assert len(forge.calls("POST", ADDED[kind])) == 1


@pytest.mark.parametrize("body", ['{"message": "ok"}', "<html>", "[{}]", ""])
def test_an_answer_that_nobody_documents(forge: Forge, kind: str, body: str) -> None:
    forge.fail("GET", ADDED[kind], 200, body=body)
    with pytest.raises(ForgeError, match="The forge answered something that it does not document"):
        commented(forge, kind)


def test_a_forge_that_is_not_there(kind: str) -> None:
    with forge_server() as gone:
        pass
    with pytest.raises(ForgeError, match="no answer"):
        commented(gone, kind)


def test_an_answer_without_end(forge: Forge, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconciler.forge.http.LARGEST", 1000)
    forge.comment(12, "x" * 2000, OTHER)
    with pytest.raises(ForgeError, match="the answer is larger than"):
        commented(forge, kind)
    monkeypatch.setattr("reconciler.forge.http.LARGEST", 1 << 20)
    monkeypatch.setattr("reconciler.forge.http.MOST_PAGES", 2)
    forge.page = 1
    for _ in range(3):
        forge.comment(12, "x", OTHER)
    with pytest.raises(ForgeError, match="more than 2 pages"):
        commented(forge, kind)


# ---- where the token goes ------------------------------------------------------------------------------------------


def test_a_page_on_another_host_gets_no_token(forge: Forge) -> None:
    forge.page, forge.leads_to = 1, "http://127.0.0.1:9"
    for _ in range(2):
        forge.comment(12, "x", OTHER)
    with pytest.raises(ForgeError, match="leads to another host; the token is not sent there"):
        commented(forge, "github")


@pytest.mark.parametrize(
    ("kind", "changed", "error"),
    [
        ("github", {"GITHUB_API_URL": "http://api.github.example"}, Blocked),
        ("github", {"GITHUB_API_URL": "https://me:pw@api.github.example"}, Blocked),
        ("github", {"GITHUB_GRAPHQL_URL": "https://elsewhere.example/graphql"}, Blocked),
        ("github", {"GITHUB_TOKEN": ""}, Misuse),
        ("github", {"GITHUB_REPOSITORY": ""}, Misuse),
        ("gitlab", {"CI_API_V4_URL": "ftp://gitlab.example"}, Blocked),
        ("gitlab", {"CI_API_V4_URL": ""}, Misuse),
        ("gitlab", {"RECONCILER_GITLAB_TOKEN": ""}, Misuse),
        ("gitlab", {"GITLAB_CI": ""}, Misuse),
    ],
)
def test_an_environment_that_would_give_the_token_away_or_has_none(
    forge: Forge, kind: str, changed: dict[str, str], error: type[ReconcilerError]
) -> None:
    with pytest.raises(error) as refused:
        job_of({**forge.environ(kind), **changed})
    assert TOKEN not in str(refused.value) and not forge.log


def test_what_the_environment_says_of_a_job(forge: Forge, tmp_path: Path) -> None:
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 12, "head": {"sha": HEAD}}}))
    github = job_of({**forge.environ("github"), "GITHUB_SHA": COMMIT, "GITHUB_EVENT_PATH": str(event)})
    assert (github.commit, github.number, github.turn) == (HEAD, 12, "1000.1")
    assert github.url == "https://github.example/acme/outreach/actions/runs/1000"
    assert TOKEN not in repr(github)
    for text in ("[]", "{", '{"pull_request": null}'):
        event.write_text(text)
        pushed = job_of({**forge.environ("github"), "GITHUB_SHA": COMMIT, "GITHUB_EVENT_PATH": str(event)})
        assert (pushed.commit, pushed.number) == (COMMIT, 0)
    plain = {"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "a/b", "GITHUB_TOKEN": TOKEN}
    assert (job_of(plain).api, job_of(plain).graphql) == ("https://api.github.com", "https://api.github.com/graphql")
    merged = {"CI_COMMIT_SHA": COMMIT, "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": HEAD, "CI_MERGE_REQUEST_IID": "12"}
    gitlab = job_of({**forge.environ("gitlab"), **merged})
    assert (gitlab.commit, gitlab.number, gitlab.turn) == (HEAD, 12, "1000.5000")


# ---- one issue -----------------------------------------------------------------------------------------------------


def kept(forge: Forge, kind: str, text: str, turn: str = "1.1") -> tuple[str, str]:
    mark = Mark("drift", "acme", turn)
    done: tuple[str, str] = acting(
        forge, kind, lambda api, _: put(api.issues(), mark, "acme has drifted", text, api.clock)
    )
    return done


def closed(forge: Forge, kind: str) -> tuple[str, str]:
    mark = Mark("drift", "acme", "9.9")
    done: tuple[str, str] = acting(forge, kind, lambda api, _: clear(api.issues(), mark, "well again"))
    return done


def test_one_issue_is_opened_renewed_closed_and_later_opened_anew(forge: Forge, kind: str) -> None:
    forge.page = 2
    for number in range(5):
        forge.issue(f"help {number}", OTHER)
    forge.issue("<!-- reconciler:drift:acme turn=0.1 -->\nforged", OTHER)
    if kind == "github":
        forge.issue("<!-- reconciler:drift:acme turn=0.1 -->\na pull request", pull=True)
    before = len(forge.issues)
    done, where = kept(forge, kind, "one")
    assert done == "created" and where.endswith(f"/{forge.issues[-1].id}") and len(forge.issues) == before + 1
    assert kept(forge, kind, "two", "2.1") == ("updated", where) and len(forge.issues) == before + 1
    assert closed(forge, kind) == ("closed", where) and not forge.issues[-1].open
    assert forge.issues[-1].body == "<!-- reconciler:drift:acme turn=9.9 -->\nwell again"
    assert closed(forge, kind) == ("nothing to close", "")
    assert kept(forge, kind, "three", "10.1")[0] == "created" and len(forge.issues) == before + 2


def test_issues_that_were_opened_twice_become_one(forge: Forge, kind: str) -> None:
    for number in range(2):
        forge.issue(f"<!-- reconciler:drift:acme turn=0.{number} -->\n{number}")
    assert kept(forge, kind, "one")[0] == "updated"
    assert [one.open for one in forge.issues] == [True, False]


# ---- what is written -----------------------------------------------------------------------------------------------


def job(kind: str = "github") -> Job:
    return Job("github", "", "", "acme/outreach", {}, HEAD, 12, "https://github.example/run", "1.1")


def test_no_line_of_a_note_is_carried_out_by_gitlab() -> None:
    assert inert("/close\ntext /close\n  /label x\n\n/") == "\\/close\ntext /close\n  \\/label x\n\n\\/"


def test_a_note_is_inert_when_it_arrives(forge: Forge) -> None:
    commented(forge, "gitlab", "fine\n/merge")
    assert standing(forge) == ["fine\n\\/merge"]
    kept(forge, "gitlab", "/close")
    assert forge.issues[-1].body.endswith("\n\\/close")


@pytest.mark.parametrize("limit", [65_536, 1_000_000])
def test_a_huge_text_keeps_to_the_budget_and_closes_what_it_folds(limit: int) -> None:
    text = "# drift\n" + "<details><summary>ż</summary>\n" * 2 + "ż one line\n" * limit
    body = bodies.drift_issue(text, job(), limit)
    assert len(f"{Mark('drift', 'a' * 63, '1.1')}\n{body}".encode()) <= limit
    assert body.count("<details>") == body.count("</details>") == 2 and "cut short" in body
    folds = bodies.drift_issue("<details>\n" * limit, job(), limit)
    assert len(folds.encode()) <= limit and folds.count("<details>") == folds.count("</details>")


def test_a_huge_plan_keeps_to_the_budget_of_the_forge(forge: Forge, kind: str) -> None:
    change = some_plan().changes[0] if some_plan().changes else None
    many = replace(some_plan(), changes=tuple(replace(change, id=n) for n in range(5_000)) if change else ())
    text = bodies.plan_comment(many, job(), 65_536)
    assert len(text.encode()) <= 65_536 - 500
    assert commented(forge, kind, text) == "created"
    assert f"commit `{HEAD[:7]}` · [job](https://github.example/run)" in text


OUTCOME = {
    "id": 1,
    "key": "hanoi/campaign/spring",
    "action": "add_contacts",
    "status": "in_doubt",
    "error": "no | answer @all",
}


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (1, "Mend the cause"), (3, "configuration on the main branch is invalid"), (4, "A guard, a policy or a missing approval"),
        (5, "The reviewed plan no longer holds"), (6, "could not be read completely"), (7, "Another run holds the lock"),
        (8, "```\nreconciler apply --resume\n```"), (9, "```\nreconciler resolve\nreconciler apply --resume\n```"), (64, "Mend the cause"),
    ],
)  # fmt: skip
def test_a_stopped_apply_says_what_to_do_next(code: int, said: str) -> None:
    report = {
        "run": "5f1c",
        "plan": "sha256:12",
        "error": None,
        "outcomes": [OUTCOME, {**OUTCOME, "status": "confirmed"}],
    }
    text = bodies.apply_issue(code, report, job(), 65_536)
    assert said in text and f"ended with code {code} for commit `{HEAD[:7]}`" in text
    assert "1 of 2 steps are done." in text and "| in doubt | add contacts | hanoi/campaign/spring | no" in text
    assert "@all" not in text and "| answer" not in text  # nobody is called, no column is made


def test_a_plan_that_no_longer_holds_is_shown_with_the_digest_to_apply_it_by() -> None:
    text = bodies.stale_comment(sealed(), job(), 65_536)
    assert text.startswith("### reconciler: nothing was applied, the reviewed plan no longer holds")
    assert f"the digest `{sealed().digest}`" in text and f"commit `{HEAD[:7]}`" in text
    assert bodies.clean(job()).startswith("All is well again.")


def test_a_report_that_is_long_empty_or_only_an_error() -> None:
    many = bodies.apply_issue(8, {"outcomes": [OUTCOME] * 80}, job(), 65_536)
    assert many.count("| in doubt |") == 50 and "And 30 more" in many
    refused = bodies.apply_issue(4, {"error": "Blocked; nothing was sent.\n  guard-creates"}, job(), 65_536)
    assert "> Blocked; nothing was sent.\n> guard-creates" in refused
    assert "table" not in bodies.apply_issue(1, {}, job(), 65_536)


# ---- the plan that was reviewed ------------------------------------------------------------------------------------


def sealed(**fields: Any) -> Plan:
    return planfile.seal(replace(some_plan(), **fields))


def content(plan: Plan) -> bytes:
    return planfile.canonical(planfile.to_json(plan)) + b"\n"


def artefact_of(plan: Plan, head: str = HEAD) -> dict[str, bytes]:
    name = bodies.artefact(plan, head)
    return {name: packed(f"{name}.json", content(plan))}


def fetched(forge: Forge, kind: str, out: Path, commit: str = COMMIT) -> tuple[Plan, int]:
    async def act(api: Api, _: Job) -> tuple[Plan, int]:
        merged = await came_in_by(api, commit)
        return await reviewed(api, merged, out), merged.number

    found: tuple[Plan, int] = acting(forge, kind, act)
    return found


def test_the_newest_plan_of_the_merged_head_is_fetched(forge: Forge, kind: str, tmp_path: Path) -> None:
    forge.page = 1
    old, new, other = sealed(created_at="1"), sealed(project="newer"), sealed(project="other")
    forge.run(HEAD, artefact_of(old))
    forge.run(HEAD, artefact_of(new))
    forge.run("c" * 40, artefact_of(other, "c" * 40))
    forge.pulls[COMMIT] = [{"number": 11, "head": "c" * 40, "commit": "d" * 40, "merged": True}]
    forge.merge(12, HEAD, COMMIT)
    forge.pulls[COMMIT].append({"number": 13, "head": "e" * 40, "commit": COMMIT, "merged": False})
    out = tmp_path / "plan.json"
    assert fetched(forge, kind, out) == (new, 12)
    assert out.read_bytes() == content(new) and out.stat().st_mode & 0o777 == 0o600


def test_what_is_not_bound_to_commit_and_digest_is_passed_over(forge: Forge, kind: str, tmp_path: Path) -> None:
    good, wrong = sealed(), sealed(project="other")
    forge.merge(12, HEAD, COMMIT)
    forge.run(HEAD, artefact_of(good))
    renamed = bodies.artefact(good, HEAD)
    edited = content(good).replace(b'"acme"', b'"acne"')
    for name, plan_bytes in (
        (renamed, content(wrong)),  # another digest than its name says
        (renamed, edited),  # changed after it was made
        (bodies.artefact(wrong, "f" * 40), content(wrong)),  # of another commit
        (renamed, b"{}"),
        (renamed, b"\xff"),
    ):
        forge.run(HEAD, {renamed: packed(f"{name}.json", plan_bytes)})
    assert fetched(forge, kind, tmp_path / "plan.json")[0] == good


def test_a_forks_artefact_is_none_of_ours(forge: Forge, kind: str, tmp_path: Path) -> None:
    forge.merge(12, HEAD, COMMIT)
    forge.run(HEAD, artefact_of(sealed()), repository="mallory/outreach")
    with pytest.raises(PlanStale, match=r"No plan is kept for aaaaaaa, the head of pull request 12"):
        fetched(forge, kind, tmp_path / "plan.json")
    assert not (tmp_path / "plan.json").exists()


def test_a_commit_of_no_pull_request(forge: Forge, kind: str, tmp_path: Path) -> None:
    with pytest.raises(PlanStale, match="The commit bbbbbbb came in by no pull request"):
        fetched(forge, kind, tmp_path / "plan.json")


def test_only_so_many_pipelines_are_looked_at(forge: Forge, tmp_path: Path) -> None:
    forge.merge(12, HEAD, COMMIT)
    forge.run(HEAD, artefact_of(sealed()))
    for _ in range(20):
        forge.run(HEAD, {})
    with pytest.raises(PlanStale):
        fetched(forge, "gitlab", tmp_path / "plan.json")


def test_an_artefact_that_is_no_archive(forge: Forge, kind: str, tmp_path: Path) -> None:
    forge.merge(12, HEAD, COMMIT)
    forge.run(HEAD, {bodies.artefact(sealed(), HEAD): b"not a zip"})
    with pytest.raises(ForgeError, match="cannot be unpacked"):
        fetched(forge, kind, tmp_path / "plan.json")
    forge.runs.clear()
    forge.run(HEAD, artefact_of(sealed()))
    with pytest.raises(ReconcilerError, match="cannot be written"):
        fetched(forge, kind, tmp_path / "nowhere" / "plan.json")


def test_an_artefact_that_lies_without_tls_is_not_fetched(forge: Forge, kind: str, tmp_path: Path) -> None:
    forge.merge(12, HEAD, COMMIT)
    forge.run(HEAD, artefact_of(sealed()))
    forge.fail(
        "GET",
        "zip$|artifacts$" if kind == "github" else "jobs/.*/artifacts$",
        302,
        headers={"Location": "http://blob.example/1"},
    )
    if kind == "github":
        forge.faults[0].path = "/zip$"
    with pytest.raises(ForgeError, match="without TLS"):
        fetched(forge, kind, tmp_path / "plan.json")


def test_an_artefact_that_is_handed_over_at_once(forge: Forge, kind: str, tmp_path: Path) -> None:
    """GitLab, where its own disk holds them."""
    forge.merge(12, HEAD, COMMIT)
    forge.run(HEAD, artefact_of(sealed()))
    forge.artefacts_elsewhere = False
    assert fetched(forge, kind, tmp_path / "plan.json")[0] == sealed()
    assert not forge.calls("GET", "^/blob")
