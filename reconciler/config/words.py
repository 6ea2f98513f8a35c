"""Pieces of sentences that all messages about a declaration share."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.config.document import Document, Path
from reconciler.errors import Problem
from reconciler.redact import foreign


def quoted(text: str) -> str:
    """Text from a file, made safe to print."""
    return f'"{foreign(text, 60)}"'


def subject(document: Document) -> str:
    """Who a sentence is about: `Campaign spring-renewals: `."""
    return f"{document.kind} {foreign(document.name, 63)}: " if document.name else f"{document.kind}: "


def field(path: Path) -> str:
    """How a field is named in a message: `windows[0].from`; what everything has in common is left out."""
    text = ""
    for part in path[1:] if len(path) > 1 and path[0] == "spec" else path:
        text += f"[{part}]" if isinstance(part, int) else f".{foreign(part, 60)}"
    return text.lstrip(".") or "the document"


def suggestion(word: str, choices: Iterable[str]) -> str:
    """` Did you mean "x"?` where something is close, else nothing."""
    import difflib

    close = difflib.get_close_matches(word, list(choices), 1, 0.72)
    return f' Did you mean "{close[0]}"?' if close else ""


class Complaints:
    """Everything that is wrong, gathered until all is read."""

    def __init__(self) -> None:
        self.found: list[Problem] = []

    def at(self, document: Document, path: Path, rule: str, sentence: str) -> None:
        """`sentence` is about the field at `path`; where the field is not written, about what it would stand in."""
        source = document.place_of(path)
        self.found.append(Problem(source.file, source.line, source.column, subject(document) + sentence, rule))

    def file(self, file: str, rule: str, sentence: str) -> None:
        """About a file as a whole."""
        self.found.append(Problem(file, 0, 0, sentence, rule))
