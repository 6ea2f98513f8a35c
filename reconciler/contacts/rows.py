"""Rows of a source as columns: number or reason, fingerprints of person, key and fields. Who they are to us is not decided here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reconciler.contacts.arrow import Column, Texts
from reconciler.contacts.clear import with_numbers
from reconciler.contacts.fingerprint import Fingerprints, canonical
from reconciler.contacts.numbers import REASONS, Reason, read
from reconciler.contacts.rotation import Rotating
from reconciler.contacts.source import Part
from reconciler.contacts.words import Words, words_of

Numbers = NDArray[np.uint64]  # E.164 digits as integers; 0: rejected
Reasons = NDArray[np.uint8]  # 0: none, else one more than the position in REASONS

_HASH_WORDS = 4  # of a SHA-256 value


@dataclass(frozen=True, slots=True)
class Reading:
    """What every read of people needs beside the source."""

    root: Path
    environ: Mapping[str, str] = field(repr=False)
    fingerprints: Fingerprints
    now: datetime


@dataclass(frozen=True, slots=True)
class Layout:
    """What the columns of `Part.query` mean: `phone`, `key` where there is one, f0, f1, ... for `fields`, which ascend.

    `region`: the country of numbers that name none.
    """

    region: str
    has_key: bool = False
    fields: tuple[str, ...] = ()
    key_required: bool = False
    others: tuple[str, ...] = ()  # columns that are read as they stand


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows of one part, in order. `people` of rejected rows mean nothing; a key of zeros: the row has none.

    `former_keys`: `keys` under the former contact key, while two are live.
    """

    numbers: Numbers = field(repr=False)
    reasons: Reasons = field(repr=False)
    people: Words = field(repr=False)
    keys: Words | None = field(repr=False)
    fields: Words | None = field(repr=False)
    former_keys: Words | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.numbers)


def fingerprinted(part: Part, layout: Layout, fingerprints: Fingerprints) -> Iterator[Batch]:
    """Every row of a part. Raises ConfigInvalid as `Part.stream` does."""
    hashes = ["CASE WHEN key = '' THEN ''::BLOB ELSE unhex(sha256(key)) END"] if layout.has_key else []
    hashes += [f"unhex(sha256({_canonical(layout)}))"] if layout.fields else []
    names = {f"n{i}": canonical(name).decode() for i, name in enumerate(layout.fields)}
    for numbers, reasons, columns in _numbered(replace(part, values={**part.values, **names}), layout, hashes):
        hashed = (columns.pop(0) if layout.has_key else None, columns.pop(0) if layout.fields else None)
        keys, fields = _sealed(hashed, fingerprints)
        if layout.key_required and keys is not None:
            reasons[(reasons == 0) & ~keys.any(axis=1)] = coded(Reason.NO_KEY)
        batch = Batch(numbers, reasons, fingerprints.people(numbers), keys, fields)
        yield _under_both(batch, hashed, fingerprints) if isinstance(fingerprints, Rotating) else batch


def written(part: Part, layout: Layout) -> Iterator[tuple[Numbers, Reasons, list[Texts]]]:
    """Every row of a part with its texts: the key where there is one, the fields, then the other columns."""
    keys = ["key"] if layout.has_key else []
    fields = [f"f{number}" for number in range(len(layout.fields))]
    for numbers, reasons, columns in _numbered(part, layout, [*keys, *fields, *layout.others]):
        yield numbers, reasons, [column for column in columns if isinstance(column, Texts)]


def coded(reason: Reason) -> int:
    return REASONS.index(reason) + 1


def _numbered(part: Part, layout: Layout, columns: Sequence[str]) -> Iterator[tuple[Numbers, Reasons, list[Column]]]:
    texts = ["phone"]
    texts += ["coalesce(trim(key), '') AS key"] if layout.has_key else []
    texts += [f"coalesce(f{number}, '') AS f{number}" for number in range(len(layout.fields))]
    texts += [f"coalesce({name}, '') AS {name}" for name in layout.others]
    inner = with_numbers(f"SELECT {', '.join(texts)} FROM ({part.query})", layout.region)
    chosen = ["number", "CASE WHEN number = 0 THEN coalesce(phone, '') ELSE '' END", *columns]
    query = f"SELECT {', '.join(chosen)} FROM ({inner})"
    for numbers, unclear, *rest in part.stream(query, [False] + [True] * (len(chosen) - 1)):
        assert isinstance(unclear, Texts) and not isinstance(numbers, Texts)
        yield numbers, _settled(numbers, unclear, layout.region), rest


def _settled(numbers: Numbers, unclear: Texts, region: str) -> Reasons:
    """Ask the library about the rows that the engine was not sure of; fills `numbers` in."""
    reasons = np.zeros(len(numbers), dtype=np.uint8)
    for row in np.flatnonzero(numbers == 0).tolist():
        found = read(unclear.text(row), region)
        if isinstance(found, Reason):
            reasons[row] = coded(found)
        else:
            numbers[row] = found
    return reasons


def _canonical(layout: Layout) -> str:
    """SQL: the text that `Fingerprints.fields` hashes."""
    return " || ".join(f"$n{i} || strlen(f{i}) || ':' || f{i}" for i in range(len(layout.fields)))


def _sealed(hashed: tuple[Column | None, Column | None], under: Fingerprints) -> tuple[Words | None, Words | None]:
    """Keys and fields."""
    keys, fields = hashed
    return None if keys is None else _hashed(keys, under.keys_of), None if fields is None else _hashed(
        fields, under.fields_of
    )


def _under_both(batch: Batch, hashed: tuple[Column | None, Column | None], rotating: Rotating) -> Batch:
    """The batch with the fields of each person under the key that they are known by."""
    former_keys, former_fields = _sealed(hashed, rotating.former)
    under_former = rotating.under_former(batch.numbers)
    fields = batch.fields
    if fields is not None and former_fields is not None:
        fields = np.where(under_former[:, np.newaxis], former_fields, fields)
    if rotating.witness is not None:
        keys = None if batch.keys is None or former_keys is None else (former_keys, batch.keys)
        pair = None if batch.fields is None or fields is None else (fields[under_former], batch.fields[under_former])
        rotating.witness.read(batch.numbers[under_former], keys, pair)
    return replace(batch, fields=fields, former_keys=former_keys)


def _hashed(hashes: Column, keyed: Callable[[Words], Words]) -> Words:
    """Fingerprints of a column of SHA-256 values; rows without one stay zero."""
    assert isinstance(hashes, Texts)
    filled = hashes.lengths() > 0
    prints = np.zeros((len(filled), 2), dtype=np.uint64)
    prints[filled] = keyed(words_of(hashes.content, _HASH_WORDS))
    return prints
