"""`validate` for machines that show errors where they are: SARIF, GitHub's annotations, JUnit."""

from __future__ import annotations

import ast
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

import reconciler
from reconciler.config.findings import REMEDIES
from reconciler.errors import Problem
from reconciler.model import Finding, Severity
from reconciler.redact import inert
from reconciler.render.annotations import commands
from reconciler.render.junit import junit
from reconciler.render.rules import HELP, Remark, remarks
from reconciler.render.sarif import sarif
from tests.office import Office, Result, desk
from tests.test_render_escaping import TEXT

SOUND = """apiVersion: reconciler/v1
kind: Project
metadata: {name: acme}
spec: {}
"""


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Office]:
    with desk(tmp_path) as made:
        yield made


def validated(folder: Path, style: str, *more: str) -> Result:
    return Office(folder, None).run("validate", "--format", style, *more)  # type: ignore[arg-type]


def results(text: str) -> list[dict[str, Any]]:
    (run,) = json.loads(text)["runs"]
    return list(run["results"])


def cases(text: str) -> dict[str, ElementTree.Element]:
    return {case.attrib["name"]: case for case in ElementTree.fromstring(text).iter("testcase")}


# ---- of a repository -------------------------------------------------------------------------------------------------


def test_a_sound_repository_in_every_format(team: Office) -> None:
    told = team.run("validate", "--format", "sarif")
    assert (told.code, results(told.out)) == (0, [])
    assert team.run("validate", "--format", "github").out == "Valid.\n"
    files = cases(team.run("validate", "--format", "junit").out)
    assert "reconciler.yaml" in files and len(files) > 1 and not any(len(case) for case in files.values())


def test_an_error_stands_at_its_line(tmp_path: Path) -> None:
    (tmp_path / "reconciler.yaml").write_text(SOUND.replace("spec: {}", "spec:\n  stat: {}"))
    told = validated(tmp_path, "github")
    assert told.code == 3 and told.err == ""
    assert told.out.startswith("::error file=reconciler.yaml,line=5,col=3,title=unknown-key::Project acme: unknown key")
    (result,) = results(validated(tmp_path, "sarif").out)
    place = result["locations"][0]["physicalLocation"]
    assert place["region"] == {"startLine": 5, "startColumn": 3} and result["ruleId"] == "unknown-key"
    (case,) = cases(validated(tmp_path, "junit").out).values()
    assert case[0].tag == "failure" and str(case[0].attrib["message"]).startswith("reconciler.yaml:5:3 Project acme")


@pytest.mark.parametrize("content", ["a: [1", "a: b: c", "\t- x", "\xff\xfe", "", "--- !!python/object x"])
@pytest.mark.parametrize("style", ["sarif", "github", "junit"])
def test_what_cannot_be_parsed_is_told_too(tmp_path: Path, style: str, content: str) -> None:
    (tmp_path / "reconciler.yaml").write_text(content, encoding="latin-1")
    told = validated(tmp_path, style)
    assert told.code == 3 and "reconciler.yaml" in told.out and told.err == ""


def test_a_folder_without_a_project_is_told_too(tmp_path: Path) -> None:
    assert validated(tmp_path, "github").out.startswith("::error file=reconciler.yaml,title=file::There is no")
    assert cases(validated(tmp_path, "junit").out).keys() == {"reconciler.yaml"}


def test_places_are_told_from_the_root_of_the_git_repository(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    below = tmp_path / "deep" / "calls"
    below.mkdir(parents=True)
    (below / "reconciler.yaml").write_text(SOUND + "x: 1\n")
    assert "file=deep/calls/reconciler.yaml," in validated(below, "github").out
    (result,) = results(validated(below, "sarif").out)
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]
    assert uri == {"uri": "deep/calls/reconciler.yaml", "uriBaseId": "%SRCROOT%"}
    (below / "reconciler.yaml").write_text(SOUND)
    assert cases(validated(below, "junit").out).keys() == {"deep/calls/reconciler.yaml"}


def test_warnings_are_told_and_change_no_exit_code(tmp_path: Path) -> None:
    (tmp_path / "reconciler.yaml").write_text(SOUND.replace("spec: {}", 'spec: {include: ["nothing/*.yaml"]}'))
    told = validated(tmp_path, "github")
    assert told.code == 0 and told.out.startswith("::warning file=reconciler.yaml,line=4,title=W21::include")
    assert told.out.endswith("\n1 warning.\n")
    (result,) = results(validated(tmp_path, "sarif").out)
    assert (result["level"], result["ruleId"]) == ("warning", "W21")
    (case,) = cases(validated(tmp_path, "junit").out).values()
    assert case[0].tag == "system-out" and str(case[0].text).startswith("warning: reconciler.yaml:4 include")


# ---- of anything -----------------------------------------------------------------------------------------------------

