"""Every provider under contract, by families of campaigns: a new vendor is one more file of facts and its line here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from reconciler.providers import provider
from reconciler.simulator.vendor import Fields
from tests.contract import conpeek, intersvyaz, tel4vn, thulium
from tests.contract.declarations import Values, as_loaded, part, values
from tests.contract.family import Family
from tests.support import connection

FAMILIES = (
    tel4vn.TEL4VN,
    thulium.CSV,
    thulium.CRM,
    conpeek.VOICE_CAMPAIGN,
    conpeek.SMS_CAMPAIGN,
    intersvyaz.INTERSVYAZ,
)
FIELDS = [(family, path) for family in FAMILIES for path in family.wire]


def same_every_time(examples: int) -> settings:
    """Hypothesis without chance and without a clock: the same cases on every machine.

    A failing case is made small but not explained: over sockets that takes minutes.
    """
    return settings(
        max_examples=examples,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )


def laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> Fields:
    """`above` over `below`, mapping by mapping; a None takes away what is below."""
    both = {
        name: laid_over(below[name], value) if isinstance(value, dict) and isinstance(below.get(name), dict) else value
        for name, value in above.items()
    }
    return {name: value for name, value in {**below, **both}.items() if value is not None}


def field_values(family: Family, path: str) -> Values:
    """What one field can be declared as."""
    if path in family.known:
        return family.known[path]
    return values(part(family.vendor, tuple(path.split("."))))


def declaring(family: Family, path: str, value: Any) -> Fields:
    """The least declaration in which a field has a value."""
    for name in reversed(path.split(".")):
        value = {name: value}
    return finished(family, laid_over(laid_over(family.base, family.beside.get(path, {})), value))


def without(family: Family, path: str) -> Fields:
    """The least declaration, and in no case with this field."""
    name = path.partition(".")[0]
    return finished(family, {other: value for other, value in family.base.items() if other != name})


def specs(family: Family) -> Values:
    """Whole declarations that this family can hold."""
    fields: dict[str, Values] = {}
    parts: dict[str, dict[str, Values]] = {"schedule": {}, "recall": {}}
    for path in family.wire:
        name, _, below = path.partition(".")
        if name in parts:
            parts[name][below] = field_values(family, path)
        elif not below:
            fields[name] = field_values(family, path)
    if parts["schedule"]:
        fields["schedule"] = st.fixed_dictionaries(parts["schedule"])
    if parts["recall"]:
        fields["recall"] = st.fixed_dictionaries({}, optional=parts["recall"]).filter(bool)
    drawn = st.fixed_dictionaries({}, optional=fields)
    return drawn.map(lambda spec: finished(family, laid_over(family.base, spec)))


def finished(family: Family, spec: Fields) -> Fields:
    return as_loaded(family.vendor, family.legal(spec))


def declarable_without(family: Family, path: str) -> bool:
    """Whether the language and the vendor let a declaration be without this field."""
    needed = part(family.vendor, ()).get("required", ())
    resource = family.resource(without(family, path))
    return path.partition(".")[0] not in needed and not provider(connection(family.vendor)).refusals(resource)
