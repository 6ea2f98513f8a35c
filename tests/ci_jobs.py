"""Carries out a job of our workflow files as its runner would, as far as they need it: conditions, expressions, steps with bash.

Of GitHub: `if` with ==, != and &&, `${{ }}` of the contexts that are handed in, the steps of the local composite action, outputs. Actions
of others are left to their makers, and told of in `used`. Of GitLab: the script of one job, with inputs and variables.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

CI = Path(__file__).parent.parent / "ci"
LOCAL = "./.github/actions/reconciler"
_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")


@dataclass
class Ran:
    code: int
    said: str


@dataclass
class Runner:
    """One machine for one run. `contexts`: dotted name -> value, what is not there is empty; `environ`: of every step."""

    repository: Path
    folder: Path
    environ: Mapping[str, str]
    contexts: dict[str, str]
    installed: str = ""  # a folder for PATH with `reconciler` in it: then the step that installs it is left out
    used: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    said: str = ""

    def job(self, workflow: str, name: str) -> int | None:
        """The code of the step that failed, 0, or None where the job's condition does not hold."""
        job = read(CI / "github" / "workflows" / workflow)["jobs"][name]
        if not self.holds(job.get("if", "")):
            return None
        for step in job["steps"]:
            if code := self.step(step, {**job.get("env", {}), **step.get("env", {})}):
                return code
        return 0

    def step(self, step: Mapping[str, Any], env: Mapping[str, str]) -> int:
        given = {name: self.value(value) for name, value in step.get("with", {}).items()}
        if step["uses"] != LOCAL:
            self.used.append((step["uses"], given))
            return 0
        action = read(CI / "github" / "action.yml")
        inputs = {name: given.get(name, self.value(one.get("default", ""))) for name, one in action["inputs"].items()}
        if self.installed and inputs["command"] == "install":
            return 0
        contexts = {**self.contexts, **{f"inputs.{name}": value for name, value in inputs.items()}}
        inner = Runner(self.repository, self.folder, self.environ, contexts, self.installed)
        outer = {name: self.value(value) for name, value in env.items()}
        code = inner.action(action, outer)
        self.said += inner.said
        for name, one in action["outputs"].items():
            self.contexts[f"steps.{step.get('id', '')}.outputs.{name}"] = inner.value(one["value"])
        return code

    def action(self, action: Mapping[str, Any], env: Mapping[str, str]) -> int:
        for step in action["runs"]["steps"]:
            if not self.holds(step["if"]):
                continue
            if "uses" in step:
                self.used.append((step["uses"], {}))
                continue
            own = {name: self.value(value) for name, value in step.get("env", {}).items()}
            if code := self.shell(step, {**env, **own}):
                return code
        return 0

    def shell(self, step: Mapping[str, Any], env: Mapping[str, str]) -> int:
        assert "${{" not in step["run"], "an expression inside a script would run what somebody else wrote"
        output = self.folder / "output"
        output.write_text("")
        where = self.repository / self.value(step["working-directory"])
        files = {
            "GITHUB_OUTPUT": str(output),
            "GITHUB_STEP_SUMMARY": str(self.folder / "summary"),
            "RUNNER_TEMP": str(self.folder),
        }
        ran = bash(["-eo", "pipefail"], step["run"], where, {**self.environ, **files, **env}, installed=self.installed)
        self.said += ran.said
        for line in output.read_text().splitlines():
            name, _, value = line.partition("=")
            self.contexts[f"steps.{step['id']}.outputs.{name}"] = value
        return ran.code

    def value(self, text: object) -> str:
        return _EXPRESSION.sub(lambda found: self.expression(found[1]), "true" if text is True else str(text))

    def expression(self, text: str) -> str:
        """`a || 'b'` at most: a name, or a text in quotes."""
        for part in text.split(" || "):
            value = part[1:-1] if part.startswith("'") else self.contexts.get(part, "")
            if value:
                return value
        return ""

    def holds(self, condition: str) -> bool:
        return all(self._holds(part) for part in condition.split(" && ") if part)

    def _holds(self, part: str) -> bool:
        left, sign, right = re.split(r" (==|!=) ", part)
        return (self.expression(left) == self.expression(right)) is (sign == "==")


def read(path: Path) -> Any:
    return yaml.load(path.read_text("utf-8"), yaml.BaseLoader)


def bash(
    options: list[str], script: str, where: Path, environ: Mapping[str, str], shell: str = "bash", installed: str = ""
) -> Ran:
    path = f"{installed or Path(sys.executable).parent}:{os.environ['PATH']}"
    flags = ["--noprofile", "--norc"] if shell == "bash" else []
    command = [shell, *flags, *options, "-c", script]
    done = subprocess.run(
        command, cwd=where, env={"PATH": path, **environ}, capture_output=True, text=True, check=False, timeout=300
    )
    return Ran(done.returncode, done.stdout + done.stderr)


def component() -> tuple[dict[str, str], dict[str, Any]]:
    """GitLab's: the defaults of its inputs, and its jobs with them filled in."""
    head, body = (CI / "gitlab" / "templates" / "reconciler.yml").read_text("utf-8").split("\n---\n")
    inputs = {name: one["default"] for name, one in yaml.load(head, yaml.BaseLoader)["spec"]["inputs"].items()}
    filled = re.sub(r"\$\[\[ inputs\.([a-z-]+) \]\]", lambda found: inputs[found[1]], body)
    jobs: dict[str, Any] = yaml.load(filled, yaml.BaseLoader)
    return inputs, jobs


def gitlab_job(
    name: str, repository: Path, environ: Mapping[str, str], shell: str = "bash", installed: str = ""
) -> Ran | None:
    """None where none of its rules holds. GitLab joins the lines of before_script and script in one shell."""
    _, jobs = component()
    job = {**jobs[jobs[name]["extends"]], **jobs[name]}
    if not any(_rule(rule["if"], environ) for rule in job["rules"]):
        return None
    before = [line for line in job["before_script"] if not (installed and "pip install" in line)]
    script = "\n".join([*before, *job["script"]])
    return bash(["-e"], script, repository, {**job["variables"], **environ}, shell, installed)


def _rule(rule: str, environ: Mapping[str, str]) -> bool:
    def value(text: str) -> str:
        return environ.get(text[1:], "") if text.startswith("$") else text.strip('"')

    parts = [re.split(" == ", part) for part in rule.split(" && ")]
    return all(value(left) == value(right) for left, right in parts)
