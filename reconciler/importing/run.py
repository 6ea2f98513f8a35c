"""One import from its first read to its last binding. It is proved in memory before anything is written; a killed one goes on.

Campaigns are bound before their files are written: a file without a binding would be a campaign to be made, a binding without a file is
one that nobody declares, and nothing happens to it.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from reconciler.config.beside import Beside, load_beside
from reconciler.errors import ConfigInvalid, Misuse, ReconcilerError
from reconciler.importing import account, documents, proof, shared
from reconciler.importing.account import Account, Claims
from reconciler.importing.drafting import Draft, draft
from reconciler.keeping import SINCE, SWITCHED
from reconciler.ledger import open_reader
from reconciler.ledger.base import Ledger, LedgerReader
from reconciler.model import Binding, Key, Resource
from reconciler.model.imports import Imported, Left, Unwritten
from reconciler.planfile import stamp
from reconciler.providers import provider as provider_of
from reconciler.providers.declarable import CanImport
from reconciler.runs import Options, leased
from reconciler.setup import Setup, opened
from reconciler.world import Site
from reconciler.writer import Run

IMPORTING = "importing"  # identity -> b"1" from when a campaign was bound until its file is written
_TOGETHER = 50  # campaigns bound with one commit, before their files are written
_SHARED = {
    "schedules": "schedule",
    "recalls": "recallpolicy",
}  # folder -> kind; one document a file, as other validators want it
_NOWHERE = "imported"  # the folder that is thought of where none is to be written
_NAMESAKE = "another campaign has that name, and each declaration has its own"
_SHOWN = 20  # objections that are told


@dataclass(frozen=True, slots=True)
class _Work:
    """What is to be written and bound: `files` path -> YAML, shared parts first; `resources`: canonical, by key."""

    files: Mapping[str, str]
    parts: int
    drafts: Sequence[Draft]
    resources: Mapping[Key, Resource]
    told: Imported


async def bring_in(setup: Setup, name: str, into: str | None, select: Sequence[str]) -> Imported:
    """Read an account, and with `into`, a folder of the repository, write and bind what it holds.

    Raises Misuse, ReadIncomplete, and ReconcilerError with every field that the plan would change: then nothing was written.
    """
    connection = account.connection_of(setup, name)
    importer = account.can_import(provider_of(connection), connection)
    wanted, folder = account.patterns(select), _folder(setup.root, into)
    alone = replace(setup.repository, connections={name: connection}, campaigns=())
    async with opened(replace(setup, repository=alone)) as sites, _ledger(setup, into) as (run, ledger):
        work = await _prepared(setup, sites[name], importer, ledger, folder, wanted)
        if run is None:
            return work.told
        await _write(setup.root, run, work)
    return replace(work.told, folder=str(folder))


@asynccontextmanager
async def _ledger(setup: Setup, into: str | None) -> AsyncIterator[tuple[Run | None, LedgerReader]]:
    """Under the lease where something is written."""
    if into is not None:
        async with leased(setup, Options()) as (run, ledger):
            yield run, ledger
        return
    state = setup.repository.project.state
    with closing(open_reader(state, str(setup.root), setup.environ, setup.clock)) as reader:
        yield None, reader


def _folder(root: Path, into: str | None) -> PurePosixPath:
    """Relative to the repository. Raises Misuse where it is outside of it, or where files of it would be hidden."""
    base = root.resolve()
    target = (base / (into if into is not None else _NOWHERE)).resolve()
    if not target.is_relative_to(base) or target == base or target.is_file():
        raise Misuse(f"--into {into}: name a folder below reconciler.yaml, such as campaigns/imported.")
    found = PurePosixPath(target.relative_to(base).as_posix())
    if any(part.startswith(".") for part in found.parts):
        raise Misuse(f"--into {into}: a hidden folder is not read again. Name another, such as campaigns/imported.")
    return found


# ---- what is to be written -----------------------------------------------------------------------------------------


async def _prepared(
    setup: Setup, site: Site, importer: CanImport, ledger: LedgerReader, folder: PurePosixPath, wanted: Sequence[str]
) -> _Work:
    there = dict(_texts(setup.root, folder))
    before = load_beside(setup.root, there)
    seen = await account.read(setup, site, ledger, _claims(before, there, folder, ledger), wanted)
    drafts = list(_drafts(seen, site, importer))
    _told_apart(
        drafts, {one.name for one in before.repository.campaigns if one.key.connection == site.account.connection.name}
    )
    parts = shared.factor(drafts, site.provider, before.schedules, before.recalls, before.names)
    files = _files(drafts, parts, folder, there, (setup.root / documents.SCHEMAS).is_dir())
    try:
        after = load_beside(setup.root, {**there, **files})
    except ConfigInvalid as invalid:
        raise _failed([str(problem) for problem in invalid.problems]) from None
    lives = {draft.key: draft.live for draft in drafts}
    resources, wrong = proof.canonical(after.repository, site, lives, seen.references)
    wrong += proof.objections(after.repository, site, lives, resources)
    if wrong:
        raise _failed(wrong)
    return _Work(files, len(files) - len(drafts), drafts, resources, _told(site, seen, drafts, parts, files, before))


def _claims(before: Beside, there: Mapping[str, str], folder: PurePosixPath, ledger: LedgerReader) -> Claims:
    bindings, begun = ledger.bindings(), ledger.remembered(IMPORTING)
    declared = {campaign.key for campaign in before.repository.campaigns}
    stems = {path.stem for path in map(PurePosixPath, there) if path.parent == folder}
    campaigns = {key for key in bindings if key.kind == "campaign"}
    names = before.names.get("Campaign", frozenset()) | stems | {key.name for key in campaigns}
    known = {
        key for key in campaigns if not bindings[key].vendor_id and next(ledger.sent(bindings[key].identity), None)
    }
    unwritten = {
        bindings[key].vendor_id: key for key in campaigns if begun.get(bindings[key].identity) and key not in declared
    }
    return Claims(before.repository, bindings, frozenset(names), frozenset(known), unwritten)


def _drafts(seen: Account, site: Site, importer: CanImport) -> Iterator[Draft]:
    """What cannot be declared at all is left, and told."""
    connection = site.account.connection.name
    for name, live in seen.chosen.items():
        key = Key(connection, "campaign", name)
        made = draft(key, live, site.provider, importer.declarable(live), seen.references)
        if why := documents.settled(made):
            seen.left.append(Left(live.vendor_id, live.name, why))
        else:
            yield made


def _told_apart(drafts: Sequence[Draft], taken: set[str]) -> None:
    """A vendor may give one name to several campaigns, declarations may not: the first keeps it."""
    again = True
    while again:
        again, names = False, taken | {one.key.name for one in drafts if one.display is None}
        for one in drafts:
            if one.display is not None and one.display in names:
                one.drop("displayName", _NAMESAKE)
                again = True
            names.add(one.display or one.key.name)


def _files(
    drafts: Sequence[Draft], parts: shared.Shared, folder: PurePosixPath, there: Mapping[str, str], hinted: bool
) -> dict[str, str]:
    """`hinted`: whether the repository holds the schemas, so that editors can be told where."""
    found = {}
    for (below, kind), made in zip(_SHARED.items(), (parts.schedules, parts.recalls), strict=True):
        schemas = documents.schemas_for(folder / below, hinted)
        for name, text in made.items():
            found[_free(folder / below, name, there)] = documents.hint(schemas, kind) + text
    schemas = documents.schemas_for(folder, hinted)
    for one in drafts:
        one.path = str(folder / f"{one.key.name}.yaml")
        found[one.path] = documents.campaign(one, schemas)
    return found


def _free(folder: PurePosixPath, stem: str, there: Mapping[str, str]) -> str:
    """A path that no file has: what is there is never written over."""
    path, number = str(folder / f"{stem}.yaml"), 1
    while path in there:
        number += 1
        path = str(folder / f"{stem}-{number}.yaml")
    return path


def _texts(root: Path, folder: PurePosixPath) -> Iterator[tuple[str, str]]:
    """The YAML files that stand in the folder, whatever `include` says."""
    for path in sorted((root / folder).rglob("*.yaml")):
        name = str(folder / path.relative_to(root / folder).as_posix())
        try:
            yield name, path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise ReconcilerError(f"{name}: cannot be read. Nothing was written.") from None


def _failed(wrong: Sequence[str]) -> ReconcilerError:
    more = [f"and {len(wrong) - _SHOWN} more"] if len(wrong) > _SHOWN else []
    lines = [*wrong[:_SHOWN], *more]
    return ReconcilerError(
        "\n".join(["The plan over what would be written is not empty. Nothing was written.", *lines])
    )


def _told(
    site: Site, seen: Account, drafts: Sequence[Draft], parts: shared.Shared, files: Mapping[str, str], before: Beside
) -> Imported:
    return Imported(
        connection=site.account.connection.name,
        folder="",
        files=files,
        campaigns=len(drafts),
        declared=seen.declared,
        schedules=len(parts.schedules),
        recalls=len(parts.recalls),
        left=tuple(seen.left),
        unwritten=tuple(Unwritten(one.path, path, why) for one in drafts for path, why in one.notes.items()),
        included=before.reads(files),
    )


# ---- writing -------------------------------------------------------------------------------------------------------


async def _write(root: Path, run: Run, work: _Work) -> None:
    """Shared parts, then some campaigns at a time: bound with one commit, written one by one."""
    paths = list(work.files)
    for path in paths[: work.parts]:
        _place(root / path, work.files[path])
    for start in range(0, len(work.drafts), _TOGETHER):
        some = work.drafts[start : start + _TOGETHER]
        await _bind(run, some, work.resources)
        for one in some:
            _place(root / one.path, work.files[one.path])
        await _finish(run, some)


async def _bind(run: Run, drafts: Sequence[Draft], resources: Mapping[Key, Resource]) -> None:
    now = stamp(run.clock.now()).encode()

    def bind(ledger: Ledger) -> None:
        for one in drafts:
            identity, resource = ledger.identity(run.lease, one.key), resources[one.key]
            ledger.remember(run.lease, IMPORTING, identity, b"1")
            ledger.bind(run.lease, Binding(one.key, identity, one.live.vendor_id, proof.managed(resource)), "imported")
            ledger.remember(run.lease, SINCE, identity, now)
            ledger.remember(run.lease, SWITCHED, identity, one.run.encode())

    await run.journal.run(bind)


async def _finish(run: Run, drafts: Sequence[Draft]) -> None:
    def finish(ledger: Ledger) -> None:
        for one in drafts:
            ledger.remember(run.lease, IMPORTING, ledger.identity(run.lease, one.key), b"")

    await run.journal.run(finish)


def _place(target: Path, text: str) -> None:
    """A whole file or none, and never over another. Raises ReconcilerError."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=target.parent)
        try:
            with open(handle, "wb") as file:
                file.write(text.encode())
                file.flush()
                os.fsync(file.fileno())
            os.chmod(name, 0o644)
            os.link(name, target)
        finally:
            os.unlink(name)
    except OSError as error:
        raise ReconcilerError(
            f"{target.name}: cannot be written ({error.strerror}). What was written before is bound: import again to go on."
        ) from None
