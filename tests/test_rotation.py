"""The contact key rotated through the command line: nobody looks new, nobody is sent twice, whatever it is killed at."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from reconciler import rekeying
from reconciler.ledger.sql_rotation import SqlRotation
from reconciler.observe import look as reconcile_look
from tests.office import CONTACT_KEY, Office, Result, desk
from tests.test_refuse import leads, refuse

NEW = "another-contact-key-for-tests-with-more-than-32-bytes"
THIRD = "a-third-contact-key-that-this-ledger-has-never-seen-at-all"
BOTH = "contactKey: {env: RECONCILER_CONTACT_KEY}\n  formerContactKey: {env: RECONCILER_FORMER_CONTACT_KEY}"
ONE = "contactKey: {env: RECONCILER_CONTACT_KEY}"


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Office]:
    """Three people, all of them sent under the first key."""
    with desk(tmp_path) as made:
        assert made.apply().code == 0
        yield made


def rotate(team: Office, new: str = NEW, former: str = CONTACT_KEY) -> None:
    team.edit("reconciler.yaml", ONE, BOTH)
    keys(team, new, former)


def keys(team: Office, new: str, former: str = "") -> None:
    team.environ |= {"RECONCILER_CONTACT_KEY": new, "RECONCILER_FORMER_CONTACT_KEY": former}


def drop_former(team: Office) -> None:
    team.edit("reconciler.yaml", BOTH, ONE)
    del team.environ["RECONCILER_FORMER_CONTACT_KEY"]


def file(team: Office) -> Path:
    return team.root.parent / "people" / "may.csv"


def add(team: Office, *rows: str) -> None:
    file(team).write_text(file(team).read_text() + "".join(f"{row}\n" for row in rows))


def ok(result: Result) -> Result:
    assert result.code == 0, result.out + result.err
    for key in (CONTACT_KEY, NEW, THIRD):
        assert key not in result.out + result.err
    return result


def empty(team: Office) -> None:
    plan = team.plan()
    assert plan["changes"] == [], plan["changes"]
    for delta in plan["contacts"]:
        assert (delta["added"], delta["updated"], delta["withdrawn"]) == (0, 0, 0)


def once(team: Office, count: int) -> None:
    """So many people at the vendor, each of them once, and nobody else ever."""
    numbers = [number for number in leads(team) if number.startswith("0900000")]
    assert len(numbers) == len(set(numbers)) == count
    assert team.most_dials() <= 1


def test_the_whole_way(team: Office) -> None:
    rotate(team)
    empty(team)
    assert "Two contact keys are live: 3 people still known under the former one." in ok(team.run("plan")).out
    add(team, "C4,0900000004,Dung")
    assert ok(team.apply()).json()["contacts"]["confirmed"] == 1
    empty(team)
    assert ok(team.run("state", "rekey")).out == (
        "Under the new contact key now: 3 people.\nNobody is left under the former one, which is refused from now on. Take"
        " formerContactKey out of reconciler.yaml, and its value out of every job.\n"
    )
    empty(team)
    assert "formerContactKey is not used" in ok(team.run("plan")).out
    drop_former(team)
    empty(team)
    add(team, "C5,0900000005,Em")
    assert ok(team.apply()).json()["contacts"]["confirmed"] == 1
    empty(team)
    once(team, 5)
    ok(team.run("state", "verify"))
    said = team.run("state", "history").out
    for line in ("rotation begun: 3 people known under the former key", "re-keyed: 3 people", "rotation finished"):
        assert line in said


# ---- which keys ----------------------------------------------------------------------------------------------------

KEYED = (("plan",), ("apply", "--auto-approve"), ("state", "rekey"), ("halt",))
WRONG = {
    "the new key alone, before": ("", NEW, "", "Set the old key back, in contactKey {env: RECONCILER_CONTACT_KEY}"),
    "swapped before": ("", CONTACT_KEY, NEW, "Where it is the new key, swap the two; else take it out."),
    "two that are strange": ("", NEW, THIRD, "Set formerContactKey to that one."),
    "the new key alone": ("begun", NEW, "", "under the former one are 3 people, who would look new and be called again. Name"),
    "the former key alone": ("begun", CONTACT_KEY, "", "Set contactKey to the new one and name this one in formerContactKey."),
    "swapped": ("begun", CONTACT_KEY, NEW, "The two contact keys are swapped"),
    "a third for the new": ("begun", THIRD, CONTACT_KEY, "is not the key that this ledger goes by since its rotation began"),
    "a third alone": ("begun", THIRD, "", "is not the key that this ledger goes by since its rotation began"),
    "a third for the former": ("begun", NEW, THIRD, "is not the former key of this ledger, under which are 3 people."),
    "the former key after the end": ("finished", CONTACT_KEY, "", "Set the old key back"),
    "a third after the end": ("finished", THIRD, CONTACT_KEY, "Neither contactKey"),
    "swapped after the end": ("finished", CONTACT_KEY, NEW, "holds a key that was rotated out"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_keys_that_are_not_the_ledger_s(team: Office, case: str) -> None:
    begun, new, former, said = WRONG[case]
    team.edit("reconciler.yaml", ONE, BOTH if former or begun else ONE)
    keys(team, NEW, CONTACT_KEY)
    if begun:
        ok(team.run("apply", "--auto-approve"))
    if begun == "finished":
        ok(team.run("state", "rekey"))
    if begun and not former:
        drop_former(team)
    keys(team, new, former)
    before, trail = len(team.calls()), team.run("state", "history").out
    for command in KEYED:
        result = team.run(*command)
        assert result.code == 4 and result.out == "", (command, result)
        assert said in result.err and result.err.endswith("Nothing was sent.\n")
        assert not any(key in result.err for key in (CONTACT_KEY, NEW, THIRD))
    assert (len(team.calls()), team.run("state", "history").out) == (before, trail)


def test_the_same_key_twice_and_one_too_short(team: Office) -> None:
    rotate(team, CONTACT_KEY, CONTACT_KEY)
    result = team.run("plan")
    assert result.code == 3 and "spec.formerContactKey is the same key as contactKey" in result.err
    keys(team, NEW, "hunter2")
    result = team.run("plan")
    assert (
        result.code == 3 and "spec.formerContactKey: {env: RECONCILER_FORMER_CONTACT_KEY} holds 7 bytes" in result.err
    )
    assert "hunter2" not in result.err


def test_a_second_rotation_and_no_way_back(team: Office) -> None:
    rotate(team)
    ok(team.run("state", "rekey"))
    keys(team, THIRD, NEW)
    empty(team)
    assert '"finished": true' in ok(team.run("state", "rekey", "--format", "json")).out
    empty(team)
    keys(team, CONTACT_KEY, THIRD)
    assert "holds a key that was rotated out" in team.run("plan").err
    keys(team, THIRD, CONTACT_KEY)
    empty(team)
    once(team, 3)


def test_without_a_rotation_there_is_nobody_to_rekey(team: Office, tmp_path: Path) -> None:
    result = team.run("state", "rekey")
    assert result.code == 64 and "One contact key is live: there is nobody to re-key." in result.err


def test_two_keys_before_the_first_apply(tmp_path: Path) -> None:
    with desk(tmp_path) as made:
        rotate(made)
        result = made.run("plan")
        assert result.code == 4 and "nothing was ever applied with this ledger" in result.err
        drop_former(made)
        assert made.apply().code == 0


# ---- what goes on meanwhile ----------------------------------------------------------------------------------------


def test_a_plan_from_before_is_stale(team: Office) -> None:
    add(team, "C4,0900000004,Dung")
    ok(team.run("plan", "--out", "plan.json"))
    rotate(team)
    assert team.run("apply", "plan.json").code == 5
    once(team, 3)


def test_a_plan_from_before_re_keying_is_stale(team: Office) -> None:
    rotate(team)
    add(team, "C4,0900000004,Dung")
    ok(team.run("plan", "--out", "plan.json"))
    ok(team.run("state", "rekey"))
    assert team.run("apply", "plan.json").code == 5
    ok(team.apply())
    once(team, 4)


def test_refusals_hold_under_both_keys(team: Office) -> None:
    assert refuse(team).code == 0  # C2, under the first key
    rotate(team)
    empty(team)
    assert refuse(team, "+84900000003").code == 0  # known under the former one
    add(team, "C4,0900000004,Dung")
    assert refuse(team, "+84900000004").code == 0  # never seen before: under the new one
    assert team.apply().code == 0
    ok(team.run("state", "rekey"))
    drop_former(team)
    empty(team)
    (delta,) = team.plan()["contacts"]
    assert delta["suppressed"] == {"refused": 3}
    once(team, 1)


def test_whoever_is_forgotten_stays_blocked(team: Office) -> None:
    rotate(team)
    assert team.run("state", "forget", piped="+84900000002").code == 0
    ok(team.run("state", "rekey"))
    drop_former(team)
    (delta,) = team.plan()["contacts"]
    assert (delta["suppressed"], delta["added"]) == ({"refused": 1}, 0)
    once(team, 2)


def test_a_block_of_whom_no_source_holds_keeps_the_former_key_until_a_list_names_them(team: Office) -> None:
    assert refuse(team, "+84900000009").code == 0
    rotate(team)
    said = ok(team.run("state", "rekey")).out
    assert (
        "Under the new contact key now: 3 people.\nStill under the former one: 1 person. formerContactKey has to stay."
        in said
    )
    assert "  1 whose number no source, list or vendor shows" in said
    team.write(
        "lists.yaml",
        "apiVersion: reconciler/v1\nkind: SuppressionList\nmetadata: {name: refusals}\nspec:\n  region: VN\n"
        "  source: {file: {env: LIST_CSV}}\n  columns: {phone: phone}\n",
    )
    path = team.root.parent / "people" / "list.csv"
    path.write_text("phone\n0900000009\n")
    team.environ["LIST_CSV"] = str(path)
    team.edit(
        "campaigns.yaml",
        "kind: ContactSet\nmetadata: {name: may}\nspec:\n",
        "kind: ContactSet\nmetadata: {name: may}\nspec:\n  suppress: [refusals]\n",
    )
    ok(team.apply())
    assert '"finished": true' in ok(team.run("state", "rekey", "--format", "json")).out
    drop_former(team)
    add(team, "C9,0900000009,Khanh")
    (delta,) = team.plan()["contacts"]
    assert delta["added"] == 0 and sum(delta["suppressed"].values()) == 1


LEFT = "C3,0900000003,Chi\n"


def test_who_left_the_source_is_found_at_the_vendor(tmp_path: Path) -> None:
    with desk(tmp_path) as made:
        made.edit("campaigns.yaml", "key: id, ", "")
        made.edit("campaigns.yaml", "mode: mirror", "mode: append")
        assert made.apply().code == 0
        whole = file(made).read_text()
        file(made).write_text(whole.replace(LEFT, ""))
        rotate(made)
        empty(made)
        assert '"finished": true' in ok(made.run("state", "rekey", "--format", "json")).out
        drop_former(made)
        file(made).write_text(whole)
        (delta,) = made.plan()["contacts"]
        assert (delta["added"], delta["updated"]) == (0, 1)  # what they were sent with could not be shown
        ok(made.apply())
        once(made, 3)


def test_who_left_and_is_known_by_a_key_stays_known_by_it(team: Office) -> None:
    team.edit("campaigns.yaml", "mode: mirror", "mode: append")
    whole = file(team).read_text()
    file(team).write_text(whole.replace(LEFT, ""))
    rotate(team)
    left = ok(team.run("state", "rekey", "--format", "json")).json()
    assert (left["rekeyed"], left["left"]["keyGone"], left["finished"]) == (2, 1, False)
    assert (
        "1 who left their source, and the key they were sent with is in no source" in ok(team.run("state", "rekey")).out
    )
    file(team).write_text(whole.replace(LEFT, "C3,0900000007,Chi\n"))  # the same person under another number
    (delta,) = team.plan()["contacts"]
    assert (delta["added"], delta["unchanged"]) == (0, 3)
    ok(team.run("state", "rekey"))
    drop_former(team)
    (delta,) = team.plan()["contacts"]
    assert (delta["added"], delta["unchanged"]) == (0, 3)
    once(team, 3)


def test_a_vendor_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with desk(tmp_path) as made:
        made.edit("campaigns.yaml", "mode: mirror", "mode: append")
        assert made.apply().code == 0
        file(made).write_text(file(made).read_text().replace(LEFT, ""))
        rotate(made)
        made.faults({"vendor": "tel4vn", "method": "GET", "fault": 403})
        said = ok(made.run("state", "rekey")).out
        assert "hanoi/campaign/spring: its people could not be read at the vendor." in said


def test_a_lost_answer_from_before_is_settled_under_both_keys(team: Office) -> None:
    add(team, "C4,0900000004,Dung")
    lost = {"vendor": "tel4vn", "method": "POST", "path": ".*lead.*", "fault": "drop", "when": "after"}
    team.faults(lost, {"vendor": "tel4vn", "method": "GET", "path": ".*lead.*", "fault": 403})
    assert team.apply().code == 9
    rotate(team)
    waiting = ok(team.run("state", "rekey", "--format", "json")).json()
    assert (waiting["rekeyed"], waiting["left"]["inDoubt"], waiting["finished"]) == (3, 1, False)
    assert "of whom something is in doubt: settle it" in ok(team.run("state", "rekey")).out
    team.faults()
    assert team.run("apply", "--auto-approve").code == 0
    once(team, 4)
    ok(team.run("state", "rekey"))
    drop_former(team)
    empty(team)
    once(team, 4)


def test_the_live_check_sees_everybody_under_either_key(team: Office) -> None:
    rotate(team)
    add(team, "C4,0900000004,Dung")
    ok(team.apply())
    assert "holds exactly the 4 people who were sent" in ok(team.run("plan", "--contacts", "full")).out
    ok(team.run("state", "rekey"))
    assert "holds exactly the 4 people who were sent" in ok(team.run("plan", "--contacts", "full")).out


def test_copies_carry_the_rotation(team: Office) -> None:
    rotate(team)
    ok(team.apply())
    ok(team.run("state", "backup", "../copy.db"))
    ok(team.run("state", "migrate", "--to", f"sqlite://{team.root.parent}/moved.db"))
    team.edit("reconciler.yaml", "spec:\n", f"spec:\n  state: {{path: {team.root.parent}/moved.db}}\n")
    empty(team)
    ok(team.run("state", "rekey"))
    drop_former(team)
    empty(team)
    once(team, 3)


# ---- killed ----------------------------------------------------------------------------------------------------------


class Killed(BaseException):
    pass


COMMITS = [
    (SqlRotation, "begin_rotation", 0),
    (rekeying, "_name_both", 0),
    *((SqlRotation, "rekey", number) for number in range(4)),
    (rekeying, "_name_one", 0),
    (SqlRotation, "finish_rotation", 0),
]


@pytest.mark.parametrize(("owner", "name", "earlier"), COMMITS, ids=[f"{name}-{n}" for _, name, n in COMMITS])
def test_killed_before_any_commit_it_goes_on(
    team: Office, monkeypatch: pytest.MonkeyPatch, owner: object, name: str, earlier: int
) -> None:
    """Four people under the former key, one to a commit. What it meant to write when it died is rolled back."""
    assert refuse(team).code == 0
    assert refuse(team, "+84900000009").code == 0
    monkeypatch.setattr("reconciler.ledger.contact_keys.CHUNK", 1)
    rotate(team)
    whole, left = getattr(owner, name), [earlier]

    def dying(*arguments: object) -> object:
        found = whole(*arguments)
        if left[0] == 0:
            raise Killed
        left[0] -= 1
        return found

    add(team, "C9,0900000009,Khanh")
    with monkeypatch.context() as patched:
        patched.setattr(owner, name, dying)
        with pytest.raises(Killed):
            team.run("state", "rekey")
    empty(team)
    assert team.plan()["contacts"][0]["suppressed"] == {"refused": 2}
    assert "holds exactly the 2 people who were sent" in ok(team.run("plan", "--contacts", "full")).out
    add(team, "C4,0900000004,Dung")
    ok(team.apply())
    assert '"finished": true' in ok(team.run("state", "rekey", "--format", "json")).out
    drop_former(team)
    empty(team)
    assert team.plan()["contacts"][0]["suppressed"] == {"refused": 2}
    once(team, 3)


def test_a_plan_during_which_another_run_re_keys_is_given_up(team: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    rotate(team)
    ok(team.apply())

    async def look(*arguments: object) -> object:
        found = await reconcile_look(*arguments)  # type: ignore[arg-type]  # handed on
        with closing(sqlite3.connect(team.root / ".reconciler" / "state.db")) as db:
            db.execute("UPDATE memory SET value = x'37' WHERE name = 'contact-key/moved'")
            db.commit()
        return found

    monkeypatch.setattr("reconciler.reconcile.look", look)
    result = team.run("plan")
    assert (
        result.code == 6
        and "re-keyed by another run just now, so that this plan would be wrong. Plan again." in result.err
    )


def test_a_campaign_that_is_gone_shows_nobody(tmp_path: Path) -> None:
    with desk(tmp_path) as made:
        made.edit("campaigns.yaml", "key: id, ", "")
        made.edit("campaigns.yaml", "mode: mirror", "mode: append")
        assert made.apply().code == 0
        file(made).write_text(file(made).read_text().replace(LEFT, ""))
        rotate(made)
        vendor = made.here.simulator.vendors["tel4vn"]
        for uuid, row in vendor.snapshot()["campaigns"].items():
            if row["campaign_name"] == "spring":
                vendor.edit("campaign", uuid, None)
        left = ok(made.run("state", "rekey", "--format", "json")).json()
        assert (left["rekeyed"], left["left"]["unseen"], left["unread"]) == (2, 1, [])
