"""Ten thousand invented people and their keys through every output of every command: nobody is found in any of them.

tests/test_promises.py has the same scenes with the examples' people; `make chaos` plays all of them here too.
"""

from __future__ import annotations

import logging
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from unittest import mock

import pytest
import stamina

from reconciler.ledger.sql import SqlReader
from reconciler.redact import MaskingFilter
from reconciler.simulator.vendor import Vendor
from reconciler.simulator.world import World
from tests.office import Office
from tests.proof.crowd import Crowd, crowded
from tests.proof.figures import recorded, sized
from tests.proof.sieve import Sieve
from tests.test_promises import PLANS, REPORTS, SITES_OF_BUGS, tattling

LIFE = {"renewals.csv": 3000, "umowy.csv": 4500, "wizyty.csv": 100, "opros.jsonl": 2500}
SMALL = {"renewals.csv": 30, "umowy.csv": 30, "wizyty.csv": 10, "opros.jsonl": 30}
LOGGERS = ("", "httpx", "httpcore", "aiohttp", "asyncio", "stamina")
LOOKS = (
    *REPORTS, ("state", "history"), ("state", "history", "--format", "json"), ("state", "verify"), ("resolve",), ("plan",),
    ("drift", "--contacts", "counts"), ("drift", "--format", "markdown"), ("drift", "--adopt", "--format", "json"),
)  # fmt: skip


def live(team: Office, sieve: Sieve, *commands: tuple[str, ...]) -> list[int]:
    codes = []
    for command in commands:
        with mock.patch.object(tempfile, "tempdir", team.environ["TMPDIR"]):
            result = team.run(*command)
        codes.append(result.code)
        sieve.see(f"{len(sieve)} stdout of {command}", result.out)
        sieve.see(f"{len(sieve)} stderr of {command}", result.err)
    sieve.see_folder(team.root)
    sieve.see_folder(Path(team.environ["TMPDIR"]))
    return codes


@contextmanager
def loud() -> Iterator[None]:
    """Every logger at its most talkative, through the filter that all of them have."""

    def configure() -> None:
        handler = logging.StreamHandler(sys.stderr)
        handler.addFilter(MaskingFilter())
        logging.getLogger().handlers[:] = [handler]
        for name in LOGGERS:
            logging.getLogger(name).setLevel(logging.DEBUG)

    before = {name: logging.getLogger(name).level for name in LOGGERS}, list(logging.getLogger().handlers)
    try:
        with mock.patch("reconciler.cli._quiet_libraries", configure):
            yield
    finally:
        logging.getLogger().handlers[:] = before[1]
        for name, level in before[0].items():
            logging.getLogger(name).setLevel(level)


def listened(sieve: Sieve) -> Callable[[World, Vendor], str]:
    """A vendor's `issue_token` that tells the sieve what not to let through."""
    issue = World.issue_token

    def issued(world: World, vendor: Vendor) -> str:
        sieve.secrets.append(token := issue(world, vendor))
        return token

    return issued


@contextmanager
def hunted(folder: Path, seed: int, sizes: dict[str, int]) -> Iterator[tuple[Office, Crowd, Sieve]]:
    crowd = Crowd(seed)
    with recorded("leak hunt", "numbers") as tally, crowded(folder, crowd, sizes) as team, ExitStack() as stack:
        sieve = crowd.sieve()
        stack.enter_context(mock.patch.object(World, "issue_token", listened(sieve)))
        yield team, crowd, sieve
        tally.count, tally.found = len(crowd.people), len(sieve.found)
        tally.note = f"{len(sieve)} contents, {sieve.bytes / 1e6:.0f} MB"
        assert sieve.found == []


def test_ten_thousand_people_leave_no_trace(tmp_path: Path) -> None:
    with hunted(tmp_path, 1, LIFE) as (team, crowd, sieve):
        codes = live(team, sieve, ("validate",), ("validate", "--format", "json"), *PLANS)
        assert set(codes) == {0}
        with loud():
            codes = live(team, sieve, ("apply", "plan.json", "--format", "json"), *LOOKS, ("halt",))
        assert set(codes) == {0}
        sieve.see("rejects", (tmp_path / "rejects.csv").read_bytes())
        backup = str(tmp_path / "copy.db")
        assert live(team, sieve, ("state", "backup", backup)) == [0]
        sieve.see("backup", Path(backup).read_bytes())
        dialled = sum(len(vendor.dials()) for vendor in team.here.simulator.vendors.values())
        assert len(crowd.people) >= 10_000 and dialled > 9_000 and team.most_dials() == 1


