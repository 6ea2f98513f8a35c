"""What a vendor holds, what the ledger claims of it, and the people on the way between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.model.declared import RunState
from reconciler.model.names import Json, Key, Person, Phone, Spec


@dataclass(frozen=True, slots=True)
class Live:
    """One vendor object in our vocabulary; it does not know our Key.

    `spec` holds every field that could be read; `raw` is what the vendor answered, sent back untouched where the vendor
    replaces whole objects, and never stored or printed. `note` is said to the reader (removal queued). `mark`: the token of
    ours that was found on it (`rc:k3f9qa`). `changed_at`: when anything of it was changed last (RFC 3339), where the vendor tells.
    """

    vendor_id: str
    name: str
    spec: Spec = field(default_factory=dict)
    run: RunState | None = None
    raw: Mapping[str, Json] = field(default_factory=dict, repr=False)
    complete: bool = True  # False: seen in a listing only, spec not read
    note: str = ""
    mark: str = ""
    changed_at: str = ""


@dataclass(frozen=True, slots=True)
class Binding:
    """The ledger's claim on a live object: `identity` is the stable id (hex) that survives renames."""

    key: Key
    identity: str
    vendor_id: str
    last_applied: Spec
    protect: bool = False
    run: int = 1  # which `create_run` made it
    bound_at: str = ""


@dataclass(frozen=True, slots=True)
class LetGo:
    """What a campaign was bound to. `people`: how many it reached, who stay known; `declared`: the next plan looks for it again."""

    key: Key
    vendor_id: str
    people: int
    declared: bool


@dataclass(frozen=True, slots=True)
class Contact:
    """One person of a set, on the way to a vendor. `fields` never prints.

    `mark`: "rc-" and 16 letters and digits, the public end of the operation's keyed fingerprint: set at a vendor where there
    is a place for it, it tells ours from theirs and tells nobody who it is.
    """

    person: Person
    phone: Phone
    fields: Mapping[str, str] = field(repr=False)
    fields_mac: bytes = b""
    key_mac: bytes = b""
    revision: int = 1
    contacts: str = ""  # the set they come from, where a call carries several sets
    mark: str = ""
    key: str = field(default="", repr=False)  # the value of columns.key; some vendors identify people by it


@dataclass(frozen=True, slots=True)
class LiveContact:
    """One contact as a vendor holds it. `busy`: in a call just now."""

    vendor_id: str
    phone: Phone
    fields: Mapping[str, str] = field(default_factory=dict, repr=False)
    identifier: str = field(default="", repr=False)
    called: bool = False
    closed: bool = False
    busy: bool = False


@dataclass(frozen=True, slots=True)
class Sent:
    """What the ledger remembers of one contact of one campaign. `state` is an OpState value."""

    person: Person
    contacts: str
    state: str
    revision: int
    vendor_id: str = ""
    key_mac: bytes = b""
    fields_mac: bytes = b""
