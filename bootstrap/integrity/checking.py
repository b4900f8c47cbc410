"""The course of a check: what is asked, in which order, and what is asked again."""

from __future__ import annotations

import os
import site
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bootstrap.errors import PrefixNotFoundError
from bootstrap.integrity.blame import add_history
from bootstrap.integrity.disk import Disk, examine
from bootstrap.integrity.facts import LOADER_VARIABLES, Facts, Layout, find_hooks
from bootstrap.integrity.importing import DEPENDENTS, QUICK_DEPENDENTS, import_tasks
from bootstrap.integrity.judgement import judge, unexplained
from bootstrap.integrity.live import CHECKS, examine_process
from bootstrap.integrity.model import Cause, ProbeResult, Report
from bootstrap.integrity.probes import answers, layout, linear, origin, registry, sharing, state
from bootstrap.integrity.process import Limits, Task, run_surviving, run_tasks
from bootstrap.integrity.record_files import find_distributions
from bootstrap.prefix.state import read_state

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bootstrap.lock import Lock

CATALOGUE = registry.PROBES
"""Every probe of a fresh process by name, with what it catches, what it costs and how it works."""
LIVE_CATALOGUE = CHECKS
"""The same for the questions to the running process."""

_ROUTINE = [name for name, probe in CATALOGUE.items() if probe.routine and name != "layout"]
_SHARING = tuple(name for name in _ROUTINE if name.startswith("share-"))
_NUMPY = ("float-state", "numpy-import", "numpy-modules", "numpy-functions", "numpy-mapped")
_ANSWERS = tuple(name for name in _ROUTINE if name not in (*_SHARING, *_NUMPY))
_MODULES = (answers, layout, linear, origin, sharing, state)  # importing them fills the catalogue


