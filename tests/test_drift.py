"""`drift`: live against last applied, over the command line and the simulated vendors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from reconciler import config
from reconciler.providers.tel4vn.rules import CAPABILITIES as TEL4VN
from reconciler.providers.thulium.wire import CAPABILITIES as THULIUM
from reconciler.simulator.tel4vn.account import fixed_uuid
from tests.drifting import CONNECTIONS, HOUR, PROJECT, RENEWALS, SPRING, agents, applied, drift, panel, row_of, spring
from tests.office import Office, desk, office

SCENARIOS = Path(__file__).parent / "scenarios"
KEYS = {"tel4vn": "hanoi/campaign/spring", "thulium": "krakow/campaign/odnowienia"}


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """For tests that put back what they change."""
    with applied(tmp_path_factory.mktemp("drift")) as made:
        yield made


def id_of(team: Office, vendor: str) -> str:
    return "00001" if vendor == "thulium" else spring(team)


def fields_of(found: Any) -> list[tuple[str, str, str]]:
    """(campaign, field, class) of everything that drifted."""
    return [
        (one["key"], ".".join(field["path"]), field["class"]) for one in found["objects"] for field in one["fields"]
    ]


# ---- one field -----------------------------------------------------------------------------------------------------


def week(**edges: int) -> dict[str, Any]:
    """A whole row of TEL4VN's schedule: the declared hours, with `mon_start=8` and the like laid over."""
    long = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    row: dict[str, Any] = {}
    for day in long:
        start, end = (10, 16) if day.startswith("s") else (9, 17)
        row |= {f"{day}_start_time": start * HOUR, f"{day}_end_time": end * HOUR}
    return {"schedules": [row | {f"{name}_time": hours * HOUR for name, hours in edges.items()}]}


