"""Failed probes: what they speak of, and what explains them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap._util.names import canonical_name
from bootstrap.health.probes.imports import ABI_SIGNS
from bootstrap.health.rules.base import KINDS
from bootstrap.health.rules.files import NOT_AS_LOCKED

if TYPE_CHECKING:
    from bootstrap.health.facts import Facts
    from bootstrap.health.model import Cause, ProbeResult, Severity

_KEPT = 4
_WHOLE = 8
"""Lines of one error that are kept whole."""
MISSING = re.compile(r"No module named '([\w.]+)'")
_REFUSES = re.compile(
    r"(?:needs|requires|incompatible with|built (?:with|for|against)) numpy\b|numpy is not available"
    r"|numpy\.(?:_?core)\.\w+ failed to import",
    re.IGNORECASE,
)
"""What packages say that look at numpy's version themselves, or reach for what it no longer has."""


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
            own = final.name in facts.further and not MISSING.search(symptom.text) and not misfit(symptom.text)
            symptoms.append(replace(symptom, severity="doubtful") if symptom.only_state or own else symptom)
    return symptoms


def misfit(text: str) -> bool:
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
    missing = MISSING.findall(symptom.text)
    return draft.id == NOT_AS_LOCKED.id and any(
        canonical_name(name.split(".")[0]) in draft.package for name in missing
    )


def _names(draft: Cause, symptom: Symptom, facts: Facts) -> bool:
    """Whether the failure names a module of the draft's package, or a file in its folder."""
    told = "\n".join(symptom.result.problems)
    named = [
        (site, Path(path)) for site in facts.disk.sites for path in draft.files if Path(path).is_relative_to(site)
    ]
    tops = {(site, path.relative_to(site).parts[0].split(".")[0]) for site, path in named}
    return any(
        # Short names would be found in any sentence.
        f"{site}/{top}/" in symptom.text or (len(top) > 3 and re.search(rf"\b{re.escape(top)}\b", told))
        for site, top in tops
    )
