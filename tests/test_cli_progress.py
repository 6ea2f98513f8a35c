"""What an apply says while it sends: on a real terminal, on one that changes, and where there is none. Never anybody's number."""

from __future__ import annotations

import asyncio
import fcntl
import io
import logging
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reconciler.cli import progress
from reconciler.cli.progress import Board, Course, board, span
from reconciler.model import Action, Key
from reconciler.sending import Moved
from tests.office import Office, desk

MAY = Key("hanoi", "campaign", "spring").contact_set("renewals-may")
OTHER = Key("hanoi", "campaign", "autumn").contact_set("renewals-may")
JUNE = Key("hanoi", "campaign", "spring").contact_set("june")


def moved(
    done: int, total: int = 12_431, rejected: int = 0, in_doubt: int = 0, steady: bool = True, over: bool = False,
    key: Key = MAY, action: Action = Action.ADD_CONTACTS,
) -> Moved:  # fmt: skip
    return Moved(key, action, done, total, rejected, in_doubt, steady, over)


class Screen(io.StringIO):
    """A terminal: lines that break at its width, back to an earlier row, away with what is below."""

    def __init__(self, wide: int = 80, high: int = 24) -> None:
        super().__init__()
        self.wide, self.high = wide, high
        self.writes: list[str] = []

    def write(self, text: str) -> int:
        self.writes.append(text)
        return len(text)

    def rows(self, wide: int | None = None) -> list[str]:
        return shown("".join(self.writes), wide or self.wide)


def shown(text: str, wide: int) -> list[str]:
    """What a terminal of this width shows in the end."""
    rows = [""]
    for back, piece in re.findall(r"\x1b\[(\d+)F\x1b\[0J|([^\x1b\r]+)", text):
        if back:
            assert int(back) < len(rows), "above what it wrote itself"
            del rows[-1 - int(back) :]
            rows.append("")
        for number, line in enumerate(piece.split("\n")):
            rows += [""] if number else []
            while len(rows[-1]) + len(line) > wide:
                room = wide - len(rows[-1])
                rows[-1] += line[:room]
                rows.append("")
                line = line[room:]
            rows[-1] += line
    return rows[:-1] if not rows[-1] else rows


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    made = Screen()
    monkeypatch.setattr(progress, "_size", lambda stream: (made.wide, made.high))
    return made


