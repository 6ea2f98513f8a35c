"""The warnings of a declaration: their codes in one table. What is wrong altogether is a Problem, not one of these."""

from __future__ import annotations

from typing import Final

from reconciler.model import Finding, Severity, Source

# Code -> what helps. W1x: calls that cannot succeed or annoy. W2x: a declaration that does nothing, or says too much.
REMEDIES: Final = {
    "W12": "Remove it from outcomes.",
    "W13": "Remove it from outcomes.",
    "W14": "Remove it from outcomes, or say with minTalk what counts as answered.",
    "W20": "Keep people out of Git: name the file as {file: {env: NAME}} and take it out of the repository.",
    "W21": "Correct the pattern, or take it out.",
    "W22": "Correct the name, or take the waiver out.",
}


def finding(code: str, message: str, source: Source) -> Finding:
    return Finding(code, Severity.WARNING, message, remedy=REMEDIES[code], source=str(source))
