"""From findings to causes: what is wrong at the root, and what merely follows from it.

First every finding that can stand for itself becomes a draft: a shadowing module, an altered file, a package
that is not the locked one. Then each symptom (a failed import, a wrong answer) is given to the first draft that
explains it; only what nothing explains becomes a cause of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bootstrap.integrity import roots
from bootstrap.integrity.drafts import Draft, repair_package
from bootstrap.integrity.model import SEVERITIES, Cause, Severity
from bootstrap.integrity.probes.imports import ABI_SIGNS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bootstrap.integrity.facts import Facts
    from bootstrap.integrity.model import ProbeResult

_TRACE_LINES = 4


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
        return tuple(f"{self.result.name}: {problem}" for problem in self.result.problems[:_TRACE_LINES])


@dataclass
class _Case:
    """A draft with the symptoms that it explains."""

    draft: Draft
    symptoms: list[Symptom] = field(default_factory=list)

    def cause(self) -> Cause:
        """The draft and its symptoms as one cause; as severe as its worst symptom."""
        draft = self.draft
        worst = min([draft.severity, *(s.severity for s in self.symptoms)], key=SEVERITIES.index)
        evidence = [*draft.evidence, *(line for symptom in self.symptoms for line in symptom.lines)]
        return Cause(
            id=draft.id,
            severity=worst,
            summary=draft.summary,
            evidence=tuple(dict.fromkeys(evidence)),
            files=draft.files,
            owner=draft.owner,
            repair=draft.repair,
        )


def judge(facts: Facts) -> tuple[Cause, ...]:
    """The causes, worst first; none for a healthy environment."""
    cases = [_Case(draft) for draft in roots.find_roots(facts)]
    for symptom in find_symptoms(facts):
        home = next((case for case in _by_closeness(cases, symptom) if explains(case.draft, symptom, facts)), None)
        if home is None:
            home = _Case(_own_cause(symptom, facts))
            cases.append(home)
            home.draft = _extended(home.draft, symptom)
        else:
            home.symptoms.append(symptom)
    causes = [case.cause() for case in cases]
    return tuple(sorted(causes, key=lambda cause: SEVERITIES.index(cause.severity)))


def find_symptoms(facts: Facts) -> list[Symptom]:
    """Every failed probe, with the package that it speaks of."""
    symptoms = []
    for result in facts.numpy:
        if not result.ok:
            mild = result.name == "numpy-functions"
            symptoms.append(Symptom(result, "numpy", "doubtful" if mild else "broken"))
    repeated = {result.name: result for result in facts.alone}
    for result in facts.dependents:
        alone = repeated.get(result.name)
        if alone is not None and alone.ok:
            continue  # fails only in company: `_own_cause` is given the pair by roots.find_roots
        final = alone or result
        if not final.ok:
            package = final.name.removeprefix("import ").removeprefix("share-")
            only_state = final.outcome == "fail" and final.facts.get("float_state") == [
                line.partition(": ")[2] for line in final.problems
            ]
            symptoms.append(Symptom(final, package, "doubtful" if only_state else "broken"))
    return symptoms


def _by_closeness(cases: Sequence[_Case], symptom: Symptom) -> list[_Case]:
    """The cases in the order in which they may claim a symptom: the package's own before numpy's."""
    return sorted(cases, key=lambda case: (not case.draft.experiment, case.draft.package != symptom.package))


def explains(draft: Draft, symptom: Symptom, facts: Facts) -> bool:
    """Whether a symptom follows from a draft."""
    if draft.experiment:
        return symptom.result.name in draft.experiment
    if draft.severity == "note":
        return False
    if draft.package == symptom.package:
        return True
    if any(path in symptom.text for path in draft.files):
        return True
    if draft.package and any(
        f"{site}/{draft.package.replace('-', '_')}/" in symptom.text for site in facts.disk.sites
    ):
        return True
    if symptom.package == "numpy":
        return draft.core
    return draft.core or draft.package == "numpy"


def _own_cause(symptom: Symptom, facts: Facts) -> Draft:
    """The cause that a symptom becomes when nothing on disk explains it."""
    result, text = symptom.result, symptom.text
    if symptom.package == "numpy":
        return _numpy_cause(symptom, facts)
    owner = _installed(symptom.package, facts)
    repair = repair_package(symptom.package, facts)
    if symptom.severity == "doubtful":
        return Draft(
            id="float-state-changed",
            severity="doubtful",
            summary=f"Importing {symptom.package} changes floating-point arithmetic for the whole process.",
            owner=owner,
            package=symptom.package,
            repair=f"Use a build of {symptom.package} that was not compiled with -ffast-math.",
        )
    if any(sign in text for sign in ABI_SIGNS) or "Numpy is not available" in text:
        return Draft(
            id="built-for-another-numpy",
            severity="broken",
            summary=f"{symptom.package} was built for another numpy than the installed {facts.numpy_version}.",
            owner=owner,
            package=symptom.package,
            repair=repair,
        )
    if result.name.startswith("share-"):
        return Draft(
            id="memory-not-shared",
            severity="broken",
            summary=f"{symptom.package} does not exchange arrays with numpy as it should.",
            owner=owner,
            package=symptom.package,
            repair=repair,
        )
    return Draft(
        id="import-fails",
        severity="broken",
        summary=f"{symptom.package} can't be imported{_manner(result)}.",
        owner=owner,
        package=symptom.package,
        repair=repair,
    )


def _numpy_cause(symptom: Symptom, facts: Facts) -> Draft:
    result = symptom.result
    repair = repair_package("numpy", facts)
    if result.name == "numpy-functions":
        return Draft(
            id="numpy-patched",
            severity="doubtful",
            summary="Other code replaces functions of numpy when the interpreter starts.",
            files=tuple(result.facts.get("files", ())),
            package="numpy",
            repair="Remove what replaces them, or take it out of the startup files.",
        )
    if result.name == "float-state":
        return Draft(
            id="float-state",
            severity="broken",
            summary="Floating-point arithmetic is altered before numpy is imported.",
            package="numpy",
            core=True,
            repair="Find the preloaded library that sets rounding or flush-to-zero, and take it away.",
        )
    if result.name == "numpy-import":
        return Draft(
            id="numpy-import-fails",
            severity="broken",
            summary=f"numpy can't be imported{_manner(result)}.",
            repair=repair,
            owner=facts.numpy_owner,
            package="numpy",
        )
    if result.outcome in ("died", "timeout", "memory"):
        return Draft(
            id="numpy-crashes",
            severity="broken",
            summary=f"numpy does not survive the probe {result.name}{_manner(result)}.",
            repair=repair,
            owner=facts.numpy_owner,
            package="numpy",
        )
    return Draft(
        id="numpy-wrong-answers",
        severity="broken",
        summary="numpy computes wrong answers, although its files are as they should be.",
        repair=repair,
        owner=facts.numpy_owner,
        package="numpy",
    )


def _extended(draft: Draft, symptom: Symptom) -> Draft:
    """A symptom's own cause, with what the symptom said as its evidence."""
    return draft.with_evidence(symptom.lines)


def _manner(result: ProbeResult) -> str:
    if result.outcome == "fail" or not result.problems:
        return ""
    return f": {result.problems[0]}"


def _installed(package: str, facts: Facts) -> str:
    for distribution in facts.disk.distributions:
        if distribution.name == package.lower().replace("_", "-"):
            return str(distribution)
    version = facts.disk.conda.get(package, "")
    return f"{package} {version}".strip()
