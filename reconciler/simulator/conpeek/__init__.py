"""A simulated Conpeek account: requests of voice campaigns, and those of voice-SMS campaigns that nothing reads back."""

from .api import Conpeek

__all__ = ["Conpeek"]
