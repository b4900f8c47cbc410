"""The prediction: each requirement alone, all together, and the smallest sets that move numpy."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING

from bootstrap.diagnosis.answer import Diagnosis
from bootstrap.diagnosis.ddmin import largest, smallest
from bootstrap.diagnosis.model import SUBJECT, Finding, Outcome, Requirement, Subject
from bootstrap.progress import Step

if TYPE_CHECKING:
    from bootstrap.diagnosis.court import Court
    from bootstrap.diagnosis.requirements import RequirementSet
    from bootstrap.progress import Progress


def predict(court: Court, wanted: RequirementSet, title: str, progress: Progress) -> Diagnosis:
    """What the requirements would do to the court's environment.

    Raises:
        IndexUnreachableError: An index doesn't answer.
        ResolverError: A resolver failed without a usable answer.
    """
    began = time.monotonic()
    alone, together, notes = _ask_all(court, wanted.requirements, progress)
    culprits = _culprits(court, wanted.requirements, alone, together, progress)
    conflicts = _conflicts(court, wanted.requirements, alone, together, progress)
    held = _held(court, wanted.requirements, together, progress)
    numpy = court.shadow.get(SUBJECT)
    if numpy is None:
        notes.append("numpy isn't installed there, so nothing can replace it")
    if wanted.hashed:
        notes.append(
            "hashes are required: requirements were resolved without them one by one, and with them all together"
        )
    if not wanted.requirements:
        notes.append("it has no requirements")
    return Diagnosis(
        source=wanted.source,
        environment=Subject(
            title=title,
            python=court.target.version,
            numpy=numpy.version if numpy else None,
            installed=len(court.shadow),
            unknown=tuple(d.name for d in court.shadow if not d.known),
        ),
        alone=alone,
        together=together,
        culprits=culprits,
        conflicts=conflicts,
        held=held,
        notes=tuple(notes),
        options=court.options,
        seconds=time.monotonic() - began,
    )


def _ask_all(
    court: Court, requirements: tuple[Requirement, ...], progress: Progress
) -> tuple[tuple[Finding, ...], Finding, list[str]]:
    """Each alone and all together; once more by pip alone where the two resolvers disagree on numpy."""
    alone, together = _ask_at_once(court, requirements, progress)
    if court.fast is court.pip or not court.confirm:
        return alone, together, []
    quick = court.finding(requirements, whole=True)
    if quick.moves == together.moves and bool(quick.failed) == bool(together.failed):
        return alone, together, []
    note = f"{court.fast.name} and {court.pip.name} disagree; all results here are pip's"
    court.trust_pip()
    alone, together = _ask_at_once(court, requirements, progress)
    return alone, together, [note]


def _ask_at_once(
    court: Court, requirements: tuple[Requirement, ...], progress: Progress
) -> tuple[tuple[Finding, ...], Finding]:
    total = len(requirements) + 1
    # uv waits for the index most of the time; pip computes.
    at_once = max(2, os.cpu_count() or 1) * (1 if court.fast is court.pip else 2)
    with ThreadPoolExecutor(at_once) as pool:
        # All together takes longest, so it begins first.
        whole = pool.submit(court.finding, requirements, sure=True, whole=True)
        each = [pool.submit(court.finding, (requirement,)) for requirement in requirements]
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
    court: Court,
    requirements: tuple[Requirement, ...],
    alone: tuple[Finding, ...],
    together: Finding,
    progress: Progress,
) -> tuple[Finding, ...]:
    """Those that move numpy alone, then the smallest sets of the others that do in company."""
    found = [f for f in alone if f.moves]
    rest = tuple(r for r, f in zip(requirements, alone, strict=True) if not f.moves and not f.failed and r.applies)
    if not found and not together.moves and not together.failed:
        return ()

    def moves(some: tuple[Requirement, ...]) -> bool:
        progress.step(Step("narrow down", detail=f"{len(some)} requirements"))
        return court.finding(some).moves

    while len(rest) > 1 and moves(rest):
        core = smallest(rest, moves)
        found.append(court.finding(core, sure=True))
        rest = tuple(r for r in rest if r not in core)
    return tuple(found)


def _conflicts(
    court: Court,
    requirements: tuple[Requirement, ...],
    alone: tuple[Finding, ...],
    together: Finding,
    progress: Progress,
) -> tuple[Finding, ...]:
    """The smallest set that can't be resolved together, where each of them can."""
    rest = tuple(r for r, f in zip(requirements, alone, strict=True) if not f.failed and r.applies)
    if not together.failed or court.hashed:
        return ()

    def fails(some: tuple[Requirement, ...]) -> bool:
        progress.step(Step("narrow down", detail=f"{len(some)} requirements"))
        return bool(court.finding(some).failed)

    return (court.finding(smallest(rest, fails)),) if len(rest) > 1 and fails(rest) else ()


def _held(
    court: Court, requirements: tuple[Requirement, ...], together: Finding, progress: Progress
) -> Outcome | None:
    """All together with numpy held where it is, if it would move otherwise."""
    numpy = court.shadow.get(SUBJECT)
    if numpy is None or not together.moves:
        return None
    progress.step(Step("hold numpy", detail=str(numpy)))
    return court.pip_or_fast.resolve(court.question(requirements, held=[hold(numpy.version)], whole=True))


def hold(version: str) -> str:
    """A bound that keeps numpy at a version; of a local version its public part, which indexes have."""
    return f"{SUBJECT}=={version}"


def undisturbing(court: Court, diagnosis: Diagnosis, progress: Progress) -> tuple[Requirement, ...]:
    """The largest part of the requirements that changes nothing of what is installed, and breaks nothing."""
    # Whoever disturbs alone has to go, whatever the others do.
    requirements = tuple(r for f in diagnosis.alone if not f.disturbs for r in f.requirements)

    def disturbs(some: tuple[Requirement, ...]) -> bool:
        progress.step(Step("find what can stay", detail=f"{len(some)} requirements"))
        return court.finding(some).disturbs

    kept, _ = largest(requirements, disturbs)
    return kept