W, R, N = "widening", "restricting", "neutral"
# What somebody sets in the panel, what is told of it, and what of the way back.
ONE_FIELD: list[tuple[str, dict[str, Any], list[str], str]] = [
    ("tel4vn", {"campaign_name": "Summer"}, ["displayName"], N),
    ("tel4vn", week(monday_start=8), ["schedule.windows.mon"], W),
    ("tel4vn", week(sunday_end=12), ["schedule.windows.sun"], R),
    ("tel4vn", week(friday_start=10, friday_end=18), ["schedule.windows.fri"], W),
    ("tel4vn", week(saturday_start=0, saturday_end=0), ["schedule.windows.sat"], R),
    ("tel4vn", {"schedules": []}, ["schedule"], W),
    ("tel4vn", {"recall_times": 3}, ["recall.maxAttempts"], W),
    ("tel4vn", {"recall_times": 1}, ["recall.maxAttempts"], R),
    ("tel4vn", {"schedule_recall": "after"}, ["recall.after"], W),
    ("tel4vn", {"schedule_recall_duration": 60}, ["recall.after"], R),
    ("tel4vn", {"recall_status": ["busy", "no-answered", "answered"]}, ["recall.outcomes"], W),
    ("tel4vn", {"recall_status": ["busy"]}, ["recall.outcomes"], R),
    ("tel4vn", {"priority_recall": "recall"}, ["recall.priority"], N),
    ("tel4vn", {"limit_recall_duration": 30}, ["recall.minTalk"], W),
    ("tel4vn", {"limit_recall_duration": 0}, ["recall.minTalk"], R),
    ("tel4vn", {"type": "autocall"}, ["type"], W),
    ("tel4vn", {"type_autocall": "autocall_voice_tts"}, ["type_autocall"], N),
    ("tel4vn", {"description": "Other notes"}, ["description"], N),
    ("tel4vn", {"carrier_uuid": fixed_uuid("carrier Mobi trunk B")}, ["carrier.name", "carrier.uuid"], N),
    ("tel4vn", {"template_uuid": fixed_uuid("template Survey")}, ["template.name", "template.uuid"], N),
    ("tel4vn", {"carrier_uuid": ""}, ["carrier"], N),
    ("tel4vn", {"concurrent_call": 9}, ["concurrent_call"], W),
    ("tel4vn", {"concurrent_call": 1}, ["concurrent_call"], R),
    ("tel4vn", {"ratio": 300}, ["ratio"], W),
    ("tel4vn", {"ratio": 100}, ["ratio"], R),
    ("tel4vn", {"call_timeout": 30}, ["call_timeout"], N),
    ("tel4vn", {"mode_call": "serial"}, ["mode_call"], W),
    ("tel4vn", {"network": {"viettel": 9, "mobi": 5}}, ["network.viettel"], W),
    ("tel4vn", {"network": {"viettel": 5, "mobi": 0}}, ["network.mobi"], R),
    ("tel4vn", {"callback_url": "https://hooks.acme.example/new"}, ["callback_url"], N),
    ("tel4vn", {"answer_callback_url": ""}, ["answer_callback_url"], N),
    ("tel4vn", {"local_start_time": "08:00:00"}, ["local_start_time"], W),
    ("tel4vn", {"local_start_time": "09:30:00"}, ["local_start_time"], R),
    ("tel4vn", {"local_end_time": "18:00:00"}, ["local_end_time"], W),
    ("tel4vn", {"local_end_time": "12:00:00"}, ["local_end_time"], R),
    ("tel4vn", {"hopper": 50}, ["hopper"], W),
    ("tel4vn", {"call_center_queue_strategy": "random"}, ["call_center_queue_strategy"], N),
    ("tel4vn", {"customer_order": "name"}, ["customer_order"], N),
    ("tel4vn", {"allow_manual_dial": False}, ["allow_manual_dial"], N),
    ("tel4vn", {"allow_search_lead": False}, ["allow_search_lead"], N),
    ("tel4vn", {"enable_callback_alert": False}, ["enable_callback_alert"], N),
    ("tel4vn", {"enable_encrypt": True}, ["enable_encrypt"], N),
    ("tel4vn", {"active": True, "status": "start"}, ["activation"], W),
    ("tel4vn", {"active": True, "status": "pause"}, ["activation"], W),
    ("thulium", {"name": "Odnowienia lato"}, ["displayName"], N),
    ("thulium", {"dialer": "predictive"}, ["dialer"], W),
    ("thulium", {"start_date": "2026-05-01"}, ["start_date"], W),
    ("thulium", {"start_date": "2026-06-02"}, ["start_date"], R),
    ("thulium", {"end_date": "2026-07-31"}, ["end_date"], W),
    ("thulium", {"end_date": "2026-06-15"}, ["end_date"], R),
    ("thulium", {"end_date": ""}, ["end_date"], W),
    ("thulium", {"order": 1}, ["order"], W),
    ("thulium", {"order": 50}, ["order"], R),
    ("thulium", {"parity": 70}, ["parity"], W),
    ("thulium", {"parity": 50}, ["parity"], R),
    ("thulium", {"group_id": 5}, ["group_id"], N),
    ("thulium", {"active": True}, ["activation"], W),
]
PARAMETERS: list[tuple[str, Any, str]] = [
    ("caller_id", "2241", N),
    ("preview_timeout", 10, W),
    ("preview_timeout", 60, R),
    ("predictive_max_calls", 2, W),
    ("predictive_max_calls", 1, R),
    ("predictive_min_calls", 1.2, W),
    ("predictive_min_calls", 0, R),
]


@pytest.mark.parametrize(("vendor", "fields", "paths", "kind"), ONE_FIELD, ids=[f"{v}-{f}" for v, f, _, _ in ONE_FIELD])
def test_one_field_that_is_changed_is_told_once(
    team: Office, vendor: str, fields: dict[str, Any], paths: list[str], kind: str
) -> None:
    id = id_of(team, vendor)
    before = row_of(team, vendor, id)
    panel(team, vendor, id, **fields)
    try:
        found = drift(team, "--detailed-exitcode", code=2)
    finally:
        panel(team, vendor, id, **{name: before[name] for name in fields})
    assert fields_of(found) == [(KEYS[vendor], path, kind) for path in paths]
    assert [one["class"] for one in found["objects"]] == [kind]
    assert all(one["said"] for one in found["objects"][0]["fields"] if one["path"][-1] != "uuid")
    jsonschema.Draft202012Validator(config.schema("drift")).validate(found)


@pytest.mark.parametrize(("name", "value", "kind"), PARAMETERS)
def test_one_parameter_of_thulium_that_is_changed(team: Office, name: str, value: Any, kind: str) -> None:
    before = row_of(team, "thulium", "00001")["parameters"]
    panel(team, "thulium", "00001", parameters={**before, name: value})
    try:
        found = drift(team)
    finally:
        panel(team, "thulium", "00001", parameters=before)
    assert fields_of(found) == [(KEYS["thulium"], f"parameters.{name}", kind)]


