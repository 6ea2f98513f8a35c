"""YAML changed in place: the value that was meant, and no other byte."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.config.editing import CannotEdit, Sheet, flow
from reconciler.config.hours import rewrite
from reconciler.config.sheets import Sheets, Spot
from reconciler.errors import ReconcilerError
from reconciler.model import WEEKDAYS, Json

HEAD = "# head\nkind: Thing\nmetadata: {name: a}\n"


def edited(text: str, edit: Callable[[Sheet], None]) -> str:
    sheet = Sheet(HEAD + text)
    edit(sheet)
    assert sheet.text.startswith(HEAD)
    return sheet.text.removeprefix(HEAD)


def put(text: str, value: Json, *path: str | int) -> str:
    return edited(text, lambda sheet: sheet.put(sheet.find("Thing", "a"), path, value))


@pytest.mark.parametrize(
    ("before", "value", "after"),
    [
        ("x: 5   # five\n", 6, "x: 6   # five\n"),
        ("x: yes\n", True, "x: true\n"),
        ("x: 'a'\n", "it's", "x: 'it''s'\n"),
        ('x: "a"\n', 'say "b"', 'x: "say \\"b\\""\n'),
        ("x: a\n", "b: c # d", "x: 'b: c # d'\n"),
        ("x: a\n", "[b]", "x: '[b]'\n"),
        ("x: a\n", "", "x: ''\n"),
        ("x: a\n", "one\ntwo\x1b", 'x: "one\\ntwo\\e"\n'),
        ("x: 'a'\n", "one\ntwo", 'x: "one\\ntwo"\n'),
        ("x: 2026-06-01 # day\n", "2026-07-01", "x: 2026-07-01 # day\n"),
        ('x: "2026-06-01"\n', "2026-07-01", 'x: "2026-07-01"\n'),
        ("x: |\n  one\n  two\ny: 1\n", "three", "x: three\ny: 1\n"),
        ("x: >-\n  one\n\n# c\ny: 1\n", "three", "x: three\n\n# c\ny: 1\n"),
        ("x: one\n  two\ny: 1\n", "three", "x: three\ny: 1\n"),
        ("x:\ny: 1\n", 6, "x: 6\ny: 1\n"),
        ("x:   # none\ny: 1\n", 6, "x: 6   # none\ny: 1\n"),
        ("x: {a: 1}\n", {"b": 2}, "x: {b: 2}\n"),
        ("x: a", "b", "x: b"),
        ("x: a\r\ny: 1\r\n", "b", "x: b\r\ny: 1\r\n"),
        ("x: &n 5\n", 6, "x: &n 6\n"),
        ("w: &n 5\nx: *n\n", 6, "w: &n 5\nx: 6\n"),
        ("w: &n [1]\nx: *n # c\n", ["a"], "w: &n [1]\nx: [a] # c\n"),
    ],
)
def test_a_value_is_replaced_where_it_stands(before: str, value: Json, after: str) -> None:
    assert put(before, value, "x") == after


@pytest.mark.parametrize(
    ("before", "words", "after"),
    [
        ("x: [a, b]\n", ["b", "c"], "x: [b, c]\n"),
        ("x: [a, b]\n", ["a"], "x: [a]\n"),
        ("x: [a]\n", ["b"], "x: [b]\n"),
        ("x: [a, b]\n", [], "x: []\n"),
        ("x: []\n", ["a"], "x: [a]\n"),
        ("x: [ 'a',   # one\n  b,   # two\n  c ]\n", ["a", "c"], "x: [ 'a',   # one\n  c ]\n"),
        ("x: [ 'a',   # one\n  b ]\n", ["a"], "x: [ 'a'   # one\n ]\n"),
        ("x:\n- a # one\n# above\n- b\ny: 1\n", ["a"], "x:\n- a # one\n# above\ny: 1\n"),
        ("x:\n  - a\n  - b # two\ny: 1\n", ["b", "c: d"], "x:\n  - b # two\n  - 'c: d'\ny: 1\n"),
        ("x:\n  - a", ["a", "b"], "x:\n  - a\n  - b\n"),
        ("x:\r\n  - a\r\n", ["a", "b"], "x:\r\n  - a\r\n  - b\r\n"),
    ],
)
def test_a_list_keeps_what_stays(before: str, words: list[Json], after: str) -> None:
    assert put(before, words, "x") == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("s:\n  a: 1\n  b: 2 # two\nt: 3\n", "s:\n  a: 1\n  x: new\n  b: 2 # two\nt: 3\n"),
        ("s: {a: 1, b: 2}\n", "s: {a: 1, x: new, b: 2}\n"),
        ("s:\n  b:\n    - 1\nt: 3\n", "s:\n  b:\n    - 1\n  x: new\nt: 3\n"),
        ("s:\n  a: 1", "s:\n  a: 1\n  x: new\n"),
    ],
)
def test_a_key_that_is_missing_is_added(before: str, after: str) -> None:
    assert edited(before, lambda sheet: sheet.put(0, ("s", "x"), "new", "a")) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("s:\n  a: 1\n  x: 2 # two\n  b: 3\n", "s:\n  a: 1\n  b: 3\n"),
        ("s:\n  a: 1\n  x:\n    - 2\n    - 3\n", "s:\n  a: 1\n"),
        ("s: {a: 1, x: 2, b: 3}\n", "s: {a: 1, b: 3}\n"),
        ("s: {a: 1, x: 2}\n", "s: {a: 1}\n"),
        ("s: {x: 2, a: 1}\n", "s: {a: 1}\n"),
        ("s: {a: 1}\n", "s: {a: 1}\n"),
        ("t: 1\n", "t: 1\n"),
        ("t: 1\ns: {x: 2}\n", "t: 1\n"),
        ("s:\n  x: 2 # two\nt: 1\n", "t: 1\n"),
    ],
)
def test_a_key_is_taken_out(before: str, after: str) -> None:
    assert edited(before, lambda sheet: sheet.drop(0, ("s", "x"))) == after


@pytest.mark.parametrize(
    ("text", "edit", "why"),
    [
        ("x: &n 5\ny: *n\n", lambda sheet: sheet.put(0, ("x",), 6), "by *n"),
        ("s: &n {x: 5}\ny: *n\n", lambda sheet: sheet.put(0, ("s", "x"), 6), "by *n"),
        ("s: &n {x: 5}\ny: *n\n", lambda sheet: sheet.put(0, ("y", "x"), 6), "by way of *n"),
        ("s: &n {x: 5}\ny: *n\n", lambda sheet: sheet.drop(0, ("y", "x")), "by way of *n"),
        ("s: 5\n", lambda sheet: sheet.put(0, ("s", "x"), 6), "s is not written here"),
        ("t: 5\n", lambda sheet: sheet.put(0, ("s", "x"), 6), "s is not written here"),
        ("s:\n  - x: 5\n    y: 6\n", lambda sheet: sheet.drop(0, ("s", 0, "x")), "by hand"),
        ("x: [a, [b]]\n", lambda sheet: sheet.put(0, ("x",), ["a"]), "no plain words"),
        ("x: 1\n", lambda sheet: sheet.find("Thing", "b"), "no Thing b"),
    ],
)
def test_what_would_change_another_place_is_refused(text: str, edit: Callable[[Sheet], None], why: str) -> None:
    sheet = Sheet(HEAD + text)
    with pytest.raises(CannotEdit, match=why.replace("*", r"\*")):
        edit(sheet)
    assert sheet.text == HEAD + text


def test_what_is_no_yaml_is_no_sheet() -> None:
    with pytest.raises(CannotEdit):
        Sheet("a: [")
    assert Sheet("").documents == [] and Sheet("- a\n--- b\n---\n").documents == []


def test_documents_are_told_apart_by_kind_and_name() -> None:
    text = "kind: Thing\n---\n" + HEAD + "x: 1\n---\nkind: Other\nmetadata: {name: a}\nx: 2\n"
    sheet = Sheet(text)
    sheet.put(sheet.find("Other", "a"), ("x",), 3)
    assert sheet.text == text.replace("x: 2", "x: 3")


def test_a_copy_stands_right_below() -> None:
    text = HEAD + "x: 1  # one\n# tail\n---\nkind: B\n"
    sheet = Sheet(text)
    number = sheet.copy(0, "b")
    assert sheet.text == HEAD + "x: 1  # one\n---\nkind: Thing\nmetadata: {name: b}\nx: 1\n# tail\n---\nkind: B\n"
    assert sheet.find("Thing", "b") == number == 1
    bare = Sheet(HEAD + "x: 1")
    bare.copy(0, "b")
    assert bare.text == HEAD + "x: 1\n---\nkind: Thing\nmetadata: {name: b}\nx: 1\n"


def test_lines_are_counted_from_one_and_a_missing_field_is_where_it_would_be() -> None:
    sheet = Sheet(HEAD + "s:\n  x: 1\n")
    assert [sheet.line(0, path) for path in (("s", "x"), ("s", "y"), ("s", "y", "z"), ("q",))] == [5, 5, 5, 2]


# ---- as laws -------------------------------------------------------------------------------------------------------

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=12) | st.sampled_from(
    [
        "a: b",
        "# c",
        "- d",
        "{e}",
        "[f",
        "*g",
        "&h",
        "!i",
        "null",
        "yes",
        "08:30",
        "30m",
        "'",
        '"',
        "a\nb",
        "\ttab",
        "%x",
        "…",
    ]
)
COMMENTS = st.sampled_from(["", "  # one", "   # two: {x} 'y'", "\t# three"])
BREAKS = st.sampled_from(["\n", "\r\n"])


@st.composite
def files(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A file of two documents with comments in odd places, and the names of its scalar fields."""
    newline, names, lines = draw(BREAKS), [], [draw(st.sampled_from(["", "# first"]))]
    for number in range(2):
        lines += [
            "---" if number or draw(st.booleans()) else "# no mark",
            "kind: Thing",
            f"metadata: {{name: d{number}}}",
        ]
        lines += [f"spec:{draw(COMMENTS)}"]
        for index in range(draw(st.integers(1, 4))):
            value = draw(
                st.sampled_from(
                    ["5", "plain", "'single'", '"double"', "[a, b]", "{k: v}", "|\n    block\n    more", "30m"]
                )
            )
            comment = "" if value.startswith("|") else draw(COMMENTS)
            names.append(f"d{number}.f{index}")
            lines += [draw(st.sampled_from(["  # above", f"  f{index}_: before"])), f"  f{index}: {value}{comment}"]
    return newline.join(line.replace("\n", newline) for line in lines) + draw(st.sampled_from(["", newline])), names


