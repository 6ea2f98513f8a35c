"""What a command needs before it can do anything: the repository, the environment, the ledger, the opened accounts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from reconciler import config, providers, selection
from reconciler.clock import Clock, SystemClock
from reconciler.errors import ConfigInvalid, Problem
from reconciler.model import Connection, Key, Reference, Repository, Resource
from reconciler.providers.base import Provider, capabilities_for
from reconciler.providers.hosts import bound_host
from reconciler.world import Site

ALLOWED_HOSTS = "RECONCILER_ALLOWED_HOSTS"


@dataclass(frozen=True, slots=True)
class Setup:
    """One repository as one run sees it. `repository` is cut down to `select` and `exclude`; `environ` holds the secrets."""

    root: Path
    repository: Repository
    environ: Mapping[str, str] = field(repr=False)
    select: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    clock: Clock = field(default_factory=SystemClock)

    @property
    def partial(self) -> bool:
        return bool(self.select or self.exclude)

    def resources(self) -> dict[Key, Resource]:
        """The declared campaigns by key, a renamed one also by the key that the ledger may still know it by."""
        found = {campaign.key: campaign for campaign in self.repository.campaigns}
        for campaign in self.repository.campaigns:
            if campaign.moved_from is not None:
                found.setdefault(replace(campaign.key, name=campaign.moved_from), campaign)
        return found

    def connections(self) -> list[Connection]:
        """Those that a declared campaign uses; without a selection all of them, so that what nobody declared is seen."""
        used = {campaign.key.connection for campaign in self.repository.campaigns}
        return [c for name, c in sorted(self.repository.connections.items()) if not self.partial or name in used]


def load(root: Path, environ: Mapping[str, str], select: tuple[str, ...] = (), exclude: tuple[str, ...] = ()) -> Setup:
    """The valid repository below `root`. Raises ConfigInvalid with everything that is wrong, needs no secret and no network."""
    repository = config.load(root)
    problems = validate(repository)
    if problems:
        raise ConfigInvalid(problems)
    return Setup(root, selection.choose(repository, select, exclude), environ, select, exclude)


def load_sound(
    root: Path, environ: Mapping[str, str], select: tuple[str, ...] = (), exclude: tuple[str, ...] = ()
) -> tuple[Setup, tuple[Problem, ...]]:
    """What is valid of a repository, whatever is wrong beside it, and what is. Only for stopping: nothing else may run on a part."""
    repository, problems = config.load_sound(root)
    return Setup(root, selection.choose(repository, select, exclude), environ, select, exclude), problems


def validate(repository: Repository) -> list[Problem]:
    """What the vendors in use cannot hold of what is declared."""
    made = {name: providers.provider(connection) for name, connection in repository.connections.items()}
    tables = {provider.capabilities.vendor: provider.capabilities for provider in made.values()}
    problems = config.check_capabilities(
        repository, tables, lambda campaign: capabilities_for(made[campaign.key.connection], campaign)
    )
    for campaign in repository.campaigns:
        problems += _refused(campaign, made[campaign.key.connection])
    return problems


def _refused(campaign: Resource, provider: Provider) -> list[Problem]:
    vendor = provider.capabilities.vendor
    found = []
    for refusal in provider.refusals(campaign):
        place = campaign.places.get(refusal.path, campaign.source)
        message = f"Campaign {campaign.key.name}: {vendor} cannot hold {refusal.path}. {refusal.message}"
        found.append(Problem(place.file, place.line, place.column, message, "capability"))
    return found


@asynccontextmanager
async def opened(setup: Setup) -> AsyncIterator[dict[str, Site]]:
    """Every connection in use, by name, ready to be read.

    Raises ConfigInvalid with everything that is not set, and Blocked before a key leaves for a host that is not allowed.
    """
    from reconciler.providers.http import Account

    _check_set(setup)
    async with AsyncExitStack() as stack:
        sites = {}
        for connection in setup.connections():
            provider = providers.provider(connection)
            url, explicit = address(setup, connection, provider)
            secrets = {name: _reveal(setup, connection, name, ref) for name, ref in connection.credentials.items()}
            account = Account(connection, url, provider.auth, secrets, clock=setup.clock, private_hosts=explicit)
            sites[connection.name] = Site(provider, await stack.enter_async_context(account))
        yield sites


def _check_set(setup: Setup) -> None:
    """Raises ConfigInvalid with every reference of a connection in use behind which there is nothing."""
    problems: list[Problem] = []
    for connection in setup.connections():
        for name, reference in {"baseUrl": connection.base_url, **connection.credentials}.items():
            try:
                if isinstance(reference, Reference):
                    _reveal(setup, connection, name, reference)
            except ConfigInvalid as unset:
                problems += unset.problems
    if problems:
        raise ConfigInvalid(problems)


def address(setup: Setup, connection: Connection, provider: Provider) -> tuple[str, bool]:
    """The base URL, checked, and whether its host was allowed by its full name in the job's environment."""
    base = connection.base_url
    url = _reveal(setup, connection, "baseUrl", base) if isinstance(base, Reference) else base
    allowed = [host.strip().lower() for host in setup.environ.get(ALLOWED_HOSTS, "").split(",") if host.strip()]
    host = bound_host(connection.name, url, provider.capabilities.known_hosts, allowed)
    return url, host in allowed


def _reveal(setup: Setup, connection: Connection, field: str, reference: Reference) -> str:
    used = f"Connection {connection.name}: {field}"
    return config.reveal(reference, setup.environ, setup.root, used=used, source=connection.source)
