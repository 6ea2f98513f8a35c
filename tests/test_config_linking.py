"""What is wrong with a declaration as a whole, each in the words that a person reads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reconciler.model import Finding
from reconciler.selection import choose
from tests.declared import (
    CAMPAIGN,
    CONNECTION,
    PROJECT,
    RECALL,
    SCHEDULE,
    SET,
    SHARED,
    SUPPRESSIONS,
    complaints,
    loaded,
)


def campaign(name: str, *changes: tuple[str, str]) -> str:
    text = CAMPAIGN.replace("{name: spring}", f"{{name: {name}}}")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text


def shared(old: str, new: str) -> str:
    assert old in SHARED
    return SHARED.replace(old, new)


def spec(text: str) -> str:
    return PROJECT.replace("spec: {}", f"spec: {text}")


# ---- one thing that is wrong ----------------------------------------------------------------------------------------

CASES = Path(__file__).with_name("config_complaints.txt").read_text().split("\n\n")
ORIGINALS = {"reconciler": PROJECT, "shared": SHARED, "campaign": CAMPAIGN}


def changed(case: str) -> tuple[dict[str, str], list[str]]:
    """The files of a case of config_complaints.txt, and what is to be said about them."""
    files, said = dict(ORIGINALS), []
    for line in case.strip().splitlines():
        if line.startswith("    "):
            said.append(line.strip())
        else:
            name, _, change = line.partition(": ")
            old, new = map(json.loads, change.split(" => "))
            assert old in files[name]
            files[name] = files[name].replace(old, new) if old else files[name] + new
    return files, said


@pytest.mark.parametrize("case", [case for case in CASES if "    " in case], ids=lambda case: case.split("  ")[-1][:70])
def test_one_thing_is_wrong(tmp_path: Path, case: str) -> None:
    files, said = changed(case)
    found = complaints(tmp_path, **files)
    assert found == said
    assert "hunter2" not in "".join(found)
    assert "48600100200" not in "".join(found)


# ---- documents that do not fit together ------------------------------------------------------------------------------


def test_what_is_named_exists(tmp_path: Path) -> None:
    wrong = campaign(
        "spring", ("office-hours", "office-hour"), ("[people]", "[people, peple]"), ("gentle", "x"), ("hanoi", "hanoy")
    )
    suppressing = SHARED.replace("{phone: mobile}", "{phone: mobile}\n  suppress: [refusal]")
    assert complaints(tmp_path, campaign=wrong, shared=suppressing) == [
        'campaign.yaml:5:3  Campaign spring: connection "hanoy" does not exist. Did you mean "hanoi"?',
        'campaign.yaml:6:3  Campaign spring: schedule "office-hour" does not exist. Did you mean "office-hours"?',
        'campaign.yaml:7:3  Campaign spring: recall policy "x" does not exist.',
        'campaign.yaml:8:22  Campaign spring: contact set "peple" does not exist. Did you mean "people"?',
        'shared.yaml:32:14  ContactSet people: suppression list "refusal" does not exist. Did you mean "refusals"?',
    ]


def test_what_is_wrong_itself_still_exists(tmp_path: Path) -> None:
    wrong = "---\n".join([CONNECTION, SCHEDULE.replace("windows:", "wndows:"), RECALL, SET, SUPPRESSIONS])
    found = complaints(tmp_path, shared=wrong)
    assert [text.split("  ")[0] for text in found] == ["shared.yaml:13:1", "shared.yaml:15:3"]


def test_what_stands_in_a_file_that_cannot_be_read_is_not_missed(tmp_path: Path) -> None:
    assert len(complaints(tmp_path, shared=SHARED + "\n  oops: [")) == 1


@pytest.mark.parametrize("document", [CONNECTION, SCHEDULE, RECALL, SET, SUPPRESSIONS, CAMPAIGN])
def test_a_name_is_taken_once_per_kind(tmp_path: Path, document: str) -> None:
    (text,) = complaints(tmp_path, zz=document)
    assert text.startswith("zz.yaml:3:12  ")
    assert ": the name is taken: it is declared in " in text
    assert text.endswith(" too. Rename one.")


def test_the_same_name_may_stand_for_different_kinds(tmp_path: Path) -> None:
    same = CAMPAIGN.replace("people", "hanoi").replace("spring", "hanoi")
    assert loaded(tmp_path, campaign=same, more=SET.replace("people", "hanoi")).campaigns[0].key.name == "hanoi"


def test_a_vendor_knows_two_campaigns_by_two_names(tmp_path: Path) -> None:
    named = ("contacts:", "displayName: Renewals\n  contacts:")
    assert complaints(tmp_path, a=campaign("a", named), b=campaign("b", named)) == [
        'b.yaml:8:3  Campaign b: "Renewals" is also the name of campaign a (a.yaml:1) on hanoi: give one another displayName.'
    ]
    assert complaints(tmp_path, a=campaign("a", ("contacts:", "displayName: spring\n  contacts:")), b="") == [
        'campaign.yaml:3:12  Campaign spring: "spring" is also the name of campaign a (a.yaml:1) on hanoi: give one another displayName.'
    ]
    other = CONNECTION.replace("hanoi", "hue")
    elsewhere = campaign("b", named, ("hanoi", "hue"))
    assert len(loaded(tmp_path, a=campaign("a", named), b=elsewhere, other=other).campaigns) == 3


def test_a_vendors_campaign_is_bound_once(tmp_path: Path) -> None:
    account = CONNECTION.replace("hanoi", "krakow").replace("tel4vn", "thulium")
    bound = ("tel4vn:\n    type: autocall", 'thulium: {id: "00001"}')
    files = {name: campaign(name, ("hanoi", "krakow"), bound) for name in ("a", "b")}
    assert complaints(tmp_path, account=account, **files) == [
        'b.yaml:9:3  Campaign b: "00001" is bound by campaign a (a.yaml:1) too: keep one of them.'
    ]


def test_a_tombstone_takes_no_name(tmp_path: Path) -> None:
    gone = campaign(
        "old", ("  tel4vn:\n    type: autocall\n", "  displayName: spring\n  state: absent\n  reason: replaced\n")
    )
    resources = {resource.key.name: resource for resource in loaded(tmp_path, old=gone).campaigns}
    assert (resources["old"].absent, resources["spring"].absent) == ("replaced", None)


# ---- former names --------------------------------------------------------------------------------------------------


def moved(name: str, old: str) -> str:
    return campaign(name, (f"{{name: {name}}}", f"{{name: {name}, movedFrom: {old}}}"))


def test_a_former_name_is_free(tmp_path: Path) -> None:
    assert loaded(tmp_path, campaign=moved("spring", "winter")).campaigns[0].moved_from == "winter"
    assert complaints(tmp_path, campaign=moved("spring", "winter"), winter=campaign("winter")) == [
        'campaign.yaml:3:26  Campaign spring: movedFrom "winter" still exists (winter.yaml:1): take one of the two out.'
    ]


def test_a_former_name_is_claimed_once(tmp_path: Path) -> None:
    assert complaints(tmp_path, a=moved("a", "winter"), b=moved("b", "winter")) == [
        'b.yaml:3:21  Campaign b: movedFrom "winter" is claimed by campaign a (a.yaml:1) too: only one can be it.'
    ]


def test_former_names_go_in_no_circle(tmp_path: Path) -> None:
    a, b = moved("a", "b"), moved("b", "a")
    assert complaints(tmp_path, a=a, b=b) == [
        "a.yaml:3:21  Campaign a: movedFrom goes in a circle: a, b, a. Take it out of one of them.",
        "b.yaml:3:21  Campaign b: movedFrom goes in a circle: b, a, b. Take it out of one of them.",
    ]
    into = complaints(tmp_path, a=a, b=b, c=moved("c", "a"))
    assert 'c.yaml:3:21  Campaign c: movedFrom "a" still exists (a.yaml:1): take one of the two out.' in into
    assert complaints(tmp_path, a="", b="", c="", campaign=moved("spring", "spring")) == [
        "campaign.yaml:3:26  Campaign spring: movedFrom goes in a circle: spring, spring. Take it out of one of them."
    ]


# ---- warnings ------------------------------------------------------------------------------------------------------


def warnings(root: Path, **files: str) -> dict[str, Finding]:
    return {warning.code: warning for warning in loaded(root, **files).warnings}


def test_outcomes_that_should_not_be_retried_raise_a_warning(tmp_path: Path) -> None:
    found = warnings(tmp_path, shared=shared("[no_answer, busy]", "[no_answer, invalid_number, blocked, answered]"))
    assert sorted(found) == ["W12", "W13", "W14"]
    assert found["W12"].message == "invalid_number is retried: every attempt costs and none succeeds."
    assert (found["W12"].source, found["W12"].remedy) == ("shared.yaml:24", "Remove it from outcomes.")


def test_a_waiver_for_nobody_raises_a_warning(tmp_path: Path) -> None:
    waiver = "{guard: creates, campaign: winter, reason: x, until: 2026-06-30}"
    found = warnings(tmp_path, reconciler=spec(f"{{guards: {{waivers: [{waiver}]}}}}"))
    assert found["W22"].message == 'a waiver names campaign "winter", which is not declared.'
    assert not warnings(tmp_path, reconciler=spec(f"{{guards: {{waivers: [{waiver.replace('winter', 'spring')}]}}}}"))
    waiver = "{guard: bounds, campaign: spring, contacts: june, reason: x, until: 2026-06-30}"
    found = warnings(tmp_path, reconciler=spec(f"{{guards: {{waivers: [{waiver}]}}}}"))
    assert found["W22"].message == 'a waiver names contact set "june", which is not declared.'
    waiver = "{guard: suppressionReleased, suppression: nobody, reason: x, until: 2026-06-30}"
    found = warnings(tmp_path, reconciler=spec(f"{{guards: {{waivers: [{waiver}]}}}}"))
    assert found["W22"].message == 'a waiver names suppression list "nobody", which is not declared.'


def test_what_campaigns_share_is_known_with_its_users(tmp_path: Path) -> None:
    other = campaign("autumn", ("  recall: gentle\n", ""), ("  contacts: [people]\n", ""))
    tree = loaded(tmp_path, other=other)
    users = {(part.kind, part.name): [key.name for key in part.campaigns] for part in tree.shared}
    assert users == {
        ("ContactSet", "people"): ["spring"],
        ("RecallPolicy", "gentle"): ["spring"],
        ("Schedule", "office-hours"): ["autumn", "spring"],
    }
    assert {part.kind: part.source.partition(":")[0] for part in tree.shared}["Schedule"] == "shared.yaml"
    assert choose(tree, ["campaign=autumn"], []).shared == tree.shared