@pytest.mark.parametrize("status", [500, 400, 429, 200, 403, 422][: sized(2, 6)])
def test_a_vendor_that_says_everything_back_is_not_quoted(tmp_path: Path, status: int) -> None:
    with hunted(tmp_path, 100 + status, SMALL) as (team, crowd, sieve), stamina.set_testing(True, attempts=2):
        numbers = [person.e164 for person in crowd.people]
        with tattling(team, status, [*numbers[:10], *(number[3:] for number in numbers[:10])]), loud():
            (code,) = live(team, sieve, ("apply", "--auto-approve", "--settle-timeout", "0s"))
            assert code in {1, 8, 9}
            live(team, sieve, ("apply", "--auto-approve", "--settle-timeout", "0s", "--format", "json"), *LOOKS)


@pytest.mark.parametrize("place", list(SITES_OF_BUGS)[: sized(2, len(SITES_OF_BUGS))])
def test_a_bug_of_ours_shows_places_and_no_data(tmp_path: Path, place: str) -> None:
    with hunted(tmp_path, sum(map(ord, place)), SMALL) as (team, crowd, sieve):

        def broken(*_: object, **__: object) -> object:
            raise RuntimeError(f"{crowd.people} {crowd.keys} {crowd.contact_key} {team.environ}")

        with mock.patch(SITES_OF_BUGS[place], broken), loud():
            codes = live(
                team, sieve, ("plan",), ("apply", "--auto-approve"), ("apply", "--auto-approve", "--format", "json")
            )
        assert {1, 8} & set(codes)
        live(team, sieve, *LOOKS)


