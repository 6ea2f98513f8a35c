"""Every state of the protocol, then every mutant with its shortest counterexample. About three minutes."""

from __future__ import annotations

import sys
import time

from docs.model.mutants import ASSUMPTIONS, MUTANTS, story
from docs.model.protocol import Rules
from docs.model.search import MEANING, search

SIZES = (Rules("readable"), Rules("deduplicating", starts=2), Rules("unreadable", starts=2, slots=1))


def main() -> int:
    failed = 0
    for rules in SIZES:
        begun = time.perf_counter()
        found = search(rules)
        failed += bool(found.broken)
        said = f"{found.broken} is broken" if found.broken else "every invariant holds"
        _say(f"{rules.vendor} vendor: {found.states:,} states, {said} ({time.perf_counter() - begun:.0f} s)")
        _say(*(f"    {line}" for line in story(found.trace)))
    for title, mutants in (("Without:", MUTANTS), ("Not promised:", ASSUMPTIONS)):
        _say("", title)
        for mutant in mutants:
            found = mutant.search()
            failed += found.broken != mutant.breaks
            _say("", f"{mutant.name} ({mutant.vendor} vendor): broken is {mutant.breaks}, {MEANING[mutant.breaks]}")
            _say(*(f"  {place:2} {line}" for place, line in enumerate(story(found.trace), 1)))
    return bool(failed)


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))


sys.exit(main())
