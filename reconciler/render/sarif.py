"""What `validate` found as SARIF 2.1.0 (OASIS), as code scanning reads it: errors at their line, rules with their help."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from reconciler import __version__, planfile
from reconciler.redact import inert
from reconciler.render.rules import Remark


def sarif(remarks: Sequence[Remark]) -> str:
    rules = {remark.rule: remark for remark in remarks}
    numbers = {rule: number for number, rule in enumerate(sorted(rules))}
    driver = {
        "name": "reconciler",
        "semanticVersion": __version__,
        "rules": [_rule(rules[rule]) for rule in sorted(rules)],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(remark, numbers[remark.rule]) for remark in remarks],
    }
    return planfile.pretty(
        {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    )


def _rule(remark: Remark) -> dict[str, Any]:
    return {
        "id": remark.rule,
        "shortDescription": {"text": remark.help},
        "fullDescription": {"text": remark.help},
        "help": {"text": remark.help},
        "defaultConfiguration": {"level": remark.level},
    }


def _result(remark: Remark, number: int) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": quote(inert(remark.file)), "uriBaseId": "%SRCROOT%"}}
    if remark.line:
        column = {"startColumn": remark.column} if remark.column else {}
        place["region"] = {"startLine": remark.line, **column}
    return {
        "ruleId": remark.rule,
        "ruleIndex": number,
        "level": remark.level,
        "message": {"text": remark.message},
        "locations": [{"physicalLocation": place}],
    }
