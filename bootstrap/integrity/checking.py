"""The course of a check: what is asked, in which order, and what is asked again."""

from __future__ import annotations

import os
import site
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap.errors import PrefixNotFoundError
from bootstrap.integrity.disk import Disk, examine
from bootstrap.integrity.facts import LOADER_VARIABLES, Facts, Layout, find_hooks
from bootstrap.integrity.importing import DEPENDENTS, import_tasks
from bootstrap.integrity.judgement import judge
from bootstrap.integrity.model import Cause, ProbeResult, Report
from bootstrap.integrity.probes import answers, layout, linear, origin, registry, sharing, state
from bootstrap.integrity.process import Limits, Task, run_surviving, run_tasks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bootstrap.lock import Lock

CATALOGUE = registry.PROBES
"""Every probe by name, with what it catches, what it costs and how it works."""

_SHARING = tuple(name for name in CATALOGUE if name.startswith("share-"))
_NUMPY = ("float-state", "numpy-import", "numpy-modules", "numpy-functions", "numpy-mapped")
_ANSWERS = tuple(name for name in CATALOGUE if name not in (*_SHARING, *_NUMPY, "layout"))
_MODULES = (answers, layout, linear, origin, sharing, state)  # importing them fills the catalogue


def run_check(
    python: Path,
    *,
    prefix: Path | None,
    lock: Lock | None,
    imports: Sequence[str] | None,
    timeout: float,
    progress: Callable[[str], None],
) -> Report:
    """Check the environment of one interpreter; see `bootstrap.integrity.check`."""
    began = time.monotonic()
    limits = Limits.for_machine(timeout)
    progress("start the interpreter")
    first = run_tasks(python, [Task("layout")], limits=limits, startup=False)[0]
    if not first.ok:
        return _dead(python, prefix, first, time.monotonic() - began)
    where = Layout.from_probe(python, first.facts)
    if prefix is not None:
        where = replace(where, prefix=prefix)
    names = DEPENDENTS if imports is None else tuple(imports)
    with ThreadPoolExecutor(1) as pool:
        progress("hash files")
        pending = pool.submit(examine, where.prefix, where.sites, lock=lock, named=names)
        progress("ask numpy")
        numpy = _ask_numpy(python, limits)
        disk = pending.result()
    facts = Facts(
        layout=where,
        disk=disk,
        numpy=tuple(numpy),
        hooks=find_hooks(disk),
        loader={name: os.environ[name] for name in LOADER_VARIABLES if os.environ.get(name)},
        outer_paths=outer_paths(where),
    )
    imported = facts.probe("numpy-import")
    if names and imported is not None and imported.ok:
        progress("import what stands on numpy")
        together, alone = _ask_dependents(python, names, disk, limits)
        facts = replace(facts, dependents=tuple(together), alone=tuple(alone))
    facts = _experiment(facts, limits, progress)
    progress("judge")
    probes = (first, *facts.numpy, *facts.dependents, *facts.alone)
    return Report(
        python=str(python),
        prefix=str(where.prefix),
        numpy_version=facts.numpy_version,
        causes=judge(facts),
        probes=probes,
        seconds=time.monotonic() - began,
        files_checked=disk.checked,
    )


def _dead(python: Path, prefix: Path | None, result: ProbeResult, seconds: float) -> Report:
    """The report on an interpreter that doesn't even start."""
    if not python.exists():
        raise PrefixNotFoundError("There is no Python to examine.", evidence=[f"{python}: not there"])
    cause = Cause(
        id="python-does-not-start",
        severity="broken",
        summary="The interpreter does not start, so nothing in this environment works.",
        evidence=result.problems,
        files=(str(python),),
        owner="python",
        repair=f"Restore the environment: `bootstrap restore --prefix {prefix or python.parent.parent}`.",
    )
    return Report(str(python), str(prefix or ""), None, (cause,), (result,), seconds)


