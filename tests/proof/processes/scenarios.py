"""Which points there are to be cut at, by kind, and the numbered scenarios of crashes. Plays nothing."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.faulty import WAYS
from tests.proof.processes.points import STEPS, Cut
from tests.proof.processes.stage import Act

_METHODS = {"tel4vn": ("POST", "PUT"), "thulium": ("PUT", "POST"), "conpeek": ("POST",), "intersvyaz": ("POST",)}
LEADS = "tel4vn-hanoi POST /v3/lead/multi"
RECORDS = "thulium-krakow POST /batch/outbounds/{id}/records"
REQUESTS = "conpeek-gdansk POST /voice_sms_campaign/{voice_sms_campaign_id}/request_list"
SURVEY = "intersvyaz-chel POST /api/campaigns"
CREATE = "tel4vn-hanoi POST /v3/campaign"
START = "tel4vn-hanoi POST /v1/campaign/{campaign_uuid}/run/start"


@dataclass(frozen=True, slots=True)
class Crash:
    """Runs that are cut one after the other, and what goes wrong beside it; afterwards runs that are left in peace.

    A cut that is a number is a share of the time that a clean run takes: between two points, wherever it then is.
    """

    act: Act
    cuts: tuple[Cut | float, ...]
    faults: tuple[Mapping[str, Any], ...] = ()


def every(passed: Sequence[str]) -> list[Cut]:
    """Each point of a run once."""
    seen: Counter[str] = Counter()
    cuts = []
    for name in passed:
        seen[name] += 1
        cuts.append(Cut(name, seen[name]))
    return cuts


def kind(cut: Cut) -> str:
    """Points of one kind differ in which call of which object they are about: `after outcome`, `sent tel4vn-hanoi POST`."""
    phase, step, *rest = cut.name.split()
    return f"{phase} {step}" if step in STEPS else " ".join([phase, step, *rest[:1]])


def telling(passed: Sequence[str]) -> list[Cut]:
    """One point of each kind after which something else is durable than before: the others of a clean run are as one of these."""
    chosen: dict[str, Cut] = {}
    for cut in every(passed):
        phase, step, *rest = cut.name.split()
        reading = step not in STEPS and rest[0] == "GET"
        if phase in {"after", "sent"} and not (reading and phase == "after"):
            chosen[kind(cut)] = cut  # the last of a kind: as much as possible is done before it
    return list(chosen.values())


def outside(passed: Sequence[str], only: Callable[[str], bool] = lambda name: True) -> list[Cut]:
    """The points at which a run holds the lease, and nothing that would keep others from the ledger."""
    begun = False
    cuts = []
    for cut in every(passed):
        begun = begun or cut.name == "after start"
        if cut.name == "before finish":
            break
        if begun and not cut.name.startswith("within") and only(cut.name):
            cuts.append(cut)
    return cuts


def crash(number: int, points: Mapping[Act, Sequence[str]]) -> Crash:
    """The scenario of a number: first every point of both acts, once; then several crashes in a row, and faults beside them."""
    for act in points:
        if number < len(points[act]):
            return Crash(act, (every(points[act])[number],))
        number -= len(points[act])
    rng = random.Random(number)
    act = rng.choice(sorted(points))
    cuts = tuple(
        rng.random() if rng.random() < 0.25 else Cut("", rng.randint(1, len(points[act])))
        for _ in range(rng.choice((1, 1, 2, 2, 3)))
    )
    return Crash(act, cuts, tuple(fault(rng) for _ in range(rng.choice((0, 1, 1, 2)))))


def fault(rng: random.Random) -> dict[str, Any]:
    """Something that goes wrong with one write call of one vendor."""
    vendor = rng.choice(sorted(_METHODS))
    way = rng.choice(WAYS)
    return {
        "vendor": vendor, "method": rng.choice(_METHODS[vendor]), "nth": rng.randint(1, 4),
        "fault": int(way) if way.isdigit() else way, "when": rng.choice(("before", "after")),
    }  # fmt: skip