def run_check(
    python: Path,
    *,
    prefix: Path | None,
    lock: Lock | None,
    imports: Sequence[str] | None,
    full: bool,
    live: bool,
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
    names = tuple(imports) if imports is not None else DEPENDENTS if full else QUICK_DEPENDENTS
    # In an environment that we made, the compiled modules are left for the next import, which is the user's.
    ours = read_state(where.prefix) is not None
    more = ("numpy-surface",) if live else ()
    with ThreadPoolExecutor(2) as pool:
        progress("hash files" if full else "look at files")
        pending = pool.submit(examine, where.prefix, where.sites, lock=lock, named=names, quick=not full)
        beside = None if full else pool.submit(_ask_beside, python, names, where, limits, keep_bytecode=ours)
        progress("ask numpy")
        numpy = _ask_numpy(python, limits, keep_bytecode=ours, more=more)
        disk = pending.result()
        answered = beside.result() if beside else None
    facts = Facts(
        layout=where,
        disk=disk,
        numpy=tuple(result for result in numpy if result.name not in more),
        hooks=find_hooks(disk),
        loader={name: os.environ[name] for name in LOADER_VARIABLES if os.environ.get(name)},
        outer_paths=outer_paths(where),
    )
    imported = facts.probe("numpy-import")
    if names and imported is not None and imported.passed:
        progress("import what stands on numpy")
        together, alone = answered or _ask_dependents(python, names, disk, limits, keep_bytecode=ours)
        facts = replace(facts, dependents=tuple(together), alone=tuple(alone))
    facts = _experiment(facts, limits, progress)
    if live:
        progress("ask this process")
        facts = replace(facts, live=examine_process(disk, numpy))
    progress("judge")
    return Report(
        python=str(python),
        prefix=str(where.prefix),
        numpy_version=facts.numpy_version,
        causes=tuple(add_history(cause, facts) for cause in judge(facts)),
        probes=(first, *facts.numpy, *facts.dependents, *facts.alone, *(facts.live.results if facts.live else ())),
        seconds=time.monotonic() - began,
        files_checked=disk.checked,
        level="full" if full else "quick",
        live=live,
        manager="conda" if disk.conda else "pip",
        lock=None if lock is None else str(lock.path.absolute()),
        imports=None if imports is None else tuple(imports),
    )


def _ask_beside(
    python: Path, names: Sequence[str], where: Layout, limits: Limits, *, keep_bytecode: bool
) -> tuple[list[ProbeResult], list[ProbeResult]]:
    """The same as `_ask_dependents`, before it is known what conda says of the disk."""
    seen = Disk(where.prefix, where.sites, distributions=tuple(find_distributions(where.sites)))
    return _ask_dependents(python, names, seen, limits, keep_bytecode=keep_bytecode)


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


def _ask_numpy(python: Path, limits: Limits, *, keep_bytecode: bool, more: Sequence[str] = ()) -> list[ProbeResult]:
    """All probes of numpy; where its import ends the process, nothing more is asked."""
    # One process for all: a probe that numpy does not survive costs one more import, not one each.
    tasks = [Task(name) for name in (*_NUMPY, *_ANSWERS, *more)]
    first = run_tasks(python, tasks, limits=limits, keep_bytecode=keep_bytecode)
    lost = [result for result in first if result.outcome in ("died", "timeout", "memory")]
    reached = next((result for result in first if result.name == "numpy-import"), None)
    if not lost:
        if reached is not None and not reached.ok:
            return [r if r.name in _NUMPY[:2] else replace(r, outcome="skip", problems=()) for r in first]
        return first
    if reached is None or not reached.passed:
        return first
    index = first.index(lost[0]) + 1
    rest = [Task(result.name) for result in first[index:]]
    return [*first[:index], *run_surviving(python, rest, limits=limits)] if rest else first


def _ask_dependents(
    python: Path, names: Sequence[str], disk: Disk, limits: Limits, *, keep_bytecode: bool
) -> tuple[list[ProbeResult], list[ProbeResult]]:
    """Import all in one process, with the probes of shared memory; then each that failed in its own."""
    tasks = import_tasks(names, disk)
    modules = {module for task in tasks for module in task.modules}
    sharing = [Task(name) for name in _SHARING if CATALOGUE[name].also in modules]
    if not tasks:
        return [], []
    together = run_tasks(python, [*tasks, *sharing], limits=limits, keep_bytecode=keep_bytecode)
    by_name = {task.name: task for task in [*tasks, *sharing]}
    again = [by_name[result.name] for result in together if not result.ok or result.outcome == "skip"]
    alone = [run_tasks(python, [task], limits=limits)[0] for task in again]
    # What was never reached in company has only its own process to speak for it.
    together = [r for r in together if r.outcome != "skip"]
    skipped = {task.name for task in again} - {r.name for r in together}
    return [*together, *(r for r in alone if r.name in skipped)], [r for r in alone if r.name not in skipped]


def _experiment(facts: Facts, limits: Limits, progress: Callable[[str], None]) -> Facts:
    """Repeat what fails for no reason found so far, each time with one thing taken away.

    What passes then names the cause: the loader's variables, startup code, or cached bytecode.
    """
    names = unexplained(facts)
    if not names:
        return facts
    imports = [name.removeprefix("import ") for name in names if name.startswith("import ")]
    known = {task.name: task for task in import_tasks(imports, facts.disk)}
    tasks = [known.get(name, Task(name)) for name in names]

    def passing(**options: Any) -> frozenset[str]:
        results = run_surviving(facts.layout.python, tasks, limits=limits, **options)
        return frozenset(result.name for result in results if result.passed)

    if facts.loader:
        progress("repeat without LD_* variables")
        plain = {key: value for key, value in os.environ.items() if key not in LOADER_VARIABLES}
        if passed := passing(environment=plain):
            return replace(facts, without_loader=passed)
    if facts.hooks:
        progress("repeat without startup code")
        if passed := passing(startup=False, paths=[str(path) for path in facts.layout.sites]):
            return replace(facts, without_startup=passed)
    progress("repeat without cached bytecode")
    if passed := passing(bytecode=False):
        stale = run_tasks(facts.layout.python, [Task("numpy-bytecode")], limits=limits)[0]
        files = tuple(str(path) for path in stale.facts.get("files", ()))
        if files:
            return replace(facts, without_bytecode=passed, stale_bytecode=files)
    return facts


def outer_paths(where: Layout) -> tuple[Path, ...]:
    """Folders that a notebook's Python searches first: PYTHONPATH, the working folder, the user's site folder."""
    found = [Path(path) for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    found.append(Path.cwd())
    if where.user_site is not None and site.ENABLE_USER_SITE is not False and not os.environ.get("PYTHONNOUSERSITE"):
        found.append(where.user_site)
    inside = {os.path.realpath(path) for path in where.sites}
    return tuple(path for path in found if os.path.realpath(path) not in inside)
