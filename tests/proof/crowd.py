"""Invented people and keys, thousands of them, in the sources of an office; nothing in them occurs anywhere by chance."""

from __future__ import annotations

import random
import string
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import phonenumbers

from reconciler.simulator.world import World
from tests.office import Office, office
from tests.proof.sieve import Sieve

SYLLABLES = {
    "VN": ["nguyễn", "trầm", "quỳnh", "phượng", "thảo", "khuê", "ngọc", "đăng", "hưởng", "lễm"],
    "PL": ["święt", "grze", "brzę", "czysz", "łomż", "ćwik", "wąs", "dźwi", "rzeż", "śnia"],
    "RU": ["щер", "быч", "жмел", "ковт", "зюль", "грум", "фяск", "хворс", "цапл", "юшн"],
    "DE": ["schwär", "grün", "jähn", "kröp", "bühl", "straß", "zwöl", "pfänd", "lüdt", "höck"],
}
STARTS = {
    "VN": ["3", "5", "7", "8", "9"],
    "PL": ["5", "6", "7", "88"],
    "RU": ["9"],
    "DE": ["15", "16", "17"],
    "UA": ["6", "9"],
    "US": ["2", "3"],
}
LENGTHS = {"VN": 9, "PL": 9, "RU": 10, "DE": 11, "UA": 9, "US": 10}
ABROAD = ("DE", "UA", "US")


@dataclass(frozen=True, slots=True)
class Person:
    """`national`: the significant number; `surname` and `code` are of letters alone and nobody else's."""

    region: str
    national: str
    surname: str
    code: str

    @property
    def e164(self) -> str:
        return f"+{phonenumbers.country_code_for_region(self.region)}{self.national}"

    @property
    def name(self) -> str:
        return f"Anna {self.surname.capitalize()}"


@dataclass
class Crowd:
    """Everybody and everything invented for one office."""

    seed: int
    people: list[Person] = field(default_factory=list)
    keys: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    contact_key: str = ""

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)
        self._taken: set[str] = set()
        self.keys = {
            "conpeek": {"apiKey": self._secret()},
            "thulium": {"username": self._secret(), "password": self._secret()},
            "tel4vn": {"apiKey": self._secret()},
            "intersvyaz": {"token": self._secret(), "username": self._secret(), "password": self._secret()},
        }
        self.contact_key = self._secret() + self._secret()

    def more(self, region: str, count: int) -> list[Person]:
        new = [self._person(region) for _ in range(count)]
        self.people += new
        return new

    def _person(self, region: str) -> Person:
        alphabet = SYLLABLES.get(region, SYLLABLES["DE"])
        surname = self._new(lambda: "".join(self._dice.choices(alphabet, k=4)))
        code = self._new(lambda: "".join(self._dice.choices(string.ascii_uppercase, k=10)))
        return Person(region, self._new(lambda: self._national(region)), surname, code)

    def _national(self, region: str) -> str:
        code = phonenumbers.country_code_for_region(region)
        while True:
            start = self._dice.choice(STARTS[region])
            national = start + "".join(self._dice.choices(string.digits, k=LENGTHS[region] - len(start)))
            if phonenumbers.is_valid_number(phonenumbers.parse(f"+{code}{national}")):
                return national

    def _new(self, draw: Callable[[], str]) -> str:
        while (drawn := draw()) in self._taken:
            pass
        self._taken.add(drawn)
        return drawn

    def _secret(self) -> str:
        return "".join(self._dice.choices(string.ascii_letters + string.digits, k=28))

    def sieve(self, more: Sequence[str] = ()) -> Sieve:
        words = [word for person in self.people for word in (person.surname, person.code)]
        secrets = [value for names in self.keys.values() for value in names.values()]
        return Sieve([person.national for person in self.people], words, [*secrets, self.contact_key, *more])

    def fill(self, team: Office, sizes: Mapping[str, int]) -> None:
        """New people into every source; `sizes`: file -> how many. Conpeek's has people of other countries too."""
        rows = {
            "renewals.csv": [
                "customer_id,mobile,name,contract",
                *map(_renewal, self.more("VN", sizes["renewals.csv"])),
            ],
            "umowy.csv": ["telefon,imie", *(f"{p.national},{p.name}" for p in self.more("PL", sizes["umowy.csv"]))],
            "wizyty.csv": ["numer,termin", *(f"{p.e164},{p.name}" for p in self._abroad(sizes["wizyty.csv"]))],
            "opros.jsonl": [
                f'{{"phone": "{p.e164}", "name": "{p.name}"}}' for p in self.more("RU", sizes["opros.jsonl"])
            ],
        }
        for file, lines in rows.items():
            Path(team.environ[file.upper().replace(".", "_")]).write_text("\n".join(lines) + "\n", "utf-8")

    def _abroad(self, count: int) -> list[Person]:
        return [person for at in range(count) for person in self.more(("PL", *ABROAD)[at % 4], 1)]


def _renewal(person: Person) -> str:
    return f"KH-{person.code},0{person.national},{person.name},{person.code}"


@contextmanager
def crowded(folder: Path, crowd: Crowd, sizes: Mapping[str, int]) -> Iterator[Office]:
    """An office with a crowd in its sources, keys of its own, and a folder for everything temporary."""
    with office(folder, world=World(seeded=True, credentials=crowd.keys)) as team:
        for vendor, names in crowd.keys.items():
            for name, variable in (
                ("apiKey", "API_KEY"),
                ("apiKey", "KEY"),
                ("username", "USER"),
                ("password", "PASSWORD"),
            ):
                if f"{vendor.upper()}_{variable}" in team.environ:
                    team.environ[f"{vendor.upper()}_{variable}"] = names[name]
        team.environ["RECONCILER_CONTACT_KEY"] = crowd.contact_key
        temporary = folder / "temporary"
        temporary.mkdir()
        team.environ |= {"TMPDIR": str(temporary), "HOME": str(temporary)}
        team.edit(
            "reconciler.yaml", "contactsAdded: {max: 5000, percent: 50%}", "contactsAdded: {max: 20000, percent: 1000%}"
        )
        team.edit(
            "reconciler.yaml",
            "    creates: {max: 10}",
            "    creates: {max: 10}\n    contactsWithdrawn: {max: 20000, percent: 100%}",
        )
        crowd.fill(team, sizes)
        yield team
