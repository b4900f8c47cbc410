"""The prediction: each requirement alone, all together, and the smallest sets that move numpy."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING

from bootstrap.diagnosis.answer import Diagnosis
from bootstrap.diagnosis.ddmin import largest, smallest
from bootstrap.diagnosis.model import NUMPY_NAME, Finding, Requirement, Resolution
from bootstrap.progress import Step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from bootstrap.diagnosis.impact import ImpactAnalyzer
    from bootstrap.diagnosis.requirements import RequirementSet
    from bootstrap.progress import Progress


def predict(analyzer: ImpactAnalyzer, wanted: RequirementSet, title: str, progress: Progress) -> Diagnosis:
    """What the requirements would do to the court's environment.

    Raises:
        IndexUnreachableError: An index doesn't answer.
        ResolverError: A resolver failed without a usable answer.
    """
    began = time.monotonic()
    alone, together, notes = _ask_all(analyzer, wanted.requirements, progress)
    culprits = _culprits(analyzer, alone, together, progress)
    conflicts = _conflicts(analyzer, alone, together, progress)
    held = _held(analyzer, wanted.requirements, together, progress)
    environment = analyzer.metadata_env.info(title)
    if environment.numpy is None:
        notes.append("numpy isn't installed there, so nothing can replace it")
    if wanted.hashed:
        notes.append(
            "hashes are required: requirements were resolved without them one by one, and with them all together"
        )
    if not wanted.requirements:
        notes.append("it has no requirements")
    return Diagnosis(
        source=wanted.source,
        environment=environment,
        alone=alone,
        together=together,
        culprits=culprits,
        conflicts=conflicts,
        held=held,
        notes=tuple(notes),
        options=analyzer.options,
        seconds=time.monotonic() - began,
    )


def _ask_all(
    analyzer: ImpactAnalyzer, requirements: Sequence[Requirement], progress: Progress
) -> tuple[tuple[Finding, ...], Finding, list[str]]:
    """Each alone and all together; once more by pip alone where the two resolvers disagree on numpy."""
    alone, together = _ask_at_once(analyzer, requirements, progress)
    if analyzer.fast is analyzer.pip:
        return alone, together, []
    quick = analyzer.analyze(requirements, whole=True)
    if quick.moves == together.moves and bool(quick.failed) == bool(together.failed):
        return alone, together, []
    note = f"{analyzer.fast.name} and {analyzer.pip.name} disagree; all results here are pip's"
    analyzer.fast = analyzer.pip
    alone, together = _ask_at_once(analyzer, requirements, progress)
    return alone, together, [note]


def _ask_at_once(
    analyzer: ImpactAnalyzer, requirements: Sequence[Requirement], progress: Progress
) -> tuple[tuple[Finding, ...], Finding]:
    total = len(requirements) + 1
    with ThreadPoolExecutor(max(2, os.cpu_count() or 1) * analyzer.fast.per_core) as pool:
        # All together takes longest, so it begins first.
        whole = pool.submit(analyzer.analyze, requirements, sure=True, whole=True)
        each = [pool.submit(analyzer.analyze, (requirement,)) for requirement in requirements]
        names = {future: r.text for future, r in zip(each, requirements, strict=True)}
        try:
            for done, future in enumerate(as_completed([whole, *each]), 1):
                future.result()
                label = names.get(future, "all together")
                progress.step(Step("resolve", done, total, unit="questions", detail=label))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return tuple(future.result() for future in each), whole.result()


def _culprits(
    analyzer: ImpactAnalyzer, alone: tuple[Finding, ...], together: Finding, progress: Progress
) -> tuple[Finding, ...]:
    """Those that move numpy alone, then the smallest sets of the others that do in company."""
    culprits = [f for f in alone if f.moves]
    if not culprits and not together.moves and not together.failed:
        return ()
    moves = _question(analyzer, progress, "narrow down", lambda finding: finding.moves)
    rest = _resolvable(f for f in alone if not f.moves)
    while len(rest) > 1 and moves(rest):
        core = smallest(rest, moves)
        culprits.append(analyzer.analyze(core, sure=True))
        rest = tuple(r for r in rest if r not in core)
    return tuple(culprits)


def _conflicts(
    analyzer: ImpactAnalyzer, alone: tuple[Finding, ...], together: Finding, progress: Progress
) -> tuple[Finding, ...]:
    """The smallest set that can't be resolved together, where each of them can."""
    if not together.failed or analyzer.hashed:
        return ()
    fails = _question(analyzer, progress, "narrow down", lambda finding: bool(finding.failed))
    rest = _resolvable(alone)
    return (analyzer.analyze(smallest(rest, fails)),) if len(rest) > 1 and fails(rest) else ()


def _resolvable(alone: Iterable[Finding]) -> tuple[Requirement, ...]:
    """The requirements that count here and can be resolved by themselves."""
    return tuple(r for f in alone if not f.failed for r in f.requirements if r.applies)


def _question(
    analyzer: ImpactAnalyzer, progress: Progress, phase: str, shows: Callable[[Finding], bool]
) -> Callable[[tuple[Requirement, ...]], bool]:
    """Whether a part of the requirements shows an effect, as delta debugging asks it."""

    def ask(some: tuple[Requirement, ...]) -> bool:
        progress.step(Step(phase, detail=f"{len(some)} requirements"))
        return shows(analyzer.analyze(some))

    return ask


def _held(
    analyzer: ImpactAnalyzer, requirements: Sequence[Requirement], together: Finding, progress: Progress
) -> Resolution | None:
    """All together with numpy held where it is, if it would move otherwise."""
    numpy = analyzer.metadata_env.get(NUMPY_NAME)
    if numpy is None or not together.moves:
        return None
    progress.step(Step("hold numpy", detail=str(numpy)))
    return analyzer.pip.resolve(analyzer.request(requirements, held=[hold(numpy.version)], whole=True))


def hold(version: str) -> str:
    """A bound that keeps numpy at a version; of a local version its public part, which indexes have."""
    return f"{NUMPY_NAME}=={version}"


def undisturbing(analyzer: ImpactAnalyzer, diagnosis: Diagnosis, progress: Progress) -> tuple[Requirement, ...]:
    """The largest part of the requirements that changes nothing of what is installed, and breaks nothing."""
    # Whoever disturbs alone has to go, whatever the others do.
    requirements = tuple(r for f in diagnosis.alone if not f.disturbs for r in f.requirements)
    disturbs = _question(analyzer, progress, "find what can stay", lambda finding: finding.disturbs)
    return largest(requirements, disturbs)[0]
