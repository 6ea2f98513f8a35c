"""One simulator for all suites over providers: starting and stopping it takes longer than most of their cases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from reconciler.simulator.server import Running, running
from reconciler.simulator.world import CREDENTIALS, World
from tests.support import SECRETS

BEFORE_ANY_SCHEDULE = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def here() -> Iterator[Running]:
    credentials = {vendor: {**CREDENTIALS[vendor], **secrets} for vendor, secrets in SECRETS.items()}
    with running(World(credentials=credentials, seeded=True, clock=lambda: BEFORE_ANY_SCHEDULE)) as simulator:
        yield simulator
