"""Sources: every kind of file reads the same, what is wrong is named with its line, and nothing of it is shown."""

from __future__ import annotations

import gzip
import os
import random
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from reconciler.contacts.source import _engine
from reconciler.errors import ConfigInvalid
from reconciler.model import ContactSource, Phone, Reference
from tests.contacts_support import ANN, BOB, CAT, Project, added, contact_set, inline, numbers, phones

FIELDS = {"first": "name", "due": "amount"}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def refusal(plan: Callable[[], object]) -> str:
    """The message of a refusal, after a look at everything that could be printed with it."""
    with pytest.raises(ConfigInvalid) as failure:
        plan()
    printed = "".join(traceback.format_exception(failure.value)) + repr(failure.value.problems)
    assert failure.value.__context__ is None
    assert "9123456" not in printed
    assert "Ann" not in printed
    return str(failure.value)


def refused(project: Project, file: Path | ContactSource, **changes: Any) -> str:
    return refusal(lambda: project.plan(contact_set(file, **changes)))


CSV = "customer;phone;name;amount\nK1;0912345670;Ann;10,50\nK2;+84 912 345 671;Bob;007\n"
JSONL = (
    '{"customer": "K1", "phone": "0912345670", "name": "Ann", "amount": "10,50"}\n\n'
    '{"phone": "+84 912 345 671", "customer": "K2", "name": "Bob", "amount": "007", "other": [1]}\n'
)


def parquet(path: Path, select: str) -> Path:
    with duckdb.connect() as engine:
        engine.execute(f"COPY ({select}) TO '{path}' (FORMAT parquet)")
    return path


def every_kind(project: Project) -> list[Path | ContactSource]:
    rows = "(VALUES ('K1', '0912345670', 'Ann', '10,50'), ('K2', '+84 912 345 671', 'Bob', '007')) t(customer, phone, name, amount)"
    cells = [line.split(";") for line in CSV.splitlines()]
    return [
        project.file("a.csv", CSV),
        project.file("b.tsv", CSV.replace(";", "\t")),
        project.file("c.txt", CSV.replace(",", ".").replace(";", ",").replace("10.50", '"10,50"')),
        project.file("d.csv", CSV.replace(";", "|").replace("\n", "\r\n")),
        project.file("e.csv", "\ufeff" + CSV),
        project.file("f.csv.gz", gzip.compress(CSV.encode())),
        project.file("g.jsonl", JSONL),
        project.file("h.ndjson.gz", gzip.compress(JSONL.encode())),
        parquet(project.root / "i.parquet", f"SELECT * FROM {rows}"),
        inline([dict(zip(cells[0], row, strict=True)) for row in cells[1:]]),
    ]


def test_every_kind_of_source_gives_the_same_people(project: Project) -> None:
    for source in every_kind(project):
        people = project.plan(contact_set(source, key="customer", fields=FIELDS))
        contacts = added(people)
        assert numbers(contacts) == [ANN, BOB], source
        assert [contact.key for contact in contacts] == ["K1", "K2"]
        assert [dict(contact.fields) for contact in contacts] == [
            {"first": "Ann", "due": "10,50"},
            {"first": "Bob", "due": "007"},
        ]
        assert (people.deltas[0].rows, people.deltas[0].added) == (2, 2)


@pytest.mark.parametrize("mark", ["^", "~", ":", "#", "!", "%", "*", "=", "\x1f", "\x01", "¦", "§"])
def test_any_mark_may_stand_between_columns(project: Project, mark: str) -> None:
    source = project.file("a.csv", CSV.replace(";", mark))
    contacts = added(project.plan(contact_set(source, key="customer", fields=FIELDS)))
    assert numbers(contacts) == [ANN, BOB]
    assert [contact.key for contact in contacts] == ["K1", "K2"]
    assert [contact.fields["due"] for contact in contacts] == ["10,50", "007"]


@pytest.mark.parametrize("header", ["name,tele-phone", "name~x;tele:phone", "tele.phone", "tele phone"])
def test_what_names_are_written_with_is_no_delimiter(project: Project, header: str) -> None:
    assert 'has no column "phone"' in refused(project, project.file("a.csv", f"{header}\nAnn,0912345670\n"))


@pytest.mark.parametrize(("region", "said"), [("UK", ' Write "GB".'), ("XX", "")])
def test_a_region_that_has_no_numbers_is_refused(project: Project, region: str, said: str) -> None:
    message = refused(project, phones("0912345670"), region=region)
    assert f'Contact set may: region "{region}" has no phone numbers of its own.{said}\n' in message


