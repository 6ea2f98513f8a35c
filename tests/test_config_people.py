"""People in Git raise a warning; nothing of them is told."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from reconciler.config import people
from reconciler.model import Finding
from tests.declared import SET, SHARED, loaded

NUMBERS = "mobile,name\n+48 600 100 200,Anna\n"


def declared(root: Path, source: str) -> tuple[Finding, ...]:
    return loaded(root, shared=SHARED.replace("{file: {env: PEOPLE_CSV}}", source)).warnings


def git(root: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True)


@pytest.fixture
def tracked(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    (tmp_path / "people.csv").write_text(NUMBERS)
    git(tmp_path, "add", "people.csv")
    return tmp_path


def test_a_tracked_source_with_numbers_raises_a_warning(tracked: Path) -> None:
    (warning,) = declared(tracked, "{file: people.csv}")
    assert (warning.code, warning.source) == ("W20", "shared.yaml:26")
    assert (
        warning.message
        == "contact set people keeps phone numbers in the repository, where every clone has them for ever."
    )
    assert "{file: {env: NAME}}" in warning.remedy
    assert "600" not in str(warning)


def test_a_source_that_git_does_not_track_raises_none(tracked: Path) -> None:
    (tracked / "other.csv").write_text(NUMBERS)
    assert declared(tracked, "{file: other.csv}") == ()


def test_without_git_whatever_lies_in_the_folder_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "people.csv").write_text(NUMBERS)
    assert [warning.code for warning in declared(tmp_path, "{file: people.csv}")] == ["W20"]
    monkeypatch.setenv("PATH", "/nowhere")
    assert [warning.code for warning in declared(tmp_path, "{file: people.csv}")] == ["W20"]


def test_a_git_that_does_not_answer_is_none(tracked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*arguments: object, **options: object) -> None:
        raise subprocess.TimeoutExpired("git", 30)

    monkeypatch.setattr(subprocess, "run", hang)
    assert [warning.code for warning in declared(tracked, "{file: people.csv}")] == ["W20"]


def test_a_source_that_is_missing_or_without_numbers_raises_none(tracked: Path) -> None:
    assert declared(tracked, "{file: nowhere.csv}") == ()
    (tracked / "people.csv").write_text("mobile,since\n,2026-06-01\n,2026-06-02 10:00:00\n")
    assert declared(tracked, "{file: people.csv}") == ()


def test_a_suppression_list_is_of_people_too(tracked: Path) -> None:
    shared = SHARED.replace("{file: {env: REFUSALS_CSV}}", "{file: people.csv}")
    (warning,) = loaded(tracked, shared=shared).warnings
    assert warning.message.startswith("suppression list refusals keeps phone numbers")


def test_rows_in_the_document_itself(tmp_path: Path) -> None:
    rows = '{inline: [{mobile: "600 100 200"}]}'
    assert [warning.code for warning in declared(tmp_path, rows)] == ["W20"]
    assert declared(tmp_path, "{inline: [{mobile: none}]}") == ()
    twice = SET.replace("people}", "again}").replace("{file: {env: PEOPLE_CSV}}", rows)
    assert len(loaded(tmp_path, shared=SHARED, again=twice).warnings) == 1


@pytest.mark.parametrize(
    "text",
    [
        "+48600100200",
        "600 100 200",
        "(22) 123-45-67",
        "0349719999",
        "+1 555 555 0100",
        "84.349.719.999",
        "a;48600100200;b",
    ],
)
def test_what_looks_like_a_number(text: str) -> None:
    assert people._numbers(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "123456",
        "2026-06-01",
        "2026-06-01,2026-06-02",
        "v1.2.3",
        "id-12345678",
        "deadbeef12345678",
        "12345678901234567890",
    ],
)
def test_what_does_not(text: str) -> None:
    assert not people._numbers(text.encode())
