"""A command-line duration: `30s`, `5m`, `1h`."""

from __future__ import annotations

import click


def in_seconds(context: click.Context, parameter: click.Parameter, value: str) -> int:
    """For an option's `callback`."""
    from reconciler.units import seconds

    try:
        return seconds(value)
    except ValueError:
        raise click.BadParameter(f"{value!r}: write a duration with its unit: 30s, 5m, 1h.") from None
