"""The campaigns of the simulated TEL4VN tenant, with their weekly windows, run state and assignments."""

from collections.abc import Mapping
from copy import deepcopy
from datetime import datetime

from starlette.responses import Response
from starlette.routing import Route

from reconciler.simulator.vendor import Call, Fields, reply

from .account import Account, FieldErrors, absent, json_type, new_uuid, too_short
from .fields import ASSIGNMENTS, CREATE, DEFAULTS, IDENTITY, READ_ONLY, SURVIVES, TYPES, ZERO
from .lists import Lists
from .schedule import opened_between, row_errors


class Campaigns:
    """The table of campaigns and the calls on it."""

    def __init__(
        self, account: Account, rows: dict[str, Fields], names: Mapping[str, Mapping[str, Fields]], lists: Lists
    ) -> None:
        """`names`: kind of reference (carrier, template, user) -> uuid -> object."""
        self._account = account
        self._names = names
        self._lists = lists
        self._paused: dict[str, datetime] = {}
        self.rows = rows

    def routes(self) -> list[Route]:
        guarded, one = self._account.guarded, "/v3/campaign/{uuid}"
        return [
            guarded("POST", "/v3/campaign", self._create),
            guarded("GET", "/v3/campaign", self._list),
            guarded("GET", one, self._read),
            guarded("PUT", one, self._replace),
            guarded("PATCH", f"{one}/active", self._activate),
            guarded("DELETE", one, self._delete),
            guarded("PUT", f"{one}/assign_extension", self._assign),
            guarded("POST", "/v1/campaign/{uuid}/run/start", self._run),
        ]

    def add(self, fields: Fields, campaign_uuid: str | None = None) -> str:
        """A campaign with the defaults of a create, `fields` on top; its uuid."""
        account, id, now = self._account, campaign_uuid or new_uuid(), self._account.timestamp()
        sampled = account.chosen("create_defaults") == "sample"
        carrier = next(iter(self._names["carrier"]), "")
        row = {
            "domain_uuid": account.domain_uuid,
            "campaign_uuid": id,
            **deepcopy(ZERO | SURVIVES | READ_ONLY),
            **(deepcopy(DEFAULTS) | {"carrier_uuid": carrier} if sampled else {}),
            "status": account.chosen("create_status"),
            "created_at": now,
        }
        self.rows[id] = row
        self.change(id, fields | {"updated_at": now})
        return id

    def change(self, id: str, fields: Fields) -> None:
        """Set fields, as calls and the panel do; keeps the moment at which a campaign was paused."""
        row = self.current(id)
        was_paused = row["status"] == "pause"
        row.update({"updated_at": self._account.timestamp()} | deepcopy(fields))
        row["schedules"] = [self._identified(id, schedule) for schedule in row["schedules"] or []]
        if row["status"] != "pause":
            self._paused.pop(id, None)
        elif not was_paused:
            self._paused[id] = self._account.now()

    def remove(self, id: str) -> None:
        del self.rows[id]
        self._paused.pop(id, None)
        self._lists.drop_campaign(id)

    def current(self, id: str) -> Fields:
        """The stored campaign as of now: a paused one runs again from the next start of a window on.

        RefusedError "Not Found".
        """
        row = self._account.find(self.rows, id)
        since = self._paused.get(id)
        zone = self._account.chosen("schedule_zone")
        if since and row["active"] and opened_between(row["schedules"], since, self._account.now(), zone):
            del self._paused[id]
            row |= {"status": "start", "run_id": new_uuid()}
        return row

    def _identified(self, id: str, schedule: Fields) -> Fields:
        keys = {"domain_uuid": self._account.domain_uuid, "id": new_uuid(), "campaign_uuid": id}
        return {**keys, **schedule}

    def _show(self, row: Fields) -> Fields:
        """As read: assignments are null in every sample, though a campaign may have them."""
        row = self.current(row["campaign_uuid"])
        names = {
            f"{kind}_name": self._names[kind].get(row[f"{kind}_uuid"], {}).get(f"{kind}_name", "")
            for kind in ("template", "carrier")
        }
        shown = row | names
        if self._account.chosen("read_assignments") == "null":
            shown |= dict.fromkeys(ASSIGNMENTS)
        return shown

    def _list(self, call: Call) -> Response:
        wanted = call.query.get("type")
        rows = [row for row in self.rows.values() if wanted in (None, "", row["type"])]
        return self._account.page("campaign", call, rows, lambda row: self._show(row) | {"schedules": None})

    def _read(self, call: Call) -> Response:
        shown = self._show(self._account.find(self.rows, call.params["uuid"]))
        if self._account.chosen("derived_names") == "list":
            shown |= {"template_name": "", "carrier_name": ""}
        return reply(shown)

    def _create(self, call: Call) -> Response:
        fields = call.fields()
        self._account.require(_identity_errors(fields) + _type_errors(fields))
        self._refuse_taken(fields["campaign_name"], None)
        known = {name: value for name, value in fields.items() if name in CREATE}
        queue = {"call_center_queue_uuid": new_uuid()} if fields["type"] == "autodialer" else {}
        plan = {"dialplan_uuid": new_uuid()} if queue else {}
        return reply({"campaign_uuid": self.add(known | queue), "created": True} | queue | plan)

    def _replace(self, call: Call) -> Response:
        id, fields = call.params["uuid"], call.fields()
        row = self.current(id)
        self._account.require(_identity_errors(fields) + _type_errors(fields) + self._schedule_errors(fields))
        self._refuse_taken(fields["campaign_name"], id)
        self.change(id, self._replacement(row, fields))
        return reply({"campaign_uuid": id})

    def _replacement(self, row: Fields, fields: Fields) -> Fields:
        """What a PUT of `fields` leaves in the campaign."""
        chosen = self._account.chosen
        sent = {name: value for name, value in fields.items() if name in ZERO or name in SURVIVES}
        if chosen("put_null_assignments") == "kept":
            sent |= {name: row[name] for name in ASSIGNMENTS if name in sent and sent[name] is None}
        if chosen("put_status") == "ignored":
            sent["status"] = row["status"]
        if chosen("second_schedule") == "dropped" and sent.get("schedules"):
            sent["schedules"] = sent["schedules"][:1]
        if "schedules" in sent:
            sent["schedules"] = sent["schedules"] or []
        return (ZERO if chosen("put") == "zero" else {}) | sent

    def _schedule_errors(self, fields: Fields) -> FieldErrors:
        closed, inverted = (self._account.chosen(name) for name in ("closed_day", "inverted_window"))
        rows = fields.get("schedules") or []
        return [error for row in rows for error in row_errors(row, closed == "accepted", inverted == "accepted")]

    def _refuse_taken(self, name: str, id: str | None) -> None:
        if any(row["campaign_name"] == name and row["campaign_uuid"] != id for row in self.rows.values()):
            raise self._account.taken("campaign_name is already taken")

    def _activate(self, call: Call) -> Response:
        id, active = call.params["uuid"], call.fields().get("active")
        if not isinstance(active, bool):
            raise self._account.invalid("active is missing")
        self.change(id, {"active": active})
        return reply({"active": active, "campaign_uuid": id})

    def _delete(self, call: Call) -> Response:
        id = call.params["uuid"]
        if self.current(id)["active"]:
            raise self._account.invalid("campaign must be deactive")
        self.remove(id)
        return reply({"campaign_uuid": id})

    def _assign(self, call: Call) -> Response:
        """Agents by extension; an extension that nobody has is left out."""
        id, extensions = call.params["uuid"], call.fields().get("extensions")
        row = self.current(id)
        if not isinstance(extensions, list):
            text = f"Invalid type. Expected: array, given: {json_type(extensions)}"
            raise self._account.invalid([{"extensions": text}])
        agents = {agent["extension"]: agent["user_uuid"] for agent in self._names["user"].values()}
        users = [{"extension": one, "user_uuid": agents[one]} for one in extensions if one in agents]
        before = row["users"] or [] if self._account.chosen("assign_extension") == "adds" else []
        self.change(id, {"users": list(dict.fromkeys([*before, *(user["user_uuid"] for user in users)]))})
        return reply({"campaign_uuid": id, "users": users})

    def _run(self, call: Call) -> Response:
        id, chosen = call.params["uuid"], self._account.chosen
        row = self.current(id)
        if not row["active"] and chosen("run_inactive") == "refused":
            raise self._account.invalid("campaign must be active")
        again = row["status"] == "start" and chosen("run_again")
        if again == "refused":
            raise self._account.invalid("campaign is running")
        if again != "same_run":
            self.change(id, {"status": "start", "run_id": new_uuid()})
        return reply({"campaign_uuid": id})


def _identity_errors(fields: Fields) -> FieldErrors:
    errors = absent(fields, *IDENTITY) + too_short(fields, "campaign_name")
    if fields.get("type", TYPES[0]) not in TYPES:
        known = ", ".join(f'"{name}"' for name in TYPES)
        errors.append({"type": f"type must be one of the following: {known}"})
    return errors


def _type_errors(fields: Fields) -> FieldErrors:
    """One error per setting whose JSON type is not the one it is read with; arrays and objects may be null."""
    errors = []
    settings = {name: zero for name, zero in (ZERO | SURVIVES).items() if name not in IDENTITY}
    for name, zero in settings.items():
        expected = json_type([] if zero is None else zero)
        given = json_type(fields.get(name, zero))
        if given not in (expected, "null" if expected in ("array", "object") else expected):
            errors.append({name: f"Invalid type. Expected: {expected}, given: {given}"})
    return errors
