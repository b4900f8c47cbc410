"""From findings to causes: what is wrong at the root, and what merely follows from it.

First every finding that can stand for itself becomes a draft: a shadowing module, an altered file, a package
that is not the locked one. Then each symptom (a failed import, a wrong answer) is given to the first draft that
explains it; only what nothing explains becomes a cause of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from bootstrap.health.model import SEVERITIES
from bootstrap.health.remediation import actions, in_words
from bootstrap.health.rules import compatibility, environment, files, numpy, process
from bootstrap.health.rules.base import KINDS
from bootstrap.health.rules.failures import own_cause
from bootstrap.health.symptoms import Symptom, explains, find_symptoms, passes_through

if TYPE_CHECKING:
    from bootstrap.health.facts import Facts
    from bootstrap.health.model import Cause


_ROOTS = (
    process.process_roots,
    environment.loader,
    environment.variables,
    environment.startup,
    environment.bytecode,
    numpy.absent,
    numpy.shadowed,
    numpy.versions,
    numpy.unrecorded,
    compatibility.misfits,
    files.records,
    files.moved,
    files.files,
    files.extra,
    environment.searched_first,
    environment.company,
    environment.renamed,
)
"""What finds drafts, those that explain most first."""


@dataclass
class _Case:
    """A draft with the symptoms that it explains."""

    draft: Cause
    symptoms: list[Symptom] = field(default_factory=list)

    def cause(self, facts: Facts) -> Cause:
        """The draft and its symptoms as one cause; as severe as its worst symptom."""
        draft = self.draft
        worst = min([draft.severity, *(s.severity for s in self.symptoms)], key=SEVERITIES.index)
        evidence = [*draft.evidence, *(line for symptom in self.symptoms for line in symptom.lines)]
        draft = replace(
            draft,
            severity=worst,
            evidence=tuple(dict.fromkeys(evidence)),
            repair=draft.repair or in_words(draft, facts),
        )
        return replace(draft, actions=actions(draft, worst, facts))


def attribute(facts: Facts) -> tuple[Cause, ...]:
    """The causes, worst first; none for a healthy environment."""
    cases, orphans = _assign(facts)
    # What fails because another package fails passes through that package's files, and comes after it.
    ordered = sorted(orphans, key=lambda one: sum(passes_through(one, other.package, facts) for other in orphans))
    for symptom in ordered:
        home = next((case for case in cases if explains(case.draft, symptom, facts)), None)
        if home is None:
            home = _Case(own_cause(symptom, facts))
            cases.append(home)
        home.symptoms.append(symptom)
    causes = [case.cause(facts) for case in _joined(cases)]
    return tuple(sorted(causes, key=lambda cause: SEVERITIES.index(cause.severity)))


def _joined(cases: list[_Case]) -> list[_Case]:
    """A package's own word that it doesn't go with this numpy is evidence, where it is seen not to."""
    kept = [case for case in cases if not KINDS[case.draft.id].declared]
    for case in cases:
        if KINDS[case.draft.id].declared:
            same = (c for c in kept if c.draft.package == case.draft.package and c.draft.id.startswith("built-for"))
            seen = next(same, None)
            if seen is None:
                kept.append(case)
            else:
                seen.draft = replace(seen.draft, evidence=(*seen.draft.evidence, *case.draft.evidence))
    return kept


def unexplained(facts: Facts) -> list[str]:
    """Names of the failed probes that nothing found so far explains."""
    return [symptom.result.name for symptom in _assign(facts)[1]]


def _assign(facts: Facts) -> tuple[list[_Case], list[Symptom]]:
    """The roots with the symptoms that follow from them, and the symptoms that follow from none."""
    cases = [_Case(draft) for find in _ROOTS for draft in find(facts)]
    orphans = []
    for symptom in find_symptoms(facts):
        # What an experiment has shown comes first, then the package's own faults, then those beneath it.
        ordered = sorted(cases, key=lambda c: (not c.draft.experiment, c.draft.package != symptom.package))
        home = next((case for case in ordered if explains(case.draft, symptom, facts)), None)
        if home is None:
            orphans.append(symptom)
        else:
            home.symptoms.append(symptom)
    return cases, orphans
