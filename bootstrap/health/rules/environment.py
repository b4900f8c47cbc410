"""What comes from around the environment: the loader, startup code, bytecode, the search path."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap.health.rules.base import CauseKind, mapped_libraries, own_library, package_name, shorten, shown
from bootstrap.health.rules.files import ENVIRONMENT_MOVED
from bootstrap.health.rules.numpy import rivals
from bootstrap.health.rules.process import FOREIGN_LIBRARY, STDLIB_SHADOWED

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from bootstrap.health.facts import Facts
    from bootstrap.health.model import Cause

# What `bootstrap.checkup` adds about the guard.
GUARD_OFF = CauseKind("guard-off", severity="note")
GUARD_UNDONE = CauseKind("guard-undone", severity="note")
IMPORT_CONFLICT = CauseKind("import-conflict", severity="doubtful")
LOADER_VARIABLES = CauseKind("loader-variables", package="numpy", dated="never")
NUMPY_ELSEWHERE = CauseKind("numpy-elsewhere", severity="doubtful")
NUMPY_VARIABLES = CauseKind("numpy-variables", package="numpy")
STALE_BYTECODE = CauseKind("stale-bytecode", repairs=("delete",), dated="by-files")
STARTUP_CODE = CauseKind("startup-code", severity="doubtful", package="numpy", repairs=("set-aside",))


_STARTS = re.compile(
    rb"#!\s*(/\S+/bin/python[\d.]*)\s*$|#!/bin/sh\n'''exec' \"?(/[^\"\n]+?/bin/python[\d.]*)\"? ", re.MULTILINE
)
"""How a program begins that an installer has made for a Python."""


def loader(facts: Facts) -> Iterator[Cause]:
    """Libraries that the dynamic loader was told to take from elsewhere."""
    foreign = _from_variables(facts, mapped_libraries(facts))
    names = " and ".join(facts.loader)
    if passed := facts.without.get("loader"):
        yield LOADER_VARIABLES(
            summary=f"Libraries loaded by {names} break numpy.",
            evidence=_set(facts.loader, facts, passed),
            files=tuple(foreign),
            repair=f"Unset {names}, or remove the named libraries from it.",
            experiment=passed,
        )
        return
    twins = [path for path in foreign if own_library(path, facts)]
    if twins:
        told = (f"{name}={value}" for name, value in facts.loader.items())
        yield FOREIGN_LIBRARY(
            summary="The loader takes libraries from outside the environment, which has its own.",
            evidence=(*told, *(f"{path} instead of {own_library(path, facts)}" for path in twins)),
            files=tuple(twins),
            repair=f"Unset {names} before Python starts.",
        )


def variables(facts: Facts) -> Iterator[Cause]:
    """Variables that numpy itself or its BLAS reads, or Python."""
    if facts.python_variables:
        names = " and ".join(facts.python_variables)
        yield NUMPY_VARIABLES(
            summary=f"With {names} set, this Python can't import numpy: {facts.python_problem}.",
            evidence=_set(facts.python_variables, facts),
            repair=f"Unset {names} before Python starts.",
        )
    if passed := facts.without.get("variables"):
        names = " and ".join(facts.variables)
        yield NUMPY_VARIABLES(
            summary=f"{names} {'make' if len(facts.variables) > 1 else 'makes'} numpy fail.",
            evidence=_set(facts.variables, facts, passed),
            repair=f"Unset {names} before Python starts.",
            experiment=passed,
        )


def _set(variables: Mapping[str, str], facts: Facts, passed: Collection[str] = ()) -> tuple[str, ...]:
    """Variables as evidence, with the probes that pass without them."""
    told = [f"{name}={value}" for name, value in variables.items()]
    return (*told, *(f"without: {name} passes" for name in sorted(passed)), *_told_by(facts))


def _told_by(facts: Facts) -> tuple[str, ...]:
    return (f"set {facts.around.told_by}",) if facts.around.told_by else ()


def _from_variables(facts: Facts, mapped: list[str]) -> list[str]:
    """Which mapped libraries lie outside the prefix and where the loader's variables point."""
    preloaded = facts.loader.get("LD_PRELOAD", "").replace(":", " ").split()
    folders = [folder for folder in facts.loader.get("LD_LIBRARY_PATH", "").split(":") if folder]
    inside = f"{os.path.realpath(facts.layout.prefix)}/"
    libraries = []
    for path in [*preloaded, *mapped]:
        real = os.path.realpath(path)
        listed = path in preloaded or any(Path(real).parent == Path(os.path.realpath(f)) for f in folders)
        if listed and not real.startswith(inside) and path not in libraries and Path(path).exists():
            libraries.append(path)
    return libraries


def startup(facts: Facts) -> Iterator[Cause]:
    """Code that runs at every start of the interpreter and breaks numpy."""
    passed = facts.without.get("startup")
    if not passed:
        return
    # What a package owns has been there when it was healthy, unless its file was altered.
    altered = {fault.path for fault in facts.disk.files}
    owners = {str(hook): facts.disk.owner_of(str(hook)) for hook in facts.hooks}
    owners = {hook: owner for hook, owner in owners.items() if not owner or hook in altered} or owners
    yield STARTUP_CODE(
        summary=f"Startup code breaks numpy: {', '.join(shown(hook, facts) for hook in list(owners)[:3])}.",
        evidence=(
            *(f"{hook}: {f'owned by {owner}' if owner else 'owned by no package'}" for hook, owner in owners.items()),
            *(f"without startup code: {name} passes" for name in sorted(passed)),
        ),
        files=tuple(dict.fromkeys([*owners, *facts.probe("numpy-functions").facts.get("files", ())])),
        owner=", ".join(sorted(set(filter(None, owners.values())))),
        repair=f"Remove {', '.join(owners)}, then restart the kernel.",
        experiment=passed,
    )


