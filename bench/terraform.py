"""Terraform as a rival where its binary is present: resources of its built-in type, a plan that finds no change. Needs no network."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import uuid
from pathlib import Path
from typing import Any

from bench.measure import Contestant, Measured, once

_ALONE = {"TF_CLI_CONFIG_FILE": os.devnull, "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"}
_TEXTS = ("name", "dialer", "start", "end")
_TYPE = ["object", {**dict.fromkeys(_TEXTS, "string"), "order": "number", "parity": "number"}]


def present() -> bool:
    return shutil.which("terraform") is not None


def measured(folder: Path, size: int) -> Measured:
    """One `terraform plan` over `size` resources that are as the state has them. Raises RuntimeError where it finds a change."""
    folder.mkdir()
    (folder / "main.tf").write_text("".join(_resource(number) for number in range(1, size + 1)))
    (folder / "terraform.tfstate").write_text(json.dumps(_state(size)))
    subprocess.run(
        ["terraform", "init", "-input=false"], cwd=folder, env={**os.environ, **_ALONE}, check=True, capture_output=True
    )
    plan = ["terraform", "plan", "-input=false", "-no-color", "-lock=false"]
    found = once(Contestant(plan, folder, _ALONE))
    if "No changes." not in found.out:
        raise RuntimeError(f"terraform plan found changes where there are none:\n{found.out[-2000:]}")
    return found


def _input(number: int) -> dict[str, Any]:
    name = f"Campaign {number:05}"
    dates = {"start": "2026-06-01", "end": "2026-06-30"}
    return {"name": name, "dialer": "predictive", **dates, "order": 1 + number % 60, "parity": 1 + number % 100}


def _resource(number: int) -> str:
    body = "".join(f"    {name} = {json.dumps(value)}\n" for name, value in _input(number).items())
    return f'resource "terraform_data" "c{number:05}" {{\n  input = {{\n{body}  }}\n}}\n\n'


def _state(size: int) -> dict[str, Any]:
    """What an apply would have written; applying ten thousand takes a quarter of an hour."""
    resources = []
    for number in range(1, size + 1):
        held = {"value": _input(number), "type": _TYPE}
        identity = str(uuid.UUID(int=number))
        attributes = {"id": identity, "input": held, "output": held, "triggers_replace": None}
        instance = {"schema_version": 0, "attributes": attributes, "sensitive_attributes": []}
        provider = 'provider["terraform.io/builtin/terraform"]'
        about = {"mode": "managed", "type": "terraform_data", "name": f"c{number:05}", "provider": provider}
        resources.append({**about, "instances": [instance]})
    lineage = str(uuid.UUID(int=0))
    return {
        "version": 4,
        "terraform_version": "1.0.0",
        "serial": 1,
        "lineage": lineage,
        "outputs": {},
        "resources": resources,
    }
