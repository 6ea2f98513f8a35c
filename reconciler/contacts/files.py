"""Where people are written down: finding the files of a source, what is in their columns, and where exactly one is broken.

No engine here: only heads of files are read, and whole ones to say which line is at fault.
"""

from __future__ import annotations

import codecs
import csv
import glob
import gzip
import io
import json
import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import count, islice
from pathlib import Path
from typing import Literal

from reconciler import config
from reconciler.errors import ConfigInvalid, Problem
from reconciler.model import ContactSource, Reference, Source

Kind = Literal["csv", "parquet", "jsonl"]
Stamp = tuple[int, int, int, int]
KINDS: Mapping[str, Kind] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".parquet": "parquet",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}
DELIMITERS = ",;\t|"
_NO_DELIMITERS = " \r\"'_-./()+@"
_HEAD = 1 << 16  # bytes in which a header has to end
_LONGEST_FIELD = 1 << 21  # what the engine takes as the longest line
_FIRST_OBJECTS = 1000  # of a JSON lines file: their keys are its columns


@dataclass(frozen=True, slots=True)
class Asked:
    """One source as it was declared. `owner`: "Contact set renewals-may"; `columns`: our name for a column -> its name there."""

    owner: str
    origin: ContactSource
    columns: Mapping[str, str]
    declared: Source
    root: Path
    environ: Mapping[str, str] = field(repr=False)

    def refused(self, message: str, rule: str = "contacts") -> ConfigInvalid:
        place = self.declared
        return ConfigInvalid([Problem(place.file, place.line, place.column, f"{self.owner}: {message}", rule)])


@dataclass(frozen=True, slots=True)
class DataFile:
    """One file of people. `label` is what messages call it; `stamp` tells whether it is still the file that was opened."""

    asked: Asked = field(repr=False)
    path: Path = field(repr=False)
    label: str
    kind: Kind
    zipped: bool
    stamp: Stamp = field(repr=False)

    def check_unchanged(self) -> None:
        """Raises ConfigInvalid where the file is not what it was when it was opened."""
        if _stamp(self.path) != self.stamp:
            raise self.asked.refused(
                f"{self.label} changed while it was read. Run again when it is written completely.", "changed"
            )

    def broken(self, line: int, message: str) -> ConfigInvalid:
        return ConfigInvalid([Problem(self.label, line, 0, f"{self.asked.owner}: {message}", "contacts")])

    @contextmanager
    def opened(self) -> Iterator[io.BufferedReader | gzip.GzipFile]:
        """Its content, unzipped. Raises ConfigInvalid where it cannot be read."""
        failed = False
        try:
            with open(self.path, "rb") as plain:
                yield gzip.GzipFile(fileobj=plain) if self.zipped else plain
        except (OSError, EOFError, zlib.error):
            failed = True
        if failed:
            raise self.asked.refused(f"{self.label} cannot be read. Check its permissions, or that it is complete.")

    def head(self) -> str:
        """Its first bytes as text, without a byte order mark."""
        with self.opened() as content:
            raw = content.read(_HEAD)
        text = _decoded(raw, final=False)
        if text is None:
            raise not_utf8(self)
        if not text.removeprefix("\ufeff"):
            raise self.asked.refused(f"{self.label} is empty. Write it again with its header line.", "empty")
        return text.removeprefix("\ufeff")


def files_of(asked: Asked) -> list[DataFile]:
    """The files of a source, in the order of their names. Raises ConfigInvalid where there is none, or one may not be read."""
    named = asked.origin.file
    if isinstance(named, Reference):
        pattern = config.reveal(named, asked.environ, asked.root, used=asked.owner, source=asked.declared)
    else:
        pattern = str(named)
    label = str(named) if isinstance(named, Reference) else os.path.relpath(pattern, asked.root)
    wild = glob.has_magic(pattern)
    found = sorted(glob.glob(pattern, root_dir=asked.root, recursive=True)) if wild else [pattern]
    paths = [asked.root / name for name in found]
    existing = [path for path in paths if path.is_file()]
    if not existing:
        raise asked.refused(f"{label} does not exist. Put the file there, or correct spec.source.file.", "missing")
    return [_opened(asked, path, label if not wild else f"{label} ({path.name})", named) for path in existing]


def _opened(asked: Asked, path: Path, label: str, named: str | Reference | None) -> DataFile:
    if not isinstance(named, Reference) and not path.resolve().is_relative_to(asked.root.resolve()):
        remedy = "A file outside is named by {file: {env: NAME}}."
        raise asked.refused(f"{label} leads out of the project's folder. {remedy}", "outside")
    zipped = path.suffix == ".gz"
    suffix = path.with_suffix("").suffix if zipped else path.suffix
    kind = KINDS.get(suffix.lower())
    if kind is None or (zipped and kind == "parquet"):
        raise asked.refused(
            f"{label} is of no known kind. Name it .csv, .parquet or .jsonl (.csv.gz, .jsonl.gz).", "kind"
        )
    return DataFile(asked, path, label, kind, zipped, _stamp(path))


def _stamp(path: Path) -> Stamp:
    """What changes with a file's content; a time of writing can be set back, the time of that change cannot."""
    try:
        status = path.stat()
    except OSError:
        return (0, 0, 0, 0)
    return (status.st_size, status.st_mtime_ns, status.st_ino, status.st_ctime_ns)


# ---- columns -------------------------------------------------------------------------------------------------------


