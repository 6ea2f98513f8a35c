"""What the ledger holds, as text or JSON: bindings, last applied values, counts of people by state. Never who they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from reconciler import planfile
from reconciler.ledger.base import LedgerReader
from reconciler.model import Binding, Key
from reconciler.redact import inert
from reconciler.render.phrases import applied_lines


def bindings_text(ledger: LedgerReader) -> str:
    bindings = _bound(ledger)
    lines = [_head(ledger)]
    lines += [f"  {key!s:<60} {inert(binding.vendor_id)}" for key, binding in sorted(bindings.items())]
    lines += [
        f"  in doubt: {request.key} {request.verb} since {request.claimed_at}" for request in ledger.open_requests()
    ]
    return "\n".join(lines) + "\n"


def bindings_json(ledger: LedgerReader) -> str:
    holder = ledger.holder()
    return planfile.pretty(
        {
            "formatVersion": 1,
            "lineage": ledger.lineage,
            "serial": ledger.serial,
            "holder": {"run": holder.run, "host": holder.host, "url": holder.url} if holder else None,
            "bindings": [_binding(key, binding) for key, binding in sorted(_bound(ledger).items())],
            "inDoubt": [{"request": r.id, "key": str(r.key), "verb": r.verb} for r in ledger.open_requests()],
        }
    )


def binding_text(ledger: LedgerReader, key: Key) -> str:
    binding = ledger.bindings()[key]
    lines = [f"{key}", f"  vendor id       {inert(binding.vendor_id)}", f"  identity        {binding.identity}"]
    lines += [f"  bound           {binding.bound_at}"] if binding.bound_at else []
    lines += [f"  {'protected':<16}yes"] if binding.protect else []
    lines += [f"  {name:<16}{inert(told)}" for name, told in applied_lines(binding.last_applied)]
    lines += [
        f"  {'people':<16}{count:,} {state.replace('_', ' ')}"
        for state, count in sorted(_people(ledger, binding).items())
    ]
    return "\n".join(lines) + "\n"


def binding_json(ledger: LedgerReader, key: Key) -> str:
    binding = ledger.bindings()[key]
    return planfile.pretty({**_binding(key, binding), "people": dict(sorted(_people(ledger, binding).items()))})


def _head(ledger: LedgerReader) -> str:
    if not ledger.lineage:
        return "Nothing was ever applied."
    held = ledger.holder()
    by = f", held by run {held.run} on {held.host} {held.url}".rstrip() if held else ""
    return f"lineage {ledger.lineage}, serial {ledger.serial}{by}"


def _bound(ledger: LedgerReader) -> Mapping[Key, Binding]:
    return {key: binding for key, binding in ledger.bindings().items() if binding.vendor_id}


def _binding(key: Key, binding: Binding) -> dict[str, Any]:
    return {
        "key": str(key),
        "vendorId": binding.vendor_id,
        "identity": binding.identity,
        "lastApplied": dict(binding.last_applied),
        "protect": binding.protect,
    }


def _people(ledger: LedgerReader, binding: Binding) -> Counter[str]:
    return Counter(sent.state for sent in ledger.sent(binding.identity))
