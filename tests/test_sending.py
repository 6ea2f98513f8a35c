"""How many people one call carries: few until it is known to work, few again after a doubt, none once too many were refused."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from reconciler.model import Tally
from reconciler.providers.tel4vn.provider import Tel4vn
from reconciler.sending import _growing
from reconciler.simulator.simulation import Simulator
from tests.office import Office, desk


@pytest.mark.parametrize(
    ("people", "most", "doubt_after", "sizes"),
    [
        (200, 50, (), [1, 10, 20, 40, 50, 50, 29]),
        (5, 50, (), [1, 4]),
        (20, 5, (), [1, 5, 5, 5, 4]),
        (120, 50, (3,), [1, 10, 20, 40, 10, 20, 19]),
        (60, 50, (0, 1), [1, 10, 10, 20, 19]),
        (0, 50, (), []),
    ],
)
def test_batches_grow_and_shrink(people: int, most: int, doubt_after: Sequence[int], sizes: list[int]) -> None:
    doubts: list[int] = []
    found = []
    for number, batch in enumerate(_growing(iter(range(people)), most, doubts.__len__)):
        found.append(len(batch))
        doubts += [number] if number in doubt_after else []
    assert found == sizes


@pytest.mark.parametrize(("share", "sent", "refused", "code"), [(10, 500, 50, 0), (8, 311, 38, 8), (1, 31, 31, 8)])
def test_a_vendor_that_refuses_too_many_is_sent_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, share: int, sent: int, refused: int, code: int
) -> None:
    """`share`: every how manyth is refused. Up to 20 are always borne, beyond that one in ten."""
    count = 0

    async def add(provider: Tel4vn, writer: Any, campaign: Any, resource: Any, container: str, people: Any) -> None:
        nonlocal count
        for _ in people:
            count += 1
            writer.tally += Tally(rejected=1) if count % share == 0 else Tally(confirmed=1)

    monkeypatch.setattr(Tel4vn, "add", add)
    with desk(tmp_path) as made:
        rows = "".join(f"C{number},09{number:08d},Somebody\n" for number in range(500))
        Path(made.environ["MAY_CSV"]).write_text(f"id,mobile,name\n{rows}")
        made.edit("campaigns.yaml", "activation: stopped", "activation: running")
        result = made.run("apply", "--auto-approve", "--format", "json")
    report = result.json()
    assert (result.code, report["contacts"]["rejected"]) == (code, refused)
    assert report["contacts"]["confirmed"] + refused == sent
    statuses = {outcome["action"]: outcome["status"] for outcome in report["outcomes"]}
    if code:
        (failed,) = (outcome["error"] for outcome in report["outcomes"] if outcome["action"] == "add_contacts")
        assert f"refused {refused} people of the {sent} sent from may" in failed
        assert (statuses["add_contacts"], statuses["start"]) == ("rejected", "skipped")
    else:
        assert statuses["start"] == "confirmed"


@dataclass
class Gauge:
    """What one account sees: how many calls are with it at once, when each came, how many people each carried."""

    at_once: int = 0
    most: int = 0
    came: list[float] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)

    def of(self, simulator: Simulator) -> None:
        serve = simulator._serve

        async def measured(vendor: str, scope: Any, receive: Any, send: Any) -> None:
            self.at_once += 1
            self.most = max(self.most, self.at_once)
            self.came.append(time.monotonic())
            try:
                await serve(vendor, scope, receive, send)
            finally:
                self.at_once -= 1
                entry = simulator.log[-1]
                self.sizes += [entry.body.count("phone_number")] if entry.path == "/v3/lead/multi" else []

        setattr(simulator, "_serve", measured)  # noqa: B010 - a plain assignment to a method is what mypy refuses

    def within(self, seconds: float) -> int:
        """The most that came in any stretch of this length."""
        return max(sum(begin <= at < begin + seconds for at in self.came) for begin in self.came)


@contextmanager
def three_campaigns(folder: Path, limits: str, fields: str) -> Iterator[Office]:
    with desk(folder) as made:
        text = (
            (made.root / "campaigns.yaml")
            .read_text()
            .replace("fields: {lead_name: name}", f"fields: {{{fields}: name}}")
        )
        made.write("campaigns.yaml", text.replace("region: VN", f"region: VN\n  limits: {limits}"))
        campaign = next(part for part in text.split("---\n") if "kind: Campaign\n" in part)
        for name in ("summer", "autumn"):
            made.write(f"{name}.yaml", campaign.replace("name: spring", f"name: {name}"))
        made.edit(
            "reconciler.yaml", "metadata: {name: acme}\nspec:", "metadata: {name: acme}\nspec:\n  include: ['*.yaml']"
        )
        rows = "".join(f"C{number},09{number:08d},Somebody\n" for number in range(150))
        Path(made.environ["MAY_CSV"]).write_text(f"id,mobile,name\n{rows}")
        made.here.world.latency_ms = 10
        yield made


@pytest.mark.parametrize("fields", ["lead_name", "address"])
def test_an_account_is_driven_no_harder_than_it_may_be_by_all_campaigns_together(tmp_path: Path, fields: str) -> None:
    """`address`: one person a call."""
    with three_campaigns(tmp_path, "{concurrency: 3, batchSize: 15}", fields) as made:
        gauge = Gauge()
        gauge.of(made.here.simulator)
        result = made.run("apply", "--auto-approve", "--format", "json")
        assert result.json()["contacts"]["confirmed"] == 450, result.out
    assert gauge.most == 3
    assert max(gauge.sizes, default=15) == 15


def test_calls_leave_at_the_pace_of_the_account(tmp_path: Path) -> None:
    with three_campaigns(tmp_path, "{concurrency: 4, requestsPerSecond: 40, batchSize: 15}", "lead_name") as made:
        gauge = Gauge()
        gauge.of(made.here.simulator)
        made.here.world.latency_ms = (
            150  # so that calls wait for a place, and must not leave together when there is one
        )
        result = made.run("apply", "--auto-approve", "--format", "json")
        assert result.json()["contacts"]["confirmed"] == 450, result.out
    assert gauge.most == 4
    assert gauge.within(1.0) <= 41 and gauge.within(0.1) <= 4 + 2
