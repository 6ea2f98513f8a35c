"""Who holds the lease, and when the death of a holder is proved."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.ledger.base import Holder
from reconciler.ledger.holder import is_dead, this_process


@pytest.fixture
def other() -> Iterator[tuple[Holder, subprocess.Popen[str]]]:
    """Another process of this machine, as it describes itself."""
    code = (
        "import json; from dataclasses import astuple; from reconciler.ledger.holder import this_process;"
        "print(json.dumps(astuple(this_process('r', 'a', 'u'))), flush=True); input()"
    )
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout
        yield Holder(*json.loads(process.stdout.readline())), process
        process.kill()


def test_this_process_says_who_it_is() -> None:
    holder = this_process("run-1", "ana", "https://ci.example/1")
    assert (holder.run, holder.actor, holder.url, holder.pid) == ("run-1", "ana", "https://ci.example/1", os.getpid())
    assert holder.boot_id
    assert holder.started.isdigit()
    assert not is_dead(holder)


def test_a_living_process_is_not_dead_and_a_killed_one_is(other: tuple[Holder, subprocess.Popen[str]]) -> None:
    holder, process = other
    assert not is_dead(holder)
    process.kill()
    process.wait()
    assert is_dead(holder)


def test_the_next_process_of_the_same_number_is_not_the_holder() -> None:
    assert is_dead(replace(this_process("r", "a"), started="1"))


@pytest.mark.parametrize(
    "change", [{"host": "elsewhere"}, {"boot_id": "before the reboot"}, {"boot_id": ""}, {"started": ""}]
)
def test_without_proof_nobody_is_dead(other: tuple[Holder, subprocess.Popen[str]], change: dict[str, Any]) -> None:
    holder, process = other
    process.kill()
    process.wait()
    assert not is_dead(replace(holder, **change))


def test_a_machine_without_proc_proves_nothing(tmp_path: Path) -> None:
    holder = this_process("r", "a", proc=tmp_path)
    assert (holder.boot_id, holder.started) == ("", "")
    assert not is_dead(replace(holder, pid=2**22 + 1), proc=tmp_path)


def test_a_process_hidden_from_proc_is_asked_with_a_signal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mounted with hidepid, /proc shows other users' processes to nobody."""
    (tmp_path / "sys/kernel/random").mkdir(parents=True)
    (tmp_path / "sys/kernel/random/boot_id").write_text("boot")
    (tmp_path / "self/ns").mkdir(parents=True)
    (tmp_path / "self/ns/pid").symlink_to("pid:[1]")
    (tmp_path / str(os.getpid())).mkdir()
    hidden = replace(this_process("r", "a", proc=tmp_path), started="5")
    assert not is_dead(hidden, proc=tmp_path)

    def refuse(pid: int, signal: int) -> None:
        raise PermissionError(1, "not yours")

    monkeypatch.setattr(os, "kill", refuse)
    assert not is_dead(hidden, proc=tmp_path)


def test_a_command_that_looks_like_the_end_of_its_name_is_read_right(tmp_path: Path) -> None:
    stat = tmp_path / str(os.getpid()) / "stat"
    stat.parent.mkdir()
    stat.write_text(f"{os.getpid()} (a) R 1) b) S " + " ".join(str(number) for number in range(4, 53)))
    assert this_process("r", "a", proc=tmp_path).started == "22"
