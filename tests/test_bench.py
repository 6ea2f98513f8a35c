"""Every benchmark runs and yields its rows, and the table says what they keep; how fast is for `make bench` to say."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bench import measure, plan, zones
from bench.__main__ import STAGES, main
from bench.measure import Contestant, Measured, once, serving, side_by_side
from bench.table import Row, markdown

ROW = Row("stage", "work", 1.0, rival=2.0, rival_name="theirs")


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_runs_and_yields_rows(stage: str) -> None:
    rows = STAGES[stage](True)
    assert rows and all(isinstance(row, Row) and row.stage and row.work for row in rows)
    assert all(row.rival is None or row.rival > 0 for row in rows)


def test_the_command_prints_one_table_and_keeps_nothing_of_a_quick_run(capsys: pytest.CaptureFixture[str]) -> None:
    kept = measure.ROOT / "bench/results"
    before = sorted(kept.iterdir()) if kept.is_dir() else []
    main(["diff", "--quick"])
    said = capsys.readouterr()
    assert said.out.count("| object diff |") == 1 and "Python" in said.out.splitlines()[0]
    assert said.err == "diff ...\n"
    assert (sorted(kept.iterdir()) if kept.is_dir() else []) == before


def test_a_whole_run_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.__main__.STAGES", {"stage": lambda quick: [ROW]})
    monkeypatch.setattr("bench.__main__.ROOT", tmp_path)
    (tmp_path / "bench").mkdir()
    main([])
    (kept,) = (tmp_path / "bench/results").iterdir()
    assert "| stage | work | 1 s  | 2 s theirs |" in kept.read_text()


def test_a_stage_that_does_not_exist_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["lode"])
    assert "there is no stage lode; there are load," in capsys.readouterr().err


# ---- the table -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("goals", "met", "words"),
    [
        ({}, None, "-"),
        ({"most_ratio": 0.5}, True, "at most 0.5 x"),
        ({"most_ratio": 0.4}, False, "at most 0.4 x"),
        ({"most": 1.0}, True, "at most 1 s"),
        ({"most": 0.9}, False, "at most 0.9 s"),
        ({"least": 1.0}, True, "at least 1 s"),
        ({"least": 3000}, False, "at least 3,000 s"),
        ({"mib": 170.0, "most_mib": 170.0}, True, "at most 170 MiB"),
        ({"mib": 171.0, "most_mib": 170.0, "most_ratio": 1.0}, False, "at most 1 x, at most 170 MiB"),
        ({"most_ratio": 1.0, "rival": None}, None, "at most 1 x"),
    ],
)
def test_a_row_keeps_all_its_goals_or_not(goals: dict[str, float], met: bool | None, words: str) -> None:
    row = replace(ROW, **goals)  # type: ignore[arg-type]  # each name with a number that fits it
    assert (row.met, row.goal) == (met, words)


def test_a_table_is_aligned_and_says_what_is_missing_by_a_dash() -> None:
    lines = markdown([ROW, Row("other", "much more work", 12_345, "req/s", mib=20, most_mib=10)]).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert [cell.strip() for cell in lines[2].split("|")[1:-1]] == [
        *("stage", "work", "1 s", "2 s theirs", "0.5", "-", "-", "-"),
    ]
    assert [cell.strip() for cell in lines[3].split("|")[1:-1]] == [
        *("other", "much more work", "12,345 req/s", "-", "-", "at most 10 MiB", "20 / -", "NO"),
    ]


# ---- measuring -----------------------------------------------------------------------------------------------------


def python(code: str) -> Contestant:
    return Contestant([sys.executable, "-c", code])


def test_a_run_is_measured_by_the_system_or_by_what_it_tells() -> None:
    plain = once(python("bytearray(64 << 20)"))
    assert plain.seconds > 0 and plain.mib > 64
    assert once(python("from bench.measure import tell; print('first'); tell(12.5)")).seconds == 12.5


def test_contestants_take_turns_after_a_warm_up(tmp_path: Path) -> None:
    turns: list[str] = []
    contestants = {
        name: replace(python("print('done')"), before=lambda name=name: turns.append(name))  # type: ignore[misc]  # bound now
        for name in ("a", "b")
    }
    measured = side_by_side(contestants, 2)
    assert turns == ["a", "b"] * 3 and measured["b"].out == "done\n"


def test_a_contestant_that_fails_says_why() -> None:
    with pytest.raises(RuntimeError, match=r"ended with 3:\nno luck"):
        once(python("import sys; print('no luck', file=sys.stderr); sys.exit(3)"))


def test_a_server_lasts_as_long_as_its_block() -> None:
    command = [sys.executable, "-uc", "import time; print('here'); time.sleep(60)"]
    with serving(command) as line:
        assert line == "here"


def test_a_plan_that_says_something_else_is_no_measurement() -> None:
    with pytest.raises(RuntimeError, match=r"does not say 'No changes\.'"):
        plan._check(Measured(1.0, 1.0, "1 update"), "No changes.")


def test_without_octodns_there_is_no_rival(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(zones, "_PROGRAM", tmp_path / "octodns-sync")
    assert plan._octodns(tmp_path, 10, 1) == {}
    row = plan._row("work", Measured(1.0, 100.0, ""), None)
    assert (row.rival, row.met) == (None, True)
