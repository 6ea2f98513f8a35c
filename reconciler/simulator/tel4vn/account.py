"""The simulated TEL4VN tenant: who is let in, how errors look, how lists are paged, and the switches for what its
pages leave open. What its objects do is in `campaigns.py`, `leads.py` and `references.py`.

Sources: the vendor's pages as of v3 (campaign, list, lead, carrier, template, token). HTTP status codes are printed
on none of them, texts of errors are.
"""

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from itertools import islice
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from reconciler.simulator.vendor import Call, Fields, RefusedError, Switches, Vendor, reply, route
from reconciler.simulator.world import World

SWITCHES: Switches = {
    # A PUT zeroes what it leaves out: inferred from a campaign that was read before and after one; not stated.
    "put": ("zero", "keep"),
    # A new campaign reads `stop` in two samples; a tenant may be set up otherwise.
    "create_status": ("stop", "start"),
    # Defaults after a create are inferred from two samples that were never edited.
    "create_defaults": ("sample", "zero"),
    # "already taken" and "exists" come with an unknown code.
    "taken_code": ("400", "409", "422"),
    # So do field errors,
    "invalid_code": ("400", "422"),
    # and "Not Found".
    "missing_code": ("404", "400"),
    # The samples send `Bearer TOKEN`; the text of the token page shows the bare token.
    "authorization": ("either", "bearer"),
    # One page says 24 hours; `expired_in`, read as seconds, says half a year.
    "token_lifetime": ("24h", "180d"),
    # A second lead with the same number is nowhere spoken of.
    "duplicate_leads": ("second", "refused", "ignored"),
    # The portal checks duplicates in the list, the campaign or everywhere; which one an API might check is unknown.
    "duplicate_scope": ("list", "campaign", "tenant"),
    # `/lead/multi` answers a count and no row: one bad number may spoil all, or be left out silently.
    "multi_invalid": ("refused", "skipped"),
    # Neither a maximum per `/lead/multi` is printed ...
    "multi_max": ("none", "500", "100"),
    # ... nor a maximum page.
    "page_cap": ("500", "100", "10", "none"),
    # A capped page may echo what was asked or what was given.
    "page_echo": ("given", "asked"),
    # No order is promised. The samples list campaigns and leads newest first, lists and carriers oldest first.
    "order": ("sample", "oldest", "newest"),
    # `list_name is exists`: within the tenant or within the campaign.
    "list_names": ("tenant", "campaign"),
    # What happens to the lists and leads of a deleted campaign, and to the leads of a deleted list.
    "orphans": ("deleted", "kept"),
    # `status` travels in the PUT body; whether it starts and stops dialling is open.
    "put_status": ("stored", "ignored"),
    # The autodialer sample PUTs `users`, `groups`, `statuses` as null, which is also what it reads.
    "put_null_assignments": ("kept", "cleared"),
    # They are null in every read sample, perhaps because those campaigns had none.
    "read_assignments": ("null", "stored"),
    # `assign_extension` adds or replaces.
    "assign_extension": ("replaces", "adds"),
    # `run/start` while it runs already, and while the campaign is inactive.
    "run_again": ("same_run", "new_run", "refused"),
    "run_inactive": ("refused", "accepted"),
    # How a day without calls is written is open: zero may be it, or be refused.
    "closed_day": ("accepted", "refused"),
    # So is a window whose end is before its start,
    "inverted_window": ("refused", "accepted"),
    # and what a second schedule row means.
    "second_schedule": ("kept", "dropped"),
    # Windows are meant in the tenant's zone, which is inferred from its timestamps.
    "schedule_zone": ("+07:00", "+00:00"),
    # GET one shows empty derived names in its only sample, the list shows them filled.
    "derived_names": ("list", "both"),
    # The lead PUT sample has a number that POST refuses.
    "put_number": ("any", "checked"),
    # `phone_number` as a filter may compare or search.
    "number_filter": ("equal", "contains"),
}

NO_DATE = "0001-01-01T00:00:00Z"
TENANT_ZONE = timezone(timedelta(hours=7))
LIFETIMES = {"24h": timedelta(hours=24), "180d": timedelta(days=180)}
NEWEST_FIRST = frozenset({"campaign", "lead"})
SECONDS_LEFT = 13647710
"""`expired_in` as in the sample: no known unit fits the 24 hours of the text, so nobody should compute with it."""

FieldErrors = list[dict[str, str]]
Guarded = Callable[[Call], Response]


