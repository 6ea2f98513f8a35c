"""Plays one folder of tests/scenarios: its steps over the command line, and the transcript that comes of it.

A folder holds `scenario.yaml`, `repository/` (what is in Git), `people/` (what is not: `people/may.csv` is the variable MAY_CSV) and
what is expected: `session.txt`, the whole story as somebody at a terminal would see it, and `plan.md`, `plan.json` and `plan.html` of
the step marked `review`. Steps of `scenario.yaml`, one key each that says what happens:

- `run: plan --out plan.json` - a command line; `code` it must end with (0), `review: true`
- `edit: FILE`, `from`, `to` - somebody changes a text in the repository or among the people; without `from` all of it
- `show: FILE` - what stands in a file that a command wrote
- `panel: VENDOR`, `kind`, `id`, `set` - somebody clicks; without `id` something is made, without `set` removed; an id may be
  written `{kind: ..., NAME-FIELD: value}`; `as` gives it a name for later steps: `$NAME`
- `switch: VENDOR`, `to: {SWITCH: value}` - the vendor behaves in another way that its pages leave open
- `faults: [rule, ...]`, `answer: VENDOR` with `call`, `file` (in `answers/`), `status` - the vendor answers like this from now on
- `clock: 2026-06-01T08:00:00Z` - it is that time now; without it, it is the first of June 2026
- `environment: {NAME: value}` - the job is set up differently from now on
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import yaml
from starlette.routing import Router
from starlette.types import Receive, Scope, Send

from reconciler.simulator.faults import Faults, parse
from tests.goldens import Normaliser
from tests.office import Office, Result

START = datetime.fromisoformat("2026-06-01T08:00:00+00:00")
Step = Mapping[str, Any]


class Told(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`scenario.yaml`. `calls`: how many people we made the vendors queue, in all.

    `ends`: why a plan after the last step is not "no changes"; `again`: options of that plan; `most`: how often
    somebody may be called, where that is what it is about.
    """

    about: str
    steps: list[dict[str, Any]]
    calls: int
    ends: str = ""
    again: str = ""
    most: int = 1
    switches: dict[str, dict[str, str]] = {}


def told(folder: Path) -> Told:
    return msgspec.convert(yaml.safe_load((folder / "scenario.yaml").read_text("utf-8")), Told)


