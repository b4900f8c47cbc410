"""The course of a check: what is asked, in which order, and what is asked again."""

from __future__ import annotations

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

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
from bootstrap.health.probe_runner import ENDED, Limits, Start, Task, run_surviving, run_tasks
from bootstrap.health.probes import registry
from bootstrap.health.record_files import find_distributions
from bootstrap.health.rules.failures import PYTHON_DOES_NOT_START
from bootstrap.health.variables import Surroundings, surroundings
from bootstrap.hints import command
from bootstrap.prefix.manifest import read_manifest
from bootstrap.prefix.records import is_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from bootstrap.lock import Lock
    from bootstrap.prefix.compare import Comparison

CATALOGUE = registry.PROBES
"""Every probe of a fresh process by name, with what it catches, what it costs and how it works."""
LIVE_CATALOGUE = CHECKS
"""The same for the questions to the running process."""

_ROUTINE = [name for name, probe in CATALOGUE.items() if probe.routine and name != "layout"]
_AT_ONCE = 200
"""Files that one process is asked to compare."""
_SHARING = tuple(name for name in _ROUTINE if name.startswith("share-"))
_NUMPY = ("float-state", "numpy-import", "numpy-modules", "numpy-functions", "numpy-mapped")
_ANSWERS = tuple(name for name in _ROUTINE if name not in (*_SHARING, *_NUMPY))


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
    compared: Comparison | None = None,
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
        compared: How the prefix differs from the lock, where that was looked at just now.
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
    progress("start the interpreter")
    around = Surroundings() if live else surroundings(python)
    environment = around.variables
    start = Start(python, Limits.for_machine(timeout), environment)
    first = run_tasks(replace(start, startup=False), [Task("layout")])[0]
    if not first.ok:
        return _dead(python, prefix, first, time.monotonic() - began)
    where = InterpreterLayout.from_probe(python, first.facts)
    if prefix is not None:
        where = replace(where, prefix=prefix)
    user = _needed_user_site(where, environment)
    if user is not None:
        where = replace(where, sites=(user, *where.sites))
        start = replace(start, paths=(str(user),))
    usual = (*DEPENDENTS, *also) if full else QUICK_DEPENDENTS
    names = tuple(dict.fromkeys(usual if imports is None else imports))
    # In an environment that we made, the compiled modules are left for the next import, which is the user's.
    ours = read_manifest(where.prefix) is not None
    usually = replace(start, keep_bytecode=ours)
    more = ("numpy-surface",) if live else ()
    with ThreadPoolExecutor(3) as pool:
        progress("hash files" if full else "check files")
        pending = pool.submit(
            examine, where.prefix, where.sites, lock=lock, named=names, quick=not full, compared=compared
        )
        beside = None if full else pool.submit(_ask_beside, usually, names, where)
        progress("ask numpy")
        numpy = _ask_numpy(usually, more)
        disk = pending.result()
        answered = beside.result() if beside else None
    facts = Facts(
        layout=where,
        disk=disk,
        numpy=tuple(result for result in numpy if result.name not in more),
        hooks=find_hooks(where.sites),
        loader={name: environment[name] for name in LOADER_VARIABLES if environment.get(name)},
        outer_paths=outer_paths(where, around),
        around=around,
        ours=ours,
        lock=None if lock is None else lock.path.absolute(),
        call=_call(python, prefix, live=live),
    )
    if names and facts.probe("numpy-import").passed:
        progress("import numpy's dependents")
        further = stand_on_numpy(disk, names) if full and imports is None else []
        with ThreadPoolExecutor(1) as pool:
            # Apart: they may not go with each other, which is nothing of numpy's.
            rest = pool.submit(_ask_dependents, usually, further, disk)
            together, alone = answered or _ask_dependents(usually, names, disk)
            more_together, more_alone = rest.result()
        facts = replace(
            facts,
            dependents=(*together, *more_together),
            alone=(*alone, *more_alone),
            further=frozenset(f"import {name}" for name in further),
        )
    if disk.unchecked:
        facts = replace(facts, stale_bytecode=_stale(start, cached=disk.unchecked))
    facts = _experiment(facts, start, progress)
    if live:
        progress("inspect this process")
        process = examine_process(disk, numpy)
        if process.probe("live-presence").facts.get("purged"):
            facts = replace(facts, imported_again=run_tasks(start, [Task("numpy-again")])[0])
        facts = replace(facts, live=process)
    else:
        facts = _as_started(facts, start)
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
    start: Start, names: Sequence[str], where: InterpreterLayout
) -> tuple[list[ProbeResult], list[ProbeResult]]:
    """The same as `_ask_dependents`, before it is known what conda says of the disk."""
    seen = Inventory(where.prefix, where.sites, distributions=tuple(find_distributions(where.sites)))
    return _ask_dependents(start, names, seen)


