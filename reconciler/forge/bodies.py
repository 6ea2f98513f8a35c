"""What is written on a shelf: the plan under a pull request, drift and a stopped apply as an issue. Value -> Markdown; sends nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reconciler.forge.job import Job
from reconciler.model import Plan
from reconciler.render.escaping import escape
from reconciler.render.markdown import plan_markdown

_ROOM = 2_000  # bytes for what is said around a text
_CUT = "\n\nThis is cut short: the job's log has the rest."
_UNFOLDED = "\n</details>"
MOST_OUTCOMES = 50


def plan_comment(plan: Plan, job: Job, limit: int) -> str:
    return plan_markdown(plan, limit - _ROOM) + _foot(job)


def stale_comment(plan: Plan, job: Job, limit: int) -> str:
    """Under a merged pull request whose plan did not hold any more."""
    head = (
        "### reconciler: nothing was applied, the reviewed plan no longer holds\n\n"
        "Something moved between the review and the merge. This is what would be done now. If it is right, let the apply job run for\n"
        f"exactly this: start it by hand with the digest `{plan.digest}` (docs/ci.md), or review it in a new pull request.\n\n"
    )
    return head + plan_markdown(plan, limit - _ROOM) + _foot(job)


def artefact(plan: Plan, commit: str) -> str:
    """The name that binds a plan file to the commit that it was reviewed with."""
    return f"reconciler-plan-{commit}-{plan.digest.removeprefix('sha256:')[:12]}"


def drift_issue(text: str, job: Job, limit: int) -> str:
    head = "What is live is not what was applied. This text is renewed by every scheduled run, and the issue closed once they agree.\n\n"
    return head + _clipped(text, limit - _ROOM) + _foot(job)


def clean(job: Job) -> str:
    return "All is well again." + _foot(job)


_NEXT: Mapping[int, str] = {
    1: "It failed before or while anything was sent; what the report below says was done is done. Mend the cause, then run the job again.",
    3: "The configuration on the main branch is invalid, or a variable of the job is not set. Mend it, then run the job again.",
    4: "A guard, a policy or a missing approval refuses it. Nothing was sent. The report says what and how to go on.",
    5: "The reviewed plan no longer holds: something moved since. What has moved was left alone. Review what would be done now, under the "
    "pull request; then start the job by hand with its digest, or open a new pull request.",
    6: "A vendor could not be read completely. Nothing was sent. Run the job again later.",
    7: "Another run holds the lock. Nothing was sent. Run the job again once that run has ended.",
    8: "It stopped part way. What was sent is in the ledger and is not sent again. Go on with the same approved plan:",
    9: "The outcome of some calls is unknown, and those are left alone. List them, look at the vendor's panel, settle them:",
}
_COMMANDS: Mapping[int, Sequence[str]] = {
    8: ("reconciler apply --resume",),
    9: ("reconciler resolve", "reconciler apply --resume"),
}


def apply_issue(code: int, report: Mapping[str, Any], job: Job, limit: int) -> str:
    """`report`: that of `apply --format json`, empty where it wrote none."""
    parts = [f"`reconciler apply` ended with code {code} for commit `{job.commit[:7]}`.", _NEXT.get(code, _NEXT[1])]
    if commands := _COMMANDS.get(code):
        parts.append("\n".join(["```", *commands, "```"]))
        parts.append("The apply job does the same when it is started by hand with `resume` (docs/ci.md).")
    parts += _told(report)
    return _clipped("\n\n".join(parts), limit - _ROOM) + _foot(job)


def _told(report: Mapping[str, Any]) -> Iterable[str]:
    if error := report.get("error"):
        yield "\n".join(f"> {escape(line)}" for line in str(error).splitlines())
    missed = [one for one in report.get("outcomes") or () if one.get("status") != "confirmed"]
    done = len(report.get("outcomes") or ()) - len(missed)
    if report.get("outcomes"):
        yield f"{done} of {done + len(missed)} steps are done."
    rows = [
        f"| {escape(str(one.get('status', '')).replace('_', ' '))} | {escape(str(one.get('action', '')).replace('_', ' '))} "
        f"| {escape(str(one.get('key', '')))} | {escape(str(one.get('error') or ''))} |"
        for one in missed[:MOST_OUTCOMES]
    ]
    if rows:
        yield "\n".join(["| outcome | step | of | said |", "|---|---|---|---|", *rows])
    if len(missed) > MOST_OUTCOMES:
        yield f"And {len(missed) - MOST_OUTCOMES} more in the job's report."
    if report.get("run"):
        yield f"run `{escape(str(report['run']))}` · plan `{escape(str(report.get('plan', '')))}`"


def _foot(job: Job) -> str:
    run = f" · [job]({job.url})" if job.url else ""
    return f"\ncommit `{job.commit[:7]}`{run}\n"


def _clipped(text: str, limit: int) -> str:
    """At most `limit` bytes, whole lines, what is folded closed again."""
    if len(text.encode()) <= limit:
        return text
    kept, room, folds = [], limit - len(_CUT), 0
    for line in text.splitlines():
        room -= len(line.encode()) + 1
        folds += line.count("<details>") - line.count("</details>")
        if room < len(_UNFOLDED) * folds:
            break
        kept.append(line)
    body = "\n".join(kept)
    return body + _UNFOLDED * (body.count("<details>") - body.count("</details>")) + _CUT