def loaded(text: str) -> list[Any]:
    return [one for one in yaml.load_all(text, yaml.CBaseLoader) if one]


@given(files(), st.data())
@settings(max_examples=150)
def test_only_the_value_that_was_meant_changes(file: tuple[str, list[str]], data: st.DataObject) -> None:
    text, names = file
    document, _, name = data.draw(st.sampled_from(names)).partition(".")
    value: Json = data.draw(WORDS | st.integers(0, 10**6) | st.booleans())
    sheet = Sheet(text)
    number = sheet.find("Thing", document)
    sheet.put(number, ("spec", name), value)
    before, after = loaded(text), loaded(sheet.text)
    said = str(value).lower() if isinstance(value, bool) else str(value)
    assert after[number]["spec"].pop(name) == said
    before[number]["spec"].pop(name)
    assert after == before
    told = list(difflib.ndiff(text.splitlines(True), sheet.text.splitlines(True)))
    gone = [line[2:] for line in told if line.startswith("- ")]
    assert all(line.startswith(f"  {name}: ") or line.strip() in {"block", "more"} for line in gone)
    assert len([line for line in told if line.startswith("+ ")]) <= 1
    once = sheet.text
    sheet.put(number, ("spec", name), value)
    assert sheet.text == once, "and again is the same"


