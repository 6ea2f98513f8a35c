"""Intersvyaz "Dialog", simulated: a campaign is made once, with its people, and never seen again through the API.

Sources: the vendor's page on creating campaigns (several revisions) and on results; the login as a third-party client
does it. Error bodies, limits and every check on the input are unknown, so all of them are switches.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from copy import deepcopy
from typing import ClassVar
from urllib.parse import parse_qs

from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from reconciler.simulator.vendor import Call, Fields, RefusedError, Switches, empty, reply, route
from reconciler.simulator.world import World

from .checks import CHECKS, CHOICES, KNOWN_IDS, STATE, admitted, campaign_errors, e164

FIRST_ID = 12345
"""As in the sample reply."""


class Intersvyaz:
    """One Dialog account."""

    name: ClassVar[str] = "intersvyaz"
    SWITCHES: ClassVar[Switches] = {
        # The book names `/login`, the one known client calls `/login/`.
        "login_path": ("both", "slash", "bare"),
        # The known client sends Origin and Referer; whether it has to is unknown.
        "login_origin": ("any", "required"),
        # A wrong password is answered in an unknown way.
        "login_code": ("401", "400", "403"),
        # Errors are "the matching status and a message": neither code nor shape is printed.
        "error_code": ("422", "400"),
        "error_shape": ("message", "detail", "text"),
        **CHECKS,
    }

    def __init__(self, world: World) -> None:
        self._world = world
        self._campaigns: dict[int, Fields] = {}
        self._next_id = FIRST_ID
        self._dials: Counter[str] = Counter()

    def routes(self) -> list[Route]:
        return [
            route("POST", "/login", self._login_at("bare")),
            route("POST", "/login/", self._login_at("slash")),
            route("POST", "/api/campaigns", self._create),
            route("POST", "/api/analytics/{project_id}/report", self._report),
        ]

    def snapshot(self) -> Fields:
        return {"campaigns": {str(id): deepcopy(campaign) for id, campaign in self._campaigns.items()}}

    def dials(self) -> Counter[str]:
        return Counter(self._dials)

    def seed(self) -> None:
        """One campaign that nobody declared, with two people."""
        schedule = {"date": "2026-01-15", "start_time": "09:00", "end_time": "17:00", "interval": "5"}
        campaign = {**KNOWN_IDS, "name": "Опрос январь", "schedule": schedule | CHOICES, "state": STATE}
        self._add(campaign, [{"phone": "+79000000001"}, {"phone": "+79000000002"}])

    def edit(self, kind: str, id: str | None, fields: Fields | None) -> str:
        """The one kind is campaign; a new one is made from the body of a create."""
        if kind != "campaign":
            raise LookupError(f"no kind {kind}")
        if id is None:
            body = fields or {}
            return str(self._add(body.get("campaign", {}), body.get("phones", [])))
        if fields is None:
            del self._campaigns[int(id)]
        else:
            self._campaigns[int(id)].update(fields)
        return id

    def _chosen(self, switch: str) -> str:
        return self._world.switch(self, switch)

    def _refusal(self, status: int, text: str) -> RefusedError:
        shape = self._chosen("error_shape")
        return RefusedError(PlainTextResponse(text, status) if shape == "text" else reply({shape: text}, status))

    def _invalid(self, text: str) -> RefusedError:
        return self._refusal(int(self._chosen("error_code")), text)

    def _login_at(self, path: str) -> Callable[[Call], Response]:
        def answer(call: Call) -> Response:
            if self._chosen("login_path") not in ("both", path):
                return empty(404)
            if self._chosen("login_origin") == "required" and "origin" not in call.headers:
                raise self._refusal(403, "Origin")
            return self._login(call)

        return answer

    def _login(self, call: Call) -> Response:
        """Form-encoded `username` and `password`."""
        form = parse_qs(call.raw.decode("utf-8", "replace"))
        known = self._world.credentials[self.name]
        if any(form.get(name) != [known[name]] for name in ("username", "password")):
            raise self._refusal(int(self._chosen("login_code")), "Incorrect username or password")
        return reply({"access_token": self._world.issue_token(self), "token_type": "bearer"})

    def _authorize(self, call: Call) -> None:
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        from_support = self._world.credentials[self.name]["token"]
        if scheme != "Bearer" or not (token == from_support or self._world.knows_token(self, token)):
            raise self._refusal(401, "Could not validate credentials")

    def _create(self, call: Call) -> Response:
        self._authorize(call)
        body = call.fields()
        campaign, phones = body.get("campaign"), body.get("phones")
        if not isinstance(campaign, dict) or not isinstance(phones, list):
            raise self._invalid("campaign and phones are required")
        names = [known.get("name") for known in self._campaigns.values()]
        people, errors = admitted(call.batch(phones), self._chosen)
        for error in (*campaign_errors(campaign, names, self._world.now(), self._chosen), *errors):
            raise self._invalid(error)
        return reply({"campaign": {"id": self._add(campaign, people)}})

    def _add(self, campaign: Fields, people: Iterable[Fields]) -> int:
        id, self._next_id = self._next_id, self._next_id + 1
        self._campaigns[id] = campaign | {"phones": list(people)}
        self._dials.update(e164(person["phone"]) for person in self._campaigns[id]["phones"])
        return id

    def _report(self, call: Call) -> Response:
        """Rows of calls that took place: none did. The shape of the real reply could not be read."""
        self._authorize(call)
        wanted = call.fields().get("analytics_filter")
        needed = ("scenario_id", "start_block_id", "outgoing_campaign_id")
        if not isinstance(wanted, dict) or any(type(wanted.get(name)) is not int for name in needed):
            raise self._invalid("analytics_filter is incomplete")
        if wanted["outgoing_campaign_id"] not in self._campaigns:
            raise self._refusal(404, "campaign not found")
        return reply({"data": []})
