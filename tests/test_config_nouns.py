"""Sound documents become nouns: units are numbers, defaults are filled in, a campaign is in canonical form with its places."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler import units
from reconciler.config.schemas import schema
from reconciler.config.typed import Form, form
from reconciler.model import (
    Bounds,
    Columns,
    ContactSource,
    Lifecycle,
    Limit,
    Limits,
    Reference,
    Resource,
    RunState,
    Settle,
    Source,
    StateStore,
    Waiver,
)
from tests.declared import CAMPAIGN, CONNECTION, PROJECT, SET, SHARED, SUPPRESSIONS, loaded


def project(text: str) -> str:
    return PROJECT.replace("spec: {}", "spec:\n" + text)


# ---- project ------------------------------------------------------------------------------------------------------


def test_what_a_project_leaves_out_has_its_default(tmp_path: Path) -> None:
    made = loaded(tmp_path).project
    assert made.guards == {
        "creates": Limit(20),
        "deletes": Limit(0),
        "starts": Limit(5),
        "contactsAdded": Limit(100_000, 50),
        "contactsWithdrawn": Limit(1_000, 10),
        "suppressionReleased": Limit(1_000, 50),
    }
    assert made.state == StateStore(path=str(tmp_path / ".reconciler/state.db"))
    assert (made.contact_key, made.waivers, made.source) == (None, (), Source("reconciler.yaml", 1))


def test_what_a_project_says_holds(tmp_path: Path) -> None:
    made = loaded(
        tmp_path,
        reconciler=project(
            """\
  state: {backend: postgres, url: {env: STATE_URL}, lease: 2m, persistent: true}
  contactKey: {file: key.txt}
  guards:
    creates: {max: 3}
    contactsAdded: {percent: 5%}
    contactsWithdrawn: {max: 7}
    waivers: [{guard: contactsAdded, campaign: spring, reason: "load", until: 2026-06-30}]
"""
        ),
    ).project
    assert made.state == StateStore("postgres", "", Reference("env", "STATE_URL"), 120, True)
    assert made.contact_key == Reference("file", "key.txt")
    assert made.guards["creates"] == Limit(3)
    assert made.guards["contactsAdded"] == Limit(100_000, 5)
    assert made.guards["contactsWithdrawn"] == Limit(7, 10)
    waiver = Waiver("contactsAdded", "spring", "load", date(2026, 6, 30), Source("reconciler.yaml", 11, 15))
    assert made.waivers == (waiver,)


def test_a_waiver_may_be_for_a_set_or_for_a_list(tmp_path: Path) -> None:
    made = loaded(
        tmp_path,
        reconciler=project(
            """\
  guards:
    waivers:
      - {guard: bounds, campaign: spring, contacts: may, reason: load, until: 2026-06-30}
      - {guard: suppressionReleased, suppression: refusals, reason: law, until: 2026-06-30}
"""
        ),
    ).project
    assert [(one.guard, one.campaign, one.contacts, one.suppression) for one in made.waivers] == [
        ("bounds", "spring", "may", ""),
        ("suppressionReleased", "", "", "refusals"),
    ]


def test_a_state_file_may_lie_elsewhere(tmp_path: Path) -> None:
    assert (
        loaded(tmp_path, reconciler=project("  state: {path: /var/lib/x.db}\n")).project.state.path == "/var/lib/x.db"
    )


# ---- connections, people ------------------------------------------------------------------------------------------


def test_a_connection(tmp_path: Path) -> None:
    more = """\
  region: VN
  limits: {concurrency: 2, requestsPerSecond: 9, batchSize: 7, pageSize: 50, timeout: 1m, rateLimitBeforeExecution: true}
  settle: {lateMax: 5m, interval: 20s}
  planOnly: true
"""
    made = loaded(tmp_path, shared=SHARED.replace(CONNECTION, CONNECTION + more)).connections["hanoi"]
    assert (made.vendor, made.timezone, made.region, made.plan_only) == ("tel4vn", "Asia/Ho_Chi_Minh", "VN", True)
    assert made.base_url == Reference("env", "TEL4VN_URL")
    assert made.credentials == {"apiKey": Reference("env", "TEL4VN_API_KEY")}
    assert made.limits == Limits(2, 9, 7, 50, 60, True)
    assert made.settle == Settle(300, 20)
    plain = loaded(tmp_path, shared=SHARED).connections["hanoi"]
    assert (plain.limits, plain.settle, plain.region, plain.plan_only) == (Limits(), Settle(), "", False)


@pytest.mark.parametrize(
    "url",
    [
        "https://acme.thulium.com/api",
        "http://127.0.0.1:8080",
        "http://localhost/x",
        "http://[::1]:80",
        "https://h:8443",
    ],
)
def test_an_address_that_may_be_written(tmp_path: Path, url: str) -> None:
    shared = SHARED.replace("{env: TEL4VN_URL}", f'"{url}"')
    assert loaded(tmp_path, shared=shared).connections["hanoi"].base_url == url


def test_a_contact_set(tmp_path: Path) -> None:
    more = """\
  region: PL
  mode: mirror
  suppress: [refusals]
  bounds: {min: 1, max: 9, change: 30%}
  purpose: survey
  lawfulBasis: consent
  retention: 90d
