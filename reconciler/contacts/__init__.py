"""People: sources read and counted against what was sent, as keyed fingerprints. The only user of the engine and the phone library.

Imported lightly: numpy, the engine and the phone library come in with the first name that is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reconciler.contacts.fingerprint import Fingerprints
    from reconciler.contacts.people import People, PeopleRequest, Reject
    from reconciler.contacts.planning import plan_people
    from reconciler.contacts.sent import SentTable

__all__ = ["Fingerprints", "People", "PeopleRequest", "Reject", "SentTable", "plan_people"]

_HOMES = {
    "Fingerprints": "fingerprint",
    "People": "people",
    "PeopleRequest": "people",
    "Reject": "people",
    "SentTable": "sent",
    "plan_people": "planning",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
