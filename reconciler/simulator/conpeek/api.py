"""The Conpeek account as the server sees it: switches, key, routes. Clicks are in `panel.py`."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import ClassVar

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from reconciler.simulator.vendor import Call, Fields, route
from reconciler.simulator.world import World

from .account import Account
from .calls import Calls
from .panel import Panel
from .seed import seed


class Conpeek:
    """One account; the bare key in `Authorization` on every call."""

    name: ClassVar[str] = "conpeek"
    SWITCHES: ClassVar[Mapping[str, tuple[str, ...]]] = {
        # No maximum `limit` is stated.
        "page_cap": ("none", "1000", "100"),
        # No order is documented, so new rows may come first and shift the pages.
        "order": ("oldest_first", "newest_first"),
        # E1 to E3 list no 400, so the answer to a malformed row or filter is unknown. ignored: left out.
        "malformed": ("400", "403", "ignored"),
        # `contact_number` is declared a text, and its example encodes a list.
        "number_forms": ("both", "scalar", "list"),
        # Whether the filter compares numbers as entered or normalised is not said.
        "number_match": ("entered", "normalised"),
        # That the `custom` one writes is the `custom_fields` one filters is inferred. apart: it matches nothing.
        "custom_fields": ("custom", "apart"),
        # An object when written, JSON in a string in the webhook example.
        "custom_read": ("text", "object"),
        # The single add is known from third-party code only.
        "voice_add": ("404", "open"),
        # Its real answer is unknown.
        "voice_add_answer": ("object", "list", "success"),
        # Its known fields are name, contact_number, contact_identifier and note; custom may be kept or not.
        "voice_add_custom": ("kept", "dropped"),
        # 403 means that the action cannot be performed; whether that is so for a closed request is not said.
        "recall_closed": ("403", "reopened"),
        # 202 means accepted, not done.
        "recall_takes": ("0s", "10s"),
        # The fields of a voice-SMS request, and partial success, are not documented.
        "sms_answer": ("with_id", "without_id", "normalised", "fewer", "empty"),
        # Whether a request that was not dialled yet has a summary is unknown.
        "summary_of": ("all", "dialled"),
        # No page lists 401.
        "wrong_key": ("401", "403"),
        # Only status and a one-line meaning are given.
        "error_body": ("empty", "json", "html"),
    }

    def __init__(self, world: World) -> None:
        self._world = world
        self._account = Account(lambda name: world.switch(self, name), world.now)
        self._calls = Calls(self._account)

    def routes(self) -> list[Route]:
        return [route(method, path, self._guarded(answer)) for method, path, answer in self._calls.answers()]

    def _guarded(self, answer: Callable[[Call], Response]) -> Callable[[Call], Response]:
        def guarded(call: Call) -> Response:
            if call.headers.get("authorization") != self._world.credentials[self.name]["apiKey"]:
                raise self._calls.refusal(int(self._world.switch(self, "wrong_key")))
            return answer(call)

        return guarded

    def snapshot(self) -> Fields:
        account = self._account
        account.carry_out()
        state = {
            "voice_campaigns": [campaign.as_json() for campaign in account.voice.values()],
            "voice_sms_campaigns": [campaign.as_json() for campaign in account.sms.values()],
            "users": {str(id): name for id, name in account.users.items()},
            "announcements": account.announcements,
            "voice_definitions": account.voices,
        }
        copy: Fields = msgspec.to_builtins(state)
        return copy

    def dials(self) -> Counter[str]:
        """A request counts when it is added and when it is opened again after it was closed."""
        return self._account.dials

    def seed(self) -> None:
        seed(self._account)

    def edit(self, kind: str, id: str | None, fields: Fields | None) -> str:
        """See `Panel`; LookupError for an unknown kind or id."""
        return Panel(self._account).edit(kind, id, fields)
