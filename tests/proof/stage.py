"""What is declared in a history: the examples' four campaigns, cut down, with people that come and go; and the seams put in place.

Everything from the command's straight line (reconcile.py) downwards is shipped code. Replaced are: sockets, the clock, the file under the
ledger and the journal's thread, and the engine that reads contact files.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from reconciler import config
from reconciler.contacts import Fingerprints
from reconciler.contacts.rows import Batch
from reconciler.contacts.words import words_of
from reconciler.model import Bounds, Columns, ContactSource, Key, Limit, Limits, Repository, Resource, RunState, Settle
from reconciler.providers import provider
from reconciler.providers.base import Call, Reply
from reconciler.providers.http import Account
from reconciler.setup import Setup
from reconciler.simulator.world import CREDENTIALS
from reconciler.world import Site
from tests.office import CONTACT_KEY, EXAMPLES
from tests.proof.virtual import VirtualClock
from tests.proof.wire import CALL, Wire

ENVIRON = {
    "RECONCILER_CONTACT_KEY": CONTACT_KEY,
    "TEL4VN_API_KEY": CREDENTIALS["tel4vn"]["apiKey"],
    "CONPEEK_KEY": CREDENTIALS["conpeek"]["apiKey"],
    "THULIUM_USER": CREDENTIALS["thulium"]["username"],
    "THULIUM_PASSWORD": CREDENTIALS["thulium"]["password"],
    "INTERSVYAZ_USER": CREDENTIALS["intersvyaz"]["username"],
    "INTERSVYAZ_PASSWORD": CREDENTIALS["intersvyaz"]["password"],
    **{f"{vendor.upper()}_URL": f"http://127.0.0.1/{vendor}" for vendor in CREDENTIALS},
}
PRINTS = Fingerprints(CONTACT_KEY.encode())
NUMBERS = {
    "tel4vn": tuple(f"+8490100000{n}" for n in range(8)),
    "thulium": tuple(f"+4850100000{n}" for n in range(8)),
    "conpeek": tuple(f"+4860100000{n}" for n in range(8)),
    "intersvyaz": tuple(f"+7900100000{n}" for n in range(8)),
}
NUMBER_OF = {PRINTS.person(number): number for numbers in NUMBERS.values() for number in numbers}
READABLE = frozenset({"tel4vn", "thulium"})


@dataclass(frozen=True, slots=True)
class Terms:
    """How the accounts may be driven, and what is declared of them. `lines`: how many calls at once, where that is declared."""

    vendors: Sequence[str]
    limits: Limits
    settle: Settle
    dials: bool = False
    lines: int = 5


@cache
def _declared() -> tuple[Repository, Mapping[str, Resource]]:
    repository = config.load(EXAMPLES / "campaigns")
    return repository, {campaign.vendor: campaign for campaign in repository.campaigns}


def repository(terms: Terms, people: Mapping[str, Mapping[str, str]]) -> Repository:
    """What is in the repository at one moment."""
    whole, by_vendor = _declared()
    campaigns = tuple(_campaign(by_vendor[vendor], terms) for vendor in sorted(terms.vendors))
    names = {campaign.key.connection for campaign in campaigns}
    sets = {}
    for campaign in campaigns:
        declared = whole.contact_sets[campaign.contacts[0]]
        (field,) = [name for name in declared.columns.fields if name != "contract_number"]
        rows = tuple({"phone": number, "name": name} for number, name in people[campaign.vendor].items())
        sets[declared.name] = replace(
            declared, origin=ContactSource(inline=rows), columns=Columns("phone", fields={field: "name"}), suppress=(),
            bounds=Bounds(), mode="mirror" if campaign.vendor in READABLE else "append",
        )  # fmt: skip
    return replace(
        whole,
        digest=f"sha256:{terms.lines}",
        project=replace(whole.project, guards=dict.fromkeys(whole.project.guards, Limit(None))),
        connections={
            name: replace(link, limits=terms.limits, settle=terms.settle)
            for name, link in whole.connections.items()
            if name in names
        },
        contact_sets=sets,
        suppressions={},
        campaigns=campaigns,
    )


def _campaign(campaign: Resource, terms: Terms) -> Resource:
    if campaign.vendor == "thulium":
        return replace(campaign, spec={"kind": "csv"}, run=None)
    if campaign.vendor == "tel4vn":
        run = RunState.RUNNING if terms.dials else RunState.STOPPED
        return replace(campaign, spec={**campaign.spec, "concurrent_call": terms.lines}, run=run)
    return campaign


def key_of(vendor: str) -> Key:
    return _declared()[1][vendor].key


# ---- the engine that reads contact files ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Part:
    """A source whose rows are here already."""

    rows: Sequence[Mapping[str, str]]
    label: str = "rows"
    file: None = None


class _Column:
    def __init__(self, rows: Sequence[Mapping[str, str]]) -> None:
        self._rows = rows

    def text(self, row: int) -> str:
        return self._rows[row]["name"]


def _parts_of(asked: Any) -> list[_Part]:
    return [_Part(asked.origin.inline)]


def _numbers(part: _Part) -> Any:
    return np.array([int(row["phone"][1:]) for row in part.rows], dtype=np.uint64)


def _fingerprinted(part: _Part, layout: Any, prints: Fingerprints) -> Iterator[Batch]:
    (field,) = layout.fields
    macs = b"".join(prints.fields({field: row["name"]}) for row in part.rows)
    numbers = _numbers(part)
    yield Batch(numbers, np.zeros(len(numbers), np.uint8), prints.people(numbers), None, words_of(macs, 2))


def _written(part: _Part, layout: Any) -> Iterator[Any]:
    numbers = _numbers(part)
    yield numbers, np.zeros(len(numbers), np.uint8), [_Column(part.rows)]


# ---- the seams -----------------------------------------------------------------------------------------------------


class _Account(Account):
    """Tells the transport which call it is that leaves."""

    async def send(self, call: Call) -> Reply:
        CALL.set(call)
        return await super().send(call)


@asynccontextmanager
async def opened(setup: Setup, wire: Callable[[str], Wire]) -> AsyncIterator[dict[str, Site]]:
    """As `setup.opened`, over a transport instead of sockets."""
    async with AsyncExitStack() as stack:
        sites = {}
        for link in setup.connections():
            made = provider(link)
            secrets = {name: ENVIRON[reference.name] for name, reference in link.credentials.items()}
            url, transport = f"http://127.0.0.1/{link.vendor}", wire(link.vendor)
            account = _Account(link, url, made.auth, secrets, clock=setup.clock, transport=transport)
            sites[link.name] = Site(made, await stack.enter_async_context(account))
        yield sites


def setup_of(terms: Terms, people: Mapping[str, Mapping[str, str]], clock: VirtualClock) -> Setup:
    return Setup(Path("/project"), repository(terms, people), ENVIRON, clock=clock)


@contextmanager
def in_place(ledger: Callable[..., Any], journal: Callable[..., Any], holder: Callable[..., Any]) -> Iterator[None]:
    """Put the replacements where the shipped code looks for what they replace."""
    with ExitStack() as stack:
        for target, replacement in {
            "reconciler.contacts.census.parts_of": _parts_of,
            "reconciler.contacts.census.fingerprinted": _fingerprinted,
            "reconciler.contacts.people.written": _written,
            "reconciler.assembly.Fingerprints": lambda key: PRINTS,
            "reconciler.runs.open_ledger": ledger,
            "reconciler.runs.open_reader": ledger,
            "reconciler.runs.Journal": journal,
            "reconciler.runs.holder_of": holder,
        }.items():
            stack.enter_context(mock.patch(target, replacement))
        yield