@dataclass(slots=True)
class Play:
    """One scenario being played. `clock`: set to let the tool, and the vendors, take another time."""

    folder: Path
    office: Office
    people: Path
    clock: Callable[[datetime], None]
    now: datetime = START
    lines: list[str] = field(default_factory=list)
    reviewed: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    _normal: Normaliser = field(init=False)

    def __post_init__(self) -> None:
        self._normal = Normaliser({str(self.people.parent): "..."})

    def step(self, step: Step) -> None:
        for verb, act in _VERBS.items():
            if verb in step:
                act(self, step)
                return
        raise AssertionError(f"no known verb in {step}")

    def transcript(self) -> str:
        return "\n".join(self.lines).rstrip() + "\n"

    # ---- steps -----------------------------------------------------------------------------------------------------

    def run(self, step: Step) -> None:
        words = [self.names.get(word[1:], word) if word.startswith("$") else word for word in shlex.split(step["run"])]
        result = self.office.run(*words)
        self.lines += [self._normal(f"$ reconciler {step['run']}"), self._normal(_shown(result))]
        if result.code:
            self.lines += [f"(ends with {result.code})", ""]
        assert result.code == step.get("code", 0), f"{step['run']}: {result.code}\n{result.out}{result.err}"
        if step.get("review"):
            self._review(words[words.index("--out") + 1])

    def _review(self, planfile: str) -> None:
        for style, name in (("markdown", "plan.md"), ("json", "plan.json"), ("html", "plan.html")):
            shown = self.office.run("show", planfile, "--format", style).out
            self.reviewed[name] = Normaliser()(_body(shown) if style == "html" else shown)

    def edit(self, step: Step) -> None:
        path = self.people / step["edit"]
        if not path.exists():
            path = self.office.root / step["edit"]
        text = path.read_text("utf-8")
        old = step.get("from", text)
        assert old in text, f"{old!r} is not in {path.name}"
        path.write_text(text.replace(old, step["to"]), "utf-8")
        os.utime(path, (self.now.timestamp(), self.now.timestamp()))
        self.tell(f"somebody edits {step['edit']}", _difference(old, step["to"]))

    def show(self, step: Step) -> None:
        self.tell(f"{step['show']} holds", (self.office.root / step["show"]).read_text("utf-8"))

    def panel(self, step: Step) -> None:
        vendor = self.office.here.simulator.vendors[step["panel"]]
        made = vendor.edit(step["kind"], self._id(step), step.get("set"))
        if "as" in step:
            self.names[step["as"]] = made
        what = step.get("id", "a new one")
        shown = what if isinstance(what, str) else ", ".join(map(str, what.values()))
        change = "\n".join(f"{name}: {value}" for name, value in step["set"].items()) if "set" in step else "(removed)"
        self.tell(f"in the panel of {step['panel']}: {step['kind']} {shown}", change)

    def _id(self, step: Step) -> str | None:
        wanted = step.get("id")
        if not isinstance(wanted, dict):
            return self.names.get(wanted[1:], wanted) if wanted else None
        rows = self.office.here.simulator.vendors[step["panel"]].snapshot()[f"{step['kind']}s"]
        (found,) = (name for name, row in rows.items() if all(row[key] == value for key, value in wanted.items()))
        return str(found)

    def switch(self, step: Step) -> None:
        self.office.switch(step["switch"], **step["to"])
        self.tell(f"{step['switch']} behaves in another way", ", ".join(f"{k}: {v}" for k, v in step["to"].items()))

    def faults(self, step: Step) -> None:
        self.office.here.simulator.faults = Faults(parse(step["faults"]))
        self.tell("from now on", "\n".join(map(_fault, step["faults"])) or "all vendors answer as they should")

    def answer(self, step: Step) -> None:
        routers = self.office.here.simulator._routers
        method, path = step["call"].split()
        body = (self.folder / "answers" / step["file"]).read_bytes()
        routers[step["answer"]] = Canned(routers[step["answer"]], method, path, step.get("status", 200), body)
        self.tell(f"from now on {step['answer']} answers {self._normal(step['call'])} with answers/{step['file']}", "")

    def at(self, step: Step) -> None:
        moment = self.now = step["clock"]
        self.clock(moment)
        self.tell(f"it is {moment:%Y-%m-%d %H:%M} UTC", "")

    def environ(self, step: Step) -> None:
        self.office.environ |= step["environment"]
        self.tell("the job is set up anew", "\n".join(f"{name}={value}" for name, value in step["environment"].items()))

    def tell(self, what: str, details: str) -> None:
        self.lines += [f"# {what}", *(f"#   {line}" for line in details.splitlines()), ""]


_VERBS: Mapping[str, Callable[[Play, Step], None]] = {
    "run": Play.run,
    "edit": Play.edit,
    "show": Play.show,
    "panel": Play.panel,
    "switch": Play.switch,
    "faults": Play.faults,
    "answer": Play.answer,
    "clock": Play.at,
    "environment": Play.environ,
}


def _shown(result: Result) -> str:
    """Standard output; standard error only where there is nothing else, as the order of progress is not fixed."""
    return (result.out or result.err).rstrip("\n") + "\n"


def _body(page: str) -> str:
    """What a report says of its plan, without the style sheet and the script that all have."""
    return page.partition("<body>\n")[2].partition('<svg class="store"')[0]


def _difference(old: str, new: str) -> str:
    before, after = old.splitlines(), new.splitlines()
    left = [f"- {line}" for line in before if line not in after]
    return "\n".join([*left, *(f"+ {line}" for line in after if line not in before)])


def _fault(rule: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}: {value}" for name, value in rule.items())


class Canned(Router):
    """A vendor that answers one call always the same; everything else as it does."""

    def __init__(self, vendor: Router, method: str, path: str, status: int, body: bytes) -> None:
        super().__init__()
        self.vendor, self.call = vendor, (method, path)
        self.status, self.body = status, body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (scope["method"], scope["path"]) != self.call:
            await self.vendor(scope, receive, send)
            return
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(self.body)).encode())]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})
