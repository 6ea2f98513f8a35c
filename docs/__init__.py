"""The documentation. One part of it is a program: `docs.model`."""
