"""The table of `make chaos` says what was run and found, and its exit code says whether all held."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.proof import chaos, figures
from tests.proof.chaos import Row, Stage


@pytest.fixture
def lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "figures"
    monkeypatch.setenv(figures.VARIABLE, str(path))
    return path


def read(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_a_figure_is_a_line_and_lines_of_a_layer_add_up(lines: Path) -> None:
    figures.record("simulation", 40, "seeds", 0, "a note", 3.0)
    figures.record("simulation", 2, "seeds", 1, "a note", 1.0)
    figures.record("mutants", 12, "mutants", 0, seconds=4.0)
    assert chaos.rows(read(lines), 16.0) == [
        Row("simulation", 42, "seeds", 1, 8.0, "a note"),
        Row("mutants", 12, "mutants", 0, 8.0),
    ]


def test_what_raises_has_found_something_and_is_written_down(lines: Path) -> None:
    def scenario() -> None:
        with figures.recorded("matrix", "faults") as tally:
            tally.count = 7
            raise AssertionError("somebody was called twice")

    with pytest.raises(AssertionError, match="twice"):
        scenario()
    (line,) = read(lines)
    assert (line["count"], line["found"]) == (7, 1)


def test_without_the_variable_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(figures.VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    figures.record("matrix", 1, "faults", 0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("long", "nightly", "size"), [(False, False, 3), (True, False, 20), (True, True, 100)])
def test_how_much_is_run(monkeypatch: pytest.MonkeyPatch, long: bool, nightly: bool, size: int) -> None:
    monkeypatch.setattr(figures, "LONG", long)
    monkeypatch.setattr(figures, "NIGHTLY", nightly)
    assert figures.sized(3, 20, 100) == size
    assert figures.sized(3, 20) == (20 if long else 3)


CLEAN = Stage(
    "test_a.py", [Row("matrix", 1200, "faults", 0, 61.4, "4 vendors"), Row("hunt", 3, "s", 0, 1.0)], 62.4, False
)
FOUND = Stage("test_b.py", [Row("simulation", 20000, "seeds", 2, 5.0)], 5.0, True)
BROKEN = Stage("test_c.py", [], 1.0, True)


def test_the_table() -> None:
    assert chaos.table([CLEAN, FOUND, BROKEN]).splitlines() == [
        "| layer | run | found | seconds |",
        "|---|---|---|---|",
        "| matrix | 1,200 faults (4 vendors) | 0 | 61 |",
        "| hunt | 3 s | 0 | 1 |",
        "| simulation | 20,000 seeds | 2 | 5 |",
        "| together | | 2 | 68 |",
        "",
        "**test_b.py failed**",
        "",
        "**test_c.py failed**",
    ]


@pytest.mark.parametrize(("stages", "bad"), [([CLEAN], False), ([CLEAN, FOUND], True), ([BROKEN, CLEAN], True)])
def test_anything_found_or_failed_fails_the_run(stages: list[Stage], bad: bool) -> None:
    assert chaos.failed(stages) is bad


def test_every_file_of_proofs_is_played() -> None:
    names = {path.name for path in chaos.files()}
    assert {
        "test_model.py",
        "test_simulation.py",
        "test_leaks.py",
        "test_fsync_order.py",
        "test_fault_matrix.py",
    } <= names
    assert {path.name for path in chaos.files("model")} == {"test_model.py"}