def _dead(python: Path, prefix: Path | None, result: ProbeResult, seconds: float) -> Report:
    """The report on an interpreter that doesn't even start."""
    if not python.exists():
        raise PrefixNotFoundError("Python not found.", evidence=[f"{python}: not found"])
    place = prefix or python.parent.parent
    restore = f"Restore the environment: `{command('restore', prefix=place)}`."
    cause = PYTHON_DOES_NOT_START(
        summary="The interpreter doesn't start, so nothing in this environment works.",
        evidence=result.problems,
        files=(str(python),),
        owner="python",
        repair=restore if is_environment(place) else "Reinstall this Python, or recreate its virtual environment.",
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


def _ask_numpy(start: Start, more: Sequence[str]) -> list[ProbeResult]:
    """All probes of numpy, and more of them; where its import ends the process, nothing more is asked."""
    # One process for all: a probe that numpy does not survive costs one more import, not one each.
    first = run_tasks(start, [Task(name) for name in (*_NUMPY, *_ANSWERS, *more)])
    lost = next((i for i, result in enumerate(first) if result.outcome in ENDED), None)
    reached = ProbeResult.of("numpy-import", first)
    if lost is None and not reached.ok:
        return [r if r.name in _NUMPY[:2] else replace(r, outcome="skip", problems=()) for r in first]
    if lost is None or not reached.passed:
        return first
    rest = [Task(result.name) for result in first[lost + 1 :]]
    return [*first[: lost + 1], *(run_surviving(replace(start, keep_bytecode=False), rest) if rest else ())]


def _ask_dependents(
    start: Start, names: Sequence[str], disk: Inventory
) -> tuple[list[ProbeResult], list[ProbeResult]]:
    """Import all in one process, with the probes of shared memory; then each that failed in its own."""
    tasks = import_tasks(names, disk)
    modules = {module for task in tasks for module in task.modules}
    if not tasks:
        return [], []
    tasks += [Task(name) for name in _SHARING if CATALOGUE[name].also in modules]
    by_name = {task.name: task for task in tasks}
    together = run_tasks(start, tasks)
    again = [by_name[result.name] for result in together if not result.ok or result.outcome == "skip"]
    alone = [run_tasks(replace(start, keep_bytecode=False), [task])[0] for task in again]
    # What was never reached in company has only its own process to speak for it.
    together = [r for r in together if r.outcome != "skip"]
    skipped = {task.name for task in again} - {r.name for r in together}
    return [*together, *(r for r in alone if r.name in skipped)], [r for r in alone if r.name not in skipped]


def _experiment(facts: Facts, start: Start, progress: Callable[[str], None]) -> Facts:
    """Repeat what fails for no reason found so far, each time with one thing taken away.

    What passes then names the cause: the loader's variables, startup code, or cached bytecode.
    """
    names = unexplained(facts)
    if not names:
        return facts
    imports = [name.removeprefix("import ") for name in names if name.startswith("import ")]
    known = {task.name: task for task in import_tasks(imports, facts.disk)}
    tasks = [known.get(name, Task(name)) for name in names]

    def passing(other: Start) -> frozenset[str]:
        return frozenset(result.name for result in run_surviving(other, tasks) if result.passed)

    def without(*names: str) -> frozenset[str]:
        return passing(_without(start, names))

    if facts.loader:
        progress("repeat without LD_* variables")
        if passed := without(*LOADER_VARIABLES):
            return replace(facts, without={"loader": passed})
    numeric = {key: value for key, value in start.environment.items() if key.startswith(NUMERIC_VARIABLES)}
    if numeric:
        progress("repeat without the variables that numpy reads")
        if passed := without(*numeric):
            told = _culprit(numeric, lambda name: without(name) == passed)
            return replace(facts, without={"variables": passed}, variables=told)
    if facts.hooks:
        progress("repeat without startup code")
        if passed := passing(replace(start, startup=False, paths=[str(path) for path in facts.layout.sites])):
            return replace(facts, without={"startup": passed})
    progress("repeat without cached bytecode")
    if passed := passing(replace(start, bytecode=False)):
        # What a dependent fails by may lie in anything that it imports.
        others = any(name.startswith("import ") for name in passed)
        folders = [str(site if others else site / "numpy") for site in facts.layout.sites]
        if files := _stale(start, folders=folders):
            return replace(facts, without={"bytecode": passed}, stale_bytecode=files)
    return facts


def _as_started(facts: Facts, start: Start) -> Facts:
    """Whether numpy can be imported where the interpreter is started with its variables, as a kernel or a shell does.

    Probes are started without those that Python itself reads. PYTHONPATH is judged by the folders that it names.
    """
    told = {
        key: value for key, value in start.environment.items() if key.startswith("PYTHON") and key != "PYTHONPATH"
    }
    if not told or not facts.probe("numpy-import").passed:
        return facts
    as_started = replace(start, isolated=False, paths=list(map(str, facts.layout.sites)))

    def fails(*left_out: str) -> str:
        result = run_tasks(_without(as_started, ("PYTHONPATH", *left_out)), [Task("numpy-import")])[0]
        return "" if result.passed else next(iter(result.problems), result.outcome)

    if not (problem := fails()) or fails(*told):
        return facts
    return replace(facts, python_variables=_culprit(told, lambda name: not fails(name)), python_problem=problem)


def _without(start: Start, names: Collection[str]) -> Start:
    """The same start without some variables."""
    return replace(start, environment={key: value for key, value in start.environment.items() if key not in names})


def _culprit(variables: dict[str, str], alone: Callable[[str], object]) -> dict[str, str]:
    """The one variable that makes the difference alone, as a rule; where it takes several, all of them."""
    name = next((name for name in variables if len(variables) == 1 or alone(name)), None)
    return variables if name is None else {name: variables[name]}


def _stale(start: Start, **given: Sequence[str]) -> tuple[str, ...]:
    """Which bytecode the interpreter would run that is not its source's, of some files or in some folders."""
    some = [  # a process's argument is limited to 128 KiB
        Task("bytecode", given={key: paths[at : at + _AT_ONCE]})
        for key, paths in given.items()
        for at in range(0, len(paths), _AT_ONCE)
    ]
    results = [run_tasks(start, [task])[0] for task in some]
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
    folders = [around.folder / path for path in named if path]
    if not around.told_by and os.path.realpath(where.prefix) != os.path.realpath(sys.prefix):
        # By which another interpreter was told where this program is: no word to the examined one.
        own = {os.path.realpath(Path(module.__file__).parents[1]) for module in (provenance, rich) if module.__file__}
        folders = [path for path in folders if os.path.realpath(path) not in own]
    folders.append(around.folder)
    if where.user_site is not None and not around.variables.get("PYTHONNOUSERSITE"):
        folders.append(where.user_site)
    inside = {os.path.realpath(path) for path in where.sites}
    return tuple(path for path in folders if os.path.realpath(path) not in inside)
