"""The lists of the simulated TEL4VN tenant: each belongs to one campaign and holds leads."""

from collections.abc import Mapping

from starlette.responses import Response
from starlette.routing import Route

from reconciler.simulator.vendor import Call, Fields, reply

from .account import NO_DATE, Account, fixed_uuid, new_uuid, too_short
from .queue import Queue

LIST_FIELDS: Fields = {
    "description": "",
    "reset_time": NO_DATE,
    "active": True,
    "user_uuid": "",
    "total_fields": 0,
    "username": "",
    "firstname": "",
    "middlename": "",
    "lastname": "",
    "total_upload": 0,
    "total_fail": 0,
    "recall_status": None,
}

PLATFORM_LISTS = ("Default Outbound Call", "Default Inbound Call", "Default Inbound Call Outside working hours")
"""Lists of another domain that the sample listing shows beside the tenant's own."""


class Lists:
    """The table of lists and the calls on it."""

    def __init__(self, account: Account, campaigns: Mapping[str, Fields], queue: Queue) -> None:
        """`campaigns`: the rows of that table."""
        self._account = account
        self._campaigns = campaigns
        self._queue = queue
        self.rows: dict[str, Fields] = {}
        platform = fixed_uuid("platform")
        for name in PLATFORM_LISTS:
            fields = {"list_name": name, "description": name, "campaign_uuid": platform, "domain_uuid": platform}
            self.add(fields, fixed_uuid(name))

    def routes(self) -> list[Route]:
        guarded, one = self._account.guarded, "/v3/list/{uuid}"
        return [
            guarded("POST", "/v3/list", self._create),
            guarded("GET", "/v3/list", self._list),
            guarded("GET", one, self._read),
            guarded("PATCH", f"{one}/active", self._activate),
            guarded("DELETE", one, self._delete),
        ]

    def add(self, fields: Fields, list_uuid: str | None = None) -> str:
        """A list; its uuid. `fields` has at least `list_name` and `campaign_uuid`."""
        id, now = list_uuid or new_uuid(), self._account.timestamp()
        keys = {"domain_uuid": self._account.domain_uuid, "list_uuid": id, "created_at": now, "updated_at": now}
        self.rows[id] = LIST_FIELDS | keys | fields
        return id

    def change(self, id: str, fields: Fields) -> None:
        self._account.find(self.rows, id).update(fields | {"updated_at": self._account.timestamp()})

    def remove(self, id: str) -> None:
        del self.rows[id]
        if self._account.chosen("orphans") == "deleted":
            self._queue.remove_list(id)

    def drop_campaign(self, campaign_uuid: str) -> None:
        """What becomes of the lists of a deleted campaign."""
        if self._account.chosen("orphans") == "deleted":
            for id in [id for id, row in self.rows.items() if row["campaign_uuid"] == campaign_uuid]:
                self.remove(id)

    def own(self, id: str) -> str:
        """The uuid of a list of this tenant; RefusedError "Not Found"."""
        if self._account.find(self.rows, id)["domain_uuid"] != self._account.domain_uuid:
            raise self._account.missing()
        return id

    def campaign_of(self, list_uuid: str) -> str:
        """The campaign of a list; "" for a list that is gone."""
        return str(self.rows.get(list_uuid, {}).get("campaign_uuid", ""))

    def names(self, list_uuid: str) -> Fields:
        """What a lead shows of its list and campaign."""
        row, campaign_uuid = self.rows.get(list_uuid, {}), self.campaign_of(list_uuid)
        return {
            "campaign_uuid": campaign_uuid,
            "campaign_name": self._campaigns.get(campaign_uuid, {}).get("campaign_name", ""),
            "list_name": row.get("list_name", ""),
        }

    def _show(self, row: Fields) -> Fields:
        count = len(self._queue.by_list[row["list_uuid"]])
        name = self._campaigns.get(row["campaign_uuid"], {}).get("campaign_name", "")
        return row | {"campaign_name": name, "total_leads": count, "total_success": count}

    def _list(self, call: Call) -> Response:
        return self._account.page("list", call, list(self.rows.values()), self._show)

    def _read(self, call: Call) -> Response:
        return reply(self._show(self._account.find(self.rows, call.params["uuid"])))

    def _create(self, call: Call) -> Response:
        fields = {name: call.fields().get(name, "") for name in ("campaign_uuid", "list_name", "description")}
        self._account.require(too_short(fields, "campaign_uuid") + too_short(fields, "list_name"))
        self._account.find(self._campaigns, fields["campaign_uuid"])
        by_campaign = self._account.chosen("list_names") == "campaign"
        for row in self.rows.values():
            same_place = not by_campaign or row["campaign_uuid"] == fields["campaign_uuid"]
            if row["list_name"] == fields["list_name"] and same_place:
                raise self._account.taken("list_name is exists")
        return reply({"created": True, "list_uuid": self.add(fields)})

    def _activate(self, call: Call) -> Response:
        id, active = call.params["uuid"], call.fields().get("active")
        if not isinstance(active, bool):
            raise self._account.invalid("active is missing")
        self.change(id, {"active": active})
        return reply({"active": active, "list_uuid": id})

    def _delete(self, call: Call) -> Response:
        id = self.own(call.params["uuid"])
        self.remove(id)
        return reply({"list_uuid": id})
