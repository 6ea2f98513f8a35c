"""Which call meets which fault: the rules of `--faults FILE` and of `PUT /_sim/faults`.

How a fault is played on the socket is in `app.py` and `wire.py`.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import yaml
from msgspec import Meta

Status = Annotated[int, Meta(ge=300, le=599)]
Word = Literal["drop", "reset", "garbage", "html", "empty", "truncate", "slow", "late", "partial"]


class FaultsError(ValueError):
    """The fault rules cannot be read; the message says where and why."""


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One rule: the calls it is about, which of them it hits, and what happens to those.

    | fault | the client gets |
    |---|---|
    | 300 to 599 | that status, with `Retry-After: retry_after` where given, a 3xx with a `Location` |
    | drop, reset, garbage | no reply and the end of the connection; the same with RST; bytes that are not HTTP |
    | html, empty | 200 with a web page; the vendor's status and headers without its body |
    | truncate | the vendor's reply, cut in half |
    | slow | the vendor's reply, `seconds` late |
    | late | no reply (as drop); the vendor does the work `seconds` after that |
    | partial | the reply of a batch call that handled its first `items` only |

    `when` says whether the vendor does the work: `before` the fault it never did (slow: it does it after the wait),
    `after` it did it all. late and partial have no `when`.
    """

    fault: Word | Status
    vendor: str | None = None
    method: str | None = None
    path: str = ""
    """Searched as a regular expression in the path as on the vendor's host, such as `^/v3/lead/multi$`."""
    nth: Annotated[int, Meta(ge=1)] | None = None
    every: Annotated[int, Meta(ge=1)] | None = None
    first: Annotated[int, Meta(ge=1)] | None = None
    when: Literal["before", "after"] = "before"
    seconds: Annotated[float, Meta(ge=0)] = 1
    items: Annotated[int, Meta(ge=0)] = 1
    retry_after: int | None = None

    def __post_init__(self) -> None:
        try:
            re.compile(self.path)
        except re.error as error:
            raise ValueError(f"path is not a regular expression: {error}") from error

    def concerns(self, vendor: str, method: str, path: str) -> bool:
        """Whether a call counts for this rule."""
        return (
            self.vendor in (None, vendor) and self.method in (None, method) and re.search(self.path, path) is not None
        )

    def hits(self, count: int) -> bool:
        """Whether the rule hits the `count`th call it is about; nth, every and first add up, none of them means all."""
        if not (self.nth or self.every or self.first):
            return True
        return (
            count == self.nth
            or (self.every is not None and count % self.every == 0)
            or (self.first is not None and count <= self.first)
        )


class Faults:
    """The rules in force and how many calls each has counted."""

    def __init__(self, rules: Sequence[Rule] = ()) -> None:
        self.rules = tuple(rules)
        self._counts = [0] * len(self.rules)

    def pick(self, vendor: str, method: str, path: str) -> Rule | None:
        """Count the call; the first rule that hits it, or None."""
        hit = None
        for index, rule in enumerate(self.rules):
            if rule.concerns(vendor, method, path):
                self._counts[index] += 1
                if hit is None and rule.hits(self._counts[index]):
                    hit = rule
        return hit


def parse(rules: Any) -> list[Rule]:
    """Rules from plain objects; FaultsError where one is not a rule."""
    try:
        return msgspec.convert(rules, list[Rule])
    except msgspec.ValidationError as error:
        raise FaultsError(str(error)) from error


def load(path: Path) -> list[Rule]:
    """Rules from a YAML file; FaultsError, or OSError where it cannot be opened."""
    try:
        return parse(yaml.safe_load(path.read_text("utf-8")) or [])
    except (yaml.YAMLError, UnicodeDecodeError, FaultsError) as error:
        raise FaultsError(f"{path}: {error}") from error
