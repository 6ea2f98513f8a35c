"""`reconciler import`: what an account holds written down, proved, bound; the plan after it is empty and nothing is sent."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import ReconcilerError
from reconciler.importing import run
from reconciler.providers.tel4vn.provider import Tel4vn
from reconciler.providers.thulium import wire
from reconciler.simulator.world import World
from tests.drifting import CONNECTIONS, HOUR, PROJECT, panel, spring
from tests.importing import INTO, check_with_another_validator, put_schemas, sent, written
from tests.office import Office, Result, office

GOLDENS = Path(__file__).parent / "imported"
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Office]:
    files = {"reconciler.yaml": PROJECT, "connections.yaml": CONNECTIONS}
    with office(tmp_path, files, World(seeded=True)) as here:
        yield here


def bring(team: Office, connection: str = "hanoi", *options: str, code: int = 0) -> Result:
    result = team.run("import", connection, "--into", INTO, *options)
    assert result.code == code, result.out + result.err
    return result


def check_settled(team: Office) -> None:
    """Nothing is planned, and an apply sends nothing."""
    plan = team.run("plan", "--detailed-exitcode")
    assert plan.code == 0, plan.out + plan.err
    before = len(team.calls())
    applied = team.run("apply", "--auto-approve")
    assert applied.code == 0, applied.out + applied.err
    assert not sent(team, before)
    drifted = team.run("drift", "--detailed-exitcode")
    assert drifted.code == 0, drifted.out + drifted.err


def week(start: int, end: int, **days: tuple[int, int]) -> list[dict[str, int]]:
    """A schedule row in hours; `days` that differ."""
    spans = {day: days.get(day, (start, end)) for day in DAYS}
    row = {f"{day}_start_time": span[0] * HOUR for day, span in spans.items()}
    return [row | {f"{day}_end_time": span[1] * HOUR for day, span in spans.items()}]


# ---- the round trip ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("connection", ["hanoi", "krakow"])
def test_the_plan_straight_after_is_empty_and_an_apply_sends_nothing(team: Office, connection: str) -> None:
    told = bring(team, connection)
    assert "The plan over them is empty." in told.out
    assert not sent(team)
    check_settled(team)


@pytest.mark.parametrize(
    ("vendor", "switches"),
    [
        ("thulium", {"outbounds_fields": "text"}),
        ("thulium", {"outbounds_fields": "minimal", "wrong_family": "400"}),
        ("thulium", {"outbounds_shape": "paged", "wrong_family": "empty"}),
        ("tel4vn", {"derived_names": "list"}),
        ("tel4vn", {"page_cap": "10", "order": "newest"}),
        ("tel4vn", {"create_status": "start", "create_defaults": "zero"}),
    ],
)
def test_whatever_the_vendor_answers_to_what_is_not_documented(
    team: Office, vendor: str, switches: dict[str, str]
) -> None:
    team.switch(vendor, **switches)
    for number in range(12):
        team.here.simulator.vendors[vendor].edit("campaign", None, FRESH[vendor] | {NAMED[vendor]: f"New {number}"})
    bring(team, "krakow" if vendor == "thulium" else "hanoi")
    assert "new-11.yaml" in written(team)
    check_settled(team)


FRESH: dict[str, dict[str, Any]] = {"thulium": {}, "tel4vn": {"type": "autocall"}}
NAMED = {"thulium": "name", "tel4vn": "campaign_name"}


@pytest.mark.parametrize("connection", ["hanoi", "krakow"])
def test_what_is_written_is_the_yaml_that_people_would_write(
    team: Office, connection: str, request: pytest.FixtureRequest
) -> None:
    if connection == "krakow":
        for id in ("00001", "00002", "00003"):
            panel(team, "thulium", id, start_date="2026-02-01")
    bring(team, connection)
    golden, found = GOLDENS / connection, written(team)
    if request.config.getoption("--update-goldens"):
        golden.mkdir(parents=True, exist_ok=True)
        for name, text in found.items():
            (golden / name).parent.mkdir(exist_ok=True)
            (golden / name).write_text(text)
    assert found == {path.relative_to(golden).as_posix(): path.read_text() for path in sorted(golden.rglob("*.yaml"))}


def test_an_independent_validator_takes_it(team: Office) -> None:
    put_schemas(team)
    bring(team, "hanoi")
    bring(team, "krakow")
    hints = {text.split("\n")[0] for text in written(team).values()}
    assert hints == {
        f"# yaml-language-server: $schema={up}/.schemas/{kind}.schema.json"
        for up, kind in (("../..", "campaign"), ("../../..", "schedule"), ("../../..", "recallpolicy"))
    }
    check_with_another_validator(team)


def test_printed_it_is_the_same_and_nothing_is_written_or_bound(team: Office) -> None:
    printed = team.run("import", "hanoi")
    assert printed.code == 0
    assert not (team.root / "imported").exists()
    assert not (team.root / ".reconciler").exists() or "not bound" not in team.run("state", "list").out
    assert "Nothing was written or bound" in printed.err
    bring(team)
    files = written(team)
    assert sorted(printed.out.split("---\n")) == sorted(files.values())


def test_run_again_it_leaves_alone_what_is_declared(team: Office) -> None:
    bring(team)
    before = written(team)
    again = bring(team)
    assert again.out.startswith("hanoi: nothing to import.\n2 campaigns declared or bound already")
    assert written(team) == before


# ---- parts that are shared -----------------------------------------------------------------------------------------


def test_equal_hours_are_one_schedule_and_others_are_named_after_what_they_say(team: Office) -> None:
    vendor = team.here.simulator.vendors["tel4vn"]
    base = {"type": "autocall", "type_autocall": "autocall_audio"}
    for name, row in {
        "A": week(9, 17, saturday=(10, 14), sunday=(0, 0)),
        "B": week(9, 17, saturday=(10, 14), sunday=(0, 0)),
        "C": week(0, 24),
        "D": [{key: value + int(key.startswith("monday")) * 60_000_000_000 for key, value in week(9, 17)[0].items()}],
    }.items():
        vendor.edit("campaign", None, {**base, "campaign_name": name, "schedules": row})
    bring(team)
    files = written(team)
    assert len([name for name in files if name.startswith("schedules/")]) == 4
    assert "mon-fri-0900-to-1700-sat-1000-to-1400-asia-ho-chi-minh" in files["a.yaml"]
    assert "closedDays: zero" in files["a.yaml"]
    assert files["a.yaml"].split("\n", 4)[4].replace("displayName: A", "") == files["b.yaml"].split("\n", 4)[4].replace(
        "displayName: B", ""
    )
    assert "daily-0000-to-2400-asia-ho-chi-minh" in files["c.yaml"]
    check_settled(team)


def test_what_the_repository_has_already_is_named_and_not_made_again(team: Office) -> None:
    team.write("shared.yaml", SHARED)
    told = bring(team)
    assert told.out.startswith(f"hanoi: 2 campaigns written to {INTO}")
    assert set(written(team)) == {"khao-sat-hai-long.yaml", "nhac-lich-hen.yaml"}
    assert "schedule: all-day\n" in written(team)["nhac-lich-hen.yaml"]
    assert "recall: never\n" in written(team)["nhac-lich-hen.yaml"]
    check_settled(team)


SHARED = """\
apiVersion: reconciler/v1
kind: Schedule
metadata: {name: all-day}
spec:
  timezone: Asia/Bangkok
  windows:
    - {days: [mon, tue, wed, thu, fri, sat, sun], from: "08:00", to: "21:00"}
