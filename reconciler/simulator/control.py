"""The control surface below `/_sim`: what was sent, who would be called, and every knob. JSON in, JSON out.

| Call | Body | Answer |
|---|---|---|
| `GET /_sim/requests?since=SEQ&vendor=NAME` | | `{"requests": [...]}`, oldest first, those with `seq` above SEQ |
| `GET /_sim/dials` | | `{"dials": {vendor: {number: times}}, "max": times}` |
| `GET /_sim/state` | | `{vendor: snapshot}` |
| `POST /_sim/reset`, `POST /_sim/seed` | | 204 |
| `GET`, `PUT /_sim/switches` | `{vendor: {switch: value}}` | `{vendor: {switch: {"value", "values"}}}` |
| `PUT /_sim/faults` | `[rule, ...]` | 204 |
| `PUT /_sim/latency` | `{"ms": number}` | 204 |
| `PUT /_sim/clock` | `{"now": "2026-06-01T08:00:00+07:00"}` | 204; time goes on from there |
| `POST /_sim/expire` | `{"vendor": NAME}`; `{}` for all | 204 |
| `POST /_sim/edit` | `{"vendor", "kind", "id", "fields"}` | `{"id"}`; `id` null makes, `fields` null removes |

A body that cannot be used is answered 400 with `{"error": text}`, and nothing changes.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

from starlette.responses import Response
from starlette.routing import Route

from .faults import Faults, parse
from .simulation import CONTROL, Simulator
from .vendor import Call, Fields, Switches, Vendor, empty, reply, route


class SwitchError(ValueError):
    """No such vendor, switch or value."""


def choose(known: Mapping[str, Switches], chosen: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    """A copy of the chosen values; SwitchError where vendor, switch or value is not among the known."""
    for vendor, values in chosen.items():
        if vendor not in known:
            raise SwitchError(f"no vendor {vendor!r}; there are {', '.join(known)}")
        for name, value in values.items():
            if value not in known[vendor].get(name, ()):
                raise SwitchError(f"{vendor} has no switch {name}={value}; it has {dict(known[vendor])}")
    return {vendor: dict(values) for vendor, values in chosen.items()}


def control_routes(simulator: Simulator) -> list[Route]:
    """The routes of the control surface of one simulator."""
    control = _Control(simulator)
    answers: list[tuple[str, str, Callable[[Call], Response]]] = [
        ("GET", "requests", control.requests),
        ("GET", "dials", control.dials),
        ("GET", "state", control.state),
        ("POST", "reset", control.reset),
        ("POST", "seed", control.seed),
        ("GET", "switches", control.switches),
        ("PUT", "switches", control.set_switches),
        ("PUT", "faults", control.set_faults),
        ("PUT", "latency", control.set_latency),
        ("PUT", "clock", control.set_clock),
        ("POST", "expire", control.expire),
        ("POST", "edit", control.edit),
    ]
    return [route(method, f"{CONTROL}/{name}", _told(answer)) for method, name, answer in answers]


def _told(answer: Callable[[Call], Response]) -> Callable[[Call], Response]:
    """The answer, with 400 and the reason where the caller's input is wrong."""

    def tell(call: Call) -> Response:
        try:
            return answer(call)
        except (LookupError, TypeError, ValueError) as error:
            return reply({"error": f"{type(error).__name__}: {error}"}, 400)

    return tell


class _Control:
    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def requests(self, call: Call) -> Response:
        since, vendor = int(call.query.get("since", "0")), call.query.get("vendor")
        entries = self._simulator.log[since:]
        return reply({"requests": [entry.as_json() for entry in entries if vendor in (None, entry.vendor)]})

    def dials(self, call: Call) -> Response:
        dials = {name: vendor.dials() for name, vendor in self._simulator.vendors.items()}
        return reply({"dials": dials, "max": max(max(count.values(), default=0) for count in dials.values())})

    def state(self, call: Call) -> Response:
        return reply({name: vendor.snapshot() for name, vendor in self._simulator.vendors.items()})

    def reset(self, call: Call) -> Response:
        self._simulator.reset()
        return empty()

    def seed(self, call: Call) -> Response:
        self._simulator.seed()
        return empty()

    def switches(self, call: Call) -> Response:
        return reply({name: self._switches_of(vendor) for name, vendor in self._simulator.vendors.items()})

    def set_switches(self, call: Call) -> Response:
        known = {name: vendor.SWITCHES for name, vendor in self._simulator.vendors.items()}
        self._simulator.world.switches = choose(known, call.fields())
        return self.switches(call)

    def set_faults(self, call: Call) -> Response:
        self._simulator.faults = Faults(parse(call.json()))
        return empty()

    def set_latency(self, call: Call) -> Response:
        self._simulator.world.latency_ms = float(call.fields()["ms"])
        return empty()

    def set_clock(self, call: Call) -> Response:
        self._simulator.world.set_clock(datetime.fromisoformat(call.fields()["now"]))
        return empty()

    def expire(self, call: Call) -> Response:
        for vendor in self._vendors(call.fields().get("vendor")):
            self._simulator.world.expire_tokens(vendor.name)
        return empty()

    def edit(self, call: Call) -> Response:
        fields = call.fields()
        (vendor,) = self._vendors(fields["vendor"])
        return reply({"id": vendor.edit(fields["kind"], fields["id"], fields["fields"])})

    def _switches_of(self, vendor: Vendor) -> Fields:
        world = self._simulator.world
        return {
            name: {"value": world.switch(vendor, name), "values": values} for name, values in vendor.SWITCHES.items()
        }

    def _vendors(self, name: str | None) -> list[Vendor]:
        vendors = self._simulator.vendors
        return list(vendors.values()) if name is None else [vendors[name]]
