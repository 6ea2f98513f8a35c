"""What a repository declares. Built by config/, never changed afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Literal

from reconciler.model.names import Key, Reference, SharedPart, Source, Spec
from reconciler.model.plan import Finding, Risk


@dataclass(frozen=True, slots=True)
class Limit:
    """A guard: at most `max` things, at most `percent` (whole percent) of what is there. None: no such bound."""

    max: int | None
    percent: int | None = None


@dataclass(frozen=True, slots=True)
class Waiver:
    """An exception that a reviewer agreed to: for a campaign, for one contact set of it, or for a suppression list."""

    guard: str
    campaign: str
    reason: str
    until: date
    source: Source
    contacts: str = ""
    suppression: str = ""


@dataclass(frozen=True, slots=True)
class StateStore:
    """Where the ledger lives. `path` is absolute for sqlite; `lease` in seconds."""

    backend: Literal["sqlite", "postgres"] = "sqlite"
    path: str = ""
    url: Reference | None = None
    lease: int = 60
    persistent: bool = False


@dataclass(frozen=True, slots=True)
class Project:
    """`root` is the absolute folder of reconciler.yaml; `guards` holds all six guards, defaults filled in.

    `approvals`: the classes of risk that nothing is applied of without an approval.
    """

    name: str
    root: str
    state: StateStore
    contact_key: Reference | None
    guards: Mapping[str, Limit]
    waivers: tuple[Waiver, ...]
    source: Source
    approvals: frozenset[Risk] = frozenset()
    former_contact_key: Reference | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """How hard one account may be driven; `timeout` in seconds, for connect and for read each."""

    concurrency: int = 4
    requests_per_second: int | None = None
    batch_size: int = 500
    page_size: int = 1000
    timeout: int = 30
    rate_limit_before_execution: bool = False


@dataclass(frozen=True, slots=True)
class Settle:
    """Seconds: how late a vendor may still execute a lost request, and the gap between two agreeing reads."""

    late_max: int = 120
    interval: int = 10


@dataclass(frozen=True, slots=True)
class Connection:
    """One vendor account.

    `base_url` and `credentials` are references or, for the URL, text; `timezone` is an IANA name.
    """

    name: str
    vendor: str
    base_url: str | Reference
    credentials: Mapping[str, Reference]
    timezone: str
    region: str
    source: Source
    limits: Limits = Limits()
    settle: Settle = Settle()
    plan_only: bool = False


@dataclass(frozen=True, slots=True)
class ContactSource:
    """Exactly one of: a file (absolute here; in YAML relative to the file that names it), SQL, or rows given inline."""

    file: str | Reference | None = None
    sql_url: Reference | None = None
    sql_query: str = ""
    inline: tuple[Mapping[str, str], ...] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Columns:
    """Column names of a source; `fields` maps our field name to the column that holds it."""

    phone: str
    key: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    until: str | None = None
    as_of: str | None = None


@dataclass(frozen=True, slots=True)
class Bounds:
    """Sizes a source must keep; `change` in whole percent against what was applied last."""

    min: int | None = None
    max: int | None = None
    change: int | None = None


@dataclass(frozen=True, slots=True)
class ContactSet:
    name: str
    origin: ContactSource
    columns: Columns
    mode: Literal["append", "mirror"]
    source: Source
    region: str | None = None
    suppress: tuple[str, ...] = ()
    bounds: Bounds = Bounds()
    purpose: str | None = None
    lawful_basis: str | None = None
    retention: int | None = None  # seconds


@dataclass(frozen=True, slots=True)
class SuppressionList:
    name: str
    origin: ContactSource
    columns: Columns
    source: Source
    region: str | None = None
    max_age: int | None = None  # seconds


@dataclass(frozen=True, slots=True)
class Lifecycle:
    protect: bool = False
    on_remove: Literal["retain", "stop", "delete"] = "retain"
    unmanaged: frozenset[str] = frozenset()  # fields that are sent at create only


class RunState(StrEnum):
    RUNNING = "running"
    STOPPED = "stopped"
    PAUSED = "paused"  # live only: neither, reported, never wanted


@dataclass(frozen=True, slots=True)
class Resource:
    """One declared campaign, everything it names merged in.

    `spec` holds what the vendor is to hold, in canonical form, declared fields only:
    - `displayName`: text
    - `schedule`: {timezone, windows: {mon..sun: [["08:30", "17:00"], ...]} all seven days, starts, ends: "2026-06-01",
      exclude: [{"from": date, "to": date}]}
    - `recall`: {maxAttempts: int, after: duration, outcomes: [sorted], priority, minTalk: duration}
    - every key of the vendor's block, spelled as the vendor spells it.
    Durations are text in the form of `units.duration_text`. What is a set is a sorted list.
    """

    key: Key
    vendor: str
    spec: Spec
    source: Source
    run: RunState | None = None
    contacts: tuple[str, ...] = ()
    lifecycle: Lifecycle = Lifecycle()
    vendor_id: str | None = None  # written in YAML: an explicit binding
    create_run: int = 1  # intersvyaz: raised by hand to create again
    moved_from: str | None = None
    absent: str | None = None  # the tombstone's reason
    rollout_first: int | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    places: Mapping[str, Source] = field(default_factory=dict)  # dotted path in the document -> where it stands

    @property
    def name(self) -> str:
        """The vendor's name for it."""
        return str(self.spec.get("displayName", self.key.name))


@dataclass(frozen=True, slots=True)
class Repository:
    """Everything declared, valid and linked.

    `digest` is `sha256:...` over the parsed documents, inline people left out. `shared`: by kind and name.
    """

    project: Project
    connections: Mapping[str, Connection]
    contact_sets: Mapping[str, ContactSet]
    suppressions: Mapping[str, SuppressionList]
    campaigns: tuple[Resource, ...]
    digest: str
    warnings: tuple[Finding, ...] = ()
    shared: tuple[SharedPart, ...] = ()
