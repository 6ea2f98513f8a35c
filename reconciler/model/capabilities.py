"""What a vendor can hold, as a table: it drives validation, planning, the contract tests and the docs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from reconciler.model.names import Json


@dataclass(frozen=True, slots=True)
class FieldRule:
    """One field of the capability table. `unset`: what is sent when the declaration drops it (None: it stays as it is).

    `widens`: in which direction more people are dialled, or sooner, or more often. `source` is the vendor's page;
    `inferred`: not
    stated there, our conclusion from its samples.
    """

    readable: bool = True
    immutable: bool = False
    unset: Json = None
    widens: Literal["up", "down", "any", "never"] = "never"
    source: str = ""
    inferred: bool = False


@dataclass(frozen=True, slots=True)
class ContactRules:
    """What can be done with people.

    `fields`: names a set may map; None: any. `inside_create`: only with the campaign itself. `container`: what is made for a set
    before its people are added, empty where that is the campaign. `write_only`: the vendor's word for fields of people that no call
    shows.
    """

    add: bool = False
    read: bool = False
    update: bool = False
    withdraw: bool = False
    inside_create: bool = False
    dedupes: bool = False
    key_required: bool = False
    fields: frozenset[str] | None = None
    batch_max: int = 500
    page_max: int = 1000
    container: str = ""
    write_only: str = ""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """The vendor in one frozen table; unlisted means no.

    `fields`: path ("recall.after", "concurrent_call") -> rule. `refusals`: path -> why it cannot be held, in a
    sentence for users.
    `credentials`: the accepted sets of names. `known_hosts`: suffixes a key may be sent to without being allowed by
    name.
    """

    vendor: str
    create: bool
    update: bool
    delete: bool
    readable: bool
    dial: bool
    fields: Mapping[str, FieldRule]
    refusals: Mapping[str, str]
    contacts: ContactRules
    credentials: tuple[frozenset[str], ...]
    known_hosts: tuple[str, ...] = ()
    delete_needs_stop: bool = False
    delete_queued: bool = False  # done later, and the object is there until then
    can_create_inert: bool = True
    carries_token: bool = False
