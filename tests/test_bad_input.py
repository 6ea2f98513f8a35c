"""What users get wrong, and what vendors do, with the exact words that a user reads and the code a script sees."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import stamina

from reconciler.simulator.faults import Faults, parse
from tests.office import Office, desk

FILE = "campaigns.yaml"
NOTHING = "1 error. Nothing was sent."
WINDOW = '- {days: [mon, tue, wed, thu, fri, sat, sun], from: "09:00", to: "17:00"}'


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Office]:
    with desk(tmp_path) as made, stamina.set_testing(True, attempts=2):
        yield made


def people(team: Office) -> Path:
    return Path(team.environ["MAY_CSV"])


# ---- files ---------------------------------------------------------------------------------------------------------

DECLARATIONS = {
    "broken YAML": (
        "vendor: tel4vn", "vendor: tel4vn: x",
        "5:17  A key stands where none can: indent it like its neighbours, and quote a text with a colon and a space.",
    ),
    "a list without end": ("contacts: [may]", "contacts: [may", "35:13  This list is not closed: a ] or a comma is missing."),
    "a tab": ("  connection: hanoi", "\tconnection: hanoi", "32:1  A tab is used to indent: YAML allows only spaces."),
    "a key twice": ("  recall: gentle\n", "  recall: gentle\n" * 2, '35:3  "recall" is written twice, first in line 34: keep one.'),
    "an unknown key": ("  recall: gentle", "  recal: gentle", '34:3  Campaign spring: unknown key "recal" in spec. Did you mean "recall"?'),
    "an unknown key of a vendor": (
        "concurrent_call: 5", "concurent_call: 5",
        '43:5  Campaign spring: unknown key "concurent_call" in tel4vn. Did you mean "concurrent_call"?',
    ),
    "a tag": (
        "Renewal notices", "!env NOTE",
        '40:18  The tag "!env" is not supported: nothing in a file executes. Take it out.',
    ),
    "a missing connection": (
        "connection: hanoi", "connection: hannoi",
        '32:3  Campaign spring: connection "hannoi" does not exist. Did you mean "hanoi"?',
    ),
    "a missing schedule": (
        "schedule: hours", "schedule: ours", '33:3  Campaign spring: schedule "ours" does not exist. Did you mean "hours"?',
    ),
    "a missing contact set": ("contacts: [may]", "contacts: [june]", '35:14  Campaign spring: contact set "june" does not exist.'),
    "a campaign that was itself": (
        "{name: spring}", "{name: spring, movedFrom: spring}",
        "30:26  Campaign spring: movedFrom goes in a circle: spring, spring. Take it out of one of them.",
    ),
    "a schedule without windows": (
        f"windows:\n    {WINDOW}", "windows: []",
        '16:3  Schedule hours: windows is empty: it needs an entry. Example: [{days: [mon], from: "08:30", to: "17:00"}].',
    ),
    "a window that ends before it starts": (
        'to: "17:00"', 'to: "08:00"',
        "17:7  Schedule hours: windows[0] ends at 08:00, not after it starts at 09:00: a window does not cross midnight, write two.",
    ),
    "a bare duration": ("after: 30m", "after: 30", "24:3  RecallPolicy gentle: after is a bare number: write a unit: 30s, 30m, 7d."),
    "a bare duration of a vendor": (
        "concurrent_call: 5", "call_timeout: 60",
        "43:5  Campaign spring: tel4vn.call_timeout is a bare number: write a unit: 30s, 30m, 7d.",
    ),
    "a time that YAML would read as a number": (
        'from: "09:00"', "from: 9:00", '17:51  Schedule hours: windows[0].from is no time of day: write it like "09:00".',
    ),
    "a literal secret": (
        "{env: TEL4VN_API_KEY}", "tel4vn-simulator-key",
        "7:17  Connection hanoi: credentials.apiKey must be a reference, {env: NAME} or {file: path}: "
        "a secret is never written into a file.",
    ),
    "what the vendor cannot hold": (
        WINDOW, f"{WINDOW}\n  starts: 2026-06-01",
        "34:3  Campaign spring: tel4vn cannot hold schedule.starts. TEL4VN has weekly windows only: no page names a first day "
        "of a campaign.",
    ),
    "hours in another zone": (
        "timezone: Asia/Ho_Chi_Minh\n  windows", "timezone: Asia/Tokyo\n  windows",
        "15:3  Campaign spring: tel4vn cannot hold schedule.timezone. TEL4VN has no zone of its own per campaign: its clock stands at "
        "+07:00, that of Asia/Tokyo does not all year.",
    ),
    "a file that leaves the repository": (
        "{env: MAY_CSV}", "../people/may.csv",
        "49:12  ContactSet may: source.file leaves the repository: write {file: {env: NAME}} and let the job say where it is.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", DECLARATIONS)
def test_a_declaration_that_is_wrong(team: Office, case: str) -> None:
    old, new, said = DECLARATIONS[case]
    team.edit(FILE, old, new)
    result = team.run("validate")
    assert (result.code, result.out, result.err) == (3, "", f"{FILE}:{said}\n{NOTHING}\n")
    assert team.run("plan", "--out", "plan.json").err == result.err and not (team.root / "plan.json").exists()
    assert team.calls() == []


def test_a_bomb_of_aliases(team: Office) -> None:
    team.write(
        "bomb.yaml",
        "a: &a [x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a]\nc: [*b, *b, *b, *b, *b, *b]\nd: [*b, *b, *b, *b]\n",
    )
    result = team.run("validate")
    assert (result.code, result.err) == (
        3,
        f"bomb.yaml:1:4  Aliases expand more than 100 times: write the values out.\n{NOTHING}\n",
    )


def second_campaign(team: Office, name: str, more: str = "", display: str = "") -> str:
    text = (team.root / FILE).read_text()
    campaign = text[
        text.index("---\napiVersion: reconciler/v1\nkind: Campaign") : text.index(
            "---\napiVersion: reconciler/v1\nkind: ContactSet"
        )
    ]
    return campaign.replace("name: spring", f"name: {name}{more}").replace(
        "connection: hanoi", f"connection: hanoi{display}"
    )


def test_two_campaigns_with_one_vendor_name(team: Office) -> None:
    team.write("second.yaml", second_campaign(team, "autumn", display="\n  displayName: spring"))
    result = team.run("validate")
    said = (
        'second.yaml:7:3  Campaign autumn: "spring" is also the name of campaign spring (campaigns.yaml:28) on hanoi: '
    )
    said += "give one another displayName."
    assert (result.code, result.err) == (3, f"{said}\n{NOTHING}\n")


def test_campaigns_that_were_each_other(team: Office) -> None:
    team.write(
        "second.yaml",
        second_campaign(team, "autumn", ", movedFrom: winter") + second_campaign(team, "winter", ", movedFrom: autumn"),
    )
    result = team.run("validate")
    assert result.code == 3 and result.err.splitlines() == [
        "second.yaml:4:26  Campaign autumn: movedFrom goes in a circle: autumn, winter, autumn. Take it out of one of them.",
        "second.yaml:21:26  Campaign winter: movedFrom goes in a circle: winter, autumn, winter. Take it out of one of them.",
        "2 errors. Nothing was sent.",
    ]


def test_a_folder_that_is_no_project(team: Office) -> None:
    (team.root / "reconciler.yaml").unlink()
    result = team.run("plan")
    said = "reconciler.yaml  There is no reconciler.yaml in this folder: name another with -C DIR, or begin with reconciler init."
    assert (result.code, result.err) == (3, f"{said}\n{NOTHING}\n")


# ---- the environment -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("TEL4VN_API_KEY", "campaigns.yaml:1:1  Connection hanoi: apiKey: the environment variable TEL4VN_API_KEY"),
        (
            "RECONCILER_CONTACT_KEY",
            "reconciler.yaml:1:1  spec.contactKey: the environment variable RECONCILER_CONTACT_KEY",
        ),
        ("MAY_CSV", "campaigns.yaml:45:1  Contact set may: the environment variable MAY_CSV"),
    ],
)
def test_a_variable_that_is_not_set(team: Office, name: str, said: str) -> None:
    del team.environ[name]
    assert team.run("validate").code == 0
    result = team.run("plan")
    assert (result.code, result.out) == (3, "")
    assert result.err == f"{said} is not set, or empty: set it in the environment of this job.\n{NOTHING}\n"


def test_a_contact_key_that_could_be_guessed(team: Office) -> None:
    team.environ["RECONCILER_CONTACT_KEY"] = "short"
    result = team.run("plan")
    said = (
        "reconciler.yaml:1:1  spec.contactKey: {env: RECONCILER_CONTACT_KEY} holds 5 bytes, but at least 32 are needed."
    )
    assert (result.code, result.err) == (3, f"{said} Make one with: openssl rand -base64 32\n{NOTHING}\n")


def test_a_ledger_that_the_next_job_would_not_have(team: Office) -> None:
    team.environ["CI"] = "true"
    result = team.run("plan")
    assert (
        result.code == 4 and "CI=true, and the ledger" in result.err and "say `state.persistent: true`." in result.err
    )
    assert team.calls() == []


# ---- people --------------------------------------------------------------------------------------------------------

GONE = "does not exist. Put the file there, or correct spec.source.file."
BAD_ROW = "{env: REFUSALS_CSV}:3  Suppression list refusals: its number cannot be read (not_a_number). Correct the row or take it out."
SOURCES = {
    "missing": (None, f"campaigns.yaml:45:1  Contact set may: {{env: MAY_CSV}} {GONE}"),
    "empty": (b"", "campaigns.yaml:45:1  Contact set may: {env: MAY_CSV} is empty. Write it again with its header line."),
    "not UTF-8": (
        b"id,mobile,name\nC1,0900000001,\xf3\n",
        "{env: MAY_CSV}:2  Contact set may: the file is not UTF-8 from here on. Save it as UTF-8.",
    ),
    "without the column": (
        b"id,phone,name\nC1,0900000001,An\n",
        'campaigns.yaml:45:1  Contact set may: {env: MAY_CSV} has no column "mobile". The first line has to be the header.',
    ),
    "a row too long": (
        b"id,mobile,name\nC1,0900000001,An,0900000009\n",
        "{env: MAY_CSV}:2  Contact set may: this row has 4 columns and the header 3. Quote cells that hold a delimiter.",
    ),
    "a quote without end": (
        b'id,mobile,name\nC1,0900000001,"An\n',
        "{env: MAY_CSV}:1  Contact set may: after this row a quote is opened and not closed, or followed by more text. Correct it.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", SOURCES)
def test_a_source_that_cannot_be_read(team: Office, case: str) -> None:
    content, said = SOURCES[case]
    people(team).unlink() if content is None else people(team).write_bytes(content)
    result = team.run("plan", "--out", "plan.json")
    assert (result.code, result.out, result.err) == (3, "", f"{said}\n{NOTHING}\n")
    assert not (team.root / "plan.json").exists()


def test_rows_that_are_no_numbers_are_counted_and_placed_but_never_shown(team: Office, tmp_path: Path) -> None:
    people(team).write_text(
        "id,mobile,name\nC1,0900000001,An\nC2,12345678,Bad\nC3,nobody,Bad\nC4,,Bad\nC5,+1 555 0100,Bad\n"
    )
    result = team.run("plan", "--rejects", str(tmp_path / "rejects.csv"))
    assert "1 added  ·  4 rejected (empty 1, not a number 1, too short 1, invalid for region 1)" in result.out
    rows = [line.split(",")[-2:] for line in (tmp_path / "rejects.csv").read_text().splitlines()[1:]]
    assert rows == [["3", "invalid_for_region"], ["4", "not_a_number"], ["5", "empty"], ["6", "too_short"]]
    assert "12345678" not in result.out + result.err + (tmp_path / "rejects.csv").read_text()


def test_a_source_of_which_nothing_is_left_is_not_silent(team: Office) -> None:
    team.apply()
    people(team).write_text("id,mobile,name\nC1,0900,An\n")
    team.edit(FILE, "mode: mirror", "mode: append")
    assert (
        "No changes.\nContacts: 0 unchanged.\n  contacts may -> spring   1 rejected (too short)\n"
        in team.run("plan").out
    )


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (None, f"campaigns.yaml:57:1  Suppression list refusals: {{env: REFUSALS_CSV}} {GONE}"),
        ("number\n0900000003\nnobody\n", BAD_ROW),
    ],
)  # fmt: skip
def test_a_suppression_list_that_cannot_be_read_whole_protects_nobody(
    team: Office, rows: str | None, said: str
) -> None:
    text = "\n---\napiVersion: reconciler/v1\nkind: SuppressionList\nmetadata: {name: refusals}\nspec:\n"
    text += "  source: {file: {env: REFUSALS_CSV}}\n  columns: {phone: number}\n"
    team.edit(FILE, "lawfulBasis: contract\n", "lawfulBasis: contract\n  suppress: [refusals]\n" + text)
    team.environ["REFUSALS_CSV"] = str(people(team).with_name("refusals.csv"))
    if rows:
        people(team).with_name("refusals.csv").write_text(rows)
    result = team.run("plan")
    assert (result.code, result.out) == (4, "")
    assert result.err == f"{said}\nA list that cannot be read whole protects nobody, so nothing is sent.\n"


# ---- vendors; reads are in test_cli_apply.py -----------------------------------------------------------------------

REJECTED, DOUBT = "nothing changed at the vendor", "something may have changed at the vendor"
ANSWERS: dict[str, tuple[dict[str, Any], str, str, int, int]] = {
    # what the vendor does -> fault, what is said of it, effect; code where a campaign, and where people are being added
    "401": ({"fault": 401}, 'answered 401: {"error":"Unauthorized"}', REJECTED, 1, 8),
    "403": ({"fault": 403}, 'answered 403: {"error":"Forbidden"}', REJECTED, 1, 8),
    "404": ({"fault": 404}, 'answered 404: {"error":"Not Found"}', REJECTED, 1, 8),
    "429": ({"fault": 429}, "answered 429: this vendor does not say whether it was executed", DOUBT, 1, 9),
    "500": ({"fault": 500}, 'answered 500: {"error":"Internal Server Error"}', DOUBT, 1, 9),
    "redirect": ({"fault": 307}, 'answered 307: {"error":"Temporary Redirect"}', DOUBT, 1, 9),
    "html": ({"fault": "html"}, "answered 200: not what the vendor documents", DOUBT, 1, 9),
    "empty": ({"fault": "empty"}, "answered 200: not what the vendor documents", DOUBT, 1, 9),
    "nothing": ({"fault": "drop"}, "no answer (ServerDisconnectedError)", DOUBT, 1, 9),
}


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize(
    ("path", "step"),
    [
        ("/v3/campaign", "create hanoi/campaign/spring (campaigns.yaml:28)"),
        ("/v3/lead/multi", "add contacts hanoi/campaign/spring/contacts/may (campaigns.yaml:35)"),
    ],
)
def test_what_a_vendor_answers_to_a_change(team: Office, path: str, step: str, answer: str) -> None:
    rule, said, effect, of_campaign, of_people = ANSWERS[answer]
    rules = [{"vendor": "tel4vn", "method": "POST", "path": f"^{path}$", **rule}]
    team.here.simulator.faults = Faults(parse(rules))
    result = team.run("apply", "--auto-approve", "--settle-timeout", "0s")
    status = "rejected" if effect is REJECTED else "in doubt"
    assert result.out.splitlines()[:3] == [f"{status}  {step}", f"    hanoi: POST {path}: {said}", f"    {effect}"]
    assert result.code == (of_campaign if path == "/v3/campaign" else of_people)
    assert team.most_dials() == 1  # those whom the account had before
