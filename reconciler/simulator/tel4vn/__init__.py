"""A simulated TEL4VN tenant: campaigns, lists, leads, and the carriers and templates they need."""

from .api import Tel4vn

__all__ = ["Tel4vn"]
