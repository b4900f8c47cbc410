"""How the package is built: ``python -m tests.support.structure`` prints figures, namesakes, and arrows.

An arrow is an import, wherever it stands: in a function, and in a TYPE_CHECKING block, too.
"""

from __future__ import annotations

import ast
import functools
import graphlib
from collections import defaultdict
from pathlib import Path

from tests.support import ROOT

PACKAGE = ROOT / "bootstrap"

LEVELS = {
    "_version": -2,
    "_util": -2,
    "text": -2,
    "markdown": -2,
    "hints": -2,
    "children": -1,
    "processes": -1,
    "profile": -1,
    "included": -1,
    "card": -1,
    "scratch": 0,
    "errors": 0,
    "provenance": 0,
    "progress": 0,
    "address": 1,
    "console": 1,
    "pages": 1,
    "lock": 2,
    "prefix": 3,
    "health": 4,
    "packs": 4,
    "guard": 4,
    "diagnosis": 4,
    "maintain": 4,
    "runtime": 5,
    "checkup": 5,
    "prefix_status": 5,
    "locate": 6,
    "api": 7,
    "cli": 8,
    "__main__": 9,
    "__init__": 10,
}
"""A module imports only from lower levels, or from its own package."""


@functools.cache
def modules() -> dict[str, Path]:
    """Every module's file by its dotted name."""
    files = sorted(PACKAGE.rglob("*.py"))
    return {".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file for file in files}


@functools.cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _only_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)


@functools.cache
def imported(path: Path, *, lazily: bool = True, types: bool = True) -> frozenset[str]:
    """Names that a file imports, modules' and those that may be modules'.

    Args:
        path: The file.
        lazily: Those that functions import, too.
        types: Those that only a type checker sees, too.
    """
    package = path.relative_to(ROOT).parent.parts
    names: set[str] = set()

    def visit(node: ast.AST) -> None:
        for child in ast.iter_child_nodes(node):
            if not lazily and isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
                continue
            if not types and _only_for_types(child):
                continue
            if isinstance(child, ast.Import):
                names.update(alias.name for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                above = package[: len(package) - child.level + 1] if child.level else ()
                base = ".".join([*above, *([child.module] if child.module else [])])
                each = {f"{base}.{alias.name}" for alias in child.names}
                names.update(each if each <= modules().keys() else {base, *each})
            visit(child)

    visit(parsed(path))
    return frozenset(names)


def arrows(**kinds: bool) -> dict[str, set[str]]:
    """For every module, those of the package that it imports."""
    known = modules()
    return {name: {n for n in imported(path, **kinds) if n in known and n != name} for name, path in known.items()}


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """A circle of modules, if there is one: each imports the next."""
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return [list(reversed(error.args[1]))]
    return []


def part(module: str) -> str:
    """The first name below the package."""
    return [*module.split("."), "__init__"][1]


def upward(graph: dict[str, set[str]]) -> list[str]:
    """Arrows to the same level, or a higher one, of another part."""
    pairs = [(one, other) for one, others in graph.items() for other in sorted(others) if part(one) != part(other)]
    return [f"{one} -> {other}" for one, other in pairs if LEVELS[part(one)] <= LEVELS[part(other)]]


def namesakes() -> dict[str, list[str]]:
    """Classes that several modules have, by their name."""
    homes: dict[str, list[str]] = defaultdict(list)
    for name, path in modules().items():
        for node in parsed(path).body:
            if isinstance(node, ast.ClassDef):
                homes[node.name].append(name)
    return {name: found for name, found in sorted(homes.items()) if len(found) > 1}


def files_of_one_name() -> dict[str, list[str]]:
    """File names that occur several times, with their places."""
    homes: dict[str, list[str]] = defaultdict(list)
    for path in modules().values():
        homes[path.name].append(str(path.relative_to(ROOT)))
    return {name: found for name, found in sorted(homes.items()) if len(found) > 1 and not name.startswith("__")}


def main() -> None:
    """Prints the figures."""
    graph = arrows()
    lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in modules().values())
    print(f"{len(modules())} modules, {lines} lines, {sum(map(len, graph.values()))} arrows between them")
    for title, found in (
        ("classes with the same name", [f"{name}: {', '.join(homes)}" for name, homes in namesakes().items()]),
        ("file names that occur twice", [f"{n}: {', '.join(homes)}" for n, homes in files_of_one_name().items()]),
        ("arrows that run up", upward(graph)),
        ("circles", [" -> ".join(circle) for circle in circles(graph)]),
    ):
        print(f"{title}: {len(found)}")
        for line in found:
            print(f"  {line}")


if __name__ == "__main__":
    main()
