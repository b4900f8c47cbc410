"""What is wrong with the running process, where its files may be in order."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from bootstrap.health.remediation import repair_package
from bootstrap.health.rules.base import CauseKind, code_faults, own_library, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bootstrap.health.facts import Facts
    from bootstrap.health.live import Live
    from bootstrap.health.model import Cause

FLOAT_STATE_CHANGED = CauseKind("float-state-changed", severity="doubtful", repairs=("restart",), dated="never")
FOREIGN_LIBRARY = CauseKind("foreign-library", severity="doubtful", dated="never")
MIXED_IN_MEMORY = CauseKind("mixed-in-memory", package="numpy", repairs=("restart",))
NUMPY_PATCHED = CauseKind("numpy-patched", package="numpy", repairs=("restart",), dated="never")
NUMPY_SETTINGS = CauseKind("numpy-settings", severity="note", package="numpy", dated="never")
NUMPY_SHADOWED = CauseKind("numpy-shadowed", package="numpy", repairs=("set-aside", "reinstall-damaged"))
PROCESS_UNEXAMINED = CauseKind("process-unexamined", severity="doubtful", package="numpy")
STALE_IN_MEMORY = CauseKind("stale-in-memory", severity="doubtful", repairs=("restart",))
STDLIB_SHADOWED = CauseKind("stdlib-shadowed")
TWO_OPENMP_RUNTIMES = CauseKind("two-openmp-runtimes", severity="note", dated="never")
WRONG_ANSWERS_HERE = CauseKind("wrong-answers-here", package="numpy", repairs=("restart",), dated="never")

RESTART = "Restart the runtime"
_NUMERIC = ("libstdc++", "libgcc_s", "libgfortran", "libquadmath", "libopenblas", "libblas", "liblapack", "libcblas")


def process_roots(facts: Facts) -> list[Cause]:
    """Drafts of causes that lie in the running process; empty where none was examined."""
    if facts.live is None:
        return []
    causes = [
        *_absent(facts, facts.live),
        *_stale_numpy(facts, facts.live),
        *_stale_packages(facts, facts.live),
        *_hidden(facts, facts.live),
        *_patched(facts.live),
        *_arithmetic(facts.live),
        *_answers(facts.live),
        *_runtimes(facts, facts.live),
        *_settings(facts.live),
    ]
    return [replace(cause, live=True) for cause in causes or _unanswered(facts.live)]


def _absent(facts: Facts, live: Live) -> Iterator[Cause]:
    """numpy's name stands for something else, or for nothing while its libraries are loaded."""
    presence = live.probe("live-presence").facts
    if "instead" in presence:
        yield NUMPY_PATCHED(
            summary=f"In this process sys.modules['numpy'] is {presence['instead']}, not numpy.",
            evidence=live.probe("live-presence").problems,
            repair=f"Remove the code that puts it there, then {RESTART.lower()}.",
        )
    if "purged" in presence:
        again = facts.imported_again
        fails = again is not None and not again.ok
        what = "its libraries are still loaded, and it can't be imported again"
        if presence["replaced"]:
            what = "libraries of a version other than that on disk are still loaded: the next import mixes both"
        yield MIXED_IN_MEMORY(
            severity="broken" if presence["replaced"] or fails else "doubtful",
            summary=f"numpy was taken out of sys.modules, but {what}.",
            evidence=(
                *(f"{path}: replaced since it was loaded" for path in presence["replaced"]),
                *(f"{path}: still loaded" for path in presence["purged"] if path not in presence["replaced"]),
                *(f"a fresh process that imports it twice: {line}" for line in (again.problems if again else ())[:2]),
            ),
            files=tuple(presence["purged"]),
            owner=facts.numpy_owner,
            repair=f"{_restart(facts, 'numpy')}.",
        )


def _unanswered(live: Live) -> Iterator[Cause]:
    """Questions that could not be put to the process, where nothing says why."""
    lines = tuple(str(r.facts["unanswered"]) for r in live.results if "unanswered" in r.facts)
    if lines:
        yield PROCESS_UNEXAMINED(
            summary="This process couldn't be examined fully, so it can't be called healthy.",
            evidence=lines,
            repair=f"{RESTART}, and check again.",
        )