def test_columns_are_text_whatever_they_look_like(project: Project) -> None:
    source = project.file("a.csv", 'phone,name\n0912345670,"0123"\n0912345671,1e5\n0912345672," NULL"\n')
    contacts = added(project.plan(contact_set(source, fields={"f": "name"})))
    assert [contact.fields["f"] for contact in contacts] == ["0123", "1e5", " NULL"]


def test_numbers_of_json_and_parquet_keep_their_digits(project: Project) -> None:
    lines = project.file(
        "a.jsonl", '{"phone": 84912345670, "id": 12345678901234567890123}\n{"phone": 84912345671, "id": null}\n'
    )
    contacts = added(project.plan(contact_set(lines, key="id")))
    assert [(contact.phone.reveal(), contact.key) for contact in contacts] == [
        (ANN, "12345678901234567890123"),
        (BOB, ""),
    ]
    whole = parquet(project.root / "a.parquet", 'SELECT 84912345670::BIGINT AS phone, 7 AS "the ""id"')
    assert [contact.key for contact in added(project.plan(contact_set(whole, key='the "id')))] == ["7"]


def test_blank_lines_are_no_rows_and_empty_numbers_are(project: Project) -> None:
    wide = project.file("wide.csv", "phone,name\n\n0912345670,Ann\n\n,\n\n")
    narrow = project.file("narrow.csv", 'phone\n\n0912345670\n""\n\n')
    lines = project.file("lines.jsonl", '{"phone": "0912345670"}\n\n  \n{"phone": null}\n')
    for source in (wide, narrow, lines):
        delta = project.plan(contact_set(source)).deltas[0]
        assert (delta.rows, delta.added, delta.rejected) == (2, 1, {"empty": 1}), source


def test_rejects_name_the_line_an_editor_shows(project: Project) -> None:
    text = 'phone,name\nabc,x\n\n0912345670,"two\nlines"\n12,x\n"","a\n\nb"\n0912345671,y\n+999123,z\n'
    wide = project.plan(contact_set(project.file("wide.csv", text)))
    assert [(reject.row, reject.reason) for reject in wide.rejects] == [
        (2, "not_a_number"),
        (6, "too_short"),
        (7, "empty"),
        (11, "no_country"),
    ]
    lines = project.plan(
        contact_set(project.file("a.jsonl", '\n{"phone": "0912345670"}\n\n{"phone": "x"}\n{"phone": "y"}\n'))
    )
    assert [(reject.file, reject.row) for reject in lines.rejects] == [("a.jsonl", 4), ("a.jsonl", 5)]
    whole = parquet(project.root / "a.parquet", "SELECT unnest(['x', '0912345670', 'y']) AS phone")
    assert [reject.row for reject in project.plan(contact_set(whole)).rejects] == [1, 3]
    given = project.plan(contact_set(inline([{"phone": "0912345670"}, {"phone": "x"}])))
    assert [tuple(reject) for reject in given.rejects] == [("may", "spec.source.inline", 2, "not_a_number")]


def test_several_files_are_one_source_in_the_order_of_their_names(project: Project) -> None:
    project.file("day/2.csv", "phone\n0912345671\nabc\n")
    project.file("day/1.csv", "name;phone\nx;0912345670\nx;y\n")
    project.file("day/3.csv", "phone\n0912345672\n0912345670\n")
    people = project.plan(contact_set(project.root / "day" / "*.csv"))
    assert numbers(added(people)) == [ANN, BOB, CAT]
    assert people.deltas[0].duplicates == 1
    assert [(reject.file, reject.row) for reject in people.rejects] == [
        ("day/*.csv (1.csv)", 3),
        ("day/*.csv (2.csv)", 3),
    ]


