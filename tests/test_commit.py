"""Which commit a plan says it was made for: the job's, of a pull request its head; nothing that only looks like one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reconciler.assembly import _commit

SHA, HEAD = "a1b2c3d4e5f60718293a4b5c6d7e8f9012345678", "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, ""),
        ({"GITHUB_SHA": SHA}, SHA),
        ({"CI_COMMIT_SHA": SHA}, SHA),
        ({"CI_COMMIT_SHA": SHA, "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": HEAD}, HEAD),
        ({"CI_COMMIT_SHA": SHA, "RECONCILER_COMMIT": HEAD}, HEAD),
        ({"GITHUB_SHA": "main; rm -rf /"}, ""),
        ({"GITHUB_SHA": f"{SHA}\n"}, ""),
    ],
)
def test_the_commit_of_a_job(environ: dict[str, str], expected: str) -> None:
    assert _commit(environ) == expected


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"pull_request": {"head": {"sha": HEAD}}}, HEAD),
        ({"pull_request": {"head": None}}, SHA),
        ({"push": {}}, SHA),
        ([], SHA),
    ],
)
def test_of_a_pull_request_the_head_counts(tmp_path: Path, event: object, expected: str) -> None:
    (tmp_path / "event.json").write_text(json.dumps(event))
    assert _commit({"GITHUB_SHA": SHA, "GITHUB_EVENT_PATH": str(tmp_path / "event.json")}) == expected
