"""Reading a query's result as columns: every row, in order, in bounded pieces."""

from __future__ import annotations

import duckdb
import numpy as np
import pytest

from reconciler.contacts.arrow import StreamFailed, Texts, batches

ROWS = 300_000


def test_all_rows_come_in_order_and_in_pieces() -> None:
    with duckdb.connect() as engine:
        query = "SELECT i::UBIGINT, CASE WHEN i % 3 = 0 THEN 'ż' || i ELSE '' END, unhex(sha256(i::VARCHAR)) FROM range($n) t(i)"
        begins, sizes = 0, []
        for numbers, texts, hashes in batches(engine.sql(query, params={"n": ROWS}), [False, True, True]):
            assert isinstance(texts, Texts) and isinstance(hashes, Texts) and not isinstance(numbers, Texts)
            assert np.array_equal(numbers, np.arange(begins, begins + len(numbers)))
            assert [texts.text(row) for row in range(5)] == [
                f"ż{begins + row}" if (begins + row) % 3 == 0 else "" for row in range(5)
            ]
            assert (hashes.lengths() == 32).all()
            begins += len(numbers)
            sizes.append(len(numbers))
    assert begins == ROWS
    assert len(sizes) > 1


def test_no_rows_are_no_rows() -> None:
    with duckdb.connect() as engine:
        relation = engine.sql("SELECT i::UBIGINT, 'x' FROM range(0) t(i)")
        assert [
            texts.lengths().tolist() for _, texts in batches(relation, [False, True]) if isinstance(texts, Texts)
        ] in ([], [[]])


def test_a_failure_on_the_way_says_nothing_of_the_rows() -> None:
    with duckdb.connect() as engine:
        value = "CASE WHEN i = 299999 THEN error('+84912345678') ELSE i END::UBIGINT"
        relation = engine.sql(f"SELECT {value} FROM range({ROWS}) t(i)")
        with pytest.raises(StreamFailed) as failure:
            list(batches(relation, [False]))
    assert failure.value.args == ()


def test_a_column_prints_as_its_size() -> None:
    with duckdb.connect() as engine:
        [[column]] = batches(engine.sql("SELECT '+84912345678'"), [True])
    assert repr(column) == "Texts(1)"
