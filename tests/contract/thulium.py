"""Thulium, for the suites over all providers: campaigns of files and campaigns of customers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from hypothesis import strategies as st

from reconciler.simulator.vendor import Fields, Vendor
from tests.contract.family import Family, People, Refused

PARAMETERS = ("parameters.preview_timeout", "parameters.predictive_max_calls", "parameters.predictive_min_calls")
UNDECLARED = {"caller_id": "221234567", "predictive_min_calls": 1.5}  # set in the panel


def agreeing(spec: Fields) -> Fields:
    """The first day is not after the last."""
    if "start_date" not in spec or "end_date" not in spec:
        return spec
    first, last = sorted((spec["start_date"], spec["end_date"]))
    return {**spec, "start_date": first, "end_date": last}


def panel(kind: Literal["csv", "crm"]) -> Callable[[Vendor], str]:
    def made(account: Vendor) -> str:
        """A stopped campaign, and some of the customers that are the records of a CRM campaign."""
        for index in range(10):
            account.edit("customer", None, {"customer_id": str(1000 + index), "phone_number": f"600000{index:03}"})
        fields = {"name": "From the panel", "kind": kind, "structure": ["name", "due"], "active": False}
        return account.edit("campaign", None, {**fields, "parameters": UNDECLARED})

    return made


def one(snapshot: Fields, id: str) -> Fields:
    found: Fields = next(campaign for campaign in snapshot["campaigns"] if campaign["id"] == id)
    return found


def take(snapshot: Fields, id: str) -> Fields:
    found = one(snapshot, id)
    snapshot["campaigns"].remove(found)
    settings = found.pop("settings")
    parameters = {f"parameters.{name}": value for name, value in settings.pop("parameters").items()}
    return {**settings, **parameters, **found}


def held(snapshot: Fields, id: str) -> People:
    for record in one(snapshot, id)["records"]:
        yield "+48" + record["phone_number"], record["record_fields"]


def enter(account: Vendor, campaign: str, index: int, number: str) -> str:
    return account.edit("record", None, {"outbound_id": campaign, "phone_number": number.removeprefix("+48")})


def enter_customer(account: Vendor, campaign: str, index: int, number: str) -> str:
    fields = {"customer_id": str(1000 + index), "phone_number": number.removeprefix("+48")}
    id = account.edit("customer", None, fields)
    return account.edit("record", None, {"outbound_id": campaign, "customer_id": int(id)})


CSV = Family(
    name="thulium csv",
    vendor="thulium",
    base={"kind": "csv"},
    wire={
        **{name: (name,) for name in ("dialer", "start_date", "end_date", "order", "parity", "group_id", "agents")},
        **{name: (name,) for name in PARAMETERS},
        "parameters": ("parameters.caller_id", *PARAMETERS),
        "displayName": ("name",),
        "kind": (),
        "initialStatus": (),
    },
    run=frozenset({"active"}),
    take=take,
    held=held,
    number=lambda index: f"+48600000{index:03}",
    known={
        "kind": st.just("csv"),
        "agents": st.lists(st.sampled_from(["j.doe", "a.nowak"]), unique=True),
        "initialStatus": st.sampled_from(["Do dzwonienia", "Nie dzwonić", "1", 2]),
    },
    legal=agreeing,
    panel=panel("csv"),
    enter=enter,
    names=("name", "due"),
    switches={
        "put_omitted": "reset",
        "put_parameters": "replaced",
    },  # the harder of the open answers; CRM has the others
    pages=({}, {"limit_above_100": "refused"}),
    shows=({}, {"list_fields": "shown"}),
    hides=lambda switched: switched.get("list_fields") != "shown",
    refused=(
        Refused(
            "end_date",
            {"start_date": "2026-06-30", "end_date": "2026-06-01"},
            "put it on 2026-06-30",
            {"end_date": "2026-07-01"},
        ),
    ),
)
CRM = replace(
    CSV,
    name="thulium crm",
    base={"kind": "crm"},
    known={**CSV.known, "kind": st.just("crm")},
    panel=panel("crm"),
    enter=enter_customer,
    names=(),
    switches={},
    refused=(),
)