def bytecode(facts: Facts) -> Iterator[Cause]:
    """Python runs cached bytecode that is not what the source says."""
    passed = facts.without.get("bytecode", frozenset())
    stale: dict[tuple[str, str], list[str]] = {}
    for path in facts.stale_bytecode:
        folder = Path(path).parents[1]
        owner = facts.disk.owner_of(f"{folder}/{Path(path).name.split('.')[0]}.py")
        name = package_name(owner) or shown(path, facts).replace("__pycache__/", "").replace(".", "/").split("/")[0]
        stale.setdefault((name, owner or (facts.numpy_owner if name == "numpy" else "")), []).append(path)
    for (name, owner), paths in stale.items():
        others = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        yield STALE_BYTECODE(
            severity="broken" if name == "numpy" or passed else "doubtful",
            summary=f"Cached bytecode of {name} doesn't match its source, but runs instead of it: "
            f"{shown(paths[0], facts)}{others}.",
            evidence=(
                *shorten(paths),
                *(f"recompiled: {name} passes" for name in sorted(passed)),
            ),
            files=tuple(paths),
            owner=owner,
            package=name,
            repair="Delete these files; Python recreates them.",
            experiment=passed,
        )


def searched_first(facts: Facts) -> Iterator[Cause]:
    """Another numpy, or a file that hides a module numpy needs, in a folder that a notebook searches first."""
    if facts.live is not None:
        return  # the process itself was asked
    needed = facts.probe("numpy-modules").facts.get("stdlib", ())
    for folder in facts.outer_paths:
        origin = facts.around.folder_of if folder == facts.around.folder else _told_by(facts)
        variable = facts.around.variables.get("PYTHONPATH", "").split(os.pathsep)
        named = any(path and facts.around.folder / path == folder for path in variable)
        for name in needed:
            if (hiding := next((p for p in module_files(folder, name) if p.exists()), None)) is not None:
                yield STDLIB_SHADOWED(
                    severity="doubtful",
                    summary=f"{hiding} would hide the standard library's module {name}, which numpy imports.",
                    evidence=(f"{folder} comes before the standard library on a notebook's search path", *origin),
                    files=(str(hiding),),
                    repair=f"Take {folder} out of PYTHONPATH." if named else f"Rename {_top(hiding, folder)}.",
                )
        numpys = [p for p in [folder / "numpy" / "__init__.py", *rivals(folder)] if p.exists()]
        if numpys and not any(folder == site for site in facts.disk.sites):
            yield NUMPY_ELSEWHERE(
                summary=f"A notebook would import a different numpy: {numpys[0]}.",
                evidence=(
                    f"{folder} comes before {facts.disk.sites[0] if facts.disk.sites else 'the site folders'}",
                    *origin,
                ),
                files=tuple(str(path) for path in numpys),
                repair=f"Take {folder} out of PYTHONPATH." if named else f"Rename {_top(numpys[0], folder)}.",
            )


def _top(path: Path, folder: Path) -> Path:
    """What lies in a folder itself: the package of a module, or the module."""
    return folder / path.relative_to(folder).parts[0]


def company(facts: Facts) -> Iterator[Cause]:
    """Packages that can be imported alone, not together."""
    passed = {result.name for result in facts.alone if result.ok} - facts.further
    failed = [result for result in facts.dependents if not result.ok and result.name in passed]
    if failed:
        names = [result.name.removeprefix("import ").removeprefix("share-") for result in facts.dependents]
        name = failed[0].name.removeprefix("import ")
        yield IMPORT_CONFLICT(
            summary=f"{name} can be imported on its own, but not after {', '.join(names[: names.index(name)])}.",
            evidence=tuple(failed[0].problems[:4]),
            owner=name,
            repair=f"Import {name} first, or use builds of these packages that share their runtime libraries.",
        )


def renamed(facts: Facts) -> Iterator[Cause]:
    """The environment's folder was renamed: its programs start a Python where it was."""
    prefix = facts.layout.prefix
    if not facts.disk.conda and not (prefix / "pyvenv.cfg").is_file():
        return
    if any(fault.reason == "prefix" for fault in facts.disk.files):
        return  # told with all the files that name the old place
    lost: dict[str, list[str]] = {}
    right = 0
    for path in sorted((prefix / "bin").glob("*")):
        if path.is_symlink() or not path.is_file():
            continue
        try:
            with path.open("rb") as file:
                match = _STARTS.match(file.read(512))
        except OSError:
            continue
        python = Path(os.fsdecode(match[1] or match[2])) if match else None
        if python is not None and python.exists():
            right += 1
        # Where it was: beside what is still there, as a rename leaves it. Some packages name the system's by mistake.
        elif python is not None and python.parents[2].is_dir() and not python.is_relative_to("/usr"):
            lost.setdefault(str(python.parents[1]), []).append(str(path))
    for home, scripts in lost.items():
        if len(scripts) < right:
            continue
        back = f"Rename it back to {home}, or recreate it in another folder"
        yield ENVIRONMENT_MOVED(
            summary=f"The environment was moved from {home}: {shown(scripts[0], facts)}"
            f"{f' and {len(scripts) - 1} more' if len(scripts) > 1 else ''} can't be started.",
            evidence=tuple(f"{script}: starts {home}/bin/python, which is not there" for script in scripts[:4]),
            files=tuple(scripts),
            repair=f"{back}: `bootstrap restore --prefix FOLDER`." if facts.ours else f"{back}.",
        )


def module_files(folder: Path, name: str) -> list[Path]:
    """The files that an import of a top-level module would find in a folder, those that exist or not."""
    return [folder / name / "__init__.py", folder / f"{name}.py", folder / f"{name}.pyc"]
