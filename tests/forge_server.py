"""GitHub and GitLab on a loopback port, as far as docs.github.com/rest and docs.gitlab.com/api describe what we call, with faults.

Pages, `Link` and `x-next-page`, both kinds of rate limit, answers that are lost after the effect. Everything that came in is in `log`.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

TOKEN = "a-token-that-nobody-may-see"
REPOSITORY, PROJECT = "acme/outreach", "7"
ME, OTHER = ("github-actions[bot]", 41), ("mallory", 66)
Json = Any


@dataclass(frozen=True, slots=True)
class Call:
    method: str
    path: str
    query: Mapping[str, str]
    token: str
    body: Json


@dataclass
class Fault:
    """`status`: answered instead; 0: the line is cut. `after`: what was asked is done all the same. `times` it happens."""

    method: str
    path: str
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = "{}"
    after: bool = False
    times: int = 1


@dataclass
class Text:
    id: int
    body: str
    author: tuple[str, int]
    title: str = ""
    open: bool = True
    pull: bool = False


@dataclass
class Forge:
    """The state of both forges; a test changes it as people do. `page`: at most so many of anything at once."""

    page: int = 100
    comments: dict[int, list[Text]] = field(default_factory=dict)
    issues: list[Text] = field(default_factory=list)
    pulls: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # by commit
    runs: list[dict[str, Any]] = field(
        default_factory=list
    )  # newest first: id, head, repository, artifacts: {name: zip}
    faults: list[Fault] = field(default_factory=list)
    log: list[Call] = field(default_factory=list)
    meanwhile: Callable[[], None] | None = None  # happens once, just before something new is made
    artefacts_elsewhere: bool = True
    leads_to: str = ""  # another host, in Link
    url: str = ""
    lock: threading.RLock = field(default_factory=threading.RLock)
    _next: int = 100

    def new(self) -> int:
        self._next += 1
        return self._next

    def comment(self, number: int, body: str, author: tuple[str, int] = ME) -> Text:
        made = Text(self.new(), body, author)
        self.comments.setdefault(number, []).append(made)
        return made

    def issue(self, body: str, author: tuple[str, int] = ME, **fields: Any) -> Text:
        made = Text(self.new(), body, author, **fields)
        self.issues.append(made)
        return made

    def run(self, head: str, artifacts: Mapping[str, bytes], repository: str = REPOSITORY) -> None:
        self.runs.insert(0, {"id": self.new(), "head": head, "repository": repository, "artifacts": dict(artifacts)})

    def merge(self, number: int, head: str, commit: str) -> None:
        self.pulls.setdefault(commit, []).append({"number": number, "head": head, "commit": commit, "merged": True})

    def calls(self, method: str = "", path: str = "") -> list[Call]:
        return [call for call in self.log if call.method.startswith(method) and re.search(path, call.path)]

    def fail(self, method: str, path: str, status: int, **fields: Any) -> None:
        self.faults.append(Fault(method, path, status, **fields))

    def environ(self, kind: str) -> dict[str, str]:
        """What a job's environment says, but for the commit and the pull request."""
        if kind == "github":
            return {"GITHUB_ACTIONS": "true", "CI": "true", "GITHUB_API_URL": self.url, "GITHUB_REPOSITORY": REPOSITORY,
                    "GITHUB_GRAPHQL_URL": f"{self.url}/graphql", "GITHUB_TOKEN": TOKEN, "GITHUB_RUN_ID": "1000",
                    "GITHUB_RUN_ATTEMPT": "1", "GITHUB_SERVER_URL": "https://github.example"}  # fmt: skip
        return {"GITLAB_CI": "true", "CI": "true", "CI_API_V4_URL": f"{self.url}/api/v4", "CI_PROJECT_ID": PROJECT,
                "RECONCILER_GITLAB_TOKEN": TOKEN, "CI_PIPELINE_ID": "1000", "CI_JOB_ID": "5000",
                "CI_JOB_URL": "https://gitlab.example/jobs/5000"}  # fmt: skip