---
apiVersion: reconciler/v1
kind: Schedule
metadata: {name: elsewhere}
spec:
  timezone: Europe/Warsaw
  windows:
    - {days: [mon, tue, wed, thu, fri, sat, sun], from: "08:00", to: "21:00"}
---
apiVersion: reconciler/v1
kind: RecallPolicy
metadata: {name: never}
spec:
  maxAttempts: 1
  after: 0m
  outcomes: [answered, blocked, busy, congestion, failed, invalid_number, no_answer, unreachable, voicemail]
  priority: new_first
"""


def test_a_file_that_is_there_is_never_written_over(team: Office) -> None:
    name = "schedules/daily-0800-to-2100-asia-ho-chi-minh"
    team.write(f"{INTO}/{name}.yaml", SHARED.split("---\n")[1])
    team.write(f"{INTO}/nhac-lich-hen.yaml", SHARED.split("---\n")[0].replace("08:00", "07:00"))
    bring(team)
    found = written(team)
    assert found[f"{name}.yaml"] == SHARED.split("---\n")[1]
    assert "kind: Campaign" in found["nhac-lich-hen-2.yaml"]
    assert "08:00" in found[f"{name}-2.yaml"]


# ---- what is chosen and what is left ------------------------------------------------------------------------------


def test_one_campaign_at_a_time(team: Office) -> None:
    bring(team, "hanoi", "--select", "campaign=Khao*")
    assert "khao-sat-hai-long.yaml" in written(team)
    assert "nhac-lich-hen.yaml" not in written(team)
    bring(team, "hanoi", "--select", "campaign=nhac-lich-hen")
    assert "nhac-lich-hen.yaml" in written(team)
    assert len(written(team)) == 4
    check_settled(team)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("nowhere",), 64, "There is no connection nowhere here. There are: hanoi, krakow."),
        (("hanoi", "--select", "label.x=y"), 64, "an import takes campaign=PATTERN"),
        (("hanoi", "--select", "campaign=zzz"), 64, 'There are: "Khao sat hai long", "Nhac lich hen"'),
        (("hanoi", "--into", "../outside"), 64, "name a folder below reconciler.yaml"),
        (("hanoi", "--into", "."), 64, "name a folder below reconciler.yaml"),
        (("hanoi", "--into", ".hidden"), 64, "a hidden folder is not read again"),
    ],
)
def test_wrong_use_is_told(team: Office, arguments: tuple[str, ...], code: int, said: str) -> None:
    result = team.run("import", *arguments)
    assert result.code == code
    assert said in result.err


OTHERS = """\
apiVersion: reconciler/v1
kind: Connection
metadata: {name: warsaw}
spec:
  vendor: conpeek
  baseUrl: {env: CONPEEK_URL}
  credentials: {apiKey: {env: CONPEEK_KEY}}
  timezone: Europe/Warsaw
  region: PL
