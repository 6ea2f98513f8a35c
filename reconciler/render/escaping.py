"""Any text as itself inside Markdown: what CommonMark, GitHub and GitLab would make something of is taken apart. Knows no plan."""

from __future__ import annotations

import re
from typing import Final

from reconciler.redact import inert

_APART: Final = "&#8203;"  # a space of no width: two halves of a reference are none
# In this order, at each place the first that fits. References are looked for by the hosts in the text that was rendered, so that an entity
# does not help there: only standing apart does, or standing in <code>, which is left alone and can be copied.
_SPECIAL: Final = re.compile(
    r"""
      (?P<commit>(?<![0-9a-z])[0-9a-f]{7,}(?:-[0-9a-f]+)*(?![0-9a-z]))
    | (?P<scheme>:)(?=//)
    | (?P<www>www)(?=\.)
    | (?P<issue>\bgh)(?=-\d)
    | (?P<emoji>:)(?!\d\dZ\Z)(?=(?:[a-z0-9_+-]*[a-z][a-z0-9_+-]*|100|1234|[+-]1)(?::|\Z))
    | (?P<math>\$)
    | (?P<sign>@|\#|!(?=\d)|&(?=\d)|%(?=[\w"])|~(?=[\w"])|\^(?=[a-z])|\*(?=iteration:)|\[(?=[a-z_]+:|[\[+-])|\{(?=[+-]))
    | (?P<mark>[\\`*\[\]|~<>&^{}]|(?<![0-9a-z])_|_(?![0-9a-z])|\A[-+=:!]|(?<=\A\d)[.)]|(?<=\A\d\d)[.)])
    """,
    re.IGNORECASE | re.VERBOSE,
)


def escape(text: str) -> str:
    """Text that reads the same, also in a table, a heading and HTML: no mention, link, image, tag, emphasis or line break gets through."""
    return _SPECIAL.sub(_taken_apart, inert(text))


def _taken_apart(found: re.Match[str]) -> str:
    kind, text = found.lastgroup, found.group()
    if kind == "commit":
        return f"<code>{text}</code>"
    if kind == "math":
        return "<span>$</span>" + _APART
    if kind == "mark":
        return _entity(text)
    return (_entity(text) if text in "&*[{~^" else text) + _APART


def _entity(character: str) -> str:
    return f"&#{ord(character)};"


def code(text: str) -> str:
    """Text in a code span, to be copied as it is; not for tables and not inside of HTML."""
    flat = inert(text)
    fence = "`" * (max((len(run) for run in re.findall("`+", flat)), default=0) + 1)
    pad = " " if flat.startswith("`") or flat.endswith("`") else ""
    return f"{fence}{pad}{flat}{pad}{fence}" if flat else ""


def short(text: str, most: int = 300) -> str:
    """At most `most` characters of a text that may have any length."""
    return text if len(text) <= most else text[: most - 1] + "…"
