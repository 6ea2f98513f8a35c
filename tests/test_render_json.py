"""Plan files of all scenarios against schemas/plan.schema.json, by check-jsonschema.

It is the command that other people's CI runs, so it stands for them; nothing of ours checks a plan file against the schema. It also
holds the schema to the metaschema of its draft, and dates to RFC 3339.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SCHEMA = ROOT / "schemas" / "plan.schema.json"
PLANS = sorted((ROOT / "tests" / "scenarios").glob("*/plan.json"))


def checked(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "check_jsonschema", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def filled(text: str) -> str:
    """A golden file with something in the places of what changes from run to run."""
    return re.sub(r"<(?:uuid|identity|port|mark|run)[ 0-9]*>", "x1", text.replace("<digest>", "0" * 64))


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("plans")
    made = []
    for path in PLANS:
        made.append(folder / f"{path.parent.name}.json")
        made[-1].write_text(filled(path.read_text("utf-8")), "utf-8")
    return made


def test_the_plans_of_all_scenarios_follow_the_schema(plans: list[Path]) -> None:
    assert len(plans) > 40
    told = checked("--schemafile", str(SCHEMA), *map(str, plans))
    assert told.returncode == 0, told.stdout + told.stderr
    assert checked("--check-metaschema", str(SCHEMA)).returncode == 0


def test_a_plan_that_does_not_is_told(plans: list[Path], tmp_path: Path) -> None:
    value = json.loads(next(path for path in plans if path.stem == "shared-parts").read_text("utf-8"))
    value["changes"][0]["fields"][0]["cause"] = "whim"
    value["createdAt"] = "yesterday"
    (tmp_path / "wrong.json").write_text(json.dumps(value))
    told = checked("--schemafile", str(SCHEMA), str(tmp_path / "wrong.json"))
    assert told.returncode == 1 and "createdAt" in told.stdout
