"""What a reference refers to is read when it is needed; what is said when it is not there tells no value."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler import config
from reconciler.errors import ConfigInvalid
from reconciler.model import Reference, Source
from tests.declared import PROJECT, loaded

KEY = "żółw-" * 8


def refused(reference: Reference, environ: dict[str, str], root: Path, **more: object) -> str:
    with pytest.raises(ConfigInvalid) as caught:
        config.reveal(reference, environ, root, **more)  # type: ignore[arg-type]  # only to pass some of them on
    assert caught.value.exit_code == 3
    return str(caught.value.problems[0])


def test_a_variable() -> None:
    assert config.reveal(Reference("env", "A"), {"A": " s3cret "}, Path()) == " s3cret "


@pytest.mark.parametrize("environ", [{}, {"API_KEY": ""}])
def test_a_variable_that_is_not_set(environ: dict[str, str], tmp_path: Path) -> None:
    text = "the environment variable API_KEY is not set, or empty: set it in the environment of this job."
    assert refused(Reference("env", "API_KEY"), environ, tmp_path) == f"environment  {text}"
    place = Source("shared.yaml", 7, 17)
    said = refused(
        Reference("env", "API_KEY"), environ, tmp_path, used="Connection hanoi: credentials.apiKey", source=place
    )
    assert said == f"shared.yaml:7:17  Connection hanoi: credentials.apiKey: {text}"


@pytest.mark.parametrize(("content", "value"), [("s", "s"), ("s\n", "s"), ("s\r\n", "s"), ("a\nb\n\n", "a\nb\n")])
def test_a_file(tmp_path: Path, content: str, value: str) -> None:
    (tmp_path / "key").write_bytes(content.encode())
    assert config.reveal(Reference("file", "key"), {}, tmp_path) == value
    assert config.reveal(Reference("file", str(tmp_path / "key")), {}, Path("/elsewhere")) == value


@pytest.mark.parametrize("content", [None, b"", b"\n", b"hunter2\xff"])
def test_a_file_that_does_not_say_it(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "key").write_bytes(content)
    said = refused(Reference("file", "key"), {}, tmp_path)
    assert said == "environment  the file key is missing, unreadable or empty: put the value there."


def keyed(tmp_path: Path, reference: str = "{env: CONTACT_KEY}") -> str:
    return PROJECT.replace("spec: {}", f"spec: {{contactKey: {reference}}}")


def test_the_contact_key_is_utf8(tmp_path: Path) -> None:
    project = loaded(tmp_path, reconciler=keyed(tmp_path)).project
    assert config.contact_key(project, {"CONTACT_KEY": KEY}) == KEY.encode()
    project = loaded(tmp_path, reconciler=keyed(tmp_path, "{file: key}")).project
    (tmp_path / "key").write_text(KEY + "\n")
    assert config.contact_key(project, {}) == config.contact_key(project, {}, tmp_path) == KEY.encode()


def test_the_contact_key_counts_bytes_not_letters(tmp_path: Path) -> None:
    project = loaded(tmp_path, reconciler=keyed(tmp_path)).project
    assert len("ż" * 16) == 16
    assert config.contact_key(project, {"CONTACT_KEY": "ż" * 16}) == ("ż" * 16).encode()
    with pytest.raises(ConfigInvalid) as caught:
        config.contact_key(project, {"CONTACT_KEY": "hunter2" * 4})
    assert str(caught.value.problems[0]) == (
        "reconciler.yaml:1:1  spec.contactKey: {env: CONTACT_KEY} holds 28 bytes, but at least 32 are needed. "
        "Make one with: openssl rand -base64 32"
    )


def test_a_contact_key_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigInvalid, match=r"reconciler\.yaml:1:1  spec\.contactKey: the environment variable CONTACT_KEY is not set"
    ):
        config.contact_key(loaded(tmp_path, reconciler=keyed(tmp_path)).project, {})
    with pytest.raises(
        ConfigInvalid, match=r"spec\.contactKey is missing: .* Example: contactKey: \{env: RECONCILER_CONTACT_KEY\}"
    ):
        config.contact_key(loaded(tmp_path, reconciler=PROJECT).project, {})