class Hand:
    """A clock."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def hand() -> Hand:
    return Hand()


# ---- the numbers ---------------------------------------------------------------------------------------------------


def test_a_set_is_told_as_in_the_sketch(screen: Screen, hand: Hand) -> None:
    told = Board(screen, True, hand)
    for second in range(13):
        hand.now = 100 + second
        told.moved(moved(480 * second + 440, rejected=2 if second else 0))
    told.look()
    assert screen.rows() == ["renewals-may  6,200 / 12,431  480/s  13 s left  2 rejected"]


def test_the_rest_is_not_told_while_calls_are_small(screen: Screen, hand: Hand) -> None:
    """What small calls take says nothing about the rest, so they are not in the pace of it either."""
    told = Board(screen, True, hand)
    for second, done in enumerate([1, 11, 31, 71, 151]):
        hand.now = 100 + second
        told.moved(moved(done, steady=False))
    told.look()
    assert screen.rows() == ["renewals-may  151 / 12,431  38/s  in small calls first"]
    told.moved(moved(651))
    told.look()
    assert screen.rows() == ["renewals-may  651 / 12,431"]
    hand.now += 2
    told.moved(moved(1651, in_doubt=1))
    told.look()
    assert screen.rows() == ["renewals-may  1,651 / 12,431  500/s  22 s left  1 in doubt"]


def test_a_set_that_stands_still_gets_slower(hand: Hand) -> None:
    course = Course(moved(0), 100.0)
    course.note(moved(0), 100.0)
    course.note(moved(1000), 105.0)
    assert course.pace() == 200
    for second in range(106, 140):
        course.look(second)
    assert course.pace() == 0 and "left" not in course.now()


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "1 s"), (12.2, "13 s"), (119, "119 s"), (121, "3 min"), (3600, "1 h 0 min"), (7500, "2 h 5 min")],
)
def test_time_is_told_to_the_second_or_minute(seconds: float, said: str) -> None:
    assert span(seconds) == said


# ---- on a terminal -------------------------------------------------------------------------------------------------


def test_sets_side_by_side_are_rewritten_in_place_and_what_is_done_stays_above(screen: Screen, hand: Hand) -> None:
    told = Board(screen, True, hand)
    told.moved(moved(10))
    told.moved(moved(5, 7, key=JUNE, action=Action.WITHDRAW_CONTACTS))
    told.look()
    assert screen.rows() == ["renewals-may        10 / 12,431", "june (withdrawing)  5 / 7"]
    hand.now += 4
    told.moved(moved(7, 7, rejected=1, key=JUNE, action=Action.WITHDRAW_CONTACTS, over=True))
    told.look()
    done = "june (withdrawing)  7 / 7  in 4 s  2/s  1 rejected"
    assert screen.rows() == [done, "renewals-may  10 / 12,431  0/s"]
    told.moved(moved(12, over=True))
    assert screen.rows() == [done, "renewals-may  12 / 12,431  in 4 s  3/s"]


def test_two_sets_of_one_name_are_told_apart(screen: Screen) -> None:
    told = Board(screen, True)
    told.moved(moved(1))
    told.moved(moved(2, key=OTHER))
    told.look()
    assert [row.split("  ")[0] for row in screen.rows()] == ["spring/renewals-may", "autumn/renewals-may"]


def test_a_line_meanwhile_stands_above_and_comes_in_one_piece(screen: Screen) -> None:
    told = Board(screen, True)
    told.moved(moved(10))
    told.look()
    before = len(screen.writes)
    told.line("create hanoi/campaign/x: confirmed \x1b[2J +84 900 000 001")
    assert len(screen.writes) == before + 1
    assert screen.rows() == ["create hanoi/campaign/x: confirmed [2J …", "renewals-may  10 / 12,431"]


def test_what_is_logged_meanwhile_stands_above_and_is_masked(screen: Screen) -> None:
    handler, root = logging.StreamHandler(screen), logging.getLogger()
    elsewhere = logging.StreamHandler(io.StringIO())
    root.handlers += [handler, elsewhere]

    async def go() -> None:
        told = Board(screen, True)
        async with told.shown():
            told.moved(moved(10))
            told.look()
            logging.getLogger("some.library").warning("cannot reach 0900000001")
            assert isinstance(elsewhere.stream, io.StringIO)

    try:
        asyncio.run(go())
    finally:
        root.handlers.remove(handler)
        root.handlers.remove(elsewhere)
    assert screen.rows() == ["cannot reach …", "renewals-may  10 / 12,431"]
    assert handler.stream is screen


@pytest.mark.parametrize("wide", [1, 2, 5, 20, 33])
def test_a_narrow_terminal_gets_what_fits(screen: Screen, wide: int) -> None:
    screen.wide = wide
    told = Board(screen, True)
    for done in (1, 10, 1000):
        told.moved(moved(done))
        told.look()
    (row,) = screen.rows() or [""]
    assert len(row) < wide and (row.endswith("…") or wide < 3 or wide > 32)


def test_a_terminal_that_becomes_narrower_leaves_no_rubbish(screen: Screen) -> None:
    """Its lines are broken then, and take more rows than they were written in."""
    told = Board(screen, True)
    told.moved(moved(10))
    told.moved(moved(5, 7, key=JUNE))
    told.look()
    screen.wide = 20
    told.look()
    assert screen.rows() == ["renewals-may  10 /…", "june          5 / 7"]


def test_more_sets_than_rows(screen: Screen) -> None:
    screen.high = 4
    told = Board(screen, True)
    for number in range(7):
        told.moved(moved(number, key=Key("hanoi", "campaign", "spring").contact_set(f"set-{number}")))
    told.look()
    assert screen.rows() == ["set-0  0 / 12,431", "set-1  1 / 12,431", "and 5 more"]


def test_a_terminal_that_is_gone_stops_nothing() -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    told = Board(Gone(), True)
    told.moved(moved(1))
    told.look()
    told.line("a step is done")


# ---- elsewhere -----------------------------------------------------------------------------------------------------


def test_elsewhere_one_plain_line_at_a_time_and_a_summary(screen: Screen, hand: Hand) -> None:
    told = Board(screen, False, hand)
    told.look()
    told.moved(moved(0))
    told.moved(moved(0, 7, key=JUNE))
    hand.now += 10
    told.moved(moved(4800))
    assert screen.writes == []
    told.look()
    told.moved(moved(7, 7, key=JUNE, over=True))
    told.write("a log line\n")
    told.write("\n")
    told.flush()
    assert "".join(screen.writes).splitlines() == [
        "renewals-may  4,800 / 12,431  480/s  16 s left · june  0 / 7  0/s",
        "june  7 / 7  in 10 s  1/s",
        "a log line",
    ]


@pytest.mark.parametrize(
    ("colour", "terminal", "tty", "live"),
    [
        (None, "xterm-256color", True, True),
        (True, "linux", True, True),
        (False, "xterm", True, False),  # --no-color, NO_COLOR
        (None, "dumb", True, False),
        (None, "", True, False),
        (None, "xterm", False, False),
    ],
)
def test_where_lines_may_be_rewritten(
    monkeypatch: pytest.MonkeyPatch, colour: bool | None, terminal: str, tty: bool, live: bool
) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: tty)
    monkeypatch.setattr(sys, "stderr", stream)
    told = board(colour, terminal)
    told.moved(moved(1))
    told.look()
    assert ("\x1b" not in stream.getvalue()) and (stream.getvalue().count("\n") == 1)
    told.look()
    assert ("\x1b[1F" in stream.getvalue()) is live


# ---- a real apply --------------------------------------------------------------------------------------------------


@contextmanager
def crowded(folder: Path, count: int) -> Iterator[Office]:
    with desk(folder) as team:
        rows = "".join(f"C{number},09{number:08d},Zyxwvut\n" for number in range(count))
        Path(team.environ["MAY_CSV"]).write_text(f"id,mobile,name\n{rows}")
        team.edit("campaigns.yaml", "region: VN", "region: VN\n  limits: {concurrency: 2, batchSize: 20}")
        yield team


def applied(team: Office, wide: int, **environ: str) -> tuple[str, str]:
    """Standard output, and what came to a terminal of so many columns that is standard error."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, wide, 0, 0))
    heard: list[bytes] = []

    def hear() -> None:
        try:
            while piece := os.read(ours, 65536):
                heard.append(piece)
        except OSError:  # the other end was closed
            return

    listening = threading.Thread(target=hear)
    listening.start()
    command = [
        sys.executable,
        "-c",
        "from reconciler.cli import main; main()",
        "apply",
        "--auto-approve",
        "--format",
        "json",
    ]
    job = {**team.environ, "PATH": os.environ["PATH"], "TERM": "xterm", **environ}
    try:
        done = subprocess.run(
            command, cwd=team.root, env=job, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=theirs, text=True, check=False,
        )  # fmt: skip
    finally:
        os.close(theirs)
        listening.join()
        os.close(ours)
    assert done.returncode == 0, b"".join(heard)
    return done.stdout, b"".join(heard).decode()


