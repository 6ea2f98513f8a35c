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
from array import array
from pathlib import Path
from typing import Any, Final

import msgspec

from reconciler import __version__
from reconciler.config.document import Document, outline
from reconciler.config.schemas import folder

_FILE: Final = ".reconciler/cache/documents.msgpack"
_FORMAT: Final = 1


class _Record(msgspec.Struct, array_like=True, gc=False):
    """One document; `marks` as bytes of this machine, see `Document`."""

    start: int
    kind: str
    signature: str
    marks: bytes
    digest: bytes
    tree: dict[str, Any]


_decode_files = msgspec.msgpack.Decoder(dict[bytes, msgspec.Raw]).decode
_decode_records = msgspec.msgpack.Decoder(list[_Record]).decode
_encode = msgspec.msgpack.Encoder().encode
_SEAL: Final = hashlib.sha256().digest_size


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
        self._used: dict[bytes, msgspec.Raw | bytes] = {}

    def _load(self) -> dict[bytes, msgspec.Raw]:
        try:
            with open(os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as stream:
                status, blob = os.fstat(stream.fileno()), memoryview(stream.read())
            if stat.S_IMODE(status.st_mode) == 0o600 and blob[:_SEAL] == self._seal(status, blob[_SEAL:]):
                return _decode_files(blob[_SEAL:])
        except (OSError, msgspec.MsgspecError):
            pass
        return {}

    def _seal(self, status: os.stat_result, payload: bytes | memoryview) -> bytes:
        """Over the content, the version, and what only the disk that wrote the file knows: committing one is no use."""
        seal = hashlib.sha256(f"{self._version} {status.st_ino} {status.st_mtime_ns}".encode())
        seal.update(payload)
        return seal.digest()

    def documents(self, content: bytes, file: str) -> list[Document] | None:
        """What was kept for these bytes, or None."""
        name = hashlib.sha256(content).digest()
        raw = self._known.get(name)
        if raw is None:
            return None
        records = _decode_records(raw)
        self._used[name] = raw
        return [_document(record, file) for record in records]

    def keep(self, content: bytes, documents: list[Document]) -> None:
        """Remember a file all of whose documents are sound."""
        if documents and not any(map(_holds_people, documents)):
            self._used[hashlib.sha256(content).digest()] = _encode([_record(document) for document in documents])

    def save(self) -> None:
        """Write what was used this time, if that is not what is there already."""
        if self._used.keys() == self._known.keys():
            return
        with contextlib.suppress(OSError):
            self._write({name: msgspec.Raw(raw) for name, raw in self._used.items()})

    def _write(self, files: dict[bytes, msgspec.Raw]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        payload = _encode(files)
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


def _holds_people(document: Document) -> bool:
    source = document.tree["spec"].get("source")
    return isinstance(source, dict) and "inline" in source


def _record(document: Document) -> _Record:
    return _Record(
        document.start,
        document.kind,
        document.outline.signature,
        document.marks.tobytes(),
        document.digest,
        document.tree,
    )


def _document(record: _Record, file: str) -> Document:
    marks = array("Q", record.marks)
    signature = outline(record.signature)
    return Document(file, record.start, record.tree, marks, signature, record.kind, record.digest, sound=True)
