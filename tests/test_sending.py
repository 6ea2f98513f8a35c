"""How many people one call carries: few until it is known to work, few again after a doubt."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from reconciler.sending import _growing


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