@pytest.mark.parametrize("wide", [100, 30])
def test_on_a_real_terminal_a_line_moves_and_the_summary_stays(tmp_path: Path, wide: int) -> None:
    with crowded(tmp_path, 400) as team:
        team.here.world.latency_ms = 60
        out, heard = applied(team, wide)
        assert team.most_dials() == 1
    assert out.startswith("{") and "may  " not in out
    assert heard.count("\x1b[1F\x1b[0J") >= 3 and " / 400" in heard
    assert set(re.findall(r"\x1b\[[^A-Za-z]*[A-Za-z]", heard)) <= {
        "\x1b[1F",
        "\x1b[0J",
        *re.findall(r"\x1b\[[0-9;]*m", heard),
    }
    rows = shown(re.sub(r"\x1b\[[0-9;]*m", "", heard), 1000)
    (summary,) = (row for row in rows if row.startswith("may  "))
    assert re.fullmatch(r"may  400 / 400  in \d+ s(  [\d,]+/s)?", summary)
    assert "090000" not in heard + out and "Zyxwvut" not in heard + out


@pytest.mark.parametrize("environ", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_on_a_terminal_that_wants_it_plain(tmp_path: Path, environ: dict[str, str]) -> None:
    with crowded(tmp_path, 60) as team:
        _, heard = applied(team, 100, **environ)
    assert "\x1b[1F" not in heard and len(re.findall(r"^may  60 / 60  in \d+ s", heard, re.MULTILINE)) == 1


def test_without_a_terminal_only_the_summary_of_a_short_run(tmp_path: Path) -> None:
    with crowded(tmp_path, 60) as team:
        result = team.run("apply", "--auto-approve", "--format", "json")
    assert result.json()["contacts"]["confirmed"] == 60
    assert "\x1b" not in result.err and result.err.count("may  60 / 60") == 1


def test_a_set_that_was_stopped_says_how_far_it_came(tmp_path: Path) -> None:
    with crowded(tmp_path, 60) as team:
        team.faults({"vendor": "tel4vn", "path": "/v3/lead/multi", "nth": 3, "fault": "drop", "when": "after"})
        result = team.run("apply", "--auto-approve", "--settle-timeout", "0s")
    assert re.search(r"^may  \d+ / 60  in \d+ s.*  20 in doubt$", result.err, re.MULTILINE), result.err
    assert team.most_dials() == 1


def test_a_set_in_a_course_is_named_by_what_is_done_to_it(screen: Screen) -> None:
    told = Board(screen, True)
    told.moved(moved(1, action=Action.UPDATE_CONTACTS))
    told.look()
    assert screen.rows() == ["renewals-may (changing)  1 / 12,431"]
