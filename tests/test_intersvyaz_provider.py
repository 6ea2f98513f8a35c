"""Intersvyaz over real sockets: one create under everything the vendor's pages leave open."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from reconciler.errors import Forbidden, NotFound, OutcomeUnknown, RateLimited, Rejected, Unauthorized
from reconciler.model import Contact, Json, Key, Person, Phone, Resource, Source
from reconciler.providers.base import Wanted
from reconciler.providers.http import Account
from reconciler.providers.intersvyaz.provider import Intersvyaz
from reconciler.simulator.faults import Rule
from reconciler.simulator.intersvyaz import Intersvyaz as Simulated
from reconciler.simulator.server import Running, running
from reconciler.simulator.world import World
from tests.support import SECRETS, DirectWriter, connection, writer

INTERSVYAZ = Intersvyaz(connection("intersvyaz"))
TODAY = datetime(2021, 10, 5, 12, 0, tzinfo=UTC)
CREDENTIALS = {**SECRETS, "intersvyaz": {**SECRETS["intersvyaz"], "token": "from-support"}}
OFFICE: list[Json] = [["09:00", "17:00"]]
SCHEDULE: dict[str, Json] = {
    "timezone": "Asia/Yekaterinburg",
    "starts": "2021-10-06",
    "windows": dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), OFFICE),
}
SPEC: dict[str, Json] = {
    "displayName": "Обзвон клиентов",
    "project_id": 1,
    "start_block_id": 10,
    "phone_id": 5,
    "schedule": SCHEDULE,
    "recall": {"after": "5m"},
}
PEOPLE = [
    Contact(Person(b"0123456789abcde0"), Phone("+79123456789"), {"name": "Иванов Иван", "time": "10:00"}),
    Contact(Person(b"0123456789abcde1"), Phone("+79123456780"), {}),
]
ONCE_EACH = {"+79123456789": 1, "+79123456780": 1}
# The two behaviours under which nothing can be created as documented; tests of their own.
HOPELESS = {("login_path", "bare"), ("state", "refused")}
EVERY_SWITCH = [
    (name, value) for name, values in Simulated.SWITCHES.items() for value in values if (name, value) not in HOPELESS
]
pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Site:
    """An account, and what it holds behind the API's back."""

    def __init__(self, here: Running) -> None:
        self.here = here
        self.url = here.base_url("intersvyaz")
        self.vendor = here.simulator.vendors["intersvyaz"]

    def campaigns(self) -> dict[str, Any]:
        held: dict[str, Any] = self.vendor.snapshot()["campaigns"]
        return held

    def dials(self) -> Mapping[str, int]:
        return dict(self.vendor.dials())


Make = Callable[..., Site]


@pytest.fixture(scope="module")
def here() -> Iterator[Running]:
    with running(World(credentials=CREDENTIALS, clock=lambda: TODAY)) as simulator:
        yield simulator


@pytest.fixture
def account(here: Running) -> Make:
    """Makes the account anew, with these faults and switches."""

    def made(*faults: Rule, **switches: str) -> Site:
        here.world.faults = faults
        here.simulator.reset()
        here.world.switches = {"intersvyaz": switches}
        return Site(here)

    return made


def resource(**spec: Json) -> Resource:
    key = Key("intersvyaz-test", "campaign", "opros")
    return Resource(key, "intersvyaz", {**SPEC, **spec}, Source("opros.yaml", 1), contacts=("may",))


@pytest.mark.parametrize(("switch", "value"), EVERY_SWITCH)
async def test_a_campaign_is_created_with_its_people_whatever_the_vendor_does(
    account: Make, switch: str, value: str
) -> None:
    site = account(**{switch: value})
    assert INTERSVYAZ.refusals(resource()) == []
    async with writer("intersvyaz", site.url) as direct:
        live = await INTERSVYAZ.create(direct, INTERSVYAZ.canonical(resource(), {}), PEOPLE)
        assert (await INTERSVYAZ.observe(direct, [Wanted("opros", live.vendor_id, SPEC)])).live == ()
    ((vendor_id, held),) = site.campaigns().items()
    assert live.vendor_id == vendor_id
    assert held["description"] == "[rc:k3f9qa]"
    assert held["schedule"]["interval"] == "5"
    assert [person["phone"] for person in held["phones"]] == ["+79123456789", "+79123456780"]
    assert held["phones"][0]["add_data"] == {"name": "Иванов Иван", "time": "10:00"}
    assert site.dials() == ONCE_EACH


async def test_a_vendor_that_refuses_state_refuses_the_campaign(account: Make) -> None:
    site = account(state="refused")
    async with writer("intersvyaz", site.url) as direct:
        with pytest.raises(Rejected, match="state is not allowed"):
            await INTERSVYAZ.create(direct, resource(), PEOPLE)
    assert site.campaigns() == {}