def test_a_file_outside_is_named_by_the_environment(project: Project, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = Project(tmp_path_factory.mktemp("outside")).file("people.csv", "phone\n0912345670\nabc\n")
    source = ContactSource(file=Reference("env", "PEOPLE"))
    message = refused(project, source)
    assert "PEOPLE is not set" in message
    project.environ["PEOPLE"] = str(outside)
    people = project.plan(contact_set(source))
    assert numbers(added(people)) == [ANN]
    assert people.rejects[0].file == "{env: PEOPLE}"
    project.file("where.txt", f"{outside}\n")
    assert numbers(added(project.plan(contact_set(ContactSource(file=Reference("file", "where.txt")))))) == [ANN]


def test_no_link_leads_out_of_the_project(project: Project, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = Project(tmp_path_factory.mktemp("outside")).file("people.csv", "phone\n0912345670\n")
    link = project.root / "people.csv"
    link.symlink_to(outside)
    for path in (link, outside, project.root / ".." / outside.parent.name / "people.csv"):
        assert "leads out of the project's folder. A file outside is named by {file: {env: NAME}}" in refused(
            project, path
        )


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", None, "a.csv does not exist. Put the file there, or correct spec.source.file."),
        ("a.csv", "", "a.csv is empty. Write it again with its header line."),
        ("a.csv", "\ufeff", "a.csv is empty."),
        ("a.csv.gz", gzip.compress(b"", mtime=0), "a.csv.gz is empty."),
        ("a.jsonl", '{"phone": "\\ud800"}\n', "a.jsonl  Contact set may: the file cannot be read as jsonl."),
        ("a.csv", "\n\nphone\n0912345670\n", "a.csv:1  Contact set may: the first line is empty."),
        ("a.csv", "name,telephone\nAnn,0912345670\n", 'a.csv has no column "phone". Did you mean "telephone"?'),
        ("a.csv", "0912345670,Ann\n", 'a.csv has no column "phone". The first line has to be the header.'),
        ("a.csv", "phone,phone\n0912345670,x\n", 'a.csv has two columns "phone". Rename one.'),
        ("a.csv", b"phone,name\n0912345670,Ann\n0912345671,\xf3\n", "a.csv:3  Contact set may: the file is not UTF-8"),
        ("a.csv", "phone,name\n0912345670,Ann\n".encode("utf-16"), "a.csv:1  Contact set may: the file is not UTF-8"),
        (
            "a.csv",
            b"phone\n" + b"0912345670\n" * 9000 + b"\xff\n",
            "a.csv:9002  Contact set may: the file is not UTF-8",
        ),
        (
            "a.csv",
            'phone,name\n"0912\n",Ann\n0912345671\n',
            "a.csv:4  Contact set may: this row has 1 columns and the header 2.",
        ),
        ("a.csv", "phone,name\n0912345670,Ann,x\n", "a.csv:2  Contact set may: this row has 3 columns"),
        (
            "a.csv",
            'phone,name\n0912345670,Ann\n0912345671,"Bob\n',
            "a.csv:2  Contact set may: after this row a quote is opened",
        ),
        (
            "a.csv",
            "phone,name\r\n0912345670,Ann\n0912345671,Bob\r\n",
            "a.csv  Contact set may: the file cannot be read as csv.",
        ),
        ("a.csv.gz", b"phone\n0912345670\n", "a.csv.gz cannot be read. Check its permissions, or that it is complete."),
        (
            "a.csv.gz",
            gzip.compress(b"phone\n" + random.Random(7).randbytes(99).hex().encode(), mtime=0)[:-40],
            "a.csv.gz cannot be read.",
        ),
        (
            "a.jsonl",
            '{"phone": "0912345670"}\n{"phone": "09\n',
            "a.jsonl:2  Contact set may: this line is no JSON object.",
        ),
        (
            "a.jsonl",
            '{"phone": "0912345670"}\n["0912345671"]\n',
            "a.jsonl:2  Contact set may: this line is no JSON object.",
        ),
        ("a.jsonl", '{"phone": "1"}\n' * 1500 + "7\n", "a.jsonl:1501  Contact set may: this line is no JSON object."),
        ("a.jsonl", '{"tel": "0912345670"}\n', 'a.jsonl has no column "phone".'),
        (
            "a.jsonl",
            b'{"phone": "0912345670"}\n{"phone": "\xff"}\n',
            "a.jsonl:2  Contact set may: the file is not UTF-8",
        ),
        ("a.jsonl", "", "a.jsonl is empty."),
        (
            "a.parquet",
            "0912345670, which is no parquet",
            "a.parquet  Contact set may: the file cannot be read as parquet.",
        ),
        ("a.xlsx", "x", "a.xlsx is of no known kind. Name it .csv, .parquet or .jsonl"),
        ("a.parquet.gz", "x", "a.parquet.gz is of no known kind."),
    ],
)
def test_what_is_wrong_is_named_and_not_shown(
    project: Project, name: str, content: str | bytes | None, said: str
) -> None:
    path = project.root / name if content is None else project.file(name, content)
    message = refused(project, path)
    assert said in message
    assert message.endswith("1 error. Nothing was sent.")


def test_problems_of_all_sets_and_columns_are_told_at_once(project: Project) -> None:
    short = contact_set(project.file("a.csv", "phone\n"), key="customer", fields={"f": "naem", "g": "customer"})
    missing = contact_set(project.root / "b.csv", "june")
    message = refusal(lambda: project.plan(short, missing))
    assert 'no column "customer"' in message
    assert 'no column "naem"' in message
    assert "Contact set june: b.csv does not exist" in message
    assert "campaigns/spring.yaml:30" in message
    assert message.endswith("3 errors. Nothing was sent.")


