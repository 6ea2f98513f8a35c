"""What `state rekey` came to, as text and as JSON."""

from __future__ import annotations

from reconciler import planfile
from reconciler.ledger.contact_keys import Rekeyed
from reconciler.units import people


def rekeyed_text(rekeyed: Rekeyed) -> str:
    lines = [f"Under the new contact key now: {people(rekeyed.moved)}."]
    if rekeyed.finished:
        lines.append(
            "Nobody is left under the former one, which is refused from now on. Take formerContactKey out of reconciler.yaml, and its value"
            " out of every job."
        )
        return "\n".join(lines) + "\n"
    lines.append(f"Still under the former one: {people(rekeyed.left)}. formerContactKey has to stay.")
    if rekeyed.unseen:
        lines.append(
            f"  {rekeyed.unseen:,} whose number no source, list or vendor shows: they go when their fingerprints expire (retention), or"
            " when their number is on a suppression list that a contact set names."
        )
    if rekeyed.waiting:
        lines.append(
            f"  {rekeyed.waiting:,} of whom something is in doubt: settle it, with `reconciler apply` or `resolve`."
        )
    if rekeyed.keyed:
        lines.append(
            f"  {rekeyed.keyed:,} who left their source, and the key they were sent with is in no source: by it alone they would be known"
            " again under another number."
        )
    lines += [f"  {key}: its people could not be read at the vendor." for key in rekeyed.unread]
    return "\n".join([*lines, "Then again: reconciler state rekey"]) + "\n"


def rekeyed_json(rekeyed: Rekeyed) -> str:
    left = {"unseen": rekeyed.unseen, "inDoubt": rekeyed.waiting, "keyGone": rekeyed.keyed}
    told = {
        "rekeyed": rekeyed.moved,
        "left": left,
        "unread": list(map(str, rekeyed.unread)),
        "finished": rekeyed.finished,
    }
    return planfile.pretty({"formatVersion": 1, **told})
