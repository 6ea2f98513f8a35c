"""`drift --adopt`: live values in the YAML, nothing else touched, and no plan left."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from reconciler.simulator.tel4vn.account import fixed_uuid
from tests.drifting import HOUR, RENEWALS, SPRING, agents, applied, drift, panel, row_of, spring
from tests.office import Office

KEY = "hanoi/campaign/spring"


def plain(name: str) -> str:
    """A campaign of that name, called so at the vendor because nothing else is said."""
    return SPRING.replace('  displayName: "Spring"\n', "").replace("name: spring", f"name: {name}")


def texts(team: Office) -> dict[str, str]:
    return {str(path.relative_to(team.root)): path.read_bytes().decode() for path in team.root.rglob("*.yaml")}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """For `team`: set up once."""
    with applied(tmp_path_factory.mktemp("adopt")) as made:
        yield made


@pytest.fixture
def team(shared: Office) -> Iterator[Office]:
    """Both campaigns as applied; what the test changes is put back, so it must not apply."""
    files = {file: (shared.root / file).read_bytes() for file in texts(shared)}
    rows = {
        (vendor, id): row_of(shared, vendor, id) for vendor, id in (("tel4vn", spring(shared)), ("thulium", "00001"))
    }
    there = dict(agents(shared))
    yield shared
    for (vendor, id), row in rows.items():
        panel(shared, vendor, id, **row)
    agents(shared).clear()
    agents(shared).update(there)
    for file, content in files.items():
        (shared.root / file).write_bytes(content)


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Lines that are gone and lines that came, whatever stands around them."""
    lines = []
    for file in sorted(after):
        told = difflib.unified_diff(before[file].splitlines(True), after[file].splitlines(True), n=0)
        lines += [line.rstrip("\n") for line in told if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    return lines


def adopt(team: Office, *options: str) -> tuple[Any, list[str]]:
    """What `drift --adopt` says, and which lines it changed."""
    before = texts(team)
    found = drift(team, "--adopt", *options)
    return found, changed(before, texts(team))


def check_settled(team: Office) -> None:
    """No plan is left, the ledger follows with an apply that sends nothing, and then there is no drift."""
    assert team.plan()["changes"] == []
    calls = len(team.calls())
    assert team.apply().json()["result"] == "nothing"
    assert {call.method for call in team.calls()[calls:]} <= {"GET"} or all(
        "auth" in call.path for call in team.calls()[calls:] if call.method != "GET"
    )
    assert drift(team, "--detailed-exitcode")["objects"] == []


def week(start: int, **days: tuple[int, int]) -> list[dict[str, int]]:
    row: dict[str, int] = {}
    for day in ("monday", "tuesday", "wednesday", "thursday", "friday"):
        row |= {f"{day}_start_time": start * HOUR, f"{day}_end_time": 17 * HOUR}
    for day in ("saturday", "sunday"):
        row |= {f"{day}_start_time": 10 * HOUR, f"{day}_end_time": 16 * HOUR}
    for day, edges in days.items():
        row |= {f"{day}_start_time": edges[0] * HOUR, f"{day}_end_time": edges[1] * HOUR}
    return [row]


ONE: list[tuple[dict[str, Any], list[str]]] = [
    ({"campaign_name": "Summer: 2026"}, ['-  displayName: "Spring"', '+  displayName: "Summer: 2026"']),
    (
        {"description": "It's new"},
        ["-    description: 'Renewal notices'   # for the agents", "+    description: 'It''s new'   # for the agents"],
    ),
    (
        {"carrier_uuid": fixed_uuid("carrier Mobi trunk B")},
        ["-    carrier: Viettel trunk A", "+    carrier: Mobi trunk B"],
    ),
    ({"ratio": 300}, ["-    ratio: 150", "+    ratio: 300"]),
    ({"call_timeout": 120}, ["-    call_timeout: 60s", "+    call_timeout: 2m"]),
    (
        {"network": {"viettel": 9, "mobi": 5}},
        ["-    network: {viettel: 5, mobi: 5}", "+    network: {viettel: 9, mobi: 5}"],
    ),
    ({"callback_url": ""}, ["-    callback_url: https://hooks.acme.example/cdr"]),
    ({"local_start_time": "08:30:00"}, ['-    local_start_time: "09:00"', '+    local_start_time: "08:30"']),
    ({"enable_encrypt": True}, ["-    enable_encrypt: false", "+    enable_encrypt: true"]),
    ({"active": True, "status": "start"}, ["-  activation: stopped", "+  activation: running"]),
    (
        {"recall_times": 4, "schedule_recall_duration": 45},
        [
            "-  maxAttempts: 3       # the first call included",
            "-  after: 30m",
            "+  maxAttempts: 5       # the first call included",
            "+  after: 45m",
        ],
    ),
    ({"recall_status": ["busy"]}, ["-    - no_answer        # most of them"]),
    ({"recall_status": ["busy", "no-answered", "failed"]}, ["+    - failed"]),
    (
        {"schedules": week(8)},
        [
            '-    - {days: [mon, tue, wed, thu, fri], from: "09:00", to: "17:00"}   # office',
            '+    - {days: [mon, tue, wed, thu, fri], from: "08:00", to: "17:00"}   # office',
        ],
    ),
    (
        {"schedules": week(9, friday=(9, 15), sunday=(12, 14))},
        [
            '-    - {days: [mon, tue, wed, thu, fri], from: "09:00", to: "17:00"}   # office',
            "-    - days: [sat, sun]",
            '+    - {days: [mon, tue, wed, thu], from: "09:00", to: "17:00"}   # office',
            "+    - days: [sat]",
            '+    - {days: [fri], from: "09:00", to: "15:00"}',
            '+    - {days: [sun], from: "12:00", to: "14:00"}',
        ],
    ),
]


@pytest.mark.parametrize(("fields", "lines"), ONE, ids=[", ".join(fields) for fields, _ in ONE])
def test_one_value_is_one_line(team: Office, fields: dict[str, Any], lines: list[str]) -> None:
    panel(team, "tel4vn", spring(team), **fields)
    found, told = adopt(team)
    assert sorted(told) == sorted(lines)
    assert found["refused"] == [] and found["adopted"]
    for one in found["adopted"]:
        file, _, line = one["source"].rpartition(":")
        assert texts(team)[file].splitlines()[int(line) - 1].strip(), one
    assert team.plan()["changes"] == []
    assert adopt(team)[1] == [], "what is adopted is declared"


def test_the_ledger_follows(tmp_path: Path) -> None:
    with applied(tmp_path, {"campaigns/spring.yaml": SPRING}) as team:
        uuid = spring(team)
        for fields, _ in ONE:
            panel(team, "tel4vn", uuid, **fields)
        assert adopt(team)[0]["refused"] == []
        check_settled(team)


@pytest.mark.parametrize(
    ("fields", "lines"),
    [
        ({"name": "Odnowienia lato"}, ["-  displayName: Odnowienia", "+  displayName: Odnowienia lato"]),
        ({"end_date": "2026-07-31"}, ["-    end_date: 2026-06-30", "+    end_date: 2026-07-31"]),
        ({"end_date": ""}, ["-    end_date: 2026-06-30"]),
        (
            {"dialer": "preview", "parity": 70},
            ["-    dialer: progressive", "-    parity: 60", "+    dialer: preview", "+    parity: 70"],
        ),
        ({"active": True}, ["-  activation: stopped", "+  activation: running"]),
    ],
)
def test_thulium(team: Office, fields: dict[str, Any], lines: list[str]) -> None:
    panel(team, "thulium", "00001", **fields)
    found, told = adopt(team)
    assert sorted(told) == sorted(lines) and found["refused"] == []
    assert team.plan()["changes"] == []


def test_agents_and_parameters_of_thulium(tmp_path: Path) -> None:
    with applied(tmp_path, {"campaigns/odnowienia.yaml": RENEWALS}) as team:
        there = row_of(team, "thulium", "00001")["parameters"]
        panel(team, "thulium", "00001", parameters={**there, "preview_timeout": 15, "predictive_max_calls": 2.5})
        del agents(team)["a.nowak"]
        _, told = adopt(team)
        assert "+    agents: [j.doe]" in told
        assert (
            '+    parameters: {caller_id: "2240", preview_timeout: 15s, predictive_max_calls: "2.5", predictive_min_calls: 1}'
            in told
        )
        check_settled(team)


def test_a_name_that_nobody_wrote_is_added(tmp_path: Path) -> None:
    with applied(tmp_path, {"a.yaml": plain("plain")}) as team:
        panel(team, "tel4vn", spring(team, "plain"), campaign_name="Anders")
        assert adopt(team)[1] == ["+  displayName: Anders"]
        check_settled(team)


def test_a_carrier_that_was_renamed_or_has_a_namesake(tmp_path: Path) -> None:
    with applied(tmp_path, {"campaigns/spring.yaml": SPRING}) as team:
        vendor = team.here.simulator.vendors["tel4vn"]
        vendor.edit("carrier", fixed_uuid("carrier Viettel trunk A"), {"carrier_name": "Viettel trunk Z"})
        assert adopt(team)[1] == ["-    carrier: Viettel trunk A", "+    carrier: Viettel trunk Z"]
        check_settled(team)
        vendor.edit("carrier", fixed_uuid("carrier Mobi trunk B"), {"carrier_name": "Viettel trunk Z"})
        panel(team, "tel4vn", spring(team), carrier_uuid=fixed_uuid("carrier Mobi trunk B"))
        other = fixed_uuid("carrier Mobi trunk B")
        assert adopt(team)[1] == ["-    carrier: Viettel trunk Z", f"+    carrier: {{uuid: {other}}}"], (
            "the name means two"
        )
        check_settled(team)
        panel(team, "tel4vn", spring(team), template_uuid="")
        assert "-    template: Renewal notice" in adopt(team)[1]


def test_a_carrier_that_is_no_more(team: Office) -> None:
    vendor = team.here.simulator.vendors["tel4vn"]
    gone = fixed_uuid("carrier Viettel trunk A")
    row = vendor.snapshot()["carriers"][gone]
    vendor.edit("carrier", gone, None)
    still = drift(team, "--adopt")
    panel(team, "tel4vn", spring(team), carrier_uuid=fixed_uuid("carrier Mobi trunk B"))
    _, told = adopt(team)
    vendor.edit("carrier", None, row)
    assert ["exists at tel4vn" in one["why"] for one in still["refused"]] == [True], (
        "the campaign holds what is no more"
    )
    assert told == ["-    carrier: Viettel trunk A", "+    carrier: Mobi trunk B"]


def test_a_carrier_by_uuid_stays_one_by_uuid(tmp_path: Path) -> None:
    by_uuid = SPRING.replace(
        "carrier: Viettel trunk A", f"carrier: {{uuid: {fixed_uuid('carrier Viettel trunk A')}}}  # A"
    )
    with applied(tmp_path, {"campaigns/spring.yaml": by_uuid}) as team:
        other = fixed_uuid("carrier Mobi trunk B")
        panel(team, "tel4vn", spring(team), carrier_uuid=other)
        assert adopt(team)[1][-1] == f"+    carrier: {{uuid: {other}}}  # A"
        check_settled(team)


def test_a_number_that_was_declared_as_one_may_be_another(tmp_path: Path) -> None:
    own = RENEWALS.replace('caller_id: "2240"', 'caller_id: "224000000"')
    with applied(tmp_path, {"campaigns/odnowienia.yaml": own}) as team:
        there = row_of(team, "thulium", "00001")["parameters"]
        panel(team, "thulium", "00001", parameters={**there, "caller_id": "224000001"})
        found, told = adopt(team)
        assert 'caller_id: "224000001"' in told[-1] and "224000001" not in str(found)
        check_settled(team)


def test_a_parameter_that_is_gone_and_then_all_of_them(team: Office) -> None:
    there = row_of(team, "thulium", "00001")["parameters"]
    panel(team, "thulium", "00001", parameters={"caller_id": there["caller_id"]})
    assert adopt(team)[1][-1] == '+    parameters: {caller_id: "2240"}'
    panel(team, "thulium", "00001", parameters={})
    told = adopt(team)[1]
    assert told == ['-    parameters: {caller_id: "2240"}']
    assert team.plan()["changes"] == []


# ---- what several campaigns share ----------------------------------------------------------------------------------

TWO = {"a.yaml": plain("one"), "b.yaml": plain("two")}


def test_what_all_who_share_it_have_is_changed_in_place(tmp_path: Path) -> None:
    with applied(tmp_path, TWO) as team:
        for name in ("one", "two"):
            panel(team, "tel4vn", spring(team, name), recall_times=9)
        found, told = adopt(team)
        assert told == [
            "-  maxAttempts: 3       # the first call included",
            "+  maxAttempts: 10       # the first call included",
        ]
        (source,) = {one["source"] for one in found["adopted"]}
        file, line = source.split(":")
        assert texts(team)[file].splitlines()[int(line) - 1].startswith("  maxAttempts: 10")
        check_settled(team)


def test_who_differs_gets_a_copy_and_nobody_else_moves(tmp_path: Path) -> None:
    with applied(tmp_path, TWO) as team:
        panel(team, "tel4vn", spring(team, "one"), recall_times=9, schedules=week(8))
        found, told = adopt(team)
        assert {"-  schedule: hours", "+  schedule: hours-one", "-  recall: gentle", "+  recall: gentle-one"} <= set(
            told
        )
        assert sum(line.startswith("-") for line in told) == 2, "all else was added"
        notes = {one["note"] for one in found["adopted"]}
        assert (
            "Schedule hours-one was made for it, since hours is named by two too, which are not so at the vendor"
            in notes
        )
        assert "# office" in texts(team)["connections.yaml"].partition("hours-one")[2]
        check_settled(team)


def test_two_who_differ_from_each_other_get_one_each(tmp_path: Path) -> None:
    with applied(tmp_path, TWO) as team:
        panel(team, "tel4vn", spring(team, "one"), recall_times=9)
        panel(team, "tel4vn", spring(team, "two"), recall_times=7)
        adopt(team)
        assert {"metadata: {name: gentle-one}", "metadata: {name: gentle-two}"} <= set(
            texts(team)["connections.yaml"].split("\n")
        )
        check_settled(team)


def test_a_copys_name_is_nobodys(tmp_path: Path) -> None:
    more = (
        "---\n"
        + "apiVersion: reconciler/v1\nkind: RecallPolicy\nmetadata: {name: gentle-one}\nspec: {maxAttempts: 1}\n"
    )
    with applied(
        tmp_path, {**TWO, "c.yaml": plain("three").replace("recall: gentle", "recall: gentle-one") + more}
    ) as team:
        panel(team, "tel4vn", spring(team, "one"), recall_times=9)
        assert "+  recall: gentle-one-2" in adopt(team)[1]
        check_settled(team)


# ---- what is not taken ---------------------------------------------------------------------------------------------


def refused(found: Any) -> dict[str, str]:
    return {".".join(one["path"]): one["why"] for one in found["refused"]}


def test_a_declaration_that_moved_too_is_a_persons_decision(tmp_path: Path) -> None:
    with applied(tmp_path, {"campaigns/spring.yaml": SPRING}) as team:
        panel(team, "tel4vn", spring(team), concurrent_call=9, hopper=50)
        team.edit("campaigns/spring.yaml", "concurrent_call: 5", "concurrent_call: 7")
        team.edit("campaigns/spring.yaml", "hopper: 20", "hopper: 50")
        found, told = adopt(team)
        assert told == [] and "the declaration was changed since the last apply" in refused(found)["concurrent_call"]
        assert [(one["path"], one["note"]) for one in found["adopted"]] == [(["hopper"], "it says so already")]


@pytest.mark.parametrize(
    ("fields", "path", "why"),
    [
        ({"status": "pause", "active": True}, "activation", "paused cannot be declared"),
        ({"description": "call 0912 345 678"}, "description", "people stay out of Git"),
        ({"schedules": []}, "schedule", "the vendor shows none"),
        (
            {"schedules": [{**week(9)[0], "monday_start_time": 9 * HOUR + HOUR // 240}]},
            "schedule.windows.mon",
            "whole minutes",
        ),
        ({"schedules": [{**week(9)[0], "monday_start_time": 22 * HOUR}]}, "schedule.windows.mon", "within one day"),
        ({"schedules": [dict.fromkeys(week(9)[0], 0)]}, "schedule.windows.mon", "no day has hours any more"),
        (
            {"schedules": [*week(9), {n: (18 if "start" in n else 20) * HOUR for n in week(9)[0]}]},
            "schedule.windows.mon",
            "one window a day",
        ),
        ({"schedules": week(9, sunday=(0, 0))}, "schedule.windows.sun", "closedDays"),
        ({"recall_status": ["busy", "strange"]}, "recall.outcomes", "it cannot be declared"),
        ({"ratio": 123}, "ratio", "it cannot be declared"),
        ({"schedule_recall": "never"}, "recall.after", "the vendor shows none"),
    ],
)
def test_what_cannot_be_declared_is_left_and_the_rest_is_taken(
    team: Office, fields: dict[str, Any], path: str, why: str
) -> None:
    panel(team, "tel4vn", spring(team), **fields, hopper=50)
    found, told = adopt(team)
    assert told == ["-    hopper: 20", "+    hopper: 50"]
    assert why in refused(found)[path]
    said = path.removesuffix(".mon").removesuffix(".sun")
    assert f"{said}: " in team.run("drift", "--adopt").out.partition("Not taken:")[2]


def test_a_campaign_that_is_not_declared_any_more(tmp_path: Path) -> None:
    with applied(tmp_path) as team:
        panel(team, "tel4vn", spring(team), hopper=50)
        (team.root / "campaigns" / "spring.yaml").unlink()
        found, told = adopt(team)
        assert (told, refused(found)) == ([], {"hopper": "it is not declared any more"})


def test_what_others_say_by_an_alias_is_not_changed(tmp_path: Path) -> None:
    anchored = SPRING.replace("concurrent_call: 5", "concurrent_call: &twenty 20").replace(
        "hopper: 20", "hopper: *twenty"
    )
    with applied(tmp_path, {"campaigns/spring.yaml": anchored}) as team:
        panel(team, "tel4vn", spring(team), concurrent_call=9)
        found, told = adopt(team)
        assert told == [] and "other places say the same by *twenty" in refused(found)["concurrent_call"]
        panel(team, "tel4vn", spring(team), concurrent_call=20, hopper=50)
        assert adopt(team)[1] == ["-    hopper: *twenty", "+    hopper: 50"]
        check_settled(team)


def test_files_keep_their_mode_their_line_ends_and_no_trace(tmp_path: Path) -> None:
    with applied(tmp_path, {"campaigns/spring.yaml": SPRING}) as team:
        file = team.root / "campaigns" / "spring.yaml"
        file.write_bytes(("\ufeff" + SPRING.replace("\n", "\r\n").rstrip()).encode())
        file.chmod(0o640)
        before = file.read_bytes()
        panel(team, "tel4vn", spring(team), concurrent_call=9)
        assert drift(team, "--adopt")["refused"] == []
        assert file.read_bytes() == before.replace(b"concurrent_call: 5", b"concurrent_call: 9")
        assert file.stat().st_mode & 0o777 == 0o640
        assert [path.name for path in file.parent.iterdir()] == ["spring.yaml"]
        check_settled(team)


def test_where_it_breaks_off_the_files_are_as_they_were(team: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    panel(team, "tel4vn", spring(team), hopper=50)
    before = texts(team)

    def interrupted(*_: object) -> None:
        assert texts(team) != before, "what is planned over is what is written"
        raise KeyboardInterrupt

    monkeypatch.setattr("reconciler.declaring.load", interrupted)
    assert team.run("drift", "--adopt").code == 130
    assert texts(team) == before


def test_a_campaign_that_was_renamed_is_written_under_its_new_name(tmp_path: Path) -> None:
    with applied(tmp_path, {"campaigns/spring.yaml": SPRING}) as team:
        team.edit("campaigns/spring.yaml", "{name: spring}", "{name: wiosna, movedFrom: spring}")
        panel(team, "tel4vn", spring(team), hopper=50, recall_times=8)
        found, told = adopt(team)
        assert told[-2:] == [
            "-  maxAttempts: 3       # the first call included",
            "+  maxAttempts: 9       # the first call included",
        ]
        assert "+    hopper: 50" in told and found["refused"] == []
        assert found["objects"][0]["source"] == "campaigns/spring.yaml:2"
        assert "Spring" not in {one["name"] for one in found["unmanaged"]}
        check_settled(team)


def test_part_of_it_by_selection(tmp_path: Path) -> None:
    with applied(tmp_path) as team:
        panel(team, "tel4vn", spring(team), hopper=50)
        panel(team, "thulium", "00001", parity=70)
        assert adopt(team, "--select", "connection=krakow")[1] == ["-    parity: 60", "+    parity: 70"]
