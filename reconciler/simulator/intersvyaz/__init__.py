"""A simulated Intersvyaz "Dialog" account: campaigns that are made once and never seen again."""

from .api import Intersvyaz

__all__ = ["Intersvyaz"]
