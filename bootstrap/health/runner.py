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

from bootstrap import provenance
from bootstrap.errors import PrefixNotFoundError
from bootstrap.health.attribution import attribute, unexplained
from bootstrap.health.blame import add_history
from bootstrap.health.facts import LOADER_VARIABLES, NUMERIC_VARIABLES, Facts, InterpreterLayout, find_hooks
from bootstrap.health.import_names import DEPENDENTS, QUICK_DEPENDENTS, import_tasks, stand_on_numpy
from bootstrap.health.inventory import Inventory, examine
from bootstrap.health.live import CHECKS, examine_process
from bootstrap.health.model import ProbeResult, Report
from bootstrap.health.probe_runner import Limits, Task, run_surviving, run_tasks
from bootstrap.health.probes import answers, layout, linear, origin, registry, sharing, state
from bootstrap.health.record_files import find_distributions
from bootstrap.health.rules.base import CauseKind
from bootstrap.health.variables import Surroundings, surroundings
from bootstrap.hints import command
from bootstrap.prefix.manifest import read_manifest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bootstrap.lock import Lock

CATALOGUE = registry.PROBES
"""Every probe of a fresh process by name, with what it catches, what it costs and how it works."""
LIVE_CATALOGUE = CHECKS
"""The same for the questions to the running process."""

PYTHON_DOES_NOT_START = CauseKind("python-does-not-start")
_ROUTINE = [name for name, probe in CATALOGUE.items() if probe.routine and name != "layout"]
_AT_ONCE = 200
"""Files that one process is asked to compare."""
_SHARING = tuple(name for name in _ROUTINE if name.startswith("share-"))
_NUMPY = ("float-state", "numpy-import", "numpy-modules", "numpy-functions", "numpy-mapped")
_ANSWERS = tuple(name for name in _ROUTINE if name not in (*_SHARING, *_NUMPY))
_MODULES = (answers, layout, linear, origin, sharing, state)  # importing them fills the catalogue


