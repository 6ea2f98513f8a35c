"""Reading a ledger kept in SQL, the same in every store. The session under it knows the dialect, the connection and the clock.

The SQL here is what SQLite and PostgreSQL both understand; `?` stands for a value. The tables are drawn in schema.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, Protocol

import msgspec

from reconciler.errors import LedgerError
from reconciler.ledger.base import OPEN, Event, Holder, Op, OpenRequest, OpState
from reconciler.ledger.contact_keys import Claimed
from reconciler.model import Action, Binding, Key, Person, Sent
from reconciler.model.trace import Trace

Row = tuple[Any, ...]


def listed(values: Sequence[str]) -> str:
    """Our own words as an SQL list."""
    return ", ".join(f"'{value}'" for value in values)


OPEN_OPS = f"state IN ({listed(OPEN)})"
# A request stays in one of these for as long as an op of it is open (SqlLedger._decide): few rows, with an index of their own.
OPEN_REQUESTS = "state IN ('sent', 'in_doubt')"
_WITH_HIGH_WATER = 2  # version of the schema
ADDS = f"verb IN ({listed((Action.ADD_CONTACTS, Action.CREATE))})"


class Session(Protocol):
    """One connection to a store. Every method raises LedgerError, in words for a user."""

    @property
    def version(self) -> int:
        """Of the schema, when the store was opened."""
        ...

    def fetch(self, sql: str, *values: object) -> list[Row]: ...

    def stream(self, sql: str, *values: object) -> Iterator[Row]:
        """Rows as they come, for results that need not fit into memory."""
        ...

    def write(self, sql: str, *values: object) -> int:
        """Returns how many rows were changed."""
        ...

    def write_rows(self, sql: str, rows: Sequence[Row], *values: object) -> int:
        """`sql` says `{rows}` where the rows stand after VALUES; `values` come after them. Returns how many rows were changed."""
        ...

    def load(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> int:
        """Append rows to a table as fast as the store can, in one transaction or in that around it. Returns how many there were."""
        ...

    def transaction(self) -> AbstractContextManager[None]:
        """While it is open nobody else writes: what was read in it still holds when it commits. Nested: a savepoint."""
        ...

    def snapshot(self) -> AbstractContextManager[None]:
        """While it is open all reads see one and the same moment, and nobody is kept from writing. Not within a transaction."""
        ...

    def now(self) -> float:
        """Seconds since 1970 by the store's clock."""
        ...

    def close(self) -> None: ...


def moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def request_name(number: int) -> str:
    """What people type into `resolve`; hexadecimal, so that it is never taken for a phone number and masked."""
    return f"r{number:x}"


def request_number(name: str) -> int:
    try:
        return int(name.removeprefix("r"), 16)
    except ValueError:
        raise LedgerError(f"{name!r} is no request: `reconciler resolve` lists those that wait.") from None


