"""How many people one call carries: few until it is known to work, few again after a doubt, none once too many were refused."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from reconciler.model import Tally
from reconciler.providers.tel4vn.provider import Tel4vn
from reconciler.sending import _growing
from tests.office import desk


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
