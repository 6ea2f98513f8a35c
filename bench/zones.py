"""octoDNS as a rival where it is installed: one zone of A records, from YAML to YAML, no change carried out."""

from __future__ import annotations

import sys
from pathlib import Path

from bench.measure import Contestant

_PROGRAM = Path(sys.executable).parent / "octodns-sync"
_CONFIG = """\
providers:
  declared: {class: octodns.provider.yaml.YamlProvider, directory: declared}
  live: {class: octodns.provider.yaml.YamlProvider, directory: live}
zones:
  bench.test.: {sources: [declared], targets: [live]}
"""


def present() -> bool:
    return _PROGRAM.exists()


def contestant(folder: Path, size: int, changed: int) -> Contestant:
    """`octodns-sync` over `size` records of which `changed` differ."""
    for name, edited in (("declared", changed), ("live", 0)):
        (folder / name).mkdir(parents=True)
        records = (_record(number, 600 if number <= edited else 300) for number in range(1, size + 1))
        (folder / name / "bench.test.yaml").write_text("---\n" + "".join(records))
    (folder / "octodns.yaml").write_text(_CONFIG)
    return Contestant([str(_PROGRAM), "--config-file", "octodns.yaml"], folder)


def _record(number: int, ttl: int) -> str:
    values = f"  - 192.0.2.{number % 250 + 1}\n  - 198.51.100.{number % 250 + 1}\n"
    return f"host-{number:05}:\n  ttl: {ttl}\n  type: A\n  values:\n{values}"
