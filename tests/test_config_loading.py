"""Which files are read, what is done with documents of others, and that every problem of every file is told at once."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler import config
from reconciler.config import files
from reconciler.errors import ConfigInvalid
from tests.declared import (
    CAMPAIGN,
    CONNECTION,
    PROJECT,
    RECALL,
    SCHEDULE,
    SET,
    SHARED,
    complaints,
    loaded,
    rules,
    write,
)


def including(*patterns: str) -> str:
    return PROJECT.replace("spec: {}", f"spec: {{include: {list(patterns)}}}")


def test_a_repository_is_loaded(tmp_path: Path) -> None:
    repository = loaded(tmp_path)
    assert repository.project.name == "acme-outreach"
    assert repository.project.root == str(tmp_path)
    assert [str(campaign.key) for campaign in repository.campaigns] == ["hanoi/campaign/spring"]
    assert (set(repository.connections), set(repository.contact_sets)) == ({"hanoi"}, {"people"})
    assert (set(repository.suppressions), repository.warnings) == ({"refusals"}, ())


def test_everything_may_stand_in_one_file(tmp_path: Path) -> None:
    (tmp_path / "reconciler.yaml").write_text("---\n".join([PROJECT, SHARED, CAMPAIGN]))
    assert len(config.load(tmp_path).campaigns) == 1


def test_no_project_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        config.load(tmp_path)
    assert str(caught.value) == (
        "reconciler.yaml  There is no reconciler.yaml in this folder: name another with -C DIR, or begin with reconciler init.\n"
        "1 error. Nothing was sent."
    )


def test_a_project_file_without_a_project(tmp_path: Path) -> None:
    text = (
        "reconciler.yaml  There is no Project in this file. Begin it with apiVersion: reconciler/v1 and kind: Project."
    )
    assert complaints(tmp_path, reconciler="# nothing yet\n") == [text]


def test_there_is_one_project(tmp_path: Path) -> None:
    other = PROJECT.replace("acme-outreach", "other")
    assert complaints(tmp_path, reconciler=f"{PROJECT}---\n{other}", other=other.replace("other", "third")) == [
        "other.yaml:2:1  Project third: a Project belongs in reconciler.yaml, at the root; there is one per repository.",
        "reconciler.yaml:7:1  Project other: there is one Project per repository: reconciler.yaml:1 is one too.",
    ]


# ---- include ------------------------------------------------------------------------------------------------------


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in (
        "a.yaml",
        "b.yml",
        "c.txt",
        "d/e.yaml",
        "d/f/g.yaml",
        "d/f/h.yaml",
        ".hidden/i.yaml",
        "d/.j.yaml",
        "d/f/.k/l.yaml",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    (tmp_path / "reconciler.yaml").write_text(PROJECT)
    return tmp_path


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("**/*.yaml", ["a.yaml", "d/e.yaml", "d/f/g.yaml", "d/f/h.yaml"]),
        ("**/*.yml", ["b.yml"]),
        ("*.yaml", ["a.yaml"]),
        ("d/**/*.yaml", ["d/e.yaml", "d/f/g.yaml", "d/f/h.yaml"]),
        ("d/**", ["d/e.yaml", "d/f/g.yaml", "d/f/h.yaml"]),
        ("d/*/*.yaml", ["d/f/g.yaml", "d/f/h.yaml"]),
        ("d/**/f/g.yaml", ["d/f/g.yaml"]),
        ("d/f/?.yaml", ["d/f/g.yaml", "d/f/h.yaml"]),
        ("./d/e.yaml", ["d/e.yaml"]),
        (".hidden/*.yaml", [".hidden/i.yaml"]),
        ("reconciler.yaml", []),
        ("nowhere/*.yaml", []),
        ("a+yaml", []),
        ("", []),
    ],
)
def test_what_a_pattern_matches(tree: Path, pattern: str, found: list[str]) -> None:
    assert files.matching(tree, pattern) == found


def test_only_what_is_included_is_read(tmp_path: Path) -> None:
    (tmp_path / "k8s").mkdir()
    (tmp_path / "k8s" / "deployment.yaml").write_text("apiVersion: apps/v1\nkind: Deployment\n")
    assert len(loaded(tmp_path, reconciler=including("*.yaml")).campaigns) == 1


def test_what_a_project_that_is_wrong_elsewhere_leaves_out_stays_out(tmp_path: Path) -> None:
    (tmp_path / "k8s").mkdir()
    (tmp_path / "k8s" / "deployment.yaml").write_text("apiVersion: apps/v1\nkind: Deployment\n")
    wrong = PROJECT.replace("spec: {}", 'spec: {include: ["*.yaml"], gards: {}}')
    assert complaints(tmp_path, reconciler=wrong) == [
        'reconciler.yaml:4:29  Project acme-outreach: unknown key "gards" in spec. Did you mean "guards"?'
    ]
    for include in ("x", "[[x]]"):
        assert len(complaints(tmp_path, reconciler=PROJECT.replace("spec: {}", f"spec: {{include: {include}}}"))) == 2
    assert complaints(tmp_path, reconciler=PROJECT.replace("spec: {}", "spec: x"))[1].startswith(
        "reconciler.yaml:4:1  "
    )


def test_a_file_that_two_patterns_match_is_read_once(tmp_path: Path) -> None:
    assert len(loaded(tmp_path, reconciler=including("*.yaml", "**/*.yaml", "campaign.yaml")).campaigns) == 1


def test_a_pattern_that_matches_nothing_is_a_warning(tmp_path: Path) -> None:
    (warning,) = loaded(tmp_path, reconciler=including("*.yaml", "campain/*.yaml")).warnings
    assert (warning.code, warning.severity.value, warning.source) == ("W21", "warning", "reconciler.yaml:4")
    assert warning.message == 'include "campain/*.yaml" matches no file.'
    assert warning.remedy


@pytest.mark.parametrize("pattern", ["../*.yaml", "/etc/*.yaml", "a/../../*.yaml", "..\\\\x.yaml"])
def test_a_pattern_does_not_leave_the_repository(tmp_path: Path, pattern: str) -> None:
    (text,) = complaints(
        tmp_path, reconciler=PROJECT.replace("spec: {}", f'spec: {{include: ["*.yaml", "{pattern}"]}}')
    )
    assert text.startswith("reconciler.yaml:4:28  Project acme-outreach: include ")
    assert text.endswith(" leaves the repository: name files below reconciler.yaml, without links.")


def test_links_do_not_leave_the_repository(tmp_path: Path) -> None:
    outside, root = tmp_path / "outside", tmp_path / "root"
    outside.mkdir()
    root.mkdir()
    (outside / "c.yaml").write_text(CAMPAIGN)
    (root / "folder").symlink_to(outside)
    assert "leaves the repository" in complaints(root, reconciler=including("folder/*.yaml"))[0]
    (root / "folder").unlink()
    (root / "file.yaml").symlink_to(outside / "c.yaml")
    assert complaints(root, campaign="") == [
        "file.yaml  The file cannot be read: it is a link that leaves the repository."
    ]
    (root / "file.yaml").unlink()
    (root / "file.yaml").symlink_to("other.txt")
    (root / "other.txt").write_text(CAMPAIGN)
    assert len(loaded(root, campaign="", reconciler=PROJECT).campaigns) == 1


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path)
    opened = os.open

    def refuse(path: str, flags: int, mode: int = 0o777) -> int:
        if str(path).endswith("shared.yaml"):
            raise PermissionError(13, "Permission denied")
        return opened(path, flags, mode)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(ConfigInvalid) as caught:
        config.load(tmp_path)
    # What it declares is not known: that spring names a connection of it is not held against spring.
    assert [str(problem) for problem in caught.value.problems] == [
        "shared.yaml  The file cannot be read: Permission denied."
    ]


@pytest.mark.parametrize("size", [(1 << 14) - 1, 1 << 14, (1 << 14) + 1, 50_000])
def test_files_of_any_size_are_read_whole(tmp_path: Path, size: int) -> None:
    (tmp_path / "x").write_bytes(b"x" * size)
    assert files.content(tmp_path, "x", 1 << 20) == b"x" * size
    assert len(files.content(tmp_path, "x", 20_000)) == min(size, 20_001)


def test_a_folder_that_is_called_like_a_file_is_none(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").mkdir()
    (tmp_path / "dangling.yaml").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe.yaml")
    assert len(loaded(tmp_path).campaigns) == 1


# ---- documents of others -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "text"),
    [
        (
            "apiVersion: apps/v1\nkind: Deployment\n",
            '1:1  This is no document of reconciler/v1: its apiVersion is "apps/v1".',
        ),
        ("services: {}\n", "1:1  This is no document of reconciler/v1: it has no apiVersion."),
        (
            "kind: Campaign\napiVersion: reconciler/v2\n",
            '2:1  This is no document of reconciler/v1: its apiVersion is "reconciler/v2".',
        ),
    ],
)
def test_a_document_of_others_is_pointed_out(tmp_path: Path, document: str, text: str) -> None:
    hint = " If the file is not ours, leave it out with spec.include in reconciler.yaml."
    assert complaints(tmp_path, other=document) == [f"other.yaml:{text}{hint}"]


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ("apiVersion: reconciler/v1\nkind: Campain\n", '2:1  There is no kind "Campain". Did you mean "Campaign"?'),
        (
            "apiVersion: reconciler/v1\nkind: Pod\n",
            f'2:1  There is no kind "Pod". There are {", ".join(config.kinds())}.',
        ),
        ("apiVersion: reconciler/v1\nkind: [x]\n", f"2:1  kind is missing: write one of {', '.join(config.kinds())}."),
        ("apiVersion: reconciler/v1\n", f"1:1  kind is missing: write one of {', '.join(config.kinds())}."),
        (
            "kind: Campaign\nmetadata: {name: x}\nspec: {connection: hanoi}\n",
            "1:1  Campaign x: apiVersion is missing. Example: apiVersion: reconciler/v1.",
        ),
    ],
)
def test_a_document_of_ours_says_what_it_is(tmp_path: Path, document: str, text: str) -> None:
    assert complaints(tmp_path, other=document) == [f"other.yaml:{text}"]


def test_a_kind_that_is_written_twice_is_one_of_them(tmp_path: Path) -> None:
    for first, last in (("Campaign", "Pod"), ("Pod", "Campaign"), ("[x]", "Campaign"), ("Campaign", "[x]")):
        found = complaints(tmp_path, campaign=CAMPAIGN.replace("kind: Campaign", f"kind: {first}\nkind: {last}"))
        assert 'campaign.yaml:3:1  "kind" is written twice, first in line 2: keep one.' in found


def test_all_problems_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    found = complaints(
        tmp_path,
        reconciler=PROJECT + "extra: 1\n",
        broken="a: [\n",
        shared="---\n".join([CONNECTION, SCHEDULE.replace('"17:00"', '"08:00"'), RECALL.replace("30m", "30"), SET]),
        campaign=CAMPAIGN.replace("tel4vn:", "thulium:"),
    )
    assert [text.split("  ")[0] for text in found] == [
        "broken.yaml:2:1",
        "campaign.yaml:10:5",
        "reconciler.yaml:5:1",
        "shared.yaml:16:7",
        "shared.yaml:23:3",
    ]


# ---- what it depends on, and what not -----------------------------------------------------------------------------


def test_the_digest_is_of_what_is_said_not_of_how(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    first = loaded(tmp_path / "one").digest
    moved = "# a word\n" + CAMPAIGN.replace("contacts: [people]", "contacts:\n    - people")
    assert loaded(tmp_path / "two", shared="", x=SHARED, campaign="", y=moved).digest == first
    assert first.startswith("sha256:")
    assert loaded(tmp_path / "one", campaign=CAMPAIGN.replace("autocall", "manual")).digest != first


def test_the_digest_knows_no_people(tmp_path: Path) -> None:
    inline = [
        SHARED.replace("{file: {env: PEOPLE_CSV}}", f"{{inline: [{{mobile: '{number}'}}]}}")
        for number in (48111, 48222)
    ]
    digests = {loaded(tmp_path, shared=text).digest for text in inline}
    assert len(digests) == 1
    assert digests != {loaded(tmp_path).digest}


def test_nothing_is_asked_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        monkeypatch.delenv(name)
    assert loaded(tmp_path).campaigns


def test_campaigns_come_in_the_order_of_their_keys(tmp_path: Path) -> None:
    others = {name: CAMPAIGN.replace("{name: spring}", f"{{name: {name}}}") for name in ("zeta", "alpha")}
    names = [campaign.key.name for campaign in loaded(tmp_path, **others).campaigns]
    assert names == ["alpha", "spring", "zeta"]


@pytest.mark.parametrize("enabled", [True, False])
def test_the_collector_is_left_as_it_was(tmp_path: Path, enabled: bool) -> None:
    was = gc.isenabled()
    (gc.enable if enabled else gc.disable)()
    try:
        loaded(tmp_path)
        complaints(tmp_path, broken="a: [\n")
        assert gc.isenabled() is enabled
    finally:
        (gc.enable if was else gc.disable)()


@given(st.binary(max_size=120) | st.text(st.sampled_from("abk:- {}[]\n'\"&*!,#"), max_size=80).map(str.encode))
def test_rubbish_beside_a_sound_repository_is_a_problem_or_nothing(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    root = write(tmp_path_factory.mktemp("r", numbered=True))
    (root / "rubbish.yaml").write_bytes(content)
    assert set(problem_files(root)) <= {"rubbish.yaml"}


def problem_files(root: Path) -> list[str]:
    try:
        assert len(config.load(root).campaigns) == 1
    except ConfigInvalid as invalid:
        return [problem.file for problem in invalid.problems]
    return []


def test_rules_name_what_kind_of_problem_it_is(tmp_path: Path) -> None:
    assert rules(tmp_path) == set()
    assert rules(tmp_path, campaign=CAMPAIGN.replace("gentle", "gentl")) == {"reference"}
