"""One stage per test process, lent to all tests of real processes: its warm process takes seconds to make."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.proof.processes.stage import Stage, stage


@pytest.fixture(scope="session")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage(tmp_path_factory.mktemp("processes")) as made:
        yield made


@pytest.fixture
def shared(team: Stage) -> Iterator[Stage]:
    """The same with the ledger in PostgreSQL."""
    team.shared = True
    yield team
    team.shared = False