def test_parameters_that_are_gone(team: Office) -> None:
    before = row_of(team, "thulium", "00001")["parameters"]
    panel(team, "thulium", "00001", parameters={})
    try:
        told = fields_of(drift(team))
    finally:
        panel(team, "thulium", "00001", parameters=before)
    assert {path: kind for _, path, kind in told} == {
        "parameters.caller_id": N,
        **{f"parameters.{name}": W for name in ("preview_timeout", "predictive_max_calls", "predictive_min_calls")},
    }


def test_agents_that_came_and_went(team: Office) -> None:
    team.here.simulator.vendors["thulium"].edit("agent", None, {"login": "k.lis"})
    there = agents(team)
    before = dict(there)
    try:
        del there["j.doe"]
        gone = fields_of(drift(team))
        there["k.lis"] = True
        both = fields_of(drift(team))
    finally:
        there.clear()
        there.update(before)
    assert (gone, both) == ([(KEYS["thulium"], "agents", R)], [(KEYS["thulium"], "agents", W)])


def test_every_field_that_can_be_read_is_played() -> None:
    played = {(vendor, path) for vendor, _, paths, _ in ONE_FIELD for path in paths}
    played |= {("thulium", f"parameters.{name}") for name, _, _ in PARAMETERS} | {("thulium", "agents")}
    for table in (TEL4VN, THULIUM):
        for name, rule in table.fields.items():
            assert (
                not rule.readable
                or any(
                    vendor == table.vendor and (path == name or path.startswith((f"{name}.", name)))
                    for vendor, path in played
                )
                or name == "schedule.timezone"
            ), f"{table.vendor} {name}"  # one clock, whatever its name


# ---- no drift ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "switches",
    [
        {},
        {"thulium": {"outbounds_fields": "text", "outbounds_shape": "paged"}},
        {"tel4vn": {"read_assignments": "stored", "derived_names": "both", "page_cap": "10"}},
    ],
)
def test_what_is_saved_without_a_change_is_no_drift(tmp_path: Path, switches: dict[str, dict[str, str]]) -> None:
    with applied(tmp_path, **switches) as team:
        for vendor in ("tel4vn", "thulium"):
            id = id_of(team, vendor)
            panel(team, vendor, id, **row_of(team, vendor, id))
        found = drift(team, "--detailed-exitcode")
        assert (found["objects"], found["found"], found["compared"]) == ([], False, 2)
        assert team.run("drift").out.startswith("acme: No drift: 2 campaigns as applied, as far as they can be read.")


def test_what_nobody_declared_may_be_changed(team: Office) -> None:
    id = spring(team)
    panel(team, "tel4vn", id, network={"viettel": 5, "mobi": 5, "tel": 7}, orig_campaign_uuid="x")
    assert drift(team)["objects"] == []
    panel(team, "tel4vn", id, network={"viettel": 5, "mobi": 5}, orig_campaign_uuid="")


def test_a_change_that_waits_to_be_applied_is_no_drift(tmp_path: Path) -> None:
    with applied(tmp_path, {"campaigns/spring.yaml": SPRING}) as team:
        team.edit("campaigns/spring.yaml", "concurrent_call: 5", "concurrent_call: 7")
        team.edit("campaigns/spring.yaml", "activation: stopped", "activation: running")
        assert drift(team)["objects"] == []


def test_fields_that_supervisors_tune_are_left_out(tmp_path: Path) -> None:
    with applied(tmp_path, {"campaigns/spring.yaml": SPRING}) as team:
        panel(team, "tel4vn", spring(team), concurrent_call=9)
        assert len(drift(team)["objects"]) == 1
        team.edit(
            "campaigns/spring.yaml", "  activation:", "  lifecycle: {unmanaged: [concurrent_call]}\n  activation:"
        )
        assert drift(team)["objects"] == []


# ---- what cannot be read -------------------------------------------------------------------------------------------


def test_what_cannot_be_read_back_is_never_equal(team: Office) -> None:
    told = {one["key"]: (one["fields"], one["why"]) for one in drift(team)["unverified"]}
    assert told == {
        KEYS["tel4vn"]: (["extensions"], "tel4vn does not show them"),
        KEYS["thulium"]: (["kind"], "thulium does not show them"),
    }
    since = {one["since"] for one in drift(team)["unverified"]}
    assert len(since) == 1 and len(since.pop()) == len("2026-06-01")


