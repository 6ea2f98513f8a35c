"""TEL4VN, simulated: its tables put together, its seed, and the clicks in its panel.

`autocall/import` and `autocall/otp` place calls and are not simulated: nothing of ours may ever use them.
"""

from collections import Counter
from copy import deepcopy
from typing import ClassVar, Protocol

from starlette.routing import Route

from reconciler.simulator.vendor import Fields, Switches, route
from reconciler.simulator.world import World

from .account import SWITCHES, Account, fixed_uuid
from .campaigns import Campaigns
from .leads import Leads
from .lists import Lists
from .queue import Queue
from .references import References

SEED_CAMPAIGNS = ("Nhac lich hen", "Khao sat hai long")
SEED_NUMBERS = ("0390000001", "0390000002", "0390000003")


class Table(Protocol):
    """Objects of one kind as the panel sees them: nothing is checked."""

    rows: dict[str, Fields]

    def add(self, fields: Fields, id: str | None = None, /) -> str: ...

    def change(self, id: str, fields: Fields, /) -> None: ...

    def remove(self, id: str, /) -> None: ...


class Tel4vn:
    """One TEL4VN tenant."""

    name: ClassVar[str] = "tel4vn"
    SWITCHES: ClassVar[Switches] = SWITCHES

    def __init__(self, world: World) -> None:
        account = self._account = Account(world, self)
        rows: dict[str, Fields] = {}
        self.references = References(account)
        self.queue = Queue(account)
        self.lists = Lists(account, rows, self.queue)
        names = {kind: table.rows for kind, table in self.references.tables.items()}
        self.campaigns = Campaigns(account, rows, names, self.lists)
        self.leads = Leads(account, self.lists, self.queue)
        self._tables: dict[str, Table] = {
            "campaign": self.campaigns,
            "list": self.lists,
            "lead": self.queue,
            **self.references.tables,
        }

    def routes(self) -> list[Route]:
        login = route("POST", "/v3/auth/token", self._account.give_token)
        parts = (self.leads, self.lists, self.campaigns, self.references)
        return [login, *(each for part in parts for each in part.routes())]

    def snapshot(self) -> Fields:
        """Every table as stored: assignments, windows and zeroed fields as they really are."""
        for id in self.campaigns.rows:
            self.campaigns.current(id)
        return {f"{kind}s": deepcopy(table.rows) for kind, table in self._tables.items()}

    def dials(self) -> Counter[str]:
        return Counter(self.queue.dials)

    def seed(self) -> None:
        """Two carriers, two templates, three agents; two campaigns nobody declared, one with three people."""
        self._seed_references()
        for name in SEED_CAMPAIGNS:
            fields = {"campaign_name": name, "type": "autocall", "type_autocall": "autocall_audio"}
            self.campaigns.add(fields, fixed_uuid(f"campaign {name}"))
        campaign = fixed_uuid(f"campaign {SEED_CAMPAIGNS[0]}")
        agents = [fixed_uuid("agent 101")]
        self.campaigns.change(campaign, {"users": agents, "groups": [fixed_uuid("group")], "status": "start"})
        list_uuid = self.lists.add({"list_name": "Thang 5", "campaign_uuid": campaign}, fixed_uuid("list Thang 5"))
        for number in SEED_NUMBERS:
            self.queue.add({"list_uuid": list_uuid, "phone_number": number}, fixed_uuid(f"lead {number}"))

    def _seed_references(self) -> None:
        tables = self.references.tables
        gateway = tables["gateway"].add({"gateway_name": "Gateway 1"}, fixed_uuid("gateway"))
        for name in ("Viettel trunk A", "Mobi trunk B"):
            fields = {"carrier_name": name, "gateway_uuid": gateway, "concurrent_call": 20}
            tables["carrier"].add(fields | {"dial_type": "sip_one_for_all"}, fixed_uuid(f"carrier {name}"))
        for name in ("Renewal notice", "Survey"):
            fields = {"template_name": name, "voice_type": "tts"}
            tables["template"].add(fields, fixed_uuid(f"template {name}"))
        for extension in ("101", "102", "103"):
            fields = {"username": f"agent{extension}", "extension": extension}
            tables["user"].add(fields, fixed_uuid(f"agent {extension}"))

    def edit(self, kind: str, id: str | None, fields: Fields | None) -> str:
        """Kinds: campaign, list, lead, carrier, template, gateway, user. Nothing is checked: the panel may do more.

        A new list needs `campaign_uuid` and `list_name`, a new lead `list_uuid` and `phone_number`.
        """
        table = self._tables[kind]
        if id is None:
            return table.add(fields or {})
        if id not in table.rows:
            raise LookupError(f"no {kind} {id}")
        if fields is None:
            table.remove(id)
        else:
            table.change(id, fields)
        return id
