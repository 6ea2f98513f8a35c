"""The command line: parse options, call the line, print what render/ returns, end with the right code. Decides nothing.

Commands are imported when they are named, and what is heavy only when they run.
"""

from __future__ import annotations

import gc
import inspect
import os
import sys
from collections.abc import Mapping
from importlib import import_module
from io import StringIO
from pathlib import Path

import click

from reconciler import __version__

_COMMANDS: Mapping[str, str] = {
    "init": "write a starter repository",
    "validate": "check everything offline",
    "plan": "what would change",
    "apply": "carry out a plan",
    "show": "render a saved plan",
    "drift": "what others changed at the vendors",
    "import": "write YAML for what an account holds",
    "adopt": "bind a live object to a declaration",
    "release": "let the rest of a canary follow",
    "refuse": "suppress one number everywhere, now",
    "halt": "stop everything that can be stopped",
    "resolve": "settle what is in doubt",
    "state": "the ledger",
    "ci": "in a CI job: comment, issue, the reviewed plan",
    "schema": "print a JSON Schema",
    "simulator": "the four vendors on a local port",
}


class _Commands(click.Group):
    """Knows its commands by name; imports one when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = import_module(f"reconciler.cli.{module_of(cmd_name)}").command
        _examples_last(command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


def module_of(name: str) -> str:
    return "import_" if name == "import" else name  # no module can be called by a word of the language


def _examples_last(command: click.Command) -> None:
    """Help ends with what can be typed: the part of a docstring from `Examples:` on goes below the options."""
    before, mark, examples = inspect.cleandoc(command.help or "").partition("\b\nExamples:")
    if mark:
        command.help, command.epilog = before.rstrip(), mark + examples
    for below in command.commands.values() if isinstance(command, click.Group) else ():
        _examples_last(below)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="reconciler")
@click.option("-C", "directory", metavar="DIR", help="Run as if started in DIR.")
@click.option("--no-color", is_flag=True, help="Plain text, also on a terminal.")
@click.pass_context
def program(context: click.Context, directory: str | None, no_color: bool) -> None:
    """Outbound-calling campaigns as code: plan, review, apply. Nobody is called twice.

    \b
    Examples:
      reconciler validate
      reconciler plan --out plan.json
      reconciler apply plan.json
    """
    if directory:
        try:
            os.chdir(directory)
        except OSError as error:
            raise click.UsageError(f"-C {directory}: {error.strerror}.") from None
    _quiet_libraries()
    context.obj = Path.cwd()
    if no_color or "NO_COLOR" in os.environ:
        context.color = False


_examples_last(program)


def main() -> None:
    """The entry point. Exit codes as cli.md has them; no error ever shows a number, a name or a secret."""
    # Almost all of what a command makes lives to its end: looking for circles among it took a seventh of a large plan.
    gc.set_threshold(50_000)
    sys.exit(_run())


def _run() -> int:
    try:
        code = program.main(prog_name="reconciler", standalone_mode=False)
    except click.UsageError as error:
        return _misused(error)
    except click.exceptions.Exit as done:
        return done.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        return 130
    except BrokenPipeError:
        return 1
    except Exception as error:
        return _failed(error)
    return code if isinstance(code, int) else 0


def _misused(error: click.UsageError) -> int:
    """What was typed is quoted, and may be somebody's number."""
    from reconciler.redact import mask

    shown = StringIO()
    error.show(file=shown)
    click.echo(mask(shown.getvalue()), err=True, nl=False)
    return 64


def _failed(error: Exception) -> int:
    from reconciler.errors import ReconcilerError
    from reconciler.redact import inert_lines, mask

    if isinstance(error, ReconcilerError):
        click.echo(mask(inert_lines(str(error))), err=True)
        return error.exit_code
    click.echo(_bug(error), err=True)
    return 1


def _bug(error: BaseException) -> str:
    from reconciler.redact import places

    lines = "\n".join(f"  {place}" for place in places(error))
    return (
        f"A bug in reconciler ({type(error).__name__}); please report these lines, they hold no data of yours:\n{lines}"
    )


def _quiet_libraries() -> None:
    """httpx and httpcore log whole URLs at INFO, and those may hold numbers; what still logs is masked."""
    import logging

    from reconciler.redact import MaskingFilter

    for name in ("httpx", "httpcore", "aiohttp", "asyncio", "stamina"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    handler = logging.StreamHandler()
    handler.addFilter(MaskingFilter())
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
