"""The import arrows of ARCHITECTURE.md: a module imports from its own rank's folder or from ranks before it, never after."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import reconciler

ROOT = Path(reconciler.__file__).parent
RANKS = (
    {"__init__", "errors", "redact", "clock", "units", "postgresql"},
    {"model"},
    {"diff", "risk", "config"},
    {"matching"},
    {"steps"},
    {"planner_people"},
    {"planner", "guards", "signoff", "planfile", "ledger", "providers", "contacts", "selection"},
    {"removals"},
    {"render", "world"},
    {"setup", "writer", "rollback", "forge", "starter"},
    {"sending", "settle", "keeping"},
    {"observe", "rotation"},
    {"applier", "approval", "assembly", "livecheck", "retention", "salvage"},
    {"rounds"},
    {"runs"},
    {
        "reconcile",
        "binding",
        "custody",
        "resolving",
        "halting",
        "releasing",
        "refusing",
        "rekeying",
        "rebuilding",
        "drift",
    },
    {"rewriting"},
    {"declaring"},
    {"importing"},
    {"cli"},
)
APART = {"simulator"}  # stands for the vendors: shares nothing with what it tests


def rank(name: str) -> int:
    return next(index for index, names in enumerate(RANKS) if name in names)


def modules() -> list[Path]:
    return sorted(path for path in ROOT.rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Top-level names below `reconciler` that a file imports, also inside functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module] if node.module != "reconciler" else [f"reconciler.{a.name}" for a in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        found |= {name.split(".")[1] for name in names if name.startswith("reconciler.")}
    return {name for name in found if (ROOT / name).is_dir() or (ROOT / f"{name}.py").exists()}


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_only_what_stands_before_it(path: Path) -> None:
    own = path.relative_to(ROOT).parts[0].removesuffix(".py")
    for name in imported(path) - {own}:
        if own in APART:
            assert name in {"redact", "__init__"}, f"the simulator must not lean on reconciler.{name}"
        elif own == "cli":
            assert name in APART or rank(name) < rank("cli")
        else:
            assert rank(name) < rank(own), f"{own} may not import {name}"


def test_every_module_has_a_rank() -> None:
    names = {path.relative_to(ROOT).parts[0].removesuffix(".py") for path in modules()}
    assert names - APART == set().union(*RANKS)


def test_the_straight_line_stays_short() -> None:
    tree = ast.parse((ROOT / "reconcile.py").read_text())
    lengths = {
        node.name: (node.end_lineno or 0) - node.lineno + 1
        for node in ast.walk(tree)
        if isinstance(node, ast.AsyncFunctionDef)
    }
    assert set(lengths) == {"plan", "apply"}
    assert all(length < 25 for length in lengths.values()), lengths


def test_functions_and_files_stay_within_the_house_rules() -> None:
    for path in modules():
        text = path.read_text()
        assert text.count("\n") <= 320, f"{path.name} is too long"
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or 0) - node.lineno + 1
                assert length <= 50, f"{path.name}: {node.name} has {length} lines"


def test_every_module_says_what_it_is_for() -> None:
    for path in modules():
        assert ast.get_docstring(ast.parse(path.read_text())), f"{path} has no docstring"
