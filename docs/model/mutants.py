"""What happens without each part of the protocol, and where each assumption does not hold: the shortest way to harm, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from docs.model.protocol import Rules
from docs.model.search import Found, search
from docs.model.state import Label, bits

NAMES = ("Anna", "Bao", "Olga")


@dataclass(frozen=True, slots=True)
class Mutant:
    """`name`: of `Rules.broken`. `vendor`: where it does harm; `breaks`: the invariant. `contacts`: how many it takes."""

    name: str
    vendor: str
    breaks: str
    contacts: int = 1

    def search(self) -> Found:
        return search(Rules(self.vendor, self.contacts, starts=2, broken=self.name), (self.breaks,))


MUTANTS = (
    Mutant("no claim", "readable", "I1"),
    Mutant("no claim", "readable", "I4"),
    Mutant("claims are not flushed", "readable", "I1"),
    Mutant("no send window", "readable", "I1"),
    Mutant("the client repeats", "readable", "I1"),
    Mutant("the client repeats", "readable", "I5"),
    Mutant("lost means failed", "readable", "I1"),
    Mutant("a server error is a refusal", "readable", "I1"),
    Mutant("a partial answer confirms all", "readable", "I2", contacts=2),
    Mutant("no recovery", "readable", "I3"),
    Mutant("a restart starts over", "readable", "I1"),
    Mutant("no settling", "readable", "I1"),
    Mutant("no horizon", "readable", "I1"),
    Mutant("the first read may be early", "readable", "I1"),
    Mutant("one read", "readable", "I1"),
    Mutant("one read", "readable", "I6"),
    Mutant("repeats where the vendor keeps both", "unreadable", "I1"),
    Mutant("unreadable means not done", "unreadable", "I1"),
    Mutant("unreadable means done", "unreadable", "I2"),
    Mutant("no fencing", "readable", "I3"),
    Mutant("no fencing", "readable", "I7"),
    Mutant("a takeover keeps the epoch", "readable", "I3"),
    Mutant("a takeover keeps the epoch", "readable", "I8"),
    Mutant("the ledger is thrown away", "deduplicating", "I10"),
)
ASSUMPTIONS = (
    Mutant("executed past the horizon", "readable", "I1"),
    Mutant("frozen past the horizon", "readable", "I1"),
    Mutant("both reads are wrong", "readable", "I1"),
    Mutant("the ledger is thrown away", "readable", "I1"),
)


def story(trace: Sequence[Label]) -> Iterator[str]:
    """One sentence per step."""
    for label in trace:
        who = f"run {label.epoch} " if label.epoch else ""
        whom = " and ".join(NAMES[n] for n in bits(label.mask))
        yield f"{who}{label.what}" + (f" ({whom})" if whom else "")