def packed(name: str, content: bytes) -> bytes:
    """An artefact with one file."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as files:
        files.writestr(name, content)
    return whole.getvalue()


@dataclass(frozen=True, slots=True)
class Told:
    status: int
    body: Json = None
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None


class _Routes:
    """What each call does. `found`: the groups of its path."""

    def __init__(self, forge: Forge) -> None:
        self.forge = forge
        github, gitlab = f"/repos/{REPOSITORY}", f"/api/v4/projects/{PROJECT}"
        self.table: list[tuple[str, str, Callable[..., Told]]] = [
            ("POST", "/graphql", self.viewer),
            ("GET", f"{github}/issues/(\\d+)/comments", self.listed_comments),
            ("POST", f"{github}/issues/(\\d+)/comments", self.add_comment),
            ("PATCH|DELETE", f"{github}/issues/comments/(\\d+)", self.edit_comment),
            ("GET", f"{github}/issues", self.listed_issues),
            ("POST", f"{github}/issues", self.add_issue),
            ("PATCH", f"{github}/issues/(\\d+)", self.edit_issue),
            ("GET", f"{github}/commits/(\\w+)/pulls", self.pulls),
            ("GET", f"{github}/actions/runs", self.github_runs),
            ("GET", f"{github}/actions/runs/(\\d+)/artifacts", self.github_artifacts),
            ("GET", f"{github}/actions/artifacts/(\\d+)/zip", self.moved),
            ("GET", "/blob/(\\d+)", self.blob),
            ("GET", "/api/v4/user", self.user),
            ("GET", f"{gitlab}/merge_requests/(\\d+)/notes", self.listed_comments),
            ("POST", f"{gitlab}/merge_requests/(\\d+)/notes", self.add_comment),
            ("PUT|DELETE", f"{gitlab}/merge_requests/\\d+/notes/(\\d+)", self.edit_comment),
            ("GET", f"{gitlab}/issues", self.listed_issues),
            ("POST", f"{gitlab}/issues", self.add_issue),
            ("PUT", f"{gitlab}/issues/(\\d+)", self.edit_issue),
            ("GET", f"{gitlab}/repository/commits/(\\w+)/merge_requests", self.merge_requests),
            ("GET", f"{gitlab}/merge_requests/(\\d+)/pipelines", self.pipelines),
            ("GET", f"{gitlab}/pipelines/(\\d+)/jobs", self.jobs),
            ("GET", f"{gitlab}/jobs/(\\d+)/artifacts", self.moved),
        ]

    def answer(self, call: Call) -> Told:
        for method, pattern, act in self.table:
            found = re.fullmatch(pattern, call.path)
            if found and re.fullmatch(method, call.method):
                if call.token != TOKEN and act != self.blob:
                    return Told(401, {"message": "Bad credentials"})
                return act(call, *found.groups())
        return Told(404, {"message": "Not Found"})

    def paged(self, call: Call, rows: list[Json], key: str = "") -> Told:
        """GitHub leads on with Link alone, GitLab with both headers; `x-next-page` is empty on its last page."""
        number, size = int(call.query.get("page", "1")), min(int(call.query.get("per_page", "30")), self.forge.page)
        part, more = rows[(number - 1) * size : number * size], number * size < len(rows)
        headers = {}
        if more:
            query = urlencode({**call.query, "page": str(number + 1)})
            headers["Link"] = f'<{self.forge.leads_to or self.forge.url}{call.path}?{query}>; rel="next"'
        if gitlab(call):
            headers["x-next-page"] = str(number + 1) if more else ""
        return Told(200, {"total_count": len(rows), key: part} if key else part, headers)

    # ---- texts

    def viewer(self, call: Call) -> Told:
        return Told(200, {"data": {"viewer": {"login": ME[0]}}})

    def user(self, call: Call) -> Told:
        return Told(200, {"id": ME[1], "username": "project_7_bot"})

    def shown(self, call: Call, text: Text) -> Json:
        name, number = text.author
        both = {"id": text.id, "title": text.title, "body": text.body}
        if gitlab(call):
            author, url = {"id": number, "username": name}, f"https://gitlab.example/{text.id}"
            return {**both, "iid": text.id, "description": text.body, "system": False, "author": author, "web_url": url}
        state, url = "open" if text.open else "closed", f"https://github.example/{text.id}"
        shown = {**both, "number": text.id, "user": {"login": name, "id": number}, "state": state, "html_url": url}
        return {**shown, "pull_request": {"url": url}} if text.pull else shown

    def listed_comments(self, call: Call, number: str) -> Told:
        return self.paged(call, [self.shown(call, one) for one in self.forge.comments.get(int(number), [])])

    def add_comment(self, call: Call, number: str) -> Told:
        self._meanwhile()
        if len(call.body["body"]) > (1_000_000 if gitlab(call) else 65_536):
            return Told(422, {"message": "Validation Failed: body is too long"})
        return Told(201, self.shown(call, self.forge.comment(int(number), call.body["body"])))

    def edit_comment(self, call: Call, number: str) -> Told:
        for texts in self.forge.comments.values():
            for text in [one for one in texts if one.id == int(number)]:
                if call.method == "DELETE":
                    texts.remove(text)
                    return Told(204)
                text.body = call.body["body"]
                return Told(200, self.shown(call, text))
        return Told(404, {"message": "Not Found"})

    def listed_issues(self, call: Call) -> Told:
        wanted = [one for one in self.forge.issues if one.open or call.query.get("state") not in {"open", "opened"}]
        return self.paged(call, [self.shown(call, one) for one in wanted])

    def add_issue(self, call: Call) -> Told:
        self._meanwhile()
        text = call.body["description" if gitlab(call) else "body"]
        return Told(201, self.shown(call, self.forge.issue(text, title=call.body["title"])))

    def edit_issue(self, call: Call, number: str) -> Told:
        (text,) = [one for one in self.forge.issues if one.id == int(number)]
        text.body = call.body.get("description" if gitlab(call) else "body", text.body)
        if call.body.get("state") == "closed" or call.body.get("state_event") == "close":
            text.open = False
        return Told(200, self.shown(call, text))

    def _meanwhile(self) -> None:
        act, self.forge.meanwhile = self.forge.meanwhile, None
        if act:
            act()

    # ---- plans

    def pulls(self, call: Call, commit: str) -> Told:
        rows = [
            {"number": one["number"], "head": {"sha": one["head"]}, "merge_commit_sha": one["commit"],
             "merged_at": "2026-06-01T08:00:00Z" if one["merged"] else None}
            for one in self.forge.pulls.get(commit, [])
        ]  # fmt: skip
        return self.paged(call, rows)

    def merge_requests(self, call: Call, commit: str) -> Told:
        rows = [
            {"iid": one["number"], "sha": one["head"], "merge_commit_sha": one["commit"], "squash_commit_sha": None,
             "state": "merged" if one["merged"] else "opened"}
            for one in self.forge.pulls.get(commit, [])
        ]  # fmt: skip
        return self.paged(call, rows)

    def github_runs(self, call: Call) -> Told:
        rows = [
            {"id": one["id"], "head_sha": one["head"], "head_repository": {"full_name": one["repository"]}}
            for one in self.forge.runs
            if one["head"] == call.query["head_sha"]
        ]
        return self.paged(call, rows, "workflow_runs")

    def github_artifacts(self, call: Call, run: str) -> Told:
        (found,) = [one for one in self.forge.runs if one["id"] == int(run)]
        rows = [
            {"id": found["id"] * 10 + n, "name": name, "expired": False} for n, name in enumerate(found["artifacts"])
        ]
        return self.paged(call, rows, "artifacts")

    def pipelines(self, call: Call, number: str) -> Told:
        rows = [
            {"id": one["id"], "project_id": int(PROJECT) if one["repository"] == REPOSITORY else 8}
            for one in self.forge.runs
        ]
        return self.paged(call, rows)

    def jobs(self, call: Call, pipeline: str) -> Told:
        (found,) = [one for one in self.forge.runs if one["id"] == int(pipeline)]
        rows = [{"id": found["id"] * 10 + n, "name": "reconciler-plan", "artifacts_file": {"filename": "artifacts.zip"}}
                for n, _ in enumerate(found["artifacts"])]  # fmt: skip
        return self.paged(call, [*rows, {"id": 1, "name": "reconciler-validate"}])

    def moved(self, call: Call, number: str) -> Told:
        if not self.forge.artefacts_elsewhere:
            return Told(200, raw=self._archive(number))
        return Told(302, None, {"Location": f"{self.forge.url}/blob/{number}"})

    def blob(self, call: Call, number: str) -> Told:
        """Another host as a rule: a token has no business there."""
        assert not call.token, "the token was sent to where artefacts lie"
        return Told(200, raw=self._archive(number))

    def _archive(self, number: str) -> bytes:
        (found,) = [one for one in self.forge.runs if one["id"] == int(number) // 10]
        archives: list[bytes] = list(found["artifacts"].values())
        return archives[int(number) % 10]


def gitlab(call: Call) -> bool:
    return call.path.startswith("/api/v4/")


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, forge: Forge) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.forge, self.routes = forge, _Routes(forge)
        forge.url = f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16
    server: _Server

    def log_message(self, *_: object) -> None:
        """Silent: `forge.log` has it all."""

    def handle_call(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        token = self.headers.get("PRIVATE-TOKEN") or self.headers.get("Authorization", "").removeprefix("Bearer ")
        call = Call(self.command, parts.path, query, token, json.loads(content) if content else None)
        with self.server.forge.lock:
            self.server.forge.log.append(call)
            self.tell(self.faulty(call) or self.server.routes.answer(call))

    def faulty(self, call: Call) -> Told | None:
        for fault in self.server.forge.faults:
            if fault.times and fault.method == call.method and re.search(fault.path, call.path):
                fault.times -= 1
                if fault.after:
                    self.server.routes.answer(call)
                return Told(fault.status, headers=fault.headers, raw=fault.body.encode())
        return None

    def tell(self, told: Told) -> None:
        if told.status == 0:
            self.close_connection = True
            self.connection.close()
            return
        raw = told.raw if told.raw is not None else b"" if told.body is None else json.dumps(told.body).encode()
        self.send_response(told.status)
        for name, value in told.headers.items():
            self.send_header(name, value)
        if told.status != 204:
            self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def handle(self) -> None:
        with contextlib.suppress(OSError, ValueError):  # a line that was cut on purpose
            super().handle()


for _method in ("GET", "POST", "PATCH", "PUT", "DELETE"):
    setattr(_Handler, f"do_{_method}", _Handler.handle_call)


@contextlib.contextmanager
def forge_server(page: int = 100) -> Iterator[Forge]:
    forge = Forge(page)
    server = _Server(forge)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield forge
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def reset_in(seconds: float) -> str:
    """When a rate limit ends, as both forges write it."""
    return str(int(time.time() + seconds))