def check_columns(asked: Asked, label: str, names: Sequence[str]) -> None:
    """Raises ConfigInvalid with every column that is not among `names`, or stands there twice.

    Names that are there are not listed: where the header line is missing they are people.
    """
    problems = [
        problem
        for column in dict.fromkeys(asked.columns.values())
        if names.count(column) != 1
        for problem in asked.refused(f"{label} {_found(column, names)}", "column").problems
    ]
    if problems:
        raise ConfigInvalid(problems)


def _found(column: str, names: Sequence[str]) -> str:
    if column in names:
        return f'has two columns "{column}". Rename one.'
    near = get_close_matches(column, names, 1)
    hint = f'Did you mean "{near[0]}"?' if near else "The first line has to be the header."
    return f'has no column "{column}". {hint}'


def header_of(file: DataFile) -> tuple[str, list[str]]:
    """Delimiter and column names of a CSV file: the delimiter is the one under which the declared columns are found."""
    text = file.head()
    if not text.splitlines()[0].strip():
        raise file.broken(1, "the first line is empty. The header has to stand there.")
    headers = {delimiter: _cells(text, delimiter) for delimiter in _delimiters(text)}
    wanted = set(file.asked.columns.values())
    delimiter = max(headers, key=lambda one: (len(wanted.intersection(headers[one])), len(headers[one])))
    check_columns(file.asked, file.label, headers[delimiter])
    return delimiter, headers[delimiter]


def _delimiters(text: str) -> str:
    """The usual ones; where the header has none of them, every other mark in it that no number, name or column is written with."""
    first = text.partition("\n")[0]
    if any(usual in first for usual in DELIMITERS):
        return DELIMITERS
    return DELIMITERS + "".join(sorted({mark for mark in first if not mark.isalnum() and mark not in _NO_DELIMITERS}))


def _cells(text: str, delimiter: str) -> list[str]:
    return [cell.strip() for cell in next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))]


def keys_of(file: DataFile) -> list[str]:
    """The keys of the first objects of a JSON lines file. Raises ConfigInvalid where one of them is no object."""
    file.head()
    keys: dict[str, None] = {}
    with file.opened() as content:
        for raw in islice(content, _FIRST_OBJECTS):
            entry = _object(raw) if raw.strip() else {}
            if entry is None:
                raise broken_line(file)
            keys.update(dict.fromkeys(entry))
    return list(keys)


def _object(raw: bytes) -> dict[str, object] | None:
    try:
        entry = json.loads(raw.decode("utf-8-sig"))
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None


# ---- which line ----------------------------------------------------------------------------------------------------


def broken_line(file: DataFile) -> ConfigInvalid:
    """What is wrong with a file that the engine could not read, with its line. Shows nothing of it."""
    if file.kind != "parquet":
        with file.opened() as content:
            odd = not all(_decoded(line, final=True) is not None for line in content)
        if odd:
            return not_utf8(file)
    where: dict[Kind, Callable[[DataFile], ConfigInvalid | None]] = {"csv": _broken_record, "jsonl": _broken_object}
    found = where[file.kind](file) if file.kind in where else None
    return found or file.broken(0, f"the file cannot be read as {file.kind}. Write it again.")


def not_utf8(file: DataFile) -> ConfigInvalid:
    with file.opened() as content:
        line = next((n for n, raw in enumerate(content, 1) if _decoded(raw, final=True) is None), 1)
    return file.broken(line, "the file is not UTF-8 from here on. Save it as UTF-8.")


def _decoded(raw: bytes, final: bool) -> str | None:
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(raw, final)
    except UnicodeDecodeError:
        return None


def _broken_record(file: DataFile) -> ConfigInvalid | None:
    delimiter, header = header_of(file)
    line = 1
    try:
        for line, cells in records(file, delimiter, strict=True):
            if cells and len(cells) != len(header):
                message = f"this row has {len(cells)} columns and the header {len(header)}. Quote cells that hold a delimiter."
                return file.broken(line, message)
    except csv.Error:
        return file.broken(
            line, "after this row a quote is opened and not closed, or followed by more text. Correct it."
        )
    return None


def _broken_object(file: DataFile) -> ConfigInvalid | None:
    with file.opened() as content:
        for line, raw in enumerate(content, 1):
            if raw.strip() and _object(raw) is None:
                return file.broken(line, "this line is no JSON object. Write one object per line.")
    return None


def records(file: DataFile, delimiter: str, strict: bool = False) -> Iterator[tuple[int, list[str]]]:
    """Each record of a CSV file, blank ones included, with the line it begins on as an editor counts.

    Raises csv.Error in `strict` mode where a quote is out of place.
    """
    csv.field_size_limit(_LONGEST_FIELD)
    with file.opened() as content, io.TextIOWrapper(content, "utf-8-sig", errors="replace", newline="") as text:
        reader = csv.reader(text, delimiter=delimiter, strict=strict)
        begins = 1
        for cells in reader:
            yield begins, cells
            begins = reader.line_num + 1


def lines_of(file: DataFile, rows: Iterable[int], delimiter: str) -> Iterator[int]:
    """The line of each of `rows`, which count from 0 and ascend; in a Parquet file, which has none, the row counted from 1."""
    begins = _begins(file, delimiter)
    passed = 0
    for row in rows:
        yield next(islice(begins, row - passed, None))
        passed = row + 1


def _begins(file: DataFile, delimiter: str) -> Iterator[int]:
    """Where each row begins."""
    match file.kind:
        case "csv":
            filled = (line for line, cells in records(file, delimiter) if cells)
            next(filled)
            yield from filled
        case "jsonl":
            with file.opened() as content:
                yield from (line for line, raw in enumerate(content, 1) if raw.strip())
        case "parquet":
            yield from count(1)
