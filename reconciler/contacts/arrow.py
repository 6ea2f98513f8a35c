"""A query's result as numpy columns, batch by batch, over the Arrow C stream interface: bounded memory, no Python rows.

Only what our queries return is understood: unsigned 64-bit integers, text and blobs, none of them NULL.
The layout of the structures is https://arrow.apache.org/docs/format/CDataInterface.html and CStreamInterface.html.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


class StreamFailed(Exception):
    """The query failed while its rows were read. Says nothing of why: the engine's words may quote what it read."""


class Streams(Protocol):
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...


@dataclass(frozen=True, slots=True)
class Texts:
    """A column of byte strings: `ends[i]:ends[i + 1]` of `content` is one of them. Prints as its size only."""

    ends: NDArray[np.int32]
    content: NDArray[np.uint8]

    def __repr__(self) -> str:
        return f"Texts({len(self.ends) - 1})"

    def lengths(self) -> NDArray[np.int32]:
        return np.diff(self.ends)

    def text(self, row: int) -> str:
        return self.content[self.ends[row] : self.ends[row + 1]].tobytes().decode()


Column = NDArray[np.uint64] | Texts


class _Array(ctypes.Structure):
    pass


_Release = ctypes.CFUNCTYPE(None, ctypes.POINTER(_Array))
_Array._fields_ = [
    ("length", ctypes.c_int64),
    ("null_count", ctypes.c_int64),
    ("offset", ctypes.c_int64),
    ("n_buffers", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("buffers", ctypes.POINTER(ctypes.c_void_p)),
    ("children", ctypes.POINTER(ctypes.POINTER(_Array))),
    ("dictionary", ctypes.c_void_p),
    ("release", _Release),
    ("private_data", ctypes.c_void_p),
]


class _Stream(ctypes.Structure):
    pass


_Next = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(_Stream), ctypes.POINTER(_Array))
_Stream._fields_ = [
    ("get_schema", ctypes.c_void_p),
    ("get_next", _Next),
    ("get_last_error", ctypes.c_void_p),
    ("release", ctypes.c_void_p),
    ("private_data", ctypes.c_void_p),
]

_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_pointer.restype = ctypes.c_void_p
_pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]


def batches(relation: Streams, texts: Sequence[bool]) -> Iterator[list[Column]]:
    """Columns of one batch after another; `texts`: which of them are text or blobs. Raises StreamFailed."""
    capsule = relation.__arrow_c_stream__()
    stream = _Stream.from_address(_pointer(capsule, b"arrow_array_stream"))
    while True:
        batch = _Array()
        if stream.get_next(ctypes.byref(stream), ctypes.byref(batch)):
            raise StreamFailed
        if not batch.release:
            return
        try:
            yield [_column(batch.children[i].contents, batch.length, is_text) for i, is_text in enumerate(texts)]
        finally:
            batch.release(ctypes.byref(batch))


def _column(array: Any, length: int, is_text: bool) -> Column:
    start = array.offset
    if not is_text:
        return _buffer(array, 1, ctypes.c_uint64, start + length)[start:].copy()
    ends = _buffer(array, 1, ctypes.c_int32, start + length + 1)[start:].copy()
    return Texts(ends, _buffer(array, 2, ctypes.c_uint8, int(ends[-1])).copy())


def _buffer(array: Any, number: int, kind: type, length: int) -> NDArray[Any]:
    if not length:
        return np.empty(0, dtype=kind)
    return np.ctypeslib.as_array(ctypes.cast(array.buffers[number], ctypes.POINTER(kind)), (length,))