"""
    columns = "{phone: mobile, key: id, fields: {first_name: name}}"
    text = SET.replace("{phone: mobile}", columns) + more
    made = loaded(tmp_path, shared=SHARED.replace(SET, text)).contact_sets["people"]
    assert made.columns == Columns("mobile", "id", {"first_name": "name"})
    assert made.bounds == Bounds(1, 9, 30)
    assert (made.mode, made.region, made.suppress, made.retention) == ("mirror", "PL", ("refusals",), 90 * 86400)
    assert (made.purpose, made.lawful_basis) == ("survey", "consent")
    plain = loaded(tmp_path, shared=SHARED).contact_sets["people"]
    assert (plain.mode, plain.region, plain.suppress, plain.retention, plain.bounds) == (
        "append",
        None,
        (),
        None,
        Bounds(),
    )


def test_a_suppression_list(tmp_path: Path) -> None:
    text = SUPPRESSIONS.replace(
        "{phone: number}", "{phone: number, until: expires, asOf: day}\n  region: VN\n  maxAge: 31d"
    )
    made = loaded(tmp_path, shared=SHARED.replace(SUPPRESSIONS, text)).suppressions["refusals"]
    assert made.columns == Columns("number", until="expires", as_of="day")
    assert (made.region, made.max_age, made.source) == ("VN", 31 * 86400, Source("shared.yaml", 33))


@pytest.mark.parametrize(
    ("source", "origin"),
    [
        ("{file: {env: A}}", ContactSource(file=Reference("env", "A"))),
        (
            "{sql: {url: {file: u}, query: select 1}}",
            ContactSource(sql_url=Reference("file", "u"), sql_query="select 1"),
        ),
        ("{inline: [{mobile: 0600100200, n: 007}]}", ContactSource(inline=({"mobile": "0600100200", "n": "007"},))),
        ("{inline: []}", ContactSource(inline=())),
    ],
)
def test_where_people_come_from(tmp_path: Path, source: str, origin: ContactSource) -> None:
    text = SHARED.replace("{file: {env: PEOPLE_CSV}}", source)
    assert loaded(tmp_path, shared=text).contact_sets["people"].origin == origin


def test_a_relative_file_is_relative_to_the_file_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "sets").mkdir()
    (tmp_path / "sets" / "a.yaml").write_text(
        SET.replace("people}", "a}").replace("{env: PEOPLE_CSV}", "../lists/a.csv")
    )
    (tmp_path / "sets" / "b.yaml").write_text(SET.replace("people}", "b}").replace("{env: PEOPLE_CSV}", "b.jsonl"))
    sets = loaded(tmp_path).contact_sets
    assert sets["a"].origin.file == str(tmp_path / "lists" / "a.csv")
    assert sets["b"].origin.file == str(tmp_path / "sets" / "b.jsonl")


# ---- campaigns -----------------------------------------------------------------------------------------------------


def only(root: Path, campaign: str, shared: str = SHARED) -> Resource:
    (made,) = loaded(root, campaign=campaign, shared=shared).campaigns
    return made


FULL = """\
apiVersion: reconciler/v1
kind: Campaign
metadata: {name: spring, labels: {team: retention}, movedFrom: winter}
spec:
  connection: hanoi
  displayName: Spring 2026
  schedule: office-hours
  recall: gentle
  contacts: [people]
  rollout: {first: 50}
  activation: stopped
  lifecycle:
    protect: true
    onRemove: delete
    unmanaged: [ratio, concurrent_call]
  tel4vn:
    type: autodialer
    carrier: Viettel trunk A
    template: {uuid: abc}
    concurrent_call: 5
    call_timeout: 300s
    network: {viettel: 5, mobi: 0}
    local_start_time: 08:00
    local_end_time: "17:30:30"
    extensions: ["103", 101, "102"]
    lead: {lead_name: first_name}
