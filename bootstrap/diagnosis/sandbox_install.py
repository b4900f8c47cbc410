"""The proof: what is suspected is installed for real, in a throw-away copy each, and looked at from two sides.

One process had numpy loaded before the installation, as a kernel has; the other is fresh, and is the integrity
check's. What fails before anything is installed is not held against anybody.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bootstrap.children import captured
from bootstrap.diagnosis.answer import Trial
from bootstrap.diagnosis.resolver import Question, as_files
from bootstrap.diagnosis.sandbox import sandbox
from bootstrap.errors import ProofError
from bootstrap.progress import Step
from bootstrap.scratch import scratch_folder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bootstrap.diagnosis.answer import Diagnosis
    from bootstrap.diagnosis.impact import ImpactAnalyzer
    from bootstrap.diagnosis.model import Finding
    from bootstrap.diagnosis.target import Target
    from bootstrap.progress import Progress

DEPENDENTS = ("pandas", "scipy", "scikit-learn", "matplotlib", "torch", "pyarrow", "xgboost", "numba", "h5py", "jax")
"""Packages that use numpy's binary interface: imported afterwards where they are installed."""
_LIMIT_SECONDS = 3600.0
_MOST_IMPORTS = 60
_TRIAL = Path(__file__).with_name("_child_install.py")


@dataclass(frozen=True)
class Observed:
    """What was seen of a copy."""

    steps: tuple[After, ...]
    """After each command."""
    causes: tuple[tuple[str, str], ...]
    """Severity and summary of what the integrity check finds in a fresh process at the end."""
    checked: bool
    """Whether that check could run."""


@dataclass(frozen=True)
class After:
    """What the process that had numpy loaded says after one installation."""

    installed: bool
    log: list[str]
    memory: str | None
    disk: str | None
    live: list[str]


def prove(analyzer: ImpactAnalyzer, diagnosis: Diagnosis, progress: Progress) -> tuple[Trial, ...]:
    """Installs each suspect for real; where there is none, all together.

    Raises:
        ProofError: There is no environment to copy, or a copy can't be made.
        ProofSpaceError: Not enough disk space for one.
    """
    suspects: list[Finding] = [*diagnosis.culprits]
    suspects += [f for f in diagnosis.alone if f.disturbs and not f.failed and f not in suspects]
    if not suspects and not diagnosis.together.failed:
        suspects = [diagnosis.together]
    target, names = analyzer.metadata_env.target, _names(suspects)
    trials: list[Trial] = []
    for finding in suspects:
        label = " + ".join(r.text for r in finding.requirements)
        progress.step(Step("install for real", len(trials), len(suspects), unit="copies", detail=label))
        if not trials:
            baseline = observe(target, [["-c", "pass"]], names, folder=analyzer.pip.folder)
        trials.append(_trial(analyzer, finding, baseline, names))
    return tuple(trials)


def refuse_freeze(against: Path | None) -> None:
    """A list has nothing to be copied.

    Raises:
        ProofError: Always, where a freeze file was given.
    """
    if against is not None:
        raise ProofError(
            "A freeze file can't be copied and tested like an environment.",
            evidence=[str(against)],
            hint="Install the list into a virtual environment, and pass that with `--python` instead of `--against`.",
        )


def _names(findings: Sequence[Finding]) -> list[str]:
    """The distributions whose imports count: numpy's dependents, and what the findings name, change or add."""
    named = [r.name for f in findings for r in f.requirements if r.name]
    changed = [c.name for f in findings for c in (*f.changes, *f.added)]
    return list(dict.fromkeys([*DEPENDENTS, *named, *changed]))[:_MOST_IMPORTS]


def _trial(analyzer: ImpactAnalyzer, finding: Finding, baseline: Observed, names: Sequence[str]) -> Trial:
    began = time.monotonic()
    requirements = tuple(r for r in finding.requirements if r.applies)
    asked = Question(requirements, constraints=analyzer.constraints, hashes=analyzer.hashed)
    with scratch_folder() as scratch:
        files = as_files(asked, analyzer.pip.folder, scratch)
        arguments = ["-m", "pip", "install", "--quiet", *analyzer.options, *files]
        seen = observe(analyzer.metadata_env.target, [arguments], names, folder=analyzer.pip.folder)
    after, before = seen.steps[0], baseline.steps[0]
    causes = [c for c in seen.causes if c not in baseline.causes]
    worst = next((v for v in ("broken", "doubtful") if any(severity == v for severity, _ in causes)), "ok")
    return Trial(
        requirements=finding.requirements,
        installed=after.installed,
        log=tuple(after.log),
        numpy_memory=after.memory,
        numpy_disk=after.disk,
        live=tuple(line for line in after.live if line not in before.live),
        fresh=tuple(f"{severity}: {summary}" for severity, summary in causes),
        fresh_verdict=worst if seen.checked else "unknown",
        seconds=time.monotonic() - began,
    )


def observe(
    target: Target,
    commands: Sequence[Sequence[str]],
    names: Sequence[str],
    *,
    folder: Path,
    method: str = "auto",
    check: bool = True,
) -> Observed:
    """Runs commands of the interpreter in order in a throw-away copy, and looks from both sides.

    Args:
        target: The interpreter.
        commands: Arguments for it.
        names: Distributions to import in the process that had numpy loaded before.
        folder: Where the commands run.
        method: How the copy is made; see `sandbox`.
        check: Whether the integrity check looks at it at the end.

    Raises:
        ProofError: The copy can't be made or used.
        ProofSpaceError: Not enough disk space for it.
    """
    with sandbox(target, method=method) as copy:
        job = {
            "python": str(copy.python),
            "commands": [list(command) for command in commands],
            "names": list(names),
            "folder": str(folder),
        }
        told = _run([*copy.wrapper, str(copy.python), "-B", str(_TRIAL)], json.dumps(job))
        try:
            steps = tuple(After(**step) for step in json.loads(told.stdout)["steps"])
        except ValueError as error:
            last = told.stderr.strip().splitlines()[-3:]
            raise ProofError("The temporary copy can't be used.", evidence=last or [str(error)]) from error
        command = [sys.executable, "-m", "bootstrap", "check", "--json", "--quiet", "--python", str(copy.python)]
        report: dict[str, Any] = {}
        with suppress(ValueError):  # an installation may break the very program that checks
            report = json.loads(_run([*copy.wrapper, *command], None).stdout) if check else {}
    return Observed(
        steps,
        # The copy's own place is no part of what it says.
        tuple((c["severity"], c["summary"].replace(str(copy.python), "python")) for c in report.get("causes", ())),
        checked="causes" in report,
    )


def _run(command: Sequence[str], text: str | None) -> subprocess.CompletedProcess[str]:
    try:
        return captured(command, _LIMIT_SECONDS, input=text)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ProofError("The temporary copy can't be used.", evidence=[str(error)]) from error