def test_what_an_answer_does_not_hold_is_not_equal_either(tmp_path: Path) -> None:
    with applied(tmp_path, {"campaigns/odnowienia.yaml": RENEWALS}) as team:
        team.switch("thulium", outbounds_fields="minimal")
        found = drift(team)
    assert found["objects"] == []
    (told,) = found["unverified"]
    assert {"dialer", "order", "parity", "start_date", "parameters.caller_id", "kind"} <= set(told["fields"])
    assert not {"agents", "displayName"} & set(told["fields"])


def test_all_four_vendors(tmp_path: Path) -> None:
    """Two of them show next to nothing, and it is said."""
    with office(tmp_path) as team:
        assert team.apply().code == 0
        found = drift(team)
        text = team.run("drift").out
        people = {one["key"]: one for one in drift(team, "--contacts", "full")["contacts"]}
    assert found["objects"] == [] and found["compared"] == 4
    told = {one["key"]: one for one in found["unverified"]}
    assert told["intersvyaz-chel/campaign/opros-2030"]["why"] == "intersvyaz has no documented call that shows it"
    assert told["conpeek-gdansk/campaign/przypomnienie"]["why"] == "conpeek has no documented call that shows it"
    assert "record_fields" in told["thulium-krakow/campaign/odnowienia"]["fields"]
    assert "cannot be verified since 20" in text
    assert set(people) == {"tel4vn-hanoi/campaign/spring-renewals", "thulium-krakow/campaign/odnowienia"}


def test_a_conpeek_voice_campaign_is_there_or_not_and_nothing_else(tmp_path: Path) -> None:
    here = SCENARIOS / "conpeek-voice"
    with office(tmp_path, repository=here / "repository", people=here / "people") as team:
        team.switch("conpeek", voice_add="open")
        assert team.apply().code == 0
        found = drift(team)
        assert found["objects"] == []
        assert [one["fields"] for one in found["unverified"]] == [["experimental"]]
        team.here.simulator.vendors["conpeek"].edit("voice_campaign", "5b7c389fe8df7b60af688989", None)
        assert [one["gone"] for one in drift(team)["objects"]] == [True]


def test_who_changed_it_is_told_as_far_as_the_vendor_tells(team: Office) -> None:
    before = row_of(team, "tel4vn", spring(team))["concurrent_call"]
    panel(team, "tel4vn", spring(team), concurrent_call=8)
    panel(team, "thulium", "00001", order=30)
    found = {one["key"]: one for one in drift(team)["objects"]}
    panel(team, "tel4vn", spring(team), concurrent_call=before, updated_at="yesterday")
    panel(team, "thulium", "00001", order=20)
    tel4vn, thulium = found[KEYS["tel4vn"]], found[KEYS["thulium"]]
    assert tel4vn["changedAt"].endswith("Z") and tel4vn["who"].endswith("; tel4vn does not tell by whom")
    assert (thulium["changedAt"], thulium["who"]) == ("", "thulium does not tell who changed it, or when")
    panel(team, "tel4vn", spring(team), concurrent_call=8, updated_at="yesterday")
    assert drift(team)["objects"][0]["changedAt"] == ""
    panel(team, "tel4vn", spring(team), concurrent_call=before)


# ---- what is gone, what runs ---------------------------------------------------------------------------------------


def test_a_campaign_that_is_gone(tmp_path: Path) -> None:
    with applied(tmp_path) as team:
        team.here.simulator.vendors["tel4vn"].edit("campaign", spring(team), None)
        team.here.simulator.vendors["thulium"].edit("campaign", "00001", None)
        found = drift(team, "--detailed-exitcode", "--adopt", code=2)
        text = team.run("drift").out
    told = {one["key"]: (one["class"], one["gone"], one["fields"]) for one in found["objects"]}
    assert told[KEYS["tel4vn"]] == (R, True, [])
    assert "gone: tel4vn has no campaign" in text
    if KEYS["thulium"] in told:
        assert told[KEYS["thulium"]][:2] == (R, True)
    assert found["refused"][0]["why"].startswith("it is gone")


