"""One plan of many changed campaigns, and of a contact set of ten million people, in every format: `python -m bench.render [CAMPAIGNS]`.

Every campaign gets other hours, another name and people of its own. Text, JSON and Markdown stand beside the page as what it could be.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from bench.measure import Contestant, side_by_side, tell, worker
from bench.table import Row, markdown

if TYPE_CHECKING:
    from reconciler.model import Change, ContactDelta, Json, Key, Plan

CAMPAIGNS = 10_000
RUNS = 3
MOST, MOST_MIB = 2.0, 300.0
FORMATS = ("text", "json", "markdown", "html")
_CONNECTIONS = 4
_PEOPLE = 10_000_000


def rows(campaigns: int = CAMPAIGNS, runs: int = RUNS) -> list[Row]:
    """Processor seconds of rendering, the peak memory of a process that holds the plan and the result."""
    contestants = {style: Contestant(worker("render", style, campaigns)) for style in FORMATS}
    found = side_by_side(contestants, runs)
    work = f"{campaigns:,} changed campaigns, a contact delta of {_PEOPLE:,}"
    return [
        Row(
            "rendering",
            f"{style}: {work}",
            found[style].seconds,
            note=f"({found[style].out.splitlines()[0]})",
            most=MOST,
            mib=found[style].mib,
            most_mib=MOST_MIB,
        )
        for style in FORMATS
    ]


# ---- what is measured, in a process of its own -----------------------------------------------------------------------


def plan(campaigns: int) -> Plan:
    from reconciler.model import Bound, Plan

    keys = [_key(number) for number in range(campaigns)]
    changes = [change for number, key in enumerate(keys) for change in _changes(number, key)]
    bound = Bound("lineage", 1, f"sha256:{'c' * 64}", f"hmac-sha256:{'5' * 64}", ("vendor.example",))
    deltas = tuple(_delta(number, key) for number, key in enumerate(keys))
    times = ("2026-06-01T08:00:00Z", "2026-06-02T08:00:00Z")
    return Plan("bench", "0.1.0", *times, f"sha256:{'d' * 64}", bound, tuple(changes), deltas, ())


def _key(number: int) -> Key:
    from reconciler.model import Key

    return Key(f"connection-{number % _CONNECTIONS}", "campaign", f"campaign-{number:05}")


def _changes(number: int, key: Key) -> list[Change]:
    from reconciler.model import Action, Cause, Change, ContactChange, FieldChange, Risk

    source = f"campaigns/{number:05}.yaml:3"
    start = f"{8 + number % 3:02}:{number % 60:02}"
    before: list[Json] = [["09:30", "17:00"]]
    after: list[Json] = [[start, "18:00"]]
    week: dict[str, Json] = dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), after)
    edited = [FieldChange(("schedule", "windows", day), before, after, Cause.DECLARED, source) for day in week]
    edited.append(FieldChange(("displayName",), f"Campaign {number}", f"Campaign {number:05}", Cause.DECLARED, source))
    schedule: Json = {"timezone": "Europe/Warsaw", "windows": week}
    why, risk, people = "changed in the declaration", Risk.DIALLING, ContactChange(_added(number), "hmac-sha256:0")
    return [
        Change(2 * number + 1, Action.UPDATE, key, source, why, risk, (), tuple(edited), schedule=schedule),
        Change(
            2 * number + 2, Action.ADD_CONTACTS, key.contact_set("people"), source, "in source, never sent", risk,
            (2 * number + 1,), contacts=people,
        ),
    ]  # fmt: skip


def _added(number: int) -> int:
    return 1 + number if number else _PEOPLE


def _delta(number: int, key: Key) -> ContactDelta:
    from reconciler.model import ContactDelta

    added = _added(number)
    refused = {"refusals": added // 50}
    rows = added + added // 50 + 3
    return ContactDelta(key.contact_set("people"), rows, {"too_short": 2}, 1, refused, added)


def _renderer(style: str) -> Callable[[Plan], str]:
    from reconciler.render.asjson import plan_json
    from reconciler.render.html import plan_html
    from reconciler.render.markdown import plan_markdown
    from reconciler.render.text import plan_text

    return {"text": plan_text, "json": plan_json, "markdown": plan_markdown, "html": plan_html}[style]


def main(arguments: list[str]) -> None:
    if not arguments or arguments[0] not in FORMATS:
        print(markdown(rows(*map(int, arguments))))
        return
    made, render = plan(int(arguments[1])), _renderer(arguments[0])
    begun = time.process_time()
    size = len(render(made).encode())
    seconds = time.process_time() - begun
    print(f"{size / 1e6:.2g} MB")
    tell(seconds)


if __name__ == "__main__":
    main(sys.argv[1:])
