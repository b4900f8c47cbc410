"""The course of a check: what is asked, in which order, and what is asked again."""

from __future__ import annotations

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich

import bootstrap
from bootstrap import cells
from bootstrap.errors import PrefixNotFoundError
from bootstrap.integrity.blame import add_history
from bootstrap.integrity.disk import Disk, examine
from bootstrap.integrity.facts import LOADER_VARIABLES, NUMERIC_VARIABLES, Facts, Layout, find_hooks
from bootstrap.integrity.importing import DEPENDENTS, QUICK_DEPENDENTS, import_tasks, stand_on_numpy
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
_NUMPY = ("float-state", "numpy-import", "numpy-modules", "numpy-functions", "numpy-mapped", "numpy-unchecked")
_ANSWERS = tuple(name for name in _ROUTINE if name not in (*_SHARING, *_NUMPY))
_MODULES = (answers, layout, linear, origin, sharing, state)  # importing them fills the catalogue


def run_check(
    python: Path,
    *,
    prefix: Path | None,
    lock: Lock | None,
    imports: Sequence[str] | None,
    also: Sequence[str],
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
    user = _needed_user_site(where)
    if user is not None:
        where = replace(where, sites=(user, *where.sites))
    paths = () if user is None else (str(user),)
    usual = (*DEPENDENTS, *also) if full else QUICK_DEPENDENTS
    names = tuple(dict.fromkeys(usual if imports is None else imports))
    # In an environment that we made, the compiled modules are left for the next import, which is the user's.
    ours = read_state(where.prefix) is not None
    more = ("numpy-surface",) if live else ()
    with ThreadPoolExecutor(3) as pool:
        progress("hash files" if full else "check files")
        pending = pool.submit(examine, where.prefix, where.sites, lock=lock, named=names, quick=not full)
        beside = None if full else pool.submit(_ask_beside, python, names, where, limits, keep_bytecode=ours)
        progress("ask numpy")
        numpy = _ask_numpy(python, limits, keep_bytecode=ours, more=more, paths=paths)
        disk = pending.result()
        answered = beside.result() if beside else None
    facts = Facts(
        layout=where,
        disk=disk,
        numpy=tuple(result for result in numpy if result.name not in more),
        hooks=find_hooks(disk),
        loader={name: os.environ[name] for name in LOADER_VARIABLES if os.environ.get(name)},
        outer_paths=outer_paths(where),
        ours=ours,
        lock=None if lock is None else lock.path.absolute(),
        call=_call(python, prefix, live=live),
    )
    imported = facts.probe("numpy-import")
    if names and imported is not None and imported.passed:
        progress("import numpy's dependents")
        further = stand_on_numpy(disk, names) if full and imports is None else []
        with ThreadPoolExecutor(1) as pool:
            # Apart: they may not go with each other, which is nothing of numpy's.
            rest = pool.submit(_ask_dependents, python, further, disk, limits, keep_bytecode=ours, paths=paths)
            together, alone = answered or _ask_dependents(
                python, names, disk, limits, keep_bytecode=ours, paths=paths
            )
            more_together, more_alone = rest.result()
        facts = replace(
            facts,
            dependents=(*together, *more_together),
            alone=(*alone, *more_alone),
            further=frozenset(f"import {name}" for name in further),
        )
    facts = _experiment(facts, limits, progress, paths=paths)
    if live:
        progress("inspect this process")
        process = examine_process(disk, numpy)
        if process.facts("live-presence").get("purged"):
            facts = replace(
                facts, imported_again=run_tasks(python, [Task("numpy-again")], limits=limits, paths=paths)[0]
            )
        facts = replace(facts, live=process)
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
    user = _needed_user_site(where)
    paths = () if user is None else (str(user),)
    return _ask_dependents(python, names, seen, limits, keep_bytecode=keep_bytecode, paths=paths)


def _dead(python: Path, prefix: Path | None, result: ProbeResult, seconds: float) -> Report:
    """The report on an interpreter that doesn't even start."""
    if not python.exists():
        raise PrefixNotFoundError("Python not found.", evidence=[f"{python}: not found"])
    cause = Cause(
        id="python-does-not-start",
        severity="broken",
        summary="The interpreter doesn't start, so nothing in this environment works.",
        evidence=result.problems,
        files=(str(python),),
        owner="python",
        repair=f"Restore the environment: `bootstrap restore --prefix {prefix or python.parent.parent}`.",
    )
    return Report(str(python), str(prefix or ""), None, (cause,), (result,), seconds)


def _call(python: Path, prefix: Path | None, *, live: bool) -> str:
    """What a cell calls to have it repaired; '' where no cell was asked."""
    if live:
        return "bootstrap.check(repair=True)"
    if cells.shell() is None:
        return ""
    where = f"python={str(python)!r}" if prefix is None else repr(str(prefix))
    return f"bootstrap.check({where}, repair=True)"


def _needed_user_site(where: Layout) -> Path | None:
    """The user's site folder, where this interpreter has its numpy from there and nowhere else."""
    user = where.user_site
    if user is None or os.environ.get("PYTHONNOUSERSITE"):
        return None
    there = [site for site in where.sites if (site / "numpy").is_dir() or any(site.glob("numpy-*.dist-info"))]
    return user if not there and any(user.glob("numpy-*.dist-info")) else None


def _ask_numpy(
    python: Path, limits: Limits, *, keep_bytecode: bool, more: Sequence[str] = (), paths: Sequence[str] = ()
) -> list[ProbeResult]:
    """All probes of numpy; where its import ends the process, nothing more is asked."""
    # One process for all: a probe that numpy does not survive costs one more import, not one each.
    tasks = [Task(name) for name in (*_NUMPY, *_ANSWERS, *more)]
    first = run_tasks(python, tasks, limits=limits, keep_bytecode=keep_bytecode, paths=paths)
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
    return [*first[:index], *run_surviving(python, rest, limits=limits, paths=paths)] if rest else first


def _ask_dependents(
    python: Path,
    names: Sequence[str],
    disk: Disk,
    limits: Limits,
    *,
    keep_bytecode: bool,
    paths: Sequence[str] = (),
) -> tuple[list[ProbeResult], list[ProbeResult]]:
    """Import all in one process, with the probes of shared memory; then each that failed in its own."""
    tasks = import_tasks(names, disk)
    modules = {module for task in tasks for module in task.modules}
    sharing = [Task(name) for name in _SHARING if CATALOGUE[name].also in modules]
    if not tasks:
        return [], []
    together = run_tasks(python, [*tasks, *sharing], limits=limits, keep_bytecode=keep_bytecode, paths=paths)
    by_name = {task.name: task for task in [*tasks, *sharing]}
    again = [by_name[result.name] for result in together if not result.ok or result.outcome == "skip"]
    alone = [run_tasks(python, [task], limits=limits, paths=paths)[0] for task in again]
    # What was never reached in company has only its own process to speak for it.
    together = [r for r in together if r.outcome != "skip"]
    skipped = {task.name for task in again} - {r.name for r in together}
    return [*together, *(r for r in alone if r.name in skipped)], [r for r in alone if r.name not in skipped]


def _experiment(facts: Facts, limits: Limits, progress: Callable[[str], None], *, paths: Sequence[str] = ()) -> Facts:
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
        results = run_surviving(facts.layout.python, tasks, limits=limits, **{"paths": paths, **options})
        return frozenset(result.name for result in results if result.passed)

    if facts.loader:
        progress("repeat without LD_* variables")
        plain = {key: value for key, value in os.environ.items() if key not in LOADER_VARIABLES}
        if passed := passing(environment=plain):
            return replace(facts, without_loader=passed)
    numeric = {key: value for key, value in os.environ.items() if key.startswith(NUMERIC_VARIABLES)}
    if numeric:
        progress("repeat without the variables that numpy reads")

        def without(*names: str) -> frozenset[str]:
            return passing(environment={key: value for key, value in os.environ.items() if key not in names})

        if passed := without(*numeric):
            # One of them, as a rule; where it takes several, all that are set.
            guilty = next((name for name in numeric if len(numeric) == 1 or without(name) == passed), None)
            told = numeric if guilty is None else {guilty: numeric[guilty]}
            return replace(facts, without_variables=passed, variables=told)
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


def direct(path: Path) -> Path:
    """The absolute path without ``..``, as the interpreter tells its own places; links in it stay."""
    absolute = path.absolute()
    plain = Path(os.path.normpath(absolute))
    if absolute == plain or not absolute.exists() or (plain.exists() and plain.samefile(absolute)):
        return plain
    # Behind a link, ``..`` is another folder than the one before it.
    return absolute.parent.resolve() / absolute.name


def outer_paths(where: Layout) -> tuple[Path, ...]:
    """Folders that a notebook's Python searches first: PYTHONPATH, the working folder, the user's site folder."""
    found = [Path(path) for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    if os.path.realpath(where.prefix) != os.path.realpath(sys.prefix):
        # By which another interpreter was told where this program is: no word to the examined one.
        own = {os.path.realpath(Path(module.__file__).parents[1]) for module in (bootstrap, rich) if module.__file__}
        found = [path for path in found if os.path.realpath(path) not in own]
    found.append(Path.cwd())
    if where.user_site is not None and not os.environ.get("PYTHONNOUSERSITE"):
        found.append(where.user_site)
    inside = {os.path.realpath(path) for path in where.sites}
    return tuple(path for path in found if os.path.realpath(path) not in inside)