---
apiVersion: reconciler/v1
kind: Connection
metadata: {name: chel}
spec:
  vendor: intersvyaz
  baseUrl: {env: INTERSVYAZ_URL}
  credentials: {username: {env: INTERSVYAZ_USER}, password: {env: INTERSVYAZ_PASSWORD}}
  timezone: Asia/Yekaterinburg
  region: RU
"""


@pytest.mark.parametrize(("connection", "why"), [("warsaw", "lists no campaigns"), ("chel", "shows no campaign")])
def test_a_vendor_that_shows_nothing_is_said_to(team: Office, connection: str, why: str) -> None:
    team.write("others.yaml", OTHERS)
    result = team.run("import", connection)
    assert result.code == 64
    assert why in result.err
    assert not team.calls()


def test_what_is_declared_by_its_name_is_to_be_adopted(team: Office) -> None:
    team.write("own.yaml", OWN)
    told = bring(team)
    assert (
        "hanoi/campaign/mine is declared with its name: if it is the same, reconciler adopt hanoi/campaign/mine"
        in told.out
    )
    assert "nhac-lich-hen.yaml" not in written(team)


OWN = """\
apiVersion: reconciler/v1
kind: Campaign
metadata: {name: mine}
spec: {connection: hanoi, displayName: Nhac lich hen, tel4vn: {type: autocall}}
"""


def test_a_campaign_with_a_mark_of_ours_is_left(team: Office) -> None:
    panel(team, "tel4vn", spring(team, "Nhac lich hen"), description="May [rc:k3f9qa]")
    told = bring(team)
    assert "it carries the mark [rc:k3f9qa] of a create that this ledger does not know" in told.out
    assert "nhac-lich-hen.yaml" not in written(team)


def test_a_campaign_that_people_of_ours_are_in_is_left(team: Office) -> None:
    """Bound, the question whether the ledger is older than reality would never be asked again."""
    team.write("may.yaml", THULIUM)
    assert team.run("apply", "--auto-approve").code == 0
    for path in ("may.yaml", ".reconciler"):
        subprocess.run(["rm", "-r", str(team.root / path)], check=True)
    told = bring(team, "krakow")
    assert "carry marks of reconciler, and this ledger knows of none" in told.out
    assert set(written(team)) == {"badanie-satysfakcji.yaml", "akcja-zimowa.yaml"}


THULIUM = """\
apiVersion: reconciler/v1
kind: Campaign
metadata: {name: przypomnienia}
spec: {connection: krakow, displayName: Przypomnienia o płatności, contacts: [may], thulium: {id: "00001"}}
---
apiVersion: reconciler/v1
kind: ContactSet
metadata: {name: may}
spec:
  source: {inline: [{n: "+48500600700"}]}
  columns: {phone: n}
  mode: append
