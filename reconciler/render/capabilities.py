"""What every vendor can hold as one page of Markdown, from the capability tables. It is docs/vendors.md."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reconciler.model import Capabilities, ContactRules, FieldRule

_HEAD = """\
# What each vendor can hold

Written from the capability tables of the providers, which also drive validation, planning and the tests: do not edit it by hand, but
`pytest tests/contract/test_vendor_page.py --update-goldens`. What a table does not list is refused by `reconciler validate`, by name.

*documented*: the vendor's page says so. *inferred*: no page does, it follows from samples, and what speaks for the other answer is
provided for. *in our own calls*: the vendor has no place for it, so a change concerns what is sent from then on.\
"""
_FIELDS = (
    "field",
    "can be read",
    "can be changed",
    "when a declaration drops it",
    "calls more, sooner or oftener",
    "where from",
)
_REFUSED = ("field", "why")
_PEOPLE = ("campaigns", "added", "read", "changed", "withdrawn", "fields", "number twice", "in one call", "on one page")
_WIDENS = {"up": "when it is raised", "down": "when it is lowered", "any": "when it is changed", "never": "never"}


@dataclass(frozen=True, slots=True)
class VendorPage:
    """One vendor's part. `people`: kind of campaign -> its contact rules. `refused`: field and sentence, beyond the table's own."""

    table: Capabilities
    people: Mapping[str, ContactRules]
    refused: Sequence[tuple[str, str]] = ()


def vendors_markdown(pages: Iterable[VendorPage]) -> str:
    return "\n\n".join([_HEAD, *(_page(page) for page in pages)]) + "\n"


def _page(page: VendorPage) -> str:
    table = page.table
    refused = [*((path, _sentence(reason)) for path, reason in table.refusals.items()), *page.refused]
    return "\n\n".join(
        [
            f"## {table.vendor}",
            _verbs(table),
            _access(table),
            _table(_FIELDS, (_field(path, rule, table.update) for path, rule in table.fields.items())),
            "Refused:",
            _table(_REFUSED, ((f"`{path}`", reason) for path, reason in dict.fromkeys(refused))),
            "People:",
            _table(_PEOPLE, (_people(kind, rules) for kind, rules in page.people.items())),
        ]
    )


def _verbs(table: Capabilities) -> str:
    can = {
        "created": table.create,
        "read": table.readable,
        "updated": table.update,
        "deleted": table.delete,
        "started": table.dial,
        "stopped": table.dial,
    }
    yes, no = ([verb for verb, able in can.items() if able is wanted] for wanted in (True, False))
    said = [f"A campaign can be {_list(yes, 'and')}."] if yes else []
    said += [f"It cannot be {_list(no, 'or')}."] if no else []
    if table.create:
        said.append("It is created stopped." if table.can_create_inert else "It starts by itself.")
    if table.delete_needs_stop:
        said.append("It is stopped before it is deleted.")
    if table.delete_queued:
        said.append("Its removal is queued; until it is done, plans say so.")
    if table.carries_token:
        said.append("Its description ends in our mark, such as `[rc:k3f9qa]`.")
    return " ".join(said)


def _list(words: Sequence[str], before_last: str) -> str:
    *first, last = words
    return f"{', '.join(first)} {before_last} {last}" if first else last


def _access(table: Capabilities) -> str:
    keys = ", or ".join(" and ".join(f"`{name}`" for name in sorted(names)) for names in table.credentials)
    hosts = ", ".join(f"`{host}`" for host in table.known_hosts)
    return f"Credentials: {keys}. " + (
        f"Known hosts: {hosts}." if hosts else "No host is known: name yours in `RECONCILER_ALLOWED_HOSTS`."
    )


def _field(path: str, rule: FieldRule, updates: bool) -> tuple[str, ...]:
    """`updates`: the vendor has a call that changes a campaign; else a change is in what our later calls say, if it is anything."""
    changed = "no" if rule.immutable else "yes" if updates else "in our own calls"
    return (
        f"`{path}`",
        _yes(rule.readable),
        changed,
        _dropped(rule) if updates else "-",
        _WIDENS[rule.widens],
        f"[{'inferred' if rule.inferred else 'documented'}]({rule.source})",
    )


def _dropped(rule: FieldRule) -> str:
    if rule.unset is None:
        return "stays as it is"
    return f"becomes `{rule.unset}`" if rule.unset else "is emptied"


def _people(kind: str, rules: ContactRules) -> tuple[str, ...]:
    fields = "any" if rules.fields is None else ", ".join(sorted(rules.fields)) or "none"
    key = "; `columns.key` is needed" if rules.key_required else ""
    place = f", in a {rules.container}" if rules.container else ""
    added = "inside the create only" if rules.inside_create else _yes(rules.add) + (place if rules.add else "")
    return (
        kind,
        added,
        _yes(rules.read),
        _yes(rules.update),
        _yes(rules.withdraw),
        fields + key,
        "refused by the vendor" if rules.dedupes else "may be called twice",
        f"{rules.batch_max:,}" if rules.add else "all" if rules.inside_create else "-",
        f"{rules.page_max:,}" if rules.read else "-",
    )


def _yes(answer: bool) -> str:
    return "yes" if answer else "no"


def _sentence(reason: str) -> str:
    """A reason as tables have it, without a full stop."""
    return f"{reason[:1].upper()}{reason[1:]}."


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
