"""One live campaign as what a declaration of it would say: which values are written, which are not and why. Pure; writes no YAML yet."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from reconciler.config import hours
from reconciler.config.editing import CannotEdit
from reconciler.declaring import holds_number
from reconciler.model import Capabilities, Json, Key, Live, Resource, RunState, Source, Spec
from reconciler.providers.base import Provider
from reconciler.providers.declarable import Declarable
from reconciler.rewriting import reference
from reconciler.risk import rule_for

NUMBER: Final = "it holds what may be somebody's number, and people stay out of Git"
SECRET: Final = "it holds what may be a key or a token, and secrets stay out of Git"
ADDRESS: Final = "it holds an e-mail address, and people stay out of Git"
PAUSED: Final = "it is paused, which cannot be declared: it turns into running by itself"
_RUN: Final = "the vendor does not say whether it dials"
_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
_WORD = re.compile(r"[A-Za-z0-9_~=-]{16,}")


@dataclass(slots=True)
class Draft:
    """`fields`: of the vendor's block, as they are written. `notes`: field -> why it is not. `path`: of its file."""

    key: Key
    live: Live
    provider: Provider
    told: Declarable
    display: str | None = None
    run: str = ""
    windows: list[dict[str, Json]] = field(default_factory=list)
    schedule: Json = None
    recall: dict[str, Json] = field(default_factory=dict)
    fields: dict[str, Json] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    path: str = ""
    named: dict[str, str] = field(default_factory=dict)  # schedule, recall -> name of what it names

    def drop(self, path: str, why: str) -> None:
        """Write that field no more. Raises KeyError where it was not to be written."""
        top, _, below = path.partition(".")
        if top == "displayName":
            if self.display is None:
                raise KeyError(path)
            self.display = None
        elif top == "schedule":
            self.windows, self.schedule, path = [], None, top
        elif top == "recall":
            del self.recall[below]
        else:
            del self.fields[top]
            path = top
        self.notes[path] = why

    def spec(self) -> dict[str, Json]:
        """The declaration in canonical form, as far as it is to be written."""
        parts: dict[str, Json] = {} if self.display is None else {"displayName": self.display}
        parts |= {"schedule": self.schedule} if self.windows else {}
        parts |= {"recall": dict(self.recall)} if self.recall else {}
        return parts | {name: value for name, value in self.fields.items() if name != "id"}

    @property
    def unmanaged(self) -> bool:
        """Whether it has to be said that its name is not ours to give."""
        return self.display is None and self.live.name != self.key.name


def draft(
    key: Key, live: Live, provider: Provider, told: Declarable, references: Mapping[str, Mapping[str, str]]
) -> Draft:
    """Everything that the vendor shows and the language can hold; the schemas are asked later."""
    rules = provider.capabilities
    made = Draft(key, live, provider, told)
    _run(made)
    made.display = live.name
    for name, value in _shown(live.spec, rules, told):
        if name == "schedule":
            _hours(made, value)
        elif name == "recall" and isinstance(value, dict):
            made.recall = {part: held for part, held in value.items() if not _idle(rules, f"recall.{part}", held)}
        elif name in references:
            _reference(made, name, value, references[name])
        else:
            made.fields[name] = value
    made.fields = {**told.also, **made.fields}
    made.notes |= {name: f"{why}" for name, why in told.unread.items()}
    for name, value in [("displayName", made.display), *made.fields.items()]:
        if name not in told.also.keys() | references.keys() and (why := _kept_out(name, value)):
            _hide(made, name, value, why)
    _refused(made)
    return made


def _shown(spec: Spec, rules: Capabilities, told: Declarable) -> Iterator[tuple[str, Json]]:
    """What was read and says something, in the order of the vendor's table."""
    for name in dict.fromkeys(path.partition(".")[0] for path in rules.fields):
        value = spec.get(name)
        if name == "displayName" or name in told.idle or value is None or _idle(rules, name, value):
            continue
        if isinstance(value, dict) and name not in {"schedule", "recall"}:
            value = {part: held for part, held in value.items() if held is not None}
        if value not in ({}, ""):  # neither says anything
            yield name, value


def _idle(rules: Capabilities, path: str, value: Json) -> bool:
    """Whether that is what the vendor has where nothing is declared."""
    rule = rule_for(rules.fields, tuple(path.split(".")))
    return value is None or (rule is not None and rule.unset is not None and value == rule.unset)


def _run(made: Draft) -> None:
    run = made.live.run
    if run in {RunState.RUNNING, RunState.STOPPED}:
        made.run = run.value if run else ""
    else:
        made.notes["activation"] = PAUSED if run else _RUN


def _hours(made: Draft, schedule: Json) -> None:
    windows = schedule.get("windows") if isinstance(schedule, dict) else None
    try:
        made.windows = hours.windows(windows) if isinstance(windows, dict) else []
        made.schedule = schedule
    except CannotEdit as why:
        made.notes["schedule"] = str(why)
        made.told = Declarable(
            {k: v for k, v in made.told.also.items() if k != "closedDays"}, made.told.idle, made.told.unread
        )


def _reference(made: Draft, name: str, held: Json, known: Mapping[str, str]) -> None:
    if not isinstance(held, dict) or str(held["uuid"]) not in known:
        made.notes[name] = f"what it names is not among the vendor's {name}s any more"
        return
    by_name = not secretive(held["name"]) and bool(held["name"])
    made.fields[name] = reference(held, known, by_name)


def _kept_out(name: str, value: Json) -> str:
    """Logins are what the language holds of agents, an address or not."""
    if name == "agents":
        return NUMBER if holds_number(value) else ""
    return secretive(value)


def _hide(made: Draft, name: str, value: Json, why: str) -> None:
    """All of a text, and of several settings the one that is not to be seen."""
    if not isinstance(value, dict):
        made.drop(name, why)
        return
    made.fields[name] = {part: held for part, held in value.items() if not secretive(held)}
    made.notes |= {f"{name}.{part}": why for part, held in value.items() if (why := secretive(held))}
    if not made.fields[name]:
        del made.fields[name]


def secretive(value: Json) -> str:
    """Why some text of it stays out of Git, or nothing. Only its form can tell: what looks like a word is taken for one."""
    if isinstance(value, dict | list):
        return next(filter(None, map(secretive, value.values() if isinstance(value, dict) else value)), "")
    if not isinstance(value, str):
        return ""
    if "://" in value and re.search(r"[?#@;]", value.partition("://")[2]):
        return SECRET
    if holds_number(value):
        return NUMBER
    if _ADDRESS.search(value):
        return ADDRESS
    return SECRET if any(map(_like_a_key, _WORD.findall(value))) else ""


def _like_a_key(word: str) -> bool:
    """Letters and digits mixed at length, as no name is."""
    parts = re.findall(r"[A-Za-z]+|[0-9]+", word)
    return sum(part.isdigit() for part in parts) > 2 and len(parts) > 5


def _refused(made: Draft) -> None:
    """What the vendor's own rules say of it."""
    resource = Resource(made.key, made.provider.capabilities.vendor, made.spec(), Source("", 0))
    for refusal in made.provider.refusals(resource):
        try:
            made.drop(refusal.path, f"it cannot be declared: {refusal.message}")
        except KeyError:
            continue  # it was dropped for another reason
