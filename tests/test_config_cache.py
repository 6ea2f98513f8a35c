"""What is kept of unchanged files: the same as reading them again, believed only where it was written, never with people in it."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler import config
from reconciler.config import cache, loading
from reconciler.config.reading import Reader
from reconciler.errors import ConfigInvalid
from reconciler.model import Repository
from tests.declared import CAMPAIGN, PROJECT, SET, SHARED, loaded, write

FILE = ".reconciler/cache/documents.msgpack"


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that are parsed, in order."""
    files: list[str] = []
    read = Reader.documents

    def spy(self: Reader, content: bytes, file: str) -> object:
        files.append(file)
        return read(self, content, file)

    monkeypatch.setattr(Reader, "documents", spy)
    return files


def plain(repository: Repository) -> Repository:
    """With places as dictionaries, so that it can be compared."""
    campaigns = tuple(replace(campaign, places=dict(campaign.places)) for campaign in repository.campaigns)
    return replace(repository, campaigns=campaigns)


def test_an_unchanged_file_is_not_parsed_again(tmp_path: Path, parsed: list[str]) -> None:
    first = loaded(tmp_path)
    assert parsed == ["reconciler.yaml", "campaign.yaml", "shared.yaml"]
    parsed.clear()
    assert plain(config.load(tmp_path)) == plain(first)
    assert parsed == []
    (tmp_path / "campaign.yaml").write_text(CAMPAIGN.replace("autocall", "manual"))
    assert config.load(tmp_path).campaigns[0].spec["type"] == "manual"
    assert parsed == ["campaign.yaml"]


def test_a_moved_file_keeps_its_content_but_not_its_place(tmp_path: Path, parsed: list[str]) -> None:
    loaded(tmp_path)
    parsed.clear()
    (tmp_path / "campaign.yaml").rename(tmp_path / "moved.yaml")
    (campaign,) = config.load(tmp_path).campaigns
    assert (parsed, campaign.source.file, campaign.places["recall"].file) == ([], "moved.yaml", "moved.yaml")


def test_a_kept_document_complains_like_one_that_was_read(tmp_path: Path) -> None:
    write(tmp_path, campaign=CAMPAIGN.replace("gentle", "gentl"))
    said = []
    for _ in range(2):
        with pytest.raises(ConfigInvalid) as caught:
            config.load(tmp_path)
        said.append(str(caught.value))
    assert said[0] == said[1]
    assert said[0].startswith("campaign.yaml:7:3  ")


def test_the_file_is_private(tmp_path: Path) -> None:
    loaded(tmp_path)
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / FILE).parent.iterdir()] == ["documents.msgpack"]


def test_it_is_written_only_when_something_changed(tmp_path: Path) -> None:
    loaded(tmp_path)
    before = (tmp_path / FILE).stat().st_ino
    config.load(tmp_path)
    assert (tmp_path / FILE).stat().st_ino == before
    (tmp_path / "campaign.yaml").unlink()
    config.load(tmp_path)
    assert (tmp_path / FILE).stat().st_ino != before


def test_people_are_never_kept(tmp_path: Path, parsed: list[str]) -> None:
    inline = SET.replace("people}", "few}").replace("{file: {env: PEOPLE_CSV}}", "{inline: [{mobile: '48600100200'}]}")
    loaded(tmp_path, few=inline)
    kept = (tmp_path / FILE).read_bytes()
    assert b"48600100200" not in kept
    assert b"spring" in kept
    parsed.clear()
    config.load(tmp_path)
    assert parsed == ["few.yaml"]


def test_what_is_not_sound_is_never_kept(tmp_path: Path, parsed: list[str]) -> None:
    for text in (CAMPAIGN + "extra: 1\n", CAMPAIGN + "    type: autocall\n", "apiVersion: v1\n"):
        write(tmp_path, other=text)
        for _ in range(2):
            parsed.clear()
            with pytest.raises(ConfigInvalid):
                config.load(tmp_path)
            assert "other.yaml" in parsed


def break_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-10])


def change_a_letter(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"autocall", b"autodial"))


def empty(path: Path) -> None:
    path.write_bytes(b"")


def rubbish(path: Path) -> None:
    path.write_bytes(os.urandom(1000))


def open_up(path: Path) -> None:
    path.chmod(0o644)


def copy(path: Path) -> None:
    """As a checkout does with one that somebody committed: the same bytes in another file."""
    content, status = path.read_bytes(), path.stat()
    path.rename(path.with_name("kept"))
    path.write_bytes(content)
    path.chmod(0o600)
    os.utime(path, ns=(status.st_mtime_ns, status.st_mtime_ns))


def touch(path: Path) -> None:
    os.utime(path)


def link(path: Path) -> None:
    path.rename(path.with_name("kept"))
    path.symlink_to("kept")


@pytest.mark.parametrize("harm", [break_off, change_a_letter, empty, rubbish, open_up, copy, touch, link, Path.unlink])
def test_one_that_cannot_be_believed_is_built_anew(tmp_path: Path, parsed: list[str], harm: object) -> None:
    first = loaded(tmp_path)
    parsed.clear()
    assert callable(harm)
    harm(tmp_path / FILE)
    assert plain(config.load(tmp_path)) == plain(first)
    assert len(parsed) == 3
    parsed.clear()
    config.load(tmp_path)
    assert parsed == []


def test_one_of_another_version_is_built_anew(
    tmp_path: Path, parsed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded(tmp_path)
    parsed.clear()
    monkeypatch.setattr(cache, "_version", lambda: "another")
    config.load(tmp_path)
    assert len(parsed) == 3


def test_one_whose_seal_is_right_and_whose_content_is_not_is_built_anew(tmp_path: Path, parsed: list[str]) -> None:
    loaded(tmp_path)
    cache.Cache(tmp_path)._write(b"\xc1 is no message")
    parsed.clear()
    config.load(tmp_path)
    assert len(parsed) == 3


def test_a_folder_that_cannot_be_written_costs_time_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".reconciler").write_text("a file where a folder should be")
    assert len(loaded(tmp_path).campaigns) == 1


def test_a_disk_that_is_full_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    assert len(loaded(tmp_path).campaigns) == 1
    assert list((tmp_path / FILE).parent.iterdir()) == []


def test_nothing_is_kept_of_an_empty_file(tmp_path: Path, parsed: list[str]) -> None:
    loaded(tmp_path, nothing="# only a word\n")
    parsed.clear()
    config.load(tmp_path)
    assert parsed == ["nothing.yaml"]


def test_shapes_are_kept_once(tmp_path: Path) -> None:
    same = {f"c{number}": CAMPAIGN.replace("spring", f"spring-{number}") for number in range(20)}
    loaded(tmp_path, **same)
    kept = cache.Cache(tmp_path)._known
    assert len(kept.files) == 23
    assert len(kept.outlines) == 6  # a set and a list look alike


def test_everything_else_is_as_it_was_read(tmp_path: Path) -> None:
    write(tmp_path, reconciler=PROJECT, shared=SHARED)
    fresh = loading.Folder(tmp_path)
    fresh.read()
    again = loading.Folder(tmp_path)
    again.read()
    assert [(d.tree, d.marks, d.name, d.digest, d.source, d.kind) for d in again.documents] == [
        (d.tree, d.marks, d.name, d.digest, d.source, d.kind) for d in fresh.documents
    ]