def _stale_numpy(facts: Facts, live: Live) -> Iterator[Cause]:
    version, libraries, modules = (live.probe(f"live-{part}").facts for part in ("version", "libraries", "modules"))
    replaced, differing = list(libraries.get("replaced", ())), list(modules.get("differing", ()))
    problems = live.differences
    strangers = dict(modules.get("strangers", {}))
    if not problems:
        return
    held, there = str(version.get("memory", "")), str(version.get("disk", ""))
    two = bool(held and held != there)
    if not (two or replaced or differing):
        yield MIXED_IN_MEMORY(
            summary=f"Parts of the loaded numpy {held} come from elsewhere.",
            evidence=shorten(problems),
            files=tuple(strangers.values()),
            owner=f"numpy {held}",
            repair=f"Take {_folder(strangers)} off the search path, then restart the runtime.",
        )
        return
    # A library that is the very file on disk, beside one that isn't, was loaded after the replacement.
    current = list(libraries.get("current", ()))
    mixed = bool(replaced and current) or bool(differing and not two)
    summary = f"numpy {held} is loaded, {f'numpy {there}' if there else 'no numpy'} is on disk"
    if not two:
        summary = f"numpy {held} was replaced on disk by another build of the same version since it was loaded"
    yield (MIXED_IN_MEMORY if mixed else STALE_IN_MEMORY)(
        severity="broken" if two or mixed else "doubtful",
        summary=f"{summary}{', and modules of both are loaded' if mixed else ''}.",
        evidence=(
            *(f"will fail: {line}" for line in modules.get("failing", ())),
            *shorten(problems),
            *(f"{path}: already loaded from the new files" for path in (current[:3] if mixed else ())),
        ),
        files=tuple(dict.fromkeys([*replaced, *([str(version["root"])] if version.get("root") else [])])),
        owner=f"numpy {there or held}",
        package="numpy",
        repair=_way_back(facts, held, there),
    )


def _restart(facts: Facts, package: str) -> str:
    """To restart; in a locked environment whose files are wrong, to put those back first."""
    wrong = bool(code_faults(package, facts))
    wrong = wrong or any(fault.name == package and fault.kind != "extra" for fault in facts.disk.records)
    if wrong and facts.disk.conda:
        return f"{repair_package(package, facts)} Then restart the runtime"
    return RESTART


def _way_back(facts: Facts, held: str, there: str) -> str:
    """A restart, where the files are in order; where they are not, they come first."""
    locked = facts.disk.locked.get("numpy") or facts.disk.conda.get("numpy")
    damaged = bool(code_faults("numpy", facts))
    if locked and (there != locked or damaged):
        after = "that version is already in memory" if held == locked else "then restart the runtime"
        return f"{repair_package('numpy', facts)} {after[0].upper()}{after[1:]}."
    if damaged or not there:
        return repair_package("numpy", facts)
    return f"{RESTART}: nothing else is needed, the files are one version."


def _stale_packages(facts: Facts, live: Live) -> Iterator[Cause]:
    for top, package in live.probe("live-packages").facts.get("packages", {}).items():
        there = package["owner"] or "nothing"
        yield STALE_IN_MEMORY(
            summary=f"{top} {package['memory']} is loaded, {there} is on disk.".replace("  ", " "),
            evidence=(f"{package['file']}: changed since it was loaded",),
            files=(package["file"],),
            owner=package["owner"] or f"{top} {package['memory']}".strip(),
            package=top,
            repair=f"{_restart(facts, top)} before {top} is used again.",
        )


def _hidden(facts: Facts, live: Live) -> Iterator[Cause]:
    path = live.probe("live-path").facts
    outside = path.get("outside")
    if isinstance(outside, str):
        loaded = path.get("loaded") == outside
        owner = facts.disk.owner_of(outside)
        yield NUMPY_SHADOWED(
            severity="broken" if loaded or live.loaded is False else "doubtful",
            summary=f"This process {'has loaded' if loaded else 'would load'} a numpy other than the installed one: "
            f"{outside}.",
            evidence=live.probe("live-path").problems,
            files=(outside,),
            owner=owner,
            repair=f"Rename or delete {outside}, or take its folder off the search path; then restart the runtime.",
        )
    for name, file in path.get("shadowed", {}).items():
        yield STDLIB_SHADOWED(
            summary=f"{file} hides the standard library's module {name}, which numpy imports.",
            evidence=(f"import {name} would load {file}", *live.probe("live-answers").problems[:2]),
            files=(file,),
            owner=facts.disk.owner_of(file),
            package="numpy",
            repair=f"Rename {file}, then restart the runtime.",
        )


