"""Failed probes: what they speak of, what explains them, and what they mean when nothing does."""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap._util.names import canonical_name
from bootstrap.health.probes.imports import ABI_SIGNS
from bootstrap.health.remediation import nearest_release, pip_command, repair_package
from bootstrap.health.rules.base import KINDS, CauseKind
from bootstrap.health.rules.compatibility import BUILT_FOR_ANOTHER_NUMPY, DEPENDENCY_MISSING
from bootstrap.health.rules.files import NOT_AS_LOCKED
from bootstrap.health.rules.process import FLOAT_STATE_CHANGED, NUMPY_PATCHED

if TYPE_CHECKING:
    from bootstrap.health.facts import Facts
    from bootstrap.health.model import Cause, ProbeResult, Severity

FLOAT_STATE = CauseKind("float-state", package="numpy")
IMPORT_FAILS = CauseKind("import-fails", repairs=("reinstall",))
INTERPRETER_START_FAILS = CauseKind("interpreter-start-fails", package="numpy")
LIBRARY_TOO_OLD = CauseKind("library-too-old")
MEMORY_NOT_SHARED = CauseKind("memory-not-shared", repairs=("reinstall",))
NUMPY_CRASHES = CauseKind("numpy-crashes", package="numpy", repairs=("reinstall",))
NUMPY_IMPORT_FAILS = CauseKind("numpy-import-fails", package="numpy", repairs=("reinstall",))
NUMPY_WRONG_ANSWERS = CauseKind("numpy-wrong-answers", package="numpy", repairs=("reinstall",))

_KEPT = 4
_WHOLE = 8
"""Lines of one error that are kept whole."""
_MISSING = re.compile(r"No module named '([\w.]+)'")
_REFUSES = re.compile(
    r"(?:needs|requires|incompatible with|built (?:with|for|against)) numpy\b|numpy is not available"
    r"|numpy\.(?:_?core)\.\w+ failed to import",
    re.IGNORECASE,
)
"""What packages say that look at numpy's version themselves, or reach for what it no longer has."""
_TOO_OLD = re.compile(r"(?P<library>/\S+): version [`'](?P<wanted>(?:GLIBC|GLIBCXX|CXXABI|GCC)_[\w.]+)' not found")


@dataclass(frozen=True)
class Symptom:
    """One failed probe."""

    result: ProbeResult
    package: str
    """The package that it speaks of: ``numpy``, or a dependent."""
    severity: Severity

    @property
    def text(self) -> str:
        """All that the failure said."""
        return "\n".join([*self.result.problems, *self.result.facts.get("traceback", [])])

    @property
    def lines(self) -> tuple[str, ...]:
        """What of it is kept as evidence."""
        return tuple(f"{self.result.name}: {gist(problem)}" for problem in self.result.problems[:_KEPT])

    @property
    def only_state(self) -> bool:
        """Whether all that it says is that an import has changed floating-point arithmetic."""
        changed = [f"after {self.result.name}: {line}" for line in self.result.facts.get("float_state", ())]
        return bool(changed) and changed == list(self.result.problems)


def find_symptoms(facts: Facts) -> list[Symptom]:
    """Every failed probe, with the package that it speaks of."""
    symptoms = [
        Symptom(result, "numpy", "doubtful" if result.name == "numpy-functions" else "broken")
        for result in facts.numpy
        if not result.ok
    ]
    repeated = {result.name: result for result in facts.alone}
    for result in facts.dependents:
        alone = repeated.get(result.name)
        if alone is not None and alone.ok:
            continue  # it fails only in company, which is a root of its own
        final = alone or result
        if not final.ok:
            package = final.name.removeprefix("import ").removeprefix("share-")
            symptom = Symptom(final, package, "broken")
            # What is neither usual nor asked for may have reasons of its own, as a screen that isn't there.
            own = final.name in facts.further and not _MISSING.search(symptom.text) and not _misfit(symptom.text)
            symptoms.append(replace(symptom, severity="doubtful") if symptom.only_state or own else symptom)
    return symptoms


def _misfit(text: str) -> bool:
    """Whether a failure says that it met another numpy than it was built for."""
    return any(sign in text for sign in ABI_SIGNS) or bool(_REFUSES.search(text))


def gist(problem: str) -> str:
    """An error of several lines on one: all of it where it is short, else its ends and what numpy itself quotes."""
    parts = [line.strip() for line in problem.splitlines() if line.strip()] or [""]
    if len(parts) <= _WHOLE:
        return " ".join(parts)
    quoted = next((i for i, line in enumerate(parts) if line.startswith("Original error was:")), len(parts) - 1)
    return " ... ".join(dict.fromkeys([parts[0], " ".join(parts[quoted:])]))


def explains(draft: Cause, symptom: Symptom, facts: Facts) -> bool:
    """Whether a symptom follows from a draft."""
    if draft.experiment:
        return symptom.result.name in draft.experiment
    if draft.severity == "note" or draft.live or KINDS[draft.id].declared:
        return False
    if draft.package == symptom.package or draft.core:
        return True
    if symptom.package == "numpy":
        return False
    if any(path in symptom.text for path in draft.files):
        return True
    if draft.package == "numpy" or (draft.package and passes_through(symptom, draft.package, facts)):
        return True
    return _names(draft, symptom, facts) or _lacks(draft, symptom)


def passes_through(symptom: Symptom, package: str, facts: Facts) -> bool:
    """Whether a failure's traceback runs through the folder of another package."""
    folder = package.replace("-", "_")
    return symptom.package != package and any(f"{site}/{folder}/" in symptom.text for site in facts.disk.sites)


