"""`reconciler state`: the ledger, looked at and looked after."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli import rebuild
from reconciler.cli.common import formats, setup, write

if TYPE_CHECKING:
    from reconciler.ledger.base import LedgerReader
    from reconciler.ledger.contact_keys import Rekeyed
    from reconciler.model import Key, Removal
    from reconciler.setup import Setup


def _said(context: click.Context, option: click.Parameter, text: str) -> str:
    if not text.strip():
        raise click.BadParameter("say why: it is kept in the ledger.")
    return text


_reasoned = click.option("--reason", required=True, callback=_said, metavar="TEXT", help="Why; kept in the ledger.")


@click.group("state")
def command() -> None:
    """The ledger: what was sent, what is bound, who did what; and what is done to it by hand.

    \b
    Examples:
      reconciler state list
      reconciler state show tel4vn-hanoi/campaign/spring-renewals
      reconciler state history --limit 20
    """


@command.command("list")
@formats("text", "json")
@click.pass_obj
def list_bindings(root: Path, style: str) -> None:
    """Everything that is bound, and who holds the lease.

    \b
    Examples:
      reconciler state list --format json
    """
    from reconciler.render.ledger import bindings_json, bindings_text

    with _ledger(root) as ledger:
        write(bindings_json(ledger) if style == "json" else bindings_text(ledger))


@command.command("show")
@click.argument("key", metavar="KEY")
@formats("text", "json")
@click.pass_obj
def show_binding(root: Path, key: str, style: str) -> None:
    """One binding: what was applied last, and people by state.

    \b
    Examples:
      reconciler state show tel4vn-hanoi/campaign/spring-renewals
    """
    from reconciler.errors import Misuse
    from reconciler.render.ledger import binding_json, binding_text

    wanted = _parsed(key)
    with _ledger(root) as ledger:
        if wanted not in ledger.bindings():
            raise Misuse(f"{key} is not bound. See: reconciler state list")
        write(binding_json(ledger, wanted) if style == "json" else binding_text(ledger, wanted))


@command.command("history")
@click.argument("key", metavar="[KEY]", required=False)
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the newest N events.")
@formats("text", "json")
@click.pass_obj
def show_history(root: Path, key: str | None, limit: int | None, style: str) -> None:
    """The audit trail, newest last: who did what, and why. With KEY, that of one campaign or of one of its contact sets.

    \b
    Examples:
      reconciler state history --limit 20
      reconciler state history tel4vn-hanoi/campaign/spring-renewals --format json
    """
    from reconciler.ledger.history import history
    from reconciler.render.ledger import history_json, history_text

    wanted = _parsed(key) if key else None
    with _ledger(root) as ledger:
        events = history(ledger, wanted, limit)
        for text in history_json(events) if style == "json" else history_text(events):
            write(text)


@command.command("verify")
@formats("text", "json")
@click.pass_obj
def verify_trail(root: Path, style: str) -> int:
    """Whether the audit trail is as it was written: every event holds a hash of the one before. Ends with 1 where it is not.

    \b
    Examples:
      reconciler state verify
    """
    from reconciler.ledger.chain import Break, verify
    from reconciler.render.ledger import verified_json, verified_text

    with _ledger(root) as ledger:
        found = verify(ledger)
    write(verified_json(found) if style == "json" else verified_text(found))
    return 1 if isinstance(found, Break) else 0


@command.command("unlock")
@_reasoned
@formats("text", "json")
@click.pass_obj
def take_lease(root: Path, reason: str, style: str) -> None:
    """Take the lease from a run that is gone. If it still lives, it writes nothing more, and sends nothing after a few seconds.

    \b
    Examples:
      reconciler state unlock --reason "the runner was switched off"
    """
    from reconciler.custody import unlock
    from reconciler.render.ledger import freed_json, freed_text

    freed = unlock(setup(root), reason)
    write(freed_json(freed) if style == "json" else freed_text(freed))


@command.command("rm")
@click.argument("key", metavar="KEY")
@_reasoned
@formats("text", "json")
@click.pass_obj
def forget_binding(root: Path, key: str, reason: str, style: str) -> None:
    """Forget which live object a campaign is bound to. Writes only the ledger; whom it reached stays known and is not called again.

    \b
    Examples:
      reconciler state rm tel4vn-hanoi/campaign/spring-renewals --reason "deleted in the panel"
    """
    from reconciler.binding import let_go
    from reconciler.render.ledger import let_go_json, let_go_text

    gone = asyncio.run(let_go(setup(root), _campaign(key), reason))
    write(let_go_json(gone) if style == "json" else let_go_text(gone))


@command.command("mv")
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@formats("text", "json")
@click.pass_obj
def rename_binding(root: Path, old: str, new: str, style: str) -> None:
    """Rename a campaign in the ledger, with its contact sets and everybody it reached. NEW need not be declared yet.

    \b
    Examples:
      reconciler state mv tel4vn-hanoi/campaign/spring tel4vn-hanoi/campaign/spring-renewals
    """
    from reconciler.binding import rename
    from reconciler.render.ledger import renamed_json, renamed_text

    before, after = _campaign(old), _campaign(new)
    vendor_id = asyncio.run(rename(setup(root), before, after))
    write((renamed_json if style == "json" else renamed_text)(before, after, vendor_id))


@command.command("backup")
@click.argument("file", metavar="FILE")
@formats("text", "json")
@click.pass_obj
def copy_to_file(root: Path, file: str, style: str) -> None:
    """Write the whole ledger into a new SQLite file, also while a run is going on. It is read back and compared.

    \b
    Examples:
      reconciler state backup /backups/ledger-2026-06-01.db
    """
    from reconciler.custody import backup
    from reconciler.render.ledger import backup_text, copied_json

    copied = backup(setup(root), root / file)
    write(copied_json(copied, file) if style == "json" else backup_text(copied, file))


@command.command("migrate")
@click.option(
    "--to", required=True, metavar="URL", help="sqlite:///path, postgresql://user@host/database, or env:NAME."
)
@formats("text", "json")
@click.pass_obj
def move_to_store(root: Path, to: str, style: str) -> None:
    """Move the ledger to another, empty store, proved equal; the one here is closed for good. After an interruption: the same again.

    A URL with a password is read from the environment only: --to env:NAME.

    \b
    Examples:
      reconciler state migrate --to env:NEW_STATE_URL
      reconciler state migrate --to sqlite:///srv/reconciler/state.db
    """
    from reconciler.custody import migrate
    from reconciler.render.ledger import copied_json, moved_text

    target, copied = asyncio.run(migrate(setup(root), to))
    write(copied_json(copied, target.name) if style == "json" else moved_text(copied, target.name))


@command.command("forget")
@click.option("--region", metavar="XX", default="", help="The country of a number that does not begin with +.")
@formats("text", "json")
@click.pass_obj
def forget_person(root: Path, region: str, style: str) -> int:
    """Read one number from standard input: refused as by `refuse`, then its fingerprints are removed. Says where it was sent.

    A keyed block stays, so that nobody is called again who asked to be forgotten. Backups keep what they have.

    \b
    Examples:
      reconciler state forget < number.txt
    """
    from reconciler.cli.refuse import number_typed
    from reconciler.render.ledger import forgotten_json, forgotten_text

    removals, count = asyncio.run(_forget(setup(root), number_typed(region.upper())))
    write(forgotten_json(removals, count) if style == "json" else forgotten_text(removals, count))
    return 1 if count is None else 0


async def _forget(ready: Setup, number: str) -> tuple[tuple[Removal, ...], int | None]:
    from reconciler.refusing import forget
    from reconciler.runs import Options
    from reconciler.setup import opened

    async with opened(ready) as sites:
        return await forget(ready, sites, number, Options())


@command.command("rekey")
@formats("text", "json")
@click.pass_obj
def rekey_people(root: Path, style: str) -> None:
    """While two contact keys are live: put everybody under the new one whose number a source, a list or a vendor shows.

    Sends nothing and may be interrupted: run again, it goes on. It says who is left and when formerContactKey can be taken out.

    \b
    Examples:
      reconciler state rekey
    """
    from reconciler.render.rekeyed import rekeyed_json, rekeyed_text

    rekeyed = asyncio.run(_rekey(setup(root)))
    write(rekeyed_json(rekeyed) if style == "json" else rekeyed_text(rekeyed))


async def _rekey(ready: Setup) -> Rekeyed:
    from reconciler.rekeying import rekey
    from reconciler.runs import Options
    from reconciler.setup import opened

    async with opened(ready) as sites:
        return await rekey(ready, sites, Options())


command.add_command(rebuild.command)


@contextmanager
def _ledger(root: Path) -> Iterator[LedgerReader]:
    from reconciler.ledger import open_reader

    ready = setup(root)
    ledger = open_reader(ready.repository.project.state, str(ready.root), ready.environ)
    try:
        yield ledger
    finally:
        ledger.close()


def _parsed(key: str) -> Key:
    from reconciler.errors import Misuse
    from reconciler.model import Key

    try:
        return Key.parse(key)
    except ValueError as error:
        raise Misuse(f"{error}.") from None


def _campaign(key: str) -> Key:
    from reconciler.errors import Misuse

    wanted = _parsed(key)
    if wanted.contacts:
        raise Misuse(f"{key} is a contact set; it goes with its campaign, {wanted.campaign}.")
    return wanted