PROBLEMS = st.lists(
    st.builds(Problem, TEXT, st.integers(0, 9), st.integers(0, 9), TEXT, st.sampled_from([*HELP, "new"])), max_size=4
)
FINDINGS = st.lists(
    st.builds(
        Finding, st.sampled_from(sorted(REMEDIES)), st.just(Severity.WARNING), TEXT, remedy=TEXT,
        source=st.builds("{}:{}".format, TEXT, st.integers(1, 99)) | TEXT,
    ),
    max_size=3,
)  # fmt: skip


@given(PROBLEMS, FINDINGS)
def test_sarif_is_what_the_standard_asks_for(problems: list[Problem], findings: list[Finding]) -> None:
    """SARIF 2.1.0, sections 3.13 (log), 3.14 (run), 3.19 (driver), 3.27 (result), 3.29 and 3.30 (place), 3.49 (rule)."""
    found = remarks(problems, findings)
    log = json.loads(sarif(found))
    assert log["version"] == "2.1.0" and set(log) == {"$schema", "version", "runs"}
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"] == "reconciler" and re.fullmatch(r"\d+\.\d+\.\d+", driver["semanticVersion"])
    ids = [rule["id"] for rule in driver["rules"]]
    assert len(set(ids)) == len(ids) and all(rule["help"]["text"] for rule in driver["rules"])
    assert len(run["results"]) == len(problems) + len(findings)
    for result, remark in zip(run["results"], found, strict=True):
        assert ids[result["ruleIndex"]] == result["ruleId"] == remark.rule
        assert result["level"] in {"none", "note", "warning", "error"}
        assert result["message"]["text"] == remark.message
        place = result["locations"][0]["physicalLocation"]
        assert re.fullmatch(r"[A-Za-z0-9_.~/%-]*", place["artifactLocation"]["uri"])
        assert unquote(place["artifactLocation"]["uri"]) == inert(remark.file)
        assert all(value >= 1 for value in place.get("region", {}).values())
        assert ("region" in place) == bool(remark.line)


@given(PROBLEMS, FINDINGS)
def test_a_line_is_a_command_and_carries_no_other(problems: list[Problem], findings: list[Finding]) -> None:
    found = remarks(problems, findings)
    lines = commands(found).splitlines()
    assert len(lines) == len(found) + 1 and not lines[-1].startswith("::")
    for line, remark in zip(lines, found, strict=False):
        read = re.fullmatch(r"::(error|warning) ((?:[a-z]+=[^,:]*,?)*)::(.*)", line)
        assert read is not None
        values = dict(part.split("=", 1) for part in read[2].split(","))
        assert unquote(values.get("file", "")) == inert(remark.file) and values["title"] == remark.rule
        assert read[3].replace("%25", "%") == remark.message


@given(st.lists(TEXT, max_size=2), PROBLEMS, FINDINGS)
def test_junit_is_xml_with_a_case_per_file(files: list[str], problems: list[Problem], findings: list[Finding]) -> None:
    found = remarks(problems, findings)
    suites = ElementTree.fromstring(junit(files, found))
    (suite,) = suites
    wrong = {remark.file for remark in found if remark.level == "error"}
    assert int(suite.attrib["tests"]) == len(suite) == len({*files, *(remark.file for remark in found)})
    assert int(suite.attrib["failures"]) == len(list(suite.iter("failure"))) == len(wrong)
    told = "\n".join(str(one.text) for one in (*suite.iter("failure"), *suite.iter("system-out")))
    assert all(remark.message in told for remark in found)


def test_what_github_does_not_show_is_said() -> None:
    many = [Remark("a.yaml", line, 1, level, "type", "x") for line in range(1, 12) for level in ("error", "warning")]
    last = commands(many).splitlines()[-1]
    assert (
        last
        == "11 errors, 11 warnings. GitHub shows 10 errors and as many warnings of a step at their lines; all of them are in this log."
    )
    assert commands(many[:1]).endswith("\n1 error.\n")


# ---- the rules -------------------------------------------------------------------------------------------------------

RULE_AT = {"at": 2, "file": 1, "Problem": -1, "complain": 1, "_Abandoned": 1, "_refuse": 2}


def named() -> set[str]:
    """Every rule that the configuration, the vendors' tables and `--online` name."""
    root = Path(reconciler.__file__).parent
    found = set(REMEDIES)
    for path in (*(root / "config").glob("*.py"), root / "setup.py", root / "observe.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                rule = node.args[RULE_AT[name]] if name in RULE_AT and len(node.args) > max(RULE_AT[name], 0) else None
                if isinstance(rule, ast.Constant) and isinstance(rule.value, str):
                    found.add(rule.value)
    from reconciler.config import wording

    return found | {rule for rule, _ in wording._SENTENCES.values()} | {"unknown-key", "required", "invalid"}


def test_every_rule_is_explained() -> None:
    assert named() == set(HELP)
    assert Remark("a", 1, 1, "error", "tomorrow's", "x").help.startswith("The declaration is as")
