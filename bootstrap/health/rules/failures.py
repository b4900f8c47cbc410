"""Failed probes that nothing else explains, each as a cause of its own."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap._util.names import canonical_name
from bootstrap.health.probe_runner import ENDED
from bootstrap.health.remediation import nearest_release, pip_command
from bootstrap.health.rules.base import CauseKind, package_name
from bootstrap.health.rules.compatibility import BUILT_FOR_ANOTHER_NUMPY, DEPENDENCY_MISSING
from bootstrap.health.rules.process import FLOAT_STATE_CHANGED, NUMPY_PATCHED
from bootstrap.health.symptoms import MISSING, misfit

if TYPE_CHECKING:
    from bootstrap.health.facts import Facts
    from bootstrap.health.model import Cause, ProbeResult
    from bootstrap.health.symptoms import Symptom

FLOAT_STATE = CauseKind("float-state", package="numpy")
IMPORT_FAILS = CauseKind("import-fails", repairs=("reinstall",))
INTERPRETER_START_FAILS = CauseKind("interpreter-start-fails", package="numpy")
LIBRARY_TOO_OLD = CauseKind("library-too-old")
MEMORY_NOT_SHARED = CauseKind("memory-not-shared", repairs=("reinstall",))
NUMPY_CRASHES = CauseKind("numpy-crashes", package="numpy", repairs=("reinstall",))
NUMPY_IMPORT_FAILS = CauseKind("numpy-import-fails", package="numpy", repairs=("reinstall",))
NUMPY_WRONG_ANSWERS = CauseKind("numpy-wrong-answers", package="numpy", repairs=("reinstall",))
PYTHON_DOES_NOT_START = CauseKind("python-does-not-start")

_TOO_OLD = re.compile(r"(?P<library>/\S+): version [`'](?P<wanted>(?:GLIBC|GLIBCXX|CXXABI|GCC)_[\w.]+)' not found")


def own_cause(symptom: Symptom, facts: Facts) -> Cause:
    """The cause that a symptom becomes when nothing explains it."""
    package, result = symptom.package, symptom.result
    if result.name == "numpy-functions":
        return NUMPY_PATCHED(
            severity=symptom.severity,
            summary="Other code replaces functions of numpy.",
            files=tuple(result.facts.get("files", ())),
            repair="Remove the code that replaces them.",
        )
    if result.name == "float-state" and result.facts.get("started", True):
        return FLOAT_STATE(
            summary="Floating-point arithmetic is altered before numpy is imported.",
            core=True,
            repair="Find the preloaded library that sets rounding or flush-to-zero, and remove it.",
        )
    if result.name == "float-state":
        return INTERPRETER_START_FAILS(
            summary=f"The interpreter starts only without its site folders{_manner(result)}.",
            core=True,
            repair="Check the .pth files and sitecustomize of the site folders.",
        )
    owner = facts.numpy_owner if package == "numpy" else installed(package, facts)
    if symptom.only_state:
        return FLOAT_STATE_CHANGED(
            severity=symptom.severity,
            summary=f"Importing {package} changes floating-point arithmetic for the whole process.",
            owner=owner,
            package=package,
            repair=f"Use a build of {package} compiled without -ffast-math.",
        )
    if old := _TOO_OLD.search(symptom.text):
        return _library_too_old(old, package, owner, facts)
    kind, summary = (_of_numpy if package == "numpy" else _of_a_dependent)(symptom, owner, facts)
    return kind(severity=symptom.severity, summary=summary, owner=owner, package=package)


def _of_numpy(symptom: Symptom, _owner: str, _facts: Facts) -> tuple[CauseKind, str]:
    result = symptom.result
    if result.name == "numpy-import":
        return NUMPY_IMPORT_FAILS, f"numpy can't be imported{_manner(result)}."
    if result.outcome in ENDED:
        return NUMPY_CRASHES, f"numpy crashes in the probe {result.name}{_manner(result)}."
    return NUMPY_WRONG_ANSWERS, "numpy computes wrong answers, although its files are unchanged."


def _of_a_dependent(symptom: Symptom, owner: str, facts: Facts) -> tuple[CauseKind, str]:
    package, missing = symptom.package, MISSING.search(symptom.text)
    if misfit(symptom.text):
        version = facts.numpy_version
        return BUILT_FOR_ANOTHER_NUMPY, f"{owner} was built for a different numpy than the installed {version}."
    if missing and not _present(missing[1], facts):
        needed = f"the module {missing[1]}, which it needs, is not installed"
        return DEPENDENCY_MISSING, f"{package} can't be imported: {needed}."
    if symptom.result.name.startswith("share-"):
        return MEMORY_NOT_SHARED, f"{package} doesn't exchange arrays with numpy correctly."
    return IMPORT_FAILS, f"{package} can't be imported{_manner(symptom.result)}."


def _library_too_old(match: re.Match[str], package: str, owner: str, facts: Facts) -> Cause:
    """A compiled module asks for more than a shared library has: the same wheel again would ask for the same."""
    library, wanted = match["library"], match["wanted"]
    holder = facts.disk.owner_of(library) or facts.disk.owner_of(os.path.realpath(library))
    older = pip_command(package, facts, requirement=nearest_release(package, facts, older=True))
    other = f"Take a release that was built for an older system: `{shlex.join(older)}`."
    if wanted.startswith("GLIBC_"):
        repair = other  # the C library is the system's, and can't be changed below it
    elif holder:
        update = shlex.join(["conda", "update", "--prefix", str(facts.disk.prefix), package_name(holder)])
        repair = f"Run `{update}`: it owns that library."
    else:
        repair = f"{other} Or use another {Path(library).name}: LD_LIBRARY_PATH selects it."
    return LIBRARY_TOO_OLD(
        summary=f"{owner} needs {wanted}, which {library} doesn't provide.",
        files=(library,),
        owner=owner,
        package=package,
        repair=repair,
    )


def _manner(result: ProbeResult) -> str:
    """How a process ended, where it did not just raise an error."""
    return "" if result.outcome == "fail" or not result.problems else f": {result.problems[0]}"


def _present(module: str, facts: Facts) -> bool:
    """Whether the top-level module of this name lies in a site folder."""
    top = module.split(".")[0]
    return any((site / top).exists() or (site / f"{top}.py").exists() for site in facts.disk.sites)


def installed(package: str, facts: Facts) -> str:
    """A package with its installed version, where that is known."""
    for distribution in facts.disk.distributions:
        if distribution.name == canonical_name(package):
            return str(distribution)
    return f"{package} {facts.disk.conda.get(package, '')}".strip()