class SqlReader:
    """LedgerReader over any session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def session(self) -> Session:
        """For what is done to a ledger as a whole (copying.py)."""
        return self._session

    @property
    def lineage(self) -> str:
        return str(self._stack("lineage"))

    @property
    def serial(self) -> int:
        return int(self._stack("serial"))

    @property
    def key_check(self) -> bytes:
        return bytes(self._stack("key_check"))

    @property
    def high_water(self) -> tuple[int, str] | None:
        if self._session.version < _WITH_HIGH_WATER:
            return None
        seq, digest = self._session.fetch("SELECT high_water_seq, high_water_hash FROM stack")[0]
        return seq, digest

    def _stack(self, column: str) -> Any:
        return self._session.fetch(f"SELECT {column} FROM stack")[0][0]

    def bindings(self) -> Mapping[Key, Binding]:
        rows = self._session.fetch(
            "SELECT key, identity, vendor_id, last_applied, protect, run, bound_at FROM binding ORDER BY key"
        )
        return {(key := Key.parse(row[0])): _binding(key, row) for row in rows}

    def remembered(self, kind: str) -> Mapping[str, bytes]:
        rows = self._session.fetch("SELECT name, value FROM memory WHERE name LIKE ? ORDER BY name", f"{kind}/%")
        return {name.removeprefix(f"{kind}/"): bytes(value) for name, value in rows}

    def sent(self, identity: str) -> Iterator[Sent]:
        scopes = self._session.fetch(f"SELECT id, contacts FROM scope WHERE identity = ? AND {ADDS}", identity)
        if not scopes:
            return
        # One ordered walk of the index per scope, merged by the store: no sort, whatever the size.
        walks = (
            f"SELECT person, revision, {number} AS scope, state, vendor_id, key_mac, fields_mac"
            f" FROM op WHERE scope_id = {number} AND person IS NOT NULL"
            for number, _ in scopes
        )
        names: dict[int, str] = dict(scopes)
        rows = self._session.stream(f"{' UNION ALL '.join(walks)} ORDER BY person, revision")
        for person, claimed in groupby(rows, key=itemgetter(0)):
            *_, (_, revision, scope, state, vendor_id, key_mac, fields_mac) = claimed
            yield Sent(Person(person), names[scope], state, revision, vendor_id, key_mac, fields_mac)

    def sent_with(self, person: Person) -> Sequence[tuple[Key, str, Sent]]:
        rows = self._session.fetch(
            "SELECT s.campaign, s.identity, s.contacts, o.state, o.revision, o.vendor_id, o.key_mac, o.fields_mac"
            f" FROM scope s JOIN op o ON o.scope_id = s.id WHERE o.person = ? AND s.{ADDS} ORDER BY s.campaign, s.identity, o.revision",
            person,
        )
        newest = {(campaign, identity): sent for campaign, identity, *sent in rows}
        return [(Key.parse(campaign), identity, Sent(person, *sent)) for (campaign, identity), sent in newest.items()]

    def reached(self) -> Sequence[tuple[Key, str]]:
        rows = self._session.fetch(
            "SELECT DISTINCT campaign, contacts, identity FROM scope s WHERE"
            " EXISTS (SELECT 1 FROM op WHERE scope_id = s.id AND person IS NOT NULL) ORDER BY campaign, contacts, identity"
        )
        return [(_key(campaign, contacts), identity) for campaign, contacts, identity in rows]

    def traces(self, identity: str, after: bytes, limit: int) -> Sequence[Trace]:
        names: dict[int, str] = dict(self._session.fetch("SELECT id, contacts FROM scope WHERE identity = ?", identity))
        # As in `sent`: ordered walks of the index, merged. By pages, so that what is written meanwhile is held up by no reader.
        walks = [
            f"SELECT person, op_key, {number} AS scope, CASE WHEN {OPEN_OPS} THEN 1 ELSE 0 END AS waits, key_mac, left_at"
            f" FROM op WHERE scope_id = {number} AND person IS NOT NULL AND person > ?"
            for number in names
        ]
        if not walks:
            return ()
        sql = f"{' UNION ALL '.join(walks)} ORDER BY person LIMIT {limit}"
        return [
            Trace(person, op_key, names[scope], bool(waits), key_mac, left_at)
            for person, op_key, scope, waits, key_mac, left_at in self._session.fetch(sql, *[after] * len(walks))
        ]

    def people(self) -> Iterator[Person]:
        for (number,) in self._session.fetch("SELECT id FROM scope ORDER BY id"):
            named = "SELECT DISTINCT person FROM op WHERE scope_id = ? AND person IS NOT NULL ORDER BY person"
            for (person,) in self._session.stream(named, number):
                yield Person(person)

    def claims(self, first: Person, last: Person) -> Sequence[Claimed]:
        # Scope by scope, as the index has them; over all of them at once a store would look at every operation there is.
        found = []
        for scope, campaign, contacts, identity, verb in self._session.fetch(
            "SELECT id, campaign, contacts, identity, verb FROM scope ORDER BY id"
        ):
            rows = self._session.fetch(
                "SELECT o.state, r.connection, r.epoch, o.op_key, o.person, o.revision, o.key_mac, o.fields_mac"
                " FROM op o JOIN request r ON r.id = o.request_id"
                " WHERE o.scope_id = ? AND o.person BETWEEN ? AND ? ORDER BY o.person, o.revision",
                *(scope, first, last),
            )
            key = _key(campaign, contacts)
            found += [
                Claimed(Op(op_key, key, identity, verb, *rest), OpState(state), connection, epoch)
                for state, connection, epoch, op_key, *rest in rows
            ]
        return found

    def open_requests(self) -> Sequence[OpenRequest]:
        rows = self._session.fetch(
            "SELECT r.id, s.campaign, s.contacts, s.identity, s.verb, r.call, r.token, r.run, r.claimed_at,"
            f" min({_rank('o.state', OPEN)}), count(o.person), r.repeatable"
            " FROM request r JOIN scope s ON s.id = r.scope_id JOIN op o ON o.request_id = r.id"
            f" WHERE r.{OPEN_REQUESTS} AND o.{OPEN_OPS}"
            " GROUP BY r.id, s.id ORDER BY r.id"
        )
        return [_open_request(row) for row in rows]

    def age(self, request: OpenRequest) -> float:
        return self._session.now() - datetime.fromisoformat(request.claimed_at).timestamp()

    def open_ops(self, request_id: str) -> Sequence[tuple[Op, OpState]]:
        rows = self._session.fetch(
            "SELECT o.state, s.campaign, s.contacts, o.op_key, s.identity, s.verb, o.person, o.revision, o.key_mac, o.fields_mac"
            " FROM op o JOIN scope s ON s.id = o.scope_id"
            f" WHERE o.request_id = ? AND o.{OPEN_OPS} ORDER BY o.place",
            request_number(request_id),
        )
        return [
            (Op(op_key, _key(campaign, contacts), *rest), OpState(state))
            for state, campaign, contacts, op_key, *rest in rows
        ]

    def events(self) -> Iterator[Event]:
        columns = "seq, epoch, at, actor, entity, before, after, reason, hash"
        for row in self._session.stream(f"SELECT {columns} FROM event ORDER BY seq"):
            yield Event(*row)

    def holder(self) -> Holder | None:
        rows = self._session.fetch(
            "SELECT run, host, pid, actor, url, boot_id, started FROM lease WHERE run <> '' AND expires_at > ?",
            self._session.now(),
        )
        return Holder(*rows[0]) if rows else None

    def held_since(self) -> str:
        return str(self._session.fetch("SELECT since FROM lease")[0][0])

    def close(self) -> None:
        self._session.close()


def _rank(column: str, states: Sequence[OpState]) -> str:
    """An SQL number that orders states as listed."""
    return f"CASE {column} {' '.join(f'WHEN {state.value!r} THEN {rank}' for rank, state in enumerate(states))} END"


def _key(campaign: str, contacts: str) -> Key:
    key = Key.parse(campaign)
    return key.contact_set(contacts) if contacts else key


def _binding(key: Key, row: Row) -> Binding:
    _, identity, vendor_id, last_applied, protect, run, bound_at = row
    return Binding(key, identity, vendor_id, msgspec.json.decode(last_applied), bool(protect), run, bound_at)


def _open_request(row: Row) -> OpenRequest:
    number, campaign, contacts, identity, verb, call, token, run, claimed_at, rank, people, repeatable = row
    about = (_key(campaign, contacts), identity, verb, call, token, run, claimed_at)
    return OpenRequest(request_name(number), *about, OPEN[rank], people, bool(repeatable))
