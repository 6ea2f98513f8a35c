"""Sources as streams of columns: CSV, Parquet, JSON lines, rows given inline or by a database. The engine can open nothing else.

Every column is read as text. What a row means is not decided here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import duckdb

from reconciler.contacts.arrow import Column, StreamFailed, batches
from reconciler.contacts.files import (
    Asked,
    DataFile,
    broken_line,
    check_columns,
    files_of,
    header_of,
    keys_of,
    lines_of,
)

if TYPE_CHECKING:
    from reconciler.contacts.warehouse import Warehouse

_INEXACT = ("FLOAT", "DOUBLE", "DECIMAL")  # types in which a number has lost what it was written as


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a source, its inline rows, or what a database answers.

    `query` returns the declared columns under our names, as text, NULL for none.
    """

    asked: Asked = field(repr=False)
    label: str
    query: str = field(repr=False)
    values: Mapping[str, Any] = field(repr=False)
    file: DataFile | None = None
    delimiter: str = ""
    warehouse: Warehouse | None = None

    def stream(self, query: str, texts: Sequence[bool]) -> Iterator[list[Column]]:
        """Run `query`, written around `self.query`, batch by batch in the order of the rows; `texts`: which columns are text.

        Raises ConfigInvalid where the file cannot be read to its end, or changes meanwhile.
        """
        failed = False
        if self.file:
            self.file.check_unchanged()
        try:
            with closing(_engine(str(self.file.path) if self.file else "").cursor()) as engine:
                for values in self.warehouse.chunks() if self.warehouse else ({},):
                    yield from batches(engine.sql(query, params={**self.values, **values}), texts)
        except (duckdb.Error, StreamFailed):
            failed = True
        if self.file:
            self.file.check_unchanged()
        if failed:
            raise broken_line(self.file) if self.file else self.asked.refused(f"{self.label} cannot be read.")

    def lines(self, rows: Sequence[int]) -> list[int]:
        """Where rows, counted from 0 and ascending, stand: lines of a text file, else counted from 1."""
        return list(lines_of(self.file, rows, self.delimiter)) if self.file else [row + 1 for row in rows]


def check_all_there(parts: Sequence[Part]) -> None:
    """Raises ConfigInvalid where files of a source came, went or changed while others were read: an export writes one after another."""
    files = [part.file for part in parts if part.file]
    for file in files:
        file.check_unchanged()
    asked = files[0].asked if files else None
    if asked and [file.path for file in files_of(asked)] != [file.path for file in files]:
        raise asked.refused(
            f"{asked.origin.file}: files came or went while they were read. Run again when all are written.", "changed"
        )


def parts_of(asked: Asked) -> list[Part]:
    """Open a source. Raises ConfigInvalid where a file or a column is not there."""
    if asked.origin.inline is not None:
        return [_inline(asked, asked.origin.inline)]
    if asked.origin.sql_url is not None:
        return [_queried(asked)]
    readers = {"csv": _csv, "parquet": _parquet, "jsonl": _jsonl}
    return [readers[file.kind](asked, file) for file in files_of(asked)]


@lru_cache(maxsize=4)
def _engine(path: str) -> duckdb.DuckDBPyConnection:
    """An engine that reads `path` and nothing else, writes nothing, keeps nothing, and whose configuration is locked.

    Starting one takes longer than reading a small file, and a plan reads what it sends twice: the last few are kept.
    """
    settings: dict[str, str | bool | int | float | list[str]] = {
        "autoload_known_extensions": False,
        "autoinstall_known_extensions": False,
        "python_enable_replacements": False,
        "enable_external_file_cache": False,
        "temp_directory": "",
    }
    engine = duckdb.connect(":memory:", config=settings)
    engine.execute("SET allowed_paths = $paths", {"paths": [path] if path else []})
    engine.execute("SET enable_external_access = false")
    engine.execute("SET lock_configuration = true")
    return engine


def _csv(asked: Asked, file: DataFile) -> Part:
    delimiter, names = header_of(file)
    columns = ", ".join(f"'c{number}': 'VARCHAR'" for number in range(len(names)))
    chosen = ", ".join(f"c{names.index(column)} AS {ours}" for ours, column in asked.columns.items())
    query = (
        f"SELECT {chosen} FROM read_csv($path, auto_detect = false, header = true, delim = $delimiter, quote = '\"', "
        f"escape = '\"', allow_quoted_nulls = false, compression = $compression, columns = {{{columns}}})"
    )
    if len(names) == 1:  # the engine takes a blank line for a row there; a quoted empty cell is one
        query += " WHERE c0 IS NOT NULL"
    values = {"path": str(file.path), "delimiter": delimiter, "compression": "gzip" if file.zipped else "none"}
    return Part(asked, file.label, query, values, file, delimiter)


def _jsonl(asked: Asked, file: DataFile) -> Part:
    check_columns(asked, file.label, keys_of(file))
    chosen = ", ".join(f"json->>${ours} AS {ours}" for ours in asked.columns)
    objects = "CASE WHEN json_type(json) = 'OBJECT' THEN json ELSE error('no object') END AS json"
    query = f"SELECT {chosen} FROM (SELECT {objects} FROM read_ndjson_objects($path, compression = $compression))"
    values = {ours: "/" + name.replace("~", "~0").replace("/", "~1") for ours, name in asked.columns.items()}
    values |= {"path": str(file.path), "compression": "gzip" if file.zipped else "none"}
    return Part(asked, file.label, query, values, file)


def _parquet(asked: Asked, file: DataFile) -> Part:
    types = _types(file)
    if types is None:
        raise broken_line(file)
    check_columns(asked, file.label, list(types))
    phone = asked.columns["phone"]
    if types[phone].startswith(_INEXACT):
        message = (
            f'{file.label} holds "{phone}" as {types[phone]}. A phone number is text: write the column as VARCHAR.'
        )
        raise asked.refused(message, "column")
    quoted = {ours: '"' + name.replace('"', '""') + '"' for ours, name in asked.columns.items()}
    chosen = ", ".join(f"{name}::VARCHAR AS {ours}" for ours, name in quoted.items())
    return Part(asked, file.label, f"SELECT {chosen} FROM read_parquet($path)", {"path": str(file.path)}, file)


def _types(file: DataFile) -> dict[str, str] | None:
    """Column -> type of a Parquet file; None where it is none."""
    try:
        with closing(_engine(str(file.path)).cursor()) as engine:
            found = engine.sql("FROM read_parquet($path)", params={"path": str(file.path)})
            return dict(zip(found.columns, map(str, found.types), strict=True))
    except duckdb.Error:
        return None


def _inline(asked: Asked, rows: Sequence[Mapping[str, str]]) -> Part:
    label = "spec.source.inline"
    if rows:
        check_columns(asked, label, list(dict.fromkeys(name for row in rows for name in row)))
    values = {ours: [row.get(name) for row in rows] for ours, name in asked.columns.items()}
    return Part(asked, label, _listed(asked), values)


def _queried(asked: Asked) -> Part:
    from reconciler.contacts.warehouse import LABEL, warehouse  # a database driver: only where a source is a query

    return Part(asked, LABEL, _listed(asked), {}, warehouse=warehouse(asked))


def _listed(asked: Asked) -> str:
    """A query over values that are handed in, a list for each column."""
    chosen = ", ".join(f"unnest(${ours}::VARCHAR[]) AS {ours}" for ours in asked.columns)
    return f"SELECT {chosen}"
