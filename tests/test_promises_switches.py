"""Every question that a vendor's pages leave open, answered in every way: what was applied is applied, and nobody is called twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import stamina

from reconciler.simulator.app import VENDORS
from reconciler.simulator.world import World
from tests.office import Office, Result, office

SCENARIOS = Path(__file__).parent / "scenarios"


@dataclass(frozen=True)
class Account:
    """Where one family of campaigns is played. `edit`: what the people's file becomes after the first apply."""

    vendor: str
    scenario: str = ""
    people: str = ""
    edit: Callable[[str], str] = str
    base: dict[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()


NEW = "+48500000103,2030-06-03\n"
ACCOUNTS = (
    Account("tel4vn", "contacts-mirror", "may.csv", lambda rows: rows.replace("C2,0900000002", "C4,0900000004").replace("Chi", "Ch")),
    Account("thulium", "thulium-in-a-call", "umowy.csv", lambda rows: rows.replace("500000002", "500000004").replace("Anna", "Ann")),
    Account("conpeek", "conpeek-voice", "klienci.csv", lambda rows: rows.replace("05 10", "06 12"), {"voice_add": "open"}),
    Account("conpeek", "conpeek-voice-sms", "pacjenci.csv", lambda rows: rows + NEW),
    Account("intersvyaz", options=("--select", "connection=intersvyaz-chel")),
)  # fmt: skip
# What changes the outcome on purpose -> the code of the apply: the vendor refuses, or does not say enough.
OTHERWISE = {
    ("conpeek-voice-sms", "sms_answer", "fewer"): 9,
    ("conpeek-voice-sms", "sms_answer", "empty"): 9,
    ("thulium-in-a-call", "permissions", "read"): 1,
    ("", "login_path", "bare"): 1,
    ("", "state", "refused"): 1,
}


def cases() -> Iterator[tuple[Account, str, str]]:
    switches = {vendor.name: vendor.SWITCHES for vendor in VENDORS}
    for account in ACCOUNTS:
        for switch, (_, *others) in switches[account.vendor].items():
            yield from ((account, switch, value) for value in others if switch not in account.base)


@contextmanager
def playing(folder: Path, account: Account, switch: str, value: str) -> Iterator[Office]:
    world = World(seeded=True, switches={account.vendor: {**account.base, switch: value}})
    if not account.scenario:
        with office(folder, None, world) as team:
            yield team
        return
    scenario = SCENARIOS / account.scenario
    with office(folder, None, world, repository=scenario / "repository", people=scenario / "people") as team:
        yield team


def applied(team: Office, account: Account) -> Result:
    planned = team.run("plan", "--out", "plan.json", *account.options)
    assert planned.code == 0, planned.out + planned.err
    return team.run("apply", "plan.json", "--settle-timeout", "0s")


def left(team: Office, account: Account) -> list[str]:
    """What a plan still finds to do."""
    planned = team.run("plan", "--format", "json", *account.options)
    assert planned.code == 0, planned.out + planned.err
    return [f"{change['action']} {change['key']} {change['reason']}" for change in planned.json()["changes"]]


@pytest.mark.parametrize(
    ("account", "switch", "value"),
    list(cases()),
    ids=lambda part: part if isinstance(part, str) else part.scenario or part.vendor,
)
def test_the_plan_after_an_apply_is_empty(tmp_path: Path, account: Account, switch: str, value: str) -> None:
    with playing(tmp_path, account, switch, value) as team, stamina.set_testing(True, attempts=1):
        first = applied(team, account)
        otherwise = OTHERWISE.get((account.scenario, switch, value))
        if otherwise is not None:
            assert first.code == otherwise and team.most_dials() == 1
            return
        assert first.code == 0, first.out + first.err
        assert left(team, account) == []
        if account.people:
            path = tmp_path / "people" / account.people
            path.write_text(account.edit(path.read_text("utf-8")), "utf-8")
            second = applied(team, account)
            assert second.code == 0, second.out + second.err
            assert left(team, account) == []
        assert team.most_dials() == 1
