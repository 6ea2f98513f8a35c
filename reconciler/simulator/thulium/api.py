"""The Thulium account as the server sees it: switches, password, routes. Clicks are in `panel.py`."""

from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Mapping
from typing import ClassVar

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from reconciler.simulator.vendor import Call, Fields, route
from reconciler.simulator.world import World

from .account import Account
from .campaigns import CampaignCalls
from .panel import Panel
from .records import RecordCalls
from .replies import refusal
from .seed import seed


class Thulium:
    """One account; HTTP Basic on every call."""

    name: ClassVar[str] = "thulium"
    SWITCHES: ClassVar[Mapping[str, tuple[str, ...]]] = {
        # The index names `GET outbounds`; its fields are unknown, and ids elsewhere are now text, now numbers.
        "outbounds_fields": ("full", "text", "minimal"),
        # Other campaign calls answer a flat list, the record lists `count` and `result`.
        "outbounds_shape": ("list", "paged"),
        # Not stated whether PUT keeps a field left out or resets it to the default printed on its page.
        "put_omitted": ("kept", "reset"),
        # Not stated whether the `parameters` map is merged, as `record_fields` are, or replaced.
        "put_parameters": ("merged", "replaced"),
        # A validation error is documented for unknown `record_fields` only.
        "unknown_field": ("refused", "ignored"),
        # `POST outbounds` is in an old index; contract unknown. open: the fields of PUT, answers `{"id"}`.
        "create": ("404", "403", "open"),
        # `DELETE outbounds/:id` is in the index only; queued is inferred from the batch call.
        "delete_one": ("queued", "at_once"),
        # "Up to a few hours".
        "removal_time": ("2h", "10s", "0s"),
        # Unknown whether a campaign on the removal queue is still listed.
        "queued_campaign": ("listed", "hidden"),
        # Which calls answer 207 is not said; the general table has 201 for POST. 201: adds only, the others 200.
        "batch_code": ("207", "200", "201"),
        # The example of the CSV batch add is not visible; the CRM one carries `record_id`.
        "batch_record_id": ("present", "absent"),
        # Keyed by phone number, as sent or as stored is not said.
        "batch_key": ("as_sent", "normalised"),
        # No maximum batch length is published.
        "batch_max": ("none", "100"),
        # "Empty" answer of add_agents and remove_agents; the code is not said, POST is 201 in the general table.
        "agents_code": ("201", "200", "204"),
        # Adding an agent twice or removing an absent one is not documented.
        "agents_repeat": ("accepted", "refused"),
        # `limit` has a maximum of 100; what a larger one answers is not said.
        "limit_above_100": ("capped", "refused"),
        # `GET .../records/:phone_number` is in an old index only; it may return `record_fields`.
        "read_one": ("without_fields", "with_fields", "404"),
        # The list's documented rows have no `record_fields`; whether some account shows them is not said.
        "list_fields": ("hidden", "shown"),
        # Answer of a single add of a duplicate: not documented. existing: the id of the record that is there.
        "single_duplicate": ("400", "existing"),
        # A record in a call is not removed; the single call's answer is not documented.
        "single_in_call": ("400", "204"),
        # Whether other spellings, or additional numbers, count as duplicates is unknown.
        "duplicate_guard": ("exact", "normalised", "additional"),
        # `identifier` is called unique; whether that is enforced is unknown.
        "identifier_clash": ("refused", "accepted"),
        # The status of a record added without one is not stated.
        "status_omitted": ("TO_CALL", "none"),
        # Which of two sent status ids goes first is not stated.
        "status_both": ("status_id", "dictionary_status_id"),
        # What the wrong path family answers for a campaign is unknown.
        "wrong_family": ("404", "400", "empty"),
        # No zone is documented.
        "timezone": ("Europe/Warsaw", "UTC"),
        # Permissions are granted per method, so that a plan can work while apply meets 403.
        "permissions": ("all", "read"),
    }

    def __init__(self, world: World) -> None:
        self._world = world
        self._account = Account(lambda name: world.switch(self, name), world.now)

    def routes(self) -> list[Route]:
        account = self._account
        families = RecordCalls(account, "csv").answers() + RecordCalls(account, "crm").answers()
        answers = CampaignCalls(account).answers() + families
        return [route(method, path, self._guarded(method, answer)) for method, path, answer in answers]

    def _guarded(self, method: str, answer: Callable[[Call], Response]) -> Callable[[Call], Response]:
        def guarded(call: Call) -> Response:
            known = self._world.credentials[self.name]
            token = b64encode(f"{known['username']}:{known['password']}".encode()).decode()
            if call.headers.get("authorization") != f"Basic {token}":
                raise refusal(401, "Unauthorized")
            if method != "GET" and self._world.switch(self, "permissions") == "read":
                raise refusal(403, "Forbidden")
            self._account.finish_removals()
            return answer(call)

        return guarded

    def snapshot(self) -> Fields:
        self._account.finish_removals()
        campaigns = [campaign.as_json() for campaign in self._account.campaigns.values()]
        state = {
            "campaigns": campaigns,
            "agents": self._account.agents,
            "customers": self._account.customers,
        }
        copy: Fields = msgspec.to_builtins(state)
        return copy

    def dials(self) -> Counter[str]:
        """A record counts when it is added and when an edit puts it back from a status that is not dialled."""
        return self._account.dials

    def seed(self) -> None:
        seed(self._account)

    def edit(self, kind: str, id: str | None, fields: Fields | None) -> str:
        """See `Panel`; LookupError for an unknown kind or id."""
        return Panel(self._account).edit(kind, id, fields)