def test_campaigns_that_run_without_being_declared_so(tmp_path: Path) -> None:
    with applied(tmp_path) as team:
        panel(team, "tel4vn", spring(team), active=True, status="start")
        panel(team, "thulium", "00001", active=True)
        team.edit(
            "campaigns/odnowienia.yaml", "activation: stopped\n  thulium:", "state: absent\n  reason: over\n  thulium:"
        )
        found = drift(team)
        assert {one["key"]: one["why"] for one in found["running"] if one["key"]} == {
            KEYS["tel4vn"]: "declared stopped",
            KEYS["thulium"]: "not declared any more",
        }
        assert [one["name"] for one in found["running"] if not one["key"]] == ["Nhac lich hen", "Badanie satysfakcji"]
        assert {"no longer declared, still bound as " + KEYS["thulium"]} == {u["note"] for u in found["unmanaged"]} - {
            ""
        }
        (team.root / "campaigns" / "odnowienia.yaml").unlink()
        found = drift(team)
        (other,) = [one for one in found["objects"] if one["key"] == KEYS["thulium"]]
        assert (other["source"], other["class"]) == ("", W)
        panel(team, "tel4vn", spring(team), status="pause")
        told = {one["key"]: one["why"] for one in drift(team)["running"]}
        assert told[KEYS["tel4vn"]] == "declared stopped; it is paused, and runs again by itself"


def test_what_halt_stopped_stands_still_by_our_own_hand(tmp_path: Path) -> None:
    spring_runs = SPRING.replace("activation: stopped", "activation: running")
    with applied(tmp_path, {"campaigns/spring.yaml": spring_runs}) as team:
        panel(team, "tel4vn", spring(team), active=False)
        assert fields_of(drift(team)) == [(KEYS["tel4vn"], "activation", R)]
        panel(team, "tel4vn", spring(team), active=True)
        assert drift(team)["objects"] == []
        assert team.run("halt").code == 0
        assert drift(team)["objects"] == []
        panel(team, "tel4vn", spring(team), active=True)
        assert fields_of(drift(team)) == [(KEYS["tel4vn"], "activation", W)]


def test_a_run_state_that_is_declared_no_more_is_nobodys(tmp_path: Path) -> None:
    with applied(tmp_path, {"campaigns/spring.yaml": SPRING}) as team:
        team.edit("campaigns/spring.yaml", "  activation: stopped\n", "")
        panel(team, "tel4vn", spring(team), active=True, status="start")
        assert fields_of(drift(team)) == [(KEYS["tel4vn"], "activation", W)], "it was applied"
        assert team.run("apply", "--auto-approve").code == 0
        found = drift(team)
        assert found["objects"] == [] and KEYS["tel4vn"] not in {one["key"] for one in found["running"]}


def test_a_campaign_of_a_connection_that_is_gone_is_not_forgotten(tmp_path: Path) -> None:
    with applied(tmp_path) as team:
        (team.root / "campaigns" / "odnowienia.yaml").unlink()
        text = (team.root / "connections.yaml").read_text()
        start, end = text.index("metadata: {name: krakow}"), text.index("metadata: {name: hours}")
        kept = text[: text.rindex("---", 0, start)] + text[text.rindex("---", 0, end) :]
        (team.root / "connections.yaml").write_text(kept)
        (told,) = [one for one in drift(team)["unverified"] if one["key"] == KEYS["thulium"]]
    assert told["why"] == "no connection krakow is declared any more"


def test_what_is_adopted_and_was_never_applied_has_nothing_to_be_compared_with(tmp_path: Path) -> None:
    renewals = RENEWALS.replace('    id: "00001"\n', "").replace("Odnowienia\n", "Badanie satysfakcji\n")
    with office(tmp_path, {"reconciler.yaml": PROJECT, "connections.yaml": CONNECTIONS, "c.yaml": renewals}) as team:
        assert team.run("adopt", KEYS["thulium"], "00002").code == 0
        found = drift(team)
    assert found["objects"] == []
    assert found["unverified"][0]["why"] == "it was bound by hand and nothing was applied to it yet"


# ---- ends and options ----------------------------------------------------------------------------------------------


