"""What can be declared, as hypothesis strategies: over the vendors' JSON schemas and the portable name, schedule and recall policy.

Values are in the form that a loaded repository has. What one vendor cannot hold of them, its entry in providers.py says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from hypothesis import strategies as st

from reconciler import config
from reconciler.config.typed import form
from reconciler.model import WEEKDAYS, Json, Path

Values = st.SearchStrategy[Any]
Schema = Mapping[str, Any]

PORTABLE = ("displayName", "schedule", "recall")
WHOLE_DAY = 24 * 60
FIRST_DAY, LAST_DAY = date(2026, 6, 1), date(2030, 12, 31)
_LONGEST = 24  # letters of a free text; more shows nothing new
_GREATEST = 10**15 - 1  # as many digits as a declaration may have


def part(vendor: str, path: Path) -> Schema:
    """The schema of one field: of the vendor's block, or of a portable kind."""
    match path:
        case ("displayName",):
            node = config.schema("Campaign")["properties"]["spec"]
        case ("recall", *_):
            node, path = config.schema("RecallPolicy")["properties"]["spec"], path[1:]
        case _:
            node = config.schema("Campaign")["properties"]["spec"]["properties"][vendor]
    for name in path:
        node = node["properties"][name]
    found: Schema = node
    return found


def block_fields(vendor: str) -> frozenset[str]:
    """The names in a vendor's block that say what the campaign is; `id` and `run` say which one is meant."""
    return frozenset(part(vendor, ())["properties"]) - {"id", "run"}


# ---- values of a schema ------------------------------------------------------------------------------------------------


def values(schema: Schema) -> Values:
    """Everything that a schema allows, within reason."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    kinds = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    return st.one_of([_OF_KIND[kind](schema) for kind in kinds])


def _text(schema: Schema) -> Values:
    if schema.get("title") == "date":
        return st.dates(FIRST_DAY, LAST_DAY).map(date.isoformat)
    if "pattern" in schema:
        return st.from_regex(schema["pattern"], fullmatch=True).filter(lambda text: len(text) <= _LONGEST)
    return st.text(min_size=schema.get("minLength", 0), max_size=_LONGEST)


def _integer(schema: Schema) -> Values:
    return st.integers(schema.get("minimum", 0), schema.get("maximum", _GREATEST))


def _list(schema: Schema) -> Values:
    return st.lists(values(schema["items"]), unique=True, max_size=4)


def _mapping(schema: Schema) -> Values:
    if "properties" not in schema:
        return st.dictionaries(st.text(min_size=1, max_size=8), values(schema["additionalProperties"]), max_size=3)
    fields = {name: values(child) for name, child in schema["properties"].items()}
    needed = {name: fields.pop(name) for name in schema.get("required", ())}
    return st.fixed_dictionaries(needed, optional=fields)


_OF_KIND = {
    "string": _text,
    "integer": _integer,
    "boolean": lambda _: st.booleans(),
    "array": _list,
    "object": _mapping,
}


# ---- schedules ---------------------------------------------------------------------------------------------------------


def clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


@st.composite
def windows(draw: st.DrawFn, most: int) -> list[list[str]]:
    """The windows of one day, at most so many, apart from one another."""
    edges = draw(st.lists(st.integers(0, WHOLE_DAY), unique=True, max_size=2 * most))
    ordered = sorted(edges[: len(edges) // 2 * 2])
    return [[clock(start), clock(end)] for start, end in zip(ordered[::2], ordered[1::2], strict=True)]


def weeks(most: int) -> Values:
    return st.fixed_dictionaries({day: windows(most) for day in WEEKDAYS})


def any_schedule(zones: Iterable[str]) -> Values:
    """Whatever a Schedule can say."""
    day = st.dates(FIRST_DAY, LAST_DAY).map(date.isoformat)
    closed = st.lists(st.builds(lambda one: {"from": one, "to": one}, day), max_size=2)
    return st.fixed_dictionaries(
        {"timezone": st.sampled_from([*zones, "Europe/Warsaw", "Asia/Tokyo"]), "windows": weeks(2)},
        optional={"starts": day, "ends": day, "exclude": closed},
    )


def any_recall() -> Values:
    return _mapping(part("", ("recall",))).filter(bool)


# ---- one declaration ----------------------------------------------------------------------------------------------------


def as_loaded(vendor: str, declared: Mapping[str, Any]) -> dict[str, Json]:
    """A declaration in the form that loading a repository gives it: durations and times in one spelling, sets sorted."""
    spec = {name: declared[name] for name in PORTABLE if name in declared}
    if "recall" in spec:
        spec["recall"] = form("RecallPolicy").mapping(spec["recall"])
    block = {name: value for name, value in declared.items() if name not in PORTABLE}
    return {**spec, **form("Campaign", vendor).mapping(block)}


def anything(vendor: str, zones: Iterable[str]) -> Values:
    """Whatever the language lets somebody declare for this vendor, whether or not it can be held."""
    portable = {"displayName": values(part(vendor, ("displayName",))), "recall": any_recall()}
    portable["schedule"] = any_schedule(zones)
    block = {name: values(part(vendor, (name,))) for name in sorted(block_fields(vendor))}
    return st.fixed_dictionaries({}, optional={**portable, **block}).map(lambda spec: as_loaded(vendor, spec))
