"""The simulated vendors without a server: a request in, a reply out, at once; and what they truly hold and would dial."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import httpx
from starlette.datastructures import Headers, QueryParams

from reconciler.simulator.app import VENDORS
from reconciler.simulator.polish import e164 as polish
from reconciler.simulator.tel4vn.queue import e164 as vietnamese
from reconciler.simulator.vendor import Answering, Call, RefusedError, Vendor
from reconciler.simulator.world import World


class Desk:
    """One vendor account. The path of a request is below `/VENDOR`."""

    def __init__(self, vendor: Vendor) -> None:
        self.vendor = vendor
        self._routes = [route for route in vendor.routes() if isinstance(route, Answering)]

    def ask(self, request: httpx.Request, first_items: int | None = None) -> tuple[int, bytes]:
        """The vendor does the work, of a batch the first items only; status and body."""
        path = request.url.path.removeprefix(f"/{self.vendor.name}")
        for route in self._routes:
            found = route.path_regex.match(path) if request.method in (route.methods or ()) else None
            if found:
                headers = Headers(raw=[(name.lower(), value) for name, value in request.headers.raw])
                query = QueryParams(request.url.query)
                try:
                    response = route.answer(Call(found.groupdict(), query, headers, request.content, first_items))
                except RefusedError as refused:
                    response = refused.response
                return response.status_code, bytes(response.body)
        return 404, b""

    def dials(self) -> Counter[str]:
        return Counter(self.vendor.dials())

    def present(self) -> Counter[str]:
        """How many times each number stands there now; where nobody can be taken out, how often it was ever put in."""
        vendor: Any = self.vendor
        if vendor.name == "tel4vn":
            return Counter(vietnamese(row["phone_number"]) for row in vendor.queue.rows.values())
        if vendor.name == "thulium":
            campaigns = vendor._account.campaigns.values()
            return Counter(polish(record.phone_number) for one in campaigns for record in one.records.values())
        return self.dials()


def desks(
    names: Sequence[str], clock: Callable[[], datetime], switches: Mapping[str, Mapping[str, str]]
) -> dict[str, Desk]:
    """Those vendors, each with its small seed. `switches`: vendor -> switch -> value."""
    world = World(clock=clock, switches={name: dict(chosen) for name, chosen in switches.items()})
    made = {kind.name: kind(world) for kind in VENDORS if kind.name in names}
    for vendor in made.values():
        vendor.seed()
    return {name: Desk(vendor) for name, vendor in made.items()}