def _lacks(draft: Cause, symptom: Symptom) -> bool:
    """Whether the failure misses a module that a package of the draft's name would bring.

    Names of conda packages contain those of their modules as a rule: python-dateutil, pyyaml, pytorch.
    """
    missing = _MISSING.findall(symptom.text)
    return draft.id == NOT_AS_LOCKED.id and any(
        canonical_name(name.split(".")[0]) in draft.package for name in missing
    )


def _names(draft: Cause, symptom: Symptom, facts: Facts) -> bool:
    """Whether the failure names a module of the draft's package, or a file in its folder."""
    for site in facts.disk.sites:
        for path in map(Path, draft.files):
            if not path.is_relative_to(site):
                continue
            top = path.relative_to(site).parts[0].split(".")[0]
            if f"{site}/{top}/" in symptom.text:
                return True
            told = "\n".join(symptom.result.problems)
            # Short names would be found in any sentence.
            if len(top) > 3 and re.search(rf"\b{re.escape(top)}\b", told):
                return True
    return False


def own_cause(symptom: Symptom, facts: Facts) -> Cause:
    """The cause that a symptom becomes when nothing explains it."""
    if symptom.package == "numpy":
        return _numpy_cause(symptom, facts)
    package, result, text = symptom.package, symptom.result, symptom.text
    owner = installed(package, facts)
    severity: Severity = "broken"
    repair, requirement = repair_package(package, facts), ""
    missing = _MISSING.search(text)
    if symptom.only_state:
        kind, severity = FLOAT_STATE_CHANGED, "doubtful"
        summary = f"Importing {package} changes floating-point arithmetic for the whole process."
        repair = f"Use a build of {package} compiled without -ffast-math."
    elif old := _TOO_OLD.search(text):
        return _library_too_old(old, symptom, owner, facts)
    elif _misfit(text):
        kind = BUILT_FOR_ANOTHER_NUMPY
        summary = f"{owner} was built for a different numpy than the installed {facts.numpy_version}."
        requirement = nearest_release(package, facts)
        repair = repair_package(package, facts, requirement=requirement)
    elif missing and not _present(missing[1], facts):
        kind = DEPENDENCY_MISSING
        summary = f"{package} can't be imported: the module {missing[1]}, which it needs, is not installed."
        repair = repair_package(package, facts, complete=True)
    elif result.name.startswith("share-"):
        kind = MEMORY_NOT_SHARED
        summary = f"{package} doesn't exchange arrays with numpy correctly."
    else:
        kind, severity = IMPORT_FAILS, symptom.severity
        summary = f"{package} can't be imported{_manner(result)}."
    return kind(
        severity=severity,
        summary=summary,
        owner=owner,
        package=package,
        requirement=requirement,
        repair=repair,
    )


def _library_too_old(found: re.Match[str], symptom: Symptom, owner: str, facts: Facts) -> Cause:
    """A compiled module asks for more than a shared library has: the same wheel again would ask for the same."""
    library, wanted = found["library"], found["wanted"]
    holder = facts.disk.owner_of(library) or facts.disk.owner_of(os.path.realpath(library))
    older = pip_command(symptom.package, facts, requirement=nearest_release(symptom.package, facts, older=True))
    other = f"Take a release that was built for an older system: `{shlex.join(older)}`."
    if wanted.startswith("GLIBC_"):
        repair = other  # the C library is the system's, and can't be changed below it
    elif holder:
        name = holder.split(" ")[0]
        update = shlex.join(["conda", "update", "--prefix", str(facts.disk.prefix), name])
        repair = f"Run `{update}`: it owns that library."
    else:
        repair = f"{other} Or use another {Path(library).name}: LD_LIBRARY_PATH selects it."
    return LIBRARY_TOO_OLD(
        summary=f"{owner} needs {wanted}, which {library} doesn't provide.",
        files=(library,),
        owner=owner,
        package=symptom.package,
        repair=repair,
    )


def _numpy_cause(symptom: Symptom, facts: Facts) -> Cause:
    result = symptom.result
    repair = repair_package("numpy", facts)
    owner = facts.numpy_owner
    if result.name == "numpy-functions":
        return NUMPY_PATCHED(
            severity="doubtful",
            summary="Other code replaces functions of numpy.",
            files=tuple(result.facts.get("files", ())),
            repair="Remove the code that replaces them.",
        )
    if result.name == "float-state":
        started = result.facts.get("started", True)
        return (FLOAT_STATE if started else INTERPRETER_START_FAILS)(
            summary="Floating-point arithmetic is altered before numpy is imported."
            if started
            else f"The interpreter starts only without its site folders{_manner(result)}.",
            core=True,
            repair="Find the preloaded library that sets rounding or flush-to-zero, and remove it."
            if started
            else "Check the .pth files and sitecustomize of the site folders.",
        )
    if old := _TOO_OLD.search(symptom.text):
        return _library_too_old(old, symptom, owner, facts)
    if result.name == "numpy-import":
        kind, summary = NUMPY_IMPORT_FAILS, f"numpy can't be imported{_manner(result)}."
    elif result.outcome in ("died", "timeout", "memory"):
        kind, summary = NUMPY_CRASHES, f"numpy crashes in the probe {result.name}{_manner(result)}."
    else:
        kind, summary = NUMPY_WRONG_ANSWERS, "numpy computes wrong answers, although its files are unchanged."
    return kind(summary=summary, owner=owner, repair=repair)


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
