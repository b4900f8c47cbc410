"""Imports run one way, and heavy or foreign packages are imported in the one place that may."""

from __future__ import annotations

import ast
import functools
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import ROOT

PACKAGE = ROOT / "bootstrap"

LEVELS = {
    "text": -1,
    "hints": -1,
    "screen": 0,
    "scratch": 0,
    "errors": 0,
    "card": 0,
    "cells": 0,
    "progress": 0,
    "console": 1,
    "pages": 1,
    "lock": 2,
    "prefix": 3,
    "integrity": 4,
    "guard": 4,
    "diagnosis": 4,
    "maintain": 4,
    "workbench": 4,
    "runtime": 5,
    "standing": 5,
    "api": 6,
    "commands": 7,
    "cli": 8,
    "__main__": 9,
    "__init__": 10,
}
"""A module imports only from lower levels, or from its own package."""


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


@functools.cache
def imported(path: Path, *, module_level: bool = False) -> set[str]:
    """Names of the modules that a file imports, in TYPE_CHECKING blocks too unless only `module_level` counts."""
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        for child in ast.iter_child_nodes(node):
            if module_level and isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
                continue
            if module_level and isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
                continue
            if isinstance(child, ast.Import):
                found.update(alias.name for alias in child.names)
            elif isinstance(child, ast.ImportFrom) and child.module:
                names = [alias.name for alias in child.names]
                found.update([child.module] if child.module != "bootstrap" else [f"bootstrap.{n}" for n in names])
            visit(child)

    visit(parsed(path))
    return found


@functools.cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def part(path: Path) -> str:
    """The first name below the package."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_run_one_way(path: Path) -> None:
    own = part(path)
    for name in imported(path, module_level=True):
        top, _, rest = name.partition(".")
        other = rest.split(".")[0]
        if top == "bootstrap" and other in LEVELS and other != own:
            assert LEVELS[other] < LEVELS[own], f"{own} imports {name}"


@pytest.mark.parametrize(
    ("module", "allowed"),
    [
        ("rattler", {"prefix/engine.py", "maintain/solver.py"}),
        ("conda_lock", {"maintain/content_hash.py"}),
        ("condacolab", {"runtime/condacolab_process.py"}),
    ],
)
def test_foreign_packages_have_one_importer(module: str, allowed: set[str]) -> None:
    importers = {
        str(p.relative_to(PACKAGE)) for p in modules() if any(n.split(".")[0] == module for n in imported(p))
    }
    assert importers <= allowed


def test_nothing_imports_numpy_or_ipython_at_module_level() -> None:
    # Probes are scripts for another process, whose subject numpy is; the workbench is for the locked environment.
    apart = (PACKAGE / "integrity" / "probes", PACKAGE / "workbench")
    for path in modules():
        if any(path.is_relative_to(folder) for folder in apart):
            continue
        tops = {name.split(".")[0] for name in imported(path, module_level=True)}
        assert not tops & {"numpy", "IPython", "ipykernel", "zmq", "google", "torch"}, path


def test_nothing_else_imports_the_workbench() -> None:
    """It needs packages that a user's runtime may not have, or not in time."""
    for path in modules():
        if part(path) != "workbench":
            assert not [name for name in imported(path) if name.startswith("bootstrap.workbench")], path


def test_importing_the_package_is_light() -> None:
    """A notebook's first cell imports it: nothing but the package itself may come along."""
    program = "import sys; old = set(sys.modules); import bootstrap; print(sorted(set(sys.modules) - old))"
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True)
    added = ast.literal_eval(done.stdout)
    assert not [name for name in added if name.split(".")[0] in ("rich", "yaml", "rattler", "asyncio")]


def test_public_verbs_are_there() -> None:
    import bootstrap

    assert dir(bootstrap) == sorted(bootstrap.__all__), "what Tab offers"
    for name in bootstrap.__all__:
        assert getattr(bootstrap, name)
    with pytest.raises(AttributeError, match="nonsense"):
        _ = bootstrap.nonsense
