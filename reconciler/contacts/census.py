"""Everybody of one campaign read once and numbered: sources opened together, rows fingerprinted, lists read. Judges nobody."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from reconciler.contacts.delta import REJECTED, Crowd, Ids, Rows, SetRows
from reconciler.contacts.files import Asked
from reconciler.contacts.lookup import NOBODY, Index, grouped
from reconciler.contacts.numbers import Reason, unknown
from reconciler.contacts.people import PeopleRequest, Roll
from reconciler.contacts.rotation import Rotating, Translation
from reconciler.contacts.rows import Batch, Layout, Reading, Reasons, coded, fingerprinted
from reconciler.contacts.sent import SentTable
from reconciler.contacts.source import Part, check_all_there, parts_of
from reconciler.contacts.suppress import Suppressed, read_list
from reconciler.contacts.words import Words
from reconciler.errors import ConfigInvalid, Problem
from reconciler.model import ContactSet, Phone

Lists = Mapping[tuple[str, str], Suppressed]  # by name and by the region of the set that is protected


@dataclass(frozen=True, slots=True)
class Census:
    """`rolls` and `rows` of the declared sets, in their order; `crowd`: whom the ids in `rows` stand for."""

    rolls: Sequence[Roll] = field(repr=False)
    rows: Sequence[SetRows] = field(repr=False)
    crowd: Crowd = field(repr=False)
    lists: Lists = field(repr=False)


def take(request: PeopleRequest) -> Census:
    """Raises ConfigInvalid with everything that is wrong with the sources, and Blocked where a list cannot be read whole."""
    opened = _opened(request)
    lists = _lists(request)
    sent = request.sent if isinstance(request.sent, SentTable) else SentTable.of(request.sent)
    known = Index(sent.people)
    translation = _translation(request, sent)
    read = [_read(request, declared, parts, known, translation) for declared, parts in opened]
    sent = replace(sent, keys=translation.keys()) if translation else sent
    new, groups = grouped(np.concatenate([NOBODY, *(piece.new for _, piece in read)]))
    start = 0
    for _, piece in read:
        end = start + len(piece.newcomers)
        piece.ids[piece.newcomers] = groups[start:end] + np.int32(len(sent))
        start = end
    rows = [
        SetRows(roll.declared.name, roll.declared.mode == "mirror", piece.ids, piece.keys, piece.fields)
        for roll, piece in read
    ]
    return Census([roll for roll, _ in read], rows, Crowd(sent, known, new, [piece.ids for _, piece in read]), lists)


def _translation(request: PeopleRequest, sent: SentTable) -> Translation | None:
    """None with one contact key."""
    return Translation(sent.keys) if isinstance(request.fingerprints, Rotating) and sent.keys is not None else None


def region_of(request: PeopleRequest, declared: ContactSet) -> str:
    return declared.region or request.region


def _opened(request: PeopleRequest) -> list[tuple[ContactSet, list[Part]]]:
    opened, problems = [], list[Problem]()
    for declared in request.sets:
        columns = {"phone": declared.columns.phone}
        columns |= {"key": declared.columns.key} if declared.columns.key else {}
        columns |= {f"f{i}": declared.columns.fields[name] for i, name in enumerate(sorted(declared.columns.fields))}
        owner = f"Contact set {declared.name}"
        asked = Asked(owner, declared.origin, columns, declared.source, request.root, request.environ)
        try:
            if wrong := unknown(region_of(request, declared)):
                raise asked.refused(wrong, "region")
            opened.append((declared, parts_of(asked)))
        except ConfigInvalid as error:
            problems += error.problems
    if problems:
        raise ConfigInvalid(problems)
    return opened


def _lists(request: PeopleRequest) -> Lists:
    reading = Reading(request.root, request.environ, request.fingerprints, request.now)
    wanted = {(name, region_of(request, declared)): None for declared in request.sets for name in declared.suppress}
    return {(name, region): read_list(request.suppressions[name], region, reading) for name, region in wanted}


class _Piece(NamedTuple):
    """What is kept of one batch, or of all of them. `newcomers`: rows whose number the ledger does not know, `new`: who they are."""

    ids: Ids
    reasons: Reasons
    newcomers: Rows
    new: Words
    keys: Words | None
    fields: Words | None


def _read(
    request: PeopleRequest, declared: ContactSet, parts: Sequence[Part], known: Index, translation: Translation | None
) -> tuple[Roll, _Piece]:
    columns = declared.columns
    fields = tuple(sorted(columns.fields))
    layout = Layout(region_of(request, declared), bool(columns.key), fields, request.key_required)
    starts: list[int] = []
    pieces: list[_Piece] = []
    row = 0
    for part in parts:
        starts.append(row)
        for batch in fingerprinted(part, layout, request.fingerprints):
            if translation and batch.keys is not None and batch.former_keys is not None:
                translation.learn(batch.former_keys, batch.keys)
            pieces.append(_piece(batch, row, known, request.accepts))
            row += len(batch)
    check_all_there(parts)
    whole = _joined(pieces)
    rejected = np.flatnonzero(whole.reasons)
    return Roll(declared, parts, layout, starts, row, rejected, whole.reasons[rejected]), whole


def _piece(batch: Batch, row: int, known: Index, accepts: Callable[[Phone], bool] | None) -> _Piece:
    """A batch that begins at `row`. Numbers that the ledger does not know are rejected where the vendor's form cannot hold them."""
    ids, reasons = known.find(batch.people), batch.reasons
    if accepts:
        for new in np.flatnonzero((reasons == 0) & (ids < 0)).tolist():
            if not accepts(Phone(f"+{batch.numbers[new]}")):
                reasons[new] = coded(Reason.NOT_DIALABLE_HERE)
    ids[reasons > 0] = REJECTED
    fresh = np.flatnonzero((reasons == 0) & (ids < 0))
    return _Piece(ids, reasons, fresh + row, batch.people[fresh], batch.keys, batch.fields)


def _joined(pieces: Sequence[_Piece]) -> _Piece:
    if not pieces:
        pieces = [_Piece(np.empty(0, np.int32), np.empty(0, np.uint8), np.empty(0, np.intp), NOBODY, None, None)]
    keys = [piece.keys for piece in pieces if piece.keys is not None]
    fields = [piece.fields for piece in pieces if piece.fields is not None]
    return _Piece(
        np.concatenate([piece.ids for piece in pieces]),
        np.concatenate([piece.reasons for piece in pieces]),
        np.concatenate([piece.newcomers for piece in pieces]),
        np.concatenate([piece.new for piece in pieces]),
        np.concatenate(keys) if keys else None,
        np.concatenate(fields) if fields else None,
    )
