"""Campaign documents -> Resources: what they name is merged in, what identifies them is checked against one another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal

from reconciler.config.document import Document, Places, Tree
from reconciler.config.schedules import Shared
from reconciler.config.schemas import VENDORS
from reconciler.config.typed import Form, form
from reconciler.config.words import Complaints, quoted
from reconciler.model import Connection, Json, Key, Lifecycle, Resource, RunState, Source

_RUN: Final = {"running": RunState.RUNNING, "stopped": RunState.STOPPED, None: None}
_IDS: Final = {"thulium": ("id",), "conpeek": ("voice_campaign", "voice_sms_campaign")}
_NOT_SENT: Final = frozenset({"id", "run"})  # of a vendor's block: what says which campaign is meant, not how it is
_NONE: Final[dict[str, Any]] = {}
_NOWHERE: Final[dict[str, Source]] = {}


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What a campaign can name; only what is sound itself."""

    connections: Mapping[str, Connection]
    schedules: Mapping[str, Shared]
    recalls: Mapping[str, Shared]


def campaign(document: Document, tree: Tree, near: Neighbours, complaints: Complaints) -> Resource | None:
    """The Resource; None where its connection is missing, which is complained about elsewhere. `tree`: the document's."""
    spec, metadata = tree["spec"], tree["metadata"]
    connection = near.connections.get(spec["connection"])
    if connection is None:
        return None
    block = _block(document, spec, connection, complaints)
    vendor_ids = [block[name] for name in _IDS.get(connection.vendor, ()) if name in block]
    run: Any = block.get("run", 1)
    schedule, recall = near.schedules.get(spec.get("schedule")), near.recalls.get(spec.get("recall"))
    return Resource(
        Key(connection.name, "campaign", document.name),
        connection.vendor,
        _spec(spec, schedule, recall, block),
        document.source,
        _RUN[spec.get("activation")],
        _names(tuple(spec.get("contacts", ()))),
        _lifecycle(spec.get("lifecycle", _NONE)),
        str(vendor_ids[0]) if vendor_ids else None,
        run if connection.vendor == "intersvyaz" else 1,
        metadata.get("movedFrom"),
        spec.get("reason"),
        spec.get("rollout", _NONE).get("first"),
        metadata.get("labels", _NONE),
        Places(document, schedule.places if schedule else _NOWHERE, recall.places if recall else _NOWHERE),
    )


def _block(
    document: Document, spec: Mapping[str, Any], connection: Connection, complaints: Complaints
) -> dict[str, Json]:
    """The vendor's block in canonical form, empty where there is none."""
    vendor = connection.vendor
    for other in VENDORS:
        if other in spec and other != vendor:
            text = (
                f"the block {other} does not belong here: connection {quoted(connection.name)} is a {vendor} account."
            )
            complaints.at(document, ("spec", other), "vendor-block", text)
    if vendor in spec:
        return _block_form(vendor).mapping(spec[vendor])
    if "state" not in spec and not any(other in spec for other in VENDORS):
        text = f"the block {vendor} is missing: it holds the vendor's own settings. Write {vendor}: with what it needs."
        complaints.at(document, ("spec",), "vendor-block", text)
    return {}


@lru_cache(maxsize=len(VENDORS))
def _block_form(vendor: str) -> Form:
    return form("Campaign", vendor)


def _spec(
    spec: Mapping[str, Any], schedule: Shared | None, recall: Shared | None, block: dict[str, Json]
) -> dict[str, Json]:
    out: dict[str, Json] = {"displayName": spec["displayName"]} if "displayName" in spec else {}
    if schedule is not None:
        out["schedule"] = schedule.spec
    if recall is not None:
        out["recall"] = recall.spec
    out |= block
    for name in _NOT_SENT & out.keys():
        del out[name]
    return out


@lru_cache(maxsize=1024)
def _names(names: tuple[str, ...]) -> tuple[str, ...]:
    return names


def _lifecycle(declared: Mapping[str, Any]) -> Lifecycle:
    unmanaged = frozenset(declared.get("unmanaged", ()))
    return _shared_lifecycle(declared.get("protect", False), declared.get("onRemove", "retain"), unmanaged)


@lru_cache(maxsize=1024)
def _shared_lifecycle(
    protect: bool, on_remove: Literal["retain", "stop", "delete"], unmanaged: frozenset[str]
) -> Lifecycle:
    return Lifecycle(protect, on_remove, unmanaged)
