"""What can be declared of a Conpeek campaign, and why the rest cannot. Pure; the calls about people are in contacts.py."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from reconciler.model import Capabilities, ContactRules, FieldRule, Resource, Spec
from reconciler.providers.base import Refusal

DOCS = "https://docs.cloud.conpeek.com/api_v1_3/"
ADD_MANY = f"{DOCS}voice_sms_campaign/voice_sms_campaign_request_add_many"
READ_MANY = f"{DOCS}voice_campaign/voice_campaign_request_read_many"
SET_RECALL = f"{DOCS}voice_campaign_request_process/set_recall"
ADD_ONE = (
    "https://github.com/kmadenski/conpeek-adapter"  # a third-party client: the vendor's page on this call was not found
)

PAGE_MAX = (
    10_000  # the page's example of a limit: no maximum is stated, and where there is one the read goes on all the same
)
WINDOW = (
    "process_not_before"  # the contact field, and the field of a request, that says from when somebody may be called
)

_PER_PERSON = (
    f"a contact field named {WINDOW} (UTC, 2026-06-01 10:00:00) says from when one person of a voice campaign is called"
)

REFUSALS: Mapping[str, str] = {
    "create": "Conpeek has no documented call that makes a campaign; it is named by the id that the panel shows",
    "update": "Conpeek has no documented call that changes a campaign; its settings are made in the panel",
    "delete": "Conpeek has no documented call that deletes a campaign",
    "contacts.withdraw": "Conpeek has no documented call that takes somebody out of a campaign: write mode: append in the contact set, "
    "and close the request in the panel",
    "activation": "Conpeek has no documented call that starts or stops a campaign; do it in the panel",
    "schedule": f"Conpeek's API holds no calling hours of a campaign; set them in the panel. Instead, {_PER_PERSON}",
    "recall": f"Conpeek's API holds no recall policy of a campaign; set it in the panel. Instead, {_PER_PERSON}",
}

# What is spoken and handed over is held by our own calls alone: nothing reads it, and a change concerns people added from then on.
_SPOKEN = FieldRule(readable=False, source=ADD_MANY)

# A number twice is called twice: no page names a rule against it (inferred), hence no `dedupes`. No maximum of `data` is stated.
_SMS = ContactRules(add=True)

CAPABILITIES = Capabilities(
    vendor="conpeek",
    create=False,
    update=False,
    delete=False,
    readable=True,
    dial=False,
    fields={
        "displayName": FieldRule(
            readable=False, source=READ_MANY, inferred=True
        ),  # a label of ours: no call shows a campaign's name
        "voice_campaign": FieldRule(immutable=True, source=READ_MANY),
        "voice_sms_campaign": FieldRule(readable=False, immutable=True, source=ADD_MANY),
        "experimental": FieldRule(readable=False, source=ADD_ONE, inferred=True),
        **dict.fromkeys(("type", "announcement_id", "text", "ssml", "voice_definition_id", "custom"), _SPOKEN),
    },
    refusals=REFUSALS,
    contacts=_SMS,
    credentials=(frozenset({"apiKey"}),),
    known_hosts=("*.cloud.conpeek.com",),
    can_create_inert=False,
)

_PLAYED: Mapping[str, frozenset[str]] = {
    "announcement": frozenset({"announcement_id"}),
    "tts": frozenset({"text", "ssml", "voice_definition_id"}),
    "none": frozenset(),
}


def is_sms(spec: Spec) -> bool:
    """Whether a declaration is of a voice SMS campaign, else it is of a voice campaign."""
    return "voice_sms_campaign" in spec


def family(spec: Spec) -> Capabilities:
    """Voice SMS: written and never read. Voice: read, added to on request, and a time to call changed. Nobody is withdrawn."""
    if is_sms(spec):
        return replace(CAPABILITIES, readable=False)
    rules = ContactRules(add=spec.get("experimental") is True, read=True, update=True, page_max=PAGE_MAX)
    return replace(CAPABILITIES, contacts=rules)


# ---- what cannot be held -------------------------------------------------------------------------------------------


def refusals(resource: Resource) -> list[Refusal]:
    spec = resource.spec
    if is_sms(spec) == ("voice_campaign" in spec):
        why = "Conpeek needs exactly one of voice_campaign and voice_sms_campaign: the id that the panel shows."
        return [Refusal("voice_campaign", why)]
    return list(_sms_refusals(spec) if is_sms(spec) else _voice_refusals(resource))


def _sms_refusals(spec: Spec) -> Iterable[Refusal]:
    kind = spec.get("type")
    if kind not in _PLAYED:
        yield Refusal("type", f"Say one of {', '.join(_PLAYED)}: what Conpeek does without it is not documented.")
        return
    for owner, names in _PLAYED.items():
        for name in sorted(names & spec.keys()) if owner != kind else ():
            yield Refusal(name, f"It is for type {owner}, this campaign's type is {kind}.")
    if kind == "announcement" and "announcement_id" not in spec:
        yield Refusal("announcement_id", "Type announcement plays a recording: say which.")
    if "experimental" in spec:
        yield Refusal("experimental", "People are added to a voice SMS campaign by a documented call: take it out.")


def _voice_refusals(resource: Resource) -> Iterable[Refusal]:
    for name in sorted({"type", "custom"}.union(*_PLAYED.values()) & resource.spec.keys()):
        yield Refusal(name, "It is for voice SMS campaigns; no documented call has a place for it in a voice campaign.")
    if resource.contacts and resource.spec.get("experimental") is not True:
        why = (
            "The call that adds people to a voice campaign is known from a third-party client only, not from Conpeek's pages "
            f"({ADD_ONE}). If you checked it with your account, write experimental: true in the conpeek block."
        )
        yield Refusal("contacts", why)