"""


def test_a_campaign_on_its_way_to_removal_is_left(team: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = wire.from_wire
    monkeypatch.setattr(
        wire,
        "from_wire",
        lambda row, running: listed({**row, "state": "REMOVAL_QUEUED"} if row["id"] == "00003" else row, running),
    )
    told = bring(team, "krakow")
    assert 'left: "Akcja zimowa" (00003): removal queued' in told.out
    assert "akcja-zimowa.yaml" not in written(team)


def test_what_we_told_the_vendor_to_remove_is_left(team: Office) -> None:
    team.edit("reconciler.yaml", "guards: {", "guards: {deletes: {max: 1}, ")
    team.write("old.yaml", OLD)
    assert team.run("apply", "--auto-approve").code == 0
    team.edit(
        "old.yaml",
        "connection: krakow",
        "connection: krakow, state: absent, reason: over, lifecycle: {onRemove: delete}",
    )
    assert team.run("apply", "--auto-approve").code == 0
    (team.root / "old.yaml").unlink()
    told = bring(team, "krakow")
    assert 'left: "Akcja zimowa" (00003): removal queued since ' in told.out
    assert "akcja-zimowa.yaml" not in written(team)


OLD = """\
apiVersion: reconciler/v1
kind: Campaign
metadata: {name: old}
spec: {connection: krakow, displayName: Akcja zimowa, thulium: {id: "00003"}}
"""


def test_whom_a_campaign_reached_before_it_was_let_go_is_not_forgotten(team: Office) -> None:
    """Under another name they would be new, and called again."""
    team.write("may.yaml", THULIUM)
    assert team.run("apply", "--auto-approve").code == 0
    assert team.run("state", "rm", "krakow/campaign/przypomnienia", "--reason", "moved").code == 0
    (team.root / "may.yaml").unlink()
    panel(team, "thulium", "00001", name="Przypomnienia")
    told = bring(team, "krakow")
    assert "whom krakow/campaign/przypomnienia reached before it was let go is known" in told.out
    assert "przypomnienia.yaml" not in written(team)


def test_logins_that_are_numbers_stay_out(team: Office) -> None:
    vendor = team.here.simulator.vendors["thulium"]
    for id, login in (("00001", "500600700"), ("00003", "jan@acme.example")):
        vendor.edit("agent", None, {"login": login})
        vendor._account.campaigns[id].agents = {login: True}  # type: ignore[attr-defined]  # no call of the panel assigns
    bring(team, "krakow")
    found = written(team)
    assert "# agents: not written: it holds what may be somebody's number" in found["przypomnienia-o-platnosci.yaml"]
    assert 'agents: ["jan@acme.example"]' in found["akcja-zimowa.yaml"]
    check_settled(team)


def test_two_campaigns_of_one_name_are_told_apart(team: Office) -> None:
    panel(team, "thulium", "00003", name="Badanie satysfakcji")
    bring(team, "krakow")
    text = written(team)["badanie-satysfakcji-2.yaml"]
    assert "lifecycle: {unmanaged: [displayName]}" in text
    assert "# displayName: not written: another campaign has that name" in text
    check_settled(team)


def test_what_goes_away_while_it_is_read_is_said(team: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = spring(team, "Nhac lich hen")
    whole = Tel4vn._read_if_there

    async def read(self: Tel4vn, reader: Any, names: Any, asked: tuple[str, Any]) -> Any:
        return None if asked[0] == gone else await whole(self, reader, names, asked)

    monkeypatch.setattr(Tel4vn, "_read_if_there", read)
    told = bring(team)
    assert "it went away while it was read: import again" in told.out


def test_a_hint_where_include_does_not_match(team: Office) -> None:
    team.edit("reconciler.yaml", "spec:", 'spec:\n  include: ["connections.yaml", "live/**/*.yaml"]')
    told = bring(team)
    assert f"spec.include of reconciler.yaml does not match {INTO}: add {INTO}/**/*.yaml" in told.out
    assert bring(team).out.startswith("hanoi: nothing to import.")
    team.edit("reconciler.yaml", "live/**/*.yaml", f"{INTO}/**/*.yaml")
    check_settled(team)


# ---- what cannot be written ----------------------------------------------------------------------------------------


def test_a_paused_campaign_has_no_activation(team: Office) -> None:
    panel(team, "tel4vn", spring(team, "Nhac lich hen"), status="pause", schedules=week(0, 0, sunday=(1, 2)))
    bring(team)
    text = written(team)["nhac-lich-hen.yaml"]
    assert "activation: running" not in text
    assert "# activation: not written: it is paused, which cannot be declared" in text


def test_hours_that_no_schedule_can_hold_are_left_to_the_panel(team: Office) -> None:
    rows = [{**week(8, 12)[0]}, {**week(13, 17)[0]}]
    panel(team, "tel4vn", spring(team, "Nhac lich hen"), schedules=rows)
    panel(team, "tel4vn", spring(team, "Khao sat hai long"), schedules=week(17, 8))
    bring(team)
    found = written(team)
    assert (
        "# schedule: not written: it cannot be declared: TEL4VN holds one window a day" in found["nhac-lich-hen.yaml"]
    )
    assert "# schedule: not written: 17:00-08:00 on mon cannot be declared" in found["khao-sat-hai-long.yaml"]
    assert not [name for name in found if name.startswith("schedules/")]
    check_settled(team)


@pytest.mark.parametrize(
    ("fields", "hidden", "note"),
    [
        (
            {"description": "ask 0912 345 678"},
            "345",
            "description: not written: it holds what may be somebody's number",
        ),
        ({"description": "ask Jan@acme.example"}, "Jan@", "description: not written: it holds an e-mail address"),
        (
            {"callback_url": "https://h.example/cdr?token=abc"},
            "token=abc",
            "callback_url: not written: it holds what may be a key",
        ),
        (
            {"callback_url": "https://u:pw@h.example/cdr"},
            "u:pw",
            "callback_url: not written: it holds what may be a key",
        ),
        (
            {"callback_url": "https://h.example/a8Kz91QpL03vX7mN2w"},
            "a8Kz",
            "callback_url: not written: it holds what may be a key",
        ),
        (
            {"campaign_name": "Hotline 1900 123 456"},
            "123",
            "displayName: not written: it holds what may be somebody's number",
        ),
    ],
)
def test_numbers_people_and_secrets_stay_out_of_git(
    team: Office, fields: dict[str, Any], hidden: str, note: str
) -> None:
    panel(team, "tel4vn", spring(team, "Nhac lich hen"), **fields)
    told = bring(team)
    found = written(team)
    assert any(f"# {note}" in text for text in found.values())
    assert hidden not in "".join([told.out, told.err, *found, *found.values()])
    check_settled(team)


def test_what_the_language_does_not_know_is_left_out_and_said(team: Office) -> None:
    panel(
        team,
        "tel4vn",
        spring(team, "Nhac lich hen"),
        mode_call="spiral",
        network={"viettel": 1, "itel": 2},
        recall_times=400,
    )
    panel(team, "tel4vn", spring(team, "Khao sat hai long"), type="hologram")
    told = bring(team)
    text = written(team)["nhac-lich-hen.yaml"]
    for field in ("mode_call", "network", "recall.maxAttempts"):
        assert f"# {field}: not written: it cannot be declared" in text
    assert 'left: "Khao sat hai long"' in told.out
    check_settled(team)


def test_a_reference_that_is_gone_is_said(team: Office) -> None:
    panel(team, "tel4vn", spring(team, "Nhac lich hen"), template_uuid="11111111-1111-4111-8111-111111111111")
    bring(team)
    assert "# template: not written: what it names is not among" in written(team)["nhac-lich-hen.yaml"]
    check_settled(team)


def test_a_name_that_two_things_have_is_written_by_its_id(team: Office) -> None:
    vendor = team.here.simulator.vendors["tel4vn"]
    vendor.edit("carrier", None, {"carrier_name": "Viettel trunk A"})
    bring(team)
    assert "carrier: {uuid: " in written(team)["nhac-lich-hen.yaml"]
    check_settled(team)


HOSTILE = [
    "a: b # c\nkind: Project",
    "\x1b[31mred\x07",
    "*anchor &x !!python/object",
    "'\"\\ %YAML",
    "‮evil\u200b\u2028",
    "- {a: [b]}",
    "null",
    "  padded  ",
    "🎉🎉",
    "Łódź Żółć Điện thoại Ёлка",
]


def test_hostile_names_come_out_inert(team: Office) -> None:
    vendor = team.here.simulator.vendors["tel4vn"]
    for name in HOSTILE:
        fields = {"campaign_name": name, "type": "autocall", "type_autocall": "autocall_audio", "description": name}
        vendor.edit("campaign", None, fields)
    told = bring(team)
    text = "".join([told.out, *written(team).values()])
    assert not {letter for letter in text if not letter.isprintable()} - {"\n"}
    assert "lodz-zolc-dien-thoai-yolka.yaml" in written(team)
    check_settled(team)


# ---- interrupted, refused ------------------------------------------------------------------------------------------


def test_killed_between_binding_and_writing_it_goes_on(team: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = run._place

    def broken(target: Path, text: str) -> None:
        if target.stem == "nhac-lich-hen":
            raise ReconcilerError("the disk is full")
        whole(target, text)

    monkeypatch.setattr(run, "_place", broken)
    bring(team, code=1)
    assert "nhac-lich-hen.yaml" not in written(team)
    assert team.run("plan", "--detailed-exitcode").code == 0  # half of it does no harm
    monkeypatch.setattr(run, "_place", whole)
    told = bring(team)
    assert "hanoi: 1 campaign written" in told.out
    assert "1 campaign declared or bound already" in told.out
    check_settled(team)
    assert bring(team).out.startswith("hanoi: nothing to import.\n2 campaigns")


def test_a_plan_that_is_not_empty_is_told_by_key_and_field_and_nothing_is_written(
    team: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconciler.importing.documents.spelled", lambda value: "9" if value == 0 else __spelled(value))
    told = bring(team, code=1)
    assert "The plan over what would be written is not empty. Nothing was written." in told.err
    assert "hanoi/campaign/nhac-lich-hen: concurrent_call: the plan would update it" in told.err
    assert not (team.root / INTO).exists()
    assert "nhac-lich-hen" not in team.run("state", "list").out


def __spelled(value: Any) -> str:
    from reconciler.config.spelling import spelled

    return spelled(value)


def test_an_account_that_cannot_be_read_ends_it(team: Office) -> None:
    team.faults({"fault": 403, "vendor": "tel4vn", "method": "GET"})
    result = bring(team, code=6)
    assert "Nothing was written." in result.err


# ---- adopt: who may be meant ---------------------------------------------------------------------------------------


def test_a_name_in_the_place_of_an_id_lists_who_has_it(team: Office) -> None:
    team.write("own.yaml", OWN)
    result = team.run("adopt", "hanoi/campaign/mine", "Nhac lich hen")
    assert result.code == 64
    assert f'"Nhac lich hen" is a name, which 1 campaign at hanoi has: {spring(team, "Nhac lich hen")} ' in result.err


def test_namesakes_are_all_listed(team: Office) -> None:
    team.write("own.yaml", OWN.replace("hanoi", "krakow").replace("tel4vn: {type: autocall}", "thulium: {}"))
    for id in ("00002", "00003"):
        panel(team, "thulium", id, name="Nhac lich hen")
    named = team.run("adopt", "krakow/campaign/mine", "Nhac lich hen")
    assert "which 2 campaigns at krakow have: 00002" in named.err
    assert "00003" in named.err
    missing = team.run("adopt", "krakow/campaign/mine", "99999")
    assert 'There are: 00002 ("Nhac lich hen", running), 00003 ("Nhac lich hen", stopped), 00001' in missing.err
