"""Suppression lists: whole or not at all, never too old unnoticed, and slow to let anybody go."""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.contacts import suppress
from reconciler.contacts.arrow import Texts
from reconciler.contacts.rows import Layout, Numbers, Reasons, written
from reconciler.contacts.source import Part
from reconciler.errors import Blocked, ConfigInvalid
from reconciler.model import ContactSource, Finding, Reference, Severity, SuppressionList
from tests.contacts_support import (
    ANN,
    BOB,
    CAT,
    DAN,
    NOW,
    PRINTS,
    Project,
    added,
    contact_set,
    numbers,
    phones,
    sent,
    suppression,
)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


GUARDED = contact_set(phones(ANN, BOB, CAT), suppress=("refusals",))


def blocked(project: Project, declared: SuppressionList) -> str:
    with pytest.raises(Blocked) as failure:
        project.plan(GUARDED, lists=[declared])
    printed = "".join(traceback.format_exception(failure.value))
    assert failure.value.__context__ is None
    assert failure.value.exit_code == 4
    assert "9123456" not in printed
    return str(failure.value)


def about(project: Project, declared: SuppressionList) -> list[Finding]:
    return list(project.plan(GUARDED, lists=[declared]).findings)


def test_who_is_on_a_list_is_not_sent(project: Project) -> None:
    people = project.plan(GUARDED, lists=[suppression(phones("0912345671", "+48512345678"))])
    assert numbers(added(people)) == [ANN, CAT]
    assert people.deltas[0].suppressed == {"refusals": 1}
    assert people.findings == ()


def test_lists_are_counted_apart_by_the_first_that_names_somebody(project: Project) -> None:
    both = contact_set(phones(ANN, BOB, CAT, DAN), suppress=("refusals", "deceased"))
    lists = [suppression(phones(ANN, BOB)), suppression(phones(BOB, CAT), "deceased")]
    people = project.plan(both, lists=lists)
    assert people.deltas[0].suppressed == {"refusals": 2, "deceased": 1}
    assert numbers(added(people)) == [DAN]


def test_a_list_protects_the_sets_that_name_it(project: Project) -> None:
    other = contact_set(phones(DAN, ANN), "june")
    people = project.plan(GUARDED, other, lists=[suppression(phones(ANN, DAN))])
    assert numbers(added(people)) == [BOB, CAT]
    assert numbers(added(people, "june")) == [DAN]
    assert people.deltas[1].duplicates == 1


def test_numbers_without_a_country_are_of_the_set_that_is_protected(project: Project) -> None:
    polish = contact_set(phones("512345678"), "pl", region="PL", suppress=("refusals",))
    declared = suppression(phones("512345678"))
    assert project.plan(polish, lists=[declared]).deltas[0].suppressed == {"refusals": 1}
    british = suppression(phones("07400123456"), region="GB")
    protected = contact_set(phones("+447400123456"), suppress=("refusals",))
    assert project.plan(protected, lists=[british]).deltas[0].suppressed == {"refusals": 1}
    vietnamese = contact_set(phones("0912345670"), "vn", suppress=("refusals",))
    with pytest.raises(Blocked, match=r"spec\.source\.inline:1 "):
        project.plan(polish, vietnamese, lists=[suppression(phones("0912345670"))])


def test_what_was_refused_by_the_ledger_is_suppressed_everywhere(project: Project) -> None:
    refused = [PRINTS.person(ANN), PRINTS.person(DAN)]
    people = project.plan(GUARDED, lists=[suppression(phones(BOB))], refused=refused, sent=[sent(DAN), sent(CAT)])
    assert people.deltas[0].suppressed == {"refusals": 1, "refused": 1}
    assert people.leaving("may") == [PRINTS.person(DAN)]
    gone = project.plan(sent=[sent(ANN, contacts="old")], refused=refused)
    assert gone.leaving("old") == [PRINTS.person(ANN)]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "refusals.csv does not exist."),
        ("", "refusals.csv is empty."),
        ("number\n0912345671\n", 'refusals.csv has no column "phone".'),
        (
            "phone\n0912345671\n\nabc\n",
            "refusals.csv:4  Suppression list refusals: its number cannot be read (not_a_number)",
        ),
        ('phone\n0912345671\n""\n', "refusals.csv:3  Suppression list refusals: its number cannot be read (empty)"),
        ("phone,x\n0912345671\n", "refusals.csv:2  Suppression list refusals: this row has 1 columns"),
        (b"phone\n0912345671\n\xff\n", "refusals.csv:3  Suppression list refusals: the file is not UTF-8"),
    ],
)
def test_a_list_that_cannot_be_read_whole_blocks(project: Project, content: str | bytes | None, said: str) -> None:
    path = project.root / "refusals.csv" if content is None else project.file("refusals.csv", content)
    message = blocked(project, suppression(path))
    assert said in message
    assert message.endswith("A list that cannot be read whole protects nobody, so nothing is sent.")


