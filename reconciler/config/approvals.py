"""An approval file, YAML or JSON -> its checked fields. What it is good for is in signoff.py."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, Final

from reconciler.config.document import Document, Tree
from reconciler.config.reading import MAX_BYTES, Reader
from reconciler.config.schemas import validator
from reconciler.config.words import Complaints
from reconciler.errors import Blocked, ConfigInvalid

_KIND: Final = "Approval"


def read(path: Path) -> dict[str, Any]:
    """The fields of schemas/approval.schema.json. Raises Blocked where there is no such file, ConfigInvalid where it is another thing."""
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise Blocked(f"{path.name} cannot be read ({error.strerror}).") from None
    complaints = Complaints()
    documents = Reader(complaints.found).documents(content, path.name)
    if not complaints.found and len(documents) != 1:
        complaints.file(path.name, "document", f"An approval file holds one approval; this one holds {len(documents)}.")
    tree = _judged(documents[0], complaints) if documents else {}
    if complaints.found:
        raise ConfigInvalid(complaints.found)
    return tree


def _judged(document: Document, complaints: Complaints) -> Tree:
    document.kind = _KIND
    if not validator(_KIND).is_valid(document.tree):
        from reconciler.config import wording  # jsonschema is slow to import, and mostly there is nothing to say

        wording.complain(document, complaints)
    elif not _is_moment(document.tree["expires"]):
        complaints.at(document, ("expires",), "format", "expires is no day and time that exists.")
    return document.tree


def _is_moment(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
