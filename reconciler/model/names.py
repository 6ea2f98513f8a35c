"""The names of things: keys, places in files, references to secrets, and the number nobody may see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, NewType

Json = None | bool | int | str | list["Json"] | dict[str, "Json"]
Spec = Mapping[str, Json]  # one object in our own vocabulary, see `Resource`
Path = tuple[str, ...]  # into a Spec: ("schedule", "windows", "mon")
Person = NewType("Person", bytes)  # 16 bytes: keyed fingerprint of one E.164 number, the same in the whole project

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Phone:
    """One E.164 number (`+` and digits).

    Prints as `•••`; only `reveal()` gives it away, at the wire and nowhere else.
    """

    __slots__ = ("_e164",)

    def __init__(self, e164: str) -> None:
        self._e164 = e164

    def reveal(self) -> str:
        return self._e164

    def __repr__(self) -> str:
        return "•••"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Phone) and other._e164 == self._e164

    def __hash__(self) -> int:
        return hash(self._e164)

    def __reduce__(self) -> tuple[type[Phone], tuple[str]]:
        raise TypeError("a phone number is never pickled")


@dataclass(frozen=True, slots=True)
class Reference:
    """Where a secret (or a path, or an address) is to be found: `{env: NAME}` or `{file: path}`. Holds no value."""

    kind: Literal["env", "file"]
    name: str

    def __str__(self) -> str:
        return f"{{{self.kind}: {self.name}}}"


@dataclass(frozen=True, slots=True, order=True)
class Source:
    """Where something is declared; lines and columns count from 1."""

    file: str
    line: int
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """Our name for one thing.

    A contact set of a campaign is a thing of its own: `conn/campaign/spring/contacts/may`.
    """

    connection: str
    kind: Literal["campaign", "contacts"]
    name: str
    contacts: str = ""

    def __str__(self) -> str:
        tail = f"/contacts/{self.contacts}" if self.contacts else ""
        return f"{self.connection}/campaign/{self.name}{tail}"

    @property
    def campaign(self) -> Key:
        return Key(self.connection, "campaign", self.name)

    def contact_set(self, name: str) -> Key:
        return Key(self.connection, "contacts", self.name, name)

    @classmethod
    def parse(cls, text: str) -> Key:
        """Raises ValueError where `text` is not what `str(key)` prints."""
        match text.split("/"):
            case [connection, "campaign", name]:
                return cls(connection, "campaign", name)
            case [connection, "campaign", name, "contacts", contacts]:
                return cls(connection, "contacts", name, contacts)
        raise ValueError(f"{text!r} is no key: write CONNECTION/campaign/NAME")


@dataclass(frozen=True, slots=True)
class SharedPart:
    """Something that campaigns name, and all the declared campaigns that name it, whatever was selected. `source`: file:line."""

    kind: Literal["Schedule", "RecallPolicy", "ContactSet"]
    name: str
    source: str
    campaigns: tuple[Key, ...]
