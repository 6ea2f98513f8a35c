"""`reconciler schema`."""

from __future__ import annotations

import click


@click.command("schema")
@click.argument("kind", required=False)
def command(kind: str | None) -> None:
    """Print the JSON Schema of one kind, or the names of all kinds.

    \b
    Examples:
      reconciler schema
      reconciler schema Campaign > campaign.schema.json
    """
    import json

    from reconciler import config
    from reconciler.errors import Misuse

    if kind is None:
        click.echo("\n".join(config.kinds()))
        return
    names = {name.lower(): name for name in config.kinds()}
    if kind.lower() not in names:
        raise Misuse(f"{kind!r} is no kind. There are: {', '.join(config.kinds())}.")
    click.echo(json.dumps(config.schema(names[kind.lower()]), indent=2, ensure_ascii=False))