SPANS = (
    st.tuples(st.integers(0, 95), st.integers(1, 96))
    .filter(lambda edges: edges[0] < edges[1])
    .map(lambda edges: [f"{edge // 4:02}:{edge % 4 * 15:02}" for edge in edges])
)
WEEKS = st.fixed_dictionaries({day: st.lists(SPANS, max_size=2, unique_by=tuple) for day in WEEKDAYS})


def entry(days: list[str], span: list[str], block: bool) -> str:
    if block:
        return f"    - days: [{', '.join(days)}]   # block\n      from: \"{span[0]}\"\n      to: '{span[1]}'\n"
    return f'    - {{days: [{", ".join(days)}], from: "{span[0]}", to: "{span[1]}"}}  # flow\n'


def schedule(week: dict[str, list[list[str]]], grouped: bool, block: bool) -> str:
    text = "# hours\nkind: Schedule\nmetadata: {name: s}\nspec:\n  timezone: Asia/Ho_Chi_Minh  # theirs\n  windows:\n"
    by_span: dict[tuple[str, ...], list[str]] = {}
    for day, spans in week.items():
        for span in spans:
            by_span.setdefault((*span, *(() if grouped else (day,))), []).append(day)
    return text + "".join(entry(days, list(key[:2]), block) for key, days in by_span.items()) + "# tail\n"


