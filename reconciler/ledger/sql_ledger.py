"""Writing a ledger kept in SQL, the same in every store: claims, outcomes and bindings, each fenced, each with its event.

Every public write is one transaction that begins by looking for the lease `WHERE epoch = ?`: a run that was overtaken changes no row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from uuid import UUID, uuid4

import msgspec

from reconciler.errors import LedgerError
from reconciler.ledger.base import OPEN, Lease, OpState, Request, RequestState, Result, Verdict
from reconciler.ledger.expiring import UNBOUND
from reconciler.ledger.forgetting import SqlForgetting
from reconciler.ledger.sql import (
    ADDS,
    OPEN_OPS,
    OPEN_REQUESTS,
    Row,
    moment,
    request_name,
    request_number,
)
from reconciler.ledger.sql_rotation import SqlRotation
from reconciler.ledger.sql_scopes import Scopes, next_id
from reconciler.model import Action, Binding, Key, Spec
from reconciler.redact import foreign, mask

_LANDED = (OpState.CONFIRMED, OpState.ALREADY)

# What a landed edit or withdrawal does to the row of the add.
_EFFECTS = {
    Action.UPDATE_CONTACTS: "fields_mac = done.fields_mac",
    Action.WITHDRAW_CONTACTS: "state = 'withdrawn'",
}


class SqlLedger(SqlForgetting, SqlRotation):
    """Ledger over any session."""

    def start(self, lease: Lease, key_check: bytes) -> None:
        with self._writing(lease):
            if not self.lineage:
                lineage = _fresh(str)
                self._session.write("UPDATE stack SET lineage = ?, key_check = ?", lineage, key_check)
                self._event(lease, "ledger", "", lineage, "first use")
            else:
                self.check_key(key_check)

    def finish(self, lease: Lease) -> int:
        with self._writing(lease):
            serial = int(self._session.fetch("UPDATE stack SET serial = serial + 1 RETURNING serial")[0][0])
            self._event(lease, "ledger", f"serial {serial - 1}", f"serial {serial}", "apply finished")
            self._free(lease, "apply finished")
            return serial

    def recover(self, lease: Lease) -> int:
        with self._writing(lease):
            rows = self._session.fetch(
                f"UPDATE request SET state = 'in_doubt' WHERE {OPEN_REQUESTS} AND state = 'sent' AND epoch < ? RETURNING id",
                lease.epoch,
            )
            for (number,) in sorted(rows):
                reason = f"no outcome was recorded: {_told(self._doubt(number))}"
                entity = f"request {request_name(number)}"
                self._event(lease, entity, RequestState.SENT.value, RequestState.IN_DOUBT.value, reason)
            return len(rows)

    def claim(self, lease: Lease, request: Request) -> str:
        with self._writing(lease):
            scopes = Scopes(self._session)
            number = self._insert_request(lease, request, scopes)
            # By op_key: what is named twice is written once, and counts as refused.
            rows = {
                op.op_key: (number, place, op.op_key, scopes.of(op), op.person, op.revision, op.key_mac, op.fields_mac)
                for place, op in enumerate(request.ops)
            }
            claimed = self._session.write_rows(
                "INSERT INTO op (request_id, place, op_key, scope_id, person, revision, key_mac, fields_mac) VALUES {rows}"
                " ON CONFLICT (op_key) DO UPDATE SET request_id = excluded.request_id, place = excluded.place,"
                " scope_id = excluded.scope_id, key_mac = excluded.key_mac, fields_mac = excluded.fields_mac,"
                " state = 'sent', attempt = op.attempt + 1 WHERE op.state = 'planned'",
                [rows[op_key] for op_key in sorted(rows)],  # as the index has them
            )
            wanted = len(request.ops)
            if not wanted or claimed != wanted:
                raise LedgerError(
                    f"{request.key}: {wanted - claimed} of {wanted} operations were claimed before or are decided."
                    " Nothing was sent. Plan again."
                )
            reason = f"{request.verb} {request.key}: {claimed} sent"
            self._event(lease, f"request {request_name(number)}", "", RequestState.SENT.value, reason)
            return request_name(number)

    def _insert_request(self, lease: Lease, request: Request, scopes: Scopes) -> int:
        identity = request.ops[0].identity if request.ops else ""
        rows = self._session.fetch(
            "INSERT INTO request (id, epoch, run, connection, scope_id, call, token, body_mac, repeatable, claimed_at, state)"
            f" VALUES ({next_id('request')}, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'sent') RETURNING id",
            *(lease.epoch, lease.holder.run, request.connection, scopes.find(identity, request.key, request.verb)),
            *(request.call, request.token, request.body_mac, int(request.repeatable), moment(self._session.now())),
        )
        return int(rows[0][0])

    def outcome(self, lease: Lease, request_id: str, verdict: Verdict) -> None:
        number = request_number(request_id)
        with self._writing(lease):
            before, identity, verb = self._undecided(number, request_id)
            for binding in verdict.bindings:
                self._bind(lease, binding, f"request {request_id}")
            if self._end(number, verdict.results) != len(verdict.results):
                raise LedgerError(f"Request {request_id}: the verdict names operations that are not open in it.")
            if verb in _EFFECTS:
                self._take_effect(identity, _EFFECTS[verb], verdict.results)
            self._decide(lease, number, before, verdict)

    def _end(self, number: int, results: Sequence[Result]) -> int:
        """How many open operations of the request now are in the state that they are named with."""
        if len(results) > 1 and self._alike(number, results):
            about = f"UPDATE op SET state = ? WHERE request_id = ? AND {OPEN_OPS}"
            return self._session.write(about, results[0].state.value, number)
        return self._session.write_rows(
            "UPDATE op SET state = v.column1, vendor_id = CASE v.column2 WHEN '' THEN op.vendor_id ELSE v.column2 END"
            " FROM (VALUES {rows}) AS v"
            f" WHERE op.op_key = v.column3 AND op.request_id = ? AND op.{OPEN_OPS}",
            [(result.state.value, result.vendor_id, result.op_key) for result in results],
            number,
        )

    def _alike(self, number: int, results: Sequence[Result]) -> bool:
        """Whether these are all that is open in the request, and end the same way: they lie side by side, unlike what an index finds."""
        state = results[0].state
        if any(result.state is not state or result.vendor_id for result in results):
            return False
        found = self._session.fetch(f"SELECT op_key FROM op WHERE request_id = ? AND {OPEN_OPS}", number)
        return len(found) == len(results) and {key for (key,) in found} == {result.op_key for result in results}

    def _undecided(self, number: int, name: str) -> Row:
        """State, identity and verb of a request that waits for its outcome."""
        rows = self._session.fetch(
            "SELECT r.state, s.identity, s.verb FROM request r JOIN scope s ON s.id = r.scope_id WHERE r.id = ?", number
        )
        if not rows:
            raise LedgerError(f"There is no request {name}: `reconciler resolve` lists those that wait.")
        if rows[0][0] not in (RequestState.SENT, RequestState.IN_DOUBT):
            raise LedgerError(f"Request {name} is decided already ({rows[0][0]}): nothing was changed.")
        return rows[0]

    def _take_effect(self, identity: str, effect: str, results: Sequence[Result]) -> None:
        """What a landed edit or withdrawal means for the newest add of that person: the row that `sent` shows.

        Its revision is never below the edit's, so that the next one is a new operation.
        """
        landed = [(result.op_key,) for result in results if result.state in _LANDED]
        adds = f"(SELECT id FROM scope WHERE identity = ? AND {ADDS})"
        self._session.write_rows(
            "UPDATE op SET revision = CASE WHEN done.revision > op.revision THEN done.revision ELSE op.revision END,"
            f" {effect} FROM (VALUES {{rows}}) AS v JOIN op AS done ON done.op_key = v.column1"
            f" WHERE op.person = done.person AND op.scope_id IN {adds} AND op.revision ="
            f" (SELECT max(a.revision) FROM op AS a WHERE a.person = done.person AND a.scope_id IN {adds})",
            landed,
            identity,
            identity,
        )

    def _decide(self, lease: Lease, number: int, before: str, verdict: Verdict) -> None:
        """A request with an open op stays in doubt, whatever the verdict calls it."""
        counts = self._counts(number)
        if OpState.SENT in counts:
            counts = self._doubt(number)  # what the verdict does not mention is not known
        state = RequestState.IN_DOUBT if counts.keys() & set(OPEN) else verdict.state
        evidence = foreign(verdict.evidence)
        self._session.write(
            "UPDATE request SET state = ?, http_status = ?, evidence = ?, decided_at = ? WHERE id = ?",
            *(state.value, verdict.http_status, evidence, moment(self._session.now()), number),
        )
        reason = f"{_told(counts)}; {evidence}" if evidence else _told(counts)
        self._event(lease, f"request {request_name(number)}", before, state.value, reason)

    def _doubt(self, number: int) -> Mapping[str, int]:
        self._session.write("UPDATE op SET state = 'in_doubt' WHERE request_id = ? AND state = 'sent'", number)
        return self._counts(number)

    def _counts(self, number: int) -> Mapping[str, int]:
        """State -> how many ops of the request are in it."""
        about = "SELECT state, count(*) FROM op WHERE request_id = ? GROUP BY state ORDER BY state"
        return dict(self._session.fetch(about, number))

    def identity(self, lease: Lease, key: Key) -> str:
        with self._writing(lease):
            campaign = key.campaign
            rows = self._session.fetch("SELECT identity FROM binding WHERE key = ?", str(campaign))
            if rows:
                return str(rows[0][0])
            reserved = Binding(campaign, _fresh(lambda uuid: uuid.hex), vendor_id="", last_applied={})
            self._bind(lease, reserved, "identity reserved")
            return reserved.identity

    def bind(self, lease: Lease, binding: Binding, reason: str) -> None:
        with self._writing(lease):
            self._bind(lease, binding, reason)

    def _bind(self, lease: Lease, binding: Binding, reason: str) -> None:
        before = self._session.fetch("SELECT vendor_id FROM binding WHERE key = ?", str(binding.key))
        bound_at = binding.bound_at or moment(self._session.now())
        self._session.write(
            "INSERT INTO binding (key, identity, vendor_id, last_applied, protect, run, bound_at) VALUES (?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (key) DO UPDATE SET identity = excluded.identity, vendor_id = excluded.vendor_id,"
            " last_applied = excluded.last_applied, protect = excluded.protect, run = excluded.run, bound_at = excluded.bound_at",
            *(str(binding.key), binding.identity, binding.vendor_id, _canonical(binding.last_applied)),
            *(int(binding.protect), binding.run, bound_at),
        )
        if binding.vendor_id:  # the clock of its fingerprints starts anew, should it be let go again
            self._session.write("UPDATE memory SET value = ? WHERE name = ?", b"", f"{UNBOUND}/{binding.identity}")
        self._event(lease, str(binding.key), before[0][0] if before else "", binding.vendor_id, foreign(reason))

    def unbind(self, lease: Lease, key: Key, reason: str) -> None:
        with self._writing(lease):
            for name in self._family(key):
                rows = self._session.fetch("DELETE FROM binding WHERE key = ? RETURNING vendor_id", name)
                self._event(lease, name, rows[0][0], "", foreign(reason))

    def let_go(self, lease: Lease, key: Key, reason: str) -> None:
        with self._writing(lease):
            known = self.bindings().get(key)
            if known is None or not known.vendor_id:
                raise _not_bound(key)
            self.unbind(lease, key, reason)
            self._bind(lease, replace(known, vendor_id="", last_applied={}, bound_at=""), "whom it reached stays known")
            self._session.write(
                "UPDATE op SET state = 'planned' WHERE person IS NULL AND state IN ('confirmed', 'already')"
                " AND scope_id IN (SELECT id FROM scope WHERE identity = ? AND verb = 'create')",
                known.identity,
            )

    def move(self, lease: Lease, old: Key, new: Key) -> None:
        with self._writing(lease):
            if self._session.fetch("SELECT 1 FROM binding WHERE key = ?", str(new)):
                raise LedgerError(
                    f"{new} is bound already: nothing was moved. `reconciler state show {new}` says to what."
                )
            for name in self._family(old):
                key = Key.parse(name)
                moved = str(replace(key, connection=new.connection, name=new.name))
                self._session.write("UPDATE binding SET key = ? WHERE key = ?", moved, name)
                self._event(lease, moved, name, moved, "moved")
            identity = self._session.fetch("SELECT identity FROM binding WHERE key = ?", str(new))[0][0]
            self._session.write("UPDATE scope SET campaign = ? WHERE identity = ?", str(new), identity)

    def _family(self, key: Key) -> list[str]:
        """The bound keys that go where `key` goes: itself and, of a campaign, its contact sets. Names hold no wildcards."""
        rows = self._session.fetch(
            "SELECT key FROM binding WHERE key = ? OR key LIKE ? ORDER BY key", str(key), f"{key}/contacts/%"
        )
        if not rows or rows[0][0] != str(key):
            raise _not_bound(key)
        return [name for (name,) in rows]

    def applied(self, lease: Lease, key: Key, spec: Spec, protect: bool, run: int) -> None:
        with self._writing(lease):
            rows = self._session.fetch(
                "UPDATE binding SET last_applied = ?, protect = ?, run = ? WHERE key = ? RETURNING vendor_id",
                *(_canonical(spec), int(protect), run, str(key)),
            )
            if not rows:
                raise LedgerError(f"{key} is not bound: what was applied to it cannot be remembered.")
            self._event(lease, str(key), rows[0][0], rows[0][0], "applied")

    def remember(self, lease: Lease, kind: str, name: str, value: bytes) -> None:
        with self._writing(lease):
            self._session.write(
                "INSERT INTO memory (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                *(f"{kind}/{name}", value),
            )
            self._event(lease, f"memory {kind}/{name}", "", "", "remembered")


def _not_bound(key: Key) -> LedgerError:
    return LedgerError(f"{key} is not bound: nothing was changed. `reconciler state list` shows what is.")


def _told(counts: Mapping[str, int]) -> str:
    """As an event says it: `480 confirmed, 20 in_doubt`."""
    return ", ".join(f"{count} {state}" for state, count in counts.items())


def _canonical(spec: Spec) -> str:
    return msgspec.json.encode(dict(spec), order="sorted").decode()


def _fresh(text: Callable[[UUID], str]) -> str:
    """A random id in which no run of digits looks like a phone number, so that no output masks it."""
    while mask(name := text(uuid4())) != name:
        pass
    return name
