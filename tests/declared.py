"""Declarations to test with: the smallest sound documents, and a way to write them down and hear what is wrong with them."""

from __future__ import annotations

from pathlib import Path

from reconciler import config
from reconciler.errors import ConfigInvalid
from reconciler.model import Repository

PROJECT = """\
apiVersion: reconciler/v1
kind: Project
metadata: {name: acme-outreach}
spec: {}
"""
CONNECTION = """\
apiVersion: reconciler/v1
kind: Connection
metadata: {name: hanoi}
spec:
  vendor: tel4vn
  baseUrl: {env: TEL4VN_URL}
  credentials: {apiKey: {env: TEL4VN_API_KEY}}
  timezone: Asia/Ho_Chi_Minh
"""
SCHEDULE = """\
apiVersion: reconciler/v1
kind: Schedule
metadata: {name: office-hours}
spec:
  timezone: Asia/Ho_Chi_Minh
  windows:
    - {days: [mon, tue], from: "08:30", to: "17:00"}
"""
RECALL = """\
apiVersion: reconciler/v1
kind: RecallPolicy
metadata: {name: gentle}
spec:
  maxAttempts: 4
  after: 30m
  outcomes: [no_answer, busy]
"""
SET = """\
apiVersion: reconciler/v1
kind: ContactSet
metadata: {name: people}
spec:
  source: {file: {env: PEOPLE_CSV}}
  columns: {phone: mobile}
"""
SUPPRESSIONS = """\
apiVersion: reconciler/v1
kind: SuppressionList
metadata: {name: refusals}
spec:
  source: {file: {env: REFUSALS_CSV}}
  columns: {phone: number}
"""
CAMPAIGN = """\
apiVersion: reconciler/v1
kind: Campaign
metadata: {name: spring}
spec:
  connection: hanoi
  schedule: office-hours
  recall: gentle
  contacts: [people]
  tel4vn:
    type: autocall
"""
SHARED = "---\n".join([CONNECTION, SCHEDULE, RECALL, SET, SUPPRESSIONS])


def write(root: Path, **files: str) -> Path:
    """A repository at `root`: project, shared documents and one campaign, each replaced or added to by `files`."""
    contents = {"reconciler": PROJECT, "shared": SHARED, "campaign": CAMPAIGN, **files}
    for name, text in contents.items():
        (root / f"{name}.yaml").write_text(text)
    return root


def loaded(root: Path, **files: str) -> Repository:
    return config.load(write(root, **files))


def complaints(root: Path, **files: str) -> list[str]:
    """What is said about a repository that is not sound: one text per problem."""
    try:
        loaded(root, **files)
    except ConfigInvalid as invalid:
        return [str(problem) for problem in invalid.problems]
    raise AssertionError("nothing was said")


def rules(root: Path, **files: str) -> set[str]:
    try:
        loaded(root, **files)
    except ConfigInvalid as invalid:
        return {problem.rule for problem in invalid.problems}
    return set()
