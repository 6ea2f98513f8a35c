"""Whatever is wrong with the ledger: a sentence that says what and what to do, the right code, nothing sent, nothing lost."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from reconciler.ledger import sqlite_file
from tests.office import CONTACT_KEY, Office, desk
from tests.test_cli_state import SPRING, alter, fresh, ok, path, sendings

__all__ = ["fresh"]  # fixture

READING = (
    "plan",
    "state list",
    f"state show {SPRING}",
    "state history",
    "state verify",
    "state backup ../copy.db",
    "resolve",
)
WRITING = (
    "apply --auto-approve",
    "apply plan.json",
    "apply --resume",
    "state unlock --reason x",
    f"state rm {SPRING} --reason x",
    f"state mv {SPRING} hanoi/campaign/autumn",
    "state migrate --to sqlite:///{folder}/elsewhere.db",
    f"adopt {SPRING} 59ed505e-c081-5c48-88ca-0936c4d93070",
    "halt",
)
KEYED = ("plan", *WRITING[:3], *WRITING[4:6], *WRITING[7:])  # commands that have to know people


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Office]:
    """Spring is made and holds three people; a fourth waits in a saved plan."""
    with desk(tmp_path) as made:
        assert made.apply().code == 0
        people = tmp_path / "people" / "may.csv"
        people.write_text(people.read_text() + "C9,0900000009,New\n")
        assert made.run("plan", "--out", "plan.json").code == 0
        yield made


def refused(team: Office, command: str, code: int = 1) -> str:
    """What it says, once it is sure that it sent nothing and is no bug."""
    before = sendings(team)
    result = team.run(*command.format(folder=team.root.parent).split())
    assert (result.code, result.out) == (code, ""), (command, result)
    assert "bug in reconciler" not in result.err and "Traceback" not in result.err
    assert sendings(team) == before, command
    assert not list(team.root.parent.glob("*.db*")), "no half of a copy is left"
    return result.err


def goes_on(team: Office) -> None:
    """What was wrong is put right: the fourth is added, and nobody twice."""
    assert team.run("apply", "--auto-approve").code == 0
    assert team.plan()["changes"] == [] and team.most_dials() == 1
    assert ok(team, "state", "verify").startswith("The audit trail is whole")


# ---- the file --------------------------------------------------------------------------------------------------------


def overwrite(file: Path, offset: int) -> None:
    with file.open("r+b") as opened:
        opened.seek(offset)
        opened.write(b"\xff" * 4096)


def become_a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


SPOILT: dict[str, tuple[Callable[[Path], object], str]] = {
    "no database": (
        lambda file: file.write_bytes(b"ledger: empty\n" * 999),
        "is no SQLite database. Do not start with an empty one",
    ),
    "empty": (lambda file: file.write_bytes(b""), "is empty or belongs to another program. Restore the ledger"),
    "another program's": (lambda file: alter(file, "PRAGMA application_id = 7"), "belongs to another program"),
    "newer": (lambda file: alter(file, "PRAGMA user_version = 99"), "has schema 99, this reconciler knows"),
    "damaged": (lambda file: overwrite(file, 4096), "is damaged. Do not start with an empty one"),
    "folder": (become_a_folder, "cannot be looked at: Is a directory"),
    "only its log": (lambda file: file.rename(f"{file}-wal"), "is gone, but state.db-wal is still there"),
}


@pytest.mark.parametrize("spoilt", SPOILT)
def test_a_file_that_is_no_ledger_stops_every_command(team: Office, spoilt: str) -> None:
    spoil, said = SPOILT[spoilt]
    kept = team.root.parent / "kept"
    shutil.copy(path(team), kept)
    spoil(path(team))
    for command in (*READING, *WRITING):
        message = refused(team, command)
        assert said in message and str(path(team)) in message, command
    shutil.rmtree(path(team).parent)
    path(team).parent.mkdir()
    shutil.copy(kept, path(team))
    goes_on(team)


def test_a_page_that_is_damaged_deep_inside_stops_what_reads_it(team: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_file, "_CHECKED_BYTES", 0)  # as in a ledger too large to be looked through at each start
    with closing(sqlite3.connect(path(team))) as db:
        root = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'op'").fetchone()[0]
    kept = path(team).read_bytes()
    overwrite(path(team), (root - 1) * 4096)
    for command in ("plan", "apply --auto-approve", "apply plan.json", "state backup ../copy.db"):
        assert "is damaged. Do not start with an empty one" in refused(team, command)
    shutil.rmtree(path(team).parent)
    path(team).parent.mkdir()
    path(team).write_bytes(kept)
    goes_on(team)


# ---- the disk --------------------------------------------------------------------------------------------------------


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> list[int | None]:
    """By how many pages a ledger may grow from its next opening on; None: as it likes."""
    make_durable = sqlite_file._make_durable
    most: list[int | None] = [None]

    def limited(db: sqlite3.Connection) -> None:
        make_durable(db)
        if most[0] is not None:
            pages = db.execute("PRAGMA page_count").fetchone()[0]
            db.execute(f"PRAGMA max_page_count = {pages + most[0]}")

    monkeypatch.setattr(sqlite_file, "_make_durable", limited)
    return most


def test_a_disk_that_is_full_before_the_first_claim(team: Office, room: list[int | None]) -> None:
    fill(path(team))
    room[0] = 0
    while team.run("state", "unlock", "--reason", "x").code == 0:
        pass  # the last page of the trail has room for some events, how many is chance
    for command in WRITING:
        if "migrate" not in command:
            said = refused(team, command)
            assert "cannot grow: the disk is full. Nothing was changed; free some space and run again." in said
    assert ok(team, "state", "list").count(SPRING) == 2
    room[0] = None
    goes_on(team)


def fill(file: Path) -> None:
    """Leave no room for another event on the pages that are there."""
    with closing(sqlite3.connect(file)) as db:
        pages = db.execute("PRAGMA page_count").fetchone()[0]
        db.execute(f"PRAGMA max_page_count = {pages}")
        rows = ((f"filling/{number}", b"x" * 200) for number in range(10_000))
        with suppress(sqlite3.OperationalError):
            for row in rows:
                with db:
                    db.execute("INSERT INTO memory (name, value) VALUES (?, ?)", row)


@pytest.mark.parametrize("pages", [0, 1, 2, 3, 4])
def test_a_disk_that_fills_up_in_the_middle_of_an_apply(fresh: Office, room: list[int | None], pages: int) -> None:
    """What was sent without an outcome is found by a read later; nobody is left out, and nobody is called twice."""
    before = crowd(fresh)
    room[0] = pages
    broken = fresh.run("apply", "--auto-approve")
    assert broken.code in {1, 8}, broken  # 8: something came through before
    assert "the disk is full" in broken.out + broken.err and "bug in reconciler" not in broken.out + broken.err
    fresh.run("apply", "--auto-approve")
    assert fresh.most_dials() <= 1
    room[0] = None
    ok(fresh, "state", "unlock", "--reason", "it could not release it, and this process is still there")
    goes_on(fresh)
    assert dialled(fresh) == before + 43


def crowd(team: Office) -> int:
    """Forty more people; returns how many others would be dialled already."""
    people = team.root.parent / "people" / "may.csv"
    people.write_text(people.read_text() + "".join(f"D{n},09{n:08},More\n" for n in range(10, 50)))
    return dialled(team)


def dialled(team: Office) -> int:
    return sum(team.here.simulator.vendors["tel4vn"].dials().values())


@pytest.mark.parametrize("most", [120_000, 400_000])
def test_a_disk_that_reports_errors_in_the_middle_of_an_apply(fresh: Office, most: int) -> None:
    """In a process of its own, whose files cannot grow beyond a size."""
    before = crowd(fresh)
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({most}, {most}))"
    done = subprocess.run(
        [sys.executable, "-c", f"{limit}; from reconciler.cli import main; main()", "apply", "--auto-approve"],
        cwd=fresh.root,
        env={**fresh.environ, "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    told = done.stdout + done.stderr
    assert done.returncode == 1 and "the disk reports an error" in told and "bug in reconciler" not in told, told
    assert fresh.most_dials() <= 1
    goes_on(fresh)
    assert dialled(fresh) == before + 43


# ---- permissions -----------------------------------------------------------------------------------------------------


@pytest.fixture
def nobody() -> Iterator[Office]:
    """A team whose user is not root, since root may write everywhere; in a folder that this user can reach."""
    top = Path(tempfile.mkdtemp())
    user, before = 65534 if os.geteuid() == 0 else os.geteuid(), os.geteuid()
    try:
        with desk(top) as made:
            assert made.apply().code == 0
            for command in (
                *READING,
                "halt",
                "state unlock --reason x",
                "state rm a/campaign/b --reason x",
                "adopt x y",
            ):
                made.run(*command.split())  # all that a command imports may lie where only root can read
            (top / "copy.db").unlink()
            for each in (top, *top.rglob("*")):
                os.chown(each, user, -1)
            os.seteuid(user)
            yield made
    finally:
        os.seteuid(before)
        shutil.rmtree(top)


def test_a_file_that_may_not_be_written(nobody: Office) -> None:
    path(nobody).chmod(0o400)
    for command in ("apply --auto-approve", "halt", "state unlock --reason x", f"state rm {SPRING} --reason x"):
        assert "This user must be allowed to read and write the file and its folder" in refused(nobody, command)
    for file in path(nobody).parent.glob("state.db*"):
        file.chmod(0o600)
    goes_on(nobody)


def test_a_folder_that_may_not_be_written(nobody: Office) -> None:
    # Left by a reader; where they are there already, nothing has to be made.
    for beside in path(nobody).parent.glob("state.db-*"):
        beside.unlink()
    path(nobody).parent.chmod(0o500)
    for command in ("apply --auto-approve", "halt", "state unlock --reason x"):
        assert "This user must be allowed to read and write the file and its folder" in refused(nobody, command)
    path(nobody).parent.chmod(0o700)
    goes_on(nobody)


def test_a_folder_that_may_not_be_looked_into(nobody: Office) -> None:
    path(nobody).parent.chmod(0o000)
    for command in (*READING, *WRITING):
        assert "cannot be looked at: Permission denied" in refused(nobody, command)


def test_a_backup_where_nothing_may_be_written(nobody: Office) -> None:
    shut = nobody.root.parent / "shut"
    shut.mkdir(mode=0o500)
    said = refused(nobody, "state backup ../shut/copy.db")
    assert "shut/copy.db cannot be made or kept private: Permission denied" in said


# ---- whose it is -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", KEYED)
def test_a_wrong_contact_key(team: Office, command: str) -> None:
    team.environ["RECONCILER_CONTACT_KEY"] = "another-contact-key-that-has-more-than-32-bytes"
    said = refused(team, command, 4)
    assert "The contact key is not the one this ledger was written with" in said and "another-contact" not in said
    team.environ["RECONCILER_CONTACT_KEY"] = CONTACT_KEY
    goes_on(team)


@pytest.mark.parametrize("command", KEYED)
def test_a_contact_key_that_is_not_set(team: Office, command: str) -> None:
    del team.environ["RECONCILER_CONTACT_KEY"]
    said = refused(team, command, 3)
    assert "spec.contactKey: the environment variable RECONCILER_CONTACT_KEY is not set, or empty" in said


@pytest.mark.parametrize(
    "command", ["state list", "state history", "state verify", "state unlock --reason x", "resolve"]
)
def test_what_needs_no_key_goes_on_without_it(team: Office, command: str) -> None:
    del team.environ["RECONCILER_CONTACT_KEY"]
    assert team.run(*command.split()).code == 0


def test_a_plan_made_with_another_ledger(team: Office) -> None:
    plan = json.loads((team.root / "plan.json").read_bytes())
    plan["bound"]["lineage"] = "another"
    team.write("plan.json", json.dumps(plan))
    assert "The plan was made with another ledger than the one that is here." in refused(team, "apply plan.json", 5)


def test_a_ledger_that_was_put_back_since_the_plan_was_made(team: Office) -> None:
    kept = team.root.parent / "kept"
    shutil.copy(path(team), kept)
    team.edit("campaigns.yaml", "concurrent_call: 5", "concurrent_call: 6")
    assert team.run("apply", "--auto-approve").code == 0
    assert team.run("plan", "--out", "plan.json").code == 0
    shutil.copy(kept, path(team))
    said = refused(team, "apply plan.json", 5)
    assert "The ledger is older than the plan (serial 1, the plan saw 2): was it restored from a backup?" in said


@pytest.mark.parametrize("command", [c for c in (*READING, *WRITING) if "unlock" not in c])
def test_a_ledger_that_is_thrown_away_with_the_job(team: Office, command: str) -> None:
    team.environ["CI"] = "true"
    assert "the next job would start with an empty one and call everybody again" in refused(team, command, 4)
