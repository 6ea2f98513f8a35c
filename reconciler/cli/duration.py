"""A command-line duration: `30s`, `5m`, `1h`."""

from __future__ import annotations

import click


class _Seconds(click.ParamType):
    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        from reconciler.units import seconds

        try:
            return seconds(str(value))
        except ValueError:
            self.fail(f"{value!r}: write a duration with its unit: 30s, 5m, 1h.", param, ctx)


SECONDS = _Seconds()
