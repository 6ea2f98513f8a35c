"""What will change and what came of it: the reviewed artefact as plain frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from reconciler.model.names import Json, Key, Path, SharedPart


class Action(StrEnum):
    """One primitive step. What before and after mean:

    | action            | before            | after             | contacts        |
    |-------------------|-------------------|-------------------|-----------------|
    | create            | nothing           | declared          | inside, or none |
    | update            | live              | declared          | -               |
    | delete            | live              | nothing           | -               |
    | start, stop       | live run state    | wanted run state  | -               |
    | *_contacts        | what we sent      | the source        | count, digest   |
    """

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    START = "start"
    STOP = "stop"
    ADD_CONTACTS = "add_contacts"
    UPDATE_CONTACTS = "update_contacts"
    WITHDRAW_CONTACTS = "withdraw_contacts"


class Risk(StrEnum):
    """Lowest first."""

    SAFE = "safe"
    COMPLIANCE = "compliance"
    DESTRUCTIVE = "destructive"
    DIALLING = "dialling"


class Cause(StrEnum):
    """Why a field is not as it is declared, told from what was applied last."""

    DECLARED = "declared"  # the declaration says something else than then
    DRIFT = "drift"  # the vendor shows something else than then; the declaration says the same
    BOTH = "both"
    DEFAULT = "default"  # nobody wrote it: what it is without a word of the declaration is another value now
    FIRST = "first"  # it was never applied by us


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """`before` is live (None: not there), `after` declared (None with a `before`: unset).

    `cause`: None where there is nothing to tell apart, as in a create. `source`: file:line of what is declared, or empty.
    """

    path: Path
    before: Json
    after: Json
    cause: Cause | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class ContactChange:
    count: int
    digest: str


@dataclass(frozen=True, slots=True)
class ContactDelta:
    """What happens to the people of one set: each source row is counted once, in this order of precedence.

    rejected (by reason), duplicates, suppressed (by list), then added, waiting, updated or unchanged. `waiting`: to be added once the
    canary is released. `withdrawn` counts people apart from the rows. `held`: known but in doubt or refused by the vendor earlier.
    `digests`: verb -> `hmac-sha256:...` over the fingerprints.
    """

    key: Key
    rows: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)
    duplicates: int = 0
    suppressed: Mapping[str, int] = field(default_factory=dict)
    added: int = 0
    waiting: int = 0
    updated: int = 0
    unchanged: int = 0
    withdrawn: int = 0
    held: int = 0
    sent_before: int = 0
    digests: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """`schedule`: all that is declared of it, where a part of it changes; what a change of hours means cannot be told without."""

    id: int
    action: Action
    key: Key
    source: str
    reason: str
    risk: Risk
    depends_on: tuple[int, ...] = ()
    fields: tuple[FieldChange, ...] = ()
    contacts: ContactChange | None = None
    schedule: Json = None


@dataclass(frozen=True, slots=True)
class Finding:
    """A guard's, policy's or reader's word. `measured` and `limit` are text; `source` is file:line or empty."""

    code: str
    severity: Severity
    message: str
    key: str = ""
    measured: str = ""
    limit: str = ""
    remedy: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Unmanaged:
    """A live object nobody declared, or one we stopped managing."""

    connection: str
    vendor_id: str
    name: str
    run: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Doubt:
    """A request whose outcome is unknown: `in_doubt` may still be settled by reading, `held` waits for a person."""

    request: str
    key: str
    verb: str
    since: str
    run: str
    people: int
    state: Literal["in_doubt", "held"]
    look_for: str
    resolve: str


@dataclass(frozen=True, slots=True)
class Bound:
    """What a plan is bound to."""

    lineage: str
    serial: int
    config: str
    sources: str
    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """The reviewed artefact. `digest` covers intent only; times are RFC 3339 in UTC.

    `commit`: of the job that made it, or empty. `shared`: what several campaigns may name and something changes of in this plan.
    """

    project: str
    version: str
    created_at: str
    expires_at: str
    digest: str
    bound: Bound
    changes: tuple[Change, ...]
    deltas: tuple[ContactDelta, ...]
    unchanged: tuple[Key, ...]
    unmanaged: tuple[Unmanaged, ...] = ()
    findings: tuple[Finding, ...] = ()
    in_doubt: tuple[Doubt, ...] = ()
    select: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    commit: str = ""
    shared: tuple[SharedPart, ...] = ()

    @property
    def partial(self) -> bool:
        return bool(self.select or self.exclude)

    @property
    def blocked(self) -> bool:
        return any(finding.severity is Severity.ERROR for finding in self.findings)


Result = Literal["applied", "partial", "blocked", "nothing"]
Status = Literal["confirmed", "rejected", "in_doubt", "skipped"]


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of the people of one step, or of a whole run."""

    confirmed: int = 0
    rejected: int = 0
    in_doubt: int = 0
    already_present: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.confirmed + other.confirmed,
            self.rejected + other.rejected,
            self.in_doubt + other.in_doubt,
            self.already_present + other.already_present,
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one step did. `error` is already masked; `touched`: something may have changed at the vendor.

    `stale`: it was not done since its object moved after the plan was made.
    """

    change: Change
    status: Status
    vendor_id: str = ""
    error: str = ""
    contacts: Tally | None = None
    touched: bool = False
    stale: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """What one apply did. `code`: the exit code it asks for; `error`: why it did nothing, where it was refused or broke off."""

    run: str
    plan: str
    result: Result
    outcomes: tuple[Outcome, ...]
    contacts: Tally
    code: int
    lineage: str = ""
    serial: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True)
class Removal:
    """What became of one refusal at one campaign that the person was sent to. `why`: a sentence, where it is not obvious."""

    key: Key
    result: Literal["withdrawn", "not there", "in a call", "failed", "cannot"]
    why: str = ""


@dataclass(frozen=True, slots=True)
class Halted:
    """What `halt` made of one campaign. `why`: for `failed` and `cannot`, a sentence."""

    key: Key
    result: Literal["stopped", "not running", "failed", "cannot"]
    why: str = ""