def _ask_numpy(python: Path, limits: Limits) -> list[ProbeResult]:
    """All probes of numpy; where its import ends the process, nothing more is asked."""
    # One process for all: a probe that numpy does not survive costs one more import, not one each.
    first = run_tasks(python, [Task(name) for name in _NUMPY + _ANSWERS], limits=limits)
    lost = [result for result in first if result.outcome in ("died", "timeout", "memory")]
    reached = next((result for result in first if result.name == "numpy-import"), None)
    if not lost:
        if reached is not None and not reached.ok:
            return [r if r.name in _NUMPY[:2] else replace(r, outcome="skip", problems=()) for r in first]
        return first
    if reached is None or not reached.ok or reached.outcome == "skip":
        return first
    index = first.index(lost[0]) + 1
    rest = [Task(result.name) for result in first[index:]]
    return [*first[:index], *run_surviving(python, rest, limits=limits)] if rest else first


def _ask_dependents(
    python: Path, names: Sequence[str], disk: Disk, limits: Limits
) -> tuple[list[ProbeResult], list[ProbeResult]]:
    """Import all in one process, with the probes of shared memory; then each that failed in its own."""
    tasks = import_tasks(names, disk)
    modules = {module for task in tasks for module in task.modules}
    sharing = [Task(name) for name in _SHARING if CATALOGUE[name].also in modules]
    if not tasks:
        return [], []
    together = run_tasks(python, [*tasks, *sharing], limits=limits)
    by_name = {task.name: task for task in [*tasks, *sharing]}
    again = [by_name[result.name] for result in together if not result.ok or result.outcome == "skip"]
    alone = [run_tasks(python, [task], limits=limits)[0] for task in again]
    # What was never reached in company has only its own process to speak for it.
    together = [r for r in together if r.outcome != "skip"]
    skipped = {task.name for task in again} - {r.name for r in together}
    return [*together, *(r for r in alone if r.name in skipped)], [r for r in alone if r.name not in skipped]


def _experiment(facts: Facts, limits: Limits, progress: Callable[[str], None]) -> Facts:
    """Repeat what failed without the loader's variables, then without startup code: what passes names the cause."""
    failed = [r.name for r in facts.numpy if not r.ok]
    repeated = {r.name: r for r in facts.alone}
    dependents = [r.name for r in facts.dependents if not repeated.get(r.name, r).ok]
    names = [*failed, *dependents]
    if not names:
        return facts
    tasks = [Task(name) for name in failed]
    imports = {task.name: task for task in import_tasks([n.removeprefix("import ") for n in dependents], facts.disk)}
    tasks += [imports.get(name, Task(name)) for name in dependents]
    python = facts.layout.python
    if facts.loader:
        progress("repeat without LD_* variables")
        plain = {key: value for key, value in os.environ.items() if key not in LOADER_VARIABLES}
        results = run_surviving(python, tasks, limits=limits, environment=plain)
        passed = frozenset(r.name for r in results if r.outcome == "pass")
        if passed:
            return replace(facts, without_loader=passed)
    if facts.hooks:
        progress("repeat without startup code")
        paths = [str(path) for path in facts.layout.sites]
        results = run_surviving(python, tasks, limits=limits, startup=False, paths=paths)
        passed = frozenset(r.name for r in results if r.outcome == "pass")
        if passed:
            return replace(facts, without_startup=passed)
    return facts


def outer_paths(where: Layout) -> tuple[Path, ...]:
    """Folders that a notebook's Python searches first: PYTHONPATH, the working folder, the user's site folder."""
    found = [Path(path) for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    found.append(Path.cwd())
    if where.user_site is not None and site.ENABLE_USER_SITE is not False and not os.environ.get("PYTHONNOUSERSITE"):
        found.append(where.user_site)
    inside = {os.path.realpath(path) for path in where.sites}
    return tuple(path for path in found if os.path.realpath(path) not in inside)