@pytest.mark.parametrize("kind", ["DOUBLE", "FLOAT", "DECIMAL(20, 2)"])
def test_a_phone_column_that_is_no_text_is_refused(project: Project, kind: str) -> None:
    path = parquet(project.root / "a.parquet", f"SELECT 84912345670::{kind} AS phone")
    assert "A phone number is text: write the column as VARCHAR." in refused(project, path)


def test_a_parquet_file_without_the_column_is_refused(project: Project) -> None:
    path = parquet(project.root / "a.parquet", "SELECT '0912345670' AS phones")
    assert 'a.parquet has no column "phone". Did you mean "phones"?' in refused(project, path)


def test_inline_rows_need_the_column_and_may_be_none(project: Project) -> None:
    assert 'spec.source.inline has no column "phone"' in refused(project, inline([{"tel": "0912345670"}]))
    assert project.plan(contact_set(inline([]))).deltas[0].rows == 0
    given = project.plan(
        contact_set(inline([{"phone": "0912345670", "a": "x"}, {"phone": "0912345671"}]), fields={"f": "a"})
    )
    assert [contact.fields["f"] for contact in added(given)] == ["x", ""]


def test_a_file_without_rows_is_a_source_without_people(project: Project) -> None:
    for name, content in (("a.csv", "phone,name\n"), ("b.csv", "phone"), ("c.csv", "phone\n\n")):
        assert project.plan(contact_set(project.file(name, content))).deltas[0].rows == 0


def test_a_file_that_changes_while_it_is_read_is_refused(project: Project) -> None:
    path = project.file("2.csv", "phone\n0912345671\n")
    project.file("1.csv", "phone\n0912345670\n")

    def accepts(_: object) -> bool:
        with path.open("a") as more:
            more.write("0912345672\n")
        return True

    message = refusal(lambda: project.plan(contact_set(project.root / "*.csv"), accepts=accepts))
    assert "*.csv (2.csv) changed while it was read. Run again when it is written completely." in message


@pytest.mark.parametrize("which", ["3.csv", "1.csv"])
def test_files_that_come_or_change_while_others_are_read_are_noticed(project: Project, which: str) -> None:
    """An export that writes several files has not written the last one yet, or writes the first one again."""
    project.file("1.csv", "phone\n0912345670\n")
    project.file("2.csv", "phone\n0912345671\n")
    seen = []

    def accepts(phone: Phone) -> bool:
        seen.append(phone.reveal())
        if len(seen) == 2:
            project.file(which, "phone\n0912345672\n")
        return True

    message = refusal(lambda: project.plan(contact_set(project.root / "*.csv"), accepts=accepts))
    came = "*.csv: files came or went while they were read. Run again when all are written."
    assert (came if which == "3.csv" else "*.csv (1.csv) changed while it was read.") in message


def test_a_file_whose_time_was_set_back_has_changed_all_the_same(project: Project) -> None:
    path = project.file("a.csv", "phone\n0912345671\n")
    before = path.stat()

    def accepts(_: object) -> bool:
        with path.open("r+") as file:
            file.write("phone\n0912345672\n")
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        return True

    assert "a.csv changed while it was read" in refusal(lambda: project.plan(contact_set(path), accepts=accepts))


def test_a_file_that_goes_while_it_is_read_is_refused(project: Project) -> None:
    path = project.file("a.csv", "phone\n0912345671\n")

    def accepts(_: object) -> bool:
        path.unlink()
        return True

    message = refusal(lambda: project.plan(contact_set(path), accepts=accepts))
    assert "a.csv changed while it was read" in message


def test_the_engine_opens_nothing_but_the_source(project: Project) -> None:
    path, other = project.file("it's.csv", "phone\n0912345670\n"), project.file("other.csv", "phone\n1\n")
    with _engine(str(path)).cursor() as engine:
        assert engine.sql("SELECT * FROM read_csv($p)", params={"p": str(path)}).fetchall()
        for statement in (
            f"SELECT * FROM read_csv('{other}')",
            "SELECT * FROM glob('/*')",
            f"COPY (SELECT 1) TO '{project.root}/out.csv'",
            f"ATTACH '{project.root}/x.db'",
            "INSTALL httpfs",
            "SET enable_external_access = true",
            "SET threads = 1",
        ):
            with pytest.raises(duckdb.Error):
                engine.execute(statement)
    assert numbers(added(project.plan(contact_set(path)))) == [ANN]


def test_nothing_is_written_while_people_are_planned(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.root)
    path = project.file("a.csv", "phone\n" + "".join(f"09{number:08d}\n" for number in range(12345670, 12365670)))
    assert project.plan(contact_set(path)).deltas[0].added == 20_000
    assert [entry.name for entry in project.root.iterdir()] == ["a.csv"]
