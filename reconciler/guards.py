"""Limits on what one plan may do. A plan over a limit is an error that names the figure, the limit, where it is set and how to waive it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from reconciler import units
from reconciler.model import (
    Action,
    Change,
    ContactDelta,
    ContactSet,
    Finding,
    Key,
    Project,
    Resource,
    Severity,
    Waiver,
)

# The shortest time before the start of a campaign that dials on its own in which its creation may still be pending.
LEAD_TIME = timedelta(minutes=30)
WAIVED = "waiver"  # the code of the finding that says so: plans show it at their head

_VERBS = {"creates": Action.CREATE, "deletes": Action.DELETE, "starts": Action.START}

Said = Iterator[Finding | Waiver]  # what is over a limit, and the waivers that were needed


@dataclass(frozen=True, slots=True)
class Moving:
    """One contact set of a campaign. `declared`: None where the campaign no longer names it.

    `suppressed`: how many of those withdrawn are withdrawn because a list says so. `loaded`: it was sent whole once; of a first load
    that was cut short, what was sent so far is nothing to measure the rest by.
    """

    delta: ContactDelta
    declared: ContactSet | None = None
    suppressed: int = 0
    loaded: bool = True

    @property
    def key(self) -> Key:
        return self.delta.key


@dataclass(frozen=True, slots=True)
class Release:
    """A suppression list that has lost `gone` of the `before` people who were on it at the last apply."""

    name: str
    before: int
    gone: int
    place: str


@dataclass(frozen=True, slots=True)
class Guards:
    """`managed`: how many campaigns are bound before the plan."""

    project: Project
    today: date
    managed: int = 0

    def check(
        self, changes: Sequence[Change], sets: Sequence[Moving], releases: Sequence[Release] = ()
    ) -> tuple[Finding, ...]:
        """Errors for what is over a limit, a warning for each waiver that was needed or has run out."""
        said = list(_expired(self.project.waivers, self.today))
        used: dict[Waiver, None] = {}
        for word in self._said(changes, sets, releases):
            if isinstance(word, Finding):
                said.append(word)
            else:
                used[word] = None
        return (*map(_used, used), *said)

    def _said(self, changes: Sequence[Change], sets: Sequence[Moving], releases: Sequence[Release]) -> Said:
        for guard, action in _VERBS.items():
            yield from self._objects(guard, [change.key for change in changes if change.action is action])
        touched = {change.key for change in changes} | {change.key.campaign for change in changes}
        moving = [one for one in sets if one.key in touched or one.key.campaign in touched]
        yield from self._people("contactsAdded", "added", [(one, one.delta.added) for one in moving])
        left = [(one, one.delta.withdrawn - one.suppressed) for one in moving]
        yield from self._people("contactsWithdrawn", "withdrawn", left)
        yield from self._withdrawn_by_lists(moving)
        for one in sets:
            yield from self._sizes(one)
        for release in releases:
            yield from self._released(release)

    def _objects(self, guard: str, keys: Sequence[Key]) -> Said:
        limit = self.project.guards[guard]
        lifted = [waiver for key in keys if (waiver := self._waiver(guard, key))]
        counted = len(keys) - len(lifted)
        measured = units.counted(counted, guard.removesuffix("s"))
        if _over(counted, limit.max):
            yield self._error(f"{guard}.max", None, measured, str(limit.max), f"{measured} in one plan")
        share = _share(counted, self.managed)
        if _over(share, limit.percent):
            message = (
                f"{measured} in one plan, {share} % of the {units.counted(self.managed, 'campaign')} managed before"
            )
            yield self._error(f"{guard}.percent", None, f"{share} %", f"{limit.percent} %", message)
        if _over(len(keys), limit.max) or _over(_share(len(keys), self.managed), limit.percent):
            yield from lifted

    def _people(self, guard: str, verb: str, counts: Sequence[tuple[Moving, int]]) -> Said:
        limit = self.project.guards[guard]
        total = 0
        everybody = sum(count for _, count in counts)
        for one, count in counts:
            share = _share_of(one, count, guard)
            waiver = self._waiver(guard, one.key)
            total += 0 if waiver else count
            if waiver and count and (_over(everybody, limit.max) or _over(share, limit.percent)):
                yield waiver
            elif not waiver and _over(share, limit.percent):
                message = f"{units.people(count)} {verb}, {share} % of the {one.delta.sent_before:,} sent before"
                yield self._error(f"{guard}.percent", one.key, f"{share} %", f"{limit.percent} %", message)
        if _over(total, limit.max):
            measured = units.people(total)
            yield self._error(f"{guard}.max", None, measured, f"{limit.max:,}", f"{measured} {verb} in one plan")

    def _withdrawn_by_lists(self, moving: Sequence[Moving]) -> Said:
        """No guard keeps anybody waiting who said no; that they are many is told."""
        limit = self.project.guards["contactsWithdrawn"]
        many = sum(one.suppressed for one in moving)
        if _over(many, limit.max) or any(
            _over(_share(o.suppressed, o.delta.sent_before), limit.percent) for o in moving
        ):
            yield Finding(
                "suppression-withdraws",
                Severity.WARNING,
                f"{units.people(many)} {'is' if many == 1 else 'are'} withdrawn because of a suppression list or a refusal. No guard holds "
                "that up.",
                measured=units.people(many),
                remedy="Check that the list is the right one: where a vendor deletes whom it withdraws, their history goes with them.",
                source=str(self.project.source),
            )

    def _sizes(self, one: Moving) -> Said:
        """A source that is too small, too large, or too different from what was sent before."""
        if one.declared is None:
            return
        waiver = self._waiver("bounds", one.key)
        for breach in _outside(one.declared, one):
            yield waiver or self._bounded(one.declared, one.key, *breach)

    def _bounded(self, declared: ContactSet, key: Key, bound: str, measured: str, limit: str, message: str) -> Finding:
        return Finding(
            f"bounds-{bound}",
            Severity.ERROR,
            f"Contact set {declared.name} {message}; its bound is {limit}.",
            str(key),
            measured,
            limit,
            f"Check the export. If it is right, change spec.bounds.{bound} of the set ({declared.source}), or "
            f"{self._way_out('bounds', f'campaign: {key.name}, contacts: {key.contacts}')}",
            str(declared.source),
        )

    def _released(self, release: Release) -> Said:
        """Who left a list is added by the apply after this one; an export that was cut short would let everybody go."""
        guard, limit = "suppressionReleased", self.project.guards["suppressionReleased"]
        share = _share(release.gone, release.before)
        message = f"{units.people(release.gone)} left suppression list {release.name}, {share} % of the {release.before:,} on it before"
        over = [("max", units.people(release.gone), f"{limit.max:,}")] if _over(release.gone, limit.max) else []
        over += [("percent", f"{share} %", f"{limit.percent} %")] if _over(share, limit.percent) else []
        waiver = next((waiver for waiver in self._in_force(guard) if waiver.suppression == release.name), None)
        if over and waiver is None:
            name, measured, most = over[0]
            remedy = self._remedy(f"{guard}.{name}", f"suppression: {release.name}")
            remedy = f"Was the export cut short? Write it again. {remedy}"
            yield self._error(guard, None, measured, most, message, remedy, release.place)
            return
        if over and waiver:
            yield waiver
        told = f"{message}. They stay suppressed in this apply; the one after it may add them."
        yield Finding("suppression-released", Severity.INFO, told, source=release.place)

    # ---- words -----------------------------------------------------------------------------------------------------

    def _error(
        self, path: str, key: Key | None, measured: str, limit: str, message: str, remedy: str = "", place: str = ""
    ) -> Finding:
        guard = path.partition(".")[0]
        named = f"campaign: {key.name if key else 'NAME'}"
        return Finding(
            f"guard-{guard}",
            Severity.ERROR,
            f"{message}; the limit is {limit}.",
            str(key) if key else "",
            measured,
            limit,
            remedy or self._remedy(path, named),
            place or str(self.project.source),
        )

    def _remedy(self, path: str, named: str) -> str:
        guard = path.partition(".")[0]
        return f"If that is meant: raise spec.guards.{path} in {self.project.source.file}, or {self._way_out(guard, named)}"

    def _way_out(self, guard: str, named: str) -> str:
        waiver = f'{{guard: {guard}, {named}, reason: "...", until: DATE}}'
        return f"waive it for a time in {self.project.source.file}: spec.guards.waivers: [{waiver}]."

    def _in_force(self, guard: str) -> Iterator[Waiver]:
        return (waiver for waiver in self.project.waivers if waiver.guard == guard and waiver.until >= self.today)

    def _waiver(self, guard: str, key: Key) -> Waiver | None:
        fitting = (w for w in self._in_force(guard) if w.campaign == key.name and w.contacts in {"", key.contacts})
        return next(fitting, None)


def too_soon(resource: Resource, starts: datetime, now: datetime) -> Finding | None:
    """A campaign that dials by itself at `starts` may not be created within `LEAD_TIME` of it, or after it."""
    if starts - now >= LEAD_TIME:
        return None
    minutes = max(0, int((starts - now).total_seconds() // 60))
    when = "has passed" if starts <= now else f"is {units.counted(minutes, 'minute')} away"
    return Finding(
        "starts-too-soon",
        Severity.ERROR,
        f"Its start, {starts:%Y-%m-%d %H:%M} {starts.tzinfo}, {when}; this vendor starts on its own and cannot be stopped.",
        str(resource.key),
        measured=f"{minutes} min",
        limit=f"{int(LEAD_TIME.total_seconds() // 60)} min",
        remedy="Move the schedule's `starts` or its window so that the start is at least 30 minutes ahead.",
        source=str(resource.source),
    )


def size_of(delta: ContactDelta) -> int:
    """People in the source: each once, whether suppressed or not."""
    return delta.rows - sum(delta.rejected.values()) - delta.duplicates


def _outside(declared: ContactSet, one: Moving) -> Iterator[tuple[str, str, str, str]]:
    """Bounds that are not kept: name, measured, limit, what is so."""
    bounds, size = declared.bounds, size_of(one.delta)
    has = f"has {units.people(size)}"
    if bounds.min is not None and size < bounds.min:
        yield "min", units.people(size), f"{bounds.min:,}", has
    if bounds.max is not None and size > bounds.max:
        yield "max", units.people(size), f"{bounds.max:,}", has
    before = one.delta.sent_before if one.loaded else 0
    change = _share(abs(size - before), before)
    if _over(change, bounds.change):
        yield (
            "change",
            f"{change} %",
            f"{bounds.change} %",
            f"{has}; {before:,} were sent before: a change of {change} %",
        )


def _share(count: int, whole: int) -> int | None:
    """Whole percent of what is there, rounded up; None where nothing was applied before."""
    return -(-count * 100 // whole) if whole else None


def _share_of(one: Moving, count: int, guard: str) -> int | None:
    return None if guard == "contactsAdded" and not one.loaded else _share(count, one.delta.sent_before)


def _over(figure: int | None, most: int | None) -> bool:
    return figure is not None and most is not None and figure > most


def _used(waiver: Waiver) -> Finding:
    named = named_in(waiver)
    message = f"Guard {waiver.guard} is waived for {named} until {waiver.until}: {waiver.reason}."
    return Finding(WAIVED, Severity.WARNING, message, waiver.campaign, source=str(waiver.source))


def named_in(waiver: Waiver) -> str:
    """What a waiver is for: `spring`, `may of spring`, `suppression list refusals`."""
    if waiver.suppression:
        return f"suppression list {waiver.suppression}"
    return f"{waiver.contacts} of {waiver.campaign}" if waiver.contacts else waiver.campaign


def _expired(waivers: Iterable[Waiver], today: date) -> Iterator[Finding]:
    for waiver in waivers:
        if waiver.until < today:
            message = f"The waiver of {waiver.guard} for {named_in(waiver)} ended on {waiver.until}."
            remedy = "Take it out of spec.guards.waivers."
            place = str(waiver.source)
            yield Finding("waiver-ended", Severity.WARNING, message, waiver.campaign, remedy=remedy, source=place)
