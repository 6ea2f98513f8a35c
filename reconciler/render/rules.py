"""What each rule of `validate` asks for, for reports that explain a rule apart from its cases. Judges nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from reconciler.errors import Problem
from reconciler.model import Finding
from reconciler.redact import inert, mask

# Rule -> what it asks for. Every rule of config/ and of those who ask the vendors stands here (a test compares); W.. are warnings.
HELP: Final = {
    "alias": "A YAML alias may repeat a part of the document, within bounds, and never itself.",
    "base-url": "The address of a vendor is https://host, perhaps with a path; http is for loopback only.",
    "capability": "Only what the vendor of the connection can hold may be declared: nothing is dropped silently.",
    "choice": "The value is one of a few words.",
    "date": "A date is a day of the calendar, and the last day is not before the first.",
    "document": "A document is a mapping with apiVersion, kind, metadata and spec.",
    "duplicate": "A list names a thing once.",
    "duplicate-key": "A key stands once in a mapping.",
    "duplicate-name": "A name is given once per kind.",
    "empty": "A text or a list that is written holds something.",
    "encoding": "Files are UTF-8.",
    "file": "The project file is there, and every file can be read.",
    "format": "Durations, times of day, dates, shares and names have one way of being written.",
    "include": "What is included lies below the project file.",
    "invalid": "The value follows the schema of its kind; reconciler schema prints it.",
    "key": "A key is one word on one line.",
    "kind": "A document says apiVersion: reconciler/v1 and one of the kinds.",
    "merge-key": "Parts are not merged into a mapping (<<): what holds is written where it holds.",
    "moved": "movedFrom names what a campaign was called, and nothing that is still declared.",
    "nesting": "A document is not deeper than a reader can follow.",
    "project": "There is one Project per repository, in reconciler.yaml.",
    "range": "A number or the length of a text is within its bounds.",
    "reference": "What is named is declared, or exists at the vendor.",
    "required": "What a kind cannot do without is written.",
    "secret": "A secret is a reference, and what it refers to is there.",
    "shape": "Parts that exclude one another are not written together.",
    "size": "A file of the repository is small; people belong in a source.",
    "source": "A source names one kind of origin.",
    "state": "The ledger is described as its backend needs it.",
    "tag": "Tags are not supported: nothing in a file executes.",
    "timezone": "A time zone is an IANA name.",
    "type": "A value is of the type that its field needs.",
    "unknown-key": "A key is one that its kind knows.",
    "vendor-block": "A campaign has one block, named after the vendor of its connection.",
    "vendor-name": "A vendor id is claimed by one campaign.",
    "waiver": "A waiver names what it is for, and until when.",
    "window": "Windows of one day end after they begin and do not overlap or touch.",
    "yaml": "The file is YAML.",
    "W12": "Retrying an invalid number costs and never succeeds.",
    "W13": "Retrying a blocked number may be unlawful.",
    "W14": "Retrying who has answered calls people again.",
    "W20": "People stay out of Git.",
    "W21": "A pattern of include matches files.",
    "W22": "A waiver names something that is declared.",
}
_ELSE: Final = "The declaration is as the documentation of its kind says."


@dataclass(frozen=True, slots=True, order=True)
class Remark:
    """One thing that `validate` says, at its place; `file` is relative to the root of the Git repository, else of the project.

    `line` and `column` count from 1; 0: the whole file, the whole line.
    """

    file: str
    line: int
    column: int
    level: Literal["error", "warning"]
    rule: str
    message: str

    @property
    def help(self) -> str:
        return HELP.get(self.rule, _ELSE)


def remarks(problems: Iterable[Problem], warnings: Iterable[Finding], prefix: str = "") -> list[Remark]:
    """In the order of files and lines. `prefix`: the folder of the project below the root of the repository, with a slash at its end."""
    return sorted([*_errors(problems, prefix), *_warnings(warnings, prefix)])


def _errors(problems: Iterable[Problem], prefix: str) -> Iterator[Remark]:
    for problem in problems:
        message, rule = mask(inert(problem.message)), inert(problem.rule)
        yield Remark(prefix + problem.file, problem.line, problem.column, "error", rule, message)


def _warnings(warnings: Iterable[Finding], prefix: str) -> Iterator[Remark]:
    for finding in warnings:
        file, _, line = finding.source.rpartition(":")
        place = (file, int(line)) if line.isdecimal() else (finding.source, 0)
        message = mask(inert(f"{finding.message} {finding.remedy}"))
        yield Remark(prefix + place[0], place[1], 0, "warning", inert(finding.code), message)
