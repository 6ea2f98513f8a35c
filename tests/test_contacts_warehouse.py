"""People behind a query: a real PostgreSQL, read twice the same, told about in words that quote nobody."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from reconciler.contacts import warehouse
from reconciler.errors import ConfigInvalid
from reconciler.model import ContactSource, Reference
from tests.contacts_support import Project, added, contact_set, numbers, phones, suppression
from tests.postgres import Role, server

ROWS = [
    ("C1", "0912345670", "Ann"),
    ("C2", "0912345671", "Bob"),
    ("C3", "12", "Cat"),
    ("C2", "0912 345 671", "Bob"),
    ("C4", None, None),
]


@pytest.fixture
def role() -> Role:
    """A database role with one table of five rows."""
    role = server().role()
    with closing(psycopg.connect(role.socket, autocommit=True)) as db:
        db.execute("CREATE TABLE renewals (id text, mobile text, name text, amount double precision DEFAULT 912345670)")
        with db.cursor() as cursor:
            cursor.executemany("INSERT INTO renewals VALUES (%s, %s, %s)", ROWS)
    return role


@pytest.fixture
def project(tmp_path: Path, role: Role) -> Project:
    return Project(tmp_path, {"WAREHOUSE_URL": role.socket})


def query(text: str = "SELECT * FROM renewals;") -> ContactSource:
    return ContactSource(sql_url=Reference("env", "WAREHOUSE_URL"), sql_query=text)


def test_a_query_is_counted_and_sent_as_a_file_is(project: Project) -> None:
    people = project.plan(contact_set(query(), phone="mobile", key="id", fields={"first_name": "name"}))
    (delta,) = people.deltas
    assert (delta.rows, delta.added, delta.duplicates, delta.rejected) == (5, 2, 1, {"empty": 1, "too_short": 1})
    assert numbers(added(people)) == ["+84912345671", "+84912345670"]  # in the order of what is written
    assert [contact.fields for contact in added(people)] == [{"first_name": "Bob"}, {"first_name": "Ann"}]
    assert sorted(reject.reason for reject in people.rejects) == ["empty", "too_short"]


def test_many_rows_come_in_chunks_and_in_one_order(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warehouse, "_ROWS_AT_ONCE", 7)
    origin = query("SELECT '09123' || (45600 + i) AS phone FROM generate_series(99, 0, -1) AS i -- {braces} and 100 %")
    people = project.plan(contact_set(origin))
    assert people.deltas[0].added == 100
    assert numbers(added(people)) == [f"+849123{45600 + i}" for i in range(100)]


def test_a_list_may_be_a_query_too(project: Project) -> None:
    refusals = suppression(query("SELECT mobile AS phone FROM renewals WHERE name = 'Bob'"))
    people = project.plan(contact_set(phones("+84912345670", "+84912345671"), suppress=("refusals",)), lists=[refusals])
    assert (people.deltas[0].added, people.deltas[0].suppressed) == (1, {"refusals": 1})


def test_rows_that_change_between_plan_and_sending_are_noticed(project: Project, role: Role) -> None:
    people = project.plan(contact_set(query(), phone="mobile"))
    with closing(psycopg.connect(role.socket, autocommit=True)) as db:
        db.execute("UPDATE renewals SET mobile = '0912345679' WHERE id = 'C1'")
    with pytest.raises(ConfigInvalid, match=r"spec\.source\.sql is not what was planned\. Plan again\."):
        added(people)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("SELECT phone FROM renewals", 'is refused by .*column "phone" does not exist'),
        ("SELECT mobile FROM renewal", 'is refused by .*relation "renewal" does not exist'),
        ("SELEC", "is refused by .*syntax error"),
        ("SELECT mobile AS number FROM renewals", 'has no column "phone"'),
        ("SELECT amount AS phone FROM renewals", 'has "phone" as DOUBLE PRECISION. A phone number is text'),
        ("SELECT amount::numeric AS phone FROM renewals", 'has "phone" as NUMERIC'),
        (
            "SELECT (mobile || 'x')::int::text AS phone FROM renewals",
            r"failed at .* \(InvalidTextRepresentation\)\. Run it there",
        ),
        ("SELECT nextval('people')::text AS phone", "is refused by|failed at"),
        ("DELETE FROM renewals RETURNING mobile AS phone", "is refused by"),
    ],
)
def test_what_is_wrong_with_a_query_is_said_without_a_row_of_it(project: Project, text: str, said: str) -> None:
    with pytest.raises(ConfigInvalid, match=said) as caught:
        project.plan(contact_set(query(text)))
    assert "0912345" not in str(caught.value) and caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://u:hunter2@127.0.0.1:1/x", "the database x on 127.0.0.1 cannot be reached"),
        (
            "postgresql://u:hunter2@db.example/x?sslmode=disable",
            "The database x on db.example: the URL says sslmode=disable",
        ),
        ("hunter2", "The URL of the database cannot be read"),
    ],
)
def test_a_url_is_held_to_what_the_ledgers_is_held_to(project: Project, url: str, said: str) -> None:
    project.environ["WAREHOUSE_URL"] = url
    with pytest.raises(ConfigInvalid, match="Contact set may") as caught:
        project.plan(contact_set(query()))
    assert said in str(caught.value) and "hunter2" not in str(caught.value)


def test_a_url_that_is_not_set_is_named(project: Project) -> None:
    del project.environ["WAREHOUSE_URL"]
    with pytest.raises(ConfigInvalid, match="WAREHOUSE_URL is not set"):
        project.plan(contact_set(query()))