def test_an_account_that_cannot_be_read_ends_it(team: Office) -> None:
    team.faults({"vendor": "tel4vn", "path": "/v3/campaign", "method": "GET", "fault": 403})
    failed = team.run("drift")
    part = drift(team, "--exclude", "connection=hanoi")
    team.faults()
    assert failed.code == 6 and failed.out == ""
    assert "Nothing is told of drift" in failed.err and "--exclude connection=hanoi" in failed.err
    assert part["compared"] == 1 and part["unmanaged"] == [] and part["selection"]["exclude"] == ["connection=hanoi"]
    assert "A part (--exclude connection=hanoi): it says nothing about the rest." in (
        team.run("drift", "--exclude", "connection=hanoi").out
    )


def test_it_needs_no_contact_key_unless_people_are_compared(team: Office) -> None:
    key = team.environ.pop("RECONCILER_CONTACT_KEY")
    assert team.run("drift").code == 0
    assert team.run("drift", "--contacts", "counts").code == 3
    team.environ["RECONCILER_CONTACT_KEY"] = key


def test_it_asks_and_changes_nothing(team: Office) -> None:
    before = len(team.calls())
    ledger = {path.name: path.read_bytes() for path in (team.root / ".reconciler").glob("state.db")}
    assert team.run("drift", "--contacts", "full").code == 0
    assert {call.method for call in team.calls()[before:]} <= {"GET", "POST"}
    assert all("auth" in call.path for call in team.calls()[before:] if call.method == "POST")
    assert ledger == {path.name: path.read_bytes() for path in (team.root / ".reconciler").glob("state.db")}


def test_nothing_was_ever_applied(tmp_path: Path) -> None:
    with desk(tmp_path) as team:
        found = drift(team)
        assert (found["compared"], found["objects"], found["lineage"]) == (0, [], "")
        assert len(found["unmanaged"]) == 2


def test_an_output_file(team: Office, tmp_path: Path) -> None:
    result = team.run("drift", "--format", "markdown", "--output", str(tmp_path / "drift.md"))
    assert (result.code, result.out) == (0, "")
    assert (tmp_path / "drift.md").read_text().startswith("### reconciler drift: No drift")


# ---- people --------------------------------------------------------------------------------------------------------


def test_people_by_counts_and_in_full(tmp_path: Path) -> None:
    with desk(tmp_path) as team:
        assert team.apply().code == 0
        vendor = team.here.simulator.vendors["tel4vn"]
        leads = list(vendor.snapshot()["leads"].items())
        (gone,) = [uuid for uuid, row in leads if row["phone_number"] == "0900000002"]
        vendor.edit("lead", gone, None)
        counted = drift(team, "--contacts", "counts", "--detailed-exitcode", code=2)["contacts"]
        read = drift(team, "--contacts", "full")["contacts"]
        assert "hanoi/campaign/spring: 1 person gone" in team.run("drift", "--contacts", "full").out
    assert [(one["missing"], one["extra"], one["changed"]) for one in counted] == [(1, 0, None)]
    assert [(one["missing"], one["extra"], one["changed"]) for one in read] == [(1, 0, 0)]


def test_what_is_in_doubt_is_told_beside(tmp_path: Path) -> None:
    with desk(tmp_path) as team:
        team.faults({"vendor": "tel4vn", "method": "POST", "path": "/v3/lead", "fault": "drop"})
        assert team.run("apply", "--auto-approve", "--settle-timeout", "0s").code == 9
        team.faults()
        found = drift(team, "--detailed-exitcode")
        (doubt,) = found["inDoubt"]
        assert (doubt["key"], doubt["verb"]) == ("hanoi/campaign/spring/contacts/may", "add_contacts")
        said = "In doubt, and drift there may be a lost answer of ours:\n  hanoi/campaign/spring/contacts/may: add contacts"
        assert said in team.run("drift").out


# ---- what a vendor holds is text that anybody may have typed -------------------------------------------------------


def test_hostile_text_is_inert_and_nobodys_number_gets_out(tmp_path: Path) -> None:
    evil = "\x1b[31m@team <script>|`![x](http://evil.example)\n# head +84 912 345 678"
    with applied(tmp_path, {"campaigns/spring.yaml": SPRING}) as team:
        panel(team, "tel4vn", spring(team), description=evil, campaign_name=evil, callback_url=evil, updated_at=evil)
        for style in ("text", "markdown", "json"):
            out = team.run("drift", "--format", style).out
            assert "\x1b" not in out and "912 345 678" not in out and "912345678" not in out
            if style == "markdown":
                assert "@team" not in out and "<script" not in out and "](http" not in out
                assert "\n# head" not in out
