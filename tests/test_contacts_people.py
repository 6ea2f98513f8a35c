"""People as they are handed out: in batches, as digests, and never in anything that prints."""

from __future__ import annotations

import json
import subprocess
import sys
import traceback
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler import contacts
from reconciler.contacts import PeopleRequest
from reconciler.errors import ConfigInvalid
from reconciler.model import Action, ContactSet, Person
from tests.contacts_support import (
    ANN,
    BOB,
    CAMPAIGN,
    CAT,
    DAN,
    NOW,
    PRINTS,
    Project,
    added,
    contact_set,
    inline,
    numbers,
    phones,
    sent,
    suppression,
    updated,
)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


MANY = [f"09{number:08d}" for number in range(12345000, 12348000)]


def many(project: Project) -> ContactSet:
    rows = "".join(f"{phone},K{at},Name {at}\n" for at, phone in enumerate(MANY))
    return contact_set(project.file("a.csv", f"phone,id,name\n{rows}"), key="id", fields={"name": "name"})


def test_batches_hold_every_chosen_row_once_in_the_order_of_the_source(project: Project) -> None:
    skipped = MANY[::3]
    history = [sent("+84" + phone[1:], fields={"name": f"Name {MANY.index(phone)}"}) for phone in skipped]
    people = project.plan(many(project), sent=history)
    batches = list(people.batches(Action.ADD_CONTACTS, "may", 300))
    assert [len(batch) for batch in batches] == [300] * 6 + [200]
    contacts_ = [contact for batch in batches for contact in batch]
    wanted = [(at, phone) for at, phone in enumerate(MANY) if at % 3]
    assert numbers(contacts_) == ["+84" + phone[1:] for _, phone in wanted]
    for contact, (at, _) in zip(contacts_, wanted, strict=True):
        assert contact.person == PRINTS.person(contact.phone.reveal())
        assert (contact.key, contact.key_mac) == (f"K{at}", PRINTS.key(f"K{at}"))
        assert contact.fields_mac == PRINTS.fields({"name": f"Name {at}"})
        assert (contact.contacts, contact.revision, contact.mark) == ("may", 1, "")


def test_what_is_not_there_is_empty(project: Project) -> None:
    people = project.plan(contact_set(phones(ANN)))
    [contact] = added(people)
    assert (contact.key_mac, contact.fields_mac, contact.key, contact.fields) == (b"", b"", "", {})
    assert updated(people) == []
    assert list(people.batches(Action.ADD_CONTACTS, "nobody", 3)) == []
    assert (people.leaving("nobody"), people.rekeyed("nobody"), people.rejects) == ([], [], [])


def test_what_was_sent_is_what_the_next_plan_finds_unchanged(project: Project) -> None:
    declared = many(project)
    first = project.plan(declared)
    history = [
        replace(sent(ANN), person=one.person, key_mac=one.key_mac, fields_mac=one.fields_mac) for one in added(first)
    ]
    delta = project.plan(declared, sent=history).deltas[0]
    assert (delta.unchanged, delta.added, delta.updated, delta.withdrawn) == (3000, 0, 0, 0)
    assert not {"added", "updated", "withdrawn"} & set(delta.digests)


