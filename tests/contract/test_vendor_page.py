"""docs/vendors.md says what the tables say; `pytest --update-goldens` writes it anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.model import Capabilities, ContactRules, FieldRule
from reconciler.providers import VENDORS, provider
from reconciler.render.capabilities import VendorPage, vendors_markdown
from tests.contract.declarations import as_loaded
from tests.contract.family import Family
from tests.contract.providers import FAMILIES, laid_over
from tests.goldens import expect
from tests.support import connection

PAGE = Path(__file__).parent.parent.parent / "docs" / "vendors.md"


def page(vendor: str) -> VendorPage:
    """What is refused beyond the table is told by the examples of the suites, in the provider's own words."""
    made = provider(connection(vendor))
    families = [family for family in FAMILIES if family.vendor == vendor]
    refused = [
        (said.path, said.message)
        for family in families
        for one in family.refused
        for said in made.refusals(
            family.resource(as_loaded(vendor, laid_over(family.base, one.spec)), contacts=one.contacts)
        )
    ]
    return VendorPage(made.capabilities, {_kind(family): family.table.contacts for family in families}, refused)


def _kind(family: Family) -> str:
    """What tells a family from the others of its vendor."""
    return family.name.removeprefix(family.vendor).strip() or "all"


def test_the_page_of_the_vendors_is_up_to_date(pytestconfig: pytest.Config) -> None:
    expect(PAGE, vendors_markdown(page(vendor) for vendor in VENDORS), pytestconfig)


def test_every_field_and_every_refusal_is_on_the_page() -> None:
    for vendor in VENDORS:
        shown, table = vendors_markdown([page(vendor)]), provider(connection(vendor)).capabilities
        for path, rule in table.fields.items():
            assert f"| `{path}` |" in shown and rule.source in shown
        for path, reason in table.refusals.items():
            assert f"| `{path}` |" in shown and reason[1:] in shown


def test_a_vendor_that_can_do_little_is_shown_as_it_is() -> None:
    rules = {
        "note": FieldRule(readable=False, immutable=True, unset="a|b", source="https://acme.example", inferred=True)
    }
    table = Capabilities("acme", False, True, False, False, False, rules, {}, ContactRules(), (frozenset({"key"}),))
    shown = vendors_markdown(
        [VendorPage(table, {"acme": ContactRules(fields=frozenset({"b", "a"}), key_required=True)})]
    )
    assert "A campaign can be updated. It cannot be created, read, deleted, started or stopped." in shown
    assert "No host is known" in shown
    assert "| `note` | no | no | becomes `a\\|b` | never | [inferred](https://acme.example) |" in shown
    assert "| acme | no | no | no | no | a, b; `columns.key` is needed | may be called twice | - | - |" in shown
