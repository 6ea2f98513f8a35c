"""A simulated Thulium account: campaigns, their records, agents and statuses, below the vendor's `/api`."""

from .api import Thulium

__all__ = ["Thulium"]