def test_a_source_that_was_changed_after_the_plan_is_not_sent(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = project.file("a.csv", f"phone,name\n{ANN},Ann\n")
    people = project.plan(contact_set(path, fields={"name": "name"}))
    for content in (f"phone,name\n{BOB},Ann\n", f"phone,name\n{ANN},Abb\n"):
        path.write_text(content)
        with monkeypatch.context() as blind:  # a disk that does not tell
            blind.setattr("reconciler.contacts.files.DataFile.check_unchanged", lambda self: None)
            with pytest.raises(ConfigInvalid, match=r"a\.csv is not what was planned\. Plan again\."):
                added(people)
    path.write_text(f"phone,name\n{ANN},Ann\n\n")
    with pytest.raises(ConfigInvalid, match="changed while it was read"):
        added(people)


def test_digests_are_of_who_and_what_and_not_of_the_order(project: Project) -> None:
    rows = [{"phone": ANN, "name": "Ann"}, {"phone": BOB, "name": "Bob"}]

    def digests(*given: dict[str, str]) -> dict[str, str]:
        declared = contact_set(inline(given), fields={"name": "name"}, mode="mirror")
        history = [sent(CAT), sent(DAN, fields={"name": "Dan"})]
        found = project.plan(declared, sent=history).deltas[0].digests
        return {verb: found[verb] for verb in ("added", "updated", "withdrawn") if verb in found}

    base = digests(*rows)
    assert sorted(base) == ["added", "withdrawn"]
    assert digests(*rows[::-1]) == base
    assert digests({"phone": ANN, "name": "Anna"}, rows[1])["added"] != base["added"]
    assert digests(rows[0])["added"] != base["added"]
    more = digests(*rows, {"phone": DAN, "name": "Don"})
    assert (more["added"], sorted(more)) == (base["added"], ["added", "updated", "withdrawn"])
    assert more["withdrawn"] != base["withdrawn"]
    assert more["withdrawn"] == PRINTS.digest([PRINTS.person(CAT)])


def test_adding_again_is_another_digest_than_adding(project: Project) -> None:
    declared = contact_set(phones(ANN))
    first, again = project.plan(declared), project.plan(declared, sent=[sent(ANN, "withdrawn")])
    assert first.deltas[0].digests["added"] != again.deltas[0].digests["added"]


# ---- nothing of a person prints ------------------------------------------------------------------------------------


def test_nothing_of_a_person_prints(project: Project) -> None:
    rows = [
        {"phone": "0912345670", "name": "Secretname", "id": "Secretkey"},
        {"phone": "abc0912345671", "name": "Secretname"},
    ]
    declared = contact_set(inline(rows), key="id", fields={"name": "name"}, suppress=("refusals",))
    declared_list = suppression(phones(BOB))
    request = PeopleRequest(
        CAMPAIGN,
        [declared],
        {"refusals": declared_list},
        [sent(CAT)],
        "VN",
        PRINTS,
        project.root,
        {"K": "0912345670"},
        NOW,
    )
    people = contacts.plan_people(request)
    [contact] = added(people)
    printed = [repr(one) for one in (request, people, people.deltas, people.rejects, people.findings, contact)]
    printed += [str(people), f"{people}", repr(people.__dict__["_rolls"]), repr(people.__dict__["_chosen"])]
    persons = [PRINTS.person(number) for number in (ANN, CAT)]
    for text in printed:
        for secret in ("91234567", "Secret", "contact key"):
            assert secret not in text
    for text in printed[1:5]:
        assert not any(repr(bytes(person))[2:-1] in text for person in persons)


def test_a_failure_of_our_own_shows_no_number(project: Project) -> None:
    """`accepts` belongs to a provider: what it raises passes through with no number in any frame's message."""

    def accepts(phone: object) -> bool:
        raise RuntimeError(f"cannot say of {phone}")

    declared = contact_set(project.file("a.csv", "phone\n0912345670\n"))
    with pytest.raises(RuntimeError) as failure:
        project.plan(declared, accepts=accepts)
    assert "91234567" not in "".join(traceback.format_exception(failure.value))


def test_nothing_heavy_is_imported_before_people_are_read() -> None:
    script = (
        "import sys, json; import reconciler.contacts as c; light = set(sys.modules); c.Fingerprints; "
        "print(json.dumps([sorted(set(heavy) & light) for heavy in [['numpy', 'duckdb', 'phonenumbers', 'cryptography']]]"
        " + [[m for m in ('duckdb', 'phonenumbers') if m in sys.modules]]))"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert json.loads(found.stdout) == [[], []]


def test_a_name_that_is_not_there_is_said_as_python_says_it() -> None:
    name = "Peeple"
    with pytest.raises(AttributeError, match="has no attribute 'Peeple'"):
        getattr(contacts, name)


def test_people_of_no_set_are_nobody(project: Project) -> None:
    people = project.plan()
    assert (people.deltas, people.findings, people.suppressed) == ((), (), {})
    nobody: list[Person] = people.leaving("may")
    assert nobody == []
