"""What libyaml complains about, in words that say what to do next."""

from __future__ import annotations

from typing import Any, Final

from reconciler.errors import Problem

# libyaml's problem -> our sentence. "context" where the opening mark is the better place to point at.
_SENTENCES: Final = {
    "mapping values are not allowed in this context": (
        "problem",
        "A key stands where none can: indent it like its neighbours, and quote a text with a colon and a space.",
    ),
    "block sequence entries are not allowed in this context": (
        "problem",
        "A list item (-) begins on a line of its own.",
    ),
    "did not find expected ',' or ']'": ("context", "This list is not closed: a ] or a comma is missing."),
    "did not find expected ',' or '}'": ("context", "This mapping is not closed: a } or a comma is missing."),
    "did not find expected '-' indicator": (
        "problem",
        "The list ends here: indent this line, or begin it with a dash.",
    ),
    "did not find expected key": (
        "problem",
        "This line does not fit: indent it like its neighbours, and quote a text that holds quotes or brackets.",
    ),
    "did not find expected node content": ("problem", "A value is missing here, or a bracket stands too early."),
    "could not find expected ':'": ("context", "This line has no colon: write key: value."),
    "found unexpected end of stream": ("context", "The quote that opens here is never closed."),
    "found undefined alias": ("problem", "This alias names no anchor: define it with & above."),
    "second occurrence": ("problem", "This anchor is defined twice: give it another name."),
    "found unknown escape character": ("problem", "Unknown escape: write \\\\ for a backslash, or use single quotes."),
    "found undefined tag handle": ("problem", "Tags are not supported: nothing in a file executes. Take it out."),
    "found incompatible YAML document": ("problem", "Only YAML 1.1 and 1.2 can be read: take the %YAML line out."),
    "did not find expected <document start>": ("problem", "A new document begins with a line of three dashes."),
}
_TAB: Final = "A tab is used to indent: YAML allows only spaces."


def unreadable(content: bytes, file: str, limit: int) -> Problem | None:
    """A problem where `content` cannot be YAML of ours at all: too large, or not UTF-8."""
    if len(content) > limit:
        return Problem(
            file, 0, 0, f"The file is larger than {limit // 1024} KiB: split it; people belong in a source.", "size"
        )
    try:
        content.decode()
    except UnicodeDecodeError as error:
        message = "The file is not UTF-8 from here on: save it as UTF-8."
        return Problem(file, *_place(content, error.start), message, "encoding")
    return None


def broken(error: Any, content: bytes, file: str) -> Problem:
    """The sentence for one error of libyaml (its exception classes have no types)."""
    if getattr(error, "reason", None) is not None:
        message = "A control character stands here: take it out."
        return Problem(file, *_place(content, error.position), message, "yaml")
    where, sentence = _SENTENCES.get(error.problem, ("problem", f"This is not YAML: {error.problem}."))
    mark = error.context_mark if where == "context" and error.context_mark is not None else error.problem_mark
    lines = content.decode().splitlines()
    line = lines[mark.line] if mark.line < len(lines) else ""
    if "tab character" in error.problem or line[mark.column : mark.column + 1] == "\t":
        sentence = _TAB
    elif mark.line >= len(lines) and where == "problem":
        sentence = "The file ends too early: a bracket or a value is missing."
    elif error.problem == "found character that cannot start any token":
        sentence = f"No value can begin with {line[mark.column : mark.column + 1]}: put the text in quotes."
    return Problem(file, mark.line + 1, mark.column + 1, sentence, "yaml")


def _place(content: bytes, offset: int) -> tuple[int, int]:
    before = content[:offset]
    start = before.rfind(b"\n") + 1
    return before.count(b"\n") + 1, len(before[start:].decode(errors="replace")) + 1