def test_a_list_of_an_unknown_region_blocks(project: Project) -> None:
    with pytest.raises(Blocked, match=r'region "UK" has no phone numbers of its own\. Write "GB"'):
        project.plan(GUARDED, lists=[suppression(phones(ANN), region="UK")])


def test_files_of_a_list_that_come_while_others_are_read_block(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("1.csv", "2.csv"):
        project.file(name, f"phone\n{ANN}\n")

    def slowly(part: Part, layout: Layout) -> Iterator[tuple[Numbers, Reasons, list[Texts]]]:
        yield from written(part, layout)
        project.file("3.csv", f"phone\n{BOB}\n")

    monkeypatch.setattr(suppress, "written", slowly)
    with pytest.raises(Blocked, match="files came or went"):
        project.plan(GUARDED, lists=[suppression(project.root / "*.csv")])


def test_an_unset_variable_is_a_matter_of_configuration(project: Project) -> None:
    with pytest.raises(ConfigInvalid, match="REFUSALS_CSV is not set"):
        project.plan(GUARDED, lists=[suppression(ContactSource(file=Reference("env", "REFUSALS_CSV")))])


def dated(project: Project, *rows: str) -> Path:
    return project.file("refusals.csv", "phone,until,as_of\n" + "".join(f"{row}\n" for row in rows))


def test_dates_that_cannot_be_read_block(project: Project) -> None:
    path = dated(project, "0912345671,2026-07-01,2026-05-31", "0912345672,soon,")
    message = blocked(project, suppression(path, until="until", as_of="as_of"))
    assert "refusals.csv:3  Suppression list refusals: its until is no date. Write it like 2026-06-01" in message
    path = dated(project, "0912345671,,31.05.2026")
    assert "refusals.csv:2 " in blocked(project, suppression(path, as_of="as_of"))


@pytest.mark.parametrize(
    ("as_of", "days"),
    [(["2026-05-30", "2026-01-01"], None), (["2026-04-30T12:00:00Z", ""], "32d"), (["2026-05-01", "2026-05-01"], None)],
)
def test_the_newest_date_says_how_old_a_list_is(project: Project, as_of: list[str], days: str | None) -> None:
    path = dated(project, *(f"091234567{row},,{moment}" for row, moment in enumerate(as_of)))
    found = about(project, suppression(path, as_of="as_of", max_age=31 * 86400 + 43200))
    assert [(one.code, one.severity, one.measured) for one in found] == (
        [("suppression-stale", Severity.ERROR, days)] if days else []
    )


def test_without_dates_the_oldest_file_says_how_old_a_list_is(project: Project) -> None:
    for name, age in (("1.csv", timedelta(days=1)), ("2.csv", timedelta(days=40))):
        moment = (NOW - age).timestamp()
        os.utime(project.file(name, f"phone\n091234567{name[0]}\n"), (moment, moment))
    everything = suppression(project.root / "*.csv", max_age=31 * 86400)
    [stale] = about(project, everything)
    assert (stale.code, stale.measured, stale.limit) == ("suppression-stale", "40d", "31d")
    assert stale.remedy == "Export it again. Who has refused since then is not on it."
    assert not about(project, suppression(project.root / "1.csv", max_age=31 * 86400))
    assert not about(project, suppression(project.root / "2.csv"))
    assert not about(project, suppression(phones(BOB), max_age=1))


def test_an_empty_list_is_said_aloud(project: Project) -> None:
    [finding] = about(project, suppression(project.file("refusals.csv", "phone\n")))
    assert (finding.code, finding.severity) == ("suppression-empty", Severity.WARNING)


def test_a_date_that_has_passed_releases_nobody(project: Project) -> None:
    path = dated(project, "0912345670,2026-05-31,", "0912345671,2026-06-30,", "0912345672,,")
    people = project.plan(GUARDED, lists=[suppression(path, until="until")])
    assert people.deltas[0].suppressed == {"refusals": 3}
    [finding] = people.findings
    assert (finding.code, finding.severity, finding.measured) == ("suppression-until", Severity.INFO, "1")


def test_a_release_waits_for_the_apply_after_the_one_that_sees_it(project: Project) -> None:
    before = project.plan(GUARDED, lists=[suppression(phones(ANN, BOB))])
    history = [sent(ANN, "withdrawn"), sent(CAT)]
    shorter = [suppression(phones(BOB))]
    seeing = project.plan(GUARDED, lists=shorter, sent=history, remembered=before.suppressed)
    assert (seeing.deltas[0].suppressed, seeing.deltas[0].added) == ({"refusals": 2}, 0)
    after = project.plan(GUARDED, lists=shorter, sent=history, remembered=seeing.suppressed)
    assert (after.deltas[0].suppressed, numbers(added(after))) == ({"refusals": 1}, [ANN])
    assert [contact.revision for contact in added(after)] == [2]


def test_a_list_that_a_set_names_no_more_protects_once_more(project: Project) -> None:
    before = project.plan(GUARDED, lists=[suppression(phones(ANN, BOB))])
    assert before.protected == {"may": ("refusals/VN",)}
    bare = contact_set(phones(ANN, BOB, CAT))
    seeing = project.plan(bare, remembered=before.suppressed, protected=before.protected)
    assert (seeing.deltas[0].suppressed, numbers(added(seeing))) == ({"refusals": 2}, [CAT])
    [finding] = seeing.findings
    assert (finding.code, finding.severity, finding.measured) == ("suppression-unnamed", Severity.WARNING, "2")
    assert "2 people on it, in this apply suppressed all the same" in finding.message
    after = project.plan(bare, remembered=before.suppressed, protected=seeing.protected)
    assert numbers(added(after)) == [ANN, BOB, CAT] and not after.findings


def test_a_list_under_another_name_lets_nobody_go_at_once(project: Project) -> None:
    before = project.plan(GUARDED, lists=[suppression(phones(ANN, BOB))])
    renamed = contact_set(phones(ANN, BOB, CAT), suppress=("no-calls",))
    declared = suppression(phones(BOB), name="no-calls")
    seeing = project.plan(renamed, lists=[declared], remembered=before.suppressed, protected=before.protected)
    assert (seeing.deltas[0].suppressed, numbers(added(seeing))) == ({"no-calls": 1, "refusals": 1}, [CAT])


def test_a_list_that_is_read_in_another_region_lets_nobody_go_at_once(project: Project) -> None:
    before = project.plan(GUARDED, lists=[suppression(phones("0912345670"))])
    polish = contact_set(phones(ANN, CAT), region="PL", suppress=("refusals",))
    seeing = project.plan(
        polish,
        lists=[suppression(phones("512345678"))],
        remembered=before.suppressed,
        protected=before.protected,
    )
    assert (seeing.deltas[0].suppressed, numbers(added(seeing))) == ({"refusals/VN": 1}, [CAT])


def test_a_release_of_somebody_never_sent_waits_as_well(project: Project) -> None:
    before = project.plan(contact_set(phones(), suppress=("refusals",)), lists=[suppression(phones(ANN))])
    empty = suppression(project.file("refusals.csv", "phone\n"))
    assert numbers(added(project.plan(GUARDED, lists=[empty], remembered=before.suppressed))) == [BOB, CAT]
    assert numbers(added(project.plan(GUARDED, lists=[empty]))) == [ANN, BOB, CAT]


def test_what_is_remembered_is_everybody_on_the_list_once_as_fingerprints_apart_for_each_region(
    project: Project,
) -> None:
    polish = contact_set(phones(), "pl", region="PL", suppress=("refusals",))
    people = project.plan(GUARDED, polish, lists=[suppression(phones(DAN, ANN, DAN))])
    everybody = b"".join(sorted([PRINTS.person(ANN), PRINTS.person(DAN)]))
    assert people.suppressed == {"refusals/VN": everybody, "refusals/PL": everybody}


def test_a_campaign_of_another_region_releases_nobody(project: Project) -> None:
    """Numbers without a country are others in another region: that list was never this one."""
    polish_list = suppression(phones("512345678"))
    polish = project.plan(contact_set(phones(), region="PL", suppress=("refusals",)), lists=[polish_list])
    vietnamese = suppression(phones("0912345670"))
    before = project.plan(GUARDED, lists=[vietnamese])
    both = {**before.suppressed, **polish.suppressed}
    assert project.plan(GUARDED, lists=[vietnamese], remembered=both).released == {}


def test_who_is_not_on_a_list_any_more_is_counted(project: Project) -> None:
    before = project.plan(GUARDED, lists=[suppression(phones(ANN, BOB, CAT))])
    shorter = [suppression(phones(BOB, DAN))]
    assert project.plan(GUARDED, lists=shorter, remembered=before.suppressed).released == {"refusals": (3, 2)}
    assert project.plan(GUARDED, lists=shorter).released == {}


def test_a_list_as_an_earlier_version_remembered_it_still_protects(project: Project) -> None:
    remembered = {"refusals": PRINTS.person(ANN)}
    people = project.plan(GUARDED, lists=[suppression(phones(BOB))], remembered=remembered)
    assert (people.deltas[0].suppressed, people.released) == ({"refusals": 2}, {"refusals": (1, 1)})
