"""What the HTML report says before any detail: the figures, what to look at first, findings, what an approval stands for. No markup."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from reconciler import planfile
from reconciler.model import Action, Plan, Risk, Severity
from reconciler.render import overview, phrases
from reconciler.render.html_view import Card, Group, Step, told
from reconciler.render.text import summary_line
from reconciler.units import counted

FIRST = 6  # campaigns named of one concern
_CONCERNS = (
    (Risk.DIALLING, "Who may be called who would not have been"),
    (Risk.DESTRUCTIVE, "What is taken away"),
    (Risk.COMPLIANCE, "What touches refusals and retention"),
)


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of the summary; `tone` is its class in the style sheet, empty where it asks for no attention."""

    label: str
    count: int
    note: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """One campaign to look at, with the reasons."""

    card: Card
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Concern:
    """What to look at first of one risk; `more`: campaigns of it that are not named."""

    title: str
    risk: Risk
    looks: tuple[Look, ...]
    more: int


def title(plan: Plan) -> str:
    campaigns = len({change.key.campaign for change in plan.changes})
    if not campaigns:
        return summary_line(plan).removesuffix(".")
    more = counted(planfile.summary(plan)["contacts"]["added"], "more person", "more people")
    return f"{counted(campaigns, 'campaign changes', 'campaigns change')}, {more} can be called"


def figures(plan: Plan, groups: Sequence[Group]) -> tuple[Figure, ...]:
    counts = planfile.summary(plan)["contacts"]
    added, withdrawn, changed = counts["added"], counts["withdrawn"], sum(len(group.cards) for group in groups)
    errors, told = len(overview.of_severity(plan, Severity.ERROR)), overview.findings_told(plan)
    beside = ", ".join(told[1:] if errors else told) or "no warning"
    return (
        Figure("people added", added, "can be called who could not be", "dialling" if added else ""),
        Figure("people withdrawn", withdrawn, "are called no more", "destructive" if withdrawn else ""),
        Figure("suppressed", counts["suppressed"], "on a list of refusals: never sent"),
        Figure(
            "connection" if len(groups) == 1 else "connections",
            len(groups),
            counted(changed, "campaign changes", "campaigns change"),
        ),
        Figure("error" if errors == 1 else "errors", errors, beside, "destructive" if errors else ""),
    )


# ---- what to look at first -----------------------------------------------------------------------------------------


def concerns(groups: Sequence[Group]) -> tuple[Concern, ...]:
    """The campaigns of each risk, those with most people first."""
    cards = [card for group in groups for card in group.cards]
    found = (_concern(name, risk, [card for card in cards if risk in card.risks]) for risk, name in _CONCERNS)
    return tuple(filter(None, found))


def _concern(name: str, risk: Risk, cards: Sequence[Card]) -> Concern | None:
    """None where all there is to say of it is told by `overview.meanings`."""
    ranked = sorted(cards, key=lambda card: -sum(_people(step) for step in card.steps if step.change.risk is risk))
    looks = (Look(card, reasons) for card in ranked if (reasons := tuple(_reasons(card, risk))))
    shown = tuple(islice(looks, FIRST))
    return Concern(name, risk, shown, sum(1 for _ in looks)) if shown else None


def _people(step: Step) -> int:
    return step.change.contacts.count if step.change.contacts else 0


def _reasons(card: Card, risk: Risk) -> Iterable[str]:
    for step in card.steps:
        if step.change.risk is risk:
            yield from _why(step)


def _why(step: Step) -> Iterable[str]:
    """Of what is new its hours, since it has a line for each of its fields; of what changes what no meaning tells."""
    if step.change.action is Action.CREATE:
        yield ", ".join(filter(None, ["is created", step.told]))
        yield from (str(edit) for edit in step.edits if edit.label == "calling hours")
    elif step.told:
        yield step.told
    else:
        rest = tuple(field for field in step.change.fields if field.path[0] not in {"schedule", "recall"})
        yield from map(str, phrases.edits(replace(step.change, fields=rest)))


def quiet(plan: Plan) -> tuple[tuple[str, str], ...]:
    """(contact set, its counts) of the campaigns that do not change."""
    moving = {change.key.campaign for change in plan.changes}
    return tuple(
        (f"{d.key.contacts} of {d.key.campaign}", told(d)) for d in plan.deltas if d.key.campaign not in moving
    )


# ---- what an approval stands for -----------------------------------------------------------------------------------


def identity(plan: Plan) -> tuple[tuple[str, str], ...]:
    """(name, value) of everything that says which plan this is."""
    found = [("plan", plan.digest)]
    found += [("commit", plan.commit)] if plan.commit else []
    found += [
        ("ledger", phrases.ledger_told(plan.bound.lineage, plan.bound.serial).removeprefix("ledger ")),
        ("made", f"{plan.created_at} by reconciler {plan.version}"),
        ("valid until", plan.expires_at),
        ("hosts", ", ".join(plan.bound.hosts) or "none"),
        ("configuration", plan.bound.config),
        ("people", plan.bound.sources),
    ]
    chosen = [f"--select {word}" for word in plan.select] + [f"--exclude {word}" for word in plan.exclude]
    return (*found, *([("only a part", " ".join(chosen))] if chosen else []))
