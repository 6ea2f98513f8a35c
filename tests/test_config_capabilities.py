"""What a vendor cannot hold is an error that names the field, the vendor and the reason; nothing is dropped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reconciler import config
from reconciler.model import Capabilities, ContactRules, FieldRule
from tests.declared import CAMPAIGN, SET, SHARED, loaded


def table(**more: Any) -> Capabilities:
    fields = (
        "displayName",
        "schedule",
        "recall.after",
        "recall.maxAttempts",
        "recall.outcomes",
        "type",
        "network",
        "ratio",
    )
    values: dict[str, Any] = {
        "vendor": "tel4vn",
        "create": True,
        "update": True,
        "delete": True,
        "readable": True,
        "dial": True,
        "fields": dict.fromkeys(fields, FieldRule()),
        "refusals": {},
        "contacts": ContactRules(add=True, read=True, withdraw=True),
        "credentials": (frozenset({"apiKey"}), frozenset({"username", "password"})),
        **more,
    }
    return Capabilities(**values)


def said(root: Path, rules: Capabilities, campaign: str = CAMPAIGN, shared: str = SHARED) -> list[str]:
    repository = loaded(root, campaign=campaign, shared=shared)
    problems = config.check_capabilities(repository, {"tel4vn": rules})
    assert {problem.rule for problem in problems} <= {"capability"}
    return [str(problem) for problem in problems]


def test_what_the_table_lists_is_held(tmp_path: Path) -> None:
    assert said(tmp_path, table()) == []


def test_a_vendor_without_a_table_is_a_mistake_of_ours(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        config.check_capabilities(loaded(tmp_path), {})


def test_a_whole_field_is_refused_once_with_its_reason(tmp_path: Path) -> None:
    rules = table(
        refusals={
            "schedule": "its API only knows start_date and end_date, in its own block; set the hours in the panel"
        }
    )
    assert said(tmp_path, rules) == [
        "campaign.yaml:6:3  Campaign spring: tel4vn cannot hold a schedule. Its API only knows start_date and end_date, "
        "in its own block; set the hours in the panel."
    ]


def test_a_longer_path_that_is_refused_wins_over_a_rule_for_what_is_above(tmp_path: Path) -> None:
    shared = SHARED.replace("windows:", "starts: 2026-06-01\n  ends: 2026-06-30\n  windows:")
    rules = table(refusals={"schedule.ends": "it has no last day."})
    assert said(tmp_path, rules, shared=shared) == [
        "campaign.yaml:6:3  Campaign spring: tel4vn cannot hold schedule.ends. It has no last day."
    ]
    assert said(tmp_path, rules) == []


def test_what_is_below_is_held_only_where_it_is_listed(tmp_path: Path) -> None:
    shared = SHARED.replace("after: 30m", "after: 30m\n  minTalk: 10s")
    assert said(tmp_path, table(), shared=shared) == [
        "campaign.yaml:7:3  Campaign spring: tel4vn cannot hold recall.minTalk. Its API has no place for it. Take it out."
    ]


def test_a_field_of_the_block_is_told_where_it_stands(tmp_path: Path) -> None:
    campaign = CAMPAIGN + "    hopper: 20\n    network: {mobi: 1, vina: 2}\n"
    rules = table(refusals={"network.vina": "it is gone"})
    assert said(tmp_path, rules, campaign) == [
        "campaign.yaml:11:5  Campaign spring: tel4vn cannot hold hopper. Its API has no place for it. Take it out.",
        "campaign.yaml:12:24  Campaign spring: tel4vn cannot hold network.vina. It is gone.",
    ]


def test_a_run_state_needs_a_vendor_that_dials(tmp_path: Path) -> None:
    campaign = CAMPAIGN.replace("contacts:", "activation: running\n  contacts:")
    rules = table(dial=False, refusals={"activation": "no call starts a campaign"})
    text = "campaign.yaml:8:3  Campaign spring: tel4vn cannot hold a run state. No call starts a campaign."
    assert said(tmp_path, rules, campaign) == [text]
    assert said(tmp_path, table(), campaign) == said(tmp_path, table(dial=False)) == []


@pytest.mark.parametrize(
    ("on_remove", "rules", "text"),
    [
        ("delete", table(delete=False), "delete a campaign (onRemove). Write onRemove: retain."),
        (
            "delete",
            table(delete=False, refusals={"delete": "nothing deletes one"}),
            "delete a campaign (onRemove). Nothing deletes one.",
        ),
        ("stop", table(dial=False), "stop a campaign (onRemove). Write onRemove: retain."),
        (
            "stop",
            table(dial=False, refusals={"activation": "nothing stops one"}),
            "stop a campaign (onRemove). Nothing stops one.",
        ),
    ],
)
def test_what_happens_at_the_end_must_be_possible(
    tmp_path: Path, on_remove: str, rules: Capabilities, text: str
) -> None:
    campaign = CAMPAIGN.replace("contacts:", f"lifecycle: {{onRemove: {on_remove}}}\n  contacts:")
    assert said(tmp_path, rules, campaign) == [f"campaign.yaml:8:15  Campaign spring: tel4vn cannot {text}"]
    assert said(tmp_path, table(), campaign) == []


def test_what_is_left_unmanaged_is_a_field(tmp_path: Path) -> None:
    campaign = CAMPAIGN.replace(
        "contacts:", "lifecycle: {unmanaged: [ratio, recall, activation, newtork]}\n  contacts:"
    )
    assert said(tmp_path, table(), campaign) == [
        'campaign.yaml:8:15  Campaign spring: tel4vn cannot leave "newtork" unmanaged. There is no such field. Did you mean "network"?'
    ]


def test_people_need_a_vendor_that_takes_them(tmp_path: Path) -> None:
    rules = table(contacts=ContactRules())
    assert said(tmp_path, rules) == [
        "campaign.yaml:8:14  Campaign spring: tel4vn cannot take contacts (contact set people). Its API has no place for it. Take it out."
    ]
    assert said(tmp_path, table(contacts=ContactRules(inside_create=True))) == []
    reason = table(contacts=ContactRules(), refusals={"contacts": "people are added in the panel"})
    assert said(tmp_path, reason)[0].endswith("(contact set people). People are added in the panel.")


def test_fields_of_people_that_a_vendor_does_not_know(tmp_path: Path) -> None:
    shared = SHARED.replace("{phone: mobile}", "{phone: mobile, fields: {name: a, amount: b}}")
    some = table(contacts=ContactRules(add=True, fields=frozenset({"name", "code"})))
    assert said(tmp_path, some, shared=shared) == [
        'campaign.yaml:8:14  Campaign spring: tel4vn cannot hold the contact field "amount" (contact set people). It takes code, name.'
    ]
    none = table(contacts=ContactRules(add=True, fields=frozenset()))
    assert [text.rsplit(". ", 1)[1] for text in said(tmp_path, none, shared=shared)] == [
        "It takes the number and the key only."
    ] * 2
    assert said(tmp_path, table(), shared=shared) == []


def test_a_key_where_people_are_known_by_one(tmp_path: Path) -> None:
    rules = table(contacts=ContactRules(add=True, key_required=True))
    assert said(tmp_path, rules) == [
        "campaign.yaml:8:14  Campaign spring: tel4vn cannot take contacts without a key. "
        "Name the column that identifies a person: columns.key of contact set people."
    ]
    assert said(tmp_path, rules, shared=SHARED.replace("{phone: mobile}", "{phone: mobile, key: id}")) == []


def test_mirroring_needs_a_vendor_that_lets_people_go(tmp_path: Path) -> None:
    shared = SHARED.replace(SET, SET + "  mode: mirror\n")
    rules = table(contacts=ContactRules(add=True))
    assert said(tmp_path, rules, shared=shared) == [
        "campaign.yaml:8:14  Campaign spring: tel4vn cannot withdraw contacts, which mode mirror of contact set people asks for. "
        "Write mode: append in contact set people."
    ]
    assert said(tmp_path, table(), shared=shared) == said(tmp_path, rules) == []


def test_credentials_are_those_that_the_vendor_takes(tmp_path: Path) -> None:
    shared = SHARED.replace("{apiKey: {env: TEL4VN_API_KEY}}", "{token: {env: T}, username: {env: U}}")
    assert said(tmp_path, table(), shared=shared) == [
        "shared.yaml:1:1  Connection hanoi: tel4vn takes apiKey, or password and username as credentials, not token and username."
    ]