async def test_a_login_at_another_path_is_told(account: Make) -> None:
    site = account(login_path="bare")
    async with writer("intersvyaz", site.url) as direct:
        with pytest.raises(NotFound, match="POST /login/"):
            await INTERSVYAZ.create(direct, resource(), PEOPLE)
    assert site.campaigns() == {}


@pytest.mark.parametrize(("login_code", "error"), [("401", Unauthorized), ("400", Rejected), ("403", Forbidden)])
@pytest.mark.parametrize("error_shape", Simulated.SWITCHES["error_shape"])
async def test_a_wrong_password_is_told_and_never_printed(
    account: Make, monkeypatch: pytest.MonkeyPatch, login_code: str, error: type[Exception], error_shape: str
) -> None:
    site = account(login_code=login_code, error_shape=error_shape)
    other = {"intersvyaz": {"username": "login", "password": "another", "token": "another"}}
    monkeypatch.setattr(site.here.world, "credentials", other)
    async with writer("intersvyaz", site.url) as direct:
        with pytest.raises(error) as raised:
            await INTERSVYAZ.create(direct, resource(), PEOPLE)
    assert "username=" not in str(raised.value)
    assert site.campaigns() == {}


async def test_a_token_from_support_lets_in(account: Make) -> None:
    site = account()
    async with Account(connection("intersvyaz"), site.url, INTERSVYAZ.auth, {"token": "from-support"}) as opened:
        await INTERSVYAZ.create(DirectWriter(opened), resource(), PEOPLE)
    assert site.dials() == ONCE_EACH


async def test_a_stale_token_creates_nothing_and_is_renewed(account: Make) -> None:
    site = account()
    async with writer("intersvyaz", site.url) as direct:
        await direct.account.renew()
        site.here.world.expire_tokens("intersvyaz")
        with pytest.raises(Unauthorized):
            await INTERSVYAZ.create(direct, resource(), PEOPLE)
        assert site.campaigns() == {}
        await direct.account.renew()
        await INTERSVYAZ.create(direct, resource(), PEOPLE)
    assert site.dials() == ONCE_EACH


@pytest.mark.parametrize(
    ("switches", "declared"),
    [
        ({"unknown_ids": "refused"}, resource(project_id=2)),
        ({"unseen_choices": "refused"}, resource(attempts={"id": 4, "title": "3"})),
        ({"past_date": "refused"}, resource(schedule={**SCHEDULE, "starts": "2021-10-04"})),
    ],
)
@pytest.mark.parametrize("error_code", Simulated.SWITCHES["error_code"])
async def test_what_the_vendor_refuses_is_not_created(
    account: Make, error_code: str, switches: dict[str, str], declared: Resource
) -> None:
    site = account(error_code=error_code, **switches)
    async with writer("intersvyaz", site.url) as direct:
        with pytest.raises(Rejected):
            await INTERSVYAZ.create(direct, declared, PEOPLE)
    assert site.campaigns() == {}


async def test_one_refused_parameter_refuses_all_people(account: Make) -> None:
    site = account(unknown_add_data="refused")
    async with writer("intersvyaz", site.url) as direct:
        with pytest.raises(Rejected):
            await INTERSVYAZ.create(direct, resource(), [*PEOPLE, replace(PEOPLE[0], fields={"shoe": "44"})])
    assert site.dials() == {}


@pytest.mark.parametrize(("same_name", "times"), [("accepted", 2), ("refused", 1)])
async def test_a_second_run_calls_everybody_again_where_the_vendor_lets_it(
    account: Make, same_name: str, times: int
) -> None:
    site = account(same_name=same_name)
    async with writer("intersvyaz", site.url) as direct:
        first = await INTERSVYAZ.create(direct, resource(), PEOPLE)
        if times == 1:
            with pytest.raises(Rejected):
                await INTERSVYAZ.create(direct, resource(), PEOPLE)
        else:
            assert (await INTERSVYAZ.create(direct, resource(), PEOPLE)).vendor_id != first.vendor_id
    assert set(site.dials().values()) == {times}


@pytest.mark.parametrize("fault", ["drop", "reset", "garbage", "html", "empty", "truncate", 500, 429])
async def test_a_lost_answer_is_an_unknown_outcome_and_nothing_is_sent_twice(account: Make, fault: Any) -> None:
    site = account(Rule(fault=fault, path="^/api/campaigns$", when="after"))
    async with writer("intersvyaz", site.url) as direct:
        with pytest.raises((OutcomeUnknown, RateLimited, ValueError, KeyError, TypeError)):
            await INTERSVYAZ.create(direct, resource(), PEOPLE)
        assert direct.receipts == []
    assert site.dials() == ONCE_EACH
