"""Puts the simulator together: the four vendors, one world, the control surface."""

from .conpeek import Conpeek
from .control import choose, control_routes
from .intersvyaz import Intersvyaz
from .simulation import Simulator
from .tel4vn import Tel4vn
from .thulium import Thulium
from .world import World

VENDORS = (Conpeek, Thulium, Tel4vn, Intersvyaz)


def build_app(world: World) -> Simulator:
    """The ASGI application; SwitchError where the world names a switch or value that no vendor has."""
    choose({vendor.name: vendor.SWITCHES for vendor in VENDORS}, world.switches)
    return Simulator(world, VENDORS, control_routes)
