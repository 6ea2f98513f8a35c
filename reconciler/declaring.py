"""`drift --adopt`: live values written into the YAML that declares them, and the plan over them proved empty, or nothing is written.

Which value may be taken over is decided here; how YAML is changed in place is in config/. The ledger follows with the next apply.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from reconciler import diff
from reconciler.config.editing import CannotEdit
from reconciler.config.sheets import Sheets, Spot
from reconciler.drift import Bound, Seen, changed_fields
from reconciler.errors import ConfigInvalid
from reconciler.matching import Match
from reconciler.model import Adopted, Drift, FieldChange, Json, Key, Path, Refused, Resource, RunState, Severity
from reconciler.planner import steps_of
from reconciler.providers.base import UnknownName, capabilities_for
from reconciler.redact import inert, mask
from reconciler.rewriting import KINDS, Wish, Written, by_target, named, write_own, write_shared
from reconciler.setup import Setup, load
from reconciler.steps import Case
from reconciler.world import Site

_ACTIVATION = ("activation",)
_CHANGED = (
    "the declaration was changed since the last apply, and the vendor holds a third value: decide by hand which counts"
)

_State = tuple[Mapping[str, str], tuple[tuple[Adopted, Spot | None], ...], tuple[Refused, ...]]


def adopt(setup: Setup, sites: Mapping[str, Site], seen: Seen) -> Drift:
    """The drift with what was taken over and what was not. Files that are not touched stay as they are, to the byte."""
    work = _Work(setup, sites, seen, Sheets(setup.root))
    try:
        work.run()
    except BaseException:  # also where somebody interrupts it: what is not proved does not stay
        work.sheets.back_to({})
        work.sheets.save()
        raise
    lines = (replace(one, source=work.sheets.line(spot)) if spot else one for one, spot in work.adopted)
    return replace(seen.drift, adopted=tuple(lines), refused=tuple(work.refused))


@dataclass(frozen=True, slots=True)
class _Unit:
    """What is written together. `write`: does it, and returns where and with which note; raises CannotEdit."""

    fields: tuple[tuple[Key, Path], ...]
    write: Callable[[], Written]


@dataclass(slots=True)
class _Work:
    setup: Setup
    sites: Mapping[str, Site]
    seen: Seen
    sheets: Sheets
    adopted: list[tuple[Adopted, Spot | None]] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    _open: frozenset[tuple[Key, Path]] = frozenset()

    def __post_init__(self) -> None:
        self._open = self._planned(self.setup)

    def run(self) -> None:
        """All units together; where something speaks against that one by one, to find out which it was."""
        units = list(self.units())
        before = self._state()
        for unit in units:
            self.write(unit)
        if not self.objection():
            return
        self._back_to(before)
        for unit in units:
            before = self._state()
            self.write(unit)
            if why := self.objection():
                self._back_to(before)
                self.refuse(unit.fields, why)
        self.sheets.save()

    # ---- what is to be written ---------------------------------------------------------------------------------------

    def units(self) -> Iterator[_Unit]:
        shared: dict[tuple[str, str], list[Wish]] = {}
        for drifted in self.seen.drift.objects:
            wish = self._wish(self.seen.bound[drifted.key])
            if wish is None:
                continue
            for top, changes in by_target(wish.changes):
                part = replace(wish, changes=changes)
                if top not in KINDS:
                    yield _Unit(_fields([part]), partial(write_own, self.sheets, self.seen, part, top))
                    continue
                try:
                    shared.setdefault((top, named(self.sheets, part, top)), []).append(part)
                except CannotEdit as why:
                    self.refuse(_fields([part]), str(why))
        for (top, name), wishes in shared.items():
            yield _Unit(_fields(wishes), partial(write_shared, self.sheets, self.setup.repository, top, name, wishes))

    def _wish(self, bound: Bound) -> Wish | None:
        """None where nothing of it is to be written; what may not be is refused."""
        if bound.live is None:
            self.refuse(
                [(bound.applied.key, ())], "it is gone: remove the declaration, or bind another with reconciler adopt"
            )
            return None
        changes = [*changed_fields(bound, bound.live), *_switched(bound)]
        paths = [(bound.applied.key, change.path) for change in changes]
        if bound.declared is None:
            self.refuse(paths, "it is not declared any more")
            return None
        try:
            declared, stale = self._canonical(bound, bound.declared)
        except UnknownName as unknown:
            self.refuse(paths, str(unknown))
            return None
        return Wish(bound, declared, tuple(one for one in changes if self._may(bound, declared, one, stale)))

    def _canonical(self, bound: Bound, declared: Resource) -> tuple[Resource, frozenset[str]]:
        """The declaration as its vendor echoes it, and what of it names nothing any more, or several things: as it is live, then."""
        provider = self.sites[bound.applied.key.connection].provider
        references = self.seen.observed[bound.applied.key.connection].references
        stale: set[str] = set()
        while True:
            try:
                return provider.canonical(declared, references), frozenset(stale)
            except UnknownName as unknown:
                last = bound.binding.last_applied.get(unknown.path)
                said = isinstance(last, dict) and declared.spec.get(unknown.path) == last.get("name")
                if not said or unknown.path in stale or bound.live is None:
                    raise
                stale.add(unknown.path)
                live = bound.live.spec.get(unknown.path)
                spec = {name: value for name, value in declared.spec.items() if name != unknown.path}
                held = {unknown.path: {"uuid": live["uuid"]}} if isinstance(live, dict) else {}
                declared = replace(declared, spec={**spec, **held})

    def _may(self, bound: Bound, declared: Resource, change: FieldChange, stale: frozenset[str]) -> bool:
        key, path = bound.applied.key, change.path
        if path[0] in stale:
            return True
        said: Json = declared.run.value if declared.run else None
        said = said if path == _ACTIVATION else diff.at(declared.spec, path)
        if said == change.after:
            self.adopted.append((Adopted(key, path, str(declared.source), "it says so already"), None))
        elif said != change.before:
            self.refuse([(key, path)], _CHANGED)
        elif change.after == RunState.PAUSED.value:
            self.refuse(
                [(key, path)], "paused cannot be declared: it turns into running by itself. Stop it, or let it run"
            )
        elif holds_number(change.after) and not holds_number(change.before):
            self.refuse(
                [(key, path)], "it holds what may be somebody's number, and people stay out of Git: decide by hand"
            )
        else:
            return True
        return False

    # ---- writing ---------------------------------------------------------------------------------------------------

    def write(self, unit: _Unit) -> None:
        try:
            with self.sheets.whole():
                places = unit.write()
        except CannotEdit as why:
            self.refuse(unit.fields, str(why))
            return
        for key, path in unit.fields:
            spot, note = places[key]
            self.adopted.append((Adopted(key, path, "", note), spot(path)))

    def refuse(self, fields: Iterable[tuple[Key, Path]], why: str) -> None:
        self.refused += [Refused(key, path, why) for key, path in fields]

    def _state(self) -> _State:
        return self.sheets.texts(), tuple(self.adopted), tuple(self.refused)

    def _back_to(self, state: _State) -> None:
        texts, adopted, refused = state
        self.sheets.back_to(texts)
        self.adopted, self.refused = [*adopted], [*refused]

    # ---- the proof -------------------------------------------------------------------------------------------------

    def objection(self) -> str:
        """Write the files, read the repository again and plan over what is live: why it is not as it should be, or nothing."""
        self.sheets.save()
        try:
            left = self._planned(load(self.setup.root, self.setup.environ, self.setup.select, self.setup.exclude))
        except ConfigInvalid as invalid:
            return f"it cannot be declared: {invalid.problems[0].message}"
        taken = {(one.key, one.path) for one, _ in self.adopted}
        wrong = sorted(one for one in left if one not in self._open or any(map(partial(_within, one), taken)))
        return f"a plan would still change {'.'.join(wrong[0][1])} of {wrong[0][0]}" if wrong else ""

    def _planned(self, setup: Setup) -> frozenset[tuple[Key, Path]]:
        """Every field that a plan over the bound campaigns would change."""
        return frozenset(
            (key, path) for key, declared in setup.resources().items() for path in self._steps(key, declared)
        )

    def _steps(self, key: Key, declared: Resource) -> Iterator[Path]:
        bound = self.seen.bound.get(key)
        if bound is None or bound.live is None or not bound.rules.readable:
            return
        provider = self.sites[key.connection].provider
        try:
            resource = provider.canonical(declared, self.seen.observed[key.connection].references)
        except UnknownName as unknown:
            yield tuple(unknown.path.split("."))
            return
        case = Case(Match(resource, bound.live, bound.binding), capabilities_for(provider, resource))
        steps = steps_of(case)
        yield from (change.path for step in steps.changes for change in step.fields)
        yield from ((finding.code,) for finding in steps.findings if finding.severity is Severity.ERROR)


def _switched(bound: Bound) -> Iterator[FieldChange]:
    if bound.run and bound.live and bound.live.run and bound.live.run.value != bound.run:
        yield FieldChange(_ACTIVATION, bound.run, bound.live.run.value)


def _within(outer: tuple[Key, Path], inner: tuple[Key, Path]) -> bool:
    return outer[0] == inner[0] and inner[1][: len(outer[1])] == outer[1]


def holds_number(value: Json) -> bool:
    """Whether some text in it may be somebody's number."""
    if isinstance(value, list):
        return any(map(holds_number, value))
    return isinstance(value, str) and mask(text := inert(value)) != text


def _fields(wishes: Iterable[Wish]) -> tuple[tuple[Key, Path], ...]:
    return tuple((wish.key, change.path) for wish in wishes for change in wish.changes)
