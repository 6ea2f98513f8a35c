"""What several commands share: the options that choose campaigns, where output goes, how a running command tells of itself."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

import click

if TYPE_CHECKING:
    from reconciler.render.text import Paint
    from reconciler.setup import Setup

F = TypeVar("F", bound=Callable[..., Any])


def selecting(function: F) -> F:
    """--select and --exclude."""
    form = "connection=, campaign=, kind= or label.KEY=, * as wildcard"
    function = click.option("--exclude", multiple=True, metavar="EXPR", help=f"Leave these out: {form}.")(function)
    return click.option("--select", multiple=True, metavar="EXPR", help=f"Only these: {form}.")(function)


def formats(*names: str) -> Callable[[F], F]:
    return click.option("--format", "style", type=click.Choice(names), default=names[0], show_default=True)


def setup(root: Path, select: tuple[str, ...] = (), exclude: tuple[str, ...] = ()) -> Setup:
    from reconciler.setup import load

    return load(root, os.environ, select, exclude)


def paint(stream: TextIO | None = None) -> Paint:
    """Colours where `stream`, standard output unless told, is a terminal and nobody said no."""
    from reconciler.render.text import coloured, plain

    wanted = click.get_current_context().color is not False and (stream or sys.stdout).isatty()
    return coloured if wanted else plain


def write(text: str, output: str | None = None) -> None:
    """The result: to `output`, else to standard output."""
    if output is None:
        click.echo(text, nl=False)
        return
    from reconciler.errors import ReconcilerError

    try:
        Path(output).write_text(text, encoding="utf-8")
    except OSError as error:
        raise ReconcilerError(f"{output}: cannot be written ({error.strerror}).") from None


def tell(line: str) -> None:
    """Progress and warnings: to standard error."""
    from reconciler.redact import inert, mask

    click.echo(mask(inert(line)), err=True)
