"""Field-level comparison of one object: declared, live and last applied, three ways. The only user of deepdiff."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from reconciler.model import Cause, FieldChange, Json, Path, Spec


def believed(live: Spec, last_applied: Spec) -> dict[str, Json]:
    """What we take the object to hold: what was read, and for fields that cannot be read what we applied last."""
    return {**last_applied, **live}


def changes(declared: Spec, held: Spec) -> tuple[FieldChange, ...]:
    """The declared fields that `held` does not show as declared, in the order of declaration; nothing else is looked at.

    A mapping is compared key by key, declared keys only; a list is one value: canonical form has sets sorted, so order is
    meaning wherever it is left.
    """
    view = {name: _shaped(held.get(name), value) for name, value in declared.items()}
    if view == declared:
        return ()
    return tuple(FieldChange(path, at(view, path), at(declared, path)) for path in _differing(view, declared))


def forgotten(declared: Spec, last_applied: Spec) -> tuple[Path, ...]:
    """Leaves that we applied last time and that nobody declares any more."""
    now = set(leaves(declared))
    return tuple(path for path in leaves(last_applied) if path not in now)


def cause(field: FieldChange, last_applied: Spec, named: bool) -> Cause:
    """Why a field is not as declared. `named`: whether the declaration says anything of it, or did where it is unset."""
    last = _shaped(at(last_applied, field.path), field.after)
    if last is None:
        return Cause.FIRST
    edited, drifted = field.after != last, field.before != last
    if edited and not named:
        return Cause.DEFAULT
    if edited and drifted:
        return Cause.BOTH
    return Cause.DECLARED if edited else Cause.DRIFT


def leaves(spec: Spec) -> Iterable[Path]:
    """Paths of everything that is not a mapping; an empty mapping is a leaf."""
    for name, value in spec.items():
        if isinstance(value, Mapping) and value:
            yield from ((name, *rest) for rest in leaves(value))
        else:
            yield (name,)


def moved(then: Spec, now: Spec, ours: Iterable[Path]) -> tuple[FieldChange, ...]:
    """The fields among `ours` that two reads of one object show differently."""
    pairs = ((path, at(then, path), at(now, path)) for path in dict.fromkeys(ours))
    return tuple(FieldChange(path, before, after) for path, before, after in pairs if before != after)


def at(spec: Spec, path: Path) -> Json:
    """The value below `path`; None where there is none."""
    value: Json = dict(spec)
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _shaped(value: Json, declared: Json) -> Json:
    """`value` cut down to the keys that `declared` mentions."""
    if isinstance(value, dict) and isinstance(declared, dict):
        return {name: _shaped(value.get(name), wanted) for name, wanted in declared.items()}
    return value


def _differing(held: Spec, declared: Spec) -> Iterator[Path]:
    """Paths of what differs, in the order of declaration. Only inside mappings is there anything to look for."""
    for name, value in declared.items():
        view = held[name]
        if view == value:
            continue
        if isinstance(view, dict) and isinstance(value, dict):
            yield from ((name, *path) for path in _inside(view, value))
        else:
            yield (name,)


def _inside(held: Spec, declared: Spec) -> list[Path]:
    from deepdiff import DeepDiff  # slow to import, and most changes are of plain fields

    # Without threshold 0 deepdiff reports a whole mapping as replaced as soon as few keys match.
    tree = DeepDiff(held, declared, view="tree", threshold_to_diff_deeper=0)
    paths = [_mapping_part(item.path(output_format="list")) for items in tree.values() for item in items]
    order = {path: index for index, path in enumerate(_prefixes(declared))}
    return sorted(dict.fromkeys(paths), key=lambda path: order[path])


def _mapping_part(path: list[str | int]) -> Path:
    """A path cut before the first list index: a list differs as a whole."""
    names: list[str] = []
    for part in path:
        if isinstance(part, int):
            break
        names.append(part)
    return tuple(names)


def _prefixes(spec: Spec, above: Path = ()) -> Iterable[Path]:
    for name, value in spec.items():
        yield (*above, name)
        if isinstance(value, Mapping):
            yield from _prefixes(value, (*above, name))