def check(
    prefix: Path | None = None,
    *,
    python: Path | None = None,
    lock: Lock | None = None,
    imports: Sequence[str] | None = None,
    also: Sequence[str] = (),
    full: bool = True,
    live: bool = False,
    timeout: float = 120.0,
    progress: Callable[[str], None] = lambda _stage: None,
) -> Report:
    """Checks numpy and its dependents in one environment.

    Args:
        prefix: The environment; by default that of ``python``.
        python: The interpreter to examine; by default the prefix's own, or the running one.
        full: Hash every file and import every dependent. Otherwise numpy is hashed, and what shows a sign of
            change; scipy, pandas and pyarrow are imported, other compiled packages looked at.
        live: Also examine the running process, whose interpreter ``python`` has to be.
        lock: What should be installed. Without it, files are still compared with what their package says.
        imports: Packages to import (distributions, conda packages or modules; those that aren't installed are
            left out). By default those of `DEPENDENTS` and all others with extension modules that use numpy,
            or the three quick ones; an empty sequence imports none.
        also: More to import beside those of the default, at the full level.
        timeout: Seconds that one probe may take.
        progress: Called with a few words at each stage.

    Raises:
        PrefixNotFoundError: There is no such environment or interpreter.
    """
    if python is None:
        python = Path(sys.executable) if prefix is None else prefix / "bin" / "python"
    if prefix is not None and not prefix.is_dir():
        raise PrefixNotFoundError("There is no environment at the prefix.", evidence=[f"{prefix}: not found"])
    python, prefix = direct(python), None if prefix is None else direct(prefix)
    began = time.monotonic()
    limits = Limits.for_machine(timeout)
    progress("start the interpreter")
    around = Surroundings() if live else surroundings(python)
    environment = around.variables
    first = run_tasks(python, [Task("layout")], limits=limits, startup=False, environment=environment)[0]
    if not first.ok:
        return _dead(python, prefix, first, time.monotonic() - began)
    where = InterpreterLayout.from_probe(python, first.facts)
    if prefix is not None:
        where = replace(where, prefix=prefix)
    user = _needed_user_site(where, environment)
    if user is not None:
        where = replace(where, sites=(user, *where.sites))
    paths = () if user is None else (str(user),)
    usual = (*DEPENDENTS, *also) if full else QUICK_DEPENDENTS
    names = tuple(dict.fromkeys(usual if imports is None else imports))
    # In an environment that we made, the compiled modules are left for the next import, which is the user's.
    ours = read_manifest(where.prefix) is not None
    more = ("numpy-surface",) if live else ()
    start: dict[str, Any] = {"environment": environment, "keep_bytecode": ours}
    with ThreadPoolExecutor(3) as pool:
        progress("hash files" if full else "check files")
        pending = pool.submit(examine, where.prefix, where.sites, lock=lock, named=names, quick=not full)
        beside = None if full else pool.submit(_ask_beside, python, names, where, limits, **start)
        progress("ask numpy")
        numpy = _ask_numpy(python, limits, more=more, paths=paths, **start)
        disk = pending.result()
        answered = beside.result() if beside else None
    facts = Facts(
        layout=where,
        disk=disk,
        numpy=tuple(result for result in numpy if result.name not in more),
        hooks=find_hooks(disk),
        loader={name: environment[name] for name in LOADER_VARIABLES if environment.get(name)},
        outer_paths=outer_paths(where, around),
        around=around,
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
            rest = pool.submit(_ask_dependents, python, further, disk, limits, paths=paths, **start)
            together, alone = answered or _ask_dependents(python, names, disk, limits, paths=paths, **start)
            more_together, more_alone = rest.result()
        facts = replace(
            facts,
            dependents=(*together, *more_together),
            alone=(*alone, *more_alone),
            further=frozenset(f"import {name}" for name in further),
        )
    if disk.unchecked:
        facts = replace(facts, stale_bytecode=_stale(python, limits, cached=disk.unchecked))
    facts = _experiment(facts, limits, progress, environment, paths=paths)
    if not live:
        facts = _as_started(facts, limits, environment)
    if live:
        progress("inspect this process")
        process = examine_process(disk, numpy)
        if process.facts("live-presence").get("purged"):
            facts = replace(
                facts, imported_again=run_tasks(python, [Task("numpy-again")], limits=limits, paths=paths)[0]
            )
        facts = replace(facts, live=process)
    progress("attribute")
    return Report(
        python=str(python),
        prefix=str(where.prefix),
        numpy_version=facts.numpy_version,
        causes=tuple(add_history(cause, facts) for cause in attribute(facts)),
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
    python: Path,
    names: Sequence[str],
    where: InterpreterLayout,
    limits: Limits,
    *,
    environment: Mapping[str, str],
    **start: Any,
) -> tuple[list[ProbeResult], list[ProbeResult]]:
    """The same as `_ask_dependents`, before it is known what conda says of the disk."""
    seen = Inventory(where.prefix, where.sites, distributions=tuple(find_distributions(where.sites)))
    user = _needed_user_site(where, environment)
    paths = () if user is None else (str(user),)
    return _ask_dependents(python, names, seen, limits, paths=paths, environment=environment, **start)


def _dead(python: Path, prefix: Path | None, result: ProbeResult, seconds: float) -> Report:
    """The report on an interpreter that doesn't even start."""
    if not python.exists():
        raise PrefixNotFoundError("Python not found.", evidence=[f"{python}: not found"])
    cause = PYTHON_DOES_NOT_START(
        summary="The interpreter doesn't start, so nothing in this environment works.",
        evidence=result.problems,
        files=(str(python),),
        owner="python",
        repair=f"Restore the environment: `{command('restore', prefix=prefix or python.parent.parent)}`.",
    )
    return Report(str(python), str(prefix or ""), None, (cause,), (result,), seconds)


def _call(python: Path, prefix: Path | None, *, live: bool) -> str:
    """What a cell calls to have it repaired; '' where no cell was asked."""
    if live:
        return "bootstrap.check(repair=True)"
    if provenance.shell() is None:
        return ""
    where = f"python={str(python)!r}" if prefix is None else repr(str(prefix))
    return f"bootstrap.check({where}, repair=True)"


def _needed_user_site(where: InterpreterLayout, environment: Mapping[str, str]) -> Path | None:
    """The user's site folder, where this interpreter has its numpy from there and nowhere else."""
    user = where.user_site
    if user is None or environment.get("PYTHONNOUSERSITE"):
        return None
    there = [site for site in where.sites if (site / "numpy").is_dir() or any(site.glob("numpy-*.dist-info"))]
    return user if not there and any(user.glob("numpy-*.dist-info")) else None


def _ask_numpy(
    python: Path,
    limits: Limits,
    *,
    environment: Mapping[str, str],
    keep_bytecode: bool,
    more: Sequence[str] = (),
    paths: Sequence[str] = (),
) -> list[ProbeResult]:
    """All probes of numpy; where its import ends the process, nothing more is asked."""
    # One process for all: a probe that numpy does not survive costs one more import, not one each.
    tasks = [Task(name) for name in (*_NUMPY, *_ANSWERS, *more)]
    first = run_tasks(python, tasks, limits=limits, keep_bytecode=keep_bytecode, paths=paths, environment=environment)
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
    return (
        [*first[:index], *run_surviving(python, rest, limits=limits, paths=paths, environment=environment)]
        if rest
        else first
    )


def _ask_dependents(
    python: Path,
    names: Sequence[str],
    disk: Inventory,
    limits: Limits,
    *,
    environment: Mapping[str, str],
    keep_bytecode: bool,
    paths: Sequence[str] = (),
) -> tuple[list[ProbeResult], list[ProbeResult]]:
    """Import all in one process, with the probes of shared memory; then each that failed in its own."""
    tasks = import_tasks(names, disk)
    modules = {module for task in tasks for module in task.modules}
    sharing = [Task(name) for name in _SHARING if CATALOGUE[name].also in modules]
    if not tasks:
        return [], []
    start: dict[str, Any] = {"limits": limits, "paths": paths, "environment": environment}
    together = run_tasks(python, [*tasks, *sharing], keep_bytecode=keep_bytecode, **start)
    by_name = {task.name: task for task in [*tasks, *sharing]}
    again = [by_name[result.name] for result in together if not result.ok or result.outcome == "skip"]
    alone = [run_tasks(python, [task], **start)[0] for task in again]
    # What was never reached in company has only its own process to speak for it.
    together = [r for r in together if r.outcome != "skip"]
    skipped = {task.name for task in again} - {r.name for r in together}
    return [*together, *(r for r in alone if r.name in skipped)], [r for r in alone if r.name not in skipped]


def _experiment(
    facts: Facts,
    limits: Limits,
    progress: Callable[[str], None],
    environment: Mapping[str, str],
    *,
    paths: Sequence[str] = (),
) -> Facts:
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
        start = {"paths": paths, "environment": environment, **options}
        results = run_surviving(facts.layout.python, tasks, limits=limits, **start)
        return frozenset(result.name for result in results if result.passed)

    if facts.loader:
        progress("repeat without LD_* variables")
        plain = {key: value for key, value in environment.items() if key not in LOADER_VARIABLES}
        if passed := passing(environment=plain):
            return replace(facts, without_loader=passed)
    numeric = {key: value for key, value in environment.items() if key.startswith(NUMERIC_VARIABLES)}
    if numeric:
        progress("repeat without the variables that numpy reads")

        def without(*names: str) -> frozenset[str]:
            return passing(environment={key: value for key, value in environment.items() if key not in names})

        if passed := without(*numeric):
            # One of them, as a rule; where it takes several, all that are set.
            culprit = next((name for name in numeric if len(numeric) == 1 or without(name) == passed), None)
            told = numeric if culprit is None else {culprit: numeric[culprit]}
            return replace(facts, without_variables=passed, variables=told)
    if facts.hooks:
        progress("repeat without startup code")
        if passed := passing(startup=False, paths=[str(path) for path in facts.layout.sites]):
            return replace(facts, without_startup=passed)
    progress("repeat without cached bytecode")
    if passed := passing(bytecode=False):
        # What a dependent fails by may lie in anything that it imports.
        others = any(name.startswith("import ") for name in passed)
        folders = [str(site if others else site / "numpy") for site in facts.layout.sites]
        if files := _stale(facts.layout.python, limits, folders=folders):
            return replace(facts, without_bytecode=passed, stale_bytecode=files)
    return facts


def _as_started(facts: Facts, limits: Limits, environment: Mapping[str, str]) -> Facts:
    """Whether numpy can be imported where the interpreter is started with its variables, as a kernel or a shell does.

    Probes are started without those that Python itself reads. PYTHONPATH is judged by the folders that it names.
    """
    told = {key: value for key, value in environment.items() if key.startswith("PYTHON") and key != "PYTHONPATH"}
    imported = facts.probe("numpy-import")
    if not told or imported is None or not imported.passed:
        return facts

    def fails(*left_out: str) -> str:
        kept = {key: value for key, value in environment.items() if key not in ("PYTHONPATH", *left_out)}
        options: dict[str, Any] = {
            "environment": kept,
            "isolated": False,
            "paths": list(map(str, facts.layout.sites)),
        }
        result = run_tasks(facts.layout.python, [Task("numpy-import")], limits=limits, **options)[0]
        return "" if result.passed else next(iter(result.problems), result.outcome)

    if not (problem := fails()) or fails(*told):
        return facts
    culprit = next((name for name in told if not fails(name)), None)
    return replace(
        facts, python_variables=told if culprit is None else {culprit: told[culprit]}, python_problem=problem
    )


def _stale(python: Path, limits: Limits, **given: Sequence[str]) -> tuple[str, ...]:
    """Which bytecode the interpreter would run that is not its source's, of some files or in some folders."""
    some = [  # a process's argument is limited to 128 KiB
        Task("bytecode", given={key: paths[start : start + _AT_ONCE]})
        for key, paths in given.items()
        for start in range(0, len(paths), _AT_ONCE)
    ]
    results = [run_tasks(python, [task], limits=limits)[0] for task in some]
    return tuple(str(path) for result in results for path in result.facts.get("files", ()))


def direct(path: Path) -> Path:
    """The absolute path without ``..``, as the interpreter tells its own places; links in it stay."""
    absolute = path.absolute()
    plain = Path(os.path.normpath(absolute))
    if absolute == plain or not absolute.exists() or (plain.exists() and plain.samefile(absolute)):
        return plain
    # Behind a link, ``..`` is another folder than the one before it.
    return absolute.parent.resolve() / absolute.name


def outer_paths(where: InterpreterLayout, around: Surroundings) -> tuple[Path, ...]:
    """Folders that a notebook's Python searches first: PYTHONPATH, the working folder, the user's site folder."""
    named = around.variables.get("PYTHONPATH", "").split(os.pathsep)
    found = [around.folder / path for path in named if path]
    if not around.told_by and os.path.realpath(where.prefix) != os.path.realpath(sys.prefix):
        # By which another interpreter was told where this program is: no word to the examined one.
        own = {os.path.realpath(Path(module.__file__).parents[1]) for module in (provenance, rich) if module.__file__}
        found = [path for path in found if os.path.realpath(path) not in own]
    found.append(around.folder)
    if where.user_site is not None and not around.variables.get("PYTHONNOUSERSITE"):
        found.append(where.user_site)
    inside = {os.path.realpath(path) for path in where.sites}
    return tuple(path for path in found if os.path.realpath(path) not in inside)
