"""What a CI job's environment says of it: which forge, which project, which commit, and the token. Asks nobody."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from reconciler.errors import Blocked, Misuse
from reconciler.providers.hosts import is_loopback

GITLAB_TOKEN = "RECONCILER_GITLAB_TOKEN"


@dataclass(frozen=True, slots=True)
class Job:
    """`repository`: `owner/name` at GitHub, the numeric id at GitLab. `commit`: what is reviewed or applied; of a pull request its
    head. `number`: the pull request, 0 outside of one. `turn`: grows from run to run, so that an older one does not overwrite a newer.
    """

    forge: Literal["github", "gitlab"]
    api: str
    graphql: str
    repository: str
    headers: Mapping[str, str] = field(repr=False)
    commit: str
    number: int
    url: str
    turn: str


def job_of(environ: Mapping[str, str]) -> Job:
    """Raises Misuse outside of a job, or where it has no token; Blocked where the token would leave without TLS."""
    if environ.get("GITHUB_ACTIONS") == "true":
        return _github(environ)
    if environ.get("GITLAB_CI") == "true":
        return _gitlab(environ)
    raise Misuse(
        "This runs in a job of GitHub Actions or GitLab CI only: neither GITHUB_ACTIONS nor GITLAB_CI is true."
    )


def commit_of(environ: Mapping[str, str]) -> str:
    """The commit that is reviewed or applied, of a pull request its head; empty outside of a job that names one."""
    head = _pull_request(environ).get("head")
    named = [str(head.get("sha", ""))] if isinstance(head, dict) else []
    named += [environ.get(name, "") for name in ("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", "CI_COMMIT_SHA", "GITHUB_SHA")]
    return next(filter(None, named), "")


def _github(environ: Mapping[str, str]) -> Job:
    api = _bound(environ.get("GITHUB_API_URL") or "https://api.github.com")
    graphql = _bound(environ.get("GITHUB_GRAPHQL_URL") or f"{api}/graphql")
    if urlsplit(api).netloc != urlsplit(graphql).netloc:
        raise Blocked("GITHUB_GRAPHQL_URL is on another host than GITHUB_API_URL: the token is not sent there.")
    pull = _pull_request(environ)
    repository, run = _needed(environ, "GITHUB_REPOSITORY"), environ.get("GITHUB_RUN_ID", "0")
    server = environ.get("GITHUB_SERVER_URL", "https://github.com")
    return Job(
        "github",
        api,
        graphql,
        repository,
        {"Authorization": f"Bearer {_needed(environ, 'GITHUB_TOKEN')}", "X-GitHub-Api-Version": "2022-11-28"},
        str(pull.get("head", {}).get("sha") or environ.get("GITHUB_SHA", "")),
        int(pull.get("number", 0)),
        f"{server}/{repository}/actions/runs/{run}",
        f"{run}.{environ.get('GITHUB_RUN_ATTEMPT', '1')}",
    )


def _pull_request(environ: Mapping[str, str]) -> dict[str, Any]:
    """Of the event that started the workflow; empty where that was another one."""
    try:
        event = json.loads(Path(environ["GITHUB_EVENT_PATH"]).read_bytes())
    except (KeyError, OSError, ValueError):
        return {}
    found = event.get("pull_request") if isinstance(event, dict) else None
    return found if isinstance(found, dict) else {}


def _gitlab(environ: Mapping[str, str]) -> Job:
    """In a pipeline for merged results CI_COMMIT_SHA is of a commit that only the pipeline knows; the source branch's is reviewed."""
    return Job(
        "gitlab",
        _bound(_needed(environ, "CI_API_V4_URL")),
        "",
        _needed(environ, "CI_PROJECT_ID"),
        {"PRIVATE-TOKEN": _needed(environ, GITLAB_TOKEN)},
        environ.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA") or environ.get("CI_COMMIT_SHA", ""),
        int(environ.get("CI_MERGE_REQUEST_IID") or 0),
        environ.get("CI_JOB_URL", ""),
        f"{environ.get('CI_PIPELINE_ID', '0')}.{environ.get('CI_JOB_ID', '0')}",
    )


def _needed(environ: Mapping[str, str], name: str) -> str:
    if not environ.get(name):
        raise Misuse(f"The environment variable {name} is not set, or empty: docs/ci.md says where it comes from.")
    return environ[name]


def _bound(url: str) -> str:
    parts = urlsplit(url)
    if not parts.hostname or parts.username or (parts.scheme != "https" and not is_loopback(parts.hostname)):
        raise Blocked("The address of the forge's API must be https://host[/path]: the token is not sent there.")
    return url.rstrip("/")