def test_what_a_person_types_into_a_reason_is_masked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Digits, that is; a name that somebody types is kept, as the help says."""
    monkeypatch.setattr(SqlReader, "age", lambda reader, request: 3600.0)
    with hunted(tmp_path, 7, SMALL) as (team, crowd, sieve), stamina.set_testing(True, attempts=2):
        team.faults({"vendor": "conpeek", "method": "POST", "fault": "drop", "when": "after"})
        first = live(team, sieve, ("apply", "--auto-approve", "--settle-timeout", "0s"), *LOOKS)
        assert first[0] == 9
        team.faults()
        reasons = [
            f"asked {crowd.people[0].e164}",
            f"0{crowd.people[1].national} {crowd.people[2].national[:3]}-{crowd.people[2].national[3:]}",
        ]
        key = "conpeek-gdansk/campaign/przypomnienie/contacts/wizyty"
        for word, reason in zip(("--not-applied", "--resend"), reasons, strict=True):
            codes = live(team, sieve, ("resolve", key, word, "--reason", reason), *LOOKS)
            assert codes[0] in {0, 64}


SPOILT: dict[str, Callable[[bytes], bytes]] = {
    "without its header": lambda raw: raw.partition(b"\n")[2],
    "with a quote that never ends": lambda raw: raw.replace(b"Anna", b'"Anna', 1),
    "in another encoding": lambda raw: raw.decode().encode("utf-16"),
    "with bytes that are no text": lambda raw: raw.replace(b"Anna", b"\xff\xfeAnna"),
    "with too many columns": lambda raw: raw.replace(b"Anna", b"Anna,Anna,Anna", 1),
    "on one line": lambda raw: raw.replace(b"\n", b" "),
    "twice": lambda raw: raw + raw,
    "with numbers in the names": lambda raw: raw.replace(b"Anna ", b"Anna 501 "),
    "as JSON that breaks off": lambda raw: b'[{"phone": "' + raw[:400],
}


@pytest.mark.parametrize("how", list(SPOILT)[: sized(3, len(SPOILT))])
def test_a_source_that_cannot_be_read_is_not_quoted(tmp_path: Path, how: str) -> None:
    with hunted(tmp_path, sum(map(ord, how)), SMALL) as (team, _, sieve), loud():
        for file in SMALL:
            path = Path(team.environ[file.upper().replace(".", "_")])
            path.write_bytes(SPOILT[how](path.read_bytes()))
        codes = live(team, sieve, ("validate", "--online"), *PLANS, ("apply", "--auto-approve"), *LOOKS)
        assert len(set(codes)) > 1 or how in {"twice", "with numbers in the names"}


def test_who_refuses_is_not_printed_and_a_ledger_that_moves_takes_nobody_along(tmp_path: Path) -> None:
    with hunted(tmp_path, 9, SMALL) as (team, crowd, sieve), loud():
        assert live(team, sieve, ("apply", "--auto-approve")) == [0]
        for person in crowd.people[::4]:
            for typed in (
                person.e164,
                f" {person.e164[:5]} {person.e164[5:]}\n",
                person.e164[:7],
                f"0{person.national}",
                person.name,
            ):
                told = team.run("refuse", piped=typed)
                sieve.see(f"refuse of {typed}", told.out + told.err)
        there = tmp_path / "moved.db"
        assert live(team, sieve, *LOOKS, ("state", "migrate", "--to", f"sqlite://{there}"))[-1] == 0
        sieve.see("moved", there.read_bytes())


def misplaced(typed: str) -> list[tuple[str, ...]]:
    """Commands that take something else where this stands."""
    key = "tel4vn-hanoi/campaign/spring-renewals"
    return [
        (typed,), (f"--{typed}",), ("-C", typed, "plan"), ("plan", f"--{typed}"), ("plan", typed), ("plan", "--select", typed),
        ("plan", "--select", f"campaign={typed}"), ("validate", "--format", typed), ("show", typed), ("apply", typed),
        ("apply", "--lock-timeout", typed), ("apply", "--resume", typed), ("resolve", typed), ("resolve", typed, "--applied"),
        ("resolve", typed, "--applied", "--reason", "seen"), ("adopt", key, typed), ("adopt", typed, "1"), ("release", typed),
        ("refuse", typed), ("refuse", "--region", typed), ("schema", typed), ("simulator", "--port", typed), ("halt", typed),
        ("state", typed), ("state", "show", typed), ("state", "rm", typed, "--reason", "x"), ("state", "migrate", "--to", typed),
        ("state", "mv", typed, key), ("state", "unlock", typed),
    ]  # fmt: skip


def test_a_number_in_the_wrong_place_of_a_command_is_not_repeated(tmp_path: Path) -> None:
    with hunted(tmp_path, 10, SMALL) as (team, crowd, sieve):
        for person in crowd.people[:: sized(40, 4)]:
            for typed in (person.e164, f"0{person.national}", f"{person.national[:3]} {person.national[3:]}"):
                assert 0 not in live(team, sieve, *misplaced(typed))


WRONG = (
    "Zq7wXk2mPv9rTn4sLb8cHd6fJg3yQa5e",
    "",
    "Zq7wXk2mPv9rTn4sLb8cHd6f\nJg3yQa5e",
    "Zq7wXk2mPv9żółć8cHd6fJg3yQa5e",
)


KEYS = ("CONPEEK_KEY", "RECONCILER_CONTACT_KEY", "TEL4VN_API_KEY", "THULIUM_PASSWORD", "INTERSVYAZ_USER")


@pytest.mark.parametrize("variable", KEYS[: sized(2, 5)])
def test_a_wrong_key_is_not_quoted(tmp_path: Path, variable: str) -> None:
    with hunted(tmp_path, sum(map(ord, variable)), SMALL) as (team, _, sieve), loud():
        used = variable == "RECONCILER_CONTACT_KEY"  # another one only matters once there is a ledger
        codes = live(team, sieve, ("apply", "--auto-approve")) if used else []
        for wrong in WRONG:
            sieve.secrets += [part for part in wrong.split("\n") if part]
            team.environ[variable] = wrong
            codes += live(team, sieve, ("validate", "--online"), ("plan",), ("apply", "--auto-approve"), ("halt",))
        assert len(set(codes)) > 1


@pytest.mark.parametrize("file", ["connections.yaml", "reconciler.yaml"])
def test_a_key_that_stands_in_the_yaml_is_not_quoted(tmp_path: Path, file: str) -> None:
    with hunted(tmp_path, len(file), SMALL) as (team, crowd, sieve), loud():
        text = (team.root / file).read_text()
        for place in re.findall(r"\{env: [A-Z0-9_]+\}", text):
            (team.root / file).write_text(text.replace(place, crowd.contact_key))
            result = [team.run(*command) for command in (("validate",), ("validate", "--format", "json"), ("plan",))]
            for told in result:
                sieve.see(place, told.out + told.err)
            assert {told.code for told in result} != {0}
        (team.root / file).write_text(text)


def test_a_hole_is_found(tmp_path: Path) -> None:
    """The same scene as above with the filter on vendors' words taken out, and the numbers kept from the last one."""
    crowd = Crowd(8)
    with crowded(tmp_path, crowd, SMALL) as team, stamina.set_testing(True, attempts=2):
        sieve = crowd.sieve()
        with (
            mock.patch("reconciler.providers.http.said_of", lambda body, *_: body.decode()),
            tattling(team, 400, [person.surname for person in crowd.people]),
        ):
            live(team, sieve, ("apply", "--auto-approve", "--settle-timeout", "0s"))
    assert {hit.rpartition(": ")[2] for hit in sieve.found} & {person.surname for person in crowd.people}