def hours_of(text: str) -> dict[str, list[tuple[str, str]]]:
    week: dict[str, list[tuple[str, str]]] = {day: [] for day in WEEKDAYS}
    for window in loaded(text)[0]["spec"]["windows"]:
        for day in window["days"]:
            week[day].append((window["from"], window["to"]))
    return {day: sorted(spans) for day, spans in week.items()}


@given(WEEKS.filter(lambda week: any(week.values())), WEEKS, st.booleans(), st.booleans())
@settings(max_examples=50)
def test_hours_become_those_that_are_live(
    was: dict[str, Any], live: dict[str, Any], grouped: bool, block: bool
) -> None:
    text = schedule(was, grouped, block)
    sheet = Sheet(text)
    if not any(live.values()):
        with pytest.raises(CannotEdit, match="no day has hours"):
            rewrite(sheet, 0, live)
        return
    rewrite(sheet, 0, live)
    assert hours_of(sheet.text) == {day: sorted((a, b) for a, b in spans) for day, spans in live.items()}
    assert sheet.text.startswith(text.partition("    - ")[0]) and sheet.text.endswith("# tail\n")
    once = sheet.text
    rewrite(sheet, 0, live)
    assert sheet.text == once
    kept = {line for line in text.splitlines() if line.startswith("    -")} & set(sheet.text.splitlines())
    if was == live:
        assert sheet.text == text, kept


@pytest.mark.parametrize(
    ("windows", "why"),
    [
        ("  windows: *w\n", "not written out"),
        ("  windows: [{days: *d, from: '09:00', to: '10:00'}]\n", "aliases"),
        ("  windows: [{days: [mon], from: *t, to: '10:00'}]\n", "aliases"),
        ("  other: 1\n", "not written out"),
    ],
)
def test_hours_by_way_of_aliases_are_left(windows: str, why: str) -> None:
    anchors = "x: &w [{days: [mon], from: '09:00', to: '10:00'}]\ny: &d [mon]\nz: &t '09:00'\n"
    sheet = Sheet(f"kind: Schedule\nmetadata: {{name: s}}\n{anchors}spec:\n{windows}")
    with pytest.raises(CannotEdit, match=why):
        rewrite(sheet, 0, {"mon": [["08:00", "10:00"]]})


def test_a_mapping_in_the_words_of_the_examples() -> None:
    assert (
        flow({"days": ["mon", "tue"], "from": "09:00", "to": "17:00"})
        == '{days: [mon, tue], from: "09:00", to: "17:00"}'
    )


# ---- files ---------------------------------------------------------------------------------------------------------

RECALL = "apiVersion: reconciler/v1\nkind: RecallPolicy\nmetadata: {name: r}\nspec:\n  maxAttempts: 3\n"


def set_attempts(value: Json) -> Callable[[Sheet], None]:
    return lambda sheet: sheet.put(0, ("spec", "maxAttempts"), value)


def test_files_are_whole_or_as_they_were(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(RECALL)
    (tmp_path / "link.yaml").symlink_to("a.yaml")
    sheets = Sheets(tmp_path)
    sheets.edit("link.yaml", set_attempts(4))
    assert sheets.line(Spot("link.yaml", "RecallPolicy", "r", ("spec", "maxAttempts"))) == "link.yaml:5"

    def both() -> None:
        with sheets.whole():
            sheets.edit("b.yaml", set_attempts(5))
            sheets.edit("link.yaml", set_attempts("many"))

    with pytest.raises(CannotEdit, match="it cannot be declared"):
        both()
    sheets.save()
    assert (tmp_path / "a.yaml").read_text() == RECALL.replace("3", "4") and (tmp_path / "link.yaml").is_symlink()
    assert (tmp_path / "b.yaml").read_text() == RECALL
    sheets.back_to({})
    sheets.save()
    assert (tmp_path / "a.yaml").read_text() == RECALL


def test_where_one_file_cannot_be_written_none_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sheets = Sheets(tmp_path)
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(RECALL)
        sheets.edit(name, set_attempts(4))
    calls = iter([None, OSError(28, "No space left on device")])

    def full(_: int) -> None:
        if error := next(calls, None):
            raise error

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(
        ReconcilerError, match=r"b.yaml cannot be written \(No space left on device\): the files are as"
    ):
        sheets.save()
    assert [(tmp_path / name).read_text() for name in ("a.yaml", "b.yaml")] == [RECALL, RECALL]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.yaml", "b.yaml"]


def test_what_cannot_be_read_cannot_be_edited(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"a: \xe9")
    for name in ("none.yaml", "latin.yaml"):
        with pytest.raises(CannotEdit, match=f"{name} cannot be read"):
            Sheets(tmp_path).sheet(name)
