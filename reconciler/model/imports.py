"""What an import found, wrote and left: told by render/, made by importing/."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Left:
    """A campaign that was left as it is, and why, in a sentence; `name` is the vendor's and may say anything."""

    vendor_id: str
    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Unwritten:
    """A field of an imported campaign that its YAML does not manage, and why."""

    file: str
    path: str
    why: str


@dataclass(frozen=True, slots=True)
class Imported:
    """`files`: path -> YAML that was made, shared parts first. `campaigns`: how many were made; `declared`: how many were declared or
    bound before. `folder`: empty where nothing was written. `included`: whether `include` of the project matches the files.
    """

    connection: str
    folder: str
    files: Mapping[str, str]
    campaigns: int
    declared: int
    schedules: int
    recalls: int
    left: tuple[Left, ...]
    unwritten: tuple[Unwritten, ...]
    included: bool
