"""Conpeek, for the suites over all providers: voice campaigns, which can be read, and voice SMS campaigns, which cannot."""

from __future__ import annotations

from hypothesis import strategies as st

from reconciler.simulator.conpeek.seed import ANNOUNCEMENT, SMS, VOICE, VOICE_DEFINITION
from reconciler.simulator.polish import e164
from reconciler.simulator.vendor import Fields, Vendor
from tests.contract.family import Family, People, Refused

SPOKEN = ("text", "ssml", "voice_definition_id")


def agreeing(spec: Fields) -> Fields:
    """What is played is said for its own type alone, and a recording is named."""
    kind = spec["type"]
    foreign = {"announcement": SPOKEN, "tts": ("announcement_id",), "none": (*SPOKEN, "announcement_id")}[kind]
    kept = {name: value for name, value in spec.items() if name not in foreign}
    return {"announcement_id": ANNOUNCEMENT, **kept} if kind == "announcement" else kept


def take(snapshot: Fields, id: str) -> Fields:
    for kind in ("voice_campaigns", "voice_sms_campaigns"):
        for found in snapshot[kind]:
            if found["id"] == id:
                snapshot[kind].remove(found)
                campaign: Fields = found
                return campaign
    raise LookupError(id)


def held(snapshot: Fields, id: str) -> People:
    """Those who were not there from the start. `fields`: our own and the free ones together."""
    for request in take(snapshot, id)["requests"]:
        number = e164(request["contact_number"])
        if number.startswith("+48600"):
            yield number, {**request["custom"], **request}


def enter(account: Vendor, campaign: str, index: int, number: str) -> str:
    return account.edit("request", None, {"voice_campaign_id": campaign, "contact_number": number.removeprefix("+")})


def number(index: int) -> str:
    return f"+48600000{index:03}"


VOICE_CAMPAIGN = Family(
    name="conpeek voice, experimental",
    vendor="conpeek",
    base={"voice_campaign": VOICE, "experimental": True},
    wire=dict.fromkeys(("displayName", "voice_campaign", "experimental"), ()),
    take=take,
    held=held,
    number=number,
    known={"voice_campaign": st.just(VOICE), "experimental": st.just(True)},
    panel=lambda _: VOICE,
    enter=enter,
    names=("name", "contact_identifier", "note", "due", "Họ tên"),
    edit=({"process_not_before": "2026-06-01 10:00:00"}, {"process_not_before": "2026-06-02 10:00:00"}),
    switches={"voice_add": "open"},
    pages=({"page_cap": "100"}, {"order": "newest_first"}),
    shows=({"voice_add_custom": "dropped"}, {"custom_read": "object"}, {}),
    hides=lambda switched: "voice_add_custom" in switched,
    refused=(
        Refused("voice_campaign", {"voice_campaign": None}, "the id that the panel shows", {"voice_campaign": VOICE}),
        Refused("contacts", {"experimental": None}, "write experimental: true", {"experimental": True}),
        Refused("type", {"type": "none"}, "It is for voice SMS campaigns", {"type": None}),
        Refused("custom", {"custom": {}}, "It is for voice SMS campaigns", {"custom": None}),
        Refused("text", {"text": "Hello"}, "It is for voice SMS campaigns", {"text": None}),
    ),
)
SMS_CAMPAIGN = Family(
    name="conpeek voice SMS",
    vendor="conpeek",
    base={"voice_sms_campaign": SMS, "type": "none"},
    wire=dict.fromkeys(("displayName", "voice_sms_campaign", "type", "announcement_id", *SPOKEN, "custom"), ()),
    take=take,
    held=held,
    number=number,
    known={
        "voice_sms_campaign": st.just(SMS),
        "announcement_id": st.just(ANNOUNCEMENT),
        "voice_definition_id": st.just(VOICE_DEFINITION),
    },
    beside={"announcement_id": {"type": "announcement"}, **{key: {"type": "tts"} for key in SPOKEN}},
    legal=agreeing,
    panel=lambda _: SMS,
    refused=(
        Refused("voice_campaign", {"voice_campaign": VOICE}, "exactly one of", {"voice_campaign": None}),
        Refused("type", {"type": None}, "Say one of announcement, tts, none", {"type": "none"}),
        Refused("text", {"text": "Hello"}, "It is for type tts", {"type": "tts"}),
        Refused("announcement_id", {"type": "announcement"}, "say which", {"announcement_id": ANNOUNCEMENT}),
        Refused("announcement_id", {"announcement_id": "a1"}, "It is for type announcement", {"type": "announcement"}),
        Refused("experimental", {"experimental": True}, "take it out", {"experimental": None}),
    ),
)
