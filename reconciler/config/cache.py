"""Parsed files remembered by the hash of their bytes, so that an unchanged file is neither parsed nor checked again.

Only sound documents are kept, and none with people in it. A cache that is broken, of another version or of another
disk is not believed and built anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tempfile
from pathlib import Path
from typing import Final

import msgspec

from reconciler import __version__
from reconciler.config.document import Document, Outline, outline
from reconciler.config.schemas import folder

_FILE: Final = ".reconciler/cache/documents.msgpack"
_FORMAT: Final = 2
_SEAL: Final = hashlib.sha256().digest_size


class _Record(msgspec.Struct, array_like=True, gc=False):
    """One document, see there; `outline` is the id of one."""

    start: int
    kind: str
    name: str
    outline: bytes
    marks: bytes
    lines: bytes
    digest: bytes
    tree: msgspec.Raw


class _Stored(msgspec.Struct, array_like=True):
    """`files`: hash of the content -> its records; `outlines`: id -> signature, each once though thousands share it."""

    files: dict[bytes, msgspec.Raw] = {}
    outlines: dict[bytes, str] = {}


_decode = msgspec.msgpack.Decoder(_Stored).decode
_decode_records = msgspec.msgpack.Decoder(list[_Record]).decode
_encode = msgspec.msgpack.Encoder().encode


def _version() -> str:
    """Changes with the tool and with any schema: what was sound for another may not be for this."""
    schemas = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(folder().rglob("*.json"))))
    return f"{__version__} {_FORMAT} {schemas.hexdigest()}"


class Cache:
    """The cache of one repository. Nothing that goes wrong with it is an error: it only costs time."""

    def __init__(self, root: Path) -> None:
        self._path = root / _FILE
        self._version = _version()
        self._known = self._load()
        self._outlines = {name: outline(signature) for name, signature in self._known.outlines.items()}
        self._used = _Stored(files={}, outlines={})

    def _load(self) -> _Stored:
        try:
            with open(os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as stream:
                status, content = os.fstat(stream.fileno()), memoryview(stream.read())
            if stat.S_IMODE(status.st_mode) == 0o600 and content[:_SEAL] == self._seal(status, content[_SEAL:]):
                return _decode(content[_SEAL:])
        except (OSError, msgspec.MsgspecError):
            pass
        return _Stored()

    def _seal(self, status: os.stat_result, payload: bytes | memoryview) -> bytes:
        """Over the content, the version, and what only the disk that wrote the file knows: committing one is no use."""
        seal = hashlib.sha256(f"{self._version} {status.st_ino} {status.st_mtime_ns}".encode())
        seal.update(payload)
        return seal.digest()

    def documents(self, content: bytes, file: str) -> list[Document] | None:
        """What was kept for these bytes, or None."""
        name = hashlib.sha256(content).digest()
        raw = self._known.files.get(name)
        if raw is None:
            return None
        self._used.files[name] = raw
        return [self._document(record, file) for record in _decode_records(raw)]

    def _document(self, record: _Record, file: str) -> Document:
        shape = self._outlines[record.outline]
        self._used.outlines[shape.id] = shape.signature
        return Document(
            file,
            record.start,
            record.kind,
            record.marks,
            shape,
            record.name,
            record.tree,
            record.digest,
            known_lines=record.lines,
        )

    def keep(self, content: bytes, documents: list[Document]) -> None:
        """Remember a file all of whose documents are sound."""
        if not documents or any(document.holds_people for document in documents):
            return
        records = [self._record(document, document.outline) for document in documents]
        self._used.files[hashlib.sha256(content).digest()] = msgspec.Raw(_encode(records))

    def _record(self, document: Document, shape: Outline) -> _Record:
        self._used.outlines[shape.id] = shape.signature
        return _Record(
            document.start,
            document.kind,
            document.name,
            shape.id,
            document.marks,
            document.lines,
            document.digest,
            document.sealed or msgspec.Raw(),
        )

    def save(self) -> None:
        """Write what was used this time, if that is not what is there already."""
        if self._used.files.keys() != self._known.files.keys():
            with contextlib.suppress(OSError):
                self._write(_encode(self._used))

    def _write(self, payload: bytes) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, name = tempfile.mkstemp(dir=self._path.parent)  # 0600 from the start
        try:
            with open(descriptor, "wb") as stream:
                status = os.fstat(descriptor)
                stream.write(self._seal(status, payload))
                stream.write(payload)
                stream.flush()
                os.utime(descriptor, ns=(status.st_mtime_ns, status.st_mtime_ns))
            os.replace(name, self._path)
        except OSError:
            os.unlink(name)
            raise
