"""`reconciler simulator`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("simulator")
@click.option("--port", type=click.IntRange(0, 65535), default=8787, show_default=True, help="0: any free port.")
@click.option("--faults", metavar="FILE", help="What goes wrong, and when (YAML; docs/simulator.md).")
@click.pass_obj
def command(root: Path, port: int, faults: str | None) -> None:
    """The four vendors on a local port, unpleasant parts included, to rehearse against. Calls nobody.

    \b
    Examples:
      reconciler simulator
      reconciler simulator --port 0 --faults faults.yaml
    """
    from reconciler.errors import ReconcilerError

    try:
        from reconciler.simulator.cli import serve_from_command_line
    except ImportError as error:
        raise ReconcilerError(
            f"The simulator's extra is not installed ({error.name} is missing). In a clone of reconciler: pip install '.[simulator]'"
        ) from None
    try:
        serve_from_command_line(port, root / faults if faults else None, click.echo)
    except (ValueError, OSError) as error:
        raise ReconcilerError(f"The simulator did not start: {error}") from None