class Account:
    """What all calls of one tenant share."""

    def __init__(self, world: World, vendor: Vendor) -> None:
        self._world = world
        self._vendor = vendor
        self.domain_uuid = fixed_uuid("domain")

    def chosen(self, switch: str) -> str:
        return self._world.switch(self._vendor, switch)

    def now(self) -> datetime:
        return self._world.now()

    def timestamp(self) -> str:
        """Now, as the tenant writes it: RFC 3339 with microseconds in its own zone."""
        return self.now().astimezone(TENANT_ZONE).isoformat(timespec="microseconds")

    def guarded(self, method: str, path: str, answer: Guarded) -> Route:
        """A route behind the token."""

        def let_in(call: Call) -> Response:
            self._authorize(call.headers.get("authorization", ""))
            return answer(call)

        return route(method, path, let_in)

    def give_token(self, call: Call) -> Response:
        """`POST /v3/auth/token` {"api_key"}."""
        if call.fields().get("api_key") != self._world.credentials[self._vendor.name]["apiKey"]:
            raise refusal(401, "Unauthorized")
        return reply(
            {
                "client_id": fixed_uuid("client"),
                "domain_uuid": self.domain_uuid,
                "expired_in": SECONDS_LEFT,
                "refresh_token": "",
                "token": self._world.issue_token(self._vendor),
                "token_type": "Bearer",
                "user_id": fixed_uuid("api user"),
            }
        )

    def _authorize(self, header: str) -> None:
        scheme, _, token = header.rpartition(" ")
        allowed = ("Bearer",) if self.chosen("authorization") == "bearer" else ("Bearer", "")
        lifetime = LIFETIMES[self.chosen("token_lifetime")]
        if scheme not in allowed or not self._world.knows_token(self._vendor, token, lifetime):
            raise refusal(401, "Unauthorized")

    def page(self, kind: str, call: Call, rows: Sequence[Any], show: Callable[[Any], Fields]) -> Response:
        """One page of the rows (oldest first): `{data, limit, offset, total}`; 10 from 0 unless asked otherwise."""
        asked, offset = _whole(call, "limit", 10), _whole(call, "offset", 0)
        cap = self.chosen("page_cap")
        limit = asked if cap == "none" else min(asked, int(cap))
        order = self.chosen("order")
        newest_first = order == "newest" or (order == "sample" and kind in NEWEST_FIRST)
        ordered: Iterable[Any] = reversed(rows) if newest_first else rows
        data = [show(row) for row in islice(ordered, offset, offset + limit)]
        echo = limit if self.chosen("page_echo") == "given" else asked
        return reply({"data": data, "limit": echo, "offset": offset, "total": len(rows)})

    def find(self, table: Mapping[str, Fields], id: str) -> Fields:
        """The object, or RefusedError with "Not Found"."""
        try:
            return table[id]
        except KeyError:
            raise self.missing() from None

    def missing(self, text: str = "Not Found") -> RefusedError:
        return refusal(int(self.chosen("missing_code")), text)

    def taken(self, text: str) -> RefusedError:
        return refusal(int(self.chosen("taken_code")), text)

    def invalid(self, error: str | FieldErrors) -> RefusedError:
        return refusal(int(self.chosen("invalid_code")), error)

    def require(self, errors: FieldErrors) -> None:
        """RefusedError where there is any error."""
        if errors:
            raise self.invalid(errors)


def refusal(status: int, error: str | FieldErrors) -> RefusedError:
    """The vendor's two error shapes: a text, or a list of objects with one field each."""
    return RefusedError(reply({"error": error}, status))


def absent(fields: Fields, *names: str) -> FieldErrors:
    """One error per required field that is not there; keyed `(root)`, as the vendor does."""
    return [{"(root)": f"{name} is required"} for name in names if name not in fields]


def too_short(fields: Fields, name: str, least: int = 1) -> FieldErrors:
    """Errors for a field that must be a text of a least length; silent where it is absent."""
    value = fields.get(name, "x" * least)
    if not isinstance(value, str):
        return [{name: f"Invalid type. Expected: string, given: {json_type(value)}"}]
    if len(value) < least:
        return [{name: f"String length must be greater than or equal to {least}"}]
    return []


def json_type(value: object) -> str:
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "null")


def new_uuid() -> str:
    return str(uuid.uuid4())


def fixed_uuid(name: str) -> str:
    """The same uuid in every run: for what a tenant has from the start and for seeds."""
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{name}.tel4vn.example"))


def _whole(call: Call, name: str, otherwise: int) -> int:
    text = call.query.get(name, "")
    return int(text) if text.isdigit() else otherwise
