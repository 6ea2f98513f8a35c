"""Reading to a proven end, whatever the server does to the pages."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec
import pytest

from reconciler.errors import ReadIncomplete
from reconciler.providers.base import Call, Reply
from reconciler.providers.paging import Page, Paged, Row


class Server:
    """Rows behind offset and limit; `before` may move them before each page, `cap` is the most a page holds."""

    def __init__(self, rows: list[str], total: bool, cap: int = 1000, before: Callable[[int], None] | None = None):
        self.rows, self.total, self.cap, self.before = rows, total, cap, before
        self.pages = 0

    async def read(self, call: Call) -> Reply:
        self.pages += 1
        if self.before:
            self.before(self.pages)
        query = dict(call.query)
        offset, limit = int(query["offset"]), min(int(query["limit"]), self.cap)
        rows = [{"id": row} for row in self.rows[offset : offset + limit]]
        answer = {"data": rows, **({"total": len(self.rows)} if self.total else {})}
        return Reply(200, msgspec.json.encode(answer))


def paged(limit: int) -> Paged[Row]:
    return Paged(
        what="campaigns of acme",
        call=lambda offset, limit: Call("GET", "/x", query=(("offset", str(offset)), ("limit", str(limit)))),
        page=lambda reply: Page(reply.json()["data"], reply.json().get("total")),
        identify=lambda row: str(row["id"]),
        limit=limit,
    )


def read(server: Server, limit: int = 1000) -> list[str]:
    async def collect() -> list[str]:
        return [row["id"] async for row in paged(limit).rows(server)]

    return asyncio.run(collect())


@pytest.mark.parametrize("total", [True, False])
@pytest.mark.parametrize("cap", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("count", [0, 1, 2, 3, 10])
def test_every_row_comes_once_whatever_the_server_caps(count: int, cap: int, total: bool) -> None:
    rows = [f"r{index}" for index in range(count)]
    assert read(Server(rows, total, cap), limit=5) == rows


@pytest.mark.parametrize("total", [True, False])
def test_rows_added_at_the_front_while_reading_are_no_duplicates(total: bool) -> None:
    rows = [f"r{index}" for index in range(10)]
    server = Server(rows, total, cap=3, before=lambda page: rows.insert(0, f"new{page}") if page in {2, 3} else None)
    found = read(server)
    assert len(found) == len(set(found)) and {f"r{index}" for index in range(10)} <= set(found)


@pytest.mark.parametrize("total", [True, False])
def test_rows_removed_while_reading_make_the_read_start_again(total: bool) -> None:
    rows = [f"r{index}" for index in range(10)]
    found = read(Server(rows, total, cap=4, before=lambda page: rows.remove("r0") if page == 2 else None))
    assert set(found) >= {f"r{index}" for index in range(1, 10)}


def test_a_total_that_is_never_reached_is_no_end() -> None:
    class Short(Server):
        async def read(self, call: Call) -> Reply:
            answer = (await super().read(call)).json()
            return Reply(200, msgspec.json.encode({**answer, "total": 12}))

    with pytest.raises(ReadIncomplete, match=r"campaigns of acme: .* \(10 of 12 rows\)"):
        read(Short([f"r{index}" for index in range(10)], True, cap=4))


@pytest.mark.parametrize("body", [b'{"rows": []}', b"[]", b"<html>", b'{"data": 3}', b'{"data": [{"name": 1}]}'])
def test_an_answer_that_is_no_page_is_no_smaller_world(body: bytes) -> None:
    class Odd(Server):
        async def read(self, call: Call) -> Reply:
            return Reply(200, body)

    with pytest.raises(ReadIncomplete, match="campaigns of acme"):
        read(Odd([], False))