def _patched(live: Live) -> Iterator[Cause]:
    functions = live.probe("live-functions")
    wrong = live.probe("live-answers").problems
    if functions.problems:
        yield NUMPY_PATCHED(
            severity="broken" if wrong else "doubtful",
            summary="Code in this process has replaced parts of numpy.",
            evidence=(*shorten(functions.problems), *wrong[:4]),
            files=tuple(f for f in functions.facts.get("files", ()) if os.path.isabs(f)),  # noqa: PTH117 (as text)
            repair=f"Remove the code that replaces them, then {RESTART.lower()}.",
        )


def _arithmetic(live: Live) -> Iterator[Cause]:
    lines = live.probe("live-arithmetic").problems
    if lines:
        yield FLOAT_STATE_CHANGED(
            severity="broken" if any("round" in line for line in lines) else "doubtful",
            summary="Floating-point arithmetic is altered in this process; a fresh process computes correctly.",
            evidence=(*lines, *live.probe("live-answers").problems[:4]),
            package="numpy",
            repair=f"{RESTART}, without the library that changes it (usually one built with -ffast-math).",
        )


def _answers(live: Live) -> Iterator[Cause]:
    lines = live.probe("live-answers").problems
    # What hides the standard library, replaces functions or alters arithmetic is told as itself.
    known = ("live-path", "live-functions", "live-arithmetic")
    if lines and not any(live.probe(name).problems for name in known):
        yield WRONG_ANSWERS_HERE(
            summary="numpy computes wrong answers in this process; a fresh process computes correctly.",
            evidence=shorten(lines),
            owner=f"numpy {live.probe('live-version').facts.get('memory', '')}".strip(),
            repair=f"{RESTART}.",
        )


def _runtimes(facts: Facts, live: Live) -> Iterator[Cause]:
    runtimes = live.probe("live-runtimes").facts
    inside = f"{os.path.realpath(facts.layout.prefix)}/"
    foreign = [
        path
        for path in runtimes.get("mapped", ())
        if not os.path.realpath(path).startswith(inside)
        and os.path.basename(path).startswith(_NUMERIC)  # noqa: PTH119 (as text)
        and own_library(path, facts)
    ]
    if foreign:
        yield FOREIGN_LIBRARY(
            summary="This process has loaded libraries from outside the environment, which has its own.",
            evidence=tuple(f"{path} instead of {own_library(path, facts)}" for path in foreign),
            files=tuple(foreign),
            repair="Unset LD_LIBRARY_PATH and LD_PRELOAD before Python starts, then restart the runtime.",
        )
    if len(runtimes.get("openmp", {})) > 1:
        paths = [path for group in runtimes["openmp"].values() for path in group]
        yield TWO_OPENMP_RUNTIMES(
            summary=f"{len(runtimes['openmp'])} OpenMP runtimes are loaded: {', '.join(sorted(runtimes['openmp']))}.",
            evidence=tuple(paths),
            files=tuple(paths),
            owner=", ".join(sorted({o for p in paths if (o := facts.disk.owner_of(p))})),
            repair="If threads hang or results vary, use builds of these packages that share one runtime.",
        )


def _settings(live: Live) -> Iterator[Cause]:
    lines = live.probe("live-settings").problems
    if lines:
        yield NUMPY_SETTINGS(
            summary="Code in this process has changed how numpy treats floating-point errors or types.",
            evidence=lines,
            repair="numpy.seterr(divide='warn', over='warn', under='ignore', invalid='warn') restores the defaults.",
        )


def _folder(strangers: dict[str, str]) -> str:
    return os.path.dirname(next(iter(strangers.values()), ""))  # noqa: PTH120 (as text: none is empty)