"""


def test_a_campaign_in_canonical_form(tmp_path: Path) -> None:
    made = only(tmp_path, FULL)
    assert made.spec == {
        "displayName": "Spring 2026",
        "schedule": {
            "timezone": "Asia/Ho_Chi_Minh",
            "windows": {
                "mon": [["08:30", "17:00"]],
                "tue": [["08:30", "17:00"]],
                "wed": [],
                "thu": [],
                "fri": [],
                "sat": [],
                "sun": [],
            },
        },
        "recall": {"maxAttempts": 4, "after": "30m", "outcomes": ["busy", "no_answer"]},
        "type": "autodialer",
        "carrier": "Viettel trunk A",
        "template": {"uuid": "abc"},
        "concurrent_call": 5,
        "call_timeout": "5m",
        "network": {"viettel": 5, "mobi": 0},
        "local_start_time": "08:00",
        "local_end_time": "17:30:30",
        "extensions": ["101", "102", "103"],
        "lead": {"lead_name": "first_name"},
    }
    assert (str(made.key), made.vendor, made.name) == ("hanoi/campaign/spring", "tel4vn", "Spring 2026")
    assert (made.run, made.contacts, made.rollout_first) == (RunState.STOPPED, ("people",), 50)
    assert made.lifecycle == Lifecycle(True, "delete", frozenset({"ratio", "concurrent_call"}))
    assert (made.moved_from, made.labels, made.absent) == ("winter", {"team": "retention"}, None)
    assert (made.vendor_id, made.create_run) == (None, 1)


def test_what_a_campaign_leaves_out_is_not_there(tmp_path: Path) -> None:
    made = only(tmp_path, CAMPAIGN.replace("  schedule: office-hours\n  recall: gentle\n  contacts: [people]\n", ""))
    assert made.spec == {"type": "autocall"}
    assert (made.name, made.run, made.contacts, made.rollout_first) == ("spring", None, (), None)
    assert (made.lifecycle, made.labels, made.moved_from) == (Lifecycle(), {}, None)


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("connection", "campaign.yaml:5:3"),
        ("displayName", "campaign.yaml:6:3"),
        ("schedule", "campaign.yaml:7:3"),
        ("schedule.timezone", "shared.yaml:14:3"),
        ("schedule.windows", "shared.yaml:15:3"),
        ("schedule.windows.tue", "shared.yaml:16:7"),
        ("recall", "campaign.yaml:8:3"),
        ("recall.after", "shared.yaml:23:3"),
        ("contacts.0", "campaign.yaml:9:14"),
        ("rollout.first", "campaign.yaml:10:13"),
        ("activation", "campaign.yaml:11:3"),
        ("lifecycle.unmanaged.1", "campaign.yaml:15:24"),
        ("concurrent_call", "campaign.yaml:20:5"),
        ("network.mobi", "campaign.yaml:22:27"),
        ("template.uuid", "campaign.yaml:19:16"),
        ("movedFrom", "campaign.yaml:3:53"),
    ],
)
def test_places_of_a_campaign(tmp_path: Path, path: str, place: str) -> None:
    source = only(tmp_path, FULL).places[path]
    assert f"{source.file}:{source.line}:{source.column}" == place


def test_places_are_a_mapping(tmp_path: Path) -> None:
    places = only(tmp_path, FULL).places
    assert len(list(places)) == len(places) == len(dict(places))
    for nowhere in ("schedule.ends", "recall.minTalk", "ratio", "tel4vn", "spec", "kind", "schedule.windows.wed"):
        assert nowhere not in places
        assert places.get(nowhere) is None


def test_campaigns_share_what_they_name(tmp_path: Path) -> None:
    first, second = loaded(tmp_path, more=CAMPAIGN.replace("spring", "autumn")).campaigns
    assert first.spec["schedule"] is second.spec["schedule"]
    assert first.spec["recall"] is second.spec["recall"]


def test_a_schedule_in_canonical_form(tmp_path: Path) -> None:
    text = """\
  windows:
    - {days: [tue, mon], from: "13:00", to: "24:00"}
    - {days: [mon], from: 08:30, to: "12:00"}
    - {days: [mon], from: "12:30", to: "12:45"}
  starts: 2026-06-01
  ends: "2026-06-30"
  exclude: [{from: 2026-06-10, to: 2026-06-12}, 2026-06-02]
"""
    old = '  windows:\n    - {days: [mon, tue], from: "08:30", to: "17:00"}\n'
    schedule = only(tmp_path, CAMPAIGN, SHARED.replace(old, text)).spec["schedule"]
    assert schedule == {
        "timezone": "Asia/Ho_Chi_Minh",
        "windows": {
            "mon": [["08:30", "12:00"], ["12:30", "12:45"], ["13:00", "24:00"]],
            "tue": [["13:00", "24:00"]],
            **{day: [] for day in ("wed", "thu", "fri", "sat", "sun")},
        },
        "starts": "2026-06-01",
        "ends": "2026-06-30",
        "exclude": [{"from": "2026-06-02", "to": "2026-06-02"}, {"from": "2026-06-10", "to": "2026-06-12"}],
    }


def test_a_window_that_overlaps_any_other_is_found(tmp_path: Path) -> None:
    from tests.declared import complaints

    windows = """\
    - {days: [mon], from: "08:00", to: "18:00"}
    - {days: [mon], from: "09:00", to: "10:00"}
    - {days: [mon], from: "11:00", to: "12:00"}
