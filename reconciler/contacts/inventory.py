"""Whom a vendor holds, and with which fields, against what the ledger says was sent: fingerprints in columns. Reads no vendor.

The ledger knows fields by one fingerprint over all of them, made under the names that were declared then. So a contact is as it was
sent where what it holds now under today's names has that fingerprint. Where it has another one, the source is asked: only of a person
whose row there still has the ledger's fingerprint it is known what was sent, and only that can be told from what is held.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from reconciler.contacts.fingerprint import Fingerprints
from reconciler.contacts.lookup import Index, grouped
from reconciler.contacts.sent import WITHDRAWABLE, SentTable, Standing
from reconciler.contacts.words import Words, bytes_of, words_of
from reconciler.model import LiveContact, Person, Sent

HIDDEN = "hidden"  # the vendor's answer does not hold the fields
LEFT = "left"  # not in the source any more: what was sent cannot be told
PENDING = "pending"  # their row, or which fields are sent, changed since: what was sent cannot be told either
UNNAMED = "unnamed"  # the set is not declared any more, or declares no fields
_AT_ONCE = 2_000  # contacts looked up together

Shown = Callable[[LiveContact, Sequence[str]], Mapping[str, str]]
Today = Callable[[str, Words], Iterator[tuple[int, bytes, Mapping[str, str]]]]
"""Set and people -> position among them, fingerprint of their fields, fields, for each of them who is in the source."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """How many people of one campaign: `expected` there, `missing` of them, `extra` whom nothing here sent, `twice` or more often,
    `changed` with other fields than those sent, `alike` with the same. `uncompared`: why nobody can say which -> how many; `hidden`:
    fields that the vendor does not show.
    """

    expected: int
    missing: int = 0
    extra: int = 0
    twice: int = 0
    changed: int = 0
    alike: int = 0
    uncompared: Mapping[str, int] = field(default_factory=dict)
    hidden: tuple[str, ...] = ()


def expected(sent: Iterable[Sent]) -> int:
    """How many the ledger says are there; those who may be there are not counted."""
    return int(np.count_nonzero(SentTable.of(sent).stands(WITHDRAWABLE)))


@dataclass(frozen=True, slots=True)
class _Odd:
    """Somebody whose fields do not have the ledger's fingerprint: which are shown, and the fingerprint of those, evened out."""

    shown: tuple[str, ...]
    print: bytes


class Look:
    """One campaign's people as they come from a complete read, in any order."""

    def __init__(
        self, sent: Iterable[Sent], names: Mapping[str, Sequence[str]], fingerprints: Fingerprints, shown: Shown
    ) -> None:
        """`names`: contact set -> our names of its fields, ascending."""
        self._sent = SentTable.of(sent)
        self._known = Index(self._sent.people)
        self._names, self._fingerprints, self._shown = names, fingerprints, shown
        self._seen = bytearray()
        self._strange = self._alike = 0
        self._waiting: list[tuple[Person, LiveContact]] = []
        self._odd: dict[int, _Odd] = {}
        self._why: dict[int, str] = {}

    def see(self, contact: LiveContact) -> None:
        try:
            person = self._fingerprints.person(contact.phone.reveal())
        except ValueError:  # what somebody typed in a panel need not be a number: it is nobody of ours
            self._strange += 1
            return
        self._seen += person
        self._waiting.append((person, contact))
        if len(self._waiting) == _AT_ONCE:
            self._compare()

    def result(self, today: Today) -> Inventory:
        """Raises ConfigInvalid where a source cannot be read again."""
        self._compare()
        there, groups = grouped(words_of(self._seen, 2))
        at = Index(there).find(self._sent.people)
        wanted = self._sent.stands(WITHDRAWABLE)
        sent_once = ~self._sent.stands((Standing.NEVER, Standing.GONE))
        several = np.bincount(groups, minlength=len(there)) > 1
        for number in self._known.find(there[several]).tolist():  # which of their entries is the one that was sent?
            self._odd.pop(number, None)
        changed, hidden = self._settle(today)
        return Inventory(
            expected=int(np.count_nonzero(wanted)),
            missing=int(np.count_nonzero(wanted & (at < 0))),
            extra=len(there) - int(np.count_nonzero(sent_once & (at >= 0))) + self._strange,
            twice=int(np.count_nonzero(several)),
            changed=changed,
            alike=self._alike,
            uncompared=dict(sorted(Counter(self._why.values()).items())),
            hidden=tuple(sorted(hidden)),
        )

    # ---- fields ----------------------------------------------------------------------------------------------------

    def _compare(self) -> None:
        """Of those who wait: who holds what was sent, who does not or does not show it."""
        ids = self._known.find(words_of(b"".join(person for person, _ in self._waiting), 2))
        fields = self._sent.fields
        for number, (_, contact) in zip(ids.tolist(), self._waiting, strict=True):
            if (
                fields is None
                or number < 0
                or self._sent.standing[number] != Standing.THERE
                or not fields[number].any()
            ):
                continue
            self._look_at(number, contact, bytes_of(fields[number]))
        self._waiting.clear()

    def _look_at(self, number: int, contact: LiveContact, sent: bytes) -> None:
        names = self._names.get(self._sent.sets[self._sent.owners[number]], ())
        if not names:
            self._why[number] = UNNAMED
            return
        shown = self._shown(contact, names)
        whole = {name: shown.get(name, "") for name in names}
        if self._fingerprints.fields_of_person(contact.phone.reveal(), whole) == sent:
            self._alike += 1
        else:
            self._odd[number] = _Odd(tuple(sorted(shown)), self._fingerprints.fields(evened(shown)))

    def _settle(self, today: Today) -> tuple[int, set[str]]:
        """How many of those who differ hold other fields than those sent, and which fields nobody can see."""
        changed, hidden = 0, set[str]()
        of_set: dict[str, list[int]] = {}
        for number in sorted(self._odd):
            of_set.setdefault(self._sent.sets[self._sent.owners[number]], []).append(number)
        for contacts, numbers in of_set.items():
            self._why |= dict.fromkeys(numbers, LEFT)
            asked = [number for number in numbers if self._odd[number].shown]
            for number in set(numbers) - set(asked):
                self._why[number] = HIDDEN
                hidden.update(self._names[contacts])
            for position, print_, fields in today(contacts, self._sent.people[asked]) if asked else ():
                number = asked[position]
                if self._why.get(number) != LEFT:
                    continue  # a later row of the same person
                changed += self._told(number, print_, fields, hidden)
        return changed, hidden

    def _told(self, number: int, print_: bytes, fields: Mapping[str, str], hidden: set[str]) -> bool:
        """Whether one person holds other fields than those sent, which their row in the source tells where it is still the same."""
        assert self._sent.fields is not None
        odd = self._odd[number]
        if print_ != bytes_of(self._sent.fields[number]):
            self._why[number] = PENDING
            return False
        del self._why[number]
        if self._fingerprints.fields(evened({name: fields[name] for name in odd.shown})) != odd.print:
            return True
        unseen = [name for name, value in fields.items() if value and name not in odd.shown]
        if unseen:
            self._why[number] = HIDDEN
            hidden.update(unseen)
        else:
            self._alike += 1
        return False


def evened(fields: Mapping[str, str]) -> dict[str, str]:
    """Values as they are compared with what was sent: how letters are composed and white space at the edges are the vendor's affair."""
    return {name: " ".join(unicodedata.normalize("NFC", value).split()) for name, value in fields.items()}
