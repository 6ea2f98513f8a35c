"""The simulator from the command line: says how to reach it, as lines a shell can read back, and serves until it is stopped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from reconciler.simulator import faults as fault_rules
from reconciler.simulator.server import Running, serve
from reconciler.simulator.world import CREDENTIALS, World

# What the examples call the address and the keys of each vendor.
VARIABLES = {
    "TEL4VN": {"TEL4VN_API_KEY": "apiKey"},
    "THULIUM": {"THULIUM_USER": "username", "THULIUM_PASSWORD": "password"},
    "CONPEEK": {"CONPEEK_KEY": "apiKey"},
    "INTERSVYAZ": {"INTERSVYAZ_USER": "username", "INTERSVYAZ_PASSWORD": "password"},
}


def serve_from_command_line(port: int, faults: Path | None, echo: Callable[[str], None]) -> None:
    """Serve on 127.0.0.1 with a world that nobody declared. Raises ValueError where the fault file is wrong, OSError for the port."""
    rules = fault_rules.load(faults) if faults else ()
    serve(port, World(seeded=True, faults=rules), lambda here: echo(environment(here)))


def environment(here: Running) -> str:
    """`export` lines for the examples' connections, after comments on what can be asked."""
    lines = [
        "# The four vendors, simulated; nobody is called. Stop with Ctrl-C.",
        f"# What was sent: {here.url}/_sim/requests   how often each number would be dialled: {here.url}/_sim/dials",
    ]
    for name, variables in VARIABLES.items():
        vendor = name.lower()
        lines.append(f"export {name}_URL={here.base_url(vendor)}")
        lines += [f"export {variable}={CREDENTIALS[vendor][key]}" for variable, key in variables.items()]
    return "\n".join(lines)
