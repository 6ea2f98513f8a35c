"""What moved at the vendors since we applied last, as plain frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from reconciler.model.names import Json, Key, Path
from reconciler.model.plan import Doubt, Unmanaged


class DriftClass(StrEnum):
    """What a drift means for people, worst last. Widening: somebody may be called who would not have been, earlier, later, more often
    or faster; a field of which both is true is widening.
    """

    NEUTRAL = "neutral"
    RESTRICTING = "restricting"
    WIDENING = "widening"


@dataclass(frozen=True, slots=True)
class FieldDrift:
    """`before` is what we applied last, `after` what is live."""

    path: Path
    before: Json
    after: Json
    kind: DriftClass


@dataclass(frozen=True, slots=True)
class ObjectDrift:
    """One campaign that is no longer as we left it. `gone`: it is not there any more, and has no fields.

    `source`: where it is declared, empty where it is not declared any more. `changed_at`: when anything of it was changed last (RFC
    3339), empty where the vendor does not tell. `zone`: in which its hours are meant.
    """

    key: Key
    vendor: str
    vendor_id: str
    fields: tuple[FieldDrift, ...]
    kind: DriftClass
    source: str = ""
    changed_at: str = ""
    gone: bool = False
    zone: str = ""


@dataclass(frozen=True, slots=True)
class Unverified:
    """Fields (dotted) of which nobody can say whether they are as we left them. `since`: when they were applied, a date; `why`: a
    sentence.
    """

    key: Key
    fields: tuple[str, ...]
    since: str
    why: str


@dataclass(frozen=True, slots=True)
class PeopleDrift:
    """Whom one campaign holds beside whom we sent. `changed`: how many hold other fields than we sent; None where nobody looked."""

    key: Key
    how: Literal["counts", "full"]
    expected: int
    missing: int
    extra: int
    twice: int = 0
    changed: int | None = None

    @property
    def moved(self) -> bool:
        return bool(self.missing or self.extra or self.twice or self.changed)


@dataclass(frozen=True, slots=True)
class Running:
    """A campaign that may dial and should not, as far as Git knows. `key`: empty where nothing is bound to it."""

    connection: str
    vendor_id: str
    name: str
    run: str
    key: str
    why: str


@dataclass(frozen=True, slots=True)
class Adopted:
    """One value taken into a declaration. `note`: where more than the line changed, such as a copy that was made."""

    key: Key
    path: Path
    source: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """One value that was not, and why, in a sentence that says what to do."""

    key: Key
    path: Path
    why: str


@dataclass(frozen=True, slots=True)
class Drift:
    """Live against last applied. `compared`: how many bound campaigns were looked at; `contacts`: None where nobody asked for them."""

    project: str
    lineage: str
    serial: int
    compared: int
    objects: tuple[ObjectDrift, ...] = ()
    contacts: tuple[PeopleDrift, ...] | None = None
    unmanaged: tuple[Unmanaged, ...] = ()
    running: tuple[Running, ...] = ()
    unverified: tuple[Unverified, ...] = ()
    in_doubt: tuple[Doubt, ...] = ()
    adopted: tuple[Adopted, ...] = ()
    refused: tuple[Refused, ...] = ()
    select: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    @property
    def partial(self) -> bool:
        return bool(self.select or self.exclude)

    @property
    def found(self) -> bool:
        """Whether anything of ours drifted; what others run beside it is listed and no drift."""
        ours = any(one.key for one in self.running)
        return bool(self.objects or ours or any(one.moved for one in self.contacts or ()))
