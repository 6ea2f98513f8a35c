"""What the tests of `import` share: where it writes, what was sent, and a judge of its YAML that is none of ours."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.office import Office

INTO = "campaigns/imported"
KINDS = {"schedules": "Schedule", "recalls": "RecallPolicy"}  # by folder


def written(team: Office) -> dict[str, str]:
    """Path below the folder -> text."""
    folder = team.root / INTO
    return {path.relative_to(folder).as_posix(): path.read_text() for path in sorted(folder.rglob("*.yaml"))}


def sent(team: Office, since: int = 0) -> list[Any]:
    """Every call that could have changed something; TEL4VN's token is fetched with a POST."""
    return [entry for entry in team.calls()[since:] if entry.method != "GET" and not entry.path.endswith("/auth/token")]


def put_schemas(team: Office) -> None:
    """Where `init` puts them."""
    for kind in ("Campaign", *KINDS.values()):
        team.write(f".schemas/{kind.lower()}.schema.json", team.run("schema", kind).out)


def check_with_another_validator(team: Office) -> None:
    """check-jsonschema, with a parser and a validator that reconciler does not use, over every file that was written."""
    files = written(team)
    checker = str(Path(sys.executable).with_name("check-jsonschema"))
    for kind in ("Campaign", *KINDS.values()):
        paths = [
            str(team.root / INTO / name) for name in files if KINDS.get(name.partition("/")[0], "Campaign") == kind
        ]
        schema = str(team.root / ".schemas" / f"{kind.lower()}.schema.json")
        command = [checker, "--schemafile", schema, *paths]
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "NO_COLOR": "1"})
        assert done.returncode == 0, done.stdout + done.stderr
