"""`plan --rejects`: where the file may be, who may read it, and that no spreadsheet runs what is in it."""

from __future__ import annotations

import csv
import io
import stat
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.cli import rejects
from reconciler.contacts import Reject
from reconciler.errors import Misuse, ReconcilerError
from reconciler.model import Key
from reconciler.world import Planned
from tests.office import Office, desk

REFUSED = "name a file outside the repository"


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Office]:
    with desk(tmp_path) as made:
        (tmp_path / "people" / "may.csv").write_text("id,mobile,name\nC1,0900,An\n")
        yield made


def planned(*rows: Reject) -> Planned:
    world = SimpleNamespace(people={Key("hanoi", "campaign", "spring"): SimpleNamespace(rejects=rows)})
    return cast(Planned, SimpleNamespace(world=world))


def test_a_row_is_told_by_its_line_and_reason_and_read_by_the_user_alone(team: Office, tmp_path: Path) -> None:
    file = tmp_path / "rejects.csv"
    file.write_text("an older one, longer than what comes")
    file.chmod(0o644)
    assert team.run("plan", "--rejects", str(file)).code == 0
    assert file.read_text() == "contacts,file,row,reason\nmay,{env: MAY_CSV},2,too_short\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_nothing_is_read_where_the_file_would_be_committed(team: Office) -> None:
    team.here.simulator.vendors.clear()
    result = team.run("plan", "--rejects", "here.csv")
    assert (result.code, REFUSED in result.err) == (64, True)


@pytest.mark.parametrize("way", ["folder", "file", "up", "circle"])
def test_no_link_leads_into_the_repository(team: Office, tmp_path: Path, way: str) -> None:
    ways = {
        "folder": tmp_path / "linked" / "x.csv",
        "file": tmp_path / "x.csv",
        "up": team.root / ".." / team.root.name,
    }
    (tmp_path / "linked").symlink_to(team.root)
    (tmp_path / "x.csv").symlink_to(team.root / "x.csv")
    (tmp_path / "round").symlink_to(tmp_path / "round")
    target = {**ways, "up": ways["up"] / "x.csv", "circle": tmp_path / "round"}[way]
    result = team.run("plan", "--rejects", str(target))
    assert (result.code, result.out) == ((1, "") if way == "circle" else (64, ""))
    assert ("cannot be written" if way == "circle" else REFUSED) in result.err
    assert not (team.root / "x.csv").exists()


@pytest.mark.parametrize("kind", ["repository", "worktree"])
def test_the_repository_is_gits_also_where_the_project_is_a_folder_of_it(tmp_path: Path, kind: str) -> None:
    project = tmp_path / "big" / "calls"
    project.mkdir(parents=True)
    if kind == "repository":
        subprocess.run(["git", "init", "-q", str(tmp_path / "big")], check=True)
    else:
        (tmp_path / "big" / ".git").write_text("gitdir: ../elsewhere\n")
    with pytest.raises(Misuse, match=REFUSED):
        rejects.outside(project, str(tmp_path / "big" / "rejects.csv"))
    assert rejects.outside(project, str(tmp_path / "rejects.csv")) == tmp_path.resolve() / "rejects.csv"


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ReconcilerError, match="cannot be written"):
        rejects.write(planned(), tmp_path / "nowhere" / "rejects.csv")


def test_what_is_no_file_keeps_its_rights() -> None:
    rejects.write(planned(), Path("/dev/null"))
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


@given(st.lists(st.text("=+-@\t\r\n\",'; ax.|", max_size=8), min_size=1, max_size=4))
def test_no_cell_is_run_and_every_row_is_one(tmp_path_factory: pytest.TempPathFactory, names: Sequence[str]) -> None:
    file = tmp_path_factory.mktemp("out") / "rejects.csv"
    rejects.write(planned(*(Reject("may", name, 2, "empty") for name in names)), file)
    rows = list(csv.reader(io.StringIO(file.read_bytes().decode(), newline="")))[1:]
    assert [row[2:] for row in rows] == [["2", "empty"]] * len(names)
    assert [row[1].lstrip("'") for row in rows] == [" ".join(name.split()).lstrip("'") for name in names]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for row in rows for cell in row)


def test_a_number_in_the_name_of_a_file_is_not_told(tmp_path: Path) -> None:
    file = tmp_path / "rejects.csv"
    rejects.write(planned(Reject("may", "84912345678.csv", 1_234_567, "empty")), file)
    assert file.read_text().splitlines()[1] == "may,….csv,1234567,empty"
