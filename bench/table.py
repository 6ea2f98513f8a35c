"""One line of the table, what it has to keep, and the table as markdown. Measures nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_HEAD = ("stage", "work", "ours", "rival", "ratio", "goal", "peak MiB, ours / rival", "met")


@dataclass(frozen=True, slots=True)
class Row:
    """`ours` and `rival` in `unit`; `note` is said beside ours. The goals are bounds, None where there is none:

    `most_ratio` and `least_ratio` on ours / rival, `most` and `least` on ours alone, `most_mib` on our peak memory.
    """

    stage: str
    work: str
    ours: float
    unit: str = "s"
    rival: float | None = None
    rival_name: str = ""
    note: str = ""
    most_ratio: float | None = None
    least_ratio: float | None = None
    most: float | None = None
    least: float | None = None
    mib: float | None = None
    rival_mib: float | None = None
    most_mib: float | None = None

    @property
    def ratio(self) -> float | None:
        return self.ours / self.rival if self.rival else None

    @property
    def met(self) -> bool | None:
        """Whether every goal is kept; None where there is none."""
        kept = [
            value <= bound
            for value, bound in ((self.ratio, self.most_ratio), (self.ours, self.most), (self.mib, self.most_mib))
            if value is not None and bound is not None
        ]
        kept += [
            value >= bound
            for value, bound in ((self.ratio, self.least_ratio), (self.ours, self.least))
            if value is not None and bound is not None
        ]
        return all(kept) if kept else None

    @property
    def goal(self) -> str:
        said = []
        if self.most_ratio is not None:
            said.append(f"at most {self.most_ratio:g} x")
        if self.least_ratio is not None:
            said.append(f"at least {self.least_ratio:g} x")
        if self.most is not None:
            said.append(f"at most {_figure(self.most, self.unit)}")
        if self.least is not None:
            said.append(f"at least {_figure(self.least, self.unit)}")
        if self.most_mib is not None:
            said.append(f"at most {self.most_mib:,.0f} MiB")
        return ", ".join(said) or "-"

    def cells(self) -> tuple[str, ...]:
        rival = "-" if self.rival is None else f"{_figure(self.rival, self.unit)} {self.rival_name}"
        ratio = "-" if self.ratio is None else f"{self.ratio:.3g}"
        memory = " / ".join("-" if mib is None else f"{mib:,.0f}" for mib in (self.mib, self.rival_mib))
        met = {True: "yes", False: "NO", None: "-"}[self.met]
        ours = f"{_figure(self.ours, self.unit)} {self.note}".rstrip()
        return (self.stage, self.work, ours, rival, ratio, self.goal, "-" if memory == "- / -" else memory, met)


def _figure(value: float, unit: str) -> str:
    """Three digits that count, four where the thousands are told apart."""
    text = f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
    return f"{text} {unit}".rstrip()


def markdown(rows: Iterable[Row]) -> str:
    lines: list[Sequence[str]] = [_HEAD, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEAD))]
    lines.insert(1, ["-" * width for width in widths])
    return "".join(
        f"| {' | '.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))} |\n" for line in lines
    )