"""
    old = '    - {days: [mon, tue], from: "08:30", to: "17:00"}\n'
    found = complaints(tmp_path, shared=SHARED.replace(old, windows))
    assert [text.split("  ")[0] for text in found] == ["shared.yaml:17:7", "shared.yaml:18:7"]


def vendor(name: str) -> str:
    return SHARED.replace("vendor: tel4vn", f"vendor: {name}")


def block(text: str) -> str:
    return CAMPAIGN.replace("tel4vn:\n    type: autocall", text)


@pytest.mark.parametrize(
    ("name", "written", "vendor_id", "run", "spec"),
    [
        ("thulium", "thulium: {id: 00001, order: 5}", "00001", 1, {"order": 5}),
        ("thulium", "thulium: {}", None, 1, {}),
        (
            "thulium",
            "thulium: {parameters: {preview_timeout: 180s, caller_id: 0600}}",
            None,
            1,
            {"parameters": {"preview_timeout": "3m", "caller_id": "0600"}},
        ),
        (
            "thulium",
            "thulium: {agents: [b, a], initialStatus: 5, parameters: {predictive_max_calls: 1.5}}",
            None,
            1,
            {"agents": ["a", "b"], "initialStatus": 5, "parameters": {"predictive_max_calls": "1.5"}},
        ),
        ("conpeek", "conpeek: {voice_campaign: abc}", "abc", 1, {"voice_campaign": "abc"}),
        (
            "conpeek",
            "conpeek: {voice_sms_campaign: 123, type: none}",
            "123",
            1,
            {"voice_sms_campaign": "123", "type": "none"},
        ),
        (
            "intersvyaz",
            "intersvyaz: {project_id: 1, start_block_id: 2, phone_id: 3, run: 4}",
            None,
            4,
            {"project_id": 1, "start_block_id": 2, "phone_id": 3},
        ),
    ],
)
def test_the_blocks_of_the_vendors(
    tmp_path: Path, name: str, written: str, vendor_id: str | None, run: int, spec: dict[str, object]
) -> None:
    made = only(tmp_path, block(written), vendor(name))
    assert (made.vendor, made.vendor_id, made.create_run) == (name, vendor_id, run)
    assert {key: value for key, value in made.spec.items() if key not in ("schedule", "recall")} == spec


def test_a_tombstone_needs_no_block(tmp_path: Path) -> None:
    text = CAMPAIGN.replace("  tel4vn:\n    type: autocall\n", "  state: absent\n  reason: replaced\n")
    made = only(tmp_path, text)
    assert (made.absent, made.vendor) == ("replaced", "tel4vn")


# ---- canonical forms -----------------------------------------------------------------------------------------------


@given(st.integers(0, 9_999_999), st.sampled_from("smhd"))
def test_equal_durations_have_one_form(count: int, unit: str) -> None:
    made = form("Campaign", "tel4vn").mapping({"call_timeout": f"{count}{unit}"})["call_timeout"]
    assert units.seconds(str(made)) == units.seconds(f"{count}{unit}")
    assert form("Campaign", "tel4vn").mapping({"call_timeout": made})["call_timeout"] == made


@given(st.lists(st.text(), unique=True))
def test_what_is_a_set_has_one_order(agents: list[str]) -> None:
    first = form("Campaign", "thulium").mapping({"agents": agents})
    assert first == form("Campaign", "thulium").mapping({"agents": agents[::-1]})
    assert first["agents"] == sorted(agents)


def test_sets_are_of_texts() -> None:
    """A list that says that its items are unique is a set, and sorted: its items have to have an order."""

    def sets(part: object, path: str) -> list[str]:
        if not isinstance(part, dict):
            return []
        own = [path] if part.get("uniqueItems") and part["items"].get("type") != "string" else []
        return own + [
            found for name, child in part.get("properties", {}).items() for found in sets(child, f"{path}.{name}")
        ]

    assert sets(schema("Campaign"), "") == sets(schema("RecallPolicy"), "") == []


def test_a_part_without_anything_to_say_stays() -> None:
    assert form("Campaign", "conpeek") == Form()
    assert form("Campaign", "conpeek").mapping({"a": ["x"], "b": 1}) == {"a": ["x"], "b": 1}
